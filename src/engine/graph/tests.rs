//! Searches against plain models that try everything, and the bounds.

mod gather;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::flows::{Edge, Moment};
use super::path::{Hop, Path};
use super::*;
use crate::rulebook::pattern::Hops;

const KEEPING: Keeping = Keeping { span: 1_000, spare: 1_000, edges_max: 1_000, nodes_max: 1_000 };
const NOBODY_LATER: Moment = (i64::MAX, u64::MAX);

fn decimal(number: i64) -> Decimal {
    Decimal::from(number)
}

/// A transfer of a story: from, to, time, amount.
type Step = (u32, u32, i64, i64);

fn flows(steps: &[Step]) -> Flows {
    let mut flows = Flows::default();
    for (sequence, &(from, to, at, amount)) in (1..).zip(steps) {
        // What somebody pays himself never enters.
        if from != to {
            let ends = (Symbol(from), Symbol(to));
            flows.insert(ends, (at, sequence), decimal(amount), Instant(at), &KEEPING);
        }
    }
    flows
}

fn waking(steps: &[Step], until: Moment) -> Waking {
    let &(from, to, at, _) = steps.last().expect("a step");
    let moment = (at, steps.len() as u64);
    Waking { from: Symbol(from), to: Symbol(to), moment, until }
}

fn search(steps: &[Step], plan: &PathPlan, until: Moment) -> (Option<Path>, Work) {
    let mut work = Work { visits_max: 1_000_000, ..Work::default() };
    let found = path::find(&flows(steps), plan, &waking(steps, until), &mut work);
    (found, work)
}

fn cycle(least: u8, most: u8, keep: &str, within: i64) -> PathPlan {
    let keep = keep.parse().expect("a share");
    PathPlan { is_cycle: true, hops: Hops { least, most }, keep, is_fresh: false, within }
}

fn chain(least: u8, most: u8, keep: &str, within: i64) -> PathPlan {
    PathPlan { is_cycle: false, ..cycle(least, most, keep, within) }
}

fn names(path: &Path) -> Vec<u32> {
    let first = path.hops.first().map(|hop| hop.from.0);
    first.into_iter().chain(path.hops.iter().map(|hop| hop.to.0)).collect()
}

/// Every path there is, by trying every row of accounts and every run of transfers between them.
fn all_paths(steps: &[Step], plan: &PathPlan, until: Moment) -> Vec<Path> {
    let edges: Vec<(u32, u32, Moment, Decimal)> = (1_u64..)
        .zip(steps)
        .map(|(sequence, &(from, to, at, amount))| (from, to, (at, sequence), decimal(amount)))
        .filter(|(from, to, moment, _)| from != to && *moment <= until)
        .collect();
    let accounts: BTreeSet<u32> = edges.iter().flat_map(|(from, to, ..)| [*from, *to]).collect();
    let mut rows: Vec<Vec<u32>> = accounts.iter().map(|account| vec![*account]).collect();
    let mut paths = Vec::new();
    for count in 1..=usize::from(plan.hops.most) {
        let mut longer = Vec::new();
        for row in &rows {
            for &next in &accounts {
                let mut row = row.clone();
                let closes = plan.is_cycle && row.first() == Some(&next) && row.len() == count;
                if row.contains(&next) && !closes {
                    continue;
                }
                row.push(next);
                if count >= usize::from(plan.hops.least) && closes == plan.is_cycle {
                    paths.extend(paths_along(&row, &edges, plan));
                }
                if !closes {
                    longer.push(row);
                }
            }
        }
        rows = longer;
    }
    let waking = (steps.last().expect("a step").2, steps.len() as u64);
    paths.retain(|path: &Path| {
        path.hops.iter().any(|hop| {
            edges.iter().any(|&(from, to, moment, _)| {
                (Symbol(from), Symbol(to)) == (hop.from, hop.to)
                    && moment == waking
                    && (hop.first..=hop.last).contains(&moment)
            })
        })
    });
    paths
}

