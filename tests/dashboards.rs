//! Dashboards and alert rules name only metrics that exist, and follow one shape.
//!
//! In: the files of `dashboards/` and the list of metrics. Out: a failed test that names the panel,
//! the alert or the metric. What `promtool` alone can tell (whether the expressions are valid,
//! whether an alert fires) is checked by `./test` with `promtool`.

mod linter;
mod rules;

use std::path::{Path, PathBuf};

use weir::telemetry::metric_list::{ALL, Definition, Kind};

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards")
}

pub fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The metric that a name in an expression stands for: histograms have three series each.
pub fn definition(name: &str) -> Option<&'static Definition> {
    let exact = ALL.iter().find(|definition| definition.name == name);
    exact.filter(|definition| !matches!(definition.kind, Kind::Histogram(_))).or_else(|| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end))?;
        ALL.iter().find(|one| one.name == base && matches!(one.kind, Kind::Histogram(_)))
    })
}

/// Start and name of each metric of ours in an expression; names with a colon are recorded ones.
pub fn metric_names(expression: &str) -> Vec<(usize, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut names = Vec::new();
    let mut start = None;
    for (at, character) in expression.char_indices().chain([(expression.len(), ' ')]) {
        match (start, is_name(character)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                let name = &expression[from..at];
                if name.starts_with("weir_") && !name.contains(':') {
                    names.push((from, name));
                }
                start = None;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn names_in_expressions_are_found_and_recorded_names_are_not() {
    let expression = "rate(weir_a_total{rule=\"weir-b\"}[5m]) / instance:weir_c:rate5m + weir_d";
    assert_eq!(metric_names(expression), [(5, "weir_a_total"), (65, "weir_d")]);
}

#[test]
fn histogram_is_known_by_its_series_and_not_by_its_name() {
    assert!(definition("weir_commit_seconds_bucket").is_some());
    assert!(definition("weir_commit_seconds").is_none());
    assert!(definition("weir_lag_messages").is_some());
    assert!(definition("weir_lag_messages_count").is_none());
    assert!(definition("weir_unheard_of").is_none());
}

#[test]
fn page_of_the_dashboards_holds_the_list_of_metrics() {
    let table = weir::telemetry::metrics::markdown_table();
    assert!(
        read("README.md").contains(&table),
        "dashboards/README.md has another list of metrics; put this one in:\n\n{table}",
    );
}
