//! Which events are in the windows: sequence, source, id and time of each, stored once.
//!
//! Windows keep only sequences. Evidence asks here for the id that a person can look up. Whole chunks
//! are forgotten when every window has passed them.

use std::collections::VecDeque;

use crate::domain::Instant;
use crate::domain::alert::EventRef;

use super::strings::{Strings, Symbol};

const CHUNK_EVENTS: usize = 4_096;

/// Ids of recent events, in the order of the log.
#[derive(Default)]
pub struct Journal {
    chunks: VecDeque<Chunk>,
    events: usize,
}

#[derive(Default)]
struct Chunk {
    rows: Vec<JournalRow>,
    ids: String,
    latest: i64,
}

struct JournalRow {
    sequence: u64,
    at: i64,
    source: Symbol,
    id_end: u32,
}

/// Bytes of an event without its id.
pub const ROW_BYTES: usize = size_of::<JournalRow>();

impl Journal {
    /// Notes an event; sequences must rise. `watermark` is how far event time has come: a late event is
    /// kept as long as one that came in time.
    pub fn push(
        &mut self,
        sequence: u64,
        at: Instant,
        watermark: Instant,
        source: Symbol,
        id: &str,
    ) {
        if self.chunks.back().is_none_or(|chunk| chunk.rows.len() >= CHUNK_EVENTS) {
            self.chunks.push_back(Chunk { latest: i64::MIN, ..Chunk::default() });
        }
        let Some(chunk) = self.chunks.back_mut() else { return };
        chunk.ids.push_str(id);
        let id_end = u32::try_from(chunk.ids.len()).unwrap_or(u32::MAX);
        chunk.rows.push(JournalRow { sequence, at: at.0, source, id_end });
        chunk.latest = chunk.latest.max(at.0).max(watermark.0);
        self.events += 1;
    }

    /// The event at `sequence`. One that was forgotten has its sequence as id (`#42`).
    pub fn event(&self, sequence: u64, at: Instant, strings: &Strings) -> EventRef {
        self.find(sequence, strings).unwrap_or_else(|| EventRef {
            sequence,
            source: String::new(),
            id: format!("#{sequence}"),
            at,
        })
    }

    fn find(&self, sequence: u64, strings: &Strings) -> Option<EventRef> {
        let later = self.chunks.partition_point(|chunk| {
            chunk.rows.first().is_some_and(|row| row.sequence <= sequence)
        });
        let chunk = self.chunks.get(later.checked_sub(1)?)?;
        let place = chunk.rows.binary_search_by_key(&sequence, |row| row.sequence).ok()?;
        let row = chunk.rows.get(place)?;
        let start = place
            .checked_sub(1)
            .and_then(|before| chunk.rows.get(before))
            .map_or(0, |before| before.id_end as usize);
        let id = chunk.ids.get(start..row.id_end as usize)?;
        Some(EventRef {
            sequence,
            source: strings.text(row.source).to_owned(),
            id: id.to_owned(),
            at: Instant(row.at),
        })
    }

    /// Forgets chunks that were filled when event time was at or before `horizon`, and whose events lie
    /// at or before `sequence`.
    pub fn forget(&mut self, horizon: Instant, sequence: u64) {
        let is_past = |chunk: &Chunk| {
            chunk.latest <= horizon.0
                && chunk.rows.last().is_none_or(|row| row.sequence <= sequence)
        };
        while self.chunks.len() > 1 && self.chunks.front().is_some_and(is_past) {
            if let Some(chunk) = self.chunks.pop_front() {
                self.events -= chunk.rows.len();
            }
        }
    }

    /// How many events are noted.
    pub const fn len(&self) -> usize {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_until_its_chunk_is_forgotten() {
        let mut strings = Strings::default();
        let source = strings.intern("bank");
        let mut journal = Journal::default();
        let count = CHUNK_EVENTS as u64 + 10;
        for sequence in 1..=count {
            let at = Instant(i64::try_from(sequence).unwrap() * 10);
            journal.push(sequence * 2, at, at, source, &format!("T{sequence}"));
        }
        for sequence in [1, 2, CHUNK_EVENTS as u64, count] {
            let found = journal.event(sequence * 2, Instant(0), &strings);
            assert_eq!((found.id, found.source.as_str()), (format!("T{sequence}"), "bank"));
        }
        assert_eq!(journal.event(3, Instant(7), &strings).id, "#3");
        journal.forget(Instant(i64::MAX), 0);
        assert_eq!(journal.event(2, Instant(20), &strings).id, "T1", "too few events came since");
        journal.forget(Instant(i64::MAX), u64::MAX);
        assert_eq!(journal.event(2, Instant(20), &strings).id, "#2");
        assert_eq!(journal.len(), 10);
    }
}
