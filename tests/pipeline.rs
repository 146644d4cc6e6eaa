//! The pipeline with everything outside of it faked: one test per fate, and what happens when the
//! database or the broker does not answer.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use weir::domain::{Alert, Currency, Fate, FateCounts, Instant};
use weir::engine::outcome::Effect;
use weir::engine::{Engine, Limits};
use weir::pipeline::{
    self, Commit, Committed, Delivery, Ended, Error, Inbox, InboxError, Judge, Notice, Outgoing,
    Outlet, Settings, Shelf, Store, StoreError,
};
use weir::rulebook::{Rulebook, loader};
use weir::wire::{self, Decoder};

const RULE: &str = r#"
lang: 1
rule: large-cash
title: A large cash deposit
about: Cash of 1,000 or more.
severity: high
trigger: transaction
entity: customer
where: tx.type == "cash_deposit"
let:
  n: count(transaction where tx.type == "cash_deposit") by customer over 7d
when: tx.amount >= 1000
alert:
  score: 50 + n
  message: "{n} deposits, the last of {tx.amount}"
rekyc:
  reason: cash
  due: 14d
tests:
  - name: fires
    events: [ { at: 0h, tx: { customer: C1, type: cash_deposit, amount: 1000, direction: in } } ]
    alerts: [ { at: 0h, entity: C1, n: 1 } ]
  - name: stays quiet
    events: [ { at: 0h, tx: { customer: C1, type: cash_deposit, amount: 999, direction: in } } ]
    alerts: []
"#;

fn rulebook() -> Arc<Rulebook> {
    let texts = BTreeMap::from([("large-cash.yaml".to_owned(), RULE.to_owned())]);
    let loaded = loader::load(&texts);
    assert!(loaded.rulebook.is_some(), "{:#?}", loaded.diagnostics);
    Arc::new(loaded.rulebook.expect("a sound rule"))
}

fn judge() -> Judge {
    let base = Currency::parse("EUR").expect("a currency");
    let settings =
        Settings { batch_messages_max: 3, ids_remembered: 1_000, stream: "AML_LOG".to_owned() };
    let engine = Engine::new(rulebook(), Limits::default());
    Judge::new(Decoder::new(wire::Settings::new(base)), engine, Shelf::default(), settings)
}

fn envelope(id: &str, kind: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"test","type":"{kind}","time":"2026-01-05T10:00:00Z","data":{data}}}"#
    )
}

fn deposit(id: &str, customer: &str, amount: &str) -> String {
    let data = format!(
        r#"{{"type":"cash_deposit","amount":"{amount}","currency":"EUR","creditor":{{"customer_id":"{customer}","account_id":"A1"}}}}"#
    );
    envelope(id, "aml.transaction.v1", &data)
}

