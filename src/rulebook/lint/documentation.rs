//! What an examiner expects of a rule that raises alerts, beyond that it is right.
//!
//! Scenario, assumptions, thresholds with their reasons, people who answer for it, and proof. Only
//! `weir check --strict` demands it all (`missing`); a rule in shadow owes nothing yet. What contradicts
//! itself is told always (`people`), and so is a review whose day has passed (`review`).

use jiff::civil::Date;

use crate::domain::AlertClass;
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::metadata::Confidence;
use crate::rulebook::scaffold::PLACEHOLDER;
use crate::rulebook::typed::{Param, Rule, Status};

/// First word of the name of a test that stands on an edge.
pub const BOUNDARY: &str = "boundary";

/// The mark of a number that needs no source.
const DESIGN: &str = Confidence::Design.word();

/// What is missing, in a diagnostic for each place.
pub fn missing(rule: &Rule) -> Vec<Diagnostic> {
    if rule.status != Status::Active {
        return Vec::new();
    }
    let mut problems: Vec<Diagnostic> = keys(rule).into_iter().collect();
    for reference in rule.metadata.references.iter().filter(|it| it.confidence.is_none()) {
        let title = "the source has no mark of confidence";
        let label = "how firmly does it carry the rule?";
        let help = format!(
            "write `- {{ cite: {}, confidence: {} }}`",
            reference.cite,
            Confidence::WORDS.join(" | ")
        );
        let problem = Diagnostic::new("W223", &rule.path, reference.span, title, label);
        problems.push(problem.with_help(help));
    }
    problems.extend(rule.params.iter().filter_map(|param| reasons(rule, param)));
    problems.extend(boundary(rule));
    problems
}

/// What contradicts itself.
pub fn people(rule: &Rule) -> Vec<Diagnostic> {
    let metadata = &rule.metadata;
    let mut problems = Vec::new();
    if rule.status == Status::Active
        && let (Some(author), Some(approver)) = (&metadata.author, &metadata.approver)
        && is_said(author)
        && author.to_lowercase() == approver.value.to_lowercase()
    {
        let title = format!("`{author}` approves what `{author}` wrote");
        let label = "the author";
        let help = "a second pair of eyes lets a rule become active: name somebody else";
        let problem = Diagnostic::new("W218", &rule.path, approver.span, title, label);
        problems.push(problem.with_help(help));
    }
    if rule.class == AlertClass::Suspicion
        && let Some(disclosable) = metadata.disclosable.as_ref().filter(|it| it.value)
    {
        let title = "a suspicion must not be told to the customer";
        let label = "would tip them off";
        let help = "write `disclosable: false`, or another `class` if its alerts are no suspicions";
        let problem = Diagnostic::new("W222", &rule.path, disclosable.span, title, label);
        problems.push(problem.with_help(help));
    }
    problems
}

/// Whether the rule must have been reviewed before `today`.
pub fn review(rule: &Rule, today: Date) -> Option<Diagnostic> {
    let review = rule.metadata.review_by.as_ref()?;
    if rule.status != Status::Active || review.value >= today {
        return None;
    }
    let title = format!("the review of `{}` was due on {}", rule.name, review.value);
    let help = "look at its yield and its thresholds, note the result under `changes`, and set the next date";
    let problem = Diagnostic::new("W221", &rule.path, review.span, title, "the day has passed");
    Some(problem.with_help(help))
}

/// Whether `text` says something, and is not what a new rule starts with.
fn is_said(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !text.replace('-', " ").eq_ignore_ascii_case(PLACEHOLDER)
}

fn any_said(texts: &[String]) -> bool {
    texts.iter().any(|text| is_said(text))
}

/// The keys that are missing, all in one diagnostic.
fn keys(rule: &Rule) -> Option<Diagnostic> {
    let metadata = &rule.metadata;
    let is_there = |text: &Option<String>| text.as_deref().is_some_and(is_said);
    let typologies = rule.tags.get("typology").map_or(&[][..], Vec::as_slice);
    let approver = metadata.approver.as_ref().map(|it| it.value.clone());
    let needed = [
        ("version", metadata.version.is_some()),
        ("about", is_said(&rule.about)),
        ("misses", any_said(&metadata.misses)),
        ("false_alarms", any_said(&metadata.false_alarms)),
        ("tags.typology", any_said(typologies)),
        ("references", metadata.references.iter().any(|it| is_said(&it.cite))),
        ("owner", is_there(&metadata.owner)),
        ("author", is_there(&metadata.author)),
        ("approver", is_there(&approver)),
        ("expected_alerts", metadata.expected_alerts.is_some()),
        ("changes", !metadata.changes.is_empty()),
    ];
    let absent: Vec<&str> =
        needed.iter().filter(|(_, is_there)| !is_there).map(|(key, _)| *key).collect();
    if absent.is_empty() {
        return None;
    }
    let title = format!("`{}` does not say all that is asked of an active rule", rule.name);
    let label = match absent.len() {
        1 => "one key is missing".to_owned(),
        many => format!("{many} keys are missing"),
    };
    let help = format!("add {}; until then the rule belongs in shadow", absent.join(", "));
    let problem = Diagnostic::new("W217", &rule.path, metadata.named_at, title, label);
    Some(problem.with_help(help))
}

/// A number whose reasons are not told.
fn reasons(rule: &Rule, param: &Param) -> Option<Diagnostic> {
    let metadata = &param.metadata;
    let is_there = |text: &Option<String>| text.as_deref().is_some_and(is_said);
    // A design decision has no source but its reason.
    let is_cited = is_there(&metadata.source) || metadata.confidence == Some(Confidence::Design);
    let needed = [
        ("source", is_cited || metadata.confidence.is_none()),
        ("confidence", metadata.confidence.is_some()),
        ("why", is_there(&metadata.why)),
    ];
    let absent: Vec<&str> =
        needed.iter().filter(|(_, is_there)| !is_there).map(|(key, _)| *key).collect();
    if absent.is_empty() {
        return None;
    }
    let title = format!("nothing says why `{}` is what it is", param.name);
    let label = format!("without {}", absent.join(" and "));
    let form = match absent.as_slice() {
        ["source"] => format!("add `source: ...`, or write `confidence: {DESIGN}`"),
        ["why"] => "add `why: ...`".to_owned(),
        _ => {
            format!("add `confidence: {DESIGN}` and `why: ...`; with REG or IND also `source: ...`")
        }
    };
    Some(Diagnostic::new("W219", &rule.path, metadata.span, title, label).with_help(form))
}

/// A rule whose edges no test shows; that one fires and one stays quiet is asked of every rule.
fn boundary(rule: &Rule) -> Option<Diagnostic> {
    if rule.tests.is_empty() || rule.tests.iter().any(|test| test.name.starts_with(BOUNDARY)) {
        return None;
    }
    let span = rule.metadata.tests_at.unwrap_or(rule.metadata.named_at);
    let title = "no test stands on a boundary";
    let help = "add a story with a value exactly at a threshold, or a moment exactly at the end of a \
                window, and begin its name with `boundary`";
    let problem = Diagnostic::new("W220", &rule.path, span, title, "the edges are not proven");
    Some(problem.with_help(help))
}
