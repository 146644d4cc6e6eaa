//! How much work an event makes: what is compared, read and moved, counted in the rule as it is compiled.
//!
//! These are numbers of steps and not of nanoseconds: how long a step takes depends on the machine, and
//! the bench `evaluate` measures it, rule by rule. They are the most that one event can cause; conditions
//! that cost little come first, so that most events cause far less.

use std::collections::BTreeSet;

use crate::engine::frame::Read;
use crate::engine::limits::Limits;
use crate::engine::plan::Plan;
use crate::engine::rule_plan::RulePlan;
use crate::rulebook::call::Call;
use crate::rulebook::meaning::canonical;
use crate::rulebook::typed::{Expr, ExprKind, LetIndex, Membership, ParamValue, Rule};

/// What one event can make the engine do for a rule, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Deciding what enters windows, steps and graphs.
    pub entering: Operations,
    /// Deciding whether the rule matches: `where`, `when`, exceptions.
    pub judging: Operations,
    /// Windows and baselines that are read.
    pub readings: u64,
    /// Changes of windows, folds, buckets, steps and graphs when an event enters and later leaves.
    pub updates: u64,
    /// Combinations of events that a sequence tries.
    pub tries: u64,
    /// Transfers and links that searches for patterns look at.
    pub visits: u64,
}

/// Steps of expressions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Comparisons, `has`, `in` with words, `starts_with`.
    pub comparisons: u64,
    /// Calculations.
    pub calculations: u64,
    /// Look-ups in lists and tables of parameters.
    pub lookups: u64,
    /// Comparisons of names and addresses, each as dear as some hundred others.
    pub likenesses: u64,
}

impl Operations {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.comparisons + self.calculations + self.lookups + self.likenesses
    }
}

/// Counts the work that `rule` makes in `plan`, where it is alone.
pub fn of_rule(plan: &Plan, rule: &RulePlan, limits: &Limits) -> Work {
    let source = &rule.rule;
    let mut work = Work::default();
    let mut entering = Count::new(source);
    for expr in entering_exprs(source) {
        entering.add(expr);
    }
    let mut judging = Count::new(source);
    source.filter.iter().for_each(|expr| judging.add(expr));
    if let Some(last) = source.sequence.as_ref().and_then(|sequence| sequence.last()) {
        last.own.iter().chain(&last.links).for_each(|expr| judging.add(expr));
    }
    judging.add(&source.when);
    source.unless.iter().for_each(|item| judging.add(&item.expr));
    work.entering = entering.operations;
    work.judging = judging.operations;
    let reads: Vec<Read> = rule.reads.clone();
    let different = |place: &usize| {
        let read = reads.get(*place);
        reads.iter().position(|it| Some(it) == read) == Some(*place)
    };
    work.readings = (0..reads.len()).filter(different).count() as u64;
    for table in &plan.tables {
        let windows = table.series.iter().flat_map(|series| &series.plan.windows);
        // Into the window and out of it, and the same for each fold beside the count.
        work.updates += windows.map(|window| 2 * (1 + window.folds.len() as u64)).sum::<u64>();
        work.updates += table.baselines.len() as u64;
    }
    work.updates += (plan.steps.len() + plan.timers.len() + plan.counted.len()) as u64;
    work.updates += 2 * plan.graphs.len() as u64;
    work.tries = source.sequence.iter().map(|_| limits.sequence_tries_max as u64).sum();
    work.visits = (plan.patterns.len() * limits.graph_visits_max) as u64;
    work
}

/// What is decided when an event comes and not when the rule is judged, equal filters once.
fn entering_exprs(rule: &Rule) -> Vec<&Expr> {
    let mut known = BTreeSet::new();
    let aggregates = rule.aggregates.iter().filter_map(|aggregate| aggregate.filter.as_ref());
    let patterns = rule.patterns.iter().filter_map(|pattern| pattern.filter.as_ref());
    let filters = aggregates.chain(patterns);
    let mut all: Vec<&Expr> =
        filters.filter(|filter| known.insert(canonical(rule, filter))).collect();
    if let Some(sequence) = &rule.sequence {
        let earlier = sequence.steps.len().saturating_sub(1);
        all.extend(sequence.steps.iter().take(earlier).filter_map(|step| step.own.as_ref()));
    }
    all
}

/// Counts steps; each `let` is worked out at most once per event.
struct Count<'a> {
    rule: &'a Rule,
    lets: BTreeSet<LetIndex>,
    operations: Operations,
}

impl<'a> Count<'a> {
    fn new(rule: &'a Rule) -> Self {
        Self { rule, lets: BTreeSet::new(), operations: Operations::default() }
    }

    fn add(&mut self, expr: &Expr) {
        use ExprKind as E;
        let count = &mut self.operations;
        match &expr.kind {
            E::Compare(..) | E::Has(_) | E::In { set: Membership::Words(_), .. } => {
                count.comparisons += 1;
            }
            E::In { set: Membership::List(_), .. } => count.lookups += 1,
            E::Param(index) => {
                let is_table = matches!(
                    self.rule.params.get(*index).map(|it| &it.value),
                    Some(ParamValue::Table(_))
                );
                count.lookups += u64::from(is_table);
            }
            E::Call(call, arguments) => match call {
                Call::StartsWith => count.comparisons += 1,
                Call::Hour | Call::Weekday | Call::DayOfMonth | Call::Mod => {
                    count.calculations += 1;
                }
                Call::Lookup { .. } => count.lookups += 1,
                Call::Convert { .. } => count.lookups += arguments.len() as u64,
                Call::NameSimilarity | Call::AddressSimilarity => count.likenesses += 1,
            },
            E::Negate(_)
            | E::Arithmetic(..)
            | E::Default(..)
            | E::If(..)
            | E::Min(..)
            | E::Max(..)
            | E::Clamp(..)
            | E::Abs(_)
            | E::Round(..) => count.calculations += 1,
            E::Let(index) => {
                if self.lets.insert(*index)
                    && let Some(inner) = self.rule.lets.get(*index)
                {
                    self.add(&inner.expr);
                }
            }
            // Free, or counted as a reading, a try or a visit.
            E::Literal(_)
            | E::Field(_)
            | E::Aggregate(_)
            | E::Matches(_)
            | E::EventId
            | E::Bound(..)
            | E::Pattern(_)
            | E::Member(..)
            | E::Score
            | E::Not(_)
            | E::And(_)
            | E::Or(_) => {}
        }
        for part in expr.parts() {
            self.add(part);
        }
    }
}
