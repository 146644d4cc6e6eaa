//! What we remember about customers and accounts, in versions: the identity that was true at any time.
//!
//! Identity events are kept in order of the time they took effect, so one that arrives late finds its
//! place and everything after it is worked out again. A transaction asks for the version at its time.

use rust_decimal::Decimal;

use crate::domain::event::{AccountFacts, IdentityEvent, IdentityKind};
use crate::domain::identity::{ImpossibleTransition, transition};
use crate::domain::{Country, Instant, Risk, Segment, Verification};
use crate::rulebook::catalogue::Slot;

use super::strings::{Strings, Symbol};

/// A customer as of some instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Verification state; `None` for a customer nobody registered.
    pub state: Option<Verification>,
    /// Risk band.
    pub risk: Option<Risk>,
    /// Segment.
    pub segment: Option<Segment>,
    /// Country of residence.
    pub country: Option<Country>,
    /// Occupation.
    pub occupation: Option<Symbol>,
    /// Declared turnover per month.
    pub expected_turnover: Option<Decimal>,
    /// When the customer registered.
    pub since: Option<Instant>,
    /// When the identity was last confirmed.
    pub verified_at: Option<Instant>,
    /// When the document expires.
    pub document_expires_at: Option<Instant>,
    /// When the next review is due.
    pub next_review_at: Option<Instant>,
}

/// An account's facts; the newest word counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Account {
    /// The customer who holds it.
    pub owner: Option<Symbol>,
    /// When it was opened.
    pub opened_at: Option<Instant>,
    /// What it is for.
    pub purpose: Option<Symbol>,
    /// Its currency.
    pub currency: Option<Symbol>,
}

/// One identity event, kept so that later versions can be worked out again.
#[derive(Clone, Debug)]
struct Version {
    effective_at: Instant,
    number: Option<u64>,
    kind: IdentityKind,
    patch: Snapshot,
    after: Snapshot,
}

#[derive(Clone, Debug, Default)]
struct Profile {
    versions: Vec<Version>,
}

/// What an identity event did to the customer's record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The record changed; this is the newest version now.
    Applied(Snapshot),
    /// The lifecycle has no place for it; its facts were kept, the state was not moved.
    Refused(ImpossibleTransition, Snapshot),
    /// A newer version of the record is already known: nothing was changed.
    Stale,
}

/// All customers and accounts, by their symbols.
#[derive(Default)]
pub struct Profiles {
    by_customer: Vec<Option<Box<Profile>>>,
    by_account: Vec<Option<Box<Account>>>,
    customers: usize,
}

impl Profiles {
    /// How many customers are known.
    pub const fn len(&self) -> usize {
        self.customers
    }

    /// Applies an identity event that took effect at `at`.
    pub fn apply(
        &mut self,
        customer: Symbol,
        event: &IdentityEvent<'_>,
        at: Instant,
        strings: &mut Strings,
    ) -> Change {
        if let Some(account) = &event.account {
            self.open_account(customer, account, event.kind, at, strings);
        }
        let place = slot(&mut self.by_customer, customer);
        if place.is_none() {
            self.customers += 1;
        }
        let profile = place.get_or_insert_with(Box::default);
        let newer = |version: &Version| {
            version.number > event.version && event.version.is_some() && version.effective_at <= at
        };
        if profile.versions.iter().any(newer) {
            return Change::Stale;
        }
        let place = profile.versions.partition_point(|version| version.effective_at <= at);
        let patch = patch(event, strings);
        let version = Version {
            effective_at: at,
            number: event.version,
            kind: event.kind,
            patch,
            after: Snapshot::default(),
        };
        profile.versions.insert(place, version);
        let refused = profile.refold(place);
        let newest = profile.versions.last().map(|version| version.after).unwrap_or_default();
        refused.map_or(Change::Applied(newest), |refused| Change::Refused(refused, newest))
    }

