//! `weir check`: every problem of every file, for a person, an editor or a code host.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{exit, output, watch};
use crate::files;
use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::{loader, render, sarif, source};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Rule files or folders.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Warnings count as errors.
    #[arg(long)]
    strict: bool,
    /// How problems are written.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: Format,
    /// Print JSON: `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Check again whenever a file has changed, until Ctrl-C.
    #[arg(long)]
    watch: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines with carets and help.
    Text,
    /// One object.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
    /// Workflow commands that annotate a pull request on GitHub.
    Github,
}

/// The files and what is wrong with them.
#[derive(Debug, PartialEq)]
struct Checked {
    problems: Vec<Diagnostic>,
    /// By path; of files that are not text, what can be shown of them.
    texts: BTreeMap<String, String>,
}

/// `weir check`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    if !arguments.watch {
        let checked = check(arguments)?;
        return report(arguments, &checked);
    }
    let mut last = None;
    watch::repeat(&arguments.paths, || {
        let checked = match check(arguments) {
            Ok(checked) => checked,
            // While an editor replaces a file it is away for a moment.
            Err(error) => {
                output::complain(&error);
                return Ok(());
            }
        };
        if last.as_ref() == Some(&checked) {
            return Ok(());
        }
        output::clear()?;
        report(arguments, &checked)?;
        last = Some(checked);
        Ok(())
    })?;
    Ok(exit::FINE)
}

fn check(arguments: &Arguments) -> anyhow::Result<Checked> {
    let mut problems = Vec::new();
    let mut good = BTreeMap::new();
    let mut texts = BTreeMap::new();
    for (path, bytes) in files::read_bytes(&arguments.paths)? {
        match source::decode(&path, &bytes) {
            Ok(text) => {
                texts.insert(path.clone(), text.clone());
                good.insert(path, text);
            }
            Err(problem) => {
                texts.insert(path, String::from_utf8_lossy(&bytes).into_owned());
                problems.push(*problem);
            }
        }
    }
    let loaded = loader::load(&good);
    problems.extend(loaded.diagnostics);
    problems.sort_by(|left, right| {
        (&left.path, left.span.start, left.code).cmp(&(&right.path, right.span.start, right.code))
    });
    Ok(Checked { problems, texts })
}

fn report(arguments: &Arguments, checked: &Checked) -> anyhow::Result<u8> {
    let Checked { problems, texts } = checked;
    let count = |level| problems.iter().filter(|problem| problem.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let place = |path: &str| place_of(path, &arguments.paths);
    match if arguments.json { Format::Json } else { arguments.format } {
        Format::Text => {
            show(problems, texts)?;
            let rules = texts.keys().filter(|path| files::is_rule(path.as_ref())).count();
            output::line(&format!(
                "{rules} rule file(s): {errors} error(s), {warnings} warning(s)"
            ))?;
        }
        Format::Json => {
            let problems: Vec<_> = problems
                .iter()
                .map(|problem| render::to_json(problem, source_of(problem, texts)))
                .collect();
            output::json(&json!({
                "errors": errors,
                "warnings": warnings,
                "diagnostics": problems,
            }))?;
        }
        Format::Sarif => output::json(&sarif::log(problems, texts, place))?,
        Format::Github => {
            for problem in problems {
                let source = source_of(problem, texts);
                output::line(&sarif::github(problem, source, &place(&problem.path)))?;
            }
        }
    }
    let is_bad = errors > 0 || (arguments.strict && warnings > 0);
    Ok(if is_bad { exit::FINDINGS } else { exit::FINE })
}

/// Where a checked file is, seen from the working directory.
fn place_of(path: &str, given: &[PathBuf]) -> String {
    let place = given.iter().find_map(|given| {
        let joined = if given.is_dir() { given.join(path) } else { given.clone() };
        let is_it = joined.is_file() && joined.to_string_lossy().ends_with(path);
        is_it.then_some(joined)
    });
    let place = place.unwrap_or_else(|| PathBuf::from(path)).to_string_lossy().replace('\\', "/");
    place.strip_prefix("./").unwrap_or(&place).to_owned()
}

/// The text that a problem is about.
pub fn source_of<'a>(problem: &Diagnostic, texts: &'a BTreeMap<String, String>) -> &'a str {
    texts.get(&problem.path).map_or("", String::as_str)
}

/// Draws problems for a person.
pub fn show(diagnostics: &[Diagnostic], texts: &BTreeMap<String, String>) -> anyhow::Result<()> {
    use std::io::IsTerminal;
    let styled = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for problem in diagnostics {
        output::line(&render::render(problem, source_of(problem, texts), styled))?;
        output::line("")?;
    }
    Ok(())
}
