//! The broker edge against a real server: order, holes, restarts, access, and no orphans.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant as Moment};

use bytes::Bytes;
use futures::TryStreamExt;
use tempfile::TempDir;
use weir::nats::{
    Broker, BrokerAccess, BrokerOptions, BulkMessage, BulkPublisher, Client, Error, LOG_STREAM,
    LogInbox, Manage, Outlet, Patience, Settings, StreamReport, TlsSettings, connect,
    ensure_log_stream, ensure_out_stream, log_report,
};
use weir::pipeline::{Delivery, Inbox, InboxError, Outgoing};

use crate::support::{self, TestBroker};

/// Long enough for a slow machine, short enough to fail a test that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

async fn log_of(client: &Client) -> StreamReport {
    ensure_log_stream(client, Manage::Create).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn publish(client: &Client, ids: std::ops::Range<u64>) {
    let mut publisher = BulkPublisher::new(client);
    for id in ids {
        let message = BulkMessage {
            id: format!("invented/{id}"),
            subject: "aml.in.transaction.card".to_owned(),
            payload: Bytes::from(format!("{{\"id\":\"{id}\"}}")),
        };
        publisher.publish(message).await.unwrap_or_else(|error| panic!("{error}"));
    }
    let summary = publisher.finish().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(summary.out_of_order, 0);
}

async fn open(client: &Client, report: &StreamReport, position: u64) -> LogInbox {
    LogInbox::open(client, &report.identity, position)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn batch(inbox: &mut LogInbox, max: usize) -> Vec<Delivery> {
    tokio::time::timeout(PATIENCE, inbox.next_batch(max))
        .await
        .expect("a batch in time")
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Reads to the end that was set; checks that every sequence is the next one.
async fn read_to_end(inbox: &mut LogInbox, mut position: u64) -> u64 {
    loop {
        let deliveries = batch(inbox, 512).await;
        if deliveries.is_empty() {
            return position;
        }
        for delivery in deliveries {
            position += 1;
            assert_eq!(delivery.sequence, position);
        }
    }
}

#[tokio::test]
async fn the_log_is_read_in_order_in_batches_of_what_is_ready() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = log_of(&client).await;
    assert_eq!((report.first, report.last, report.is_created), (1, 0, true));
    publish(&client, 0..5_000).await;
    let mut inbox = open(&client, &report, 0).await;
    inbox.stop_at(5_000);
    let first = batch(&mut inbox, 100).await;
    assert!(!first.is_empty() && first.len() <= 100, "{}", first.len());
    assert_eq!(first[0].payload, Bytes::from_static(b"{\"id\":\"0\"}"));
    assert!(first[0].headers.is_empty());
    assert!(first[0].stored_at.0 > 1_700_000_000_000_000);
    let read = u64::try_from(first.len()).expect("small");
    assert_eq!(read_to_end(&mut inbox, read).await, 5_000);
    // The order of submission is the order of the log.
    let mut inbox = open(&client, &report, 4_999).await;
    assert_eq!(batch(&mut inbox, 10).await[0].payload, Bytes::from_static(b"{\"id\":\"4999\"}"));
    assert_eq!(inbox.recreated(), 0);
}

#[tokio::test]
async fn reading_begins_after_the_position_and_waits_for_what_comes() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = log_of(&client).await;
    publish(&client, 0..10).await;
    let mut inbox = open(&client, &report, 10).await;
    // Nothing is there yet, and a reader that stops waiting loses nothing.
    for _ in 0..3 {
        let waited = tokio::time::timeout(Duration::from_millis(50), inbox.next_batch(10)).await;
        assert!(waited.is_err());
    }
    publish(&client, 10..12).await;
    inbox.stop_at(12);
    assert_eq!(read_to_end(&mut inbox, 10).await, 12);
    assert_eq!(inbox.recreated(), 0);
}

#[tokio::test]
async fn many_messages_pass_through_many_requests() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = log_of(&client).await;
    publish(&client, 0..30_000).await;
    let mut inbox = open(&client, &report, 0).await;
    inbox.stop_at(30_000);
    assert_eq!(read_to_end(&mut inbox, 0).await, 30_000);
    assert_eq!(inbox.recreated(), 0);
}

