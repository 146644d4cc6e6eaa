//! The six example rules of the language's design, as they were written before there was a checker.
//!
//! `tests/examples/*.yaml` are those texts to the letter. Each still loads and passes the tests in it,
//! but for the edits below. What the shipped
//! rules of the same names do otherwise is told in `rules/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use weir::engine::rehearsal;
use weir::rulebook::loader;

/// Lists that the examples name; the tests in them say what is on these.
const LISTS: &[&str] =
    &["branch_devices", "carrier_nat", "night_safe_accounts", "own_settlement_accounts"];

/// What has to be written otherwise: which example, what it says, and what it must say. Always for the
/// same reason: there is a fourth risk band and a fifth segment by now, and a table without a row for
/// one, or without a value for customers who have none, would fall through unseen (`E014`, `W211`).
const EDITS: &[(&str, &str, &str)] = &[
    ("structuring-cash-deposits", "high: 5000 }", "high: 5000 }\n    default: 5000"),
    ("dormant-reactivation", "high: 180d } }", "high: 180d }, default: 180d }"),
    ("fan-in-mule", "high: 4 } }", "high: 4 }, default: 4 }"),
    ("rapid-pass-through", "cash_business: 15000 }", "cash_business: 15000 }\n    default: 2000"),
];

/// Where the checker warns, and the shipped rules say what they mean: the example, the code, and what
/// it points at.
const WARNINGS: &[(&str, &str, &str)] = &[
    ("profile-change-then-withdrawal", "W201", "kyc.channel != \"branch\""),
    ("rapid-pass-through", "W201", "customer.segment != \"retail\""),
];

/// Tests that a shipped rule tells otherwise: the rule, the name here, the name there, and why.
const RENAMED: &[(&str, &str, &str, &str)] = &[
    (
        "structuring-cash-deposits",
        "the third deposit falls outside the week",
        "boundary - the first of three is seven days old and has left the window",
        "the shipped rule wants a second sign, and the test stands on the edge",
    ),
    (
        "rapid-pass-through",
        "the money stayed two days",
        "the money stayed three days",
        "the shipped rule looks at two days, the example at one",
    ),
];

/// Name and text of each example, to the letter.
fn examples() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples");
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a plain name");
        (name.to_owned(), fs::read_to_string(&path).expect("a text"))
    };
    fs::read_dir(folder).expect("the examples").map(read).collect()
}

/// The examples with the edits made, ready to be loaded together.
fn sources() -> BTreeMap<String, String> {
    let mut sources: BTreeMap<String, String> =
        LISTS.iter().map(|list| (format!("lists/{list}.csv"), "value\n".to_owned())).collect();
    for (name, mut text) in examples() {
        for (_, from, to) in EDITS.iter().filter(|(rule, ..)| *rule == name) {
            assert_eq!(text.matches(from).count(), 1, "{name}: `{from}`");
            text = text.replace(from, to);
        }
        sources.insert(format!("examples/{name}.yaml"), text);
    }
    sources
}

#[test]
fn the_six_examples_of_the_design_load_and_pass_their_tests() {
    let sources = sources();
    let loaded = loader::load(&sources);
    let told: Vec<(String, &str, String)> = loaded
        .diagnostics
        .iter()
        .map(|problem| {
            let text = &sources[&problem.path];
            let name = problem.path.trim_start_matches("examples/").trim_end_matches(".yaml");
            let pointed_at = text[problem.span.start..problem.span.end].to_owned();
            (name.to_owned(), problem.code, pointed_at)
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(name, code, at)| (&**name, *code, &**at)).collect();
    assert_eq!(told, WARNINGS);
    let rulebook = loaded.rulebook.expect("warnings stop no rule");
    assert_eq!(rulebook.rules.len(), 6);
    let report = rehearsal::rehearse_all(&rulebook);
    let failed: Vec<_> = report.failed().collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(report.rehearsals.len(), 25, "as many as the design counts");
}

#[test]
fn every_edit_is_needed() {
    for (name, from, to) in EDITS {
        let mut sources = sources();
        let text = sources.get_mut(&format!("examples/{name}.yaml")).expect("an example");
        *text = text.replace(to, from);
        assert!(loader::load(&sources).rulebook.is_none(), "{name} loads without it");
    }
}

#[test]
fn each_example_is_shipped_with_the_tests_that_the_design_gives_it() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let shipped = weir::files::read_folder(&rules).expect("the rules folder can be read");
    let shipped = loader::load(&shipped).rulebook.expect("the shipped rules load");
    let designed = loader::load(&sources()).rulebook.expect("the examples load");
    for example in &designed.rules {
        let rule = shipped.rules.iter().find(|rule| rule.name == example.name);
        let rule = rule.unwrap_or_else(|| panic!("{} is not shipped", example.name));
        for test in &example.tests {
            let place = format!("{}: {}", example.name, test.name);
            let renamed = RENAMED.iter().find(|it| it.0 == example.name && it.1 == test.name);
            let name = renamed.map_or(test.name.as_str(), |it| it.2);
            let kept = rule.tests.iter().find(|it| it.name == name);
            let kept = kept.unwrap_or_else(|| panic!("{place}: no test `{name}`"));
            assert_eq!(kept.alerts.len(), test.alerts.len(), "{place}");
        }
    }
}
