//! `weir test` as a user runs it: which tests, in which form, and with which exit code. Also that the
//! shipped rules have a test for every change that `--gaps` makes to them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use weir::engine::rehearsal::gaps::{self, Fate};
use weir::rulebook::loader;

/// Runs the binary without colors.
fn weir(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .env("NO_COLOR", "1")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// The shipped structuring rule with one word changed, so that some of its tests fail.
fn broken(folder: &Path) -> String {
    let shipped = "rules/thresholds-structuring/structuring-cash-deposits.yaml";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(shipped);
    let rule = fs::read_to_string(path).expect("a shipped rule");
    let (good, wrong) = ("min_deposits:\n    value: 3", "min_deposits:\n    value: 4");
    assert!(rule.contains(good));
    let pack = folder.join("pack");
    fs::create_dir_all(folder.join("lists")).expect("a folder");
    fs::create_dir_all(&pack).expect("a folder");
    fs::write(folder.join("lists/night_safe_accounts.csv"), "value\n").expect("a file");
    let rule = rule.replace(good, wrong);
    fs::write(pack.join("structuring-cash-deposits.yaml"), rule).expect("a file");
    folder.to_str().expect("a plain path").to_owned()
}

#[test]
fn filters_choose_tests_and_listing_runs_none() {
    let listed =
        weir(&["test", "--list", "--filter", "burst::retrying", "--filter", "::night safe"]);
    assert_eq!(
        text(&listed.stdout),
        "registration-burst::the same customer retrying is one customer\n\
         structuring-cash-deposits::takings through the night safe are excused\n"
    );
    assert_eq!(listed.status.code(), Some(0));
    let none = weir(&["test", "--filter", "no such test"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("nothing matches `no such test`"));
}

#[test]
fn without_a_filter_it_is_said_why_no_test_was_run() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().to_str().expect("a plain path");
    let (rule, _) = GAPPY.split_once("tests:").expect("tests at the end");
    let off = GAPPY.replace("severity", "status: off\nseverity");
    for (text_of_rule, reason) in [
        (rule, "no rule has tests; write them under `tests:` in the rule's file"),
        (&off, "off is gappy; rules in `status: shadow` are tested"),
    ] {
        fs::write(folder.path().join("gappy.yaml"), text_of_rule).expect("a file");
        let run = weir(&["test", path]);
        assert_eq!(run.status.code(), Some(1));
        assert_eq!(text(&run.stderr), format!("weir: no test was run: {reason}\n"));
    }
}

#[test]
fn a_failed_test_shows_what_was_expected_what_came_and_why() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = weir(&["test", &broken(folder.path()), "--filter", "::at two branches"]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(
        text(&run.stdout),
        "\
FAILED structuring-cash-deposits: three deposits just under the limit at two branches
  pack/structuring-cash-deposits.yaml:117:9: alert at 2d about C1
    - expected: score 60, n 3, total 28600.5, branches 2, weeks_before 0
    + did not come
      when: `n >= min_deposits` was false: 3 >= 4
  pack/structuring-cash-deposits.yaml:119:9: re-KYC request at 2d about C1
    - expected: level enhanced
    + did not come
      when: `n >= min_deposits` was false: 3 >= 4

1 rule(s), 0 test(s) passed, 1 failed, 0 rule(s) without a test
"
    );
}

#[test]
fn json_names_every_reason() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = weir(&["test", &broken(folder.path()), "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(report["run"].as_u64(), report["tests"].as_array().map(|it| it.len() as u64));
    let first = &report["tests"][0]["differences"][0];
    assert_eq!(first["difference"], "no alert about C1 at 2d");
    assert_eq!(first["why"][0], "when: `n >= min_deposits` was false: 3 >= 4");
}

#[test]
fn junit_is_well_formed_and_counts_what_it_holds() {
    use quick_xml::events::Event;
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = weir(&["test", &broken(folder.path()), "--format", "junit"]);
    assert_eq!(run.status.code(), Some(1));
    let xml = text(&run.stdout);
    let mut reader = quick_xml::Reader::from_str(&xml);
    let (mut cases, mut failures, mut head) = (0, 0, String::new());
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "testsuites" => head = tag.to_string(),
                "testcase" => cases += 1,
                "failure" => failures += 1,
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(failures > 0 && failures < cases, "{xml}");
    let counted = format!("tests=\"{cases}\" failures=\"{failures}\"");
    assert!(head.ends_with(&counted), "{head}");
}

#[test]
fn rules_with_errors_run_no_test_and_say_so_in_every_form() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("wrong.yaml"), "lang: 1\n").expect("a file");
    let path = folder.path().to_str().expect("a plain path");
    for (format, part) in
        [("text", "no test was run"), ("json", "\"diagnostics\""), ("junit", "<failure message=")]
    {
        let run = weir(&["test", path, "--format", format]);
        assert_eq!(run.status.code(), Some(1), "{format}");
        assert!(text(&run.stdout).contains(part), "{format}: {}", text(&run.stdout));
    }
}

