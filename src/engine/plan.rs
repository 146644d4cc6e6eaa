//! The compiled rulebook: which events wake which rules, which windows they feed, and the closures.
//!
//! Equal filters, series, columns, windows and folds of different rules are laid out once, so their
//! state is shared. A plan never changes; another rulebook gets another plan, and the state moves over
//! by the canonical text of what each series keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::domain::{Currency, Instant};
use crate::rulebook::Rulebook;
use crate::rulebook::catalogue::{Catalogue, EventName, EventSet, Family, Role};
use crate::rulebook::compose;
use crate::rulebook::meaning::canonical;
use crate::rulebook::typed::{
    Aggregate, AggregateFunction, Expr, ExprKind, Let, List, Percent, Rule, Status, Window,
};
use crate::rulebook::waking::Matches;

use super::baseline::BaselinePlan;
use super::baseline_plan::{self, BaselineLayout, Entering};
use super::closure::{BoolFn, Compiler, ValueFn};
use super::compiled_list::CompiledList;
use super::frame::{BaselineRead, Read, WindowRead};
use super::graph::{GraphLayout, GraphWords, PatternPlan};
use super::kind_plan::{Entries, KindPlan};
use super::matches::{CountedRule, MatchesRead};
use super::row::{Row, SlotSet};
use super::rule_plan::{self, RulePlan};
use super::sequence::StepLayout;
use super::strings::Strings;
use super::table::{CarryOver, RoleSlots};
use super::timer::TimerLayout;
use super::wake::{self, Wake};
use super::window::{ColumnKind, FoldKind, FoldPlan, Reading, SeriesPlan, WindowPlan};

/// Everything that follows from a rulebook.
pub struct Plan {
    /// The rulebook.
    pub rulebook: Arc<Rulebook>,
    /// Rules that are evaluated: each behind those whose matches it reads, else in order of their names.
    pub rules: Vec<RulePlan>,
    /// Key tables with their series.
    pub tables: Vec<TableLayout>,
    /// Series plans by table and series, as frames read them.
    pub series: Vec<Vec<SeriesPlan>>,
    /// What is kept of the steps of sequences.
    pub steps: Vec<StepLayout>,
    /// Timers.
    pub timers: Vec<TimerLayout>,
    /// By timer, the rules that it wakes.
    pub woken: Vec<Vec<usize>>,
    /// Rules whose matches others read.
    pub counted: Vec<CountedRule>,
    /// Whether some rule reads ids of events.
    pub reads_ids: bool,
    /// Baseline plans by table and baseline, as frames read them.
    pub baselines: Vec<Vec<BaselinePlan>>,
    /// Filters on entry, each evaluated once per row.
    pub filters: Vec<BoolFn>,
    /// What enters graphs.
    pub graphs: Vec<GraphLayout>,
    /// What is searched in them.
    pub patterns: Vec<PatternPlan>,
    /// Words that graphs know.
    pub words: GraphWords,
    /// What happens for each kind of event, by [`EventName::index`].
    pub(super) kinds: Vec<KindPlan>,
    /// What happens for a leg, by its place in the trigger index.
    pub(super) legs: Vec<KindPlan>,
    /// Fields that some rule reads.
    pub wanted: SlotSet,
    /// How many memo places rows need.
    pub memos: usize,
}

/// One key table.
pub struct TableLayout {
    /// The roles of its keys.
    pub roles: Vec<Role>,
    /// The fields that carry the roles, by family.
    pub slots: Vec<RoleSlots>,
    /// The roles' names with those fields: what makes it the same table under another catalogue.
    pub identity: String,
    /// What is kept under each key.
    pub series: Vec<SeriesLayout>,
    /// What is kept under each key, bucket by bucket.
    pub baselines: Vec<BaselineLayout>,
}

/// One series of a key table.
pub struct SeriesLayout {
    /// Which kinds of events enter.
    pub source: EventSet,
    /// Which of them: index into [`Plan::filters`].
    pub filter: Option<usize>,
    /// The filter's canonical text.
    pub filter_text: String,
    /// Which legs its filter can let in.
    pub wake: Wake,
    /// What is kept of each: canonical text and closure.
    pub columns: Vec<(String, ValueFn)>,
    /// Columns and windows.
    pub plan: SeriesPlan,
    /// Since when events were kept, if not from the beginning of the log: a rule that came later.
    pub seen_since: Option<Instant>,
}

