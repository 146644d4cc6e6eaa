//! Sequences: what is kept of the events of each step, and the search backwards from the last one.
//!
//! In: rows that a step's own condition lets in, and a row that may be a last step. Out: the events that
//! the earlier steps bind, or nothing. Events are in order of their time, those of one instant in order
//! of the log; an event that comes late is put in its place. Of all combinations that fit, the one with
//! the latest event for the step before the last is taken, then for the one before it, and so on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::Instant;
use crate::rulebook::catalogue::EventName;
use crate::rulebook::meaning::canonical;
use crate::rulebook::typed::{Expr, Rule};
use crate::rulebook::waking::{Sequence, steps_read};

use super::closure::{BoolFn, Compiler, ValueFn};
use super::frame::Frame;
use super::plan::TableLayout;
use super::row::{Row, Value};
use super::table::{Composite, RoleSlots, symbols_of};
use super::wake::Wake;

/// A place in the order of events: event time, then sequence of the log.
type Order = (i64, u64);

/// Keys that are looked through per step and sweep.
const SWEEP_KEYS: usize = 32;

/// What is kept for one kind of step; equal steps of all rules share it.
pub struct StepLayout {
    /// The fields that carry the key's roles, by family.
    slots: Vec<RoleSlots>,
    /// The roles' names with those fields.
    key_text: String,
    /// Which events come in.
    pub event: EventName,
    /// The canonical text of what its event must be.
    own_text: String,
    /// The legs that it can let in.
    pub wake: Wake,
    own: Option<BoolFn>,
    columns: Vec<StepColumn>,
    /// How long an event can matter, in microseconds.
    pub retention: i64,
    /// Tables that its condition and columns read.
    pub tables: BTreeSet<usize>,
    /// Events at or before this time may be missing: the step came later than they.
    seen_since: Instant,
}

/// One value that is kept of each event.
struct StepColumn {
    text: String,
    value: ValueFn,
    /// Events at or before this time lack it.
    seen_since: Instant,
}

/// How a rule's sequence is looked for.
pub struct SequencePlan {
    slots: Vec<RoleSlots>,
    within: i64,
    /// What the last event alone must be.
    own: Option<BoolFn>,
    /// The earlier steps, latest first.
    earlier: Vec<EarlierStep>,
    /// Everything that is looked into, with its columns.
    sources: Vec<Source>,
    /// The place of the last step among all steps.
    last: usize,
    /// Named steps for evidence: place, name and text.
    pub named: Vec<(usize, String, String)>,
}

/// A step that is bound by searching.
struct EarlierStep {
    source: usize,
    /// Conditions of this and later steps that can be decided once this one is bound.
    links: Vec<BoolFn>,
    /// Negative steps that can be decided then.
    nots: Vec<NotStep>,
}

/// A step that must not happen between two others.
struct NotStep {
    source: usize,
    after: usize,
    before: usize,
    links: Vec<BoolFn>,
}

/// Where a step's events are.
struct Source {
    /// The step's place among all steps.
    place: usize,
    /// Index into [`Plan::steps`](super::plan::Plan::steps).
    layout: usize,
    /// For each remembered value, the layout's column.
    columns: Vec<usize>,
}

/// One kept event.
#[derive(Clone, Debug)]
struct Kept {
    order: Order,
    values: Box<[Value]>,
}

/// Bytes of a kept event without its values, of one value, and of a key with its empty queue.
pub const KEPT_BYTES: usize = size_of::<Kept>();
/// See [`KEPT_BYTES`].
pub const VALUE_BYTES: usize = size_of::<Value>();
/// See [`KEPT_BYTES`].
pub const KEY_BYTES: usize = size_of::<(Composite, VecDeque<Kept>)>();

/// The events of one step, by key.
#[derive(Default)]
struct StepEvents {
    by_key: BTreeMap<Composite, VecDeque<Kept>>,
    /// How many there are.
    events: usize,
    /// Where the last sweep stopped.
    swept: Option<Composite>,
}

/// The events of all steps.
#[derive(Default)]
pub struct Sequences {
    steps: Vec<StepEvents>,
}

