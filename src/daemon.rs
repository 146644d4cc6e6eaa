//! The daemon: builds every part from the configuration, runs them, and stops them in the right order.
//!
//! The only place that knows all parts. Order of a start: metrics and health, rules, database, broker,
//! streams, replay, work. Order of a stop: no more reading, what was read is judged and committed, what
//! was committed is published, connections are closed.

mod currency;
mod observe;
mod rulebooks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::engine::Engine;
use crate::nats::{self, Client, LogInbox, Patience, StreamReport};
use crate::pipeline::{self, Ended, Judge, LogIdentity, Notice, Outgoing, Settings, Shelf, Store};
use crate::rulebook::Rulebook;
use crate::store::SqliteStore;
use crate::telemetry::health::{Condition, Health};
use crate::telemetry::http::{self, Pages};
use crate::telemetry::metrics::{Metrics, Reload};
use crate::wire::{self, Decoder, encode};

use currency::Base;
use observe::Observer;
pub use observe::now;
use rulebooks::Fit;

/// The note that `weir status` shows while the rules folder is not taken up.
const NOTE_RELOAD: &str = "rules not taken up";

/// How often the end of the log is asked for, for lag.
const LAG_EVERY: Duration = Duration::from_secs(1);

/// How long to wait before the broker is asked again for what it did not give.
const BROKER_PAUSE: Duration = Duration::from_secs(2);

/// How to run.
pub struct Options {
    /// The configuration.
    pub config: Config,
    /// End when everything that is in the log now was judged, instead of waiting for more.
    pub until_caught_up: bool,
    /// Keep trying when the broker is away, instead of failing at once.
    pub patience: Patience,
}

