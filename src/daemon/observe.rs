//! What the pipeline tells, as metrics and log lines.
//!
//! Ids of customers, accounts and alerts never get here: counts, rules, severities and reasons only.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::{Fate, Instant};
use crate::engine::Counts;
use crate::engine::outcome::Effect;
use crate::pipeline::{Commit, Notice, Progress, Shelf};
use crate::rulebook::Rulebook;
use crate::telemetry::health::{Condition, Health};
use crate::telemetry::log::Limited;
use crate::telemetry::metrics::{LiveRule, Metrics};

/// The limits that the engine can meet, as the metric names them.
const LIMITS: [&str; 7] =
    ["keys", "series_events", "parked", "sequence_tries", "timers", "graph_edges", "graph_visits"];

/// Kinds of keys that the engine remembers: customers with a record, keys of windows, accounts and
/// identifiers of graphs, open alerts.
const KEY_KINDS: [&str; 4] = ["customer", "window", "graph", "open_alert"];

/// Turns notices into metrics, log lines and conditions.
pub struct Observer {
    metrics: Arc<Metrics>,
    health: Health,
    shelf: Shelf,
    /// The position at the start: below it everything is replay.
    position: u64,
    store_trouble: Limited,
    publish_trouble: Limited,
    identity_trouble: Limited,
    is_store_down: Cell<bool>,
}

impl Observer {
    /// An observer of a pipeline that starts at `position` with `rulebook` live.
    pub fn new(
        metrics: Arc<Metrics>,
        health: Health,
        shelf: Shelf,
        position: u64,
        rulebook: &Rulebook,
    ) -> Self {
        metrics.limits(&LIMITS);
        metrics.position(position);
        for kind in KEY_KINDS {
            metrics.state_keys(kind, 0);
        }
        show(&metrics, rulebook);
        Self {
            metrics,
            health,
            shelf,
            position,
            store_trouble: Limited::ten_seconds(),
            publish_trouble: Limited::ten_seconds(),
            identity_trouble: Limited::ten_seconds(),
            is_store_down: Cell::new(false),
        }
    }

