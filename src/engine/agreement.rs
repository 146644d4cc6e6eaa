//! Every aggregate over every window, compared with a model that keeps everything.
//!
//! Rules are written as an analyst writes them and read by the real loader, so the comparison covers
//! the whole way from text to value. Stories have late events, equal times, transfers between a
//! customer's own accounts, long silences, sweeps, forgetting, swaps of the rulebook, and values asked
//! again as of earlier instants.

pub mod model;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::domain::event::{IdentityKind, TransactionDetails, TransactionKind, TransactionStatus};
use crate::domain::{
    Body, Control, Currency, Event, IdentityEvent, Instant, Money, Party, Session, Span,
    Transaction,
};
use crate::rulebook::{Rulebook, loader};

use super::frame::Mode;
use super::row::Value;
use super::{Engine, Limits};
use model::{Leg, Moment, Seen};

const AMOUNT: &str = "round(tx.amount + 0 / (tx.amount - 3), 2)";

/// Name in the model, and how it is written.
const FUNCTIONS: &[(&str, &str)] = &[
    ("count", "count(transaction"),
    ("sum", "sum(AMOUNT"),
    ("avg", "avg(AMOUNT"),
    ("min_of", "min_of(AMOUNT"),
    ("max_of", "max_of(AMOUNT"),
    ("stddev", "stddev(AMOUNT"),
    ("median", "median(AMOUNT"),
    ("percentile", "percentile(AMOUNT"),
    ("distinct", "distinct(tx.channel"),
    ("first", "first(tx.channel"),
    ("last", "last(tx.channel"),
    ("first_at", "first(now"),
    ("last_amount", "last(AMOUNT"),
];

/// Windows that share their series.
const WINDOWS: &[&[&str]] = &[
    &["20m", "previous 20m", "previous last 3"],
    &["20m ending 7m ago", "lifetime", "last 3"],
    &["calendar day", "previous calendar week", "calendar month", "previous calendar day"],
    &["calendar week", "previous calendar month"],
    &["previous lifetime", "last 1", "3h"],
];

/// Outer function, what is in a bucket as written, and the window.
const BASELINES: &[(&str, &str, &str)] = &[
    ("avg", "count(transaction FILTER) per 1h", "previous 2d"),
    ("stddev", "sum(AMOUNT FILTER) per 1h", "previous 49h"),
    ("percentile", "sum(AMOUNT FILTER) per 1h", "previous 2d"),
    ("median", "sum(AMOUNT FILTER) per 1h at this hour", "previous 9d"),
    ("min_of", "count(transaction FILTER) per 1d", "previous 6d"),
    ("max_of", "sum(AMOUNT FILTER) per 1d", "previous 15d"),
    ("avg", "sum(AMOUNT FILTER) per 1d on this weekday", "previous 28d"),
    ("percentile", "count(transaction FILTER) per 7d", "previous 90d"),
];

const KEYS: &[&str] = &["customer", "account", "account, customer"];

/// One named value of a generated rule.
#[derive(Clone)]
struct Asked {
    function: &'static str,
    /// What is folded first, in buckets.
    per: Option<&'static str>,
    window: &'static str,
    wires_only: bool,
}

struct Book {
    key: &'static str,
    asked: Vec<Asked>,
    /// The same values in another order: nothing of the state may be lost between them.
    versions: [Rulebook; 2],
}

static BOOKS: LazyLock<Vec<Book>> = LazyLock::new(|| {
    let pairs = KEYS.iter().flat_map(|key| WINDOWS.iter().map(move |windows| (*key, *windows)));
    pairs.map(|(key, windows)| book(key, windows)).collect()
});

static BASELINE_BOOKS: LazyLock<Vec<Book>> =
    LazyLock::new(|| ["everyone", "customer", "account"].map(|key| book(key, &[])).into());

fn book(key: &'static str, windows: &[&'static str]) -> Book {
    let mut asked = Vec::new();
    for &window in windows {
        for (index, (function, _)) in FUNCTIONS.iter().enumerate() {
            asked.push(Asked { function, per: None, window, wires_only: index % 3 == 1 });
        }
    }
    for wires_only in [false, true] {
        asked.push(Asked { function: "since", per: None, window: "previous last 1", wires_only });
        for (function, per, window) in BASELINES {
            // Apart from the others, so that a rule has few enough of them.
            if windows.is_empty() {
                asked.push(Asked { function, per: Some(per), window, wires_only });
            }
        }
    }
    let versions = [rule(key, &asked, false), rule(key, &asked, true)];
    Book { key, asked, versions }
}

