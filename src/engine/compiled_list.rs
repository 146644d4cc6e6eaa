//! A list compiled for reading: rows by the symbol of their value, cells as values.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::domain::Instant;
use crate::rulebook::catalogue::Type;
use crate::rulebook::list::{Cell, List, ListColumn};

use super::row::Value;
use super::strings::Symbol;

/// A list's rows by symbol.
#[derive(Debug, Default)]
pub struct CompiledList {
    /// The list's version.
    pub digest: String,
    columns: Vec<ListColumn>,
    /// Rows of one value in the order of `valid_from`.
    rows: HashMap<Symbol, Vec<CompiledRow>>,
}

/// What one row says, and when.
#[derive(Debug)]
pub struct CompiledRow {
    /// From then on, included; `None` for always.
    pub valid_from: Option<Instant>,
    /// Until then, excluded; `None` for ever.
    pub valid_to: Option<Instant>,
    /// One per column of the list.
    pub cells: Vec<Value>,
}

impl CompiledList {
    /// Compiles `list`.
    pub fn new(list: &List, mut intern: impl FnMut(&str) -> Symbol) -> Arc<Self> {
        let mut rows: HashMap<Symbol, Vec<CompiledRow>> = HashMap::default();
        for row in &list.rows {
            let cells = row.cells.iter().map(|cell| value(cell.as_ref(), &mut intern)).collect();
            let (valid_from, valid_to) = (row.valid_from, row.valid_to);
            let compiled = CompiledRow { valid_from, valid_to, cells };
            rows.entry(intern(&row.value)).or_default().push(compiled);
        }
        for spans in rows.values_mut() {
            spans.sort_by_key(|row| row.valid_from);
        }
        Arc::new(Self { digest: list.digest.clone(), columns: list.columns.clone(), rows })
    }

    /// The row that says something about `symbol` at `at`; of several the one that began last.
    pub fn row(&self, symbol: Symbol, at: Instant) -> Option<&CompiledRow> {
        let rows = self.rows.get(&symbol)?;
        let begun = rows.partition_point(|row| row.valid_from.is_none_or(|from| from <= at));
        let mut latest_first = rows.get(..begun)?.iter().rev();
        latest_first.find(|row| row.valid_to.is_none_or(|to| at < to))
    }

    /// Whether `symbol` is in the list at `at`.
    pub fn contains(&self, symbol: Symbol, at: Instant) -> bool {
        self.row(symbol, at).is_some()
    }

    /// Where a column's cells stand in each row, and their type.
    pub fn column(&self, name: &str) -> Option<(usize, Type)> {
        let mut columns = self.columns.iter().enumerate();
        columns.find(|(_, column)| column.name == name).map(|(index, column)| (index, column.ty))
    }
}

fn value(cell: Option<&Cell>, intern: &mut impl FnMut(&str) -> Symbol) -> Value {
    match cell {
        None => Value::Absent,
        Some(Cell::Text(text)) => Value::Text(intern(text)),
        Some(Cell::Number(number)) => Value::Number(*number),
        Some(Cell::Bool(value)) => Value::Bool(*value),
        Some(Cell::Duration(span)) => Value::Micros(span.0),
        Some(Cell::Time(at)) => Value::Micros(at.0),
    }
}