/// The layout while rules are being compiled.
pub struct Layout {
    /// Fields and roles.
    pub catalogue: Arc<Catalogue>,
    /// All texts.
    pub strings: Strings,
    /// What is kept of the steps of sequences.
    pub steps: Vec<StepLayout>,
    /// Rules whose matches others read.
    pub counted: Vec<CountedRule>,
    /// Timers.
    pub timers: Vec<TimerLayout>,
    tables: Vec<TableLayout>,
    /// Filters on entry: canonical text, the legs that it can let in, and the test.
    pub filters: Vec<(String, Wake, BoolFn)>,
    /// What enters graphs.
    pub graphs: Vec<GraphLayout>,
    /// What is searched in them.
    pub patterns: Vec<PatternPlan>,
    memos: usize,
    /// Places of window readings.
    reads: Vec<(Read, usize)>,
    /// Places of values that several rules work out, by canonical text.
    shared_memos: BTreeMap<String, usize>,
    lists: BTreeMap<String, Arc<CompiledList>>,
    rulebook_lists: BTreeMap<String, List>,
    /// The institution's zone.
    pub zone: TimeZone,
    /// The institution's base currency.
    pub base_currency: Option<Currency>,
}

impl Plan {
    /// Compiles `rulebook`. `strings` must be the engine's own; they are given back beside the plan.
    pub fn new(rulebook: &Arc<Rulebook>, strings: Strings) -> (Self, Strings) {
        let mut layout = Layout {
            catalogue: Arc::clone(&rulebook.catalogue),
            strings,
            steps: Vec::new(),
            counted: Vec::new(),
            timers: Vec::new(),
            tables: Vec::new(),
            filters: Vec::new(),
            graphs: Vec::new(),
            patterns: Vec::new(),
            memos: 0,
            reads: Vec::new(),
            shared_memos: BTreeMap::new(),
            lists: BTreeMap::new(),
            rulebook_lists: rulebook.lists.clone(),
            zone: rulebook.institution.zone.clone(),
            base_currency: rulebook.institution.base_currency,
        };
        let mut rules: Vec<RulePlan> = compose::in_order(&rulebook.rules)
            .iter()
            .filter(|rule| rule.status != Status::Off)
            .map(|rule| RulePlan::new(rule, &mut layout))
            .collect();
        let Layout {
            mut strings,
            steps,
            counted,
            timers,
            tables,
            filters,
            graphs,
            patterns,
            memos,
            ..
        } = layout;
        let words = GraphWords::new(&mut strings);
        let parts = Entries { tables: &tables, steps: &steps, timers: &timers, graphs: &graphs };
        for rule in &mut rules {
            rule.counted = counted.iter().position(|counted| counted.name == rule.rule.name);
        }
        let all = EventName::all().map(|name| KindPlan::new(name, parts, &rules));
        let kinds: Vec<KindPlan> = all.collect();
        let legs = kinds.get(EventName::Transaction.index() as usize).map(|kind| {
            (0..wake::PLACES).map(|place| kind.for_legs_at(place, parts, &rules)).collect()
        });
        let series = tables
            .iter()
            .map(|table| table.series.iter().map(|series| series.plan.clone()).collect())
            .collect();
        let baselines = tables
            .iter()
            .map(|table| table.baselines.iter().map(|baseline| baseline.plan.clone()).collect())
            .collect();
        let filters = filters.into_iter().map(|(.., filter)| filter).collect();
        let mut wanted = SlotSet::default();
        for slot in rules.iter().flat_map(|rule| rule_plan::wanted(&rule.rule)) {
            wanted.insert(slot);
        }
        let reads_ids = rules.iter().any(|rule| reads_ids(&rule.rule));
        let plan = Self {
            rulebook: Arc::clone(rulebook),
            woken: woken(&rules, timers.len()),
            rules,
            tables,
            series,
            reads_ids,
            steps,
            counted,
            timers,
            baselines,
            filters,
            graphs,
            patterns,
            words,
            kinds,
            legs: legs.unwrap_or_default(),
            wanted,
            memos,
        };
        (plan, strings)
    }

