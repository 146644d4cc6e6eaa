//! The value below which a share of all values lies, exactly, when each can come and go.
//!
//! Definition 2 of Hyndman and Fan, "Sample Quantiles in Statistical Packages" (The American
//! Statistician 50, 1996), the default of SAS: of *n* values in order and a share *p*, the value at place
//! *np* rounded up; when *np* is whole, the mean of that value and the next. So the 50th percentile is
//! the usual median, and nothing is approximate.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::rulebook::typed::Percent;

/// All values, split where the answer is. Each change moves at most a few of them over the split.
#[derive(Clone, Debug)]
pub struct Ranks {
    percent: Percent,
    /// The lowest ⌊np⌋ values, with how often each is there.
    low: Half,
    /// The others.
    high: Half,
}

#[derive(Clone, Debug, Default)]
struct Half {
    values: BTreeMap<Decimal, u64>,
    len: u64,
}

impl Ranks {
    /// No values yet.
    pub fn new(percent: Percent) -> Self {
        Self { percent, low: Half::default(), high: Half::default() }
    }

    /// One more `value`.
    pub fn add(&mut self, value: Decimal) {
        if self.low.values.last_key_value().is_some_and(|(&greatest, _)| value < greatest) {
            self.low.add(value);
        } else {
            self.high.add(value);
        }
        self.split();
    }

    /// One less of `value`, which was added.
    pub fn remove(&mut self, value: Decimal) {
        if !self.high.remove(value) {
            self.low.remove(value);
        }
        self.split();
    }

    /// The value at the share; `None` without values.
    pub fn value(&self) -> Option<Decimal> {
        let greatest = self.low.values.last_key_value().map(|(&value, _)| value);
        let least = self.high.values.first_key_value().map(|(&value, _)| value);
        match (self.percent.of(self.low.len + self.high.len).1, greatest, least) {
            (true, Some(below), Some(above)) => below.checked_add(above)?.checked_div(Decimal::TWO),
            (true, Some(below), None) => Some(below),
            (_, _, above) => above,
        }
    }

    fn split(&mut self) {
        let (wanted, _) = self.percent.of(self.low.len + self.high.len);
        while self.low.len < wanted
            && let Some(value) = self.high.values.first_key_value().map(|(&value, _)| value)
        {
            self.high.remove(value);
            self.low.add(value);
        }
        while self.low.len > wanted
            && let Some(value) = self.low.values.last_key_value().map(|(&value, _)| value)
        {
            self.low.remove(value);
            self.high.add(value);
        }
    }
}

impl Half {
    fn add(&mut self, value: Decimal) {
        *self.values.entry(value).or_insert(0) += 1;
        self.len += 1;
    }

    fn remove(&mut self, value: Decimal) -> bool {
        let Some(count) = self.values.get_mut(&value) else { return false };
        *count -= 1;
        if *count == 0 {
            self.values.remove(&value);
        }
        self.len -= 1;
        true
    }
}

#[cfg(test)]
impl Ranks {
    /// Bytes of its values; the nodes that hold them have free places too.
    pub fn held(&self) -> usize {
        (self.low.values.len() + self.high.values.len()) * size_of::<(Decimal, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(percent: &str, values: &[i64]) -> Ranks {
        let percent = Percent::new(percent.parse().expect("a number")).expect("a percent");
        let mut ranks = Ranks::new(percent);
        for &value in values {
            ranks.add(Decimal::from(value));
        }
        ranks
    }

    #[test]
    fn the_published_definition_is_followed() {
        let values = [15, 20, 35, 40, 50];
        for (percent, expected) in [
            ("5", "15"),
            ("20", "17.5"),
            ("30", "20"),
            ("40", "27.5"),
            ("50", "35"),
            ("99.99", "50"),
            ("100", "50"),
        ] {
            let value = ranks(percent, &values).value();
            assert_eq!(value, Some(expected.parse().expect("a number")), "{percent}");
        }
        assert_eq!(ranks("50", &[1, 2, 3, 10]).value(), Some(Decimal::new(25, 1)));
        assert_eq!(ranks("50", &[]).value(), None);
    }

    #[test]
    fn equal_values_on_both_sides_of_the_split_can_be_taken_back() {
        let mut ranks = ranks("50", &[7, 7, 7, 7, 1]);
        for _ in 0..4 {
            ranks.remove(Decimal::from(7));
        }
        assert_eq!(ranks.value(), Some(Decimal::ONE));
        ranks.remove(Decimal::ONE);
        assert_eq!(ranks.value(), None);
    }
}
