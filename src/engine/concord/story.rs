//! Random stories, and a world that keeps every event of them as plain fields by their names.
//!
//! Events come late, twice, at equal times, about customers whom nobody registered yet, and between
//! accounts of one customer. The world works out facts and second judgements anew from what it kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::event::{
    AccountFacts, IdentityKind, Initiator, Scalar, SecurityKind, TransactionDetails,
    TransactionKind, TransactionStatus,
};
use crate::domain::identity::{Verification, transition};
use crate::domain::{
    Body, Country, Currency, Event, IdentityEvent, Instant, Money, Party, Risk, SecurityEvent,
    Segment, Session, Transaction,
};

use super::Seen;
use super::tape::Tape;

/// Where every story begins: a Friday shortly before a month and a quarter end, and clocks change.
const BEGIN: &str = "2026-03-27T21:00:00Z";

const MINUTE: i64 = 60_000_000;

/// The parties: a customer's two accounts, two customers with one each, one that only its account tells
/// of, and two of other banks.
const PARTIES: &[(Option<&str>, Option<&str>)] = &[
    (Some("C0"), Some("A0")),
    (Some("C0"), Some("A1")),
    (Some("C1"), Some("A2")),
    (Some("C2"), None),
    (None, Some("A4")),
    (None, Some("X1")),
    (None, Some("X2")),
];

const AMOUNTS: &[&str] = &[
    "100",
    "3",
    "0.01",
    "2.345",
    "99.99",
    "1000",
    "8500.50",
    "0.00000001",
    "123456789.12345678",
    "999999999999999",
    "0.5",
    "250",
];

/// One leg or event with all its fields, as it was when it was judged.
#[derive(Clone, Debug)]
pub struct Row {
    /// `transaction`, `kyc.registered`, ...
    pub name: String,
    pub at: i64,
    pub sequence: u64,
    pub id: String,
    /// It is judged a second time, now that its customer is known.
    pub is_again: bool,
    /// Fields by path; an absent one is not here.
    pub fields: BTreeMap<&'static str, Seen<Decimal>>,
}

impl Row {
    pub fn field(&self, path: &str) -> Seen<Decimal> {
        self.fields.get(path).cloned().unwrap_or(Seen::Absent)
    }

    /// For a side of a transaction, whether it receives.
    pub fn is_inbound(&self) -> bool {
        self.field("tx.direction").text().as_deref() == Some("in")
    }

