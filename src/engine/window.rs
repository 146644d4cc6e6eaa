//! The events of one key and filter, and the windows that slide over them.
//!
//! A [`Series`] keeps each event once, ordered by event time (and by arrival among equal times). Each
//! window over it is a [`Cursor`] with running folds: reading it moves the cursor to the asked
//! [`Extent`], so an event is added once and removed once per window, whenever that window is read. A
//! late event is put in its place and into every window that has passed its time. Nothing here rounds
//! and nothing is approximate.

mod candidates;
mod column;
mod cursor;
mod fold;

use std::collections::VecDeque;
use std::ops::Range;

use crate::domain::Instant;
use crate::rulebook::typed::{Percent, Window, WindowSpan};

use super::calendar::Extent;
use super::row::{Mark, Value};
pub use super::spread::BYTES as SPREAD_BYTES;
pub use super::tally::{
    ENTRY_BYTES as TALLY_BYTES, MANY_BYTES as TALLY_MANY_BYTES, TALLY_SEARCH_MAX,
};
use column::Column;
pub use column::ColumnKind;
use cursor::Cursor;

/// How the windows over a series look; made once per rulebook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesPlan {
    /// What is kept per event beside its time, in this order.
    pub columns: Vec<ColumnKind>,
    /// The windows.
    pub windows: Vec<WindowPlan>,
}

/// One window and what is folded over it.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowPlan {
    /// Its span.
    pub window: Window,
    /// Folds beside the count, which the cursors give for free.
    pub folds: Vec<FoldPlan>,
}

/// One fold of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldPlan {
    /// Index into [`SeriesPlan::columns`].
    pub column: usize,
    /// How.
    pub kind: FoldKind,
}

/// The folds. All of them are of the values that are present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// Sum and number: `sum` and `avg`.
    Moments,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Oldest.
    First,
    /// Latest.
    Last,
    /// Number of different ones.
    Distinct,
    /// Sums of values and of squares: `stddev`.
    Spread,
    /// The value below which a share of them lies: `median` and `percentile`.
    Rank(Percent),
}

/// What is read from a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Number of events.
    Count,
    /// Sum of the fold's column; 0 over nothing.
    Sum(usize),
    /// Mean of the fold's column; absent over nothing.
    Avg(usize),
    /// The one value that the fold picks or works out; absent over nothing.
    Pick(usize),
    /// Number of different values of the fold's column.
    Distinct(usize),
    /// Time since the latest event; absent without one.
    Since,
}

impl Reading {
    /// The fold that is read.
    pub const fn fold(self) -> Option<usize> {
        match self {
            Self::Count | Self::Since => None,
            Self::Sum(fold) | Self::Avg(fold) | Self::Pick(fold) | Self::Distinct(fold) => {
                Some(fold)
            }
        }
    }
}

/// How much of a series some window can still need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events of so long, in microseconds; `None` for ever.
    pub span: Option<i64>,
    /// And so many of the latest events, whatever their times.
    pub latest: usize,
}

/// A transaction has so many legs at most, all of which `previous` leaves out.
const LEGS_MAX: usize = 2;

impl SeriesPlan {
    /// How much of the series its windows can need.
    pub fn retention(&self) -> Retention {
        let mut retention = Retention { span: Some(0), latest: 0 };
        for plan in &self.windows {
            match plan.window.span {
                WindowSpan::Last(count) => {
                    let legs = if plan.window.is_previous { LEGS_MAX } else { 0 };
                    retention.latest = retention.latest.max(count as usize + legs);
                }
                _ => {
                    retention.span = retention.span.zip(plan.window.reach()).map(|(a, b)| a.max(b));
                }
            }
        }
        retention
    }
}

/// One kept event.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: i64,
    mark: Mark,
}

impl Entry {
    const fn sequence(self) -> u64 {
        self.mark.sequence()
    }
}

/// The events of one key and filter.
#[derive(Clone, Debug)]
pub struct Series {
    entries: VecDeque<Entry>,
    columns: Box<[Column]>,
    windows: Box<[Cursor]>,
    /// Absolute index of `entries[0]`; cursors and candidates count absolutely, so that forgetting the
    /// oldest event moves nothing.
    first: u64,
    /// Time of the latest event that was let go or given up.
    let_go: i64,
}

