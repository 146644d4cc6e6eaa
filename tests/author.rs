//! `weir rules ...` as an analyst runs it: the real binary over folders of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use weir::engine::rehearsal;
use weir::rulebook::catalogue::EventName;
use weir::rulebook::{loader, scaffold};

/// Runs `weir` with the repository as its folder.
fn weir(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the binary runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A folder with the given files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn shipped(path: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "rules", path].iter().collect();
    fs::read_to_string(path).expect("a shipped rule")
}

#[test]
fn fmt_writes_what_changes_and_leaves_what_cannot_be_read() {
    let good = shipped("kyc-integrity/expired-document-active.yaml");
    let spread = good.replace("entity: customer", "entity:    customer");
    let folder = folder(&[
        ("a/expired-document-active.yaml", &spread),
        ("b/fine.yaml", &good.replace("expired-document-active", "fine")),
        ("b/broken.yaml", "rule: [\n"),
    ]);
    let root = text(folder.path());
    let checked = weir(&["rules", "fmt", "--check", root]);
    assert_eq!(code(&checked), 1, "{}", complaint(&checked));
    assert!(out(&checked).contains("a/expired-document-active.yaml"), "{}", out(&checked));
    assert!(!out(&checked).contains("fine.yaml"), "{}", out(&checked));
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).expect("a file");
    assert_eq!(read("a/expired-document-active.yaml"), spread, "--check writes nothing");

    let formatted = weir(&["rules", "fmt", root]);
    assert_eq!(code(&formatted), 1, "a file that cannot be read is a finding");
    assert!(complaint(&formatted).contains("b/broken.yaml is left as it is"));
    assert!(complaint(&formatted).contains("E001"));
    assert_eq!(read("a/expired-document-active.yaml"), good);
    assert_eq!(read("b/broken.yaml"), "rule: [\n");

    fs::remove_file(folder.path().join("b/broken.yaml")).expect("removed");
    assert_eq!(code(&weir(&["rules", "fmt", "--check", root])), 0);
    let names: Vec<_> = fs::read_dir(folder.path().join("a")).expect("a folder").collect();
    assert_eq!(names.len(), 1, "no leftover beside the file");
}

#[test]
fn fmt_prints_instead_of_writing() {
    let folder = folder(&[("one.yaml", "rule: one\nlang:   1\n")]);
    let path = folder.path().join("one.yaml");
    let printed = weir(&["rules", "fmt", "--stdout", text(&path)]);
    assert_eq!((code(&printed), out(&printed).as_str()), (0, "lang: 1\nrule: one\n"));
    assert_eq!(fs::read_to_string(&path).expect("a file"), "rule: one\nlang:   1\n");
}

#[test]
fn a_new_rule_of_any_event_is_sound_formatted_and_passes_its_tests() {
    for trigger in EventName::all() {
        let text = scaffold::rule("a-new-rule", trigger);
        let path = "pack/a-new-rule.yaml".to_owned();
        assert_eq!(weir::rulebook::format::format(&path, &text).as_ref(), Ok(&text));
        let loaded = loader::load(&BTreeMap::from([(path, text)]));
        assert!(loaded.diagnostics.is_empty(), "{}: {:#?}", trigger.word(), loaded.diagnostics);
        let report = rehearsal::rehearse_all(&loaded.rulebook.expect("a rulebook"));
        assert_eq!(report.rehearsals.len(), 2);
        assert!(report.is_passed(), "{}: {report:#?}", trigger.word());
    }
}

#[test]
fn new_refuses_names_that_are_taken_or_cannot_be() {
    let folder = folder(&[]);
    let root = text(folder.path());
    let new = |name: &str, trigger: &str| {
        weir(&["rules", "new", name, "--trigger", trigger, "--rules", root])
    };
    let made = new("access/many-logins", "security.login");
    assert_eq!(code(&made), 0, "{}", complaint(&made));
    assert_eq!(code(&weir(&["check", "--strict", root])), 0);
    assert_eq!(code(&weir(&["test", root])), 0);
    let path = folder.path().join("access/many-logins.yaml");
    let shadow = fs::read_to_string(&path).expect("the new rule");
    fs::write(&path, shadow.replace("status: shadow", "status: active")).expect("a file");
    let strict = out(&weir(&["check", "--strict", root]));
    for missing in ["misses, false_alarms, tags.typology", "approver", "why `limit` is what it is"]
    {
        assert!(strict.contains(missing), "{missing} in\n{strict}");
    }
    fs::write(&path, shadow).expect("a file");
    for (name, trigger, why) in [
        ("access/many-logins", "transaction", "there is a rule of that name"),
        ("other/many-logins", "transaction", "access/many-logins.yaml"),
        ("many-logins", "transaction", "not PACK/NAME"),
        ("access/Many_Logins", "transaction", "not PACK/NAME"),
        ("access/../logins", "transaction", "not PACK/NAME"),
        ("lists/logins", "transaction", "choose a pack"),
        ("access/logins", "security.logon", "did you mean `security.login`?"),
    ] {
        let refused = new(name, trigger);
        assert_eq!(code(&refused), 1, "{name}");
        assert!(complaint(&refused).contains(why), "{name}: {}", complaint(&refused));
    }
}

#[test]
fn list_shows_every_rule_and_picks_by_tag() {
    let listed = weir(&["rules", "list", "--json"]);
    let all: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let all = all.as_array().expect("rules");
    assert!(all.len() >= 10);
    let rule = all.iter().find(|rule| rule["rule"] == "registration-burst").expect("it is shipped");
    assert_eq!(rule["pack"], "registration-anomaly");
    assert_eq!((&rule["trigger"], &rule["entity"]), (&"kyc.registered".into(), &"device".into()));
    assert_eq!(rule["owner"], serde_json::json!(["onboarding-control"]));
    assert!(rule["tests"].as_u64() > Some(1));
    let picked = |tag: &str| {
        let listed = weir(&["rules", "list", "--json", "--tag", tag]);
        let picked: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
        picked.as_array().expect("rules").len()
    };
    assert_eq!(picked("owner=onboarding-control"), picked("onboarding-control"));
    assert!((1..all.len()).contains(&picked("owner=onboarding-control")));
    assert_eq!(picked("typology=onboarding-control"), 0);
    let table = out(&weir(&["rules", "list"]));
    for word in ["OWNER", "VERSION", "registration-burst", "kyc.registered", "rule(s)"] {
        assert!(table.contains(word), "{word} in\n{table}");
    }
}

#[test]
fn list_tells_when_it_is_not_whole_and_shows_rules_that_are_off() {
    let good = shipped("kyc-integrity/expired-document-active.yaml");
    let folder = folder(&[
        ("a/expired-document-active.yaml", &good.replace("status: active", "status: off")),
        ("a/broken.yaml", "rule: broken\n"),
    ]);
    let listed = weir(&["rules", "list", text(folder.path())]);
    assert_eq!(code(&listed), 1);
    assert!(out(&listed).contains("1 rule(s), 1 of them off"), "{}", out(&listed));
    assert!(complaint(&listed).contains("files with errors are not listed"));
}
