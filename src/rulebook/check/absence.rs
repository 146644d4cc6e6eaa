//! Warns where a value that may be absent decides against what its author meant.
//!
//! A comparison with an absent value is false. So `tx.device != "a"` is false and
//! `not (tx.device == "a")` is true when there is no device: two readings of one wish. Where such a
//! field, or what a row of a list says, stands under `!=`, `not in` or `not`, the rule should say what it
//! means by `has` or `??`. A sibling condition that can only hold when it is there says it too.

use std::collections::BTreeSet;

use crate::rulebook::call::Call;
use crate::rulebook::catalogue::{Presence, Slot, Type};
use crate::rulebook::typed::{
    AlertSpec, CompareOp, Expr, ExprKind, ParamValue, RekycSpec, SourceSpan,
};

use super::{Checker, Logic};

/// What is known to be there.
#[derive(Clone, Default)]
struct Present {
    fields: BTreeSet<Slot>,
    /// What rows of lists say.
    lookups: Vec<Expr>,
}

impl Present {
    fn append(&mut self, other: Self) {
        self.fields.extend(other.fields);
        self.lookups.extend(other.lookups);
    }
}

/// What may be absent, as written.
type Absentee = String;

impl Checker<'_> {
    pub(super) fn warn_of_absence(
        &mut self,
        logic: &Logic,
        alert: Option<&AlertSpec>,
        rekyc: Option<&RekycSpec>,
    ) {
        let mut found = Vec::new();
        let nothing = Present::default();
        let mut filtered = Present::default();
        if let Some(filter) = &logic.filter {
            self.visit(filter, &nothing, &mut found);
            self.present_if(filter, &mut filtered);
        }
        self.visit_steps(&mut filtered, &mut found);
        for named in &self.lets {
            self.visit(&named.expr, &filtered, &mut found);
        }
        for aggregate in &self.aggregates {
            for expr in aggregate.filter.iter().chain(&aggregate.value) {
                self.visit(expr, &nothing, &mut found);
            }
        }
        let mut matched = filtered.clone();
        if let Some(when) = &logic.when {
            self.visit(when, &filtered, &mut found);
            self.present_if(when, &mut matched);
        }
        for exception in &logic.unless {
            self.visit(&exception.expr, &matched, &mut found);
        }
        let score = alert.map(|alert| &alert.score).into_iter();
        for expr in score.chain(rekyc.and_then(|rekyc| rekyc.when.as_ref())) {
            self.visit(expr, &matched, &mut found);
        }
        for (span, path, is_true) in found {
            let outcome = if is_true { "true" } else { "false" };
            let title = format!("`{path}` may be absent, and then this is {outcome}");
            let help = format!("say what is meant: `has({path}) and ...`, or `{path} ?? \"none\"`");
            let label = format!("{outcome} too when there is no value");
            self.report("W201", span, title, label, Some(help));
        }
    }

    /// Visits the conditions of a sequence's steps. What that of the last one needs is there afterwards,
    /// since its event is the one that wakes the rule.
    fn visit_steps(&self, filtered: &mut Present, found: &mut Vec<(SourceSpan, Absentee, bool)>) {
        let last = self.steps.len().saturating_sub(1);
        for (index, step) in self.steps.iter().enumerate() {
            let mut present = Present::default();
            if let Some(own) = &step.own {
                self.visit(own, &present, found);
                self.present_if(own, &mut present);
            }
            // What ties a step to earlier ones reads its own event from what is remembered of it.
            for expr in step.links.iter().chain(&step.kept) {
                self.visit(expr, &present, found);
            }
            if index == last {
                filtered.append(present);
            }
        }
    }

    /// Finds negations in `expr` that an absent field decides: where, which, and what it becomes.
    fn visit(&self, expr: &Expr, present: &Present, found: &mut Vec<(SourceSpan, Absentee, bool)>) {
        match &expr.kind {
            ExprKind::And(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let mut beside = present.clone();
                    let others = parts.iter().enumerate().filter(|(other, _)| *other != index);
                    others.for_each(|(_, other)| self.present_if(other, &mut beside));
                    self.visit(part, &beside, found);
                }
            }
            ExprKind::Compare(CompareOp::NotEqual, left, right) => {
                let absentee = self.absentee(left, present).or(self.absentee(right, present));
                found.extend(absentee.map(|it| (expr.span, it, false)));
            }
            ExprKind::In { item, negated: true, .. } => {
                let absentee = self.absentee(item, present);
                found.extend(absentee.map(|it| (expr.span, it, false)));
            }
            ExprKind::Not(inner) => match self.absentee(inner, present) {
                Some(absentee) => found.push((expr.span, absentee, true)),
                None => self.visit(inner, present, found),
            },
            ExprKind::If(condition, yes, no) => {
                self.visit(condition, present, found);
                let mut held = present.clone();
                self.present_if(condition, &mut held);
                self.visit(yes, &held, found);
                self.visit(no, present, found);
            }
            _ => expr.parts().into_iter().for_each(|part| self.visit(part, present, found)),
        }
    }

    /// The first field or lookup in `expr` that may be absent and is not provided for.
    fn absentee(&self, expr: &Expr, present: &Present) -> Option<Absentee> {
        match &expr.kind {
            ExprKind::Field(slot) => {
                let field = self.catalogue.field(*slot);
                let may_be_absent = field.presence == Presence::Maybe;
                (may_be_absent && !present.fields.contains(slot)).then(|| field.path.clone())
            }
            // A truth that no row says is false, as everywhere.
            ExprKind::Call(Call::Lookup { .. }, _) if expr.ty != Type::Bool => {
                let is_there = present.lookups.iter().any(|known| known.is_same(expr));
                (!is_there).then(|| self.written(expr.span))
            }
            ExprKind::Has(_) => None,
            ExprKind::Default(_, fallback) => self.absentee(fallback, present),
            ExprKind::Let(index) => self.absentee(&self.lets.get(*index)?.expr, present),
            ExprKind::And(parts) => {
                let mut beside = present.clone();
                for part in parts {
                    if let ExprKind::Has(_) = part.kind {
                        self.present_if(part, &mut beside);
                    }
                }
                parts.iter().find_map(|part| self.absentee(part, &beside))
            }
            _ => expr.parts().into_iter().find_map(|part| self.absentee(part, present)),
        }
    }

    /// Adds the fields that must be there for `expr` to be true.
    fn present_if(&self, expr: &Expr, present: &mut Present) {
        match &expr.kind {
            ExprKind::And(parts) => parts.iter().for_each(|part| self.present_if(part, present)),
            ExprKind::Has(inner) => self.present_for(inner, present),
            ExprKind::In { item, .. } => self.present_for(item, present),
            ExprKind::Compare(_, left, right) => {
                self.present_for(left, present);
                self.present_for(right, present);
            }
            ExprKind::Call(..) => self.present_for(expr, present),
            ExprKind::Let(index) => {
                if let Some(named) = self.lets.get(*index) {
                    self.present_if(&named.expr, present);
                }
            }
            _ => {}
        }
    }

    /// Adds the fields that must be there for `expr` to have a value.
    fn present_for(&self, expr: &Expr, present: &mut Present) {
        match &expr.kind {
            ExprKind::Field(slot) => {
                present.fields.insert(*slot);
            }
            // A table without a default has no value when one of its fields has none.
            ExprKind::Param(index) => {
                if let Some(ParamValue::Table(table)) = self.params.get(*index).map(|p| &p.value)
                    && table.default.is_none()
                {
                    present.fields.extend(&table.by);
                }
            }
            ExprKind::Arithmetic(..)
            | ExprKind::Negate(_)
            | ExprKind::Abs(_)
            | ExprKind::Call(..) => {
                if matches!(expr.kind, ExprKind::Call(Call::Lookup { .. }, _)) {
                    present.lookups.push(expr.clone());
                }
                expr.parts().into_iter().for_each(|part| self.present_for(part, present));
            }
            _ => {}
        }
    }
}
