//! `weir rules fmt`: rule files in one layout.
//!
//! A file is written only when its formatted text was loaded in its place and gave the same rule, tests
//! included, and the same problems.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{exit, output};
use crate::files::{self, Asked};
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::format::{self, Refused};
use crate::rulebook::loader::{self, FileKind, Loaded};
use crate::rulebook::render;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Rule files or folders.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Change nothing; list the files that would change, and end with 1 if there are any.
    #[arg(long)]
    check: bool,
    /// Print the formatted text instead of writing files.
    #[arg(long, conflicts_with = "check")]
    stdout: bool,
}

/// What became of the files so far.
#[derive(Default)]
struct Tally {
    files: usize,
    changed: usize,
    refused: usize,
}

/// `weir rules fmt`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut tally = Tally::default();
    format_all(&files::read_around(&arguments.paths)?, arguments, &mut tally)?;
    if !arguments.stdout {
        let Tally { files, changed, refused } = tally;
        let verb = if arguments.check { "would change" } else { "changed" };
        let unchanged = files - changed - refused;
        let refused = match refused {
            0 => String::new(),
            _ => format!(", {refused} could not be formatted"),
        };
        output::line(&format!(
            "{files} rule file(s): {changed} {verb}, {unchanged} in order already{refused}"
        ))?;
    }
    let is_bad = tally.refused > 0 || (arguments.check && tally.changed > 0);
    Ok(if is_bad { exit::FINDINGS } else { exit::FINE })
}

fn format_all(asked: &Asked, arguments: &Arguments, tally: &mut Tally) -> anyhow::Result<()> {
    let is_wanted = |path: &str| asked.is_asked(path) && loader::file_kind(path) == FileKind::Rule;
    let mut formatted = asked.texts.clone();
    for (path, text) in formatted.iter_mut().filter(|(path, _)| is_wanted(path)) {
        tally.files += 1;
        let new = match asked.undecoded(path) {
            Some(problem) => Err(Refused::Unreadable(vec![problem.clone()])),
            None => format::format(path, text),
        };
        match new {
            Ok(new) => *text = new,
            Err(refused) => {
                tally.refused += 1;
                tell(path, text, &refused);
            }
        }
    }
    let (before, after) = (loader::load(&asked.texts), loader::load(&formatted));
    for (path, place) in asked.places.iter().filter(|(path, _)| is_wanted(path)) {
        let (Some(text), Some(new)) = (asked.texts.get(path), formatted.get(path)) else {
            continue;
        };
        if new != text && told(&before, path) != told(&after, path) {
            tally.refused += 1;
            tell(path, text, &Refused::Altered("it would have been loaded as another rule"));
            continue;
        }
        if arguments.stdout {
            output::text(new)?;
        } else if new != text {
            tally.changed += 1;
            output::line(&place.display().to_string())?;
            if !arguments.check {
                files::replace(place, new)?;
            }
        }
    }
    Ok(())
}

/// What loading tells of one file: the problems without their places, and the rule.
fn told(loaded: &Loaded, path: &str) -> (Vec<String>, Option<String>) {
    let said = |it: &Diagnostic| format!("{} {} {} {:?}", it.code, it.title, it.label, it.help);
    let problems = loaded.diagnostics.iter().filter(|problem| problem.path == path);
    let mut problems: Vec<String> = problems.map(said).collect();
    problems.sort();
    (problems, loaded.rules.get(path).map(|rule| format::checked_form(rule)))
}

fn tell(path: &str, text: &str, refused: &Refused) {
    match refused {
        Refused::Unreadable(problems) => {
            output::say(&format!("weir: {path} is left as it is: it cannot be read"));
            for problem in problems {
                output::say(&render::render(problem, text, false));
            }
        }
        Refused::Altered(what) => output::say(&format!("weir: {path} is left as it is: {what}")),
    }
}
