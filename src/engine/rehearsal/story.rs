//! Turns a test's story into what the engine reads: identities known beforehand, and events.
//!
//! A customer or account that the story mentions is known long before the first event, unless the
//! test says otherwise or the story itself brings it in. Values were checked when the file was read;
//! a field that is not there gets the default that `rules/README.md` states.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::domain::event::{
    AccountFacts, CustomerFacts, Extra, IdentityDetails, IdentityKind, Initiator, Network, Scalar,
    SecurityKind, Text, TransactionDetails, TransactionKind, TransactionStatus,
};
use crate::domain::{
    Body, Country, Currency, Event, IdentityEvent, Instant, Money, Party, Rate, Risk,
    SecurityEvent, Segment, Session, Span, Transaction, Verification,
};
use crate::rulebook::catalogue::EventName;
use crate::rulebook::example::{Example, ExampleEvent, Value};

/// How long before everything else a mentioned customer registered and an account was opened.
const LONG_BEFORE: Span = Span::days(3 * 365);

/// The institution's base currency in stories that name none.
const STORY_CURRENCY: &str = "EUR";

/// Values by name, as the story gives them.
#[derive(Clone, Copy)]
struct Values<'a>(Option<&'a BTreeMap<String, Value>>);

impl<'a> Values<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0?.get(name)
    }

    fn str(self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn text(self, name: &str) -> Option<Text<'a>> {
        self.str(name).map(Cow::Borrowed)
    }

    fn number(self, name: &str) -> Option<Decimal> {
        match self.get(name)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn time(self, name: &str) -> Option<Instant> {
        match self.get(name)? {
            Value::Time(at) => Some(*at),
            _ => None,
        }
    }
}

/// The events of the story in order of arrival; those of the same instant in order of the file.
pub fn events(example: &Example) -> Vec<Event<'_>> {
    let mut ordered: Vec<&ExampleEvent> = example.events.iter().collect();
    ordered.sort_by_key(|event| event.arrives);
    ordered.iter().zip(1..).map(|(event, number)| domain_event(event, number)).collect()
}

/// What a story consists of.
pub enum Step<'a> {
    /// An event arrives.
    Event(Box<Event<'a>>),
    /// Time passes to this instant.
    Tick(Instant),
}

/// The story in the order in which it reaches us; at one instant time passes after what happens.
pub fn steps(example: &Example) -> Vec<Step<'_>> {
    let mut arrivals: Vec<Instant> = example.events.iter().map(|event| event.arrives).collect();
    arrivals.sort_unstable();
    let mut ticks = example.ticks.iter().copied().peekable();
    let mut steps = Vec::new();
    for (event, arrives) in events(example).into_iter().zip(arrivals) {
        while let Some(tick) = ticks.next_if(|tick| *tick < arrives) {
            steps.push(Step::Tick(tick));
        }
        steps.push(Step::Event(Box::new(event)));
    }
    steps.extend(ticks.map(Step::Tick));
    steps
}

fn domain_event(event: &ExampleEvent, number: usize) -> Event<'_> {
    let values = Values(Some(&event.fields));
    let body = match event.name {
        EventName::Transaction => Body::Transaction(transaction(values, event.at)),
        EventName::Kyc(kind) => Body::Identity(identity(values, kind)),
        EventName::Security(kind) => Body::Security(security(values, kind)),
    };
    Event { id: Cow::Owned(format!("story-{number}")), source: "story".into(), at: event.at, body }
}

