//! One leg or event as typed slots: what closures read.

use rust_decimal::Decimal;

use crate::domain::Instant;
use crate::rulebook::catalogue::{EventName, SLOTS_MAX, Slot};

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
    /// What was found for the pattern at this place.
    Found(u32),
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

    /// True or false, if it is one of them.
    pub const fn truth(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
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

/// An event and which side of it was taken: both legs of a transaction have its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

impl Mark {
    /// The mark of the event at `sequence`; its inbound leg comes after the other.
    pub const fn new(sequence: u64, is_inbound: bool) -> Self {
        Self(sequence << 1 | is_inbound as u64)
    }

    /// The event's sequence.
    pub const fn sequence(self) -> u64 {
        self.0 >> 1
    }
}

/// Words of a slot set.
const WORDS: usize = SLOTS_MAX / 64;

/// A set of slots, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotSet([u64; WORDS]);

#[expect(clippy::indexing_slicing, reason = "a slot is always below SLOTS_MAX")]
impl SlotSet {
    /// Adds a slot.
    pub const fn insert(&mut self, slot: Slot) {
        self.0[slot.index() / 64] |= 1 << (slot.index() % 64);
    }

    /// Whether a slot is in the set.
    pub const fn contains(&self, slot: Slot) -> bool {
        self.0[slot.index() / 64] & (1 << (slot.index() % 64)) != 0
    }

    /// The places of the slots in it, ascending.
    fn indices(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let place = bits.trailing_zeros() as usize;
                bits &= bits.wrapping_sub(1);
                (place < 64).then_some(word * 64 + place)
            })
        })
    }
}

/// One leg of a transaction, or one identity or security event, ready to be judged.
///
/// Only slots that some rule reads are filled; the others stay absent.
pub struct Row {
    values: [Value; SLOTS_MAX],
    wanted: SlotSet,
    /// What kind of event it is.
    pub name: EventName,
    /// Event time.
    pub at: Instant,
    /// Stream sequence.
    pub sequence: u64,
    /// It is a leg of an unknown customer, and may be judged again when the identity comes.
    pub may_come_again: bool,
    /// It is the leg that money comes in by.
    pub is_inbound: bool,
    /// For a leg, its type and direction as a place in the trigger index (`wake`).
    pub place: Option<usize>,
    /// The event's id, if some rule reads it.
    pub id: Value,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            values: [Value::Absent; SLOTS_MAX],
            wanted: SlotSet::default(),
            name: EventName::Transaction,
            at: Instant(0),
            sequence: 0,
            may_come_again: false,
            is_inbound: false,
            place: None,
            id: Value::Absent,
        }
    }
}

impl Row {
    /// Empties the row for another event.
    pub fn begin(&mut self, name: EventName, at: Instant, sequence: u64) {
        for index in self.wanted.indices() {
            if let Some(place) = self.values.get_mut(index) {
                *place = Value::Absent;
            }
        }
        self.name = name;
        self.at = at;
        self.sequence = sequence;
        self.may_come_again = false;
        self.is_inbound = false;
        self.place = None;
        self.set(Slot::NOW, || Value::Micros(at.0));
    }

    /// From now on only these slots are filled.
    pub fn want(&mut self, wanted: SlotSet) {
        self.values = [Value::Absent; SLOTS_MAX];
        self.wanted = wanted;
    }

    /// What tells it from every other row.
    pub const fn mark(&self) -> Mark {
        Mark::new(self.sequence, self.is_inbound)
    }

    /// Fills one slot if some rule reads it.
    pub fn set(&mut self, slot: Slot, value: impl FnOnce() -> Value) {
        if self.wanted.contains(slot) {
            self.fill(slot, value());
        }
    }

    #[expect(clippy::indexing_slicing, reason = "a slot is always below SLOTS_MAX")]
    const fn fill(&mut self, slot: Slot, value: Value) {
        self.values[slot.index()] = value;
    }

    /// Reads one slot.
    #[expect(clippy::indexing_slicing, reason = "a slot is always below SLOTS_MAX")]
    pub const fn get(&self, slot: Slot) -> Value {
        self.values[slot.index()]
    }
}
