//! Alerts, re-KYC requests, dead letters and log entries become messages to publish.
//!
//! In: domain values. Out: subject, deterministic id and `CloudEvents` JSON, the same bytes every time.
//! No customer or account id enters a subject or message id, and what a rule in shadow found is not
//! sent at all. Ids of follow-ups are made from the stream sequence that caused them and their place
//! among that sequence's effects, so that two of them never look like a repeat of one.

use serde::Serialize;

use crate::domain::alert::{
    Condition, Contribution, EventRef, ListEvidence, ListRowEvidence, NamedValue, StepEvidence,
    WindowEvidence,
};
use crate::domain::rekyc::RekycMerge;
use crate::domain::{Alert, AlertUpdate, Evidence, Instant, Refusal, RekycRequest, Severity};
use crate::pipeline::{Delivery, Outgoing};

use super::kinds::Kind;
use super::outputs::{
    AlertData, AlertUpdatedData, ConditionData, ContributionData, DeadLetterData, Disposition,
    DispositionOut, EntityData, EventData, EvidenceData, ListData, ListRowData, Nothing,
    OutEnvelope, RekycMergedData, RekycRequestedData, RulebookOut, StepData, ValueData, WindowData,
};

/// Type of a new alert.
pub const ALERT: &str = "aml.alert.v1";
/// Type of a further match.
pub const ALERT_UPDATED: &str = "aml.alert.updated.v1";
/// Type of a re-KYC request.
pub const REKYC_REQUESTED: &str = "aml.rekyc.requested.v1";
/// Type of a further cause for a request.
pub const REKYC_MERGED: &str = "aml.rekyc.merged.v1";
/// Type of a refused message.
pub const DEAD_LETTER: &str = "aml.dead.v1";

/// Which effect of which message a follow-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The stream sequence that led to it.
    pub sequence: u64,
    /// Its place among the effects of that sequence.
    pub index: usize,
}

/// A new alert; `None` when its rule is in shadow.
#[must_use]
pub fn alert(alert: &Alert) -> Option<Outgoing> {
    if alert.is_shadow {
        return None;
    }
    let data = AlertData {
        alert_id: &alert.id,
        rule: &alert.rule,
        title: &alert.title,
        class: alert.class.word(),
        severity: alert.severity.word(),
        score: alert.score.normalize().to_string(),
        message: &alert.message,
        entity: EntityData { role: &alert.entity.role, id: &alert.entity.id },
        customer_id: alert.customer.as_deref(),
        event: event(&alert.event),
        is_late: alert.is_late,
        is_re_evaluated: alert.is_re_evaluated,
        rule_digest: &alert.rule_digest,
        meaning_digest: &alert.meaning_digest,
        rulebook_digest: &alert.rulebook_digest,
        schema_digest: &alert.schema_digest,
        cooldown: alert.cooldown.map(|span| span.to_string()),
        evidence: evidence(&alert.evidence),
    };
    let subject = alert_subject(alert.severity, &alert.rule);
    Some(message(alert.id.clone(), subject, ALERT, alert.at, &data))
}

/// A further match of an open alert; `None` when its rule is in shadow.
#[must_use]
pub fn alert_updated(update: &AlertUpdate, origin: Origin) -> Option<Outgoing> {
    if update.is_shadow {
        return None;
    }
    let data = AlertUpdatedData {
        alert_id: &update.alert,
        rule: &update.rule,
        severity: update.severity.word(),
        score: update.score.normalize().to_string(),
        message: &update.message,
        event: event(&update.event),
    };
    let subject = alert_subject(update.severity, &update.rule);
    let id = follow_up(&update.alert, origin);
    Some(message(id, subject, ALERT_UPDATED, update.at, &data))
}

/// A re-KYC request; `None` when its rule is in shadow.
#[must_use]
pub fn rekyc_requested(request: &RekycRequest) -> Option<Outgoing> {
    if request.is_shadow {
        return None;
    }
    let data = RekycRequestedData {
        request_id: &request.id,
        customer_id: &request.customer,
        scope: request.scope.word(),
        level: request.level.word(),
        cause: request.cause.word(),
        due_at: request.due_at.to_string(),
    };
    let subject = format!("aml.out.rekyc.{}", request.cause.word());
    Some(message(request.id.clone(), subject, REKYC_REQUESTED, request.at, &data))
}

/// A further cause for an open request; `None` when its rule is in shadow.
#[must_use]
pub fn rekyc_merged(merge: &RekycMerge, origin: Origin) -> Option<Outgoing> {
    if merge.is_shadow {
        return None;
    }
    let data = RekycMergedData {
        request_id: &merge.request,
        level: merge.level.word(),
        cause: merge.cause.word(),
        due_at: merge.due_at.to_string(),
    };
    let subject = format!("aml.out.rekyc.{}", merge.cause.word());
    let id = follow_up(&merge.request, origin);
    Some(message(id, subject, REKYC_MERGED, merge.at, &data))
}

