//! What rules cost: how many bytes they remember per key, and how much work an event makes.
//!
//! In: a rulebook, and how busy a key is taken to be. Out: each rule by itself, and all together with
//! what they share counted once. Nothing is run: all of it follows from the compiled plan, so that it is
//! known before a rule goes live. Bytes are the most that structures ask for at that pace when every
//! filter lets every event in; what the allocator adds is not in them.

mod bytes;
mod stored;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::domain::Span;
use crate::rulebook::typed::{Rule, Status};
use crate::rulebook::{Rulebook, describe};

use super::limits::Limits;
use super::plan::Plan;
use super::rule_plan::RulePlan;
use super::strings::Strings;
pub use stored::{Fold, Kind, Stored};
use stored::{Place, places};
pub use work::{Operations, Work};

/// What an estimate takes for granted.
#[derive(Clone, Debug)]
pub struct Assumptions {
    /// Events of each key per day.
    pub events_per_day: Decimal,
    /// Days of events behind a key: what is kept for ever is kept for so long.
    pub days: u32,
    /// Bounds of the engine.
    pub limits: Limits,
}

/// Estimates of a rulebook.
#[derive(Clone, Debug)]
pub struct Costs {
    /// Each rule that is judged, as if it were the only one, by name.
    pub rules: Vec<RuleCost>,
    /// Bytes of one key of each kind if no rule shared anything with another.
    pub bytes_apart: u64,
    /// All rules together: bytes per key, by the roles of the key.
    pub keys: Vec<KeyCost>,
    /// Ids of events, for evidence.
    pub ids: Ids,
}

/// The estimate of one rule.
#[derive(Clone, Debug)]
pub struct RuleCost {
    /// The rule.
    pub rule: Arc<Rule>,
    /// What wakes it.
    pub wakes: String,
    /// What is remembered for it.
    pub stored: Vec<Stored>,
    /// Bytes per key, as if it were the only rule.
    pub keys: Vec<KeyCost>,
    /// What an event that concerns it makes the engine do.
    pub work: Work,
}

/// Bytes per key of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCost {
    /// The roles.
    pub key: String,
    /// Bytes of each key.
    pub bytes: u64,
}

/// What is kept to name the events behind an alert: once for all rules, per event and not per key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Bytes per event.
    pub bytes_per_event: u64,
    /// For how long.
    pub kept_for: Span,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self { events_per_day: Decimal::ONE, days: 365, limits: Limits::default() }
    }
}

impl RuleCost {
    /// Bytes of one key of each kind, as if it were the only rule.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.keys.iter().map(|key| key.bytes).sum()
    }

    /// How many aggregates it reads.
    #[must_use]
    pub fn aggregates(&self) -> usize {
        self.rule.aggregates.len()
    }

    /// The rules that share some of what is remembered for it, by name.
    #[must_use]
    pub fn shares_with(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.stored.iter().flat_map(|it| &it.shared_with).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Costs {
    /// Bytes of one key of each kind, all rules together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.keys.iter().map(|key| key.bytes).sum()
    }
}

/// Estimates what the rules of `rulebook` cost.
#[must_use]
pub fn estimate(rulebook: &Arc<Rulebook>, assumptions: &Assumptions) -> Costs {
    let (together, _) = Plan::new(&bare(rulebook, rulebook.rules.clone()), Strings::default());
    let readers = readers(&together);
    let rules: Vec<RuleCost> = rulebook
        .rules
        .iter()
        .filter_map(|rule| {
            let shared = together.rules.iter().find(|it| it.rule.name == rule.name)?;
            let shared = (&together, shared, &readers);
            rule_cost(rulebook, rule, Some(shared), assumptions)
        })
        .collect();
    let spare = assumptions.limits.judge_again_within.0;
    Costs {
        bytes_apart: rules.iter().map(RuleCost::bytes).sum(),
        rules,
        keys: keys(&together, assumptions),
        ids: Ids {
            bytes_per_event: bytes::ID,
            kept_for: Span(together.finite_retention().saturating_add(spare)),
        },
    }
}

/// Estimates one rule, also one that is not among the rules of `rulebook` because it is off.
#[must_use]
pub fn estimate_rule(
    rulebook: &Arc<Rulebook>,
    rule: &Arc<Rule>,
    assumptions: &Assumptions,
) -> Option<RuleCost> {
    let (together, _) = Plan::new(&bare(rulebook, rulebook.rules.clone()), Strings::default());
    let readers = readers(&together);
    let shared = together.rules.iter().find(|it| it.rule.name == rule.name);
    let shared = shared.map(|shared| (&together, shared, &readers));
    rule_cost(rulebook, rule, shared, assumptions)
}

