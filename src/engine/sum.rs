//! Exact sums that can also give back: add and remove decimals without rounding, ever.

use rust_decimal::Decimal;

/// A sum of decimals as one wide integer at the finest scale seen.
///
/// Amounts have at most 15 digits before and 8 behind the point, so 128 bits hold the sum of more than
/// 10^15 of them. Beyond that, and for other numbers, the sum is marked as overflown and absent: an
/// overflow is never a wrong number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExactSum {
    mantissa: i128,
    scale: u32,
    overflown: bool,
}

impl ExactSum {
    /// Adds `number`.
    pub fn add(&mut self, number: Decimal) {
        self.shift(number, i128::checked_add);
    }

    /// Takes back a `number` that was added.
    pub fn remove(&mut self, number: Decimal) {
        self.shift(number, i128::checked_sub);
    }

    /// This sum without what `other`, a part of it, holds.
    pub fn minus(mut self, other: Self) -> Self {
        let shifted = self
            .scale
            .checked_sub(other.scale)
            .and_then(ten_to)
            .and_then(|factor| other.mantissa.checked_mul(factor))
            .and_then(|mantissa| self.mantissa.checked_sub(mantissa));
        match shifted {
            Some(mantissa) => self.mantissa = mantissa,
            None => self.overflown = true,
        }
        self.overflown |= other.overflown;
        self
    }

    /// The sum, or `None` after an overflow. A sum with more than 28 significant digits (amounts never
    /// have so many) is rounded to what a decimal holds, half away from zero.
    pub fn value(&self) -> Option<Decimal> {
        if self.overflown {
            return None;
        }
        let (mut mantissa, mut scale) = (self.mantissa, self.scale);
        loop {
            if let Ok(sum) = Decimal::try_from_i128_with_scale(mantissa, scale) {
                return Some(sum);
            }
            scale = scale.checked_sub(1)?;
            let half = if mantissa < 0 { -5 } else { 5 };
            mantissa = mantissa.checked_add(half)? / 10;
        }
    }

    fn shift(&mut self, number: Decimal, apply: fn(i128, i128) -> Option<i128>) {
        let scale = number.scale();
        if scale > self.scale {
            match ten_to(scale - self.scale).and_then(|factor| self.mantissa.checked_mul(factor)) {
                Some(mantissa) => (self.mantissa, self.scale) = (mantissa, scale),
                None => self.overflown = true,
            }
        }
        let shifted = self
            .scale
            .checked_sub(scale)
            .and_then(ten_to)
            .and_then(|factor| number.mantissa().checked_mul(factor))
            .and_then(|mantissa| apply(self.mantissa, mantissa));
        match shifted {
            Some(mantissa) => self.mantissa = mantissa,
            None => self.overflown = true,
        }
    }
}

const fn ten_to(places: u32) -> Option<i128> {
    10_i128.checked_pow(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_removed_is_gone_to_the_last_digit(
            numbers in prop::collection::vec((0_i64..1_000_000_000_000, 0_u32..9), 1..60),
            kept in 0_usize..60,
        ) {
            let numbers: Vec<Decimal> =
                numbers.into_iter().map(|(mantissa, scale)| Decimal::new(mantissa, scale)).collect();
            let kept = kept.min(numbers.len());
            let mut sum = ExactSum::default();
            for &number in &numbers {
                sum.add(number);
            }
            for &number in &numbers[kept..] {
                sum.remove(number);
            }
            let plain: Decimal = numbers[..kept].iter().sum();
            prop_assert_eq!(sum.value(), Some(plain));
        }
    }

    #[test]
    fn more_digits_than_a_decimal_holds_are_rounded_and_not_lost() {
        let mut sum = ExactSum::default();
        let third = Decimal::from(100) / Decimal::from(3);
        for _ in 0..30 {
            sum.add(third);
        }
        let value = sum.value().expect("a sum");
        assert_eq!(value.round_dp(20), Decimal::from(1000));
    }

    #[test]
    fn an_overflow_is_absent_and_not_a_wrong_number() {
        let mut sum = ExactSum::default();
        for _ in 0..3 {
            sum.add(Decimal::MAX);
        }
        assert_eq!(sum.value(), None);
    }
}
