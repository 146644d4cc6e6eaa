//! The JSON Schema (2020-12) of a rule file, for editors of YAML.
//!
//! In: the field catalogue. Out: one schema, made of the tables that the checker reads itself (`reference`),
//! so that an editor offers what the checker takes. It says what can be said about the shape of a file;
//! names and types in expressions are the checker's.

use serde_json::{Map, Value, json};

use super::catalogue::{Catalogue, EventName, Field, Type};
use super::example_reader::{event_key, fields_of};
use super::reference::{Section, event_doc};

/// Where the schema is kept below a rules folder.
pub const PATH: &str = ".schema/rule.schema.json";

/// Keys without which the checker refuses a section.
const fn required(section: Section) -> &'static [&'static str] {
    match section {
        Section::Rule => &["lang", "rule", "title", "severity", "alert"],
        Section::Timer => &["by"],
        Section::Sequence => &["by", "within", "steps"],
        Section::Alert => &["score", "message"],
        Section::Rekyc => &["scope", "level", "cause", "reason", "due"],
        Section::Reference => &["cite"],
        Section::Volume => &["value"],
        Section::Change => &["version", "date", "by", "what"],
        Section::Test => &["name", "events", "alerts"],
        Section::Event | Section::ExpectedAlert | Section::ExpectedRekyc => &["at"],
        Section::Given | Section::Effective | Section::Param => &[],
    }
}

/// The schema of a rule file under `catalogue`.
#[must_use]
pub fn rule(catalogue: &Catalogue) -> Value {
    let mut schema = section(Section::Rule, catalogue);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".into(), json!("Weir rule file"));
        object.insert("$defs".into(), definitions(catalogue));
        // A sequence is trigger and condition enough, and so is an instant.
        let instant = json!({ "properties": { "trigger": { "type": "object" } } });
        let wakes = json!([
            { "required": ["trigger", "when"] },
            { "required": ["sequence"] },
            { "required": ["trigger"], "allOf": [instant] },
        ]);
        object.insert("anyOf".into(), wakes);
    }
    schema
}

/// An object with the keys of `section`, described, and no others unless the section names its own.
fn section(section: Section, catalogue: &Catalogue) -> Value {
    let mut properties = Map::new();
    for key in section.known() {
        let entry = section.entry(key);
        let mut value = match entry.and_then(|entry| entry.words) {
            Some(words) => json!({ "enum": choice(words) }),
            None => shape(section, key, catalogue),
        };
        if let (Some(entry), Some(object)) = (entry, value.as_object_mut()) {
            object.insert("description".into(), json!(entry.doc));
        }
        properties.insert((*key).to_owned(), value);
    }
    let rest = match section {
        // Values of `let`s, by name.
        Section::ExpectedAlert => reference("scalar"),
        _ => json!(false),
    };
    if section == Section::Event {
        properties.extend(events(catalogue));
        let tick =
            json!({ "type": "object", "maxProperties": 0, "description": "Only time passes." });
        properties.insert("tick".to_owned(), tick);
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required(section),
        "additionalProperties": rest,
    })
}

/// A parameter with keys of its own: a constant or a table, and what is to be known of it.
fn param(catalogue: &Catalogue) -> Value {
    let mut schema = section(Section::Param, catalogue);
    if let Some(object) = schema.as_object_mut() {
        let of_table = ["by", "values", "default"].map(|key| json!({ "required": [key] }));
        let constant = json!({ "required": ["value"], "not": { "anyOf": of_table } });
        let table = json!({ "required": ["by", "values"], "not": { "required": ["value"] } });
        object.insert("oneOf".into(), json!([constant, table]));
    }
    schema
}

