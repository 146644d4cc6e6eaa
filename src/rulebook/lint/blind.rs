//! Conditions that an absent value makes blind: the rule is sound and sees nothing.
//!
//! Only what is certain or very likely a mistake: fields and keys that the event never carries, a
//! quotient that nobody has at first, alternatives that name every word of a field and forget those
//! without one.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::domain::event::{IdentityKind, SecurityKind};
use crate::rulebook::catalogue::{EventName, EventSet, Presence, Slot};
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::typed::{
    Aggregate, AggregateFunction, ArithmeticOp, CompareOp, Expr, ExprKind, Literal, Membership,
    Rule, SourceSpan, TemplatePart,
};

use super::facts::Facts;

/// What is known about a field that not all events of its family can have.
struct Carrier {
    path: &'static str,
    carries: fn(EventName) -> bool,
    why: &'static str,
}

/// Fields that only some events have; all others may be in any event of their family.
const CARRIERS: &[Carrier] = &[
    Carrier {
        path: "kyc.field",
        carries: |event| event == EventName::Kyc(IdentityKind::ProfileChanged),
        why: "only `kyc.profile_changed` says which part of the profile changed",
    },
    Carrier {
        path: "security.payee",
        carries: |event| event == EventName::Security(SecurityKind::PayeeAdded),
        why: "only `security.payee_added` names a payee",
    },
    Carrier {
        path: "customer.verified_at",
        carries: |event| event != EventName::Kyc(IdentityKind::Registered),
        why: "a customer who registers was not verified yet",
    },
];

struct Reading<'r> {
    rule: &'r Rule,
    problems: Vec<Diagnostic>,
}

/// Looks for blind conditions in `rule`.
pub fn check(rule: &Rule) -> Vec<Diagnostic> {
    let mut reading = Reading { rule, problems: Vec::new() };
    reading.fields();
    reading.keys();
    let mut parts = Vec::new();
    conjuncts(rule, &rule.when, &mut parts);
    reading.divisions(&parts);
    for part in parts {
        reading.alternatives(part);
    }
    reading.problems
}

impl<'r> Reading<'r> {
    fn report(
        &mut self,
        code: &'static str,
        span: SourceSpan,
        title: String,
        label: &str,
        help: String,
    ) {
        let problem = Diagnostic::new(code, &self.rule.path, span, title, label);
        self.problems.push(problem.with_help(help));
    }

    /// Fields that the event they are read of never has.
    fn fields(&mut self) {
        let rule = self.rule;
        let waking = EventSet::one(rule.trigger);
        let messages = rule.rekyc.iter().map(|rekyc| &rekyc.reason).chain([&rule.alert.message]);
        let places = messages.flat_map(|message| &message.parts).filter_map(|part| match part {
            TemplatePart::Value(expr, _) => Some(expr),
            TemplatePart::Text(_) => None,
        });
        let read = rule
            .filter
            .iter()
            .chain(rule.lets.iter().map(|named| &named.expr))
            .chain([&rule.when, &rule.alert.score])
            .chain(rule.unless.iter().map(|exception| &exception.expr))
            .chain(rule.rekyc.as_ref().and_then(|rekyc| rekyc.when.as_ref()))
            .chain(places);
        read.for_each(|expr| self.fields_of(expr, waking));
        for aggregate in &rule.aggregates {
            let read = aggregate.filter.iter().chain(&aggregate.value);
            read.for_each(|expr| self.fields_of(expr, aggregate.source));
        }
    }

    fn fields_of(&mut self, expr: &'r Expr, events: EventSet) {
        if let ExprKind::Field(slot) = expr.kind
            && let Some(carrier) = self.missing_from(slot, events)
        {
            let title = format!("`{}` is never there", carrier.path);
            let help = "wake on the event that has it, or count that event".to_owned();
            self.report("W213", expr.span, title, carrier.why, help);
        }
        expr.parts().into_iter().for_each(|part| self.fields_of(part, events));
    }