    /// Takes one notice.
    pub fn notice(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Progress(progress) => self.progress(progress),
            Notice::StoreRetry(error) => {
                self.metrics.store_retry();
                self.is_store_down.set(true);
                self.health.unmet(Condition::Store, error.to_string());
                if let Some(held_back) = self.store_trouble.allow() {
                    tracing::warn!(%error, held_back, "The database does not answer; trying again.");
                }
            }
            Notice::NotPublished { messages } => {
                self.metrics.publish_failure();
                if let Some(held_back) = self.publish_trouble.allow() {
                    tracing::warn!(
                        count = messages,
                        held_back,
                        "The broker did not confirm some output messages; they stay in the outbox."
                    );
                }
            }
            Notice::Unsent { messages } => self.metrics.outbox_pending(*messages as u64),
        }
    }

    fn progress(&self, progress: &Progress) {
        if self.is_store_down.replace(false) {
            self.health.met(Condition::Store);
            tracing::info!("The database answers again.");
        }
        if progress.sequence >= self.position {
            self.health.met(Condition::State);
        }
        self.metrics.evaluate(progress.judging);
        if let Some(watermark) = progress.watermark.filter(|at| *at > Instant::MIN) {
            self.metrics.event_time(watermark);
        }
        let sizes = progress.sizes;
        let kept = [sizes.customers, sizes.keys, sizes.graph_nodes, sizes.open_alerts];
        for (kind, count) in KEY_KINDS.iter().zip(kept) {
            self.metrics.state_keys(kind, count as u64);
        }
        self.metrics.state_events(sizes.events as u64);
        self.metrics.state_strings(sizes.strings as u64);
        self.metrics.parked(sizes.parked as u64);
        if progress.is_replay {
            self.activations(&progress.commit);
            return;
        }
        progress.counts.iter().for_each(|counts| self.counts(counts));
        self.commit(progress);
    }

    fn commit(&self, progress: &Progress) {
        let now = now();
        let commit = &progress.commit;
        self.metrics.fates(&commit.counts);
        for row in &commit.fates {
            if let Fate::Quarantined(reason) = row.fate {
                self.metrics.quarantined(reason);
            }
        }
        self.metrics.commit(progress.committing);
        self.metrics.committed(commit.sequence, now);
        if let Some((first, last)) = progress.stored {
            // The oldest and the newest message of a commit stand for all of it.
            self.metrics.decision_latencies([first, last].map(|stored| since(stored, now)));
        }
        self.activations(commit);
        let mut changes = 0;
        let mut refused = 0;
        for (_, effect) in &commit.effects {
            match effect {
                Effect::AlertRaised(alert) if !alert.is_shadow => {
                    self.metrics.alert(&alert.rule, alert.severity);
                }
                Effect::AlertExtended(update) if !update.is_shadow => {
                    self.metrics.alert_occurrence(&update.rule);
                }
                Effect::RekycRequested(request) if !request.is_shadow => {
                    self.metrics.rekyc_request(request.cause);
                }
                Effect::IdentityChanged(_) => changes += 1,
                Effect::TransitionRefused { .. } => refused += 1,
                // What a rule in shadow finds is stored and not counted here.
                Effect::AlertRaised(_)
                | Effect::AlertExtended(_)
                | Effect::RekycRequested(_)
                | Effect::AlertDecided(_)
                | Effect::RekycMerged(_)
                | Effect::RekycCompleted { .. }
                | Effect::Parked { .. }
                | Effect::ParkedReleased { .. }
                | Effect::ParkedOverflow { .. }
                | Effect::RulebookActivated { .. }
                | Effect::RulebookMissing { .. } => {}
            }
        }
        self.metrics.identity_changes(changes);
        self.metrics.identity_transitions_refused(refused);
        if refused > 0
            && let Some(held_back) = self.identity_trouble.allow()
        {
            tracing::warn!(
                count = refused,
                held_back,
                "Identity events came that the lifecycle has no place for; their facts were kept."
            );
        }
    }

    fn activations(&self, commit: &Commit) {
        for (sequence, effect) in &commit.effects {
            if let Effect::RulebookActivated { digest } = effect
                && let Some(rulebook) = self.shelf.get(digest)
            {
                show(&self.metrics, &rulebook);
                tracing::info!(
                    digest = short(digest),
                    sequence,
                    rules = rulebook.rules.len(),
                    "A rulebook became live."
                );
            }
        }
    }

    fn counts(&self, counts: &Counts) {
        self.metrics.late_events(counts.late);
        self.metrics.unknown_customers(counts.unknown_customer);
        self.metrics.timers(counts.timers_fired, counts.absences_contradicted);
        for (field, count) in &counts.unreadable_fields {
            self.metrics.unreadable_field(field, *count);
        }
        for rule in &counts.rules {
            self.metrics.rule_evaluations(&rule.rule, rule.evaluated, rule.met_absent);
            self.metrics.rule_matches(&rule.rule, rule.matched);
            for (exception, count) in &rule.excused {
                self.metrics.rule_excused(&rule.rule, exception, *count);
            }
        }
        let met = [
            counts.keys_refused,
            counts.events_given_up,
            counts.parked_given_up,
            counts.searches_given_up,
            counts.timers_refused,
            counts.edges_given_up,
            counts.graph_searches.cut,
        ];
        for (limit, times) in LIMITS.iter().zip(met) {
            if times > 0 {
                self.metrics.limit_reached(limit);
                tracing::warn!(limit, count = times, "A limit of the engine was reached.");
            }
        }
    }
}

/// The wall clock, for edges only.
pub fn now() -> Instant {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

fn since(stored: Instant, now: Instant) -> Duration {
    Duration::from_micros(u64::try_from((now - stored).0).unwrap_or(0))
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// The series of a rulebook that is live now: its rules, and the fields that its deployment declares.
fn show(metrics: &Metrics, rulebook: &Rulebook) {
    metrics.rulebook(&rulebook.digest, &live_rules(rulebook));
    let lists = rulebook.lists.iter();
    metrics.lists(lists.map(|(name, list)| (name.as_str(), list.rows.len() as u64)));
    for field in rulebook.catalogue.fields().iter().filter(|field| field.slot.is_custom()) {
        metrics.unreadable_field(&field.path, 0);
    }
}

fn live_rules(rulebook: &Rulebook) -> Vec<LiveRule> {
    let rule = |rule: &std::sync::Arc<crate::rulebook::Rule>| LiveRule {
        name: rule.name.clone(),
        severity: rule.severity,
        exceptions: rule.unless.iter().map(|exception| exception.name.clone()).collect(),
    };
    rulebook.rules.iter().map(rule).collect()
}
