//! One rule, compiled: the closures that decide, and those that explain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::rulebook::catalogue::{Family, Role, Slot, Type};
use crate::rulebook::personal::Names;
use crate::rulebook::typed::{
    AggregateFunction, AggregateIndex, Expr, ExprKind, Format, ParamValue, Rule, Status, Template,
    TemplatePart, Window,
};
use crate::rulebook::waking::Matches;

use super::closure::{BoolFn, Compiler, NumberFn, ValueFn, each_aggregate};
use super::frame::Read;
use super::graph;
use super::list_plan::{ListRef, list_refs};
use super::matches::MatchesRead;
use super::plan::{Layout, let_memos};
use super::row::Value;
use super::sequence::SequencePlan;
use super::strings::Symbol;
use super::text::WITHHELD;
use super::timer::TimerLayout;
use super::wake::Wake;
use super::witness::{Clause, clauses};

/// A compiled rule.
pub struct RulePlan {
    /// The rule.
    pub rule: Arc<Rule>,
    /// The rule's name as a symbol; a rule in shadow is another one than the same rule when active, so
    /// that what was found in shadow never holds back an alert.
    pub symbol: Symbol,
    /// The slot of the entity in the waking event.
    pub entity: Option<Slot>,
    /// The slots that part the matches of one entity, in the waking event.
    pub dedup: Vec<Slot>,
    /// The table keyed by the entity alone: its latest event time is the evaluation instant.
    pub entity_table: usize,
    /// Tables that any of its windows lie in, and the entity's.
    pub tables: BTreeSet<usize>,
    /// Tables of keys whose latest time is kept for this rule alone.
    pub timed: BTreeSet<usize>,
    /// Which legs it can match.
    pub wake: Wake,
    /// Cheap filter on the waking event.
    pub filter: Option<BoolFn>,
    /// The events that must have come before.
    pub sequence: Option<SequencePlan>,
    /// The timer that wakes it, among all timers.
    pub timer: Option<usize>,
    /// Its place among the rules whose matches others read.
    pub counted: Option<usize>,
    /// The condition.
    pub when: BoolFn,
    /// Named exceptions.
    pub unless: Vec<BoolFn>,
    /// The score.
    pub score: NumberFn,
    /// The alert's sentence.
    pub message: Vec<Piece>,
    /// The condition of the re-KYC request.
    pub rekyc_when: Option<BoolFn>,
    /// The reason of the re-KYC request.
    pub rekyc_reason: Vec<Piece>,
    /// What each of its aggregates reads, in the order of the rule.
    pub reads: Vec<Read>,
    /// What evidence shows.
    pub explanation: Explanation,
}

/// A piece of a message.
pub enum Piece {
    /// Fixed text.
    Text(String),
    /// A value of a type in a format.
    Value(ValueFn, Type, Format),
}

/// Closures that are called only when an alert is raised.
pub struct Explanation {
    /// Leaves of `when`.
    pub conditions: Vec<ConditionPlan>,
    /// All `let`s: name, closure, type.
    pub lets: Vec<(String, ValueFn, Type)>,
    /// All parameters: name, closure, type.
    pub params: Vec<(String, ValueFn, Type)>,
    /// Fields that the rule reads.
    pub facts: Vec<Slot>,
    /// Windows that the rule reads.
    pub windows: Vec<WindowRef>,
    /// What `where`, `when` and `rekyc.when` consist of, for whoever asks why the rule stayed quiet.
    pub clauses: [Vec<Clause>; 3],
    /// Lists that the rule reads.
    pub lists: Vec<ListRef>,
    /// Patterns that the rule searches for.
    pub patterns: Vec<PatternRef>,
    /// Matches of other rules that the rule counts.
    pub matches: Vec<MatchesRef>,
}

/// Matches of another rule that the rule counts.
pub struct MatchesRef {
    /// The `let` that holds just these, or their text.
    pub name: String,
    /// As written.
    pub text: String,
    /// Where they are.
    pub read: MatchesRead,
}

/// One leaf of `when`.
pub struct ConditionPlan {
    /// As written.
    pub text: String,
    /// Whether it holds.
    pub holds: BoolFn,
    /// The left side and its type.
    pub observed: Option<(ValueFn, Type)>,
    /// What comes before the right side (`>=`), and the right side and its type.
    pub threshold: Option<(String, Option<(ValueFn, Type)>)>,
}

/// A pattern that the rule searches for.
pub struct PatternRef {
    /// The `let` that holds it, or its text.
    pub name: String,
    /// As written.
    pub text: String,
    /// Its place.
    pub place: usize,
}

