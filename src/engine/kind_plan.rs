//! What one kind of event leads to: which windows, steps, timers and graphs it may enter, and which rules it
//! wakes.
//!
//! Worked out once per rulebook, for transactions also by type and direction, so that an event meets only what
//! it can concern.

use crate::rulebook::catalogue::EventName;

use super::graph::GraphLayout;
use super::plan::{SeriesLayout, TableLayout};
use super::rule_plan::RulePlan;
use super::sequence::StepLayout;
use super::timer::TimerLayout;

/// What happens for one kind of event.
#[derive(Clone, Debug, Default)]
pub struct KindPlan {
    /// Tables whose key is made if it is new, because a series may be fed.
    pub enter: Vec<usize>,
    /// Tables whose key is only looked up, because a rule reads them.
    pub find: Vec<usize>,
    /// Series that may be fed: table and series.
    pub feeds: Vec<(usize, usize)>,
    /// Steps of sequences that it may be.
    pub steps: Vec<usize>,
    /// Timers that it may start, stop or set back.
    pub timers: Vec<usize>,
    /// Baselines that see it: table, baseline, and whether it may enter.
    pub baselines: Vec<(usize, usize, bool)>,
    /// Graphs that it may enter.
    pub graphs: Vec<usize>,
    /// Rules that it wakes.
    pub rules: Vec<usize>,
}

impl KindPlan {
    /// The part of the plan for transactions that concerns legs at `place`. Keys are the same for all of
    /// them, so that the latest time of a key does not depend on what else rules ask for.
    pub fn for_legs_at(
        &self,
        place: usize,
        Entries { tables, steps, graphs, .. }: Entries<'_>,
        rules: &[RulePlan],
    ) -> Self {
        let enters = |&&graph: &&usize| graphs.get(graph).is_some_and(|it| it.wake.holds(place));
        let feeds = |&&(table, series): &&(usize, usize)| {
            let layout: Option<&SeriesLayout> =
                tables.get(table).and_then(|table| table.series.get(series));
            layout.is_some_and(|layout| layout.wake.holds(place))
        };
        let sees = |&(table, baseline, _): &(usize, usize, bool)| {
            let layout = tables.get(table).and_then(|table| table.baselines.get(baseline));
            (table, baseline, layout.is_some_and(|layout| layout.wake.holds(place)))
        };
        let wakes = |&&rule: &&usize| rules.get(rule).is_some_and(|rule| rule.wake.holds(place));
        let is_step = |&&step: &&usize| steps.get(step).is_some_and(|step| step.wake.holds(place));
        Self {
            enter: self.enter.clone(),
            find: self.find.clone(),
            feeds: self.feeds.iter().filter(feeds).copied().collect(),
            timers: self.timers.clone(),
            steps: self.steps.iter().filter(is_step).copied().collect(),
            baselines: self.baselines.iter().map(sees).collect(),
            graphs: self.graphs.iter().filter(enters).copied().collect(),
            rules: self.rules.iter().filter(wakes).copied().collect(),
        }
    }
}

/// What events may enter.
#[derive(Clone, Copy)]
pub struct Entries<'a> {
    /// Key tables.
    pub tables: &'a [TableLayout],
    /// Steps of sequences.
    pub steps: &'a [StepLayout],
    /// Timers.
    pub timers: &'a [TimerLayout],
    /// Graphs.
    pub graphs: &'a [GraphLayout],
}

impl KindPlan {
    /// What happens for events of kind `name`.
    pub fn new(
        name: EventName,
        Entries { tables, steps, timers, graphs }: Entries<'_>,
        rules: &[RulePlan],
    ) -> Self {
        let mut kind = Self::default();
        let fed = steps.iter().enumerate().filter(|(_, step)| step.event == name);
        kind.steps = fed.map(|(index, _)| index).collect();
        let concerned = timers.iter().enumerate().filter(|(_, timer)| timer.concerns(name));
        kind.timers = concerned.map(|(index, _)| index).collect();
        for (index, graph) in graphs.iter().enumerate() {
            if graph.events.contains(name) {
                kind.graphs.push(index);
            }
        }
        for (index, rule) in rules.iter().enumerate() {
            if rule.rule.trigger == name && rule.timer.is_none() {
                kind.rules.push(index);
            }
        }
        for (table_index, table) in tables.iter().enumerate() {
            let fed =
                table.series.iter().enumerate().filter(|(_, series)| series.source.contains(name));
            let feeds: Vec<_> = fed.map(|(series_index, _)| (table_index, series_index)).collect();
            let seen = table.baselines.iter().enumerate();
            let seen = seen.filter(|(_, baseline)| baseline.source.contains(name));
            let baselines: Vec<_> = seen.map(|(index, _)| (table_index, index, true)).collect();
            let is_read = kind.rules.iter().any(|&rule| {
                rules.get(rule).is_some_and(|rule| rule.tables.contains(&table_index))
            }) || kind.steps.iter().any(|&step| {
                steps.get(step).is_some_and(|step| step.tables.contains(&table_index))
            }) || kind
                .timers
                .iter()
                .any(|&timer| timers.get(timer).is_some_and(|it| it.tables.contains(&table_index)));
            // Late events are judged, and matches counted, at the latest time of a key: that time is kept by
            // itself, so that it does not depend on what else rules ask for.
            let is_timed = rules
                .iter()
                .any(|rule| rule.entity_table == table_index || rule.timed.contains(&table_index))
                && table.has_key_in(name.family());
            if !feeds.is_empty() || !baselines.is_empty() || is_timed {
                kind.enter.push(table_index);
            } else if is_read {
                kind.find.push(table_index);
            }
            kind.feeds.extend(feeds);
            kind.baselines.extend(baselines);
        }
        kind
    }
}
