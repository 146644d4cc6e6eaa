//! The daemon's numbers: one method for each thing that can be counted or measured.
//!
//! In: what the pipeline and the daemon report, once per batch and not once per message. Out: the
//! text that Prometheus scrapes. Every series that can exist from the start is there from the
//! start with 0, so that a rate never misses its first step. Names are in
//! [`metric_list`](super::metric_list).

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::metric_list::{self as list, Definition, Kind};
use crate::domain::{FateCounts, Instant, Reason, RekycCause, Severity};

/// How many characters of a digest a label shows.
const SHORT_DIGEST_CHARACTERS: usize = 12;

/// Why the metrics could not be set up or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A definition is wrong, which is a fault of ours.
    #[error("define the metrics: {0}")]
    Definition(#[from] prometheus::Error),
    /// A metric was defined as one kind and used as another, which is a fault of ours.
    #[error("define the metrics: {0} is not a histogram")]
    NotHistogram(&'static str),
}

/// One rule of the live rulebook, as far as its series need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRule {
    /// Its name.
    pub name: String,
    /// The severity of its alerts.
    pub severity: Severity,
    /// The names of its exceptions.
    pub exceptions: Vec<String>,
}

/// What came of an attempt to load changed rule files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The new rulebook runs.
    Loaded,
    /// The files have mistakes; the last good rulebook keeps running.
    Refused,
}

impl Reload {
    /// Both results.
    pub const ALL: [Self; 2] = [Self::Loaded, Self::Refused];

    /// The value of the label `result`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Refused => "refused",
        }
    }
}

/// All metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    resident_memory: IntGauge,
    messages: IntCounterVec,
    quarantined: IntCounterVec,
    late_events: IntCounter,
    timers_fired: IntCounter,
    absences_contradicted: IntCounter,
    unknown_customers: IntCounter,
    parked: IntGauge,
    unmonitored: IntGauge,
    committed_sequence: IntGauge,
    log_last_sequence: IntGauge,
    lag: IntGauge,
    last_committed: IntGauge,
    event_time: IntGauge,
    decision_latency: Histogram,
    evaluate: Histogram,
    commit: Histogram,
    alerts: IntCounterVec,
    alert_occurrences: IntCounterVec,
    rule_evaluations: IntCounterVec,
    rule_absent: IntCounterVec,
    unreadable_fields: IntCounterVec,
    rule_matches: IntCounterVec,
    rule_excused: IntCounterVec,
    rekyc_requests: IntCounterVec,
    identity_changes: IntCounter,
    identity_refused: IntCounter,
    outbox_pending: IntGauge,
    publish_failures: IntCounter,
    nats_connected: IntGauge,
    nats_reconnects: IntCounter,
    slow_consumer: IntCounter,
    rulebook_info: IntGaugeVec,
    rules_loaded: IntGauge,
    rulebook_reloads: IntCounterVec,
    rulebook_reload_failed: IntGauge,
    list_rows: IntGaugeVec,
    list_shrink_refused: IntGaugeVec,
    /// Those whose series is 1.
    lists_refused: Mutex<Vec<String>>,
    state_keys: IntGaugeVec,
    state_events: IntGauge,
    state_strings: IntGauge,
    limits_reached: IntCounterVec,
    store_retries: IntCounter,
    live_digest: Mutex<Option<String>>,
}

