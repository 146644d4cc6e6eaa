//! A rule as it is compiled: what can wake it, and what is decided in which order.
//!
//! In: a rule. Out: values for people and programs. The order is that of the closures themselves, made by
//! the same functions, so that what is told is what runs.

use std::sync::Arc;

use crate::domain::event::TransactionKind;
use crate::rulebook::Rulebook;
use crate::rulebook::catalogue::EventName;
use crate::rulebook::describe;
use crate::rulebook::typed::{Expr, ExprKind, Rule, Status};

use super::closure::{self, Reach};
use super::cost;
use super::plan::Plan;
use super::strings::Strings;
use super::wake::place;

/// A rule, taken apart.
#[derive(Clone, Debug)]
pub struct Anatomy {
    /// For a rule that transactions wake, the legs that it may match; nothing else is shown to it.
    pub legs: Option<Vec<Legs>>,
    /// What is decided, in order.
    pub decisions: Vec<Decision>,
    /// The fields that evidence shows, by their paths.
    pub facts: Vec<String>,
}

/// Legs of one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legs {
    /// `in` or `out`.
    pub direction: &'static str,
    /// Their types, all of them when `None`.
    pub types: Option<Vec<&'static str>>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// At which stage.
    pub stage: Stage,
    /// Its name, for exceptions and steps.
    pub name: Option<String>,
    /// As written.
    pub text: String,
    /// The line where it is written.
    pub line: usize,
    /// How far it reaches.
    pub reach: Reaches,
}

/// When something is decided. Each stage is come to only if the one before held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The cheap filter.
    Where,
    /// A step of the sequence: the last one first, then backwards.
    Sequence,
    /// The condition.
    When,
    /// An exception; one that holds excuses the match.
    Unless,
}

/// How far a condition reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaches {
    /// It reads the event and what is known of its customer.
    Event,
    /// It counts matches of other rules.
    Matches,
    /// It reads windows.
    Windows,
    /// It searches recent flows of money or shared identifiers.
    Search,
}

impl Stage {
    /// As written in rule files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Sequence => "sequence",
            Self::When => "when",
            Self::Unless => "unless",
        }
    }
}

impl Reaches {
    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Matches => "matches",
            Self::Windows => "windows",
            Self::Search => "search",
        }
    }

    fn of(rule: &Rule, expr: &Expr) -> Self {
        match closure::reach(rule, expr) {
            Reach::Row if counts_matches(rule, expr) => Self::Matches,
            Reach::Row => Self::Event,
            Reach::Window => Self::Windows,
            Reach::Search => Self::Search,
        }
    }
}

fn counts_matches(rule: &Rule, expr: &Expr) -> bool {
    let mut is_read = false;
    expr.each_part(&mut |part| {
        is_read |= match &part.kind {
            ExprKind::Matches(_) => true,
            ExprKind::Let(index) => {
                rule.lets.get(*index).is_some_and(|inner| counts_matches(rule, &inner.expr))
            }
            _ => false,
        };
    });
    is_read
}

/// Takes `rule` of `rulebook` apart; it may be off.
#[must_use]
pub fn anatomy(rulebook: &Arc<Rulebook>, rule: &Arc<Rule>) -> Anatomy {
    let judged = Rule { status: Status::Active, ..Rule::clone(rule) };
    let only = cost::bare(rulebook, vec![Arc::new(judged)]);
    let (plan, _) = Plan::new(&only, Strings::default());
    let wake = plan.rules.first().map(|rule| rule.wake);
    let is_woken_by_legs = rule.trigger == EventName::Transaction && rule.timer.is_none();
    let legs = wake.filter(|_| is_woken_by_legs).map(|wake| {
        let of = |(is_inbound, direction)| {
            let all = TransactionKind::ALL;
            let types = all.iter().filter(|kind| wake.holds(place(**kind, is_inbound)));
            let types: Vec<&str> = types.map(|kind| kind.word()).collect();
            let types = Some(types).filter(|types| types.len() < all.len());
            Legs { direction, types }
        };
        let legs = [(true, "in"), (false, "out")].into_iter().map(of);
        legs.filter(|legs| legs.types.as_ref().is_none_or(|types| !types.is_empty())).collect()
    });
    let shown = plan.rules.iter().flat_map(|rule| &rule.explanation.facts);
    let facts = shown.map(|slot| rule.catalogue.field(*slot).path.clone()).collect();
    Anatomy { legs, decisions: decisions(rule), facts }
}