fn registered(id: &str, customer: &str) -> String {
    envelope(id, "aml.identity.registered.v1", &format!(r#"{{"customer_id":"{customer}"}}"#))
}

/// A log in memory.
struct FakeInbox {
    log: VecDeque<Delivery>,
    /// Waits at the end for messages that never come, as a live log does.
    is_live: bool,
}

impl FakeInbox {
    fn new(messages: &[String]) -> Self {
        let stored_at = Instant::parse("2026-01-05T10:00:01Z").expect("a time");
        let log = messages.iter().zip(1..).map(|(text, sequence)| Delivery {
            sequence,
            stored_at,
            headers: Vec::new(),
            payload: Bytes::from(text.clone()),
        });
        Self { log: log.collect(), is_live: false }
    }
}

impl Inbox for FakeInbox {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<Delivery>, InboxError> {
        if self.log.is_empty() && self.is_live {
            std::future::pending::<()>().await;
        }
        let count = max.min(self.log.len());
        Ok(self.log.drain(..count).collect())
    }
}

/// A database in memory that can be told to fail.
#[derive(Default)]
struct FakeStore {
    position: Cell<u64>,
    counts: RefCell<FateCounts>,
    fates: RefCell<Vec<(u64, Fate)>>,
    effects: RefCell<Vec<(u64, Effect)>>,
    outbox: RefCell<Vec<(i64, Outgoing)>>,
    sent: RefCell<Vec<Outgoing>>,
    /// How often the next commits fail, and whether they happen all the same.
    fail_commits: Cell<u32>,
    fail_after_commit: Cell<bool>,
    rivals: Cell<bool>,
}

impl FakeStore {
    fn alerts(&self) -> Vec<Alert> {
        let effects = self.effects.borrow();
        let raised = effects.iter().filter_map(|(_, effect)| match effect {
            Effect::AlertRaised(alert) => Some((**alert).clone()),
            _ => None,
        });
        raised.collect()
    }

    fn write(&self, commit: &Commit) {
        self.position.set(commit.sequence);
        self.counts.borrow_mut().merge(&commit.counts);
        self.fates.borrow_mut().extend(commit.fates.iter().map(|row| (row.sequence, row.fate)));
        self.effects.borrow_mut().extend(commit.effects.iter().cloned());
        let mut outbox = self.outbox.borrow_mut();
        for message in &commit.outbox {
            let row = i64::try_from(outbox.len()).expect("few rows");
            outbox.push((row, message.clone()));
        }
    }
}

impl Store for FakeStore {
    async fn position(&self) -> Result<u64, StoreError> {
        Ok(self.position.get())
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        if self.rivals.get() || commit.previous != self.position.get() {
            return Ok(Committed::Fenced);
        }
        if self.fail_commits.get() > 0 {
            self.fail_commits.set(self.fail_commits.get() - 1);
            if self.fail_after_commit.get() {
                self.write(commit);
            }
            return Err(StoreError::Unavailable("told to".to_owned()));
        }
        self.write(commit);
        Ok(Committed::Done)
    }

    async fn compare(
        &self,
        first: u64,
        last: u64,
        alerts: &[Alert],
    ) -> Result<Vec<String>, StoreError> {
        let effects = self.effects.borrow();
        let stored: Vec<&Alert> = effects
            .iter()
            .filter(|(sequence, _)| (first..=last).contains(sequence))
            .filter_map(|(_, effect)| match effect {
                Effect::AlertRaised(alert) => Some(&**alert),
                _ => None,
            })
            .collect();
        let gone = stored.iter().filter(|alert| !alerts.contains(alert)).copied();
        let other = alerts.iter().filter(|alert| !stored.contains(alert));
        Ok(gone.chain(other).map(|alert| alert.id.clone()).collect())
    }

    async fn counts(&self) -> Result<FateCounts, StoreError> {
        Ok(*self.counts.borrow())
    }

    async fn unsent(&self, max: usize) -> Result<Vec<(i64, Outgoing)>, StoreError> {
        Ok(self.outbox.borrow().iter().take(max).cloned().collect())
    }

    async fn mark_sent(&self, rows: &[i64]) -> Result<(), StoreError> {
        self.outbox.borrow_mut().retain(|(row, _)| !rows.contains(row));
        Ok(())
    }
}

/// A broker that confirms what it is told to.
#[derive(Default)]
struct FakeOutlet<'a> {
    refuse: Cell<u32>,
    sent: Option<&'a RefCell<Vec<Outgoing>>>,
}

impl Outlet for FakeOutlet<'_> {
    async fn publish(&self, messages: &[(i64, Outgoing)]) -> Vec<i64> {
        if self.refuse.get() > 0 {
            self.refuse.set(self.refuse.get() - 1);
            return Vec::new();
        }
        if let Some(sent) = self.sent {
            sent.borrow_mut().extend(messages.iter().map(|(_, message)| message.clone()));
        }
        messages.iter().map(|(row, _)| *row).collect()
    }
}

fn run(messages: &[String], store: &FakeStore) -> Result<Ended, Error> {
    run_with(messages, store, 0, &|_| {})
}

fn run_with(
    messages: &[String],
    store: &FakeStore,
    refuse: u32,
    notice: &dyn Fn(&Notice<'_>),
) -> Result<Ended, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outlet = FakeOutlet { refuse: Cell::new(refuse), sent: Some(&store.sent) };
    let (_keep, stop) = watch::channel(false);
    let position = store.position.get();
    runtime.expect("a runtime").block_on(async {
        let mut inbox = FakeInbox::new(messages);
        let notice = |it: Notice<'_>| notice(&it);
        pipeline::run(&mut inbox, store, &outlet, judge(), position, stop, notice).await
    })
}

#[test]
fn every_message_meets_exactly_one_fate() {
    let store = FakeStore::default();
    let log = [
        registered("1", "C1"),
        deposit("2", "C1", "500"),
        deposit("2", "C1", "500"),
        deposit("2", "C1", "501"),
        deposit("3", "C2", "20"),
        "{".to_owned(),
        envelope("4", "aml.control.tick.v1", "{}"),
        deposit("5", "C1", "1500"),
    ];
    assert_eq!(run(&log, &store).expect("a clean end"), Ended::CaughtUp);
    let counts = *store.counts.borrow();
    let expected = FateCounts { evaluated: 3, parked: 1, duplicate: 1, quarantined: 2, control: 1 };
    assert_eq!(counts, expected);
    assert_eq!(counts.total(), log.len() as u64);
    assert_eq!(store.position.get(), log.len() as u64);
    let alerts = store.alerts();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].message, "2 deposits, the last of 1500");
    let subjects: Vec<String> =
        store.sent.borrow().iter().map(|message| message.subject.clone()).collect();
    assert_eq!(
        subjects,
        [
            "aml.out.dead.conflicting_duplicate",
            "aml.out.dead.not_json",
            "aml.out.alert.high.large-cash",
            "aml.out.rekyc.behaviour",
        ]
    );
}

