//! What is done with all that is remembered: letting go, moving to another plan, counting.

use super::{State, rule_counts};
use crate::domain::Instant;
use crate::engine::baseline_plan;
use crate::engine::calendar::Calendar;
use crate::engine::graph::Graph;
use crate::engine::limits::{Counts, Sizes};
use crate::engine::plan::Plan;
use crate::engine::strings::Strings;
use crate::engine::table::{IDLE_SEQUENCES, KeyTable, Replan};
use crate::engine::timer::TimerSet;

/// Keys swept per table and sweep: all of a million keys within 8 million events.
const SWEEP_KEYS: usize = 32;

impl State {
    /// Lets go of what no window can need any more, for some keys of every table.
    pub(in crate::engine) fn sweep(&mut self, plan: &Plan, sequence: u64) {
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
    pub(in crate::engine) fn move_to(&mut self, old: &Plan, new: &mut Plan, strings: Strings) {
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
    pub(in crate::engine) fn take_counts(&mut self, plan: &Plan) -> Counts {
        let rules = plan.rules.iter().map(rule_counts).collect();
        let mut counts = std::mem::replace(&mut self.counts, Counts { rules, ..Counts::default() });
        counts.unreadable_fields = self.extra.take_unreadable();
        counts
    }

    /// How much is remembered.
    pub(in crate::engine) fn sizes(&self) -> Sizes {
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
