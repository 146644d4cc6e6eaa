//! The search for fans: one account that many pay and that pays many, and one that pays many who all
//! pay one other.
//!
//! Here what one account pays another within the span is taken together. Each half carries at least
//! the share `keep` of the other. The waking transfer is part of what is found.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::engine::strings::Symbol;

use super::flows::{Edge, Flows, Moment, Side};
use super::path::{Waking, Work, after, carries};

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct FanPlan {
    /// Many accounts between two, or one between many.
    pub is_scatter_gather: bool,
    /// Accounts of the smaller side, or between, at least.
    pub fan: usize,
    /// The share that both halves carry of one another.
    pub keep: Decimal,
    /// Less than this from the first to the last transfer, in microseconds.
    pub within: i64,
}

/// A fan that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fan {
    /// Who pays first, in order of their first transfer.
    pub sources: Vec<Symbol>,
    /// Who is between.
    pub between: Vec<Symbol>,
    /// Who receives in the end.
    pub targets: Vec<Symbol>,
    /// Accounts of the smaller side, or between.
    pub breadth: usize,
    /// What came in the first half.
    pub first_amount: Decimal,
    /// What went on in the second half.
    pub last_amount: Decimal,
    /// All transfers, in order of time: sender, receiver, moment, amount.
    pub transfers: Vec<(Symbol, Symbol, Moment, Decimal)>,
}

/// The fan that `waking` is part of; `hub` is the account that the rule looks at.
pub fn find(
    flows: &Flows,
    plan: &FanPlan,
    waking: &Waking,
    hub: Symbol,
    work: &mut Work,
) -> Option<Fan> {
    // A transfer that `where` kept out is part of nothing.
    flows.between((waking.from, waking.to), waking.moment, waking.moment).next()?;
    if plan.is_scatter_gather {
        scatter_gather(flows, plan, waking, work)
    } else {
        gather_scatter(flows, plan, waking, hub, work)
    }
}

/// What one account paid another, taken together.
#[derive(Clone, Debug)]
struct Pair {
    other: Symbol,
    amount: Decimal,
    first: Moment,
    last: Moment,
    edges: Vec<Edge>,
}

/// The transfers of one side from `first` to `last`, by the other account, in order of their first.
fn pairs(side: Option<&Side>, first: Moment, last: Moment, work: &mut Work) -> Option<Vec<Pair>> {
    let Some(side) = side else { return Some(Vec::new()) };
    work.lacks_edges |= side.lacks(first.0.saturating_sub(1));
    let mut places: BTreeMap<Symbol, usize> = BTreeMap::new();
    let mut pairs: Vec<Pair> = Vec::new();
    for edge in side.range(first, last) {
        if !work.step() {
            return None;
        }
        let place = *places.entry(edge.other).or_insert(pairs.len());
        match pairs.get_mut(place) {
            Some(pair) => {
                pair.amount = pair.amount.checked_add(edge.amount)?;
                pair.last = edge.moment();
                pair.edges.push(*edge);
            }
            None => pairs.push(Pair {
                other: edge.other,
                amount: edge.amount,
                first: edge.moment(),
                last: edge.moment(),
                edges: vec![*edge],
            }),
        }
    }
    Some(pairs)
}

fn total<'p>(pairs: impl IntoIterator<Item = &'p Pair>) -> Option<Decimal> {
    pairs.into_iter().try_fold(Decimal::ZERO, |sum, pair| sum.checked_add(pair.amount))
}

