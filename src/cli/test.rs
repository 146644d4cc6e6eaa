//! `weir test`: runs the tests inside rule files and tells what came instead, and why.
//!
//! In: rule files, and which of their tests are wanted. Out: text, JSON or `JUnit` XML, in the order of
//! rule names and files however many threads ran them.

mod gaps;
mod junit;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{check, exit, output, parallel};
use crate::engine::rehearsal::{self, Difference, Rehearsal, Why};
use crate::files::{self, Asked};
use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::loader::{self, FileKind};
use crate::rulebook::typed::Status;
use crate::rulebook::{Rule, Rulebook, render};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Rule files or folders.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Only tests whose rule or name contains this; `RULE::TEXT` looks for each in its place. May be
    /// given several times; a test that fits one of them is run.
    #[arg(long = "filter", value_name = "TEXT")]
    filters: Vec<String>,
    /// Name the tests and run none.
    #[arg(long)]
    list: bool,
    /// How results are written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    gaps: GapArguments,
}

#[derive(Debug, Args)]
struct GapArguments {
    /// Change each rule in many small ways and tell which changes no test notices.
    #[arg(long, conflicts_with_all = ["filters", "list"])]
    gaps: bool,
    /// With --gaps: tell all of them, and those that change nothing.
    #[arg(long, requires = "gaps")]
    all: bool,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a reader at a terminal.
    #[default]
    Text,
    /// One object, for a program.
    Json,
    /// `JUnit` XML, for continuous integration.
    Junit,
}

/// One wanted test: its rule and its place among the rule's tests.
type Wanted = (usize, usize);

/// `weir test`
pub fn test(arguments: &Arguments) -> anyhow::Result<u8> {
    let format = if arguments.json { Format::Json } else { arguments.format };
    let asked = files::read_around(&arguments.paths)?;
    let texts = &asked.texts;
    let rulebook = match testable(&asked) {
        Ok(rulebook) => rulebook,
        Err(errors) => return refuse(&errors, texts, format),
    };
    let is_asked = |rule: &Rule| asked.is_asked(&rule.path);
    if arguments.gaps.gaps {
        return gaps::run(&rulebook, is_asked, format == Format::Json, arguments.gaps.all);
    }
    let wanted = wanted(&rulebook, is_asked, &arguments.filters);
    if wanted.is_empty() {
        let mut rules = asked.load().rules;
        rules.retain(|path, _| asked.is_asked(path));
        let why = why_none(&rules, &arguments.filters);
        output::say(&format!("weir: no test was run: {why}"));
        return Ok(exit::FINDINGS);
    }
    if arguments.list {
        return list(&rulebook, &wanted, format);
    }
    let run: Vec<Rehearsal> = parallel::map("tests", &wanted, |&(rule, test)| {
        let rule = rulebook.rules.get(rule)?;
        Some(rehearsal::rehearse(&rulebook, rule, rule.tests.get(test)?))
    })
    .into_iter()
    .flatten()
    .collect();
    let failed = run.iter().filter(|it| !it.is_passed()).count();
    match format {
        Format::Text => show::report(&rulebook, &run, texts)?,
        Format::Junit => output::line(&junit::report(&run, texts)?)?,
        Format::Json => {
            let outcomes: Vec<_> = run.iter().map(|it| as_json(it, texts)).collect();
            output::json(&json!({ "tests": outcomes, "run": run.len(), "failed": failed }))?;
        }
    }
    Ok(if failed == 0 { exit::FINE } else { exit::FINDINGS })
}

/// The rulebook around what was asked for, or the errors that keep its tests from being run. A rule that
/// was not asked for and has errors is left out, unless one that was asked for reads its matches.
fn testable(asked: &Asked) -> Result<Rulebook, Vec<Diagnostic>> {
    let loaded = asked.load();
    if let Some(rulebook) = loaded.rulebook {
        return Ok(rulebook);
    }
    let is_error = |problem: &Diagnostic| problem.level == Level::Error;
    let errors: Vec<Diagnostic> = loaded.diagnostics.into_iter().filter(is_error).collect();
    let is_beside = |path: &str| !asked.is_asked(path) && loader::file_kind(path) == FileKind::Rule;
    let (beside, own): (Vec<_>, Vec<_>) =
        errors.into_iter().partition(|problem| is_beside(&problem.path));
    if !own.is_empty() {
        return Err(own);
    }
    let mut texts = asked.texts.clone();
    texts.retain(|path, _| beside.iter().all(|problem| problem.path != *path));
    let rulebook = loader::load(&texts).rulebook.ok_or_else(|| beside.clone())?;
    let left_out: BTreeSet<&str> = beside.iter().map(|problem| problem.path.as_str()).collect();
    let left_out = left_out.into_iter().collect::<Vec<_>>().join(", ");
    output::say(&format!("weir: left out, as they have errors: {left_out}"));
    Ok(rulebook)
}

