//! Numbers and lengths of time as people write them, and how they are written here.

use rust_decimal::Decimal;

use crate::domain::{Currency, Span};

/// A number or a length of time, as it is written here, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    /// `10_000`
    pub text: String,
    /// What to know.
    pub why: &'static str,
}

impl Meant {
    /// The edit.
    #[must_use]
    pub fn help(&self) -> String {
        format!("{}: {}", self.why, self.text)
    }
}

const PLAIN: &str = "write a plain number";
const CURRENCY: &str = "amounts are plain numbers in the base currency";
const GROUPS: &str = "digits are grouped with `_`";
const POINT: &str = "the decimal sign is a point";
const SHARE: &str = "a share is a number";
const LENGTH: &str = "a length of time is a whole number with its unit right behind it";
const HOUR: &str = "an hour is a plain number";

/// Signs of currencies, and signs that say which numbers are meant.
const BEFORE: &[char] = &['$', '\u{20ac}', '\u{a3}', '\u{a5}', '<', '>', '=', '~', '+', ' '];

/// What separates groups of digits somewhere.
const SEPARATORS: &[char] = &[',', '.', ' ', '\'', '\u{2019}', '\u{a0}', '\u{202f}', '_'];

/// Words for small numbers.
const WORDS: &[&str] = &[
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
];

/// What `text`, which is no number here, means to somebody who knows other notations; `None` if nothing
/// comes to mind.
#[must_use]
pub fn meant(text: &str) -> Option<Meant> {
    let text = text.trim().trim_matches(['"', '\'']);
    let (number, why) = without_currency(text);
    if let Some(span) = length(number) {
        return (span != text).then_some(Meant { text: span, why: LENGTH });
    }
    if let Some(share) = number.strip_suffix('%') {
        let (share, _) = digits(share.trim())?;
        let share = Decimal::from_str_exact(&share.replace('_', "")).ok()?;
        let share = share.checked_div(Decimal::ONE_HUNDRED)?.normalize().to_string();
        return Some(Meant { text: share, why: SHARE });
    }
    if let Some((hour, minutes)) = number.split_once(':') {
        let is_time = minutes.len() == 2 && minutes.bytes().all(|byte| byte.is_ascii_digit());
        let hour: u8 = hour.parse().ok().filter(|hour| *hour < 24 && is_time)?;
        return Some(Meant { text: hour.to_string(), why: HOUR });
    }
    if let Some((number, zeros)) = thousands(number) {
        let number = Decimal::from_str_exact(&number.replace('_', "")).ok()?;
        let number = number.checked_mul(Decimal::from(zeros))?.normalize();
        return Some(Meant { text: grouped(&number.to_string()), why: PLAIN });
    }
    let (digits, found) = digits(number)?;
    let why = why.or(found).unwrap_or(PLAIN);
    Some(Meant { text: digits, why })
}

/// `7d` for a number and a word behind it, `7` and `days`.
#[must_use]
pub fn span_of(number: &str, unit: &str) -> Option<String> {
    let count: i64 = number.parse().ok()?;
    let small = unit.to_lowercase();
    let singular = small.strip_suffix('s').filter(|it| it.len() > 1).unwrap_or(&small);
    let (factor, letter) = match singular {
        "s" | "sec" | "second" => (1, 's'),
        "m" | "min" | "minute" => (1, 'm'),
        "h" | "hr" | "hour" => (1, 'h'),
        "d" | "day" => (1, 'd'),
        "w" | "wk" | "week" => (1, 'w'),
        "mo" | "month" => (30, 'd'),
        "y" | "yr" | "year" => (365, 'd'),
        _ => return None,
    };
    Some(format!("{}{letter}", count.checked_mul(factor)?))
}

/// Without a currency before or behind it, and what to know of that.
fn without_currency(text: &str) -> (&str, Option<&'static str>) {
    let is_code = |word: &str| Currency::parse(&word.to_uppercase()).is_some();
    let before = text.trim_start_matches(BEFORE);
    if before.len() < text.len() {
        let is_money = text.starts_with(['$', '\u{20ac}', '\u{a3}', '\u{a5}']);
        return (before, is_money.then_some(CURRENCY));
    }
    if let Some((first, rest)) = text.split_once(' ').filter(|(first, _)| is_code(first)) {
        let _ = first;
        return (rest.trim(), Some(CURRENCY));
    }
    let last = text.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let code = text.get(last.len()..).unwrap_or_default();
    if !last.is_empty() && is_code(code) {
        return (last.trim(), Some(CURRENCY));
    }
    let last = text.trim_end_matches(['$', '\u{20ac}', '\u{a3}', '\u{a5}']);
    if last.len() < text.len() { (last.trim(), Some(CURRENCY)) } else { (text, None) }
}

