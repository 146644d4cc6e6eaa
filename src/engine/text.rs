//! Values as text, for messages and evidence.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::domain::{Instant, Span};
use crate::rulebook::catalogue::Type;
use crate::rulebook::typed::Format;

use super::row::Value;
use super::strings::Strings;

/// What stands for a value that is not there.
pub const ABSENT: &str = "absent";

/// What stands for a value that names a person.
pub const WITHHELD: &str = "withheld";

/// A value in full, as evidence shows it.
pub fn plain(value: Value, ty: Type, strings: &Strings) -> String {
    match (value, ty) {
        // What was found is written by evidence and messages, which know it.
        (Value::Absent | Value::Found(_), _) => ABSENT.to_owned(),
        (Value::Number(number), _) => number.normalize().to_string(),
        (Value::Text(symbol), _) => strings.text(symbol).to_owned(),
        (Value::Micros(micros), Type::Duration) => Span(micros).to_string(),
        (Value::Micros(micros), _) => Instant(micros).to_string(),
        (Value::Bool(value), _) => value.to_string(),
    }
}

/// A value as a message shows it.
pub fn formatted(value: Value, ty: Type, format: Format, strings: &Strings) -> String {
    match (format, value) {
        (Format::Plain, Value::Number(number)) => round(number, 2).normalize().to_string(),
        (Format::Money, Value::Number(number)) => format!("{:.2}", round(number, 2)),
        (Format::Percent, Value::Number(number)) => number
            .checked_mul(Decimal::ONE_HUNDRED)
            .map_or_else(|| ABSENT.to_owned(), |hundredths| format!("{}%", round(hundredths, 0))),
        (Format::Date, Value::Micros(micros)) => {
            let text = Instant(micros).to_string();
            text.split('T').next().unwrap_or_default().to_owned()
        }
        (Format::Hours, Value::Micros(micros)) => (micros / Span::hours(1).0).to_string(),
        (Format::Days, Value::Micros(micros)) => (micros / Span::days(1).0).to_string(),
        _ => plain(value, ty, strings),
    }
}

/// Nothing is written without a sign, also what was a little less before it was rounded.
fn round(number: Decimal, places: u32) -> Decimal {
    let rounded = number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    if rounded.is_zero() { Decimal::ZERO } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_write_what_an_officer_reads() {
        let strings = Strings::default();
        let number = |text: &str| Value::Number(text.parse().unwrap());
        let day = Value::Micros(Instant::parse("2026-01-05T13:00:00Z").unwrap().0);
        for (value, ty, format, expected) in [
            (number("28600.50"), Type::Number, Format::Plain, "28600.5"),
            (number("0.9791666"), Type::Number, Format::Plain, "0.98"),
            (number("28600.5"), Type::Number, Format::Money, "28600.50"),
            (number("-0.004"), Type::Number, Format::Money, "0.00"),
            (number("-0.004"), Type::Number, Format::Percent, "0%"),
            (number("-0.004"), Type::Number, Format::Plain, "0"),
            (number("0.9791666"), Type::Number, Format::Percent, "98%"),
            (day, Type::Time, Format::Date, "2026-01-05"),
            (day, Type::Time, Format::Plain, "2026-01-05T13:00:00Z"),
            (Value::Micros(Span::hours(49).0), Type::Duration, Format::Hours, "49"),
            (Value::Micros(Span::hours(49).0), Type::Duration, Format::Days, "2"),
            (Value::Micros(Span::hours(48).0), Type::Duration, Format::Plain, "2d"),
            (Value::Absent, Type::Number, Format::Money, "absent"),
        ] {
            assert_eq!(formatted(value, ty, format, &strings), expected);
        }
    }
}