/// The events that steps are bound to while a rule is judged, by the step's place.
#[derive(Default)]
pub struct Bindings {
    steps: Vec<Binding>,
}

#[derive(Clone, Debug, Default)]
struct Binding {
    order: Order,
    values: Vec<Value>,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// All steps are bound.
    Found,
    /// No events fit.
    Nothing,
    /// Too many combinations were tried.
    GivenUp,
}

/// How an event was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is kept, or was already.
    Kept,
    /// It is kept, and the oldest of its key was given up.
    OldestGivenUp,
    /// There are too many keys.
    Refused,
    /// It lacks a role of the key.
    NoKey,
}

impl SequencePlan {
    /// Lays out what `sequence` of the compiler's rule needs.
    pub fn new(compiler: &mut Compiler<'_>, sequence: &Sequence) -> Self {
        let last = sequence.steps.len().saturating_sub(1);
        let mut sources = Vec::new();
        for (place, _) in sequence.steps.iter().enumerate().take(last) {
            sources.push(source(compiler, sequence, place));
        }
        let is_named =
            |place: &usize| sequence.steps.get(*place).is_some_and(|step| step.name.is_some());
        let mut earlier: Vec<EarlierStep> = (0..last)
            .rev()
            .filter(is_named)
            .map(|source| EarlierStep { source, links: Vec::new(), nots: Vec::new() })
            .collect();
        for (place, step) in sequence.steps.iter().enumerate() {
            if step.name.is_some() {
                for link in &step.links {
                    let lowest = steps_read(link).into_iter().min().unwrap_or(0);
                    let link = compiler.condition(link);
                    if let Some(step) = earlier.iter_mut().find(|step| step.source == lowest) {
                        step.links.push(link);
                    }
                }
                continue;
            }
            let after = (0..place).rev().find(is_named).unwrap_or(0);
            let before = (place..=last).find(is_named).unwrap_or(last);
            let read = step.links.iter().flat_map(steps_read);
            let lowest = read.filter(|read| *read != place).chain([after]).min().unwrap_or(0);
            let links = step.links.iter().map(|link| compiler.condition(link)).collect();
            if let Some(step) = earlier.iter_mut().find(|step| step.source == lowest) {
                step.nots.push(NotStep { source: place, after, before, links });
            }
        }
        let own = sequence.last().and_then(|step| step.own.as_ref());
        let rule = compiler.rule;
        Self {
            slots: TableLayout::new(&compiler.layout.catalogue, &sequence.by).slots,
            within: sequence.within.0,
            own: own.map(|own| compiler.condition(own)),
            earlier,
            sources,
            last,
            named: named(rule, sequence),
        }
    }

    /// Binds the steps to events, with the frame's row as the last one.
    pub fn search(
        &self,
        layouts: &[StepLayout],
        sequences: &Sequences,
        frame: &mut Frame<'_>,
        tries_max: usize,
    ) -> Search {
        if self.own.as_ref().is_some_and(|own| !own(frame)) {
            return Search::Nothing;
        }
        let Some(key) = symbols_of(&self.slots, frame.row) else { return Search::Nothing };
        let order = (frame.row.at.0, frame.row.sequence);
        frame.bound.begin(self.last + 1);
        frame.bound.bind(self.last, order, std::iter::empty());
        let start = frame.row.at.0.saturating_sub(self.within).max(self.seen_since(layouts).0);
        let mut walk = Walk { plan: self, sequences, key, start, tries: tries_max };
        let is_found = walk.bind(0, order, frame);
        match (is_found, walk.tries) {
            (true, _) => Search::Found,
            (false, 0) => Search::GivenUp,
            (false, _) => Search::Nothing,
        }
    }

    /// Where the events of each earlier step are kept, in the order of the steps.
    pub fn layouts(&self) -> impl Iterator<Item = usize> {
        self.sources.iter().map(|source| source.layout)
    }

