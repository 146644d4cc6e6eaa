//! What every database must do, shown on SQLite: all or nothing, once, fenced, and readable beside.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use rust_decimal::Decimal;
use tempfile::TempDir;
use weir::domain::alert::{Condition, EventRef, NamedValue, Verdict, WindowEvidence};
use weir::domain::event::IdentityKind;
use weir::domain::identity::ImpossibleTransition;
use weir::domain::rekyc::{RekycLevel, RekycMerge};
use weir::domain::{
    Alert, AlertClass, AlertUpdate, Entity, Evidence, Fate, FateCounts, Instant, Reason, Refusal,
    RekycCause, RekycRequest, RekycScope, Severity, Span, Verification,
};
use weir::engine::outcome::{Decision, Effect, IdentityChange};
use weir::pipeline::{
    Commit, Committed, FateRow, LogIdentity, Outgoing, Quarantined, Store, StoreError,
};
use weir::store::{
    AlertFilter, Error, Found, RekycFilter, SqliteStore, alert_digest, open_read_only,
};

/// A database in a folder of its own.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data").join("weir.db")
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A stretch of plainly evaluated messages.
fn evaluated(previous: u64, sequence: u64) -> Commit {
    let counts = FateCounts { evaluated: sequence - previous, ..FateCounts::default() };
    Commit { previous, sequence, counts, ..Commit::default() }
}

/// One message that led to effects.
fn with_effects(previous: u64, effects: Vec<Effect>) -> Commit {
    let sequence = previous + 1;
    let effects = effects.into_iter().map(|effect| (sequence, effect)).collect();
    Commit { effects, ..evaluated(previous, sequence) }
}

fn event(sequence: u64) -> EventRef {
    EventRef {
        sequence,
        source: "invented-bank".to_owned(),
        id: format!("t-{sequence}"),
        at: at(sequence),
    }
}

/// One minute per sequence, from a round instant on.
fn at(sequence: u64) -> Instant {
    let minutes = i64::try_from(sequence).expect("small");
    Instant(1_700_000_000_000_000).plus(Span::minutes(minutes))
}

fn alert(id: &str, sequence: u64) -> Alert {
    Alert {
        id: id.to_owned(),
        rule: "cash-below-threshold".to_owned(),
        title: "Cash below the threshold".to_owned(),
        rule_digest: "r1".to_owned(),
        meaning_digest: "m1".to_owned(),
        rulebook_digest: "b1".to_owned(),
        schema_digest: "s1".to_owned(),
        class: AlertClass::Suspicion,
        severity: Severity::High,
        score: Decimal::new(725, 1),
        message: "4 deposits in 7d".to_owned(),
        entity: Entity { role: "customer".to_owned(), id: "c-1".to_owned() },
        customer: Some("c-1".to_owned()),
        at: at(sequence),
        event: event(sequence),
        is_late: false,
        is_re_evaluated: false,
        is_shadow: false,
        cooldown: Some(Span::days(7)),
        evidence: Evidence {
            conditions: vec![Condition {
                text: "cash > 9000".to_owned(),
                held: true,
                observed: Some("9400.50".to_owned()),
                threshold: Some("> 9000".to_owned()),
            }],
            values: vec![NamedValue { name: "cash".to_owned(), value: "9400.50".to_owned() }],
            windows: vec![WindowEvidence {
                name: "cash".to_owned(),
                text: "sum(amount) over 7d".to_owned(),
                value: "9400.50".to_owned(),
                from: Some(at(0)),
                to: at(sequence),
                is_truncated: false,
                events_total: 1,
                events: Vec::new(),
            }],
            ..Evidence::default()
        },
    }
}

fn raised(id: &str, sequence: u64) -> Effect {
    Effect::AlertRaised(Box::new(alert(id, sequence)))
}

fn outgoing(id: &str) -> Outgoing {
    Outgoing {
        id: id.to_owned(),
        subject: "aml.out.alert.high.cash-below-threshold".to_owned(),
        payload: format!("{{\"id\":\"{id}\"}}").into_bytes(),
    }
}

async fn done(store: &SqliteStore, commit: &Commit) {
    let outcome = store.commit(commit).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome, Committed::Done);
}