/// Bytes of an event without its columns.
pub const ENTRY_BYTES: usize = size_of::<Entry>();
/// Bytes of a series without anything in it.
pub const SERIES_BYTES: usize = size_of::<Series>();
/// Bytes of an empty column.
pub const COLUMN_BYTES: usize = size_of::<Column>();
/// Bytes of a window without folds.
pub const CURSOR_BYTES: usize = size_of::<Cursor>();
/// Bytes of a fold's place in its window.
pub const FOLD_BYTES: usize = size_of::<fold::Fold>();

/// What a cursor reads of its series.
#[derive(Clone, Copy)]
struct Kept<'a> {
    entries: &'a VecDeque<Entry>,
    columns: &'a [Column],
    first: u64,
}

impl Kept<'_> {
    fn entry(&self, place: u64) -> Option<Entry> {
        self.entries.get(self.offset(place)).copied()
    }

    fn value(&self, column: usize, place: u64) -> Value {
        let offset = self.offset(place);
        self.columns.get(column).map_or(Value::Absent, |column| column.get(offset))
    }

    fn offset(&self, place: u64) -> usize {
        usize::try_from(place.wrapping_sub(self.first)).unwrap_or(usize::MAX)
    }
}

impl Series {
    /// An empty series.
    pub fn new(plan: &SeriesPlan) -> Self {
        Self {
            entries: VecDeque::new(),
            columns: plan.columns.iter().map(|&kind| Column::new(kind)).collect(),
            windows: plan.windows.iter().map(|window| Cursor::new(window, 0)).collect(),
            first: 0,
            let_go: i64::MIN,
        }
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether a window of this extent lacks events: some were given up because of a limit, or let go
    /// before an event was judged again.
    pub fn lacks_events(&self, extent: Extent) -> bool {
        let is_full = extent.most.is_some_and(|most| self.range(extent, None).len() >= most);
        !is_full && extent.after < self.let_go
    }

    /// Keeps an event with its column values. Late ones are put in their place.
    pub fn insert(&mut self, plan: &SeriesPlan, at: Instant, mark: Mark, values: &[Value]) {
        let entry = Entry { at: at.0, mark };
        // One that is judged again may have come before others of its instant.
        let is_before = |kept: &Entry| (kept.at, kept.mark) <= (at.0, mark);
        let in_order = self.entries.back().is_none_or(is_before);
        if in_order {
            self.entries.push_back(entry);
            for (column, &value) in self.columns.iter_mut().zip(values) {
                column.push(value);
            }
            return;
        }
        let (kept, windows) = self.parts();
        for (cursor, window) in windows.iter_mut().zip(&plan.windows) {
            cursor.settle(window, mark.sequence(), kept);
        }
        let place = self.entries.partition_point(is_before);
        self.entries.insert(place, entry);
        for (column, &value) in self.columns.iter_mut().zip(values) {
            column.insert(place, value);
        }
        let absolute = self.first + place as u64;
        let (kept, windows) = self.parts();
        for (cursor, window) in windows.iter_mut().zip(&plan.windows) {
            cursor.admit_late(window, absolute, kept);
        }
    }

    fn parts(&mut self) -> (Kept<'_>, &mut [Cursor]) {
        let kept = Kept { entries: &self.entries, columns: &self.columns, first: self.first };
        (kept, &mut self.windows)
    }

    /// Whether the row at `at` that has this mark is kept.
    pub fn contains(&self, at: Instant, mark: Mark) -> bool {
        let place = self.entries.partition_point(|kept| (kept.at, kept.mark) < (at.0, mark));
        self.entries.get(place).is_some_and(|kept| (kept.at, kept.mark) == (at.0, mark))
    }

    /// Forgets events at or before `horizon`, but for the `latest` of them; no window may be read at an
    /// instant that needs more.
    pub fn forget(&mut self, plan: &SeriesPlan, horizon: i64, latest: usize) {
        while self.entries.get(latest).is_some_and(|kept| kept.at <= horizon) {
            self.drop_oldest(plan);
        }
    }

    /// Gives up the oldest event, because of a limit or because nothing needs it.
    pub fn drop_oldest(&mut self, plan: &SeriesPlan) {
        let oldest = self.first;
        let (kept, windows) = self.parts();
        for (cursor, window) in windows.iter_mut().zip(&plan.windows) {
            cursor.pass(window, oldest, kept);
        }
        if let Some(gone) = self.entries.pop_front() {
            self.let_go = self.let_go.max(gone.at);
            self.first += 1;
            for column in &mut self.columns {
                column.pop_front();
            }
        }
    }

    /// Moves window `index` to `extent` (never earlier than before) and reads it, as the event at
    /// `sequence` sees it.
    pub fn read(
        &mut self,
        plan: &SeriesPlan,
        index: usize,
        reading: Reading,
        extent: Extent,
        sequence: u64,
    ) -> Value {
        let (kept, windows) = self.parts();
        let (Some(cursor), Some(window)) = (windows.get_mut(index), plan.windows.get(index)) else {
            return Value::Absent;
        };
        cursor.advance(window, extent, sequence, kept);
        cursor.value(window, reading, extent, kept)
    }

    /// Reads window `index` at any extent by walking over what is kept: used for judging again and for
    /// evidence.
    pub fn read_at(
        &self,
        plan: &SeriesPlan,
        index: usize,
        reading: Reading,
        extent: Extent,
        sequence: u64,
    ) -> Value {
        let Some(window) = plan.windows.get(index) else { return Value::Absent };
        let left_out = window.window.is_previous.then_some(sequence);
        let inside = self.range(extent, left_out);
        let kept = Kept { entries: &self.entries, columns: &self.columns, first: self.first };
        let mut cursor = Cursor::new(window, self.first + inside.start as u64);
        for place in inside {
            cursor.take(window, self.first + place as u64, sequence, kept);
        }
        cursor.value(window, reading, extent, kept)
    }

    /// The events of a window of this extent but for those at `left_out`: how many there are, and the
    /// latest `most` of them, oldest first: time, sequence and one column's value.
    pub fn events(
        &self,
        extent: Extent,
        left_out: Option<u64>,
        column: Option<usize>,
        most: usize,
    ) -> (usize, Vec<(Instant, u64, Value)>) {
        let inside = self.range(extent, left_out);
        let column = column.and_then(|index| self.columns.get(index));
        let is_in = |entry: &Entry| Some(entry.sequence()) != left_out;
        let total = match left_out {
            Some(_) => self.entries.range(inside.clone()).filter(|entry| is_in(entry)).count(),
            None => inside.len(),
        };
        let places = inside.clone().rev();
        let entries =
            self.entries.range(inside).rev().zip(places).filter(|(entry, _)| is_in(entry));
        let mut latest: Vec<_> = entries
            .take(most)
            .map(|(entry, place)| {
                let value = column.map_or(Value::Absent, |column| column.get(place));
                (Instant(entry.at), entry.sequence(), value)
            })
            .collect();
        latest.reverse();
        (total, latest)
    }

    /// Where the events of an extent lie; those at `left_out` do not count towards its number.
    fn range(&self, extent: Extent, left_out: Option<u64>) -> Range<usize> {
        let end = (extent.to, extent.until);
        let head = self.entries.partition_point(|kept| (kept.at, kept.sequence()) <= end);
        let tail = self.entries.partition_point(|kept| kept.at <= extent.after).min(head);
        let Some(most) = extent.most else { return tail..head };
        let (mut start, mut count) = (head, 0);
        while start > tail && count < most {
            start -= 1;
            let sequence = self.entries.get(start).copied().map(Entry::sequence);
            count += usize::from(left_out.is_none() || sequence != left_out);
        }
        start..head
    }

    /// The same events under another plan: columns are taken from the old ones by index (`None` for a
    /// new column, absent for old events), and every window starts over.
    pub fn replan(&self, plan: &SeriesPlan, columns: &[Option<usize>]) -> Self {
        let columns = plan
            .columns
            .iter()
            .zip(columns)
            .map(|(&kind, old)| {
                old.and_then(|index| self.columns.get(index)).cloned().unwrap_or_else(|| {
                    let mut column = Column::new(kind);
                    (0..self.entries.len()).for_each(|_| column.push(Value::Absent));
                    column
                })
            })
            .collect();
        Self {
            entries: self.entries.clone(),
            columns,
            windows: plan.windows.iter().map(|window| Cursor::new(window, self.first)).collect(),
            first: self.first,
            let_go: self.let_go,
        }
    }
}

#[cfg(test)]
impl Series {
    /// Bytes that it asked for, but for the nodes of ordered maps.
    pub fn held(&self) -> usize {
        let columns: usize = self.columns.iter().map(|it| COLUMN_BYTES + it.held()).sum();
        let windows: usize = self.windows.iter().map(|it| CURSOR_BYTES + it.held()).sum();
        SERIES_BYTES + self.entries.capacity() * ENTRY_BYTES + columns + windows
    }
}

#[cfg(test)]
mod tests;
