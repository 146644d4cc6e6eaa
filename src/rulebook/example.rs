//! The tests inside a rule file: a small event story and what must come of it.
//!
//! Only data: the engine's rehearsal runs them in virtual time. Times are offsets from a fixed start.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::{Instant, Span};

use super::catalogue::EventName;
use super::typed::{List, Literal, SourceSpan};

/// One test of a rule.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// Where its name is written.
    pub span: SourceSpan,
    /// When the story starts; offsets count from here.
    pub start: Instant,
    /// Facts that hold before the first event: `customer: {C1: {risk: low}}`, and accounts.
    pub customers: BTreeMap<String, BTreeMap<String, Value>>,
    /// Facts of accounts.
    pub accounts: BTreeMap<String, BTreeMap<String, Value>>,
    /// Lists that replace the list files of the same name.
    pub lists: BTreeMap<String, List>,
    /// The events, `every`/`times` already unrolled, in the order of the file.
    pub events: Vec<ExampleEvent>,
    /// Instants to which time passes though nothing happens, `tick` and `until`, sorted.
    pub ticks: Vec<Instant>,
    /// The alerts that must come, in order; no others may.
    pub alerts: Vec<ExpectedAlert>,
    /// The re-KYC requests that must come, in order; `None` when the test does not say.
    pub rekyc: Option<Vec<ExpectedRekyc>>,
}

/// A value of the story, already checked against its field's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text or a word of a closed set.
    Text(String),
    /// Exact number.
    Number(Decimal),
    /// True or false.
    Bool(bool),
    /// An instant, written as an offset from the start.
    Time(Instant),
    /// A length of time.
    Duration(Span),
}

/// One event of the story.
#[derive(Clone, Debug)]
pub struct ExampleEvent {
    /// When it happened.
    pub at: Instant,
    /// When it reaches us: at or after `at`; stories are played in this order.
    pub arrives: Instant,
    /// What kind.
    pub name: EventName,
    /// Fields by their name within the family (`amount`, `direction`, `customer`), defaults applied.
    pub fields: BTreeMap<String, Value>,
    /// Where it is written.
    pub span: SourceSpan,
}

/// An alert that must come.
#[derive(Clone, Debug)]
pub struct ExpectedAlert {
    /// At which instant.
    pub at: Instant,
    /// About whom; `None` when the test does not say.
    pub entity: Option<String>,
    /// Its score; `None` when the test does not say.
    pub score: Option<Decimal>,
    /// Values of `let`s, by name, with the place where each is written.
    pub values: Vec<(String, Literal, SourceSpan)>,
    /// Where it is written.
    pub span: SourceSpan,
}

/// A re-KYC request that must come.
#[derive(Clone, Debug)]
pub struct ExpectedRekyc {
    /// At which instant.
    pub at: Instant,
    /// About whom: the customer, or the rule's entity.
    pub entity: Option<String>,
    /// How deep.
    pub level: Option<String>,
    /// Where it is written.
    pub span: SourceSpan,
}

/// When a story starts unless it says otherwise: a Monday, far from any change of clocks.
pub const STORY_START: &str = "2026-01-05T00:00:00Z";

/// Longest story, after `every`/`times` is unrolled.
pub const STORY_EVENTS_MAX: usize = 10_000;
