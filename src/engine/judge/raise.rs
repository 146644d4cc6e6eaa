//! What becomes of a match that is not held back: an alert with its evidence, and perhaps a request.
//!
//! Ids are derived here, from rule, entity and opening event, so that every run gives the same ones.

use std::fmt::Write;

use rust_decimal::Decimal;

use super::{Origin, State};
use crate::domain::alert::{EventRef, StepEvidence};
use crate::domain::rekyc::RekycMerge;
use crate::domain::{Alert, Entity, Instant, RekycRequest};
use crate::engine::explain::{evidence, message};
use crate::engine::frame::Mode;
use crate::engine::outcome::Effect;
use crate::engine::plan::Plan;
use crate::engine::row::Row;
use crate::engine::rule_plan::{RulePlan, squeeze};
use crate::engine::strings::Symbol;
use crate::engine::suppress::RequestVerdict;
use crate::rulebook::catalogue::{Family, Slot};
use crate::rulebook::typed::{RekycSpec, Status};

impl State {
    #[expect(clippy::too_many_arguments, reason = "once per alert, parts of one match")]
    pub(super) fn raise(
        &mut self,
        plan: &Plan,
        rule: &RulePlan,
        (key, entity, id): (Symbol, Entity, String),
        origin: Origin<'_>,
        (at, is_re_evaluated, is_late): (Instant, bool, bool),
        score: Decimal,
        effects: &mut Vec<Effect>,
    ) {
        let mode = if is_re_evaluated { Mode::AsOf(at) } else { Mode::Live };
        let (message, mut evidence, asks_rekyc, reason) =
            self.with_archive(plan, mode, score, |frame, archive| {
                let asks = rule.rekyc_when.as_ref().is_none_or(|when| when(frame));
                (
                    message(&rule.message, frame, archive.strings),
                    evidence(rule, frame, archive),
                    asks,
                    message(&rule.rekyc_reason, frame, archive.strings),
                )
            });
        if let Some(timer) = &rule.rule.timer {
            evidence.steps.push(StepEvidence {
                name: "since".to_owned(),
                text: squeeze(rule.rule.text(timer.span)),
                event: event_ref(origin),
            });
        }
        self.open_alerts.raised((rule.symbol, key), &id, at, origin.sequence, score);
        let customer = self.row.get(customer_slot(&self.row)).symbol();
        let is_shadow = rule.rule.status == Status::Shadow;
        effects.push(Effect::AlertRaised(Box::new(Alert {
            id: id.clone(),
            rule: rule.rule.name.clone(),
            title: rule.rule.title.clone(),
            rule_digest: rule.rule.digest.clone(),
            meaning_digest: rule.rule.meaning.clone(),
            rulebook_digest: plan.rulebook.digest.clone(),
            schema_digest: plan.rulebook.catalogue.digest().to_owned(),
            class: rule.rule.class,
            severity: rule.rule.severity,
            score,
            message,
            entity,
            customer: customer.map(|customer| self.strings.text(customer).to_owned()),
            at,
            event: event_ref(origin),
            is_late: is_late || evidence_is_late(&evidence, self.limits.allowed_lateness),
            is_re_evaluated: is_re_evaluated && origin.due.is_none(),
            is_shadow,
            cooldown: rule.rule.alert.cooldown,
            evidence,
        })));
        if let (Some(spec), Some(customer), true) = (&rule.rule.rekyc, customer, asks_rekyc) {
            let request = (customer, is_shadow, reason, id);
            self.request_rekyc(spec, &rule.rule.name, request, at, origin, effects);
        }
    }

