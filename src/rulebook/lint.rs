//! Warnings about rules that are right but hardly meant, one checked rule at a time.
//!
//! In: a checked rule. Out: diagnostics. Nothing here keeps a rulebook from being loaded. `facts` is
//! the reasoning about what can be, `conditions` asks it about every condition, `blind` looks for what an
//! absent value hides, `fairness` for rules about people instead of what they did, `documentation` for what
//! people are told of the rule, `standards` for codes of countries and currencies.

mod blind;
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
    problems.extend(fairness::check(rule));
    problems.extend(documentation::people(rule));
    problems.extend(standards::check(rule, lists));
    problems
}
