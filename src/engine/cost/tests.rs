//! Estimates beside what the engine really holds, and beside one another.

use rust_decimal::Decimal;

use super::*;
use crate::domain::Event;
use crate::domain::event::TransactionKind;
use crate::engine::Engine;
use crate::engine::tests::{book, payment};

/// A rule that reads `aggregates`, each under a name of its own.
fn reading(name: &str, aggregates: &[&str]) -> String {
    let lets: Vec<String> = aggregates
        .iter()
        .enumerate()
        .map(|(place, text)| format!("  v{place}: {text}\n"))
        .collect();
    let all: Vec<String> = (0..aggregates.len()).map(|place| format!("has(v{place})")).collect();
    format!(
        "lang: 1\nrule: {name}\ntitle: t\nseverity: low\ntrigger: transaction\nentity: customer\n\
         let:\n{}when: {}\nalert: {{ score: 1, message: m }}\n",
        lets.concat(),
        all.join(" and ")
    )
}

fn assumptions(events_per_day: u32, days: u32) -> Assumptions {
    Assumptions { events_per_day: Decimal::from(events_per_day), days, ..Assumptions::default() }
}

fn costs(rules: &[&str], assumptions: &Assumptions) -> Costs {
    estimate(&book(rules), assumptions)
}

/// What a customer and its account cost after so many days of payments, each to somebody else.
fn held(rule: &str, per_day: u32, days: u32) -> u64 {
    let mut engine = Engine::new(book(&[rule]), Limits::default());
    let mut id = 0;
    for day in 0..i64::from(days) {
        for second in 0..i64::from(per_day) {
            id += 1;
            let payee = format!("X{id}");
            let paid = (("1", payee.as_str()), format!("{id}.00"));
            let mut event: Event<'_> =
                payment(id, day, TransactionKind::Transfer, &paid.1, (paid.0.0, paid.0.1));
            event.at = event.at.plus(Span::seconds(second));
            engine.apply(id, &event);
        }
    }
    let layouts = &engine.plan.tables;
    let mut total = 0;
    for (table, layout) in engine.state.tables.iter().zip(layouts) {
        // The first key is that of the payer.
        let series = (0..layout.series.len()).filter_map(|series| table.series(0, series));
        total += series.map(crate::engine::window::Series::held).sum::<usize>();
        let baselines = 0..layout.baselines.len();
        let baselines = baselines.filter_map(|baseline| table.baseline(0, baseline));
        total += baselines.map(crate::engine::baseline::Baseline::held).sum::<usize>();
    }
    total as u64
}

#[test]
fn an_estimate_is_at_least_what_is_held_and_at_most_twice_that() {
    for (aggregate, per_day, days) in [
        ("count(transaction) by customer over 7d", 5, 30),
        ("count(transaction) by customer over 7d", 1, 3),
        ("sum(tx.amount) by customer over 30d", 3, 60),
        ("avg(tx.amount) by customer over calendar month", 3, 80),
        ("max_of(tx.amount) by customer over 30d", 3, 60),
        ("min_of(tx.amount) by customer over 30d", 3, 60),
        ("first(tx.amount) by customer over 30d", 3, 60),
        ("last(tx.counterparty) by customer over previous last 10", 2, 30),
        ("distinct(tx.counterparty) by customer over 5d", 2, 30),
        ("distinct(tx.counterparty) by customer over 90d", 2, 120),
        ("stddev(tx.amount) by customer over 30d", 3, 60),
        ("since(transaction where tx.amount > 1) by customer", 3, 60),
        ("sum(tx.amount) by customer over lifetime", 3, 100),
        ("avg(sum(tx.amount) per 1d) by customer over previous 90d", 1, 120),
        ("stddev(count(transaction) per 7d) by customer over previous 84d", 2, 120),
    ] {
        let rule = reading("one", &[aggregate]);
        let costs = costs(&[&rule], &assumptions(per_day, days));
        let stored: u64 = costs.rules[0].stored.iter().map(|item| item.bytes).sum();
        let held = held(&rule, per_day, days);
        let is_near = stored >= held && stored <= 2 * held;
        assert!(is_near, "{aggregate}: estimated {stored}, held {held}");
    }
}

