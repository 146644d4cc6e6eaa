//! Which customers used which identifiers lately, from both ends; and the group that they link.
//!
//! Of each customer and identifier the newest use within the span counts. The uses of as long as an event
//! can be judged again are kept, and the one before them. An identifier that more customers than the
//! rule's `hub` have used links nobody: a branch's telephone or a shared office.

use std::collections::{BTreeSet, VecDeque};

use hashbrown::HashMap;

use crate::domain::Instant;
use crate::engine::strings::Symbol;
use crate::engine::table::IDLE_SEQUENCES;

use super::flows::{Keeping, Kept, Moment};
use super::path::Work;

/// An identifier: the place of its role in the graph's list, and its value.
pub type Identifier = (u8, Symbol);

/// A customer's uses of an identifier.
#[derive(Clone, Debug)]
struct Link {
    identifier: u32,
    /// The newest use.
    last: Moment,
    /// Uses before it, oldest first: those that lie less than the keeping's `spare` behind it, and one more.
    earlier: Vec<Moment>,
    /// Time of the latest use that is not kept.
    let_go: i64,
}

#[derive(Clone, Debug)]
struct Customer {
    symbol: Symbol,
    links: Vec<Link>,
    touched: Instant,
    touched_sequence: u64,
    let_go: i64,
}

#[derive(Clone, Debug)]
struct Shared {
    identifier: Identifier,
    customers: Vec<u32>,
    /// Time of the newest use by anybody.
    latest: i64,
    let_go: i64,
}

/// The graph of customers and identifiers.
#[derive(Clone, Debug, Default)]
pub struct Links {
    by_symbol: HashMap<Symbol, u32>,
    by_identifier: HashMap<Identifier, u32>,
    customers: Vec<Customer>,
    shared: Vec<Shared>,
    sweep: usize,
}

/// Bytes of a customer without identifiers, with its place in the index.
pub const CUSTOMER_BYTES: usize = size_of::<Customer>() + size_of::<(Symbol, u32)>();
/// Bytes of an identifier without customers, with its place in the index.
pub const IDENTIFIER_BYTES: usize = size_of::<Shared>() + size_of::<(Identifier, u32)>();
/// Bytes of a use of an identifier.
pub const LINK_BYTES: usize = size_of::<Link>();

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct ClusterPlan {
    /// An identifier with more customers links nobody.
    pub hub: usize,
    /// Less than this back from the latest event, in microseconds.
    pub within: i64,
}

/// One use of an identifier that links a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// When.
    pub moment: Moment,
    /// Who.
    pub customer: Symbol,
    /// What.
    pub identifier: Identifier,
}

/// Customers who are linked by identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The customers, the one that is looked at first, then by how near they are.
    pub customers: Vec<Symbol>,
    /// Identifiers that link at least two of them.
    pub identifiers: usize,
    /// Identifiers that were left out because too many customers have them.
    pub hubs: usize,
    /// Who used what, newest use of each, in order of time.
    pub ties: Vec<Tie>,
}

impl Links {
    /// How many customers and identifiers there are.
    pub const fn len(&self) -> usize {
        self.customers.len() + self.shared.len()
    }

    /// Notes that a customer used an identifier.
    pub fn insert(
        &mut self,
        customer: Symbol,
        identifier: Identifier,
        moment: Moment,
        watermark: Instant,
        keeping: &Keeping,
    ) -> Kept {
        let (Some(customer), Some(number)) =
            (self.customer_or_new(customer, keeping), self.identifier_or_new(identifier, keeping))
        else {
            return Kept { is_refused: true, ..Kept::default() };
        };
        if let Some(shared) = self.shared.get_mut(number as usize) {
            shared.latest = shared.latest.max(moment.0);
        }
        let (mut given_up, mut dropped) = (0, Vec::new());
        let Some(state) = self.customers.get_mut(customer as usize) else { return Kept::default() };
        state.touched = watermark.max(Instant(moment.0));
        state.touched_sequence = moment.1;
        if let Some(link) = state.links.iter_mut().find(|link| link.identifier == number) {
            let given_up = link.renew(moment, keeping);
            return Kept { given_up, is_refused: false };
        }
        state.links.push(Link {
            identifier: number,
            last: moment,
            earlier: Vec::new(),
            let_go: i64::MIN,
        });
        let latest = state.links.iter().map(|link| link.last.0).max().unwrap_or(moment.0);
        let horizon = latest.saturating_sub(keeping.span);
        state.links.retain(|link| {
            let is_kept = link.last.0 > horizon;
            if !is_kept {
                dropped.push((link.identifier, link.last));
            }
            is_kept
        });
        if state.links.len() > keeping.edges_max {
            let oldest = (0..state.links.len())
                .min_by_key(|&place| state.links.get(place).map(|link| link.last));
            if let Some(oldest) = oldest {
                let link = state.links.remove(oldest);
                dropped.push((link.identifier, link.last));
                given_up += 1;
            }
        }
        for (_, last) in &dropped {
            state.let_go = state.let_go.max(last.0);
        }
        for (identifier, last) in dropped {
            self.unlink(customer, identifier, last);
        }
        // Unless it was the one that had to go.
        if self.link(customer, number).is_some() {
            given_up += self.join(number, customer, keeping);
        }
        Kept { given_up, is_refused: false }
    }

