//! A rule must not look at where somebody comes from and at nothing else.
//!
//! Residence, nationality and birthplace may raise a risk beside what somebody did; a rule that they
//! decide alone treats people by their origin. The corridor of a payment (`tx.country`) is no origin.

use crate::rulebook::catalogue::Slot;
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::typed::{Expr, ExprKind, ParamValue, Rule};

/// Last parts of the names of fields that tell a person's origin, among facts about customers.
const ORIGINS: &[&str] = &[
    "country",
    "residence",
    "country_of_residence",
    "nationality",
    "nationalities",
    "citizenship",
    "country_of_citizenship",
    "birthplace",
    "birth_country",
    "place_of_birth",
    "country_of_birth",
    "ethnicity",
    "religion",
    "language",
];

/// What a condition reads.
#[derive(Clone, Copy, Default)]
struct Reads {
    origin: bool,
    other: bool,
}

/// Warns of a rule that a person's origin decides alone.
pub fn check(rule: &Rule) -> Vec<Diagnostic> {
    let Some(found) = decided_by_origin(rule, &rule.when) else { return Vec::new() };
    let title = "only the customer's origin decides";
    let label = "reads nothing that anybody did";
    let help = "add what was done: an amount, a number of payments, a corridor (`tx.country`)";
    let problem = Diagnostic::new("W212", &rule.path, found.span, title, label);
    vec![problem.with_help(help)]
}

/// The part of `expr` by which origin alone makes it true.
fn decided_by_origin<'r>(rule: &'r Rule, expr: &'r Expr) -> Option<&'r Expr> {
    match &expr.kind {
        ExprKind::Or(parts) => parts.iter().find_map(|part| decided_by_origin(rule, part)),
        ExprKind::Let(index) => decided_by_origin(rule, &rule.lets.get(*index)?.expr),
        _ => {
            let mut reads = Reads::default();
            collect(rule, expr, &mut reads);
            (reads.origin && !reads.other).then_some(expr)
        }
    }
}

fn collect(rule: &Rule, expr: &Expr, into: &mut Reads) {
    match &expr.kind {
        ExprKind::Field(slot) => into.field(rule, *slot),
        ExprKind::Param(index) => {
            if let Some(ParamValue::Table(table)) =
                rule.params.get(*index).map(|param| &param.value)
            {
                table.by.iter().for_each(|slot| into.field(rule, *slot));
            }
        }
        ExprKind::Let(index) => {
            if let Some(named) = rule.lets.get(*index) {
                collect(rule, &named.expr, into);
            }
        }
        // Windows hold what was done, and so does whatever else is not made of fields.
        ExprKind::Aggregate(_) | ExprKind::Score => into.other = true,
        _ => expr.parts().into_iter().for_each(|part| collect(rule, part, into)),
    }
}

impl Reads {
    fn field(&mut self, rule: &Rule, slot: Slot) {
        let path = rule.catalogue.field(slot).path.as_str();
        let is_personal = path.starts_with("customer.") || path.starts_with("kyc.");
        let last = path.rsplit('.').next().unwrap_or_default();
        if is_personal && ORIGINS.contains(&last) {
            self.origin = true;
        } else if !matches!(path, "now" | "customer.known") {
            self.other = true;
        }
    }
}
