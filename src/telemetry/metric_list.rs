//! Every metric of the daemon: name, type, labels and help. This list is the only place of a name.
//!
//! Dashboards and alert rules are checked against it (`tests/dashboards.rs`). Names are for ever:
//! they carry base units, counters end in `_total`, and a label has few values that the
//! configuration bounds. Names of rules and fields are labels; ids of people, accounts and alerts never are.

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, until the process restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations up to each bound; the bounds are upper ends, in base units.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name in a scrape.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// What it means, in one sentence for the person at the dashboard.
    pub help: &'static str,
}

/// The only labels a metric may have.
pub const LABELS: &[&str] = &[
    "cause",
    "digest",
    "exception",
    "fate",
    "field",
    "kind",
    "limit",
    "list",
    "reason",
    "result",
    "rule",
    "severity",
    "stage",
    "version",
];

// Prometheus 3 writes the bound 1 as 1.0, so whole numbers would break alert rules on upgrade:
// every bound has a fraction.
const LATENCY_BOUNDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.5, 2.5, 5.5, 10.5, 30.5,
    60.5,
];
const EVALUATE_BOUNDS: &[f64] =
    &[0.000_05, 0.000_25, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.5];
const COMMIT_BOUNDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.5, 2.5, 5.5, 10.5];

macro_rules! metrics {
    ($($constant:ident = $kind:expr, $name:literal, [$($label:literal),*], $help:literal;)+) => {
        $(
            #[doc = $help]
            pub const $constant: Definition =
                Definition { name: $name, kind: $kind, labels: &[$($label),*], help: $help };
        )+
        /// All metrics, in the order in which a reader meets them.
        pub const ALL: &[Definition] = &[$($constant),+];
    };
}

