//! Sequences: their steps, the names that steps bind, and which part of a condition is decided when.

use crate::domain::Span;
use crate::rulebook::catalogue::{EventName, Family, Field, Role, Slot, Type};
use crate::rulebook::diagnostic::closest;
use crate::rulebook::parse;
use crate::rulebook::source::{Entry, Node, NodeKind};
use crate::rulebook::syntax::{RESERVED_WORDS, Syntax};
use crate::rulebook::typed::{Expr, ExprKind, ParamValue, SourceSpan, StepIndex};
use crate::rulebook::waking::{STEPS_MAX, Sequence, Step, steps_read};

use super::{Checker, Place};

/// Keys of `sequence`.
pub const SEQUENCE_KEYS: &[&str] = &["by", "within", "steps"];

/// Most roles of one key.
const ROLES_MAX: usize = 4;

const FORM: &str = "write `- its-name: EVENT where CONDITION`, or `- not: EVENT` between two steps";

/// What a sequence says besides its steps, and the conditions of these, not checked yet.
pub(super) struct SequenceHead {
    by: Option<Vec<Role>>,
    within: Option<Span>,
    conditions: Vec<Option<Syntax>>,
    is_good: bool,
}

impl Checker<'_> {
    /// Reads which events make up the sequence, so that their names are known to all that follows.
    pub(super) fn sequence_head(&mut self, root: &Node) -> Option<SequenceHead> {
        let entry = root.entry("sequence")?;
        if let Some(trigger) = root.entry("trigger") {
            let title = "a rule with a sequence has no `trigger`";
            let help = "the last step wakes the rule; delete this line".to_owned();
            self.report("E080", trigger.key_span, title, "one too many", Some(help));
        }
        let broken =
            SequenceHead { by: None, within: None, conditions: Vec::new(), is_good: false };
        let Some(_) = self.entries(entry, "`by`, `within` and `steps`") else {
            return Some(broken);
        };
        self.known_keys(&entry.value, SEQUENCE_KEYS, &[]);
        let what = "a sequence";
        let within =
            self.required(&entry.value, "within", entry.key_span, what).and_then(|within| {
                let length = self.duration(within)?;
                let help = "steps that lie so far apart need a shorter `within`";
                self.must_be_within_limit("a sequence", length, within.value.span, help)?;
                Some(length)
            });
        let steps = self.required(&entry.value, "steps", entry.key_span, what);
        let steps = steps.and_then(|steps| self.step_heads(steps));
        let by = self
            .required(&entry.value, "by", entry.key_span, what)
            .and_then(|by| self.sequence_key(by));
        let is_good = steps.is_some();
        Some(SequenceHead { by, within, conditions: steps.unwrap_or_default(), is_good })
    }

    fn step_heads(&mut self, entry: &Entry) -> Option<Vec<Option<Syntax>>> {
        let Some(items) = entry.value.items() else {
            let names = entry.value.entries().unwrap_or_default().iter();
            self.bound.extend(names.map(|step| step.key.clone()));
            let title = format!("`steps` is a list, this is {}", entry.value.describe());
            self.report("E012", entry.key_span, title, "not a list", Some(FORM.to_owned()));
            return None;
        };
        let mut conditions = Vec::new();
        let mut is_good = true;
        for item in items {
            match self.step_head(item) {
                Some((step, condition)) => {
                    self.steps.push(step);
                    conditions.push(condition);
                }
                None => is_good = false,
            }
        }
        if !is_good {
            return None;
        }
        self.steps_make_a_sequence(entry, items).then_some(conditions)
    }

    fn step_head(&mut self, item: &Node) -> Option<(Step, Option<Syntax>)> {
        let Some([entry]) = item.entries() else {
            let span = self.first_line(item.span);
            let title = "a step has one name and one event";
            self.report("E080", span, title, item.describe(), Some(FORM.to_owned()));
            return None;
        };
        let name = (entry.key != "not").then(|| entry.key.clone());
        if let Some(name) = &name {
            // A name whose step is wrong counts as known, so that one mistake is reported once.
            self.bound.insert(name.clone());
            self.step_name(name, entry.key_span);
        }
        let (event, condition) = self.event_node(&entry.value)?;
        if let Some(name) = &name {
            self.bound.remove(name);
        }
        let step = Step {
            name,
            event,
            own: None,
            links: Vec::new(),
            kept: Vec::new(),
            span: entry.value.span,
        };
        Some((step, condition))
    }

    fn step_name(&mut self, name: &str, span: SourceSpan) {
        let is_identifier = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let help = if !is_identifier {
            "use letters, digits and `_`, a letter first"
        } else if RESERVED_WORDS.contains(&name) {
            "the word has a meaning of its own; choose another"
        } else if self.steps.iter().any(|step| step.name.as_deref() == Some(name)) {
            "an earlier step has this name; choose another"
        } else {
            return;
        };
        let title = format!("`{name}` cannot name a step");
        self.report("E017", span, title, "not usable here", Some(help.to_owned()));
    }

    /// `EVENT where CONDITION` under a key.
    pub(super) fn event_node(&mut self, node: &Node) -> Option<(EventName, Option<Syntax>)> {
        let NodeKind::Scalar { is_raw, .. } = &node.kind else {
            let title = format!("an event is expected, this is {}", node.describe());
            let span = self.first_line(node.span);
            let help = "a condition that holds `: ` needs `|` before it".to_owned();
            self.report("E012", span, title, "not an event", Some(help));
            return None;
        };
        if !is_raw {
            let title = "an event cannot stand in quotes with escapes";
            let help = Some("put it on the lines below its key, after `|`".to_owned());
            self.report("E107", node.span, title, "holds an escaped character", help);
            return None;
        }
        let (syntax, problems) = parse::event(self.path, self.source, node.span);
        self.problems.extend(problems);
        let syntax = syntax?;
        let (word, span) = syntax.name;
        let Some(name) = EventName::parse(&word) else {
            self.unknown_event(&word, span);
            return None;
        };
        Some((name, syntax.filter))
    }

    /// Reports steps that are in order one by one, but make no sequence together.
    fn steps_make_a_sequence(&mut self, entry: &Entry, items: &[Node]) -> bool {
        let positive = self.steps.iter().filter(|step| step.name.is_some()).count();
        if positive < 2 {
            let title = "a sequence has at least two steps that happen";
            let help = "to wake on one event write `trigger: EVENT` with `where:`".to_owned();
            self.report("E080", entry.key_span, title, format!("here is {positive}"), Some(help));
            return false;
        }
        if let Some(beyond) = items.get(STEPS_MAX) {
            let title = format!("a sequence has at most {STEPS_MAX} steps");
            let span = self.first_line(beyond.span);
            self.report("E080", span, title, "one too many", None);
            return false;
        }
        let is_negative = |step: Option<&Step>| step.is_some_and(|step| step.name.is_none());
        let (first, last) = (is_negative(self.steps.first()), is_negative(self.steps.last()));
        if let (true, Some(item)) = (first, items.first()) {
            let title = "a sequence cannot start with `not`";
            let help = "it forbids an event between its neighbours; to ask for quiet before the first \
                        step, count in its condition: `count(EVENT) by customer over 30d == 0`";
            let span = self.first_line(item.span);
            self.report("E081", span, title, "nothing comes before it", Some(help.to_owned()));
        }
        if let (true, Some(item)) = (last, items.last()) {
            let title = "a sequence cannot end with `not`";
            let help = "that something does not come is known only by a clock: \
                        `trigger: { absent: EVENT, after: EVENT, by: customer, for: 30d }`";
            let span = self.first_line(item.span);
            self.report("E081", span, title, "no event wakes the rule", Some(help.to_owned()));
        }
        !first && !last
    }

    fn sequence_key(&mut self, entry: &Entry) -> Option<Vec<Role>> {
        let single = std::slice::from_ref(&entry.value);
        let nodes = entry.value.items().unwrap_or(single);
        if nodes.is_empty() || nodes.len() > ROLES_MAX {
            let title = format!("a key has one to {ROLES_MAX} roles");
            let label = format!("{} roles", nodes.len());
            let help = Some("write `by: customer`".to_owned());
            self.report("E080", entry.key_span, title, label, help);
            return None;
        }
        let mut roles = Vec::new();
        for node in nodes {
            let role = self.role(node.scalar().unwrap_or_default(), node.span)?;
            let families: Vec<Family> = self.steps.iter().map(|step| step.event.family()).collect();
            if let Some(missing) =
                families.into_iter().find(|it| self.catalogue.role_slot(role, *it).is_none())
            {
                self.role_not_there(role, missing, node.span, "not a role of every step");
                return None;
            }
            roles.push(role);
        }
        roles.sort_unstable();
        roles.dedup();
        Some(roles)
    }

    /// Checks the conditions of the steps and parts them; `None` also when there is no sequence.
    pub(super) fn sequence(&mut self, head: Option<SequenceHead>) -> Option<Sequence> {
        let head = head?;
        let mut is_good = head.is_good;
        let waking = self.trigger;
        let last = self.steps.len().saturating_sub(1);
        for (index, condition) in head.conditions.iter().enumerate() {
            let Some(condition) = condition else { continue };
            let event = self.steps.get(index).map(|step| step.event);
            // Windows and names are checked as for a rule that this step's event wakes.
            self.trigger = event;
            let place = Place {
                family: event.map(EventName::family),
                steps: index,
                own_step: Some(index),
                is_in_step: true,
                ..Place::default()
            };
            match self.condition(condition, place) {
                Some(condition) => self.part_condition(index, condition, index == last),
                None => is_good = false,
            }
        }
        self.trigger = waking;
        let (by, within) = (head.by?, head.within?);
        // Conditions further down may still ask for more to be remembered: see `assemble`.
        is_good.then(|| Sequence { by, within, steps: Vec::new() })
    }

    /// Parts the condition of a step into what its event decides and what ties it to earlier ones.
    fn part_condition(&mut self, index: StepIndex, condition: Expr, is_last: bool) {
        let (mut own, mut links) = (Vec::new(), Vec::new());
        for part in conjuncts(condition) {
            if steps_read(&part).is_empty() { own.push(part) } else { links.push(part) }
        }
        if !is_last {
            for link in &mut links {
                self.remember_parts(index, link);
            }
        }
        if let Some(step) = self.steps.get_mut(index) {
            step.own = joined(own);
            step.links = links;
        }
    }

    /// Puts what `expr` reads of its own event among what is remembered of it.
    fn remember_parts(&mut self, index: StepIndex, expr: &mut Expr) {
        if is_constant(expr, |param| {
            self.params.get(param).is_some_and(|it| matches!(it.value, ParamValue::Constant(_)))
        }) {
            return;
        }
        if steps_read(expr).is_empty() {
            let (ty, span) = (expr.ty, expr.span);
            let remembered = Expr { kind: ExprKind::Score, ty, span };
            let remembered = std::mem::replace(expr, remembered);
            *expr = self.remember(index, remembered);
            return;
        }
        for part in expr.parts_mut() {
            self.remember_parts(index, part);
        }
    }

    /// Reads `expr` later, of the event that step `index` binds.
    fn remember(&mut self, index: StepIndex, expr: Expr) -> Expr {
        let (ty, span) = (expr.ty, expr.span);
        let Some(step) = self.steps.get_mut(index) else { return expr };
        let known = step.kept.iter().position(|kept| kept.is_same(&expr));
        let place = known.unwrap_or_else(|| {
            step.kept.push(expr);
            step.kept.len() - 1
        });
        Expr { kind: ExprKind::Bound(index, place), ty, span }
    }

    /// Whether `path` speaks of a step.
    pub(super) fn is_of_step(&self, path: &str) -> bool {
        let name = path.split('.').next().unwrap_or_default();
        self.bound.contains(name)
            || self.steps.iter().any(|step| step.name.as_deref() == Some(name))
    }

    /// The value of `changed.field`, where a step is named `changed`.
    pub(super) fn bound_name(
        &mut self,
        path: &str,
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let (name, field) = path.split_once('.').unwrap_or((path, ""));
        if self.bound.contains(name) {
            return None;
        }
        let index = self.steps.iter().position(|step| step.name.as_deref() == Some(name))?;
        let event = self.steps.get(index)?.event;
        self.bound_value(index, (name, field, event), span, place)
    }

    fn bound_value(
        &mut self,
        index: StepIndex,
        (name, field, event): (&str, &str, EventName),
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let value = self.event_field((name, field, event), span)?;
        if place.own_step == Some(index) {
            return Some(value);
        }
        if index < place.steps {
            return Some(self.remember(index, value));
        }
        let title = format!("`{name}` is not bound here");
        let (label, help) = if place.is_in_aggregate {
            let help = "what enters a window is decided event by event, before any step is bound; \
                        compare outside the window";
            ("not known when an event enters a window", help)
        } else if place.is_in_step {
            ("binds only further down", "move the condition to the step that comes later")
        } else {
            let help = "move the condition into the step, or into `when`";
            ("the steps are bound after this is decided", help)
        };
        self.report("E083", span, title, label, Some(help.to_owned()));
        None
    }

    /// A field of the event that a step binds, as that event itself reads it.
    fn event_field(
        &mut self,
        (name, field, event): (&str, &str, EventName),
        span: SourceSpan,
    ) -> Option<Expr> {
        let (kind, ty) = match field {
            "at" => (ExprKind::Field(Slot::NOW), Type::Time),
            "id" => (ExprKind::EventId, Type::Text),
            _ => {
                let path = format!("{}.{field}", prefix(event.family()));
                let Some(known) = self.catalogue.by_path(&path) else {
                    self.unknown_field_of_step(name, field, event, span);
                    return None;
                };
                (ExprKind::Field(known.slot), known.ty)
            }
        };
        Some(Expr { kind, ty, span })
    }

    fn unknown_field_of_step(
        &mut self,
        name: &str,
        field: &str,
        event: EventName,
        span: SourceSpan,
    ) {
        let fields = self.catalogue.fields().iter();
        let known: Vec<&str> = fields
            .filter(|it| it.family == Some(event.family()))
            .map(Field::short_name)
            .chain(["at", "id"])
            .collect();
        let word = event.word();
        let (title, help) = if field.is_empty() {
            let help = format!("name one of its fields: `{name}.at`, `{name}.{}`", first(&known));
            (format!("`{name}` is an event, not a value"), help)
        } else {
            let help = closest(field, known.iter().copied()).map_or_else(
                || format!("it has {}", known.join(", ")),
                |close| format!("did you mean `{name}.{close}`?"),
            );
            (format!("`{name}` is a `{word}` and has no `{field}`"), help)
        };
        self.report("E082", span, title, "no such field", Some(help));
    }

    /// Whether `expr` holds such a part, itself or through a `let`.
    fn holds(&self, expr: &Expr, is_such: fn(&ExprKind) -> bool) -> bool {
        is_such(&expr.kind)
            || match expr.kind {
                ExprKind::Let(index) => {
                    self.lets.get(index).is_some_and(|named| self.holds(&named.expr, is_such))
                }
                _ => expr.parts().into_iter().any(|part| self.holds(part, is_such)),
            }
    }

    /// Reports a `let` that a step cannot read, because it is worked out only when all are there.
    pub(super) fn must_be_of_one_event(
        &mut self,
        name: &str,
        expr: &Expr,
        span: SourceSpan,
    ) -> Option<()> {
        let (label, help) = if self.holds(expr, |kind| matches!(kind, ExprKind::Bound(..))) {
            ("reads steps", "write the condition out here, with the names of earlier steps")
        } else if self.holds(expr, |kind| matches!(kind, ExprKind::Matches(_))) {
            let title = format!("`{name}` counts matches, which are not known here");
            let help = "compare it in `when`".to_owned();
            self.report("E087", span, title, "decided before any rule", Some(help));
            return None;
        } else if self.holds_aggregate(expr) {
            ("reads a window", "write the window out here, or compare it in `when`")
        } else {
            return Some(());
        };
        let then =
            if self.is_timed { "at the timer's instant" } else { "when the last step is there" };
        let title = format!("`{name}` is worked out only {then}");
        self.report("E084", span, title, label, Some(help.to_owned()));
        None
    }
}

