//! Timers: for each key the instant at which something has not happened, or a date has passed.
//!
//! In: rows that start, stop or set back a timer, and how far logged time has come. Out: the keys whose
//! instant has passed, in order of the instants. Nothing here reads a clock: time is that of the log.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::domain::{Instant, Span};
use crate::rulebook::catalogue::{EventName, Slot};
use crate::rulebook::meaning::timer_text;
use crate::rulebook::waking::{EventFilter, Timer, TimerKind};

use super::closure::{BoolFn, Compiler, each_aggregate};
use super::frame::Frame;
use super::plan::TableLayout;
use super::row::Row;
use super::strings::Symbol;
use super::table::{RoleSlots, symbols_of};

/// Timers that are looked through per sweep for what can be forgotten.
const SWEEP_TIMERS: usize = 32;

/// One kind of timer; equal ones of all rules share it.
pub struct TimerLayout {
    /// What it waits for, as text: equal texts keep equal state.
    identity: String,
    slots: Vec<RoleSlots>,
    waits: Waits,
    /// Tables that the conditions of its events read.
    pub tables: BTreeSet<usize>,
}

/// What a timer waits for.
enum Waits {
    Absent { event: Watched, after: Option<Watched>, length: i64 },
    Due { fact: Slot, after: i64 },
}

/// Events that start or stop a timer.
struct Watched {
    event: EventName,
    filter: Option<BoolFn>,
}

/// What a row means to a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Nothing.
    None,
    /// The key was seen.
    Seen,
    /// What starts the timer.
    Starts,
    /// What it waits for.
    Came,
    /// It came, and starts the timer anew.
    CameAndStarts,
}

/// The event that started a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Sequence of the log.
    pub sequence: u64,
    /// Event time.
    pub at: Instant,
    /// `CloudEvents` source.
    pub source: Symbol,
    /// `CloudEvents` id.
    pub id: Box<str>,
}

/// Most events that would have started a running timer and are remembered; the latest always is.
const LATER_MAX: usize = 16;

/// One timer.
#[derive(Clone, Debug)]
struct KeyTimer {
    key: Symbol,
    cause: Cause,
    /// When it fires; `None` when it has, or was stopped.
    due: Option<i64>,
    /// What would have started it while it ran, by event time: the awaited event may come late and lie
    /// between them.
    later: Vec<Cause>,
    /// When the awaited event happened last.
    answered: Option<i64>,
    /// The span of the absence that was told last, start excluded and end included.
    told: Option<(i64, i64)>,
    /// The date that it was set by.
    date: Option<i64>,
}

/// Bytes of a timer with its number.
pub const TIMER_BYTES: usize = size_of::<(u32, KeyTimer)>();

/// All timers of one layout.
#[derive(Default)]
pub struct TimerSet {
    /// By number, in order of first sight.
    timers: BTreeMap<u32, KeyTimer>,
    by_key: HashMap<Symbol, u32>,
    queue: BTreeSet<(i64, u32)>,
    next: u32,
    swept: u32,
}

/// What noting an event came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// There are too many timers.
    pub is_refused: bool,
    /// The event lies in the span of an absence that was told already.
    pub contradicts: bool,
}

impl TimerLayout {
    /// The layout of `timer` of the compiler's rule; its place among all layouts.
    pub fn place(compiler: &mut Compiler<'_>, timer: &Timer) -> usize {
        let identity = timer_text(compiler.rule, timer);
        let known = compiler.layout.timers.iter().position(|it| it.identity == identity);
        if let Some(known) = known {
            return known;
        }
        let mut tables = BTreeSet::new();
        let waits = match &timer.kind {
            TimerKind::Absent { event, after, length } => Waits::Absent {
                event: watched(compiler, event, &mut tables),
                after: after.as_ref().map(|after| watched(compiler, after, &mut tables)),
                length: length.0,
            },
            TimerKind::Due { fact, after } => Waits::Due { fact: *fact, after: after.0 },
        };
        let TableLayout { slots, .. } = TableLayout::new(&compiler.layout.catalogue, &[timer.by]);
        compiler.layout.timers.push(Self { identity, slots, waits, tables });
        compiler.layout.timers.len() - 1
    }

