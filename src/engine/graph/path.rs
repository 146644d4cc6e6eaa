//! The search for a path of money that the waking transfer is part of: a cycle, or a chain.
//!
//! A *hop* is one transfer, or several in a row between the same two accounts taken together. A hop
//! begins after the one before it began and ends after that ended; it carries at least the share
//! `keep` of the one before, and that at least the same share of it. The whole path takes less than
//! its span. Only a transfer that came late has anything behind it, so the search goes forward first
//! and then backward. Every transfer looked at is counted, and at the limit the search stops and says so.

use rust_decimal::Decimal;

use crate::engine::strings::Symbol;
use crate::rulebook::pattern::Hops;

use super::flows::{Edge, Flows, Moment, Side};

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct PathPlan {
    /// Back to the account that it came from, or on.
    pub is_cycle: bool,
    /// How many hops.
    pub hops: Hops,
    /// The share that neighbouring hops carry of one another.
    pub keep: Decimal,
    /// Receiving accounts did nothing else in the window before.
    pub is_fresh: bool,
    /// Less than this from the first to the last transfer, in microseconds.
    pub within: i64,
}

/// One hop of a path: transfers in a row from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Who sends.
    pub from: Symbol,
    /// Who receives.
    pub to: Symbol,
    /// The first transfer.
    pub first: Moment,
    /// The last transfer.
    pub last: Moment,
    /// All of them together.
    pub amount: Decimal,
    /// How many.
    pub count: usize,
}

/// A path that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Its hops, in order of the money.
    pub hops: Vec<Hop>,
    /// The smallest hop.
    pub amount: Decimal,
}

/// The transfer that woke the rule.
#[derive(Clone, Copy, Debug)]
pub struct Waking {
    /// Who sends.
    pub from: Symbol,
    /// Who receives.
    pub to: Symbol,
    /// When.
    pub moment: Moment,
    /// Nothing later than this is looked at.
    pub until: Moment,
}

/// How much one search may look at, and what it looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Most transfers to look at.
    pub visits_max: usize,
    /// Transfers looked at.
    pub visits: usize,
    /// The search stopped at the limit.
    pub is_cut: bool,
    /// A list that was looked through lacks transfers of the window.
    pub lacks_edges: bool,
}

impl Work {
    /// Counts one transfer; false when no more may be looked at.
    pub const fn step(&mut self) -> bool {
        if self.visits >= self.visits_max {
            self.is_cut = true;
            return false;
        }
        self.visits += 1;
        true
    }
}

/// The best path that `waking` is part of.
///
/// Of several cycles the one that carries most, then the one with fewest hops; of several chains the
/// one with most hops, then the one that carries most; then the one found first, latest hops first.
pub fn find(flows: &Flows, plan: &PathPlan, waking: &Waking, work: &mut Work) -> Option<Path> {
    let mut search = Search { flows, plan, waking, work, hops: Vec::new(), best: None };
    search.start();
    search.best
}

struct Search<'a> {
    flows: &'a Flows,
    plan: &'a PathPlan,
    waking: &'a Waking,
    work: &'a mut Work,
    /// The path so far, in order of the money.
    hops: Vec<Hop>,
    best: Option<Path>,
}

