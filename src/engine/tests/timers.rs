//! Timers: when they start, when they fire, in which order, and what moves their clock.

use proptest::prelude::*;

use super::*;

const NOT_REFRESHED: &str = r#"
lang: 1
rule: not-refreshed
title: A high-risk customer was not identified again
severity: high
trigger:
  absent: kyc.refreshed
  by: customer
  for: 30d
  where: customer.risk != "high" or now < customer.since
entity: customer
let:
  paid: sum(tx.amount) by customer over 30d
alert:
  score: 50
  message: "{now:date}: {paid} paid"
"#;

const UNANSWERED: &str = r#"
lang: 1
rule: unanswered
title: A request was not answered
severity: high
trigger: { absent: kyc.refreshed, after: kyc.rekyc_opened where kyc.channel == "web", by: customer, for: 14d }
entity: customer
alert: { score: 50, message: "{now:date}" }
"#;

const OVERDUE: &str = r#"
lang: 1
rule: overdue
title: The review is overdue
severity: high
trigger: { due: customer.next_review_at, by: customer, after: 10d, where: customer.state == "verified" }
entity: customer
alert: { score: 50, message: "{customer.next_review_at:date}" }
rekyc: { reason: overdue, due: 14d }
"#;

fn tick(id: u64, at: Instant) -> Event<'static> {
    let body = Body::Control(Control::Tick);
    Event { id: Cow::Owned(format!("tick-{id}")), source: Cow::Borrowed("weir"), at, body }
}

fn opened(id: u64, days: i64, channel: &str) -> Event<'static> {
    let mut event = identity(id, days, IdentityKind::RekycOpened, "1");
    if let Body::Identity(identity) = &mut event.body {
        identity.session.channel = Some(Cow::Owned(channel.to_owned()));
    }
    event
}

fn refreshed(id: u64, days: i64) -> Event<'static> {
    identity(id, days, IdentityKind::Refreshed, "1")
}

fn reviewed(id: u64, days: i64, next: i64) -> Event<'static> {
    let mut event = identity(id, days, IdentityKind::Verified, "1");
    if let Body::Identity(identity) = &mut event.body {
        identity.facts.next_review_at = Some(at(next));
    }
    event
}

/// The days on which alerts say that something happened, and the event that each goes back to.
fn told(outcomes: &[Outcome]) -> Vec<(i64, String)> {
    let days = |alert: &Alert| (alert.at - at(0)).0 / Span::days(1).0;
    alerts(outcomes).iter().map(|alert| (days(alert), alert.event.id.clone())).collect()
}

fn day(days: i64, id: &str) -> (i64, String) {
    (days, id.to_owned())
}

#[test]
fn an_absence_is_told_once_as_of_its_instant_and_before_the_event_that_moves_time() {
    let mut engine = engine(&[NOT_REFRESHED]);
    let mut outcomes = run(
        &mut engine,
        &[
            identity(1, 0, IdentityKind::Registered, "1"),
            cash(1, 5, "900", "1"),
            cash(2, 28, "40", "1"),
            cash(3, 90, "7", "1"),
        ],
    );
    assert_eq!(told(&outcomes), [day(30, "I1")]);
    let found = alerts(&outcomes);
    assert_eq!(found[0].message, "2026-02-04: 940 paid", "what was paid later is not in it");
    assert_eq!(found[0].customer.as_deref(), Some("C1"));
    assert!(!found[0].is_late && !found[0].is_re_evaluated);
    assert_eq!(found[0].evidence.steps[0].event.id, "I1");
    assert!(matches!(outcomes[3].effects.as_slice(), [Effect::AlertRaised(_)]));
    outcomes.push(engine.apply(9, &refreshed(2, 100)));
    outcomes.push(engine.apply(10, &cash(4, 130, "7", "1")));
    assert_eq!(told(&outcomes).len(), 1, "until the thirtieth day it may still come");
    outcomes.push(engine.apply(11, &cash(5, 131, "7", "1")));
    assert_eq!(
        told(&outcomes),
        [day(30, "I1"), day(130, "I2")],
        "each time it comes, it is waited for anew"
    );
    assert_eq!((engine.take_counts().timers_fired, engine.sizes().timers), (2, 1));
}

