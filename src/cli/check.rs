//! `weir check`: every problem of every file, for a person, an editor or a code host.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{cost, exit, output, watch};
use crate::engine::cost::{Costs, estimate};
use crate::files;
use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::lint::documentation;
use crate::rulebook::{Rulebook, loader, render, sarif, source};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Arguments {
    /// Rule files or folders.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Warnings count as errors, and active rules must be documented.
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
    /// Tell beside it what rules cost: bytes per key, and the work that an event makes.
    #[arg(long)]
    cost: bool,
    #[command(flatten)]
    pace: cost::Pace,
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
#[derive(Debug)]
struct Checked {
    problems: Vec<Diagnostic>,
    /// By path; of files that are not text, what can be shown of them.
    texts: BTreeMap<String, String>,
    /// The rules, if none of them has an error and their cost is asked for.
    rulebook: Option<Arc<Rulebook>>,
    /// How many rules `--strict` would say more about.
    undocumented: usize,
}

impl PartialEq for Checked {
    fn eq(&self, other: &Self) -> bool {
        // The rulebook follows from the texts.
        (&self.problems, &self.texts) == (&other.problems, &other.texts)
    }
}

/// `weir check`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    if arguments.cost && !matches!(arguments.format, Format::Text | Format::Json) {
        let text = "--cost is told as text or as JSON\n";
        clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, text).exit();
    }
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
    let today = today(loaded.rulebook.as_ref());
    let rules = || loaded.rules.values();
    problems.extend(rules().filter_map(|rule| documentation::review(rule, today)));
    let missing: Vec<_> = rules().map(|rule| documentation::missing(rule)).collect();
    let undocumented = missing.iter().filter(|problems| !problems.is_empty()).count();
    if arguments.strict {
        problems.extend(missing.into_iter().flatten());
    }
    problems.sort_by(|left, right| {
        (&left.path, left.span.start, left.code).cmp(&(&right.path, right.span.start, right.code))
    });
    let rulebook = loaded.rulebook.filter(|_| arguments.cost).map(Arc::new);
    Ok(Checked { problems, texts, rulebook, undocumented })
}

/// The day that it is at the institution.
fn today(rulebook: Option<&Rulebook>) -> Date {
    let zone = rulebook.map_or(TimeZone::UTC, |rulebook| rulebook.institution.zone.clone());
    zone.to_datetime(Timestamp::now()).date()
}

fn report(arguments: &Arguments, checked: &Checked) -> anyhow::Result<u8> {
    let Checked { problems, texts, rulebook, undocumented } = checked;
    let count = |level| problems.iter().filter(|problem| problem.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let costs = rulebook.as_ref().map(|rulebook| estimate(rulebook, &arguments.pace.assumptions()));
    let place = |path: &str| place_of(path, &arguments.paths);
    match if arguments.json { Format::Json } else { arguments.format } {
        Format::Text => {
            show(problems, texts)?;
            let rules = texts.keys().filter(|path| files::is_rule(path.as_ref())).count();
            output::line(&format!(
                "{rules} rule file(s): {errors} error(s), {warnings} warning(s)"
            ))?;
            if *undocumented > 0 && !arguments.strict {
                output::line(&format!(
                    "{undocumented} rule(s) are not documented in full; `weir check --strict` says what is missing"
                ))?;
            }
            tell_cost(arguments, costs.as_ref())?;
        }
        Format::Json => {
            let problems: Vec<_> = problems
                .iter()
                .map(|problem| render::to_json(problem, source_of(problem, texts)))
                .collect();
            let mut report = serde_json::Map::new();
            report.insert("errors".to_owned(), errors.into());
            report.insert("warnings".to_owned(), warnings.into());
            report.insert("undocumented".to_owned(), (*undocumented).into());
            report.insert("diagnostics".to_owned(), problems.into());
            if arguments.cost {
                let cost = costs.as_ref().map(|costs| cost::to_json(costs, &arguments.pace));
                report.insert("cost".to_owned(), cost.into());
            }
            output::json(&report)?;
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

/// Tells what rules cost, or why that is not known.
fn tell_cost(arguments: &Arguments, costs: Option<&Costs>) -> anyhow::Result<()> {
    match costs {
        Some(costs) => cost::show(costs, &arguments.pace),
        None if arguments.cost => {
            output::say("weir: what rules cost is told when no file has an error");
            Ok(())
        }
        None => Ok(()),
    }
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
