//! One row through all windows and rules: the hot path.
//!
//! In: a filled row. Out: effects. The order is fixed: keys, filters on entry, windows, then each rule
//! that the event wakes, in order of rule names: cheap filter, condition, exceptions, suppression.

mod again;
mod buckets;
mod raise;
mod testify;
mod upkeep;

use crate::domain::event::{IdentityEvent, SecurityEvent};
use crate::domain::{AlertUpdate, Entity, Instant, Transaction};
use crate::rulebook::catalogue::Slot;
use crate::rulebook::typed::Status;
use rust_decimal::Decimal;

use super::calendar::Calendar;
use super::explain::{Archive, message};
use super::extra::ExtraFields;
use super::frame::{Frame, Memo, Mode};
use super::graph::{Finds, Graph, GraphFrame};
use super::journal::Journal;
use super::kind_plan::KindPlan;
use super::legs::{self, Leg, Words};
use super::limits::{Counts, Limits, RuleCounts};
use super::matches::MatchLog;
use super::outcome::Effect;
use super::parked::Parked;
use super::plan::Plan;
use super::profile::{Profiles, Snapshot};
use super::row::{Row, Value};
use super::rule_plan::RulePlan;
use super::sequence::{Admission, Bindings, Search, Sequences};
use super::strings::{Strings, Symbol};
use super::suppress::{OpenAlerts, OpenRequests, Verdict};
use super::table::{KeyRef, KeyTable};
use super::timer::TimerSet;
use super::witness::Judgement;
use raise::{alert_id, event_ref};

/// Every so many sequences some keys are swept.
pub const SWEEP_EVERY: u64 = 256;

/// The event that is being judged.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Stream sequence.
    pub sequence: u64,
    /// Event time.
    pub at: Instant,
    /// CloudEvents source.
    pub source: &'a str,
    /// CloudEvents id.
    pub id: &'a str,
    /// The instant that wakes rules, when it is not the event itself but a timer that it started.
    pub due: Option<Instant>,
}

/// Everything that is remembered between events.
pub struct State {
    pub strings: Strings,
    pub profiles: Profiles,
    pub parked: Parked,
    pub open_requests: OpenRequests,
    pub limits: Limits,
    pub counts: Counts,
    pub row: Row,
    extra: ExtraFields,
    /// The latest event time seen, over all keys.
    pub watermark: Instant,
    /// How far logged time has come for timers: the watermark, or a tick behind it.
    pub clock: Instant,
    pub(super) timers: Vec<TimerSet>,
    /// What rules made of events, if somebody listens.
    pub witness: Option<Vec<Judgement>>,
    /// All that rules worked out, for the comparison with plainer evaluators.
    #[cfg(test)]
    pub heard: Option<Vec<super::concord::Heard>>,
    open_alerts: OpenAlerts,
    journal: Journal,
    pub(super) words: Words,
    pub(super) tables: Vec<KeyTable>,
    /// Where windows begin.
    calendar: Calendar,
    graphs: Vec<Graph>,
    finds: Finds,
    pub(super) keys: Vec<KeyRef>,
    sequences: Sequences,
    matches: MatchLog,
    bound: Bindings,
    memos: Vec<Memo>,
    entered: Vec<(u64, bool)>,
    values: Vec<Value>,
    pub(super) stamp: u64,
}

impl State {
    /// Nothing remembered yet.
    pub fn new(plan: &Plan, mut strings: Strings, limits: Limits) -> Self {
        let words = Words::new(&mut strings);
        let mut state = Self {
            strings,
            profiles: Profiles::default(),
            parked: Parked::default(),
            open_requests: OpenRequests::default(),
            limits,
            counts: Counts::default(),
            row: Row::default(),
            extra: ExtraFields::default(),
            watermark: Instant::MIN,
            clock: Instant::MIN,
            timers: plan.timers.iter().map(|_| TimerSet::default()).collect(),
            witness: None,
            #[cfg(test)]
            heard: None,
            open_alerts: OpenAlerts::default(),
            journal: Journal::default(),
            words,
            tables: super::tables(plan),
            calendar: Calendar::new(plan.rulebook.institution.zone.clone()),
            graphs: plan.graphs.iter().map(Graph::new).collect(),
            finds: Finds::default(),
            keys: Vec::new(),
            sequences: Sequences::new(&plan.steps),
            matches: MatchLog::new(&plan.counted),
            bound: Bindings::default(),
            memos: Vec::new(),
            entered: Vec::new(),
            values: Vec::new(),
            stamp: 0,
        };
        state.make_room(plan);
        state
    }