    /// The customer as of `at`; empty for one who was not known then.
    pub fn as_of(&self, customer: Symbol, at: Instant) -> Snapshot {
        let Some(profile) = self.profile(customer) else { return Snapshot::default() };
        let later = profile.versions.partition_point(|version| version.effective_at <= at);
        later
            .checked_sub(1)
            .and_then(|place| profile.versions.get(place))
            .map(|version| version.after)
            .unwrap_or_default()
    }

    /// Whether anybody registered this customer, at whatever time.
    pub fn is_known(&self, customer: Symbol) -> bool {
        self.profile(customer).is_some_and(|profile| {
            profile.versions.last().is_some_and(|version| version.after.state.is_some())
        })
    }

    /// All customers, in the order in which they were first named.
    pub fn customers(&self) -> Vec<Symbol> {
        let places = self.by_customer.iter().zip(0_u32..);
        places.filter(|(place, _)| place.is_some()).map(|(_, number)| Symbol(number)).collect()
    }

    /// The accounts of `customer`.
    pub fn accounts_of(&self, customer: Symbol) -> Vec<Symbol> {
        let places = self.by_account.iter().zip(0_u32..);
        let owned = places.filter(|(account, _)| {
            account.as_ref().is_some_and(|account| account.owner == Some(customer))
        });
        owned.map(|(_, number)| Symbol(number)).collect()
    }

    /// The newest date that is known of a customer or account: the fact at `slot`.
    pub fn date(&self, key: Symbol, slot: Slot) -> Option<Instant> {
        if slot == Slot::ACCOUNT_OPENED_AT {
            return self.account(key)?.opened_at;
        }
        let newest = self.profile(key)?.versions.last()?.after;
        match slot {
            Slot::CUSTOMER_SINCE => newest.since,
            Slot::CUSTOMER_VERIFIED_AT => newest.verified_at,
            Slot::CUSTOMER_DOCUMENT_EXPIRES_AT => newest.document_expires_at,
            Slot::CUSTOMER_NEXT_REVIEW_AT => newest.next_review_at,
            _ => None,
        }
    }

    /// The account's facts.
    pub fn account(&self, account: Symbol) -> Option<&Account> {
        self.by_account.get(account.index())?.as_deref()
    }

    fn profile(&self, customer: Symbol) -> Option<&Profile> {
        self.by_customer.get(customer.index())?.as_deref()
    }

    fn open_account(
        &mut self,
        customer: Symbol,
        facts: &AccountFacts<'_>,
        kind: IdentityKind,
        at: Instant,
        strings: &mut Strings,
    ) {
        let symbol = strings.intern(&facts.id);
        let purpose = facts.purpose.as_deref().map(|text| strings.intern(text));
        let currency = facts.currency.as_deref().map(|text| strings.intern(text));
        let account = slot(&mut self.by_account, symbol).get_or_insert_with(Box::default);
        account.owner = Some(customer);
        account.purpose = purpose.or(account.purpose);
        account.currency = currency.or(account.currency);
        let opened_at = facts.opened_at.or((kind == IdentityKind::AccountOpened).then_some(at));
        account.opened_at = opened_at.or(account.opened_at);
    }
}

impl Profile {
    /// Works out every version from `place` on; tells whether the one at `place` was refused.
    fn refold(&mut self, place: usize) -> Option<ImpossibleTransition> {
        let mut before = place
            .checked_sub(1)
            .and_then(|before| self.versions.get(before))
            .map(|version| version.after)
            .unwrap_or_default();
        let mut refused = None;
        for (index, version) in self.versions.iter_mut().enumerate().skip(place) {
            let (after, problem) = fold(before, version);
            version.after = after;
            if index == place {
                refused = problem;
            }
            before = after;
        }
        refused
    }
}

