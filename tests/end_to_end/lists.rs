//! A list that loses most of its rows while the daemon runs, and at a start.

use std::fs;
use std::path::{Path, PathBuf};

use weir::nats::{BrokerOptions, Client, LOG_STREAM};
use weir::store;

use super::{Daemon, eventually};
use crate::support;

const RULE: &str = "lang: 1\nrule: to-far\ntitle: To far\nabout: Far.\nseverity: low\n\
                    trigger: transaction\nentity: customer\nwhen: tx.country in list.far\n\
                    alert: { score: 10, message: Far. }\n";
const WHOLE: &str = "value\nAA\nBB\nCC\nDD\nEE\n";
const SHORT: &str = "value\nAA\nBB\n";
const ROWS: &str = "weir_list_rows{list=\"far\"}";
const REFUSED: &str = "weir_list_shrink_refused{list=\"far\"}";

/// A rules folder with one rule and the list that it reads.
pub(super) fn rules(folder: &Path) -> (PathBuf, PathBuf) {
    let rules = folder.join("rules");
    fs::create_dir_all(rules.join("lists")).expect("a folder");
    fs::write(rules.join("to-far.yaml"), RULE).expect("a rule");
    let list = rules.join("lists/far.csv");
    fs::write(&list, WHOLE).expect("a list");
    (rules, list)
}

/// The digest of the live rulebook, and what `weir status` notes.
pub(super) async fn status(folder: &Path) -> (Option<String>, String) {
    let reader = store::open_read_only(&folder.join("weir.db")).await.expect("a database");
    let status = reader.status().await.expect("a status");
    reader.close().await;
    let notes = status.notes.into_iter().map(|note| note.value).collect();
    (status.rulebook.map(|rulebook| rulebook.digest), notes)
}

fn sample(daemon: &Daemon, series: &str) -> Option<String> {
    let (_, scrape) = daemon.get("/metrics").expect("a scrape");
    scrape.lines().find_map(|line| line.strip_prefix(series)).map(|it| it.trim().to_owned())
}

/// The last entry of the log that makes a rulebook live.
async fn last_entry(client: &Client) -> String {
    let stream = client.jetstream().get_stream(LOG_STREAM).await.expect("the log");
    let last = stream.get_last_raw_message_by_subject("aml.in.control.rulebook").await;
    String::from_utf8_lossy(&last.expect("an entry").payload).into_owned()
}

pub(super) fn stop(mut daemon: Daemon) {
    daemon.signal("-TERM");
    assert!(daemon.child.wait().expect("it ends").success());
}

#[tokio::test]
async fn a_list_that_loses_most_of_its_rows_is_taken_up_only_when_somebody_approved_it() {
    let support::TestBroker { client, broker } =
        support::broker_with(BrokerOptions::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (rules, list) = rules(folder);
    let daemon = Daemon::start(&broker, folder, &rules, &[]);
    eventually("ready", async || daemon.is_ready()).await;
    assert_eq!(sample(&daemon, ROWS).as_deref(), Some("5"));
    let (first, _) = status(folder).await;
    fs::write(&list, SHORT).expect("a broken export");
    let loss = "5 rows before, 2 now";
    eventually("the loss is told", async || status(folder).await.1.contains(loss)).await;
    let (digest, told) = status(folder).await;
    assert_eq!(digest, first, "the last good list stays live");
    assert_eq!(sample(&daemon, REFUSED).as_deref(), Some("1"));
    assert_eq!(sample(&daemon, "weir_rulebook_reload_failed").as_deref(), Some("1"));
    assert_eq!(sample(&daemon, ROWS).as_deref(), Some("5"));
    stop(daemon);

    let mut caught_up = Daemon::start(&broker, folder, &rules, &["--until-caught-up"]);
    assert!(caught_up.child.wait().expect("it ends").success());
    assert_eq!(status(folder).await, (first.clone(), told.clone()), "a start asks the same");

    let line = told.split('`').nth(1).expect("what to write");
    let line = line.replace("DATE, NAME", "2026-01-31, Ann");
    let daemon = Daemon::start(&broker, folder, &rules, &[]);
    eventually("ready", async || daemon.is_ready()).await;
    assert_eq!(sample(&daemon, REFUSED).as_deref(), Some("1"));
    fs::write(&list, format!("{line}\n{SHORT}")).expect("an approved list");
    eventually("the approved list is live", async || status(folder).await.0 != first).await;
    eventually("its rows are shown", async || sample(&daemon, ROWS).as_deref() == Some("2")).await;
    eventually("nothing is wrong any more", async || {
        status(folder).await.1.is_empty() && sample(&daemon, REFUSED).as_deref() == Some("0")
    })
    .await;
    let (second, _) = status(folder).await;
    let entry = last_entry(&client).await;
    assert!(entry.contains(loss) && entry.contains("approved on 2026-01-31 by Ann"), "{entry}");

    fs::write(&list, format!("{line}\nvalue\n")).expect("another loss");
    let loss = "2 rows before, 0 now";
    eventually("an approval holds once", async || status(folder).await.1.contains(loss)).await;
    assert_eq!(status(folder).await.0, second);
    stop(daemon);
}
