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

/// `text` without digests, which change with every field that the catalogue gains.
fn without_digests(text: &str) -> String {
    let is_digest = |word: &&str| word.len() == 64 && word.bytes().all(|it| it.is_ascii_hexdigit());
    let digests: Vec<&str> = text.split_whitespace().filter(is_digest).collect();
    digests.into_iter().fold(text.to_owned(), |text, digest| text.replace(digest, "DIGEST"))
}

/// `line` without numbers of bytes, which change with every field that the engine's structures gain, and
/// without the columns that such numbers stand in. That the numbers are right is tested where they are made.
fn without_bytes(line: &str) -> String {
    let is_unit = |word: &str| {
        let word = word.trim_end_matches(|it: char| !it.is_alphanumeric());
        ["B", "kB", "MB", "GB"].contains(&word)
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    if !words.iter().any(|word| is_unit(word)) {
        return line.trim_end().to_owned();
    }
    let mut out: Vec<&str> = Vec::new();
    for word in words {
        if is_unit(word) && out.pop().is_some_and(|number| number.starts_with('(')) {
            out.push("(N");
        } else if is_unit(word) {
            out.push("N");
        }
        out.push(if is_unit(word) { word.trim_start_matches(['k', 'M', 'G']) } else { word });
    }
    let indent = line.len() - line.trim_start().len();
    " ".repeat(indent) + &out.join(" ")
}

/// Compares what was printed with the file `name`; lines do not end in spaces there.
fn compare(name: &str, printed: &str) {
    let lines: Vec<String> = printed.lines().map(without_bytes).collect();
    let printed = without_digests(&(lines.join("\n") + "\n"));
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

/// What `explain` prints about one of the rules here.
fn explain(arguments: &[&str]) -> Output {
    weir(&[&["explain"], arguments].concat())
}

#[test]
fn a_rule_is_told_as_it_is_compiled() {
    for rule in ["new-payees", "payees-again", "phone-then-payment", "review-overdue"] {
        let told = explain(&[rule]);
        assert_eq!(told.status.code(), Some(0), "{}", complaint(&told));
        compare(&format!("{rule}.txt"), &out(&told));
    }
}

#[test]
fn a_path_is_as_good_as_a_name() {
    let by_name = out(&explain(&["new-payees"]));
    for path in ["new-payees.yaml", "demo/new-payees.yaml", "rules/demo/new-payees.yaml"] {
        assert_eq!(out(&explain(&[path])), by_name, "{path}");
    }
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let text =
        fs::read_to_string(folder().join("rules/demo/phone-then-payment.yaml")).expect("a rule");
    let path = elsewhere.path().join("somewhere-else.yaml");
    fs::write(&path, text.replace("rule: phone-then-payment", "rule: somewhere-else"))
        .expect("a file");
    let told = explain(&[path.to_str().expect("a plain path")]);
    assert!(out(&told).starts_with("somewhere-else: A payment"), "{}", complaint(&told));
}

#[test]
fn a_rule_that_is_not_there_is_answered_with_the_one_that_is_meant() {
    let told = explain(&["nw-payees"]);
    assert_eq!((told.status.code(), out(&told).as_str()), (Some(1), ""));
    let expected = "weir: there is no rule `nw-payees`; did you mean `new-payees`?\n";
    assert_eq!(complaint(&told), expected);
    let told = explain(&["something-else-altogether"]);
    assert!(complaint(&told).contains("one of new-payees, payees-again"), "{}", complaint(&told));
}

#[test]
fn a_mistake_in_one_rule_hides_only_that_rule() {
    let broken = tempfile::tempdir().expect("a temporary folder");
    let text =
        fs::read_to_string(folder().join("rules/demo/phone-then-payment.yaml")).expect("a rule");
    fs::write(broken.path().join("phone-then-payment.yaml"), &text).expect("a file");
    let wrong = text.replace("phone-then-payment", "other").replace("critical", "crtical");
    fs::write(broken.path().join("other.yaml"), wrong).expect("a file");
    let path = broken.path().to_str().expect("a plain path");
    let sound = explain(&["phone-then-payment", "--rules", path]);
    assert_eq!(sound.status.code(), Some(0));
    assert!(complaint(&sound).contains("left out because of errors: other.yaml"));
    let wrong = explain(&["other", "--rules", path]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(out(&wrong).contains("E013") && out(&wrong).contains("crtical"), "{}", out(&wrong));
    assert!(complaint(&wrong).contains("has errors and cannot be explained"));
}

#[test]
fn a_rule_as_json_says_the_same() {
    let told = json(&explain(&["new-payees", "--json"]));
    assert_eq!(told["legs"], serde_json::json!([{ "direction": "out", "types": null }]));
    let stages: Vec<&str> = told["decisions"]
        .as_array()
        .expect("decisions")
        .iter()
        .filter_map(|decision| decision["stage"].as_str())
        .collect();
    assert_eq!(stages, ["where", "when", "when", "when", "unless"]);
    let floor = &told["params"][1];
    assert_eq!((&floor["name"], &floor["by"]), (&"floor".into(), &"customer.risk".into()));
    assert_eq!(floor["values"][3], serde_json::json!({ "case": "otherwise", "value": "3000" }));
    assert_eq!(told["lists"][0]["rows"], 2);
    assert_eq!(told["values"][1]["aggregates"][0]["shared_with"][0], "payees-again");
    assert_eq!(told["rekyc"]["due"], "14d");
    assert_eq!(told["cost"]["rule"]["rule"], "new-payees");
    assert_eq!(told["digests"]["meaning"].as_str().map(str::len), Some(64));
}

#[test]
fn cost_of_one_file_is_told_among_the_rules_around_it() {
    let cost = |path: &str| json(&weir(&["check", "--cost", "--json", path]))["cost"].clone();
    let (one, all) = (cost("rules/demo/new-payees.yaml"), cost("rules"));
    let rules = one["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["shares_with"], serde_json::json!(["payees-again"]));
    assert_eq!((&one["bytes"], &one["bytes_apart"]), (&all["bytes"], &all["bytes_apart"]));
}