    /// What happens for the event in `row`.
    pub fn kind(&self, row: &Row) -> Option<&KindPlan> {
        match row.place {
            Some(place) => self.legs.get(place),
            None => self.kinds.get(row.name.index() as usize),
        }
    }

    /// The longest span of any window that has one and of any graph, in microseconds: how long ids are kept.
    pub fn finite_retention(&self) -> i64 {
        let series = self.tables.iter().flat_map(|table| &table.series);
        let steps = self.steps.iter().map(|step| step.retention);
        let steps = steps.chain(self.counted.iter().map(|counted| counted.retention));
        let windows = series.filter_map(|series| series.plan.retention().span);
        let graphs = self.graphs.iter().map(|graph| graph.retention);
        windows.chain(steps).chain(graphs).max().unwrap_or(0)
    }
}

impl Layout {
    /// A place for a value that is worked out at most once per row.
    pub const fn memo(&mut self) -> usize {
        self.memos += 1;
        self.memos - 1
    }

    /// The place for a value that is the same for every rule that means `text`.
    fn shared_memo(&mut self, text: String) -> usize {
        let Self { memos, shared_memos, .. } = self;
        *shared_memos.entry(text).or_insert_with(|| {
            *memos += 1;
            *memos - 1
        })
    }

    /// The place for what is read of a window, the same for all rules that read it.
    pub fn read_memo(&mut self, read: Read) -> usize {
        let known = self.reads.iter().find(|(known, _)| *known == read).map(|(_, place)| *place);
        known.unwrap_or_else(|| {
            let place = self.memo();
            self.reads.push((read, place));
            place
        })
    }

    /// The compiled list named `name`; an unknown one is empty (the checker lets none through).
    pub fn list(&mut self, name: &str) -> Arc<CompiledList> {
        if let Some(list) = self.lists.get(name) {
            return Arc::clone(list);
        }
        let source = self.rulebook_lists.get(name).cloned().unwrap_or_default();
        let list = CompiledList::new(&source, |text| self.strings.intern(text));
        self.lists.insert(name.to_owned(), Arc::clone(&list));
        list
    }

    /// Notes that `rule` counts the matches of another.
    pub fn matches(&mut self, rule: &Rule, matches: &Matches) -> MatchesRead {
        let known = self.counted.iter().position(|counted| counted.name == matches.rule);
        let index = known.unwrap_or_else(|| {
            self.counted.push(CountedRule { name: matches.rule.clone(), retention: 0 });
            self.counted.len() - 1
        });
        if let Some(counted) = self.counted.get_mut(index) {
            counted.retention = counted.retention.max(matches.within.0);
        }
        MatchesRead {
            rule: index,
            within: matches.within.0,
            slot: self.catalogue.role_slot(matches.by, rule.trigger.family()),
            table: self.table(&[matches.by]),
            is_shadow: rule.status == Status::Shadow,
        }
    }

    /// The table of `roles`.
    pub fn table(&mut self, roles: &[Role]) -> usize {
        let found = self.tables.iter().position(|table| table.roles == roles);
        found.unwrap_or_else(|| {
            self.tables.push(TableLayout::new(&self.catalogue, roles));
            self.tables.len() - 1
        })
    }

    /// The column of a fold.
    pub fn fold_column(&self, read: WindowRead, fold: usize) -> Option<usize> {
        let series = self.tables.get(read.table)?.series.get(read.series)?;
        Some(series.plan.windows.get(read.window)?.folds.get(fold)?.column)
    }

    /// Lays out what `aggregate` of the compiler's rule reads.
    pub fn aggregate(compiler: &mut Compiler<'_>, aggregate: &Aggregate) -> Read {
        let (filter, filter_text) = compiler.filter(aggregate.filter.as_ref());
        let column = aggregate.value.as_ref().map(|value| {
            (canonical(compiler.rule, value), ColumnKind::of(value.ty), compiler.value(value))
        });
        let table = compiler.layout.table(&aggregate.by);
        compiler.layout.place(table, aggregate, filter, filter_text, column)
    }

