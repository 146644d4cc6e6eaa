//! Which event of a window has its smallest, largest, oldest or latest value.
//!
//! Places of events are kept only while they can still be the answer: one that a later event beats
//! never will be, because it also leaves the window earlier. The front is the answer.

use std::collections::VecDeque;

use crate::engine::row::Value;

use super::{FoldKind, Kept};

/// Absolute places in rising order, each the answer once all before it have left.
#[derive(Clone, Debug, Default)]
pub struct Candidates(VecDeque<u64>);

impl Candidates {
    /// The place of the answer.
    pub fn front(&self) -> Option<u64> {
        self.0.front().copied()
    }

    /// An event was put at `place`: those from there on have moved by one.
    pub fn shift(&mut self, place: u64) {
        let start = self.0.partition_point(|&known| known < place);
        self.0.iter_mut().skip(start).for_each(|known| *known += 1);
    }

    /// The event at `place` came into the window.
    pub fn insert(&mut self, kind: FoldKind, column: usize, place: u64, kept: Kept<'_>) {
        let value = kept.value(column, place);
        if value == Value::Absent {
            return;
        }
        let mut end = self.0.partition_point(|&known| known < place);
        let later = self.0.get(end).map(|&later| kept.value(column, later));
        if later.is_some_and(|later| beats(kind, later, value)) {
            return;
        }
        while let Some(before) = end.checked_sub(1)
            && let Some(&earlier) = self.0.get(before)
            && beats(kind, value, kept.value(column, earlier))
        {
            self.0.remove(before);
            end = before;
        }
        self.0.insert(end, place);
    }

    /// The event at `place`, the oldest of the window, leaves it.
    pub fn remove(&mut self, place: u64) {
        if self.front() == Some(place) {
            self.0.pop_front();
        }
    }
}

/// Whether a later value makes an earlier one needless.
fn beats(kind: FoldKind, later: Value, earlier: Value) -> bool {
    match kind {
        FoldKind::Last => true,
        FoldKind::Min => later.number() <= earlier.number(),
        FoldKind::Max => later.number() >= earlier.number(),
        _ => false,
    }
}

#[cfg(test)]
impl Candidates {
    /// Bytes that it asked for.
    pub fn held(&self) -> usize {
        self.0.capacity() * size_of::<u64>()
    }
}
