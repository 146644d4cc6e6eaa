//! What is remembered for a rule, piece by piece, in words and bytes.

use crate::domain::Span;
use crate::engine::baseline::BucketFold;
use crate::engine::frame::{Read, WindowRead};
use crate::engine::plan::Plan;
use crate::engine::rule_plan::{RulePlan, squeeze};
use crate::engine::sequence::SequencePlan;
use crate::engine::window::{FoldKind, Reading, SeriesPlan};
use crate::rulebook::catalogue::{Catalogue, EventName, EventSet, Family, Role};
use crate::rulebook::describe;
use crate::rulebook::pattern::Shape;
use crate::rulebook::typed::{Aggregate, BucketLength, Rule};
use crate::rulebook::waking::TimerKind;

use super::Assumptions;
use super::bytes::{self, Kept};

/// Where in a plan something is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Table and series.
    Series(usize, usize),
    /// Table and baseline.
    Baseline(usize, usize),
    /// Step of sequences.
    Step(usize),
    /// Timer.
    Timer(usize),
    /// Rule whose matches are counted.
    Matches(usize),
    /// Graph.
    Graph(usize),
}

/// One thing that is remembered under each key.
#[derive(Clone, Debug)]
pub struct Stored {
    pub(super) place: Place,
    /// What kind of thing.
    pub kind: Kind,
    /// The roles of the key.
    pub key: String,
    /// Of which events, with their condition as written.
    pub of: String,
    /// What is kept.
    pub holds: String,
    /// For how long; `None` for ever.
    pub kept_for: Option<Span>,
    /// How many entries.
    pub count: u64,
    /// Bytes of each.
    pub bytes_each: u64,
    /// Bytes of all, with the folds and what stands around them.
    pub bytes: u64,
    /// What the rule reads of it.
    pub folds: Vec<Fold>,
    /// Other rules that read it, by name.
    pub shared_with: Vec<String>,
}

/// The kinds of what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Each event in a window.
    Events,
    /// A number per bucket of time.
    Buckets,
    /// Events of a step of a sequence.
    Step,
    /// A timer.
    Timer,
    /// Matches of another rule.
    Matches,
    /// Transfers between accounts.
    Flows,
    /// Identifiers of customers.
    Links,
}

/// One aggregate of a rule.
#[derive(Clone, Debug)]
pub struct Fold {
    read: Read,
    /// The `let` that holds just this, if there is one.
    pub name: Option<String>,
    /// As written.
    pub text: String,
    /// The window.
    pub window: String,
    /// What runs along.
    pub holds: &'static str,
    /// Bytes beside those of the events.
    pub bytes: u64,
    /// Other rules that read the very same, by name.
    pub shared_with: Vec<String>,
}

impl Kind {
    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Buckets => "buckets",
            Self::Step => "step",
            Self::Timer => "timer",
            Self::Matches => "matches",
            Self::Flows => "flows",
            Self::Links => "links",
        }
    }
}

/// The places that a rule uses, one per aggregate, pattern, count of matches, step and timer, in the
/// order of the rule; the same place may come again.
pub(super) fn places(plan: &Plan, rule: &RulePlan) -> Vec<Place> {
    let reads = rule.reads.iter().map(|read| match *read {
        Read::Window(WindowRead { table, series, .. }) => Place::Series(table, series),
        Read::Baseline(read) => Place::Baseline(read.table, read.baseline),
    });
    let graphs = rule.explanation.patterns.iter().map(|pattern| {
        let graph = plan.patterns.get(pattern.place).map(|pattern| pattern.graph);
        Place::Graph(graph.unwrap_or(usize::MAX))
    });
    let matches = rule.explanation.matches.iter().map(|matches| Place::Matches(matches.read.rule));
    let steps = rule.sequence.iter().flat_map(SequencePlan::layouts).map(Place::Step);
    let timer = rule.timer.map(Place::Timer);
    reads.chain(graphs).chain(matches).chain(steps).chain(timer).collect()
}