    /// Events at or before this time may be missing, or lack what this rule remembers of them.
    fn seen_since(&self, layouts: &[StepLayout]) -> Instant {
        let layouts = self.sources.iter().filter_map(|source| {
            let layout = layouts.get(source.layout)?;
            let columns = source.columns.iter().filter_map(|column| layout.columns.get(*column));
            Some(columns.map(|column| column.seen_since).fold(layout.seen_since, Instant::max))
        });
        layouts.max().unwrap_or(Instant::MIN)
    }
}

/// The names of steps with what is written behind them.
fn named(rule: &Rule, sequence: &Sequence) -> Vec<(usize, String, String)> {
    let steps = sequence.steps.iter().enumerate();
    steps
        .filter_map(|(place, step)| {
            let text = rule.text(step.span).split_whitespace().collect::<Vec<_>>().join(" ");
            Some((place, step.name.clone()?, text))
        })
        .collect()
}

/// The place where the events of one step are kept.
fn source(compiler: &mut Compiler<'_>, sequence: &Sequence, place: usize) -> Source {
    let nothing = Source { place, layout: usize::MAX, columns: Vec::new() };
    let Some(step) = sequence.steps.get(place) else { return nothing };
    let own_text = step.own.as_ref().map(|own| canonical(compiler.rule, own)).unwrap_or_default();
    let TableLayout { slots, identity: key_text, .. } =
        TableLayout::new(&compiler.layout.catalogue, &sequence.by);
    let known = compiler.layout.steps.iter().position(|layout| {
        layout.key_text == key_text && layout.event == step.event && layout.own_text == own_text
    });
    let layout = known.unwrap_or_else(|| {
        let mut tables = BTreeSet::new();
        let own = step.own.as_ref().map(|own| {
            note_tables(compiler, own, &mut tables);
            compiler.condition(own)
        });
        compiler.layout.steps.push(StepLayout {
            slots,
            key_text,
            event: step.event,
            own_text,
            wake: step.own.as_ref().map_or(Wake::ALL, |own| Wake::of(compiler.rule, own)),
            own,
            columns: Vec::new(),
            retention: 0,
            tables,
            seen_since: Instant::MIN,
        });
        compiler.layout.steps.len() - 1
    });
    let mut columns = Vec::new();
    for kept in &step.kept {
        let text = canonical(compiler.rule, kept);
        let value = compiler.value(kept);
        let mut tables = BTreeSet::new();
        note_tables(compiler, kept, &mut tables);
        let Some(layout) = compiler.layout.steps.get_mut(layout) else { return nothing };
        layout.tables.extend(tables);
        let known = layout.columns.iter().position(|column| column.text == text);
        columns.push(known.unwrap_or_else(|| {
            layout.columns.push(StepColumn { text, value, seen_since: Instant::MIN });
            layout.columns.len() - 1
        }));
    }
    if let Some(layout) = compiler.layout.steps.get_mut(layout) {
        layout.retention = layout.retention.max(sequence.within.0);
    }
    Source { place, layout, columns }
}

/// The tables of the windows that `expr` reads.
fn note_tables(compiler: &mut Compiler<'_>, expr: &Expr, into: &mut BTreeSet<usize>) {
    let rule = compiler.rule;
    let mut by = Vec::new();
    super::closure::each_aggregate(rule, expr, &mut |_, aggregate| by.push(aggregate.by.clone()));
    into.extend(by.iter().map(|roles| compiler.layout.table(roles)));
}

/// A search under way.
struct Walk<'a> {
    plan: &'a SequencePlan,
    sequences: &'a Sequences,
    key: Composite,
    /// Events at or before this time are out.
    start: i64,
    /// How many combinations may still be tried.
    tries: usize,
}

impl<'a> Walk<'a> {
    /// Binds the earlier step at `level` to an event before `next`, and all steps before it.
    fn bind(&mut self, level: usize, next: Order, frame: &mut Frame<'_>) -> bool {
        let plan = self.plan;
        let Some(step) = plan.earlier.get(level) else { return true };
        let Some(source) = plan.sources.get(step.source) else { return false };
        for kept in self.before(source, next) {
            if kept.order.0 <= self.start {
                return false;
            }
            let Some(left) = self.tries.checked_sub(1) else { return false };
            self.tries = left;
            frame.bound.bind(source.place, kept.order, source.values(kept));
            if step.links.iter().all(|link| link(frame))
                && !step.nots.iter().any(|not| self.happens(not, frame))
                && self.bind(level + 1, kept.order, frame)
            {
                return true;
            }
        }
        false
    }

