//! A window's place in its series, and the folds over what is inside.
//!
//! A window that leaves out the current event holds its legs back: they lie between the cursor's ends
//! but are in no fold, until another event is judged.

use rust_decimal::Decimal;

use crate::engine::calendar::Extent;
use crate::engine::row::Value;

use super::fold::Fold;
use super::{Kept, Reading, WindowPlan};

/// Events `[tail, head)` are inside, but for those held back.
#[derive(Clone, Debug)]
pub struct Cursor {
    tail: u64,
    head: u64,
    folds: Box<[Fold]>,
    held: Held,
}

/// The legs of the current event, which lie beside one another.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    sequence: u64,
    start: u64,
    count: u64,
}

impl Cursor {
    pub fn new(plan: &WindowPlan, place: u64) -> Self {
        let folds = plan.folds.iter().map(|fold| Fold::new(fold.kind)).collect();
        Self { tail: place, head: place, folds, held: Held::default() }
    }

    /// Moves to `extent`, as the event at `sequence` sees it.
    pub fn advance(&mut self, plan: &WindowPlan, extent: Extent, sequence: u64, kept: Kept<'_>) {
        self.settle(plan, sequence, kept);
        while kept.entry(self.head).is_some_and(|entry| entry.at <= extent.to) {
            self.take(plan, self.head, sequence, kept);
        }
        while self.tail < self.head
            && kept.entry(self.tail).is_some_and(|entry| entry.at <= extent.after)
        {
            self.pass(plan, self.tail, kept);
        }
        let most = extent.most.map_or(u64::MAX, |most| most as u64);
        while self.len() > most {
            self.pass(plan, self.tail, kept);
        }
    }

    /// How many events are inside.
    const fn len(&self) -> u64 {
        self.head - self.tail - self.held.count
    }

    /// The event at `place`, which must be `head`, comes into the window.
    pub fn take(&mut self, plan: &WindowPlan, place: u64, sequence: u64, kept: Kept<'_>) {
        self.head = place + 1;
        let is_own = kept.entry(place).is_some_and(|entry| entry.sequence() == sequence);
        if plan.window.is_previous && is_own {
            self.hold(place, sequence);
        } else {
            self.fold_in(plan, place, kept);
        }
    }

    fn fold_in(&mut self, plan: &WindowPlan, place: u64, kept: Kept<'_>) {
        for (fold, fold_plan) in self.folds.iter_mut().zip(&plan.folds) {
            fold.add(*fold_plan, place, kept);
        }
    }

    fn hold(&mut self, place: u64, sequence: u64) {
        if self.held.count == 0 {
            self.held = Held { sequence, start: place, count: 0 };
        }
        self.held.count += 1;
    }

    /// What was held back for another event than the one at `sequence` is folded in.
    pub fn settle(&mut self, plan: &WindowPlan, sequence: u64, kept: Kept<'_>) {
        if self.held.count == 0 || self.held.sequence == sequence {
            return;
        }
        let Held { start, count, .. } = std::mem::take(&mut self.held);
        for place in start..start + count {
            self.fold_in(plan, place, kept);
        }
    }

    /// The event at `place` leaves: it is behind the window or being forgotten.
    pub fn pass(&mut self, plan: &WindowPlan, place: u64, kept: Kept<'_>) {
        if self.tail > place {
            return;
        }
        self.tail = place + 1;
        if self.head <= place {
            self.head = place + 1;
        } else if self.held.count > 0 && self.held.start == place {
            self.held.start += 1;
            self.held.count -= 1;
        } else {
            for (fold, fold_plan) in self.folds.iter_mut().zip(&plan.folds) {
                fold.remove(place, kept.value(fold_plan.column, place));
            }
        }
    }

    /// A late event was put at `place`, before some that the window has taken already.
    pub fn admit_late(&mut self, plan: &WindowPlan, place: u64, kept: Kept<'_>) {
        if place >= self.head {
            return;
        }
        self.head += 1;
        for fold in &mut self.folds {
            fold.shift(place);
        }
        if place < self.tail {
            self.tail += 1;
        } else if plan.window.is_previous {
            // It is the current event, or the next one to be judged settles it.
            let sequence = kept.entry(place).map_or(0, super::Entry::sequence);
            self.hold(place, sequence);
        } else {
            self.fold_in(plan, place, kept);
        }
    }

    pub fn value(
        &self,
        plan: &WindowPlan,
        reading: Reading,
        extent: Extent,
        kept: Kept<'_>,
    ) -> Value {
        let Some(index) = reading.fold() else {
            return match reading {
                Reading::Since => self.since(extent, kept),
                _ => Value::Number(Decimal::from(self.len())),
            };
        };
        match (self.folds.get(index), plan.folds.get(index)) {
            (Some(fold), Some(fold_plan)) => fold.value(reading, fold_plan.column, kept),
            _ => Value::Absent,
        }
    }

    /// The time from the latest event inside to the extent's end.
    fn since(&self, extent: Extent, kept: Kept<'_>) -> Value {
        let held = self.held.start..self.held.start + self.held.count;
        let latest = (self.tail..self.head).rev().find(|place| !held.contains(place));
        latest
            .and_then(|place| kept.entry(place))
            .map_or(Value::Absent, |entry| Value::Micros(extent.to.saturating_sub(entry.at)))
    }
}

#[cfg(test)]
impl Cursor {
    /// Bytes that its folds asked for.
    pub fn held(&self) -> usize {
        self.folds.iter().map(|fold| size_of::<Fold>() + fold.held()).sum()
    }
}
