//! The events of one key and filter, and the windows that slide over them.
//!
//! A [`Series`] keeps each event once, ordered by event time (and by arrival among equal times). Each
//! window over it is two cursors and running folds: reading it moves the cursors to the asked instant,
//! so an event is added once and removed once per window, whenever that window is read. Windows are
//! half-open: `(t − length − ending_ago, t − ending_ago]`. A late event is put in its place and into
//! every window that has passed its time. Nothing here rounds and nothing is approximate.

use std::collections::VecDeque;
use std::ops::Range;

use rust_decimal::Decimal;

use crate::domain::Instant;
use crate::rulebook::typed::Window;

use super::row::Value;
use super::strings::Symbol;
use super::sum::ExactSum;
use super::tally::Tally;

/// How the windows over a series look; made once per rulebook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesPlan {
    /// What is kept per event beside its time, in this order.
    pub columns: Vec<ColumnKind>,
    /// The windows.
    pub windows: Vec<WindowPlan>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Decimals.
    Number,
    /// Symbols.
    Text,
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

/// The folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// Sum and number of present values: `sum` and `avg`.
    Moments,
    /// Smallest present value.
    Min,
    /// Largest present value.
    Max,
    /// Number of different present values.
    Distinct,
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
    /// Least or greatest of the fold's column; absent over nothing.
    Extreme(usize),
    /// Number of different values of the fold's column.
    Distinct(usize),
}

impl SeriesPlan {
    /// How long an event can matter to some window; `None` for ever.
    pub fn retention(&self) -> Option<i64> {
        let mut longest = 0;
        for plan in &self.windows {
            longest = longest.max(plan.window.length?.0.saturating_add(plan.window.ending_ago.0));
        }
        Some(longest)
    }
}

/// One kept event.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: i64,
    sequence: u64,
}

#[derive(Clone, Debug)]
enum Column {
    Number(VecDeque<Option<Decimal>>),
    Text(VecDeque<Option<Symbol>>),
}

/// The events of one key and filter.
#[derive(Clone, Debug)]
pub struct Series {
    entries: VecDeque<Entry>,
    columns: Box<[Column]>,
    windows: Box<[Cursor]>,
    /// Absolute index of `entries[0]`; cursors and extremes count absolutely, so that forgetting
    /// the oldest event moves nothing.
    first: u64,
    /// Events were given up because of a limit.
    is_truncated: bool,
    /// Time of the latest event that was let go.
    let_go: i64,
}

/// A window's place: events `[tail, head)` are inside.
#[derive(Clone, Debug)]
struct Cursor {
    tail: u64,
    head: u64,
    folds: Box<[Fold]>,
}

#[derive(Clone, Debug)]
enum Fold {
    Moments {
        sum: ExactSum,
        count: u64,
    },
    /// Absolute indices whose values fall (Max) or rise (Min) from front to back: the front is the
    /// extreme. `is_stale` after a late event, until the next reading.
    Extreme {
        candidates: VecDeque<u64>,
        is_stale: bool,
    },
    Distinct(Tally),
}

