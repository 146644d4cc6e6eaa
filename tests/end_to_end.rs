//! The whole daemon on real input: a real broker, the sample data, a real database, and faults.

mod currency;
mod lists;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant as Clock};

use tempfile::TempDir;
use tokio::sync::watch;
use weir::config::{self, Config, Overrides};
use weir::daemon::{self, Options};
use weir::nats::{self, Broker, BrokerOptions, BulkMessage, BulkPublisher, Client, Patience};
use weir::store::{self, AlertFilter, RekycFilter, Status};
use weir::telemetry::metric_list;
use weir::{demo, publish};

use crate::support;

/// Everything that must be the same after another run on the same log.
#[derive(Debug, PartialEq)]
struct Found {
    status: Vec<(&'static str, u64)>,
    alerts: BTreeMap<String, (String, u64)>,
    rekyc: BTreeMap<String, String>,
    published: u64,
}

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

fn config(broker: &Broker, folder: &Path) -> Config {
    let overrides = Overrides {
        database: Some(folder.join("weir.db")),
        rules: Some(rules()),
        base_currency: Some(demo::BASE_CURRENCY.to_owned()),
        listen: Some("off".to_owned()),
        ..Overrides::default()
    };
    let mut config = config::load(None, &overrides).expect("a sound configuration");
    config.nats = broker.settings();
    config.streams.manage = nats::Manage::Create;
    config
}

/// Puts the sample onto the log; gives back how many messages were stored.
async fn publish_sample(client: &Client) -> u64 {
    nats::ensure_log_stream(client, nats::Manage::Create).await.expect("the log");
    nats::ensure_out_stream(client, nats::Manage::Create).await.expect("the output stream");
    let folder = tempfile::tempdir().expect("a folder");
    let mut publisher = BulkPublisher::new(client);
    let mut count = 0;
    for file in demo::unpack(folder.path()).expect("the sample") {
        for prepared in publish::open(&file, None).expect("a readable file") {
            let prepared = prepared.expect("a sound row");
            count += 1;
            let (subject, payload) = (prepared.subject, prepared.payload.into());
            let message = BulkMessage { id: format!("sample/{count}"), subject, payload };
            publisher.publish(message).await.expect("published");
        }
    }
    publisher.finish().await.expect("all stored").stored
}

async fn run_until_caught_up(config: Config) {
    let (_keep, stop) = watch::channel(false);
    let options = Options { config, until_caught_up: true, patience: Patience::None };
    daemon::run(&options, stop, &|_| {}).await.expect("a clean end");
}

async fn found(database: &Path, client: &Client) -> Found {
    let reader = store::open_read_only(database).await.expect("a database");
    let status = reader.status().await.expect("a status");
    let everything = AlertFilter { with_shadow: true, ..AlertFilter::default() };
    let alerts = reader.alerts(&everything).await.expect("alerts");
    let requests = RekycFilter { with_shadow: true, ..RekycFilter::default() };
    let rekyc = reader.rekyc(&requests).await.expect("requests");
    reader.close().await;
    let out = client.jetstream().get_stream(nats::OUT_STREAM).await.expect("the output stream");
    Found {
        status: counts(&status),
        alerts: alerts
            .into_iter()
            .map(|alert| (alert.id, (alert.message, alert.occurrences)))
            .collect(),
        rekyc: rekyc.into_iter().map(|it| (it.id, it.causes.len().to_string())).collect(),
        published: out.cached_info().state.messages,
    }
}

fn counts(status: &Status) -> Vec<(&'static str, u64)> {
    vec![
        ("evaluated", status.evaluated),
        ("parked", status.parked),
        ("duplicate", status.duplicate),
        ("quarantined", status.quarantined),
        ("control", status.control),
        ("unmonitored", status.unmonitored),
        ("position", status.position),
        ("outbox", status.outbox_pending),
    ]
}

#[tokio::test]
async fn every_message_of_the_sample_has_one_fate_and_a_second_run_adds_nothing() {
    let support::TestBroker { client, broker } = support::broker().await;
    let stored = publish_sample(&client).await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(&broker, folder.path());
    let database = config.database.clone();
    run_until_caught_up(config.clone()).await;
    let first = found(&database, &client).await;
    let fates: u64 = first.status.iter().take(5).map(|(_, count)| count).sum();
    assert_eq!(fates, stored, "{:?}", first.status);
    let count = |name| first.status.iter().find(|(it, _)| *it == name).map(|(_, count)| *count);
    assert_eq!(count("unmonitored"), Some(0));
    assert_eq!(count("outbox"), Some(0));
    assert_eq!(count("duplicate"), Some(3), "planted");
    assert_eq!(count("quarantined"), Some(5), "planted");
    assert_eq!(count("parked"), Some(4), "planted");
    assert!(first.alerts.len() > 100, "{} alerts", first.alerts.len());
    assert!(!first.rekyc.is_empty());
    run_until_caught_up(config).await;
    assert_eq!(found(&database, &client).await, first);
}

#[tokio::test]
async fn every_planted_story_is_seen_by_the_rule_that_should_see_it() {
    let support::TestBroker { client, broker } = support::broker().await;
    publish_sample(&client).await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(&broker, folder.path());
    let database = config.database.clone();
    run_until_caught_up(config).await;
    let reader = store::open_read_only(&database).await.expect("a database");
    let everything = AlertFilter { with_shadow: true, ..AlertFilter::default() };
    let alerts = reader.alerts(&everything).await.expect("alerts");
    let stories = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/planted-labels.csv"),
    );
    let stories = stories.expect("labels");
    for story in csv::Reader::from_reader(stories.as_bytes()).into_deserialize() {
        let story: BTreeMap<String, String> = story.expect("a sound row");
        let (party, rule) = (&story["party"], &story["rule"]);
        let account = format!("A-{party}");
        let is_seen = alerts.iter().any(|alert| {
            alert.rule == *rule
                && (alert.entity_id == *party
                    || alert.entity_id == account
                    || alert.customer.as_ref() == Some(party))
        });
        assert!(is_seen, "{}: no alert of {rule} about {party}", story["story"]);
    }
}