impl Metrics {
    /// All metrics at 0, for a process of this version.
    ///
    /// # Errors
    /// A definition is wrong.
    pub fn new(version: &str) -> Result<Self, Error> {
        let registry = Registry::new();
        let into = &registry;
        gauges(into, &list::BUILD_INFO)?.with_label_values(&[version]).set(1);
        gauge(into, &list::START_TIME)?.set(unix_seconds_now());
        let metrics = Self {
            resident_memory: gauge(into, &list::RESIDENT_MEMORY)?,
            messages: counters(into, &list::MESSAGES)?,
            quarantined: counters(into, &list::QUARANTINED)?,
            late_events: counter(into, &list::LATE_EVENTS)?,
            timers_fired: counter(into, &list::TIMERS_FIRED)?,
            absences_contradicted: counter(into, &list::ABSENCES_CONTRADICTED)?,
            unknown_customers: counter(into, &list::UNKNOWN_CUSTOMERS)?,
            parked: gauge(into, &list::PARKED)?,
            unmonitored: gauge(into, &list::UNMONITORED)?,
            committed_sequence: gauge(into, &list::COMMITTED_SEQUENCE)?,
            log_last_sequence: gauge(into, &list::LOG_LAST_SEQUENCE)?,
            lag: gauge(into, &list::LAG)?,
            last_committed: gauge(into, &list::LAST_COMMITTED)?,
            event_time: gauge(into, &list::EVENT_TIME)?,
            decision_latency: histogram(into, &list::DECISION_LATENCY)?,
            evaluate: histogram(into, &list::EVALUATE)?,
            commit: histogram(into, &list::COMMIT)?,
            alerts: counters(into, &list::ALERTS)?,
            alert_occurrences: counters(into, &list::ALERT_OCCURRENCES)?,
            rule_evaluations: counters(into, &list::RULE_EVALUATIONS)?,
            rule_absent: counters(into, &list::RULE_ABSENT)?,
            unreadable_fields: counters(into, &list::UNREADABLE_FIELDS)?,
            rule_matches: counters(into, &list::RULE_MATCHES)?,
            rule_excused: counters(into, &list::RULE_EXCUSED)?,
            rekyc_requests: counters(into, &list::REKYC_REQUESTS)?,
            identity_changes: counter(into, &list::IDENTITY_CHANGES)?,
            identity_refused: counter(into, &list::IDENTITY_REFUSED)?,
            outbox_pending: gauge(into, &list::OUTBOX_PENDING)?,
            publish_failures: counter(into, &list::PUBLISH_FAILURES)?,
            nats_connected: gauge(into, &list::NATS_CONNECTED)?,
            nats_reconnects: counter(into, &list::NATS_RECONNECTS)?,
            slow_consumer: counter(into, &list::SLOW_CONSUMER)?,
            rulebook_info: gauges(into, &list::RULEBOOK_INFO)?,
            rules_loaded: gauge(into, &list::RULES_LOADED)?,
            rulebook_reloads: counters(into, &list::RULEBOOK_RELOADS)?,
            rulebook_reload_failed: gauge(into, &list::RULEBOOK_RELOAD_FAILED)?,
            list_rows: gauges(into, &list::LIST_ROWS)?,
            list_shrink_refused: gauges(into, &list::LIST_SHRINK_REFUSED)?,
            lists_refused: Mutex::default(),
            state_keys: gauges(into, &list::STATE_KEYS)?,
            state_events: gauge(into, &list::STATE_EVENTS)?,
            state_strings: gauge(into, &list::STATE_STRINGS)?,
            limits_reached: counters(into, &list::LIMITS_REACHED)?,
            store_retries: counter(into, &list::STORE_RETRIES)?,
            live_digest: Mutex::new(None),
            registry,
        };
        metrics.start_at_zero();
        Ok(metrics)
    }

    /// Creates the series whose label values are known without a rulebook.
    fn start_at_zero(&self) {
        self.fates(&FateCounts::default());
        for reason in Reason::WORDS {
            self.quarantined.with_label_values(&[reason]).inc_by(0);
        }
        for cause in RekycCause::WORDS {
            self.rekyc_requests.with_label_values(&[cause]).inc_by(0);
        }
        for result in Reload::ALL {
            self.rulebook_reloads.with_label_values(&[result.word()]).inc_by(0);
        }
    }