#[tokio::test]
async fn attributes_in_headers_are_handed_on_and_others_are_not() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = log_of(&client).await;
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("ce-type", "aml.transaction.v1");
    headers.insert("Ce-Id", "t-1");
    headers.insert("Content-Type", "application/json");
    headers.insert("X-Secret", "not ours");
    let ack = client
        .jetstream()
        .publish_with_headers("aml.in.transaction.wire", headers, Bytes::from_static(b"{}"))
        .await
        .expect("sent");
    ack.await.expect("stored");
    let mut inbox = open(&client, &report, 0).await;
    let expected =
        [("ce-id", "t-1"), ("ce-type", "aml.transaction.v1"), ("content-type", "application/json")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(batch(&mut inbox, 10).await[0].headers, expected);
}

#[tokio::test]
async fn a_message_with_headers_like_the_brokers_own_is_still_a_message() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = log_of(&client).await;
    publish(&client, 0..1).await;
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Status", "100");
    headers.insert("Description", "Idle Heartbeat");
    let ack = client
        .jetstream()
        .publish_with_headers("aml.in.transaction.wire", headers, Bytes::new())
        .await
        .expect("sent");
    ack.await.expect("stored");
    publish(&client, 1..2).await;
    let mut inbox = open(&client, &report, 0).await;
    inbox.stop_at(3);
    assert_eq!(read_to_end(&mut inbox, 0).await, 3);
}

/// A log that its owner made deletable.
async fn deletable_log(client: &Client) -> StreamReport {
    let config = async_nats::jetstream::stream::Config {
        name: LOG_STREAM.to_owned(),
        subjects: vec!["aml.in.>".to_owned()],
        ..Default::default()
    };
    client.jetstream().create_stream(config).await.expect("created");
    let report = ensure_log_stream(client, Manage::Verify).await.expect("usable");
    let words: Vec<_> = report.weaknesses.iter().map(|weakness| weakness.word()).collect();
    assert_eq!(words, ["delete_allowed", "purge_allowed", "single_copy"]);
    report
}

#[tokio::test]
async fn a_deleted_message_is_a_hole_and_stops_reading_before_the_next_one() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = deletable_log(&client).await;
    publish(&client, 0..10).await;
    let stream = client.jetstream().get_stream(LOG_STREAM).await.expect("there");
    stream.delete_message(6).await.expect("deleted");
    let mut inbox = open(&client, &report, 0).await;
    let before = batch(&mut inbox, 100).await;
    assert_eq!(before.last().map(|delivery| delivery.sequence), Some(5));
    let error = tokio::time::timeout(PATIENCE, inbox.next_batch(100)).await.expect("in time");
    assert!(matches!(error, Err(InboxError::Hole { expected: 6, found: 7 })), "{error:?}");
    // The log was asked a second time before it was accused.
    assert_eq!(inbox.recreated(), 1);
}

#[tokio::test]
async fn a_log_that_aged_out_rolled_back_or_was_made_anew_is_not_read() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = deletable_log(&client).await;
    publish(&client, 0..10).await;
    let stream = client.jetstream().get_stream(LOG_STREAM).await.expect("there");
    let refusal = async |position| {
        LogInbox::open(&client, &report.identity, position).await.expect_err("refused")
    };
    let error = refusal(11).await;
    assert!(matches!(error, Error::RolledBack { position: 11, last: 10 }), "{error}");
    stream.purge().sequence(5).await.expect("purged");
    let error = refusal(2).await;
    assert!(matches!(error, Error::AgedOut { expected: 3, first: 5 }), "{error}");
    open(&client, &report, 4).await;
    client.jetstream().delete_stream(LOG_STREAM).await.expect("deleted");
    let error = refusal(4).await;
    assert!(matches!(error, Error::MissingStream { .. }), "{error}");
    log_of(&client).await;
    let error = refusal(0).await;
    assert_eq!(error.code(), "recreated", "{error}");
}

