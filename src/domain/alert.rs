//! What a compliance officer sees: an alert, why it was raised, and the verdict on it.

use rust_decimal::Decimal;

use super::event::words;
use super::{Instant, Span};

words! {
    /// How grave the behaviour is that a rule looks for.
    Severity {
        /// For information.
        Info = "info",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// Critical: at once.
        Critical = "critical",
    }
}

words! {
    /// What an alert asks for. A threshold report is not a suspicion.
    AlertClass {
        /// Behaviour to be assessed for a suspicion report.
        Suspicion = "suspicion",
        /// A report that is due by amount alone.
        ThresholdReport = "threshold_report",
        /// One of the institution's own controls was passed.
        ControlBreach = "control_breach",
        /// Data that cannot be right.
        DataQuality = "data_quality",
    }
}

words! {
    /// A person's verdict on an alert.
    Verdict {
        /// Nothing to it.
        FalsePositive = "false_positive",
        /// Well found, explained.
        Explained = "explained",
        /// Suspicion confirmed.
        Confirmed = "confirmed",
    }
}

/// Whom or what an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    /// The role of the rule's `entity`: `customer`, `account`, `device`, ...
    pub role: String,
    /// The id in that role.
    pub id: String,
}

/// One event of the log, as evidence names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRef {
    /// Stream sequence.
    pub sequence: u64,
    /// CloudEvents source.
    pub source: String,
    /// CloudEvents id.
    pub id: String,
    /// Event time.
    pub at: Instant,
}

/// A match that was not suppressed, with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Derived from rule, entity and opening event; never random.
    pub id: String,
    /// The rule's name.
    pub rule: String,
    /// The rule's title at that time.
    pub title: String,
    /// Digest of the rule file's text.
    pub rule_digest: String,
    /// Digest of what the rule means, lists that it reads included: unchanged by wording.
    pub meaning_digest: String,
    /// Digest of the rulebook.
    pub rulebook_digest: String,
    /// Digest of the field schema that the rulebook was checked against.
    pub schema_digest: String,
    /// What it asks for.
    pub class: AlertClass,
    /// How grave.
    pub severity: Severity,
    /// 0 to 100.
    pub score: Decimal,
    /// One sentence for the officer.
    pub message: String,
    /// Whom it is about.
    pub entity: Entity,
    /// The customer of the opening event, when there is one.
    pub customer: Option<String>,
    /// The evaluation instant: event time, or the latest time already seen for that key.
    pub at: Instant,
    /// The event that opened it.
    pub event: EventRef,
    /// A late event took part.
    pub is_late: bool,
    /// Raised when an event was judged again after its identity arrived.
    pub is_re_evaluated: bool,
    /// Recorded but not sent: the rule is in shadow.
    pub is_shadow: bool,
    /// Within this span of `at`, further matches extend this alert.
    pub cooldown: Option<Span>,
    /// Why.
    pub evidence: Evidence,
}

/// A further match within an alert's cool-down.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertUpdate {
    /// The open alert.
    pub alert: String,
    /// The rule, for counting.
    pub rule: String,
    /// The rule's severity.
    pub severity: Severity,
    /// Recorded but not sent: the rule is in shadow.
    pub is_shadow: bool,
    /// Evaluation instant of the further match.
    pub at: Instant,
    /// Its event.
    pub event: EventRef,
    /// Its score.
    pub score: Decimal,
    /// Its sentence.
    pub message: String,
}

/// Everything a reader needs to see why an alert was raised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Each condition of `when`, in the order of the rule file.
    pub conditions: Vec<Condition>,
    /// Each named value that the conditions and the message use.
    pub values: Vec<NamedValue>,
    /// Parameters with the value they had for this entity.
    pub params: Vec<NamedValue>,
    /// Facts of the event and the customer that were read.
    pub facts: Vec<NamedValue>,
    /// Windows that were read, with the events in them.
    pub windows: Vec<WindowEvidence>,
    /// Lists that the rule reads, by name.
    pub lists: Vec<ListEvidence>,
    /// The events that the steps of a sequence were bound to, in the order of the file.
    pub steps: Vec<StepEvidence>,
}

/// The event that one step of a sequence was bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEvidence {
    /// The step's name.
    pub name: String,
    /// The step as written in the rule file.
    pub text: String,
    /// The event.
    pub event: EventRef,
}

/// One condition of `when`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As written in the rule file.
    pub text: String,
    /// Whether it held; in an `or`, some may not have.
    pub held: bool,
    /// What was seen, as text: the left side of a comparison.
    pub observed: Option<String>,
    /// What it was held against, as text: operator and right side.
    pub threshold: Option<String>,
}

/// A name and its value as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedValue {
    /// Name of the `let`, parameter or field.
    pub name: String,
    /// Its value; `absent` when there was none.
    pub value: String,
}

/// One window that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowEvidence {
    /// Name of the `let`, or the expression's text.
    pub name: String,
    /// The aggregate as written in the rule file.
    pub text: String,
    /// Its value as text; `absent` when there was none.
    pub value: String,
    /// Start, excluded; `None` for a lifetime window.
    pub from: Option<Instant>,
    /// End, included.
    pub to: Instant,
    /// Older events of the window are missing: given up because a limit was reached, or let go before an
    /// event was judged again.
    pub is_truncated: bool,
    /// How many events were in it.
    pub events_total: u64,
    /// The latest of them, oldest first; at most [`EVIDENCE_EVENTS_MAX`].
    pub events: Vec<Contribution>,
}

/// One list that the rule reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEvidence {
    /// The list's name.
    pub name: String,
    /// Digest of its content: its version.
    pub digest: String,
    /// The rows that were found, in the order of the rule file; what decided on entry into a window is not
    /// among them.
    pub rows: Vec<ListRowEvidence>,
}

/// One row of a list that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRowEvidence {
    /// The condition or call as written in the rule file.
    pub text: String,
    /// The value whose row it is.
    pub value: String,
    /// What it says in the column that was asked for, as text; `None` where only its presence was.
    pub cell: Option<String>,
    /// Valid from then on, included; `None` for always.
    pub valid_from: Option<Instant>,
    /// Until then, excluded; `None` for ever.
    pub valid_to: Option<Instant>,
}

/// One event in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// The event.
    pub event: EventRef,
    /// What it added to the window, as text (amount, counterparty); `None` for a plain count.
    pub value: Option<String>,
}

/// Most events listed per window; the total is always stated beside them.
pub const EVIDENCE_EVENTS_MAX: usize = 50;
