//! The plainest model of windows: it keeps every leg for ever and works out each value from scratch.
//!
//! Written from the language reference alone, in other ways than the engine, and used by nothing but
//! the comparison.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use rust_decimal::Decimal;

/// A leg as it came.
#[derive(Clone, Debug)]
pub struct Leg {
    pub sequence: u64,
    pub at: i64,
    pub customer: String,
    pub account: String,
    pub channel: Option<&'static str>,
    pub is_wire: bool,
    /// In hundredths.
    pub amount: i64,
}

/// What a window gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Absent,
    Number(Decimal),
    Text(String),
    Micros(i64),
}

/// The evaluation instant, the current event, and where we are.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    pub at: i64,
    pub sequence: u64,
    pub zone: &'a TimeZone,
}

/// `over ...`, by its words.
pub fn inside<'a>(legs: &'a [Leg], window: &str, now: Moment<'_>) -> Vec<&'a Leg> {
    let mut words = window.split(' ').peekable();
    let is_previous = words.next_if_eq(&"previous").is_some();
    let mut known: Vec<&Leg> = legs.iter().filter(|leg| leg.at <= now.at).collect();
    known.retain(|leg| !is_previous || leg.sequence != now.sequence);
    // Stable: among equal times, in the order in which they came.
    known.sort_by_key(|leg| leg.at);
    match words.next().expect("a window") {
        "lifetime" => {}
        "last" => {
            let count: usize = words.next().expect("a count").parse().expect("a count");
            known.drain(..known.len().saturating_sub(count));
        }
        "calendar" => {
            let period = words.next().expect("a period");
            let start = start_of(period, now);
            if is_previous {
                let before = start_of(period, Moment { at: start - 1, ..now });
                known.retain(|leg| leg.at >= before && leg.at < start);
            } else {
                known.retain(|leg| leg.at >= start);
            }
        }
        length => {
            let length = micros(length);
            let ago = words.nth(1).map_or(0, micros);
            known.retain(|leg| leg.at > now.at - ago - length && leg.at <= now.at - ago);
        }
    }
    known
}

pub fn micros(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => panic!("no unit in {text}"),
    };
    number.parse::<i64>().expect("a number") * unit * 1_000_000
}

pub fn zoned(at: i64, zone: &TimeZone) -> ZonedDateTime {
    Timestamp::from_microsecond(at).expect("a time").to_zoned_datetime(zone.clone())
}

fn start_of(period: &str, now: Moment<'_>) -> i64 {
    let mut day = zoned(now.at, now.zone).start_of_day().expect("a day");
    let is_start = |day: &ZonedDateTime| match period {
        "day" => true,
        "week" => day.weekday() == jiff::civil::Weekday::Monday,
        "month" => day.day() == 1,
        _ => panic!("no period {period}"),
    };
    while !is_start(&day) {
        day = day.yesterday().expect("a day").start_of_day().expect("a day");
    }
    day.timestamp().as_microsecond()
}

/// A fold over the legs of a window, oldest first.
pub fn fold(function: &str, legs: &[&Leg], now: Moment<'_>) -> Seen {
    // The rules say `round(tx.amount + 0 / (tx.amount - 3), 2)`: absent for 3.
    let amounts: Vec<i64> =
        legs.iter().map(|leg| leg.amount).filter(|&cents| cents != 300).collect();
    let channels: Vec<&str> = legs.iter().filter_map(|leg| leg.channel).collect();
    let money = |cents: Option<i64>| cents.map_or(Seen::Absent, |cents| number(cents, 2));
    let text =
        |word: Option<&&str>| word.map_or(Seen::Absent, |word| Seen::Text((*word).to_owned()));
    let time = |leg: Option<&&Leg>| leg.map_or(Seen::Absent, |leg| Seen::Micros(leg.at));
    match function {
        "count" => number(i64::try_from(legs.len()).expect("few"), 0),
        "sum" => money(Some(amounts.iter().sum())),
        "avg" => average(&amounts),
        "min_of" => money(amounts.iter().min().copied()),
        "max_of" => money(amounts.iter().max().copied()),
        "stddev" => deviation(&amounts),
        "median" => quantile(&amounts, 50),
        "percentile" => quantile(&amounts, 90),
        "distinct" => {
            let different: BTreeSet<&str> = channels.into_iter().collect();
            number(i64::try_from(different.len()).expect("few"), 0)
        }
        "first" => text(channels.first()),
        "last" => text(channels.last()),
        "first_at" => time(legs.first()),
        "last_amount" => money(amounts.last().copied()),
        "since" => legs.last().map_or(Seen::Absent, |leg| Seen::Micros(now.at - leg.at)),
        _ => panic!("no function {function}"),
    }
}