    fn place(
        &mut self,
        table: usize,
        aggregate: &Aggregate,
        filter: Option<usize>,
        filter_text: String,
        column: Option<(String, ColumnKind, ValueFn)>,
    ) -> Read {
        let wake = filter.and_then(|index| self.filters.get(index)).map(|(_, wake, _)| *wake);
        let wake = wake.unwrap_or(Wake::ALL);
        let nothing = WindowRead { table, series: 0, window: 0, reading: Reading::Count };
        let nothing = Read::Window(nothing);
        let zone = self.zone.clone();
        let Some(table_layout) = self.tables.get_mut(table) else { return nothing };
        if let Some(per) = aggregate.per {
            let value = column.map(|(text, _, value)| (text, value));
            let entering = Entering { filter, filter_text, wake, value, zone };
            let baselines = &mut table_layout.baselines;
            let (baseline, reading) = baseline_plan::place(baselines, aggregate, per, entering);
            return Read::Baseline(BaselineRead { table, baseline, reading });
        }
        let known = table_layout.series.iter().position(|series| {
            series.source == aggregate.source && series.filter_text == filter_text
        });
        let series = known.unwrap_or_else(|| {
            table_layout.series.push(SeriesLayout {
                source: aggregate.source,
                filter,
                filter_text,
                wake,
                columns: Vec::new(),
                plan: SeriesPlan::default(),
                seen_since: None,
            });
            table_layout.series.len() - 1
        });
        let Some(layout) = table_layout.series.get_mut(series) else { return nothing };
        let column = column.map(|column| layout.column(column));
        let window = layout.window(aggregate.window);
        let reading = layout.reading(window, aggregate, column);
        Read::Window(WindowRead { table, series, window, reading })
    }
}

impl TableLayout {
    /// A table without series, for keys of `roles`.
    pub fn new(catalogue: &Catalogue, roles: &[Role]) -> Self {
        let slots: Vec<RoleSlots> = roles
            .iter()
            .map(|role| Family::ALL.map(|family| catalogue.role_slot(*role, family)))
            .collect();
        let mut identity = String::new();
        for role in roles {
            identity.push_str(&catalogue.role_text(*role));
            identity.push(' ');
        }
        Self { roles: roles.to_vec(), slots, identity, series: Vec::new(), baselines: Vec::new() }
    }

    /// Whether events of `family` carry all roles of its keys.
    pub fn has_key_in(&self, family: Family) -> bool {
        self.slots.iter().all(|slots| slots.get(family as usize).is_some_and(Option::is_some))
    }

    /// For each series, where its events come from under the plan `before`; a series that is new, or
    /// has a longer memory than before, notes since when it sees.
    pub fn carry_over(&mut self, before: Option<&Self>, watermark: Instant) -> Vec<CarryOver> {
        let has_seen = watermark > Instant::MIN;
        self.series
            .iter_mut()
            .map(|series| {
                let old = before.and_then(|before| {
                    let same = |old: &SeriesLayout| {
                        old.source == series.source && old.filter_text == series.filter_text
                    };
                    let place = before.series.iter().position(same)?;
                    Some((place, before.series.get(place)?))
                });
                let Some((place, old)) = old else {
                    series.seen_since = has_seen.then_some(watermark);
                    return None;
                };
                series.seen_since = old.seen_since.max(old.memory_start(&series.plan, watermark));
                let columns: Vec<Option<usize>> = series
                    .columns
                    .iter()
                    .map(|(text, _)| old.columns.iter().position(|(known, _)| known == text))
                    .collect();
                // Events kept so far lack the value of a new column: evidence must not claim them.
                if has_seen && columns.contains(&None) {
                    series.seen_since = Some(watermark);
                }
                Some((place, columns))
            })
            .collect()
    }
}