impl Search<'_> {
    fn start(&mut self) {
        let Waking { from, to, moment, until } = *self.waking;
        if from == to {
            return;
        }
        let earliest = after(moment.0.saturating_sub(self.plan.within));
        let latest = until.min(before(moment.0.saturating_add(self.plan.within)));
        let mut row: Vec<Edge> = Vec::new();
        for edge in self.flows.between((from, to), earliest, latest) {
            if !self.work.step() {
                return;
            }
            row.push(*edge);
        }
        let Some(place) = row.iter().position(|edge| edge.moment() == moment) else { return };
        // The waking transfer alone first, then together with more and more around it.
        for end in place..row.len() {
            for begin in (0..=place).rev() {
                let Some(hop) = row.get(begin..=end).and_then(|run| together(from, to, run)) else {
                    continue;
                };
                if hop.last.0.saturating_sub(hop.first.0) >= self.plan.within {
                    break;
                }
                if !self.work.step() {
                    return;
                }
                self.hops.push(hop);
                self.forward();
                self.hops.pop();
                if self.work.is_cut {
                    return;
                }
            }
        }
    }

    /// Looks back from the path so far, then at each way on.
    fn forward(&mut self) {
        let Some((first, last)) = self.ends() else { return };
        let floor = last.last.0.saturating_sub(self.plan.within);
        let is_fresh = (0..self.hops.len()).all(|place| self.is_fresh(place, floor));
        if is_fresh {
            self.backward(floor);
        }
        if self.hops.len() >= usize::from(self.plan.hops.most) || self.work.is_cut {
            return;
        }
        let ceiling = before(first.first.0.saturating_add(self.plan.within));
        let ceiling = ceiling.min(self.waking.until);
        let is_on_time = self
            .flows
            .sent_by(last.to)
            .and_then(Side::latest)
            .is_none_or(|latest| latest.moment() <= last.last);
        if is_on_time {
            return;
        }
        for hop in self.onward(&last, ceiling) {
            if self.plan.is_cycle && hop.to == first.from {
                self.hops.push(hop);
                self.offer();
                self.hops.pop();
            } else if !self.is_on_path(hop.to) {
                self.hops.push(hop);
                self.forward();
                self.hops.pop();
            }
            if self.work.is_cut {
                return;
            }
        }
    }

    /// Looks for hops before the path so far, none at or before `floor`.
    fn backward(&mut self, floor: i64) {
        let Some((first, last)) = self.ends() else { return };
        if !self.plan.is_cycle {
            self.offer();
        }
        let most = usize::from(self.plan.hops.most);
        if self.hops.len() >= most || self.is_hopeless() {
            return;
        }
        let is_last_chance = self.plan.is_cycle && self.hops.len() + 1 == most;
        let only_from = is_last_chance.then_some(last.to);
        for hop in self.back(&first, floor, only_from) {
            let closes = self.plan.is_cycle && hop.from == last.to;
            if !closes && self.is_on_path(hop.from) {
                continue;
            }
            self.hops.insert(0, hop);
            if closes {
                self.offer();
            } else if self.is_fresh(0, floor) {
                self.backward(floor);
            }
            self.hops.remove(0);
            if self.work.is_cut {
                return;
            }
        }
    }

    fn ends(&self) -> Option<(Hop, Hop)> {
        Some((*self.hops.first()?, *self.hops.last()?))
    }

    fn is_on_path(&self, account: Symbol) -> bool {
        self.hops.iter().any(|hop| hop.from == account || hop.to == account)
    }

    /// Whether the account that receives this hop did nothing else since `floor`.
    fn is_fresh(&mut self, place: usize, floor: i64) -> bool {
        if !self.plan.is_fresh {
            return true;
        }
        let Some(hop) = self.hops.get(place).copied() else { return false };
        for side in
            [self.flows.received_by(hop.to), self.flows.sent_by(hop.to)].into_iter().flatten()
        {
            self.work.lacks_edges |= side.lacks(floor);
            let since = side.range(after(floor), hop.first);
            if since.into_iter().any(|edge| edge.moment() != hop.first) {
                return false;
            }
        }
        true
    }

    /// The hops that can stand before `next`: those that end last come first, the shorter one of two.
    fn back(&mut self, next: &Hop, floor: i64, only_from: Option<Symbol>) -> Vec<Hop> {
        let range = (after(floor), earlier(next.last));
        let edges = if let Some(from) = only_from {
            self.note_gaps(self.flows.sent_by(from), floor);
            self.gather(self.flows.between((from, next.from), range.0, range.1))
        } else {
            let Some(side) = self.flows.received_by(next.from) else { return Vec::new() };
            self.note_gaps(Some(side), floor);
            self.gather(side.range(range.0, range.1))
        };
        let other = only_from;
        let mut hops = self.runs(
            edges,
            |edge| (other.unwrap_or(edge.other), next.from),
            |hop| hop.first < next.first && hop.last < next.last,
            next.amount,
        );
        hops.sort_by_key(|hop| std::cmp::Reverse((hop.last, hop.first)));
        hops
    }

    /// The hops that can follow `last`: those that begin first come first, the shorter one of two.
    fn onward(&mut self, last: &Hop, ceiling: Moment) -> Vec<Hop> {
        let Some(side) = self.flows.sent_by(last.to) else { return Vec::new() };
        self.note_gaps(Some(side), last.first.0);
        let edges = self.gather(side.range(later(last.first), ceiling));
        let mut hops = self.runs(
            edges,
            |edge| (last.to, edge.other),
            |hop| hop.first > last.first && hop.last > last.last,
            last.amount,
        );
        hops.sort_by_key(|hop| (hop.first, hop.last));
        hops
    }

    fn note_gaps(&mut self, side: Option<&Side>, floor: i64) {
        self.work.lacks_edges |= side.is_some_and(|side| side.lacks(floor));
    }

    fn gather<'e>(&mut self, edges: impl Iterator<Item = &'e Edge>) -> Vec<Edge> {
        let mut gathered = Vec::new();
        for edge in edges {
            if !self.work.step() {
                break;
            }
            gathered.push(*edge);
        }
        gathered
    }

    /// All runs of `edges` between the same two accounts that fit in time and whose amount fits `beside`.
    fn runs(
        &mut self,
        mut edges: Vec<Edge>,
        ends: impl Fn(&Edge) -> (Symbol, Symbol),
        fits: impl Fn(&Hop) -> bool,
        beside: Decimal,
    ) -> Vec<Hop> {
        edges.sort_by_key(|edge| (ends(edge), edge.moment()));
        let mut hops = Vec::new();
        for pair in edges.chunk_by(|left, right| ends(left) == ends(right)) {
            for begin in 0..pair.len() {
                let mut hop: Option<Hop> = None;
                for edge in pair.iter().skip(begin) {
                    if hop.is_some() && !self.work.step() {
                        return hops;
                    }
                    let (from, to) = ends(edge);
                    let Some(longer) = extended(hop, from, to, edge) else { break };
                    hop = Some(longer);
                    // Further transfers only add to what is too much already.
                    if !carries(self.plan.keep, longer.amount, beside) {
                        break;
                    }
                    if carries(self.plan.keep, beside, longer.amount) && fits(&longer) {
                        hops.push(longer);
                    }
                }
            }
        }
        hops
    }

    /// Whether nothing that begins with the path so far can be better than the best.
    fn is_hopeless(&self) -> bool {
        let Some(best) = &self.best else { return false };
        let amount = smallest(&self.hops);
        if self.plan.is_cycle {
            // A hop is still to come at least.
            amount < best.amount || amount == best.amount && self.hops.len() + 1 >= best.hops.len()
        } else {
            best.hops.len() == usize::from(self.plan.hops.most) && amount <= best.amount
        }
    }

    /// Keeps the path so far if it is long enough and better than the best.
    fn offer(&mut self) {
        let count = self.hops.len();
        let range = usize::from(self.plan.hops.least)..=usize::from(self.plan.hops.most);
        if !range.contains(&count) {
            return;
        }
        let amount = smallest(&self.hops);
        let is_better = self.best.as_ref().is_none_or(|best| {
            if self.plan.is_cycle {
                amount > best.amount || amount == best.amount && count < best.hops.len()
            } else {
                (count, amount) > (best.hops.len(), best.amount)
            }
        });
        if is_better {
            self.best = Some(Path { hops: self.hops.clone(), amount });
        }
    }
}

