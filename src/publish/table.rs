//! CSV rows: each becomes as many messages as the mapping says.

use std::collections::VecDeque;

use super::input::Content;
use super::mapping::Plan;
use super::{Error, Mapping, Prepared, RowError};

pub(super) struct Table {
    reader: csv::Reader<Content>,
    plan: Plan,
    record: csv::StringRecord,
    ready: VecDeque<Prepared>,
    is_over: bool,
}

impl Table {
    pub(super) fn new(name: &str, content: Content, mapping: Mapping) -> Result<Self, Error> {
        let mut reader = csv::ReaderBuilder::new().from_reader(content);
        let unreadable = |error: csv::Error| Error::Unreadable {
            name: name.to_owned(),
            reason: std::io::Error::other(what(&error)),
        };
        let columns = reader.headers().map_err(unreadable)?.clone();
        let plan = mapping.plan(&columns).map_err(|column| Error::NoColumn {
            name: name.to_owned(),
            column,
            present: columns.iter().collect::<Vec<_>>().join(", "),
        })?;
        let (record, ready) = (csv::StringRecord::new(), VecDeque::new());
        Ok(Self { reader, plan, record, ready, is_over: false })
    }

    pub(super) fn next(&mut self) -> Option<Result<Prepared, RowError>> {
        loop {
            if let Some(prepared) = self.ready.pop_front() {
                return Some(Ok(prepared));
            }
            if self.is_over {
                return None;
            }
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {
                    let line = self.record.position().map_or(0, csv::Position::line);
                    self.plan.prepare(&self.record, line, &mut self.ready);
                }
                Ok(false) => self.is_over = true,
                Err(error) => {
                    self.is_over = error.is_io_error();
                    let line = error.position().unwrap_or_else(|| self.reader.position());
                    return Some(Err(RowError { line: line.line(), what: what(&error) }));
                }
            }
        }
    }
}

/// The mistake without the text that holds it.
fn what(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} columns where the header has {expected_len}")
        }
        _ => "not CSV".to_owned(),
    }
}