#[test]
fn a_commit_whose_outcome_is_unknown_is_neither_lost_nor_doubled() {
    for happens_all_the_same in [false, true] {
        let store = FakeStore::default();
        store.fail_commits.set(2);
        store.fail_after_commit.set(happens_all_the_same);
        let log = [registered("1", "C1"), deposit("2", "C1", "1500"), deposit("3", "C1", "1600")];
        run(&log, &store).expect("a clean end");
        assert_eq!(store.counts.borrow().total(), 3);
        assert_eq!(store.alerts().len(), 2);
        assert_eq!(store.sent.borrow().len(), 4, "two alerts, one request, one further cause");
    }
}

#[test]
fn a_rival_daemon_stops_this_one() {
    let store = FakeStore::default();
    store.rivals.set(true);
    let log = [registered("1", "C1")];
    assert!(matches!(run(&log, &store), Err(Error::Fenced)));
    assert!(store.effects.borrow().is_empty());
}

#[test]
fn a_fault_ends_the_daemon_even_while_the_log_is_quiet() {
    let store = FakeStore::default();
    store.rivals.set(true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.expect("a runtime").block_on(async {
        let mut inbox = FakeInbox::new(&[registered("1", "C1")]);
        inbox.is_live = true;
        let (_keep, stop) = watch::channel(false);
        let outlet = FakeOutlet::default();
        let run = pipeline::run(&mut inbox, &store, &outlet, judge(), 0, stop, |_| {});
        tokio::time::timeout(std::time::Duration::from_secs(20), run).await
    });
    assert!(matches!(ended, Ok(Err(Error::Fenced))), "{ended:?}");
}

#[test]
fn what_the_broker_does_not_confirm_is_published_again() {
    let store = FakeStore::default();
    let notices = RefCell::new(0);
    let log = [registered("1", "C1"), deposit("2", "C1", "1500")];
    run_with(&log, &store, 1, &|notice| {
        if let Notice::NotPublished { messages } = notice {
            *notices.borrow_mut() += messages;
        }
    })
    .expect("a clean end");
    let waiting = store.outbox.borrow().len();
    // Refused while stopping: the rows stay for the next start, and nothing was published twice.
    assert_eq!((*notices.borrow(), waiting + store.sent.borrow().len()), (2, 2));
    run(&log, &store).expect("a second start");
    assert!(store.outbox.borrow().is_empty());
    assert_eq!(store.sent.borrow().len(), 2);
}

#[test]
fn a_second_run_on_the_same_log_adds_nothing() {
    let store = FakeStore::default();
    let log = [registered("1", "C1"), deposit("2", "C1", "1500"), deposit("3", "C9", "5")];
    run(&log, &store).expect("the first run");
    let (counts, effects) = (*store.counts.borrow(), store.effects.borrow().len());
    run(&log, &store).expect("the second run");
    assert_eq!((*store.counts.borrow(), store.effects.borrow().len()), (counts, effects));
    assert_eq!(store.sent.borrow().len(), 2);
}

#[test]
fn a_replay_that_gives_another_alert_stops_before_anything_is_written() {
    let store = FakeStore::default();
    let log = [registered("1", "C1"), deposit("2", "C1", "1500")];
    run(&log, &store).expect("the first run");
    for (_, effect) in store.effects.borrow_mut().iter_mut() {
        if let Effect::AlertRaised(alert) = effect {
            alert.message.push('!');
        }
    }
    // The same id with another content, seen from both sides.
    assert!(matches!(run(&log, &store), Err(Error::NotDeterministic { count: 2, .. })));
}

#[test]
fn a_replay_that_gives_fewer_alerts_or_other_fates_stops_too() {
    let store = FakeStore::default();
    let log = [registered("1", "C1"), deposit("2", "C1", "1500"), deposit("3", "C1", "20")];
    run(&log, &store).expect("the first run");
    let smaller = [registered("1", "C1"), deposit("2", "C1", "15"), deposit("3", "C1", "20")];
    assert!(matches!(run(&smaller, &store), Err(Error::NotDeterministic { count: 1, .. })));
    let unknown = [registered("1", "C1"), deposit("2", "C1", "1500"), deposit("3", "C2", "20")];
    assert!(matches!(run(&unknown, &store), Err(Error::OtherFates)));
}

#[test]
fn a_rulebook_that_nobody_stored_stops_the_pipeline_by_name() {
    let store = FakeStore::default();
    let unknown = "ab".repeat(32);
    let data = format!(r#"{{"digest":"{unknown}"}}"#);
    let log = [envelope("1", "aml.control.rulebook.v1", &data)];
    match run(&log, &store) {
        Err(Error::RulebookMissing { digest, sequence: 1 }) => assert_eq!(digest, unknown),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.position.get(), 0);
}

#[test]
fn an_identity_that_arrives_late_has_its_transactions_judged_again() {
    let store = FakeStore::default();
    let log = [deposit("1", "C1", "1500"), deposit("2", "C1", "20"), registered("3", "C1")];
    run(&log, &store).expect("a clean end");
    let effects = store.effects.borrow();
    let released: Vec<u64> = effects
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::ParkedReleased { sequence } => Some(*sequence),
            _ => None,
        })
        .collect();
    assert_eq!(released, [1, 2]);
    assert_eq!(store.alerts().len(), 1, "it alerted at once, and not again");
}
