//! Golden pairs: a rule or list file with a mistake in it, and what its author reads.
//!
//! `tests/diagnostics/<what-is-wrong>.yaml` (or `.csv`) stands beside `.txt`, the rendered problems.
//! `UPDATE_EXPECT=1 cargo test diagnostics` writes the second anew. A first line `# grow-to: N` fills
//! the file with empty lines to N bytes, `# also-in: PACK` loads a second copy from another pack,
//! `# without-list: NAME` takes a list away, `# beside: RULE` loads `beside/RULE.yaml` too, and
//! `# with-schema: FILE` the schema of that golden input, `# strict-on: DATE` asks for documentation and
//! reviews as on that day. Files named `schema-...` are schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use weir::rulebook::codes::CODES;
use weir::rulebook::diagnostic::{Diagnostic, Level};
use weir::rulebook::lint::documentation;
use weir::rulebook::loader::{self, Loaded};
use weir::rulebook::render::render;
use weir::rulebook::typed::{AggregateFunction as F, ExprKind};
use weir::rulebook::{Rulebook, source};

/// The lists that every golden rule may name.
const LISTS: &[&str] =
    &["branch_devices", "carrier_nat", "night_safe_accounts", "own_settlement_accounts"];

/// Lists with columns that golden rules may read.
const WIDE_LISTS: &[(&str, &str)] = &[
    ("countries", "value,tier,limit:number,sanctioned:bool,listed:time,comment\n"),
    ("fx_rates", "value,valid_from,rate:number\nUSD,2026-01-01,0.92\nJPY,2026-01-01,0.006\n"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

/// The golden inputs, sorted by name.
fn inputs() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder of golden pairs");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending != "txt"));
    paths.sort();
    paths
}

/// The argument of a line `# name: argument` at the top of a golden input.
fn instruction<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().next()?.strip_prefix("# ")?.strip_prefix(name)?.strip_prefix(": ")
}

/// Loads one golden input beside the common lists; the texts too, to draw from.
fn load(input: &Path) -> (Loaded, BTreeMap<String, String>) {
    let name = input.file_name().and_then(|name| name.to_str()).expect("a plain file name");
    let is_list = input.extension().is_some_and(|ending| ending == "csv");
    let pack = if is_list { "lists" } else { "pack" };
    let is_schema = name.starts_with("schema-");
    let path = if is_schema { "schema.yaml".to_owned() } else { format!("{pack}/{name}") };
    let mut sources: BTreeMap<String, String> =
        LISTS.iter().map(|list| (format!("lists/{list}.csv"), "value\n".to_owned())).collect();
    for (list, header) in WIDE_LISTS {
        sources.insert(format!("lists/{list}.csv"), (*header).to_owned());
    }
    let bytes = fs::read(input).expect("a golden input");
    let mut text = match source::decode(&path, &bytes) {
        Ok(text) => text,
        Err(problem) => {
            sources.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            let loaded = Loaded { diagnostics: vec![*problem], ..Loaded::default() };
            return (loaded, sources);
        }
    };
    if let Some(size) = instruction(&text, "grow-to") {
        let size: usize = size.parse().expect("a size in bytes");
        text.push_str(&"\n".repeat(size - text.len()));
    }
    if let Some(list) = instruction(&text, "without-list") {
        sources.remove(&format!("lists/{list}.csv"));
    }
    if let Some(beside) = instruction(&text, "beside") {
        let path = folder().join(format!("beside/{beside}.yaml"));
        let other = fs::read_to_string(path).expect("the rule beside");
        sources.insert(format!("pack/{beside}.yaml"), other);
    }
    if let Some(schema) = instruction(&text, "with-schema") {
        let schema = fs::read_to_string(folder().join(schema)).expect("a schema beside it");
        sources.insert("schema.yaml".to_owned(), schema);
    }
    if let Some(other) = instruction(&text, "also-in") {
        sources.insert(format!("{other}/{name}"), text.clone());
    }
    let strict_on = instruction(&text, "strict-on").map(|day| day.parse().expect("a date"));
    sources.insert(path, text);
    let mut loaded = loader::load(&sources);
    if let Some(today) = strict_on {
        let rules: Vec<_> = loaded.rules.values().cloned().collect();
        for rule in rules {
            loaded.diagnostics.extend(documentation::missing(&rule));
            loaded.diagnostics.extend(documentation::review(&rule, today));
        }
        loaded.diagnostics.sort_by_key(|problem| (problem.span.start, problem.code));
    }
    (loaded, sources)
}

fn report(loaded: &Loaded, sources: &BTreeMap<String, String>) -> String {
    let mut report = String::new();
    for problem in &loaded.diagnostics {
        let text = sources.get(&problem.path).expect("the text of a file with a problem");
        writeln!(report, "{}\n", render(problem, text, false)).expect("text can be written");
    }
    if loaded.diagnostics.is_empty() {
        report.push_str("nothing to report\n");
    }
    format!("{}\n", report.trim_end())
}

#[test]
fn every_golden_file_is_answered_as_its_pair_says() {
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differing = Vec::new();
    for input in inputs() {
        let (loaded, sources) = load(&input);
        let actual = report(&loaded, &sources);
        let pair = input.with_extension("txt");
        if is_update {
            fs::write(&pair, &actual).expect("the golden output can be written");
        }
        let expected = fs::read_to_string(&pair).unwrap_or_default();
        if actual != expected {
            differing.push(format!("{}\n{actual}", input.display()));
        }
    }
    assert!(differing.is_empty(), "not as the golden pair says:\n\n{}", differing.join("\n"));
}

