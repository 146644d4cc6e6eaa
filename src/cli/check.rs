//! `weir check`: every problem of every file, for a person, an editor or a code host.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{cost, exit, output, watch};
use crate::engine::cost::{Costs, estimate};
use crate::files::{self, Asked};
use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::lint::documentation;
use crate::rulebook::{Rulebook, render, sarif};

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
    /// Also report what each rule costs: bytes per key, and the work that an event makes.
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
    asked: Asked,
    /// Files with errors that were not asked for.
    around: BTreeSet<String>,
    /// The rules, if none of them has an error and their cost is asked for.
    rulebook: Option<Arc<Rulebook>>,
    /// How many rules `--strict` would say more about.
    undocumented: usize,
}

impl PartialEq for Checked {
    fn eq(&self, other: &Self) -> bool {
        // The rulebook follows from the texts.
        (&self.problems, &self.asked.texts) == (&other.problems, &other.asked.texts)
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
    let asked = files::read_around(&arguments.paths)?;
    let loaded = asked.load();
    let today = today(loaded.rulebook.as_ref());
    let (own, around): (Vec<_>, Vec<_>) =
        loaded.diagnostics.into_iter().partition(|problem| asked.is_asked(&problem.path));
    let mut problems = own;
    let rules = || loaded.rules.values().filter(|rule| asked.is_asked(&rule.path));
    problems.extend(rules().filter_map(|rule| documentation::review(rule, today)));
    let missing: Vec<_> = rules().map(|rule| documentation::missing(rule)).collect();
    let undocumented = missing.iter().filter(|problems| !problems.is_empty()).count();
    if arguments.strict {
        problems.extend(missing.into_iter().flatten());
    }
    problems.sort_by(Diagnostic::by_place);
    let rulebook = loaded.rulebook.filter(|_| arguments.cost).map(Arc::new);
    let around = around.iter().filter(|problem| problem.level == Level::Error);
    let around: BTreeSet<String> = around.map(|problem| problem.path.clone()).collect();
    Ok(Checked { problems, asked, around, rulebook, undocumented })
}

/// The day that it is at the institution.
fn today(rulebook: Option<&Rulebook>) -> Date {
    let zone = rulebook.map_or(TimeZone::UTC, |rulebook| rulebook.institution.zone.clone());
    zone.to_datetime(Timestamp::now()).date()
}

fn report(arguments: &Arguments, checked: &Checked) -> anyhow::Result<u8> {
    let Checked { problems, asked, around, rulebook, undocumented } = checked;
    let texts = &asked.texts;
    let count = |level| problems.iter().filter(|problem| problem.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let costs = rulebook.as_ref().map(|rulebook| {
        let mut costs = estimate(rulebook, &arguments.pace.assumptions());
        costs.rules.retain(|cost| asked.is_asked(&cost.rule.path));
        costs
    });
    let place = |path: &str| place_of(path, asked);
    match if arguments.json { Format::Json } else { arguments.format } {
        Format::Text => {
            show(problems, texts)?;
            let rules = asked.places.keys().filter(|path| files::is_rule(path.as_ref())).count();
            output::line(&format!(
                "{rules} rule file(s): {errors} error(s), {warnings} warning(s)"
            ))?;
            if !around.is_empty() {
                let paths = around.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                output::line(&format!("files around them have errors too: {paths}"))?;
            }
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
            report.insert("errors_around".to_owned(), around.iter().cloned().collect());
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
fn place_of(path: &str, asked: &Asked) -> String {
    let place = asked.places.get(path).map_or(path.into(), |place| place.to_string_lossy());
    let place = place.replace('\\', "/");
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