/// A window that the rule reads.
pub struct WindowRef {
    /// The `let` that holds just this aggregate, or its text.
    pub name: String,
    /// As written.
    pub text: String,
    /// Where it is.
    pub read: Read,
    /// Its span.
    pub window: Window,
    /// The column whose values are shown.
    pub column: Option<usize>,
    /// Type of what is read.
    pub ty: Type,
    /// What it gives names a person, and is not shown.
    pub is_withheld: bool,
}

impl RulePlan {
    /// Compiles `rule` into `layout`.
    pub fn new(rule: &Arc<Rule>, layout: &mut Layout) -> Self {
        let lets = let_memos(rule, layout);
        let shadow = if rule.status == Status::Shadow { " (shadow)" } else { "" };
        let symbol = layout.strings.intern(&format!("{}{shadow}", rule.name));
        let entity_table = layout.table(std::slice::from_ref(&rule.entity));
        let mut compiler = Compiler { rule, layout, lets };
        let filter = rule.filter.as_ref().map(|filter| compiler.condition(filter));
        let sequence = rule.sequence.as_ref().map(|it| SequencePlan::new(&mut compiler, it));
        let waits = rule.timer.as_ref().map(|it| TimerLayout::place(&mut compiler, it));
        let when = compiler.condition(&rule.when);
        let unless = rule.unless.iter().map(|item| compiler.condition(&item.expr)).collect();
        let score = compiler.number(&rule.alert.score);
        let message = pieces(&mut compiler, &rule.alert.message);
        let rekyc_when =
            rule.rekyc.as_ref().and_then(|spec| spec.when.as_ref()).map(|e| compiler.condition(e));
        let rekyc_reason =
            rule.rekyc.as_ref().map(|spec| pieces(&mut compiler, &spec.reason)).unwrap_or_default();
        let explanation = Explanation::new(&mut compiler);
        let reads = rule.aggregates.iter().map(|it| Layout::aggregate(&mut compiler, it)).collect();
        let mut tables: BTreeSet<usize> =
            explanation.windows.iter().map(|window| window.read.table()).collect();
        tables.insert(entity_table);
        let timed: BTreeSet<usize> =
            explanation.matches.iter().map(|matches| matches.read.table).collect();
        tables.extend(&timed);
        let last = rule.sequence.as_ref().and_then(|sequence| sequence.last()?.own.as_ref());
        let last = last.map_or(Wake::ALL, |own| Wake::of(rule, own));
        let filtered = rule.filter.as_ref().map_or(Wake::ALL, |filter| Wake::of(rule, filter));
        Self {
            symbol,
            wake: filtered.and(last).and(Wake::of(rule, &rule.when)),
            entity: layout.catalogue.role_slot(rule.entity, rule.trigger.family()),
            dedup: rule
                .alert
                .dedup
                .iter()
                .filter_map(|role| layout.catalogue.role_slot(*role, rule.trigger.family()))
                .collect(),
            entity_table,
            tables,
            timed,
            filter,
            sequence,
            timer: waits,
            counted: None,
            when,
            unless,
            score,
            message,
            rekyc_when,
            rekyc_reason,
            reads,
            explanation,
            rule: Arc::clone(rule),
        }
    }
}

fn pieces(compiler: &mut Compiler<'_>, template: &Template) -> Vec<Piece> {
    template
        .parts
        .iter()
        .map(|part| match part {
            TemplatePart::Text(text) => Piece::Text(text.clone()),
            TemplatePart::Value(expr, format) => {
                Piece::Value(compiler.value(expr), expr.ty, *format)
            }
        })
        .collect()
}

