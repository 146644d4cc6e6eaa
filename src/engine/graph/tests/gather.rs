//! Accounts that gather and scatter, against a model that looks at every transfer.

use std::cmp::Reverse;

use super::*;

/// From, to, when, how much.
type Edge = (u32, u32, Moment, Decimal);

/// Who pays, who is paid, both sums, and when it begins.
type Gathered = (BTreeSet<u32>, BTreeSet<u32>, Decimal, Decimal, Moment);

/// Every fan around `hub` that the last of `steps` is part of, by trying every end.
fn gathered_by_looking(steps: &[Step], plan: &FanPlan, hub: u32, until: Moment) -> Vec<Gathered> {
    let own: Vec<Edge> = (1_u64..)
        .zip(steps)
        .map(|(sequence, &(from, to, at, amount))| (from, to, (at, sequence), decimal(amount)))
        .filter(|(from, to, moment, _)| from != to && *moment <= until)
        .filter(|(from, to, ..)| *from == hub || *to == hub)
        .collect();
    let waking = (steps[steps.len() - 1].2, steps.len() as u64);
    let mut found = Vec::new();
    for last in own.iter().map(|edge| edge.2).filter(|last| *last >= waking) {
        // Less than the span from the first transfer to the last, and the waking one is among them.
        let is_inside =
            |edge: &&(u32, u32, Moment, Decimal)| edge.2 <= last && last.0 - edge.2.0 < plan.within;
        let inside: Vec<&Edge> = own.iter().filter(is_inside).collect();
        let (came, went): (Vec<&Edge>, Vec<&Edge>) =
            inside.iter().copied().partition(|edge| edge.1 == hub);
        let sum = |edges: &[&Edge]| -> Decimal { edges.iter().map(|edge| edge.3).sum() };
        let sources: BTreeSet<u32> = came.iter().map(|edge| edge.0).collect();
        let targets: BTreeSet<u32> = went.iter().map(|edge| edge.1).collect();
        let (came, went) = (sum(&came), sum(&went));
        let is_wide = sources.len() >= plan.fan && targets.len() >= plan.fan;
        let keeps = came >= plan.keep * went && went >= plan.keep * came;
        let begun = inside.iter().map(|edge| edge.2).min();
        if inside.iter().any(|edge| edge.2 == waking) && is_wide && keeps {
            found.extend(begun.map(|begun| (sources, targets, came, went, begun)));
        }
    }
    found
}

/// What makes one better than another: accounts on the smaller side, then money, then an early start.
fn rank((sources, targets, _, went, begun): &Gathered) -> (usize, Decimal, Reverse<Moment>) {
    (sources.len().min(targets.len()), *went, Reverse(*begun))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_account_that_gathers_and_scatters_is_the_one_that_looking_at_all_transfers_finds(
        steps in prop::collection::vec((0_u32..6, 0_u32..2, 0_i64..12, 1_i64..5), 1..16),
        is_swapped in prop::collection::vec(any::<bool>(), 16),
        fan in 1_usize..4,
        within in 3_i64..14,
        keep in prop_oneof![Just("0.8"), Just("0.3"), Just("1")],
        (is_again, looks_at_sender) in (any::<bool>(), any::<bool>()),
    ) {
        let swap = |(&(from, to, at, amount), &is_swapped): (&Step, &bool)| {
            if is_swapped { (to, from, at, amount) } else { (from, to, at, amount) }
        };
        let steps: Vec<Step> = steps.iter().zip(&is_swapped).map(swap).collect();
        let keep = keep.parse().expect("a share");
        let plan = FanPlan { is_scatter_gather: false, fan, keep, within };
        let own = (steps[steps.len() - 1].2, steps.len() as u64);
        let until = if is_again { own } else { NOBODY_LATER };
        let waking = waking(&steps, until);
        let hub = if looks_at_sender { waking.from } else { waking.to };
        let mut work = Work { visits_max: 1_000_000, ..Work::default() };
        let found = fan::find(&flows(&steps), &plan, &waking, hub, &mut work);
        prop_assert!(!work.is_cut && !work.lacks_edges);
        let names = |symbols: &[Symbol]| symbols.iter().map(|symbol| symbol.0).collect();
        let told: Option<Gathered> = found.as_ref().map(|fan| {
            let begun = fan.transfers[0].2;
            (names(&fan.sources), names(&fan.targets), fan.first_amount, fan.last_amount, begun)
        });
        let all = gathered_by_looking(&steps, &plan, hub.0, until);
        prop_assert_eq!(told.as_ref().map(rank), all.iter().map(rank).max());
        prop_assert!(told.is_none_or(|told| all.contains(&told)));
        if let Some(found) = found {
            prop_assert_eq!(found.between, [hub]);
            prop_assert_eq!(found.breadth, found.sources.len().min(found.targets.len()));
            prop_assert!(found.transfers.is_sorted_by_key(|transfer| transfer.2));
        }
    }
}
