//! Which conditions may have no value.
//!
//! Most are never absent: a comparison with an absent value is false. A deployment's own field of type
//! `bool`, the first or latest truth in a window and a parameter without a row may be; so may what `if`
//! and `??` choose among such.

use super::catalogue::Presence;
use super::typed::{Expr, ExprKind, ParamValue, Rule};

/// Whether the condition `expr` may be absent, itself or by way of a `let`.
#[must_use]
pub fn may_be_absent(rule: &Rule, expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Aggregate(_) | ExprKind::Bound(..) => true,
        ExprKind::Field(slot) => rule.catalogue.field(*slot).presence == Presence::Maybe,
        ExprKind::Param(index) => match rule.params.get(*index).map(|param| &param.value) {
            Some(ParamValue::Table(table)) => table.default.is_none(),
            _ => false,
        },
        ExprKind::Let(index) => {
            rule.lets.get(*index).is_some_and(|inner| may_be_absent(rule, &inner.expr))
        }
        ExprKind::If(_, yes, no) => may_be_absent(rule, yes) || may_be_absent(rule, no),
        ExprKind::Default(first, second) => {
            may_be_absent(rule, first) && may_be_absent(rule, second)
        }
        _ => false,
    }
}