/// Rules with errors: no test can be run, and the errors are shown in the same form.
fn refuse(
    errors: &[Diagnostic],
    texts: &BTreeMap<String, String>,
    format: Format,
) -> anyhow::Result<u8> {
    match format {
        Format::Text => {
            check::show(errors, texts)?;
            output::line(&format!("{} error(s); no test was run", errors.len()))?;
        }
        Format::Junit => output::line(&junit::refusal(errors, texts)?)?,
        Format::Json => {
            let problems: Vec<_> = errors
                .iter()
                .map(|problem| render::to_json(problem, check::source_of(problem, texts)))
                .collect();
            output::json(&json!({ "errors": errors.len(), "diagnostics": problems }))?;
        }
    }
    Ok(exit::FINDINGS)
}

fn list(rulebook: &Rulebook, wanted: &[Wanted], format: Format) -> anyhow::Result<u8> {
    let named = wanted.iter().filter_map(|&(rule, test)| {
        let rule = rulebook.rules.get(rule)?;
        Some((rule, rule.tests.get(test)?))
    });
    if format == Format::Json {
        let tests: Vec<_> = named
            .map(|(rule, test)| json!({ "rule": rule.name, "path": rule.path, "test": test.name }))
            .collect();
        output::json(&json!({ "tests": tests }))?;
    } else {
        for (rule, test) in named {
            output::line(&format!("{}::{}", rule.name, test.name))?;
        }
    }
    Ok(exit::FINE)
}

/// The tests of rules that were asked for which fit some filter, or all of them.
fn wanted(
    rulebook: &Rulebook,
    is_asked: impl Fn(&Rule) -> bool,
    filters: &[String],
) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for (index, rule) in rulebook.rules.iter().enumerate().filter(|(_, rule)| is_asked(rule)) {
        for (place, test) in rule.tests.iter().enumerate() {
            if filters.is_empty() || filters.iter().any(|it| fits(it, &rule.name, &test.name)) {
                wanted.push((index, place));
            }
        }
    }
    wanted
}

/// Why there is nothing to run.
fn why_none(rules: &BTreeMap<String, Arc<Rule>>, filters: &[String]) -> String {
    if !filters.is_empty() {
        let filters: Vec<String> = filters.iter().map(|it| format!("`{it}`")).collect();
        return format!("nothing matches {}", filters.join(" or "));
    }
    let off: Vec<&str> = rules
        .values()
        .filter(|rule| rule.status == Status::Off && !rule.tests.is_empty())
        .map(|rule| rule.name.as_str())
        .collect();
    if off.is_empty() {
        return "no rule has tests; write them under `tests:` in the rule's file".to_owned();
    }
    format!("off is {}; rules in `status: shadow` are tested", off.join(", "))
}

fn fits(filter: &str, rule: &str, test: &str) -> bool {
    match filter.split_once("::") {
        Some((in_rule, in_test)) => rule.contains(in_rule) && test.contains(in_test),
        None => rule.contains(filter) || test.contains(filter),
    }
}

/// Where a difference is to be looked at: `path:line:column`.
fn place(rehearsal: &Rehearsal, difference: &Difference, source: &str) -> String {
    let place = render::position(source, difference.span.start);
    format!("{}:{}:{}", rehearsal.path, place.line, place.column)
}

/// Why something did not come, or not then, if that is what a difference says.
fn why(difference: &Difference) -> Vec<String> {
    difference.why.as_ref().map(Why::lines).unwrap_or_default()
}

fn as_json(rehearsal: &Rehearsal, texts: &BTreeMap<String, String>) -> serde_json::Value {
    let source = texts.get(&rehearsal.path).map_or("", String::as_str);
    let differences: Vec<_> = rehearsal
        .differences
        .iter()
        .map(|difference| {
            let place = render::position(source, difference.span.start);
            json!({
                "line": place.line,
                "column": place.column,
                "difference": difference.to_string(),
                "why": why(difference),
            })
        })
        .collect();
    json!({
        "rule": rehearsal.rule,
        "path": rehearsal.path,
        "test": rehearsal.example,
        "passed": rehearsal.is_passed(),
        "differences": differences,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_looks_in_both_names_or_in_each_in_its_place() {
        for (filter, is_wanted) in [
            ("fan-in", true),
            ("payers", true),
            ("fan-in::payers", true),
            ("::payers", true),
            ("fan-in::", true),
            ("payers::fan-in", false),
            ("fan-out", false),
        ] {
            assert_eq!(fits(filter, "fan-in-collection", "eight payers"), is_wanted, "{filter}");
        }
    }
}
