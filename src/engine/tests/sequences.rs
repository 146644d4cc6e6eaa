//! Sequences: their edges one by one, and a plain model that looks at every combination of events.

use proptest::prelude::*;

use crate::domain::SecurityEvent;
use crate::domain::event::SecurityKind;

use super::*;

/// A take-over with two links and two forbidden events, one of them linked too.
const TAKE_OVER: &str = r#"
lang: 1
rule: take-over
title: A change, a sign-in and a payment from one device
severity: high
entity: customer
sequence:
  by: customer
  within: 5h
  steps:
    - changed: kyc.profile_changed where kyc.field in ["phone", "email"]
    - not: kyc.refreshed
    - seen: security.login where security.device == changed.device
    - not: kyc.attested where kyc.device == changed.device
    - out: transaction where tx.device == seen.device and tx.amount >= 10
let:
  gap: out.at - changed.at
alert:
  score: 50
  message: "{changed.field} by {changed.id}, {out.amount} by {out.id} after {gap:hours} h"
"#;

/// One event of a story: hours, what it is, device, amount.
type Told = (i64, Kind, u8, u8);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Changed,
    Refreshed,
    Login,
    Attested,
    Payment,
}

fn event(number: usize, (hours, kind, device, amount): Told) -> Event<'static> {
    let device = Some(Cow::Owned(format!("D{device}")));
    let session = Session { device, ..Session::default() };
    let about = |kind| {
        let mut event = IdentityEvent::bare(kind, Cow::Borrowed("C1"));
        event.field = Some(Cow::Borrowed("phone"));
        Body::Identity(event)
    };
    let body = match kind {
        Kind::Changed => about(IdentityKind::ProfileChanged),
        Kind::Refreshed => about(IdentityKind::Refreshed),
        Kind::Attested => about(IdentityKind::Attested),
        Kind::Login => Body::Security(SecurityEvent {
            kind: SecurityKind::Login,
            customer: Cow::Borrowed("C1"),
            outcome: None,
            method: None,
            payee: None,
            session: session.clone(),
            extra: Vec::new(),
        }),
        Kind::Payment => {
            let amount = amount.to_string();
            payment(0, 0, TransactionKind::Transfer, &amount, ("1", "X9")).body
        }
    };
    let mut event = Event {
        id: Cow::Owned(format!("E{number}")),
        source: Cow::Borrowed("story"),
        at: at(0).plus(Span::hours(hours)),
        body,
    };
    match &mut event.body {
        Body::Identity(identity) => identity.session = session,
        Body::Transaction(transaction) => transaction.session = session,
        _ => {}
    }
    event
}

fn told(events: &[Told]) -> Vec<Event<'static>> {
    let events = events.iter().enumerate();
    let story = events.map(|(number, told)| event(number, *told));
    std::iter::once(registered(1, "1")).chain(story).collect()
}

/// The ids of the events that each alert's steps were bound to.
fn bound(alerts: &[Alert]) -> Vec<Vec<String>> {
    let steps = |alert: &Alert| alert.evidence.steps.iter().map(|it| it.event.id.clone()).collect();
    alerts.iter().map(steps).collect()
}

/// What the sequence must bind, from all combinations of the events before the last.
fn model(events: &[Told]) -> Vec<Vec<String>> {
    let order = |index: usize| (events[index].0, index);
    let mut found = Vec::new();
    for last in 0..events.len() {
        let (hours, kind, device, amount) = events[last];
        if kind != Kind::Payment || amount < 10 {
            continue;
        }
        let known: Vec<usize> = (0..last).collect();
        let is = |index: usize, kind, device| {
            events[index].1 == kind && (events[index].2 == device || kind == Kind::Refreshed)
        };
        let between = |kind, low: usize, high: usize| {
            known.iter().any(|&it| {
                is(it, kind, device) && order(it) > order(low) && order(it) < order(high)
            })
        };
        let mut best = None;
        for &seen in known.iter().filter(|&&it| is(it, Kind::Login, device)) {
            for &changed in known.iter().filter(|&&it| is(it, Kind::Changed, device)) {
                if order(changed) < order(seen)
                    && order(seen) < order(last)
                    && events[changed].0 > hours - 5
                    && !between(Kind::Refreshed, changed, seen)
                    && !between(Kind::Attested, seen, last)
                {
                    best = best.max(Some((order(seen), order(changed))));
                }
            }
        }
        if let Some((seen, changed)) = best {
            found.push([changed.1, seen.1, last].map(|it| format!("E{it}")).to_vec());
        }
    }
    found
}

fn story() -> impl Strategy<Value = Vec<Told>> {
    let kind = prop_oneof![
        3 => Just(Kind::Changed),
        1 => Just(Kind::Refreshed),
        3 => Just(Kind::Login),
        1 => Just(Kind::Attested),
        4 => Just(Kind::Payment),
    ];
    proptest::collection::vec((0_i64..14, kind, 1_u8..3, 8_u8..16), 1..40)
}

