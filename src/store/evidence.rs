//! Evidence as JSON text and back, and the digest that tells two alerts apart.
//!
//! In: alerts of the domain. Out: the text of the evidence column, and a digest over every field.
//! The digest is what a replay compares: equal digests mean byte-for-byte equal alerts.
//! Never here: columns or SQL; times are RFC 3339 text, as everywhere a person may look.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Error;
use crate::domain::alert::{
    Condition, Contribution, EventRef, ListEvidence, ListRowEvidence, NamedValue, StepEvidence,
    WindowEvidence,
};
use crate::domain::{Alert, Evidence, Instant, RekycRequest};

/// The evidence column.
pub(super) fn to_json(evidence: &Evidence) -> Result<String, Error> {
    serde_json::to_string(&StoredEvidence::from(evidence))
        .map_err(|error| Error::Refused(format!("evidence cannot be written: {error}")))
}

/// Evidence from its column.
pub(super) fn from_json(text: &str) -> Result<Evidence, Error> {
    let stored: StoredEvidence = serde_json::from_str(text)
        .map_err(|error| Error::Damaged(format!("evidence cannot be read: {error}")))?;
    Ok(stored.into())
}

/// Evidence as part of a larger JSON document.
pub(super) fn serialize<S: Serializer>(evidence: &Evidence, out: S) -> Result<S::Ok, S::Error> {
    StoredEvidence::from(evidence).serialize(out)
}

/// The digest over every field of an alert, as stored beside it.
///
/// # Errors
/// The evidence cannot be written as JSON.
pub fn alert_digest(alert: &Alert) -> Result<String, Error> {
    Ok(digest_with(alert, &to_json(&alert.evidence)?))
}

/// As [`alert_digest`], with the evidence already written.
pub(super) fn digest_with(alert: &Alert, evidence: &str) -> String {
    let score = alert.score.to_string();
    let at = alert.at.0.to_string();
    let event_at = alert.event.at.0.to_string();
    let event_sequence = alert.event.sequence.to_string();
    let cooldown = alert.cooldown.map(|span| span.0.to_string());
    let flags = format!("{}{}{}", alert.is_late, alert.is_re_evaluated, alert.is_shadow);
    digest(&[
        Some(&alert.id),
        Some(&alert.rule),
        Some(&alert.title),
        Some(&alert.rule_digest),
        Some(&alert.meaning_digest),
        Some(&alert.rulebook_digest),
        Some(&alert.schema_digest),
        Some(alert.class.word()),
        Some(alert.severity.word()),
        Some(&score),
        Some(&alert.message),
        Some(&alert.entity.role),
        Some(&alert.entity.id),
        alert.customer.as_deref(),
        Some(&at),
        Some(&event_sequence),
        Some(&alert.event.source),
        Some(&alert.event.id),
        Some(&event_at),
        Some(&flags),
        cooldown.as_deref(),
        Some(evidence),
    ])
}

/// The digest over every field of a re-KYC request.
pub(super) fn rekyc_digest(request: &RekycRequest) -> String {
    let at = request.at.0.to_string();
    let due_at = request.due_at.0.to_string();
    let is_shadow = request.is_shadow.to_string();
    digest(&[
        Some(&request.id),
        Some(&request.customer),
        Some(request.scope.word()),
        Some(request.level.word()),
        Some(request.cause.word()),
        Some(&request.rule),
        Some(&request.reason),
        request.alert.as_deref(),
        Some(&at),
        Some(&due_at),
        Some(&is_shadow),
    ])
}

