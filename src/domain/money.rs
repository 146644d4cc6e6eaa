//! Exact money: decimal amounts with an ISO 4217 currency, and ISO 3166 countries.
//!
//! Amounts are read from text by a strict grammar and stay decimal; no float ever touches one.
//! `rust_decimal` holds 28 significant digits, and the limits below keep every sum of amounts exact.

use std::fmt;

use rust_decimal::Decimal;

/// Most digits allowed before the decimal point. Ten to the fifteenth is a hundred times the
/// world's yearly product in dollars; sums of a million such amounts are still exact.
pub const INTEGER_DIGITS_MAX: usize = 15;

/// Most digits allowed after the decimal point of a booked amount (ether counts 18, but its base
/// amount is fiat; 8 covers every ISO 4217 currency and bitcoin).
pub const FRACTION_DIGITS_MAX: usize = 8;

/// An ISO 4217 currency that has an exponent, that is, one that can be paid in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// An amount and the currency it is counted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Money {
    /// How much, exactly.
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

/// The rate that turned a booked amount into the institution's base currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Base currency units for one unit of the booked currency.
    pub rate: Decimal,
    /// When the rate was taken.
    pub at: super::Instant,
}

/// An ISO 3166-1 alpha-2 country code that is assigned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// Why a text is not an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AmountError {
    /// Not `[-]digits[.digits]`: empty, exponent, NaN, infinity, spaces, separators.
    Syntax,
    /// More than [`INTEGER_DIGITS_MAX`] digits before or [`FRACTION_DIGITS_MAX`] after the point.
    TooLong,
    /// Below zero, or a negative zero.
    Negative,
    /// More decimal places than the currency has.
    Exponent,
}

impl Currency {
    /// Reads an upper-case ISO 4217 code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let known = iso_currency::Currency::from_code(code)?;
        let exponent = u8::try_from(known.exponent()?).ok()?;
        Some(Self { code: code.as_bytes().try_into().ok()?, exponent })
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }

    /// Decimal places of the smallest unit: 0 for JPY, 2 for USD, 3 for KWD.
    #[must_use]
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl Country {
    /// Reads an upper-case ISO 3166-1 alpha-2 code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 2] = code.as_bytes().try_into().ok()?;
        if !bytes.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        rust_iso3166::from_alpha2(code).map(|_| Self(bytes))
    }

    /// The two-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl Money {
    /// Reads a non-negative amount of `currency` by the strict grammar.
    ///
    /// # Errors
    /// The first rule of the grammar that the text breaks, in the order of [`AmountError`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let amount = parse_amount(text)?;
        // `1.50` and `1.5` are the same number of yen-cents; only significant places count.
        if amount.normalize().scale() > u32::from(currency.exponent) {
            return Err(AmountError::Exponent);
        }
        Ok(Self { amount, currency })
    }
}

/// Reads a non-negative decimal of bounded length from text.
///
/// # Errors
/// The first rule of the grammar that the text breaks, in the order of [`AmountError`].
pub fn parse_amount(text: &str) -> Result<Decimal, AmountError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(AmountError::Syntax),
        None => (digits, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(AmountError::Syntax);
    }
    if whole.len() > INTEGER_DIGITS_MAX || fraction.len() > FRACTION_DIGITS_MAX {
        return Err(AmountError::TooLong);
    }
    if negative {
        return Err(AmountError::Negative);
    }
    let mut mantissa: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        mantissa = mantissa * 10 + i128::from(byte - b'0');
    }
    // At most 23 digits, so the mantissa fits the 96 bits of a decimal.
    let scale = u32::try_from(fraction.len()).map_err(|_| AmountError::TooLong)?;
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| AmountError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_by_a_strict_grammar() {
        let euro = Currency::parse("EUR").expect("EUR");
        let yen = Currency::parse("JPY").expect("JPY");
        for (text, currency, expected) in [
            ("437.32", euro, Ok("437.32")),
            ("0", euro, Ok("0")),
            ("1.50", euro, Ok("1.50")),
            ("1.500", euro, Ok("1.500")),
            ("999999999999999.99", euro, Ok("999999999999999.99")),
            ("100", yen, Ok("100")),
            ("100.0", yen, Ok("100.0")),
            ("100.5", yen, Err(AmountError::Exponent)),
            ("1.005", euro, Err(AmountError::Exponent)),
            ("-1", euro, Err(AmountError::Negative)),
            ("-0", euro, Err(AmountError::Negative)),
            ("1000000000000000", euro, Err(AmountError::TooLong)),
            ("0.000000001", euro, Err(AmountError::TooLong)),
            ("", euro, Err(AmountError::Syntax)),
            (".5", euro, Err(AmountError::Syntax)),
            ("5.", euro, Err(AmountError::Syntax)),
            ("+5", euro, Err(AmountError::Syntax)),
            ("1e9", euro, Err(AmountError::Syntax)),
            ("NaN", euro, Err(AmountError::Syntax)),
            ("inf", euro, Err(AmountError::Syntax)),
            ("1,000", euro, Err(AmountError::Syntax)),
            (" 1", euro, Err(AmountError::Syntax)),
            ("٣", euro, Err(AmountError::Syntax)),
        ] {
            let read = Money::parse(text, currency).map(|money| money.amount.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text:?} {currency}");
        }
    }

    #[test]
    fn only_assigned_codes_are_known() {
        assert!(Currency::parse("XXZ").is_none());
        assert!(Currency::parse("usd").is_none());
        assert!(Country::parse("ZZ").is_none());
        assert!(Country::parse("se").is_none());
        assert_eq!(Country::parse("SE").expect("Sweden").code(), "SE");
    }
}
