//! Integers of 256 bits: what exact sums and squares of decimals need.

use std::cmp::Ordering;

/// An unsigned integer of 256 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wide {
    /// The upper 128 bits.
    pub high: u128,
    /// The lower ones.
    pub low: u128,
}

impl Wide {
    /// The whole product.
    pub const fn product(left: u128, right: u128) -> Self {
        const MASK: u128 = u64::MAX as u128;
        let (a, b) = (left >> 64, left & MASK);
        let (c, d) = (right >> 64, right & MASK);
        let (inner, carry) = (a * d).overflowing_add(b * c);
        let (low, carry_low) = (b * d).overflowing_add(inner << 64);
        let high = a * c + (inner >> 64) + ((carry as u128) << 64) + carry_low as u128;
        Self { high, low }
    }

    /// The sum, unless it is too large.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        let (low, carry) = self.low.overflowing_add(other.low);
        match self.high.checked_add(other.high) {
            Some(high) => match high.checked_add(carry as u128) {
                Some(high) => Some(Self { high, low }),
                None => None,
            },
            None => None,
        }
    }

    /// The difference, unless it is negative.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        match self.high.checked_sub(other.high) {
            Some(high) => match high.checked_sub(borrow as u128) {
                Some(high) => Some(Self { high, low }),
                None => None,
            },
            None => None,
        }
    }

    /// The product, unless it is too large.
    pub fn checked_mul(self, factor: u128) -> Option<Self> {
        let low = Self::product(self.low, factor);
        let high = self.high.checked_mul(factor)?;
        low.checked_add(Self { high, low: 0 })
    }

    /// The square root, rounded down, by Newton's iteration on integers.
    pub fn root(self) -> u128 {
        if self.high == 0 {
            return self.low.isqrt();
        }
        // The first guess is not too small, and none after it is.
        let bits = 256 - self.high.leading_zeros();
        let mut guess = 1_u128.checked_shl(bits.div_ceil(2)).unwrap_or(u128::MAX);
        loop {
            let quotient = self.divide(guess);
            // Rounded-down mean of the guess and the quotient, without overflow.
            let better = (guess & quotient) + ((guess ^ quotient) >> 1);
            if better >= guess {
                return guess;
            }
            guess = better;
        }
    }

    /// How many bits it needs.
    pub const fn bits(self) -> u32 {
        if self.high == 0 {
            128 - self.low.leading_zeros()
        } else {
            256 - self.high.leading_zeros()
        }
    }

    /// The quotient, rounded half up, at most `u128::MAX`.
    pub fn divide_rounded(self, divisor: u128) -> u128 {
        let quotient = self.divide(divisor);
        // Only the lower bits of the rest are not zero.
        let rest = self.low.wrapping_sub(quotient.wrapping_mul(divisor));
        if rest >= divisor - rest { quotient.saturating_add(1) } else { quotient }
    }

    /// The quotient, rounded down, at most `u128::MAX`: bit by bit where the processor cannot.
    fn divide(self, divisor: u128) -> u128 {
        if self.high == 0 {
            return self.low / divisor;
        }
        if self.high >= divisor {
            return u128::MAX;
        }
        let (mut rest, mut low, mut quotient) = (self.high, self.low, 0_u128);
        for _ in 0..128 {
            let carry = rest >> 127;
            rest = (rest << 1) | (low >> 127);
            low <<= 1;
            quotient <<= 1;
            if carry == 1 || rest.cmp(&divisor) != Ordering::Less {
                rest = rest.wrapping_sub(divisor);
                quotient |= 1;
            }
        }
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_root_is_the_greatest_whose_square_is_not_greater(
            high in prop_oneof![any::<u128>(), 0_u128..9, Just(u128::MAX)],
            low in any::<u128>(),
        ) {
            let wide = Wide { high, low };
            let root = wide.root();
            prop_assert!(wide.checked_sub(Wide::product(root, root)).is_some());
            if let Some(next) = root.checked_add(1) {
                prop_assert!(wide.checked_sub(Wide::product(next, next)).is_none());
            }
        }

        #[test]
        fn a_rounded_quotient_is_nearest(
            high in prop_oneof![Just(0_u128), 0_u128..1_000],
            low in any::<u128>(),
            divisor in 1_001_u128..u128::MAX / 4,
        ) {
            let wide = Wide { high, low };
            let quotient = wide.divide_rounded(divisor);
            // Twice the number lies from one divisor below to one above twice the quotient's product.
            let product = Wide::product(quotient, divisor).checked_mul(2).expect("room");
            let doubled = wide.checked_mul(2).expect("room");
            let above = product.checked_add(Wide { high: 0, low: divisor }).expect("room");
            prop_assert!(above.checked_sub(doubled).is_some_and(|rest| rest != Wide::default()));
            let reach = doubled.checked_add(Wide { high: 0, low: divisor }).expect("room");
            prop_assert!(reach.checked_sub(product).is_some());
        }
    }
}
