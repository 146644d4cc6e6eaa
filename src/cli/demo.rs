//! `weir demo`: a broker of its own, sample data with planted crimes, the daemon, and what it found.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Clock};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tokio::sync::watch;

use super::bars::Bar;
use super::{exit, output, run, runtime};
use crate::config::{self, Config, Overrides};
use crate::daemon::{self, Options};
use crate::demo::planted::{self, Line, Named};
use crate::demo::{BASE_CURRENCY, schemes, unpack};
use crate::nats::{self, Broker, BrokerOptions, BulkMessage, BulkPublisher, Patience};
use crate::pipeline::{Ended, Notice};
use crate::publish;
use crate::store::{self, AlertFilter, Status};
use crate::telemetry::log;

/// How often the live line is drawn.
const LINE_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub struct Arguments {
    /// End when the sample is judged, instead of staying up.
    #[arg(long)]
    once: bool,
    /// Print one JSON object at the end and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// The broker's program; otherwise it is searched for.
    #[arg(long, value_name = "FILE")]
    nats_server: Option<PathBuf>,
    /// Rules folder.
    #[arg(long, default_value = "rules", value_name = "FOLDER")]
    rules: PathBuf,
    /// Keep the database in this folder; otherwise it goes with the demonstration.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Address of metrics and health, or `off`.
    #[arg(long, default_value = "off", value_name = "ADDRESS")]
    listen: String,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Summary {
    published: u64,
    evaluated: u64,
    parked: u64,
    quarantined: u64,
    duplicate: u64,
    control: u64,
    unmonitored: u64,
    alerts: u64,
    rekyc: u64,
    seconds: f64,
}

/// `weir demo`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    log::init(log::Format::Auto, log::FILTER_WATCHED)?;
    runtime()?.block_on(demonstrate(arguments))
}

async fn demonstrate(arguments: &Arguments) -> anyhow::Result<u8> {
    let stop = run::stop_signals()?;
    let options =
        BrokerOptions { program: arguments.nats_server.clone(), ..BrokerOptions::default() };
    let broker = Broker::start(options).await?;
    output::say(&format!(
        "broker: nats-server {} ({}), private, in {}",
        broker.program().version,
        broker.program().path.display(),
        broker.directory().display()
    ));
    output::say(
        "waived for the demonstration: the broker does not sync every message to disk and keeps one \
         copy; a production log must (the database syncs every commit here too)",
    );
    let outcome = play(arguments, &broker, stop).await;
    broker.stop().await;
    outcome
}

async fn play(
    arguments: &Arguments,
    broker: &Broker,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<u8> {
    let folder = arguments.keep.clone().unwrap_or_else(|| broker.directory().join("weir"));
    let config = config_for(arguments, broker, &folder.join("weir.db"))?;
    let client = broker.client().await?;
    nats::ensure_log_stream(&client, nats::Manage::Create).await?;
    nats::ensure_out_stream(&client, nats::Manage::Create).await?;
    let published = publish_sample(&client, broker, arguments.json).await?;
    client.close().await;
    let started = Clock::now();
    let database = config.database.clone();
    let live = LiveLine::new(published);
    let options = Options { config, until_caught_up: true, patience: Patience::None };
    let ended = daemon::run(&options, stop.clone(), &|notice| live.notice(notice)).await?;
    live.done();
    if ended == Ended::Stopped {
        output::say("stopped before the sample was judged");
        return Ok(exit::STOPPED);
    }
    let seconds = started.elapsed().as_secs_f64();
    let summary = report(&database, published, seconds, arguments.json).await?;
    if arguments.json {
        output::line(&serde_json::to_string(&summary)?)?;
    }
    if summary.unmonitored != 0 {
        return Ok(exit::FINDINGS);
    }
    if !arguments.once {
        stay(arguments, options, stop, &database, broker).await?;
    }
    Ok(exit::FINE)
}

fn config_for(arguments: &Arguments, broker: &Broker, database: &Path) -> anyhow::Result<Config> {
    let overrides = Overrides {
        database: Some(database.to_owned()),
        rules: Some(arguments.rules.clone()),
        base_currency: Some(BASE_CURRENCY.to_owned()),
        listen: Some(arguments.listen.clone()),
        ..Overrides::default()
    };
    let mut config = config::load(None, &overrides)?;
    config.nats = broker.settings();
    config.streams.manage = nats::Manage::Create;
    Ok(config)
}

/// Puts the sample onto the log; gives back how many messages the broker stored.
async fn publish_sample(
    client: &nats::Client,
    broker: &Broker,
    is_quiet: bool,
) -> anyhow::Result<u64> {
    let files = unpack(&broker.directory().join("sample"))?;
    let mut publisher = BulkPublisher::new(client);
    let mut count: u64 = 0;
    for file in files {
        let mut reader = publish::open(&file, None)?;
        let mut bar = Bar::new("publishing", reader.progress().1, is_quiet);
        while let Some(prepared) = reader.next() {
            let prepared =
                prepared.with_context(|| format!("failed to read {}", file.display()))?;
            count += 1;
            // Not the event's own id: the broker must not swallow the planted duplicates.
            let message = BulkMessage {
                id: format!("demo/{count}"),
                subject: prepared.subject,
                payload: prepared.payload.into(),
            };
            publisher.publish(message).await?;
            bar.at(reader.progress().0, || format!("{} messages", output::grouped(count)));
        }
        bar.done();
    }
    let stored = publisher.finish().await?.stored;
    output::say(&format!("published: {} messages", output::grouped(stored)));
    Ok(stored)
}

/// The live line: how fast, how far behind, how many alerts.
struct LiveLine {
    total: u64,
    judged: Cell<u64>,
    alerts: Cell<u64>,
    started: Clock,
    drawn: RefCell<Clock>,
    is_watched: bool,
}

impl LiveLine {
    fn new(total: u64) -> Self {
        let now = Clock::now();
        Self {
            total,
            judged: Cell::new(0),
            alerts: Cell::new(0),
            started: now,
            drawn: RefCell::new(now),
            is_watched: output::is_watched(),
        }
    }

    fn notice(&self, notice: &Notice<'_>) {
        let Notice::Progress(progress) = notice else { return };
        self.judged.set(progress.sequence);
        let raised = progress.counts_of_alerts();
        self.alerts.set(self.alerts.get() + raised);
        let every = if self.is_watched { LINE_EVERY } else { Duration::from_secs(5) };
        if self.drawn.borrow().elapsed() >= every {
            *self.drawn.borrow_mut() = Clock::now();
            self.draw();
        }
    }

    fn draw(&self) {
        let judged = self.judged.get();
        let milliseconds = self.started.elapsed().as_millis().max(1);
        let rate = u128::from(judged) * 1_000 / milliseconds;
        let line = format!(
            "{} judged, {rate}/s, {} behind, {} alerts",
            output::grouped(judged),
            output::grouped(self.total.saturating_sub(judged)),
            output::grouped(self.alerts.get()),
        );
        if self.is_watched {
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "\r\x1b[K{line}");
            let _ = out.flush();
        } else {
            output::say(&line);
        }
    }

    fn done(&self) {
        self.draw();
        if self.is_watched {
            output::say("");
        }
    }
}

