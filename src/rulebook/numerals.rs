//! Numbers that are right and read otherwise by many: `15.000` is fifteen.
//!
//! In: a number as written. Out: the doubt about it, to be said as a warning. What is no number at all is
//! answered by `elsewhere`.

use rust_decimal::Decimal;

use super::diagnostic::Diagnostic;
use super::typed::SourceSpan;

/// Of `15.000`, one to three digits and three decimals that end in 0: the number that it is, and the one that
/// may be meant where points part thousands.
#[must_use]
pub fn like_thousands(text: &str) -> Option<(String, String)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.')?;
    let is_doubtful = !whole.starts_with('0')
        && (1..=3).contains(&whole.len())
        && fraction.len() == 3
        && fraction.ends_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = Decimal::from_str_exact(text).ok().filter(|_| is_doubtful)?;
    Some((number.normalize().to_string(), text.replace('.', "_")))
}

/// Whether the point in `text` certainly stands before decimals.
#[must_use]
pub fn has_decimals(text: &str) -> bool {
    text.split_once('.').is_some_and(|(whole, fraction)| {
        whole.trim_start_matches('-').starts_with('0') || fraction.len() != 3
    })
}

/// The doubt about a number that reads like thousands.
#[must_use]
pub fn doubt(path: &str, written: &str, span: SourceSpan) -> Option<Diagnostic> {
    let (number, thousands) = like_thousands(written)?;
    let title = format!("`{written}` is {number}");
    let label = "a point stands before decimals";
    let help = format!("write `{number}`, or `{thousands}` if thousands are meant");
    Some(Diagnostic::new("W274", path, span, title, label).with_help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_decimals_that_end_in_zero_are_doubtful() {
        let found = |text| like_thousands(text).map(|(is, meant)| format!("{is} {meant}"));
        assert_eq!(found("15.000").as_deref(), Some("15 15_000"));
        assert_eq!(found("1.250").as_deref(), Some("1.25 1_250"));
        for text in ["15", "15.0", "15.00", "0.850", "1.125", "1500.000", "15.0000", "1_5.000"] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
