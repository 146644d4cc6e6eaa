//! What each rule made of each event that woke it: why it stayed quiet, condition by condition.
//!
//! Nobody listens while the daemon runs. The tests of rules do, so that an alert that did not come can
//! be told with the condition that was false and the value that was seen. Listening changes nothing.

use crate::domain::alert::Condition;
use crate::domain::{Instant, Span};
use crate::rulebook::typed::{Expr, ExprKind, Rule};
use crate::rulebook::waking::Effective;

use super::closure::Compiler;
use super::explain;
use super::frame::Frame;
use super::rule_plan::{ConditionPlan, condition};
use super::strings::Strings;

/// Deepest condition that is shown within another.
const DEPTH_MAX: usize = 6;

/// Most conditions that are shown of one rule's part.
const CLAUSES_MAX: usize = 128;

/// One rule, one event, one entity.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The rule.
    pub rule: String,
    /// Whom an alert would have been about; `None` when the event does not say.
    pub entity: Option<String>,
    /// The evaluation instant.
    pub at: Instant,
    /// What came of it.
    pub verdict: Verdict,
}

/// What a rule made of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The event names no entity of the rule's role.
    NoEntity {
        /// The role.
        role: String,
    },
    /// The instant lies outside of the days on which the rule judges.
    OutOfForce {
        /// Those days.
        effective: Effective,
        /// The instant.
        at: Instant,
    },
    /// A condition of `where` or `when` was false.
    Quiet {
        /// `where` or `when`.
        part: &'static str,
        /// The conditions that were false; one within another has a greater depth.
        reasons: Vec<Reason>,
    },
    /// An exception held.
    Excused {
        /// Its name.
        exception: String,
    },
    /// It matched, and an earlier alert was still open.
    CoolingDown {
        /// The rule's cool-down.
        cooldown: Option<Span>,
    },
    /// An alert was raised; the conditions of `rekyc.when` that were false, if any.
    Raised {
        /// Empty when the alert asks for re-KYC, or the rule never does.
        without_rekyc: Vec<Reason>,
    },
}

/// A condition that was false.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// How deep it lies within the conditions before it.
    pub depth: usize,
    /// The condition and what was seen.
    pub condition: Condition,
}

/// A condition, compiled to be told.
pub struct Clause {
    depth: usize,
    plan: ConditionPlan,
}

/// The conditions that make up `expr`, outermost first; named ones are followed by what they name.
pub fn clauses(compiler: &mut Compiler<'_>, expr: Option<&Expr>) -> Vec<Clause> {
    let mut into = Vec::new();
    match expr.map(|expr| &expr.kind) {
        Some(ExprKind::And(parts)) => {
            for part in parts {
                gather(compiler, part, 0, &mut into);
            }
        }
        Some(_) => expr.into_iter().for_each(|expr| gather(compiler, expr, 0, &mut into)),
        None => {}
    }
    into
}

fn gather(compiler: &mut Compiler<'_>, expr: &Expr, depth: usize, into: &mut Vec<Clause>) {
    if depth > DEPTH_MAX || into.len() >= CLAUSES_MAX {
        return;
    }
    let plan = condition(compiler, expr);
    into.push(Clause { depth, plan });
    let rule: &Rule = compiler.rule;
    let within = match &expr.kind {
        ExprKind::Let(index) => rule.lets.get(*index).map(|named| &named.expr),
        _ => Some(expr),
    };
    match within.map(|within| (&within.kind, within)) {
        Some((ExprKind::And(parts) | ExprKind::Or(parts), _)) => {
            for part in parts {
                gather(compiler, part, depth + 1, into);
            }
        }
        Some((_, named)) if matches!(expr.kind, ExprKind::Let(_)) => {
            gather(compiler, named, depth + 1, into);
        }
        _ => {}
    }
}

/// Those of `clauses` that are false now; nothing is said of what lies within one that holds.
pub fn reasons(clauses: &[Clause], frame: &mut Frame<'_>, strings: &Strings) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut held_at = usize::MAX;
    for clause in clauses {
        if clause.depth > held_at {
            continue;
        }
        let condition = explain::condition(&clause.plan, frame, strings);
        held_at = if condition.held { clause.depth } else { usize::MAX };
        if !condition.held {
            reasons.push(Reason { depth: clause.depth, condition });
        }
    }
    reasons
}
