//! Exact sums that can also give back: add and remove decimals without rounding, ever.

use rust_decimal::Decimal;

use super::wide::Wide;

/// The largest mantissa of a decimal.
const MANTISSA_MAX: u128 = (1 << 96) - 1;

/// A sum of decimals as one integer of 256 bits at the finest scale seen.
///
/// A decimal at the finest scale of all has fewer than 190 bits, so that no number of events that can be
/// counted leads to an overflow. A sum that is too large for a decimal is absent, and is there again when
/// enough was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExactSum {
    /// Two's complement: the upper half carries the sign.
    high: i128,
    low: u128,
    scale: u32,
}

impl ExactSum {
    /// Adds `number`.
    pub fn add(&mut self, number: Decimal) {
        let (high, low) = self.aligned(number);
        self.change(high, low);
    }

    /// Takes back a `number` that was added.
    pub fn remove(&mut self, number: Decimal) {
        let (high, low) = self.aligned(-number);
        self.change(high, low);
    }

    /// This sum without what `other`, a part of it, holds.
    pub fn minus(mut self, mut other: Self) -> Self {
        self.refine(other.scale);
        other.refine(self.scale);
        let (high, low) = negated(other.high, other.low);
        self.change(high, low);
        self
    }

    /// The sum; `None` when it is too large for a decimal. A sum with more than 28 significant digits
    /// (amounts never have so many) is rounded to what a decimal holds, half away from zero.
    pub fn value(&self) -> Option<Decimal> {
        if let Some(mantissa) = self.small()
            && let Ok(sum) = Decimal::try_from_i128_with_scale(mantissa, self.scale)
        {
            return Some(sum);
        }
        let (is_negative, magnitude) = self.magnitude();
        // So many digits are too many at least: 1233 / 4096 is a little less than the logarithm of 2.
        let mut dropped = (magnitude.bits().saturating_sub(97) * 1233) >> 12;
        while let Some(scale) = self.scale.checked_sub(dropped) {
            let mantissa = magnitude.divide_rounded(ten_to(dropped));
            if mantissa <= MANTISSA_MAX {
                let mantissa = i128::try_from(mantissa).ok()?;
                let signed = if is_negative { -mantissa } else { mantissa };
                return Decimal::try_from_i128_with_scale(signed, scale).ok();
            }
            dropped += 1;
        }
        None
    }

    /// The sum at its scale, if 128 bits hold it.
    const fn small(&self) -> Option<i128> {
        let low = self.low.cast_signed();
        if self.high == low >> 127 { Some(low) } else { None }
    }

    const fn magnitude(&self) -> (bool, Wide) {
        let is_negative = self.high < 0;
        let (high, low) =
            if is_negative { negated(self.high, self.low) } else { (self.high, self.low) };
        (is_negative, Wide { high: high.cast_unsigned(), low })
    }

    /// The number at the sum's scale, which becomes as fine as the number's.
    fn aligned(&mut self, number: Decimal) -> (i128, u128) {
        let (mantissa, scale) = (number.mantissa(), number.scale());
        if scale == self.scale {
            return (mantissa >> 127, mantissa.cast_unsigned());
        }
        self.refine(scale);
        let factor = ten_to(self.scale - scale);
        let Wide { high, low } = Wide::product(mantissa.unsigned_abs(), factor);
        let high = high.cast_signed();
        if mantissa < 0 { negated(high, low) } else { (high, low) }
    }

    /// Makes the scale at least as fine as `scale`.
    fn refine(&mut self, scale: u32) {
        let Some(places) = scale.checked_sub(self.scale).filter(|&places| places > 0) else {
            return;
        };
        self.scale = scale;
        let (is_negative, magnitude) = self.magnitude();
        let Wide { high, low } = magnitude.checked_mul(ten_to(places)).unwrap_or_default();
        let high = high.cast_signed();
        (self.high, self.low) = if is_negative { negated(high, low) } else { (high, low) };
    }

    const fn change(&mut self, high: i128, low: u128) {
        let (low, carry) = self.low.overflowing_add(low);
        self.low = low;
        self.high = self.high.wrapping_add(high).wrapping_add(carry as i128);
    }
}

