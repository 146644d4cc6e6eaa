//! The shipped schema files are what the types say, and the types say what the messages are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use weir::domain::event::TransactionKind;
use weir::wire::schema;

use super::{IDENTITY, SECURITY, TRANSACTION};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wire/schemas")
}

fn schema(name: &str) -> Value {
    let found = schema::all().into_iter().find(|(candidate, _)| *candidate == name);
    found.expect("a schema of this name").1
}

#[test]
fn the_shipped_schema_files_are_up_to_date() {
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut expected = BTreeSet::new();
    for (name, schema) in schema::all() {
        let file = format!("{name}.json");
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("JSON"));
        let path = folder().join(&file);
        if is_update {
            std::fs::write(&path, &text).expect("a writable schema folder");
        }
        let shipped = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(shipped == text, "{file} is stale: run the test again with UPDATE_EXPECT=1");
        expected.insert(file);
    }
    let shipped: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("the schema folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(shipped, expected, "files without a schema, or schemas without a file");
}

#[test]
fn a_schema_lists_the_words_and_the_form_of_amounts() {
    let schema = schema("aml.transaction.v1");
    let data = &schema["properties"]["data"];
    assert_eq!(
        data["properties"]["type"]["enum"],
        serde_json::to_value(TransactionKind::WORDS).expect("JSON")
    );
    assert_eq!(data["properties"]["amount"]["type"], "string");
    assert_eq!(data["properties"]["amount"]["pattern"], r"^[0-9]{1,15}(\.[0-9]{1,8})?$");
    assert_eq!(data["required"], serde_json::json!(["type", "amount", "currency"]));
    assert_eq!(schema["properties"]["type"]["enum"], serde_json::json!(["aml.transaction.v1"]));
}

#[test]
fn every_field_is_described_and_every_field_of_a_sample_is_in_its_schema() {
    for (name, schema) in schema::all() {
        each_property(&schema, &mut |field, property| {
            let is_described = property.get("description").is_some();
            assert!(is_described, "{name}: {field} has no description");
        });
    }
    for (name, sample) in [
        ("aml.transaction.v1", TRANSACTION),
        ("aml.identity.v1", IDENTITY),
        ("aml.security.v1", SECURITY),
    ] {
        let mut known = BTreeSet::new();
        each_property(&schema(name), &mut |field, _| {
            known.insert(field.to_owned());
        });
        let mut used = BTreeSet::new();
        each_key(&serde_json::from_str(sample).expect("JSON"), &mut used);
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{name} does not know {unknown:?}");
    }
}

fn each_property(schema: &Value, use_property: &mut dyn FnMut(&str, &Value)) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            use_property(name, property);
            each_property(property, use_property);
        }
    }
    if let Some(definitions) = schema.get("$defs").and_then(Value::as_object) {
        for definition in definitions.values() {
            each_property(definition, use_property);
        }
    }
}

fn each_key(tree: &Value, keys: &mut BTreeSet<String>) {
    if let Some(fields) = tree.as_object() {
        for (name, field) in fields {
            keys.insert(name.clone());
            // Names under `extra` are the deployment's own.
            if name != "extra" {
                each_key(field, keys);
            }
        }
    }
}
