//! One row through all windows and rules: the hot path.
//!
//! In: a filled row. Out: effects. The order is fixed: keys, filters on entry, windows, then each rule
//! that the event wakes, in order of rule names: cheap filter, condition, exceptions, suppression.

mod buckets;
mod testify;

use crate::domain::event::{IdentityEvent, SecurityEvent};
use crate::domain::rekyc::RekycMerge;
use crate::domain::{
    Alert, AlertUpdate, Entity, Instant, RekycRequest, Transaction,
    alert::{EventRef, StepEvidence},
};
use crate::rulebook::catalogue::{Family, Slot};
use crate::rulebook::typed::{RekycSpec, Status};
use rust_decimal::Decimal;

use super::baseline_plan;
use super::calendar::Calendar;
use super::explain::{Archive, evidence, message};
use super::extra::ExtraFields;
use super::frame::{Frame, Memo, Mode};
use super::graph::{Finds, Graph, GraphFrame};
use super::journal::Journal;
use super::legs::{self, Leg, Words};
use super::limits::{Counts, Limits, RuleCounts, Sizes};
use super::matches::MatchLog;
use super::outcome::Effect;
use super::parked::Parked;
use super::plan::Plan;
use super::profile::{Profiles, Snapshot};
use super::row::{Row, Value};
use super::rule_plan::{RulePlan, squeeze};
use super::sequence::{Admission, Bindings, Search, Sequences};
use super::strings::{Strings, Symbol};
use super::suppress::{OpenAlerts, OpenRequests, RequestVerdict, Verdict};
use super::table::{IDLE_SEQUENCES, KeyRef, KeyTable, Replan};
use super::timer::TimerSet;
use super::witness::Judgement;

/// Every so many sequences some keys are swept.
pub const SWEEP_EVERY: u64 = 256;

