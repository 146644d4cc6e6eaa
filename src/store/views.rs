//! The answers to people's questions, as plain structs that also print as JSON.
//!
//! In: columns, put in by `queries.rs`. Out: what the command line and the demo show.
//! Words stay words here (`high`, `open`): these structs show what is stored, they decide nothing.

use serde::Serialize;

use super::evidence;
use crate::domain::{Evidence, FateCounts, Instant, Severity};
use crate::pipeline::LogIdentity;

/// What `status` of an alert may be: open, or the last verdict.
pub const ALERT_STATUSES: [&str; 4] = ["open", "false_positive", "explained", "confirmed"];

/// Which alerts to list.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// One of [`ALERT_STATUSES`].
    pub status: Option<String>,
    /// Any of these; empty for all.
    pub severities: Vec<Severity>,
    /// Of this rule only.
    pub rule: Option<String>,
    /// About this customer or entity only.
    pub party: Option<String>,
    /// Raised at or after this instant of event time.
    pub since: Option<Instant>,
    /// Also alerts of rules in shadow.
    pub with_shadow: bool,
    /// At most this many; 0 for all.
    pub limit: u64,
    /// Leaves out this many of the newest.
    pub offset: u64,
}

/// One line of the list of alerts; also what matching found alerts with planted parties needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertSummary {
    /// Its id.
    pub id: String,
    /// `open`, or the last verdict.
    pub status: String,
    /// The rule's name.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// What it asks for, as its word.
    pub class: String,
    /// How grave, as its word.
    pub severity: String,
    /// 0 to 100, as text.
    pub score: String,
    /// One sentence for the officer.
    pub message: String,
    /// Role of the entity.
    pub entity_role: String,
    /// The entity.
    pub entity_id: String,
    /// The customer, if one is known.
    pub customer: Option<String>,
    /// When it was raised, in event time.
    #[serde(serialize_with = "evidence::instant")]
    pub at: Instant,
    /// The sequence at which it was raised; differs from the event's when judged again.
    pub sequence: u64,
    /// Sequence of the opening event.
    pub event_sequence: u64,
    /// Source of the opening event.
    pub event_source: String,
    /// Id of the opening event.
    pub event_id: String,
    /// Time of the opening event.
    #[serde(serialize_with = "evidence::instant")]
    pub event_at: Instant,
    /// A late event took part.
    pub is_late: bool,
    /// Raised when an event was judged again.
    pub is_re_evaluated: bool,
    /// Recorded but not sent.
    pub is_shadow: bool,
    /// How often it matched, the first included.
    pub occurrences: u64,
}

/// One alert with everything that explains it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: AlertSummary,
    /// Digest of the rule file.
    pub rule_digest: String,
    /// Digest of what the rule means.
    pub meaning_digest: String,
    /// Digest of the rulebook.
    pub rulebook_digest: String,
    /// Digest of the field schema.
    pub schema_digest: String,
    /// Digest over the whole alert.
    pub digest: String,
    /// Why.
    #[serde(serialize_with = "evidence::serialize")]
    pub evidence: Evidence,
    /// Further matches, oldest first.
    pub further: Vec<AlertOccurrence>,
    /// Verdicts, oldest first.
    pub decisions: Vec<AlertDecision>,
}

/// A further match within the cool-down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertOccurrence {
    /// When, in event time.
    #[serde(serialize_with = "evidence::instant")]
    pub at: Instant,
    /// Sequence of its event.
    pub event_sequence: u64,
    /// Source of its event.
    pub event_source: String,
    /// Id of its event.
    pub event_id: String,
    /// Its score.
    pub score: String,
    /// Its sentence.
    pub message: String,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertDecision {
    /// The verdict's word.
    pub verdict: String,
    /// Who decided.
    pub by: String,
    /// Why.
    pub note: Option<String>,
    /// When, in event time.
    #[serde(serialize_with = "evidence::instant")]
    pub at: Instant,
    /// Its sequence.
    pub sequence: u64,
}

/// What a look-up by the beginning of an id came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<T> {
    /// Exactly one.
    One(Box<T>),
    /// None begins so.
    None,
    /// More than one begins so; some of them.
    Several(Vec<String>),
}

/// Which re-KYC requests to list.
#[derive(Clone, Debug, Default)]
pub struct RekycFilter {
    /// `open` or `completed`.
    pub status: Option<String>,
    /// Of this customer only.
    pub customer: Option<String>,
    /// Also requests of rules in shadow.
    pub with_shadow: bool,
    /// At most this many; 0 for all.
    pub limit: u64,
}

