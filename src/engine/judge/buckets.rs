//! How a row comes into the buckets of baselines.

use crate::engine::frame::Mode;
use crate::engine::plan::Plan;
use crate::engine::table::KeyRef;

use super::State;

impl State {
    /// Shows the row to one baseline, and counts it in its bucket if it may enter and the filter lets it in.
    pub(super) fn feed_baseline(
        &mut self,
        plan: &Plan,
        (table, index, may_enter): (usize, usize, bool),
        is_again: bool,
    ) {
        let Some(&KeyRef::Known(key)) = self.keys.get(table) else { return };
        let layout = plan.tables.get(table).and_then(|table| table.baselines.get(index));
        let Some(layout) = layout else { return };
        let is_in = may_enter && self.is_let_in(plan, layout.filter);
        let value = match &layout.value {
            Some((_, value)) if is_in => value(&mut self.frame(plan, Mode::Live)).number(),
            _ => None,
        };
        let number = self.calendar.bucket(layout.plan.length, self.row.at.0);
        let sequence = self.row.sequence;
        let table = self.tables.get_mut(table);
        let baseline = table.and_then(|table| table.baseline_or_new(key, index, &layout.plan));
        let Some(baseline) = baseline else { return };
        baseline.see(number);
        let mark = self.row.mark();
        if !is_in || (is_again && baseline.has_entered(mark)) {
            return;
        }
        baseline.insert(number, sequence, value);
        baseline.forget(&layout.plan, self.limits.judge_again_within.0);
        if self.row.may_come_again && baseline.expect_again(mark, self.limits.baseline_waiting_max)
        {
            self.counts.events_given_up += 1;
        }
    }
}