const fn negated(high: i128, low: u128) -> (i128, u128) {
    let (low, carry) = (!low).overflowing_add(1);
    ((!high).wrapping_add(carry as i128), low)
}

/// Ten to the number of places of a decimal, which are at most 28.
const fn ten_to(places: u32) -> u128 {
    10_u128.saturating_pow(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Amounts, and quotients with as many digits as there can be.
    fn numbers() -> impl Strategy<Value = Vec<Decimal>> {
        let amount =
            (0_i64..1_000_000_000_000, 0_u32..9).prop_map(|(it, scale)| Decimal::new(it, scale));
        let quotient = (1_i64..1_000_000_000_000, 1_i64..1_000)
            .prop_map(|(of, by)| Decimal::from(of) / Decimal::from(by));
        let tiny = (1_i64..1_000, 1_001_i64..9_999)
            .prop_map(|(of, by)| Decimal::from(of) / Decimal::from(by));
        prop::collection::vec(prop_oneof![amount, quotient, tiny], 1..60)
    }

    /// The sum by hand, digit by digit, of numbers that are not negative.
    fn by_hand(numbers: &[Decimal]) -> Option<Decimal> {
        let mut digits = [0_u64; 80];
        for number in numbers {
            let mantissa = number.mantissa().to_string();
            let start = 28 - number.scale() as usize;
            for (place, digit) in mantissa.bytes().rev().enumerate() {
                digits[start + place] += u64::from(digit - b'0');
            }
        }
        let carried = |digits: &mut [u64; 80]| {
            for place in 0..79 {
                digits[place + 1] += digits[place] / 10;
                digits[place] %= 10;
            }
        };
        carried(&mut digits);
        (0..=28).find_map(|dropped| {
            let mut rounded = digits;
            if dropped > 0 && digits[dropped - 1] >= 5 {
                rounded[dropped] += 1;
            }
            carried(&mut rounded);
            let text: String = rounded[dropped..].iter().rev().map(u64::to_string).collect();
            let (whole, fraction) = text.split_at(text.len() - (28 - dropped));
            let text = format!("{}.{fraction}", whole.trim_start_matches('0'));
            Decimal::from_str_exact(text.trim_end_matches('.')).ok()
        })
    }

    proptest! {
        #[test]
        fn what_is_removed_is_gone_to_the_last_digit(
            numbers in numbers(),
            kept in 0_usize..60,
            is_negative in any::<bool>(),
        ) {
            let kept = kept.min(numbers.len());
            let signed = |number: Decimal| if is_negative { -number } else { number };
            let mut sum = ExactSum::default();
            for &number in &numbers {
                sum.add(signed(number));
            }
            let mut part = ExactSum::default();
            for &number in &numbers[kept..] {
                sum.remove(signed(number));
                part.add(signed(number));
            }
            prop_assert_eq!(sum.value(), by_hand(&numbers[..kept]).map(signed));
            for &number in &numbers[kept..] {
                sum.add(signed(number));
            }
            prop_assert_eq!(sum.minus(part).value(), by_hand(&numbers[..kept]).map(signed));
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
    fn quotients_beside_large_numbers_have_a_sum() {
        let mut sum = ExactSum::default();
        sum.add(Decimal::ONE / Decimal::from(3));
        sum.add(Decimal::from(180_000_000_000_i64));
        assert_eq!(sum.value().map(|sum| sum.trunc()), Some(Decimal::from(180_000_000_000_i64)));
        sum.remove(Decimal::ONE / Decimal::from(3));
        assert_eq!(sum.value(), Some(Decimal::from(180_000_000_000_i64)));
    }

    #[test]
    fn an_overflow_is_absent_while_it_lasts_and_not_a_wrong_number() {
        let mut sum = ExactSum::default();
        sum.add(Decimal::new(-1, 28));
        for _ in 0..3 {
            sum.add(Decimal::MAX);
        }
        assert_eq!(sum.value(), None);
        for _ in 0..3 {
            sum.remove(Decimal::MAX);
        }
        assert_eq!(sum.value(), Some(Decimal::new(-1, 28)));
    }
}