fn number(mantissa: i64, scale: u32) -> Seen {
    Seen::Number(Decimal::new(mantissa, scale))
}

fn average(cents: &[i64]) -> Seen {
    let sum: i64 = cents.iter().sum();
    let mean = Decimal::new(sum, 2).checked_div(Decimal::from(cents.len()));
    mean.map_or(Seen::Absent, Seen::Number)
}

/// The mean of the smallest values that at least, and that more than, this percentage do not exceed.
fn quantile(cents: &[i64], percent: usize) -> Seen {
    let mut sorted = cents.to_vec();
    sorted.sort_unstable();
    let up_to = |value: i64| 100 * sorted.iter().filter(|&&other| other <= value).count();
    let share = percent * sorted.len();
    let Some(low) = sorted.iter().find(|&&value| up_to(value) >= share) else {
        return Seen::Absent;
    };
    let high = sorted.iter().find(|&&value| up_to(value) > share).unwrap_or(low);
    number((low + high) * 5, 3)
}

/// A fold over whole buckets: `seen` are all legs of the key, `entered` those that the filter let in.
pub fn baseline(
    function: &str,
    per: &str,
    window: &str,
    (seen, entered): (&[Leg], &[Leg]),
    now: Moment<'_>,
) -> Seen {
    let reach = micros(window.trim_start_matches("previous "));
    let length =
        ["1h", "1d", "7d"].into_iter().find(|length| per.contains(&format!("per {length}")));
    let length = length.expect("a length");
    // The starts of the buckets before the running one, the latest first.
    let mut starts = Vec::new();
    let mut start = bucket_start(now.at, length, now.zone);
    for _ in 0..reach / micros(length) {
        start = bucket_start(start - 1, length, now.zone);
        starts.push(start);
    }
    let first = seen.iter().map(|leg| bucket_start(leg.at, length, now.zone)).min();
    let repeat = match (per.contains("this hour"), per.contains("this weekday")) {
        (true, _) => 24,
        (_, true) => 7,
        _ => 1,
    };
    let end_of = |start| {
        let after = start + micros(length) + micros("3h");
        let end = bucket_start(after, length, now.zone);
        if length == "1h" { start + micros("1h") } else { end }
    };
    let whole: Vec<i64> = starts.into_iter().skip(repeat - 1).step_by(repeat).collect();
    let whole = whole.into_iter().filter(|&start| first.is_some_and(|first| first <= start));
    let values: Vec<i64> = whole
        .map(|start| {
            let is_in = |leg: &&Leg| leg.at >= start && leg.at < end_of(start);
            let legs = entered.iter().filter(|leg| leg.sequence != now.sequence).filter(is_in);
            if per.starts_with("count") {
                return 100 * i64::try_from(legs.count()).expect("few");
            }
            legs.map(|leg| leg.amount).filter(|&cents| cents != 300).sum()
        })
        .collect();
    match function {
        _ if values.len() < 2 => Seen::Absent,
        "avg" => average(&values),
        "stddev" => deviation(&values),
        "min_of" => number(*values.iter().min().expect("some"), 2),
        "max_of" => number(*values.iter().max().expect("some"), 2),
        "median" => quantile(&values, 50),
        "percentile" => quantile(&values, 90),
        _ => panic!("no function {function}"),
    }
}

/// No offset changes within an hour of the stories.
fn bucket_start(at: i64, length: &str, zone: &TimeZone) -> i64 {
    let now = Moment { at, sequence: 0, zone };
    match length {
        "1h" => {
            let local = zoned(at, zone);
            let seconds = i64::from(local.minute()) * 60 + i64::from(local.second());
            at - seconds * 1_000_000 - at.rem_euclid(1_000_000)
        }
        "1d" => start_of("day", now),
        _ => start_of("week", now),
    }
}

/// Found by halving the stretch it must lie in.
pub fn deviation(cents: &[i64]) -> Seen {
    if cents.is_empty() {
        return Seen::Absent;
    }
    let count = i128::try_from(cents.len()).expect("few");
    let sum: i128 = cents.iter().map(|&c| i128::from(c)).sum();
    let squares: i128 = cents.iter().map(|&c| i128::from(c) * i128::from(c)).sum();
    let spread = 4 * (count * squares - sum * sum) * 10_i128.pow(16);
    // The greatest number of last places that is not more than half a place above.
    let (mut low, mut high) = (0_i64, 10_i64.pow(14));
    while high - low > 1 {
        let middle = low.midpoint(high);
        let doubled = 2 * i128::from(middle) - 1;
        if doubled * doubled * count * count <= spread {
            low = middle;
        } else {
            high = middle;
        }
    }
    number(low, 10)
}
