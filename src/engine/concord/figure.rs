//! Numbers as they are worked out on paper: a sign, digits, and the place of the point.
//!
//! Written from the contract of numbers alone and sharing nothing with the library that the engine
//! uses. Results are exact; [`Figure::fit`] then says what of it a number of the language holds.

use std::cmp::Ordering;
use std::fmt;

/// Digits, the last one first, without zeros in front.
type Digits = Vec<u8>;

/// Most decimal places of a number.
const PLACES_MAX: usize = 28;

/// The largest whole number: `number-4`.
const LARGEST: &str = "79228162514264337593543950335";

/// An exact decimal of any length.
#[derive(Clone, Debug)]
pub struct Figure {
    is_negative: bool,
    digits: Digits,
    /// How many of the digits stand behind the point.
    places: usize,
}

impl Figure {
    pub fn whole(number: i64) -> Self {
        Self::parse(&number.to_string())
    }

    /// Reads `-12.50`.
    pub fn parse(text: &str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (before, after) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{before}{after}").bytes().rev().map(|digit| digit - b'0').collect();
        Self { is_negative, digits: trimmed(digits), places: after.len() }
    }

    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    pub fn negated(&self) -> Self {
        Self { is_negative: !self.is_negative, ..self.clone() }
    }

    pub fn absolute(&self) -> Self {
        Self { is_negative: false, ..self.clone() }
    }

    pub fn plus(&self, other: &Self) -> Self {
        let places = self.places.max(other.places);
        let (left, right) = (self.at(places), other.at(places));
        let (is_negative, digits) = if self.is_negative == other.is_negative {
            (self.is_negative, add(&left, &right))
        } else if order(&left, &right) == Ordering::Less {
            (other.is_negative, subtract(&right, &left))
        } else {
            (self.is_negative, subtract(&left, &right))
        };
        Self { is_negative, digits, places }
    }

    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    pub fn times(&self, other: &Self) -> Self {
        Self {
            is_negative: self.is_negative != other.is_negative,
            digits: multiply(&self.digits, &other.digits),
            places: self.places + other.places,
        }
    }

    /// The quotient as a number of the language; `None` for a division by zero or a result too large.
    pub fn over(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let numerator = raised(&self.digits, other.places);
        let denominator = raised(&other.digits, self.places);
        fitted(self.is_negative != other.is_negative, &numerator, &denominator)
    }

    /// What is left when `other` is taken away as often as it fits; it has the sign of the first.
    pub fn remainder(&self, other: &Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let (left, right) = (self.at(places), other.at(places));
        if right.is_empty() {
            return None;
        }
        let (_, digits) = divide(&left, &right);
        Some(Self { is_negative: self.is_negative, digits, places })
    }

    /// To so many places, halves away from zero.
    pub fn rounded(&self, places: usize) -> Self {
        if self.places <= places {
            return self.clone();
        }
        let unit = raised(&[1], self.places - places);
        let (mut digits, rest) = divide(&self.digits, &unit);
        if order(&add(&rest, &rest), &unit) != Ordering::Less {
            digits = add(&digits, &[1]);
        }
        Self { is_negative: self.is_negative, digits, places }
    }

    /// As a number of the language: at most 28 places and a mantissa of 96 bits; what does not fit is
    /// rounded, halves to the even digit. `None` when it is too large.
    pub fn fit(&self) -> Option<Self> {
        fitted(self.is_negative, &self.digits, &raised(&[1], self.places))
    }

    /// The square root of this over `count`, to so many places, halves up.
    pub fn root_over(&self, count: usize, places: usize) -> Self {
        // √x / n is at most k places when (2k − 1)² · n² ≤ 4x, in units of the last place.
        let finer = raised(&self.at(self.places + self.places % 2), 2 * places);
        let scaled = multiply(&finer, &[4]);
        let unit = raised(&Self::whole(i64::try_from(count).expect("few")).digits, 0);
        let unit = raised(&unit, self.places.div_ceil(2));
        let is_up_to = |root: &Digits| {
            let doubled = subtract(&add(root, root), &[1]);
            let product = multiply(&doubled, &unit);
            order(&multiply(&product, &product), &scaled) != Ordering::Greater
        };
        let mut digits = Digits::new();
        for place in (0..=scaled.len() / 2 + 1).rev() {
            for digit in (1..=9).rev() {
                let mut tried = digits.clone();
                tried.resize(tried.len().max(place + 1), 0);
                tried[place] = digit;
                if is_up_to(&tried) {
                    digits = tried;
                    break;
                }
            }
        }
        Self { is_negative: false, digits: trimmed(digits), places }
    }

    /// The digits when so many of them stand behind the point.
    fn at(&self, places: usize) -> Digits {
        raised(&self.digits, places - self.places)
    }
}

