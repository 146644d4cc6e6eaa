//! The fields that an event can have, with the form of their values, as its schema says.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::wire::kinds::Kind;
use crate::wire::schema;

/// How the text of a cell is written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text.
    Text,
    /// As text; a plain date gets a time of day.
    Time,
    /// As a number when it is one.
    Number,
    /// As a list of texts, parted by semicolons.
    List,
}

impl Form {
    pub(super) fn value(self, text: &str) -> Value {
        match self {
            Self::Time if is_date(text) => format!("{text}T00:00:00Z").into(),
            Self::Text | Self::Time => text.into(),
            Self::Number => text.parse::<u64>().map_or_else(|_| text.into(), Value::from),
            Self::List => text.split(';').map(|part| Value::from(part.trim())).collect(),
        }
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.iter().all(is_number)
}

/// The fields of events of this kind by their dotted path, without `data.`.
pub(super) fn of(kind: Kind) -> BTreeMap<String, Form> {
    let mut fields =
        BTreeMap::from([("id".to_owned(), Form::Text), ("time".to_owned(), Form::Time)]);
    let found = schema::all().into_iter().find(|(_, schema)| {
        let names = schema.pointer("/properties/type/enum").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|name| name == kind.name()))
    });
    if let Some((_, schema)) = found
        && let Some(data) = schema.pointer("/properties/data")
    {
        collect(&schema, data, "", &mut fields);
    }
    fields
}

/// The object of a deployment's own fields.
const EXTRA: &str = "extra";

/// Whether `path` is a deployment's own field of an event of `kind`, which no schema of ours lists.
pub(super) fn is_extra(kind: Kind, path: &str) -> bool {
    let name = path.strip_prefix(EXTRA).and_then(|rest| rest.strip_prefix('.'));
    let is_name = name.is_some_and(|name| !name.is_empty() && !name.contains('.'));
    is_name && matches!(kind, Kind::Transaction | Kind::Identity(_) | Kind::Security(_))
}

fn collect(schema: &Value, part: &Value, prefix: &str, fields: &mut BTreeMap<String, Form>) {
    let part = resolved(schema, part);
    let properties = part.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let property = resolved(schema, property);
        if path == EXTRA {
            // Its names are the deployment's own: see `is_extra`.
            continue;
        }
        if property.get("properties").is_some() {
            collect(schema, property, &format!("{path}."), fields);
        } else {
            fields.insert(path, form(property));
        }
    }
}

/// The object behind a reference, also when it may be null instead.
fn resolved<'a>(schema: &'a Value, part: &'a Value) -> &'a Value {
    let inner = part.get("anyOf").and_then(|choices| choices.get(0)).unwrap_or(part);
    let Some(reference) = inner.get("$ref").and_then(Value::as_str) else { return inner };
    schema.pointer(reference.trim_start_matches('#')).unwrap_or(inner)
}

fn form(property: &Value) -> Form {
    let is = |wanted: &str| match property.get("type") {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        _ => false,
    };
    if property.get("format").is_some_and(|format| format == "date-time") {
        Form::Time
    } else if is("integer") {
        Form::Number
    } else if is("array") {
        Form::List
    } else {
        Form::Text
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::event::IdentityKind;

    use super::*;

    #[test]
    fn fields_and_their_forms_come_from_the_schema() {
        let fields = of(Kind::Transaction);
        assert_eq!(fields.get("debtor.account_id"), Some(&Form::Text));
        assert_eq!(fields.get("base.rate"), Some(&Form::Text));
        assert_eq!(fields.get("occurred_at"), Some(&Form::Time));
        assert_eq!(fields.get("debtor"), None);
        assert_eq!(fields.get("extra"), None);
        assert!(is_extra(Kind::Transaction, "extra.wallet"));
        for path in ["extra", "extra.", "extra.a.b", "extras.a"] {
            assert!(!is_extra(Kind::Transaction, path), "{path}");
        }
        assert!(!is_extra(Kind::Tick, "extra.wallet"));
        let fields = of(Kind::Identity(IdentityKind::Verified));
        assert_eq!(fields.get("identity_version"), Some(&Form::Number));
        assert_eq!(fields.get("reasons"), Some(&Form::List));
        assert_eq!(fields.get("document.hash"), Some(&Form::Text));
        assert!(of(Kind::Tick).keys().eq(["id", "time"]));
    }

    #[test]
    fn a_cell_is_written_in_the_form_of_its_field() {
        assert_eq!(Form::Time.value("2026-01-31"), "2026-01-31T00:00:00Z");
        assert_eq!(Form::Time.value("2026-01-31T08:00:00Z"), "2026-01-31T08:00:00Z");
        assert_eq!(Form::Text.value("2026-01-31"), "2026-01-31");
        assert_eq!(Form::Number.value("7"), 7);
        assert_eq!(Form::Number.value("seven"), "seven");
        assert_eq!(Form::List.value("DOC-01; DOC-02"), serde_json::json!(["DOC-01", "DOC-02"]));
    }
}