#[tokio::test]
async fn the_position_moves_with_its_commit_and_survives_a_restart() {
    let place = Place::new();
    let store = place.open().await;
    assert_eq!(store.position().await.expect("position"), 0);
    done(&store, &evaluated(0, 500)).await;
    done(&store, &evaluated(500, 501)).await;
    drop(store);
    let store = place.open().await;
    assert_eq!(store.position().await.expect("position"), 501);
    let status = store.reader().status().await.expect("status");
    assert_eq!((status.position, status.evaluated, status.unmonitored), (501, 501, 0));
}

#[tokio::test]
async fn a_commit_that_does_not_follow_the_position_is_fenced_and_leaves_nothing() {
    let place = Place::new();
    let store = place.open().await;
    done(&store, &evaluated(0, 10)).await;
    for (previous, sequence) in [(0, 5), (9, 12), (11, 12)] {
        let mut commit = evaluated(previous, sequence);
        commit.outbox.push(outgoing("m-1"));
        commit.effects.push((sequence, raised("a-1", sequence)));
        assert_eq!(store.commit(&commit).await.expect("answered"), Committed::Fenced);
    }
    assert!(store.unsent(10).await.expect("outbox").is_empty());
    assert!(store.reader().alerts(&AlertFilter::default()).await.expect("alerts").is_empty());
    assert_eq!(store.position().await.expect("position"), 10);
}

#[tokio::test]
async fn a_daemon_that_lost_its_database_to_another_cannot_commit() {
    let place = Place::new();
    let old = place.open().await;
    done(&old, &evaluated(0, 10)).await;
    // As after a restore of the folder elsewhere: the lock file is another one.
    std::fs::remove_file(place.path().with_file_name("weir.lock")).expect("removed");
    let new = place.open().await;
    assert_eq!(old.commit(&evaluated(10, 20)).await.expect("answered"), Committed::Fenced);
    done(&new, &evaluated(10, 20)).await;
}

#[tokio::test]
async fn a_second_daemon_in_the_same_directory_is_turned_away() {
    let place = Place::new();
    let store = place.open().await;
    let error = SqliteStore::open(&place.path()).await.expect_err("locked");
    assert!(matches!(error, Error::Locked { holder: Some(id), .. } if id == std::process::id()));
    assert!(error.to_string().contains("another directory"), "{error}");
    drop(store);
    place.open().await;
}

#[tokio::test]
async fn a_failing_commit_leaves_nothing_behind() {
    let place = Place::new();
    let store = place.open().await;
    done(&store, &with_effects(0, vec![raised("a-1", 1)])).await;
    let mut other = alert("a-1", 1);
    other.message = "another story".to_owned();
    let mut commit = with_effects(1, vec![raised("a-2", 2)]);
    commit.effects.push((2, Effect::AlertRaised(Box::new(other))));
    commit.outbox.push(outgoing("m-1"));
    let error = store.commit(&commit).await.expect_err("refused");
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
    assert_eq!(store.position().await.expect("position"), 1);
    let status = store.reader().status().await.expect("status");
    assert_eq!((status.evaluated, status.outbox_pending, status.unmonitored), (1, 0, 0));
    assert_eq!(store.reader().alerts(&AlertFilter::default()).await.expect("alerts").len(), 1);
    // The store is as good as before.
    done(&store, &with_effects(1, vec![raised("a-2", 2)])).await;
}

#[tokio::test]
async fn the_same_id_with_the_same_content_is_accepted_once() {
    let place = Place::new();
    let store = place.open().await;
    for previous in 0..2 {
        let mut commit = with_effects(previous, vec![raised("a-1", 1)]);
        commit.outbox = vec![outgoing("m-1"), outgoing("m-2")];
        done(&store, &commit).await;
    }
    assert_eq!(store.reader().alerts(&AlertFilter::default()).await.expect("alerts").len(), 1);
    assert_eq!(store.unsent(10).await.expect("outbox").len(), 2);
    let mut commit = evaluated(2, 3);
    commit.outbox = vec![Outgoing { payload: b"changed".to_vec(), ..outgoing("m-1") }];
    assert!(store.commit(&commit).await.is_err());
}

