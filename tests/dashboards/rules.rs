//! Alert rules name metrics that exist, have a runbook, and are tested both ways.
//!
//! In: the YAML files of `dashboards/`, read line by line: they are ours and keep one layout.

use std::collections::BTreeMap;

use super::{definition, metric_names, read};

/// The name of each alert with its block of lines.
fn alerts(text: &str) -> BTreeMap<&str, &str> {
    let blocks = text.split("- alert: ").skip(1);
    blocks.map(|block| (block.lines().next().unwrap_or_default().trim(), block)).collect()
}

#[test]
fn every_metric_in_a_rule_exists() {
    for file in ["alerts.yml", "recording.yml", "tests/alerts.yml"] {
        let text = read(file);
        let names = metric_names(&text);
        assert!(!names.is_empty(), "{file} names no metric");
        for (_, name) in names {
            assert!(definition(name).is_some(), "{file}: there is no metric {name}");
        }
    }
}

#[test]
fn every_recorded_name_is_recorded() {
    let recorded = read("recording.yml");
    for file in ["alerts.yml", "weir-overview.json"] {
        for word in read(file).split(|c: char| !(c.is_ascii_alphanumeric() || "_:".contains(c))) {
            if word.contains(":weir_") {
                let line = format!("record: {word}\n");
                assert!(recorded.contains(&line), "{file}: nothing records {word}");
            }
        }
    }
}

#[test]
fn every_alert_has_a_grade_a_text_and_a_runbook() {
    let page = read("README.md");
    for (name, block) in alerts(&read("alerts.yml")) {
        let has_grade = ["page", "ticket"]
            .iter()
            .any(|grade| block.lines().any(|line| line.trim() == format!("severity: {grade}")));
        assert!(has_grade, "{name} is neither page nor ticket");
        for key in ["summary: ", "description: "] {
            assert!(block.contains(key), "{name} has no {key}");
        }
        let runbook = format!("runbook_url: dashboards/README.md#{}\n", name.to_lowercase());
        assert!(block.contains(&runbook), "{name} lacks {runbook}");
        let heading = format!("\n### {name}\n");
        assert!(page.contains(&heading), "dashboards/README.md has no section {name}");
    }
}

#[test]
fn every_alert_has_a_firing_and_a_quiet_test() {
    let tests = read("tests/alerts.yml");
    let cases: Vec<&str> = tests.split("        alertname: ").skip(1).collect();
    for name in alerts(&read("alerts.yml")).keys() {
        let of_alert: Vec<&&str> =
            cases.iter().filter(|case| case.lines().next() == Some(*name)).collect();
        let is_quiet = |case: &&&str| case.contains("exp_alerts: []");
        assert!(of_alert.iter().any(is_quiet), "{name} has no quiet case");
        assert!(!of_alert.iter().all(is_quiet), "{name} has no firing case");
    }
}

#[test]
fn alerts_are_found_by_name() {
    let text = "rules:\n  - alert: A\n    expr: x\n\n  - alert: B\n    expr: y\n";
    let alerts = alerts(text);
    assert_eq!(alerts.keys().copied().collect::<Vec<_>>(), ["A", "B"]);
    assert!(alerts["A"].contains("expr: x") && !alerts["A"].contains("expr: y"));
}
