//! Folds over windows of events, in checked form: what is folded, by whom, and over how long.
//!
//! Only values; the checker makes them and the engine lays out state for them.

use rust_decimal::Decimal;

use crate::domain::Span;

use super::catalogue::{EventSet, Role, Type};
use super::typed::{Expr, SourceSpan};

/// A fold over the events in a window.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// How the events are folded.
    pub function: AggregateFunction,
    /// The share that `percentile` asks for.
    pub percent: Option<Percent>,
    /// What is folded first, bucket by bucket; then `value` and `filter` are those of the buckets.
    pub per: Option<Buckets>,
    /// Which kinds of events enter.
    pub source: EventSet,
    /// What is folded; `None` for `count`. Holds no aggregate.
    pub value: Option<Expr>,
    /// Which events enter, decided once on entry. Holds no aggregate.
    pub filter: Option<Expr>,
    /// The key, in canonical (sorted, unique) order.
    pub by: Vec<Role>,
    /// The window.
    pub window: Window,
    /// Where it is written.
    pub span: SourceSpan,
}

/// How events are folded. All are absent over no events, but `Count`, `Sum` and `Distinct` (0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AggregateFunction {
    /// Number of events.
    Count,
    /// Sum of a number.
    Sum,
    /// Mean of a number.
    Avg,
    /// Smallest number.
    Min,
    /// Largest number.
    Max,
    /// Number of different values of a text.
    Distinct,
    /// Standard deviation of a number, of the whole population.
    Stddev,
    /// Middle number.
    Median,
    /// Number below which a share of them lies.
    Percentile,
    /// Oldest value of any type.
    First,
    /// Latest value of any type.
    Last,
    /// Time since the latest event.
    Since,
}

/// `sum(...) per 1d`: the events of each bucket of time, folded to one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Buckets {
    /// The sum of the value, or else the number of events.
    pub is_sum: bool,
    /// How long a bucket is.
    pub length: BucketLength,
    /// How many whole buckets the window looks back.
    pub count: u32,
    /// Of these only each so-manieth, counted back from the running one.
    pub every: u32,
}

/// How long a bucket is, and where it begins in the institution's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BucketLength {
    /// On the hour.
    Hour,
    /// At midnight.
    Day,
    /// On Monday at midnight.
    Week,
}

/// A share of all values: above 0 %, at most 100 %, in ten-thousandths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Percent(u32);

/// The events that an aggregate folds, seen from the evaluation instant *t*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Window {
    /// Which stretch of event time, or how many events.
    pub span: WindowSpan,
    /// How long before *t* it ends.
    pub ending_ago: Span,
    /// The current event, with all its legs, is left out.
    pub is_previous: bool,
}

/// How far a window reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WindowSpan {
    /// The whole history.
    Lifetime,
    /// So long before its end: half-open, `(end − length, end]`.
    Length(Span),
    /// From the beginning of the period that holds its end.
    Calendar(Period),
    /// So many events, the latest.
    Last(u32),
}

/// A period of the institution's calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
}

impl Aggregate {
    /// Type of its value.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self.function {
            AggregateFunction::Since => Type::Duration,
            AggregateFunction::First | AggregateFunction::Last => {
                self.value.as_ref().map_or(Type::Number, |value| value.ty)
            }
            _ => Type::Number,
        }
    }

    /// Whether both fold the same events in the same way, so that one state serves both.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let is_same = |left: Option<&Expr>, right: Option<&Expr>| match (left, right) {
            (Some(left), Some(right)) => left.is_same(right),
            (None, None) => true,
            _ => false,
        };
        (self.function, self.percent, self.per) == (other.function, other.percent, other.per)
            && (self.source, self.window) == (other.source, other.window)
            && self.by == other.by
            && is_same(self.value.as_ref(), other.value.as_ref())
            && is_same(self.filter.as_ref(), other.filter.as_ref())
    }
}

impl Percent {
    /// The middle.
    pub const MEDIAN: Self = Self(500_000);

    /// A number above 0, at most 100, with at most 4 decimal places.
    #[must_use]
    pub fn new(percent: Decimal) -> Option<Self> {
        let parts = percent.checked_mul(Decimal::from(10_000))?;
        let parts = u32::try_from(parts).ok().filter(|whole| Decimal::from(*whole) == parts)?;
        (1..=1_000_000).contains(&parts).then_some(Self(parts))
    }

    /// The value at this share of all; see the language reference.
    #[must_use]
    pub fn value_of(self, mut values: Vec<Decimal>) -> Option<Decimal> {
        values.sort_unstable();
        let (place, is_whole) = self.of(values.len() as u64);
        let place = usize::try_from(place).ok()?;
        let next = values.get(place).copied();
        let before = place.checked_sub(1).filter(|_| is_whole);
        match (before.and_then(|before| values.get(before)), next) {
            (Some(below), Some(above)) => below.checked_add(above)?.checked_div(Decimal::TWO),
            (below, above) => above.or(below.copied()),
        }
    }

    /// This share of `count`, rounded down, and whether it is whole.
    #[must_use]
    pub fn of(self, count: u64) -> (u64, bool) {
        let parts = u128::from(count) * u128::from(self.0);
        let whole = u64::try_from(parts / 1_000_000).unwrap_or(count);
        (whole, parts.is_multiple_of(1_000_000))
    }
}

impl BucketLength {
    /// The bucket of this length.
    #[must_use]
    pub fn of(length: Span) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Week].into_iter().find(|known| known.micros() == length.0)
    }

    /// Its length in microseconds, when clocks do not change.
    #[must_use]
    pub const fn micros(self) -> i64 {
        match self {
            Self::Hour => Span::hours(1).0,
            Self::Day => Span::days(1).0,
            Self::Week => Span::days(7).0,
        }
    }
}

impl Window {
    /// How long before the evaluation instant an event can matter, in microseconds; `None` for ever.
    #[must_use]
    pub const fn reach(&self) -> Option<i64> {
        let length = match self.span {
            WindowSpan::Lifetime => return None,
            WindowSpan::Last(_) => 0,
            WindowSpan::Length(length) => length.0,
            // Longer than any, also where clocks change; two of them when the one before is asked for.
            WindowSpan::Calendar(period) => {
                let days = match period {
                    Period::Day => 2,
                    Period::Week => 9,
                    Period::Month => 33,
                };
                Span::days(if self.is_previous { 2 * days } else { days }).0
            }
        };
        Some(length.saturating_add(self.ending_ago.0))
    }
}

impl Default for Window {
    fn default() -> Self {
        Self { span: WindowSpan::Lifetime, ending_ago: Span::ZERO, is_previous: false }
    }
}

impl Period {
    /// All periods, the shortest first.
    pub const ALL: &'static [Self] = &[Self::Day, Self::Week, Self::Month];

    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}