#[tokio::test]
async fn a_commit_whose_counts_disagree_with_its_rows_is_refused() {
    let place = Place::new();
    let store = place.open().await;
    let row = |sequence| FateRow { sequence, fate: Fate::Control };
    let control = |control, evaluated| FateCounts { control, evaluated, ..FateCounts::default() };
    for (name, fates, counts) in [
        ("a row too few", vec![row(1)], control(2, 0)),
        ("a row outside", vec![row(3)], control(1, 1)),
        ("rows out of order", vec![row(2), row(1)], control(2, 0)),
        ("more fates than messages", vec![row(1)], control(1, 2)),
        (
            "a row for an evaluated one",
            vec![FateRow { sequence: 1, fate: Fate::Evaluated }],
            control(0, 2),
        ),
    ] {
        let commit = Commit { previous: 0, sequence: 2, counts, fates, ..Commit::default() };
        assert!(store.commit(&commit).await.is_err(), "{name}");
    }
    assert_eq!(store.position().await.expect("position"), 0);
}

#[tokio::test]
async fn coverage_adds_up_across_stretches_and_shows_what_is_missing() {
    let place = Place::new();
    let store = place.open().await;
    done(&store, &evaluated(0, 65_000)).await;
    let quarantined = Fate::Quarantined(Reason::NotJson);
    let fates = [
        (65_001, Fate::Duplicate),
        (65_535, Fate::Control),
        (65_536, Fate::Parked),
        (131_071, quarantined),
        (131_072, Fate::Control),
        (140_000, Fate::Duplicate),
    ];
    let mut commit = evaluated(65_000, 140_000);
    for (sequence, fate) in fates {
        commit.fates.push(FateRow { sequence, fate });
        commit.counts.add(fate);
        commit.counts.evaluated -= 1;
    }
    done(&store, &commit).await;
    let stretches = store.reader().coverage().await.expect("coverage");
    let seen: Vec<_> = stretches
        .iter()
        .map(|row| (row.first_sequence, row.last_sequence, row.unmonitored, row.control))
        .collect();
    assert_eq!(seen, [(1, 65_535, 0, 1), (65_536, 131_071, 0, 0), (131_072, 140_000, 0, 1)]);
    assert_eq!(stretches[1].parked + stretches[1].quarantined, 2);
    let status = store.reader().status().await.expect("status");
    assert_eq!(status.counts().total(), 140_000);
    assert_eq!(status.unmonitored, 0);
    // A stretch that does not account for all of its messages is shown, not hidden.
    let mut short = evaluated(140_000, 140_010);
    short.counts.evaluated = 7;
    done(&store, &short).await;
    assert_eq!(store.reader().status().await.expect("status").unmonitored, 3);
}

#[tokio::test]
async fn the_outbox_keeps_its_order_and_forgets_what_was_sent() {
    let place = Place::new();
    let store = place.open().await;
    let mut commit = evaluated(0, 1);
    commit.outbox = (0..250).map(|index| outgoing(&format!("m-{index}"))).collect();
    done(&store, &commit).await;
    let batch = store.unsent(100).await.expect("outbox");
    assert_eq!(batch.len(), 100);
    assert_eq!(batch[99].1, outgoing("m-99"));
    let rows: Vec<i64> = batch.iter().map(|(row, _)| *row).collect();
    store.mark_sent(&rows).await.expect("marked");
    store.mark_sent(&[]).await.expect("nothing to mark");
    drop(store);
    let store = place.open().await;
    let rest = store.unsent(1_000).await.expect("outbox");
    assert_eq!(rest.len(), 150);
    assert_eq!(rest[0].1.id, "m-100");
}