impl SeriesLayout {
    /// Since when this series has kept events, if `wanted` needs more than it kept.
    fn memory_start(&self, wanted: &SeriesPlan, watermark: Instant) -> Option<Instant> {
        let (kept, wanted) = (self.plan.retention(), wanted.retention());
        let span = kept.span?;
        let is_enough =
            wanted.span.is_some_and(|needed| needed <= span) && wanted.latest <= kept.latest;
        (!is_enough).then(|| Instant(watermark.0.saturating_sub(span)))
    }

    fn column(&mut self, (text, kind, value): (String, ColumnKind, ValueFn)) -> usize {
        let known = self.columns.iter().position(|(known, _)| *known == text);
        known.unwrap_or_else(|| {
            self.columns.push((text, value));
            self.plan.columns.push(kind);
            self.columns.len() - 1
        })
    }

    fn window(&mut self, window: Window) -> usize {
        let known = self.plan.windows.iter().position(|known| known.window == window);
        known.unwrap_or_else(|| {
            self.plan.windows.push(WindowPlan { window, folds: Vec::new() });
            self.plan.windows.len() - 1
        })
    }

    fn reading(&mut self, window: usize, aggregate: &Aggregate, column: Option<usize>) -> Reading {
        use AggregateFunction as F;
        let kind = match aggregate.function {
            F::Count => return Reading::Count,
            F::Since => return Reading::Since,
            F::Sum | F::Avg => FoldKind::Moments,
            F::Min => FoldKind::Min,
            F::Max => FoldKind::Max,
            F::First => FoldKind::First,
            F::Last => FoldKind::Last,
            F::Distinct => FoldKind::Distinct,
            F::Stddev => FoldKind::Spread,
            F::Median => FoldKind::Rank(Percent::MEDIAN),
            F::Percentile => FoldKind::Rank(aggregate.percent.unwrap_or(Percent::MEDIAN)),
        };
        let (Some(column), Some(window)) = (column, self.plan.windows.get_mut(window)) else {
            return Reading::Count;
        };
        let fold = FoldPlan { column, kind };
        let known = window.folds.iter().position(|known| *known == fold);
        let index = known.unwrap_or_else(|| {
            window.folds.push(fold);
            window.folds.len() - 1
        });
        match aggregate.function {
            F::Sum => Reading::Sum(index),
            F::Avg => Reading::Avg(index),
            F::Distinct => Reading::Distinct(index),
            _ => Reading::Pick(index),
        }
    }
}

/// The rule's place for each of its `let`s: the same as another rule's where both mean the same. What
/// reads the steps of a sequence is the rule's own, because the steps are bound rule by rule; so is what
/// counts matches, which more and more rules have had their turn for.
pub fn let_memos(rule: &Rule, layout: &mut Layout) -> Vec<usize> {
    let place = |item: &Let| {
        if is_of_rule(rule, &item.expr) {
            layout.memo()
        } else {
            let text = canonical(rule, &item.expr);
            layout.shared_memo(text)
        }
    };
    rule.lets.iter().map(place).collect()
}

/// Whether `expr` reads what the rule's own steps are bound to or what earlier rules came to, also by way
/// of a `let`.
fn is_of_rule(rule: &Rule, expr: &Expr) -> bool {
    let mut is_read = false;
    expr.each_part(&mut |part| {
        is_read |= match &part.kind {
            ExprKind::Bound(..) | ExprKind::Matches(_) => true,
            ExprKind::Let(index) => {
                rule.lets.get(*index).is_some_and(|inner| is_of_rule(rule, &inner.expr))
            }
            _ => false,
        };
    });
    is_read
}

/// Whether `rule` reads the ids of events.
fn reads_ids(rule: &Rule) -> bool {
    let mut is_read = false;
    rule.each_expr(&mut |expr| {
        expr.each_part(&mut |part| is_read |= matches!(part.kind, ExprKind::EventId));
    });
    is_read
}

/// By timer, the rules that it wakes, in the order in which rules are evaluated.
fn woken(rules: &[RulePlan], timers: usize) -> Vec<Vec<usize>> {
    let of = |timer| {
        let woken = rules.iter().enumerate().filter(move |(_, rule)| rule.timer == Some(timer));
        woken.map(|(index, _)| index).collect()
    };
    (0..timers).map(of).collect()
}
