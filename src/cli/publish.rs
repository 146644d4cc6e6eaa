//! `weir publish`: a file of events onto the log.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::bars::Bar;
use super::{ConfigArguments, exit, output, runtime};
use crate::nats::{self, BulkMessage, BulkPublisher, Patience};
use crate::publish::{self, Mapping};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// JSON lines of CloudEvents (`.ndjson`, `.jsonl`) or CSV (`.csv`), plain or zstd (`.zst`).
    file: PathBuf,
    /// Which column is which field; needed for CSV.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Go on behind rows that cannot be read; they are counted and told.
    #[arg(long)]
    keep_going: bool,
    /// Print JSON at the end.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Summary {
    published: u64,
    duplicates: u64,
    unreadable: u64,
    last_sequence: u64,
}

/// `weir publish`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let config = arguments.config.load()?;
    let mapping = arguments.mapping.as_deref().map(Mapping::load).transpose()?;
    let mut reader = publish::open(&arguments.file, mapping)?;
    let (_, total) = reader.progress();
    runtime()?.block_on(async {
        let client = nats::connect(&config.nats, Patience::None).await?;
        nats::ensure_log_stream(&client, config.streams.manage).await?;
        let mut publisher = BulkPublisher::new(&client);
        let mut bar = Bar::new("publishing", total, arguments.json);
        let mut unreadable = 0;
        let mut count: u64 = 0;
        while let Some(prepared) = reader.next() {
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err(problem) => {
                    unreadable += 1;
                    output::say(&format!("weir: {}: {problem}", arguments.file.display()));
                    if arguments.keep_going {
                        continue;
                    }
                    break;
                }
            };
            count += 1;
            let id = prepared.message_id.unwrap_or_default();
            let (subject, payload) = (prepared.subject, prepared.payload.into());
            publisher.publish(BulkMessage { id, subject, payload }).await?;
            bar.at(reader.progress().0, || format!("{} events", output::grouped(count)));
        }
        bar.done();
        let done = publisher.finish().await?;
        client.close().await;
        let summary = Summary {
            published: done.stored,
            duplicates: done.duplicates,
            unreadable,
            last_sequence: done.last_sequence,
        };
        if arguments.json {
            output::json(&summary)?;
        } else {
            output::line(&format!(
                "{} published, {} already there, {} unreadable row(s); the log ends at {}",
                output::grouped(summary.published),
                output::grouped(summary.duplicates),
                output::grouped(summary.unreadable),
                output::grouped(summary.last_sequence),
            ))?;
        }
        Ok(if unreadable == 0 { exit::FINE } else { exit::FINDINGS })
    })
}
