//! The shape of a dashboard that works after import: Grafana's own list of lints, without its tool.
//!
//! In: each JSON file of `dashboards/`. Out: one line per finding, naming the panel.

use std::path::Path;

use serde_json::Value;
use weir::telemetry::metric_list::Kind;

use super::{definition, folder, metric_names, read};

fn dashboards() -> Vec<(String, Value)> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "json"))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let value = serde_json::from_str(&read(&name)).expect("a dashboard is JSON");
            (name, value)
        })
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// All findings of one dashboard.
fn lint(board: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let mut demand = |holds: bool, finding: &str| {
        if !holds {
            findings.push(finding.to_owned());
        }
    };
    demand(!text(board, "uid").is_empty(), "the dashboard has no uid");
    demand(!text(board, "title").is_empty(), "the dashboard has no title");
    demand(board["editable"] == false, "the dashboard is editable");
    findings.extend(lint_variables(list(&board["templating"], "list")));
    let mut titles = std::collections::BTreeSet::new();
    for panel in list(board, "panels").iter().filter(|panel| panel["type"] != "row") {
        let title = text(panel, "title");
        if !titles.insert(title) {
            findings.push(format!("two panels are called {title}"));
        }
        findings.extend(lint_panel(panel).into_iter().map(|finding| format!("{title}: {finding}")));
    }
    if titles.is_empty() {
        findings.push("the dashboard has no panels".to_owned());
    }
    findings
}

fn lint_variables(variables: &[Value]) -> Vec<String> {
    let mut findings = Vec::new();
    let find = |name: &str| variables.iter().find(|variable| variable["name"] == name);
    match find("datasource") {
        Some(variable)
            if variable["type"] == "datasource"
                && variable["query"] == "prometheus"
                && variable["label"] == "Data Source" => {}
        _ => findings.push("no variable datasource of Prometheus, labeled Data Source".to_owned()),
    }
    for name in ["job", "instance"] {
        match find(name) {
            Some(variable)
                if variable["multi"] == true
                    && variable["includeAll"] == true
                    && variable["allValue"] == ".+"
                    && variable["refresh"] == 2
                    && variable["datasource"]["uid"] == "${datasource}" => {}
            _ => findings.push(format!("no variable {name} for several values and for all (.+)")),
        }
    }
    findings
}

fn lint_panel(panel: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let mut demand = |holds: bool, finding: &str| {
        if !holds {
            findings.push(finding.to_owned());
        }
    };
    demand(!text(panel, "title").is_empty(), "no title");
    demand(!text(panel, "description").is_empty(), "no description");
    demand(!text(&panel["fieldConfig"]["defaults"], "unit").is_empty(), "no unit");
    demand(panel["datasource"]["uid"] == "${datasource}", "not the chosen data source");
    let targets = list(panel, "targets");
    demand(!targets.is_empty(), "no target");
    for target in targets {
        if target["datasource"]["uid"] != "${datasource}" {
            findings.push("a target has another data source".to_owned());
        }
        findings.extend(lint_expression(text(target, "expr")));
    }
    findings
}

fn lint_expression(expression: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let names = metric_names(expression);
    if names.is_empty() {
        findings.push(format!("no metric of ours in {expression}"));
    }
    for (at, name) in names {
        let Some(definition) = definition(name) else {
            findings.push(format!("there is no metric {name}"));
            continue;
        };
        let after = &expression[at + name.len()..];
        if !after.starts_with("{job=~\"$job\", instance=~\"$instance\"") {
            findings.push(format!("{name} is not narrowed to $job and $instance"));
        }
        let is_rated = ["rate(", "increase("].iter().any(|call| expression[..at].ends_with(call));
        let counts = !matches!(definition.kind, Kind::Gauge);
        if counts != is_rated {
            findings
                .push(format!("{name}: a counter needs a rate or an increase, a gauge neither"));
        }
        let range = after.split_once('}').map_or("", |(_, rest)| rest);
        if is_rated && !range.starts_with("[$__rate_interval]") {
            findings.push(format!("{name}: a rate is taken over $__rate_interval"));
        }
    }
    findings
}

#[test]
fn every_dashboard_keeps_the_shape() {
    let dashboards = dashboards();
    assert!(!dashboards.is_empty(), "there is no dashboard");
    for (name, board) in dashboards {
        let findings = lint(&board);
        assert!(findings.is_empty(), "{name}:\n{}", findings.join("\n"));
    }
}

#[test]
fn every_panel_is_explained() {
    let page = read("README.md");
    for (name, board) in dashboards() {
        for panel in list(&board, "panels").iter().filter(|panel| panel["type"] != "row") {
            let title = text(panel, "title");
            let entry = format!("| **{title}** |");
            assert!(page.contains(&entry), "dashboards/README.md lacks {entry} of {name}");
        }
    }
}

#[test]
fn each_lint_finds_its_fault() {
    let (_, sound) = dashboards().remove(0);
    assert_eq!(lint(&sound), [""; 0]);
    let panel = list(&sound, "panels").iter().position(|panel| panel["type"] == "timeseries");
    let panel = format!("/panels/{}", panel.expect("a panel with a rate"));
    let selector = "{job=~\"$job\", instance=~\"$instance\"}";
    let expression = |text: String| Value::String(text);
    for (pointer, value, finding) in [
        ("/uid".to_owned(), Value::Null, "no uid"),
        ("/editable".to_owned(), Value::Bool(true), "editable"),
        ("/templating/list/0/label".to_owned(), Value::Null, "Data Source"),
        ("/templating/list/1/multi".to_owned(), Value::Bool(false), "variable job"),
        ("/templating/list/2/allValue".to_owned(), Value::Null, "variable instance"),
        (format!("{panel}/description"), Value::Null, "no description"),
        (format!("{panel}/fieldConfig/defaults/unit"), Value::Null, "no unit"),
        (format!("{panel}/targets"), Value::Null, "no target"),
        (format!("{panel}/datasource/uid"), Value::from("fixed"), "data source"),
        (format!("{panel}/targets/0/datasource/uid"), Value::from("fixed"), "data source"),
        (
            format!("{panel}/targets/0/expr"),
            expression(format!("weir_unheard_of{selector}")),
            "there is no metric weir_unheard_of",
        ),
        (
            format!("{panel}/targets/0/expr"),
            expression("weir_lag_messages".to_owned()),
            "not narrowed",
        ),
        (
            format!("{panel}/targets/0/expr"),
            expression(format!("weir_messages_total{selector}")),
            "a counter needs a rate",
        ),
        (
            format!("{panel}/targets/0/expr"),
            expression(format!("rate(weir_lag_messages{selector}[$__rate_interval])")),
            "a gauge neither",
        ),
        (
            format!("{panel}/targets/0/expr"),
            expression(format!("rate(weir_messages_total{selector}[5m])")),
            "$__rate_interval",
        ),
    ] {
        let mut board = sound.clone();
        *board.pointer_mut(&pointer).expect("the place is there") = value;
        let findings = lint(&board);
        assert!(
            findings.iter().any(|text| text.contains(finding)),
            "{pointer} changed, {finding} not found in {findings:?}",
        );
    }
}
