//! `weir rules`: what keeps a folder of rules in order.

mod doc;
mod format;
mod list;
mod scaffold;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Put rule files into one layout: order of keys, indentation, spaces.
    Fmt(format::Arguments),
    /// Start a rule: a file that checks clean, with a test that fires and one that stays quiet.
    New(scaffold::Arguments),
    /// List the rules of a folder.
    List(list::Arguments),
    /// Write the handbook: every rule with its reasons, numbers, tests and history, on one page.
    Doc(doc::Arguments),
}

/// `weir rules ...`
pub fn run(command: &RulesCommand) -> anyhow::Result<u8> {
    match command {
        RulesCommand::Fmt(arguments) => format::run(arguments),
        RulesCommand::New(arguments) => scaffold::run(arguments),
        RulesCommand::List(arguments) => list::run(arguments),
        RulesCommand::Doc(arguments) => doc::run(arguments),
    }
}