#[test]
fn what_comes_at_the_last_instant_has_come() {
    let mut engine = engine(&[NOT_REFRESHED]);
    let events =
        [identity(1, 0, IdentityKind::Registered, "1"), refreshed(2, 30), cash(1, 59, "7", "1")];
    assert!(alerts(&run(&mut engine, &events)).is_empty());
}

#[test]
fn an_event_that_comes_after_its_absence_was_told_is_counted_and_the_alert_stays() {
    let mut engine = engine(&[NOT_REFRESHED]);
    let outcomes = run(
        &mut engine,
        &[
            identity(1, 0, IdentityKind::Registered, "1"),
            cash(1, 40, "7", "1"),
            refreshed(2, 20),
            cash(2, 60, "7", "1"),
        ],
    );
    let expected = [day(30, "I1"), day(50, "I2")];
    assert_eq!(told(&outcomes), expected, "and from then on it is waited for anew");
    assert_eq!(engine.take_counts().absences_contradicted, 1);
}

#[test]
fn a_timer_that_an_event_starts_stops_when_the_other_comes_and_starts_again_with_the_next() {
    let mut engine = engine(&[UNANSWERED]);
    let outcomes = run(
        &mut engine,
        &[
            identity(1, -30, IdentityKind::Registered, "1"),
            opened(2, 0, "branch"),
            opened(3, 1, "web"),
            opened(4, 5, "web"),
            cash(1, 30, "7", "1"),
            opened(5, 31, "web"),
            refreshed(6, 33),
            cash(2, 60, "7", "1"),
            opened(7, 61, "web"),
            cash(3, 80, "7", "1"),
        ],
    );
    let expected = [day(15, "I3"), day(75, "I7")];
    assert_eq!(told(&outcomes), expected, "the first request counts while nobody answered");
}

#[test]
fn an_answer_that_is_read_before_its_request_is_an_answer() {
    let mut engine = engine(&[UNANSWERED]);
    let events = [refreshed(1, 3), opened(2, 2, "web"), cash(1, 60, "7", "1")];
    assert!(alerts(&run(&mut engine, &events)).is_empty());
}

#[test]
fn a_date_that_passes_is_told_once_and_again_when_there_is_another() {
    let mut engine = engine(&[OVERDUE]);
    let outcomes = run(
        &mut engine,
        &[
            identity(1, 0, IdentityKind::Registered, "1"),
            reviewed(2, 1, 20),
            reviewed(3, 2, 25),
            cash(1, 36, "7", "1"),
            reviewed(4, 37, 25),
            cash(2, 38, "7", "1"),
            reviewed(5, 39, 60),
            cash(3, 90, "7", "1"),
        ],
    );
    assert_eq!(told(&outcomes), [day(35, "I3"), day(70, "I5")]);
    let requests = outcomes.iter().flat_map(|it| &it.effects);
    let requests = requests.filter(|it| matches!(it, Effect::RekycRequested(_))).count();
    assert_eq!(requests, 1, "the second joins the first, which is still open");
}

#[test]
fn nobody_is_late_before_it_is_known_that_there_is_a_date() {
    let mut engine = engine(&[OVERDUE]);
    let events =
        [identity(1, 0, IdentityKind::Registered, "1"), reviewed(2, 5, -400), cash(1, 6, "7", "1")];
    assert_eq!(told(&run(&mut engine, &events)), [day(5, "I2")]);
}

#[test]
fn a_rule_that_comes_later_finds_the_dates_that_are_known_and_fires_for_nobody_before_it_came() {
    let mut engine = engine(&[NOT_REFRESHED]);
    let early = [
        identity(1, 0, IdentityKind::Registered, "1"),
        reviewed(2, 1, 2),
        identity(3, 19, IdentityKind::Registered, "2"),
    ];
    run(&mut engine, &early);
    sequences::activate(&mut engine, 10, &[NOT_REFRESHED, OVERDUE]);
    let outcomes =
        [engine.apply(11, &cash(1, 29, "7", "2")), engine.apply(12, &cash(2, 31, "7", "2"))];
    let expected = [day(19, "R1"), day(30, "I1")];
    assert_eq!(told(&outcomes), expected, "the old rule's timers go on");
}