/// Takes away the one consumer behind a reader.
async fn delete_consumers(client: &Client) {
    let stream = client.jetstream().get_stream(LOG_STREAM).await.expect("there");
    let names: Vec<String> = stream.consumer_names().try_collect().await.expect("names");
    assert_eq!(names.len(), 1);
    for name in names {
        stream.delete_consumer(&name).await.expect("deleted");
    }
}

#[tokio::test]
async fn a_purge_under_a_reader_is_noticed() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = deletable_log(&client).await;
    publish(&client, 0..3).await;
    let mut inbox = open(&client, &report, 0).await;
    assert_eq!(batch(&mut inbox, 100).await.len(), 3);
    let stream = client.jetstream().get_stream(LOG_STREAM).await.expect("there");
    // One message comes and goes while the reader looks away; its consumer is gone as well.
    delete_consumers(&client).await;
    publish(&client, 3..4).await;
    stream.purge().await.expect("purged");
    publish(&client, 4..5).await;
    let error = tokio::time::timeout(PATIENCE, inbox.next_batch(100)).await.expect("in time");
    assert!(matches!(error, Err(InboxError::Hole { expected: 4, found: 5 })), "{error:?}");
}

#[tokio::test]
async fn a_consumer_that_vanishes_is_replaced_without_loss() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = log_of(&client).await;
    publish(&client, 0..2_000).await;
    let mut inbox = open(&client, &report, 0).await;
    inbox.stop_at(4_000);
    let mut position = 0;
    for delivery in batch(&mut inbox, 100).await {
        position += 1;
        assert_eq!(delivery.sequence, position);
    }
    delete_consumers(&client).await;
    publish(&client, 2_000..4_000).await;
    assert_eq!(read_to_end(&mut inbox, position).await, 4_000);
    assert_eq!(inbox.recreated(), 1);
}

#[tokio::test]
async fn a_broker_that_crashes_and_comes_back_costs_nothing() {
    let options = BrokerOptions { sync_always: true, ..BrokerOptions::default() };
    let TestBroker { client, mut broker } = support::broker_with(options).await;
    let report = log_of(&client).await;
    publish(&client, 0..200).await;
    let patient = connect(&broker.settings(), Patience::Endless).await.expect("connected");
    patient.connected().await;
    let mut inbox = open(&patient, &report, 0).await;
    inbox.stop_at(400);
    let read = batch(&mut inbox, 50).await;
    let position = read.last().expect("some").sequence;
    let reading = tokio::spawn(async move {
        let end = read_to_end(&mut inbox, position).await;
        (end, inbox.recreated())
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    broker.crash();
    tokio::time::sleep(Duration::from_millis(300)).await;
    broker.start_again().await.unwrap_or_else(|error| panic!("{error}"));
    let after = broker.client().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(log_report(&after).await.expect("report").last, 200);
    publish(&after, 200..400).await;
    let (end, recreated) =
        tokio::time::timeout(PATIENCE, reading).await.expect("time").expect("read");
    assert_eq!(end, 400);
    assert!(recreated >= 1);
    let link = patient.link().borrow().clone();
    assert!(link.is_connected && link.disconnects >= 1, "{link:?}");
}

#[tokio::test]
async fn a_file_is_published_once_and_whole_across_a_crash_of_the_broker() {
    let options = BrokerOptions { sync_always: true, ..BrokerOptions::default() };
    let TestBroker { client, mut broker } = support::broker_with(options).await;
    let report = log_of(&client).await;
    let publishing = tokio::spawn({
        let client = client.clone();
        async move {
            let mut publisher = BulkPublisher::new(&client);
            for id in 0..4_000 {
                let message = BulkMessage {
                    id: format!("invented/{id}"),
                    subject: "aml.in.transaction.card".to_owned(),
                    payload: Bytes::from(id.to_string()),
                };
                publisher.publish(message).await?;
            }
            publisher.finish().await
        }
    });
    while log_report(&client).await.expect("report").last < 100 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    broker.crash();
    broker.start_again().await.unwrap_or_else(|error| panic!("{error}"));
    let summary = tokio::time::timeout(PATIENCE, publishing).await.expect("time").expect("ran");
    let summary = summary.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((summary.stored, summary.duplicates), (4_000, 0), "{summary:?}");
    let mut inbox = open(&client, &report, 0).await;
    inbox.stop_at(log_report(&client).await.expect("report").last);
    let mut payloads = Vec::new();
    loop {
        let deliveries = batch(&mut inbox, 512).await;
        if deliveries.is_empty() {
            break;
        }
        payloads.extend(deliveries.into_iter().map(|delivery| delivery.payload));
    }
    assert_eq!(payloads.len(), 4_000);
    payloads.sort_unstable();
    payloads.dedup();
    assert_eq!(payloads.len(), 4_000);
}

#[tokio::test]
async fn an_outbox_that_cannot_be_published_is_given_back_soon() {
    let TestBroker { client, mut broker } = support::broker().await;
    ensure_out_stream(&client, Manage::Create).await.expect("created");
    broker.crash();
    let rows: Vec<(i64, Outgoing)> = (0..100)
        .map(|row| {
            let subject = "aml.out.alert.high.invented".to_owned();
            (row, Outgoing { id: format!("m-{row}"), subject, payload: Vec::new() })
        })
        .collect();
    let outlet = Outlet::new(&client);
    // One wait for an answer, not one per row.
    let published = tokio::time::timeout(Duration::from_secs(12), outlet.publish(&rows)).await;
    let published = published.expect("in time");
    assert!(published.rows.is_empty() && published.problem.is_some(), "{published:?}");
}

#[tokio::test]
async fn a_file_that_holds_no_credentials_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        servers: vec!["nats://127.0.0.1:1".to_owned()],
        credentials_file: Some(write(&folder, "user.creds", "nothing of that kind")),
        ..Settings::default()
    };
    let error = connect(&settings, Patience::None).await.expect_err("refused");
    assert!(error.to_string().contains("credentials file"), "{error}");
    let settings = Settings { credentials_file: Some("/nowhere/user.creds".into()), ..settings };
    let error = connect(&settings, Patience::None).await.expect_err("refused");
    assert!(error.to_string().contains("/nowhere/user.creds"), "{error}");
}