#[test]
fn ordered_values_have_room_for_what_they_hold_and_their_nodes() {
    let rule = reading("one", &["median(tx.amount) by customer over 30d"]);
    let costs = costs(&[&rule], &assumptions(4, 60));
    let (stored, held) = (costs.rules[0].stored[0].bytes, held(&rule, 4, 60));
    assert!(stored >= held && stored <= 3 * held, "estimated {stored}, held {held}");
}

#[test]
fn a_longer_window_and_a_busier_key_never_cost_less() {
    for text in [
        "count(transaction) by customer over",
        "distinct(tx.counterparty) by customer over",
        "median(tx.amount) by customer over",
        "avg(sum(tx.amount) per 1d) by customer over previous",
    ] {
        let bytes = |days: u32, per_day: u32| {
            let rule = reading("one", &[&format!("{text} {days}d")]);
            costs(&[&rule], &assumptions(per_day, 3650)).bytes()
        };
        let lengths = [2, 7, 30, 90, 365, 2000].map(|days| bytes(days, 1));
        assert!(lengths.is_sorted() && lengths[0] < lengths[5], "{text}: {lengths:?}");
        let rates = [1, 2, 10, 100].map(|per_day| bytes(30, per_day));
        assert!(rates.is_sorted(), "{text}: {rates:?}");
    }
}

#[test]
fn what_is_kept_for_ever_grows_with_the_days_up_to_the_limit() {
    let rule = reading("one", &["sum(tx.amount) by customer over lifetime"]);
    let count = |per_day: u32, days: u32| {
        costs(&[&rule], &assumptions(per_day, days)).rules[0].stored[0].count
    };
    assert_eq!([count(1, 10), count(1, 365), count(1000, 3650)], [11, 366, 100_001]);
}

#[test]
fn shared_state_is_counted_once() {
    let window = "sum(tx.amount where tx.direction == \"in\") by customer over 7d";
    let (one, two) = (reading("one", &[window]), reading("two", &[window]));
    let three = reading("three", &["sum(tx.amount) by account over 7d"]);
    let given = Assumptions::default();
    let alone = costs(&[&one], &given);
    let both = costs(&[&one, &two], &given);
    assert_eq!(both.bytes(), alone.bytes());
    assert_eq!(both.rules[0].bytes(), alone.bytes(), "each as if it were the only one");
    assert_eq!(both.rules[0].shares_with(), ["two"]);
    assert_eq!(both.rules[0].stored[0].folds[0].shared_with, ["two"]);
    let all = costs(&[&one, &two, &three], &given);
    let keys: Vec<&str> = all.keys.iter().map(|key| key.key.as_str()).collect();
    assert_eq!(keys, ["account", "customer"]);
    assert!(all.rules.iter().any(|it| it.rule.name == "three" && it.shares_with().is_empty()));
    // The same events under another window: the events are shared, the window is not.
    let longer = reading("four", &[&window.replace("7d", "30d")]);
    let both = costs(&[&one, &longer], &given);
    assert_eq!(both.rules[0].shares_with(), ["one"]);
    assert!(both.rules[0].stored[0].folds[0].shared_with.is_empty());
    assert!(both.bytes() < both.rules.iter().map(RuleCost::bytes).sum());
}

