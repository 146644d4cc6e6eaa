//! What Weir publishes, field by field; the doc comments become the schemas' descriptions.
//!
//! Made from domain values by `encode`, written in the order of the fields below. Amounts and scores
//! are text, times are RFC 3339 in UTC. A re-KYC message carries no trace of the rule or alert behind
//! it: it reaches people who must not learn that somebody is suspected.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::alert::{AlertClass, Verdict};
use crate::domain::rekyc::{RekycLevel, RekycScope};
use crate::domain::{Reason, RekycCause, Severity};

/// A `CloudEvents` 1.0 message in structured JSON form, produced by Weir.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OutEnvelope<'a, D> {
    /// Always `1.0`.
    #[schemars(extend("const" = "1.0"))]
    pub specversion: &'static str,
    /// Derived from what it is about, so that a repeat can be recognized.
    pub id: &'a str,
    /// Always `weir`.
    #[schemars(extend("const" = "weir"))]
    pub source: &'static str,
    /// What kind of message it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Event time; a dead letter carries the time at which the broker stored the refused message.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// Always `application/json`.
    pub datacontenttype: &'static str,
    /// What it says.
    pub data: D,
}

/// An alert was raised, `aml.alert.v1`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlertData<'a> {
    /// The alert's id.
    pub alert_id: &'a str,
    /// The rule's name.
    pub rule: &'a str,
    /// The rule's title.
    pub title: &'a str,
    /// What the alert asks for.
    #[schemars(extend("enum" = AlertClass::WORDS))]
    pub class: &'static str,
    /// How grave the behavior is that the rule looks for.
    #[schemars(extend("enum" = Severity::WORDS))]
    pub severity: &'static str,
    /// 0 to 100, as text.
    #[schemars(regex(pattern = super::messages::AMOUNT))]
    pub score: String,
    /// One sentence for the officer.
    pub message: &'a str,
    /// Whom it is about.
    pub entity: EntityData<'a>,
    /// The customer of the event that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<&'a str>,
    /// The event that opened it.
    pub event: EventData<'a>,
    /// A late event took part.
    pub is_late: bool,
    /// Raised when an event was judged again after its identity arrived.
    pub is_re_evaluated: bool,
    /// Digest of the rule file.
    pub rule_digest: &'a str,
    /// Digest of what the rule means, lists that it reads included: unchanged by wording.
    pub meaning_digest: &'a str,
    /// Digest of the rulebook.
    pub rulebook_digest: &'a str,
    /// Digest of the field schema that the rulebook was checked against.
    pub schema_digest: &'a str,
    /// Further matches within this span extend the alert (`7d`, `36h`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<String>,
    /// Why it was raised.
    pub evidence: EvidenceData<'a>,
}

/// Whom or what an alert is about.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EntityData<'a> {
    /// `customer`, `account`, `device`, ...
    pub role: &'a str,
    /// The id in that role.
    pub id: &'a str,
}

/// One event of the log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventData<'a> {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// Its `CloudEvents` source.
    pub source: &'a str,
    /// Its `CloudEvents` id.
    pub id: &'a str,
    /// When it happened.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
}

/// Why an alert was raised.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EvidenceData<'a> {
    /// Each condition, in the order of the rule file.
    pub conditions: Vec<ConditionData<'a>>,
    /// Named values of the rule.
    pub values: Vec<ValueData<'a>>,
    /// Parameters with the value they had for this entity.
    pub params: Vec<ValueData<'a>>,
    /// Facts that were read.
    pub facts: Vec<ValueData<'a>>,
    /// Windows that were read.
    pub windows: Vec<WindowData<'a>>,
    /// Lists that the rule reads.
    pub lists: Vec<ListData<'a>>,
    /// The events of a sequence, in its order; not there without one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub steps: Vec<StepData<'a>>,
}

/// The event that one step of a sequence was bound to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StepData<'a> {
    /// The step's name.
    pub name: &'a str,
    /// The step as written in the rule file.
    pub text: &'a str,
    /// The event.
    pub event: EventData<'a>,
}

/// One condition of a rule.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConditionData<'a> {
    /// As written in the rule file.
    pub text: &'a str,
    /// Whether it held.
    pub held: bool,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<&'a str>,
    /// What it was held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<&'a str>,
}

/// A name and its value.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ValueData<'a> {
    /// The name.
    pub name: &'a str,
    /// The value as text; `absent` when there was none.
    pub value: &'a str,
}

