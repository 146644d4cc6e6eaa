//! Rules that count the matches of other rules: order, time, shadow, and another rulebook.

use super::*;

/// Named so that by name alone it would come after its reader.
const SMALL: &str = r"
lang: 1
rule: small-payment
title: A small payment
severity: low
trigger: transaction
entity: customer
when: tx.amount < 100
unless:
  - a-gift: tx.amount == 50
alert: { score: 10, message: small, cooldown: 30d }
";

const READER: &str = r#"
lang: 1
rule: many-small-payments
title: Many small payments
severity: high
trigger: transaction
entity: customer
let:
  n: matches("small-payment", 2d)
when: n >= 3
alert: { score: 10, message: "{n} small payments" }
"#;

fn pay(id: u64, days: i64, amount: &str) -> Event<'static> {
    payment(id, days, TransactionKind::Transfer, amount, ("1", "X9"))
}

/// The reader's alerts: message and event.
fn found(outcomes: &[Outcome]) -> Vec<(String, String)> {
    let alerts = alerts(outcomes).into_iter().filter(|alert| alert.rule.starts_with("many"));
    alerts.map(|alert| (alert.message, alert.event.id)).collect()
}

fn pair(message: &str, id: &str) -> (String, String) {
    (message.to_owned(), id.to_owned())
}

#[test]
fn a_rule_sees_the_match_of_the_same_event_and_no_excused_one() {
    let mut engine = engine(&[READER, SMALL]);
    let outcomes = run(
        &mut engine,
        &[
            registered(1, "1"),
            pay(1, 0, "10"),
            pay(2, 0, "50"),
            pay(3, 0, "10"),
            pay(4, 1, "10"),
            pay(5, 2, "10"),
            pay(6, 2, "5000"),
            payment(7, 2, TransactionKind::Transfer, "10", ("2", "X9")),
        ],
    );
    assert_eq!(found(&outcomes), [pair("3 small payments", "T4")], "two days later two are gone");
    let alert = alerts(&outcomes).into_iter().find(|alert| alert.rule.starts_with("many"));
    let alert = alert.expect("the alert");
    let [window] = alert.evidence.windows.as_slice() else { panic!("one window: {alert:#?}") };
    let ids: Vec<_> = window.events.iter().map(|it| it.event.id.as_str()).collect();
    assert_eq!((window.name.as_str(), ids), ("n", vec!["T1", "T3", "T4"]));
}

#[test]
fn a_match_counts_until_the_far_edge_of_the_span() {
    let mut engine = engine(&[READER, SMALL]);
    let outcomes = run(
        &mut engine,
        &[registered(1, "1"), pay(1, 0, "10"), pay(2, 0, "10"), pay(3, 2, "10"), pay(4, 1, "10")],
    );
    assert!(found(&outcomes).is_empty(), "the late one counts at the latest time: {outcomes:#?}");
}

#[test]
fn matches_in_shadow_count_for_rules_in_shadow_only() {
    let shadow = |rule: &str| rule.replace("trigger:", "status: shadow\ntrigger:");
    let events: Vec<_> = std::iter::once(registered(1, "1"))
        .chain((1..4).map(|number| pay(number, 0, "10")))
        .collect();
    for (reader, small, count) in [
        (READER.to_owned(), shadow(SMALL), 0),
        (shadow(READER), shadow(SMALL), 1),
        (shadow(READER), SMALL.to_owned(), 1),
    ] {
        let mut engine = engine(&[&reader, &small]);
        assert_eq!(found(&run(&mut engine, &events)).len(), count);
    }
}

#[test]
fn matches_of_a_rule_that_changed_are_still_its_matches() {
    let mut engine = engine(&[READER, SMALL]);
    run(&mut engine, &[registered(1, "1"), pay(1, 0, "10"), pay(2, 0, "10")]);
    let changed = SMALL.replace("tx.amount < 100", "tx.amount < 90");
    sequences::activate(&mut engine, 10, &[READER, &changed]);
    let outcomes = [engine.apply(11, &pay(3, 0, "10"))];
    assert_eq!(found(&outcomes), [pair("3 small payments", "T3")]);
}

#[test]
fn a_rule_about_another_role_is_read_by_that_role() {
    let about_account = SMALL.replace("entity: customer", "entity: account");
    let reader = READER.replace("\"small-payment\", 2d)", "\"small-payment\", 2d) by account");
    let mut engine = engine(&[&reader, &about_account]);
    let events: Vec<_> = std::iter::once(registered(1, "1"))
        .chain((1..4).map(|number| pay(number, 0, "10")))
        .collect();
    assert_eq!(found(&run(&mut engine, &events)), [pair("3 small payments", "T3")]);
}
