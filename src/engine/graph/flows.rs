//! Recent transfers between accounts, from both ends: what paths and fans are searched in.
//!
//! Each account keeps what came in and what went out in the order of event time and, among equal
//! times, of the log. A transfer is kept once, however many legs told of it. Both lists are bounded in
//! time and in number, and know what they let go.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use crate::domain::Instant;
use crate::engine::strings::Symbol;
use crate::engine::table::IDLE_SEQUENCES;

/// The order of transfers: event time, then sequence.
pub type Moment = (i64, u64);

/// One transfer as one of its two accounts keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When.
    pub at: i64,
    /// Stream sequence.
    pub sequence: u64,
    /// How much, in the base currency.
    pub amount: Decimal,
    /// The account at the other end.
    pub other: Symbol,
}

impl Edge {
    /// Its place in the order.
    pub const fn moment(&self) -> Moment {
        (self.at, self.sequence)
    }
}

/// How long and how many.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// How far behind an account's latest transfer others are kept, in microseconds.
    pub span: i64,
    /// How long an event can be judged again as of its own time, in microseconds.
    pub spare: i64,
    /// Most transfers per account and direction.
    pub edges_max: usize,
    /// Most accounts.
    pub nodes_max: usize,
}

/// What became of a transfer that was offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Older transfers that were given up because a list was full.
    pub given_up: u64,
    /// An account was refused because there are too many.
    pub is_refused: bool,
}

/// Transfers in one direction of one account, oldest first.
#[derive(Clone, Debug)]
pub struct Side {
    edges: VecDeque<Edge>,
    /// Time of the latest transfer that was let go.
    let_go: i64,
}

impl Default for Side {
    fn default() -> Self {
        Self { edges: VecDeque::new(), let_go: i64::MIN }
    }
}

/// What is remembered of one account.
#[derive(Clone, Debug)]
struct Account {
    into: Side,
    out: Side,
    touched: Instant,
    touched_sequence: u64,
}

/// Bytes of an account without transfers.
pub const ACCOUNT_BYTES: usize = size_of::<Account>();
/// Bytes of a transfer at one of its accounts.
pub const EDGE_BYTES: usize = size_of::<Edge>();

const NO_ACCOUNT: u32 = u32::MAX;

/// The graph of recent transfers.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    by_symbol: Vec<u32>,
    accounts: Vec<Account>,
    sweep: usize,
}

impl Flows {
    /// How many accounts there are.
    pub const fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Keeps a transfer, unless it is kept already.
    pub fn insert(
        &mut self,
        (from, to): (Symbol, Symbol),
        (at, sequence): Moment,
        amount: Decimal,
        watermark: Instant,
        keeping: &Keeping,
    ) -> Kept {
        let mut kept = Kept::default();
        let (Some(source), Some(target)) =
            (self.account_or_new(from, keeping), self.account_or_new(to, keeping))
        else {
            return Kept { is_refused: true, ..kept };
        };
        for (place, other, is_out) in [(source, to, true), (target, from, false)] {
            let Some(account) = self.accounts.get_mut(place) else { continue };
            account.touched = watermark.max(Instant(at));
            account.touched_sequence = sequence;
            let side = if is_out { &mut account.out } else { &mut account.into };
            kept.given_up += side.insert(Edge { at, sequence, amount, other }, keeping);
        }
        kept
    }

    fn account_or_new(&mut self, symbol: Symbol, keeping: &Keeping) -> Option<usize> {
        if let Some(place) = self.place(symbol) {
            return Some(place);
        }
        let number = u32::try_from(self.accounts.len()).ok()?;
        if self.accounts.len() >= keeping.nodes_max {
            return None;
        }
        if self.by_symbol.len() <= symbol.index() {
            self.by_symbol.resize(symbol.index() + 1, NO_ACCOUNT);
        }
        *self.by_symbol.get_mut(symbol.index())? = number;
        self.accounts.push(Account {
            into: Side::default(),
            out: Side::default(),
            touched: Instant::MIN,
            touched_sequence: 0,
        });
        Some(self.accounts.len() - 1)
    }