proptest! {
    #[test]
    fn a_sequence_binds_what_a_look_at_every_combination_binds(events in story()) {
        let mut engine = engine(&[TAKE_OVER]);
        let outcomes = run(&mut engine, &told(&events));
        prop_assert_eq!(bound(&alerts(&outcomes)), model(&events));
    }
}

#[test]
fn an_alert_names_the_events_of_its_steps() {
    let mut engine = engine(&[TAKE_OVER]);
    let events =
        told(&[(0, Kind::Changed, 1, 0), (2, Kind::Login, 1, 0), (4, Kind::Payment, 1, 12)]);
    let alerts = alerts(&run(&mut engine, &events));
    let [alert] = alerts.as_slice() else { panic!("one alert: {alerts:#?}") };
    assert_eq!(alert.message, "phone by E0, 12 by E2 after 4 h");
    let steps: Vec<_> =
        alert.evidence.steps.iter().map(|it| (it.name.as_str(), it.event.id.as_str())).collect();
    assert_eq!(steps, [("changed", "E0"), ("seen", "E1"), ("out", "E2")]);
    assert_eq!(
        alert.evidence.steps[2].text,
        "transaction where tx.device == seen.device and tx.amount >= 10"
    );
    assert_eq!(alert.event.id, "E2", "the last step opens the alert");
    let conditions: Vec<_> = alert.evidence.conditions.iter().map(|it| it.text.as_str()).collect();
    let expected =
        ["security.device == changed.device", "tx.device == seen.device", "tx.amount >= 10"];
    assert_eq!(conditions, expected);
    assert!(alert.evidence.conditions.iter().all(|it| it.held));
}

#[test]
fn the_first_step_must_be_within_the_span_and_its_far_edge_is_outside() {
    for (hours, count) in [(4, 1), (5, 0)] {
        let mut engine = engine(&[TAKE_OVER]);
        let events = told(&[
            (0, Kind::Changed, 1, 0),
            (1, Kind::Login, 1, 0),
            (hours, Kind::Payment, 1, 12),
        ]);
        assert_eq!(alerts(&run(&mut engine, &events)).len(), count, "{hours}");
    }
}

#[test]
fn an_earlier_step_that_comes_late_counts_for_last_steps_that_come_after_it() {
    let mut engine = engine(&[TAKE_OVER]);
    let events = told(&[
        (1, Kind::Login, 1, 0),
        (2, Kind::Payment, 1, 12),
        (0, Kind::Changed, 1, 0),
        (3, Kind::Payment, 1, 12),
    ]);
    let alerts = alerts(&run(&mut engine, &events));
    assert_eq!(bound(&alerts), [["E2", "E0", "E3"]]);
    assert!(alerts[0].is_late, "an event took part that came after later ones");
}

#[test]
fn a_last_step_that_comes_late_is_judged_at_its_own_time() {
    let mut engine = engine(&[TAKE_OVER]);
    let events = told(&[
        (0, Kind::Changed, 1, 0),
        (1, Kind::Login, 1, 0),
        (3, Kind::Attested, 1, 0),
        (12, Kind::Login, 2, 0),
        (2, Kind::Payment, 1, 12),
    ]);
    assert_eq!(bound(&alerts(&run(&mut engine, &events))), [["E0", "E1", "E4"]]);
}

#[test]
fn a_step_of_an_unknown_customer_is_judged_again_with_the_identity() {
    let rule = TAKE_OVER.replace(" and tx.amount >= 10", " and customer.risk == \"low\"");
    let mut engine = engine(&[&rule]);
    let mut events =
        told(&[(0, Kind::Login, 1, 0), (2, Kind::Payment, 1, 12), (6, Kind::Payment, 1, 12)]);
    events.remove(0);
    let mut changed = event(9, (-1, Kind::Changed, 1, 0));
    if let Body::Identity(identity) = &mut changed.body {
        identity.facts.risk = None;
    }
    events.insert(0, changed);
    events.push(registered(1, "1"));
    let outcomes = run(&mut engine, &events);
    let alerts = alerts(&outcomes);
    assert_eq!(bound(&alerts), [["E9", "E0", "E1"]], "the other payment came too late");
    assert!(alerts[0].is_re_evaluated);
}

#[test]
fn a_search_over_too_many_combinations_is_given_up_and_counted() {
    let limits = Limits { sequence_tries_max: 20, ..Limits::default() };
    let mut engine = Engine::new(book(&[TAKE_OVER]), limits);
    let mut events: Vec<Told> = (0..30).map(|_| (0, Kind::Changed, 2, 0)).collect();
    events.extend((0..5).map(|_| (1, Kind::Login, 1, 0)));
    events.push((2, Kind::Payment, 1, 12));
    assert!(alerts(&run(&mut engine, &told(&events))).is_empty());
    assert_eq!(engine.take_counts().searches_given_up, 1);
}

