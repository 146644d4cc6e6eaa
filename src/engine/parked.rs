//! Transactions that wait for an identity, to be judged again when it arrives. Bounded and counted.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::domain::{Instant, Transaction};

use super::judge::Origin;
use super::strings::Symbol;

/// Who or what must become known: an account may have the same id as a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waits {
    /// A customer without a record.
    Customer(Symbol),
    /// An account whose holder nobody told.
    Account(Symbol),
}

impl Waits {
    /// Its id.
    pub const fn symbol(self) -> Symbol {
        match self {
            Self::Customer(symbol) | Self::Account(symbol) => symbol,
        }
    }
}

/// One parked transaction.
#[derive(Clone, Debug)]
pub struct ParkedTransaction {
    /// Event time.
    pub at: Instant,
    /// CloudEvents source of its event.
    pub source: String,
    /// CloudEvents id of its event.
    pub id: String,
    /// The transaction.
    pub transaction: Transaction<'static>,
    /// Whom it waits for.
    pub waits_for: Vec<Waits>,
    /// Rules that matched when it was first judged, with the entity: they do not match again.
    pub matched: Vec<(Symbol, Symbol)>,
}

/// A parked transaction that is to be judged again.
#[derive(Clone, Debug)]
pub struct Released {
    /// Its sequence in the log.
    pub sequence: u64,
    /// The transaction.
    pub parked: ParkedTransaction,
    /// It waits for nobody else now.
    pub is_done: bool,
    /// It was told before that the wait is over: only its other account turned out to be ours.
    pub is_settled: bool,
}

impl Released {
    /// The event that is judged again.
    pub fn origin(&self) -> Origin<'_> {
        let ParkedTransaction { at, source, id, .. } = &self.parked;
        Origin { sequence: self.sequence, at: *at, source, id, due: None }
    }
}

/// All parked transactions.
#[derive(Default)]
pub struct Parked {
    by_sequence: BTreeMap<u64, ParkedTransaction>,
    waiting: HashMap<Waits, Vec<u64>>,
    /// Those whose wait is over, but whose other account may still turn out to be ours.
    settled: BTreeSet<u64>,
}

impl Parked {
    /// How many are parked.
    pub fn len(&self) -> usize {
        self.by_sequence.len() - self.settled.len()
    }

    /// Parks a transaction. Gives back the sequence of the oldest one if it had to be given up.
    pub fn park(&mut self, sequence: u64, parked: ParkedTransaction, max: usize) -> Option<u64> {
        for &waits in &parked.waits_for {
            self.waiting.entry(waits).or_default().push(sequence);
        }
        self.by_sequence.insert(sequence, parked);
        if self.by_sequence.len() <= max {
            return None;
        }
        // An account that is still nobody's is another bank's in all likelihood.
        if let Some(oldest) = self.settled.pop_first() {
            self.drop(oldest);
            return None;
        }
        let (&oldest, _) = self.by_sequence.first_key_value()?;
        self.drop(oldest);
        Some(oldest)
    }

    /// Takes what waits for `waits`, in the order of event time: so it is judged.
    pub fn release(&mut self, waits: Waits) -> Vec<Released> {
        let mut released = Vec::new();
        for sequence in self.waiting.remove(&waits).unwrap_or_default() {
            let Some(parked) = self.by_sequence.get_mut(&sequence) else { continue };
            parked.waits_for.retain(|&other| other != waits);
            let is_done = parked.waits_for.is_empty();
            let parked = parked.clone();
            let is_settled = self.settled.contains(&sequence);
            released.push(Released { sequence, parked, is_done, is_settled });
            if is_done {
                self.drop(sequence);
            }
        }
        released.sort_by_key(|released| (released.parked.at, released.sequence));
        released
    }

    /// Nothing more is waited for; an account of the transaction may still turn out to be ours.
    pub fn settle(&mut self, sequence: u64) {
        if self.by_sequence.contains_key(&sequence) {
            self.settled.insert(sequence);
        }
    }

    /// What waited for the account `from` waits for its holder `to` from now on.
    pub fn transfer(&mut self, from: Symbol, to: Symbol) {
        let (from, to) = (Waits::Account(from), Waits::Customer(to));
        for sequence in self.waiting.remove(&from).unwrap_or_default() {
            let Some(parked) = self.by_sequence.get_mut(&sequence) else { continue };
            parked.waits_for.retain(|&other| other != from);
            if !parked.waits_for.contains(&to) {
                parked.waits_for.push(to);
                self.waiting.entry(to).or_default().push(sequence);
            }
        }
    }

    fn drop(&mut self, sequence: u64) {
        self.settled.remove(&sequence);
        for waits in self.by_sequence.remove(&sequence).into_iter().flat_map(|it| it.waits_for) {
            if let Some(list) = self.waiting.get_mut(&waits) {
                list.retain(|&kept| kept != sequence);
                if list.is_empty() {
                    self.waiting.remove(&waits);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::event::{TransactionDetails, TransactionKind, TransactionStatus};
    use crate::domain::{Currency, Money, Party, Session};

    fn parked(waits_for: Waits) -> ParkedTransaction {
        let amount = rust_decimal::Decimal::ONE;
        let currency = Currency::parse("EUR").expect("a currency");
        ParkedTransaction {
            at: Instant(0),
            source: "bank".to_owned(),
            id: "T".to_owned(),
            transaction: Transaction {
                kind: TransactionKind::Transfer,
                status: TransactionStatus::Booked,
                booked: Money { amount, currency },
                base_amount: amount,
                rate: None,
                originator: Party { account: Some(Cow::Borrowed("A1")), ..Party::default() },
                beneficiary: Party::default(),
                initiator: None,
                purpose: None,
                branch: None,
                session: Session::default(),
                details: TransactionDetails::default(),
            },
            waits_for: vec![waits_for],
            matched: Vec::new(),
        }
    }

    #[test]
    fn what_waited_for_an_account_and_for_its_holder_comes_oldest_first() {
        let (account, customer) = (Symbol(1), Symbol(2));
        let mut all = Parked::default();
        all.park(5, parked(Waits::Account(account)), 10);
        all.park(6, parked(Waits::Customer(customer)), 10);
        all.transfer(account, customer);
        let released = all.release(Waits::Customer(customer));
        let order: Vec<u64> = released.into_iter().map(|it| it.sequence).collect();
        assert_eq!(order, [5, 6]);
    }
}