    fn place(&self, symbol: Symbol) -> Option<usize> {
        let place = self.by_symbol.get(symbol.index()).copied()?;
        (place != NO_ACCOUNT).then_some(place as usize)
    }

    fn account(&self, symbol: Symbol) -> Option<&Account> {
        self.accounts.get(self.place(symbol)?)
    }

    /// What came into an account.
    pub fn received_by(&self, account: Symbol) -> Option<&Side> {
        Some(&self.account(account)?.into)
    }

    /// What went out of an account.
    pub fn sent_by(&self, account: Symbol) -> Option<&Side> {
        Some(&self.account(account)?.out)
    }

    /// The transfers from one account to another from `first` to `last`, both included, oldest first.
    pub fn between(
        &self,
        (from, to): (Symbol, Symbol),
        first: Moment,
        last: Moment,
    ) -> impl Iterator<Item = &Edge> {
        let out = self.sent_by(from);
        let into = self.received_by(to);
        let is_out_shorter = match (out, into) {
            (Some(out), Some(into)) => out.len() <= into.len(),
            (out, _) => out.is_some(),
        };
        let (side, other) = if is_out_shorter { (out, to) } else { (into, from) };
        side.into_iter()
            .flat_map(move |side| side.range(first, last))
            .filter(move |edge| edge.other == other)
    }

    /// Lets go of everything about the next `count` accounts that have been idle for long, round and round,
    /// by the same measure as keys.
    pub fn sweep(&mut self, (watermark, sequence): (Instant, u64), span: i64, count: usize) {
        for _ in 0..count.min(self.accounts.len()) {
            if self.sweep >= self.accounts.len() {
                self.sweep = 0;
            }
            let Some(account) = self.accounts.get_mut(self.sweep) else { break };
            self.sweep += 1;
            let is_idle = sequence.saturating_sub(account.touched_sequence) >= IDLE_SEQUENCES
                && (watermark - account.touched).0 > span;
            if is_idle {
                account.into.clear();
                account.out.clear();
            }
        }
    }
}

impl Side {
    /// How many transfers are kept.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    /// The latest transfer.
    pub fn latest(&self) -> Option<&Edge> {
        self.edges.back()
    }

    /// Whether transfers after `start` are missing.
    pub const fn lacks(&self, start: i64) -> bool {
        start < self.let_go
    }

    /// Transfers from `first` to `last`, both included, oldest first.
    pub fn range(
        &self,
        first: Moment,
        last: Moment,
    ) -> impl DoubleEndedIterator<Item = &Edge> + ExactSizeIterator {
        let start = self.edges.partition_point(|edge| edge.moment() < first);
        let end = self.edges.partition_point(|edge| edge.moment() <= last);
        self.edges.range(start.min(end)..end)
    }

    fn insert(&mut self, edge: Edge, keeping: &Keeping) -> u64 {
        let place = self.edges.partition_point(|kept| kept.moment() < edge.moment());
        if self.edges.get(place).is_some_and(|kept| kept.moment() == edge.moment()) {
            return 0;
        }
        self.edges.insert(place, edge);
        let latest = self.edges.back().map_or(i64::MIN, |latest| latest.at);
        let horizon = latest.saturating_sub(keeping.span);
        while self.edges.front().is_some_and(|oldest| oldest.at <= horizon) {
            self.drop_oldest();
        }
        if self.edges.len() <= keeping.edges_max {
            return 0;
        }
        self.drop_oldest();
        1
    }

    fn drop_oldest(&mut self) {
        if let Some(gone) = self.edges.pop_front() {
            self.let_go = self.let_go.max(gone.at);
        }
    }

    fn clear(&mut self) {
        while !self.edges.is_empty() {
            self.drop_oldest();
        }
        self.edges.shrink_to_fit();
    }
}
