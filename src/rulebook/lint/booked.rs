//! Amounts as booked that mean nothing without their currency.

use crate::rulebook::call::Call;
use crate::rulebook::catalogue::{Role, Slot};
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::typed::{Expr, ExprKind, Rule, SourceSpan};

/// Warns of a rule that reads `tx.local_amount` and never its currency. What is left of a division is the same
/// in every currency, and events counted by equal booked amounts are all of one.
pub fn check(rule: &Rule) -> Vec<Diagnostic> {
    let of_one_currency: Vec<SourceSpan> = rule
        .aggregates
        .iter()
        .filter(|aggregate| aggregate.by.contains(&Role::BOOKED_AMOUNT))
        .flat_map(|aggregate| aggregate.filter.iter().chain(&aggregate.value))
        .map(|expr| expr.span)
        .collect();
    let mut has_currency = false;
    let mut found = None;
    rule.each_expr(&mut |expr| {
        expr.each_part(&mut |part| {
            has_currency |= matches!(part.kind, ExprKind::Field(Slot::TX_CURRENCY));
        });
        if !of_one_currency.contains(&expr.span) {
            found = found.or_else(|| booked(expr));
        }
    });
    let Some(span) = found.filter(|_| !has_currency) else { return Vec::new() };
    let title = "`tx.local_amount` is read, but not its currency";
    let help = "test `tx.currency`, or use `tx.amount`, which is in the base currency";
    let problem = Diagnostic::new("W204", &rule.path, span, title, "an amount in any currency");
    vec![problem.with_help(help)]
}

/// Where `expr` reads an amount as booked.
fn booked(expr: &Expr) -> Option<SourceSpan> {
    match &expr.kind {
        ExprKind::Field(Slot::TX_LOCAL_AMOUNT) => Some(expr.span),
        ExprKind::Call(Call::Mod, _) => None,
        _ => expr.parts().into_iter().find_map(booked),
    }
}
