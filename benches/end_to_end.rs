//! The whole daemon against a bare read of the same log, alternately in the same minutes.
//!
//! Raw: an ordered consumer on a current-thread runtime that counts messages and does nothing else.
//! Daemon: decode, identity join, all shipped rules, alerts committed to SQLite with
//! `synchronous=FULL` and published. What counts is the ratio of the two; absolute numbers belong to
//! the machine and the minute. `WEIR_BENCH_MESSAGES` and `WEIR_BENCH_PAIRS` change the size.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench that cannot be set up must stop, and its output is for people"
)]

use std::path::Path;
use std::time::Instant as Clock;

use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures::StreamExt;
use serde_json::Value;
use tokio::sync::watch;
use weir::config::{self, Config, Overrides};
use weir::daemon::{self, Options};
use weir::domain::{Instant, Span};
use weir::nats::{self, Broker, BrokerOptions, BulkMessage, BulkPublisher, Client, Patience};
use weir::{demo, publish, store};

/// Days by which the sample is shifted when it is published again.
const SHIFT_DAYS: i64 = 42;

/// Two raw runs of one session that differ by more than this make the session worthless.
const NOISE_MAX: f64 = 1.25;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(bench());
}

async fn bench() {
    let messages = number("WEIR_BENCH_MESSAGES", 200_000);
    let pairs = number("WEIR_BENCH_PAIRS", 5).max(1);
    let broker = Broker::start(BrokerOptions::default()).await.expect("a broker");
    let client = broker.client().await.expect("a connection");
    nats::ensure_log_stream(&client, nats::Manage::Create).await.expect("the log");
    nats::ensure_out_stream(&client, nats::Manage::Create).await.expect("the output stream");
    let bytes = fill(&client, messages).await;
    println!(
        "{messages} messages, {} bytes each on average; database synchronous=FULL, broker sync default",
        bytes / messages
    );
    let (mut raws, mut daemons) = (Vec::new(), Vec::new());
    for pair in 1..=pairs {
        let raw = messages as f64 / read_raw(&client, messages).await;
        let (seconds, alerts) = run_daemon(&broker).await;
        let daemon = messages as f64 / seconds;
        println!(
            "pair {pair}: raw {raw:>9.0}/s  daemon {daemon:>9.0}/s  ratio {:.3}  alerts {alerts}  load {}",
            daemon / raw,
            load()
        );
        raws.push(raw);
        daemons.push(daemon / raw);
    }
    client.close().await;
    broker.stop().await;
    let spread = raws.iter().copied().fold(0.0, f64::max)
        / raws.iter().copied().fold(f64::INFINITY, f64::min);
    daemons.sort_by(f64::total_cmp);
    let median = daemons.get(daemons.len() / 2).copied().unwrap_or(0.0);
    println!(
        "ratio daemon / raw: median {median:.3} (min {:.3}, max {:.3}) over {pairs} pairs",
        daemons.first().copied().unwrap_or(0.0),
        daemons.last().copied().unwrap_or(0.0),
    );
    if spread > NOISE_MAX {
        println!("the raw runs differ by {spread:.2}: the machine was too noisy to judge by");
    }
}

/// Publishes the sample, shifted in time as often as needed; gives back the bytes published.
async fn fill(client: &Client, messages: u64) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut all = Vec::new();
    for file in demo::unpack(folder.path()).expect("the sample") {
        // The hand-written stories hold broken messages on purpose; they are no load.
        if file.extension().is_some_and(|ending| ending == "ndjson") {
            continue;
        }
        for prepared in publish::open(&file, None).expect("a readable file") {
            all.push(prepared.expect("a sound row"));
        }
    }
    let mut publisher = BulkPublisher::new(client);
    let (mut count, mut bytes, mut round) = (0, 0, 0);
    'filling: loop {
        for prepared in &all {
            if count == messages {
                break 'filling;
            }
            let is_transaction = prepared.subject.contains("transaction");
            if round > 0 && !is_transaction {
                continue;
            }
            let payload = if round == 0 {
                prepared.payload.clone()
            } else {
                shifted(&prepared.payload, round)
            };
            count += 1;
            bytes += payload.len() as u64;
            let message = BulkMessage {
                id: format!("bench/{count}"),
                subject: prepared.subject.clone(),
                payload: payload.into(),
            };
            publisher.publish(message).await.expect("published");
        }
        round += 1;
    }
    publisher.finish().await.expect("all stored");
    bytes
}

fn shifted(payload: &[u8], round: i64) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(payload).expect("a sound event");
    let at = event["time"].as_str().and_then(Instant::parse).expect("a time");
    event["time"] = at.plus(Span::days(SHIFT_DAYS * round)).to_string().into();
    event["id"] = format!("{}-{round}", event["id"].as_str().unwrap_or_default()).into();
    serde_json::to_vec(&event).expect("JSON")
}

async fn read_raw(client: &Client, messages: u64) -> f64 {
    let stream = client.jetstream().get_stream(nats::LOG_STREAM).await.expect("the log");
    let started = Clock::now();
    let consumer = stream
        .create_consumer(pull::OrderedConfig {
            deliver_policy: DeliverPolicy::All,
            ..pull::OrderedConfig::default()
        })
        .await
        .expect("a consumer");
    let mut all = consumer.messages().await.expect("messages");
    for _ in 0..messages {
        all.next().await.expect("a message").expect("a sound message");
    }
    started.elapsed().as_secs_f64()
}

async fn run_daemon(broker: &Broker) -> (f64, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(broker, folder.path());
    let database = config.database.clone();
    let (_keep, stop) = watch::channel(false);
    let options = Options { config, until_caught_up: true, patience: Patience::None };
    let started = Clock::now();
    daemon::run(&options, stop, &|_| {}).await.expect("a clean end");
    let seconds = started.elapsed().as_secs_f64();
    let reader = store::open_read_only(&database).await.expect("a database");
    let status = reader.status().await.expect("a status");
    reader.close().await;
    assert_eq!(status.unmonitored, 0);
    (seconds, status.alerts.iter().map(|count| count.count).sum())
}

fn config(broker: &Broker, folder: &Path) -> Config {
    let overrides = Overrides {
        database: Some(folder.join("weir.db")),
        rules: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")),
        base_currency: Some(demo::BASE_CURRENCY.to_owned()),
        listen: Some("off".to_owned()),
        ..Overrides::default()
    };
    let mut config = config::load(None, &overrides).expect("a sound configuration");
    config.nats = broker.settings();
    config
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}