/// The program itself, as an operator runs it.
struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    fn start(broker: &Broker, folder: &Path, rules: &Path, extra: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let settings = broker.settings();
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        let text = format!(
            "database = {}\n[rules]\npath = {}\n[nats]\nservers = [{:?}]\nuser = {:?}\n\
             password_file = {}\n[streams]\nmanage = \"create\"\n[input]\nbase_currency = \"SEK\"\n\
             [http]\nlisten = \"127.0.0.1:{port}\"\n",
            quoted(&folder.join("weir.db")),
            quoted(rules),
            settings.servers[0],
            settings.user.expect("a user"),
            quoted(&settings.password_file.expect("a password file")),
        );
        let file = folder.join("weir.toml");
        fs::write(&file, text).expect("a configuration");
        let child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .arg("run")
            .arg("--config")
            .arg(&file)
            .args(extra)
            .env_remove("NATS_URL")
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("weir.log")).expect("a log file"))
            .spawn()
            .expect("the program starts");
        Self { child, port }
    }

    /// Answer of the metrics and health listener: status line and body.
    fn get(&self, path: &str) -> Option<(String, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.lines().next()?.to_owned(), body.to_owned()))
    }

    fn is_ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(status, _)| status.contains("200"))
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let done = Command::new("kill").args([name, &id]).status().expect("kill runs");
        assert!(done.success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Clock::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_mins(2), "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn position(database: &Path) -> u64 {
    let Ok(reader) = store::open_read_only(database).await else { return 0 };
    let position = reader.status().await.map_or(0, |status| status.position);
    reader.close().await;
    position
}

#[tokio::test]
async fn killed_in_mid_stream_it_finds_what_an_uninterrupted_run_finds() {
    let support::TestBroker { client, broker } = support::broker().await;
    let stored = publish_sample(&client).await;
    let killed = tempfile::tempdir().expect("a folder");
    let database = killed.path().join("weir.db");
    let mut kills = 0;
    for part in 1..=3 {
        let mut daemon = Daemon::start(&broker, killed.path(), &rules(), &[]);
        eventually("some progress", async || position(&database).await > stored * part / 4).await;
        daemon.child.kill().expect("kill -9");
        daemon.child.wait().expect("it ends");
        kills += 1;
        assert!(position(&database).await < stored, "killed in mid-stream, not after it");
    }
    assert_eq!(kills, 3);
    let mut last = Daemon::start(&broker, killed.path(), &rules(), &["--until-caught-up"]);
    assert!(last.child.wait().expect("it ends").success());
    let after_kills = found(&database, &client).await;

    let whole: TempDir = tempfile::tempdir().expect("a folder");
    let config = config(&broker, whole.path());
    let uninterrupted = config.database.clone();
    run_until_caught_up(config).await;
    // The output stream refuses repeats by message id, so it has not grown by the second daemon.
    assert_eq!(found(&uninterrupted, &client).await, after_kills);
}