fn decisions(rule: &Rule) -> Vec<Decision> {
    let mut all = Vec::new();
    if let Some(filter) = &rule.filter {
        conditions(rule, Stage::Where, filter, &mut all);
    }
    if let Some(sequence) = &rule.sequence {
        for step in sequence.steps.iter().rev() {
            let conditions = step.own.iter().chain(&step.links);
            let reach = conditions.map(|expr| closure::reach(rule, expr)).max();
            all.push(Decision {
                stage: Stage::Sequence,
                name: Some(step.name.clone().unwrap_or_else(|| "not".to_owned())),
                text: describe::written(rule, step.span),
                line: describe::line(rule, step.span),
                reach: match reach.unwrap_or(Reach::Row) {
                    Reach::Row => Reaches::Event,
                    Reach::Window => Reaches::Windows,
                    Reach::Search => Reaches::Search,
                },
            });
        }
    }
    // Beside a sequence or an instant `when` may be left out; then it is the constant true.
    if !matches!(rule.when.kind, ExprKind::Literal(_)) {
        conditions(rule, Stage::When, &rule.when, &mut all);
    }
    for exception in &rule.unless {
        let decision = decision(rule, Stage::Unless, &exception.expr);
        all.push(Decision { name: Some(exception.name.clone()), ..decision });
    }
    all
}

/// The parts of an `and`, each by itself, in the order in which they are evaluated.
fn conditions(rule: &Rule, stage: Stage, expr: &Expr, into: &mut Vec<Decision>) {
    match &expr.kind {
        ExprKind::And(parts) => {
            for part in closure::in_order(rule, parts) {
                conditions(rule, stage, part, into);
            }
        }
        _ => into.push(decision(rule, stage, expr)),
    }
}

fn decision(rule: &Rule, stage: Stage, expr: &Expr) -> Decision {
    Decision {
        stage,
        name: None,
        text: describe::expression(rule, expr),
        line: describe::line(rule, expr.span),
        reach: Reaches::of(rule, expr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::book;

    fn taken_apart(body: &str) -> Anatomy {
        let rule = format!(
            "lang: 1\nrule: one\ntitle: t\nseverity: low\ntrigger: transaction\nentity: customer\n\
             {body}alert: {{ score: 1, message: m }}\n"
        );
        let book = book(&[&rule]);
        anatomy(&book, &book.rules[0])
    }

    #[test]
    fn conditions_are_told_in_the_order_in_which_they_are_evaluated() {
        let told = taken_apart(
            "where: tx.status == \"booked\"\nlet:\n  ring: |\n    cycle(hops: 3..4, within: 72h, keep: \
             0.8) by account\n  n: count(transaction) by customer over 7d\nwhen: |\n  has(ring)\n  and n > \
             3 and tx.amount > 5 # a remark\n  and (n < 9 or tx.type == \"wire\")\nunless:\n  - shop: \
             tx.branch == \"#1\"\n",
        );
        let rows: Vec<(&str, &str, &str, usize)> = told
            .decisions
            .iter()
            .map(|it| (it.stage.word(), it.text.as_str(), it.reach.word(), it.line))
            .collect();
        assert_eq!(
            rows,
            [
                ("where", "tx.status == \"booked\"", "event", 7),
                ("when", "tx.amount > 5", "event", 14),
                ("when", "n > 3", "windows", 14),
                ("when", "(n < 9 or tx.type == \"wire\")", "windows", 15),
                ("when", "has(ring)", "search", 13),
                ("unless", "tx.branch == \"#1\"", "event", 17),
            ]
        );
    }

    #[test]
    fn legs_are_those_that_the_index_shows_to_the_rule() {
        let legs = |body: &str| taken_apart(body).legs.expect("legs");
        let of = |direction, types: Option<&[&'static str]>| Legs {
            direction,
            types: types.map(<[&str]>::to_vec),
        };
        assert_eq!(legs("when: tx.amount > 5\n"), [of("in", None), of("out", None)]);
        assert_eq!(legs("when: tx.direction == \"out\"\n"), [of("out", None)]);
        assert_eq!(
            legs(
                "where: tx.direction == \"in\" and tx.type in [\"wire\", \"card\"]\nwhen: tx.amount > 5\n"
            ),
            [of("in", Some(&["wire", "card"]))]
        );
    }
}
