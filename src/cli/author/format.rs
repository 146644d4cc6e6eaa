//! `weir rules fmt`: rule files in one layout.
//!
//! A file is written only when its formatted text was loaded in its place and gave the same rule, tests
//! included, and the same problems.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::{exit, output};
use crate::files;
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
    for root in &arguments.paths {
        let texts = files::read_paths(std::slice::from_ref(root))?;
        format_all(root, &texts, arguments, &mut tally)?;
    }
    if !arguments.stdout {
        let Tally { files, changed, refused } = tally;
        let verb = if arguments.check { "would change" } else { "changed" };
        output::line(&format!("{files} rule file(s): {changed} {verb}, {refused} left alone"))?;
    }
    let is_bad = tally.refused > 0 || (arguments.check && tally.changed > 0);
    Ok(if is_bad { exit::FINDINGS } else { exit::FINE })
}

fn format_all(
    root: &Path,
    texts: &BTreeMap<String, String>,
    arguments: &Arguments,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut formatted = texts.clone();
    for (path, text) in &mut formatted {
        if loader::file_kind(path) != FileKind::Rule {
            continue;
        }
        tally.files += 1;
        match format::format(path, text) {
            Ok(new) => *text = new,
            Err(refused) => {
                tally.refused += 1;
                tell(path, text, &refused);
            }
        }
    }
    let (before, after) = (loader::load(texts), loader::load(&formatted));
    for (path, text) in texts {
        let Some(new) = formatted.get(path).filter(|_| loader::file_kind(path) == FileKind::Rule)
        else {
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
            let place = if root.is_dir() { root.join(path) } else { root.to_owned() };
            output::line(&place.display().to_string())?;
            if !arguments.check {
                files::replace(&place, new)?;
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
