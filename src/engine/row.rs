//! One leg or event as typed slots: what closures read.

use rust_decimal::Decimal;

use crate::domain::Instant;
use crate::rulebook::catalogue::{EventName, FIELDS, SLOTS, Slot};

use super::strings::Symbol;

/// A value in a slot or out of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// There is none.
    Absent,
    /// Exact decimal.
    Number(Decimal),
    /// A text's symbol.
    Text(Symbol),
    /// A time in microseconds since the epoch, or a duration in microseconds.
    Micros(i64),
    /// True or false.
    Bool(bool),
}

impl Value {
    /// The number, if it is one.
    pub const fn number(self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The symbol, if it is text.
    pub const fn symbol(self) -> Option<Symbol> {
        match self {
            Self::Text(symbol) => Some(symbol),
            _ => None,
        }
    }

    /// The microseconds, if it is a time or a duration.
    pub const fn micros(self) -> Option<i64> {
        match self {
            Self::Micros(micros) => Some(micros),
            _ => None,
        }
    }
}

impl From<Option<Symbol>> for Value {
    fn from(symbol: Option<Symbol>) -> Self {
        symbol.map_or(Self::Absent, Self::Text)
    }
}

impl From<Option<Decimal>> for Value {
    fn from(number: Option<Decimal>) -> Self {
        number.map_or(Self::Absent, Self::Number)
    }
}

impl From<Option<Instant>> for Value {
    fn from(at: Option<Instant>) -> Self {
        at.map_or(Self::Absent, |at| Self::Micros(at.0))
    }
}

/// A set of slots, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotSet(u64);

const _: () = assert!(SLOTS <= 64, "a slot set has 64 bits");

impl SlotSet {
    /// Adds a slot.
    pub const fn insert(&mut self, slot: Slot) {
        self.0 |= 1 << slot as u32;
    }

    /// Whether a slot is in the set.
    pub const fn contains(self, slot: Slot) -> bool {
        self.0 & (1 << slot as u32) != 0
    }

    fn slots(self) -> impl Iterator<Item = Slot> {
        let mut bits = self.0;
        std::iter::from_fn(move || {
            let place = bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
            FIELDS.get(place as usize).map(|field| field.slot)
        })
    }
}

/// One leg of a transaction, or one identity or security event, ready to be judged.
///
/// Only slots that some rule reads are filled; the others stay absent.
pub struct Row {
    values: [Value; SLOTS],
    wanted: SlotSet,
    /// What kind of event it is.
    pub name: EventName,
    /// Event time.
    pub at: Instant,
    /// Stream sequence.
    pub sequence: u64,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            values: [Value::Absent; SLOTS],
            wanted: SlotSet::default(),
            name: EventName::Transaction,
            at: Instant(0),
            sequence: 0,
        }
    }
}

impl Row {
    /// Empties the row for another event.
    pub fn begin(&mut self, name: EventName, at: Instant, sequence: u64) {
        for slot in self.wanted.slots() {
            self.fill(slot, Value::Absent);
        }
        self.name = name;
        self.at = at;
        self.sequence = sequence;
        self.set(Slot::Now, || Value::Micros(at.0));
    }

    /// From now on only these slots are filled.
    pub fn want(&mut self, wanted: SlotSet) {
        self.values = [Value::Absent; SLOTS];
        self.wanted = wanted;
    }

    /// Fills one slot if some rule reads it.
    pub fn set(&mut self, slot: Slot, value: impl FnOnce() -> Value) {
        if self.wanted.contains(slot) {
            self.fill(slot, value());
        }
    }

    #[expect(clippy::indexing_slicing, reason = "a slot is always below SLOTS")]
    const fn fill(&mut self, slot: Slot, value: Value) {
        self.values[slot as usize] = value;
    }

    /// Reads one slot.
    #[expect(clippy::indexing_slicing, reason = "a slot is always below SLOTS")]
    pub const fn get(&self, slot: Slot) -> Value {
        self.values[slot as usize]
    }
}