    /// Enters a customer under an identifier; in a full list those whose use is long past make room, and
    /// if there are none the one whose use is oldest.
    fn join(&mut self, number: u32, customer: u32, keeping: &Keeping) -> u64 {
        let Some(shared) = self.shared.get_mut(number as usize) else { return 0 };
        if !shared.customers.contains(&customer) {
            shared.customers.push(customer);
        }
        if shared.customers.len() <= keeping.edges_max {
            return 0;
        }
        let members = shared.customers.clone();
        let mut uses: Vec<(Moment, u32)> = members
            .into_iter()
            .filter_map(|member| Some((self.link(member, number)?.last, member)))
            .collect();
        uses.sort_unstable();
        let latest = uses.last().map_or(i64::MIN, |(last, _)| last.0);
        let horizon = latest.saturating_sub(keeping.span);
        let past = uses.iter().filter(|(last, _)| last.0 <= horizon).count();
        for (last, member) in uses.into_iter().take(past.max(1)) {
            if let Some(state) = self.customers.get_mut(member as usize) {
                state.links.retain(|link| link.identifier != number);
                state.let_go = state.let_go.max(last.0);
            }
            self.unlink(member, number, last);
        }
        u64::from(past == 0)
    }

    fn unlink(&mut self, customer: u32, identifier: u32, last: Moment) {
        if let Some(shared) = self.shared.get_mut(identifier as usize) {
            shared.customers.retain(|known| *known != customer);
            shared.let_go = shared.let_go.max(last.0);
        }
    }

    fn link(&self, customer: u32, identifier: u32) -> Option<&Link> {
        let links = &self.customers.get(customer as usize)?.links;
        links.iter().find(|link| link.identifier == identifier)
    }

    fn customer_or_new(&mut self, symbol: Symbol, keeping: &Keeping) -> Option<u32> {
        if let Some(number) = self.by_symbol.get(&symbol) {
            return Some(*number);
        }
        let number = u32::try_from(self.customers.len()).ok()?;
        if self.customers.len() >= keeping.nodes_max {
            return None;
        }
        self.customers.push(Customer {
            symbol,
            links: Vec::new(),
            touched: Instant::MIN,
            touched_sequence: 0,
            let_go: i64::MIN,
        });
        self.by_symbol.insert(symbol, number);
        Some(number)
    }

    fn identifier_or_new(&mut self, identifier: Identifier, keeping: &Keeping) -> Option<u32> {
        if let Some(number) = self.by_identifier.get(&identifier) {
            return Some(*number);
        }
        let number = u32::try_from(self.shared.len()).ok()?;
        if self.shared.len() >= keeping.nodes_max {
            return None;
        }
        self.shared.push(Shared {
            identifier,
            customers: Vec::new(),
            latest: i64::MIN,
            let_go: i64::MIN,
        });
        self.by_identifier.insert(identifier, number);
        Some(number)
    }

    /// The newest use that a customer made of anything.
    pub fn latest(&self, customer: Symbol) -> Option<i64> {
        let state = self.customers.get(*self.by_symbol.get(&customer)? as usize)?;
        state.links.iter().map(|link| link.last.0).max()
    }

    /// Where the span of a group ends whose customer made the newest use at `now`: there, unless that use came
    /// late and others of the same identifiers lie less than the span behind it; then at the last of those
    /// first.
    pub fn ends(
        &self,
        plan: &ClusterPlan,
        customer: Symbol,
        now: i64,
        work: &mut Work,
    ) -> [Option<i64>; 2] {
        let number = self.by_symbol.get(&customer);
        let state = number.and_then(|number| self.customers.get(*number as usize));
        let until = (now.saturating_add(plan.within).saturating_sub(1), u64::MAX);
        let mut end = None;
        for link in state.map(|state| state.links.as_slice()).unwrap_or_default() {
            // Most uses are the newest of all of their identifier, and nobody is looked at.
            let shared = self.shared.get(link.identifier as usize);
            for user in shared.filter(|it| it.latest > now).into_iter().flat_map(|it| &it.customers)
            {
                if !work.step() {
                    break;
                }
                let used = self.link(*user, link.identifier).and_then(|link| link.before(until));
                end = end.max(used.map(|(at, _)| at).filter(|at| *at > now));
            }
        }
        [end, Some(now)]
    }

