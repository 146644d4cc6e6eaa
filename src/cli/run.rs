//! `weir run`: the daemon in the foreground.

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{ConfigArguments, exit, runtime};
use crate::daemon::{self, Options};
use crate::nats::Patience;
use crate::telemetry::log;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Judge what is in the log now, then end; a broker that is away is an error.
    #[arg(long)]
    until_caught_up: bool,
    /// How log lines are written: `auto` (text on a terminal, JSON elsewhere), `text` or `json`.
    #[arg(long, default_value = "auto", value_parser = ["auto", "text", "json"])]
    log_format: String,
}

/// `weir run`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let config = arguments.config.load()?;
    log::init(match arguments.log_format.as_str() {
        "text" => log::Format::Text,
        "json" => log::Format::Json,
        _ => log::Format::Auto,
    })?;
    let patience = if arguments.until_caught_up { Patience::None } else { Patience::Endless };
    let options = Options { config, until_caught_up: arguments.until_caught_up, patience };
    runtime()?.block_on(async {
        let stop = stop_signals()?;
        daemon::run(&options, stop, &|_| {}).await?;
        Ok(exit::FINE)
    })
}

/// Becomes true with the first SIGTERM or SIGINT; the second ends the process at once.
///
/// # Errors
/// The signals cannot be caught.
pub fn stop_signals() -> std::io::Result<watch::Receiver<bool>> {
    let (mut term, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            if is_second {
                std::process::exit(130);
            }
            tracing::info!("Stopping: what was read is committed first; a second signal ends at once.");
            let _ = stop.send(true);
        }
    });
    Ok(stopping)
}
