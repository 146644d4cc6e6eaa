//! The engine's behavior: apply events, look at what came back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::event::{IdentityKind, TransactionDetails, TransactionKind, TransactionStatus};
use crate::domain::money::parse_amount;
use crate::domain::{
    Alert, Body, Control, Currency, Event, Fate, IdentityEvent, Instant, Money, Party, Risk,
    Session, Span, Transaction,
};
use crate::rulebook::{Rulebook, loader};

use super::outcome::{Effect, Outcome};
use super::{Engine, Limits};

mod again;
mod matches;
mod sequences;
mod shuffled;
mod timers;

/// A rule with a table by risk, so that an unknown customer has no floor.
const MANY_DEPOSITS: &str = r#"
lang: 1
rule: many-deposits
title: Many cash deposits
about: Three cash deposits of at least the floor within a week.
severity: high
trigger: transaction
entity: customer
params:
  floor: { by: customer.risk, values: { low: 800, medium: 700, high: 500, prohibited: 0 } }
let:
  n: count(transaction where tx.type == "cash_deposit" and tx.amount >= floor) by customer over 7d
  total: sum(tx.amount where tx.type == "cash_deposit" and tx.amount >= floor) by customer over 7d
when: n >= 3 and total > 2000
alert:
  score: 40 + 10 * n
  message: "{n} deposits, {total} in all"
  cooldown: 7d
rekyc:
  reason: "{n} deposits"
  due: 14d
"#;

/// Reads the same window as above and another one.
const LARGE_SHARE: &str = r#"
lang: 1
rule: large-share
title: A large share at once
about: One payment is most of what the account moved in a week.
severity: low
trigger: transaction
entity: account
let:
  moved: sum(tx.amount) by account over 7d
when: moved >= 1000 and tx.amount > 0.9 * moved
alert:
  score: 10
  message: "{tx.amount} of {moved}"
"#;

pub(super) fn book(rules: &[&str]) -> Arc<Rulebook> {
    let texts: BTreeMap<String, String> = rules
        .iter()
        .map(|text| {
            let name = text.lines().find_map(|line| line.strip_prefix("rule: ")).expect("a name");
            (format!("{name}.yaml"), (*text).to_owned())
        })
        .collect();
    let loaded = loader::load(&texts);
    assert!(loaded.rulebook.is_some(), "{:#?}", loaded.diagnostics);
    Arc::new(loaded.rulebook.expect("sound rules"))
}

pub(super) fn at(days: i64) -> Instant {
    Instant::parse("2026-01-05T00:00:00Z").expect("a time").plus(Span::days(days))
}

pub(super) fn party(id: &str) -> Party<'static> {
    match id.strip_prefix('X') {
        Some(_) => Party { account: Some(Cow::Owned(id.to_owned())), ..Party::default() },
        None => Party {
            customer: Some(Cow::Owned(format!("C{id}"))),
            account: Some(Cow::Owned(format!("A{id}"))),
            ..Party::default()
        },
    }
}

pub(super) fn payment(
    id: u64,
    days: i64,
    kind: TransactionKind,
    amount: &str,
    (from, to): (&str, &str),
) -> Event<'static> {
    let amount = parse_amount(amount).expect("an amount");
    Event {
        id: Cow::Owned(format!("T{id}")),
        source: Cow::Borrowed("bank"),
        at: at(days),
        body: Body::Transaction(Transaction {
            kind,
            status: TransactionStatus::Booked,
            booked: Money { amount, currency: Currency::parse("EUR").expect("a currency") },
            base_amount: amount,
            rate: None,
            originator: party(from),
            beneficiary: party(to),
            initiator: None,
            purpose: None,
            branch: None,
            session: Session::default(),
            details: TransactionDetails::default(),
        }),
    }
}

pub(super) fn cash(id: u64, days: i64, amount: &str, customer: &str) -> Event<'static> {
    let mut event = payment(id, days, TransactionKind::CashDeposit, amount, ("X", customer));
    if let Body::Transaction(transaction) = &mut event.body {
        transaction.originator = Party::default();
    }
    event
}

