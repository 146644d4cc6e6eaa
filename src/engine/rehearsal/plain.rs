//! A rule without what cannot decide anything in it.
//!
//! In: a checked rule. Out: the same rule written more plainly, so that two forms of a rule that match
//! alike become equal. What is left out is certain: it follows from the contract of absent values and
//! from the lifecycle of identities, never from a guess at what fields may hold.

use crate::domain::Verification;
use crate::rulebook::catalogue::Slot;
use crate::rulebook::typed::{Expr, ExprKind, Membership, Rule};

/// `rule` as plainly as it can be said.
pub fn plain(mut rule: Rule) -> Rule {
    expressions(&mut rule).into_iter().for_each(simplify);
    rule
}

/// Everything in `rule` that is evaluated.
fn expressions(rule: &mut Rule) -> Vec<&mut Expr> {
    let mut all: Vec<&mut Expr> = rule.filter.iter_mut().collect();
    all.extend(rule.lets.iter_mut().map(|named| &mut named.expr));
    for aggregate in &mut rule.aggregates {
        all.extend(aggregate.filter.iter_mut().chain(&mut aggregate.value));
    }
    for step in rule.sequence.iter_mut().flat_map(|sequence| &mut sequence.steps) {
        all.extend(step.own.iter_mut().chain(&mut step.links).chain(&mut step.kept));
    }
    all.push(&mut rule.when);
    all.extend(rule.unless.iter_mut().map(|exception| &mut exception.expr));
    all.push(&mut rule.alert.score);
    all.extend(rule.rekyc.iter_mut().filter_map(|rekyc| rekyc.when.as_mut()));
    all
}

fn simplify(expr: &mut Expr) {
    expr.parts_mut().into_iter().for_each(simplify);
    match &mut expr.kind {
        ExprKind::And(parts) => {
            let beside = parts.clone();
            parts.retain(|part| !asks_for_what_is_needed(part, &beside));
            if let [only] = parts.as_slice() {
                *expr = only.clone();
            }
        }
        ExprKind::In { item, set: Membership::Words(words), .. }
            if matches!(item.kind, ExprKind::Field(Slot::CUSTOMER_STATE)) =>
        {
            words.retain(|word| {
                Verification::parse(word).is_none_or(Verification::is_reached_by_events)
            });
        }
        _ => {}
    }
}

/// Whether `part` is `has(a)`, and another one of `beside` is false without `a` anyway.
fn asks_for_what_is_needed(part: &Expr, beside: &[Expr]) -> bool {
    let ExprKind::Has(asked) = &part.kind else { return false };
    beside.iter().any(|other| is_false_without(other, asked))
}

/// Whether `expr` is false whenever `asked` is absent.
fn is_false_without(expr: &Expr, asked: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().any(|part| is_false_without(part, asked)),
        ExprKind::Or(parts) => parts.iter().all(|part| is_false_without(part, asked)),
        ExprKind::Compare(_, left, right) => {
            is_absent_without(left, asked) || is_absent_without(right, asked)
        }
        ExprKind::In { item, .. } => is_absent_without(item, asked),
        _ => false,
    }
}

/// Whether `expr` is absent whenever `asked` is.
fn is_absent_without(expr: &Expr, asked: &Expr) -> bool {
    if expr.is_same(asked) {
        return true;
    }
    match &expr.kind {
        ExprKind::Arithmetic(_, left, right) => {
            is_absent_without(left, asked) || is_absent_without(right, asked)
        }
        ExprKind::Negate(inner) | ExprKind::Abs(inner) | ExprKind::Round(inner, _) => {
            is_absent_without(inner, asked)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::gaps::{Fate, studies};
    use crate::rulebook::loader;

    /// What comes of putting `after` in place of `before` as the condition of a rule without tests.
    fn fate(before: &str, after: &str) -> Fate {
        let text = |condition: &str| {
            format!(
                "lang: 1\nrule: plain\ntitle: A rule\nseverity: low\ntrigger: transaction\n\
                 entity: customer\nwhen: {condition}\nalert: {{ score: 50, message: A payment. }}\n"
            )
        };
        let sources = BTreeMap::from([("plain.yaml".to_owned(), text(before))]);
        let rulebook = loader::load(&sources).rulebook.expect("it loads");
        studies(&rulebook, |_| true)[0].try_text(text(after))
    }

    #[test]
    fn asking_for_what_a_comparison_needs_changes_nothing() {
        for (asked, plain) in [
            ("has(tx.ip) and tx.ip == tx.device", "tx.ip == tx.device"),
            ("has(tx.ip) and tx.ip != tx.device", "tx.ip != tx.device"),
            ("has(tx.ip) and tx.ip not in [\"a\"]", "tx.ip not in [\"a\"]"),
            (
                "not (has(customer.expected_turnover) and abs(customer.expected_turnover * 2 - 1) > 8)",
                "not (abs(customer.expected_turnover * 2 - 1) > 8)",
            ),
            (
                "has(tx.ip) and (tx.ip == \"a\" or tx.ip == \"b\")",
                "tx.ip == \"a\" or tx.ip == \"b\"",
            ),
        ] {
            assert!(matches!(fate(asked, plain), Fate::Same(_)), "{asked}");
        }
    }

    #[test]
    fn asking_for_more_than_a_comparison_needs_changes_something() {
        for (asked, other) in [
            ("has(tx.ip) and tx.device == \"a\"", "tx.device == \"a\""),
            ("has(tx.ip) and (tx.ip ?? \"a\") == \"a\"", "(tx.ip ?? \"a\") == \"a\""),
            ("has(tx.ip) and not (tx.ip == \"a\")", "not (tx.ip == \"a\")"),
            ("has(tx.ip) or tx.ip == \"a\"", "tx.ip == \"a\""),
            (
                "has(tx.ip) and (tx.ip == \"a\" or tx.device == \"b\")",
                "tx.ip == \"a\" or tx.device == \"b\"",
            ),
            ("has(tx.ip) and tx.ip == \"a\"", "has(tx.ip)"),
        ] {
            assert_eq!(fate(asked, other), Fate::Unnoticed, "{asked}");
        }
    }

    #[test]
    fn an_alternative_to_what_must_hold_anyway_changes_nothing() {
        let both = "tx.type == \"card\" and tx.direction == \"out\"";
        let looser = format!("(tx.type == \"card\" or tx.amount > 5) and ({both})");
        assert!(matches!(fate(both, &looser), Fate::Same(_)));
        let tighter = format!("(tx.type == \"wire\" or tx.amount > 5) and ({both})");
        assert_eq!(fate(both, &tighter), Fate::Unnoticed);
    }

    #[test]
    fn a_state_that_no_event_leads_to_decides_nothing() {
        let states = |words: &str| format!("customer.state in [{words}]");
        let both = states("\"lapsed\", \"exited\"");
        assert!(matches!(fate(&both, &states("\"exited\"")), Fate::Same(_)));
        assert_eq!(fate(&both, &states("\"lapsed\"")), Fate::Unnoticed);
    }
}
