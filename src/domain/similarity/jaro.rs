//! Jaro–Winkler likeness of two words, in whole numbers.
//!
//! Jaro: `(m/|a| + m/|b| + (m − t)/m) / 3` with `m` characters in common no further apart than half the
//! longer word, `t` of them half-counted out of order. Winkler (1990) adds a tenth of what is missing for
//! each of up to four equal first characters.

use super::{ALIKE, Likeness};

/// Most first characters that count more.
const PREFIX_MAX: u64 = 4;

/// The likeness of two words.
pub(super) fn likeness(left: &str, right: &str) -> Likeness {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left == right {
        return if left.is_empty() { 0 } else { ALIKE };
    }
    let (common, half_transposed) = common(&left, &right);
    if common == 0 {
        return 0;
    }
    let (m, a, b) = (common, left.len() as u64, right.len() as u64);
    // In sixths, since transpositions are halves: nothing is rounded before the end.
    let numerator = 2 * m * m * b + 2 * m * m * a + (2 * m - half_transposed) * a * b;
    let denominator = 6 * m * a * b;
    let prefix = left.iter().zip(&right).take_while(|(left, right)| left == right).count() as u64;
    let prefix = prefix.min(PREFIX_MAX);
    // j + p·(1 − j)/10, in parts of the denominator.
    let scaled = 10 * numerator + prefix * (denominator - numerator);
    let likeness = (scaled * u64::from(ALIKE) + 5 * denominator) / (10 * denominator);
    Likeness::try_from(likeness).unwrap_or(ALIKE)
}

/// How many characters both have in common, and how many of them stand in another order.
fn common(left: &[char], right: &[char]) -> (u64, u64) {
    let reach = (left.len().max(right.len()) / 2).saturating_sub(1);
    let mut is_taken = vec![false; right.len()];
    let mut found = Vec::new();
    for (index, character) in left.iter().enumerate() {
        let from = index.saturating_sub(reach);
        let beside = right.iter().zip(&mut is_taken).enumerate().skip(from);
        let mut beside = beside.take_while(|(other, _)| *other <= index + reach);
        if let Some((_, (_, taken))) =
            beside.find(|(_, (other, taken))| *other == character && !**taken)
        {
            *taken = true;
            found.push(*character);
        }
    }
    let theirs = right.iter().zip(&is_taken).filter(|(_, taken)| **taken).map(|(it, _)| it);
    let out_of_order = found.iter().zip(theirs).filter(|(ours, theirs)| *ours != *theirs).count();
    (found.len() as u64, out_of_order as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_come_out() {
        // Winkler (1990) and the record linkage literature after it, to four places.
        for (left, right, expected) in [
            ("martha", "marhta", 9611),
            ("dwayne", "duane", 8400),
            ("dixon", "dicksonx", 8133),
            ("jones", "johnson", 8324),
            ("abroms", "abrams", 9222),
            ("same", "same", 10_000),
            ("abc", "xyz", 0),
            ("", "", 0),
            ("", "a", 0),
        ] {
            assert_eq!(likeness(left, right), expected, "{left} {right}");
            assert_eq!(likeness(right, left), expected, "{right} {left}");
        }
    }
}
