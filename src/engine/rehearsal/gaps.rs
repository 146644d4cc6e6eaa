//! Whether a rule's tests notice a change to the rule.
//!
//! In: all texts, and one change to one rule file. Out: what came of it. A changed rule is loaded like
//! any other and its tests are run by the real engine; the first that fails has noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::rulebook::Rulebook;
use crate::rulebook::example::Example;
use crate::rulebook::loader::{self, FileKind, file_kind};
use crate::rulebook::meaning::{canonical, rule_digest};
use crate::rulebook::mutate::{Mutant, mutants};
use crate::rulebook::typed::{Expr, ExprKind, Literal, Rule};

use super::is_passed;
use super::plain::plain;

/// One rule, with what is needed to load changed forms of it.
pub struct Study {
    /// The rule as it is.
    pub rule: Arc<Rule>,
    /// Every change to it.
    pub mutants: Vec<Mutant>,
    /// The texts it is loaded with, its own among them.
    sources: BTreeMap<String, String>,
    decision: Decision,
    /// The place of the test that failed last.
    noticed_last: AtomicUsize,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A test failed.
    Noticed,
    /// All tests passed.
    Unnoticed,
    /// The changed rule raises the same alerts, for the reason given.
    Same(&'static str),
    /// The changed file does not load.
    NotARule,
}

/// What decides, written so that equal texts decide alike.
#[derive(PartialEq, Eq)]
struct Decision {
    meaning: String,
    /// Everything but `where` and `when`.
    rest: String,
    /// The conditions that must all hold, of `where` and `when` together.
    conditions: BTreeSet<String>,
}

/// The wanted rules of `rulebook`, ready to be changed.
#[must_use]
pub fn studies(rulebook: &Rulebook, is_wanted: impl Fn(&Rule) -> bool) -> Vec<Study> {
    let wanted = rulebook.rules.iter().filter(|rule| is_wanted(rule));
    wanted.map(|rule| Study::new(rulebook, rule)).collect()
}

impl Study {
    fn new(rulebook: &Rulebook, rule: &Arc<Rule>) -> Self {
        let is_needed =
            |path: &str| file_kind(path) != FileKind::Rule || path == rule.path.as_str();
        let mut sources: BTreeMap<String, String> = rulebook
            .sources
            .iter()
            .filter(|(path, _)| is_needed(path))
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect();
        // A rule that names another one does not load alone.
        if loader::load(&sources).rulebook.is_none() {
            sources.clone_from(&rulebook.sources);
        }
        Self {
            rule: Arc::clone(rule),
            mutants: mutants(&rule.path, &rule.source),
            sources,
            decision: Decision::of(rule, rulebook),
            noticed_last: AtomicUsize::new(0),
        }
    }

    /// Loads the rule with `mutant` in it and runs its tests.
    #[must_use]
    pub fn try_out(&self, mutant: &Mutant) -> Fate {
        self.try_text(mutant.apply(&self.rule.source))
    }

    /// Loads `text` in place of the rule and runs its tests.
    #[must_use]
    pub fn try_text(&self, text: String) -> Fate {
        let mut sources = self.sources.clone();
        sources.insert(self.rule.path.clone(), text);
        let Some(rulebook) = loader::load(&sources).rulebook else { return Fate::NotARule };
        let Some(rule) = rulebook.rules.iter().find(|rule| rule.path == self.rule.path) else {
            // It was switched off, which no test of its own could notice.
            return Fate::Unnoticed;
        };
        if let Some(reason) = self.decision.is_like(&Decision::of(rule, &rulebook)) {
            return Fate::Same(reason);
        }
        // Every test copies its rule; the other tests need not come along.
        let mut bare = Rule::clone(rule);
        let tests = std::mem::take(&mut bare.tests);
        if self.is_noticed(&tests, |example| is_passed(&rulebook, &bare, example)) {
            Fate::Noticed
        } else {
            Fate::Unnoticed
        }
    }

    /// Whether one of `tests` fails. Like changes are noticed by like tests, so the one that failed last is
    /// tried first; the answer is the same in any order.
    fn is_noticed(&self, tests: &[Example], passes: impl Fn(&Example) -> bool) -> bool {
        let last = self.noticed_last.load(Ordering::Relaxed);
        for place in std::iter::once(last).chain((0..tests.len()).filter(|it| *it != last)) {
            if tests.get(place).is_some_and(|example| !passes(example)) {
                self.noticed_last.store(place, Ordering::Relaxed);
                return true;
            }
        }
        false
    }
}

impl Decision {
    fn of(rule: &Rule, rulebook: &Rulebook) -> Self {
        let rule = &plain(rule.clone());
        let mut conditions = BTreeMap::new();
        rule.filter.iter().for_each(|filter| conjuncts(rule, filter, &mut conditions));
        conjuncts(rule, &rule.when, &mut conditions);
        // An `or` of which one part must hold by itself asks for nothing more.
        let needed: BTreeSet<String> = conditions.keys().cloned().collect();
        conditions.retain(|_, parts| !parts.iter().any(|part| needed.contains(part)));
        let conditions = conditions.into_keys().collect();
        let mut rest = rule.clone();
        // Exceptions are counted by name, but excuse whatever their name.
        rest.unless.iter_mut().for_each(|exception| exception.name.clear());
        let digest = |rule: &Rule| rule_digest(rule, &rulebook.lists, &rulebook.institution);
        let meaning = digest(&rest);
        rest.filter = None;
        rest.when.kind = ExprKind::Literal(Literal::Bool(true));
        Self { meaning, rest: digest(&rest), conditions }
    }

    /// Why `self` and `other` raise the same alerts, if that can be told from their texts.
    fn is_like(&self, other: &Self) -> Option<&'static str> {
        if self.meaning == other.meaning {
            return Some("it means the same");
        }
        (self.rest == other.rest && self.conditions == other.conditions)
            .then_some("the same condition stands elsewhere in `where` or `when`")
    }
}

/// What must hold for `expr` to hold: canonical texts, and those of the alternatives of an `or`.
fn conjuncts(rule: &Rule, expr: &Expr, into: &mut BTreeMap<String, Vec<String>>) {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().for_each(|part| conjuncts(rule, part, into)),
        ExprKind::Literal(Literal::Bool(true)) => {}
        ExprKind::Let(index) => {
            let named = rule.lets.get(*index);
            if let Some(named) = named {
                conjuncts(rule, &named.expr, into);
            }
        }
        ExprKind::Or(parts) => {
            let alternatives = parts.iter().map(|part| canonical(rule, part)).collect();
            into.insert(canonical(rule, expr), alternatives);
        }
        _ => {
            into.insert(canonical(rule, expr), Vec::new());
        }
    }
}