impl Series {
    /// An empty series.
    pub fn new(plan: &SeriesPlan) -> Self {
        Self {
            entries: VecDeque::new(),
            columns: plan.columns.iter().map(|&kind| Column::new(kind)).collect(),
            windows: plan.windows.iter().map(|window| Cursor::new(window, 0)).collect(),
            first: 0,
            is_truncated: false,
            let_go: i64::MIN,
        }
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether `window` as of `t` lacks events: some were given up because of a limit, or let go before
    /// an event was judged again.
    pub fn lacks_events(&self, window: Window, t: Instant) -> bool {
        let start = window.length.map(|length| t.minus(window.ending_ago).minus(length));
        self.is_truncated || start.is_some_and(|start| start.0 < self.let_go)
    }

    /// Keeps an event with its column values. Late ones are put in their place.
    pub fn insert(&mut self, plan: &SeriesPlan, at: Instant, sequence: u64, values: &[Value]) {
        let entry = Entry { at: at.0, sequence };
        let in_order = self.entries.back().is_none_or(|last| last.at <= at.0);
        if in_order {
            self.entries.push_back(entry);
            for (column, &value) in self.columns.iter_mut().zip(values) {
                column.push(value);
            }
            return;
        }
        let place = self.entries.partition_point(|kept| kept.at <= at.0);
        self.entries.insert(place, entry);
        for (column, &value) in self.columns.iter_mut().zip(values) {
            column.insert(place, value);
        }
        let absolute = self.first + place as u64;
        for (cursor, window) in self.windows.iter_mut().zip(&plan.windows) {
            cursor.admit_late(window, absolute, values);
        }
    }

    /// Whether the event at `sequence` and `at` is kept.
    pub fn contains(&self, at: Instant, sequence: u64) -> bool {
        let start = self.entries.partition_point(|kept| kept.at < at.0);
        self.entries
            .range(start..)
            .take_while(|kept| kept.at == at.0)
            .any(|kept| kept.sequence == sequence)
    }

    /// Forgets events at or before `horizon`; no window may be read at an instant that needs them.
    pub fn forget(&mut self, plan: &SeriesPlan, horizon: i64) {
        while self.entries.front().is_some_and(|oldest| oldest.at <= horizon) {
            self.drop_oldest(plan);
        }
    }

    /// Gives up the oldest event because of a limit.
    pub fn give_up_oldest(&mut self, plan: &SeriesPlan) {
        self.drop_oldest(plan);
        self.is_truncated = true;
    }

    fn drop_oldest(&mut self, plan: &SeriesPlan) {
        let oldest = self.first;
        for (cursor, window) in self.windows.iter_mut().zip(&plan.windows) {
            cursor.pass(window, oldest, &self.columns, self.first);
        }
        if let Some(gone) = self.entries.pop_front() {
            self.let_go = self.let_go.max(gone.at);
            self.first += 1;
            for column in &mut self.columns {
                column.pop_front();
            }
        }
    }

    /// Moves window `index` to the instant `t` (never earlier than before) and reads it.
    pub fn read(&mut self, plan: &SeriesPlan, index: usize, reading: Reading, t: Instant) -> Value {
        let (Some(cursor), Some(window)) = (self.windows.get_mut(index), plan.windows.get(index))
        else {
            return Value::Absent;
        };
        cursor.advance(window, t, &self.entries, &self.columns, self.first);
        cursor.value(window, reading, &self.columns, self.first)
    }

    /// Reads window `index` as of any instant by walking over what is kept: the plain model, used for
    /// judging again and for evidence, and the standard that [`Series::read`] is tested against.
    pub fn read_at(&self, plan: &SeriesPlan, index: usize, reading: Reading, t: Instant) -> Value {
        let Some(window) = plan.windows.get(index) else { return Value::Absent };
        let inside = self.range(window.window, t);
        let mut cursor = Cursor::new(window, self.first + inside.start as u64);
        for place in inside {
            cursor.take(window, self.first + place as u64, &self.columns, self.first);
        }
        cursor.value(window, reading, &self.columns, self.first)
    }

    /// The events inside `window` as of `t`, oldest first: time, sequence and one column's value.
    pub fn events(
        &self,
        window: Window,
        column: Option<usize>,
        t: Instant,
    ) -> impl DoubleEndedIterator<Item = (Instant, u64, Value)> + ExactSizeIterator {
        let inside = self.range(window, t);
        let column = column.and_then(|index| self.columns.get(index));
        let start = inside.start;
        self.entries.range(inside).enumerate().map(move |(offset, entry)| {
            let value = column.map_or(Value::Absent, |column| column.get(start + offset));
            (Instant(entry.at), entry.sequence, value)
        })
    }

    fn range(&self, window: Window, t: Instant) -> Range<usize> {
        let end = t.minus(window.ending_ago);
        let head = self.entries.partition_point(|kept| kept.at <= end.0);
        let tail = window.length.map_or(0, |length| {
            let start = end.minus(length);
            self.entries.partition_point(|kept| kept.at <= start.0)
        });
        tail.min(head)..head
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
            is_truncated: self.is_truncated,
            let_go: self.let_go,
        }
    }
}