    /// The group of `customer` as of `until`: all whom the identifiers of `plan` link, from one to the next,
    /// by what they used less than the span before `now`.
    pub fn find(
        &self,
        plan: &ClusterPlan,
        customer: Symbol,
        (now, until): (i64, Moment),
        work: &mut Work,
    ) -> Option<Cluster> {
        let start = *self.by_symbol.get(&customer)?;
        let floor = now.saturating_sub(plan.within);
        let mut seen = Seen { floor, until, ..Seen::default() };
        seen.customers.insert(start);
        seen.queue.push_back(start);
        while let Some(number) = seen.queue.pop_front() {
            let Some(state) = self.customers.get(number as usize) else { continue };
            seen.order.push(state.symbol);
            work.lacks_edges |= floor < state.let_go;
            for link in &state.links {
                if !work.step() {
                    break;
                }
                if seen.counts(link, work).is_some() && seen.identifiers.insert(link.identifier) {
                    self.visit(link.identifier, plan, &mut seen, work);
                }
            }
        }
        seen.ties.sort_by_key(|tie| (tie.moment, tie.identifier));
        (seen.order.len() >= 2).then_some(Cluster {
            customers: seen.order,
            identifiers: seen.shared,
            hubs: seen.hubs,
            ties: seen.ties,
        })
    }

    /// Looks at everybody who used one identifier, unless they are too many.
    fn visit(&self, number: u32, plan: &ClusterPlan, seen: &mut Seen, work: &mut Work) {
        let Some(shared) = self.shared.get(number as usize) else { return };
        work.lacks_edges |= seen.floor < shared.let_go;
        let mut users = Vec::new();
        for &customer in &shared.customers {
            // One more than a hub is enough to know that it is one.
            if users.len() > plan.hub || !work.step() {
                break;
            }
            let used = self.link(customer, number).and_then(|link| seen.counts(link, work));
            users.extend(used.map(|moment| (customer, moment)));
        }
        if users.len() > plan.hub {
            seen.hubs += 1;
            return;
        }
        if users.len() < 2 {
            return;
        }
        seen.shared += 1;
        for (customer, moment) in users {
            if let Some(state) = self.customers.get(customer as usize) {
                let (symbol, identifier) = (state.symbol, shared.identifier);
                seen.ties.push(Tie { moment, customer: symbol, identifier });
            }
            if seen.customers.insert(customer) {
                seen.queue.push_back(customer);
            }
        }
    }

    /// Lets go of everything about the next `count` customers that have been idle for long.
    pub fn sweep(&mut self, (watermark, sequence): (Instant, u64), span: i64, count: usize) {
        for _ in 0..count.min(self.customers.len()) {
            if self.sweep >= self.customers.len() {
                self.sweep = 0;
            }
            let place = self.sweep;
            self.sweep += 1;
            let Some(state) = self.customers.get_mut(place) else { break };
            let is_idle = sequence.saturating_sub(state.touched_sequence) >= IDLE_SEQUENCES
                && (watermark - state.touched).0 > span;
            if !is_idle {
                continue;
            }
            let links = std::mem::take(&mut state.links);
            for link in &links {
                state.let_go = state.let_go.max(link.last.0);
            }
            let Ok(customer) = u32::try_from(place) else { continue };
            for link in links {
                self.unlink(customer, link.identifier, link.last);
            }
        }
    }
}

impl Link {
    /// One more use. Gives back how many were given up because there are too many.
    fn renew(&mut self, moment: Moment, keeping: &Keeping) -> u64 {
        let earlier = moment.min(self.last);
        self.last = moment.max(self.last);
        let place = self.earlier.partition_point(|known| *known < earlier);
        if earlier == self.last || self.earlier.get(place) == Some(&earlier) {
            return 0;
        }
        self.earlier.insert(place, earlier);
        // Of what no event can be judged as of any more, the newest stands for all.
        let horizon = self.last.0.saturating_sub(keeping.spare);
        let past = self.earlier.partition_point(|known| known.0 <= horizon).saturating_sub(1);
        let too_many = self.earlier.len().saturating_sub(keeping.edges_max);
        for (at, _) in self.earlier.drain(..past.max(too_many)) {
            self.let_go = self.let_go.max(at);
        }
        too_many.saturating_sub(past) as u64
    }

    /// The newest use that is not later than `until`.
    fn before(&self, until: Moment) -> Option<Moment> {
        if self.last <= until {
            return Some(self.last);
        }
        let place = self.earlier.partition_point(|known| *known <= until);
        place.checked_sub(1).and_then(|place| self.earlier.get(place)).copied()
    }
}

/// What one search has seen so far.
#[derive(Default)]
struct Seen {
    floor: i64,
    until: Moment,
    customers: BTreeSet<u32>,
    identifiers: BTreeSet<u32>,
    queue: VecDeque<u32>,
    order: Vec<Symbol>,
    ties: Vec<Tie>,
    shared: usize,
    hubs: usize,
}

impl Seen {
    /// The newest use within the window.
    fn counts(&self, link: &Link, work: &mut Work) -> Option<Moment> {
        let used = link.before(self.until);
        work.lacks_edges |= used.is_none() && link.let_go > self.floor;
        used.filter(|used| used.0 > self.floor)
    }
}
