//! Each metric is registered as listed, starts at 0 and moves as its method says.

use std::collections::BTreeSet;

use super::*;

fn metrics() -> Metrics {
    Metrics::new("9.8.7").expect("metrics of the list")
}

fn exercised() -> Metrics {
    let metrics = metrics();
    metrics.rulebook("00112233445566778899", &[rule("structuring", &["payroll"])]);
    metrics.state_keys("customer", 3);
    metrics.limits(&["parked_events_max"]);
    metrics.unreadable_field("tx.extra.wallet", 0);
    metrics.lists([("countries", 3)].into_iter());
    metrics
}

fn rule(name: &str, exceptions: &[&str]) -> LiveRule {
    LiveRule {
        name: name.to_owned(),
        severity: Severity::High,
        exceptions: exceptions.iter().map(|&text| text.to_owned()).collect(),
    }
}

/// The sample whose line begins with this name and these labels.
#[track_caller]
fn sample(metrics: &Metrics, series: &str) -> String {
    let text = metrics.render().expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no series {series} in\n{text}")).to_owned()
}

#[test]
fn scrape_holds_every_listed_metric_and_no_other() {
    let text = exercised().render().expect("text");
    let scraped: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let listed: BTreeSet<&str> = list::ALL.iter().map(|definition| definition.name).collect();
    assert_eq!(scraped, listed);
}

#[test]
fn scrape_has_the_listed_kind_and_help() {
    let text = exercised().render().expect("text");
    for Definition { name, kind, help, .. } in list::ALL {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name} is not a {kind}");
        assert!(text.contains(&format!("# HELP {name} {help}\n")), "{name} has another help");
    }
}

#[test]
fn names_are_unique_and_follow_the_grammar() {
    let mut seen = BTreeSet::new();
    for Definition { name, kind, labels, help } in list::ALL {
        assert!(seen.insert(*name), "{name} is listed twice");
        assert!(name.starts_with("weir_"), "{name} lacks the prefix");
        assert!(
            name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{name} has other characters than lower-case letters and underscores",
        );
        assert_eq!(
            name.ends_with("_total"),
            *kind == Kind::Counter,
            "{name}: counters, and only they, end in _total",
        );
        assert!(help.ends_with('.'), "the help of {name} is not a sentence");
        for label in *labels {
            assert!(
                list::LABELS.contains(label),
                "{name} has the label {label}, which is not allowed"
            );
        }
    }
}

#[test]
fn histogram_bounds_grow_and_are_never_whole_numbers() {
    for Definition { name, kind, .. } in list::ALL {
        let Kind::Histogram(bounds) = kind else { continue };
        assert!(bounds.is_sorted(), "bounds of {name} are not sorted");
        assert!(bounds.iter().all(|bound| bound.fract() != 0.0), "{name} has a whole bound");
    }
}

#[test]
fn every_fate_reason_and_cause_starts_at_zero() {
    let metrics = metrics();
    for fate in ["evaluated", "parked", "duplicate", "quarantined", "control"] {
        assert_eq!(sample(&metrics, &format!("weir_messages_total{{fate=\"{fate}\"}}")), "0");
    }
    for reason in Reason::WORDS {
        assert_eq!(
            sample(&metrics, &format!("weir_quarantined_total{{reason=\"{reason}\"}}")),
            "0"
        );
    }
    for cause in RekycCause::WORDS {
        assert_eq!(
            sample(&metrics, &format!("weir_rekyc_requests_total{{cause=\"{cause}\"}}")),
            "0"
        );
    }
}

#[test]
fn fates_are_added_per_batch() {
    let metrics = metrics();
    let counts = FateCounts { evaluated: 5, parked: 4, duplicate: 3, quarantined: 2, control: 1 };
    metrics.fates(&counts);
    metrics.fates(&counts);
    assert_eq!(sample(&metrics, "weir_messages_total{fate=\"evaluated\"}"), "10");
    assert_eq!(sample(&metrics, "weir_messages_total{fate=\"parked\"}"), "8");
    assert_eq!(sample(&metrics, "weir_messages_total{fate=\"duplicate\"}"), "6");
    assert_eq!(sample(&metrics, "weir_messages_total{fate=\"quarantined\"}"), "4");
    assert_eq!(sample(&metrics, "weir_messages_total{fate=\"control\"}"), "2");
}