impl Explanation {
    fn new(compiler: &mut Compiler<'_>) -> Self {
        let rule = compiler.rule;
        let mut conditions = Vec::new();
        for step in rule.sequence.iter().flat_map(|sequence| &sequence.steps) {
            // What no step may be was not observed, and what its event alone decided is over.
            if step.name.is_some() {
                step.links.iter().for_each(|link| conditions_of(compiler, link, &mut conditions));
            }
        }
        let last = rule.sequence.as_ref().and_then(|sequence| sequence.last()?.own.as_ref());
        if let Some(own) = last {
            conditions_of(compiler, own, &mut conditions);
        }
        if !matches!(rule.when.kind, ExprKind::Literal(_)) {
            conditions_of(compiler, &rule.when, &mut conditions);
        }
        let lets = rule
            .lets
            .iter()
            .map(|item| {
                let (value, ty) = shown(compiler, &item.expr);
                (item.name.clone(), value, ty)
            })
            .collect();
        let params = (0..rule.params.len()).filter_map(|index| param(compiler, index)).collect();
        let mut facts = BTreeSet::new();
        rule.filter.iter().for_each(|expr| slots(rule, expr, &mut facts));
        let last = rule.sequence.as_ref().and_then(|sequence| sequence.last());
        last.into_iter()
            .flat_map(|step| step.own.iter().chain(&step.links))
            .for_each(|expr| slots(rule, expr, &mut facts));
        slots(rule, &rule.when, &mut facts);
        rule.unless.iter().for_each(|item| slots(rule, &item.expr, &mut facts));
        rule.lets.iter().for_each(|item| slots(rule, &item.expr, &mut facts));
        facts.remove(&Slot::NOW);
        let windows = windows(compiler);
        let patterns = patterns(compiler);
        let rekyc_when = rule.rekyc.as_ref().and_then(|spec| spec.when.as_ref());
        let clauses = [rule.filter.as_ref(), Some(&rule.when), rekyc_when]
            .map(|expr| clauses(compiler, expr));
        let lists = list_refs(compiler);
        let facts = facts.into_iter().collect();
        let matches = matches(compiler);
        Self { conditions, lets, params, facts, windows, clauses, lists, patterns, matches }
    }
}

/// The value of `expr` for evidence; one that names a person is withheld.
fn shown(compiler: &mut Compiler<'_>, expr: &Expr) -> (ValueFn, Type) {
    let value = compiler.value(expr);
    if Names::of(compiler.rule).shown_by(expr).is_none() {
        return (value, expr.ty);
    }
    let withheld = compiler.layout.strings.intern(WITHHELD);
    let value: ValueFn = Box::new(move |frame| match value(frame) {
        Value::Absent => Value::Absent,
        _ => Value::Text(withheld),
    });
    (value, Type::Text)
}

fn param(compiler: &mut Compiler<'_>, index: usize) -> Option<(String, ValueFn, Type)> {
    let param = compiler.rule.params.get(index)?;
    let expr = Expr {
        kind: match &param.value {
            ParamValue::Constant(literal) => ExprKind::Literal(literal.clone()),
            ParamValue::Table(_) => ExprKind::Param(index),
        },
        ty: param.ty,
        span: rule_start(),
    };
    Some((param.name.clone(), compiler.value(&expr), param.ty))
}

const fn rule_start() -> crate::rulebook::typed::SourceSpan {
    crate::rulebook::typed::SourceSpan { start: 0, end: 0 }
}

/// The leaves of `expr` under `and`, `or` and `not`, in the order of the text.
fn conditions_of(compiler: &mut Compiler<'_>, expr: &Expr, into: &mut Vec<ConditionPlan>) {
    match &expr.kind {
        ExprKind::And(parts) | ExprKind::Or(parts) => {
            for part in parts {
                conditions_of(compiler, part, into);
            }
        }
        _ => into.push(condition(compiler, expr)),
    }
}

/// A condition that can be told: whether it holds, what is seen and what that is held against.
pub fn condition(compiler: &mut Compiler<'_>, expr: &Expr) -> ConditionPlan {
    let text = squeeze(compiler.rule.text(expr.span));
    let holds = compiler.condition(expr);
    let (observed, threshold) = match &expr.kind {
        ExprKind::Compare(op, left, right) => {
            let observed = shown(compiler, left);
            let right = shown(compiler, right);
            (Some(observed), Some((op.word().to_owned(), Some(right))))
        }
        ExprKind::In { item, .. } => {
            let observed = shown(compiler, item);
            let set = text.split_once(" in ").map_or("", |(_, set)| set).trim().to_owned();
            let word = if text.contains(" not in ") { "not in" } else { "in" };
            (Some(observed), Some((format!("{word} {set}"), None)))
        }
        _ => (Some((compiler.value(expr), Type::Bool)), None),
    };
    ConditionPlan { text, holds, observed, threshold }
}

/// One line: a condition may be written over several.
pub fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The fields that `expr` reads by itself; those behind a `let` belong to the `let`.
fn slots(rule: &Rule, expr: &Expr, into: &mut BTreeSet<Slot>) {
    if let ExprKind::Field(slot) = &expr.kind {
        into.insert(*slot);
    }
    if let ExprKind::Param(index) = &expr.kind
        && let Some(ParamValue::Table(table)) = rule.params.get(*index).map(|param| &param.value)
    {
        into.extend(table.by.iter().copied());
    }
    for part in expr.parts() {
        slots(rule, part, into);
    }
}

