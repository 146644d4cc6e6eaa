//! `weir check` and `weir help` as an analyst, a code host and an editor run them: the real program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A rule that is right, has a warning (no test), and is named like its file.
const GOOD: &str = "lang: 1
rule: NAME
title: A large payment
severity: low
trigger: transaction
entity: customer
when: tx.amount > 100
alert: { score: 50, message: A payment. }
";

fn good(name: &str) -> String {
    GOOD.replace("NAME", name)
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    folder
}

fn weir(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn all_problems_of_all_files_come_in_one_run() {
    let bad = good("bad").replace("severity: low", "severity: lwo").replace("amount", "amont");
    let folder = folder(&[
        ("rules/a/bad.yaml", bad.as_bytes()),
        ("rules/a/good.yaml", good("good").as_bytes()),
        ("rules/b/not-text.yaml", b"lang: 1\ntitle: \xd6verf\xf6ringar\n"),
        ("rules/b/not-yaml.yaml", b"lang: 1\ntitle: \"Payments\n"),
        ("rules/lists/countries.csv", b"value,valid_from\nKP,soon\n,2026-01-01\n"),
    ]);
    let output = weir(folder.path(), &["check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    let found: Vec<(&str, &str)> = report["diagnostics"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| (it["path"].as_str().expect("a path"), it["code"].as_str().expect("a code")))
        .collect();
    let expected = [
        ("a/bad.yaml", "E013"),
        ("a/bad.yaml", "E021"),
        ("a/good.yaml", "W205"),
        ("b/not-text.yaml", "E002"),
        ("b/not-yaml.yaml", "E001"),
        ("lists/countries.csv", "E042"),
        ("lists/countries.csv", "E043"),
    ];
    assert_eq!(found, expected);
    assert_eq!((&report["errors"], &report["warnings"]), (&6.into(), &1.into()));
    assert_eq!(json(&weir(folder.path(), &["check", "--json"])), report);
}

#[test]
fn warnings_are_errors_only_when_it_is_strict() {
    let folder = folder(&[("rules/a/good.yaml", good("good").as_bytes())]);
    assert_eq!(weir(folder.path(), &["check"]).status.code(), Some(0));
    let strict = weir(folder.path(), &["check", "--strict"]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(text(&strict.stdout).contains("warning[W205]"));
}

#[test]
fn documentation_is_asked_for_only_when_it_is_strict_and_only_of_active_rules() {
    let active = include_str!("diagnostics/not-documented.yaml");
    let shadow = include_str!("diagnostics/not-documented-but-in-shadow.yaml");
    let folder = folder(&[
        ("rules/a/not-documented.yaml", active.as_bytes()),
        ("rules/a/not-documented-but-in-shadow.yaml", shadow.as_bytes()),
    ]);
    let lenient = weir(folder.path(), &["check"]);
    assert_eq!(lenient.status.code(), Some(0));
    let told = text(&lenient.stdout);
    assert!(told.contains("0 error(s), 0 warning(s)\n1 rule(s) are not documented"), "{told}");
    assert_eq!(json(&weir(folder.path(), &["check", "--json"]))["undocumented"], 1);
    let strict = weir(folder.path(), &["check", "--strict", "--json"]);
    assert_eq!(strict.status.code(), Some(1));
    let report = json(&strict);
    let told = report["diagnostics"].as_array().expect("a list").iter();
    let told: Vec<_> = told.map(|it| (it["path"].as_str(), it["code"].as_str())).collect();
    let path = Some("a/not-documented.yaml");
    assert_eq!(told, [(path, Some("W217")), (path, Some("W219")), (path, Some("W220"))]);
}

#[test]
fn a_review_is_due_by_todays_date() {
    let rule = |day: &str| good("good").replace("severity", &format!("review_by: {day}\nseverity"));
    for (day, is_due) in [("2020-01-01", true), ("2999-12-31", false)] {
        let folder = folder(&[("rules/a/good.yaml", rule(day).as_bytes())]);
        let told = text(&weir(folder.path(), &["check"]).stdout);
        assert_eq!(told.contains("warning[W221]"), is_due, "{told}");
    }
}

#[test]
fn a_code_host_finds_the_files_where_they_are_in_the_repository() {
    let bad = good("bad").replace("amount", "amont");
    let folder = folder(&[("aml/rules/a/bad.yaml", bad.as_bytes())]);
    let output = weir(folder.path(), &["check", "--format", "sarif", "./aml/rules"]);
    assert_eq!(output.status.code(), Some(1));
    let result = &json(&output)["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "E021");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "aml/rules/a/bad.yaml");
    assert_eq!(place["region"]["startLine"], 7);
    let output = weir(folder.path(), &["check", "--format", "github", "aml/rules/a/bad.yaml"]);
    let first = "::error file=aml/rules/a/bad.yaml,line=7,endLine=7,col=7,endColumn=15,title=E021";
    assert!(text(&output.stdout).starts_with(first), "{}", text(&output.stdout));
}

/// A folder whose rules need the schema, a list and one another, across packs.
fn woven() -> TempDir {
    let first = good("first").replace(
        "tx.amount > 100",
        "tx.amount > 100 and tx.extra.wallet in list.wallets and matches(\"second\", 7d) >= 1",
    );
    let tests = "tests:
  - name: a payment through the wallet
    events: [{ at: 0d, tx: { customer: C1, amount: 200, extra.wallet: W1 } }]
    alerts: [{ at: 0d, entity: C1 }]
  - name: a small one
    events: [{ at: 0d, tx: { customer: C1, amount: 20, extra.wallet: W1 } }]
    alerts: []
";
    let schema = "fields:\n  tx.extra.wallet: { type: text, doc: The wallet. }\n";
    folder(&[
        ("rules/a/first.yaml", format!("{first}{tests}").as_bytes()),
        ("rules/b/second.yaml", good("second").as_bytes()),
        ("rules/schema.yaml", schema.as_bytes()),
        ("rules/lists/wallets.csv", b"value\nW1\n"),
    ])
}

#[test]
fn a_pack_or_a_file_is_checked_and_tested_among_the_rules_around_it() {
    let folder = woven();
    for path in ["rules/a", "rules/a/first.yaml", "./rules/a/"] {
        let output = weir(folder.path(), &["check", path]);
        assert_eq!(
            text(&output.stdout),
            "1 rule file(s): 0 error(s), 0 warning(s)\n1 rule(s) are \
            not documented in full; `weir check --strict` says what is missing\n",
            "{path}"
        );
        let output = weir(folder.path(), &["test", "--json", path]);
        assert_eq!(json(&output)["run"], 2, "{path}");
        assert_eq!(json(&output)["failed"], 0, "{path}");
    }
    // From inside the pack too, and a list by itself.
    let pack = folder.path().join("rules/a");
    assert_eq!(weir(&pack, &["check", "."]).status.code(), Some(0));
    assert_eq!(weir(&pack, &["test", "first.yaml"]).status.code(), Some(0));
    fs::write(folder.path().join("rules/lists/wallets.csv"), "value,valid_from\nW1,soon\n")
        .expect("a file");
    let output = json(&weir(folder.path(), &["check", "--json", "rules/lists/wallets.csv"]));
    assert_eq!(output["diagnostics"][0]["code"], "E042");
    assert_eq!(output["diagnostics"].as_array().map(Vec::len), Some(1));
}

#[test]
fn only_what_was_asked_for_is_reported_and_what_is_around_it_is_named() {
    let folder = woven();
    let bad = good("bad").replace("amount", "amont");
    fs::write(folder.path().join("rules/b/bad.yaml"), bad).expect("a file");
    let output = weir(folder.path(), &["check", "rules/a"]);
    assert_eq!(output.status.code(), Some(0));
    let page = text(&output.stdout);
    assert!(page.contains("files around them have errors too: b/bad.yaml"), "{page}");
    assert!(!page.contains("E021"), "{page}");
    let report = json(&weir(folder.path(), &["check", "--json", "rules/a"]));
    assert_eq!(report["errors_around"][0], "b/bad.yaml");
    // A rule beside it that is wrong keeps no test from being run, unless its matches are read.
    let output = weir(folder.path(), &["test", "rules/a"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("left out, as they have errors: b/bad.yaml"));
    let second = good("second").replace("amount", "amont");
    fs::write(folder.path().join("rules/b/second.yaml"), second).expect("a file");
    let output = weir(folder.path(), &["test", "rules/a"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("b/second.yaml:7:7"), "{}", text(&output.stdout));
}

#[test]
fn a_list_that_is_not_text_is_one_problem_in_every_command() {
    let folder = woven();
    fs::write(folder.path().join("rules/lists/wallets.csv"), b"value,comment\nW1,\xd6l\n")
        .expect("a file");
    for command in ["check", "test"] {
        let output = weir(folder.path(), &[command, "--json", "rules"]);
        assert_eq!(output.status.code(), Some(1));
        let found = json(&output)["diagnostics"].clone();
        let errors = found.as_array().expect("a list").iter().filter(|it| it["level"] == "error");
        let errors: Vec<_> = errors.map(|it| (&it["code"], &it["path"], &it["line"])).collect();
        assert_eq!(errors, [(&"E002".into(), &"lists/wallets.csv".into(), &2.into())], "{command}");
    }
}

#[test]
fn a_code_is_explained_with_a_wrong_and_a_right_example() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let output = weir(here.path(), &["help", "e022"]);
    assert_eq!(output.status.code(), Some(0));
    let page = text(&output.stdout);
    for part in ["E022 (error)", "Wrong:", "tx.type == \"wired\"", "Right:", "tx.type == \"wire\""]
    {
        assert!(page.contains(part), "{page}");
    }
    let value = json(&weir(here.path(), &["help", "E022", "--json"]));
    assert_eq!(value["wrong"], "when: tx.type == \"wired\"");
    let several = weir(here.path(), &["help", "E022", "w207"]);
    let pages = text(&several.stdout);
    assert!(pages.contains("E022 (error)") && pages.contains("W207 (warning)"), "{pages}");
    let unknown = weir(here.path(), &["help", "E022", "E999"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("no code or command `E999`"));
    let all = text(&weir(here.path(), &["help"]).stdout);
    assert!(all.contains("E001  not readable as YAML") && all.contains("W302  "));
}

#[test]
fn an_unknown_code_is_no_success_and_names_the_nearest() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let output = weir(here.path(), &["help", "EO21"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("did you mean `E021`?"), "{}", text(&output.stderr));
    let output = weir(here.path(), &["help", "chekc"]);
    assert!(text(&output.stderr).contains("did you mean `check`?"));
    let output = weir(here.path(), &["help", "something"]);
    assert!(text(&output.stderr).contains("`weir help` lists all codes"));
    // The usual ways to help still work.
    let usual = text(&weir(here.path(), &["check", "--help"]).stdout);
    assert_eq!(usual, text(&weir(here.path(), &["help", "check"]).stdout));
    assert!(usual.contains("--strict"));
}

/// A `weir check --watch` and the lines that it prints.
struct Watching {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Watching {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["check", "--watch", "rules"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().expect("its output");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// Waits for the summary of the next report.
    fn summary(&self) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(30)).expect("a report in time");
            if line.contains("rule file(s)") {
                return line;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_watched_folder_is_checked_again_after_each_change_until_it_is_stopped() {
    let folder = folder(&[("rules/a/good.yaml", good("good").as_bytes())]);
    let file = folder.path().join("rules/a/good.yaml");
    let mut watching = Watching::start(folder.path());
    assert_eq!(watching.summary(), "1 rule file(s): 0 error(s), 1 warning(s)");
    fs::write(&file, good("good").replace("amount", "amont")).expect("a changed file");
    assert_eq!(watching.summary(), "1 rule file(s): 1 error(s), 0 warning(s)");
    // Written anew beside it and moved over it, as editors do.
    let beside = folder.path().join("rules/a/.good.yaml.new");
    fs::write(&beside, good("good")).expect("a new file");
    fs::rename(&beside, &file).expect("moved over the old one");
    assert_eq!(watching.summary(), "1 rule file(s): 0 error(s), 1 warning(s)");
    // Nothing changed since, so nothing was printed since.
    let quiet = watching.lines.recv_timeout(Duration::from_millis(1500));
    assert!(!matches!(quiet, Ok(line) if line.contains("rule file(s)")));
    let id = watching.child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().expect("kill runs");
    assert!(sent.success());
    assert_eq!(watching.child.wait().expect("it ends").code(), Some(0));
}
