//! The handbook of a rulebook: scenarios, assumptions, parameters and thresholds, written down.
//!
//! In: a checked rulebook, what its rules cost, and the results of their tests. Out: one page for people who
//! answer for the rules and for those who examine them, in Markdown or HTML. Nothing here is written by hand:
//! what the page says is what the rule files say and what the engine makes of them. The same rules give the
//! same bytes; a date stands on it only if it is given.

mod chapter;
mod document;
mod front;
mod html;
mod lists;
mod markdown;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::anatomy::anatomy;
use crate::engine::cost::{Assumptions, RuleCost, estimate, estimate_rule};
use crate::rulebook::describe;
use crate::rulebook::typed::{Rule, Rulebook};

pub use document::{Block, Document, Part, Section, Table, Text};
pub use html::html;
pub use markdown::markdown;

/// What a handbook is made of.
pub struct Sources<'a> {
    /// The rules that are judged, lists, fields and institution.
    pub rulebook: &'a Arc<Rulebook>,
    /// All rules, also those that are off, by name.
    pub rules: &'a [Arc<Rule>],
    /// Whether each test passed, by rule and test; no entry where it was not run.
    pub results: &'a BTreeMap<(String, String), bool>,
    /// How busy keys are taken to be.
    pub assumptions: &'a Assumptions,
    /// In words.
    pub pace: String,
    /// What stands at the top.
    pub title: String,
    /// The day that stands on it.
    pub date: Option<String>,
}

/// One rule with what is worked out for it.
struct Told<'a> {
    rule: &'a Arc<Rule>,
    anatomy: crate::engine::anatomy::Anatomy,
    cost: Option<RuleCost>,
}

/// Puts the handbook together.
#[must_use]
pub fn handbook(sources: &Sources<'_>) -> Document {
    let costs = estimate(sources.rulebook, sources.assumptions);
    let mut by_name: BTreeMap<String, RuleCost> =
        costs.rules.into_iter().map(|cost| (cost.rule.name.clone(), cost)).collect();
    let told: Vec<Told<'_>> = sources
        .rules
        .iter()
        .map(|rule| Told {
            rule,
            anatomy: anatomy(sources.rulebook, rule),
            // One that is off is not among them.
            cost: by_name
                .remove(&rule.name)
                .or_else(|| estimate_rule(sources.rulebook, rule, sources.assumptions)),
        })
        .collect();
    let mut parts = Vec::new();
    let mut packs: Vec<&str> = told.iter().map(|it| describe::pack(it.rule)).collect();
    packs.sort_unstable();
    packs.dedup();
    for pack in packs {
        let chapters = told.iter().filter(|it| describe::pack(it.rule) == pack);
        parts.push(Part {
            title: if pack.is_empty() { "Rules".to_owned() } else { pack.to_owned() },
            chapters: chapters.map(|it| chapter::chapter(sources, it)).collect(),
        });
    }
    Document {
        title: sources.title.clone(),
        subtitle: front::subtitle(sources),
        front: front::front(sources, &told),
        parts,
    }
}

/// The anchor of a rule's chapter.
fn anchor(rule: &Rule) -> String {
    format!("rule-{}", rule.name)
}