impl Cursor {
    fn new(plan: &WindowPlan, place: u64) -> Self {
        let folds = plan.folds.iter().map(|fold| match fold.kind {
            FoldKind::Moments => Fold::Moments { sum: ExactSum::default(), count: 0 },
            FoldKind::Min | FoldKind::Max => {
                Fold::Extreme { candidates: VecDeque::new(), is_stale: false }
            }
            FoldKind::Distinct => Fold::Distinct(Tally::default()),
        });
        Self { tail: place, head: place, folds: folds.collect() }
    }

    fn advance(
        &mut self,
        plan: &WindowPlan,
        t: Instant,
        entries: &VecDeque<Entry>,
        columns: &[Column],
        first: u64,
    ) {
        let end = t.minus(plan.window.ending_ago);
        let at = |place: u64| entries.get(offset(place, first)).map(|entry| entry.at);
        while at(self.head).is_some_and(|at| at <= end.0) {
            self.take(plan, self.head, columns, first);
        }
        let Some(length) = plan.window.length else { return };
        let start = end.minus(length);
        while self.tail < self.head && at(self.tail).is_some_and(|at| at <= start.0) {
            self.pass(plan, self.tail, columns, first);
        }
    }

    /// The event at `place`, which must be `head`, comes into the window.
    fn take(&mut self, plan: &WindowPlan, place: u64, columns: &[Column], first: u64) {
        for (fold, fold_plan) in self.folds.iter_mut().zip(&plan.folds) {
            let Some(column) = columns.get(fold_plan.column) else { continue };
            fold.add(fold_plan.kind, place, column.get(offset(place, first)), column, first);
        }
        self.head = place + 1;
    }

    /// The event at `place` leaves: it is behind the window or being forgotten.
    fn pass(&mut self, plan: &WindowPlan, place: u64, columns: &[Column], first: u64) {
        if self.tail > place {
            return;
        }
        if self.head <= place {
            (self.tail, self.head) = (place + 1, place + 1);
            return;
        }
        for (fold, fold_plan) in self.folds.iter_mut().zip(&plan.folds) {
            let Some(column) = columns.get(fold_plan.column) else { continue };
            fold.remove(place, column.get(offset(place, first)));
        }
        self.tail = place + 1;
    }

    /// A late event was put at `place`, before some that the window has taken already.
    fn admit_late(&mut self, plan: &WindowPlan, place: u64, values: &[Value]) {
        if place >= self.head {
            return;
        }
        let inside = place >= self.tail;
        self.head += 1;
        if !inside {
            self.tail += 1;
        }
        for (fold, fold_plan) in self.folds.iter_mut().zip(&plan.folds) {
            let value = values.get(fold_plan.column).copied().unwrap_or(Value::Absent);
            fold.admit_late(value, inside);
        }
    }

    fn value(
        &mut self,
        plan: &WindowPlan,
        reading: Reading,
        columns: &[Column],
        first: u64,
    ) -> Value {
        let (tail, head) = (self.tail, self.head);
        let fold_index = match reading {
            Reading::Count => return Value::Number(Decimal::from(head - tail)),
            Reading::Sum(index)
            | Reading::Avg(index)
            | Reading::Extreme(index)
            | Reading::Distinct(index) => index,
        };
        let (Some(fold), Some(fold_plan)) =
            (self.folds.get_mut(fold_index), plan.folds.get(fold_index))
        else {
            return Value::Absent;
        };
        match (fold, reading) {
            (Fold::Moments { sum, .. }, Reading::Sum(_)) => sum.value().into(),
            (Fold::Moments { sum, count }, Reading::Avg(_)) => {
                sum.value().and_then(|sum| sum.checked_div(Decimal::from(*count))).into()
            }
            (Fold::Distinct(tally), Reading::Distinct(_)) => {
                Value::Number(Decimal::from(tally.len()))
            }
            (Fold::Extreme { candidates, is_stale }, Reading::Extreme(_)) => {
                let Some(column) = columns.get(fold_plan.column) else { return Value::Absent };
                if *is_stale {
                    candidates.clear();
                    for place in tail..head {
                        let value = column.get(offset(place, first)).number();
                        push_candidate(candidates, fold_plan.kind, place, value, column, first);
                    }
                    *is_stale = false;
                }
                candidates.front().map_or(Value::Absent, |&place| column.get(offset(place, first)))
            }
            _ => Value::Absent,
        }
    }
}

