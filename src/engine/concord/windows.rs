//! Windows and folds from scratch: every row that was ever kept is looked at for every value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::engine::agreement::model::zoned;
use crate::rulebook::typed::{AggregateFunction, Period, Window, WindowSpan};

use super::Seen;
use super::figure::Figure;
use super::story::Row;

/// A fold over a window, with whatever judges rows.
pub struct Fold<'a> {
    pub function: AggregateFunction,
    pub percent: Option<Figure>,
    /// Kinds of events: `transaction`, `kyc.registered`, or a whole family `kyc`.
    pub source: Source,
    /// Roles of the key, sorted.
    pub by: Vec<String>,
    pub window: Window,
    pub enters: &'a dyn Fn(&Row) -> bool,
    pub value: &'a dyn Fn(&Row) -> Seen<Figure>,
}

/// Kinds of events by name or family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source(pub String);

impl Source {
    fn holds(&self, row: &Row) -> bool {
        row.name == self.0 || row.name.split('.').next() == Some(self.0.as_str())
    }
}

/// For each key's roles, which events are kept under it.
pub type Kinds = BTreeMap<Vec<String>, BTreeSet<Source>>;

/// The row that is judged, and what was kept before and with it.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    pub rows: &'a [Row],
    pub row: &'a Row,
    /// The instant as of which it is judged, if it is not the latest that was seen.
    pub then: Option<i64>,
    /// The role that the rule is about.
    pub entity: &'a str,
    pub kinds: &'a Kinds,
    pub zone: &'a TimeZone,
}

impl Past<'_> {
    pub fn row(&self) -> &Row {
        self.row
    }

    /// The latest time seen for the row's key: of the rule's entity that of all its events; of others that of
    /// events that windows of this key keep and, once there was one, of those that are judged by them.
    pub fn latest(&self, by: &[String]) -> Option<i64> {
        let key = key(self.row(), by)?;
        if by == [self.entity] {
            let own = self.rows.iter().filter(|row| key_is(row, by, &key));
            return own.map(|row| row.at).max();
        }
        let kept = self.kinds.get(by)?;
        let mut latest: Option<i64> = None;
        for row in self.rows.iter().filter(|row| key_is(row, by, &key)) {
            let is_kept = kept.iter().any(|source| source.holds(row));
            if is_kept || (latest.is_some() && row.name == self.row().name) {
                latest = latest.max(Some(row.at));
            }
        }
        latest
    }

    /// When the row is judged.
    pub fn instant(&self, by: &[String]) -> i64 {
        let at = self.row().at;
        self.then.unwrap_or_else(|| at.max(self.latest(by).unwrap_or(at)))
    }

    pub fn fold(&self, fold: &Fold<'_>) -> Seen<Figure> {
        let Some(key) = key(self.row(), &fold.by) else { return Seen::Absent };
        let mut entered: Vec<&Row> = Vec::new();
        for row in self.rows {
            let is_in = fold.source.holds(row) && key_is(row, &fold.by, &key) && (fold.enters)(row);
            // A side that is judged a second time does not enter a second time.
            let is_same_side =
                |it: &&Row| it.sequence == row.sequence && it.is_inbound() == row.is_inbound();
            let is_there = row.is_again && entered.iter().any(is_same_side);
            if is_in && !is_there {
                entered.push(row);
            }
        }
        entered.sort_by_key(|row| (row.at, row.sequence, row.is_inbound()));
        let now = self.instant(&fold.by);
        let own = self.row();
        if self.then.is_some() && now - fold.window.ending_ago.0 == own.at {
            // Of its own instant what came after it was not there.
            entered.retain(|row| row.at != own.at || row.sequence <= own.sequence);
        }
        let inside = inside(&entered, fold.window, (now, self.row().sequence, self.zone));
        folded(fold, &inside, now)
    }
}

/// Where an expression is worked out: at the row that is judged or, without windows, at one that was kept.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub row: &'a Row,
    pub past: Option<Past<'a>>,
    pub zone: &'a TimeZone,
}

impl<'a> Place<'a> {
    /// A row that was kept, where no window can be read.
    pub const fn kept(row: &'a Row, zone: &'a TimeZone) -> Self {
        Self { row, past: None, zone }
    }
}

fn key(row: &Row, by: &[String]) -> Option<Vec<String>> {
    by.iter().map(|role| row.role(role)).collect()
}

fn key_is(row: &Row, by: &[String], wanted: &[String]) -> bool {
    key(row, by).is_some_and(|key| key == wanted)
}

