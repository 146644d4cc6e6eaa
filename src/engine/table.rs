//! Keys and what is remembered under each: one table per combination of roles.
//!
//! A key of one role is found by indexing with its symbol; a composite key by hashing. Keys are
//! numbered in the order of the log.

use hashbrown::HashMap;

use crate::domain::Instant;
use crate::rulebook::catalogue::Slot;

use super::baseline::{Baseline, BaselinePlan};
use super::row::Row;
use super::strings::Symbol;
use super::window::{Retention, Series, SeriesPlan};

/// A key keeps its windows for so many events of the log, whatever their times say.
pub const IDLE_SEQUENCES: u64 = 5_000_000;

/// Most roles of a composite key.
pub const ROLES_MAX: usize = 4;

/// A row's key in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// The row lacks one of the roles.
    Absent,
    /// No event entered under this key yet.
    New,
    /// The key's number.
    Known(u32),
}

/// The symbols of a key's roles.
pub type Composite = [Option<Symbol>; ROLES_MAX];

/// Where a series' events come from when the plan changes: the old series, and the old column of each
/// new one.
pub type CarryOver = Option<(usize, Vec<Option<usize>>)>;

/// The fields that carry a role, by family.
pub type RoleSlots = [Option<Slot>; 3];

const NO_KEY: u32 = u32::MAX;

/// All keys of one combination of roles.
pub struct KeyTable {
    slots: Vec<RoleSlots>,
    /// By symbol, for a single role.
    by_symbol: Vec<u32>,
    /// For several roles.
    by_symbols: HashMap<Composite, u32>,
    keys: Vec<KeyState>,
    sweep: usize,
}

struct KeyState {
    /// The latest event time seen for this key.
    latest: Instant,
    /// How far event time had come, over all keys, when this key was last entered.
    touched: Instant,
    /// The stream sequence of that event.
    touched_sequence: u64,
    series: Box<[Option<Box<Series>>]>,
    baselines: Box<[Option<Box<Baseline>>]>,
}

/// Bytes of a key with room for nothing.
pub const KEY_BYTES: usize = size_of::<KeyState>();
/// Bytes of a composite key in its index.
pub const COMPOSITE_BYTES: usize = size_of::<(Composite, u32)>();

/// What a table keeps under each key, under another plan.
pub struct Replan<'a> {
    /// The fields that carry the roles.
    pub slots: &'a [RoleSlots],
    /// Series, and where the events of each come from.
    pub series: (&'a [SeriesPlan], &'a [CarryOver]),
    /// Baselines, and which old one each goes on with.
    pub baselines: (&'a [BaselinePlan], &'a [Option<usize>]),
}

impl KeyTable {
    /// An empty table for keys that these fields make up.
    pub fn new(slots: Vec<RoleSlots>) -> Self {
        Self {
            slots,
            by_symbol: Vec::new(),
            by_symbols: HashMap::default(),
            keys: Vec::new(),
            sweep: 0,
        }
    }

    /// How many keys there are.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// The row's key, if it is there; its time advances, so that its windows are never read backwards.
    pub fn find(&mut self, row: &Row, watermark: Instant) -> KeyRef {
        let Some(symbols) = self.symbols(row) else { return KeyRef::Absent };
        let Some(key) = self.lookup(&symbols) else { return KeyRef::New };
        self.touch(key, row, watermark);
        KeyRef::Known(key)
    }

    /// The row's key, if it is there; nothing is noted of it.
    pub fn peek(&self, row: &Row) -> KeyRef {
        let Some(symbols) = self.symbols(row) else { return KeyRef::Absent };
        self.lookup(&symbols).map_or(KeyRef::New, KeyRef::Known)
    }

    fn touch(&mut self, key: u32, row: &Row, watermark: Instant) {
        if let Some(state) = self.keys.get_mut(key as usize) {
            state.latest = state.latest.max(row.at);
            state.touched = watermark.max(row.at);
            state.touched_sequence = row.sequence;
        }
    }

    /// The row's key, made now if it is new and fewer than `keys_max` are there.
    pub fn enter(
        &mut self,
        row: &Row,
        watermark: Instant,
        (series_count, baseline_count): (usize, usize),
        keys_max: usize,
    ) -> KeyRef {
        let Some(symbols) = self.symbols(row) else { return KeyRef::Absent };
        if let Some(key) = self.lookup(&symbols) {
            self.touch(key, row, watermark);
            return KeyRef::Known(key);
        }
        let key = match u32::try_from(self.keys.len()) {
            Ok(key) if self.keys.len() < keys_max => key,
            _ => return KeyRef::New,
        };
        self.keys.push(KeyState {
            latest: row.at,
            touched: watermark.max(row.at),
            touched_sequence: row.sequence,
            series: std::iter::repeat_with(|| None).take(series_count).collect(),
            baselines: std::iter::repeat_with(|| None).take(baseline_count).collect(),
        });
        match symbols {
            [Some(symbol), None, ..] => {
                if self.by_symbol.len() <= symbol.index() {
                    self.by_symbol.resize(symbol.index() + 1, NO_KEY);
                }
                if let Some(place) = self.by_symbol.get_mut(symbol.index()) {
                    *place = key;
                }
            }
            _ => {
                self.by_symbols.insert(symbols, key);
            }
        }
        KeyRef::Known(key)
    }