    /// The text of a scrape.
    ///
    /// # Errors
    /// The metrics could not be written as text, which is a fault of ours.
    pub fn render(&self) -> Result<String, Error> {
        self.resident_memory.set(gauge_value(resident_memory_bytes()));
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// Messages whose fate was committed.
    pub fn fates(&self, counts: &FateCounts) {
        let FateCounts { evaluated, parked, duplicate, quarantined, control } = *counts;
        for (fate, count) in [
            ("evaluated", evaluated),
            ("parked", parked),
            ("duplicate", duplicate),
            ("quarantined", quarantined),
            ("control", control),
        ] {
            self.messages.with_label_values(&[fate]).inc_by(count);
        }
    }

    /// One message was set aside.
    pub fn quarantined(&self, reason: Reason) {
        self.quarantined.with_label_values(&[reason.word()]).inc();
    }

    /// Events older than the allowed lateness.
    pub fn late_events(&self, count: u64) {
        self.late_events.inc_by(count);
    }

    /// Timers fired, and absences that were told turned out not to be.
    pub fn timers(&self, fired: u64, contradicted: u64) {
        self.timers_fired.inc_by(fired);
        self.absences_contradicted.inc_by(contradicted);
    }

    /// Transactions judged without an identity.
    pub fn unknown_customers(&self, count: u64) {
        self.unknown_customers.inc_by(count);
    }

    /// How many transactions wait for an identity now.
    pub fn parked(&self, count: u64) {
        self.parked.set(gauge_value(count));
    }

    /// How many committed sequences have no fate in the ledger.
    pub fn unmonitored(&self, count: u64) {
        self.unmonitored.set(gauge_value(count));
    }

    /// A commit was made: the new position, and the wall clock.
    pub fn committed(&self, sequence: u64, at: Instant) {
        self.committed_sequence.set(gauge_value(sequence));
        self.last_committed.set(at.unix_seconds());
        self.update_lag();
    }

    /// The committed position at the start, before anything is committed.
    pub fn position(&self, sequence: u64) {
        self.committed_sequence.set(gauge_value(sequence));
        self.update_lag();
    }

    /// What the broker reports as the end of the log.
    pub fn log_last(&self, sequence: u64) {
        self.log_last_sequence.set(gauge_value(sequence));
        self.update_lag();
    }

    /// The broker's report is older than our own position at times; a lag is never negative.
    fn update_lag(&self) {
        self.lag.set((self.log_last_sequence.get() - self.committed_sequence.get()).max(0));
    }

    /// How far event time has come.
    pub fn event_time(&self, watermark: Instant) {
        self.event_time.set(watermark.unix_seconds().max(0));
    }

    /// For each message of a committed batch, the time from being stored to being committed.
    pub fn decision_latencies(&self, latencies: impl IntoIterator<Item = Duration>) {
        let local = self.decision_latency.local();
        for latency in latencies {
            local.observe(latency.as_secs_f64());
        }
        local.flush();
    }

    /// The engine's time for one batch.
    pub fn evaluate(&self, duration: Duration) {
        self.evaluate.observe(duration.as_secs_f64());
    }

    /// The database's time for one batch.
    pub fn commit(&self, duration: Duration) {
        self.commit.observe(duration.as_secs_f64());
    }

    /// An alert was raised.
    pub fn alert(&self, rule: &str, severity: Severity) {
        self.alerts.with_label_values(&[rule, severity.word()]).inc();
    }

    /// A further match extended an open alert.
    pub fn alert_occurrence(&self, rule: &str) {
        self.alert_occurrences.with_label_values(&[rule]).inc();
    }

    /// A rule judged so many events; in so many of them it met an absent value.
    pub fn rule_evaluations(&self, rule: &str, count: u64, met_absent: u64) {
        self.rule_evaluations.with_label_values(&[rule]).inc_by(count);
        self.rule_absent.with_label_values(&[rule]).inc_by(met_absent);
    }

    /// So many values of a deployment's own field could not be read.
    pub fn unreadable_field(&self, field: &str, count: u64) {
        self.unreadable_fields.with_label_values(&[field]).inc_by(count);
    }

    /// A rule's condition held for this many events.
    pub fn rule_matches(&self, rule: &str, count: u64) {
        self.rule_matches.with_label_values(&[rule]).inc_by(count);
    }

    /// An exception excused this many matches.
    pub fn rule_excused(&self, rule: &str, exception: &str, count: u64) {
        self.rule_excused.with_label_values(&[rule, exception]).inc_by(count);
    }

    /// A request that a customer be identified again.
    pub fn rekyc_request(&self, cause: RekycCause) {
        self.rekyc_requests.with_label_values(&[cause.word()]).inc();
    }

    /// Identity events that changed something.
    pub fn identity_changes(&self, count: u64) {
        self.identity_changes.inc_by(count);
    }

    /// Identity events that the lifecycle has no place for.
    pub fn identity_transitions_refused(&self, count: u64) {
        self.identity_refused.inc_by(count);
    }

    /// How many committed messages are not published yet.
    pub fn outbox_pending(&self, count: u64) {
        self.outbox_pending.set(gauge_value(count));
    }

    /// An attempt to publish failed.
    pub fn publish_failure(&self) {
        self.publish_failures.inc();
    }

    /// Whether the connection to the broker stands.
    pub fn nats_connected(&self, is_connected: bool) {
        self.nats_connected.set(i64::from(is_connected));
    }

    /// The connection to the broker was made again.
    pub fn nats_reconnect(&self) {
        self.nats_reconnects.inc();
    }

    /// The client dropped deliveries.
    pub fn slow_consumer(&self) {
        self.slow_consumer.inc();
    }

    /// A rulebook became live. Its rules' series start at 0; those of removed rules stay, since a
    /// counter that disappears looks like a restart.
    pub fn rulebook(&self, digest: &str, rules: &[LiveRule]) {
        let short: String = digest.chars().take(SHORT_DIGEST_CHARACTERS).collect();
        let mut live = self.live_digest.lock().unwrap_or_else(PoisonError::into_inner);
        self.rulebook_info.with_label_values(&[short.as_str()]).set(1);
        if let Some(previous) = live.replace(short.clone()).filter(|previous| *previous != short) {
            // Absent is as good as removed: there is nothing else that this can fail of.
            let _ = self.rulebook_info.remove_label_values(&[previous.as_str()]);
        }
        self.rules_loaded.set(gauge_value(u64::try_from(rules.len()).unwrap_or(u64::MAX)));
        for rule in rules {
            let name = rule.name.as_str();
            self.alerts.with_label_values(&[name, rule.severity.word()]).inc_by(0);
            self.alert_occurrences.with_label_values(&[name]).inc_by(0);
            self.rule_evaluations(name, 0, 0);
            self.rule_matches.with_label_values(&[name]).inc_by(0);
            for exception in &rule.exceptions {
                self.rule_excused.with_label_values(&[name, exception.as_str()]).inc_by(0);
            }
        }
    }

    /// Changed rule files were tried.
    pub fn rulebook_reload(&self, result: Reload) {
        self.rulebook_reloads.with_label_values(&[result.word()]).inc();
        self.rulebook_reload_failed.set(i64::from(result == Reload::Refused));
    }

    /// The lists of the rulebook that became live, with their rows; those of others are not shown any more.
    pub fn lists<'a>(&self, lists: impl Iterator<Item = (&'a str, u64)>) {
        self.list_rows.reset();
        for (list, rows) in lists {
            self.list_rows.with_label_values(&[list]).set(gauge_value(rows));
            // It exists from now on; whether it is refused was said, or is not so.
            let _ = self.list_shrink_refused.with_label_values(&[list]);
        }
    }

    /// The lists on disk that lost too many rows to be taken up; no others are.
    pub fn lists_refused(&self, refused: &[String]) {
        let mut before = self.lists_refused.lock().unwrap_or_else(PoisonError::into_inner);
        for list in std::mem::replace(&mut *before, refused.to_vec()) {
            self.list_shrink_refused.with_label_values(&[list.as_str()]).set(0);
        }
        for list in refused {
            self.list_shrink_refused.with_label_values(&[list.as_str()]).set(1);
        }
    }

    /// How many keys of one kind (`customer`, `account`, ...) the engine remembers.
    pub fn state_keys(&self, kind: &str, count: u64) {
        self.state_keys.with_label_values(&[kind]).set(gauge_value(count));
    }

    /// How many events some window still needs.
    pub fn state_events(&self, count: u64) {
        self.state_events.set(gauge_value(count));
    }

    /// How many distinct texts the engine keeps.
    pub fn state_strings(&self, count: u64) {
        self.state_strings.set(gauge_value(count));
    }

    /// Names the configured limits, so that their series start at 0.
    pub fn limits(&self, names: &[&str]) {
        for name in names {
            self.limits_reached.with_label_values(&[name]).inc_by(0);
        }
    }

    /// A configured limit was reached.
    pub fn limit_reached(&self, limit: &str) {
        self.limits_reached.with_label_values(&[limit]).inc();
    }

    /// An attempt on the database failed and is made again.
    pub fn store_retry(&self) {
        self.store_retries.inc();
    }
}

