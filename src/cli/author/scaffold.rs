//! `weir rules new`: a rule to start from.
//!
//! The new file checks without a warning and its two tests pass, so that every later red line is the
//! author's own. It starts in shadow: a rule nobody has tuned alarms nobody.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::Args;

use crate::cli::{exit, output};
use crate::files;
use crate::rulebook::catalogue::EventName;
use crate::rulebook::{diagnostic, scaffold};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Where it goes and what it is called: the suspicious behaviour, like `dormancy/sudden-activity`.
    #[arg(value_name = "PACK/NAME")]
    name: String,
    /// The event that wakes it.
    #[arg(long, value_name = "EVENT", default_value = "transaction")]
    trigger: String,
    /// Rules folder.
    #[arg(long, value_name = "FOLDER", default_value = "rules")]
    rules: PathBuf,
}

/// `weir rules new`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match create(arguments) {
        Ok(path) => {
            output::line(&path.display().to_string())?;
            output::say(
                "weir: a rule in shadow; next: `weir check`, `weir test`, and what is `to be named`",
            );
            Ok(exit::FINE)
        }
        Err(error) => {
            output::complain(&error);
            Ok(exit::FINDINGS)
        }
    }
}

fn create(arguments: &Arguments) -> anyhow::Result<PathBuf> {
    let (pack, name) = arguments
        .name
        .split_once('/')
        .filter(|(pack, name)| scaffold::is_name(pack) && scaffold::is_name(name))
        .ok_or_else(|| {
            anyhow!(
                "`{}` is not PACK/NAME: small letters and digits, joined by `-`, with one `/`",
                arguments.name
            )
        })?;
    if pack == "lists" {
        bail!("`lists` holds lists; choose a pack for the rule");
    }
    let trigger = EventName::parse(&arguments.trigger).ok_or_else(|| {
        let words: Vec<String> = EventName::all().map(EventName::word).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = diagnostic::did_you_mean(&arguments.trigger, &words);
        let help = help.unwrap_or_else(|| format!("events are {}", words.join(", ")));
        anyhow!("there is no event `{}`; {help}", arguments.trigger)
    })?;
    if arguments.rules.is_dir() {
        must_be_new(arguments, name)?;
    }
    let path = arguments.rules.join(pack).join(format!("{name}.yaml"));
    files::create(&path, &scaffold::rule(name, trigger))?;
    Ok(path)
}

/// A rule's name is unique over all packs.
fn must_be_new(arguments: &Arguments, name: &str) -> anyhow::Result<()> {
    // A folder without any rule yet is fine: this is the first.
    let texts = match files::read_folder(&arguments.rules) {
        Err(files::Error::Nothing { .. }) => return Ok(()),
        texts => texts?,
    };
    let ending = [format!("/{name}.yaml"), format!("/{name}.yml")];
    let taken = texts.keys().find(|path| ending.iter().any(|it| format!("/{path}").ends_with(it)));
    match taken {
        Some(path) => bail!("there is a rule of that name: {path}"),
        None => Ok(()),
    }
}
