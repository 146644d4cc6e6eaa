//! Whether an expression's value would show what names a person.
//!
//! Fields marked `personal` can be compared and matched, and are never shown: not in messages, which
//! the checker refuses, nor in evidence, where the engine writes `withheld`.

use super::catalogue::{Catalogue, Slot, Type};
use super::typed::{Aggregate, AggregateFunction, Expr, ExprKind, Let, Rule};
use super::waking::Step;

/// What an expression refers to by index.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The fields.
    pub catalogue: &'a Catalogue,
    /// The rule's `let`s.
    pub lets: &'a [Let],
    /// The rule's folds.
    pub aggregates: &'a [Aggregate],
    /// The steps of the rule's sequence, whose events are bound.
    pub steps: &'a [Step],
}

impl<'a> Names<'a> {
    /// What expressions of `rule` refer to.
    #[must_use]
    pub fn of(rule: &'a Rule) -> Self {
        Self {
            catalogue: &rule.catalogue,
            lets: &rule.lets,
            aggregates: &rule.aggregates,
            steps: rule.sequence.as_ref().map_or(&[], |sequence| sequence.steps.as_slice()),
        }
    }

    /// The personal field that the value of `expr` would show, if there is one.
    #[must_use]
    pub fn shown_by(self, expr: &Expr) -> Option<Slot> {
        // Whether something holds tells nothing by itself, and neither does a count or a likeness.
        if expr.ty == Type::Bool {
            return None;
        }
        match &expr.kind {
            ExprKind::Field(slot) => self.catalogue.field(*slot).is_personal.then_some(*slot),
            ExprKind::Bound(step, kept) => self.shown_by(self.steps.get(*step)?.kept.get(*kept)?),
            ExprKind::Let(index) => self.shown_by(&self.lets.get(*index)?.expr),
            ExprKind::Aggregate(index) => {
                let aggregate = self.aggregates.get(*index)?;
                match aggregate.function {
                    AggregateFunction::Count | AggregateFunction::Distinct => None,
                    _ => self.shown_by(aggregate.value.as_ref()?),
                }
            }
            ExprKind::Call(..) if expr.ty == Type::Number => {
                let parts = expr.parts();
                parts
                    .into_iter()
                    .filter(|part| part.ty != Type::Text)
                    .find_map(|it| self.shown_by(it))
            }
            _ => expr.parts().into_iter().find_map(|part| self.shown_by(part)),
        }
    }
}