fn transaction(values: Values<'_>, at: Instant) -> Transaction<'_> {
    let kind = values.str("type").and_then(TransactionKind::parse);
    let kind = kind.unwrap_or(TransactionKind::Transfer);
    let ours = Party {
        customer: values.text("customer"),
        account: values.text("account"),
        ..Party::default()
    };
    let other = Party {
        account: values.text("counterparty"),
        bank: values.text("bank"),
        country: values.str("country").and_then(Country::parse),
        ..Party::default()
    };
    let is_inbound = values.str("direction").map_or_else(|| comes_in(kind), |word| word == "in");
    let (originator, beneficiary) = if is_inbound { (other, ours) } else { (ours, other) };
    let base_amount = values.number("amount").unwrap_or_default();
    let local_amount = values.number("local_amount").unwrap_or(base_amount);
    let rate = base_amount.checked_div(local_amount).filter(|rate| *rate != Decimal::ONE);
    Transaction {
        kind,
        status: values
            .str("status")
            .and_then(TransactionStatus::parse)
            .unwrap_or(TransactionStatus::Booked),
        booked: Money { amount: local_amount, currency: currency(values) },
        base_amount,
        rate: rate.map(|rate| Rate { rate, at }),
        originator,
        beneficiary,
        initiator: values.str("initiator").and_then(Initiator::parse),
        purpose: values.text("purpose"),
        branch: values.text("branch"),
        session: session(values),
        details: TransactionDetails { extra: extra(values) },
    }
}

/// The direction of kinds that have only one; everything else goes out unless the story says `in`.
const fn comes_in(kind: TransactionKind) -> bool {
    use TransactionKind as K;
    matches!(kind, K::CashDeposit | K::CryptoDeposit | K::Cheque | K::Interest)
}

#[expect(clippy::expect_used, reason = "the fallback is a constant and in ISO 4217")]
fn currency(values: Values<'_>) -> Currency {
    let named = values.str("currency").and_then(Currency::parse);
    named.unwrap_or_else(|| Currency::parse(STORY_CURRENCY).expect("EUR is a currency"))
}

fn session(values: Values<'_>) -> Session<'_> {
    Session {
        channel: values.text("channel"),
        device: values.text("device"),
        ip: values.text("ip"),
        subnet: values.text("subnet"),
        network: values.str("network").and_then(Network::parse),
        user_agent: values.text("user_agent"),
        referrer: values.text("referrer"),
        country: values.str("country").and_then(Country::parse),
    }
}

/// A deployment's own fields, as a message would carry them.
fn extra(values: Values<'_>) -> Extra<'_> {
    let own = values.0.into_iter().flatten();
    own.filter_map(|(name, value)| {
        let name = name.strip_prefix("extra.")?;
        let raw = match value {
            Value::Text(text) => Scalar::Text(Cow::Borrowed(text)),
            Value::Number(number) => Scalar::Text(Cow::Owned(number.to_string())),
            Value::Time(at) => Scalar::Text(Cow::Owned(at.to_string())),
            Value::Duration(span) => Scalar::Text(Cow::Owned(span.to_string())),
            Value::Bool(value) => Scalar::Bool(*value),
        };
        Some((Cow::Borrowed(name), raw))
    })
    .collect()
}

fn identity(values: Values<'_>, kind: IdentityKind) -> IdentityEvent<'_> {
    let customer = values.text("customer").unwrap_or_default();
    IdentityEvent {
        facts: facts(values),
        account: values.text("account").map(|id| account_facts(values, id)),
        document: values.text("document"),
        phone: values.text("phone"),
        email: values.text("email"),
        address: values.text("address"),
        field: values.text("field"),
        // Here `country` is the customer's residence.
        session: Session { country: None, ..session(values) },
        details: IdentityDetails { extra: extra(values) },
        ..IdentityEvent::bare(kind, customer)
    }
}

fn facts(values: Values<'_>) -> CustomerFacts<'_> {
    CustomerFacts {
        segment: values.str("segment").and_then(Segment::parse),
        risk: values.str("risk").and_then(Risk::parse),
        country: values.str("country").and_then(Country::parse),
        occupation: values.text("occupation"),
        expected_turnover: values.number("expected_turnover"),
        document_expires_at: values.time("document_expires_at"),
        next_review_at: values.time("next_review_at"),
    }
}

fn account_facts<'a>(values: Values<'a>, id: Text<'a>) -> AccountFacts<'a> {
    AccountFacts {
        id,
        opened_at: values.time("opened_at"),
        purpose: values.text("purpose"),
        currency: values.text("currency"),
    }
}

fn security(values: Values<'_>, kind: SecurityKind) -> SecurityEvent<'_> {
    SecurityEvent {
        kind,
        customer: values.text("customer").unwrap_or_default(),
        outcome: values.text("outcome"),
        method: values.text("method"),
        payee: values.text("payee"),
        session: session(values),
        extra: extra(values),
    }
}

/// The identity events that make customers and accounts known before the story, in order of time.
pub fn seeds(example: &Example) -> Vec<(Instant, IdentityEvent<'_>)> {
    let first = example.events.iter().map(|event| event.at).min();
    let long_before = first.unwrap_or(example.start).min(example.start).minus(LONG_BEFORE);
    let mut seeds = Vec::new();
    let customers = customers(example);
    for customer in &customers {
        let given = Values(example.customers.get(*customer));
        seed_customer(customer, given, long_before, &mut seeds);
    }
    for (account, owner) in accounts(example) {
        let given = example.accounts.get(account);
        if given.is_none() && !customers.contains(owner) {
            continue;
        }
        let mut facts = account_facts(Values(given), Cow::Borrowed(account));
        facts.opened_at = facts.opened_at.or(Some(long_before));
        let mut event = IdentityEvent::bare(IdentityKind::AccountOpened, Cow::Borrowed(owner));
        event.account = Some(facts);
        seeds.push((long_before, event));
    }
    seeds.sort_by_key(|(at, _)| *at);
    seeds
}

/// The customers that are known beforehand.
fn customers(example: &Example) -> BTreeSet<&str> {
    let given = |customer: &str| example.customers.get(customer);
    let mut customers: BTreeSet<&str> = example.customers.keys().map(String::as_str).collect();
    for event in &example.events {
        customers.extend(Values(Some(&event.fields)).str("customer"));
    }
    customers.extend(owners(example).map(|(_, owner)| owner));
    // Somebody who registers in the story was nobody before, unless the test says more.
    for event in example.events.iter().filter(|event| registers(event)) {
        if let Some(customer) = Values(Some(&event.fields)).str("customer")
            && given(customer).is_none()
        {
            customers.remove(customer);
        }
    }
    customers.retain(|customer| Values(given(customer)).get("known") != Some(&Value::Bool(false)));
    customers
}

fn registers(event: &ExampleEvent) -> bool {
    event.name == EventName::Kyc(IdentityKind::Registered)
}

/// The accounts of which the test says whose they are.
fn owners(example: &Example) -> impl Iterator<Item = (&str, &str)> {
    let owner = |(account, given)| Some((account, Values(Some(given)).str("customer")?));
    example.accounts.iter().map(|(account, given)| (account.as_str(), given)).filter_map(owner)
}

/// The accounts that are open beforehand, with the customer whose it is, or who first acts through each.
fn accounts(example: &Example) -> BTreeMap<&str, &str> {
    let mut accounts = BTreeMap::new();
    for event in &example.events {
        let values = Values(Some(&event.fields));
        if let (Some(account), Some(customer)) = (values.str("account"), values.str("customer")) {
            accounts.entry(account).or_insert((customer, event.name));
        }
    }
    let opens = EventName::Kyc(IdentityKind::AccountOpened);
    accounts
        .into_iter()
        .filter(|(account, (_, name))| example.accounts.contains_key(*account) || *name != opens)
        .map(|(account, (customer, _))| (account, customer))
        .chain(owners(example))
        .collect()
}

fn seed_customer<'a>(
    customer: &'a str,
    given: Values<'a>,
    long_before: Instant,
    seeds: &mut Vec<(Instant, IdentityEvent<'a>)>,
) {
    let (given_since, verified_at) = (given.time("since"), given.time("verified_at"));
    let since = given_since.or(verified_at).map_or(long_before, |since| {
        if given_since.is_some() { since } else { since.min(long_before) }
    });
    let verified_at = verified_at.unwrap_or(since);
    let state = given.str("state").and_then(Verification::parse).unwrap_or(Verification::Verified);
    let mut registered = IdentityEvent::bare(IdentityKind::Registered, Cow::Borrowed(customer));
    registered.facts = facts(given);
    seeds.push((since, registered));
    for kind in path_to(state) {
        let at = if since > verified_at { since } else { verified_at };
        seeds.push((at, IdentityEvent::bare(*kind, Cow::Borrowed(customer))));
    }
}

/// The shortest way from registration to `state`. The reader refuses the two states without one.
const fn path_to(state: Verification) -> &'static [IdentityKind] {
    use IdentityKind as K;
    use Verification as V;
    match state {
        V::Registered | V::Lapsed | V::Abandoned => &[],
        V::Submitted => &[K::EvidenceSubmitted],
        V::InReview => &[K::EvidenceSubmitted, K::ReviewStarted],
        V::Resubmit => &[K::EvidenceSubmitted, K::ReviewStarted, K::ResubmissionRequested],
        V::Verified => &[K::Verified],
        V::ReviewOpen => &[K::Verified, K::RekycOpened],
        V::Rejected => &[K::EvidenceSubmitted, K::Rejected],
        V::Exited => &[K::Verified, K::Ended],
    }
}