    /// The value of a role.
    pub fn role(&self, word: &str) -> Option<String> {
        let family = self.name.split('.').next().unwrap_or_default();
        let path = match (family, word) {
            ("transaction", word) => format!("tx.{word}"),
            ("security", "counterparty") => "security.payee".to_owned(),
            (family, word) => format!("{family}.{word}"),
        };
        match self.field(&path) {
            Seen::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Everything that happened so far.
#[derive(Default)]
pub struct World {
    /// Every row, in the order in which rows were judged.
    pub rows: Vec<Row>,
    /// Identity events by customer, in order of their times.
    records: BTreeMap<String, Vec<(i64, IdentityEvent<'static>)>>,
    /// Owner, opening, purpose and currency by account.
    accounts: BTreeMap<String, Account>,
    /// Transactions with a side whose customer is not known, by sequence.
    parked: BTreeMap<u64, Parked>,
}

#[derive(Clone, Debug, Default)]
struct Account {
    owner: String,
    opened_at: Option<i64>,
    purpose: Option<String>,
    currency: Option<String>,
}

struct Parked {
    event: Event<'static>,
    /// Customers, or accounts that are nobody's yet.
    waits_for: Vec<String>,
}

/// One side of a transaction.
struct Leg {
    customer: Option<String>,
    is_inbound: bool,
}

/// The events of a story, in the order in which they arrive, from one tape each.
pub fn events(tapes: &[Vec<u8>]) -> Vec<Event<'static>> {
    let mut clock = Instant::parse(BEGIN).expect("a time").0;
    let mut events: Vec<Event<'static>> = Vec::new();
    for (number, bytes) in tapes.iter().enumerate() {
        let tape = &mut Tape::new(bytes);
        let minutes = match tape.below(12) {
            0..6 => i64::try_from(tape.below(7)).expect("few"),
            6..9 => -i64::try_from(tape.below(40)).expect("few"),
            9..11 => 30 + i64::try_from(tape.below(200)).expect("few"),
            _ => 24 * 60 + 7 * i64::try_from(tape.below(250)).expect("few"),
        };
        let at = clock + minutes * MINUTE;
        clock = clock.max(at);
        // Now and then one that was told before, as if its id had been forgotten since.
        if tape.one_in(14) && !events.is_empty() {
            events.push(events[tape.below(events.len())].clone());
            continue;
        }
        let body = match tape.below(8) {
            0..5 => Body::Transaction(transaction(tape)),
            5 | 6 => Body::Identity(identity(tape, at)),
            _ => Body::Security(security(tape)),
        };
        let (id, source) = (Cow::Owned(format!("E{number}")), Cow::Borrowed("bank"));
        events.push(Event { id, source, at: Instant(at), body });
    }
    events
}

fn transaction(tape: &mut Tape<'_>) -> Transaction<'static> {
    let from = tape.below(PARTIES.len());
    let to = tape.below(PARTIES.len());
    let party = |(customer, account): (Option<&'static str>, Option<&'static str>)| Party {
        customer: customer.map(Cow::Borrowed),
        account: account.map(Cow::Borrowed),
        ..Party::default()
    };
    let country = tape.maybe(&["SE", "IR", "US", "KP"]).and_then(Country::parse);
    let amount = Decimal::from_str_exact(tape.pick(AMOUNTS)).expect("a number");
    let text = |word: Option<&'static str>| word.map(Cow::Borrowed);
    let mut extra = Vec::new();
    let mut tell = |name: &'static str, value: Option<Scalar<'static>>| {
        extra.extend(value.map(|value| (Cow::Borrowed(name), value)));
    };
    tell("flag", tape.maybe(&[true, false]).map(Scalar::Bool));
    let words = |word: Option<&'static str>| word.map(|word| Scalar::Text(Cow::Borrowed(word)));
    tell("tier", words(tape.maybe(&["gold", "tin"])));
    tell("points", words(tape.maybe(&["0", "-7.25", "12"])));
    tell("moment", words(tape.maybe(&["2026-03-28T00:30:00Z", "2025-12-31T23:30:00Z"])));
    tell("pause", words(tape.maybe(&["36h", "0s", "-90s"])));
    Transaction {
        kind: tape.pick(&[
            TransactionKind::Transfer,
            TransactionKind::Wire,
            TransactionKind::CashDeposit,
            TransactionKind::Card,
        ]),
        status: tape.pick(&[TransactionStatus::Booked, TransactionStatus::Rejected]),
        booked: Money {
            amount: Decimal::from_str_exact(tape.pick(AMOUNTS)).expect("a number"),
            currency: Currency::parse(tape.pick(&["EUR", "USD", "JPY"])).expect("a currency"),
        },
        base_amount: amount,
        rate: None,
        originator: Party { country, ..party(PARTIES[from]) },
        beneficiary: Party { country, ..party(PARTIES[to]) },
        initiator: tape.maybe(&[Initiator::Customer, Initiator::Bank]),
        purpose: text(tape.maybe(&["gift", "rent"])),
        branch: text(tape.maybe(&["12 Main St.", "Main Street 12", "Hauptstraße 7"])),
        session: Session {
            channel: text(tape.maybe(&["web", "ios", "branch"])),
            device: text(tape.maybe(&["D1", "D2"])),
            ..Session::default()
        },
        details: TransactionDetails { extra },
    }
}

fn identity(tape: &mut Tape<'_>, at: i64) -> IdentityEvent<'static> {
    let kind = tape.pick(&[
        IdentityKind::Registered,
        IdentityKind::Verified,
        IdentityKind::RiskChanged,
        IdentityKind::AccountOpened,
        IdentityKind::ProfileChanged,
        IdentityKind::Refreshed,
        IdentityKind::Ended,
    ]);
    let customer = tape.pick(&["C0", "C1", "C2", "C3"]);
    let mut event = IdentityEvent::bare(kind, Cow::Borrowed(customer));
    event.facts.risk = tape.maybe(&[Risk::Low, Risk::High, Risk::Medium]);
    event.facts.segment = tape.maybe(&[Segment::Retail, Segment::CashBusiness]);
    event.facts.country = tape.maybe(&["SE", "IR"]).and_then(Country::parse);
    event.facts.occupation = tape.maybe(&["smith", "Dr. Smith"]).map(Cow::Borrowed);
    let turnover = tape.maybe(&["0", "1200.50", "30000"]);
    event.facts.expected_turnover = turnover.and_then(|text| Decimal::from_str_exact(text).ok());
    let ahead = tape.maybe(&[-5, 40, 20_000]);
    event.facts.document_expires_at = ahead.map(|minutes| Instant(at + minutes * MINUTE));
    if kind == IdentityKind::AccountOpened {
        event.account = Some(AccountFacts {
            id: Cow::Borrowed(tape.pick(&["A0", "A4", "A1"])),
            opened_at: tape.maybe(&[-600, -50_000]).map(|minutes| Instant(at + minutes * MINUTE)),
            purpose: tape.maybe(&["club", "personal"]).map(Cow::Borrowed),
            currency: tape.maybe(&["EUR", "USD"]).map(Cow::Borrowed),
        });
    }
    if kind == IdentityKind::ProfileChanged {
        event.field = tape.maybe(&["phone", "name"]).map(Cow::Borrowed);
    }
    event.session.device = tape.maybe(&["D1", "D2"]).map(Cow::Borrowed);
    event
}

fn security(tape: &mut Tape<'_>) -> SecurityEvent<'static> {
    SecurityEvent {
        kind: tape.pick(&[SecurityKind::Login, SecurityKind::PayeeAdded]),
        customer: Cow::Borrowed(tape.pick(&["C0", "C1", "C2"])),
        outcome: tape.maybe(&["success", "failure"]).map(Cow::Borrowed),
        method: tape.maybe(&["otp"]).map(Cow::Borrowed),
        payee: tape.maybe(&["X1", "A2"]).map(Cow::Borrowed),
        session: Session {
            device: tape.maybe(&["D1", "D2"]).map(Cow::Borrowed),
            ..Session::default()
        },
        extra: Vec::new(),
    }
}

impl World {
    /// Takes the next event; gives back how many rows it led to, the last ones of `rows`.
    pub fn apply(&mut self, sequence: u64, event: &Event<'static>) -> usize {
        let before = self.rows.len();
        match &event.body {
            Body::Transaction(transaction) => {
                let legs = self.legs(transaction);
                let mut waits_for: Vec<String> = Vec::new();
                for leg in &legs {
                    let is_known = leg.customer.as_ref().is_some_and(|it| self.is_known(it));
                    let waiting = leg.customer.clone().or_else(|| account_of(transaction, leg));
                    waits_for.extend(waiting.filter(|_| !is_known));
                    let facts = leg.customer.as_ref().map(|it| self.as_of(it, event.at.0));
                    self.judge_leg(sequence, event, transaction, (leg, facts), false);
                }
                if !waits_for.is_empty() {
                    self.parked.insert(sequence, Parked { event: event.clone(), waits_for });
                }
            }
            Body::Identity(identity) => {
                self.record(event.at.0, identity);
                self.judge_identity(sequence, event, identity);
                self.release(identity);
            }
            Body::Security(security) => self.judge_security(sequence, event, security),
            Body::Control(_) => {}
        }
        self.rows.len() - before
    }

    fn record(&mut self, at: i64, event: &IdentityEvent<'static>) {
        if let Some(facts) = &event.account {
            let account = self.accounts.entry(facts.id.to_string()).or_default();
            account.owner = event.customer.to_string();
            account.opened_at = Some(facts.opened_at.map_or(at, |opened| opened.0));
            let newer = |fact: &Option<Cow<'_, str>>| fact.as_deref().map(str::to_owned);
            account.purpose = newer(&facts.purpose).or(account.purpose.take());
            account.currency = newer(&facts.currency).or(account.currency.take());
        }
        let records = self.records.entry(event.customer.to_string()).or_default();
        records.push((at, event.clone()));
        records.sort_by_key(|(at, _)| *at);
    }

    /// Judges again, at their own times, the sides that waited for this customer.
    fn release(&mut self, identity: &IdentityEvent<'static>) {
        let customer = identity.customer.as_ref();
        if let Some(account) = &identity.account {
            for parked in self.parked.values_mut() {
                for waiting in parked.waits_for.iter_mut().filter(|it| **it == account.id) {
                    *waiting = customer.to_owned();
                }
            }
        }
        if !self.is_known(customer) {
            return;
        }
        let is_due = |parked: &Parked| parked.waits_for.iter().any(|it| it == customer);
        let due = self.parked.iter().filter(|(_, it)| is_due(it));
        let mut due: Vec<(i64, u64)> = due.map(|(at, it)| (it.event.at.0, *at)).collect();
        due.sort_unstable();
        for (_, sequence) in due {
            let Some(mut parked) = self.parked.remove(&sequence) else { continue };
            parked.waits_for.retain(|it| it != customer);
            let Body::Transaction(transaction) = &parked.event.body else { continue };
            let legs = self.legs(transaction);
            for leg in legs.iter().filter(|leg| leg.customer.as_deref() == Some(customer)) {
                let facts = self.as_of(customer, parked.event.at.0);
                let event = parked.event.clone();
                self.judge_leg(sequence, &event, transaction, (leg, Some(facts)), true);
            }
            // The other account may still turn out to be ours.
            if !parked.waits_for.is_empty() {
                self.parked.insert(sequence, parked);
            }
        }
    }

    /// The sides that we answer for; those with an account when we can tell of neither.
    fn legs(&self, transaction: &Transaction<'_>) -> Vec<Leg> {
        let sides = [(&transaction.originator, false), (&transaction.beneficiary, true)];
        let legs = sides.map(|(party, is_inbound)| {
            let owner = || Some(self.accounts.get(party.account.as_deref()?)?.owner.clone());
            let customer = party.customer.as_deref().map(str::to_owned).or_else(owner);
            (Leg { customer, is_inbound }, party.account.is_some())
        });
        let is_ours = legs.iter().any(|(leg, _)| leg.customer.is_some());
        let stays = |(leg, has_account): &(Leg, bool)| {
            if is_ours { leg.customer.is_some() } else { *has_account }
        };
        legs.into_iter().filter(stays).map(|(leg, _)| leg).collect()
    }

    fn is_known(&self, customer: &str) -> bool {
        self.as_of(customer, i64::MAX).contains_key("customer.state")
    }

    /// The customer's facts that held at a time, however late they reached us.
    fn as_of(&self, customer: &str, at: i64) -> BTreeMap<&'static str, Seen<Decimal>> {
        let records = self.records.get(customer).map(Vec::as_slice).unwrap_or_default();
        facts(&records[..records.partition_point(|(then, _)| *then <= at)])
    }

    fn judge_leg(
        &mut self,
        sequence: u64,
        event: &Event<'static>,
        transaction: &Transaction<'static>,
        (leg, facts): (&Leg, Option<BTreeMap<&'static str, Seen<Decimal>>>),
        is_again: bool,
    ) {
        let (own, other) = if leg.is_inbound {
            (&transaction.beneficiary, &transaction.originator)
        } else {
            (&transaction.originator, &transaction.beneficiary)
        };
        let mut fields = facts.unwrap_or_default();
        let is_known = fields.contains_key("customer.state");
        let mut set = |path, value: Seen<Decimal>| {
            if value != Seen::Absent {
                fields.insert(path, value);
            }
        };
        let booked = &transaction.booked;
        set("customer.known", Seen::Bool(is_known));
        set("tx.amount", Seen::Number(transaction.base_amount));
        set("tx.local_amount", Seen::Number(booked.amount));
        set("tx.currency", text(Some(booked.currency.code())));
        set("tx.type", text(Some(transaction.kind.word())));
        set("tx.status", text(Some(transaction.status.word())));
        set("tx.direction", text(Some(if leg.is_inbound { "in" } else { "out" })));
        set("tx.customer", text(leg.customer.as_deref()));
        set("tx.account", text(own.account.as_deref()));
        set("tx.counterparty", text(other.account.as_deref().or(other.customer.as_deref())));
        set("tx.country", text(other.country.as_ref().map(Country::code)));
        set("tx.initiator", text(transaction.initiator.map(Initiator::word)));
        set("tx.purpose", text(transaction.purpose.as_deref()));
        set("tx.branch", text(transaction.branch.as_deref()));
        set("tx.channel", text(transaction.session.channel.as_deref()));
        set("tx.device", text(transaction.session.device.as_deref()));
        for (name, value) in &transaction.details.extra {
            let (path, value) = extra(name, value);
            set(path, value);
        }
        if let Some(account) = own.account.as_deref().and_then(|id| self.accounts.get(id)) {
            set("account.opened_at", account.opened_at.map_or(Seen::Absent, Seen::Micros));
            set("account.purpose", text(account.purpose.as_deref()));
            set("account.currency", text(account.currency.as_deref()));
        }
        self.keep("transaction".to_owned(), sequence, event, fields, is_again);
    }

    fn judge_identity(&mut self, sequence: u64, event: &Event<'_>, identity: &IdentityEvent<'_>) {
        let mut fields = self.as_of(&identity.customer, event.at.0);
        let is_known = fields.contains_key("customer.state");
        fields.insert("customer.known", Seen::Bool(is_known));
        fields.insert("kyc.customer", text(Some(&identity.customer)));
        fields.insert("kyc.field", text(identity.field.as_deref()));
        fields.insert("kyc.device", text(identity.session.device.as_deref()));
        let account = identity.account.as_ref().map(|account| account.id.as_ref());
        fields.insert("kyc.account", text(account));
        self.keep(format!("kyc.{}", identity.kind.word()), sequence, event, fields, false);
    }

    fn judge_security(&mut self, sequence: u64, event: &Event<'_>, security: &SecurityEvent<'_>) {
        let mut fields = self.as_of(&security.customer, event.at.0);
        let is_known = fields.contains_key("customer.state");
        fields.insert("customer.known", Seen::Bool(is_known));
        fields.insert("security.customer", text(Some(&security.customer)));
        fields.insert("security.outcome", text(security.outcome.as_deref()));
        fields.insert("security.payee", text(security.payee.as_deref()));
        fields.insert("security.device", text(security.session.device.as_deref()));
        self.keep(format!("security.{}", security.kind.word()), sequence, event, fields, false);
    }

    fn keep(
        &mut self,
        name: String,
        sequence: u64,
        event: &Event<'_>,
        mut fields: BTreeMap<&'static str, Seen<Decimal>>,
        is_again: bool,
    ) {
        fields.insert("now", Seen::Micros(event.at.0));
        let (at, id) = (event.at.0, event.id.to_string());
        self.rows.push(Row { name, at, sequence, id, is_again, fields });
    }
}

fn account_of(transaction: &Transaction<'_>, leg: &Leg) -> Option<String> {
    let party = if leg.is_inbound { &transaction.beneficiary } else { &transaction.originator };
    party.account.as_deref().map(str::to_owned)
}

/// What these identity events, in order of time, tell.
fn facts(records: &[(i64, IdentityEvent<'static>)]) -> BTreeMap<&'static str, Seen<Decimal>> {
    let mut facts = BTreeMap::new();
    let mut state: Option<Verification> = None;
    for (at, event) in records {
        let told = &event.facts;
        let mut set = |path, value: Seen<Decimal>| {
            if value != Seen::Absent {
                facts.insert(path, value);
            }
        };
        set("customer.risk", text(told.risk.map(Risk::word)));
        set("customer.segment", text(told.segment.map(Segment::word)));
        set("customer.country", text(told.country.as_ref().map(Country::code)));
        set("customer.occupation", text(told.occupation.as_deref()));
        let turnover = told.expected_turnover;
        set("customer.expected_turnover", turnover.map_or(Seen::Absent, Seen::Number));
        let expiry = told.document_expires_at;
        set("customer.document_expires_at", expiry.map_or(Seen::Absent, |it| Seen::Micros(it.0)));
        let Ok(Some(next)) = transition(state, event.kind) else { continue };
        state = Some(next);
        set("customer.state", text(Some(next.word())));
        if next == Verification::Registered {
            set("customer.since", Seen::Micros(*at));
        }
        if matches!(event.kind, IdentityKind::Verified | IdentityKind::Refreshed) {
            set("customer.verified_at", Seen::Micros(*at));
        }
    }
    facts
}

/// A field of the deployment's own, read as its schema says.
fn extra(name: &str, value: &Scalar<'_>) -> (&'static str, Seen<Decimal>) {
    let word = match value {
        Scalar::Bool(value) => return ("tx.extra.flag", Seen::Bool(*value)),
        Scalar::Text(text) => text.as_ref(),
    };
    match name {
        "tier" => ("tx.extra.tier", text(Some(word))),
        "points" => {
            let number = Decimal::from_str_exact(word).expect("a number");
            ("tx.extra.points", Seen::Number(number))
        }
        "moment" => ("tx.extra.moment", Seen::Micros(Instant::parse(word).expect("a time").0)),
        _ => {
            let span = crate::domain::Span::parse(word).expect("a length of time");
            ("tx.extra.pause", Seen::Micros(span.0))
        }
    }
}

fn text(word: Option<&str>) -> Seen<Decimal> {
    word.map_or(Seen::Absent, |word| Seen::Text(word.to_owned()))
}