/// One window that was read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WindowData<'a> {
    /// Its name in the rule file.
    pub name: &'a str,
    /// The aggregate as written in the rule file.
    pub text: &'a str,
    /// Its value as text; `absent` when there was none.
    pub value: &'a str,
    /// Start, excluded; not there for a lifetime window.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub from: Option<String>,
    /// End, included.
    #[schemars(extend("format" = "date-time"))]
    pub to: String,
    /// Older events were given up because a limit was reached.
    pub is_truncated: bool,
    /// How many events were in it.
    pub events_total: u64,
    /// The latest of them, oldest first.
    pub events: Vec<ContributionData<'a>>,
}

/// One list that the rule reads.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ListData<'a> {
    /// The list's name.
    pub name: &'a str,
    /// Digest of its content: its version.
    pub digest: &'a str,
    /// The rows that were found.
    pub rows: Vec<ListRowData<'a>>,
}

/// One row of a list that was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ListRowData<'a> {
    /// The condition or call as written in the rule file.
    pub text: &'a str,
    /// The value whose row it is.
    pub value: &'a str,
    /// What it says in the column that was asked for; not there where only its presence was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<&'a str>,
    /// Valid from then on, included; not there for always.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub valid_from: Option<String>,
    /// Until then, excluded; not there for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub valid_to: Option<String>,
}

/// One event in a window.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ContributionData<'a> {
    /// The event.
    pub event: EventData<'a>,
    /// What it added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a str>,
}

/// A further match extended an open alert, `aml.alert.updated.v1`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlertUpdatedData<'a> {
    /// The open alert.
    pub alert_id: &'a str,
    /// The rule's name.
    pub rule: &'a str,
    /// How grave the behavior is that the rule looks for.
    #[schemars(extend("enum" = Severity::WORDS))]
    pub severity: &'static str,
    /// Score of the further match, as text.
    #[schemars(regex(pattern = super::messages::AMOUNT))]
    pub score: String,
    /// Sentence of the further match.
    pub message: &'a str,
    /// Event of the further match.
    pub event: EventData<'a>,
}

/// A customer must be reviewed again, `aml.rekyc.requested.v1`. The same shape for every cause.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RekycRequestedData<'a> {
    /// The request.
    pub request_id: &'a str,
    /// Who is to be reviewed.
    pub customer_id: &'a str,
    /// What is to be reviewed.
    #[schemars(extend("enum" = RekycScope::WORDS))]
    pub scope: &'static str,
    /// How deep.
    #[schemars(extend("enum" = RekycLevel::WORDS))]
    pub level: &'static str,
    /// Why, in neutral words.
    #[schemars(extend("enum" = RekycCause::WORDS))]
    pub cause: &'static str,
    /// When it must be done.
    #[schemars(extend("format" = "date-time"))]
    pub due_at: String,
}

/// An open request got a further cause, `aml.rekyc.merged.v1`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RekycMergedData<'a> {
    /// The open request.
    pub request_id: &'a str,
    /// How deep, after merging.
    #[schemars(extend("enum" = RekycLevel::WORDS))]
    pub level: &'static str,
    /// The further cause, in neutral words.
    #[schemars(extend("enum" = RekycCause::WORDS))]
    pub cause: &'static str,
    /// When it must be done, after merging.
    #[schemars(extend("format" = "date-time"))]
    pub due_at: String,
}

/// A message was refused and set aside, `aml.dead.v1`. The message itself stays in the quarantine.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeadLetterData<'a> {
    /// The stream.
    pub stream: &'a str,
    /// The message's sequence in the stream.
    pub sequence: u64,
    /// Why it was refused.
    #[schemars(extend("enum" = Reason::WORDS))]
    pub reason: &'static str,
    /// Where in the message; `$` for the whole.
    pub path: &'a str,
    /// What the field must be; never what it was.
    pub detail: &'a str,
    /// BLAKE3 digest of the message's body, in hexadecimal.
    pub payload_blake3: String,
    /// Bytes of the message's body.
    pub payload_bytes: u64,
}

/// Data of a logged rulebook activation.
#[derive(Clone, Debug, Serialize)]
pub struct RulebookOut<'a> {
    /// Digest of the rulebook.
    pub digest: &'a str,
    /// What somebody approved for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
}

/// Data of a logged verdict.
#[derive(Clone, Debug, Serialize)]
pub struct DispositionOut<'a> {
    /// The alert.
    pub alert_id: &'a str,
    /// The verdict.
    pub verdict: &'static str,
    /// Who decided.
    pub by: &'a str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
}

/// Data of a message that says nothing but its time.
#[derive(Clone, Debug, Serialize)]
pub struct Nothing {}

/// A verdict to be written to the log.
#[derive(Clone, Copy, Debug)]
pub struct Disposition<'a> {
    /// The alert.
    pub alert: &'a str,
    /// The verdict.
    pub verdict: Verdict,
    /// Who decided (a pseudonymous id).
    pub by: &'a str,
    /// Why, in free words.
    pub note: Option<&'a str>,
}