fn paths_along(row: &[u32], edges: &[(u32, u32, Moment, Decimal)], plan: &PathPlan) -> Vec<Path> {
    let mut paths: Vec<Vec<Hop>> = vec![Vec::new()];
    for pair in row.windows(2) {
        let mut between: Vec<(Moment, Decimal)> = edges
            .iter()
            .filter(|(from, to, ..)| [*from, *to] == pair)
            .map(|(_, _, moment, amount)| (*moment, *amount))
            .collect();
        between.sort_unstable();
        let mut runs = Vec::new();
        for begin in 0..between.len() {
            for end in begin..between.len() {
                let run = &between[begin..=end];
                runs.push(Hop {
                    from: Symbol(pair[0]),
                    to: Symbol(pair[1]),
                    first: run[0].0,
                    last: run[run.len() - 1].0,
                    amount: run.iter().map(|(_, amount)| amount).sum(),
                    count: run.len(),
                });
            }
        }
        let longer = paths.iter().flat_map(|path| {
            runs.iter().map(|run| [path.as_slice(), &[*run]].concat()).collect::<Vec<_>>()
        });
        paths = longer.collect();
    }
    let fits = |path: &Vec<Hop>| {
        let neighbours = path.windows(2).all(|pair| {
            let (one, two) = (&pair[0], &pair[1]);
            one.first < two.first
                && one.last < two.last
                && two.amount >= plan.keep * one.amount
                && one.amount >= plan.keep * two.amount
        });
        let (first, last) = (path[0].first.0, path[path.len() - 1].last.0);
        // The longest hop ends last and begins first, so both ends are those of the whole.
        neighbours
            && last - first < plan.within
            && path.iter().all(|hop| is_fresh(hop, last, edges, plan))
    };
    paths
        .into_iter()
        .filter(fits)
        .map(|hops| {
            let amount = hops.iter().map(|hop| hop.amount).min().expect("a hop");
            Path { hops, amount }
        })
        .collect()
}

fn is_fresh(hop: &Hop, end: i64, edges: &[(u32, u32, Moment, Decimal)], plan: &PathPlan) -> bool {
    !plan.is_fresh
        || edges.iter().all(|&(from, to, moment, _)| {
            let touches = Symbol(from) == hop.to || Symbol(to) == hop.to;
            !touches || moment >= hop.first || moment.0 <= end - plan.within
        })
}