/// Words as an editor's YAML reader reads them: `1` is a number there, and `true` a truth.
fn choice(words: &[&str]) -> Vec<Value> {
    let as_read = |word: &&str| match (word.parse::<u64>(), word.parse::<bool>()) {
        (Ok(number), _) => json!(number),
        (_, Ok(truth)) => json!(truth),
        _ => json!(word),
    };
    words.iter().map(as_read).collect()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// The value of a key that only says something about the rule.
fn told(section: Section, key: &str) -> Option<Value> {
    use Section as S;
    Some(match (section, key) {
        (S::Rule, "misses" | "false_alarms" | "indicators") => json!({
            "anyOf": [reference("scalar"), { "type": "array", "items": reference("scalar") }],
        }),
        (S::Rule, "references") => json!({
            "type": "array",
            "items": { "anyOf": [reference("scalar"), reference("reference")] },
        }),
        (S::Rule, "expected_alerts") => {
            json!({ "anyOf": [{ "type": ["number", "string"] }, reference("volume")] })
        }
        (S::Rule, "changes") => json!({ "type": "array", "items": reference("change") }),
        (S::Rule | S::Change, "version") => {
            json!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$" })
        }
        (S::Rule, "review_by") | (S::Change, "date") => {
            json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
        }
        _ => return None,
    })
}

/// One role, or a list of several.
fn roles() -> Value {
    let list = json!({ "type": "array", "items": reference("role"), "minItems": 1, "maxItems": 4 });
    json!({ "anyOf": [reference("role"), list] })
}

/// The value of a key without a fixed set of words.
fn shape(section: Section, key: &str, catalogue: &Catalogue) -> Value {
    use Section as S;
    match (section, key) {
        (S::Rule, "trigger") => json!({ "anyOf": [reference("trigger"), reference("timer")] }),
        (S::Rule, "entity") | (S::Timer, "by") => reference("role"),
        (S::Rule | S::Timer, "where") | (S::Rule | S::Rekyc, "when") | (S::Alert, "score") => {
            reference("expression")
        }
        (S::Rule, "tags") => json!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [reference("scalar"), { "type": "array", "items": reference("scalar") }],
            },
        }),
        (S::Rule, "params") => json!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [reference("scalar"), reference("param")],
            },
        }),
        (S::Rule, "let") => {
            json!({ "type": "object", "additionalProperties": reference("expression") })
        }
        (S::Rule, "unless") => json!({
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": reference("expression"),
                "minProperties": 1,
                "maxProperties": 1,
            },
        }),
        (S::Rule, "sequence") => reference("sequence"),
        (S::Rule, "effective") => reference("effective"),
        (S::Timer, "absent" | "after" | "due") => json!({ "type": "string", "minLength": 1 }),
        (S::Sequence, "by") | (S::Alert, "dedup") => roles(),
        (S::Sequence, "steps") => json!({
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": { "type": "string" },
                "minProperties": 1,
                "maxProperties": 1,
            },
            "minItems": 2,
        }),
        (S::Rule, "alert") => reference("alert"),
        (S::Rule, "rekyc") => reference("rekyc"),
        (S::Rule, "tests") => json!({ "type": "array", "items": reference("test") }),
        (S::Alert, "cooldown") | (S::Rekyc, "due") | (S::Sequence, "within") => {
            reference("duration")
        }
        (S::Param, "by") => json!({
            "anyOf": [
                reference("field"),
                { "type": "array", "items": reference("field"), "minItems": 1, "maxItems": 3 },
            ],
        }),
        (S::Param, "values") => {
            json!({ "type": "object", "additionalProperties": reference("scalar") })
        }
        (S::Test, "given") => reference("given"),
        (S::Test, "defaults") => {
            let kinds = Value::Object(events(catalogue));
            json!({ "type": "object", "properties": kinds, "additionalProperties": false })
        }
        (S::Test, "events") => json!({ "type": "array", "items": reference("event") }),
        (S::Test, "alerts") => json!({ "type": "array", "items": reference("expected_alert") }),
        (S::Test, "rekyc") => json!({ "type": "array", "items": reference("expected_rekyc") }),
        (S::Given, "list") => json!({ "type": "object" }),
        (S::Given, role) => json!({
            "type": "object",
            "additionalProperties": facts(catalogue, role),
        }),
        (S::Event | S::ExpectedAlert | S::ExpectedRekyc, "at")
        | (S::Event, "every" | "arrives")
        | (S::Timer, "for")
        | (S::Test, "until") => reference("duration"),
        (S::Event, "times") => json!({ "type": "integer", "minimum": 1, "maximum": 10_000 }),
        _ => told(section, key).unwrap_or_else(|| reference("scalar")),
    }
}