#[tokio::test]
async fn committed_messages_are_published_in_order_and_repeats_do_no_harm() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let report = ensure_out_stream(&client, Manage::Create).await.expect("created");
    assert_eq!(report.identity.stream, "AML_OUT");
    let rows: Vec<(i64, Outgoing)> = (0..500)
        .map(|row| {
            let outgoing = Outgoing {
                id: format!("alert-{row}"),
                subject: "aml.out.alert.high.invented".to_owned(),
                payload: row.to_string().into_bytes(),
            };
            (row, outgoing)
        })
        .collect();
    let outlet = Outlet::new(&client);
    for _ in 0..2 {
        let published = outlet.publish(&rows).await;
        assert_eq!(published.problem, None);
        assert_eq!(published.rows, (0..500).collect::<Vec<i64>>());
    }
    let mut stream = client.jetstream().get_stream("AML_OUT").await.expect("there");
    assert_eq!(stream.info().await.expect("info").state.messages, 500);
    let message = stream.get_raw_message(500).await.expect("there");
    assert_eq!(message.payload, Bytes::from_static(b"499"));
    let header = |name| message.headers.get(name).map(|value| value.as_str().to_owned());
    assert_eq!(header("Nats-Msg-Id"), Some("alert-499".to_owned()));
    assert_eq!(header("Content-Type"), Some("application/cloudevents+json".to_owned()));
}

#[tokio::test]
async fn what_no_stream_takes_is_not_published() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    log_of(&client).await;
    let outgoing = |subject: &str| Outgoing {
        id: "m-1".to_owned(),
        subject: subject.to_owned(),
        payload: b"{}".to_vec(),
    };
    let outlet = Outlet::new(&client);
    let published = outlet.publish(&[(1, outgoing("aml.out.alert.high.invented"))]).await;
    assert!(published.rows.is_empty() && published.problem.is_some(), "{published:?}");
    // Landing in another stream is not what was meant.
    let published = outlet.publish(&[(1, outgoing("aml.in.transaction.card"))]).await;
    assert!(published.rows.is_empty(), "{published:?}");
    assert!(published.problem.expect("a problem").contains(LOG_STREAM));
}

