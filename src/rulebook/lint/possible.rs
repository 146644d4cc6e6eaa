//! What a value can be: absent or not, and which numbers, words or truth values.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::domain::Span;
use crate::rulebook::catalogue::Type;
use crate::rulebook::typed::{CompareOp, Literal};

use super::interval::Interval;

/// All that a value can be.
#[derive(Clone, Debug, PartialEq)]
pub struct Possible {
    /// It can have no value.
    pub is_absent: bool,
    /// The values that it can have.
    pub values: Values,
}

/// A set of values of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; durations and times in microseconds.
    Numbers(Interval),
    /// Only these texts.
    Only(BTreeSet<String>),
    /// Every text but these.
    Except(BTreeSet<String>),
    /// Truth values: whether `true` and whether `false` is among them.
    Truth(bool, bool),
}

impl Values {
    /// Every value of a type.
    pub const fn all(ty: Type) -> Self {
        match ty {
            Type::Number | Type::Duration | Type::Time => Self::Numbers(Interval::ALL),
            // Of what cannot be listed nothing is known: everything but no word.
            Type::Text | Type::Pattern | Type::Names => Self::Except(BTreeSet::new()),
            Type::Bool => Self::Truth(true, true),
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Numbers(interval) => interval.is_empty(),
            Self::Only(words) => words.is_empty(),
            Self::Except(_) => false,
            Self::Truth(yes, no) => !yes && !no,
        }
    }

    /// No value of the same type.
    pub fn nothing(&self) -> Self {
        match self {
            Self::Numbers(_) => Self::Numbers(Interval::between(1, 0)),
            Self::Only(_) | Self::Except(_) => Self::Only(BTreeSet::new()),
            Self::Truth(..) => Self::Truth(false, false),
        }
    }

    /// The values of both.
    pub fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Numbers(left), Self::Numbers(right)) => Self::Numbers(left.meet(*right)),
            (Self::Truth(yes, no), Self::Truth(other_yes, other_no)) => {
                Self::Truth(*yes && *other_yes, *no && *other_no)
            }
            (Self::Only(left), Self::Only(right)) => Self::Only(left & right),
            (Self::Only(words), Self::Except(without))
            | (Self::Except(without), Self::Only(words)) => Self::Only(words - without),
            (Self::Except(left), Self::Except(right)) => Self::Except(left | right),
            // Of two types: the checker lets none through.
            _ => self.clone(),
        }
    }

    /// The values of either.
    pub fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Numbers(left), Self::Numbers(right)) => Self::Numbers(left.hull(*right)),
            (Self::Truth(yes, no), Self::Truth(other_yes, other_no)) => {
                Self::Truth(*yes || *other_yes, *no || *other_no)
            }
            (Self::Only(left), Self::Only(right)) => Self::Only(left | right),
            (Self::Only(words), Self::Except(without))
            | (Self::Except(without), Self::Only(words)) => Self::Except(without - words),
            (Self::Except(left), Self::Except(right)) => Self::Except(left & right),
            _ => self.clone(),
        }
    }

    /// The values that can stand left of `op` with one of `right` on the other side.
    pub fn narrowed(&self, op: CompareOp, right: &Self) -> Self {
        match (self, op, right) {
            (Self::Numbers(left), _, Self::Numbers(right)) => {
                Self::Numbers(left.narrowed(op, *right))
            }
            (_, CompareOp::Equal, _) => self.meet(right),
            (_, CompareOp::NotEqual, Self::Only(words)) if words.len() == 1 => {
                self.meet(&Self::Except(words.clone()))
            }
            (Self::Truth(yes, no), CompareOp::NotEqual, Self::Truth(other_yes, other_no)) => {
                Self::Truth(*yes && *other_no, *no && *other_yes)
            }
            _ => self.clone(),
        }
    }

    /// In words, for a person; `None` when there is nothing to say.
    pub fn described(&self, ty: Type) -> Option<String> {
        match self {
            _ if self.is_empty() => Some("never there".to_owned()),
            Self::Numbers(interval) => described_range(*interval, ty),
            Self::Only(words) if words.len() == 1 => {
                words.first().map(|word| format!("always \"{word}\""))
            }
            Self::Only(words) if words.len() <= 6 => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                Some(format!("one of {}", words.join(", ")))
            }
            Self::Truth(true, false) => Some("always true".to_owned()),
            Self::Truth(false, true) => Some("always false".to_owned()),
            _ => None,
        }
    }
}

fn described_range(interval: Interval, ty: Type) -> Option<String> {
    let written = |number: Decimal| match ty {
        Type::Duration => Span(i64::try_from(number.trunc()).ok()?).to_string().into(),
        Type::Number => Some(number.normalize().to_string()),
        Type::Text | Type::Time | Type::Bool | Type::Pattern | Type::Names => None,
    };
    if let Some(number) = interval.single() {
        return Some(format!("always {}", written(number)?));
    }
    Some(match (interval.low, interval.high) {
        (Some((low, true)), Some((high, true))) => {
            format!("{} to {}", written(low)?, written(high)?)
        }
        (Some((low, true)), None) => format!("{} or more", written(low)?),
        (Some((low, false)), None) => format!("more than {}", written(low)?),
        (None, Some((high, true))) => format!("{} or less", written(high)?),
        (None, Some((high, false))) => format!("less than {}", written(high)?),
        (Some((low, true)), Some((high, false))) => {
            format!("{} or more and less than {}", written(low)?, written(high)?)
        }
        _ => return None,
    })
}

impl Possible {
    /// Every value of a type.
    pub const fn all(ty: Type, is_absent: bool) -> Self {
        Self { is_absent, values: Values::all(ty) }
    }

    pub const fn numbers(interval: Interval, is_absent: bool) -> Self {
        Self { is_absent, values: Values::Numbers(interval) }
    }

    /// Exactly one value.
    pub fn literal(literal: &Literal) -> Self {
        let values = match literal {
            Literal::Number(number) => Values::Numbers(Interval::point(*number)),
            Literal::Duration(span) => Values::Numbers(Interval::point(Decimal::from(span.0))),
            Literal::Text(text) => Values::Only(BTreeSet::from([text.clone()])),
            Literal::Bool(value) => Values::Truth(*value, !*value),
        };
        Self { is_absent: false, values }
    }

    /// Nothing at all: what led here cannot be.
    pub fn is_impossible(&self) -> bool {
        !self.is_absent && self.values.is_empty()
    }

    pub fn meet(&self, other: &Self) -> Self {
        Self {
            is_absent: self.is_absent && other.is_absent,
            values: self.values.meet(&other.values),
        }
    }

    pub fn join(&self, other: &Self) -> Self {
        Self {
            is_absent: self.is_absent || other.is_absent,
            values: self.values.join(&other.values),
        }
    }

    /// The numbers; every one when it is of another type.
    pub const fn interval(&self) -> Interval {
        match &self.values {
            Values::Numbers(interval) => *interval,
            _ => Interval::ALL,
        }
    }
}
