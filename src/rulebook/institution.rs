//! What a rulebook knows of the institution itself: its time zone and its base currency.
//!
//! Zones come from the database inside the program, never from the machine's own, so that every
//! machine that loads a rulebook agrees on what an hour is.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::domain::{Currency, Instant, Span};

/// The longest window that has an end, unless a deployment allows less; beyond it lies `lifetime`.
pub const WINDOW_MAX: Span = Span::days(3650);

/// What holds for all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Institution {
    /// Where its days begin.
    pub zone: TimeZone,
    /// The currency of `tx.amount`, if it was said.
    pub base_currency: Option<Currency>,
    /// How far windows, sequences and `matches` may reach back, at most [`WINDOW_MAX`]. It bounds what the
    /// engine remembers and how much of the log a rebuild needs.
    pub window_max: Span,
}

impl Default for Institution {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, base_currency: None, window_max: WINDOW_MAX }
    }
}

/// The zone with an IANA name such as `Europe/Stockholm`.
#[must_use]
pub fn zone_named(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// The first instant of a day in `zone`: midnight, or where clocks jump over it, what comes instead.
#[must_use]
pub fn midnight(zone: &TimeZone, date: Date) -> Option<Instant> {
    let start = zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().ok()?;
    Some(Instant(start.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_of_the_zone_also_when_clocks_change() {
        for (zone, day, expected) in [
            ("UTC", "2026-03-29", "2026-03-29T00:00:00Z"),
            ("Europe/Stockholm", "2026-03-29", "2026-03-28T23:00:00Z"),
            ("Europe/Stockholm", "2026-03-30", "2026-03-29T22:00:00Z"),
            ("Europe/Stockholm", "2026-10-25", "2026-10-24T22:00:00Z"),
            ("Europe/Stockholm", "2026-10-26", "2026-10-25T23:00:00Z"),
            ("Asia/Shanghai", "2026-01-01", "2025-12-31T16:00:00Z"),
            // Clocks jump from 24:00 to 01:00: the day begins at 01:00.
            ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
            // Clocks go back from 24:00 to 23:00: the day begins when they come to 24:00 again.
            ("Africa/Cairo", "2026-10-30", "2026-10-29T22:00:00Z"),
        ] {
            let found =
                zone_named(zone).zip(day.parse().ok()).and_then(|(zone, day)| midnight(&zone, day));
            assert_eq!(found, Instant::parse(expected), "{day} in {zone}");
        }
    }

    #[test]
    fn zones_are_known_by_their_iana_names() {
        let zone = zone_named("Asia/Shanghai").expect("a zone");
        let noon: jiff::Timestamp = "2026-01-05T12:00:00Z".parse().expect("an instant");
        assert_eq!(zone.to_datetime(noon).hour(), 20);
        assert_eq!(zone_named("Europe/Atlantis"), None);
    }
}