metrics! {
    BUILD_INFO = Kind::Gauge, "weir_build_info", ["version"],
        "Always 1; the label names the running version.";
    START_TIME = Kind::Gauge, "weir_start_timestamp_seconds", [],
        "When this process started, in Unix time.";
    RESIDENT_MEMORY = Kind::Gauge, "weir_resident_memory_bytes", [],
        "Memory of this process that is held in RAM; 0 where the system does not tell.";

    MESSAGES = Kind::Counter, "weir_messages_total", ["fate"],
        "Messages of the log whose fate is committed, by fate.";
    QUARANTINED = Kind::Counter, "weir_quarantined_total", ["reason"],
        "Messages that were set aside for a person, by reason.";
    LATE_EVENTS = Kind::Counter, "weir_events_late_total", [],
        "Events older than the allowed lateness; they are judged all the same.";
    UNKNOWN_CUSTOMERS = Kind::Counter, "weir_transactions_unknown_customer_total", [],
        "Transactions that were judged before any identity of their customer was known.";
    PARKED = Kind::Gauge, "weir_parked_transactions", [],
        "Transactions that wait for an identity, to be judged again.";
    UNMONITORED = Kind::Gauge, "weir_unmonitored_messages", [],
        "Committed sequences without a fate in the ledger; anything but 0 is a fault.";

    COMMITTED_SEQUENCE = Kind::Gauge, "weir_committed_sequence", [],
        "The last sequence of the log whose effects are committed.";
    LOG_LAST_SEQUENCE = Kind::Gauge, "weir_log_last_sequence", [],
        "The last sequence that the broker reports for the log.";
    LAG = Kind::Gauge, "weir_lag_messages", [],
        "Messages in the log that are not committed yet.";
    LAST_COMMITTED = Kind::Gauge, "weir_last_committed_timestamp_seconds", [],
        "When the last commit was made, in Unix time; 0 before the first.";
    EVENT_TIME = Kind::Gauge, "weir_event_time_seconds", [],
        "How far event time has come (the watermark), in Unix time; 0 before the first event.";

    DECISION_LATENCY = Kind::Histogram(LATENCY_BOUNDS), "weir_decision_latency_seconds", [],
        "From the broker storing a message to its effects being committed.";
    EVALUATE = Kind::Histogram(EVALUATE_BOUNDS), "weir_evaluate_seconds", [],
        "Time the engine took for one batch.";
    COMMIT = Kind::Histogram(COMMIT_BOUNDS), "weir_commit_seconds", [],
        "Time the database took to commit one batch.";

    ALERTS = Kind::Counter, "weir_alerts_total", ["rule", "severity"],
        "Alerts raised, by rule and severity.";
    ALERT_OCCURRENCES = Kind::Counter, "weir_alert_occurrences_total", ["rule"],
        "Further matches that extended an open alert within its cool-down.";
    RULE_EVALUATIONS = Kind::Counter, "weir_rule_evaluations_total", ["rule"],
        "Events that woke a rule and were judged by it.";
    RULE_ABSENT = Kind::Counter, "weir_rule_absent_total", ["rule"],
        "Evaluations in which a comparison of the rule met an absent value, and was false for it.";
    UNREADABLE_FIELDS = Kind::Counter, "weir_unreadable_fields_total", ["field"],
        "Values of a deployment's own fields that were not what its schema says, and were left absent.";
    RULE_MATCHES = Kind::Counter, "weir_rule_matches_total", ["rule"],
        "Events for which a rule's condition held, whether or not an alert came of it.";
    RULE_EXCUSED = Kind::Counter, "weir_rule_excused_total", ["rule", "exception"],
        "Matches that an exception of the rule excused.";
    TIMERS_FIRED = Kind::Counter, "weir_timers_fired_total", [],
        "Instants that passed for some key: an event had not come, or a date was over.";
    ABSENCES_CONTRADICTED = Kind::Counter, "weir_absences_contradicted_total", [],
        "Events that came only after rules were told that they had not; their alerts stay.";
    REKYC_REQUESTS = Kind::Counter, "weir_rekyc_requests_total", ["cause"],
        "Requests that a customer be identified again, by cause.";
    IDENTITY_CHANGES = Kind::Counter, "weir_identity_changes_total", [],
        "Identity events that changed what is known about a customer.";
    IDENTITY_REFUSED = Kind::Counter, "weir_identity_transitions_refused_total", [],
        "Identity events that the lifecycle has no place for; their facts were kept.";

    OUTBOX_PENDING = Kind::Gauge, "weir_outbox_pending", [],
        "Committed messages that are not published yet.";
    PUBLISH_FAILURES = Kind::Counter, "weir_publish_failures_total", [],
        "Attempts to publish that failed; the message stays in the outbox.";
    NATS_CONNECTED = Kind::Gauge, "weir_nats_connected", [],
        "1 while the connection to the broker stands, else 0.";
    NATS_RECONNECTS = Kind::Counter, "weir_nats_reconnects_total", [],
        "Times the connection to the broker was made again.";
    SLOW_CONSUMER = Kind::Counter, "weir_slow_consumer_total", [],
        "Times the client dropped deliveries because they were read too slowly; they are read again.";

    RULEBOOK_INFO = Kind::Gauge, "weir_rulebook_info", ["digest"],
        "1 for the live rulebook; the label is the start of its digest.";
    RULES_LOADED = Kind::Gauge, "weir_rules_loaded", [],
        "Rules in the live rulebook.";
    RULEBOOK_RELOADS = Kind::Counter, "weir_rulebook_reloads_total", ["result"],
        "Attempts to load changed rule files, by result.";
    RULEBOOK_RELOAD_FAILED = Kind::Gauge, "weir_rulebook_reload_failed", [],
        "1 while the rule files on disk do not load and an older rulebook runs, else 0.";
    LIST_ROWS = Kind::Gauge, "weir_list_rows", ["list"],
        "Rows of a list of the live rulebook, whenever they are valid.";
    LIST_SHRINK_REFUSED = Kind::Gauge, "weir_list_shrink_refused", ["list"],
        "1 while a list on disk is refused because it lost more than half of its rows, else 0.";

    STATE_KEYS = Kind::Gauge, "weir_state_keys", ["kind"],
        "Keys (customers, accounts, ...) that the engine remembers something about.";
    STATE_EVENTS = Kind::Gauge, "weir_state_events", [],
        "Events that some window still needs.";
    STATE_STRINGS = Kind::Gauge, "weir_state_strings", [],
        "Distinct texts that the engine keeps.";
    LIMITS_REACHED = Kind::Counter, "weir_limit_reached_total", ["limit"],
        "Times a configured limit was reached, by limit.";
    STORE_RETRIES = Kind::Counter, "weir_store_retries_total", [],
        "Attempts on the database that failed and were made again.";
}