impl Ord for Figure {
    fn cmp(&self, other: &Self) -> Ordering {
        let difference = self.minus(other);
        match (difference.is_zero(), difference.is_negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Figure {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Figure {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Figure {}

impl fmt::Display for Figure {
    /// Without zeros that mean nothing.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = self.digits.clone();
        digits.resize(digits.len().max(self.places + 1), 0);
        let mut text: String = digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        if self.places > 0 {
            text.insert(text.len() - self.places, '.');
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
        let sign = if self.is_negative && !self.is_zero() { "-" } else { "" };
        write!(out, "{sign}{text}")
    }
}

/// `numerator / denominator` with as many places as a number holds.
fn fitted(is_negative: bool, numerator: &[u8], denominator: &[u8]) -> Option<Figure> {
    let largest = Figure::parse(LARGEST).digits;
    (0..=PLACES_MAX).rev().find_map(|places| {
        let (mut digits, rest) = divide(&raised(numerator, places), denominator);
        let is_odd = digits.first().is_some_and(|digit| digit % 2 == 1);
        match order(&add(&rest, &rest), denominator) {
            Ordering::Greater => digits = add(&digits, &[1]),
            Ordering::Equal if is_odd => digits = add(&digits, &[1]),
            _ => {}
        }
        let holds = order(&digits, &largest) != Ordering::Greater;
        holds.then_some(Figure { is_negative, digits, places })
    })
}

fn trimmed(mut digits: Digits) -> Digits {
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

/// Ten to the power of `places` times as much.
fn raised(digits: &[u8], places: usize) -> Digits {
    if digits.is_empty() {
        return Digits::new();
    }
    let mut raised = vec![0; places];
    raised.extend_from_slice(digits);
    raised
}

fn order(left: &[u8], right: &[u8]) -> Ordering {
    let by_length = left.len().cmp(&right.len());
    by_length.then_with(|| left.iter().rev().cmp(right.iter().rev()))
}

fn add(left: &[u8], right: &[u8]) -> Digits {
    let mut sum = Digits::new();
    let mut carry = 0;
    for place in 0..=left.len().max(right.len()) {
        let digit = |digits: &[u8]| digits.get(place).copied().unwrap_or(0);
        let here = digit(left) + digit(right) + carry;
        sum.push(here % 10);
        carry = here / 10;
    }
    trimmed(sum)
}

/// `left` must not be less than `right`.
fn subtract(left: &[u8], right: &[u8]) -> Digits {
    let mut difference = Digits::new();
    let mut borrowed = 0;
    for (place, digit) in left.iter().enumerate() {
        let taken = right.get(place).copied().unwrap_or(0) + borrowed;
        borrowed = u8::from(*digit < taken);
        difference.push(digit + 10 * borrowed - taken);
    }
    trimmed(difference)
}

fn multiply(left: &[u8], right: &[u8]) -> Digits {
    let mut columns = vec![0_u32; left.len() + right.len() + 1];
    for (place, digit) in left.iter().enumerate() {
        for (other, factor) in right.iter().enumerate() {
            columns[place + other] += u32::from(*digit) * u32::from(*factor);
        }
    }
    let mut carry = 0;
    let digits = columns.into_iter().map(|column| {
        let here = column + carry;
        carry = here / 10;
        u8::try_from(here % 10).expect("a digit")
    });
    trimmed(digits.collect())
}

/// Quotient and rest, digit by digit.
fn divide(numerator: &[u8], denominator: &[u8]) -> (Digits, Digits) {
    let (mut quotient, mut rest) = (Digits::new(), Digits::new());
    for digit in numerator.iter().rev() {
        rest.insert(0, *digit);
        rest = trimmed(rest);
        let mut times = 0;
        while order(&rest, denominator) != Ordering::Less {
            rest = subtract(&rest, denominator);
            times += 1;
        }
        quotient.insert(0, times);
    }
    (trimmed(quotient), rest)
}

#[test]
fn figures_are_worked_out_as_on_paper() {
    let figure = Figure::parse;
    for (result, expected) in [
        (figure("12.50").plus(&figure("-0.5")), "12"),
        (figure("0.1").minus(&figure("0.30")), "-0.2"),
        (figure("1.5").times(&figure("-1.5")), "-2.25"),
        (figure("1").over(&figure("8")).unwrap(), "0.125"),
        (figure("2").over(&figure("3")).unwrap(), "0.6666666666666666666666666667"),
        (figure("-7.5").remainder(&figure("2")).unwrap(), "-1.5"),
        (figure("2.345").rounded(2), "2.35"),
        (figure("-0.5").rounded(0), "-1"),
        (figure("0.00000000000000000000000000005").fit().unwrap(), "0"),
        (figure("2").root_over(1, 10), "1.4142135624"),
        (figure("0.5").root_over(2, 3), "0.354"),
    ] {
        assert_eq!(result.to_string(), expected);
    }
    assert_eq!(figure(LARGEST).plus(&figure("1")).fit(), None);
    assert!(figure("-2") < figure("-1.99") && figure("0.10") == figure("0.1"));
}