impl Fold {
    fn add(&mut self, kind: FoldKind, place: u64, value: Value, column: &Column, first: u64) {
        match self {
            Self::Moments { sum, count } => {
                if let Some(number) = value.number() {
                    sum.add(number);
                    *count += 1;
                }
            }
            Self::Extreme { candidates, is_stale } => {
                if !*is_stale {
                    push_candidate(candidates, kind, place, value.number(), column, first);
                }
            }
            Self::Distinct(tally) => {
                if let Some(symbol) = value.symbol() {
                    tally.add(symbol);
                }
            }
        }
    }

    fn remove(&mut self, place: u64, value: Value) {
        match self {
            Self::Moments { sum, count } => {
                if let Some(number) = value.number() {
                    sum.remove(number);
                    *count -= 1;
                    // Nothing is left: an overflow or a fine scale of the past is over too.
                    if *count == 0 {
                        *sum = ExactSum::default();
                    }
                }
            }
            Self::Extreme { candidates, .. } => {
                if candidates.front() == Some(&place) {
                    candidates.pop_front();
                }
            }
            Self::Distinct(tally) => {
                if let Some(symbol) = value.symbol() {
                    tally.remove(symbol);
                }
            }
        }
    }

    fn admit_late(&mut self, value: Value, inside: bool) {
        match self {
            // Places behind the late event have moved by one: find the extreme anew when asked.
            Self::Extreme { is_stale, .. } => *is_stale = true,
            Self::Moments { sum, count } if inside => {
                if let Some(number) = value.number() {
                    sum.add(number);
                    *count += 1;
                }
            }
            Self::Distinct(tally) if inside => {
                if let Some(symbol) = value.symbol() {
                    tally.add(symbol);
                }
            }
            Self::Moments { .. } | Self::Distinct(_) => {}
        }
    }
}

fn push_candidate(
    candidates: &mut VecDeque<u64>,
    kind: FoldKind,
    place: u64,
    value: Option<Decimal>,
    column: &Column,
    first: u64,
) {
    let Some(value) = value else { return };
    while let Some(&last) = candidates.back() {
        let beaten = column.get(offset(last, first)).number().is_none_or(|other| {
            if kind == FoldKind::Min { value <= other } else { value >= other }
        });
        if !beaten {
            break;
        }
        candidates.pop_back();
    }
    candidates.push_back(place);
}

fn offset(place: u64, first: u64) -> usize {
    usize::try_from(place.wrapping_sub(first)).unwrap_or(usize::MAX)
}

impl Column {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Number => Self::Number(VecDeque::new()),
            ColumnKind::Text => Self::Text(VecDeque::new()),
        }
    }

    fn push(&mut self, value: Value) {
        match self {
            Self::Number(values) => values.push_back(value.number()),
            Self::Text(values) => values.push_back(value.symbol()),
        }
    }

    fn insert(&mut self, place: usize, value: Value) {
        match self {
            Self::Number(values) => values.insert(place, value.number()),
            Self::Text(values) => values.insert(place, value.symbol()),
        }
    }

    fn pop_front(&mut self) {
        match self {
            Self::Number(values) => drop(values.pop_front()),
            Self::Text(values) => drop(values.pop_front()),
        }
    }

    fn get(&self, place: usize) -> Value {
        match self {
            Self::Number(values) => values.get(place).copied().flatten().into(),
            Self::Text(values) => values.get(place).copied().flatten().into(),
        }
    }
}

#[cfg(test)]
mod tests;