/// Keys swept per table and sweep: all of a million keys within 8 million events.
const SWEEP_KEYS: usize = 32;

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

    /// Takes the row through windows and rules. `again` is the instant of a second judgement; pairs of
    /// rule and entity in `matched` already matched at the first and are left out. Gives back the pairs
    /// that matched now.
    pub fn turn(
        &mut self,
        plan: &Plan,
        origin: Origin<'_>,
        again: Option<Instant>,
        matched: &[(Symbol, Symbol)],
        effects: &mut Vec<Effect>,
    ) -> Vec<(Symbol, Symbol)> {
        let Some(kind) = plan.kind(&self.row) else { return Vec::new() };
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
        // An event that is judged again moved its timers the first time.
        if again.is_none() {
            self.observe(plan, &kind.timers, origin);
        }
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
            if self.witness.is_some() {
                let caused = effects.get(before..).unwrap_or_default();
                self.testify(plan, rule, entity, (origin.at, again), caused);
            }
        }
        found
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
        let (row_at, sequence) = (self.row.at, self.row.sequence);
        let spare = self.limits.judge_again_within;
        let events_max = self.limits.series_events_max;
        if let Some(table) = self.tables.get_mut(table) {
            let latest = table.latest(key);
            if let Some(kept) = table.series_or_new(key, series, &layout.plan)
                && !(is_again && kept.contains(row_at, sequence))
            {
                kept.insert(&layout.plan, row_at, sequence, &values);
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
        let key = (rule.symbol, entity);
        let cooldown = rule.rule.alert.cooldown;
        let about = Entity {
            role: plan.rulebook.catalogue.role_word(rule.rule.entity).to_owned(),
            id: self.strings.text(entity).to_owned(),
        };
        let id = alert_id(rule, &about, origin);
        let verdict = match self.open_alerts.judge(key, at, origin.sequence, score, cooldown) {
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
                    (entity, about, id),
                    origin,
                    (at, again.is_some(), is_late && origin.due.is_none()),
                    score,
                    effects,
                );
            }
        }
        true
    }

    #[expect(clippy::too_many_arguments, reason = "once per alert, parts of one match")]
    fn raise(
        &mut self,
        plan: &Plan,
        rule: &RulePlan,
        (key, entity, id): (Symbol, Entity, String),
        origin: Origin<'_>,
        (at, is_re_evaluated, is_late): (Instant, bool, bool),
        score: Decimal,
        effects: &mut Vec<Effect>,
    ) {
        let mode = if is_re_evaluated { Mode::AsOf(at) } else { Mode::Live };
        let (message, mut evidence, asks_rekyc, reason) =
            self.with_archive(plan, mode, score, |frame, archive| {
                let asks = rule.rekyc_when.as_ref().is_none_or(|when| when(frame));
                (
                    message(&rule.message, frame, archive.strings),
                    evidence(rule, frame, archive),
                    asks,
                    message(&rule.rekyc_reason, frame, archive.strings),
                )
            });
        if let Some(timer) = &rule.rule.timer {
            evidence.steps.push(StepEvidence {
                name: "since".to_owned(),
                text: squeeze(rule.rule.text(timer.span)),
                event: event_ref(origin),
            });
        }
        self.open_alerts.raised((rule.symbol, key), &id, at, origin.sequence, score);
        let customer = self.row.get(customer_slot(&self.row)).symbol();
        let is_shadow = rule.rule.status == Status::Shadow;
        effects.push(Effect::AlertRaised(Box::new(Alert {
            id: id.clone(),
            rule: rule.rule.name.clone(),
            title: rule.rule.title.clone(),
            rule_digest: rule.rule.digest.clone(),
            meaning_digest: rule.rule.meaning.clone(),
            rulebook_digest: plan.rulebook.digest.clone(),
            schema_digest: plan.rulebook.catalogue.digest().to_owned(),
            class: rule.rule.class,
            severity: rule.rule.severity,
            score,
            message,
            entity,
            customer: customer.map(|customer| self.strings.text(customer).to_owned()),
            at,
            event: event_ref(origin),
            is_late: is_late || evidence_is_late(&evidence, self.limits.allowed_lateness),
            is_re_evaluated: is_re_evaluated && origin.due.is_none(),
            is_shadow,
            cooldown: rule.rule.alert.cooldown,
            evidence,
        })));
        if let (Some(spec), Some(customer), true) = (&rule.rule.rekyc, customer, asks_rekyc) {
            let request = (customer, is_shadow, reason, id);
            self.request_rekyc(spec, &rule.rule.name, request, at, origin, effects);
        }
    }

    fn request_rekyc(
        &mut self,
        spec: &RekycSpec,
        rule: &str,
        (customer, is_shadow, reason, alert): (Symbol, bool, String, String),
        at: Instant,
        origin: Origin<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let scope = (spec.scope, is_shadow);
        let due_at = at.plus(spec.due);
        let (cause, level) = (spec.cause, spec.level);
        match self.open_requests.judge(customer, scope, cause, level, at, due_at) {
            RequestVerdict::Suppress => self.counts.rekyc_suppressed += 1,
            RequestVerdict::Merge(request, due_at, level) => {
                effects.push(Effect::RekycMerged(Box::new(RekycMerge {
                    request,
                    cause,
                    rule: rule.to_owned(),
                    alert: Some(alert),
                    at,
                    due_at,
                    level,
                    is_shadow,
                })));
            }
            RequestVerdict::Open => {
                let name = self.strings.text(customer).to_owned();
                let parts = ["rekyc", &name, spec.scope.word(), shadow_word(is_shadow)];
                let id = digest(&parts, origin);
                if self.open_requests.knows(&id) {
                    self.counts.rekyc_suppressed += 1;
                    return;
                }
                self.open_requests.opened(customer, scope, cause, level, &id, due_at);
                effects.push(Effect::RekycRequested(Box::new(RekycRequest {
                    id,
                    customer: name,
                    scope: spec.scope,
                    level,
                    cause,
                    rule: rule.to_owned(),
                    reason,
                    alert: Some(alert),
                    at,
                    due_at,
                    is_shadow,
                })));
            }
        }
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

    /// Lets go of what no window can need any more, for some keys of every table.
    pub fn sweep(&mut self, plan: &Plan, sequence: u64) {
        let watermark = self.watermark;
        let spare = self.limits.judge_again_within.0;
        let plans = plan.series.iter().zip(&plan.baselines);
        for (table, (series, baselines)) in self.tables.iter_mut().zip(plans) {
            table.sweep((series, baselines), (watermark, sequence), spare, SWEEP_KEYS);
        }
        let untouched = sequence.saturating_sub(IDLE_SEQUENCES);
        for (set, layout) in self.timers.iter_mut().zip(&plan.timers) {
            set.sweep(layout, untouched);
        }
        self.matches.sweep(&plan.counted, watermark, untouched, spare);
        self.sequences.sweep(&plan.steps, watermark, untouched, spare);
        for (graph, layout) in self.graphs.iter_mut().zip(&plan.graphs) {
            graph.sweep(layout, (watermark, sequence), spare);
        }
        let retention = plan.finite_retention().saturating_add(spare);
        let horizon = Instant(watermark.0.saturating_sub(retention));
        self.journal.forget(horizon, sequence.saturating_sub(IDLE_SEQUENCES));
    }

    /// Moves everything that is remembered under another plan.
    pub fn move_to(&mut self, old: &Plan, new: &mut Plan, strings: Strings) {
        let watermark = self.watermark;
        self.strings = strings;
        self.calendar = Calendar::new(new.rulebook.institution.zone.clone());
        self.matches.move_to(&old.counted, &new.counted);
        self.sequences.move_to(&old.steps, &mut new.steps, watermark);
        let mut old_tables: Vec<Option<KeyTable>> =
            std::mem::take(&mut self.tables).into_iter().map(Some).collect();
        let plans = new.series.iter().zip(&new.baselines);
        for (layout, (series, baselines)) in new.tables.iter_mut().zip(plans) {
            let place = old.tables.iter().position(|table| table.identity == layout.identity);
            let kept = place.and_then(|place| old_tables.get_mut(place)?.take());
            let before = place.and_then(|place| old.tables.get(place));
            let from = layout.carry_over(before, watermark);
            let mut table = kept.unwrap_or_else(|| KeyTable::new(layout.slots.clone()));
            let kept = before.map_or(&[][..], |before| &before.baselines);
            let goes_on = baseline_plan::carry_over(&mut layout.baselines, kept, watermark);
            table.replan(&Replan {
                slots: &layout.slots,
                series: (series, &from),
                baselines: (baselines, &goes_on),
            });
            self.tables.push(table);
        }
        let mut old_graphs: Vec<Option<Graph>> =
            std::mem::take(&mut self.graphs).into_iter().map(Some).collect();
        for layout in &mut new.graphs {
            let place = layout.carry_over(&old.graphs, watermark);
            let kept = place.and_then(|place| old_graphs.get_mut(place)?.take());
            self.graphs.push(kept.unwrap_or_else(|| Graph::new(layout)));
        }
        self.make_room(new);
    }

    /// What happened since the last call.
    pub fn take_counts(&mut self, plan: &Plan) -> Counts {
        let rules = plan.rules.iter().map(rule_counts).collect();
        let mut counts = std::mem::replace(&mut self.counts, Counts { rules, ..Counts::default() });
        counts.unreadable_fields = self.extra.take_unreadable();
        counts
    }

    /// How much is remembered.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            customers: self.profiles.len(),
            keys: self.tables.iter().map(KeyTable::len).sum(),
            graph_nodes: self.graphs.iter().map(Graph::len).sum(),
            events: self.journal.len(),
            steps: self.sequences.len(),
            timers: self.timers.iter().map(TimerSet::len).sum(),
            strings: self.strings.len(),
            parked: self.parked.len(),
            open_alerts: self.open_alerts.len(),
        }
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

