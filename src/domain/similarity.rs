//! How alike two names or two addresses are, across scripts: a number from 0 to 1 with two places.
//!
//! Words are compared by Jaro–Winkler (Winkler 1990) in whole numbers, in whatever order they stand;
//! `name` and `address` say what else counts. Han characters are read in pinyin, other scripts become
//! Latin letters by `fold`. Pure functions; the same texts give the same number on every machine.

mod address;
mod fold;
mod jaro;
mod name;

use rust_decimal::Decimal;

/// Most characters of a text that are looked at.
const CHARACTERS_MAX: usize = 200;

/// A likeness in ten-thousandths.
type Likeness = u32;

/// Entirely alike.
const ALIKE: Likeness = 10_000;

/// How alike two names of persons or firms are; `None` when one holds no letter.
#[must_use]
pub fn names(left: &str, right: &str) -> Option<Decimal> {
    name::likeness(&head(left), &head(right)).map(rounded)
}

/// How alike two postal addresses are; `None` when one holds neither letter nor digit.
#[must_use]
pub fn addresses(left: &str, right: &str) -> Option<Decimal> {
    address::likeness(&head(left), &head(right)).map(rounded)
}

fn head(text: &str) -> String {
    text.chars().take(CHARACTERS_MAX).collect()
}

/// Two places, halves up.
fn rounded(likeness: Likeness) -> Decimal {
    let hundredths = (likeness.min(ALIKE) + 50) / 100;
    Decimal::new(i64::from(hundredths), 2)
}

/// Pairs each item with the one most like it on the other side, best pairs first; gives the likenesses of
/// the pairs that are more than nothing.
fn pairs<T>(left: &[T], right: &[T], likeness: impl Fn(&T, &T) -> Likeness) -> Vec<Likeness> {
    let mut all: Vec<(Likeness, usize, usize)> = Vec::new();
    for (index, item) in left.iter().enumerate() {
        for (other, beside) in right.iter().enumerate() {
            all.push((likeness(item, beside), index, other));
        }
    }
    // Equal likenesses in the order of the texts, so that the choice is always the same.
    all.sort_by_key(|(likeness, index, other)| (std::cmp::Reverse(*likeness), *index, *other));
    let (mut taken_left, mut taken_right) = (vec![false; left.len()], vec![false; right.len()]);
    let mut found = Vec::new();
    for (likeness, index, other) in all {
        let (Some(here), Some(there)) = (taken_left.get_mut(index), taken_right.get_mut(other))
        else {
            continue;
        };
        if likeness > 0 && !*here && !*there {
            (*here, *there) = (true, true);
            found.push(likeness);
        }
    }
    found
}

#[cfg(test)]
mod tests;