    /// Whether an event that is forbidden lies between its neighbours.
    fn happens(&self, step: &NotStep, frame: &mut Frame<'_>) -> bool {
        let Some(source) = self.plan.sources.get(step.source) else { return false };
        let (after, before) = (frame.bound.order(step.after), frame.bound.order(step.before));
        let mut between = self.before(source, before).take_while(|kept| kept.order > after);
        between.any(|kept| {
            frame.bound.bind(source.place, kept.order, source.values(kept));
            step.links.iter().all(|link| link(frame))
        })
    }

    /// The kept events of a step before `next`, latest first.
    fn before(&self, source: &Source, next: Order) -> impl Iterator<Item = &'a Kept> + use<'a> {
        let events = self.sequences.steps.get(source.layout);
        let kept = events.and_then(|events| events.by_key.get(&self.key));
        let end = kept.map_or(0, |kept| kept.partition_point(|kept| kept.order < next));
        kept.into_iter().flat_map(move |kept| kept.range(..end).rev())
    }
}

impl Source {
    /// What a rule remembers of a kept event.
    fn values<'k>(&'k self, kept: &'k Kept) -> impl Iterator<Item = Value> + 'k {
        let value = |column: &usize| kept.values.get(*column).copied();
        self.columns.iter().map(move |column| value(column).unwrap_or(Value::Absent))
    }
}

impl Bindings {
    fn begin(&mut self, steps: usize) {
        self.steps.clear();
        self.steps.resize_with(steps, Binding::default);
    }

    fn bind(&mut self, place: usize, order: Order, values: impl Iterator<Item = Value>) {
        if let Some(binding) = self.steps.get_mut(place) {
            binding.order = order;
            binding.values.clear();
            binding.values.extend(values);
        }
    }

    fn order(&self, place: usize) -> Order {
        self.steps.get(place).map(|binding| binding.order).unwrap_or_default()
    }

    /// What is remembered of the event that the step at `place` is bound to.
    pub fn value(&self, place: usize, kept: usize) -> Value {
        let binding = self.steps.get(place);
        binding.and_then(|binding| binding.values.get(kept)).copied().unwrap_or(Value::Absent)
    }

    /// Time and sequence of the event that the step at `place` is bound to.
    pub fn event(&self, place: usize) -> (Instant, u64) {
        let (at, sequence) = self.order(place);
        (Instant(at), sequence)
    }
}

impl StepLayout {
    /// How many values are kept of each event.
    pub const fn values_count(&self) -> usize {
        self.columns.len()
    }

    /// Whether the frame's row may be this step's event.
    pub fn lets_in(&self, frame: &mut Frame<'_>) -> bool {
        self.own.as_ref().is_none_or(|own| own(frame))
    }

    /// What is kept of the frame's row.
    pub fn values(&self, frame: &mut Frame<'_>) -> Box<[Value]> {
        self.columns.iter().map(|column| (column.value)(frame)).collect()
    }
}

impl Sequences {
    /// Nothing kept yet.
    pub fn new(layouts: &[StepLayout]) -> Self {
        Self { steps: layouts.iter().map(|_| StepEvents::default()).collect() }
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.steps.iter().map(|step| step.events).sum()
    }