fn inside<'r>(
    rows: &[&'r Row],
    window: Window,
    (now, sequence, zone): (i64, u64, &TimeZone),
) -> Vec<&'r Row> {
    let end = now - window.ending_ago.0;
    let mut known: Vec<&Row> = rows.iter().copied().filter(|row| row.at <= end).collect();
    known.retain(|row| !window.is_previous || row.sequence != sequence);
    match window.span {
        WindowSpan::Lifetime => {}
        WindowSpan::Length(length) => known.retain(|row| row.at > end - length.0),
        WindowSpan::Last(count) => {
            let count = usize::try_from(count).expect("few");
            known.drain(..known.len().saturating_sub(count));
        }
        WindowSpan::Calendar(period) => {
            let now = zoned(end, zone).date();
            let wanted = if window.is_previous { before(now, period) } else { now };
            let is_in = |row: &&Row| {
                period_of(zoned(row.at, zone).date(), period) == period_of(wanted, period)
            };
            known.retain(is_in);
        }
    }
    known
}

/// What the calendar shows of the period that holds a day.
fn period_of(day: Date, period: Period) -> (i16, i16, i8) {
    match period {
        Period::Day => (day.year(), i16::from(day.month()), day.day()),
        Period::Month => (day.year(), i16::from(day.month()), 0),
        Period::Week => {
            let week = day.iso_week_date();
            (week.year(), i16::from(week.week()), 0)
        }
    }
}

/// A day of the period before.
fn before(day: Date, period: Period) -> Date {
    match period {
        Period::Day => day.saturating_sub(1.days()),
        Period::Week => day.saturating_sub(7.days()),
        Period::Month => day.first_of_month().saturating_sub(1.days()),
    }
}

fn folded(fold: &Fold<'_>, rows: &[&Row], now: i64) -> Seen<Figure> {
    use AggregateFunction as F;
    let count = |number: usize| Seen::Number(Figure::whole(i64::try_from(number).expect("few")));
    match fold.function {
        F::Count => return count(rows.len()),
        F::Since => return rows.last().map_or(Seen::Absent, |row| Seen::Micros(now - row.at)),
        _ => {}
    }
    let values: Vec<Seen<Figure>> = rows.iter().map(|row| (fold.value)(row)).collect();
    let values: Vec<Seen<Figure>> =
        values.into_iter().filter(|value| *value != Seen::Absent).collect();
    let numbers = values.iter().filter_map(|value| match value {
        Seen::Number(number) => Some(number.clone()),
        _ => None,
    });
    let mut numbers: Vec<Figure> = numbers.collect();
    let sum = numbers.iter().fold(Figure::whole(0), |sum, number| sum.plus(number));
    let how_many = Figure::whole(i64::try_from(numbers.len()).expect("few"));
    let number = |number: Option<Figure>| number.map_or(Seen::Absent, Seen::Number);
    match fold.function {
        F::Sum => number(sum.fit()),
        F::Avg => number(sum.fit().and_then(|sum| sum.over(&how_many))),
        F::Min => number(numbers.into_iter().min()),
        F::Max => number(numbers.into_iter().max()),
        F::Distinct => {
            let words: BTreeSet<String> = values.iter().map(ToString::to_string).collect();
            count(words.len())
        }
        F::First => values.first().cloned().unwrap_or(Seen::Absent),
        F::Last => values.last().cloned().unwrap_or(Seen::Absent),
        F::Stddev if numbers.is_empty() => Seen::Absent,
        F::Stddev => {
            let squares = numbers.iter().map(|number| number.times(number));
            let squares = squares.fold(Figure::whole(0), |sum, square| sum.plus(&square));
            let spread = squares.times(&how_many).minus(&sum.times(&sum));
            number(Some(spread.root_over(numbers.len(), 10)))
        }
        F::Median | F::Percentile => {
            numbers.sort();
            let percent = fold.percent.clone().unwrap_or_else(|| Figure::whole(50));
            number(quantile(&numbers, &percent))
        }
        F::Count | F::Since => Seen::Absent,
    }
}

/// The mean of the smallest values that at least, and that more than, this percentage do not exceed.
fn quantile(sorted: &[Figure], percent: &Figure) -> Option<Figure> {
    let whole = |number: usize| Figure::whole(i64::try_from(number).expect("few"));
    let share = percent.times(&whole(sorted.len()));
    let up_to = |value: &Figure| whole(100 * sorted.iter().filter(|other| *other <= value).count());
    let low = sorted.iter().find(|value| up_to(value) >= share)?;
    let high = sorted.iter().find(|value| up_to(value) > share).unwrap_or(low);
    low.plus(high).over(&whole(2))
}