    fn request_rekyc(
        &mut self,
        spec: &RekycSpec,
        rule: &str,
        (customer, is_shadow, reason, alert): (Symbol, bool, String, String),
        at: Instant,
        origin: Origin<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let scope = (spec.scope, is_shadow);
        let due_at = at.plus(spec.due);
        let (cause, level) = (spec.cause, spec.level);
        match self.open_requests.judge(customer, scope, cause, level, at, due_at) {
            RequestVerdict::Suppress => self.counts.rekyc_suppressed += 1,
            RequestVerdict::Merge(request, due_at, level) => {
                effects.push(Effect::RekycMerged(Box::new(RekycMerge {
                    request,
                    cause,
                    rule: rule.to_owned(),
                    alert: Some(alert),
                    at,
                    due_at,
                    level,
                    is_shadow,
                })));
            }
            RequestVerdict::Open => {
                let name = self.strings.text(customer).to_owned();
                let parts = ["rekyc", &name, spec.scope.word(), shadow_word(is_shadow)];
                let id = digest(&parts, origin);
                if self.open_requests.knows(&id) {
                    self.counts.rekyc_suppressed += 1;
                    return;
                }
                self.open_requests.opened(customer, scope, cause, level, &id, (at, due_at));
                effects.push(Effect::RekycRequested(Box::new(RekycRequest {
                    id,
                    customer: name,
                    scope: spec.scope,
                    level,
                    cause,
                    rule: rule.to_owned(),
                    reason,
                    alert: Some(alert),
                    at,
                    due_at,
                    is_shadow,
                })));
            }
        }
    }
}

impl State {
    /// What matches must agree in to extend the same alert: the entity, and the roles of `dedup`.
    pub(super) fn alert_key(&mut self, rule: &RulePlan, entity: Symbol) -> Symbol {
        if rule.dedup.is_empty() {
            return entity;
        }
        let mut key = format!("dedup {}", entity.0);
        for slot in &rule.dedup {
            // Symbols are numbers, so that no text can pass for two; an absent one is a value of its own.
            let part = self.row.get(*slot).symbol();
            let _ = match part {
                Some(part) => write!(key, " {}", part.0),
                None => write!(key, " -"),
            };
        }
        self.strings.intern(&key)
    }
}

const fn customer_slot(row: &Row) -> Slot {
    match row.name.family() {
        Family::Transaction => Slot::TX_CUSTOMER,
        Family::Kyc => Slot::KYC_CUSTOMER,
        Family::Security => Slot::SECURITY_CUSTOMER,
    }
}

pub(super) fn event_ref(origin: Origin<'_>) -> EventRef {
    EventRef {
        sequence: origin.sequence,
        source: origin.source.to_owned(),
        id: origin.id.to_owned(),
        at: origin.at,
    }
}

/// Whether some event of a window was stored after one that happened clearly later.
fn evidence_is_late(evidence: &crate::domain::Evidence, allowed: crate::domain::Span) -> bool {
    let steps = &evidence.steps;
    let is_late = |(first, second): (&StepEvidence, &StepEvidence)| {
        first.event.sequence > second.event.sequence
            && first.event.at < second.event.at.minus(allowed)
    };
    if steps.iter().zip(steps.iter().skip(1)).any(is_late) {
        return true;
    }
    evidence.windows.iter().any(|window| {
        let mut earliest_arrival: Option<&EventRef> = None;
        window.events.iter().rev().any(|item| {
            let event = &item.event;
            let is_late = earliest_arrival.is_some_and(|later| {
                later.sequence < event.sequence && event.at < later.at.minus(allowed)
            });
            if earliest_arrival.is_none_or(|known| event.sequence < known.sequence) {
                earliest_arrival = Some(event);
            }
            is_late
        })
    })
}

const fn shadow_word(is_shadow: bool) -> &'static str {
    if is_shadow { "shadow" } else { "active" }
}

/// An alert's id: from rule, entity and opening event alone, so that every run gives the same one.
pub(super) fn alert_id(rule: &RulePlan, entity: &Entity, origin: Origin<'_>) -> String {
    let shadow = shadow_word(rule.rule.status == Status::Shadow);
    let name = rule.rule.name.as_str();
    digest(&["alert", name, shadow, &entity.role, &entity.id], origin)
}

/// 128 bits of BLAKE3 over length-prefixed parts, in hexadecimal: those given, the opening event, and the
/// instant if a timer opened it.
fn digest(parts: &[&str], origin: Origin<'_>) -> String {
    let mut hasher = blake3::Hasher::new();
    let due = origin.due.map(|due| due.to_string());
    let opening = [origin.source, origin.id].into_iter().chain(due.as_deref());
    for part in parts.iter().copied().chain(opening) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    hash.to_hex().get(..32).unwrap_or_default().to_owned()
}
