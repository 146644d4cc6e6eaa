//! What functions of plain values and counts can give at most.
//!
//! Every range holds at least all values that can come out.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::rulebook::call::Call;
use crate::rulebook::typed::WindowSpan;

use super::interval::Interval;
use super::possible::{Possible, Values};

/// What a call can give; each may also be absent.
pub fn call(call: &Call, arguments: &[Possible]) -> Values {
    match call {
        Call::Hour => Values::Numbers(Interval::between(0, 23).whole()),
        Call::DayOfMonth => Values::Numbers(Interval::between(1, 31).whole()),
        Call::NameSimilarity | Call::AddressSimilarity => Values::Numbers(Interval::between(0, 1)),
        Call::Mod => match arguments {
            [number, divisor] => Values::Numbers(remainder(number.interval(), divisor.interval())),
            _ => Values::all(call.ty()),
        },
        _ => match call.values() {
            Some(words) => Values::Only(words.iter().map(|word| (*word).to_owned()).collect()),
            None => Values::all(call.ty()),
        },
    }
}

/// What is left of `number`: smaller than the divisor, with the sign of the number and no larger than it.
fn remainder(number: Interval, divisor: Interval) -> Interval {
    let zero = Some((Decimal::ZERO, true));
    let largest = divisor.absolute().high.map(|(high, _)| (high, false));
    let own = if number.is_not_negative() {
        Interval { low: zero, ..number }
    } else if number.negated().is_not_negative() {
        Interval { high: zero, ..number }
    } else {
        number
    };
    let smallest = largest.map(|(high, has)| (-high, has));
    let is_whole = number.is_whole && divisor.is_whole;
    let below = Interval { low: smallest, high: largest, is_whole };
    Interval { is_whole, ..own }.meet(below)
}

/// Most events that a window holds, if that is known.
pub const fn events_max(span: WindowSpan) -> Option<u32> {
    match span {
        WindowSpan::Last(count) => Some(count),
        _ => None,
    }
}

/// Most different values among `events`, if it is known: so many words, or one when it is the key itself.
pub fn different_max(values: &Values, is_key: bool, events: Option<u32>) -> Option<u32> {
    let words = match values {
        Values::Only(words) => u32::try_from(BTreeSet::len(words)).ok(),
        _ => None,
    };
    let key = is_key.then_some(1);
    [words, key, events].into_iter().flatten().min()
}

/// A count that is at most `most`.
pub fn counted(most: Option<u32>) -> Interval {
    let high = most.map(|most| (Decimal::from(most), true));
    Interval { high, ..Interval::from_zero() }.whole()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: Option<i64>, high: Option<i64>) -> Interval {
        let end = |number: i64| (Decimal::from(number), true);
        Interval { low: low.map(end), high: high.map(end), is_whole: false }
    }

    #[test]
    fn a_remainder_is_below_its_divisor_and_no_larger_than_the_number() {
        let number = |text: &str| text.parse::<Decimal>().expect("a number");
        let numbers = ["-1700", "-40", "-0.5", "0", "3", "40.25", "999", "1000", "1700"];
        let ranges = [
            range(None, None),
            range(Some(0), None),
            range(None, Some(0)),
            range(Some(40), Some(1700)),
            range(Some(-1700), Some(1700)),
        ];
        let inside = |all: Interval, it: Decimal| !all.meet(Interval::point(it)).is_empty();
        let mut tried = 0;
        for of in ranges {
            for by in ranges {
                let all = remainder(of, by);
                for (left, right) in numbers.iter().flat_map(|a| numbers.map(|b| (*a, b))) {
                    let (left, right) = (number(left), number(right));
                    if right.is_zero() || !inside(of, left) || !inside(by, right) {
                        continue;
                    }
                    tried += 1;
                    assert!(inside(all, left % right), "{left} mod {right} in {all:?}");
                }
            }
        }
        assert!(tried > 500, "{tried}");
        let below = remainder(range(Some(0), None), Interval::point(number("1000")));
        assert!(!inside(below, number("1000")));
        assert!(remainder(Interval::from_zero(), Interval::point(Decimal::ZERO)).is_empty());
    }
}