    /// Why no event of `events` has the field, if that is so.
    fn missing_from(&self, slot: Slot, events: EventSet) -> Option<&'static Carrier> {
        let path = self.rule.catalogue.field(slot).path.as_str();
        let carrier = CARRIERS.iter().find(|carrier| carrier.path == path)?;
        let mut kinds = EventName::all().filter(|event| events.contains(*event));
        kinds.all(|event| !(carrier.carries)(event)).then_some(carrier)
    }

    /// Keys that the counted events or the waking one never carry.
    fn keys(&mut self) {
        let waking = EventSet::one(self.rule.trigger);
        for aggregate in &self.rule.aggregates {
            for (events, what) in [
                (aggregate.source, "the counted events never"),
                (waking, "the event that wakes never"),
            ] {
                if let Some((word, carrier)) = self.keyless(aggregate, events) {
                    let title = format!("nothing is ever kept by {word} here");
                    let help = format!("{what} carry it: {}", carrier.why);
                    self.report("W214", aggregate.span, title, "never has a value", help);
                    break;
                }
            }
        }
    }

    fn keyless(
        &self,
        aggregate: &Aggregate,
        events: EventSet,
    ) -> Option<(&'r str, &'static Carrier)> {
        let catalogue = &self.rule.catalogue;
        let first = EventName::all().find(|event| events.contains(*event))?;
        aggregate.by.iter().find_map(|role| {
            let slot = catalogue.role_slot(*role, first.family())?;
            Some((catalogue.role_word(*role), self.missing_from(slot, events)?))
        })
    }

    /// Required comparisons of a quotient whose divisor nothing else speaks of.
    fn divisions(&mut self, parts: &[&'r Expr]) {
        let steps = Cell::new(0);
        for part in parts {
            let ExprKind::Compare(CompareOp::Greater | CompareOp::GreaterEqual, left, _) =
                &part.kind
            else {
                continue;
            };
            let Some((quotient, divisor)) = quotient_in(self.rule, left) else { continue };
            let others = || parts.iter().filter(|other| !std::ptr::eq(**other, *part));
            if others().any(|other| speaks_of(self.rule, other, divisor)) {
                continue;
            }
            let mut facts = Facts::none(self.rule, true, &steps);
            let mut given = self.rule.filter.iter().chain(others().copied());
            let can_be = given.all(|given| facts.assume(given, true));
            let possible = facts.possible(divisor);
            if !can_be || !(possible.is_absent || possible.interval().contains_zero()) {
                continue;
            }
            let written = one_line(self.rule.text(divisor.span));
            let title = format!("the quotient has no value while `{written}` is 0 or absent");
            let help = "compare a product instead (`a >= 3 * b`), say what stands in with `??`, or test \
                        the divisor beside it";
            let label = "so the rule does not see them";
            self.report("W215", quotient.span, title, label, help.to_owned());
        }
    }

    /// Alternatives that together name every word of a field, but not those who have none.
    fn alternatives(&mut self, part: &'r Expr) {
        let ExprKind::Or(ways) = &part.kind else { return };
        let mut common: Option<Vec<(Slot, BTreeSet<String>)>> = None;
        for way in ways {
            let words = self.words_of(way);
            common = Some(match common {
                None => words,
                Some(earlier) => earlier
                    .into_iter()
                    .filter_map(|(slot, seen)| {
                        let (_, new) = words.iter().find(|(other, _)| *other == slot)?;
                        Some((slot, &seen | new))
                    })
                    .collect(),
            });
        }
        for (slot, seen) in common.unwrap_or_default() {
            let field = self.rule.catalogue.field(slot);
            let is_complete = field.words().iter().all(|word| seen.contains(*word));
            if field.values.is_none() || !is_complete || field.presence == Presence::Always {
                continue;
            }
            let title = format!("the alternatives leave out those without `{}`", field.path);
            let help =
                format!("add one with `not has({})`, or give it a default with `??`", field.path);
            self.report("W216", part.span, title, "every word is named, absence is not", help);
        }
    }

    /// Fields that `way` needs to be one of some words.
    fn words_of(&self, way: &'r Expr) -> Vec<(Slot, BTreeSet<String>)> {
        let mut parts = Vec::new();
        conjuncts(self.rule, way, &mut parts);
        let words = |part: &&Expr| match &part.kind {
            ExprKind::Compare(CompareOp::Equal, left, right) => match (&left.kind, &right.kind) {
                (ExprKind::Field(slot), ExprKind::Literal(Literal::Text(word))) => {
                    Some((*slot, BTreeSet::from([word.clone()])))
                }
                _ => None,
            },
            ExprKind::In { item, set: Membership::Words(words), negated: false } => match item.kind
            {
                ExprKind::Field(slot) => Some((slot, words.iter().cloned().collect())),
                _ => None,
            },
            _ => None,
        };
        parts.iter().filter_map(words).collect()
    }
}

