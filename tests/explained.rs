//! What rules cost and what they do, told to an analyst: the real program over the rules in
//! `tests/explained/rules`, compared with the texts beside them.
//!
//! `UPDATE_EXPECT=1 cargo test --test all explained` writes the texts anew; read them before they are kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explained")
}

/// Runs `weir` in the folder of this test.
fn weir(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .current_dir(folder())
        .output()
        .expect("the program runs")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Compares what was printed with the file `name`; lines do not end in spaces there.
fn compare(name: &str, printed: &str) {
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let printed = lines.join("\n") + "\n";
    let path = folder().join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &printed).expect("a file");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        printed == expected,
        "{name} differs; run: UPDATE_EXPECT=1 cargo test --test all explained\n{printed}"
    );
}

#[test]
fn cost_tells_each_aggregate_and_counts_what_is_shared_once() {
    let checked = weir(&["check", "--cost", "--events-per-day", "2", "rules"]);
    assert_eq!(checked.status.code(), Some(0), "{}", complaint(&checked));
    // Problems stand before it; what they are is another test's matter.
    let printed = out(&checked);
    let at = printed.find("Estimated cost").expect("an estimate");
    compare("cost.txt", &printed[at..]);
}

#[test]
fn cost_as_json_adds_up_and_names_every_aggregate() {
    let report = json(&weir(&["check", "--cost", "--json", "rules"]));
    let cost = &report["cost"];
    assert_eq!(cost["assumptions"]["events_per_day"], "1");
    let rules = cost["rules"].as_array().expect("rules");
    let names: Vec<&str> = rules.iter().filter_map(|rule| rule["rule"].as_str()).collect();
    assert_eq!(names, ["new-payees", "payees-again", "phone-then-payment"], "one is off");
    let mut kinds = BTreeSet::new();
    for rule in rules {
        let stored = rule["stored"].as_array().expect("what is stored");
        kinds.extend(stored.iter().filter_map(|item| item["kind"].as_str()));
        let told: usize = stored
            .iter()
            .map(|item| item["aggregates"].as_array().expect("aggregates").len())
            .sum();
        assert_eq!(rule["aggregates"], told, "{rule:#}");
        let keys = rule["bytes_per_key"].as_object().expect("keys");
        let sum: u64 = keys.values().filter_map(Value::as_u64).sum();
        assert_eq!(rule["bytes"], sum);
        let stored: u64 = stored.iter().filter_map(|item| item["bytes"].as_u64()).sum();
        assert!(stored < sum, "keys cost something too: {rule:#}");
    }
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["buckets", "events", "flows", "matches", "step"]
    );
    let apart: u64 = rules.iter().filter_map(|rule| rule["bytes"].as_u64()).sum();
    assert!(cost["bytes"].as_u64().expect("a sum") < apart, "two rules share a window");
}

#[test]
fn cost_of_a_busier_key_is_higher_and_a_wrong_pace_is_refused() {
    let bytes = |per_day: &str| {
        let checked = weir(&["check", "--cost", "--json", "--events-per-day", per_day, "rules"]);
        json(&checked)["cost"]["bytes"].as_u64().expect("a sum")
    };
    assert!(bytes("0.1") < bytes("1") && bytes("1") < bytes("50"));
    for wrong in ["0", "-1", "many", "1e9"] {
        let checked = weir(&["check", "--cost", "--events-per-day", wrong, "rules"]);
        assert_eq!(checked.status.code(), Some(2), "{wrong}");
    }
    let checked = weir(&["check", "--cost", "--format", "sarif", "rules"]);
    assert_eq!(checked.status.code(), Some(2));
    assert!(complaint(&checked).contains("--cost is told as text or as JSON"));
}

#[test]
fn cost_of_rules_with_an_error_is_not_guessed() {
    let broken = tempfile::tempdir().expect("a temporary folder");
    fs::write(broken.path().join("one.yaml"), "rule: one\n").expect("a file");
    let path = broken.path().to_str().expect("a plain path");
    let checked = weir(&["check", "--cost", path]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(complaint(&checked).contains("when no file has an error"), "{}", complaint(&checked));
    assert_eq!(json(&weir(&["check", "--cost", "--json", path]))["cost"], Value::Null);
}