#[test]
fn every_code_has_a_golden_pair_and_every_code_seen_is_explained() {
    let seen: BTreeSet<&str> = inputs()
        .iter()
        .flat_map(|input| load(input).0.diagnostics)
        .map(|problem| problem.code)
        .collect();
    let explained: BTreeSet<&str> = CODES.iter().map(|row| row.code).collect();
    assert_eq!(seen, explained);
}

#[test]
fn every_golden_output_has_its_input() {
    let inputs: BTreeSet<PathBuf> =
        inputs().iter().map(|input| input.with_extension("txt")).collect();
    for entry in fs::read_dir(folder()).expect("the folder of golden pairs") {
        let path = entry.expect("an entry").path();
        let is_output = path.extension().is_some_and(|ending| ending == "txt");
        assert!(!is_output || inputs.contains(&path), "{} has no input", path.display());
    }
}

fn rulebook(name: &str) -> Rulebook {
    let (loaded, sources) = load(&folder().join(name));
    let report = report(&loaded, &sources);
    loaded.rulebook.unwrap_or_else(|| panic!("{name} must load:\n{report}"))
}

#[test]
fn a_structuring_rule_is_read_in_full() {
    let rulebook = rulebook("structuring-cash-deposits.yaml");
    let [rule] = rulebook.rules.as_slice() else { panic!("one rule was expected") };
    assert_eq!(rule.params.len(), 3);
    let lets: Vec<_> = rule.lets.iter().map(|named| named.name.as_str()).collect();
    assert_eq!(lets, ["just_under", "n", "total", "branches"]);
    let functions: Vec<_> = rule.aggregates.iter().map(|fold| fold.function).collect();
    assert_eq!(functions, [F::Count, F::Sum, F::Distinct]);
    let ExprKind::And(conditions) = &rule.when.kind else { panic!("three conditions expected") };
    let written: Vec<_> = conditions.iter().map(|condition| rule.text(condition.span)).collect();
    assert_eq!(written, ["just_under", "n >= min_deposits", "total > report_limit"]);
}

#[test]
fn an_aggregate_written_twice_is_kept_once() {
    let rulebook = rulebook("same-aggregate-twice.yaml");
    assert_eq!(rulebook.rules[0].aggregates.len(), 2);
}

#[test]
fn a_rulebook_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Rulebook>();
    is_shared::<Diagnostic>();
}

#[test]
fn the_digest_changes_with_texts_and_paths_and_with_nothing_else() {
    let text = fs::read_to_string(folder().join("rapid-pass-through.yaml")).expect("a rule");
    let digest = |path: &str, text: &str, readme: &str| {
        let lists = "lists/own_settlement_accounts.csv".to_owned();
        let sources = BTreeMap::from([
            (path.to_owned(), text.to_owned()),
            (lists, "value\n".to_owned()),
            ("README.md".to_owned(), readme.to_owned()),
        ]);
        loader::load(&sources).rulebook.expect("a rulebook").digest
    };
    let first = digest("a/rapid-pass-through.yaml", &text, "one");
    assert_eq!(first, digest("a/rapid-pass-through.yaml", &text, "two"));
    assert_ne!(first, digest("b/rapid-pass-through.yaml", &text, "one"));
    assert_ne!(first, digest("a/rapid-pass-through.yaml", &format!("{text}\n"), "one"));
}

#[test]
fn a_rule_that_is_off_is_checked_but_not_loaded() {
    let path = folder().join("rapid-pass-through.yaml");
    let text = fs::read_to_string(path).expect("a rule").replace("status: active", "status: off");
    let load = |text: String| {
        let lists = "lists/own_settlement_accounts.csv".to_owned();
        let rule = "a/rapid-pass-through.yaml".to_owned();
        loader::load(&BTreeMap::from([(rule, text), (lists, "value\n".to_owned())]))
    };
    assert!(load(text.clone()).rulebook.expect("a rulebook").rules.is_empty());
    let broken = load(text.replace("severity: high", "severity: hihg"));
    assert!(broken.diagnostics.iter().any(|problem| problem.level == Level::Error));
}

/// Where a word or sign starts and ends, good enough to take one away.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut tokens = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, first)) = characters.next() {
        let mut end = start + first.len_utf8();
        while is_word(first) && characters.peek().is_some_and(|(_, next)| is_word(*next)) {
            end += characters.next().map_or(0, |(_, next)| next.len_utf8());
        }
        tokens.push((start, end));
    }
    tokens
}

#[test]
fn no_token_taken_away_or_written_twice_makes_the_checker_fail() {
    for name in ["structuring-cash-deposits.yaml"] {
        let text = fs::read_to_string(folder().join(name)).expect("a rule");
        let path = format!("pack/{name}");
        for (start, end) in tokens(&text) {
            let without = format!("{}{}", &text[..start], &text[end..]);
            let twice = format!("{}{}", &text[..end], &text[start..]);
            for changed in [without, twice] {
                let sources = BTreeMap::from([(path.clone(), changed)]);
                let loaded = loader::load(&sources);
                for problem in &loaded.diagnostics {
                    assert!(!render(problem, &sources[&path], false).is_empty());
                }
            }
        }
    }
}
