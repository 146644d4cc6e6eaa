//! What a rulebook knows of the institution itself: its time zone and its base currency.
//!
//! Zones come from the database inside the program, never from the machine's own, so that every
//! machine that loads a rulebook agrees on what an hour is.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::domain::{Currency, Span};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_iana_names() {
        let zone = zone_named("Asia/Shanghai").expect("a zone");
        let noon: jiff::Timestamp = "2026-01-05T12:00:00Z".parse().expect("an instant");
        assert_eq!(zone.to_datetime(noon).hour(), 20);
        assert_eq!(zone_named("Europe/Atlantis"), None);
    }
}
