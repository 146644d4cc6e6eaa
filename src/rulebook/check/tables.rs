//! Warns of tables whose rows do not mean what they seem to: never reached, crossing, or with a hole.
//!
//! A field's words are those it can have, "any other" when it has no fixed set, and "absent" when it
//! may be: only `*` fits the last two.

use crate::rulebook::catalogue::{Presence, Slot};
use crate::rulebook::source::Entry;

use super::Checker;
use super::params::Row;

/// Most combinations of words that are looked at; larger tables are left alone.
const COMBINATIONS_MAX: usize = 20_000;

/// One word per field of `by`; `None` is one that only `*` fits.
type Combination<'w> = Vec<Option<&'w str>>;

impl Checker<'_> {
    /// `rows` are those of `entries`, in the same order.
    pub(super) fn warn_of_rows(
        &mut self,
        table: &Entry,
        entries: &[Entry],
        by: &[Slot],
        rows: &[Row],
    ) {
        let default = table.value.entry("default");
        let combinations = self.combinations(by, rows, false);
        self.warn_of_unreached(entries, rows, &self.combinations(by, rows, true));
        let is_covered = |words: &Combination<'_>| rows.iter().any(|row| fits(row, words));
        let with_absent = self.combinations(by, rows, true);
        let uncovered = with_absent.iter().find(|words| !is_covered(words)).cloned();
        match (default, uncovered) {
            (Some(default), None) if !with_absent.is_empty() => {
                let title = format!("the default of `{}` is never used", table.key);
                let help = Some("rows fit everything; delete it or the row that does".to_owned());
                self.report("W206", default.key_span, title, "a row fits first", help);
            }
            (None, Some(_)) => self.warn_of_hole(table, by, rows),
            _ => {}
        }
        self.warn_of_crossing(entries, rows, &combinations);
    }

    /// Each row that others above it leave nothing for.
    fn warn_of_unreached(
        &mut self,
        entries: &[Entry],
        rows: &[Row],
        combinations: &[Combination<'_>],
    ) {
        for (index, (row, entry)) in rows.iter().zip(entries).enumerate() {
            let earlier = rows.get(..index).unwrap_or_default();
            let mut own = combinations.iter().filter(|words| fits(row, words)).peekable();
            if own.peek().is_none()
                || !own.all(|words| earlier.iter().any(|earlier| fits(earlier, words)))
            {
                continue;
            }
            let is_one = earlier.iter().any(|earlier| covers(earlier, row));
            let label = if is_one { "a row above fits first" } else { "rows above fit first" };
            let title = format!("the row `{}` is never reached", entry.key);
            let help = Some("rows are tried from the top; move it up or delete it".to_owned());
            self.report("W206", entry.key_span, title, label, help);
        }
    }

    /// Nothing stands in for a field that is absent.
    fn warn_of_hole(&mut self, table: &Entry, by: &[Slot], rows: &[Row]) {
        let catalogue = self.catalogue;
        let mut fields = by.iter().enumerate().filter(|(place, slot)| {
            let is_matched =
                rows.iter().all(|(pattern, _)| pattern.get(*place).is_none_or(Option::is_none));
            catalogue.field(**slot).presence == Presence::Maybe && !is_matched
        });
        let Some((_, slot)) = fields.next() else { return };
        let path = &catalogue.field(*slot).path;
        let title = format!("`{}` has no value when `{path}` is absent", table.key);
        let label = "comparisons with it are false then";
        let help = Some("add a `default`, or a row of `*`".to_owned());
        self.report("W211", table.key_span, title, label, help);
    }

    /// Rows of which neither is narrower, so that only their order decides.
    fn warn_of_crossing(
        &mut self,
        entries: &[Entry],
        rows: &[Row],
        combinations: &[Combination<'_>],
    ) {
        for (later, (row, entry)) in rows.iter().zip(entries).enumerate() {
            for (earlier, (other, other_entry)) in rows.iter().zip(entries).enumerate().take(later)
            {
                if other.1 == row.1 || covers(other, row) || covers(row, other) {
                    continue;
                }
                let above = rows.get(..earlier).unwrap_or_default();
                let both = combinations.iter().find(|words| {
                    fits(row, words)
                        && fits(other, words)
                        && !above.iter().any(|above| fits(above, words))
                });
                let Some(both) = both else { continue };
                let both: Vec<&str> = both.iter().map(|word| word.unwrap_or("*")).collect();
                let both = both.join("/");
                let (first, second) = (&other_entry.key, &entry.key);
                let title = format!("the rows `{first}` and `{second}` both fit {both}");
                let help =
                    Some(format!("put a row `{both}` above them, so that nobody has to guess"));
                self.report("W210", entry.key_span, title, "the one above decides", help);
                return;
            }
        }
    }

    /// Every combination of words of the fields; none when there are too many.
    fn combinations<'w>(
        &self,
        by: &[Slot],
        rows: &'w [Row],
        with_absent: bool,
    ) -> Vec<Combination<'w>>
    where
        Self: 'w,
    {
        let mut combinations: Vec<Combination<'w>> = vec![Vec::new()];
        for (place, slot) in by.iter().enumerate() {
            let field = self.catalogue.field(*slot);
            let used = rows.iter().filter_map(|(pattern, _)| pattern.get(place)?.as_deref());
            let mut words: Vec<Option<&'w str>> = used.map(Some).collect();
            words.sort_unstable();
            words.dedup();
            // Words that no row names are alike: one of them stands for all.
            let is_closed = field.values.as_ref().is_some_and(|all| words.len() >= all.len());
            if !is_closed || (with_absent && field.presence == Presence::Maybe) {
                words.push(None);
            }
            if combinations.len().saturating_mul(words.len()) > COMBINATIONS_MAX {
                return Vec::new();
            }
            combinations = combinations
                .iter()
                .flat_map(|start| {
                    words.iter().map(move |word| [start.as_slice(), &[*word]].concat())
                })
                .collect();
        }
        combinations
    }
}

/// Whether `earlier` fits wherever `later` does.
fn covers(earlier: &Row, later: &Row) -> bool {
    earlier.0.iter().zip(&later.0).all(|(earlier, later)| earlier.is_none() || earlier == later)
}

fn fits(row: &Row, words: &Combination<'_>) -> bool {
    row.0
        .iter()
        .zip(words)
        .all(|(pattern, word)| pattern.as_deref().is_none_or(|pattern| Some(pattern) == *word))
}
