//! Where windows begin and end, in the institution's time zone.
//!
//! In: a window and an instant. Out: its [`Extent`]. Days, weeks (from Monday) and months are those of
//! the zone's calendar, so a day has 23 or 25 hours when clocks change. The period that was asked for
//! last is remembered: events come nearly in order, so the zone is asked once per period and not once
//! per event.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit};

use crate::domain::{Instant, Span};
use crate::rulebook::institution;
use crate::rulebook::typed::{BucketLength, Period, Window, WindowSpan};

/// Day 0.
const EPOCH: Date = Date::constant(1970, 1, 1);

const HOUR: i64 = Span::hours(1).0;

/// Day 0 was a Thursday: weeks begin so many days before.
const MONDAY: i64 = 3;

/// The events that a window holds: later than `after`, not later than `to`, at most the latest `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Excluded.
    pub after: i64,
    /// Included.
    pub to: i64,
    /// Of the events at `to` those up to this sequence.
    pub until: u64,
    /// Only so many, the latest.
    pub most: Option<usize>,
}

/// The calendar of one time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    /// The period last asked for: its first instant, and the first one after it.
    latest: [(i64, i64); 3],
    /// The period before one that was asked for last: its first instant, and the first one after it.
    before: [(i64, i64); 3],
    /// The day last numbered: its first instant, the first one after it, and its number.
    day: (i64, i64, i64),
    /// The stretch of one offset that was asked for last.
    hours: Hours,
}

/// Hours between two changes of the zone's offset.
#[derive(Clone, Copy, Debug)]
struct Hours {
    /// The first instant.
    start: i64,
    /// The first one after it.
    end: i64,
    /// By how much full hours are behind those of UTC: not 0 where half hours are usual.
    minutes: i64,
    /// The number of the hour that went on before: where minutes change, none comes twice.
    least: i64,
}

impl Hours {
    /// The stretch that holds `t`.
    fn at(zone: &TimeZone, t: i64) -> Self {
        let Ok(now) = Timestamp::from_microsecond(t) else {
            return Self { start: t, end: t.saturating_add(1), minutes: 0, least: i64::MIN };
        };
        // Changes lie at whole seconds, and the one at `now` itself has happened.
        let after = now.checked_add(1.microsecond()).unwrap_or(now);
        let change = zone.preceding(after).next();
        let end =
            zone.following(now).next().map_or(i64::MAX, |next| next.timestamp().as_microsecond());
        let minutes = minutes(zone, now);
        let Some(change) = change.map(|change| change.timestamp()) else {
            return Self { start: i64::MIN, end, minutes, least: i64::MIN };
        };
        let before = change.checked_sub(1.microsecond()).unwrap_or(change);
        let least = (before.as_microsecond() + self::minutes(zone, before)).div_euclid(HOUR);
        Self { start: change.as_microsecond(), end, minutes, least }
    }

    const fn number(&self, t: i64) -> i64 {
        let number = t.saturating_add(self.minutes).div_euclid(HOUR);
        if number < self.least { self.least } else { number }
    }
}

/// By how much full hours in `zone` are behind those of UTC.
fn minutes(zone: &TimeZone, at: Timestamp) -> i64 {
    let seconds = zone.to_offset(at).seconds();
    Span::seconds(i64::from(seconds.rem_euclid(3600))).0
}

impl Calendar {
    /// The calendar of `zone`.
    pub fn new(zone: TimeZone) -> Self {
        let hours = Hours { start: 0, end: 0, minutes: 0, least: 0 };
        Self { zone, latest: [(0, 0); 3], before: [(0, i64::MIN); 3], day: (0, 0, 0), hours }
    }

    /// What `window` holds at `t`.
    pub fn extent(&mut self, window: Window, t: Instant) -> Extent {
        let to = t.minus(window.ending_ago);
        let (after, most) = match window.span {
            WindowSpan::Length(length) => (to.minus(length).0, None),
            WindowSpan::Lifetime => (i64::MIN, None),
            WindowSpan::Last(count) => (i64::MIN, Some(count as usize)),
            WindowSpan::Calendar(period) if window.is_previous => return self.before(period, to.0),
            WindowSpan::Calendar(period) => (self.period(period, to.0).0.saturating_sub(1), None),
        };
        Extent { after, to: to.0, until: u64::MAX, most }
    }

