//! The JSON Schema of rule files: current, as strict as the checker about keys and words, and every
//! shipped rule fits it.
//!
//! `UPDATE_EXPECT=1 cargo test rule_schema` writes the shipped file anew; `weir schema rule` prints it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Map, Value};
use weir::files;
use weir::rulebook::catalogue::Catalogue;
use weir::rulebook::loader::{self, FileKind};
use weir::rulebook::reference::{KEYS, Section, tables};
use weir::rulebook::source::{self, Node, NodeKind};
use weir::rulebook::{scaffold, schema};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

fn validator() -> Validator {
    jsonschema::validator_for(&schema::rule(&Catalogue::built_in())).expect("a sound schema")
}

/// What an editor's YAML reader makes of a rule file: plain words may be numbers, truth or nothing.
fn as_read(node: &Node, text: &str) -> Value {
    match &node.kind {
        NodeKind::Mapping(entries) => {
            let entries = entries.iter().map(|it| (it.key.clone(), as_read(&it.value, text)));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
        NodeKind::Sequence(items) => items.iter().map(|item| as_read(item, text)).collect(),
        NodeKind::Scalar { text: value, .. } if node.is_quoted(text) => Value::from(value.as_str()),
        NodeKind::Scalar { text: value, .. } => match value.trim() {
            "" | "~" | "null" => Value::Null,
            plain => match serde_json::from_str::<Value>(plain) {
                Ok(read @ (Value::Bool(_) | Value::Number(_))) => read,
                _ => Value::from(value.as_str()),
            },
        },
    }
}

fn read(text: &str) -> Value {
    let (root, problems) = source::read("r.yaml", text);
    assert_eq!(problems, []);
    as_read(&root.expect("a tree"), text)
}

#[test]
fn the_shipped_schema_is_current() {
    let path = folder().join(schema::PATH);
    let rule = schema::rule(&Catalogue::built_in());
    let current = serde_json::to_string_pretty(&rule).expect("JSON") + "\n";
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &current).expect("the schema can be written");
    }
    let shipped = fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == current, "run: UPDATE_EXPECT=1 cargo test --test all rule_schema");
}