    /// Keeps the row for the step at `index`. `spare` is how much longer than needed events are kept.
    pub fn admit(
        &mut self,
        (index, layout): (usize, &StepLayout),
        (row, values): (&Row, Box<[Value]>),
        spare: i64,
        (keys_max, events_max): (usize, usize),
    ) -> Admission {
        let Some(key) = symbols_of(&layout.slots, row) else { return Admission::NoKey };
        let Some(step) = self.steps.get_mut(index) else { return Admission::NoKey };
        if step.by_key.len() >= keys_max && !step.by_key.contains_key(&key) {
            return Admission::Refused;
        }
        let events = step.by_key.entry(key).or_default();
        let order = (row.at.0, row.sequence);
        let place = events.partition_point(|kept| kept.order < order);
        // An event that is judged again may be here already.
        let mut same = events.range(place..).take_while(|kept| kept.order == order);
        if same.any(|kept| kept.values == values) {
            return Admission::Kept;
        }
        events.insert(place, Kept { order, values });
        step.events += 1;
        let latest = events.back().map_or(order.0, |kept| kept.order.0);
        let horizon = latest.saturating_sub(layout.retention).saturating_sub(spare);
        while events.front().is_some_and(|oldest| oldest.order.0 <= horizon) {
            events.pop_front();
            step.events -= 1;
        }
        if events.len() <= events_max {
            return Admission::Kept;
        }
        events.pop_front();
        step.events -= 1;
        Admission::OldestGivenUp
    }

    /// Lets go of events that no last step can need any more, for some keys of every step: those at or
    /// before `watermark` less what the step needs and `spare`, and of the log before `sequence`.
    pub fn sweep(&mut self, layouts: &[StepLayout], watermark: Instant, sequence: u64, spare: i64) {
        for (step, layout) in self.steps.iter_mut().zip(layouts) {
            let horizon = watermark.0.saturating_sub(layout.retention).saturating_sub(spare);
            step.sweep((horizon, sequence));
        }
    }

    /// The same events under other layouts; a step that is new, or must look further back or remember
    /// more than before, notes that what came until `watermark` may be missing.
    pub fn move_to(&mut self, old: &[StepLayout], new: &mut [StepLayout], watermark: Instant) {
        let mut before: Vec<Option<StepEvents>> = self.steps.drain(..).map(Some).collect();
        for layout in new {
            let same = |old: &StepLayout| {
                (&old.key_text, old.event, &old.own_text)
                    == (&layout.key_text, layout.event, &layout.own_text)
            };
            let place = old.iter().position(same);
            let kept = place.and_then(|place| before.get_mut(place)?.take());
            let Some((old, mut kept)) = place.and_then(|place| old.get(place)).zip(kept) else {
                layout.seen_since = watermark;
                self.steps.push(StepEvents::default());
                continue;
            };
            layout.seen_since = old.seen_since;
            if layout.retention > old.retention {
                let reached = Instant(watermark.0.saturating_sub(old.retention));
                layout.seen_since = layout.seen_since.max(reached);
            }
            let from: Vec<Option<usize>> = layout
                .columns
                .iter()
                .map(|column| old.columns.iter().position(|it| it.text == column.text))
                .collect();
            for (column, from) in layout.columns.iter_mut().zip(&from) {
                let known = from.and_then(|from| old.columns.get(from));
                column.seen_since = known.map_or(watermark, |known| known.seen_since);
            }
            kept.rearrange(&from);
            self.steps.push(kept);
        }
    }
}

impl StepEvents {
    fn sweep(&mut self, horizon: Order) {
        let after = self.swept.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let keys = self.by_key.range((after, std::ops::Bound::Unbounded));
        let keys: Vec<Composite> = keys.take(SWEEP_KEYS).map(|(key, _)| *key).collect();
        for key in &keys {
            let Some(events) = self.by_key.get_mut(key) else { continue };
            let is_past = |kept: &Kept| kept.order.0 <= horizon.0 && kept.order.1 <= horizon.1;
            while events.front().is_some_and(is_past) {
                events.pop_front();
                self.events -= 1;
            }
            if events.is_empty() {
                self.by_key.remove(key);
            }
        }
        self.swept = keys.last().copied().filter(|_| keys.len() == SWEEP_KEYS);
    }

    fn rearrange(&mut self, from: &[Option<usize>]) {
        for kept in self.by_key.values_mut().flatten() {
            let value = |from: &Option<usize>| from.and_then(|from| kept.values.get(from)).copied();
            kept.values = from.iter().map(|it| value(it).unwrap_or(Value::Absent)).collect();
        }
    }
}