/// Whether `next` is at least the share `keep` of `amount`.
pub fn carries(keep: Decimal, amount: Decimal, next: Decimal) -> bool {
    amount.checked_mul(keep).is_some_and(|least| least <= next)
}

fn smallest(hops: &[Hop]) -> Decimal {
    hops.iter().map(|hop| hop.amount).min().unwrap_or_default()
}

fn together(from: Symbol, to: Symbol, run: &[Edge]) -> Option<Hop> {
    run.iter().try_fold(None, |hop, edge| Some(Some(extended(hop, from, to, edge)?)))?
}

/// The hop with one more transfer; none when the amount has too many digits.
fn extended(hop: Option<Hop>, from: Symbol, to: Symbol, edge: &Edge) -> Option<Hop> {
    let moment = edge.moment();
    Some(match hop {
        None => Hop { from, to, first: moment, last: moment, amount: edge.amount, count: 1 },
        Some(hop) => Hop {
            last: moment,
            amount: hop.amount.checked_add(edge.amount)?,
            count: hop.count + 1,
            ..hop
        },
    })
}

/// The first moment after an instant.
pub const fn after(at: i64) -> Moment {
    (at.saturating_add(1), 0)
}

/// The last moment before an instant.
const fn before(at: i64) -> Moment {
    (at.saturating_sub(1), u64::MAX)
}

const fn earlier((at, sequence): Moment) -> Moment {
    match sequence.checked_sub(1) {
        Some(sequence) => (at, sequence),
        None => (at.saturating_sub(1), u64::MAX),
    }
}

const fn later((at, sequence): Moment) -> Moment {
    match sequence.checked_add(1) {
        Some(sequence) => (at, sequence),
        None => (at.saturating_add(1), 0),
    }
}