    fn make_room(&mut self, plan: &Plan) {
        self.row.want(plan.wanted);
        self.extra = ExtraFields::new(&plan.rulebook.catalogue, &plan.wanted);
        self.keys = vec![KeyRef::Absent; plan.tables.len()];
        self.memos = vec![Memo::default(); plan.memos];
        self.finds.make_room(plan.patterns.len());
        self.entered = vec![(0, false); plan.filters.len()];
        self.counts.rules = plan.rules.iter().map(rule_counts).collect();
    }

    /// Notes an event's id for evidence.
    pub fn note(&mut self, origin: Origin<'_>) {
        let source = self.strings.intern(origin.source);
        self.journal.push(origin.sequence, origin.at, self.watermark, source, origin.id);
    }

    /// Fills the row with a leg and its customer's facts.
    pub fn fill_leg(&mut self, tx: &Transaction<'_>, leg: Leg, facts: &Snapshot, is_known: bool) {
        legs::fill_leg(&mut self.row, tx, leg, &self.profiles, &self.words, &mut self.strings);
        self.extra.fill(&mut self.row, &tx.details.extra, &mut self.strings);
        legs::fill_customer(&mut self.row, facts, is_known, &self.words, &mut self.strings);
    }

    /// Fills the row with an identity event and the customer's facts.
    pub fn fill_identity(&mut self, event: &IdentityEvent<'_>, customer: Symbol) {
        let facts = self.profiles.as_of(customer, self.row.at);
        let is_known = facts.state.is_some();
        legs::fill_identity(&mut self.row, event, customer, &self.profiles, &mut self.strings);
        self.extra.fill(&mut self.row, &event.details.extra, &mut self.strings);
        legs::fill_customer(&mut self.row, &facts, is_known, &self.words, &mut self.strings);
    }

    /// Fills the row with a security event and the customer's facts.
    pub fn fill_security(&mut self, event: &SecurityEvent<'_>, customer: Symbol) {
        let facts = self.profiles.as_of(customer, self.row.at);
        let is_known = facts.state.is_some();
        legs::fill_security(&mut self.row, event, customer, &mut self.strings);
        self.extra.fill(&mut self.row, &event.extra, &mut self.strings);
        legs::fill_customer(&mut self.row, &facts, is_known, &self.words, &mut self.strings);
    }

    /// Takes the row through windows and rules. Gives back the pairs of rule and entity that matched.
    pub fn turn(
        &mut self,
        plan: &Plan,
        origin: Origin<'_>,
        effects: &mut Vec<Effect>,
    ) -> Vec<(Symbol, Symbol)> {
        let Some(kind) = plan.kind(&self.row) else { return Vec::new() };
        self.begin_row(plan, kind, origin);
        self.take_in(plan, kind, None);
        self.observe(plan, &kind.timers, origin);
        self.judge(plan, kind, (origin, None), &[], effects)
    }

