//! Mapping files: which column of a CSV file is which field of an event.
//!
//! ```toml
//! source = "core-banking"              # CloudEvents source of all events
//! event = "aml.transaction.v1"
//!
//! [columns]                            # field = column; an empty cell leaves the field out
//! id = "tx_id"                         # without it, events are named after their line
//! time = "booked_at"                   # a plain date stands for its first moment in UTC
//! amount = "amount"
//! debtor.account_id = "from_account"
//!
//! [values.type]                        # what the column's words are called in Weir
//! external_debit = "card"
//! "*" = "other"                        # every other word; without it, words stay as they are
//!
//! [constants]                          # fields that are the same in every row
//! currency = "SEK"
//!
//! [when]                               # only rows whose column holds this text
//! state = "booked"
//! ```
//!
//! Where a row tells several events, `event` is replaced by a list of `[[events]]`, each with its own
//! `event`, an `id_suffix`, and `columns`, `values`, `constants` and `when` that add to the common ones.
//! Fields are those of the event's schema, without `data.` in front; a deployment's own are `extra.NAME`.

mod fields;
mod file;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use crate::wire::kinds::Kind;

use super::{Error, Prepared, message_id};
use fields::Form;

/// A line and a column of a mapping file, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

/// A checked mapping file.
#[derive(Clone, Debug)]
pub struct Mapping {
    source: String,
    events: Vec<EventMapping>,
}

#[derive(Clone, Debug)]
struct EventMapping {
    kind: Kind,
    id_suffix: String,
    columns: Vec<ColumnMapping>,
    constants: Vec<(String, Value)>,
    when: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
struct ColumnMapping {
    /// Dotted path of the field, without `data.`.
    field: String,
    column: String,
    form: Form,
    words: BTreeMap<String, String>,
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// It cannot be read, or it is wrong; the error says in which line.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::named(name, &text),
            Err(reason) => Err(Error::Unreadable { name, reason }),
        }
    }

    /// Reads the text of a mapping file.
    ///
    /// # Errors
    /// It is wrong; the error says in which line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::named("text".to_owned(), text)
    }

    fn named(name: String, text: &str) -> Result<Self, Error> {
        file::parse(text).map_err(|mistake| Error::Mapping {
            name,
            place: mistake.place,
            what: mistake.what,
        })
    }

    /// The mapping for a file with these columns, or the name of a column that it lacks.
    pub(super) fn plan(self, columns: &csv::StringRecord) -> Result<Plan, String> {
        let index = |name: &str| {
            columns.iter().position(|column| column == name).ok_or_else(|| name.to_owned())
        };
        let mut events = Vec::new();
        for event in self.events {
            let mut fields = Vec::new();
            for mapped in event.columns {
                fields.push((index(&mapped.column)?, mapped));
            }
            let mut when = Vec::new();
            for (column, wanted) in event.when {
                when.push((index(&column)?, wanted));
            }
            let (kind, id_suffix, constants) = (event.kind, event.id_suffix, event.constants);
            let subject = kind.subject();
            events.push(EventPlan { kind, subject, id_suffix, fields, constants, when });
        }
        Ok(Plan { source: self.source, events })
    }
}

/// A mapping whose columns were found.
pub(super) struct Plan {
    source: String,
    events: Vec<EventPlan>,
}

struct EventPlan {
    kind: Kind,
    subject: String,
    id_suffix: String,
    fields: Vec<(usize, ColumnMapping)>,
    constants: Vec<(String, Value)>,
    when: Vec<(usize, String)>,
}

impl Plan {
    /// The messages of one row.
    pub(super) fn prepare(
        &self,
        record: &csv::StringRecord,
        line: u64,
        ready: &mut VecDeque<Prepared>,
    ) {
        for event in &self.events {
            let is_wanted = |(index, wanted): &(usize, String)| {
                record.get(*index).is_some_and(|cell| cell == wanted)
            };
            if event.when.iter().all(is_wanted) {
                ready.push_back(self.message(event, record, line));
            }
        }
    }

    fn message(&self, event: &EventPlan, record: &csv::StringRecord, line: u64) -> Prepared {
        let mut data = Map::new();
        for (field, value) in &event.constants {
            put(&mut data, field, value.clone());
        }
        for (index, mapped) in &event.fields {
            let cell = record.get(*index).unwrap_or_default();
            if !cell.is_empty() {
                put(&mut data, &mapped.field, mapped.value(cell));
            }
        }
        let id = match data.remove("id") {
            Some(Value::String(id)) => format!("{id}{}", event.id_suffix),
            _ => format!("line-{line}{}", event.id_suffix),
        };
        let mut envelope = Map::new();
        if let Some(time) = data.remove("time") {
            envelope.insert("time".to_owned(), time);
        }
        let message_id = message_id(&self.source, &id, "");
        envelope.insert("specversion".to_owned(), "1.0".into());
        envelope.insert("id".to_owned(), id.into());
        envelope.insert("source".to_owned(), self.source.as_str().into());
        envelope.insert("type".to_owned(), event.kind.name().into());
        envelope.insert("data".to_owned(), data.into());
        let payload = Value::Object(envelope).to_string().into_bytes();
        Prepared { subject: event.subject.clone(), message_id: Some(message_id), payload }
    }
}

impl ColumnMapping {
    fn value(&self, cell: &str) -> Value {
        let word = self.words.get(cell).or_else(|| self.words.get("*"));
        let text = word.map_or(cell, String::as_str);
        self.form.value(text)
    }
}

/// Puts `value` at a dotted path, making objects on the way.
fn put(data: &mut Map<String, Value>, field: &str, value: Value) {
    match field.split_once('.') {
        None => drop(data.insert(field.to_owned(), value)),
        Some((name, rest)) => {
            let inner = data.entry(name).or_insert_with(|| Map::new().into());
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}
