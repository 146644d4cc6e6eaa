//! Warnings about rules that are right but hardly meant, one checked rule at a time.
//!
//! In: a checked rule. Out: diagnostics. Nothing here keeps a rulebook from being loaded. `facts` is
//! the reasoning about what can be, `conditions` asks it about every condition, `blind` looks for what an
//! absent value hides, `booked` for amounts without their currency, `fairness` for rules about people instead of what they did, `documentation` for what
//! people are told of the rule, `standards` for codes of countries and currencies.

mod blind;
mod booked;
mod conditions;
pub mod documentation;
mod facts;
mod fairness;
mod interval;
mod possible;
mod ranges;
mod standards;

use std::collections::BTreeMap;

use super::diagnostic::Diagnostic;
use super::list::List;
use super::typed::Rule;

/// What is odd about `rule` beside the lists that it may read.
#[must_use]
pub fn lint(rule: &Rule, lists: &BTreeMap<String, List>) -> Vec<Diagnostic> {
    let mut problems = conditions::check(rule);
    problems.extend(blind::check(rule));
    problems.extend(booked::check(rule));
    problems.extend(fairness::check(rule));
    problems.extend(documentation::people(rule));
    problems.extend(standards::check(rule, lists));
    problems
}

/// What the lint is certain of, for tests that hold it against events.
#[cfg(test)]
pub mod certain {
    use std::cell::Cell;

    use super::facts::Facts;
    use super::possible::Possible;
    use crate::rulebook::typed::{Expr, Literal, Rule};

    /// Whether these conditions can be true or false together, for an event that wakes the rule.
    pub fn can_be(rule: &Rule, conditions: &[(&Expr, bool)]) -> bool {
        let steps = Cell::new(0);
        Facts::none(rule, true, &steps).with(conditions).is_some()
    }

    /// Whether `expr` can have this value, or none.
    pub fn can_have(rule: &Rule, expr: &Expr, value: Option<&Literal>) -> bool {
        let steps = Cell::new(0);
        let possible = Facts::none(rule, true, &steps).possible(expr);
        match value {
            Some(value) => !possible.values.meet(&Possible::literal(value).values).is_empty(),
            None => possible.is_absent,
        }
    }
}