#[tokio::test]
async fn an_alert_is_stored_with_its_evidence_and_verdicts() {
    let place = Place::new();
    let store = place.open().await;
    let update = AlertUpdate {
        alert: "aa-1".to_owned(),
        rule: "cash-below-threshold".to_owned(),
        severity: Severity::High,
        is_shadow: false,
        at: at(2),
        event: event(2),
        score: Decimal::new(80, 0),
        message: "5 deposits in 7d".to_owned(),
    };
    let decision = Decision {
        alert: "aa-1".to_owned(),
        verdict: Verdict::Confirmed,
        by: "officer-7".to_owned(),
        note: None,
        at: at(3),
    };
    done(&store, &with_effects(0, vec![raised("aa-1", 1), raised("ab-1", 1)])).await;
    done(&store, &with_effects(1, vec![Effect::AlertExtended(Box::new(update))])).await;
    done(&store, &with_effects(2, vec![Effect::AlertDecided(Box::new(decision))])).await;
    let reader = store.reader();
    let Found::One(detail) = reader.alert("aa").await.expect("read") else { panic!("not found") };
    assert_eq!(detail.evidence, alert("aa-1", 1).evidence);
    assert_eq!(detail.digest, alert_digest(&alert("aa-1", 1)).expect("digest"));
    assert_eq!(detail.summary.status, "confirmed");
    assert_eq!(detail.summary.score, "72.5");
    assert_eq!(detail.summary.occurrences, 2);
    assert_eq!(detail.further[0].event_id, "t-2");
    assert_eq!(detail.decisions[0].by, "officer-7");
    let several = vec!["aa-1".to_owned(), "ab-1".to_owned()];
    assert_eq!(reader.alert("a").await.expect("read"), Found::Several(several));
    assert_eq!(reader.alert("b").await.expect("read"), Found::None);
    let json = serde_json::to_value(&detail).expect("json");
    assert_eq!(json["at"], "2023-11-14T22:14:20Z");
    assert_eq!(json["evidence"]["conditions"][0]["observed"], "9400.50");
}

#[tokio::test]
async fn alerts_are_listed_newest_first_and_filtered() {
    let place = Place::new();
    let store = place.open().await;
    let mut effects = Vec::new();
    for index in 1..=150 {
        let mut alert = alert(&format!("a-{index:03}"), index);
        if index % 2 == 0 {
            alert.severity = Severity::Low;
            alert.rule = "round-amounts".to_owned();
        }
        if index == 3 {
            alert.entity = Entity { role: "account".to_owned(), id: "acc-9".to_owned() };
            alert.customer = None;
        }
        alert.is_shadow = index == 5;
        effects.push(Effect::AlertRaised(Box::new(alert)));
    }
    done(&store, &with_effects(0, effects)).await;
    let reader = store.reader();
    let count = |filter: AlertFilter| async move {
        let alerts = reader.alerts(&filter).await.expect("alerts");
        (alerts.len(), alerts.first().map(|alert| alert.id.clone()))
    };
    let none = AlertFilter::default;
    let first = |id: &str| Some(id.to_owned());
    assert_eq!(count(none()).await, (149, first("a-150")));
    assert_eq!(count(AlertFilter { with_shadow: true, ..none() }).await.0, 150);
    assert_eq!(count(AlertFilter { limit: 2, offset: 1, ..none() }).await, (2, first("a-149")));
    let filter = AlertFilter { severities: vec![Severity::Low, Severity::Info], ..none() };
    assert_eq!(count(filter).await, (75, first("a-150")));
    let filter = AlertFilter { rule: Some("cash-below-threshold".to_owned()), ..none() };
    assert_eq!(count(filter).await, (74, first("a-149")));
    let filter = AlertFilter { party: Some("acc-9".to_owned()), ..none() };
    assert_eq!(count(filter).await, (1, first("a-003")));
    assert_eq!(count(AlertFilter { since: Some(at(149)), ..none() }).await.0, 2);
    assert_eq!(count(AlertFilter { status: Some("explained".to_owned()), ..none() }).await.0, 0);
    let open: u64 = store
        .reader()
        .status()
        .await
        .expect("status")
        .alerts
        .iter()
        .filter(|row| !row.is_shadow)
        .map(|row| row.count)
        .sum();
    assert_eq!(open, 149);
}

