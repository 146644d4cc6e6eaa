//! From events to rows: legs of a transaction, and the fields of identity and security events.
//!
//! A party that we answer for gives a leg: one that names a customer, or whose account we know to be a
//! customer's. When we can tell neither side, each side with an account gives a leg of an unknown
//! customer, so that nothing goes unjudged.

use crate::domain::event::{
    IdentityEvent, Initiator, Network, Party, SecurityEvent, Session, TransactionKind,
    TransactionStatus,
};
use crate::domain::{Country, Risk, Segment, Transaction, Verification};
use crate::rulebook::catalogue::Slot;

use super::parked::Waits;
use super::profile::{Profiles, Snapshot};
use super::row::{Row, Value};
use super::strings::{Strings, Symbol};
use super::wake;

/// One side of a transaction, seen from a party that we answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The customer; unknown when nobody told and the account is nobody's.
    pub customer: Option<Symbol>,
    /// The account.
    pub account: Option<Symbol>,
    /// Money comes in (`true`) or goes out.
    pub is_inbound: bool,
}

impl Leg {
    /// Whom the leg waits for while the customer is not known.
    pub const fn waits_for(&self) -> Option<Waits> {
        match (self.customer, self.account) {
            (Some(customer), _) => Some(Waits::Customer(customer)),
            (None, Some(account)) => Some(Waits::Account(account)),
            (None, None) => None,
        }
    }
}

/// The legs of a transaction: the originator's first.
pub fn legs(
    transaction: &Transaction<'_>,
    profiles: &Profiles,
    strings: &mut Strings,
) -> [Option<Leg>; 2] {
    let mut leg = |party: &Party<'_>, is_inbound| {
        let account = party.account.as_deref().map(|id| strings.intern(id));
        let named = party.customer.as_deref().map(|id| strings.intern(id));
        let owner = || profiles.account(account?)?.owner;
        Leg { customer: named.or_else(owner), account, is_inbound }
    };
    let both = [leg(&transaction.originator, false), leg(&transaction.beneficiary, true)];
    if both.iter().any(|leg| leg.customer.is_some()) {
        return both.map(|leg| leg.customer.is_some().then_some(leg));
    }
    both.map(|leg| leg.account.is_some().then_some(leg))
}

/// Fills `row` with one leg of a transaction.
pub fn fill_leg(
    row: &mut Row,
    transaction: &Transaction<'_>,
    leg: Leg,
    profiles: &Profiles,
    words: &Words,
    strings: &mut Strings,
) {
    let other = if leg.is_inbound { &transaction.originator } else { &transaction.beneficiary };
    row.is_inbound = leg.is_inbound;
    row.place = Some(wake::place(transaction.kind, leg.is_inbound));
    row.set(Slot::TX_AMOUNT, || Value::Number(transaction.base_amount));
    row.set(Slot::TX_LOCAL_AMOUNT, || Value::Number(transaction.booked.amount));
    row.set(Slot::TX_CURRENCY, || Value::Text(strings.intern(transaction.booked.currency.code())));
    row.set(Slot::TX_BOOKED, || {
        // Without trailing zeros, so that equal amounts are equal texts.
        let booked = &transaction.booked;
        let text = format!("{} {}", booked.amount.normalize(), booked.currency.code());
        Value::Text(strings.intern(&text))
    });
    row.set(Slot::TX_TYPE, || words.transaction(transaction.kind));
    row.set(Slot::TX_STATUS, || words.status(transaction.status));
    row.set(Slot::TX_DIRECTION, || words.direction(leg.is_inbound));
    row.set(Slot::TX_CUSTOMER, || leg.customer.into());
    row.set(Slot::TX_ACCOUNT, || leg.account.into());
    let counterparty = other.account.as_deref().or(other.customer.as_deref());
    row.set(Slot::TX_COUNTERPARTY, || text(strings, counterparty));
    row.set(Slot::TX_COUNTRY, || text(strings, other.country.as_ref().map(Country::code)));
    row.set(Slot::TX_BANK, || text(strings, other.bank.as_deref()));
    row.set(Slot::TX_INITIATOR, || words.initiator(transaction.initiator));
    row.set(Slot::TX_PURPOSE, || text(strings, transaction.purpose.as_deref()));
    row.set(Slot::TX_BRANCH, || text(strings, transaction.branch.as_deref()));
    row.set(Slot::TX_CHANNEL, || text(strings, transaction.session.channel.as_deref()));
    row.set(Slot::TX_DEVICE, || text(strings, transaction.session.device.as_deref()));
    row.set(Slot::TX_IP, || text(strings, transaction.session.ip.as_deref()));
    row.set(Slot::TX_SUBNET, || text(strings, transaction.session.subnet.as_deref()));
    row.set(Slot::TX_NETWORK, || words.network(transaction.session.network));
    row.set(Slot::TX_USER_AGENT, || text(strings, transaction.session.user_agent.as_deref()));
    fill_account(row, leg.account, profiles);
}