/// Lengths keep fields apart: `("ab", "c")` and `("a", "bc")` differ, as do absent and empty.
fn digest(fields: &[Option<&str>]) -> String {
    let mut hasher = blake3::Hasher::new();
    for field in fields {
        match field {
            Some(text) => {
                hasher.update(&(text.len() as u64 + 1).to_le_bytes());
                hasher.update(text.as_bytes());
            }
            None => {
                hasher.update(&0_u64.to_le_bytes());
            }
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// An instant as RFC 3339 text; outside the calendar, as a number of microseconds with `us`.
#[derive(Clone, Copy, Debug)]
struct StoredInstant(Instant);

impl Serialize for StoredInstant {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for StoredInstant {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let micros = text.strip_suffix("us").and_then(|number| number.parse().ok()).map(Instant);
        micros
            .or_else(|| Instant::parse(&text))
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not an instant"))
    }
}

/// An instant in the JSON that the command line prints.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serialize_with asks for")]
pub(super) fn instant<S: Serializer>(at: &Instant, out: S) -> Result<S::Ok, S::Error> {
    StoredInstant(*at).serialize(out)
}

/// An instant that may be absent, in the JSON that the command line prints.
#[expect(clippy::ref_option, reason = "the shape that serialize_with asks for")]
pub(super) fn instant_if_any<S: Serializer>(
    at: &Option<Instant>,
    out: S,
) -> Result<S::Ok, S::Error> {
    at.map(StoredInstant).serialize(out)
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredEvidence {
    conditions: Vec<StoredCondition>,
    values: Vec<StoredValue>,
    params: Vec<StoredValue>,
    facts: Vec<StoredValue>,
    windows: Vec<StoredWindow>,
    #[serde(default)]
    lists: Vec<StoredList>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StoredStep>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredStep {
    name: String,
    text: String,
    sequence: u64,
    source: String,
    id: String,
    at: StoredInstant,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredCondition {
    text: String,
    held: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredValue {
    name: String,
    value: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredWindow {
    name: String,
    text: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<StoredInstant>,
    to: StoredInstant,
    #[serde(default)]
    is_truncated: bool,
    events_total: u64,
    events: Vec<StoredContribution>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredList {
    name: String,
    digest: String,
    rows: Vec<StoredListRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredListRow {
    text: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cell: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<StoredInstant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<StoredInstant>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredContribution {
    sequence: u64,
    source: String,
    id: String,
    at: StoredInstant,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl From<&Evidence> for StoredEvidence {
    fn from(evidence: &Evidence) -> Self {
        let values = |list: &[NamedValue]| {
            list.iter()
                .map(|item| StoredValue { name: item.name.clone(), value: item.value.clone() })
                .collect()
        };
        Self {
            conditions: evidence.conditions.iter().map(StoredCondition::from).collect(),
            values: values(&evidence.values),
            params: values(&evidence.params),
            facts: values(&evidence.facts),
            windows: evidence.windows.iter().map(StoredWindow::from).collect(),
            lists: evidence.lists.iter().map(StoredList::from).collect(),
            steps: evidence.steps.iter().map(StoredStep::from).collect(),
        }
    }
}

impl From<StoredEvidence> for Evidence {
    fn from(stored: StoredEvidence) -> Self {
        let values = |list: Vec<StoredValue>| {
            list.into_iter().map(|item| NamedValue { name: item.name, value: item.value }).collect()
        };
        Self {
            conditions: stored.conditions.into_iter().map(Condition::from).collect(),
            values: values(stored.values),
            params: values(stored.params),
            facts: values(stored.facts),
            windows: stored.windows.into_iter().map(WindowEvidence::from).collect(),
            lists: stored.lists.into_iter().map(ListEvidence::from).collect(),
            steps: stored.steps.into_iter().map(StepEvidence::from).collect(),
        }
    }
}

impl From<&StepEvidence> for StoredStep {
    fn from(step: &StepEvidence) -> Self {
        Self {
            name: step.name.clone(),
            text: step.text.clone(),
            sequence: step.event.sequence,
            source: step.event.source.clone(),
            id: step.event.id.clone(),
            at: StoredInstant(step.event.at),
        }
    }
}

impl From<StoredStep> for StepEvidence {
    fn from(stored: StoredStep) -> Self {
        Self {
            name: stored.name,
            text: stored.text,
            event: EventRef {
                sequence: stored.sequence,
                source: stored.source,
                id: stored.id,
                at: stored.at.0,
            },
        }
    }
}

impl From<&Condition> for StoredCondition {
    fn from(condition: &Condition) -> Self {
        Self {
            text: condition.text.clone(),
            held: condition.held,
            observed: condition.observed.clone(),
            threshold: condition.threshold.clone(),
        }
    }
}

impl From<StoredCondition> for Condition {
    fn from(stored: StoredCondition) -> Self {
        Self {
            text: stored.text,
            held: stored.held,
            observed: stored.observed,
            threshold: stored.threshold,
        }
    }
}

impl From<&WindowEvidence> for StoredWindow {
    fn from(window: &WindowEvidence) -> Self {
        Self {
            name: window.name.clone(),
            text: window.text.clone(),
            value: window.value.clone(),
            from: window.from.map(StoredInstant),
            to: StoredInstant(window.to),
            is_truncated: window.is_truncated,
            events_total: window.events_total,
            events: window.events.iter().map(StoredContribution::from).collect(),
        }
    }
}

impl From<StoredWindow> for WindowEvidence {
    fn from(stored: StoredWindow) -> Self {
        Self {
            name: stored.name,
            text: stored.text,
            value: stored.value,
            from: stored.from.map(|at| at.0),
            to: stored.to.0,
            is_truncated: stored.is_truncated,
            events_total: stored.events_total,
            events: stored.events.into_iter().map(Contribution::from).collect(),
        }
    }
}

impl From<&ListEvidence> for StoredList {
    fn from(list: &ListEvidence) -> Self {
        let row = |row: &ListRowEvidence| StoredListRow {
            text: row.text.clone(),
            value: row.value.clone(),
            cell: row.cell.clone(),
            valid_from: row.valid_from.map(StoredInstant),
            valid_to: row.valid_to.map(StoredInstant),
        };
        Self {
            name: list.name.clone(),
            digest: list.digest.clone(),
            rows: list.rows.iter().map(row).collect(),
        }
    }
}

impl From<StoredList> for ListEvidence {
    fn from(stored: StoredList) -> Self {
        let row = |row: StoredListRow| ListRowEvidence {
            text: row.text,
            value: row.value,
            cell: row.cell,
            valid_from: row.valid_from.map(|at| at.0),
            valid_to: row.valid_to.map(|at| at.0),
        };
        let rows = stored.rows.into_iter().map(row).collect();
        Self { name: stored.name, digest: stored.digest, rows }
    }
}

impl From<&Contribution> for StoredContribution {
    fn from(contribution: &Contribution) -> Self {
        Self {
            sequence: contribution.event.sequence,
            source: contribution.event.source.clone(),
            id: contribution.event.id.clone(),
            at: StoredInstant(contribution.event.at),
            value: contribution.value.clone(),
        }
    }
}

impl From<StoredContribution> for Contribution {
    fn from(stored: StoredContribution) -> Self {
        Self {
            event: EventRef {
                sequence: stored.sequence,
                source: stored.source,
                id: stored.id,
                at: stored.at.0,
            },
            value: stored.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        Evidence {
            conditions: vec![Condition {
                text: "cash > 9000".to_owned(),
                held: true,
                observed: Some("9400.50".to_owned()),
                threshold: Some("> 9000".to_owned()),
            }],
            values: vec![NamedValue { name: "cash".to_owned(), value: "9400.50".to_owned() }],
            params: Vec::new(),
            facts: vec![NamedValue { name: "risk".to_owned(), value: "absent".to_owned() }],
            windows: vec![WindowEvidence {
                name: "cash".to_owned(),
                text: "sum(amount) over 7d".to_owned(),
                value: "9400.50".to_owned(),
                from: Some(Instant(-1)),
                to: Instant(1_700_000_000_123_456),
                is_truncated: false,
                events_total: 51,
                events: vec![Contribution {
                    event: EventRef {
                        sequence: 7,
                        source: "bank".to_owned(),
                        id: "t-1".to_owned(),
                        at: Instant(i64::MAX),
                    },
                    value: None,
                }],
            }],
            lists: vec![ListEvidence {
                name: "countries".to_owned(),
                digest: "ab12".to_owned(),
                rows: vec![ListRowEvidence {
                    text: "lookup(list.countries, tx.country, \"tier\")".to_owned(),
                    value: "SE".to_owned(),
                    cell: Some("low".to_owned()),
                    valid_from: Some(Instant(1_700_000_000_000_000)),
                    valid_to: None,
                }],
            }],
            steps: vec![StepEvidence {
                name: "changed".to_owned(),
                text: "kyc.profile_changed".to_owned(),
                event: EventRef {
                    sequence: 6,
                    source: "kyc".to_owned(),
                    id: "k-1".to_owned(),
                    at: Instant(5),
                },
            }],
        }
    }

    #[test]
    fn evidence_comes_back_as_it_was_stored() {
        let text = to_json(&evidence()).expect("written");
        assert_eq!(from_json(&text).expect("read"), evidence());
    }

    #[test]
    fn the_digest_keeps_fields_apart() {
        assert_ne!(digest(&[Some("ab"), Some("c")]), digest(&[Some("a"), Some("bc")]));
        assert_ne!(digest(&[Some("")]), digest(&[None]));
        assert_eq!(digest(&[Some("a"), None]), digest(&[Some("a"), None]));
    }
}
