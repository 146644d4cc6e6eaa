//! Running folds: what is added can also be taken back, exactly.

use rust_decimal::Decimal;

use crate::engine::ranks::Ranks;
use crate::engine::row::Value;
use crate::engine::spread::Spread;
use crate::engine::sum::ExactSum;
use crate::engine::tally::Tally;

use super::candidates::Candidates;
use super::{FoldKind, FoldPlan, Kept, Reading};

/// One fold over what is inside a window.
#[derive(Clone, Debug)]
pub enum Fold {
    Moments { sum: ExactSum, count: u64 },
    Pick(Candidates),
    Distinct(Tally),
    Spread(Box<Spread>),
    Rank(Ranks),
}

impl Fold {
    pub fn new(kind: FoldKind) -> Self {
        match kind {
            FoldKind::Moments => Self::Moments { sum: ExactSum::default(), count: 0 },
            FoldKind::Min | FoldKind::Max | FoldKind::First | FoldKind::Last => {
                Self::Pick(Candidates::default())
            }
            FoldKind::Distinct => Self::Distinct(Tally::default()),
            FoldKind::Spread => Self::Spread(Box::default()),
            FoldKind::Rank(percent) => Self::Rank(Ranks::new(percent)),
        }
    }

    /// The event at `place` comes in.
    pub fn add(&mut self, plan: FoldPlan, place: u64, kept: Kept<'_>) {
        let value = kept.value(plan.column, place);
        match (self, value.number()) {
            (Self::Moments { sum, count }, Some(number)) => {
                sum.add(number);
                *count += 1;
            }
            (Self::Spread(spread), Some(number)) => spread.add(number),
            (Self::Rank(ranks), Some(number)) => ranks.add(number),
            (Self::Pick(candidates), _) => candidates.insert(plan.kind, plan.column, place, kept),
            (Self::Distinct(tally), _) => {
                if let Some(symbol) = value.symbol() {
                    tally.add(symbol);
                }
            }
            (Self::Moments { .. } | Self::Spread(_) | Self::Rank(_), None) => {}
        }
    }

    /// The event at `place`, the oldest one inside, leaves with its `value`.
    pub fn remove(&mut self, place: u64, value: Value) {
        match (self, value.number()) {
            (Self::Moments { sum, count }, Some(number)) => {
                sum.remove(number);
                *count -= 1;
                // Nothing is left: an overflow or a fine scale of the past is over too.
                if *count == 0 {
                    *sum = ExactSum::default();
                }
            }
            (Self::Spread(spread), Some(number)) => spread.remove(number),
            (Self::Rank(ranks), Some(number)) => ranks.remove(number),
            (Self::Pick(candidates), _) => candidates.remove(place),
            (Self::Distinct(tally), _) => {
                if let Some(symbol) = value.symbol() {
                    tally.remove(symbol);
                }
            }
            (Self::Moments { .. } | Self::Spread(_) | Self::Rank(_), None) => {}
        }
    }

    /// A late event was put at `place`: those behind it have moved.
    pub fn shift(&mut self, place: u64) {
        if let Self::Pick(candidates) = self {
            candidates.shift(place);
        }
    }

    pub fn value(&self, reading: Reading, column: usize, kept: Kept<'_>) -> Value {
        match (self, reading) {
            (Self::Moments { sum, .. }, Reading::Sum(_)) => sum.value().into(),
            (Self::Moments { sum, count }, Reading::Avg(_)) => {
                sum.value().and_then(|sum| sum.checked_div(Decimal::from(*count))).into()
            }
            (Self::Distinct(tally), Reading::Distinct(_)) => {
                Value::Number(Decimal::from(tally.len()))
            }
            (Self::Pick(candidates), Reading::Pick(_)) => {
                candidates.front().map_or(Value::Absent, |place| kept.value(column, place))
            }
            (Self::Spread(spread), Reading::Pick(_)) => spread.value().into(),
            (Self::Rank(ranks), Reading::Pick(_)) => ranks.value().into(),
            _ => Value::Absent,
        }
    }
}

#[cfg(test)]
impl Fold {
    /// Bytes that it asked for beside its own place, but for the nodes of ordered maps.
    pub fn held(&self) -> usize {
        match self {
            Self::Moments { .. } => 0,
            Self::Pick(candidates) => candidates.held(),
            Self::Distinct(tally) => tally.held(),
            Self::Spread(_) => size_of::<Spread>(),
            Self::Rank(ranks) => ranks.held(),
        }
    }
}