/// A rule whose tests leave two gaps.
const GAPPY: &str = r#"lang: 1
rule: gappy
title: A rule with gaps
severity: low
trigger: transaction
entity: customer
where: tx.direction == "out"
let:
  n: count(transaction) by customer over 2h
when: tx.direction == "out" and n >= 2
alert: { score: 50, message: "{n}" }
tests:
  - name: two within two hours
    defaults: { tx: { customer: C1, account: A1, amount: 11 } }
    events: [{ at: 0h, tx: {} }, { at: 90m, tx: { account: A2 } }]
    alerts: [{ at: 90m, entity: C1, score: 50 }]
  - name: one is not enough
    events: [{ at: 0h, tx: { customer: C1, account: A1, amount: 11 } }]
    alerts: []
  - name: what comes in does not count
    events: [{ at: 0h, every: 1h, times: 2, tx: { customer: C1, account: A1, amount: 11, direction: in } }]
    alerts: []
"#;

#[test]
fn gaps_are_told_by_line_with_the_test_that_would_close_them() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("gappy.yaml"), GAPPY).expect("a file");
    let path = folder.path().to_str().expect("a plain path");
    let run = weir(&["test", "--gaps", path]);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    assert_eq!(
        text(&run.stdout),
        "\
gappy.yaml:9: n: count(transaction) by customer over 2h
  no test notices if `2h` were `4h`
    add a test in which an event between 2h and 4h back must not count

1 rule(s), 18 change(s): 15 noticed, 1 noticed by no test, 2 change nothing, 0 do not load
"
    );
    let closed = GAPPY.replace(
        "events: [{ at: 0h, tx: { customer: C1, account: A1, amount: 11 } }]",
        "events: [{ at: 0h, every: 2h, times: 2, tx: { customer: C1, account: A1, amount: 11 } }]",
    );
    assert_ne!(closed, GAPPY);
    fs::write(folder.path().join("gappy.yaml"), closed).expect("a file");
    let run = weir(&["test", "--gaps", "--json", path]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let rule = &report["rules"][0];
    assert_eq!(rule["unnoticed"].as_array().map(Vec::len), Some(0));
    let reasons: Vec<_> =
        rule["same"].as_array().expect("a list").iter().map(|it| it["reason"].as_str()).collect();
    assert!(reasons.contains(&Some("the same condition stands elsewhere in `where` or `when`")));
}

#[test]
fn no_gap_is_told_of_a_rule_whose_tests_fail() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = weir(&["test", "--gaps", &broken(folder.path())]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(text(&run.stdout), "");
    assert!(text(&run.stderr).contains("fail with the rules as they are"), "{}", text(&run.stderr));
}

/// Changes to shipped rules that no story could notice: the rule, the change, and why.
const WITHOUT_EFFECT: &[(&str, &str, &str)] = &[
    // Of `n`, `smallest` and `largest`.
    ("repeated-small-transfers", "`7d` were `14d`", LONGER),
    ("repeated-small-transfers", "`7d` were `14d`", LONGER),
    ("repeated-small-transfers", "`7d` were `14d`", LONGER),
    (
        "repeated-small-transfers",
        "`just_under` were left out",
        "the fourth of four is just under the line and raises the alert; as long as the four lie within a \
         week, that alert is younger than its cool-down",
    ),
];

const LONGER: &str = "a payment of the week before makes `paid_before` more than 0";

#[test]
fn no_change_to_a_shipped_rule_goes_unnoticed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let texts = weir::files::read_folder(&folder).expect("the rules folder can be read");
    let rulebook = loader::load(&texts).rulebook.expect("the shipped rules load");
    let studies = gaps::studies(&rulebook, |_| true);
    let changes: Vec<_> = studies
        .iter()
        .flat_map(|study| study.mutants.iter().map(move |mutant| (study, mutant)))
        .collect();
    assert!(changes.len() > 500, "only {} changes", changes.len());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let unnoticed = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((study, mutant)) = changes.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    if study.try_out(mutant) == Fate::Unnoticed {
                        let place = (study.rule.name.as_str(), mutant.span.start);
                        let told = (place, mutant.supposition());
                        unnoticed.lock().expect("no thread failed").insert(told);
                    }
                }
            });
        }
    });
    let unnoticed = unnoticed.into_inner().expect("no thread failed");
    let unnoticed: Vec<_> =
        unnoticed.iter().map(|((rule, _), told)| (*rule, told.as_str())).collect();
    let without_effect: Vec<_> = WITHOUT_EFFECT.iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(unnoticed, without_effect, "no test notices these changes");
}
