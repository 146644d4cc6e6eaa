//! What a compiled expression sees: the row, the windows of its keys, and values already worked out.

use rust_decimal::Decimal;

use crate::domain::Instant;
use crate::rulebook::typed::{BucketLength, Window};

use super::baseline::BaselinePlan;
use super::calendar::{Calendar, Extent};
use super::graph::{Found, GraphFrame};
use super::matches::{MatchLog, MatchesRead};
use super::row::{Row, Value};
use super::sequence::Bindings;
use super::strings::{Strings, Symbol};
use super::table::{KeyRef, KeyTable};
use super::window::{Reading, SeriesPlan};

/// What an aggregate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Events in a window.
    Window(WindowRead),
    /// Buckets of a baseline.
    Baseline(BaselineRead),
}

impl Read {
    /// Index of the key table.
    pub const fn table(self) -> usize {
        match self {
            Self::Window(read) => read.table,
            Self::Baseline(read) => read.table,
        }
    }
}

/// One baseline reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaselineRead {
    /// Index of the key table.
    pub table: usize,
    /// Index of the baseline within the table.
    pub baseline: usize,
    /// Index of the reading within the baseline.
    pub reading: usize,
}

/// One window reading: where its events are and what is read of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowRead {
    /// Index of the key table.
    pub table: usize,
    /// Index of the series within the table.
    pub series: usize,
    /// Index of the window within the series.
    pub window: usize,
    /// What is read.
    pub reading: Reading,
}

/// At which instant windows are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As the log comes: at the event's time, or the latest time already seen for the key.
    Live,
    /// Again, at the event's own time: for events whose identity came late, and for evidence.
    AsOf(Instant),
}

/// A value worked out for one row; stale when its stamp is another row's.
#[derive(Clone, Copy, Debug)]
pub struct Memo {
    stamp: u64,
    value: Value,
    met_absent: bool,
}

impl Default for Memo {
    fn default() -> Self {
        Self { stamp: 0, value: Value::Absent, met_absent: false }
    }
}

/// Everything that a compiled expression may read.
pub struct Frame<'a> {
    /// The leg or event.
    pub row: &'a Row,
    /// All texts.
    pub strings: &'a Strings,
    /// All key tables.
    pub tables: &'a mut [KeyTable],
    /// The row's key in each table.
    pub keys: &'a [KeyRef],
    /// Series plans, by table and series.
    pub plans: &'a [Vec<SeriesPlan>],
    /// Baseline plans, by table and baseline.
    pub baselines: &'a [Vec<BaselinePlan>],
    /// Values of shared sub-expressions.
    pub memos: &'a mut [Memo],
    /// The row's stamp; grows with every row.
    pub stamp: u64,
    /// When windows are read.
    pub mode: Mode,
    /// Where they begin.
    pub calendar: &'a mut Calendar,
    /// Which rules matched before.
    pub matches: &'a MatchLog,
    /// The events that steps of the rule's sequence are bound to.
    pub bound: &'a mut Bindings,
    /// The match's score, once it is known.
    pub score: Option<Decimal>,
    /// Graphs, and what was found in them.
    pub graphs: GraphFrame<'a>,
    /// A comparison or `in` met an absent value, and was false for that reason.
    pub met_absent: bool,
}

