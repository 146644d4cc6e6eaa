//! Numbers, durations and times as ranges: what is left of them after comparisons and arithmetic.
//!
//! Every result holds at least all values that can come out, so that what a range excludes cannot
//! happen. Durations and times are microseconds.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::rulebook::typed::{ArithmeticOp, CompareOp};

/// An end of a range: the number, and whether it belongs to the range. `None` is no end at all.
pub type End = Option<(Decimal, bool)>;

/// All numbers between two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: End,
    pub high: End,
    /// Only whole numbers.
    pub is_whole: bool,
}

impl Interval {
    pub const ALL: Self = Self { low: None, high: None, is_whole: false };

    pub const fn point(number: Decimal) -> Self {
        Self { low: Some((number, true)), high: Some((number, true)), is_whole: false }
    }

    pub const fn from_zero() -> Self {
        Self { low: Some((Decimal::ZERO, true)), ..Self::ALL }
    }

    pub fn between(low: u32, high: u32) -> Self {
        Self {
            low: Some((Decimal::from(low), true)),
            high: Some((Decimal::from(high), true)),
            is_whole: false,
        }
    }

    pub fn whole(mut self) -> Self {
        self.is_whole = true;
        self.tightened()
    }

    /// The single number, if there is only one.
    pub fn single(self) -> Option<Decimal> {
        let (low, high) = (self.low?.0, self.high?.0);
        (low == high).then_some(low)
    }

    pub fn is_empty(self) -> bool {
        match (self.low, self.high) {
            (Some((low, has_low)), Some((high, has_high))) => {
                low > high || (low == high && !(has_low && has_high))
            }
            _ => false,
        }
    }

    pub fn contains_zero(self) -> bool {
        !self.meet(Self::point(Decimal::ZERO)).is_empty()
    }

    pub fn is_not_negative(self) -> bool {
        self.low.is_some_and(|(low, _)| low >= Decimal::ZERO)
    }

    const fn is_finite(self) -> bool {
        self.low.is_some() && self.high.is_some()
    }

    /// What both hold.
    pub fn meet(self, other: Self) -> Self {
        Self {
            low: stricter(self.low, other.low, |own, other| own > other),
            high: stricter(self.high, other.high, |own, other| own < other),
            is_whole: self.is_whole || other.is_whole,
        }
        .tightened()
    }

    /// The smallest range that holds both.
    pub fn hull(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        Self {
            low: wider(self.low, other.low, |own, other| own < other),
            high: wider(self.high, other.high, |own, other| own > other),
            is_whole: self.is_whole && other.is_whole,
        }
    }

    /// What of it can stand left of `op` with something of `right` on the other side.
    pub fn narrowed(self, op: CompareOp, right: Self) -> Self {
        let open = |end: End| end.map(|(number, _)| (number, false));
        match op {
            CompareOp::Equal => self.meet(right),
            CompareOp::NotEqual => match right.single() {
                Some(number) => self.without(number),
                None => self,
            },
            CompareOp::Less => self.meet(Self { high: open(right.high), ..Self::ALL }),
            CompareOp::LessEqual => self.meet(Self { high: right.high, ..Self::ALL }),
            CompareOp::Greater => self.meet(Self { low: open(right.low), ..Self::ALL }),
            CompareOp::GreaterEqual => self.meet(Self { low: right.low, ..Self::ALL }),
        }
    }

    /// Without one number, which only matters at an end.
    fn without(mut self, number: Decimal) -> Self {
        for end in [&mut self.low, &mut self.high] {
            if *end == Some((number, true)) {
                *end = Some((number, false));
            }
        }
        self.tightened()
    }

    /// Of whole numbers the ends are whole.
    fn tightened(mut self) -> Self {
        if !self.is_whole {
            return self;
        }
        self.low = self.low.map(|(low, has)| {
            let up = low.ceil();
            (if up == low && !has { up.saturating_add(Decimal::ONE) } else { up }, true)
        });
        self.high = self.high.map(|(high, has)| {
            let down = high.floor();
            (if down == high && !has { down.saturating_sub(Decimal::ONE) } else { down }, true)
        });
        self
    }

    /// Ends that belong to it: calculating rounds, so that an open end can be reached.
    fn closed(mut self) -> Self {
        self.low = self.low.map(|(low, _)| (low, true));
        self.high = self.high.map(|(high, _)| (high, true));
        self
    }

    pub fn negated(self) -> Self {
        let minus = |end: End| end.map(|(number, has)| (-number, has));
        Self { low: minus(self.high), high: minus(self.low), is_whole: self.is_whole }
    }