/// Fills `row` with an identity event.
pub fn fill_identity(
    row: &mut Row,
    event: &IdentityEvent<'_>,
    customer: Symbol,
    profiles: &Profiles,
    strings: &mut Strings,
) {
    let Session { channel, device, ip, subnet, network, user_agent, referrer, .. } = &event.session;
    row.set(Slot::KYC_CUSTOMER, || Value::Text(customer));
    let account = event.account.as_ref().map(|account| strings.intern(&account.id));
    row.set(Slot::KYC_ACCOUNT, || account.into());
    row.set(Slot::KYC_FIELD, || text(strings, event.field.as_deref()));
    row.set(Slot::KYC_CHANNEL, || text(strings, channel.as_deref()));
    row.set(Slot::KYC_DEVICE, || text(strings, device.as_deref()));
    row.set(Slot::KYC_IP, || text(strings, ip.as_deref()));
    row.set(Slot::KYC_SUBNET, || text(strings, subnet.as_deref()));
    row.set(Slot::KYC_NETWORK, || text(strings, network.map(Network::word)));
    row.set(Slot::KYC_USER_AGENT, || text(strings, user_agent.as_deref()));
    row.set(Slot::KYC_REFERRER, || text(strings, referrer.as_deref()));
    row.set(Slot::KYC_DOCUMENT, || text(strings, event.document.as_deref()));
    row.set(Slot::KYC_PHONE, || text(strings, event.phone.as_deref()));
    row.set(Slot::KYC_EMAIL, || text(strings, event.email.as_deref()));
    row.set(Slot::KYC_ADDRESS, || text(strings, event.address.as_deref()));
    fill_account(row, account, profiles);
}

/// Fills `row` with a security event.
pub fn fill_security(
    row: &mut Row,
    event: &SecurityEvent<'_>,
    customer: Symbol,
    strings: &mut Strings,
) {
    let Session { channel, device, ip, subnet, country, network, user_agent, .. } = &event.session;
    row.set(Slot::SECURITY_CUSTOMER, || Value::Text(customer));
    row.set(Slot::SECURITY_OUTCOME, || text(strings, event.outcome.as_deref()));
    row.set(Slot::SECURITY_METHOD, || text(strings, event.method.as_deref()));
    row.set(Slot::SECURITY_PAYEE, || text(strings, event.payee.as_deref()));
    row.set(Slot::SECURITY_CHANNEL, || text(strings, channel.as_deref()));
    row.set(Slot::SECURITY_DEVICE, || text(strings, device.as_deref()));
    row.set(Slot::SECURITY_IP, || text(strings, ip.as_deref()));
    row.set(Slot::SECURITY_SUBNET, || text(strings, subnet.as_deref()));
    let country = country.as_ref().map(Country::code);
    row.set(Slot::SECURITY_COUNTRY, || text(strings, country));
    row.set(Slot::SECURITY_NETWORK, || text(strings, network.map(Network::word)));
    row.set(Slot::SECURITY_USER_AGENT, || text(strings, user_agent.as_deref()));
}

