//! One value per kept event, of one type.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use crate::engine::row::Value;
use crate::engine::strings::Symbol;
use crate::rulebook::catalogue::Type;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Decimals.
    Number,
    /// Symbols.
    Text,
    /// Times and durations.
    Micros,
    /// True or false.
    Bool,
}

/// The values of all kept events, in their order.
#[derive(Clone, Debug)]
pub enum Column {
    Number(VecDeque<Option<Decimal>>),
    Text(VecDeque<Option<Symbol>>),
    Micros(VecDeque<Option<i64>>),
    Bool(VecDeque<Option<bool>>),
}

impl ColumnKind {
    /// The column for values of a type.
    pub const fn of(ty: Type) -> Self {
        match ty {
            Type::Number => Self::Number,
            Type::Text => Self::Text,
            Type::Duration | Type::Time => Self::Micros,
            // What was found enters no window; the checker sees to it.
            Type::Bool | Type::Pattern | Type::Names => Self::Bool,
        }
    }
}

impl ColumnKind {
    /// Bytes of one value.
    pub const fn value_bytes(self) -> usize {
        match self {
            Self::Number => size_of::<Option<Decimal>>(),
            Self::Text => size_of::<Option<Symbol>>(),
            Self::Micros => size_of::<Option<i64>>(),
            Self::Bool => size_of::<Option<bool>>(),
        }
    }
}

impl Column {
    pub fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Number => Self::Number(VecDeque::new()),
            ColumnKind::Text => Self::Text(VecDeque::new()),
            ColumnKind::Micros => Self::Micros(VecDeque::new()),
            ColumnKind::Bool => Self::Bool(VecDeque::new()),
        }
    }

    pub fn push(&mut self, value: Value) {
        match self {
            Self::Number(values) => values.push_back(value.number()),
            Self::Text(values) => values.push_back(value.symbol()),
            Self::Micros(values) => values.push_back(value.micros()),
            Self::Bool(values) => values.push_back(value.truth()),
        }
    }

    pub fn insert(&mut self, place: usize, value: Value) {
        match self {
            Self::Number(values) => values.insert(place, value.number()),
            Self::Text(values) => values.insert(place, value.symbol()),
            Self::Micros(values) => values.insert(place, value.micros()),
            Self::Bool(values) => values.insert(place, value.truth()),
        }
    }

    pub fn pop_front(&mut self) {
        match self {
            Self::Number(values) => drop(values.pop_front()),
            Self::Text(values) => drop(values.pop_front()),
            Self::Micros(values) => drop(values.pop_front()),
            Self::Bool(values) => drop(values.pop_front()),
        }
    }

    pub fn get(&self, place: usize) -> Value {
        match self {
            Self::Number(values) => values.get(place).copied().flatten().into(),
            Self::Text(values) => values.get(place).copied().flatten().into(),
            Self::Micros(values) => {
                values.get(place).copied().flatten().map_or(Value::Absent, Value::Micros)
            }
            Self::Bool(values) => {
                values.get(place).copied().flatten().map_or(Value::Absent, Value::Bool)
            }
        }
    }
}

#[cfg(test)]
impl Column {
    /// Bytes that its values asked for.
    pub fn held(&self) -> usize {
        match self {
            Self::Number(values) => values.capacity() * ColumnKind::Number.value_bytes(),
            Self::Text(values) => values.capacity() * ColumnKind::Text.value_bytes(),
            Self::Micros(values) => values.capacity() * ColumnKind::Micros.value_bytes(),
            Self::Bool(values) => values.capacity() * ColumnKind::Bool.value_bytes(),
        }
    }
}