impl Frame<'_> {
    /// What a comparison needs; notes it when it is not there.
    #[inline]
    pub const fn known<T: Copy>(&mut self, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.met_absent = true;
        }
        value
    }

    /// Reads what an aggregate stands for.
    pub fn read(&mut self, read: Read) -> Value {
        match read {
            Read::Window(read) => self.read_window(read),
            Read::Baseline(read) => self.read_baseline(read),
        }
    }

    /// Reads a baseline of the row's key; absent while nothing is known of the key.
    fn read_baseline(&mut self, read: BaselineRead) -> Value {
        let plan = self.baselines.get(read.table).and_then(|plans| plans.get(read.baseline));
        let Some((plan, (key, running))) =
            plan.and_then(|plan| Some((plan, self.running(read.table, plan.length)?)))
        else {
            return Value::Absent;
        };
        let sequence = self.row.sequence;
        let table = self.tables.get_mut(read.table);
        let Some(baseline) = table.and_then(|table| table.baseline_mut(key, read.baseline)) else {
            return Value::Absent;
        };
        match self.mode {
            Mode::Live => baseline.read(plan, read.reading, running, sequence),
            Mode::AsOf(_) => baseline.read_at(plan, read.reading, running, sequence),
        }
    }

    /// The row's key in `table`, and the bucket that goes on at the evaluation instant.
    pub fn running(&mut self, table: usize, length: BucketLength) -> Option<(u32, i64)> {
        let Some(&KeyRef::Known(key)) = self.keys.get(table) else { return None };
        let t = evaluation_instant(self.mode, self.row, self.tables.get(table)?, key);
        Some((key, self.calendar.bucket(length, t.0)))
    }

    /// Reads a window of the row's key. A key that is not in the row has no value; a key that no event
    /// entered yet has an empty window.
    fn read_window(&mut self, read: WindowRead) -> Value {
        let key = match self.keys.get(read.table) {
            Some(KeyRef::Known(key)) => *key,
            Some(KeyRef::New) => return empty(read.reading),
            Some(KeyRef::Absent) | None => return Value::Absent,
        };
        let plan = self.plans.get(read.table).and_then(|series| series.get(read.series));
        let (Some(plan), Some(table)) = (plan, self.tables.get_mut(read.table)) else {
            return Value::Absent;
        };
        let Some(window) = plan.windows.get(read.window) else { return Value::Absent };
        let t = evaluation_instant(self.mode, self.row, table, key);
        let extent = self.calendar.extent(window.window, t);
        let extent = Extent { until: until(self.mode, self.row, extent), ..extent };
        let sequence = self.row.sequence;
        let Some(series) = table.series_mut(key, read.series) else {
            return empty(read.reading);
        };
        match self.mode {
            Mode::Live => series.read(plan, read.window, read.reading, extent, sequence),
            Mode::AsOf(_) => series.read_at(plan, read.window, read.reading, extent, sequence),
        }
    }

    /// What `window` of a key in `table` holds, and the key.
    pub fn extent(&mut self, table: usize, window: Window) -> Option<(u32, Extent)> {
        let Some(&KeyRef::Known(key)) = self.keys.get(table) else { return None };
        let t = evaluation_instant(self.mode, self.row, self.tables.get(table)?, key);
        let extent = self.calendar.extent(window, t);
        Some((key, Extent { until: until(self.mode, self.row, extent), ..extent }))
    }

    /// At which instant the matches that `read` counts are read, and about whom.
    pub fn matches_of(&self, read: MatchesRead) -> Option<(Symbol, Instant)> {
        let entity = read.slot.and_then(|slot| self.row.get(slot).symbol())?;
        let t = match (self.mode, self.keys.get(read.table)) {
            (Mode::AsOf(at), _) => at,
            (Mode::Live, Some(KeyRef::Known(key))) => {
                let latest = self.tables.get(read.table).map(|table| table.latest(*key));
                latest.map_or(self.row.at, |latest| self.row.at.max(latest))
            }
            (Mode::Live, _) => self.row.at,
        };
        Some((entity, t))
    }

    /// How often another rule matched.
    pub fn count_matches(&self, read: MatchesRead) -> Value {
        let Some((entity, t)) = self.matches_of(read) else { return Value::Absent };
        Value::Number(Decimal::from(self.matches.inside(read, entity, t).count()))
    }

    /// What was found for the pattern at `place`; searched for now if nobody asked before.
    pub fn found(&mut self, place: usize) -> Option<&Found> {
        self.graphs.found(place, self.row, self.stamp, self.mode)
    }

    /// The value kept at `place` for this row, worked out now if it is not there yet. That an absent value
    /// decided in it is remembered too: several rules may share the place.
    pub fn memoized(&mut self, place: usize, work_out: impl FnOnce(&mut Self) -> Value) -> Value {
        if let Some(memo) = self.memos.get(place)
            && memo.stamp == self.stamp
        {
            self.met_absent |= memo.met_absent;
            return memo.value;
        }
        let before = std::mem::take(&mut self.met_absent);
        let value = work_out(self);
        if let Some(memo) = self.memos.get_mut(place) {
            *memo = Memo { stamp: self.stamp, value, met_absent: self.met_absent };
        }
        self.met_absent |= before;
        value
    }
}

/// The instant at which a key's windows are read.
fn evaluation_instant(mode: Mode, row: &Row, table: &KeyTable, key: u32) -> Instant {
    match mode {
        Mode::Live => row.at.max(table.latest(key)),
        Mode::AsOf(at) => at,
    }
}

/// Up to which sequence events at the end of a window are in: of those of the row's own instant, at which it
/// is judged again, none that came after it.
const fn until(mode: Mode, row: &Row, extent: Extent) -> u64 {
    match mode {
        Mode::AsOf(_) if extent.to == row.at.0 && row.sequence > 0 => row.sequence,
        _ => u64::MAX,
    }
}

/// What a window over no events gives.
const fn empty(reading: Reading) -> Value {
    match reading {
        Reading::Count | Reading::Sum(_) | Reading::Distinct(_) => Value::Number(Decimal::ZERO),
        Reading::Avg(_) | Reading::Pick(_) | Reading::Since => Value::Absent,
    }
}