/// Runs until `stop` becomes true, the log's end is reached (if asked for) or something is broken.
///
/// `watch_progress` is told everything that the pipeline tells.
///
/// # Errors
/// Whatever keeps the daemon from working on; everything committed stays committed.
pub async fn run(
    options: &Options,
    stop: watch::Receiver<bool>,
    watch_progress: &dyn Fn(&Notice<'_>),
) -> anyhow::Result<Ended> {
    let parts = Parts::start(&options.config).await?;
    let ended = Box::pin(parts.work(options, stop, watch_progress)).await;
    if let Err(error) = &ended {
        parts.health.unmet(Condition::Running, error.to_string());
    }
    parts.store.close().await.context("failed to close the database")?;
    ended
}

/// What exists before the broker is there.
struct Parts {
    metrics: Arc<Metrics>,
    health: Health,
    store: SqliteStore,
    shelf: Shelf,
    genesis: Arc<Rulebook>,
    /// The rulebook that was activated last in the committed log.
    live: String,
    base: Base,
    /// The rules folder as it is now, if it is sound.
    folder: Option<Fit>,
}

impl Parts {
    async fn start(config: &Config) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))?);
        let health = Health::new();
        serve_pages(config, &metrics, &health).await?;
        let shelf = Shelf::default();
        let read = rulebooks::from_folder(&config.rules).and_then(|rulebook| {
            // Before it can become the first one that the database knows.
            Base::said(config).map_or(Ok(()), |base| base.must_be_of(&rulebook))?;
            Ok(rulebook)
        });
        let store = SqliteStore::open(&config.database).await?;
        health.met(Condition::Store);
        let known = rulebooks::from_store(&store, &shelf, &read).await?;
        let live = shelf.get(&known.live).unwrap_or_else(|| Arc::clone(&known.genesis));
        let base = Base::of(config, &live)?;
        let folder = match read.and_then(|rulebook| rulebooks::guard(&live, &base, rulebook)) {
            Ok(fit) => {
                metrics.lists_refused(&[]);
                note(&store, None).await;
                Some(fit)
            }
            Err(rejected) => {
                refuse_rules(&store, &metrics, &config.rules, &rejected).await;
                None
            }
        };
        health.met(Condition::Rulebook);
        let (genesis, live) = (known.genesis, known.live);
        Ok(Self { metrics, health, store, shelf, genesis, live, base, folder })
    }

    async fn work(
        &self,
        options: &Options,
        stop: watch::Receiver<bool>,
        watch_progress: &dyn Fn(&Notice<'_>),
    ) -> anyhow::Result<Ended> {
        let config = &options.config;
        let client = nats::connect(&config.nats, options.patience).await?;
        let reaching = self.reach_log(options, &client);
        let Some((log, position, mut inbox)) = until(&stop, reaching).await.transpose()? else {
            return Ok(Ended::Stopped);
        };
        if position == 0 || self.replay_is_empty(position).await? {
            self.health.met(Condition::State);
        }
        let judge = self.judge(config, &log);
        let observer = Observer::new(
            Arc::clone(&self.metrics),
            self.health.clone(),
            self.shelf.clone(),
            position,
            &self.shelf.get(&self.live).unwrap_or_else(|| Arc::clone(&self.genesis)),
        );
        self.health.met(Condition::Running);
        let notice = |notice: Notice<'_>| {
            observer.notice(&notice);
            watch_progress(&notice);
        };
        let outlet = nats::Outlet::new(&client);
        let work = pipeline::run(&mut inbox, &self.store, &outlet, judge, position, stop, notice);
        let background = self.background(config, &client, options.until_caught_up);
        let ended = tokio::select! {
            ended = work => ended.map_err(anyhow::Error::from),
            never = background => never,
        };
        client.close().await;
        let waiting = self.store.reader().status().await?.outbox_pending;
        if options.until_caught_up && waiting > 0 && ended.is_ok() {
            anyhow::bail!(
                "the log is judged, but the broker did not confirm {waiting} output message(s); they stay \
                 in the outbox and are published at the next start"
            );
        }
        ended
    }

    fn judge(&self, config: &Config, log: &LogIdentity) -> Judge {
        let engine = Engine::new(Arc::clone(&self.genesis), config.limits.clone());
        let settings = Settings {
            batch_messages_max: config.batch_messages_max,
            ids_remembered: config.ids_remembered,
            stream: log.stream.clone(),
        };
        let decoding = wire::Settings { base_currency: self.base.currency, ..config.decoding };
        Judge::new(Decoder::new(decoding), engine, self.shelf.clone(), settings)
    }

    /// Gets as far as reading: broker, streams, our log, the folder's rulebook announced. With patience,
    /// trouble that may pass means another try.
    async fn reach_log(
        &self,
        options: &Options,
        client: &Client,
    ) -> anyhow::Result<(LogIdentity, u64, LogInbox)> {
        loop {
            let log = self.reach_broker(&options.config, client, options.patience).await?;
            let error = match self.prepare(options, client, log).await {
                Ok(prepared) => return Ok(prepared),
                Err(error) => error,
            };
            let may_pass = error.downcast_ref().is_some_and(nats::Error::is_transient);
            if options.patience == Patience::None || !may_pass {
                return Err(error);
            }
            tracing::warn!(%error, "The broker went away during the start; trying again.");
            tokio::time::sleep(BROKER_PAUSE).await;
        }
    }

    async fn prepare(
        &self,
        options: &Options,
        client: &Client,
        log: StreamReport,
    ) -> anyhow::Result<(LogIdentity, u64, LogInbox)> {
        let position = self.adopt(&log).await?;
        let mut inbox = self.open(client, &log).await?;
        self.health.met(Condition::Log);
        let last = self.announce_folder(client, log.last).await?;
        if options.until_caught_up {
            inbox.stop_at(last);
        }
        Ok((log.identity, position, inbox))
    }

    /// Waits for the broker and its streams; says what is missing while it waits.
    async fn reach_broker(
        &self,
        config: &Config,
        client: &Client,
        patience: Patience,
    ) -> anyhow::Result<StreamReport> {
        let mut is_said = false;
        loop {
            if !client.is_connected() {
                let why = "the broker is not connected";
                self.health.unmet(Condition::Log, why);
                if !is_said {
                    tracing::warn!("The broker cannot be reached yet; trying on.");
                    is_said = true;
                }
                client.connected().await;
            }
            self.metrics.nats_connected(true);
            let found = async {
                nats::ensure_out_stream(client, config.streams.manage).await?;
                nats::ensure_log_stream(client, config.streams.manage).await
            };
            let error = match found.await {
                Ok(log) => return Ok(log),
                Err(error) => error,
            };
            // A missing stream may be created by somebody else any time; a daemon waits for it.
            let may_pass =
                error.is_transient() || matches!(error, nats::Error::MissingStream { .. });
            if patience == Patience::None || !may_pass {
                return Err(error.into());
            }
            tracing::warn!(%error, "The broker is there, the streams are not; trying again.");
            self.health.unmet(Condition::Log, error.to_string());
            tokio::time::sleep(BROKER_PAUSE).await;
        }
    }

    /// Makes this log ours, or refuses one that is not. Gives back the committed position.
    async fn adopt(&self, log: &StreamReport) -> anyhow::Result<u64> {
        let weak: Vec<&str> = log.weaknesses.iter().map(|weakness| weakness.word()).collect();
        if !weak.is_empty() {
            let reason = weak.join(", ");
            tracing::warn!(reason, "The log's stream is weaker than a production log should be.");
        }
        if let Some(ours) = self.store.log_identity().await? {
            if ours != log.identity {
                return Err(nats::Error::Replaced {
                    stream: ours.stream,
                    ours: ours.created,
                    found: log.identity.created.clone(),
                }
                .into());
            }
        } else {
            self.store.set_log_identity(&log.identity, log.first.max(1)).await?;
        }
        let position = self.store.position().await.map_err(anyhow::Error::from)?;
        if position > log.last {
            return Err(nats::Error::RolledBack { position, last: log.last }.into());
        }
        Ok(position)
    }

    /// Opens the log where it began for us: state is rebuilt by judging it again.
    async fn open(&self, client: &Client, log: &StreamReport) -> anyhow::Result<LogInbox> {
        let first = self.store.reader().status().await?.first_sequence;
        let inbox = LogInbox::open(client, &log.identity, first.saturating_sub(1)).await?;
        Ok(inbox)
    }

    async fn replay_is_empty(&self, position: u64) -> anyhow::Result<bool> {
        Ok(self.store.reader().status().await?.first_sequence > position)
    }

    /// Puts the folder's rulebook into the log if it is not the live one. Gives back the log's end.
    async fn announce_folder(&self, client: &Client, last: u64) -> anyhow::Result<u64> {
        match &self.folder {
            Some(fit) if fit.rulebook.digest != self.live => {
                self.announce(client, fit).await?;
                Ok(nats::log_report(client).await?.last)
            }
            _ => Ok(last),
        }
    }

    async fn announce(&self, client: &Client, fit: &Fit) -> anyhow::Result<()> {
        let Fit { rulebook, approved } = fit;
        rulebooks::keep(&self.store, rulebook).await?;
        self.shelf.put(Arc::clone(rulebook));
        for shrunk in approved {
            tracing::warn!(reason = %shrunk, "A list lost more than half of its rows, as approved.");
        }
        let note = rulebooks::note(approved);
        write_control(client, encode::rulebook(&rulebook.digest, note.as_deref(), now())).await
    }

    /// Everything beside the pipeline; never ends by itself.
    async fn background(
        &self,
        config: &Config,
        client: &Client,
        until_caught_up: bool,
    ) -> anyhow::Result<Ended> {
        let watching = async {
            if until_caught_up {
                return std::future::pending().await;
            }
            self.take_up_changes(config, client).await
        };
        let ticking = async {
            match config.tick_every.filter(|_| !until_caught_up) {
                Some(every) => tick(client, every).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = watching => ended,
            ended = ticking => ended,
            ended = self.measure_lag(client) => ended,
            ended = self.watch_link(client) => ended,
        }
    }

    /// Hot reload: a sound folder is announced in the log, anything else leaves the live rulebook alone.
    async fn take_up_changes(&self, config: &Config, client: &Client) -> anyhow::Result<Ended> {
        let watched = rulebooks::watch(&config.rules, config.watch);
        let (_watcher, mut changes) = match watched {
            Ok(Some(kept)) => kept,
            Ok(None) => return std::future::pending().await,
            Err(error) => {
                tracing::warn!(
                    %error,
                    "The rules folder cannot be watched; changes are taken up at the next start."
                );
                return std::future::pending().await;
            }
        };
        let live = || self.shelf.get(&self.live).unwrap_or_else(|| Arc::clone(&self.genesis));
        let mut announced = self.folder.as_ref().map_or_else(live, |fit| Arc::clone(&fit.rulebook));
        loop {
            next(&mut changes).await;
            let read = rulebooks::from_folder(&config.rules);
            match read.and_then(|rulebook| rulebooks::guard(&announced, &self.base, rulebook)) {
                Ok(fit) if fit.rulebook.digest == announced.digest => {
                    self.took_up().await;
                }
                Ok(fit) => match self.announce(client, &fit).await {
                    Ok(()) => {
                        announced = fit.rulebook;
                        self.took_up().await;
                    }
                    Err(error) => {
                        // The folder is looked at again with its next change, or at the next start.
                        tracing::error!(%error, "A changed rulebook could not be put into the log.");
                        self.metrics.rulebook_reload(Reload::Refused);
                    }
                },
                Err(rejected) => {
                    refuse_rules(&self.store, &self.metrics, &config.rules, &rejected).await;
                }
            }
        }
    }

    /// The rules folder is what is live, or becomes it.
    async fn took_up(&self) {
        note(&self.store, None).await;
        self.metrics.lists_refused(&[]);
        self.metrics.rulebook_reload(Reload::Loaded);
    }

    async fn measure_lag(&self, client: &Client) -> anyhow::Result<Ended> {
        loop {
            if let Ok(log) = nats::log_report(client).await {
                self.metrics.log_last(log.last);
            }
            if let Ok(status) = self.store.reader().status().await {
                self.metrics.unmonitored(status.unmonitored);
                self.metrics.outbox_pending(status.outbox_pending);
            }
            tokio::time::sleep(LAG_EVERY).await;
        }
    }

    /// Readiness follows the connection.
    async fn watch_link(&self, client: &Client) -> anyhow::Result<Ended> {
        let mut link = client.link();
        let (mut connects, mut slow) = (link.borrow().connects, link.borrow().slow_consumers);
        loop {
            let now = link.borrow_and_update().clone();
            self.metrics.nats_connected(client.is_connected());
            if client.is_connected() {
                self.health.met(Condition::Log);
            } else {
                self.health.unmet(Condition::Log, "the broker is not connected");
                tracing::warn!("The broker is not connected; trying on.");
            }
            (connects..now.connects).for_each(|_| self.metrics.nats_reconnect());
            (slow..now.slow_consumers).for_each(|_| self.metrics.slow_consumer());
            (connects, slow) = (connects.max(now.connects), slow.max(now.slow_consumers));
            if link.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

async fn serve_pages(
    config: &Config,
    metrics: &Arc<Metrics>,
    health: &Health,
) -> anyhow::Result<()> {
    let Some(address) = config.listen else { return Ok(()) };
    let listener = http::bind(address).await?;
    let pages = Pages {
        metrics: Arc::clone(metrics),
        health: health.clone(),
        version: env!("CARGO_PKG_VERSION"),
    };
    tracing::info!(address = %listener.local_addr()?, "Metrics and health are served.");
    tokio::spawn(async move {
        if let Err(error) = http::serve(listener, pages, std::future::pending()).await {
            tracing::error!(%error, "Metrics and health are served no more.");
        }
    });
    Ok(())
}

async fn refuse_rules(
    store: &SqliteStore,
    metrics: &Metrics,
    folder: &Path,
    rejected: &rulebooks::Rejected,
) {
    metrics.rulebook_reload(Reload::Refused);
    metrics.lists_refused(rejected.shrunk_lists());
    tracing::error!(
        path = %folder.display(),
        reason = %rejected,
        "The rules folder is not taken up; the last good rulebook stays live."
    );
    note(store, Some(&rejected.to_string())).await;
}

/// A note for `weir status`; a database that does not answer now is no reason to stop.
async fn note(store: &SqliteStore, text: Option<&str>) {
    if let Err(error) = store.note(NOTE_RELOAD, text).await {
        tracing::warn!(%error, "A note for the status could not be kept.");
    }
}

/// Writes time into the log while nothing else does.
async fn tick(client: &Client, every: Duration) -> anyhow::Result<Ended> {
    let mut last_seen = None;
    loop {
        tokio::time::sleep(every).await;
        let Ok(log) = nats::log_report(client).await else { continue };
        let is_idle = last_seen.replace(log.last) == Some(log.last);
        if is_idle && let Err(error) = write_control(client, encode::tick(now())).await {
            tracing::debug!(%error, "A tick could not be written.");
        } else if is_idle {
            last_seen = Some(log.last + 1);
        }
    }
}

/// Puts one of Weir's own entries into the log.
async fn write_control(client: &Client, message: Outgoing) -> anyhow::Result<()> {
    let subject = message.subject.clone();
    let published = nats::Outlet::onto_log(client).publish(&[(0, message)]).await;
    if published.rows.is_empty() {
        let problem = published.problem.unwrap_or_default();
        return Err(nats::Error::Unanswered(format!("{subject}: {problem}")).into());
    }
    Ok(())
}

async fn next(changes: &mut mpsc::Receiver<()>) {
    if changes.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}

/// The work's result, or `None` if `stop` came first.
async fn until<T>(stop: &watch::Receiver<bool>, work: impl Future<Output = T>) -> Option<T> {
    let mut stop = stop.clone();
    tokio::select! {
        biased;
        _ = stop.wait_for(|&stop| stop) => None,
        result = work => Some(result),
    }
}