#[test]
fn lag_is_the_distance_to_the_end_and_never_negative() {
    let metrics = metrics();
    metrics.log_last(100);
    assert_eq!(sample(&metrics, "weir_lag_messages"), "100");
    metrics.committed(60, Instant(1_700_000_000_500_000));
    assert_eq!(sample(&metrics, "weir_lag_messages"), "40");
    assert_eq!(sample(&metrics, "weir_last_committed_timestamp_seconds"), "1700000000");
    metrics.committed(103, Instant(1_700_000_001_000_000));
    assert_eq!(sample(&metrics, "weir_lag_messages"), "0");
}

#[test]
fn only_the_live_rulebook_is_shown() {
    let metrics = metrics();
    metrics.rulebook("aaaaaaaaaaaaaaaaaaaaaaaa", &[rule("one", &[])]);
    metrics.rulebook("bbbbbbbbbbbbbbbbbbbbbbbb", &[rule("one", &[]), rule("two", &[])]);
    assert_eq!(sample(&metrics, "weir_rulebook_info{digest=\"bbbbbbbbbbbb\"}"), "1");
    assert!(!metrics.render().expect("text").contains("aaaaaaaaaaaa"));
    assert_eq!(sample(&metrics, "weir_rules_loaded"), "2");
}

#[test]
fn same_rulebook_again_stays_live() {
    let metrics = metrics();
    metrics.rulebook("aaaaaaaaaaaaaaaaaaaaaaaa", &[]);
    metrics.rulebook("aaaaaaaaaaaaaaaaaaaaaaaa", &[]);
    assert_eq!(sample(&metrics, "weir_rulebook_info{digest=\"aaaaaaaaaaaa\"}"), "1");
}

#[test]
fn rules_of_a_rulebook_start_at_zero() {
    let metrics = exercised();
    assert_eq!(sample(&metrics, "weir_alerts_total{rule=\"structuring\",severity=\"high\"}"), "0");
    assert_eq!(sample(&metrics, "weir_rule_matches_total{rule=\"structuring\"}"), "0");
    metrics.rule_excused("structuring", "payroll", 2);
    // The encoder writes labels in alphabetical order.
    let series = "weir_rule_excused_total{exception=\"payroll\",rule=\"structuring\"}";
    assert_eq!(sample(&metrics, series), "2");
}

#[test]
fn lists_are_shown_with_their_rows_and_whether_they_shrank_too_much() {
    let metrics = metrics();
    metrics.lists([("far", 12), ("near", 3)].into_iter());
    assert_eq!(sample(&metrics, "weir_list_rows{list=\"far\"}"), "12");
    assert_eq!(sample(&metrics, "weir_list_shrink_refused{list=\"far\"}"), "0");
    metrics.lists_refused(&["far".to_owned()]);
    assert_eq!(sample(&metrics, "weir_list_shrink_refused{list=\"far\"}"), "1");
    metrics.lists([("far", 12)].into_iter());
    assert_eq!(sample(&metrics, "weir_list_shrink_refused{list=\"far\"}"), "1", "still refused");
    assert!(!metrics.render().expect("text").contains("weir_list_rows{list=\"near\"}"));
    metrics.lists_refused(&["near".to_owned()]);
    assert_eq!(sample(&metrics, "weir_list_shrink_refused{list=\"far\"}"), "0");
    assert_eq!(sample(&metrics, "weir_list_shrink_refused{list=\"near\"}"), "1");
}

#[test]
fn failed_reload_is_shown_until_one_succeeds() {
    let metrics = metrics();
    metrics.rulebook_reload(Reload::Refused);
    assert_eq!(sample(&metrics, "weir_rulebook_reload_failed"), "1");
    metrics.rulebook_reload(Reload::Loaded);
    assert_eq!(sample(&metrics, "weir_rulebook_reload_failed"), "0");
    assert_eq!(sample(&metrics, "weir_rulebook_reloads_total{result=\"refused\"}"), "1");
    assert_eq!(sample(&metrics, "weir_rulebook_reloads_total{result=\"loaded\"}"), "1");
}