#[tokio::test]
async fn without_a_broker_it_is_alive_and_not_ready_and_works_when_the_broker_comes() {
    let support::TestBroker { client, mut broker } = support::broker().await;
    client.close().await;
    broker.crash();
    let folder = tempfile::tempdir().expect("a folder");
    // The shipped rules, in a deployment that declares a field: some series are per field.
    let own_rules = folder.path().join("rules");
    fs::create_dir(&own_rules).expect("a folder");
    for (path, text) in weir::files::read_folder(&rules()).expect("readable rules") {
        let path = own_rules.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a copy");
    }
    let schema = "fields:\n  tx.extra.wallet: { type: text, doc: The wallet. }\n";
    fs::write(own_rules.join("schema.yaml"), schema).expect("a schema");
    let mut daemon = Daemon::start(&broker, folder.path(), &own_rules, &[]);
    eventually("alive", async || daemon.get("/healthz").is_some()).await;
    let (status, body) = daemon.get("/readyz").expect("an answer");
    assert!(status.contains("503"), "{status}");
    assert!(body.contains("broker"), "{body}");
    broker.start_again().await.expect("the broker comes");
    eventually("ready", async || daemon.is_ready()).await;
    let (_, scrape) = daemon.get("/metrics").expect("a scrape");
    for metric in metric_list::ALL {
        assert!(
            scrape.lines().any(|line| line.starts_with(metric.name)),
            "{} is in the list and in no real scrape",
            metric.name
        );
    }
    daemon.signal("-TERM");
    assert!(daemon.child.wait().expect("it ends").success(), "a clean stop");
}

#[tokio::test]
async fn a_changed_rule_goes_live_by_the_log_and_a_broken_one_changes_nothing() {
    let support::TestBroker { client, broker } =
        support::broker_with(BrokerOptions::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).expect("a folder");
    let file = rules.join("large-cash.yaml");
    let rule = |limit: &str| {
        format!(
            "lang: 1\nrule: large-cash\ntitle: Large cash\nabout: Cash over a limit.\nseverity: low\n\
             trigger: transaction\nentity: customer\nwhen: tx.amount >= {limit}\n\
             alert:\n  score: 10\n  message: \"{{tx.amount}}\"\n"
        )
    };
    fs::write(&file, rule("1000")).expect("a rule");
    let mut daemon = Daemon::start(&broker, folder.path(), &rules, &[]);
    eventually("ready", async || daemon.is_ready()).await;
    let database = folder.path().join("weir.db");
    let status = async || {
        let reader = store::open_read_only(&database).await.expect("a database");
        let status = reader.status().await.expect("a status");
        reader.close().await;
        status
    };
    let digest = async || status().await.rulebook.map(|rulebook| rulebook.digest);
    let first = digest().await;
    fs::write(&file, rule("2000")).expect("another rule");
    eventually("the changed rulebook is live", async || digest().await != first).await;
    let second = digest().await;
    let failed = |daemon: &Daemon| {
        let (_, scrape) = daemon.get("/metrics").expect("a scrape");
        let line = scrape.lines().find(|line| line.starts_with("weir_rulebook_reload_failed"));
        line.map(str::to_owned)
    };
    assert_eq!(failed(&daemon).as_deref(), Some("weir_rulebook_reload_failed 0"));
    fs::write(&file, rule("tx.amonut")).expect("a broken rule");
    eventually("the mistake is told", async || {
        status().await.notes.iter().any(|note| note.value.contains("tx.amonut"))
    })
    .await;
    assert_eq!(digest().await, second, "the last good rulebook stays live");
    assert_eq!(failed(&daemon).as_deref(), Some("weir_rulebook_reload_failed 1"));
    daemon.signal("-TERM");
    assert!(daemon.child.wait().expect("it ends").success());

    fs::write(&file, rule("3000")).expect("a rule changed while the daemon was down");
    let mut next = Daemon::start(&broker, folder.path(), &rules, &["--until-caught-up"]);
    assert!(next.child.wait().expect("it ends").success());
    assert_ne!(digest().await, second, "it is live from where the log was then");
    drop(client);
}