    /// The latest event time seen for `key`.
    pub fn latest(&self, key: u32) -> Instant {
        self.keys.get(key as usize).map_or(Instant::MIN, |state| state.latest)
    }

    /// One series of `key`, if any event entered it.
    pub fn series(&self, key: u32, series: usize) -> Option<&Series> {
        self.keys.get(key as usize)?.series.get(series)?.as_deref()
    }

    /// One series of `key`, if any event entered it.
    pub fn series_mut(&mut self, key: u32, series: usize) -> Option<&mut Series> {
        self.keys.get_mut(key as usize)?.series.get_mut(series)?.as_deref_mut()
    }

    /// One series of `key`, made now if it is new.
    pub fn series_or_new(
        &mut self,
        key: u32,
        series: usize,
        plan: &SeriesPlan,
    ) -> Option<&mut Series> {
        let place = self.keys.get_mut(key as usize)?.series.get_mut(series)?;
        Some(place.get_or_insert_with(|| Box::new(Series::new(plan))))
    }

    /// One baseline of `key`, if an event of its kind was seen.
    pub fn baseline(&self, key: u32, baseline: usize) -> Option<&Baseline> {
        self.keys.get(key as usize)?.baselines.get(baseline)?.as_deref()
    }

    /// One baseline of `key`, if an event of its kind was seen.
    pub fn baseline_mut(&mut self, key: u32, baseline: usize) -> Option<&mut Baseline> {
        self.keys.get_mut(key as usize)?.baselines.get_mut(baseline)?.as_deref_mut()
    }

    /// One baseline of `key`, made now if it is new.
    pub fn baseline_or_new(
        &mut self,
        key: u32,
        baseline: usize,
        plan: &BaselinePlan,
    ) -> Option<&mut Baseline> {
        let place = self.keys.get_mut(key as usize)?.baselines.get_mut(baseline)?;
        Some(place.get_or_insert_with(|| Box::new(Baseline::new(plan))))
    }

    /// Lets go of what no window can need any more, for the next `count` keys, round and round.
    ///
    /// A key is judged by how far event time has come since it was last entered, not by its own events'
    /// times, and only after [`IDLE_SEQUENCES`] more events of the log: a source that lags behind the others
    /// keeps its windows, and one event from years ahead empties nobody's.
    pub fn sweep(
        &mut self,
        (plans, baselines): (&[SeriesPlan], &[BaselinePlan]),
        (watermark, sequence): (Instant, u64),
        spare: i64,
        count: usize,
    ) {
        for _ in 0..count.min(self.keys.len()) {
            if self.sweep >= self.keys.len() {
                self.sweep = 0;
            }
            let Some(state) = self.keys.get_mut(self.sweep) else { break };
            if sequence.saturating_sub(state.touched_sequence) < IDLE_SEQUENCES {
                self.sweep += 1;
                continue;
            }
            let idle = (watermark - state.touched).0;
            for (place, plan) in state.series.iter_mut().zip(plans) {
                let Retention { span, latest } = plan.retention();
                if latest == 0 && span.is_some_and(|span| idle > span.saturating_add(spare)) {
                    *place = None;
                }
            }
            for (place, plan) in state.baselines.iter_mut().zip(baselines) {
                if let Some(kept) = place
                    && idle > plan.reach().saturating_add(spare)
                {
                    kept.clear();
                }
            }
            self.sweep += 1;
        }
    }

    /// The same keys under another plan, whose fields may have other places.
    pub fn replan(&mut self, to: &Replan<'_>) {
        self.slots = to.slots.to_vec();
        let (series, baselines) = (to.series, to.baselines);
        for state in &mut self.keys {
            state.series = series
                .0
                .iter()
                .zip(series.1)
                .map(|(plan, from)| {
                    let (old, columns) = from.as_ref()?;
                    let series = state.series.get(*old)?.as_deref()?;
                    Some(Box::new(series.replan(plan, columns)))
                })
                .collect();
            state.baselines = baselines
                .0
                .iter()
                .zip(baselines.1)
                .map(|(plan, from)| {
                    let baseline = state.baselines.get((*from)?)?.as_deref()?;
                    Some(Box::new(baseline.replan(plan)))
                })
                .collect();
        }
    }

    fn symbols(&self, row: &Row) -> Option<Composite> {
        symbols_of(&self.slots, row)
    }

    fn lookup(&self, symbols: &Composite) -> Option<u32> {
        match symbols {
            [Some(symbol), None, ..] => {
                self.by_symbol.get(symbol.index()).copied().filter(|&key| key != NO_KEY)
            }
            _ => self.by_symbols.get(symbols).copied(),
        }
    }
}

/// The row's key; `None` when it lacks a role.
pub fn symbols_of(slots: &[RoleSlots], row: &Row) -> Option<Composite> {
    let mut symbols = [None; ROLES_MAX];
    let family = row.name.family() as usize;
    for (slots, place) in slots.iter().zip(&mut symbols) {
        *place = Some(row.get(slots.get(family).copied().flatten()?).symbol()?);
    }
    Some(symbols)
}