    /// The whole period before the one that holds `t`.
    fn before(&mut self, period: Period, t: i64) -> Extent {
        let (start, _) = self.period(period, t);
        let known = match period {
            Period::Day => &mut self.before[0],
            Period::Week => &mut self.before[1],
            Period::Month => &mut self.before[2],
        };
        if known.1 != start {
            let last = start.saturating_sub(1);
            let (first, _) = find(&self.zone, period, last).unwrap_or_else(|| even(period, last));
            *known = (first, start);
        }
        let (after, to) = (known.0.saturating_sub(1), start.saturating_sub(1));
        Extent { after, to, until: u64::MAX, most: None }
    }

    /// The number of the bucket that holds `t`: of hours since 1970, of days, or of weeks.
    pub fn bucket(&mut self, length: BucketLength, t: i64) -> i64 {
        match length {
            BucketLength::Hour => {
                if t < self.hours.start || t >= self.hours.end {
                    self.hours = Hours::at(&self.zone, t);
                }
                self.hours.number(t)
            }
            BucketLength::Day => self.day_number(t),
            BucketLength::Week => (self.day_number(t) + MONDAY).div_euclid(7),
        }
    }

    /// The first instant of a bucket.
    pub fn bucket_start(&self, length: BucketLength, number: i64) -> i64 {
        let day = match length {
            BucketLength::Hour => {
                return self.hour_start(number);
            }
            BucketLength::Day => number,
            BucketLength::Week => number.saturating_mul(7).saturating_sub(MONDAY),
        };
        let date = EPOCH.checked_add(day.days()).ok();
        let start = date.and_then(|date| midnight(&self.zone, date));
        start.unwrap_or_else(|| day.saturating_mul(Span::days(1).0))
    }

    /// The first instant of an hour, found by halving: numbers never fall.
    fn hour_start(&self, number: i64) -> i64 {
        let utc = number.saturating_mul(HOUR);
        let (mut before, mut start) = (utc.saturating_sub(2 * HOUR), utc.saturating_add(2 * HOUR));
        while start - before > 1 {
            let middle = before.midpoint(start);
            if Hours::at(&self.zone, middle).number(middle) >= number {
                start = middle;
            } else {
                before = middle;
            }
        }
        start
    }

    fn day_number(&mut self, t: i64) -> i64 {
        if t < self.day.0 || t >= self.day.1 {
            let (start, end) = self.period(Period::Day, t);
            let date = Timestamp::from_microsecond(start).ok();
            let date = date.map(|start| self.zone.to_datetime(start).date());
            let days = date.and_then(|date| date.since((Unit::Day, EPOCH)).ok());
            let number =
                days.map_or(start.div_euclid(Span::days(1).0), |days| days.get_days().into());
            self.day = (start, end, number);
        }
        self.day.2
    }

    /// The period that holds `t`: its first instant, and the first one after it.
    pub fn period(&mut self, period: Period, t: i64) -> (i64, i64) {
        let known = match period {
            Period::Day => &mut self.latest[0],
            Period::Week => &mut self.latest[1],
            Period::Month => &mut self.latest[2],
        };
        if t < known.0 || t >= known.1 {
            *known = find(&self.zone, period, t).unwrap_or_else(|| even(period, t));
        }
        *known
    }
}

fn find(zone: &TimeZone, period: Period, t: i64) -> Option<(i64, i64)> {
    let date = zone.to_datetime(Timestamp::from_microsecond(t).ok()?).date();
    let first = match period {
        Period::Day => date,
        Period::Week => {
            let days = date.weekday().since(Weekday::Monday);
            date.checked_sub(i64::from(days).days()).ok()?
        }
        Period::Month => date.first_of_month(),
    };
    let next = next(period, first)?;
    let (start, end) = (midnight(zone, first)?, midnight(zone, next)?);
    // Where clocks go back over midnight, the second pass belongs to the day that had begun.
    if t >= end {
        Some((end, midnight(zone, self::next(period, next)?)?))
    } else {
        Some((start, end))
    }
}