/// All fields that any part of `rule` reads, and those that make up its keys.
pub fn wanted(rule: &Rule) -> BTreeSet<Slot> {
    let mut all = BTreeSet::from([Slot::NOW]);
    rule.each_expr(&mut |expr| slots(rule, expr, &mut all));
    for param in &rule.params {
        if let ParamValue::Table(table) = &param.value {
            all.extend(table.by.iter().copied());
        }
    }
    rule.patterns.iter().for_each(|pattern| all.extend(graph::slots(pattern, &rule.catalogue)));
    let keys = rule.aggregates.iter().flat_map(|item| item.by.iter().copied());
    let steps = rule.sequence.iter().flat_map(|sequence| sequence.by.iter().copied());
    let steps = steps.chain(rule.timer.iter().map(|timer| timer.by));
    let dedup = rule.alert.dedup.iter().copied();
    for role in keys.chain(steps).chain(dedup).chain([rule.entity, Role::CUSTOMER]) {
        all.extend(
            Family::ALL.map(|family| rule.catalogue.role_slot(role, family)).into_iter().flatten(),
        );
    }
    all
}

fn matches(compiler: &mut Compiler<'_>) -> Vec<MatchesRef> {
    let rule = compiler.rule;
    let of = |(index, matches): (usize, &Matches)| {
        let text = squeeze(rule.text(matches.span));
        let named = rule
            .lets
            .iter()
            .find(|item| matches!(item.expr.kind, ExprKind::Matches(read) if read == index));
        MatchesRef {
            name: named.map_or_else(|| text.clone(), |named| named.name.clone()),
            text,
            read: compiler.layout.matches(rule, matches),
        }
    };
    rule.matches.iter().enumerate().map(of).collect()
}

/// The aggregates that are read when the rule is judged, and not when an earlier step came.
fn read_at_the_end(rule: &Rule) -> BTreeSet<AggregateIndex> {
    let mut read = BTreeSet::new();
    let mut note = |expr: &Expr| {
        each_aggregate(rule, expr, &mut |index, _| {
            read.insert(index);
        });
    };
    let last = rule.sequence.as_ref().and_then(|sequence| sequence.last());
    last.into_iter().flat_map(|step| step.own.iter().chain(&step.links)).for_each(&mut note);
    rule.filter.iter().for_each(&mut note);
    note(&rule.when);
    rule.lets.iter().for_each(|item| note(&item.expr));
    rule.unless.iter().for_each(|item| note(&item.expr));
    note(&rule.alert.score);
    rule.alert.message.values().for_each(&mut note);
    if let Some(spec) = &rule.rekyc {
        spec.when.iter().chain(spec.reason.values()).for_each(note);
    }
    read
}

fn windows(compiler: &mut Compiler<'_>) -> Vec<WindowRef> {
    let rule = compiler.rule;
    let mut names: BTreeMap<AggregateIndex, String> = BTreeMap::new();
    for item in &rule.lets {
        if let ExprKind::Aggregate(index) = item.expr.kind {
            names.entry(index).or_insert_with(|| item.name.clone());
        }
    }
    let read = read_at_the_end(rule);
    rule.aggregates
        .iter()
        .enumerate()
        .filter(|(index, _)| read.contains(index))
        .map(|(index, aggregate)| {
            let read = Layout::aggregate(compiler, aggregate);
            let text = squeeze(rule.text(aggregate.span));
            let shown = aggregate.value.as_ref().and_then(|it| Names::of(rule).shown_by(it));
            let is_personal = shown.is_some();
            let is_number_of = matches!(
                aggregate.function,
                AggregateFunction::Count | AggregateFunction::Distinct
            );
            WindowRef {
                name: names.get(&index).cloned().unwrap_or_else(|| text.clone()),
                text,
                read,
                window: aggregate.window,
                column: column_of(compiler.layout, read).filter(|_| !is_personal),
                ty: aggregate.ty(),
                is_withheld: is_personal && !is_number_of,
            }
        })
        .collect()
}

fn patterns(compiler: &mut Compiler<'_>) -> Vec<PatternRef> {
    let rule = compiler.rule;
    let mut patterns = Vec::new();
    for (index, pattern) in rule.patterns.iter().enumerate() {
        let text = squeeze(rule.text(pattern.span));
        let is_it = |expr: &Expr| matches!(expr.kind, ExprKind::Pattern(it) if it == index);
        let name = rule.lets.iter().find(|item| is_it(&item.expr)).map(|item| item.name.clone());
        let place = graph::lay_out(compiler, pattern);
        patterns.push(PatternRef { name: name.unwrap_or_else(|| text.clone()), text, place });
    }
    patterns
}

fn column_of(layout: &Layout, read: Read) -> Option<usize> {
    let Read::Window(read) = read else { return None };
    layout.fold_column(read, read.reading.fold()?)
}
