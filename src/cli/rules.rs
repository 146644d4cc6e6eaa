//! `weir check` and `weir test`: what an analyst runs after every edit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{exit, output};
use crate::engine::rehearsal::{self, Rehearsal};
use crate::files;
use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::{Rulebook, loader, render};

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Rule files or folders.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Warnings count as errors.
    #[arg(long)]
    strict: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct TestArguments {
    /// Rule files or folders.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Only tests whose rule or name contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `weir check`
pub fn check(arguments: &CheckArguments) -> anyhow::Result<u8> {
    let texts = files::read_paths(&arguments.paths)?;
    let loaded = loader::load(&texts);
    let count = |level| loaded.diagnostics.iter().filter(|problem| problem.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if arguments.json {
        let problems: Vec<_> = loaded
            .diagnostics
            .iter()
            .map(|problem| render::json(problem, source_of(problem, &texts)))
            .collect();
        output::json(&json!({ "errors": errors, "warnings": warnings, "diagnostics": problems }))?;
    } else {
        show(&loaded.diagnostics, &texts)?;
        let rules = texts.keys().filter(|path| !path.ends_with(".csv")).count();
        output::line(&format!("{rules} rule file(s): {errors} error(s), {warnings} warning(s)"))?;
    }
    let is_bad = errors > 0 || (arguments.strict && warnings > 0);
    Ok(if is_bad { exit::FINDINGS } else { exit::FINE })
}

fn source_of<'a>(problem: &Diagnostic, texts: &'a BTreeMap<String, String>) -> &'a str {
    texts.get(&problem.path).map_or("", String::as_str)
}

fn show(diagnostics: &[Diagnostic], texts: &BTreeMap<String, String>) -> anyhow::Result<()> {
    use std::io::IsTerminal;
    let styled = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for problem in diagnostics {
        output::line(&render::render(problem, source_of(problem, texts), styled))?;
        output::line("")?;
    }
    Ok(())
}

/// `weir test`
pub fn test(arguments: &TestArguments) -> anyhow::Result<u8> {
    let texts = files::read_paths(&arguments.paths)?;
    let loaded = loader::load(&texts);
    let Some(rulebook) = loaded.rulebook else {
        let errors: Vec<Diagnostic> =
            loaded.diagnostics.into_iter().filter(|problem| problem.level == Level::Error).collect();
        if arguments.json {
            let problems: Vec<_> = errors
                .iter()
                .map(|problem| render::json(problem, source_of(problem, &texts)))
                .collect();
            output::json(&json!({ "errors": errors.len(), "diagnostics": problems }))?;
        } else {
            show(&errors, &texts)?;
            output::line(&format!("{} error(s); no test was run", errors.len()))?;
        }
        return Ok(exit::FINDINGS);
    };
    let wanted = |rehearsal: &Rehearsal| {
        arguments.filter.as_ref().is_none_or(|text| {
            rehearsal.rule.contains(text) || rehearsal.example.contains(text)
        })
    };
    let report = rehearsal::rehearse_all(&rulebook);
    let run: Vec<&Rehearsal> = report.rehearsals.iter().filter(|it| wanted(it)).collect();
    if arguments.json {
        let tests: Vec<_> = run.iter().map(|rehearsal| as_json(rehearsal, &texts)).collect();
        let failed = run.iter().filter(|it| !it.is_passed()).count();
        output::json(&json!({ "tests": tests, "run": run.len(), "failed": failed }))?;
    } else {
        report_shown(&rulebook, &run, &texts)?;
    }
    if run.is_empty() {
        output::say("weir: no test was run: nothing matches");
        return Ok(exit::FINDINGS);
    }
    Ok(if run.iter().all(|it| it.is_passed()) { exit::FINE } else { exit::FINDINGS })
}

fn as_json(rehearsal: &Rehearsal, texts: &BTreeMap<String, String>) -> serde_json::Value {
    let source = texts.get(&rehearsal.path).map_or("", String::as_str);
    let differences: Vec<_> = rehearsal
        .differences
        .iter()
        .map(|difference| {
            let (line, column) = render::line_and_column(source, difference.span.start);
            json!({ "line": line, "column": column, "difference": difference.to_string() })
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

fn report_shown(
    rulebook: &Rulebook,
    run: &[&Rehearsal],
    texts: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    for rehearsal in run.iter().filter(|rehearsal| !rehearsal.is_passed()) {
        output::line(&format!("FAILED {}: {}", rehearsal.path, rehearsal.example))?;
        let source = texts.get(&rehearsal.path).map_or("", String::as_str);
        for difference in &rehearsal.differences {
            let (line, column) = render::line_and_column(source, difference.span.start);
            output::line(&format!("  {}:{line}:{column}: {difference}", rehearsal.path))?;
        }
    }
    let untested = rulebook.rules.iter().filter(|rule| rule.tests.is_empty()).count();
    let failed = run.iter().filter(|rehearsal| !rehearsal.is_passed()).count();
    let passed = run.len() - failed;
    output::line(&format!(
        "{} rule(s), {passed} test(s) passed, {failed} failed, {untested} rule(s) without a test",
        rulebook.rules.len()
    ))?;
    Ok(())
}
