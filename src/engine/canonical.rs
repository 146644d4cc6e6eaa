//! The meaning of an expression as text: equal texts keep equal state.
//!
//! Names of parameters and `let`s are replaced by what they stand for, so two rules that write the
//! same filter in other words share one series, and editing a comment moves no state.

use std::fmt::Write;

use crate::rulebook::typed::{Expr, ExprKind, Literal, Membership, ParamValue, Rule};

use super::closure::children;

/// The canonical text of `expr` in `rule`.
pub fn canonical(rule: &Rule, expr: &Expr) -> String {
    let mut text = String::new();
    write_expr(&mut text, rule, expr);
    text
}

fn write_expr(out: &mut String, rule: &Rule, expr: &Expr) {
    match &expr.kind {
        ExprKind::Literal(literal) => write_literal(out, literal),
        ExprKind::Field(slot) => out.push_str(slot.field().path),
        ExprKind::Param(index) => match rule.params.get(*index).map(|param| &param.value) {
            Some(ParamValue::Constant(literal)) => write_literal(out, literal),
            Some(ParamValue::Table(table)) => {
                out.push_str("(table");
                for slot in &table.by {
                    let _ = write!(out, " {}", slot.field().path);
                }
                for (pattern, literal) in &table.rows {
                    let _ = write!(out, " {pattern:?} ");
                    write_literal(out, literal);
                }
                if let Some(default) = &table.default {
                    out.push_str(" default ");
                    write_literal(out, default);
                }
                out.push(')');
            }
            None => out.push('?'),
        },
        ExprKind::Let(index) => match rule.lets.get(*index) {
            Some(inner) => write_expr(out, rule, &inner.expr),
            None => out.push('?'),
        },
        _ => {
            let _ = write!(out, "({}", head(&expr.kind));
            for child in children(expr) {
                out.push(' ');
                write_expr(out, rule, child);
            }
            out.push(')');
        }
    }
}

/// What an expression does with its parts.
fn head(kind: &ExprKind) -> String {
    match kind {
        ExprKind::Not(_) => "not".to_owned(),
        ExprKind::Negate(_) => "negate".to_owned(),
        ExprKind::And(_) => "and".to_owned(),
        ExprKind::Or(_) => "or".to_owned(),
        ExprKind::Compare(op, ..) => op.word().to_owned(),
        ExprKind::Arithmetic(op, ..) => format!("{op:?}"),
        ExprKind::In { set, negated, .. } => {
            let word = if *negated { "not in" } else { "in" };
            match set {
                Membership::Words(words) => format!("{word} {words:?}"),
                Membership::List(name) => format!("{word} list.{name}"),
            }
        }
        ExprKind::Default(..) => "default".to_owned(),
        ExprKind::If(..) => "if".to_owned(),
        ExprKind::Has(_) => "has".to_owned(),
        ExprKind::Min(..) => "min".to_owned(),
        ExprKind::Max(..) => "max".to_owned(),
        ExprKind::Clamp(..) => "clamp".to_owned(),
        ExprKind::Abs(_) => "abs".to_owned(),
        ExprKind::Round(_, places) => format!("round {places}"),
        ExprKind::Score => "score".to_owned(),
        ExprKind::Aggregate(index) => format!("aggregate {index}"),
        ExprKind::Literal(_) | ExprKind::Field(_) | ExprKind::Param(_) | ExprKind::Let(_) => {
            String::new()
        }
    }
}

fn write_literal(out: &mut String, literal: &Literal) {
    let _ = match literal {
        Literal::Number(number) => write!(out, "{}", number.normalize()),
        Literal::Text(text) => write!(out, "{text:?}"),
        Literal::Duration(span) => write!(out, "{}us", span.0),
        Literal::Bool(value) => write!(out, "{value}"),
    };
}
