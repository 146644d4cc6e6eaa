//! Numbers and lengths of time: one step more, one step less, twice and half.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::domain::Span;

/// One unit of the last place more and less, and twice as much; nothing below zero.
pub fn number_steps(written: &str) -> Vec<String> {
    let Ok(number) = Decimal::from_str_exact(&written.replace('_', "")) else { return Vec::new() };
    let step = Decimal::new(1, number.scale());
    let less = number.checked_sub(step).filter(|less| !less.is_sign_negative());
    let changed = [number.checked_add(step), less, number.checked_mul(Decimal::TWO)];
    let mut steps: Vec<String> =
        changed.into_iter().flatten().filter(|it| *it != number).map(|it| it.to_string()).collect();
    let mut seen = BTreeSet::new();
    steps.retain(|step| seen.insert(step.clone()));
    steps
}

/// One unit more and less, and twice as long: `90d` is `91d`, `89d`, `180d`.
pub fn duration_steps(written: &str) -> Vec<String> {
    let Some((count, unit)) = parts(written) else { return Vec::new() };
    let changed = [count.checked_add(1), count.checked_sub(1).filter(|less| *less > 0)];
    let steps = changed.into_iter().flatten().map(|count| format!("{count}{unit}"));
    steps.chain(doubled(written)).collect()
}

/// Twice as long.
pub fn doubled(written: &str) -> Option<String> {
    let (count, unit) = parts(written)?;
    Some(format!("{}{unit}", count.checked_mul(2)?))
}

/// Half as long.
pub fn halved(written: &str) -> Option<String> {
    let (count, unit) = parts(written)?;
    if count.is_multiple_of(2) {
        return Some(format!("{}{unit}", count / 2));
    }
    let half = Span::parse(written)?.0 / 2;
    (half > 0).then(|| Span(half).to_string())
}

fn parts(written: &str) -> Option<(u64, &str)> {
    let at = written.find(|sign: char| sign.is_ascii_alphabetic())?;
    let (count, unit) = written.split_at_checked(at)?;
    Span::parse(written)?;
    Some((count.replace('_', "").parse().ok()?, unit))
}