    /// The row is judged by all rules that it wakes. `again` is the instant of a second judgement; pairs
    /// of rule and entity in `matched` already matched at the first and are left out.
    pub(super) fn judge(
        &mut self,
        plan: &Plan,
        kind: &KindPlan,
        (origin, again): (Origin<'_>, Option<Instant>),
        matched: &[(Symbol, Symbol)],
        effects: &mut Vec<Effect>,
    ) -> Vec<(Symbol, Symbol)> {
        let mut found = Vec::new();
        for &index in &kind.rules {
            let Some(rule) = plan.rules.get(index) else { continue };
            let Some(entity) = rule.entity.and_then(|slot| self.row.get(slot).symbol()) else {
                self.testify_of_nobody(plan, rule, origin.at);
                continue;
            };
            if matched.contains(&(rule.symbol, entity)) {
                continue;
            }
            let before = effects.len();
            if self.rule(plan, index, rule, entity, origin, again, effects) {
                found.push((rule.symbol, entity));
            }
            #[cfg(test)]
            self.overhear(plan, rule, again);
            if self.witness.is_some() {
                let caused = effects.get(before..).unwrap_or_default();
                self.testify(plan, rule, entity, (origin.at, again), caused);
            }
        }
        found
    }

    /// A new row is there: its keys are found or made, and nothing is worked out for it yet.
    pub(super) fn begin_row(&mut self, plan: &Plan, kind: &KindPlan, origin: Origin<'_>) {
        self.stamp += 1;
        self.row.set(Slot::EVERYONE, || self.words.everyone());
        self.row.id = if plan.reads_ids {
            Value::Text(self.strings.intern(origin.id))
        } else {
            Value::Absent
        };
        self.keys.fill(KeyRef::Absent);
        for &index in &kind.enter {
            self.enter(plan, index);
        }
        for &index in &kind.find {
            if let (Some(table), Some(place)) =
                (self.tables.get_mut(index), self.keys.get_mut(index))
            {
                *place = table.find(&self.row, self.watermark);
            }
        }
    }

    /// Keeps the row wherever it enters. At a second judgement what is there already stays once.
    pub(super) fn take_in(&mut self, plan: &Plan, kind: &KindPlan, again: Option<Instant>) {
        for &(table, series) in &kind.feeds {
            self.feed(plan, table, series, again.is_some());
        }
        for &graph in &kind.graphs {
            self.feed_graph(plan, graph);
        }
        for &step in &kind.steps {
            self.admit(plan, step, again);
        }
        for &baseline in &kind.baselines {
            self.feed_baseline(plan, baseline, again.is_some());
        }
    }

    fn enter(&mut self, plan: &Plan, index: usize) {
        let (Some(table), Some(layout), Some(place)) =
            (self.tables.get_mut(index), plan.tables.get(index), self.keys.get_mut(index))
        else {
            return;
        };
        let counts = (layout.series.len(), layout.baselines.len());
        *place = table.enter(&self.row, self.watermark, counts, self.limits.keys_max);
        if *place == KeyRef::New {
            self.counts.keys_refused += 1;
        }
    }

    /// Keeps the row in one series if its filter lets it in.
    fn feed(&mut self, plan: &Plan, table: usize, series: usize, is_again: bool) {
        let Some(&KeyRef::Known(key)) = self.keys.get(table) else { return };
        let Some(layout) = plan.tables.get(table).and_then(|table| table.series.get(series)) else {
            return;
        };
        if !self.is_let_in(plan, layout.filter) {
            return;
        }
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        let mut frame = self.frame(plan, Mode::Live);
        values.extend(layout.columns.iter().map(|(_, value)| value(&mut frame)));
        let (row_at, mark) = (self.row.at, self.row.mark());
        let spare = self.limits.judge_again_within;
        let events_max = self.limits.series_events_max;
        if let Some(table) = self.tables.get_mut(table) {
            let latest = table.latest(key);
            if let Some(kept) = table.series_or_new(key, series, &layout.plan)
                && !(is_again && kept.contains(row_at, mark))
            {
                kept.insert(&layout.plan, row_at, mark, &values);
                let retention = layout.plan.retention();
                if let Some(span) = retention.span {
                    let horizon = latest.0.saturating_sub(span).saturating_sub(spare.0);
                    kept.forget(&layout.plan, horizon, retention.latest);
                }
                if kept.len() > events_max {
                    kept.drop_oldest(&layout.plan);
                    self.counts.events_given_up += 1;
                }
            }
        }
        self.values = values;
    }

    /// Notes a match for the rules that count it.
    fn count_match(
        &mut self,
        plan: &Plan,
        rule: &RulePlan,
        entity: Symbol,
        (at, sequence): (Instant, u64),
    ) {
        let Some(index) = rule.counted else { return };
        let Some(counted) = plan.counted.get(index) else { return };
        let is_shadow = rule.rule.status == Status::Shadow;
        let (spare, most) = (self.limits.judge_again_within.0, self.limits.series_events_max);
        let found = (at, sequence, is_shadow);
        if self.matches.note((index, counted), entity, found, spare, most) {
            self.counts.events_given_up += 1;
        }
    }

    /// Keeps the row in one graph if its filter lets it in; what is there already stays once.
    fn feed_graph(&mut self, plan: &Plan, index: usize) {
        let Some(layout) = plan.graphs.get(index) else { return };
        if !self.is_let_in(plan, layout.filter) {
            return;
        }
        if let Some(graph) = self.graphs.get_mut(index) {
            let kept = graph.enter(layout, &self.row, plan.words, self.watermark, &self.limits);
            self.counts.edges_given_up += kept.given_up;
            self.counts.keys_refused += u64::from(kept.is_refused);
        }
    }

    /// Keeps the row for one step of sequences if the step's condition lets it in.
    fn admit(&mut self, plan: &Plan, index: usize, again: Option<Instant>) {
        let Some(layout) = plan.steps.get(index) else { return };
        let mut frame = self.frame(plan, again.map_or(Mode::Live, Mode::AsOf));
        if !layout.lets_in(&mut frame) {
            return;
        }
        let values = layout.values(&mut frame);
        let limits = (self.limits.keys_max, self.limits.step_events_max);
        let spare = self.limits.judge_again_within.0;
        match self.sequences.admit((index, layout), (&self.row, values), spare, limits) {
            Admission::Kept | Admission::NoKey => {}
            Admission::OldestGivenUp => self.counts.events_given_up += 1,
            Admission::Refused => self.counts.keys_refused += 1,
        }
    }

    /// Whether the row meets the rule: its span of time, cheap filter, sequence and condition.
    /// Tells too whether an absent value decided.
    fn is_met(&mut self, plan: &Plan, rule: &RulePlan, mode: Mode) -> (bool, bool) {
        if rule.rule.effective.is_some_and(|effective| !effective.contains(self.row.at)) {
            return (false, false);
        }
        let mut met_absent = false;
        if let Some(filter) = &rule.filter {
            let mut frame = self.frame(plan, mode);
            let held = filter(&mut frame);
            met_absent = frame.met_absent;
            if !held {
                return (false, met_absent);
            }
        }
        if let Some(sequence) = &rule.sequence {
            let sequences = std::mem::take(&mut self.sequences);
            let tries_max = self.limits.sequence_tries_max;
            let mut frame = self.frame(plan, mode);
            let search = sequence.search(&plan.steps, &sequences, &mut frame, tries_max);
            met_absent |= frame.met_absent;
            self.sequences = sequences;
            if search == Search::GivenUp {
                self.counts.searches_given_up += 1;
            }
            if search != Search::Found {
                return (false, met_absent);
            }
        }
        let mut frame = self.frame(plan, mode);
        let held = (rule.when)(&mut frame);
        (held, met_absent || frame.met_absent)
    }

    /// Whether a filter lets the row in; worked out once per row for all series that share it.
    fn is_let_in(&mut self, plan: &Plan, filter: Option<usize>) -> bool {
        let Some(index) = filter else { return true };
        let Some(test) = plan.filters.get(index) else { return false };
        if let Some(&(stamp, is_in)) = self.entered.get(index)
            && stamp == self.stamp
        {
            return is_in;
        }
        let is_in = test(&mut self.frame(plan, Mode::Live));
        if let Some(place) = self.entered.get_mut(index) {
            *place = (self.stamp, is_in);
        }
        is_in
    }

    /// All named values of the first rule for the row that was judged last.
    #[cfg(test)]
    pub fn lets(&mut self, plan: &Plan, mode: Mode) -> Vec<(String, Value)> {
        self.stamp += 1;
        let mut frame = self.frame(plan, mode);
        let rules = plan.rules.iter().take(1);
        rules
            .flat_map(|rule| &rule.explanation.lets)
            .map(|(name, value, _)| (name.clone(), value(&mut frame)))
            .collect()
    }

    pub(super) fn frame<'a>(&'a mut self, plan: &'a Plan, mode: Mode) -> Frame<'a> {
        Frame {
            row: &self.row,
            strings: &self.strings,
            tables: &mut self.tables,
            graphs: GraphFrame {
                patterns: &plan.patterns,
                words: plan.words,
                graphs: &self.graphs,
                finds: &mut self.finds,
                counts: &mut self.counts.graph_searches,
                visits_max: self.limits.graph_visits_max,
            },
            keys: &self.keys,
            plans: &plan.series,
            baselines: &plan.baselines,
            memos: &mut self.memos,
            stamp: self.stamp,
            mode,
            calendar: &mut self.calendar,
            matches: &self.matches,
            bound: &mut self.bound,
            score: None,
            met_absent: false,
        }
    }

    /// Judges the row by one rule. True when its condition held and nothing excused it.
    #[expect(clippy::too_many_arguments, reason = "the hot path takes its parts one by one")]
    pub(super) fn rule(
        &mut self,
        plan: &Plan,
        index: usize,
        rule: &RulePlan,
        entity: Symbol,
        origin: Origin<'_>,
        again: Option<Instant>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let mode = again.map_or(Mode::Live, Mode::AsOf);
        let (held, met_absent) = self.is_met(plan, rule, mode);
        if let Some(counts) = self.counts.rules.get_mut(index) {
            counts.evaluated += 1;
            counts.met_absent += u64::from(met_absent);
        }
        if !held {
            return false;
        }
        let mut frame = self.frame(plan, mode);
        let excuse = rule.unless.iter().position(|unless| unless(&mut frame));
        let score = (rule.score)(&mut frame).unwrap_or(Decimal::ZERO);
        let score = score.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED);
        if let Some(counts) = self.counts.rules.get_mut(index) {
            counts.matched += 1;
            if let Some((_, count)) = excuse.and_then(|excuse| counts.excused.get_mut(excuse)) {
                *count += 1;
            }
        }
        if excuse.is_some() {
            return false;
        }
        let latest = self.latest(rule);
        let at = again.unwrap_or_else(|| origin.at.max(latest));
        self.count_match(plan, rule, entity, (at, origin.sequence));
        let key = (rule.symbol, self.alert_key(rule, entity));
        let cooldown = rule.rule.alert.cooldown;
        let about = Entity {
            role: plan.rulebook.catalogue.role_word(rule.rule.entity).to_owned(),
            id: self.strings.text(entity).to_owned(),
        };
        let id = alert_id(rule, &about, origin);
        let turn = (at, origin.due.is_some());
        let verdict = match self.open_alerts.judge(key, turn, origin.sequence, score, cooldown) {
            // The same event again, after its id was forgotten: not another alert.
            Verdict::Raise if self.open_alerts.knows(&id) => {
                self.open_alerts.counted(key, origin.sequence);
                Verdict::Extend(id.clone())
            }
            verdict => verdict,
        };
        match verdict {
            Verdict::Ignore => {}
            Verdict::Extend(alert) => {
                let message = self.with_archive(plan, mode, score, |frame, archive| {
                    message(&rule.message, frame, archive.strings)
                });
                effects.push(Effect::AlertExtended(Box::new(AlertUpdate {
                    alert,
                    rule: rule.rule.name.clone(),
                    severity: rule.rule.severity,
                    is_shadow: rule.rule.status == Status::Shadow,
                    at,
                    event: event_ref(origin),
                    score,
                    message,
                })));
            }
            Verdict::Raise => {
                let is_late = origin.at < latest.minus(self.limits.allowed_lateness);
                self.raise(
                    plan,
                    rule,
                    (key.1, about, id),
                    origin,
                    (at, again.is_some(), is_late && origin.due.is_none()),
                    score,
                    effects,
                );
            }
        }
        true
    }