#[test]
fn latencies_of_a_batch_fall_into_their_buckets() {
    let metrics = metrics();
    metrics.decision_latencies([2, 20, 200, 90_000].map(Duration::from_millis));
    assert_eq!(sample(&metrics, "weir_decision_latency_seconds_bucket{le=\"0.0025\"}"), "1");
    assert_eq!(sample(&metrics, "weir_decision_latency_seconds_bucket{le=\"0.025\"}"), "2");
    assert_eq!(sample(&metrics, "weir_decision_latency_seconds_bucket{le=\"60.5\"}"), "3");
    assert_eq!(sample(&metrics, "weir_decision_latency_seconds_count"), "4");
}

#[test]
fn single_counters_and_gauges_move() {
    let metrics = metrics();
    metrics.quarantined(Reason::NotJson);
    metrics.late_events(2);
    metrics.unknown_customers(3);
    metrics.parked(4);
    metrics.unmonitored(5);
    metrics.event_time(Instant(6_000_000));
    metrics.evaluate(Duration::from_millis(7));
    metrics.commit(Duration::from_millis(8));
    metrics.alert("r", Severity::Low);
    metrics.alert_occurrence("r");
    metrics.rule_evaluations("r", 20, 16);
    metrics.unreadable_field("tx.extra.wallet", 4);
    metrics.rule_matches("r", 9);
    metrics.rekyc_request(RekycCause::Behaviour);
    metrics.identity_changes(10);
    metrics.identity_transitions_refused(11);
    metrics.outbox_pending(12);
    metrics.publish_failure();
    metrics.nats_connected(true);
    metrics.nats_reconnect();
    metrics.slow_consumer();
    metrics.state_keys("account", 13);
    metrics.state_events(14);
    metrics.state_strings(15);
    metrics.limit_reached("batch_messages_max");
    metrics.store_retry();
    for (series, value) in [
        ("weir_build_info{version=\"9.8.7\"}", "1"),
        ("weir_quarantined_total{reason=\"not_json\"}", "1"),
        ("weir_events_late_total", "2"),
        ("weir_transactions_unknown_customer_total", "3"),
        ("weir_parked_transactions", "4"),
        ("weir_unmonitored_messages", "5"),
        ("weir_event_time_seconds", "6"),
        ("weir_evaluate_seconds_count", "1"),
        ("weir_commit_seconds_count", "1"),
        ("weir_alerts_total{rule=\"r\",severity=\"low\"}", "1"),
        ("weir_alert_occurrences_total{rule=\"r\"}", "1"),
        ("weir_rule_evaluations_total{rule=\"r\"}", "20"),
        ("weir_rule_absent_total{rule=\"r\"}", "16"),
        ("weir_unreadable_fields_total{field=\"tx.extra.wallet\"}", "4"),
        ("weir_rule_matches_total{rule=\"r\"}", "9"),
        ("weir_rekyc_requests_total{cause=\"behaviour\"}", "1"),
        ("weir_identity_changes_total", "10"),
        ("weir_identity_transitions_refused_total", "11"),
        ("weir_outbox_pending", "12"),
        ("weir_publish_failures_total", "1"),
        ("weir_nats_connected", "1"),
        ("weir_nats_reconnects_total", "1"),
        ("weir_slow_consumer_total", "1"),
        ("weir_state_keys{kind=\"account\"}", "13"),
        ("weir_state_events", "14"),
        ("weir_state_strings", "15"),
        ("weir_limit_reached_total{limit=\"batch_messages_max\"}", "1"),
        ("weir_store_retries_total", "1"),
    ] {
        assert_eq!(sample(&metrics, series), value, "{series}");
    }
    metrics.nats_connected(false);
    assert_eq!(sample(&metrics, "weir_nats_connected"), "0");
}

#[test]
fn resident_memory_is_read_from_the_status_page() {
    assert_eq!(resident_in_status("Name:\tweir\nVmRSS:\t    1024 kB\nThreads:\t4\n"), 1_048_576);
    assert_eq!(resident_in_status("Name:\tweir\n"), 0);
}
