//! Reads the lists that stand in for list files in a story.

use std::collections::BTreeMap;

use crate::domain::Instant;
use crate::rulebook::catalogue::Type;
use crate::rulebook::list::{Cell, List, ListColumn, ListRow};
use crate::rulebook::lists;
use crate::rulebook::source::{Node, NodeKind};

use super::{Reader, offset};

/// The keys that every row may have.
const ROW_KEYS: [&str; 3] = ["value", "valid_from", "valid_to"];

impl Reader<'_> {
    /// `{branch_devices: [T1, {value: T2, limit: 500}]}`: columns are those of the list file.
    pub(super) fn lists(&mut self, node: &Node, start: Instant) -> BTreeMap<String, List> {
        let mut given = BTreeMap::new();
        let files = self.rule.lists;
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        for entry in self.any_mapping(node, "`list`").unwrap_or(&[]) {
            let Some(file) = files.get(&entry.key) else {
                let title = format!("there is no list `{}`", entry.key);
                self.unknown("E209", entry, title, &names);
                continue;
            };
            let items = self.sequence(&entry.value, "the list's values");
            let rows = items.iter().filter_map(|item| self.list_row(item, &file.columns, start));
            let rows: Vec<ListRow> = rows.collect();
            self.must_be_unambiguous(items, &rows);
            given.insert(entry.key.clone(), List::new(file.columns.clone(), rows));
        }
        given
    }

    /// A value alone, or with its times and columns.
    fn list_row(&mut self, node: &Node, columns: &[ListColumn], start: Instant) -> Option<ListRow> {
        let mut row = ListRow {
            value: String::new(),
            valid_from: None,
            valid_to: None,
            cells: vec![None; columns.len()],
        };
        if let NodeKind::Scalar { text, .. } = &node.kind {
            row.value.clone_from(text);
            return Some(row);
        }
        let names: Vec<&str> =
            ROW_KEYS.into_iter().chain(columns.iter().map(|column| column.name.as_str())).collect();
        let entries = self.mapping(node, "a row of a list", &names)?;
        let value = entries.iter().find(|entry| entry.key == "value").map(|entry| &entry.value);
        let value = self.required(value, node.span, "value")?;
        self.scalar(value, "a value")?.clone_into(&mut row.value);
        for entry in entries {
            let text = self.scalar(&entry.value, "a value")?;
            match entry.key.as_str() {
                "valid_from" => row.valid_from = Some(self.moment(&entry.value, text, start)?),
                "valid_to" => row.valid_to = Some(self.moment(&entry.value, text, start)?),
                name => {
                    let column = columns.iter().zip(&mut row.cells).find(|(it, _)| it.name == name);
                    if let Some((column, cell)) = column {
                        *cell = Some(self.list_cell(column, &entry.value, text, start)?);
                    }
                }
            }
        }
        Some(row)
    }

    fn list_cell(
        &mut self,
        column: &ListColumn,
        node: &Node,
        text: &str,
        start: Instant,
    ) -> Option<Cell> {
        if column.ty == Type::Time {
            return self.moment(node, text, start).map(Cell::Time);
        }
        let cell = lists::cell(column.ty, text);
        if cell.is_none() {
            let title = format!("this does not fit the column `{}`", column.name);
            self.error("E205", node.span, title, "not of the column's type", None);
        }
        cell
    }

    /// An offset from the story's start, a date or an instant.
    fn moment(&mut self, node: &Node, text: &str, start: Instant) -> Option<Instant> {
        let at = offset(text, start).or_else(|| lists::date(text));
        if at.is_none() {
            let help = Some("write an offset like -20d, or 2026-01-31".to_owned());
            self.error("E206", node.span, "this is not a time", "neither offset nor date", help);
        }
        at
    }

    fn must_be_unambiguous(&mut self, items: &[Node], rows: &[ListRow]) {
        // Rows that could not be read were reported, and then the story is not run.
        if items.len() != rows.len() {
            return;
        }
        for (_, second) in lists::contradictions(rows) {
            let Some(node) = items.get(second) else { continue };
            let title = "two rows say different things of one value at one time";
            let help = Some("end one with `valid_to` before the other begins".to_owned());
            self.error("E210", node.span, title, "the second one", help);
        }
    }
}