    pub fn absolute(self) -> Self {
        if self.is_not_negative() {
            return self;
        }
        let far = self.hull(self.negated());
        Self { low: Some((Decimal::ZERO, true)), ..far }
    }

    pub fn rounded(self, places: u32) -> Self {
        let half_away = RoundingStrategy::MidpointAwayFromZero;
        let round =
            |end: End| end.map(|(it, _)| (it.round_dp_with_strategy(places, half_away), true));
        Self { low: round(self.low), high: round(self.high), is_whole: places == 0 }
    }

    pub fn least(self, other: Self) -> Self {
        Self {
            low: wider(self.low, other.low, |own, other| own < other),
            high: stricter(self.high, other.high, |own, other| own < other),
            is_whole: self.is_whole && other.is_whole,
        }
    }

    pub fn greatest(self, other: Self) -> Self {
        self.negated().least(other.negated()).negated()
    }

    /// The results of `op`, and whether there always is one.
    pub fn calculated(self, op: ArithmeticOp, right: Self) -> (Self, bool) {
        let (left, right) = (self.closed(), right.closed());
        let is_whole = self.is_whole && right.is_whole;
        let result = match op {
            ArithmeticOp::Add => Some(left.plus(right)),
            ArithmeticOp::Subtract => Some(left.plus(right.negated())),
            ArithmeticOp::Multiply => left.corners(right, Decimal::checked_mul).or_else(|| {
                let are_positive = left.is_not_negative() && right.is_not_negative();
                are_positive.then(Self::from_zero)
            }),
            ArithmeticOp::Divide if right.contains_zero() => {
                let are_positive = left.is_not_negative() && right.is_not_negative();
                are_positive.then(Self::from_zero)
            }
            ArithmeticOp::Divide => left.corners(right, Decimal::checked_div).or_else(|| {
                let are_positive = left.is_not_negative() && right.is_not_negative();
                are_positive.then(Self::from_zero)
            }),
        };
        let is_defined = result.is_some()
            && left.is_finite()
            && right.is_finite()
            && !(op == ArithmeticOp::Divide && right.contains_zero());
        let mut result = result.unwrap_or(Self::ALL);
        // A result beyond the largest number is absent.
        let is_defined = is_defined && result.is_finite();
        result.is_whole = is_whole && op != ArithmeticOp::Divide;
        (result, is_defined)
    }

    fn plus(self, right: Self) -> Self {
        let add = |left: End, right: End| match (left, right) {
            (Some((left, _)), Some((right, _))) => left.checked_add(right).map(|sum| (sum, true)),
            _ => None,
        };
        Self { low: add(self.low, right.low), high: add(self.high, right.high), is_whole: false }
    }

    /// Least and greatest of the four results at the ends, if all ends and results are there.
    fn corners(
        self,
        right: Self,
        apply: impl Fn(Decimal, Decimal) -> Option<Decimal>,
    ) -> Option<Self> {
        let (left_ends, right_ends) = ([self.low?.0, self.high?.0], [right.low?.0, right.high?.0]);
        let mut results = Vec::new();
        for left in left_ends {
            for right in right_ends {
                results.push(apply(left, right)?);
            }
        }
        let (low, high) = (results.iter().min()?, results.iter().max()?);
        Some(Self { low: Some((*low, true)), high: Some((*high, true)), is_whole: false })
    }

    /// Whether every one of them is a length of time; one that is too long is absent.
    pub fn is_in_micros(self) -> bool {
        let longest = Decimal::from(i64::MAX);
        let is_near = |end: End| end.is_some_and(|(end, _)| end.abs() <= longest);
        is_near(self.low) && is_near(self.high)
    }

    /// The range of a duration that was scaled: results are rounded to the microsecond.
    pub fn of_micros(self) -> Self {
        Self {
            low: self.low.map(|(low, _)| (low.floor(), true)),
            high: self.high.map(|(high, _)| (high.ceil(), true)),
            is_whole: false,
        }
    }
}

fn stricter(own: End, other: End, is_stricter: impl Fn(Decimal, Decimal) -> bool) -> End {
    match (own, other) {
        (Some((left, has_left)), Some((right, has_right))) if left == right => {
            Some((left, has_left && has_right))
        }
        (Some((left, _)), Some((right, _))) if is_stricter(left, right) => own,
        (Some(_), None) => own,
        _ => other,
    }
}

fn wider(own: End, other: End, is_wider: impl Fn(Decimal, Decimal) -> bool) -> End {
    match (own?, other?) {
        ((left, has_left), (right, has_right)) if left == right => {
            Some((left, has_left || has_right))
        }
        ((left, _), (right, _)) if is_wider(left, right) => own,
        _ => other,
    }
}