#[tokio::test]
async fn rekyc_requests_merge_causes_and_are_completed() {
    let place = Place::new();
    let store = place.open().await;
    let request = RekycRequest {
        id: "k-1".to_owned(),
        customer: "c-1".to_owned(),
        scope: RekycScope::Funds,
        level: RekycLevel::Standard,
        cause: RekycCause::Behaviour,
        rule: "cash-below-threshold".to_owned(),
        reason: "source of cash is not known".to_owned(),
        alert: Some("a-1".to_owned()),
        at: at(1),
        due_at: at(100),
        is_shadow: false,
    };
    let merge = RekycMerge {
        request: "k-1".to_owned(),
        cause: RekycCause::Reactivation,
        rule: "sleeper-wakes".to_owned(),
        alert: None,
        at: at(2),
        due_at: at(50),
        level: RekycLevel::Enhanced,
        is_shadow: false,
    };
    done(&store, &with_effects(0, vec![Effect::RekycRequested(Box::new(request))])).await;
    done(&store, &with_effects(1, vec![Effect::RekycMerged(Box::new(merge))])).await;
    let list = store.reader().rekyc(&RekycFilter::default()).await.expect("list");
    assert_eq!((list[0].level.as_str(), list[0].due_at), ("enhanced", at(50)));
    let causes: Vec<_> = list[0].causes.iter().map(|cause| cause.cause.as_str()).collect();
    assert_eq!(causes, ["behaviour", "reactivation"]);
    assert_eq!(store.reader().status().await.expect("status").rekyc_open, 1);
    let completed = Effect::RekycCompleted { request: "k-1".to_owned(), at: at(3) };
    done(&store, &with_effects(2, vec![completed])).await;
    let filter = RekycFilter { status: Some("completed".to_owned()), ..RekycFilter::default() };
    let list = store.reader().rekyc(&filter).await.expect("list");
    assert_eq!(list[0].completed_at, Some(at(3)));
    assert_eq!(store.reader().status().await.expect("status").rekyc_open, 0);
}

#[tokio::test]
async fn identities_parked_messages_and_activations_are_kept() {
    let place = Place::new();
    let store = place.open().await;
    let change = |state, risk: &str| {
        Effect::IdentityChanged(Box::new(IdentityChange {
            customer: "c-1".to_owned(),
            version: Some(2),
            state: Some(state),
            risk: Some(risk.to_owned()),
            segment: None,
            effective_at: at(1),
        }))
    };
    let parked = |customer: &str| Effect::Parked { customer: customer.to_owned(), at: at(1) };
    let mut commit = Commit { previous: 0, sequence: 2, ..Commit::default() };
    for sequence in 1..=2 {
        commit.fates.push(FateRow { sequence, fate: Fate::Parked });
        commit.counts.add(Fate::Parked);
        // Both sides of one transaction are unknown.
        commit.effects.push((sequence, parked("c-1")));
        commit.effects.push((sequence, parked("c-2")));
    }
    done(&store, &commit).await;
    assert_eq!(store.reader().status().await.expect("status").parked_now, 2);
    let refused = ImpossibleTransition { from: None, kind: IdentityKind::Verified };
    let effects = vec![
        change(Verification::Registered, "low"),
        change(Verification::Verified, "high"),
        Effect::TransitionRefused { customer: "c-2".to_owned(), refused },
        Effect::ParkedReleased { sequence: 1 },
        Effect::ParkedOverflow { sequence: 2 },
        Effect::RulebookActivated { digest: "b2".to_owned() },
    ];
    done(&store, &with_effects(2, effects)).await;
    done(&store, &with_effects(3, vec![Effect::RulebookMissing { digest: "b3".to_owned() }])).await;
    let status = store.reader().status().await.expect("status");
    assert_eq!((status.parked_now, status.parked_given_up, status.parked), (0, 1, 2));
    let active = status.rulebook.expect("a rulebook");
    assert_eq!((active.digest.as_str(), active.since_sequence), ("b2", 3));
    assert_eq!(store.activations().await.expect("list"), [(3, "b2".to_owned())]);
}