/// Everything that is remembered for `rule`, each once.
pub(super) fn of_rule(plan: &Plan, rule: &RulePlan, assumptions: &Assumptions) -> Vec<Stored> {
    let tour = Tour { plan, rule, source: &rule.rule, assumptions };
    let mut all: Vec<Stored> = Vec::new();
    for (position, place) in places(plan, rule).into_iter().enumerate() {
        if all.iter().all(|known| known.place != place) {
            all.extend(tour.at(position, place));
        }
    }
    all
}

/// One rule, and where to look.
struct Tour<'a> {
    plan: &'a Plan,
    rule: &'a RulePlan,
    source: &'a Rule,
    assumptions: &'a Assumptions,
}

impl Tour<'_> {
    /// What is remembered at `place`, which is at `position` among the places of the rule.
    fn at(&self, position: usize, place: Place) -> Option<Stored> {
        let aggregates = self.rule.reads.len();
        let patterns = aggregates + self.rule.explanation.patterns.len();
        let matches = patterns + self.rule.explanation.matches.len();
        let behind = |before: usize| position.checked_sub(before);
        match place {
            Place::Series(table, series) => self.series(place, (table, series), position),
            Place::Baseline(table, baseline) => self.baseline(place, (table, baseline), position),
            Place::Graph(graph) => self.graph(place, graph, behind(aggregates)?),
            Place::Matches(counted) => self.matches(place, counted, behind(patterns)?),
            Place::Step(layout) => self.step(place, layout, behind(matches)?),
            Place::Timer(_) => self.timer(place),
        }
    }

    fn series(
        &self,
        place: Place,
        (table, series): (usize, usize),
        first: usize,
    ) -> Option<Stored> {
        let layout = self.plan.tables.get(table)?.series.get(series)?;
        let aggregate = self.source.aggregates.get(first)?;
        let kept = bytes::series(&layout.plan, self.assumptions);
        let windows = layout.plan.windows.iter();
        let running: u64 = windows
            .flat_map(|window| window.folds.iter().map(move |fold| (window, *fold)))
            .map(|(window, fold)| bytes::fold(window, fold, self.assumptions))
            .sum();
        let here = self.source.aggregates.iter().zip(&self.rule.reads);
        let values = here
            .filter(|(_, read)| is_at(**read, place))
            .filter_map(|(it, _)| Some(squeeze(self.source.text(it.value.as_ref()?.span))));
        let retention = layout.plan.retention();
        Some(Stored {
            key: key_words(&self.source.catalogue, &aggregate.by),
            of: entering(self.source, aggregate),
            holds: with("each event: time", values),
            kept_for: retention.span.map(|span| self.spared(span)),
            bytes: kept.bytes.saturating_add(running),
            folds: self.folds(place),
            ..of(place, Kind::Events, kept)
        })
    }

    fn baseline(&self, place: Place, (table, at): (usize, usize), first: usize) -> Option<Stored> {
        let plan = &self.plan.tables.get(table)?.baselines.get(at)?.plan;
        let aggregate = self.source.aggregates.get(first)?;
        let bucket = match plan.length {
            BucketLength::Hour => "hour",
            BucketLength::Day => "day",
            BucketLength::Week => "week",
        };
        let sum = if plan.is_sum { "count and exact sum" } else { "count" };
        let kept = bytes::baseline(plan, self.assumptions);
        Some(Stored {
            key: key_words(&self.source.catalogue, &aggregate.by),
            of: entering(self.source, aggregate),
            holds: format!("per {bucket} with events: {sum}"),
            kept_for: Some(self.spared(plan.reach())),
            folds: self.folds(place),
            ..of(place, Kind::Buckets, kept)
        })
    }

    fn step(&self, place: Place, layout: usize, step: usize) -> Option<Stored> {
        let layout = self.plan.steps.get(layout)?;
        let sequence = self.source.sequence.as_ref()?;
        let step = sequence.steps.get(step)?;
        let kept = bytes::step(layout.retention, layout.values_count(), self.assumptions);
        let values = step.kept.iter().map(|kept| squeeze(self.source.text(kept.span)));
        Some(Stored {
            key: key_words(&self.source.catalogue, &sequence.by),
            of: squeeze(self.source.text(step.span)),
            holds: with("each event: time", values),
            kept_for: Some(self.spared(layout.retention)),
            ..of(place, Kind::Step, kept)
        })
    }

    fn timer(&self, place: Place) -> Option<Stored> {
        let timer = self.source.timer.as_ref()?;
        let holds = match &timer.kind {
            TimerKind::Absent { .. } => "the instant that is waited for, and since which event",
            TimerKind::Due { .. } => "the date that is waited for, and which event told it",
        };
        Some(Stored {
            key: key_words(&self.source.catalogue, &[timer.by]),
            of: describe::trigger(self.source),
            holds: holds.to_owned(),
            ..of(place, Kind::Timer, bytes::timer())
        })
    }

    fn matches(&self, place: Place, counted: usize, read: usize) -> Option<Stored> {
        let counted = self.plan.counted.get(counted)?;
        let read = self.source.matches.get(read)?;
        Some(Stored {
            key: key_words(&self.source.catalogue, &[read.by]),
            of: format!("matches of {}", counted.name),
            holds: "each match: time".to_owned(),
            kept_for: Some(self.spared(counted.retention)),
            ..of(place, Kind::Matches, bytes::matched(counted.retention, self.assumptions))
        })
    }

    fn graph(&self, place: Place, graph: usize, pattern: usize) -> Option<Stored> {
        let graph = self.plan.graphs.get(graph)?;
        let pattern = self.source.patterns.get(pattern)?;
        let (kind, holds, kept) = match &pattern.shape {
            Shape::Cycle { .. }
            | Shape::PassThrough { .. }
            | Shape::GatherScatter { .. }
            | Shape::ScatterGather { .. } => (
                Kind::Flows,
                "each transfer at both its accounts: time, amount, other account",
                bytes::flows(graph.retention, self.assumptions),
            ),
            Shape::Shared { roles, .. } => (
                Kind::Links,
                "each identifier of a customer: first and latest use",
                bytes::links(graph.retention, roles.len(), self.assumptions),
            ),
        };
        let filter = pattern.filter.as_ref().map(|it| squeeze(self.source.text(it.span)));
        let filter = filter.map(|text| format!(" where {text}")).unwrap_or_default();
        Some(Stored {
            key: key_words(&self.source.catalogue, &[pattern.shape.form().role()]),
            of: event_words(graph.events) + &filter,
            holds: holds.to_owned(),
            kept_for: Some(self.spared(graph.retention)),
            ..of(place, kind, kept)
        })
    }

    /// The rule's aggregates that read what is at `place`.
    fn folds(&self, place: Place) -> Vec<Fold> {
        let aggregates = self.source.aggregates.iter().enumerate().zip(&self.rule.reads);
        aggregates
            .filter(|(_, read)| is_at(**read, place))
            .map(|((index, aggregate), &read)| {
                let (holds, bytes) = self.fold(read).unwrap_or(("", 0));
                Fold {
                    read,
                    name: describe::name_of_aggregate(self.source, index).map(str::to_owned),
                    text: squeeze(self.source.text(aggregate.span)),
                    window: describe::window(aggregate),
                    holds,
                    bytes,
                    shared_with: Vec::new(),
                }
            })
            .collect()
    }

    /// What runs along with a window or is worked out of buckets, and its bytes.
    fn fold(&self, read: Read) -> Option<(&'static str, u64)> {
        let read = match read {
            Read::Window(read) => read,
            Read::Baseline(read) => {
                let baseline = self.plan.tables.get(read.table)?.baselines.get(read.baseline)?;
                let holds = match baseline.plan.readings.get(read.reading)?.fold {
                    BucketFold::Avg => "mean, once per bucket",
                    BucketFold::Stddev => "standard deviation, once per bucket",
                    BucketFold::Min => "smallest, once per bucket",
                    BucketFold::Max => "largest, once per bucket",
                    BucketFold::Rank(_) => "percentile, once per bucket",
                };
                return Some((holds, 0));
            }
        };
        let plan: &SeriesPlan = &self.plan.tables.get(read.table)?.series.get(read.series)?.plan;
        let window = plan.windows.get(read.window)?;
        let Some(fold) = read.reading.fold() else {
            let holds = match read.reading {
                Reading::Since => "latest event",
                Reading::Count
                | Reading::Sum(_)
                | Reading::Avg(_)
                | Reading::Pick(_)
                | Reading::Distinct(_) => "running count",
            };
            return Some((holds, 0));
        };
        let fold = *window.folds.get(fold)?;
        let holds = match fold.kind {
            FoldKind::Moments => "running sum and count",
            FoldKind::Min => "candidates for the smallest",
            FoldKind::Max => "candidates for the largest",
            FoldKind::First => "candidates for the oldest",
            FoldKind::Last => "latest value",
            FoldKind::Distinct => "tally of different values",
            FoldKind::Spread => "running sums of values and squares",
            FoldKind::Rank(_) => "all values in order",
        };
        Some((holds, bytes::fold(window, fold, self.assumptions)))
    }

    /// How long what matters for so long is kept, so that an event can be judged again.
    const fn spared(&self, retention: i64) -> Span {
        Span(retention.saturating_add(self.assumptions.limits.judge_again_within.0))
    }
}

