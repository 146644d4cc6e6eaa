//! One function per subcommand: arguments in, text or JSON out, an exit code at the end.
//!
//! Everything that prints is here and below; nothing here decides about alerts.

mod author;
mod bars;
mod check;
mod cost;
mod demo;
mod explain;
mod help;
mod output;
mod parallel;
mod people;
mod publish;
mod run;
mod schema;
mod test;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, Overrides};

/// Exit codes, as documented in the README.
pub mod exit {
    /// Everything is fine.
    pub const FINE: u8 = 0;
    /// Findings: an error in a rule, a failed test, nothing found under an id.
    pub const FINDINGS: u8 = 1;
    /// Something outside cannot be reached: the broker, the database.
    pub const UNAVAILABLE: u8 = 69;
    /// A fault of ours, or of the log.
    pub const INTERNAL: u8 = 70;
    /// The configuration is wrong.
    pub const CONFIGURATION: u8 = 78;
    /// Stopped by a signal before the work was done.
    pub const STOPPED: u8 = 130;
}

/// Anti-money-laundering transaction monitor: verified identities joined with a JetStream log.
#[derive(Debug, Parser)]
#[command(name = "weir", version, max_term_width = 100, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: judge the log until stopped.
    Run(run::Arguments),
    /// Show everything at work: a broker of its own, sample data with planted crimes, alerts.
    Demo(demo::Arguments),
    /// Check rule files: names, types, tables, tests.
    Check(check::Arguments),
    /// Explain a code that `check` prints, with a wrong and a right example.
    Help(help::Arguments),
    /// Explain one rule: what wakes it, what is decided in which order, what it remembers and costs.
    Explain(explain::Arguments),
    /// Run the tests inside rule files.
    Test(test::Arguments),
    /// Format, start, list and document rules.
    #[command(subcommand)]
    Rules(author::RulesCommand),
    /// List and show alerts.
    #[command(subcommand)]
    Alerts(people::AlertsCommand),
    /// List requests for re-KYC.
    #[command(subcommand)]
    Rekyc(people::RekycCommand),
    /// Show position, fates, alerts, rulebook and problems.
    Status(people::StatusArguments),
    /// Put a file of events onto the log.
    Publish(publish::Arguments),
    /// Serve an editor: the Language Server Protocol on standard input and output.
    Lsp,
    /// Print JSON Schemas of messages and rule files, or the fields and functions that rules may name.
    Schema(schema::Arguments),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
struct ConfigArguments {
    /// Configuration file (TOML).
    #[arg(long, env = "WEIR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// SQLite database.
    #[arg(long, env = "WEIR_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// Rules folder.
    #[arg(long, env = "WEIR_RULES", value_name = "FOLDER")]
    rules: Option<PathBuf>,
    /// The institution's base currency (ISO 4217).
    #[arg(long, env = "WEIR_BASE_CURRENCY", value_name = "CODE")]
    base_currency: Option<String>,
    /// Address of metrics and health, or `off`.
    #[arg(long, env = "WEIR_LISTEN", value_name = "ADDRESS")]
    listen: Option<String>,
    /// Broker URL(s), comma-separated.
    #[arg(long, env = "NATS_URL", value_name = "URL")]
    nats: Option<String>,
    /// Context of the `nats` command-line tool.
    #[arg(long, env = "NATS_CONTEXT", value_name = "NAME")]
    context: Option<String>,
    /// Broker credentials file.
    #[arg(long, env = "NATS_CREDS", value_name = "FILE")]
    creds: Option<PathBuf>,
}

impl ConfigArguments {
    fn load(&self) -> Result<Config, config::Error> {
        let overrides = Overrides {
            database: self.database.clone(),
            rules: self.rules.clone(),
            base_currency: self.base_currency.clone(),
            listen: self.listen.clone(),
            nats_url: self.nats.clone(),
            nats_context: self.context.clone(),
            nats_credentials: self.creds.clone(),
        };
        config::load(self.config.as_deref(), &overrides)
    }
}

/// Parses the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Help(arguments) => help::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Test(arguments) => test::test(&arguments),
        Command::Rules(command) => author::run(&command),
        Command::Alerts(command) => people::alerts(&command),
        Command::Rekyc(command) => people::rekyc(&command),
        Command::Status(arguments) => people::status(&arguments),
        Command::Publish(arguments) => publish::run(&arguments),
        Command::Lsp => crate::lsp::serve().map(|()| exit::FINE).map_err(Into::into),
        Command::Schema(arguments) => schema::run(&arguments),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // A closed pipe (`weir alerts list | head`) is not a failure of ours.
            if output::is_closed_pipe(&error) {
                return ExitCode::from(exit::FINE);
            }
            output::complain(&error);
            ExitCode::from(code_of(&error))
        }
    }
}

fn code_of(error: &anyhow::Error) -> u8 {
    use crate::pipeline::{Error as Pipeline, InboxError};
    if error.is::<config::Error>() {
        return exit::CONFIGURATION;
    }
    if let Some(Pipeline::Fenced | Pipeline::Inbox(InboxError::Broker(_))) = error.downcast_ref() {
        return exit::UNAVAILABLE;
    }
    if error.is::<crate::nats::Error>() || error.is::<crate::store::Error>() {
        return exit::UNAVAILABLE;
    }
    if error.is::<crate::files::Error>() || error.is::<crate::publish::Error>() {
        return exit::FINDINGS;
    }
    exit::INTERNAL
}

/// A runtime on this thread: all waiting happens here, judging has its own thread.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