fn next(period: Period, first: Date) -> Option<Date> {
    match period {
        Period::Day => first.tomorrow().ok(),
        Period::Week => first.checked_add(7.days()).ok(),
        Period::Month => first.checked_add(1.month()).ok(),
    }
}

fn midnight(zone: &TimeZone, date: Date) -> Option<i64> {
    institution::midnight(zone, date).map(|start| start.0)
}

/// Beyond the years that the calendar knows: even lengths, so that nothing fails.
fn even(period: Period, t: i64) -> (i64, i64) {
    let length = match period {
        Period::Day => Span::days(1).0,
        Period::Week => Span::days(7).0,
        Period::Month => Span::days(30).0,
    };
    let start = t.saturating_sub(t.rem_euclid(length));
    (start, start.saturating_add(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(TimeZone::get(zone).expect("a zone"))
    }

    fn at(text: &str) -> i64 {
        Instant::parse(text).expect("a time").0
    }

    #[test]
    fn periods_are_those_of_the_zone_also_when_clocks_change() {
        for (zone, period, t, start, end) in [
            (
                "UTC",
                Period::Day,
                "2026-01-31T23:59:59Z",
                "2026-01-31T00:00:00Z",
                "2026-02-01T00:00:00Z",
            ),
            // Clocks go forward at 01:00 UTC: 23 hours.
            (
                "Europe/Berlin",
                Period::Day,
                "2026-03-29T12:00:00Z",
                "2026-03-28T23:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
            // And back: 25 hours.
            (
                "Europe/Berlin",
                Period::Day,
                "2026-10-25T23:00:00+01:00",
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
            (
                "Europe/Berlin",
                Period::Week,
                "2026-03-29T12:00:00Z",
                "2026-03-22T23:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
            (
                "Europe/Berlin",
                Period::Month,
                "2026-03-31T22:00:00Z",
                "2026-03-31T22:00:00Z",
                "2026-04-30T22:00:00Z",
            ),
            (
                "Asia/Kolkata",
                Period::Day,
                "2026-01-01T18:30:00Z",
                "2026-01-01T18:30:00Z",
                "2026-01-02T18:30:00Z",
            ),
            // Midnight does not exist on this day in Beirut: it starts at 01:00.
            (
                "Asia/Beirut",
                Period::Day,
                "2026-03-29T12:00:00Z",
                "2026-03-28T22:00:00Z",
                "2026-03-29T21:00:00Z",
            ),
            (
                "Pacific/Apia",
                Period::Day,
                "2011-12-31T12:00:00Z",
                "2011-12-31T10:00:00Z",
                "2012-01-01T10:00:00Z",
            ),
        ] {
            let found = calendar(zone).period(period, at(t));
            assert_eq!(found, (at(start), at(end)), "{zone} {period:?} {t}");
        }
    }

    #[test]
    fn the_first_instant_of_a_day_is_in_its_window() {
        let window = Window { span: WindowSpan::Calendar(Period::Day), ..Window::default() };
        let extent = calendar("UTC").extent(window, Instant(at("2026-01-05T10:00:00Z")));
        assert_eq!(extent.after, at("2026-01-05T00:00:00Z") - 1);
        assert_eq!(extent.to, at("2026-01-05T10:00:00Z"));
    }

    #[test]
    fn buckets_are_numbered_without_gaps_and_begin_where_they_should() {
        for (zone, length, t, next) in [
            ("UTC", BucketLength::Hour, "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
            ("Asia/Kolkata", BucketLength::Hour, "2026-01-01T18:30:00Z", "2026-01-01T19:30:00Z"),
            ("Europe/Berlin", BucketLength::Day, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", BucketLength::Week, "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("UTC", BucketLength::Week, "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"),
        ] {
            let mut calendar = calendar(zone);
            let (start, next) = (at(t), at(next));
            let number = calendar.bucket(length, start);
            assert_eq!(calendar.bucket(length, start - 1), number - 1, "{zone} {t}");
            assert_eq!(calendar.bucket(length, next - 1), number, "{zone} {t}");
            assert_eq!(calendar.bucket(length, next), number + 1, "{zone} {t}");
            assert_eq!(calendar.bucket_start(length, number), start, "{zone} {t}");
            assert_eq!(calendar.bucket_start(length, number + 1), next, "{zone} {t}");
        }
    }

    #[test]
    fn hours_begin_on_the_hour_wherever_clocks_show_it() {
        for (zone, start) in [
            // Half an hour or a quarter away from what they showed in 1970.
            ("Asia/Singapore", "2026-01-05T02:00:00Z"),
            ("Asia/Kuala_Lumpur", "2026-01-05T02:00:00Z"),
            ("Asia/Kathmandu", "2026-01-05T02:15:00Z"),
            ("Asia/Kolkata", "2026-01-05T02:30:00Z"),
            ("Asia/Pyongyang", "2018-05-05T02:00:00Z"),
            ("Asia/Pyongyang", "2018-05-03T02:30:00Z"),
            ("Australia/Lord_Howe", "2026-01-05T02:00:00Z"),
            ("Australia/Lord_Howe", "2026-07-05T02:30:00Z"),
        ] {
            let (mut calendar, start) = (calendar(zone), at(start));
            let number = calendar.bucket(BucketLength::Hour, start);
            assert_eq!(calendar.bucket(BucketLength::Hour, start - 1), number - 1, "{zone}");
            assert_eq!(calendar.bucket(BucketLength::Hour, start + HOUR - 1), number, "{zone}");
            assert_eq!(calendar.bucket_start(BucketLength::Hour, number), start, "{zone}");
        }
    }

    #[test]
    fn far_away_times_have_periods_too() {
        for t in [i64::MIN, i64::MIN + 5, i64::MAX] {
            for period in [Period::Day, Period::Week, Period::Month] {
                let (start, end) = calendar("Europe/Berlin").period(period, t);
                assert!(start <= t && t <= end, "{period:?} {t}: {start} {end}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_hour_comes_twice_where_clocks_change(
            zone in prop::sample::select(vec![
                "Australia/Lord_Howe", "Asia/Pyongyang", "America/Caracas", "Asia/Kathmandu",
                "Asia/Singapore", "Europe/Berlin", "Asia/Colombo",
            ]),
            minutes in prop_oneof![0_i64..34_000_000, 25_000_000_i64..26_000_000],
            step in 1_i64..100,
        ) {
            let (mut calendar, t) = (calendar(zone), minutes * 60_000_000);
            let number = calendar.bucket(BucketLength::Hour, t);
            let later = calendar.bucket(BucketLength::Hour, t + step * 60_000_000);
            prop_assert!(number <= later && later <= number + 3);
            let start = calendar.bucket_start(BucketLength::Hour, number);
            prop_assert!(start <= t && t < start + 2 * HOUR);
            prop_assert_eq!(calendar.bucket(BucketLength::Hour, start), number);
            prop_assert!(calendar.bucket(BucketLength::Hour, start - 1) < number);
        }

        #[test]
        fn what_was_remembered_changes_nothing(
            hours in prop::collection::vec(0_i64..24 * 900, 1..60),
            zone in prop::sample::select(vec!["Europe/Berlin", "America/Havana", "Australia/Lord_Howe"]),
        ) {
            let mut kept = calendar(zone);
            for hour in hours {
                let t = at("2025-01-01T00:00:00Z") + hour * Span::hours(1).0;
                for period in [Period::Day, Period::Week, Period::Month] {
                    let found = kept.period(period, t);
                    prop_assert!(found.0 <= t && t < found.1);
                    prop_assert_eq!(found, calendar(zone).period(period, t));
                }
            }
        }
    }
}
