//! A list as a value: what is in it when, and what else its rows say.
//!
//! `lists` makes these values of files. A list's digest names its version: it covers what decides
//! (values, their times, typed columns) and not what is written for people.

use rust_decimal::Decimal;

use crate::domain::{Instant, Span};

use super::catalogue::Type;
use super::shrink::Approval;

/// A list file: values with optional validity and, perhaps, more about each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// Hexadecimal BLAKE3 of columns and rows: the list's version.
    pub digest: String,
    /// What its rows say beside the value, in file order.
    pub columns: Vec<ListColumn>,
    /// Rows, in file order.
    pub rows: Vec<ListRow>,
    /// What a person has approved in the file's remarks; decides nothing about events.
    pub approvals: Vec<Approval>,
}

/// What every row says beside its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListColumn {
    /// Its name.
    pub name: String,
    /// Type of its cells.
    pub ty: Type,
}

/// One value of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListRow {
    /// The value.
    pub value: String,
    /// From then on, included; `None` for always.
    pub valid_from: Option<Instant>,
    /// Until then, excluded; `None` for ever.
    pub valid_to: Option<Instant>,
    /// One per column of the list; `None` where nothing is written.
    pub cells: Vec<Option<Cell>>,
}

/// What a row says in one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// Exact number.
    Number(Decimal),
    /// True or false.
    Bool(bool),
    /// A length of time.
    Duration(Span),
    /// A point in time.
    Time(Instant),
}

impl List {
    /// The list of these rows, with the digest that follows from them.
    #[must_use]
    pub fn new(columns: Vec<ListColumn>, rows: Vec<ListRow>) -> Self {
        let digest = digest(&columns, &rows);
        Self { digest, columns, rows, approvals: Vec::new() }
    }

    /// A row that says something about `value` at `at`.
    #[must_use]
    pub fn row(&self, value: &str, at: Instant) -> Option<&ListRow> {
        self.rows.iter().find(|row| row.value == value && row.is_valid(at))
    }

    /// Whether `value` is in the list at `at`.
    #[must_use]
    pub fn contains(&self, value: &str, at: Instant) -> bool {
        self.row(value, at).is_some()
    }

    /// Where a column's cells stand in each row, and their type.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<(usize, Type)> {
        let mut columns = self.columns.iter().enumerate();
        columns.find(|(_, column)| column.name == name).map(|(index, column)| (index, column.ty))
    }
}

impl ListRow {
    /// Whether the row is valid at `at`.
    #[must_use]
    pub fn is_valid(&self, at: Instant) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }

    /// Whether there is an instant at which both rows are valid.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let begins_before_end = |row: &Self, end: &Self| {
            row.valid_from.zip(end.valid_to).is_none_or(|(from, to)| from < to)
        };
        begins_before_end(self, other) && begins_before_end(other, self)
    }
}

/// The version of a list: everything that decides, each part with its length before it.
fn digest(columns: &[ListColumn], rows: &[ListRow]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for column in columns {
        part(&column.name);
        part(column.ty.word());
    }
    for row in rows {
        part(&row.value);
        part(&format!("{:?} {:?}", row.valid_from, row.valid_to));
        row.cells.iter().for_each(|cell| part(&format!("{cell:?}")));
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(from: Option<i64>, to: Option<i64>) -> ListRow {
        ListRow {
            value: "SE".to_owned(),
            valid_from: from.map(Instant),
            valid_to: to.map(Instant),
            cells: Vec::new(),
        }
    }

    #[test]
    fn rows_overlap_only_when_an_instant_is_in_both() {
        assert!(row(None, None).overlaps(&row(Some(5), Some(6))));
        assert!(row(Some(1), Some(6)).overlaps(&row(Some(5), None)));
        assert!(!row(None, Some(5)).overlaps(&row(Some(5), None)));
        assert!(!row(Some(5), None).overlaps(&row(None, Some(5))));
    }

    #[test]
    fn the_digest_is_that_of_what_decides() {
        let digest = |rows: Vec<ListRow>| List::new(Vec::new(), rows).digest;
        assert_eq!(digest(vec![row(None, None)]), digest(vec![row(None, None)]));
        assert_ne!(digest(vec![row(None, None)]), digest(vec![row(Some(1), None)]));
        assert_ne!(digest(vec![row(Some(1), None)]), digest(vec![row(None, Some(1))]));
        assert_ne!(digest(vec![row(None, None)]), digest(vec![row(None, None), row(None, None)]));
    }
}