fn definitions(catalogue: &Catalogue) -> Value {
    let fields: Vec<&str> = catalogue.paths().collect();
    let described = |words: Vec<(String, String)>| -> Value {
        let each =
            words.into_iter().map(|(word, doc)| json!({ "const": word, "description": doc }));
        json!({ "oneOf": each.collect::<Vec<_>>() })
    };
    let roles = catalogue.roles().iter().map(|role| (role.word.clone(), role.doc.clone()));
    let triggers = EventName::all().map(|name| (name.word(), event_doc(name)));
    json!({
        "scalar": { "type": ["string", "number", "boolean", "null"] },
        "expression": { "type": ["string", "number", "boolean"], "minLength": 1 },
        "duration": {
            "type": "string",
            "pattern": "^-?[0-9]+[smhdw]$",
            "description": "A whole number with s, m, h, d or w: 90m, 24h, 7d.",
        },
        "trigger": described(triggers.collect()),
        "role": described(roles.collect()),
        "field": { "enum": fields },
        "param": param(catalogue),
        "reference": section(Section::Reference, catalogue),
        "volume": section(Section::Volume, catalogue),
        "change": section(Section::Change, catalogue),
        "timer": section(Section::Timer, catalogue),
        "sequence": section(Section::Sequence, catalogue),
        "effective": section(Section::Effective, catalogue),
        "alert": section(Section::Alert, catalogue),
        "rekyc": section(Section::Rekyc, catalogue),
        "test": section(Section::Test, catalogue),
        "given": section(Section::Given, catalogue),
        "event": section(Section::Event, catalogue),
        "expected_alert": section(Section::ExpectedAlert, catalogue),
        "expected_rekyc": section(Section::ExpectedRekyc, catalogue),
    })
}

/// Each kind of event with its fields, as stories write it.
fn events(catalogue: &Catalogue) -> Map<String, Value> {
    let kinds = EventName::all().map(|name| {
        let fields = fields_of(catalogue, name.family());
        let event = json!({
            "type": "object",
            "description": event_doc(name),
            "properties": properties(fields.iter().copied()),
            "additionalProperties": false,
        });
        (event_key(name), event)
    });
    kinds.collect()
}

/// The facts of a role, by their short names.
fn facts(catalogue: &Catalogue, role: &str) -> Value {
    let prefix = format!("{role}.");
    let fields = catalogue.fields().iter().filter(|field| field.path.starts_with(&prefix));
    json!({
        "type": "object",
        "properties": properties(fields),
        "additionalProperties": false,
    })
}

fn properties<'a>(fields: impl Iterator<Item = &'a Field>) -> Map<String, Value> {
    fields.map(|field| (field.short_name().to_owned(), field_schema(field))).collect()
}

fn field_schema(field: &Field) -> Value {
    let doc = &field.doc;
    if let Some(words) = &field.values {
        return json!({ "enum": words, "description": doc });
    }
    match field.ty {
        // An editor's YAML reader makes a number of `8000` and of nothing else; ours keeps the text.
        Type::Text => json!({ "type": ["string", "number"], "description": doc }),
        Type::Number => json!({ "type": ["number", "string"], "description": doc }),
        Type::Bool => json!({ "type": "boolean", "description": doc }),
        Type::Time | Type::Duration | Type::Pattern | Type::Names => {
            json!({ "type": "string", "description": doc })
        }
    }
}
