//! The standard deviation, exactly, when values can come and go.
//!
//! Of the whole population: √(n·Σx² − (Σx)²) / n. Both sums are integers at the finest scale seen, so
//! adding and taking back lose nothing; only the root is rounded, once, to [`PLACES`] decimal places.
//! Of the values themselves [`VALUE_PLACES`] places count, so that quotients leave room for large numbers.

use rust_decimal::Decimal;

use super::wide::Wide;

/// Decimal places of a standard deviation, half away from zero.
pub const PLACES: u32 = 10;

/// Decimal places of a value that can still move the last place of a deviation; a quotient has more.
const VALUE_PLACES: u32 = 18;

/// Sums of values and of their squares. Beyond 256 bits they are marked as overflown and the deviation
/// is absent: an overflow is never a wrong number.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    count: u64,
    sum: i128,
    squares: Wide,
    scale: u32,
    overflown: bool,
}

/// Bytes of a spread.
pub const BYTES: usize = size_of::<Spread>();

impl Spread {
    /// One more `value`.
    pub fn add(&mut self, value: Decimal) {
        let value = rounded(value);
        self.count += 1;
        let changed = self.align(value).and_then(|mantissa| {
            let square = Wide::product(mantissa.unsigned_abs(), mantissa.unsigned_abs());
            Some((self.sum.checked_add(mantissa)?, self.squares.checked_add(square)?))
        });
        self.change(changed);
    }

    /// One less of `value`, which was added.
    pub fn remove(&mut self, value: Decimal) {
        let value = rounded(value);
        self.count -= 1;
        // Nothing is left: an overflow or a fine scale of the past is over too.
        if self.count == 0 {
            *self = Self::default();
            return;
        }
        let changed = self.align(value).and_then(|mantissa| {
            let square = Wide::product(mantissa.unsigned_abs(), mantissa.unsigned_abs());
            Some((self.sum.checked_sub(mantissa)?, self.squares.checked_sub(square)?))
        });
        self.change(changed);
    }

    /// The standard deviation; `None` without values and after an overflow.
    pub fn value(&self) -> Option<Decimal> {
        if self.overflown || self.count == 0 {
            return None;
        }
        let count = u128::from(self.count);
        let square = Wide::product(self.sum.unsigned_abs(), self.sum.unsigned_abs());
        let numerator = self.squares.checked_mul(count)?.checked_sub(square)?;
        // Twice the deviation in units of the last place, rounded down, tells how to round it.
        let finer = PLACES.checked_sub(self.scale);
        let scaled = match finer {
            Some(places) => numerator.checked_mul(ten_to(2 * places)?)?,
            None => numerator,
        };
        let coarser = ten_to(self.scale.saturating_sub(PLACES))?;
        let doubled = scaled.checked_mul(4)?.root() / count.checked_mul(coarser)?;
        let mantissa = i128::try_from(doubled.div_ceil(2)).ok()?;
        Decimal::try_from_i128_with_scale(mantissa, PLACES).ok().map(|value| value.normalize())
    }

    /// The value's mantissa at a scale that holds it and all values before.
    fn align(&mut self, value: Decimal) -> Option<i128> {
        if let Some(places) = value.scale().checked_sub(self.scale).filter(|&places| places > 0) {
            let factor = ten_to(places)?;
            self.sum = self.sum.checked_mul(i128::try_from(factor).ok()?)?;
            self.squares = self.squares.checked_mul(factor)?.checked_mul(factor)?;
            self.scale = value.scale();
        }
        let factor = ten_to(self.scale - value.scale())?;
        value.mantissa().checked_mul(i128::try_from(factor).ok()?)
    }

    fn change(&mut self, changed: Option<(i128, Wide)>) {
        match changed {
            Some((sum, squares)) => (self.sum, self.squares) = (sum, squares),
            None => self.overflown = true,
        }
    }
}

fn rounded(value: Decimal) -> Decimal {
    if value.scale() <= VALUE_PLACES { value } else { value.round_dp(VALUE_PLACES) }
}

const fn ten_to(places: u32) -> Option<u128> {
    10_u128.checked_pow(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deviation(values: &[&str]) -> Option<Decimal> {
        let mut spread = Spread::default();
        for value in values {
            spread.add(value.parse().expect("a number"));
        }
        spread.value()
    }

    #[test]
    fn known_deviations_are_found_to_the_last_place() {
        for (values, expected) in [
            (&["2", "4", "4", "4", "5", "5", "7", "9"][..], "2"),
            (&["1", "2"], "0.5"),
            (&["0", "1", "1"], "0.4714045208"),
            (&["100.25", "100.25"], "0"),
            (&["-3", "3"], "3"),
            (&["0.00000000001", "0.00000000004"], "0"),
            (&["0.00000000001", "0.00000000017"], "0.0000000001"),
        ] {
            assert_eq!(deviation(values), Some(expected.parse().expect("a number")), "{values:?}");
        }
        assert_eq!(deviation(&[]), None);
    }

    #[test]
    fn an_overflow_is_absent_and_over_when_nothing_is_left() {
        let mut spread = Spread::default();
        for _ in 0..3 {
            spread.add(Decimal::MAX);
            spread.add(Decimal::new(1, 28));
        }
        assert_eq!(spread.value(), None);
        for _ in 0..3 {
            spread.remove(Decimal::MAX);
            spread.remove(Decimal::new(1, 28));
        }
        spread.add(Decimal::ONE);
        assert_eq!(spread.value(), Some(Decimal::ZERO));
    }

    #[test]
    fn quotients_beside_large_numbers_have_a_deviation() {
        let third = Decimal::ONE / Decimal::from(3);
        let large = Decimal::from(6_000_000_000_000_i64) + third.round_dp(15);
        let mut spread = Spread::default();
        spread.add(third);
        spread.add(large);
        assert_eq!(spread.value(), Some(Decimal::from(3_000_000_000_000_i64)));
        spread.remove(third);
        assert_eq!(spread.value(), Some(Decimal::ZERO));
    }

    proptest! {
        #[test]
        fn what_is_removed_leaves_no_trace(
            values in prop::collection::vec((any::<i64>(), 0_u32..9), 1..40),
            kept in 0_usize..40,
        ) {
            let values: Vec<Decimal> =
                values.into_iter().map(|(mantissa, scale)| Decimal::new(mantissa, scale)).collect();
            let kept = kept.min(values.len());
            let (mut some, mut all) = (Spread::default(), Spread::default());
            for &value in &values[..kept] {
                some.add(value);
            }
            for &value in &values {
                all.add(value);
            }
            for &value in &values[kept..] {
                all.remove(value);
            }
            prop_assert_eq!(all.value(), some.value());
        }
    }
}
