//! From when until when a rule judges.

use jiff::civil::Date;

use crate::domain::Instant;
use crate::rulebook::institution::midnight;
use crate::rulebook::source::{Entry, Node};
use crate::rulebook::waking::Effective;

use super::Checker;

/// Keys of `effective`.
pub const EFFECTIVE_KEYS: &[&str] = &["from", "to"];

impl Checker<'_> {
    /// `None` also when the rule always judges.
    pub(super) fn effective(&mut self, root: &Node) -> Option<Effective> {
        let entry = root.entry("effective")?;
        let entries = self.entries(entry, "`from`, `to` or both")?;
        self.known_keys(&entry.value, EFFECTIVE_KEYS, &[]);
        if entries.is_empty() {
            let title = "`effective` needs `from`, `to` or both";
            let help = Some("write `effective: { from: 2026-01-01 }`".to_owned());
            self.report("E089", entry.key_span, title, "no date", help);
            return None;
        }
        let (from, to) = (entry.value.entry("from"), entry.value.entry("to"));
        let dates = (from.map(|it| self.date(it)), to.map(|it| self.date(it)));
        let from = dates.0.map_or(Some(None), |date| date.map(Some))?;
        let until = dates.1.map_or(Some(None), |date| date.map(Some))?;
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            let span = to.map_or(entry.key_span, |it| it.value.span);
            let title = "the rule ends before it begins";
            let help = "`from` is the first day, `to` the first day on which it judges no more";
            self.report("E089", span, title, "not after `from`", Some(help.to_owned()));
            return None;
        }
        Some(Effective { from, to: until })
    }

    /// Midnight of a day, in the institution's time zone.
    fn date(&mut self, entry: &Entry) -> Option<Instant> {
        let text = self.text(entry)?;
        let is_date = text.len() == "2026-01-01".len();
        let day = is_date.then(|| text.parse::<Date>().ok()).flatten();
        let at = day.and_then(|day| midnight(&self.institution.zone, day));
        if at.is_none() {
            let title = format!("`{text}` is not a date");
            let help = Some("write it like 2026-01-01".to_owned());
            self.report("E089", entry.value.span, title, "not a day of the calendar", help);
        }
        at
    }
}