#[tokio::test]
async fn a_stream_that_is_not_a_log_is_refused_with_the_reason() {
    let TestBroker { client, broker: _broker } = support::broker().await;
    let error = ensure_log_stream(&client, Manage::Verify).await.expect_err("missing");
    assert!(error.to_string().contains("manage = \"create\""), "{error}");
    let create = async |name: &str, memory: bool| {
        let storage = if memory {
            async_nats::jetstream::stream::StorageType::Memory
        } else {
            async_nats::jetstream::stream::StorageType::File
        };
        let config = async_nats::jetstream::stream::Config {
            name: name.to_owned(),
            subjects: vec!["aml.in.>".to_owned()],
            storage,
            ..Default::default()
        };
        client.jetstream().create_stream(config).await.expect("created");
    };
    create(LOG_STREAM, true).await;
    let error = ensure_log_stream(&client, Manage::Create).await.expect_err("in memory");
    assert!(error.to_string().contains("file storage"), "{error}");
    client.jetstream().delete_stream(LOG_STREAM).await.expect("deleted");
    create("SOMEBODY_ELSE", false).await;
    let error = ensure_log_stream(&client, Manage::Create).await.expect_err("overlap");
    assert!(error.to_string().contains("another stream already takes aml.in.>"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_broker_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    // In a folder that stays, so that the right password can still be read when the broker is gone.
    let directory = Some(folder.path().join("broker"));
    let options = BrokerOptions { directory, ..BrokerOptions::default() };
    let TestBroker { client: _client, broker } = support::broker_with(options).await;
    let path = write(&folder, "password", "wrong\n");
    let settings = Settings { password_file: Some(path), ..broker.settings() };
    let error = connect(&settings, Patience::None).await.expect_err("refused");
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert!(error.to_string().contains("user and password_file"), "{error}");
    let settings = broker.settings();
    broker.stop().await;
    let error = connect(&settings, Patience::None).await.expect_err("away");
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_patient_connection_waits_for_a_broker_that_comes_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let named = |port| BrokerOptions {
        directory: Some(folder.path().join("broker")),
        port,
        ..BrokerOptions::default()
    };
    let first = support::broker_with(named(None)).await;
    let settings = first.broker.settings();
    let port = first.broker.url().rsplit(':').next().and_then(|text| text.parse().ok());
    first.broker.stop().await;
    let patient = connect(&settings, Patience::Endless).await.expect("in the background");
    assert!(!patient.is_connected());
    let _again = support::broker_with(named(port)).await;
    tokio::time::timeout(PATIENCE, patient.connected()).await.expect("connected");
    log_of(&patient).await;
}

/// A broker with its own ideas of who may connect, and the settings that should do.
async fn broker_with_access(config: String, settings: Settings) -> TestBroker {
    let access = Some(BrokerAccess { config, settings });
    support::broker_with(BrokerOptions { access, ..BrokerOptions::default() }).await
}

fn write(folder: &TempDir, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    path
}

#[tokio::test]
async fn a_token_from_a_file_opens_the_door() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings =
        Settings { token_file: Some(write(&folder, "token", "s3cret\n")), ..Settings::default() };
    let test = broker_with_access("authorization { token: s3cret }".to_owned(), settings).await;
    let bare = Settings { token_file: None, ..test.broker.settings() };
    assert!(matches!(connect(&bare, Patience::None).await, Err(Error::Denied { .. })));
}

#[tokio::test]
async fn an_nkey_from_a_file_opens_the_door() {
    let folder = tempfile::tempdir().expect("a folder");
    // The example pair of the NATS documentation.
    let seed = "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU";
    let public = "UCK5N7N66OBOINFXAYC2ACJQYFSOD4VYNU6APEJTAVFZB2SVHLKGEW7L";
    let decorated =
        format!("-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n");
    let settings =
        Settings { nkey_file: Some(write(&folder, "seed", &decorated)), ..Settings::default() };
    let config = format!("authorization {{ users: [ {{ nkey: {public} }} ] }}");
    let test = broker_with_access(config, settings).await;
    let bare = Settings { nkey_file: None, ..test.broker.settings() };
    assert!(matches!(connect(&bare, Patience::None).await, Err(Error::Denied { .. })));
}

#[tokio::test]
async fn an_encrypted_connection_checks_the_brokers_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    make_certificates(folder.path());
    let file = |name: &str| folder.path().join(name);
    let config = format!(
        "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
        file("server.pem").to_string_lossy(),
        file("server.key").to_string_lossy(),
        file("ca.pem").to_string_lossy(),
    );
    let tls = TlsSettings {
        ca_file: Some(file("ca.pem")),
        certificate_file: Some(file("client.pem")),
        key_file: Some(file("client.key")),
        first: false,
        required: true,
    };
    let settings = Settings { tls, ..Settings::default() };
    let test = broker_with_access(config, settings).await;
    log_of(&test.client).await;
    let mut unknown = test.broker.settings();
    unknown.tls.ca_file = None;
    let error = connect(&unknown, Patience::None).await.expect_err("an unknown authority");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

/// An authority, and certificates for a server at 127.0.0.1 and for a client.
fn make_certificates(folder: &Path) {
    let script = r#"
set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj '/CN=Invented CA'
for name in server client; do
    openssl req -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name"
    printf 'subjectAltName=IP:127.0.0.1\n' >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial \
        -out "$name.pem" -days 2 -extfile "$name.ext"
done
"#;
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .output()
        .expect("openssl is needed for this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn is_running(process: &str) -> bool {
    Command::new("kill")
        .args(["-0", process])
        .stderr(Stdio::null())
        .status()
        .expect("kill runs")
        .success()
}

async fn vanished(process: &str) -> bool {
    let deadline = Moment::now() + Duration::from_secs(10);
    while Moment::now() < deadline {
        if !is_running(process) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Set for the process that holds a broker until it is killed; names the file to report to.
const HOLD: &str = "WEIR_TEST_HOLD_BROKER";

#[tokio::test]
async fn a_managed_broker_starts_answers_and_stops_without_a_trace() {
    let TestBroker { client, broker } = support::broker().await;
    let process = broker.server_id().to_string();
    let folder = broker.directory().to_owned();
    assert!(is_running(&process) && folder.join("nats.conf").exists());
    assert_eq!(client.server_version().as_deref(), Some(broker.program().version.as_str()));
    if let Some(report) = std::env::var_os(HOLD) {
        std::fs::write(report, format!("{process} {}", folder.display())).expect("reported");
        tokio::time::sleep(PATIENCE).await;
    }
    client.close().await;
    broker.stop().await;
    assert!(vanished(&process).await);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_broker_does_not_outlive_a_process_that_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report");
    let mut holder = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "nats_edge::a_managed_broker_starts_answers_and_stops_without_a_trace"])
        .env(HOLD, &report)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let deadline = Moment::now() + PATIENCE;
    let text = loop {
        match std::fs::read_to_string(&report) {
            Ok(text) if text.contains(' ') => break text,
            _ => assert!(Moment::now() < deadline, "the holder never reported"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let (process, private) = text.split_once(' ').expect("two parts");
    assert!(is_running(process));
    // No chance to clean up: this is kill -9.
    holder.kill().expect("killed");
    holder.wait().expect("gone");
    let is_gone = vanished(process).await;
    std::fs::remove_dir_all(private).expect("what only the killed process could have removed");
    assert!(is_gone, "the server outlived its owner");
}

#[tokio::test]
async fn a_broker_that_cannot_start_shows_the_end_of_its_log() {
    let access = BrokerAccess { config: "no_such_setting: 1".to_owned(), ..Default::default() };
    let options = BrokerOptions { access: Some(access), ..BrokerOptions::default() };
    let error = Broker::start(options).await.expect_err("refused");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}