/// What makes one path better than another.
fn rank(plan: &PathPlan, path: &Path) -> (Decimal, Decimal) {
    let count = Decimal::from(path.hops.len());
    if plan.is_cycle { (path.amount, -count) } else { (count, path.amount) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_search_finds_what_trying_everything_finds(
        steps in prop::collection::vec((0_u32..6, 0_u32..6, 0_i64..12, 1_i64..6), 1..14),
        is_cycle in any::<bool>(),
        (least, more) in (2_u8..5, 0_u8..3),
        keep in prop_oneof![Just("1"), Just("0.8"), Just("0.5"), Just("0.3")],
        within in 3_i64..14,
        is_fresh in any::<bool>(),
        is_again in any::<bool>(),
        in_order in any::<bool>(),
    ) {
        let mut steps = steps;
        if in_order {
            steps.sort_by_key(|step| step.2);
        }
        let plan = PathPlan {
            is_cycle,
            is_fresh: is_fresh && !is_cycle,
            ..cycle(least, (least + more).min(5), keep, within)
        };
        let (at, sequence) = (steps[steps.len() - 1].2, steps.len() as u64);
        let until = if is_again { (at, sequence) } else { NOBODY_LATER };
        let all = all_paths(&steps, &plan, until);
        let (found, work) = search(&steps, &plan, until);
        prop_assert!(!work.is_cut && !work.lacks_edges);
        let best = all.iter().map(|path| rank(&plan, path)).max();
        prop_assert_eq!(found.as_ref().map(|path| rank(&plan, path)), best);
        if let Some(found) = found {
            prop_assert!(all.contains(&found), "{:?} is no path", found);
        }
    }
}

#[test]
fn a_cycle_is_found_only_as_the_options_allow() {
    let ring = [(1, 2, 1, 100), (2, 3, 2, 90), (3, 1, 3, 85)];
    let found = |plan: &PathPlan| search(&ring, plan, NOBODY_LATER).0.map(|path| names(&path));
    assert_eq!(found(&cycle(3, 5, "0.8", 10)), Some(vec![1, 2, 3, 1]));
    assert_eq!(found(&cycle(3, 5, "0.95", 10)), None, "a tenth stays behind");
    assert_eq!(found(&cycle(3, 5, "0.8", 2)), None, "exactly the span is too long");
    assert_eq!(found(&cycle(3, 5, "0.8", 3)), Some(vec![1, 2, 3, 1]));
    assert_eq!(found(&cycle(4, 5, "0.8", 10)), None, "one hop too few");
    let backwards = [(1, 2, 2, 100), (2, 3, 1, 90), (3, 1, 3, 85)];
    assert_eq!(search(&backwards, &cycle(3, 5, "0.8", 10), NOBODY_LATER).0, None);
    let at_once = [(1, 2, 1, 100), (2, 3, 1, 90), (3, 1, 1, 85)];
    let (found, _) = search(&at_once, &cycle(3, 3, "0.8", 10), NOBODY_LATER);
    assert_eq!(found.map(|path| path.amount), Some(decimal(85)), "equal times go by the log");
}

#[test]
fn split_amounts_are_taken_together() {
    let split =
        [(1, 2, 1, 60), (1, 2, 2, 40), (2, 3, 3, 30), (2, 3, 4, 30), (2, 3, 5, 35), (3, 1, 6, 90)];
    let (found, _) = search(&split, &cycle(3, 5, "0.9", 10), NOBODY_LATER);
    let found = found.expect("a ring of sums");
    let amounts: Vec<(Decimal, usize)> =
        found.hops.iter().map(|hop| (hop.amount, hop.count)).collect();
    assert_eq!(amounts, [(decimal(100), 2), (decimal(95), 3), (decimal(90), 1)]);
}

#[test]
fn a_late_transfer_in_the_middle_completes_a_cycle_unless_it_is_judged_as_of_its_time() {
    let late = [(1, 2, 1, 100), (3, 1, 3, 90), (2, 3, 2, 95)];
    let plan = cycle(3, 5, "0.8", 10);
    let (found, _) = search(&late, &plan, NOBODY_LATER);
    assert_eq!(found.map(|path| names(&path)), Some(vec![1, 2, 3, 1]));
    let (found, _) = search(&late, &plan, (2, 3));
    assert_eq!(found, None);
}

#[test]
fn of_several_cycles_the_one_that_carries_most_is_taken_and_of_chains_the_longest() {
    let rings = [(1, 2, 1, 80), (2, 9, 2, 80), (1, 3, 3, 90), (3, 9, 4, 95), (9, 1, 5, 90)];
    let (found, _) = search(&rings, &cycle(3, 3, "0.8", 10), NOBODY_LATER);
    assert_eq!(found.map(|path| names(&path)), Some(vec![1, 3, 9, 1]));
    let chains = [(1, 2, 1, 90), (8, 3, 2, 100), (2, 3, 3, 90), (3, 4, 4, 90)];
    let (found, _) = search(&chains, &chain(2, 4, "0.8", 10), NOBODY_LATER);
    assert_eq!(found.map(|path| names(&path)), Some(vec![1, 2, 3, 4]));
}

#[test]
fn accounts_with_a_past_are_not_fresh() {
    let plan = PathPlan { is_fresh: true, ..chain(3, 5, "0.8", 10) };
    let peel = [(1, 2, 5, 100), (2, 3, 6, 90), (3, 4, 7, 80)];
    assert!(search(&peel, &plan, NOBODY_LATER).0.is_some());
    let before = [(7, 3, 1, 1), (1, 2, 5, 100), (2, 3, 6, 90), (3, 4, 7, 80)];
    assert_eq!(search(&before, &plan, NOBODY_LATER).0, None);
    let long_before = [(7, 3, -3, 1), (1, 2, 5, 100), (2, 3, 6, 90), (3, 4, 7, 80)];
    assert!(search(&long_before, &plan, NOBODY_LATER).0.is_some());
}

#[test]
fn a_search_ends_at_its_limit_and_says_so() {
    let mut steps: Vec<Step> = (0..200).map(|number| (number + 10, 2, 1, 100)).collect();
    steps.extend((0..200).map(|number| (1, number + 10, 0, 100)));
    steps.push((2, 3, 5, 100));
    let flows = flows(&steps);
    let plan = chain(5, 5, "0.8", 100);
    let mut work = Work { visits_max: 50, ..Work::default() };
    assert_eq!(path::find(&flows, &plan, &waking(&steps, NOBODY_LATER), &mut work), None);
    assert!(work.is_cut && work.visits == 50, "{work:?}");
}

#[test]
fn a_full_list_gives_up_the_oldest_and_searches_say_that_it_lacks_some() {
    let keeping = Keeping { edges_max: 2, ..KEEPING };
    let mut flows = Flows::default();
    let mut given_up = 0;
    for (sequence, (from, to)) in (1_u64..).zip([(1, 2), (3, 2), (4, 2), (2, 1)]) {
        let at = i64::try_from(sequence).expect("small");
        let ends = (Symbol(from), Symbol(to));
        let kept = flows.insert(ends, (at, sequence), decimal(100), Instant(at), &keeping);
        given_up += kept.given_up;
    }
    assert_eq!(given_up, 1);
    let waking = Waking { from: Symbol(2), to: Symbol(1), moment: (4, 4), until: NOBODY_LATER };
    let mut work = Work { visits_max: 100, ..Work::default() };
    let found = path::find(&flows, &cycle(2, 3, "0.8", 10), &waking, &mut work);
    assert!(found.is_none_or(|path| path.hops.len() == 2));
    assert!(work.lacks_edges);
}

#[test]
fn a_transfer_that_two_legs_tell_is_kept_once_and_old_ones_are_let_go() {
    let mut flows = Flows::default();
    for _leg in 0..2 {
        let ends = (Symbol(1), Symbol(2));
        flows.insert(ends, (5, 1), decimal(100), Instant(5), &KEEPING);
    }
    let side = |flows: &Flows| flows.received_by(Symbol(2)).map_or(0, flows::Side::len);
    assert_eq!(side(&flows), 1);
    let ends = (Symbol(3), Symbol(2));
    flows.insert(ends, (5 + KEEPING.span, 2), decimal(1), Instant(5), &KEEPING);
    assert_eq!(side(&flows), 1, "what is as old as the span is let go");
    let edges: Vec<Edge> = flows.between(ends, (0, 0), NOBODY_LATER).copied().collect();
    assert_eq!(edges.len(), 1);
}

/// What a fan of random transfers must be, by trying every origin, collector and end; the count of
/// accounts between.
fn fans_by_trying(steps: &[Step], plan: &FanPlan) -> Option<usize> {
    let all: Vec<(u32, u32, Moment, Decimal)> = (1_u64..)
        .zip(steps)
        .map(|(sequence, &(from, to, at, amount))| (from, to, (at, sequence), decimal(amount)))
        .filter(|(from, to, ..)| from != to)
        .collect();
    let &(from, to, at, _) = steps.last()?;
    let waking = (at, steps.len() as u64);
    all.iter().find(|(_, _, moment, _)| *moment == waking)?;
    let accounts: BTreeSet<u32> = all.iter().flat_map(|edge| [edge.0, edge.1]).collect();
    let sum = |edges: &[(Moment, Decimal)]| edges.iter().map(|(_, amount)| amount).sum::<Decimal>();
    let mut best = None;
    for last in all.iter().map(|edge| edge.2).filter(|last| *last >= waking) {
        let inside = |moment: Moment| moment.0 > last.0 - plan.within && moment <= last;
        let between = |from: u32, to: u32, until: Moment| -> Vec<(Moment, Decimal)> {
            let is_it = |edge: &&(u32, u32, Moment, Decimal)| {
                (edge.0, edge.1) == (from, to) && inside(edge.2) && edge.2 <= until
            };
            let mut found: Vec<_> = all.iter().filter(is_it).map(|edge| (edge.2, edge.3)).collect();
            found.sort_unstable();
            found
        };
        for (&origin, &collector) in
            accounts.iter().flat_map(|it| accounts.iter().map(move |to| (it, to)))
        {
            let halves = |middle: u32| {
                let paid = between(middle, collector, last);
                let got = between(origin, middle, paid.last()?.0);
                let is_one = got.first()?.0 < paid.first()?.0
                    && got.last()?.0 < paid.last()?.0
                    && sum(&paid) >= plan.keep * sum(&got)
                    && sum(&got) >= plan.keep * sum(&paid);
                is_one.then_some([got, paid].concat())
            };
            let middles: Vec<(u32, Vec<(Moment, Decimal)>)> =
                accounts.iter().filter_map(|it| Some((*it, halves(*it)?))).collect();
            let has_waking = middles.iter().any(|(middle, edges)| {
                (*middle == from && collector == to || *middle == to && origin == from)
                    && edges.iter().any(|(moment, _)| *moment == waking)
            });
            if origin != collector && has_waking && middles.len() >= plan.fan {
                best = best.max(Some(middles.len()));
            }
        }
    }
    best
}

/// The group of a customer by joining sets until nothing changes.
fn group_by_joining(
    uses: &[(u32, u32, i64)],
    plan: &ClusterPlan,
    (customer, end): (u32, i64),
) -> BTreeSet<u32> {
    let floor = end - plan.within;
    let customers_of = |identifier: u32| -> BTreeSet<u32> {
        let inside = uses.iter().filter(|it| it.1 == identifier && it.2 > floor && it.2 <= end);
        inside.map(|it| it.0).collect()
    };
    let mut group = BTreeSet::from([customer]);
    loop {
        let before = group.len();
        for identifier in uses.iter().map(|it| it.1) {
            let linked = customers_of(identifier);
            if linked.len() <= plan.hub && !linked.is_disjoint(&group) {
                group.extend(linked);
            }
        }
        if group.len() == before {
            return group;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_accounts_between_two_are_those_that_trying_everything_finds(
        steps in prop::collection::vec((0_u32..7, 0_u32..3, 0_i64..12, 1_i64..5), 1..14),
        is_swapped in prop::collection::vec(any::<bool>(), 14),
        within in 3_i64..14,
        keep in prop_oneof![Just("0.8"), Just("0.3")],
    ) {
        let swap = |(&(from, to, at, amount), &is_swapped): (&Step, &bool)| {
            if is_swapped { (to, from, at, amount) } else { (from, to, at, amount) }
        };
        let steps: Vec<Step> = steps.iter().zip(&is_swapped).map(swap).collect();
        let keep = keep.parse().expect("a share");
        let plan = FanPlan { is_scatter_gather: true, fan: 2, keep, within };
        let waking = waking(&steps, NOBODY_LATER);
        let mut work = Work { visits_max: 1_000_000, ..Work::default() };
        let found = fan::find(&flows(&steps), &plan, &waking, waking.to, &mut work);
        prop_assert_eq!(found.as_ref().map(|fan| fan.breadth), fans_by_trying(&steps, &plan));
        if let Some(found) = found {
            let ends = |it: &(Symbol, Symbol, Moment, Decimal)| (it.0, it.1, it.2);
            let waking = (waking.from, waking.to, waking.moment);
            prop_assert!(found.transfers.iter().any(|it| ends(it) == waking));
        }
    }

    #[test]
    fn the_group_is_the_one_that_joining_sets_gives(
        uses in prop::collection::vec((0_u32..8, 100_u32..106, 0_i64..30), 1..24),
        hub in 2_usize..5,
        within in 3_i64..31,
        end in 0_i64..31,
    ) {
        let mut links = Links::default();
        for (sequence, &(customer, identifier, at)) in (1..).zip(&uses) {
            let identifier = (0, Symbol(identifier));
            links.insert(Symbol(customer), identifier, (at, sequence), Instant(at), &KEEPING);
        }
        let plan = ClusterPlan { hub, within };
        let customer = uses[uses.len() - 1].0;
        let mut work = Work { visits_max: 1_000_000, ..Work::default() };
        let found = links.find(&plan, Symbol(customer), (end, (end, u64::MAX)), &mut work);
        let group = group_by_joining(&uses, &plan, (customer, end));
        let names = found.map(|it| it.customers.iter().map(|name| name.0).collect());
        prop_assert_eq!(names, (group.len() >= 2).then_some(group));
        let now = links.latest(Symbol(customer)).expect("a use");
        let own: BTreeSet<u32> = uses.iter().filter(|it| it.0 == customer).map(|it| it.1).collect();
        let later = uses.iter().filter(|it| own.contains(&it.1) && it.2 > now && it.2 < now + within);
        let ends = [later.map(|it| it.2).max(), Some(now)];
        prop_assert_eq!(links.ends(&plan, Symbol(customer), now, &mut work), ends);
    }
}

#[test]
fn a_hub_is_told_apart_from_a_link_and_a_full_identifier_gives_up_the_oldest() {
    let keeping = Keeping { edges_max: 3, span: 10, ..KEEPING };
    let mut links = Links::default();
    let mut use_at = |customer: u32, identifier: u32, at: i64| {
        let moment = (at, u64::try_from(at).expect("positive"));
        links.insert(Symbol(customer), (0, Symbol(identifier)), moment, Instant(at), &keeping)
    };
    for at in 1..=3 {
        let customer = u32::try_from(at).expect("small");
        assert_eq!(use_at(customer, 100, at), Kept::default());
    }
    assert_eq!(use_at(4, 100, 4).given_up, 1, "the first customer's use is given up");
    assert_eq!(use_at(4, 101, 5), Kept::default());
    assert_eq!(use_at(5, 101, 6), Kept::default());
    assert_eq!(use_at(6, 100, 20), Kept::default(), "what is long past makes room uncounted");
    let plan = ClusterPlan { hub: 2, within: 10 };
    let mut work = Work { visits_max: 100, ..Work::default() };
    let found = links.find(&plan, Symbol(4), (5, NOBODY_LATER), &mut work);
    let found = found.expect("two customers of one identifier");
    assert_eq!(found.customers, [Symbol(4), Symbol(5)]);
    assert!(work.lacks_edges);
}

#[test]
fn what_was_idle_for_long_is_swept_and_searches_say_so() {
    let mut graph = Flows::default();
    graph.insert((Symbol(1), Symbol(2)), (1, 1), decimal(5), Instant(1), &KEEPING);
    let mut links = Links::default();
    links.insert(Symbol(1), (0, Symbol(9)), (1, 1), Instant(1), &KEEPING);
    let long_after = (Instant(1 + KEEPING.span + 1), 1 + super::super::table::IDLE_SEQUENCES);
    for (now, is_there) in [((Instant(i64::MAX), 2), true), (long_after, false)] {
        graph.sweep(now, KEEPING.span, 10);
        links.sweep(now, KEEPING.span, 10);
        assert_eq!(graph.received_by(Symbol(2)).is_some_and(|side| side.len() == 1), is_there);
        assert_eq!(links.latest(Symbol(1)).is_some(), is_there);
    }
    assert!(graph.received_by(Symbol(2)).is_some_and(|side| side.lacks(0)));
}

#[test]
fn the_cost_of_a_transfer_does_not_grow_with_the_graph() {
    // A search for every transfer, in a crowd of accounts: what it looks at stays what is near.
    let plan = cycle(3, 5, "0.8", 1_000_000);
    let keeping = Keeping { span: 1_000_000, spare: 1_000, edges_max: 1_000, nodes_max: 1_000_000 };
    let visits = |count: u64| {
        let mut flows = Flows::default();
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from((seed >> 33) % below).expect("small")
        };
        let mut visits = 0;
        for sequence in 1..=count {
            let (from, to) = (Symbol(next(count / 4)), Symbol(next(count / 4)));
            if from == to {
                continue;
            }
            let moment = (i64::try_from(sequence).expect("small"), sequence);
            let amount = decimal(i64::from(next(50)) + 1);
            flows.insert((from, to), moment, amount, Instant(moment.0), &keeping);
            let waking = Waking { from, to, moment, until: NOBODY_LATER };
            let mut work = Work { visits_max: 2_000, ..Work::default() };
            path::find(&flows, &plan, &waking, &mut work);
            visits += work.visits as u64;
        }
        visits / count
    };
    let (few, many) = (visits(2_000), visits(40_000));
    assert!(
        many <= 2 * few + 10,
        "{few} transfers looked at in a small graph, {many} in a large one"
    );
}