/// Notes for each fold which other rules read the very same in the common plan.
pub(super) fn share_folds(stored: &mut [Stored], alone: &RulePlan, common: (&Plan, &RulePlan)) {
    let (plan, rule) = common;
    for fold in stored.iter_mut().flat_map(|item| &mut item.folds) {
        let index = alone.reads.iter().position(|read| *read == fold.read);
        let read = index.and_then(|index| rule.reads.get(index));
        let others = plan.rules.iter().filter(|it| it.rule.name != rule.rule.name);
        fold.shared_with = others
            .filter(|other| read.is_some_and(|read| other.reads.contains(read)))
            .map(|other| other.rule.name.clone())
            .collect();
        fold.shared_with.sort_unstable();
    }
}

fn is_at(read: Read, place: Place) -> bool {
    match (read, place) {
        (Read::Window(read), Place::Series(table, series)) => {
            (read.table, read.series) == (table, series)
        }
        (Read::Baseline(read), Place::Baseline(table, baseline)) => {
            (read.table, read.baseline) == (table, baseline)
        }
        _ => false,
    }
}

fn of(place: Place, kind: Kind, Kept { count, each, bytes }: Kept) -> Stored {
    Stored {
        place,
        kind,
        key: String::new(),
        of: String::new(),
        holds: String::new(),
        kept_for: None,
        count,
        bytes_each: each,
        bytes,
        folds: Vec::new(),
        shared_with: Vec::new(),
    }
}