/// The conditions that must all hold for `expr` to hold.
pub fn conjuncts<'r>(rule: &'r Rule, expr: &'r Expr, into: &mut Vec<&'r Expr>) {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().for_each(|part| conjuncts(rule, part, into)),
        ExprKind::Let(index) => {
            if let Some(named) = rule.lets.get(*index) {
                conjuncts(rule, &named.expr, into);
            }
        }
        _ => into.push(expr),
    }
}

/// The first quotient without which `expr` has no value, and its divisor.
fn quotient_in<'r>(rule: &'r Rule, expr: &'r Expr) -> Option<(&'r Expr, &'r Expr)> {
    match &expr.kind {
        ExprKind::Arithmetic(ArithmeticOp::Divide, _, divisor)
            if !matches!(divisor.kind, ExprKind::Literal(_) | ExprKind::Param(_)) =>
        {
            Some((expr, divisor))
        }
        ExprKind::Let(index) => quotient_in(rule, &rule.lets.get(*index)?.expr),
        ExprKind::Arithmetic(..)
        | ExprKind::Round(..)
        | ExprKind::Abs(_)
        | ExprKind::Negate(_)
        | ExprKind::Min(..)
        | ExprKind::Max(..)
        | ExprKind::Clamp(..) => expr.parts().into_iter().find_map(|part| quotient_in(rule, part)),
        _ => None,
    }
}

/// Whether `expr` reads `wanted`, itself or through a `let`.
fn reads<'r>(rule: &'r Rule, expr: &'r Expr, wanted: &Expr) -> bool {
    if expr.is_same(wanted) {
        return true;
    }
    let named = match expr.kind {
        ExprKind::Let(index) => rule.lets.get(index),
        _ => None,
    };
    named.is_some_and(|named| reads(rule, &named.expr, wanted))
        || expr.parts().into_iter().any(|part| reads(rule, part, wanted))
}

/// Whether the condition `other` says something about `divisor`: it reads it, or what it is made of, or asks
/// for so many events of the key that the divisor is folded by.
fn speaks_of<'r>(rule: &'r Rule, other: &'r Expr, divisor: &'r Expr) -> bool {
    let mut made_of = Vec::new();
    sources_of(rule, divisor, &mut made_of);
    let fold = |expr: &Expr| match expr.kind {
        ExprKind::Aggregate(index) => rule.aggregates.get(index),
        _ => None,
    };
    let asked = match &other.kind {
        ExprKind::Compare(CompareOp::Greater | CompareOp::GreaterEqual, left, _) => {
            let mut counted = Vec::new();
            sources_of(rule, left, &mut counted);
            counted.into_iter().filter_map(fold).collect()
        }
        _ => Vec::new(),
    };
    let is_history = |of: &Aggregate| {
        let is_count = |it: &&Aggregate| it.function == AggregateFunction::Count && it.by == of.by;
        asked.iter().any(is_count)
    };
    reads(rule, other, divisor)
        || made_of.iter().any(|part| reads(rule, other, part))
        || made_of.iter().copied().filter_map(fold).any(is_history)
}

/// The fields and folds that `expr` is made of.
fn sources_of<'r>(rule: &'r Rule, expr: &'r Expr, into: &mut Vec<&'r Expr>) {
    match &expr.kind {
        // The time is in many conditions and says nothing about what is calculated with it.
        ExprKind::Field(Slot::NOW) => {}
        ExprKind::Field(_) | ExprKind::Aggregate(_) => into.push(expr),
        ExprKind::Let(index) => {
            if let Some(named) = rule.lets.get(*index) {
                sources_of(rule, &named.expr, into);
            }
        }
        _ => expr.parts().into_iter().for_each(|part| sources_of(rule, part, into)),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