/// Fills the customer's facts.
pub fn fill_customer(
    row: &mut Row,
    snapshot: &Snapshot,
    is_known: bool,
    words: &Words,
    strings: &mut Strings,
) {
    row.set(Slot::CUSTOMER_KNOWN, || Value::Bool(is_known));
    let state = snapshot.state.filter(|_| is_known);
    row.set(Slot::CUSTOMER_STATE, || words.state(state));
    row.set(Slot::CUSTOMER_RISK, || words.risk(snapshot.risk));
    row.set(Slot::CUSTOMER_SEGMENT, || words.segment(snapshot.segment));
    let country = snapshot.country.as_ref().map(Country::code);
    row.set(Slot::CUSTOMER_COUNTRY, || text(strings, country));
    row.set(Slot::CUSTOMER_OCCUPATION, || snapshot.occupation.into());
    row.set(Slot::CUSTOMER_EXPECTED_TURNOVER, || snapshot.expected_turnover.into());
    row.set(Slot::CUSTOMER_SINCE, || snapshot.since.into());
    row.set(Slot::CUSTOMER_VERIFIED_AT, || snapshot.verified_at.into());
    row.set(Slot::CUSTOMER_DOCUMENT_EXPIRES_AT, || snapshot.document_expires_at.into());
    row.set(Slot::CUSTOMER_NEXT_REVIEW_AT, || snapshot.next_review_at.into());
}

/// Fills the account's facts.
pub fn fill_account(row: &mut Row, account: Option<Symbol>, profiles: &Profiles) {
    let Some(account) = account.and_then(|account| profiles.account(account)) else { return };
    row.set(Slot::ACCOUNT_OPENED_AT, || account.opened_at.into());
    row.set(Slot::ACCOUNT_PURPOSE, || account.purpose.into());
    row.set(Slot::ACCOUNT_CURRENCY, || account.currency.into());
}

fn text(strings: &mut Strings, value: Option<&str>) -> Value {
    value.map_or(Value::Absent, |value| Value::Text(strings.intern(value)))
}

/// Words of closed sets, looked up once.
pub struct Words {
    transactions: Vec<Symbol>,
    statuses: Vec<Symbol>,
    initiators: Vec<Symbol>,
    networks: Vec<Symbol>,
    states: Vec<Symbol>,
    risks: Vec<Symbol>,
    segments: Vec<Symbol>,
    directions: [Symbol; 2],
    everyone: Symbol,
}

impl Words {
    /// Looks the words up.
    pub fn new(strings: &mut Strings) -> Self {
        let directions = [strings.intern("out"), strings.intern("in")];
        let everyone = strings.intern("everyone");
        let mut all = |words: &[&str]| words.iter().map(|word| strings.intern(word)).collect();
        Self {
            transactions: all(TransactionKind::WORDS),
            statuses: all(TransactionStatus::WORDS),
            initiators: all(Initiator::WORDS),
            networks: all(Network::WORDS),
            states: all(Verification::WORDS),
            risks: all(Risk::WORDS),
            segments: all(Segment::WORDS),
            directions,
            everyone,
        }
    }

    fn transaction(&self, kind: TransactionKind) -> Value {
        self.transactions.get(kind as usize).copied().into()
    }

    fn status(&self, status: TransactionStatus) -> Value {
        self.statuses.get(status as usize).copied().into()
    }

    fn network(&self, network: Option<Network>) -> Value {
        network.and_then(|network| self.networks.get(network as usize).copied()).into()
    }

    fn initiator(&self, initiator: Option<Initiator>) -> Value {
        initiator.and_then(|initiator| self.initiators.get(initiator as usize).copied()).into()
    }

    fn state(&self, state: Option<Verification>) -> Value {
        state.and_then(|state| self.states.get(state as usize).copied()).into()
    }

    fn risk(&self, risk: Option<Risk>) -> Value {
        risk.and_then(|risk| self.risks.get(risk as usize).copied()).into()
    }

    fn segment(&self, segment: Option<Segment>) -> Value {
        segment.and_then(|segment| self.segments.get(segment as usize).copied()).into()
    }

    /// The key that all events share.
    pub const fn everyone(&self) -> Value {
        Value::Text(self.everyone)
    }

    const fn direction(&self, is_inbound: bool) -> Value {
        let [out, inbound] = self.directions;
        Value::Text(if is_inbound { inbound } else { out })
    }
}