fn first<'a>(words: &[&'a str]) -> &'a str {
    words.first().copied().unwrap_or_default()
}

/// What the fields of a family begin with.
const fn prefix(family: Family) -> &'static str {
    match family {
        Family::Transaction => "tx",
        Family::Kyc => "kyc",
        Family::Security => "security",
    }
}

/// Conditions that must all hold.
fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition.kind {
        ExprKind::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        _ => vec![condition],
    }
}

/// One condition of several; `None` of none.
fn joined(mut parts: Vec<Expr>) -> Option<Expr> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let start = parts.first()?.span.start;
    let end = parts.last()?.span.end;
    Some(Expr { kind: ExprKind::And(parts), ty: Type::Bool, span: SourceSpan { start, end } })
}

/// Whether `expr` is the same for every event.
fn is_constant(expr: &Expr, is_constant_param: impl Fn(usize) -> bool + Copy) -> bool {
    match expr.kind {
        ExprKind::Literal(_) => true,
        ExprKind::Param(index) => is_constant_param(index),
        ExprKind::Field(_)
        | ExprKind::EventId
        | ExprKind::Matches(_)
        | ExprKind::Let(_)
        | ExprKind::Aggregate(_)
        | ExprKind::Bound(..)
        | ExprKind::Score => false,
        _ => expr.parts().into_iter().all(|part| is_constant(part, is_constant_param)),
    }
}