    /// Whether events of this kind can mean something to it.
    pub fn concerns(&self, event: EventName) -> bool {
        let has_role = self
            .slots
            .iter()
            .all(|slots| slots.get(event.family() as usize).copied().flatten().is_some());
        has_role
            && match &self.waits {
                Waits::Absent { event: absent, after: Some(after), .. } => {
                    absent.event == event || after.event == event
                }
                Waits::Absent { after: None, .. } => true,
                Waits::Due { .. } => matches!(event, EventName::Kyc(_)),
            }
    }

    /// The fact whose date it waits for.
    pub const fn fact(&self) -> Option<Slot> {
        match self.waits {
            Waits::Due { fact, .. } => Some(fact),
            Waits::Absent { .. } => None,
        }
    }

    /// The field that carries the key in events of `event`'s family.
    pub fn key_slot(&self, event: EventName) -> Option<Slot> {
        self.slots.first()?.get(event.family() as usize).copied().flatten()
    }

    /// The row's key.
    pub fn key(&self, row: &Row) -> Option<Symbol> {
        symbols_of(&self.slots, row)?.first().copied().flatten()
    }

    /// What the frame's row means to a timer that waits for an absence.
    pub fn sign(&self, frame: &mut Frame<'_>) -> Sign {
        let Waits::Absent { event, after, .. } = &self.waits else { return Sign::None };
        let came = event.holds(frame);
        match after {
            None if came => Sign::CameAndStarts,
            None => Sign::Seen,
            Some(after) => match (came, after.holds(frame)) {
                (true, true) => Sign::CameAndStarts,
                (true, false) => Sign::Came,
                (false, true) => Sign::Starts,
                (false, false) => Sign::None,
            },
        }
    }
}

fn watched(
    compiler: &mut Compiler<'_>,
    event: &EventFilter,
    tables: &mut BTreeSet<usize>,
) -> Watched {
    let filter = event.filter.as_ref().map(|filter| {
        let mut keys = Vec::new();
        each_aggregate(compiler.rule, filter, &mut |_, it| keys.push(it.by.clone()));
        tables.extend(keys.iter().map(|roles| compiler.layout.table(roles)));
        compiler.condition(filter)
    });
    Watched { event: event.event, filter }
}

impl Watched {
    fn holds(&self, frame: &mut Frame<'_>) -> bool {
        frame.row.name == self.event && self.filter.as_ref().is_none_or(|filter| filter(frame))
    }
}

impl KeyTimer {
    /// Whether an absence was told whose span holds this instant.
    fn is_told(&self, at: i64) -> bool {
        self.told.is_some_and(|(start, end)| at > start && at <= end)
    }

    /// Notes an event; what comes late counts in its place. `has_opener`: another event than the awaited
    /// one starts it.
    fn note(
        &mut self,
        sign: Sign,
        at: i64,
        (length, has_opener): (i64, bool),
        make_cause: impl FnOnce() -> Cause,
    ) {
        let is_answered = self.answered.is_some_and(|answered| at < answered);
        match sign {
            Sign::None => {}
            // The key was first seen earlier than it seemed.
            Sign::Seen => {
                if self.answered.is_none() && self.due.is_some() && at < self.cause.at.0 {
                    self.start(make_cause(), length);
                }
            }
            // What was told is told, also when what started it lies still further back.
            Sign::Starts => {
                let is_over = self.told.is_some_and(|(_, end)| at <= end);
                if !is_answered && !is_over {
                    self.open(make_cause(), length);
                }
            }
            Sign::Came => self.answer(at, length),
            Sign::CameAndStarts if has_opener => {
                self.answer(at, length);
                if !is_answered {
                    self.open(make_cause(), length);
                }
            }
            Sign::CameAndStarts => {
                if self.answered.is_none_or(|answered| at > answered) {
                    self.answered = Some(at);
                    self.start(make_cause(), length);
                }
            }
        }
    }