/// A number and the word for a length of time behind it, with or without a space.
fn length(text: &str) -> Option<String> {
    if Span::parse(text).is_some() {
        return Some(text.to_owned());
    }
    let (number, unit) = match text.split_once(' ') {
        Some((number, unit)) => (number, unit.trim()),
        None => text.split_at(text.find(|sign: char| !sign.is_ascii_digit())?),
    };
    let number = word_number(number).unwrap_or_else(|| number.to_owned());
    span_of(&number, unit)
}

fn word_number(word: &str) -> Option<String> {
    let small = word.to_lowercase();
    WORDS.iter().position(|word| *word == small).map(|number| number.to_string())
}

/// `10k`, `2 million`: the number before it, and what to take it by.
fn thousands(text: &str) -> Option<(String, u32)> {
    let number = text.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let by = match text.get(number.len()..)? {
        "k" | "K" | "tsd" | "thousand" => 1_000,
        "M" | "mn" | "mio" | "Mio" | "million" => 1_000_000,
        _ => return None,
    };
    digits(number.trim()).map(|(number, _)| (number, by))
}

/// Digits with whatever separates them: groups of three by `_`, a fraction behind a point.
fn digits(text: &str) -> Option<(String, Option<&'static str>)> {
    if let Some(number) = word_number(text) {
        return Some((number, None));
    }
    if let Ok(number) = Decimal::from_scientific(&text.to_lowercase()) {
        return Some((number.normalize().to_string(), None));
    }
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let parts: Vec<&str> = text.split(SEPARATORS).collect();
    let is_digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() || !parts.iter().all(is_digits) {
        return None;
    }
    let used: Vec<char> = text.chars().filter(|sign| SEPARATORS.contains(sign)).collect();
    let (whole, fraction) = match (parts.as_slice(), used.as_slice()) {
        ([whole], []) => (vec![*whole], None),
        (["", fraction], ['.' | ',']) => (vec!["0"], Some(*fraction)),
        // Two kinds of signs: the last one is the decimal sign.
        ([whole @ .., fraction], [first, .., last]) if first != last => {
            (whole.to_vec(), Some(*fraction))
        }
        // One kind: groups of three, or a decimal sign.
        ([first, groups @ ..], [sign, ..])
            if groups.iter().all(|group| group.len() == 3)
                && !(first.is_empty() || first.len() > 3 || *first == "0")
                && !(*sign == '.' && groups.len() == 1) =>
        {
            (parts.clone(), None)
        }
        ([whole, fraction], ['.' | ',']) => (vec![*whole], Some(*fraction)),
        _ => return None,
    };
    let [first, groups @ ..] = whole.as_slice() else { return None };
    if first.is_empty() || fraction.is_some_and(str::is_empty) {
        return None;
    }
    if groups.iter().any(|group| group.len() != 3) {
        return None;
    }
    let why = if groups.is_empty() { fraction.map(|_| POINT) } else { Some(GROUPS) };
    let fraction = fraction.map_or_else(String::new, |fraction| format!(".{fraction}"));
    Some((format!("{sign}{}{fraction}", whole.join("_")), why))
}

/// A plain number with `_` between groups of three digits.
fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push('_');
        }
        text.push(digit);
    }
    if fraction.is_empty() { text } else { format!("{text}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_other_notations_are_written_as_here() {
        for (written, here) in [
            ("1,5", "1.5"),
            ("10,000", "10_000"),
            ("1,000.50", "1_000.50"),
            ("10.000,50", "10_000.50"),
            ("1.000.000", "1_000_000"),
            ("10 000", "10_000"),
            ("10'000", "10_000"),
            ("9.500,00", "9_500.00"),
            ("0,85", "0.85"),
            ("0,001", "0.001"),
            ("80%", "0.8"),
            ("12,5 %", "0.125"),
            ("$10000", "10000"),
            ("\u{20ac}10,000", "10_000"),
            ("10000 EUR", "10000"),
            ("EUR 10000", "10000"),
            ("10000EUR", "10000"),
            ("<10000", "10000"),
            ("\"10000\"", "10000"),
            (".5", "0.5"),
            ("10k", "10_000"),
            ("1.5k", "1_500"),
            ("2 million", "2_000_000"),
            ("1e5", "100000"),
            ("ten", "10"),
            ("5 days", "5d"),
            ("7days", "7d"),
            ("one week", "1w"),
            ("2 months", "60d"),
            ("7D", "7d"),
            ("22:00", "22"),
        ] {
            assert_eq!(meant(written).map(|it| it.text).as_deref(), Some(here), "{written}");
        }
    }

    #[test]
    fn what_could_be_anything_is_left_alone() {
        for written in ["", "-", "1,2,3", "x", "yes", "3x", "1.2.3,4", "SE", "2026-01-01", "24h"] {
            assert_eq!(meant(written), None, "{written}");
        }
    }
}
