//! Patterns through the whole engine: alerts with their evidence, late identities, another rulebook, limits.

use crate::domain::event::TransactionKind;
use crate::domain::{Alert, Body, Control, Event};
use crate::engine::tests::{alerts, at, book, engine, payment, registered, run};
use crate::engine::{Engine, Limits};

const RING: &str = r#"
lang: 1
rule: ring
title: Money comes back
about: A cycle of at least three accounts.
severity: high
trigger: transaction
entity: account
where: tx.direction == "in" and tx.amount >= 100
let:
  ring: |
    cycle(hops: 3..5, within: 7d, keep: 0.8) by account
when: has(ring) and ring.amount >= 100
alert:
  score: 50
  message: "{ring.amount:money} came back: {ring.accounts}"
"#;

fn pay(id: u64, day: i64, amount: &str, ends: (&str, &str)) -> Event<'static> {
    payment(id, day, TransactionKind::Wire, amount, ends)
}

fn one(found: &[Alert]) -> &Alert {
    let [alert] = found else { panic!("one alert: {found:#?}") };
    alert
}

fn ring(from: u64) -> Vec<Event<'static>> {
    vec![
        pay(from, 0, "1000", ("1", "2")),
        pay(from + 1, 1, "950", ("2", "X3")),
        pay(from + 2, 2, "900", ("X3", "4")),
        pay(from + 3, 3, "850", ("4", "1")),
    ]
}

fn people() -> Vec<Event<'static>> {
    vec![registered(1, "1"), registered(2, "2"), registered(4, "4")]
}

#[test]
fn the_evidence_of_a_cycle_lists_its_transfers() {
    let mut engine = engine(&[RING]);
    let found = alerts(&run(&mut engine, &[people(), ring(1)].concat()));
    let alert = one(&found);
    assert_eq!(alert.message, "850.00 came back: A1 > A2 > X3 > A4 > A1");
    assert_eq!((alert.entity.id.as_str(), alert.event.id.as_str()), ("A1", "T4"));
    assert_eq!(alert.evidence.values[0].value, "A1 > A2 > X3 > A4 > A1");
    let observed: Vec<_> = alert
        .evidence
        .conditions
        .iter()
        .map(|it| (it.text.as_str(), it.observed.as_deref()))
        .collect();
    assert_eq!(observed, [("has(ring)", Some("true")), ("ring.amount >= 100", Some("850"))]);
    let [window] = alert.evidence.windows.as_slice() else { panic!("one pattern") };
    assert_eq!((window.name.as_str(), window.value.as_str()), ("ring", "A1 > A2 > X3 > A4 > A1"));
    assert_eq!((window.from, window.to, window.is_truncated), (Some(at(-4)), at(3), false));
    let events: Vec<_> =
        window.events.iter().map(|it| (it.event.id.as_str(), it.value.as_deref())).collect();
    let expected = [
        ("T1", Some("1000 A1 > A2")),
        ("T2", Some("950 A2 > X3")),
        ("T3", Some("900 X3 > A4")),
        ("T4", Some("850 A4 > A1")),
    ];
    assert_eq!((window.events_total, events.as_slice()), (4, expected.as_slice()));
}

#[test]
fn a_search_is_made_only_when_everything_cheaper_holds_and_once_per_row() {
    let mut engine = engine(&[RING]);
    let mut events = [people(), ring(1)].concat();
    events.push(pay(9, 3, "99", ("4", "1")));
    run(&mut engine, &events);
    // Inbound legs of at least 100: T1 at A2, T3 at A4, T4 at A1. The second condition asks nothing anew.
    assert_eq!(engine.take_counts().graph_searches.searches, 3);
}

#[test]
fn a_cycle_that_unknown_customers_close_is_found_when_they_are_known() {
    let of_known = RING.replace("when: has(ring)", "when: customer.known and has(ring)");
    let mut engine = engine(&[&of_known]);
    let people = vec![registered(2, "2"), registered(4, "4")];
    let later = vec![pay(8, 4, "900", ("1", "X9")), registered(1, "1")];
    let found = alerts(&run(&mut engine, &[people, ring(1), later].concat()));
    let alert = one(&found);
    assert!(alert.is_re_evaluated);
    assert_eq!((alert.event.id.as_str(), alert.at), ("T4", at(3)));
    assert_eq!(alert.evidence.windows[0].value, "A1 > A2 > X3 > A4 > A1");
}

fn activation(digest: &str) -> Event<'static> {
    Event {
        id: "R1".into(),
        source: "weir".into(),
        at: at(2),
        body: Body::Control(Control::Rulebook { digest: digest.to_owned().into() }),
    }
}

/// The first part of a ring under one rule, the last transfer under another.
fn under_another_rule(changed: &str) -> (Vec<Alert>, Engine) {
    let mut engine = engine(&[RING]);
    let events = [people(), ring(1)].concat();
    let (closing, before) = events.split_last().expect("a ring");
    run(&mut engine, before);
    let book = book(&[changed]);
    engine.offer(book.clone());
    engine.apply(90, &activation(&book.digest));
    let outcome = engine.apply(91, closing);
    (alerts(&[outcome]), engine)
}

#[test]
fn another_rulebook_keeps_the_graph_whose_filter_means_the_same() {
    let (found, _) = under_another_rule(&RING.replace("keep: 0.8", "keep: 0.9"));
    assert_eq!(one(&found).message, "850.00 came back: A1 > A2 > X3 > A4 > A1");
    let filtered = RING.replace("keep: 0.8", "keep: 0.8, where: tx.type == \"wire\"");
    assert!(under_another_rule(&filtered).0.is_empty(), "another filter starts with nothing");
    let (found, _) = under_another_rule(&RING.replace("within: 7d", "within: 20d"));
    let window = &one(&found).evidence.windows[0];
    assert_eq!(window.from, Some(at(-5)), "what is older than seven days before was never kept");
}

#[test]
fn a_limit_that_was_met_is_counted_and_said_in_the_evidence() {
    let limits = Limits { graph_edges_max: 3, ..Limits::default() };
    let mut engine = Engine::new(book(&[RING]), limits);
    let crowd = (20..30).map(|number| {
        let payer = format!("X{number}");
        pay(number, 1, "5", (payer.as_str(), "1"))
    });
    let mut events = people();
    events.extend(crowd);
    events.extend(ring(1));
    let found = alerts(&run(&mut engine, &events));
    assert!(!one(&found).evidence.windows[0].is_truncated, "no search looks at what A1 received");
    assert_eq!(engine.take_counts().edges_given_up, 8);

    let limits = Limits { graph_visits_max: 2, ..Limits::default() };
    let mut engine = Engine::new(book(&[RING]), limits);
    let found = alerts(&run(&mut engine, &[people(), ring(1)].concat()));
    assert!(found.is_empty());
    let counts = engine.take_counts().graph_searches;
    assert!(counts.cut >= 1 && counts.visits <= 2 * counts.searches, "{counts:?}");
}

#[test]
fn a_transfer_between_two_own_accounts_is_one_edge_and_both_sides_see_the_path() {
    let both = RING.replace("tx.direction == \"in\" and ", "");
    let mut engine = engine(&[&both]);
    let found = alerts(&run(&mut engine, &[people(), ring(1)].concat()));
    let about: Vec<&str> = found.iter().map(|alert| alert.entity.id.as_str()).collect();
    assert_eq!(about, ["A4", "A1"]);
    for alert in &found {
        assert_eq!(alert.evidence.windows[0].events_total, 4);
    }
    assert_eq!(engine.sizes().graph_nodes, 4);
}