    fn start(&mut self, cause: Cause, length: i64) {
        self.due = Some(cause.at.0.saturating_add(length));
        self.cause = cause;
    }

    /// Something that starts it: the first counts, the others wait.
    fn open(&mut self, cause: Cause, length: i64) {
        if self.due.is_none() {
            self.start(cause, length);
        } else if cause.at < self.cause.at {
            let first = self.cause.clone();
            self.start(cause, length);
            self.later.insert(0, first);
        } else {
            let place = self.later.partition_point(|known| known.at <= cause.at);
            self.later.insert(place, cause);
        }
        if self.later.len() > LATER_MAX {
            self.later.remove(LATER_MAX - 1);
        }
    }

    /// The awaited event: it stops whatever started at or before it.
    fn answer(&mut self, at: i64, length: i64) {
        if self.answered.is_some_and(|answered| at < answered) {
            return;
        }
        self.answered = Some(at);
        if self.due.is_some() && self.cause.at.0 <= at {
            self.go_on_after(at, length);
        }
    }

    /// Stops, and starts with the first of those that wait that lies after `at`.
    fn go_on_after(&mut self, at: i64, length: i64) {
        self.due = None;
        self.later.retain(|cause| cause.at.0 > at);
        if !self.later.is_empty() {
            let cause = self.later.remove(0);
            self.start(cause, length);
        }
    }
}

impl TimerSet {
    /// How many timers there are, running or not.
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// The earliest instant at which one fires.
    pub fn next_due(&self) -> Option<i64> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// Notes an event that means `sign` to the timer of `key`; `make_cause` tells which event.
    pub fn note(
        &mut self,
        layout: &TimerLayout,
        (key, sign): (Symbol, Sign),
        at: Instant,
        make_cause: impl FnOnce() -> Cause,
        timers_max: usize,
    ) -> Noted {
        let Waits::Absent { length, after, .. } = &layout.waits else { return Noted::default() };
        let mut noted = Noted::default();
        if sign == Sign::None {
            return noted;
        }
        let came = matches!(sign, Sign::Came | Sign::CameAndStarts);
        let Some(&number) = self.by_key.get(&key) else {
            // One that was answered before it started is remembered too: events may change places.
            let due = (sign != Sign::Came).then_some(at.0.saturating_add(*length));
            noted.is_refused = !self.add(key, make_cause(), due, None, timers_max);
            if let Some(timer) = self.by_key.get(&key).and_then(|it| self.timers.get_mut(it)) {
                timer.answered = came.then_some(at.0);
            }
            return noted;
        };
        let Some(timer) = self.timers.get_mut(&number) else { return noted };
        noted.contradicts = came && timer.is_told(at.0);
        let before = timer.due;
        timer.note(sign, at.0, (*length, after.is_some()), make_cause);
        if timer.due != before {
            if let Some(due) = before {
                self.queue.remove(&(due, number));
            }
            self.queue.extend(timer.due.map(|due| (due, number)));
        }
        noted
    }

    /// Notes that the date of `key` is `date` (none any more), as an event told at `known_at`; nothing
    /// fires before `live_since`.
    pub fn note_date(
        &mut self,
        layout: &TimerLayout,
        (key, date): (Symbol, Option<Instant>),
        (known_at, live_since): (Instant, Instant),
        make_cause: impl FnOnce() -> Cause,
        timers_max: usize,
    ) -> Noted {
        let Waits::Due { after, .. } = layout.waits else { return Noted::default() };
        let date = date.map(|date| date.0);
        // Nobody can be late before it is known that there is a date.
        let due = date.map(|it| it.saturating_add(after).max(known_at.0).max(live_since.0));
        let Some(&number) = self.by_key.get(&key) else {
            let is_made = date.is_none() || self.add(key, make_cause(), due, date, timers_max);
            return Noted { is_refused: !is_made, contradicts: false };
        };
        if let Some(timer) = self.timers.get_mut(&number)
            && timer.date != date
        {
            if let Some(due) = timer.due.take() {
                self.queue.remove(&(due, number));
            }
            timer.date = date;
            timer.due = due;
            timer.cause = make_cause();
            self.queue.extend(due.map(|due| (due, number)));
        }
        Noted::default()
    }