#[test]
fn the_oldest_event_of_a_step_is_given_up_at_its_limit() {
    let limits = Limits { step_events_max: 2, ..Limits::default() };
    let mut engine = Engine::new(book(&[TAKE_OVER]), limits);
    let mut events: Vec<Told> = (0..3).map(|hour| (hour, Kind::Changed, 1, 0)).collect();
    events.extend([(3, Kind::Login, 1, 0), (4, Kind::Payment, 1, 12)]);
    let alerts = alerts(&run(&mut engine, &told(&events)));
    assert_eq!(bound(&alerts), [["E2", "E3", "E4"]]);
    assert_eq!((engine.take_counts().events_given_up, engine.sizes().steps), (1, 3));
}

/// Makes `rules` live by an entry of the log.
pub(super) fn activate(engine: &mut Engine, sequence: u64, rules: &[&str]) {
    let book = book(rules);
    engine.offer(Arc::clone(&book));
    let activation = Event {
        id: Cow::Borrowed("R1"),
        source: Cow::Borrowed("weir"),
        at: at(900),
        body: Body::Control(Control::Rulebook { digest: Cow::Owned(book.digest.clone()) }),
    };
    assert_eq!(engine.apply(sequence, &activation).fate, Fate::Control);
}

#[test]
fn another_rulebook_keeps_the_steps_that_mean_the_same() {
    let begun = told(&[(0, Kind::Changed, 1, 0), (1, Kind::Login, 1, 0)]);
    let last = event(2, (2, Kind::Payment, 1, 12));
    let reworded = TAKE_OVER
        .replace("score: 50", "score: 60")
        .replace("- seen:", "- met:")
        .replace("seen.device", "met.device")
        .replace("kyc.field in [\"phone\", \"email\"]", "kyc.field  in  [\"phone\", \"email\"]");
    let narrower = TAKE_OVER.replace("\"phone\", \"email\"", "\"phone\"");
    let longer = TAKE_OVER.replace("within: 5h", "within: 9h");
    let asks_more = TAKE_OVER.replace("{changed.field} by", "{changed.channel} by");
    for (rules, count, why) in [
        (vec![reworded.as_str()], 1, "names and scores move no state"),
        (vec![narrower.as_str()], 0, "a step that means something else starts empty"),
        (vec![longer.as_str()], 1, "a longer span keeps what there is"),
        (vec![asks_more.as_str()], 0, "what is remembered anew was not remembered then"),
        (vec![TAKE_OVER, asks_more.as_str()], 1, "beside it the unchanged rule goes on"),
    ] {
        let renamed: Vec<String> = rules
            .iter()
            .enumerate()
            .map(|(n, rule)| rule.replace("rule: take-over", &format!("rule: take-over-{n}")))
            .collect();
        let renamed: Vec<&str> = renamed.iter().map(String::as_str).collect();
        let mut engine = engine(&[TAKE_OVER]);
        run(&mut engine, &begun);
        activate(&mut engine, 10, &renamed);
        let found = alerts(&[engine.apply(11, &last)]);
        assert_eq!(found.len(), count, "{why}");
    }
}

#[test]
fn a_step_may_read_windows_as_they_are_when_its_event_comes() {
    let rule = TAKE_OVER.replace(
        "security.device == changed.device\n",
        "security.device == changed.device and count(security.login) by customer over 3h == 2\n",
    );
    let mut engine = engine(&[&rule]);
    let events = told(&[
        (0, Kind::Changed, 1, 0),
        (1, Kind::Login, 1, 0),
        (2, Kind::Login, 1, 0),
        (3, Kind::Login, 1, 0),
        (4, Kind::Payment, 1, 12),
    ]);
    let alerts = alerts(&run(&mut engine, &events));
    assert_eq!(bound(&alerts), [["E0", "E2", "E4"]]);
    assert!(alerts[0].evidence.windows.is_empty(), "a window of an earlier step is over");
}

#[test]
fn a_rule_judges_only_within_its_span_of_days_and_its_windows_stay_warm() {
    let rule = MANY_DEPOSITS
        .replace("trigger:", "effective: { from: 2026-01-07, to: 2026-01-09 }\ntrigger:");
    let mut engine = engine(&[&rule.replace("cooldown: 7d", "cooldown: 1s")]);
    let deposits = (0..6).map(|day| cash(u64::try_from(day).expect("a day"), day, "900", "1"));
    let events: Vec<_> = std::iter::once(registered(1, "1")).chain(deposits).collect();
    let found: Vec<Instant> = alerts(&run(&mut engine, &events)).iter().map(|it| it.at).collect();
    assert_eq!(found, [at(2), at(3)], "from its first day until the one on which it ends");
}