/// `first` and the different `values` behind it.
fn with(first: &str, values: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = vec![first.to_owned()];
    for value in values {
        if !words.contains(&value) {
            words.push(value);
        }
    }
    words.join(", ")
}

/// The events that enter for an aggregate, as written.
fn entering(rule: &Rule, aggregate: &Aggregate) -> String {
    let filter = aggregate.filter.as_ref().map(|it| squeeze(rule.text(it.span)));
    let filter = filter.map(|text| format!(" where {text}")).unwrap_or_default();
    event_words(aggregate.source) + &filter
}

/// The kinds of events of a set; a whole family by its first word.
fn event_words(events: EventSet) -> String {
    let mut words = Vec::new();
    let mut left = events;
    for family in Family::ALL {
        let all = EventSet::family(family);
        if events.0 & all.0 == all.0 && family != Family::Transaction {
            words.push(format!("{}.*", family.word()));
            left.0 &= !all.0;
        }
    }
    let single = EventName::all().filter(|name| left.contains(*name)).map(EventName::word);
    words.splice(0..0, single);
    words.join(", ")
}

/// The roles of a key.
pub(super) fn key_words(catalogue: &Catalogue, roles: &[Role]) -> String {
    let words: Vec<&str> = roles.iter().map(|role| catalogue.role_word(*role)).collect();
    words.join(", ")
}