/// One re-KYC request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RekycSummary {
    /// Its id.
    pub id: String,
    /// `open` or `completed`.
    pub status: String,
    /// Who is to be reviewed.
    pub customer: String,
    /// What is to be reviewed.
    pub scope: String,
    /// How deep.
    pub level: String,
    /// When it was asked for.
    #[serde(serialize_with = "evidence::instant")]
    pub at: Instant,
    /// When it must be done.
    #[serde(serialize_with = "evidence::instant")]
    pub due_at: Instant,
    /// When it was done.
    #[serde(serialize_with = "evidence::instant_if_any")]
    pub completed_at: Option<Instant>,
    /// Recorded but not sent.
    pub is_shadow: bool,
    /// Its causes, the opening one first.
    pub causes: Vec<RekycCauseRow>,
}

/// One cause of a re-KYC request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RekycCauseRow {
    /// The cause's word.
    pub cause: String,
    /// The rule that asked.
    pub rule: String,
    /// The rule author's reason; only the opening cause has one.
    pub reason: Option<String>,
    /// The alert behind it.
    pub alert: Option<String>,
    /// When.
    #[serde(serialize_with = "evidence::instant")]
    pub at: Instant,
}

/// One line of the list of quarantined messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantinedSummary {
    /// Its sequence.
    pub sequence: u64,
    /// When the broker stored it.
    #[serde(serialize_with = "evidence::instant")]
    pub stored_at: Instant,
    /// The reason's code.
    pub reason: String,
    /// Where in the message.
    pub path: String,
    /// In words.
    pub detail: String,
    /// `open` until somebody deals with it.
    pub status: String,
    /// How many bytes the body has.
    pub payload_bytes: u64,
}

/// One quarantined message, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedMessage {
    /// What the list shows.
    pub summary: QuarantinedSummary,
    /// The headers that were read.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub payload: Vec<u8>,
}

/// One row of the coverage table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// First sequence with a fate.
    pub first_sequence: u64,
    /// Last sequence with a fate.
    pub last_sequence: u64,
    /// Judged.
    pub evaluated: u64,
    /// Judged without an identity.
    pub parked: u64,
    /// Already judged.
    pub duplicate: u64,
    /// Set aside.
    pub quarantined: u64,
    /// Weir's own entries.
    pub control: u64,
    /// Sequences of the stretch without a fate: always 0.
    pub unmonitored: u64,
}

/// What `weir status` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The log's stream; `None` before a log was adopted.
    pub stream: Option<String>,
    /// When that stream was created.
    pub stream_created: Option<String>,
    /// Where reading began.
    pub first_sequence: u64,
    /// The committed position.
    pub position: u64,
    /// When the position last moved, by this machine's clock.
    #[serde(serialize_with = "evidence::instant")]
    pub updated_at: Instant,
    /// Judged.
    pub evaluated: u64,
    /// Judged without an identity.
    pub parked: u64,
    /// Already judged.
    pub duplicate: u64,
    /// Set aside.
    pub quarantined: u64,
    /// Weir's own entries.
    pub control: u64,
    /// Sequences up to the position without a fate: always 0.
    pub unmonitored: u64,
    /// Messages waiting for an identity now.
    pub parked_now: u64,
    /// Messages given up at the limit of parked ones.
    pub parked_given_up: u64,
    /// Quarantined messages that nobody dealt with yet.
    pub quarantined_open: u64,
    /// Alerts by status and severity; those in shadow apart.
    pub alerts: Vec<AlertCount>,
    /// Open re-KYC requests, without those in shadow.
    pub rekyc_open: u64,
    /// Committed messages not yet published.
    pub outbox_pending: u64,
    /// The live rulebook.
    pub rulebook: Option<ActiveRulebook>,
    /// The last words on things worth showing, such as why a reload failed.
    pub notes: Vec<Note>,
}

/// How many alerts there are of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertCount {
    /// `open`, or a verdict.
    pub status: String,
    /// Severity's word.
    pub severity: String,
    /// Of rules in shadow.
    pub is_shadow: bool,
    /// How many.
    pub count: u64,
}

/// The live rulebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveRulebook {
    /// Its digest.
    pub digest: String,
    /// From which sequence on it is live.
    pub since_sequence: u64,
}

/// The last word on something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// On what.
    pub name: String,
    /// What.
    pub value: String,
    /// When, by this machine's clock.
    #[serde(serialize_with = "evidence::instant")]
    pub at: Instant,
}

impl Status {
    /// The fates as counts.
    pub const fn counts(&self) -> FateCounts {
        FateCounts {
            evaluated: self.evaluated,
            parked: self.parked,
            duplicate: self.duplicate,
            quarantined: self.quarantined,
            control: self.control,
        }
    }

    /// Which log the position belongs to.
    pub fn log(&self) -> Option<LogIdentity> {
        let (stream, created) = (self.stream.clone(), self.stream_created.clone());
        stream.zip(created).map(|(stream, created)| LogIdentity { stream, created })
    }
}
