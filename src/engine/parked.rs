//! Transactions that wait for an identity, to be judged again when it arrives. Bounded and counted.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::domain::{Instant, Transaction};

use super::strings::Symbol;

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
    /// Whom it waits for: unknown customers, or accounts whose holder is unknown.
    pub waits_for: Vec<Symbol>,
    /// Rules that matched when it was first judged, with the entity: they do not match again.
    pub matched: Vec<(Symbol, Symbol)>,
}

/// All parked transactions.
#[derive(Default)]
pub struct Parked {
    by_sequence: BTreeMap<u64, ParkedTransaction>,
    waiting: HashMap<Symbol, Vec<u64>>,
}

impl Parked {
    /// How many are parked.
    pub fn len(&self) -> usize {
        self.by_sequence.len()
    }

    /// Parks a transaction. Gives back the sequence of the oldest one if it had to be given up.
    pub fn park(&mut self, sequence: u64, parked: ParkedTransaction, max: usize) -> Option<u64> {
        for &symbol in &parked.waits_for {
            self.waiting.entry(symbol).or_default().push(sequence);
        }
        self.by_sequence.insert(sequence, parked);
        if self.by_sequence.len() <= max {
            return None;
        }
        let (oldest, given_up) = self.by_sequence.pop_first()?;
        for symbol in given_up.waits_for {
            self.forget(symbol, oldest);
        }
        Some(oldest)
    }

    /// Takes what waits for `symbol`, oldest first: each with whether it waits for nobody else now.
    pub fn release(&mut self, symbol: Symbol) -> Vec<(u64, ParkedTransaction, bool)> {
        let mut released = Vec::new();
        let mut waiting = self.waiting.remove(&symbol).unwrap_or_default();
        // What waited for an account came behind what waited for its holder, however old it is.
        waiting.sort_unstable();
        for sequence in waiting {
            let Some(parked) = self.by_sequence.get_mut(&sequence) else { continue };
            parked.waits_for.retain(|&other| other != symbol);
            let is_done = parked.waits_for.is_empty();
            released.push((sequence, parked.clone(), is_done));
            if is_done {
                self.by_sequence.remove(&sequence);
            }
        }
        released
    }

    /// Nothing more is waited for.
    pub fn settle(&mut self, sequence: u64) {
        if let Some(parked) = self.by_sequence.remove(&sequence) {
            for symbol in parked.waits_for {
                self.forget(symbol, sequence);
            }
        }
    }

    /// What waited for the account `from` waits for its holder `to` from now on.
    pub fn transfer(&mut self, from: Symbol, to: Symbol) {
        for sequence in self.waiting.remove(&from).unwrap_or_default() {
            let Some(parked) = self.by_sequence.get_mut(&sequence) else { continue };
            parked.waits_for.retain(|&other| other != from);
            if !parked.waits_for.contains(&to) {
                parked.waits_for.push(to);
                self.waiting.entry(to).or_default().push(sequence);
            }
        }
    }

    fn forget(&mut self, symbol: Symbol, sequence: u64) {
        if let Some(list) = self.waiting.get_mut(&symbol) {
            list.retain(|&kept| kept != sequence);
            if list.is_empty() {
                self.waiting.remove(&symbol);
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

    fn parked(waits_for: Symbol) -> ParkedTransaction {
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
        all.park(5, parked(account), 10);
        all.park(6, parked(customer), 10);
        all.transfer(account, customer);
        let order: Vec<u64> = all.release(customer).into_iter().map(|(at, ..)| at).collect();
        assert_eq!(order, [5, 6]);
    }
}
