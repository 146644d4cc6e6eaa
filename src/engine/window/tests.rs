//! Edges of windows; that every window is right is shown in `agreement`.

use rust_decimal::Decimal;

use crate::domain::Span;

use super::*;

fn plan(length: i64) -> SeriesPlan {
    let window = Window { span: WindowSpan::Length(Span(length)), ..Window::default() };
    let fold = |column, kind| FoldPlan { column, kind };
    SeriesPlan {
        columns: vec![ColumnKind::Number, ColumnKind::Text],
        windows: vec![WindowPlan { window, folds: vec![fold(0, FoldKind::Moments)] }],
    }
}

fn extent(plan: &SeriesPlan, t: i64) -> Extent {
    let WindowSpan::Length(length) = plan.windows[0].window.span else { panic!("a length") };
    Extent { after: t - length.0, to: t, until: u64::MAX, most: None }
}

#[test]
fn a_window_leaves_its_start_out_and_takes_its_end_in() {
    let plan = plan(10);
    let mut series = Series::new(&plan);
    for at in [0, 1, 10] {
        series.insert(&plan, Instant(at), Mark::new(1, false), &[Value::Absent, Value::Absent]);
    }
    let count = |series: &mut Series, t| {
        series.read(&plan, 0, Reading::Count, extent(&plan, t), 1).number()
    };
    assert_eq!(count(&mut series, 10), Some(Decimal::from(2)), "0 is the excluded start");
    assert_eq!(count(&mut series, 11), Some(Decimal::from(1)));
}

#[test]
fn another_plan_keeps_the_events_and_starts_its_windows_over() {
    let old = plan(10);
    let mut series = Series::new(&old);
    for at in 0..5 {
        let amount = Value::Number(Decimal::from(at));
        let mark = Mark::new(u64::try_from(at).unwrap(), false);
        series.insert(&old, Instant(at), mark, &[amount, Value::Absent]);
    }
    let new = plan(3);
    let mut series = series.replan(&new, &[Some(0), None]);
    let sum = series.read(&new, 0, Reading::Sum(0), extent(&new, 4), 4);
    assert_eq!(sum, Value::Number(Decimal::from(2 + 3 + 4)));
}

#[test]
fn a_window_that_reaches_behind_what_was_let_go_says_so() {
    let plan = plan(10);
    let mut series = Series::new(&plan);
    for at in [1, 5, 30] {
        series.insert(&plan, Instant(at), Mark::new(1, false), &[Value::Absent, Value::Absent]);
    }
    assert!(!series.lacks_events(extent(&plan, 12)));
    series.forget(&plan, 20, 0);
    assert!(series.lacks_events(extent(&plan, 12)), "the event at 5 would be inside");
    assert!(!series.lacks_events(extent(&plan, 30)));
}

#[test]
fn a_window_of_so_many_events_keeps_them_whatever_their_times() {
    let window = Window { span: WindowSpan::Last(2), ..Window::default() };
    let plan =
        SeriesPlan { columns: Vec::new(), windows: vec![WindowPlan { window, folds: Vec::new() }] };
    let Retention { span, latest } = plan.retention();
    assert_eq!((span, latest), (Some(0), 2));
    let mut series = Series::new(&plan);
    for at in [1, 5, 30] {
        series.insert(&plan, Instant(at), Mark::new(1, false), &[]);
        series.forget(&plan, 1000, latest);
    }
    assert_eq!(series.len(), 2);
    let at = |to| Extent { after: i64::MIN, to, until: u64::MAX, most: Some(2) };
    assert!(!series.lacks_events(at(30)));
    assert!(series.lacks_events(at(29)), "the event at 1 would be inside");
}