fn options(definition: &Definition) -> Opts {
    Opts::new(definition.name, definition.help)
}

fn counter(registry: &Registry, definition: &Definition) -> Result<IntCounter, Error> {
    let metric = IntCounter::with_opts(options(definition))?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn counters(registry: &Registry, definition: &Definition) -> Result<IntCounterVec, Error> {
    let metric = IntCounterVec::new(options(definition), definition.labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn gauge(registry: &Registry, definition: &Definition) -> Result<IntGauge, Error> {
    let metric = IntGauge::with_opts(options(definition))?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn gauges(registry: &Registry, definition: &Definition) -> Result<IntGaugeVec, Error> {
    let metric = IntGaugeVec::new(options(definition), definition.labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn histogram(registry: &Registry, definition: &Definition) -> Result<Histogram, Error> {
    let Kind::Histogram(bounds) = definition.kind else {
        return Err(Error::NotHistogram(definition.name));
    };
    let options = HistogramOpts::new(definition.name, definition.help).buckets(bounds.to_vec());
    let metric = Histogram::with_opts(options)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// Gauges are signed; no count of ours comes near the end of their range.
fn gauge_value(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unix_seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gauge_value(since.as_secs())
}

/// What Linux tells about this process; 0 elsewhere.
fn resident_memory_bytes() -> u64 {
    std::fs::read_to_string("/proc/self/status").map_or(0, |text| resident_in_status(&text))
}

fn resident_in_status(text: &str) -> u64 {
    text.lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok()
        })
        .map_or(0, |kibibytes: u64| kibibytes.saturating_mul(1024))
}

/// The list as a Markdown table, for the page that explains the dashboards.
#[must_use]
pub fn markdown_table() -> String {
    let mut text =
        String::from("| Metric | Kind | Labels | Meaning |\n| --- | --- | --- | --- |\n");
    for Definition { name, kind, labels, help } in list::ALL {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {help} |", labels.join(", "));
    }
    text
}

#[cfg(test)]
mod tests;