#[test]
fn every_shipped_rule_fits_the_schema() {
    let validator = validator();
    let texts = files::read_folder(&folder()).expect("the rules folder can be read");
    let rules = texts.iter().filter(|(path, _)| loader::file_kind(path) == FileKind::Rule);
    let mut count = 0;
    for (path, text) in rules {
        let told: Vec<String> = validator
            .iter_errors(&read(text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(told.is_empty(), "{path}:\n{}", told.join("\n"));
        count += 1;
    }
    assert!(count >= 10);
}

/// A rule that has every section.
fn whole() -> String {
    let rekyc = "rekyc:\n  when: score >= 80\n  scope: funds\n  level: enhanced\n  cause: behaviour\n  \
                 reason: why\n  due: 14d\n";
    let table = "params:\n  floor: { by: customer.risk, values: { low: 1 }, default: 2 }\n";
    let rule = scaffold::rule("r", weir::rulebook::catalogue::EventName::Transaction);
    let rule = rule.replace("\ntests:", &format!("\n{rekyc}\ntests:"));
    let rule = rule.replace("params:\n", table);
    rule.replace("severity: medium", "class: suspicion\nseverity: medium")
        .replace("when: n >= limit", "when: n >= limit and tx.amount >= floor")
}

fn codes(text: &str) -> Vec<String> {
    let sources = BTreeMap::from([("p/r.yaml".to_owned(), text.to_owned())]);
    let problems = loader::load(&sources).diagnostics;
    problems.into_iter().map(|problem| problem.code.to_owned()).collect()
}

#[test]
fn schema_and_checker_refuse_the_same_unknown_keys_and_words() {
    let (validator, whole) = (validator(), whole());
    assert!(validator.is_valid(&read(&whole)), "{whole}");
    assert!(!codes(&whole).iter().any(|code| code.starts_with('E')), "{:?}", codes(&whole));
    // A key that nobody knows, in each section that is a block of lines.
    for (section, line) in [
        ("the file", "severity: medium\n"),
        ("alert", "  cooldown: 7d\n"),
        ("rekyc", "  due: 14d\n"),
        ("a test", "    alerts: []\n"),
    ] {
        let indent = &line[..line.len() - line.trim_start().len()];
        let text = whole.replacen(line, &format!("{line}{indent}unheard: of\n"), 1);
        assert!(!validator.is_valid(&read(&text)), "{section}");
        let codes = codes(&text);
        assert!(codes.iter().any(|code| code == "E010" || code == "E201"), "{section} {codes:?}");
    }
    let mut tried = 0;
    for entry in KEYS.iter().filter(|entry| entry.words.is_some()) {
        let before = format!("{}: ", entry.key);
        let Some(at) = whole.find(&format!("\n{before}")).or(whole.find(&format!("  {before}")))
        else {
            continue;
        };
        let start = at + whole[at..].find(&before).expect("found") + before.len();
        let end = start + whole[start..].find('\n').expect("a line");
        let with = |word: &str| format!("{}{word}{}", &whole[..start], &whole[end..]);
        for word in entry.words.unwrap_or_default() {
            assert!(validator.is_valid(&read(&with(word))), "{before}{word}");
            let codes = codes(&with(word));
            assert!(!codes.iter().any(|it| it.starts_with('E')), "{before}{word}: {codes:?}");
        }
        assert!(!validator.is_valid(&read(&with("unheard_of"))), "{before}");
        assert!(codes(&with("unheard_of")).iter().any(|it| it.starts_with('E')), "{before}");
        tried += 1;
    }
    assert!(tried >= 6, "only {tried} closed sets were tried");
}

#[test]
fn schema_and_checker_miss_the_same_keys() {
    let (validator, whole) = (validator(), whole());
    for key in Section::Rule.known() {
        let Some(at) =
            whole.find(&format!("\n{key}:")).map(|at| at + 1).or((*key == "lang").then_some(0))
        else {
            continue;
        };
        let mut end = at;
        for (index, line) in whole[at..].split_inclusive('\n').enumerate() {
            if index > 0 && !line.starts_with(' ') {
                break;
            }
            end += line.len();
        }
        let without = format!("{}{}", &whole[..at], &whole[end..]);
        let codes = codes(&without);
        let is_missed = codes.iter().any(|code| code == "E011");
        // The event and the entity can be said by other keys, which is the checker's to know.
        if matches!(*key, "trigger" | "entity") {
            continue;
        }
        assert_eq!(!validator.is_valid(&read(&without)), is_missed, "{key}: {codes:?}\n{without}");
    }
}

#[test]
fn every_key_is_described_in_the_schema() {
    let schema = schema::rule(&Catalogue::built_in());
    for entry in KEYS {
        let object = match entry.section {
            Section::Rule => &schema,
            Section::Timer => &schema["$defs"]["timer"],
            Section::Sequence => &schema["$defs"]["sequence"],
            Section::Effective => &schema["$defs"]["effective"],
            Section::Alert => &schema["$defs"]["alert"],
            Section::Rekyc => &schema["$defs"]["rekyc"],
            Section::Param => &schema["$defs"]["param"],
            Section::Reference => &schema["$defs"]["reference"],
            Section::Volume => &schema["$defs"]["volume"],
            Section::Change => &schema["$defs"]["change"],
            Section::Test => &schema["$defs"]["test"],
            Section::Given => &schema["$defs"]["given"],
            Section::Event => &schema["$defs"]["event"],
            Section::ExpectedAlert => &schema["$defs"]["expected_alert"],
            Section::ExpectedRekyc => &schema["$defs"]["expected_rekyc"],
        };
        assert_eq!(object["properties"][entry.key]["description"], entry.doc, "{}", entry.key);
    }
}

#[test]
fn the_program_lists_what_a_rule_may_name_also_of_a_deployment() {
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_weir")).arg("schema").args(arguments).output();
        let output = output.expect("the binary runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let catalogue = Catalogue::built_in();
    let both = format!(
        "{}\n{}",
        tables::fields(&catalogue).markdown(),
        tables::roles(&catalogue).markdown()
    );
    assert_eq!(run(&["fields", "--markdown"]), (Some(0), both));
    let functions = tables::functions().markdown();
    assert_eq!(run(&["functions", "--markdown"]), (Some(0), functions));
    let (_, text) = run(&["fields"]);
    assert!(text.contains("tx.amount") && text.contains("base currency"), "{text}");
    let expressible = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expressible");
    let (code, json) = run(&["fields", "--json", "--rules", expressible.to_str().expect("text")]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let fields = json["fields"].as_array().expect("a list");
    assert_eq!(code, Some(0));
    assert!(fields.iter().any(|field| field["is_built_in"] == false), "those of the deployment");
    let amount = fields.iter().find(|field| field["name"] == "tx.amount").expect("a field");
    assert_eq!(amount["unit"], "base currency");
    assert_eq!(run(&["rule", "--markdown"]).0, Some(1), "a schema is no table");
}