    /// The latest event time seen for the rule's entity.
    fn latest(&self, rule: &RulePlan) -> Instant {
        match self.keys.get(rule.entity_table) {
            Some(&KeyRef::Known(key)) => {
                self.tables.get(rule.entity_table).map_or(Instant::MIN, |table| table.latest(key))
            }
            _ => Instant::MIN,
        }
    }

    fn with_archive<T>(
        &mut self,
        plan: &Plan,
        mode: Mode,
        score: Decimal,
        work: impl FnOnce(&mut Frame<'_>, &Archive<'_>) -> T,
    ) -> T {
        let archive = Archive { plan, strings: &self.strings, journal: &self.journal };
        let mut frame = Frame {
            row: &self.row,
            strings: &self.strings,
            tables: &mut self.tables,
            graphs: GraphFrame {
                patterns: &plan.patterns,
                words: plan.words,
                graphs: &self.graphs,
                finds: &mut self.finds,
                counts: &mut self.counts.graph_searches,
                visits_max: self.limits.graph_visits_max,
            },
            keys: &self.keys,
            plans: &plan.series,
            baselines: &plan.baselines,
            memos: &mut self.memos,
            stamp: self.stamp,
            mode,
            calendar: &mut self.calendar,
            matches: &self.matches,
            bound: &mut self.bound,
            score: Some(score),
            met_absent: false,
        };
        work(&mut frame, &archive)
    }
}

fn rule_counts(rule: &RulePlan) -> RuleCounts {
    RuleCounts {
        rule: rule.rule.name.clone(),
        evaluated: 0,
        met_absent: 0,
        matched: 0,
        excused: rule.rule.unless.iter().map(|unless| (unless.name.clone(), 0)).collect(),
    }
}
