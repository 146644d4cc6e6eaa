//! The second judgement of what was parked, when the identity comes.
//!
//! All that waited enters before any of it is judged: each is judged as of its own time, and one that came
//! later may lie before it. And what was judged while it waited may have needed it, so that it is also judged
//! as late events are, the last first, until one matches.

use std::collections::BTreeSet;

use crate::engine::outcome::Effect;
use crate::engine::plan::Plan;
use crate::engine::strings::Symbol;

use super::{Origin, State};

impl State {
    /// Keeps the row wherever it could not enter before its identity was known.
    pub(in crate::engine) fn enter_again(&mut self, plan: &Plan, origin: Origin<'_>) {
        let Some(kind) = plan.kind(&self.row) else { return };
        self.begin_row(plan, kind, origin);
        self.take_in(plan, kind, Some(origin.at));
    }

    /// Judges the row as of its own time, but not by those rules about those entities that `matched`
    /// already. What matches is added to `settled`.
    pub(in crate::engine) fn judge_again(
        &mut self,
        plan: &Plan,
        origin: Origin<'_>,
        matched: &[(Symbol, Symbol)],
        settled: &mut BTreeSet<(Symbol, Symbol)>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(kind) = plan.kind(&self.row) else { return };
        self.begin_row(plan, kind, origin);
        let found = self.judge(plan, kind, (origin, Some(origin.at)), matched, effects);
        settled.extend(found);
    }

    /// Judges the row at the latest time seen for the entity of each rule, as a late event is: what was
    /// judged before it came may need it. Not where one that waited has matched for the rule and entity.
    pub(in crate::engine) fn judge_late(
        &mut self,
        plan: &Plan,
        origin: Origin<'_>,
        settled: &mut BTreeSet<(Symbol, Symbol)>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(kind) = plan.kind(&self.row) else { return };
        self.begin_row(plan, kind, origin);
        for &index in &kind.rules {
            let Some(rule) = plan.rules.get(index) else { continue };
            let Some(entity) = rule.entity.and_then(|slot| self.row.get(slot).symbol()) else {
                continue;
            };
            let latest = self.latest(rule);
            if settled.contains(&(rule.symbol, entity)) || latest <= origin.at {
                continue;
            }
            // Another rule's time may be another: nothing that was read before holds.
            self.stamp += 1;
            if self.rule(plan, index, rule, entity, origin, Some(latest), effects) {
                settled.insert((rule.symbol, entity));
            }
            #[cfg(test)]
            self.overhear(plan, rule, Some(latest));
        }
    }
}
