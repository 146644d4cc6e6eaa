//! Runs the tests inside rule files through the real engine, in virtual time.
//!
//! In: a checked rulebook. Out: for each test every difference between what the rule file expects and
//! what the engine did, as data, so that a terminal, JSON and a reload gate show the same thing. Each
//! test gets an engine of its own with one rule in it. No I/O, no clock.

mod compare;
pub mod gaps;
mod plain;
pub(super) mod story;
mod why;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::domain::{Alert, Instant, RekycRequest, Span};
use crate::rulebook::example::Example;
use crate::rulebook::typed::SourceSpan;
use crate::rulebook::{Rule, Rulebook, compose};

use super::outcome::Effect;
use super::witness::Judgement;
use super::{Engine, Limits};

pub use why::Why;

/// What came of all tests of a rulebook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In order of rule names, then of the file.
    pub rehearsals: Vec<Rehearsal>,
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// The rule.
    pub rule: String,
    /// Path of its file, relative to the rules folder.
    pub path: String,
    /// The test's name.
    pub example: String,
    /// Where the test is written.
    pub span: SourceSpan,
    /// What was not as expected; empty when the test passed.
    pub differences: Vec<Difference>,
}

/// One thing that was not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What to look at in the rule file: the expectation, or the test when nothing was expected.
    pub span: SourceSpan,
    /// Whether an alert or a re-KYC request is meant.
    pub subject: Subject,
    /// When it was expected, or when it came if nobody expected it; an offset from the story's start.
    pub at: Span,
    /// What is different.
    pub change: Change,
    /// Why it did not come, or not when it was expected.
    pub why: Option<Why>,
    /// Differences of the same alert or request share it; counted within the test.
    pub pair: usize,
}

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An alert.
    Alert,
    /// A re-KYC request.
    Rekyc,
}

/// How expected and actual differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It did not come.
    Missing {
        /// Whom it should have been about, when the test says so.
        entity: Option<String>,
        /// What else the test says of it.
        values: Vec<(String, String)>,
    },
    /// Nobody expected it.
    Unexpected {
        /// Whom it is about.
        entity: String,
        /// What it says: score and named values, or the level.
        values: Vec<(String, String)>,
    },
    /// It came, with something else in it.
    Different {
        /// `at`, `entity`, `score`, `level` or the name of a `let`.
        what: String,
        /// As the test says.
        expected: String,
        /// As the engine did.
        actual: String,
    },
}

impl Rehearsal {
    /// Whether everything was as expected.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Report {
    /// Whether every test passed.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.rehearsals.iter().all(Rehearsal::is_passed)
    }

    /// The tests that did not pass.
    pub fn failed(&self) -> impl Iterator<Item = &Rehearsal> {
        self.rehearsals.iter().filter(|rehearsal| !rehearsal.is_passed())
    }
}

/// Runs every test of every rule.
#[must_use]
pub fn rehearse_all(rulebook: &Rulebook) -> Report {
    let rehearsals = rulebook
        .rules
        .iter()
        .flat_map(|rule| rule.tests.iter().map(|example| rehearse(rulebook, rule, example)))
        .collect();
    Report { rehearsals }
}

/// Runs one test of `rule` with the lists of `rulebook`.
#[must_use]
pub fn rehearse(rulebook: &Rulebook, rule: &Rule, example: &Example) -> Rehearsal {
    let stage = stage(rulebook, rule, example);
    let mut performance = perform(&stage, rule, example, false);
    let mut differences = compare::differences(example, &performance);
    if differences.iter().any(|it| it.why.is_some()) {
        // Once more, and this time somebody asks the rule why.
        performance = perform(&stage, rule, example, true);
        differences = compare::differences(example, &performance);
    }
    Rehearsal {
        rule: rule.name.clone(),
        path: rule.path.clone(),
        example: example.name.clone(),
        span: example.span,
        differences,
    }
}

/// Whether one test passes, without working out why not.
#[must_use]
pub fn is_passed(rulebook: &Rulebook, rule: &Rule, example: &Example) -> bool {
    let performance = perform(&stage(rulebook, rule, example), rule, example, false);
    compare::differences(example, &performance).is_empty()
}

/// A rulebook with `rule` and those whose matches it reads, and the test's lists in place of those it
/// names. The others ask for nothing, so that what comes of the story comes of `rule`.
fn stage(rulebook: &Rulebook, rule: &Rule, example: &Example) -> Arc<Rulebook> {
    let mut lists = rulebook.lists.clone();
    lists.extend(example.lists.clone());
    let mut rules = vec![Arc::new(rule.clone())];
    for other in compose::needed(rule, &rulebook.rules) {
        rules.push(Arc::new(Rule { rekyc: None, ..Rule::clone(other) }));
    }
    Arc::new(Rulebook {
        catalogue: Arc::clone(&rulebook.catalogue),
        digest: rulebook.digest.clone(),
        rules,
        institution: rulebook.institution.clone(),
        lists,
        sources: BTreeMap::new(),
    })
}

/// What the engine did that a test can speak of, in order.
struct Performance {
    alerts: Vec<Alert>,
    requests: Vec<RekycRequest>,
    judgements: Vec<Judgement>,
}

fn perform(
    stage: &Arc<Rulebook>,
    rule: &Rule,
    example: &Example,
    is_asked_why: bool,
) -> Performance {
    let mut engine = Engine::new(Arc::clone(stage), Limits::default());
    for (at, seed) in story::seeds(example) {
        engine.seed_identity(at, &seed);
    }
    if is_asked_why {
        engine.listen();
    }
    let mut performance =
        Performance { alerts: Vec::new(), requests: Vec::new(), judgements: Vec::new() };
    for (sequence, step) in (1..).zip(story::steps(example)) {
        let effects = match step {
            story::Step::Event(event) => engine.apply(sequence, &event).effects,
            story::Step::Tick(at) => engine.let_time_pass(at),
        };
        for effect in effects {
            match effect {
                Effect::AlertRaised(alert) if alert.rule == rule.name => {
                    performance.alerts.push(*alert);
                }
                Effect::RekycRequested(request) => performance.requests.push(*request),
                // Extensions, merges, bookkeeping and other rules are not what a test counts.
                _ => {}
            }
        }
        let judgements = engine.take_judgements().into_iter();
        performance.judgements.extend(judgements.filter(|it| it.rule == rule.name));
    }
    performance
}

/// An instant as analysts write it: the offset from the story's start.
fn offset(example: &Example, at: Instant) -> Span {
    at - example.start
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Alert => "alert",
            Self::Rekyc => "re-KYC request",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, at, change, .. } = self;
        match change {
            Change::Missing { entity: Some(entity), .. } => {
                write!(out, "no {subject} about {entity} at {at}")
            }
            Change::Missing { entity: None, .. } => write!(out, "no {subject} at {at}"),
            Change::Unexpected { entity, values } => {
                write!(out, "unexpected {subject} about {entity} at {at}")?;
                for (place, (name, value)) in values.iter().enumerate() {
                    let before = if place == 0 { ": " } else { ", " };
                    write!(out, "{before}{name} {value}")?;
                }
                Ok(())
            }
            Change::Different { what, expected, actual } => {
                write!(out, "{subject} at {at}: {what} is {actual}, expected {expected}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
