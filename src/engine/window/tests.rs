//! Windows against a plain model that keeps every event and walks over all of them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::domain::Span;

use super::*;

/// One event of a random story: how far time moves (negative for a late one), amount, counterparty.
type Step = (i64, Option<i64>, Option<u32>);

fn plan(length: Option<i64>, ending_ago: i64) -> SeriesPlan {
    let window = Window { length: length.map(Span), ending_ago: Span(ending_ago) };
    let fold = |column, kind| FoldPlan { column, kind };
    SeriesPlan {
        columns: vec![ColumnKind::Number, ColumnKind::Text],
        windows: vec![WindowPlan {
            window,
            folds: vec![
                fold(0, FoldKind::Moments),
                fold(0, FoldKind::Min),
                fold(0, FoldKind::Max),
                fold(1, FoldKind::Distinct),
            ],
        }],
    }
}

const READINGS: [Reading; 6] = [
    Reading::Count,
    Reading::Sum(0),
    Reading::Avg(0),
    Reading::Extreme(1),
    Reading::Extreme(2),
    Reading::Distinct(3),
];

/// What each reading must give, from all events that ever came.
fn model(all: &[(i64, Option<i64>, Option<u32>)], window: Window, t: i64) -> Vec<Value> {
    let end = t - window.ending_ago.0;
    let start = window.length.map(|length| end - length.0);
    let inside: Vec<_> =
        all.iter().filter(|(at, ..)| *at <= end && start.is_none_or(|start| *at > start)).collect();
    let amounts: Vec<Decimal> = inside
        .iter()
        .filter_map(|(_, amount, _)| amount.map(|cents| Decimal::new(cents, 2)))
        .collect();
    let sum: Decimal = amounts.iter().sum();
    let parties: BTreeSet<u32> = inside.iter().filter_map(|(.., party)| *party).collect();
    vec![
        Value::Number(Decimal::from(inside.len())),
        Value::Number(sum),
        sum.checked_div(Decimal::from(amounts.len())).into(),
        amounts.iter().min().copied().into(),
        amounts.iter().max().copied().into(),
        Value::Number(Decimal::from(parties.len())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_reading_equals_the_plain_model_with_late_and_equal_times(
        steps in prop::collection::vec(
            (prop_oneof![4 => 0_i64..6, 1 => -30_i64..0], prop::option::of(-50_i64..500), prop::option::of(0_u32..40)),
            1..120,
        ),
        length in prop::option::of(1_i64..40),
        ending_ago in prop_oneof![Just(0_i64), 1_i64..20],
        read_every in 1_usize..4,
        forget in any::<bool>(),
    ) {
        check(&steps, length, ending_ago, read_every, forget)?;
    }
}

fn check(
    steps: &[Step],
    length: Option<i64>,
    ending_ago: i64,
    read_every: usize,
    forget: bool,
) -> Result<(), TestCaseError> {
    let plan = plan(length, ending_ago);
    let mut series = Series::new(&plan);
    let mut all = Vec::new();
    let (mut clock, mut latest) = (0_i64, 0_i64);
    for (index, &(step, amount, party)) in steps.iter().enumerate() {
        let at = clock + step;
        clock = clock.max(at);
        latest = latest.max(at);
        let values = [amount.map(|cents| Decimal::new(cents, 2)).into(), party.map(Symbol).into()];
        series.insert(&plan, Instant(at), index as u64, &values);
        prop_assert!(series.contains(Instant(at), index as u64));
        all.push((at, amount, party));
        if index % read_every != 0 {
            continue;
        }
        let expected = model(&all, plan.windows[0].window, latest);
        for (&reading, expected) in READINGS.iter().zip(&expected) {
            let walked = series.read_at(&plan, 0, reading, Instant(latest));
            prop_assert_eq!(&walked, expected, "walked {:?} at {}", reading, latest);
            let moved = series.read(&plan, 0, reading, Instant(latest));
            prop_assert_eq!(&moved, expected, "moved {:?} at {}", reading, latest);
        }
        if forget && let Some(retention) = plan.retention() {
            series.forget(&plan, latest - retention);
        }
    }
    Ok(())
}

#[test]
fn a_window_leaves_its_start_out_and_takes_its_end_in() {
    let plan = plan(Some(10), 0);
    let mut series = Series::new(&plan);
    for at in [0, 1, 10] {
        series.insert(&plan, Instant(at), 1, &[Value::Absent, Value::Absent]);
    }
    let count = |series: &mut Series, t| series.read(&plan, 0, Reading::Count, Instant(t)).number();
    assert_eq!(count(&mut series, 10), Some(Decimal::from(2)), "0 is the excluded start");
    assert_eq!(count(&mut series, 11), Some(Decimal::from(1)));
}

#[test]
fn another_plan_keeps_the_events_and_starts_its_windows_over() {
    let old = plan(Some(10), 0);
    let mut series = Series::new(&old);
    for at in 0..5 {
        let amount = Value::Number(Decimal::from(at));
        series.insert(&old, Instant(at), u64::try_from(at).unwrap(), &[amount, Value::Absent]);
    }
    let new = plan(Some(3), 0);
    let mut series = series.replan(&new, &[Some(0), None]);
    let sum = series.read(&new, 0, Reading::Sum(0), Instant(4));
    assert_eq!(sum, Value::Number(Decimal::from(2 + 3 + 4)));
}

#[test]
fn a_window_that_reaches_behind_what_was_let_go_says_so() {
    let plan = plan(Some(10), 0);
    let mut series = Series::new(&plan);
    for at in [1, 5, 30] {
        series.insert(&plan, Instant(at), 1, &[Value::Absent, Value::Absent]);
    }
    let window = plan.windows[0].window;
    assert!(!series.lacks_events(window, Instant(12)));
    series.forget(&plan, 20);
    assert!(series.lacks_events(window, Instant(12)), "the event at 5 would be inside");
    assert!(!series.lacks_events(window, Instant(30)));
}