/// Where a fan may end: at the waking transfer, or at a later one of the same lists that is known already
/// because the waking one came late. The earliest first: what comes long after must not use up the search.
fn ends(plan: &FanPlan, waking: &Waking, sides: [Option<&Side>; 2]) -> Vec<Moment> {
    let latest = (waking.moment.0.saturating_add(plan.within).saturating_sub(1), u64::MAX);
    let until = waking.until.min(latest).max(waking.moment);
    let later = sides.into_iter().flatten().flat_map(|side| side.range(waking.moment, until));
    let mut ends: Vec<Moment> = later.map(Edge::moment).chain([waking.moment]).collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// Where one begins that ends at `last`.
fn start(plan: &FanPlan, last: Moment) -> Moment {
    after(last.0.saturating_sub(plan.within))
}

/// The better of two: most accounts between, then most money, then the one that began first.
fn better(one: Option<Fan>, other: Option<Fan>) -> Option<Fan> {
    let (Some(left), Some(right)) = (&one, &other) else { return one.or(other) };
    let begun = |fan: &Fan| fan.transfers.first().map(|(.., moment, _)| *moment);
    let rank = (right.breadth, right.last_amount, begun(left));
    if rank > (left.breadth, left.last_amount, begun(right)) { other } else { one }
}

fn gather_scatter(
    flows: &Flows,
    plan: &FanPlan,
    waking: &Waking,
    hub: Symbol,
    work: &mut Work,
) -> Option<Fan> {
    let (into, out) = (flows.received_by(hub), flows.sent_by(hub));
    // Most accounts have too few neighbours on one side; that is told without looking at any.
    if into.map_or(0, Side::len) < plan.fan || out.map_or(0, Side::len) < plan.fan {
        return None;
    }
    ends(plan, waking, [into, out])
        .into_iter()
        .map(|last| gathered_and_scattered(plan, hub, [into, out], last, work))
        .fold(None, better)
}

fn gathered_and_scattered(
    plan: &FanPlan,
    hub: Symbol,
    [into, out]: [Option<&Side>; 2],
    last: Moment,
    work: &mut Work,
) -> Option<Fan> {
    let first = start(plan, last);
    let sources = pairs(into, first, last, work)?;
    let targets = pairs(out, first, last, work)?;
    let fan = sources.len().min(targets.len());
    let (came, went) = (total(&sources)?, total(&targets)?);
    let keeps = carries(plan.keep, came, went) && carries(plan.keep, went, came);
    if fan < plan.fan || !keeps {
        return None;
    }
    let mut transfers = Vec::new();
    for (pairs, is_into) in [(&sources, true), (&targets, false)] {
        for (pair, edge) in pairs.iter().flat_map(|pair| pair.edges.iter().map(move |e| (pair, e)))
        {
            let (from, to) = if is_into { (pair.other, hub) } else { (hub, pair.other) };
            transfers.push((from, to, edge.moment(), edge.amount));
        }
    }
    transfers.sort_by_key(|(.., moment, _)| *moment);
    Some(Fan {
        sources: sources.iter().map(|pair| pair.other).collect(),
        between: vec![hub],
        targets: targets.iter().map(|pair| pair.other).collect(),
        breadth: fan,
        first_amount: came,
        last_amount: went,
        transfers,
    })
}

/// One account between: what it got from the origin and what it paid on.
struct Middle {
    got: Pair,
    paid: Pair,
}

/// The waking transfer is the last half of a fan, or the first half of one whose last half is known already.
fn scatter_gather(flows: &Flows, plan: &FanPlan, waking: &Waking, work: &mut Work) -> Option<Fan> {
    let paid_on = Part { through: waking.from, collector: waking.to, origin: None };
    let mut best = through(flows, plan, waking, &paid_on, work);
    // The latest that the account in the middle can have paid on what it got.
    let until = (waking.moment.0.saturating_add(plan.within), 0).min(waking.until);
    let later = flows.sent_by(waking.to).into_iter().flat_map(|it| it.range(waking.moment, until));
    let collectors: BTreeSet<Symbol> = later.map(|edge| edge.other).collect();
    for collector in collectors {
        let origin = Some(waking.from);
        let got = Part { through: waking.to, collector, origin };
        best = better(best, through(flows, plan, waking, &got, work));
    }
    best
}

/// The account between that the waking transfer concerns, and who pays and receives there.
struct Part {
    through: Symbol,
    collector: Symbol,
    /// Who paid first, when it is the waking transfer that tells.
    origin: Option<Symbol>,
}

fn through(
    flows: &Flows,
    plan: &FanPlan,
    waking: &Waking,
    part: &Part,
    work: &mut Work,
) -> Option<Fan> {
    let into = flows.received_by(part.collector);
    let is_paid = flows.received_by(part.through).map_or(0, Side::len) > 0;
    if into.map_or(0, Side::len) < plan.fan || !is_paid {
        return None;
    }
    ends(plan, waking, [into, None])
        .into_iter()
        .map(|last| scattered(flows, plan, (waking.moment, last), part, work))
        .fold(None, better)
}

fn scattered(
    flows: &Flows,
    plan: &FanPlan,
    (waking, last): (Moment, Moment),
    part: &Part,
    work: &mut Work,
) -> Option<Fan> {
    let first = start(plan, last);
    let payers = pairs(flows.received_by(part.collector), first, last, work)?;
    if payers.len() < plan.fan {
        return None;
    }
    // Whoever paid the account of the waking transfer may be the origin; by symbol, with what each other got.
    let mut origins: BTreeMap<Symbol, Vec<Middle>> = BTreeMap::new();
    let order = payers.iter().filter(|pair| pair.other == part.through);
    let order = order.chain(payers.iter().filter(|pair| pair.other != part.through));
    for paid in order {
        for got in pairs(flows.received_by(paid.other), first, paid.last, work)? {
            let is_origin = got.other != part.collector
                && part.origin.is_none_or(|origin| got.other == origin)
                && (paid.other == part.through || origins.contains_key(&got.other));
            let keeps = carries(plan.keep, got.amount, paid.amount)
                && carries(plan.keep, paid.amount, got.amount);
            if is_origin && keeps && got.first < paid.first && got.last < paid.last {
                let middle = Middle { got: got.clone(), paid: paid.clone() };
                origins.entry(got.other).or_default().push(middle);
            }
        }
    }
    origins
        .into_iter()
        .filter(|(_, middles)| middles.len() >= plan.fan)
        .filter_map(|(origin, middles)| gathered(origin, &middles, part.collector))
        .filter(|fan| fan.transfers.iter().any(|(.., moment, _)| *moment == waking))
        .fold(None, |best, fan| better(best, Some(fan)))
}

fn gathered(origin: Symbol, middles: &[Middle], collector: Symbol) -> Option<Fan> {
    let mut transfers = Vec::new();
    for Middle { got, paid } in middles {
        let through = paid.other;
        let came = got.edges.iter().map(|edge| (origin, through, edge.moment(), edge.amount));
        let went = paid.edges.iter().map(|edge| (through, collector, edge.moment(), edge.amount));
        transfers.extend(came.chain(went));
    }
    transfers.sort_by_key(|(.., moment, _)| *moment);
    let mut between: Vec<(Moment, Symbol)> =
        middles.iter().map(|middle| (middle.got.first, middle.paid.other)).collect();
    between.sort_unstable();
    Some(Fan {
        sources: vec![origin],
        breadth: between.len(),
        between: between.into_iter().map(|(_, account)| account).collect(),
        targets: vec![collector],
        first_amount: total(middles.iter().map(|middle| &middle.got))?,
        last_amount: total(middles.iter().map(|middle| &middle.paid))?,
        transfers,
    })
}