#[tokio::test]
async fn a_quarantined_message_is_kept_whole() {
    let place = Place::new();
    let store = place.open().await;
    let mut commit = Commit { previous: 0, sequence: 1, ..Commit::default() };
    let fate = Fate::Quarantined(Reason::NotUtf8);
    commit.fates.push(FateRow { sequence: 1, fate });
    commit.counts.add(fate);
    let payload = Bytes::from_static(b"\xff\x00not text");
    commit.quarantined.push(Quarantined {
        sequence: 1,
        stored_at: at(1),
        refusal: Refusal::new(Reason::NotUtf8, "$", "not valid UTF-8"),
        headers: vec![("ce-id".to_owned(), "t-1".to_owned())],
        payload: payload.clone(),
    });
    done(&store, &commit).await;
    let list = store.reader().quarantine(10).await.expect("list");
    assert_eq!((list[0].reason.as_str(), list[0].payload_bytes), ("not_utf8", 10));
    let whole = store.reader().quarantined(1).await.expect("read").expect("there");
    assert_eq!(whole.payload, payload);
    assert_eq!(whole.headers, [("ce-id".to_owned(), "t-1".to_owned())]);
    assert!(store.reader().quarantined(2).await.expect("read").is_none());
}

#[tokio::test]
async fn a_position_belongs_to_one_log() {
    let place = Place::new();
    let store = place.open().await;
    let log =
        |created: &str| LogIdentity { stream: "AML_LOG".to_owned(), created: created.to_owned() };
    assert_eq!(store.log_identity().await.expect("read"), None);
    store.set_log_identity(&log("2026-01-01T00:00:00Z"), 41).await.expect("adopted");
    assert_eq!(store.position().await.expect("position"), 40);
    done(&store, &evaluated(40, 50)).await;
    store.set_log_identity(&log("2026-01-01T00:00:00Z"), 41).await.expect("the same again");
    assert_eq!(store.position().await.expect("position"), 50);
    let error = store.set_log_identity(&log("2026-02-02T00:00:00Z"), 1).await.expect_err("other");
    assert!(error.to_string().contains("2026-02-02"), "{error}");
    assert_eq!(store.log_identity().await.expect("read"), Some(log("2026-01-01T00:00:00Z")));
    let status = store.reader().status().await.expect("status");
    assert_eq!((status.first_sequence, status.unmonitored, status.evaluated), (41, 0, 10));
}

#[tokio::test]
async fn rulebooks_are_kept_by_digest_and_never_rewritten() {
    let place = Place::new();
    let store = place.open().await;
    let sources = vec![("rules/a.yaml".to_owned(), "when: true".to_owned())];
    store.store_rulebook("b1", &sources).await.expect("stored");
    store.store_rulebook("b1", &sources).await.expect("stored again");
    assert!(store.store_rulebook("b1", &[]).await.is_err());
    assert_eq!(store.rulebook_sources("b1").await.expect("read"), Some(sources));
    assert_eq!(store.rulebook_sources("b2").await.expect("read"), None);
    store.set_genesis("b1").await.expect("set");
    store.set_genesis("b1").await.expect("the same again");
    assert!(store.set_genesis("b2").await.is_err());
    assert_eq!(store.activations().await.expect("list"), [(0, "b1".to_owned())]);
}

#[tokio::test]
async fn a_note_is_the_last_word_until_it_is_taken_back() {
    let place = Place::new();
    let store = place.open().await;
    store.note("reload", Some("rules/a.yaml line 3")).await.expect("noted");
    store.note("reload", Some("rules/a.yaml line 4")).await.expect("noted");
    let notes = store.reader().status().await.expect("status").notes;
    assert_eq!((notes.len(), notes[0].value.as_str()), (1, "rules/a.yaml line 4"));
    store.note("reload", None).await.expect("taken back");
    assert!(store.reader().status().await.expect("status").notes.is_empty());
}

#[tokio::test]
async fn regenerated_alerts_are_compared_with_the_stored_ones() {
    let place = Place::new();
    let store = place.open().await;
    done(&store, &with_effects(0, vec![raised("a-1", 1), raised("a-2", 1)])).await;
    let both = [alert("a-1", 1), alert("a-2", 1)];
    let same: Vec<String> = Vec::new();
    assert_eq!(store.compare(1, 1, &both).await.expect("compared"), same);
    assert_eq!(store.compare(2, 9, &[]).await.expect("compared"), same, "nothing was raised there");
    let mut changed = alert("a-2", 1);
    changed.evidence.values[0].value = "9400.51".to_owned();
    let found = store.compare(1, 1, &[changed, alert("a-3", 1)]).await.expect("compared");
    assert_eq!(found, ["a-1", "a-2", "a-3"], "gone, changed, and never stored");
}

