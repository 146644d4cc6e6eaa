//! Which module may know which: nouns know nothing, the language knows the nouns, and so on.
//!
//! In: `crate::` paths, in `use` lines and elsewhere. Out: a finding for each path that points
//! against the direction. Crates would enforce this for free; one crate with this table is one
//! thing to build and to read.

use super::source::{File, Finding};

/// A module and what it may import: a whole module, or one path of it. In reading order.
const TABLE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("rulebook", &["domain"]),
    ("engine", &["domain", "rulebook"]),
    ("telemetry", &["domain"]),
    // The wire reads deliveries and makes messages to publish; it knows no loop and no store.
    ("wire", &["domain", "pipeline::Delivery", "pipeline::Outgoing"]),
    // Reads rule files from disk, so that the language needs no disk.
    ("files", &["domain", "rulebook"]),
    ("lsp", &["domain", "files", "rulebook"]),
    // What an examiner reads: made of rules and of what the engine makes of them.
    ("handbook", &["domain", "engine", "rulebook"]),
    ("pipeline", &["domain", "rulebook", "engine", "wire", "telemetry"]),
    ("nats", &["domain", "engine::outcome", "pipeline", "telemetry"]),
    ("store", &["domain", "engine::outcome", "pipeline", "telemetry"]),
    ("publish", &["domain", "wire", "pipeline::Outgoing", "telemetry"]),
    // Sample data and what was planted in it, so that the demo can tell what was found.
    ("demo", &["domain", "publish", "rulebook", "wire"]),
    // Made of the options of the parts that it configures.
    ("config", &["domain", "engine", "files", "nats", "pipeline", "store", "telemetry", "wire"]),
    (
        "daemon",
        &[
            "config",
            "domain",
            "engine",
            "files",
            "nats",
            "pipeline",
            "publish",
            "rulebook",
            "store",
            "telemetry",
            "wire",
        ],
    ),
    // The command line may use every part; nothing uses the command line but `main`.
    (
        "cli",
        &[
            "config",
            "daemon",
            "demo",
            "domain",
            "engine",
            "files",
            "handbook",
            "lsp",
            "nats",
            "pipeline",
            "publish",
            "rulebook",
            "store",
            "telemetry",
            "wire",
        ],
    ),
    ("main", &[]),
    ("lib", &[]),
];

/// Findings of one file.
pub fn check(file: &File) -> Vec<Finding> {
    let Some(module) = file.top_module() else { return Vec::new() };
    let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == module) else {
        let text = format!("module {module} has no line in tests/tidy/direction.rs: add one");
        return vec![file.finding(0, text)];
    };
    let code = file.product_code();
    let mut findings = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        for path in paths(&code[at + "crate::".len()..]) {
            if !is_allowed(module, allowed, &path) {
                let text = format!(
                    "{module} may not know {path}: it may import {}",
                    if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") },
                );
                findings.push(file.finding(at, text));
            }
        }
    }
    for (at, _) in code.match_indices("super::") {
        if climbs(&code[..at]) + 1 > climbs_max(&file.path) {
            findings.push(file.finding(at, "super leaves the module: write crate:: instead"));
        }
    }
    findings
}

fn is_allowed(module: &str, allowed: &[&str], path: &str) -> bool {
    let within = |scope: &str| {
        path.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    within(module) || allowed.iter().any(|scope| within(scope))
}

/// The paths that start here: one, or each of a group in braces.
fn paths(text: &str) -> Vec<String> {
    let text = text.trim_start();
    if let Some(inside) = text.strip_prefix('{') {
        return split_group(inside).into_iter().flat_map(paths).collect();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Vec::new();
    }
    let below = rest.strip_prefix("::").map(paths).unwrap_or_default();
    if below.is_empty() {
        return vec![name.to_owned()];
    }
    below.into_iter().map(|path| format!("{name}::{path}")).collect()
}

/// The members of a group, up to its closing brace.
fn split_group(inside: &str) -> Vec<&str> {
    let mut members = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, character) in inside.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(&inside[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members
}

/// How many `super::` stand right before.
fn climbs(before: &str) -> usize {
    let mut rest = before;
    let mut count = 0;
    while let Some(shorter) = rest.strip_suffix("super::") {
        rest = shorter;
        count += 1;
    }
    count
}

/// How many `super::` in a row stay within the top module: none in `src/cli.rs` and
/// `src/engine/mod.rs`, one in `src/engine/window.rs`.
fn climbs_max(path: &str) -> usize {
    let below = path.strip_prefix("src/").unwrap_or(path);
    let below = below.strip_suffix("/mod.rs").unwrap_or(below);
    below.split('/').count() - 1
}

#[cfg(test)]
#[track_caller]
fn texts(path: &str, text: &str) -> Vec<String> {
    check(&File::new(path, text)).into_iter().map(|finding| finding.text).collect()
}

#[test]
fn import_against_the_direction_is_found() {
    for (path, text) in [
        ("src/domain/a.rs", "use crate::engine::State;"),
        ("src/rulebook/a.rs", "use crate::{domain::Span, engine::State};"),
        ("src/engine/a.rs", "use crate::{\n    domain::{Span, Instant},\n    store,\n};"),
        ("src/engine/a.rs", "fn a() -> crate::pipeline::Commit {}"),
        ("src/wire/mod.rs", "use crate::pipeline::{Outgoing, Store};"),
        ("src/store/mod.rs", "use crate::engine::State;"),
        ("src/pipeline.rs", "use crate::daemon;"),
        ("src/daemon.rs", "use crate::cli::run;"),
    ] {
        assert_eq!(texts(path, text).len(), 1, "{path}: {text}");
    }
}

#[test]
fn import_along_the_direction_is_fine() {
    for (path, text) in [
        ("src/engine/a.rs", "use crate::{domain::{Span, Instant}, rulebook::typed::Rule};"),
        ("src/engine/a.rs", "use crate::engine::outcome::Effect;"),
        ("src/wire/mod.rs", "use crate::pipeline::{Delivery, Outgoing};"),
        ("src/store/mod.rs", "use crate::engine::outcome::{Effect, Decision};"),
        ("src/domain/a.rs", "// use crate::engine::State;"),
        ("src/domain/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    use crate::engine;\n}"),
        ("src/cli.rs", "use crate::daemon;"),
    ] {
        assert_eq!(texts(path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn name_that_begins_like_an_allowed_module_is_another() {
    assert_eq!(texts("src/rulebook/a.rs", "use crate::domain_two::Span;").len(), 1);
}

#[test]
fn super_may_not_leave_the_module() {
    assert_eq!(texts("src/wire/mod.rs", "use super::store::Row;").len(), 1);
    assert_eq!(texts("src/cli.rs", "use super::daemon;").len(), 1);
    assert_eq!(texts("src/engine/a.rs", "use super::outcome::Effect;"), [""; 0]);
    assert_eq!(texts("src/engine/a.rs", "use super::super::store::Row;").len(), 1);
    assert_eq!(texts("src/engine/window/a.rs", "use super::super::outcome::Effect;"), [""; 0]);
}

#[test]
fn module_without_a_line_in_the_table_is_found() {
    assert_eq!(texts("src/ferment.rs", "").len(), 1);
}