async fn report(
    database: &Path,
    published: u64,
    seconds: f64,
    is_quiet: bool,
) -> anyhow::Result<Summary> {
    let reader = store::open_read_only(database).await?;
    let status = reader.status().await?;
    let filter = AlertFilter { with_shadow: true, ..AlertFilter::default() };
    let alerts = reader.alerts(&filter).await?;
    reader.close().await;
    let named: Vec<Named> = alerts
        .iter()
        .map(|alert| Named {
            at: alert.at,
            parties: alert.customer.iter().chain([&alert.entity_id]).cloned().collect(),
        })
        .collect();
    let lines = planted::compare(&schemes()?, &named);
    if !is_quiet {
        table(&lines, &status)?;
    }
    Ok(Summary {
        published,
        evaluated: status.evaluated,
        parked: status.parked,
        quarantined: status.quarantined,
        duplicate: status.duplicate,
        control: status.control,
        unmonitored: status.unmonitored,
        alerts: alerts.iter().filter(|alert| !alert.is_shadow).count() as u64,
        rekyc: status.rekyc_open,
        seconds: (seconds * 1_000.0).round() / 1_000.0,
    })
}

fn table(lines: &[Line], status: &Status) -> anyhow::Result<()> {
    output::line("\nPlanted and found")?;
    let mut table = output::table(&["planted", "schemes", "found"]);
    for line in lines {
        table.add_row([line.typology.clone(), line.planted.to_string(), line.found.to_string()]);
    }
    output::line(&table.to_string())?;
    output::line(
        "A scheme counts as found if an alert names one of its parties while it runs. The rules shown \
         here are a first cut; what they miss is part of the picture.",
    )?;
    output::line(&format!(
        "\n{} evaluated, {} parked, {} duplicate, {} quarantined, {} control: {} unmonitored",
        output::grouped(status.evaluated),
        output::grouped(status.parked),
        output::grouped(status.duplicate),
        output::grouped(status.quarantined),
        output::grouped(status.control),
        output::grouped(status.unmonitored),
    ))?;
    Ok(())
}

/// Stays up as a daemon until stopped, so that people can look around.
async fn stay(
    arguments: &Arguments,
    mut options: Options,
    stop: watch::Receiver<bool>,
    database: &Path,
    broker: &Broker,
) -> anyhow::Result<()> {
    let weir = std::env::current_exe().unwrap_or_else(|_| "weir".into());
    let (weir, database) = (weir.display(), database.display());
    if !arguments.json {
        output::line(&format!(
            "\nLook at the alerts, in another terminal:\n  \
             {weir} alerts list --database {database}\n  \
             {weir} alerts show ID --database {database}\n  \
             {weir} rekyc list --database {database}\n  \
             {weir} status --database {database}\n\n\
             Broker: {} (credentials in {})\n\
             Ctrl-C ends the demonstration.",
            broker.url(),
            broker.directory().display(),
        ))?;
    }
    options.until_caught_up = false;
    daemon::run(&options, stop, &|_| {}).await?;
    Ok(())
}