/// Set for the process that commits until it is killed; names the database.
const COMMIT_FOR_EVER: &str = "WEIR_TEST_COMMIT_FOR_EVER";

#[tokio::test]
async fn commits_with_alerts_messages_and_fates_are_all_or_nothing() {
    let place = Place::new();
    let victim = std::env::var_os(COMMIT_FOR_EVER).map(PathBuf::from);
    let last = if victim.is_some() { u64::MAX } else { 20 };
    let path = victim.unwrap_or_else(|| place.path());
    let store = SqliteStore::open(&path).await.unwrap_or_else(|error| panic!("{error}"));
    let mut position = store.position().await.expect("position");
    while position < last {
        let id = position + 1;
        let mut commit = with_effects(position, vec![raised(&format!("a-{id}"), id)]);
        commit.outbox.push(outgoing(&format!("m-{id}")));
        commit.fates.push(FateRow { sequence: id, fate: Fate::Control });
        commit.counts = FateCounts { control: 1, ..FateCounts::default() };
        done(&store, &commit).await;
        position = id;
    }
    assert_whole(&store, 20).await;
}

/// Each of `count` commits left all of its traces.
async fn assert_whole(store: &SqliteStore, count: u64) {
    let status = store.reader().status().await.expect("status");
    let alerts: u64 = status.alerts.iter().map(|row| row.count).sum();
    assert_eq!(
        (status.position, status.control, alerts, status.outbox_pending, status.unmonitored),
        (count, count, count, count, 0)
    );
}

#[tokio::test]
async fn a_process_killed_between_or_within_commits_leaves_whole_ones() {
    let place = Place::new();
    let name = "store_contract::commits_with_alerts_messages_and_fates_are_all_or_nothing";
    for round in 1..=3 {
        let mut victim = std::process::Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", name])
            .env(COMMIT_FOR_EVER, place.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("started");
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        // Killed wherever it happens to be once it has done some more.
        loop {
            assert!(std::time::Instant::now() < deadline, "the victim commits nothing");
            tokio::time::sleep(std::time::Duration::from_millis(7)).await;
            if let Ok(reader) = open_read_only(&place.path()).await {
                let position = reader.status().await.map_or(0, |status| status.position);
                reader.close().await;
                if position >= round * 30 {
                    break;
                }
            }
        }
        victim.kill().expect("killed");
        victim.wait().expect("gone");
        let store = place.open().await;
        let position = store.position().await.expect("position");
        assert!(position >= round * 30, "{position}");
        assert_whole(&store, position).await;
    }
}

#[tokio::test]
async fn questions_are_answered_beside_a_daemon_and_after_it() {
    let place = Place::new();
    let missing = open_read_only(&place.path()).await.expect_err("nothing there");
    assert!(missing.to_string().contains("weir run"), "{missing}");
    let store = place.open().await;
    done(&store, &evaluated(0, 5)).await;
    let beside = open_read_only(&place.path()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(beside.status().await.expect("status").position, 5);
    done(&store, &evaluated(5, 6)).await;
    assert_eq!(beside.status().await.expect("status").position, 6);
    beside.close().await;
    store.close().await.expect("closed");
    let after = open_read_only(&place.path()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(after.status().await.expect("status").position, 6);
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_refused() {
    let place = Place::new();
    std::fs::create_dir_all(place.path().parent().expect("a parent")).expect("created");
    std::fs::write(place.path(), b"this is not a database, by a long way").expect("written");
    let error = SqliteStore::open(&place.path()).await.expect_err("refused");
    assert!(matches!(error, Error::Damaged(_)), "{error}");
    std::fs::write(place.path(), b"").expect("written");
    let error = open_read_only(&place.path()).await.expect_err("refused");
    assert!(matches!(error, Error::Version(_)), "{error}");
}

#[tokio::test]
async fn only_the_owner_may_read_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let store = place.open().await;
    done(&store, &evaluated(0, 5)).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(place.path().parent().expect("a parent")), 0o700);
    assert_eq!(mode(&place.path()), 0o600);
    assert_eq!(mode(&place.path().with_extension("db-wal")), 0o600);
}