const fn customer_slot(row: &Row) -> Slot {
    match row.name.family() {
        Family::Transaction => Slot::TX_CUSTOMER,
        Family::Kyc => Slot::KYC_CUSTOMER,
        Family::Security => Slot::SECURITY_CUSTOMER,
    }
}

fn event_ref(origin: Origin<'_>) -> EventRef {
    EventRef {
        sequence: origin.sequence,
        source: origin.source.to_owned(),
        id: origin.id.to_owned(),
        at: origin.at,
    }
}

/// Whether some event of a window was stored after one that happened clearly later.
fn evidence_is_late(evidence: &crate::domain::Evidence, allowed: crate::domain::Span) -> bool {
    let steps = &evidence.steps;
    let is_late = |(first, second): (&StepEvidence, &StepEvidence)| {
        first.event.sequence > second.event.sequence
            && first.event.at < second.event.at.minus(allowed)
    };
    if steps.iter().zip(steps.iter().skip(1)).any(is_late) {
        return true;
    }
    evidence.windows.iter().any(|window| {
        let mut earliest_arrival: Option<&EventRef> = None;
        window.events.iter().rev().any(|item| {
            let event = &item.event;
            let is_late = earliest_arrival.is_some_and(|later| {
                later.sequence < event.sequence && event.at < later.at.minus(allowed)
            });
            if earliest_arrival.is_none_or(|known| event.sequence < known.sequence) {
                earliest_arrival = Some(event);
            }
            is_late
        })
    })
}

const fn shadow_word(is_shadow: bool) -> &'static str {
    if is_shadow { "shadow" } else { "active" }
}

/// An alert's id: from rule, entity and opening event alone, so that every run gives the same one.
fn alert_id(rule: &RulePlan, entity: &Entity, origin: Origin<'_>) -> String {
    let shadow = shadow_word(rule.rule.status == Status::Shadow);
    let name = rule.rule.name.as_str();
    digest(&["alert", name, shadow, &entity.role, &entity.id], origin)
}

/// 128 bits of BLAKE3 over length-prefixed parts, in hexadecimal: those given, the opening event, and the
/// instant if a timer opened it.
fn digest(parts: &[&str], origin: Origin<'_>) -> String {
    let mut hasher = blake3::Hasher::new();
    let due = origin.due.map(|due| due.to_string());
    let opening = [origin.source, origin.id].into_iter().chain(due.as_deref());
    for part in parts.iter().copied().chain(opening) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    hash.to_hex().get(..32).unwrap_or_default().to_owned()
}
