//! Instants and spans of event time, in whole microseconds.
//!
//! The core never reads a clock: every instant comes from an event, from a logged tick or from a
//! rule. RFC 3339 text is read and written here so that one parser decides what a valid time is.

use std::fmt;
use std::ops::{Add, Sub};

/// Microseconds in one second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

/// A point in time: microseconds since 1970-01-01T00:00:00Z, leap seconds ignored as in POSIX.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(pub i64);

/// A signed length of time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span(pub i64);

impl Instant {
    /// Earlier than any instant an event can carry.
    pub const MIN: Self = Self(i64::MIN);

    /// Reads an RFC 3339 instant with an offset (`2026-01-31T08:00:00Z`), or `None`.
    ///
    /// The common form `YYYY-MM-DDTHH:MM:SS[.fraction]Z` takes a short path; everything else is
    /// read by the time library. Digits beyond the microsecond are cut off.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_utc(text.as_bytes()).or_else(|| {
            let stamp: jiff::Timestamp = text.parse().ok()?;
            Some(Self(stamp.as_microsecond()))
        })
    }

    /// The instant `span` later, or the nearest representable one.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The instant `span` earlier, or the nearest representable one.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }
}

impl Sub for Instant {
    type Output = Span;
    fn sub(self, other: Self) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Add<Span> for Instant {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        self.plus(span)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(stamp) => stamp.fmt(out),
            Err(_) => write!(out, "{}us", self.0),
        }
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds.
    #[must_use]
    pub const fn seconds(count: i64) -> Self {
        Self(count.saturating_mul(MICROS_PER_SECOND))
    }

    /// A span of whole minutes.
    #[must_use]
    pub const fn minutes(count: i64) -> Self {
        Self::seconds(count.saturating_mul(60))
    }

    /// A span of whole hours.
    #[must_use]
    pub const fn hours(count: i64) -> Self {
        Self::minutes(count.saturating_mul(60))
    }

    /// A span of 24-hour days; calendar days need a time zone and are another thing.
    #[must_use]
    pub const fn days(count: i64) -> Self {
        Self::hours(count.saturating_mul(24))
    }

    /// Reads the rule-file form: a whole number and one of `s m h d w`, with an optional sign
    /// (`30m`, `24h`, `7d`, `-20d`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let unit = digits.chars().last()?;
        let number = digits.strip_suffix(unit)?.replace('_', "");
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let count: i64 = number.parse().ok()?;
        let micros = count.checked_mul(Self::unit(unit)?.0)?;
        Some(Self(if negative { -micros } else { micros }))
    }

    /// The span named by one unit letter of the rule language.
    #[must_use]
    pub const fn unit(letter: char) -> Option<Self> {
        match letter {
            's' => Some(Self::seconds(1)),
            'm' => Some(Self::minutes(1)),
            'h' => Some(Self::hours(1)),
            'd' => Some(Self::days(1)),
            'w' => Some(Self::days(7)),
            _ => None,
        }
    }
}

impl fmt::Display for Span {
    /// The rule-file form in the largest unit that is exact: `7d`, `36h`, `90s`; weeks are written
    /// as days.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (letter, unit) in [
            ('d', Self::days(1)),
            ('h', Self::hours(1)),
            ('m', Self::minutes(1)),
            ('s', Self::seconds(1)),
        ] {
            if self.0 % unit.0 == 0 && (self.0 != 0 || letter == 's') {
                return write!(out, "{}{letter}", self.0 / unit.0);
            }
        }
        write!(out, "{}us", self.0)
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction]Z` and nothing else: the shape nearly every producer sends.
fn parse_utc(text: &[u8]) -> Option<Instant> {
    let body = text.strip_suffix(b"Z")?;
    let (clock, fraction) = match body.split_at_checked(19)? {
        (clock, []) => (clock, 0),
        (clock, [b'.', digits @ ..]) => (clock, fraction_micros(digits)?),
        _ => return None,
    };
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] =
        clock
    else {
        return None;
    };
    let year = pair(y1, y2)? * 100 + pair(y3, y4)?;
    let (month, day) = (pair(m1, m2)?, pair(d1, d2)?);
    let (hour, minute, second) = (pair(h1, h2)?, pair(n1, n2)?, pair(s1, s2)?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Instant(seconds * MICROS_PER_SECOND + fraction))
}

fn pair(tens: u8, ones: u8) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn fraction_micros(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut micros = 0;
    for place in 0..6 {
        let digit = digits.get(place).map_or(0, |byte| i64::from(byte - b'0'));
        micros = micros * 10 + digit;
    }
    Some(micros)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted over 400-year eras.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_path_agrees_with_the_time_library() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59.999999Z",
            "2023-03-01T00:08:07Z",
            "1969-12-31T23:59:59.5Z",
            "2100-02-28T12:00:00.123456789Z",
        ] {
            let expected: jiff::Timestamp = text.parse().expect("valid time");
            assert_eq!(
                parse_utc(text.as_bytes()).map(|at| i128::from(at.0)),
                Some(expected.as_nanosecond().div_euclid(1_000)),
                "{text}"
            );
        }
    }

    #[test]
    fn an_offset_is_applied_and_nonsense_is_refused() {
        assert_eq!(
            Instant::parse("2023-03-01T02:00:00+02:00"),
            Instant::parse("2023-03-01T00:00:00Z")
        );
        for text in ["", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-03-01", "NaN"] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_span_reads_and_writes_the_rule_file_form() {
        for (text, shown) in [("30m", "30m"), ("24h", "1d"), ("36h", "36h"), ("2w", "14d")] {
            assert_eq!(Span::parse(text).expect("valid span").to_string(), shown);
        }
        for text in ["", "7", "d", "7 d", "1.5h", "7y"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