    /// A new timer; false when there are too many.
    fn add(
        &mut self,
        key: Symbol,
        cause: Cause,
        due: Option<i64>,
        date: Option<i64>,
        timers_max: usize,
    ) -> bool {
        if self.timers.len() >= timers_max || self.next == u32::MAX {
            return false;
        }
        let number = self.next;
        self.next += 1;
        self.by_key.insert(key, number);
        self.timers.insert(
            number,
            KeyTimer { key, cause, due, later: Vec::new(), answered: None, told: None, date },
        );
        self.queue.extend(due.map(|due| (due, number)));
        true
    }

    /// Takes the timers that fire at `due`, by number: key and cause. They do not fire again by
    /// themselves.
    pub fn take(&mut self, due: i64) -> Vec<(u32, Symbol, Cause)> {
        let numbers: Vec<u32> =
            self.queue.range((due, 0)..=(due, u32::MAX)).map(|(_, number)| *number).collect();
        let mut taken = Vec::new();
        for number in numbers {
            self.queue.remove(&(due, number));
            if let Some(timer) = self.timers.get_mut(&number) {
                let cause = timer.cause.clone();
                let length = due.saturating_sub(cause.at.0);
                timer.told = Some((cause.at.0, due));
                timer.go_on_after(due, length);
                self.queue.extend(timer.due.map(|due| (due, number)));
                taken.push((number, timer.key, cause));
            }
        }
        taken
    }

    /// Forgets timers that another event starts, once they stand and nothing was heard of them up to
    /// `sequence` of the log.
    pub fn sweep(&mut self, layout: &TimerLayout, sequence: u64) {
        if !matches!(layout.waits, Waits::Absent { after: Some(_), .. }) {
            return;
        }
        let looked: Vec<u32> =
            self.timers.range(self.swept..).take(SWEEP_TIMERS).map(|(number, _)| *number).collect();
        for number in &looked {
            let is_over = |it: &KeyTimer| it.due.is_none() && it.cause.sequence <= sequence;
            if self.timers.get(number).is_some_and(is_over)
                && let Some(timer) = self.timers.remove(number)
            {
                self.by_key.remove(&timer.key);
            }
        }
        let last = looked.last().filter(|_| looked.len() == SWEEP_TIMERS);
        self.swept = last.map_or(0, |last| last.saturating_add(1));
    }
}

/// Timers under another plan: those of layouts that mean the same go on. Gives back for each new layout
/// whether it is new.
pub fn move_to(sets: &mut Vec<TimerSet>, old: &[TimerLayout], new: &[TimerLayout]) -> Vec<bool> {
    let mut before: Vec<Option<TimerSet>> = sets.drain(..).map(Some).collect();
    let mut fresh = Vec::new();
    for layout in new {
        let place = old.iter().position(|known| known.identity == layout.identity);
        let kept = place.and_then(|place| before.get_mut(place)?.take());
        fresh.push(kept.is_none());
        sets.push(kept.unwrap_or_default());
    }
    fresh
}

/// How far logged time has come for timers, which ticks move too.
///
/// A tick carries the time at which it was written, while history may be put on the log years after it
/// happened. So a tick is believed only when it continues the time of the log: when it lies within
/// `reach` of it. Ticks of an idle log follow one another closely and carry time on; one between two
/// events of last year is years ahead of them and moves nothing.
pub fn believed(tick: Instant, clock: Instant, reach: Span) -> bool {
    clock > Instant::MIN && tick <= clock.plus(reach)
}