#[test]
fn timers_of_one_instant_fire_by_rule_and_then_by_first_sight() {
    let other = UNANSWERED.replace("rule: unanswered", "rule: a-first").replace(
        "after: kyc.rekyc_opened where kyc.channel == \"web\", by: customer, for: 14d",
        "by: customer, for: 30d",
    );
    let mut engine = engine(&[NOT_REFRESHED, &other]);
    let outcomes = run(
        &mut engine,
        &[
            identity(1, 0, IdentityKind::Registered, "2"),
            identity(2, 0, IdentityKind::Registered, "1"),
            cash(1, 31, "7", "9"),
        ],
    );
    let order: Vec<_> =
        alerts(&outcomes).into_iter().map(|alert| (alert.rule, alert.entity.id)).collect();
    let pair = |rule: &str, id: &str| (rule.to_owned(), id.to_owned());
    assert_eq!(
        order,
        [
            pair("a-first", "C2"),
            pair("a-first", "C1"),
            pair("not-refreshed", "C2"),
            pair("not-refreshed", "C1"),
        ]
    );
}

#[test]
fn a_tick_between_events_of_last_year_moves_no_timer() {
    let mut engine = engine(&[NOT_REFRESHED]);
    let events = [
        tick(1, at(400)),
        identity(1, 0, IdentityKind::Registered, "1"),
        tick(2, at(400)),
        tick(3, at(400).plus(Span::minutes(1))),
        refreshed(2, 10),
        tick(4, at(401)),
        cash(1, 39, "7", "1"),
    ];
    assert!(alerts(&run(&mut engine, &events)).is_empty());
}

#[test]
fn a_key_beyond_the_limit_gets_no_timer_and_is_counted() {
    let limits = Limits { timers_max: 1, ..Limits::default() };
    let mut engine = Engine::new(book(&[NOT_REFRESHED]), limits);
    let events = [
        identity(1, 0, IdentityKind::Registered, "1"),
        identity(2, 0, IdentityKind::Registered, "2"),
        cash(1, 31, "7", "1"),
    ];
    assert_eq!(told(&run(&mut engine, &events)), [day(30, "I1")]);
    assert_eq!(engine.take_counts().timers_refused, 1);
}

/// What a story of identity events tells, when time moves by `hours` afterwards: by events of somebody
/// else or by ticks.
fn moved(story: &[(i64, u8)], steps: &[(i64, bool)]) -> Vec<(String, Instant, String)> {
    let mut engine = engine(&[NOT_REFRESHED, UNANSWERED, OVERDUE]);
    let mut outcomes = Vec::new();
    let mut now = at(0);
    let events = story.iter().enumerate().map(|(number, &(days, kind))| {
        let id = number as u64;
        match kind {
            0 => refreshed(id, days),
            1 => opened(id, days, "web"),
            _ => reviewed(id, days, days + 7),
        }
    });
    for (number, event) in events.enumerate() {
        now = now.max(event.at);
        outcomes.push(engine.apply(number as u64 + 1, &event));
    }
    let end = at(120);
    let mut steps = steps.iter().cycle();
    let mut sequence = story.len() as u64 + 1;
    while now < end {
        let &(minutes, by_event) = steps.next().expect("some steps");
        let reach = if by_event { minutes * 100 } else { minutes };
        now = now.plus(Span::minutes(reach)).max(now);
        let event = if by_event {
            Event { at: now, ..cash(sequence, 0, "1", "8") }
        } else {
            tick(sequence, now)
        };
        outcomes.push(engine.apply(sequence, &event));
        sequence += 1;
    }
    let found = alerts(&outcomes).into_iter().filter(|alert| alert.entity.id == "C1");
    found.map(|alert| (alert.rule, alert.at, alert.id)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn timers_fire_at_the_same_instants_however_time_is_moved(
        mut story in proptest::collection::vec((0_i64..40, 0_u8..3), 1..12),
        steps in proptest::collection::vec((1_i64..16, any::<bool>()), 1..9),
    ) {
        story.sort_by_key(|(days, _)| *days);
        let by_events = moved(&story, &[(15, true)]);
        prop_assert_eq!(&by_events, &moved(&story, &[(15, false)]));
        prop_assert_eq!(&by_events, &moved(&story, &steps));
    }
}
