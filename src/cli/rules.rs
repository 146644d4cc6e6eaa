//! `weir check`: what an analyst runs after every edit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{exit, output};
use crate::files;
use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::{loader, render};

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
            .map(|problem| render::to_json(problem, source_of(problem, &texts)))
            .collect();
        output::json(&json!({ "errors": errors, "warnings": warnings, "diagnostics": problems }))?;
    } else {
        show(&loaded.diagnostics, &texts)?;
        let rules = texts.keys().filter(|path| files::is_rule(path.as_ref())).count();
        output::line(&format!("{rules} rule file(s): {errors} error(s), {warnings} warning(s)"))?;
    }
    let is_bad = errors > 0 || (arguments.strict && warnings > 0);
    Ok(if is_bad { exit::FINDINGS } else { exit::FINE })
}

/// The text of the file that a problem is in.
pub fn source_of<'a>(problem: &Diagnostic, texts: &'a BTreeMap<String, String>) -> &'a str {
    texts.get(&problem.path).map_or("", String::as_str)
}

/// Prints problems as a reader at a terminal wants them.
pub fn show(diagnostics: &[Diagnostic], texts: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let styled = output::is_styled();
    for problem in diagnostics {
        output::line(&render::render(problem, source_of(problem, texts), styled))?;
        output::line("")?;
    }
    Ok(())
}