/// A refused message of `stream`: what was wrong with it, but nothing of what it said.
#[must_use]
pub fn dead_letter(stream: &str, delivery: &Delivery, refusal: &Refusal) -> Outgoing {
    let reason = refusal.reason.word();
    let data = DeadLetterData {
        stream,
        sequence: delivery.sequence,
        reason,
        path: &refusal.path,
        detail: &refusal.detail,
        payload_blake3: blake3::hash(&delivery.payload).to_hex().to_string(),
        payload_bytes: u64::try_from(delivery.payload.len()).unwrap_or(u64::MAX),
    };
    let id = format!("dead.{stream}.{}", delivery.sequence);
    message(id, format!("aml.out.dead.{reason}"), DEAD_LETTER, delivery.stored_at, &data)
}

/// Logged time comes to `at`.
#[must_use]
pub fn tick(at: Instant) -> Outgoing {
    message(format!("tick.{}", at.0), Kind::Tick.subject(), Kind::Tick.name(), at, &Nothing {})
}

/// The rulebook with this digest becomes live; `note` says what was approved for it.
#[must_use]
pub fn rulebook(digest: &str, note: Option<&str>, at: Instant) -> Outgoing {
    let id = format!("rulebook.{digest}.{}", at.0);
    let kind = Kind::Rulebook;
    message(id, kind.subject(), kind.name(), at, &RulebookOut { digest, note })
}

/// A person's verdict on an alert.
#[must_use]
pub fn disposition(decided: Disposition<'_>, at: Instant) -> Outgoing {
    let Disposition { alert, verdict, by, note } = decided;
    let data = DispositionOut { alert_id: alert, verdict: verdict.word(), by, note };
    let id = format!("disposition.{alert}.{}", at.0);
    let kind = Kind::Disposition;
    message(id, kind.subject(), kind.name(), at, &data)
}

fn alert_subject(severity: Severity, rule: &str) -> String {
    format!("aml.out.alert.{}.{}", severity.word(), token(rule))
}

/// `text` as one token of a subject: other characters than letters, digits, `-` and `_` become `_`.
fn token(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    text.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect()
}

fn follow_up(id: &str, origin: Origin) -> String {
    format!("{id}.{}.{}", origin.sequence, origin.index)
}

fn message<D: Serialize>(
    id: String,
    subject: String,
    kind: &'static str,
    at: Instant,
    data: &D,
) -> Outgoing {
    let envelope = OutEnvelope {
        specversion: "1.0",
        id: &id,
        source: "weir",
        kind,
        time: at.to_string(),
        datacontenttype: "application/json",
        data,
    };
    // Structs of text, numbers and lists with text keys: writing them into memory cannot fail.
    let payload = serde_json::to_vec(&envelope).unwrap_or_default();
    Outgoing { id, subject, payload }
}

fn event(event: &EventRef) -> EventData<'_> {
    EventData {
        sequence: event.sequence,
        source: &event.source,
        id: &event.id,
        at: event.at.to_string(),
    }
}

fn evidence(evidence: &Evidence) -> EvidenceData<'_> {
    EvidenceData {
        conditions: evidence.conditions.iter().map(condition).collect(),
        values: evidence.values.iter().map(value).collect(),
        params: evidence.params.iter().map(value).collect(),
        facts: evidence.facts.iter().map(value).collect(),
        windows: evidence.windows.iter().map(window).collect(),
        lists: evidence.lists.iter().map(list).collect(),
        steps: evidence.steps.iter().map(step).collect(),
    }
}

fn list(list: &ListEvidence) -> ListData<'_> {
    let rows = list.rows.iter().map(list_row).collect();
    ListData { name: &list.name, digest: &list.digest, rows }
}

fn list_row(row: &ListRowEvidence) -> ListRowData<'_> {
    ListRowData {
        text: &row.text,
        value: &row.value,
        cell: row.cell.as_deref(),
        valid_from: row.valid_from.map(|at| at.to_string()),
        valid_to: row.valid_to.map(|at| at.to_string()),
    }
}

fn step(step: &StepEvidence) -> StepData<'_> {
    StepData { name: &step.name, text: &step.text, event: event(&step.event) }
}

fn condition(condition: &Condition) -> ConditionData<'_> {
    ConditionData {
        text: &condition.text,
        held: condition.held,
        observed: condition.observed.as_deref(),
        threshold: condition.threshold.as_deref(),
    }
}

fn value(named: &NamedValue) -> ValueData<'_> {
    ValueData { name: &named.name, value: &named.value }
}

fn window(window: &WindowEvidence) -> WindowData<'_> {
    WindowData {
        name: &window.name,
        text: &window.text,
        value: &window.value,
        from: window.from.map(|at| at.to_string()),
        to: window.to.to_string(),
        is_truncated: window.is_truncated,
        events_total: window.events_total,
        events: window.events.iter().map(contribution).collect(),
    }
}

fn contribution(contribution: &Contribution) -> ContributionData<'_> {
    ContributionData { event: event(&contribution.event), value: contribution.value.as_deref() }
}