/// A rule whose condition asks for all values until one is absent, and never holds.
fn rule(key: &str, asked: &[Asked], is_reversed: bool) -> Rulebook {
    let mut order: Vec<(usize, &Asked)> = asked.iter().enumerate().collect();
    if is_reversed {
        order.reverse();
    }
    let (mut lets, mut when) = (String::new(), String::new());
    for (index, asked) in order {
        let filter = if asked.wires_only { " where tx.type == \"wire\"" } else { "" };
        let window = format!(" over {}", asked.window);
        let known = FUNCTIONS.iter().find(|(name, _)| *name == asked.function);
        let (head, window) = match (asked.per, known) {
            (Some(per), _) => {
                (format!("{}({}", asked.function, per.replace(" FILTER", filter)), window)
            }
            (None, Some((_, head))) => (format!("{head}{filter}"), window),
            (None, None) => (format!("since(transaction{filter}"), String::new()),
        };
        let head = head.replace("AMOUNT", AMOUNT);
        let share = if asked.function == "percentile" { ", 90" } else { "" };
        let _ = writeln!(lets, "  v{index}: {head}{share}) by {key}{window}");
        let _ = write!(when, "has(v{index}) and ");
    }
    let text = format!(
        "lang: 1\nrule: asks\ntitle: Asks\nabout: All.\nseverity: low\ntrigger: transaction\n\
         entity: customer\nlet:\n{lets}when: |\n  {when}count(transaction) by {key} over 1m < 0\n\
         alert: {{ score: 1, message: \"never\" }}\n"
    );
    let loaded = loader::load(&BTreeMap::from([("asks.yaml".to_owned(), text)]));
    loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

/// One event of a random story.
#[derive(Clone, Debug)]
struct Step {
    /// How far time moves, in minutes; negative for a late event.
    minutes: i64,
    from: u8,
    to: u8,
    amount: i64,
    channel: u8,
    is_wire: bool,
    /// How far behind the present the values are asked once more, in minutes.
    back: i64,
    /// The log goes on far ahead before the event.
    is_far: bool,
    /// Another version of the rulebook is activated before the event.
    is_swap: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let minutes =
        prop_oneof![6 => 0_i64..6, 2 => -30_i64..0, 1 => 30_i64..300, 1 => 1_000_i64..50_000];
    let amount = prop_oneof![3 => 1_i64..900, 1 => Just(300)];
    (minutes, 0_u8..5, 0_u8..5, amount, 0_u8..4, any::<bool>(), 0_i64..30, 0_u8..10).prop_map(
        |(minutes, from, to, amount, channel, is_wire, back, luck)| Step {
            minutes,
            from,
            // One side is ours.
            to: if from > 2 { to % 3 } else { to },
            amount,
            channel,
            is_wire,
            back,
            is_far: luck == 0,
            is_swap: luck == 1,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_aggregate_over_every_window_agrees_with_the_plain_model(
        steps in prop::collection::vec(step(), 1..32),
        which in 0..KEYS.len() * WINDOWS.len(),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York"]),
    ) {
        let zone = TimeZone::get(zone).expect("a zone");
        let mut run = Run::new(&BOOKS[which], zone);
        for step in &steps {
            run.step(step)?;
        }
    }

    #[test]
    fn every_baseline_agrees_with_the_plain_model(
        steps in prop::collection::vec(step(), 1..32),
        which in 0..3_usize,
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Singapore", "Asia/Kathmandu"]),
    ) {
        let zone = TimeZone::get(zone).expect("a zone");
        let mut run = Run::new(&BASELINE_BOOKS[which], zone);
        for step in &steps {
            run.step(step)?;
        }
    }
}

/// The engine and the model side by side.
struct Run<'a> {
    book: &'a Book,
    engine: Engine,
    zone: TimeZone,
    legs: Vec<Leg>,
    sequence: u64,
    clock: i64,
    version: usize,
}

impl<'a> Run<'a> {
    fn new(book: &'a Book, zone: TimeZone) -> Self {
        let limits = Limits { judge_again_within: Span::hours(1), ..Limits::default() };
        let [first, second] = book.versions.clone().map(|mut rulebook| {
            rulebook.institution.zone = zone.clone();
            Arc::new(rulebook)
        });
        let mut engine = Engine::new(first, limits);
        engine.offer(second);
        // Near the end of a month and of a quarter in which clocks change.
        let clock = Instant::parse("2026-03-27T21:00:00Z").expect("a time").0;
        for customer in ["C0", "C1"] {
            let event = IdentityEvent::bare(IdentityKind::Registered, Cow::Borrowed(customer));
            engine.seed_identity(Instant(clock).minus(Span::days(1)), &event);
        }
        Self { book, engine, zone, legs: Vec::new(), sequence: 0, clock, version: 0 }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        if step.is_swap {
            self.swap();
        }
        self.sequence += 1;
        if step.is_far {
            // Far enough for keys to be swept, and at a place where they are.
            self.sequence = (self.sequence + 6_000_000).next_multiple_of(256);
        }
        let at = self.clock + step.minutes * 60_000_000;
        self.clock = self.clock.max(at);
        self.apply(step, at);
        let Some(last) = self.legs.last().cloned() else { return Ok(()) };
        if last.sequence != self.sequence {
            return Ok(());
        }
        let own = self.of_key(&last);
        let latest = own.iter().map(|leg| leg.at).max().unwrap_or(at);
        self.compare(&own, Mode::Live, latest)?;
        let then = latest - step.back * 60_000_000;
        self.compare(&own, Mode::AsOf(Instant(then)), then)
    }

    fn swap(&mut self) {
        self.version = 1 - self.version;
        self.sequence += 1;
        let digest = Cow::Owned(self.book.versions[self.version].digest.clone());
        let event = Event {
            id: Cow::Borrowed("swap"),
            source: Cow::Borrowed("weir"),
            at: Instant(self.clock),
            body: Body::Control(Control::Rulebook { digest }),
        };
        self.engine.apply(self.sequence, &event);
    }

    fn apply(&mut self, step: &Step, at: i64) {
        let channel = ["web", "ios", "branch"].get(usize::from(step.channel)).copied();
        let kind = if step.is_wire { TransactionKind::Wire } else { TransactionKind::Transfer };
        let amount = Decimal::new(step.amount, 2);
        let event = Event {
            id: Cow::Owned(format!("T{}", self.sequence)),
            source: Cow::Borrowed("bank"),
            at: Instant(at),
            body: Body::Transaction(Transaction {
                kind,
                status: TransactionStatus::Booked,
                booked: Money { amount, currency: Currency::parse("EUR").expect("a currency") },
                base_amount: amount,
                rate: None,
                originator: party(step.from),
                beneficiary: party(step.to),
                initiator: None,
                purpose: None,
                branch: None,
                session: Session { channel: channel.map(Cow::Borrowed), ..Session::default() },
                details: TransactionDetails::default(),
            }),
        };
        for side in [step.from, step.to] {
            let party = party(side);
            if let (Some(customer), Some(account)) = (party.customer, party.account) {
                self.legs.push(Leg {
                    sequence: self.sequence,
                    at,
                    customer: customer.into_owned(),
                    account: account.into_owned(),
                    channel,
                    is_wire: step.is_wire,
                    amount: step.amount,
                });
            }
        }
        self.engine.apply(self.sequence, &event);
    }

    /// All legs under the key of `last`.
    fn of_key(&self, last: &Leg) -> Vec<Leg> {
        let by_customer = self.book.key.contains("customer");
        let by_account = self.book.key.contains("account");
        let is_own = |leg: &&Leg| {
            (!by_customer || leg.customer == last.customer)
                && (!by_account || leg.account == last.account)
        };
        self.legs.iter().filter(is_own).cloned().collect()
    }

    fn compare(&mut self, own: &[Leg], mode: Mode, at: i64) -> Result<(), TestCaseError> {
        let now = Moment { at, sequence: self.sequence, zone: &self.zone };
        let values = self.engine.state.lets(&self.engine.plan, mode);
        for (name, value) in values {
            let index: usize = name[1..].parse().expect("a number");
            let asked = &self.book.asked[index];
            let entered: Vec<Leg> =
                own.iter().filter(|leg| leg.is_wire || !asked.wires_only).cloned().collect();
            let expected = if let Some(per) = asked.per {
                model::baseline(asked.function, per, asked.window, (own, &entered), now)
            } else {
                let inside = model::inside(&entered, asked.window, now);
                model::fold(asked.function, &inside, now)
            };
            let seen = match value {
                Value::Absent => Seen::Absent,
                Value::Number(number) => Seen::Number(number),
                Value::Text(symbol) => {
                    Seen::Text(self.engine.state.strings.text(symbol).to_owned())
                }
                Value::Micros(micros) => Seen::Micros(micros),
                Value::Bool(_) | Value::Found(_) => panic!("no truths and no patterns are asked"),
            };
            let what = (asked.function, asked.per, asked.window, asked.wires_only, self.book.key);
            prop_assert_eq!(seen, expected, "{:?} {:?} at {}", what, mode, at);
        }
        Ok(())
    }
}

/// Customers C0 with two accounts and C1 with one, and somebody elsewhere.
fn party(side: u8) -> Party<'static> {
    let (customer, account) = match side {
        0 => ("C0", "A0"),
        1 => ("C0", "A1"),
        2 => ("C1", "A2"),
        _ => return Party { account: Some(Cow::Borrowed("X")), ..Party::default() },
    };
    Party {
        customer: Some(Cow::Borrowed(customer)),
        account: Some(Cow::Borrowed(account)),
        ..Party::default()
    }
}
