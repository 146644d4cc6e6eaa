//! A rulebook about another currency than the configuration says.

use std::fs;

use weir::nats::BrokerOptions;

use super::lists::{rules, status, stop};
use super::{Daemon, eventually};
use crate::support;

#[tokio::test]
async fn a_rulebook_about_another_currency_is_neither_taken_up_nor_started_with() {
    let support::TestBroker { broker, .. } = support::broker_with(BrokerOptions::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (rules, _) = rules(folder.path());
    let schema = rules.join("schema.yaml");
    let daemon = Daemon::start(&broker, folder.path(), &rules, &[]);
    eventually("ready", async || daemon.is_ready()).await;
    let (first, _) = status(folder.path()).await;
    fs::write(&schema, "institution: { base_currency: EUR }\n").expect("a schema");
    let places = "is EUR in schema.yaml, but amounts are judged in SEK, as `input.base_currency`";
    eventually("both places are told", async || status(folder.path()).await.1.contains(places))
        .await;
    assert_eq!(status(folder.path()).await.0, first, "the last good rulebook stays live");
    fs::write(&schema, "institution: { base_currency: SEK }\n").expect("a schema");
    eventually("the same currency is live", async || status(folder.path()).await.0 != first).await;
    stop(daemon);

    fs::write(&schema, "institution: { base_currency: EUR }\n").expect("a schema");
    let fresh = tempfile::tempdir().expect("a folder");
    let mut refused = Daemon::start(&broker, fresh.path(), &rules, &["--until-caught-up"]);
    assert!(!refused.child.wait().expect("it ends").success(), "nothing to start with");
}