fn fold(before: Snapshot, version: &Version) -> (Snapshot, Option<ImpossibleTransition>) {
    let patch = &version.patch;
    let mut after = Snapshot {
        state: before.state,
        risk: patch.risk.or(before.risk),
        segment: patch.segment.or(before.segment),
        country: patch.country.or(before.country),
        occupation: patch.occupation.or(before.occupation),
        expected_turnover: patch.expected_turnover.or(before.expected_turnover),
        since: before.since,
        verified_at: before.verified_at,
        document_expires_at: patch.document_expires_at.or(before.document_expires_at),
        next_review_at: patch.next_review_at.or(before.next_review_at),
    };
    match transition(before.state, version.kind) {
        Ok(Some(state)) => {
            after.state = Some(state);
            if state == Verification::Registered {
                after.since = Some(version.effective_at);
            }
            if matches!(version.kind, IdentityKind::Verified | IdentityKind::Refreshed) {
                after.verified_at = Some(version.effective_at);
            }
            (after, None)
        }
        Ok(None) => (after, None),
        Err(refused) => (after, Some(refused)),
    }
}

fn patch(event: &IdentityEvent<'_>, strings: &mut Strings) -> Snapshot {
    let facts = &event.facts;
    Snapshot {
        risk: facts.risk,
        segment: facts.segment,
        country: facts.country,
        occupation: facts.occupation.as_deref().map(|text| strings.intern(text)),
        expected_turnover: facts.expected_turnover,
        document_expires_at: facts.document_expires_at,
        next_review_at: facts.next_review_at,
        ..Snapshot::default()
    }
}

fn slot<T>(table: &mut Vec<Option<Box<T>>>, symbol: Symbol) -> &mut Option<Box<T>> {
    if table.len() <= symbol.index() {
        table.resize_with(symbol.index() + 1, || None);
    }
    #[expect(clippy::indexing_slicing, reason = "the table was just made long enough")]
    &mut table[symbol.index()]
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn apply(
        profiles: &mut Profiles,
        strings: &mut Strings,
        at: i64,
        kind: IdentityKind,
    ) -> Change {
        let customer = strings.intern("C1");
        let mut event = IdentityEvent::bare(kind, Cow::Borrowed("C1"));
        if kind == IdentityKind::RiskChanged {
            event.facts.risk = Some(Risk::High);
        }
        profiles.apply(customer, &event, Instant(at), strings)
    }

    #[test]
    fn a_record_that_arrives_late_is_as_if_it_had_come_in_time() {
        use IdentityKind as K;
        let mut strings = Strings::default();
        let mut profiles = Profiles::default();
        let customer = strings.intern("C1");
        assert!(matches!(
            apply(&mut profiles, &mut strings, 20, K::Verified),
            Change::Refused(ImpossibleTransition { from: None, kind: K::Verified }, _)
        ));
        assert!(!profiles.is_known(customer));
        apply(&mut profiles, &mut strings, 30, K::RiskChanged);
        let Change::Applied(newest) = apply(&mut profiles, &mut strings, 10, K::Registered) else {
            panic!("registration in its place is possible");
        };
        assert_eq!((newest.state, newest.risk), (Some(Verification::Verified), Some(Risk::High)));
        assert_eq!(newest.verified_at, Some(Instant(20)));
        let states: Vec<_> =
            [9, 10, 19, 20, 40].map(|at| profiles.as_of(customer, Instant(at)).state).into();
        assert_eq!(
            states,
            [
                None,
                Some(Verification::Registered),
                Some(Verification::Registered),
                Some(Verification::Verified),
                Some(Verification::Verified)
            ]
        );
        assert_eq!(profiles.as_of(customer, Instant(25)).risk, None, "not yet high then");
    }

    #[test]
    fn a_lower_version_that_took_effect_later_changes_nothing() {
        let mut strings = Strings::default();
        let mut profiles = Profiles::default();
        let customer = strings.intern("C1");
        let mut event = IdentityEvent::bare(IdentityKind::Registered, Cow::Borrowed("C1"));
        event.version = Some(3);
        profiles.apply(customer, &event, Instant(10), &mut strings);
        event.version = Some(2);
        event.kind = IdentityKind::Ended;
        assert_eq!(profiles.apply(customer, &event, Instant(20), &mut strings), Change::Stale);
        assert_eq!(profiles.as_of(customer, Instant(30)).state, Some(Verification::Registered));
    }
}