fn identity(id: u64, days: i64, kind: IdentityKind, customer: &str) -> Event<'static> {
    let mut event = IdentityEvent::bare(kind, Cow::Owned(format!("C{customer}")));
    event.facts.risk = Some(Risk::Low);
    Event {
        id: Cow::Owned(format!("I{id}")),
        source: Cow::Borrowed("kyc"),
        at: at(days),
        body: Body::Identity(event),
    }
}

pub(super) fn registered(id: u64, customer: &str) -> Event<'static> {
    identity(id, -30, IdentityKind::Registered, customer)
}

pub(super) fn run(engine: &mut Engine, events: &[Event<'_>]) -> Vec<Outcome> {
    let first = engine.sizes().events as u64;
    events.iter().zip(first + 1..).map(|(event, sequence)| engine.apply(sequence, event)).collect()
}

pub(super) fn alerts(outcomes: &[Outcome]) -> Vec<Alert> {
    let effects = outcomes.iter().flat_map(|outcome| &outcome.effects);
    effects
        .filter_map(|effect| match effect {
            Effect::AlertRaised(alert) => Some((**alert).clone()),
            _ => None,
        })
        .collect()
}

pub(super) fn engine(rules: &[&str]) -> Engine {
    Engine::new(book(rules), Limits::default())
}

#[test]
fn an_alert_says_why_with_every_condition_and_every_contributing_event() {
    let mut engine = engine(&[MANY_DEPOSITS]);
    let outcomes = run(
        &mut engine,
        &[
            registered(1, "1"),
            cash(1, 0, "900", "1"),
            cash(2, 1, "500", "1"),
            cash(3, 2, "800.50", "1"),
            cash(4, 3, "950", "1"),
        ],
    );
    let alerts = alerts(&outcomes);
    let [alert] = alerts.as_slice() else { panic!("one alert: {alerts:#?}") };
    assert_eq!(alert.message, "3 deposits, 2650.5 in all");
    assert_eq!((alert.entity.id.as_str(), alert.at), ("C1", at(3)));
    let conditions: Vec<_> = alert
        .evidence
        .conditions
        .iter()
        .map(|it| (it.text.as_str(), it.held, it.observed.as_deref(), it.threshold.as_deref()))
        .collect();
    assert_eq!(
        conditions,
        [
            ("n >= 3", true, Some("3"), Some(">= 3")),
            ("total > 2000", true, Some("2650.5"), Some("> 2000")),
        ]
    );
    let total = alert.evidence.windows.iter().find(|window| window.name == "total");
    let total = total.expect("the window behind `total`");
    assert_eq!((total.from, total.to, total.events_total), (Some(at(-4)), at(3), 3));
    let events: Vec<_> =
        total.events.iter().map(|it| (it.event.id.as_str(), it.value.as_deref())).collect();
    let expected = [("T1", Some("900")), ("T3", Some("800.5")), ("T4", Some("950"))];
    assert_eq!(events, expected, "T2 is below the floor of a low-risk customer");
    assert_eq!(alert.evidence.params[0].value, "800");
    assert!(matches!(
        outcomes[4].effects.as_slice(),
        [Effect::AlertRaised(_), Effect::RekycRequested(request)] if request.due_at == at(17)
    ));
}

#[test]
fn a_transfer_between_two_of_our_customers_is_one_leg_for_each() {
    let mut engine = engine(&[LARGE_SHARE]);
    let outcomes = run(
        &mut engine,
        &[
            registered(1, "1"),
            registered(2, "2"),
            payment(1, 0, TransactionKind::Transfer, "5000", ("1", "2")),
            payment(2, 1, TransactionKind::Transfer, "9000", ("X9", "X8")),
        ],
    );
    let about: Vec<String> = alerts(&outcomes).into_iter().map(|alert| alert.entity.id).collect();
    assert_eq!(about, ["A1", "A2", "X9", "X8"]);
    assert_eq!(outcomes[2].fate, Fate::Evaluated);
    assert_eq!(outcomes[3].fate, Fate::Parked, "neither side is anybody we know");
}

#[test]
fn a_late_event_completes_a_pattern_and_the_alert_says_so() {
    let mut engine = engine(&[MANY_DEPOSITS]);
    let outcomes = run(
        &mut engine,
        &[
            registered(1, "1"),
            cash(1, 0, "900", "1"),
            cash(2, 4, "900", "1"),
            cash(3, 2, "900", "1"),
        ],
    );
    let alerts = alerts(&outcomes);
    assert_eq!((alerts.len(), alerts[0].is_late), (1, true));
    assert_eq!((alerts[0].at, alerts[0].event.at), (at(4), at(2)));
    assert_eq!(engine.take_counts().late, 1);
}

#[test]
fn deposits_before_the_customer_record_are_judged_again_when_it_comes() {
    let mut engine = engine(&[MANY_DEPOSITS]);
    let outcomes = run(
        &mut engine,
        &[
            cash(1, 0, "900", "1"),
            cash(2, 0, "900", "1"),
            cash(3, 0, "900", "1"),
            registered(1, "1"),
        ],
    );
    let fates: Vec<Fate> = outcomes.iter().map(|outcome| outcome.fate).collect();
    assert_eq!(fates, [Fate::Parked, Fate::Parked, Fate::Parked, Fate::Evaluated]);
    let alerts = alerts(&outcomes);
    assert_eq!(alerts.len(), 1, "an unknown customer has no floor, a known one has");
    assert!(alerts[0].is_re_evaluated);
    assert_eq!(alerts[0].event.id, "T3");
    let released =
        outcomes[3].effects.iter().filter(|effect| matches!(effect, Effect::ParkedReleased { .. }));
    assert_eq!((released.count(), engine.sizes().parked), (3, 0));
}

#[test]
fn within_the_cooldown_an_alert_is_extended_and_not_repeated() {
    let mut engine = engine(&[MANY_DEPOSITS]);
    let deposits = (0..6).map(|day| cash(u64::try_from(day).expect("a day"), day, "900", "1"));
    let events: Vec<_> = std::iter::once(registered(1, "1")).chain(deposits).collect();
    let outcomes = run(&mut engine, &events);
    assert_eq!(alerts(&outcomes).len(), 1);
    let extended = outcomes
        .iter()
        .flat_map(|outcome| &outcome.effects)
        .filter(|effect| matches!(effect, Effect::AlertExtended(_)));
    assert_eq!(extended.count(), 3);
}

#[test]
fn another_rulebook_keeps_the_windows_that_mean_the_same() {
    let mut engine = engine(&[MANY_DEPOSITS]);
    let outcomes =
        run(&mut engine, &[registered(1, "1"), cash(1, 0, "900", "1"), cash(2, 1, "900", "1")]);
    assert!(alerts(&outcomes).is_empty());
    let stricter = MANY_DEPOSITS.replace("n >= 3 and total > 2000", "n >= 3 and total > 2600");
    let changed = book(&[&stricter, LARGE_SHARE]);
    engine.offer(Arc::clone(&changed));
    let activation = Event {
        id: Cow::Borrowed("R1"),
        source: Cow::Borrowed("weir"),
        at: at(900),
        body: Body::Control(Control::Rulebook { digest: Cow::Owned(changed.digest.clone()) }),
    };
    let activated = engine.apply(4, &activation);
    assert_eq!(activated.fate, Fate::Control);
    assert!(matches!(activated.effects.as_slice(), [Effect::RulebookActivated { .. }]));
    let outcome = engine.apply(5, &cash(3, 2, "900", "1"));
    let alerts = alerts(&[outcome]);
    let [alert] = alerts.as_slice() else { panic!("one alert: {alerts:#?}") };
    assert_eq!(alert.message, "3 deposits, 2700 in all");
    assert_eq!(alert.rulebook_digest, changed.digest);
}

#[test]
fn a_rulebook_that_was_not_offered_changes_nothing() {
    let mut engine = engine(&[MANY_DEPOSITS]);
    let live = engine.rulebook().digest.clone();
    let activation = Event {
        id: Cow::Borrowed("R1"),
        source: Cow::Borrowed("weir"),
        at: at(0),
        body: Body::Control(Control::Rulebook { digest: Cow::Borrowed("nobody") }),
    };
    let outcome = engine.apply(1, &activation);
    assert!(matches!(outcome.effects.as_slice(), [Effect::RulebookMissing { .. }]));
    assert_eq!(engine.rulebook().digest, live);
}

#[test]
fn the_same_log_gives_the_same_outcomes() {
    let events: Vec<_> = std::iter::once(registered(1, "1"))
        .chain((0..200).map(|number| {
            let customer = ["1", "2", "3"][usize::try_from(number % 3).expect("small")];
            cash(number, i64::try_from(number / 7).expect("small"), "900", customer)
        }))
        .chain([registered(2, "2"), registered(3, "3")])
        .collect();
    let mut first = engine(&[MANY_DEPOSITS, LARGE_SHARE]);
    let mut second = engine(&[LARGE_SHARE, MANY_DEPOSITS]);
    assert_eq!(run(&mut first, &events), run(&mut second, &events));
}

#[test]
fn a_completed_review_closes_the_request() {
    let mut engine = engine(&[MANY_DEPOSITS]);
    let outcomes = run(
        &mut engine,
        &[
            registered(1, "1"),
            identity(2, -29, IdentityKind::Verified, "1"),
            cash(1, 0, "900", "1"),
            cash(2, 0, "900", "1"),
            cash(3, 0, "900", "1"),
            identity(3, 1, IdentityKind::Refreshed, "1"),
        ],
    );
    let request = outcomes[4].effects.iter().find_map(|effect| match effect {
        Effect::RekycRequested(request) => Some(request.id.clone()),
        _ => None,
    });
    let completed = outcomes[5].effects.iter().find_map(|effect| match effect {
        Effect::RekycCompleted { request, .. } => Some(request.clone()),
        _ => None,
    });
    assert!(request.is_some());
    assert_eq!(request, completed);
}

#[test]
fn an_event_that_comes_again_after_its_id_was_forgotten_is_no_second_alert() {
    let mut engine = engine(&[LARGE_SHARE]);
    let again = payment(1, 0, TransactionKind::Transfer, "5000", ("1", "X9"));
    let outcomes = run(&mut engine, &[registered(1, "1"), again.clone()]);
    assert_eq!(alerts(&outcomes).len(), 1);
    // Weeks later, when the sum of the week before is gone and the same event matches anew.
    let between = payment(2, 60, TransactionKind::Transfer, "1", ("1", "X9"));
    engine.apply(3, &between);
    let mut late = again;
    late.at = at(90);
    let outcome = engine.apply(4, &late);
    assert!(matches!(outcome.effects.as_slice(), [Effect::AlertExtended(_)]), "{outcome:#?}");
}

#[test]
fn what_was_found_in_shadow_holds_back_no_alert_when_the_rule_becomes_active() {
    let shadow = MANY_DEPOSITS.replace("severity: high", "severity: high\nstatus: shadow");
    let mut engine = engine(&[&shadow]);
    let deposits =
        |from: u64| (from..from + 3).map(|n| cash(n, i64::try_from(n).expect("a day"), "900", "1"));
    let events: Vec<_> = std::iter::once(registered(1, "1")).chain(deposits(0)).collect();
    let found = alerts(&run(&mut engine, &events));
    assert_eq!((found.len(), found[0].is_shadow), (1, true));
    let active = book(&[MANY_DEPOSITS]);
    engine.offer(Arc::clone(&active));
    let activation = Event {
        id: Cow::Borrowed("R1"),
        source: Cow::Borrowed("weir"),
        at: at(3),
        body: Body::Control(Control::Rulebook { digest: Cow::Owned(active.digest.clone()) }),
    };
    engine.apply(5, &activation);
    let found = alerts(&[engine.apply(6, &cash(9, 3, "900", "1"))]);
    assert_eq!((found.len(), found[0].is_shadow), (1, false));
}

#[test]
fn both_legs_of_an_event_sent_again_count_once() {
    let by_customer = LARGE_SHARE
        .replace("entity: account", "entity: customer")
        .replace("by account", "by customer")
        .replace("tx.amount > 0.9 * moved", "tx.amount > 0.4 * moved");
    let mut engine = engine(&[&by_customer]);
    let own = payment(1, 0, TransactionKind::Transfer, "5000", ("1", "1"));
    run(&mut engine, &[registered(1, "1"), own.clone()]);
    engine.apply(3, &payment(2, 30, TransactionKind::Transfer, "1", ("1", "X9")));
    let outcome = engine.apply(4, &Event { at: at(60), ..own });
    assert_eq!(outcome.effects.len(), 1, "{outcome:#?}");
}

#[test]
fn an_absent_value_that_made_a_comparison_false_is_counted_and_one_that_was_handled_is_not() {
    let rule = |name: &str, when: &str| {
        format!(
            "lang: 1\nrule: {name}\ntitle: t\nseverity: low\ntrigger: transaction\n\
             entity: customer\nwhen: {when}\nalert: {{ score: 1, message: m }}\n"
        )
    };
    let rules = [
        rule("a-compared", "tx.branch == \"B1\""),
        rule("b-listed", "tx.branch in [\"B1\"]"),
        rule("c-asked", "has(tx.branch) and tx.branch == \"B1\""),
        rule("d-defaulted", "(tx.branch ?? \"none\") == \"B1\""),
        rule("e-ratio", "tx.amount / (tx.amount - 5) > 1"),
        rule("f-named", "is_b1\nlet: { is_b1: tx.branch == \"B1\" }"),
        rule("g-named", "same\nlet: { same: tx.branch == \"B1\" }"),
    ];
    let mut engine = engine(&rules.each_ref().map(String::as_str));
    run(&mut engine, &[registered(1, "1"), cash(1, 0, "5", "1"), cash(2, 0, "6", "1")]);
    let counts: Vec<_> = engine
        .take_counts()
        .rules
        .iter()
        .map(|it| (it.rule.clone(), it.evaluated, it.met_absent))
        .collect();
    let row = |name: &str, met_absent| (name.to_owned(), 2, met_absent);
    assert_eq!(
        counts,
        [
            row("a-compared", 2),
            row("b-listed", 2),
            row("c-asked", 0),
            row("d-defaulted", 0),
            row("e-ratio", 1),
            row("f-named", 2),
            row("g-named", 2),
        ]
    );
}

/// What is usual for an account, from its days before.
const USUAL: &str = r#"
lang: 1
rule: usual
title: What is usual
about: The mean of the days before.
severity: low
trigger: transaction
entity: account
let:
  usual: avg(count(transaction) per 1d) by account over previous 3d
when: has(usual)
alert: { score: 10, message: "{usual} a day" }
"#;

#[test]
fn an_event_that_is_judged_again_is_in_its_bucket_once() {
    let mut engine = Engine::new(book(&[USUAL]), Limits::default());
    let outcomes = run(
        &mut engine,
        &[cash(1, 0, "10", "1"), registered(2, "1"), cash(3, 0, "10", "1"), cash(4, 2, "10", "1")],
    );
    let alerts = alerts(&outcomes);
    let [alert] = alerts.as_slice() else { panic!("one alert was expected: {alerts:#?}") };
    assert_eq!(alert.message, "1 a day", "two payments in two days");
    let [window] = alert.evidence.windows.as_slice() else { panic!("one window was expected") };
    assert_eq!((window.value.as_str(), window.events_total), ("1", 2));
    assert_eq!((window.from, window.to), (Some(at(-1)), at(2)));
    assert!(!window.is_truncated && window.events.is_empty());
}

#[test]
fn another_rulebook_goes_on_with_the_buckets_that_mean_the_same() {
    let mut engine = Engine::new(book(&[USUAL]), Limits::default());
    let wider = USUAL.replace("previous 3d", "previous 9d");
    let next = book(&[&wider]);
    let digest = Cow::Owned(next.digest.clone());
    engine.offer(next);
    let swap = Event {
        id: Cow::Borrowed("R1"),
        source: Cow::Borrowed("weir"),
        at: at(1),
        body: Body::Control(Control::Rulebook { digest }),
    };
    let events = [registered(1, "1"), cash(2, 0, "10", "1"), cash(3, 1, "10", "1")];
    run(&mut engine, &events);
    engine.apply(10, &swap);
    let outcome = engine.apply(11, &cash(4, 4, "10", "1"));
    let alerts = alerts(std::slice::from_ref(&outcome));
    let messages: Vec<&str> = alerts.iter().map(|alert| alert.message.as_str()).collect();
    assert_eq!(messages, ["0.5 a day"], "two payments in four days");
}