/// `rules` with the fields and the institution of `rulebook`, and without its lists and texts: a plan is the
/// same whatever is in a list, and lists may be long.
pub(super) fn bare(rulebook: &Rulebook, rules: Vec<Arc<Rule>>) -> Arc<Rulebook> {
    Arc::new(Rulebook {
        digest: rulebook.digest.clone(),
        catalogue: Arc::clone(&rulebook.catalogue),
        rules,
        institution: rulebook.institution.clone(),
        lists: BTreeMap::new(),
        sources: BTreeMap::new(),
    })
}

/// The plan of all rules, the rule's part of it, and who reads what.
type Shared<'a> = (&'a Plan, &'a RulePlan, &'a Readers);

/// Which rules read a place of the common plan.
type Readers = BTreeMap<Place, Vec<String>>;

fn readers(plan: &Plan) -> Readers {
    let mut readers = Readers::new();
    for rule in &plan.rules {
        for place in places(plan, rule) {
            let names = readers.entry(place).or_default();
            if names.last() != Some(&rule.rule.name) {
                names.push(rule.rule.name.clone());
            }
        }
    }
    readers
}

fn rule_cost(
    rulebook: &Arc<Rulebook>,
    rule: &Arc<Rule>,
    shared: Option<Shared<'_>>,
    assumptions: &Assumptions,
) -> Option<RuleCost> {
    // A rule that is off costs nothing; what is asked is what it would cost.
    let judged = match rule.status {
        Status::Off => Arc::new(Rule { status: Status::Active, ..Rule::clone(rule) }),
        Status::Active | Status::Shadow => Arc::clone(rule),
    };
    let (alone, _) = Plan::new(&bare(rulebook, vec![judged]), Strings::default());
    let plan = alone.rules.first()?;
    let mut stored = stored::of_rule(&alone, plan, assumptions);
    if let Some((together, rule_plan, readers)) = shared {
        // Both plans were made of the same rule, so that its places come in the same order.
        let pairs = places(&alone, plan).into_iter().zip(places(together, rule_plan));
        let pairs: BTreeMap<Place, Place> = pairs.collect();
        for item in &mut stored {
            let place = pairs.get(&item.place);
            item.shared_with = others(place.and_then(|place| readers.get(place)), &rule.name);
        }
        stored::share_folds(&mut stored, plan, (together, rule_plan));
    }
    Some(RuleCost {
        rule: Arc::clone(rule),
        wakes: describe::trigger(rule),
        stored,
        keys: keys(&alone, assumptions),
        work: work::of_rule(&alone, plan, &assumptions.limits),
    })
}

fn others(names: Option<&Vec<String>>, own: &str) -> Vec<String> {
    let mut names: Vec<String> =
        names.into_iter().flatten().filter(|name| *name != own).cloned().collect();
    names.sort_unstable();
    names
}

/// What each key of a plan costs, everything counted once.
fn keys(plan: &Plan, assumptions: &Assumptions) -> Vec<KeyCost> {
    // No `..` here, so that whoever adds something to a plan says what it costs. What is remembered under
    // keys lies in tables, steps, timers, counted and graphs, and each of these has its `Place`.
    let Plan {
        tables,
        rules,
        steps: _,
        timers: _,
        counted: _,
        graphs: _,
        rulebook: _,
        series: _,
        woken: _,
        reads_ids: _,
        baselines: _,
        filters: _,
        patterns: _,
        words: _,
        kinds: _,
        legs: _,
        wanted: _,
        memos: _,
    } = plan;
    let mut by_key: BTreeMap<String, u64> = BTreeMap::new();
    for table in tables {
        let key = stored::key_words(&plan.rulebook.catalogue, &table.roles);
        let parts = table.series.len() + table.baselines.len();
        *by_key.entry(key).or_default() += bytes::key(table.roles.len(), parts);
    }
    let mut seen = BTreeMap::new();
    for rule in rules {
        for item in stored::of_rule(plan, rule, assumptions) {
            seen.entry(item.place).or_insert(item);
        }
    }
    for item in seen.into_values() {
        *by_key.entry(item.key).or_default() += item.bytes;
    }
    by_key.into_iter().map(|(key, bytes)| KeyCost { key, bytes }).collect()
}

#[cfg(test)]
mod tests;
