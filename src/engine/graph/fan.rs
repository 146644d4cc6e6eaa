//! The search for fans: one account that many pay and that pays many, and one that pays many who all
//! pay one other.
//!
//! Here what one account pays another within the span is taken together. Each half carries at least
//! the share `keep` of the other. The waking transfer is part of what is found.

use std::collections::BTreeMap;

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

/// The latest moment that is looked at: the latest that is known of both lists, or `until` if that is
/// earlier.
fn end(waking: &Waking, sides: [Option<&Side>; 2]) -> Moment {
    let latest = sides.into_iter().flatten().filter_map(Side::latest).map(Edge::moment).max();
    latest.unwrap_or(waking.moment).max(waking.moment).min(waking.until)
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
    let last = end(waking, [into, out]);
    let first = after(last.0.saturating_sub(plan.within));
    if waking.moment < first {
        return None;
    }
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

fn scatter_gather(flows: &Flows, plan: &FanPlan, waking: &Waking, work: &mut Work) -> Option<Fan> {
    let (collector, through) = (waking.to, waking.from);
    let into = flows.received_by(collector);
    if into.map_or(0, Side::len) < plan.fan || flows.received_by(through).map_or(0, Side::len) == 0
    {
        return None;
    }
    let last = end(waking, [into, None]);
    let first = after(last.0.saturating_sub(plan.within));
    if waking.moment < first {
        return None;
    }
    let payers = pairs(into, first, last, work)?;
    if payers.len() < plan.fan {
        return None;
    }
    // Whoever paid the account that pays now may be the origin; by symbol, with what each other got.
    let mut origins: BTreeMap<Symbol, Vec<Middle>> = BTreeMap::new();
    let order = payers.iter().filter(|pair| pair.other == through);
    let order = order.chain(payers.iter().filter(|pair| pair.other != through));
    for paid in order {
        for got in pairs(flows.received_by(paid.other), first, paid.last, work)? {
            let is_origin = got.other != collector
                && (paid.other == through || origins.contains_key(&got.other));
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
        .filter_map(|(origin, middles)| gathered(origin, &middles, collector))
        // Most accounts between, then most money, then the origin that began first.
        .max_by(|left, right| {
            let begun = |fan: &Fan| fan.transfers.first().map(|(.., moment, _)| *moment);
            (left.breadth, left.last_amount, begun(right)).cmp(&(
                right.breadth,
                right.last_amount,
                begun(left),
            ))
        })
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