/// Everything that can be remembered, in one rule each.
const KINDS: &[(&str, &str, &str, &str)] = &[
    (
        "sequence:\n  by: customer\n  within: 48h\n  steps:\n    - changed: kyc.profile_changed \
         where kyc.field == \"phone\"\n    - out: transaction where tx.device == changed.device\n",
        "step",
        "customer",
        "kyc.profile_changed where kyc.field == \"phone\"",
    ),
    (
        "trigger: { absent: kyc.refreshed, by: customer, for: 365d }\n",
        "timer",
        "customer",
        "no kyc.refreshed for 365d",
    ),
    (
        "trigger: transaction\nlet:\n  ring: |\n    cycle(hops: 3..5, within: 72h, keep: 0.8, where: \
         tx.type == \"wire\") by account\nwhen: tx.amount > 5 and has(ring)\n",
        "flows",
        "account",
        "transaction where tx.type == \"wire\"",
    ),
    (
        "trigger: transaction\nlet:\n  group: |\n    shared(by: [phone], within: 30d) by customer\n\
         when: tx.amount > 5 and has(group)\n",
        "links",
        "customer",
        "kyc.*",
    ),
    (
        "trigger: transaction\nwhen: matches(\"other\", 7d) >= 2\n",
        "matches",
        "customer",
        "matches of other",
    ),
    (
        "trigger: transaction\nwhen: tx.amount > avg(sum(tx.amount) per 1d) by customer over \
         previous 90d\n",
        "buckets",
        "customer",
        "transaction",
    ),
    (
        "trigger: transaction\nwhen: count(transaction where tx.amount > 5) by customer, \
         counterparty over 7d > 2\n",
        "events",
        "customer, counterparty",
        "transaction where tx.amount > 5",
    ),
];

#[test]
fn everything_that_is_remembered_is_told() {
    let other = reading("other", &["count(transaction) by customer over 7d"]);
    for &(body, kind, key, of) in KINDS {
        let rule = format!(
            "lang: 1\nrule: one\ntitle: t\nseverity: low\nentity: customer\n{body}\
             alert: {{ score: 1, message: m }}\n"
        );
        let costs = costs(&[&rule, &other], &Assumptions::default());
        let one = costs.rules.iter().find(|it| it.rule.name == "one").expect("the rule");
        let item = &one.stored[0];
        assert_eq!((item.kind.word(), item.key.as_str(), item.of.as_str()), (kind, key, of));
        assert!(item.bytes > 0 && item.bytes >= item.bytes_each, "{item:?}");
        let key = one.keys.iter().find(|it| it.key == key).expect("its key");
        assert!(key.bytes >= item.bytes, "{key:?}");
    }
}

#[test]
fn work_is_counted_with_each_named_value_once() {
    let rule = "lang: 1\nrule: one\ntitle: t\nseverity: low\ntrigger: transaction\n\
        entity: customer\nwhere: tx.type == \"wire\"\nlet:\n  large: tx.amount > 100 + 5\n\
        \x20 n: count(transaction where large) by customer over 7d\n\
        \x20 total: sum(tx.amount where large) by customer over 7d\n\
        when: large and n >= 3 and total / n > 10 and (large or tx.direction == \"in\")\n\
        unless:\n  - small: tx.amount < 5\nalert: { score: 1, message: m }\n";
    let work = costs(&[rule], &Assumptions::default()).rules[0].work;
    let entering = Operations { comparisons: 1, calculations: 1, ..Operations::default() };
    let judging = Operations { comparisons: 6, calculations: 2, ..Operations::default() };
    let expected = Work { entering, judging, readings: 2, updates: 4, tries: 0, visits: 0 };
    assert_eq!(work, expected);
}

#[test]
fn a_rule_that_is_off_is_told_what_it_would_cost() {
    let rule = reading("one", &["count(transaction) by customer over 7d"]);
    let on = book(&[&rule]);
    let text = rule.replace("severity", "status: off\nseverity");
    let texts = BTreeMap::from([("one.yaml".to_owned(), text)]);
    let loaded = crate::rulebook::loader::load(&texts);
    let rulebook = Arc::new(loaded.rulebook.expect("sound rules"));
    let given = Assumptions::default();
    assert!(estimate(&rulebook, &given).rules.is_empty());
    let off = estimate_rule(&rulebook, &loaded.rules["one.yaml"], &given).expect("an estimate");
    assert_eq!(off.bytes(), estimate(&on, &given).bytes());
}
