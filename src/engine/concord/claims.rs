//! What the lint takes for certain, held against random events: conditions that it says can never hold or
//! must always hold, alone or two together, and the values that it says an expression can have.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::domain::Span;
use crate::rulebook::catalogue::Type;
use crate::rulebook::lint::certain;
use crate::rulebook::typed::{Expr, Literal, Rule};

use super::draft::Draft;
use super::naive::Naive;
use super::narrow::narrow;
use super::story::{World, events};
use super::tree::Tree;
use super::windows::Past;
use super::writer::draft;
use super::{Seen, load};

/// Most conditions of one rule that are held against each other.
const PAIRED: usize = 14;

/// Conditions with the truth values that they can never have, alone or two at once.
struct Claims<'r> {
    rule: &'r Rule,
    conditions: Vec<&'r Expr>,
    others: Vec<&'r Expr>,
    never: Vec<Vec<(usize, bool)>>,
}

impl<'r> Claims<'r> {
    fn of(rule: &'r Rule) -> Self {
        let (mut conditions, mut others) = (Vec::new(), Vec::new());
        let unless = rule.unless.iter().map(|item| &item.expr);
        let lets = rule.lets.iter().map(|item| &item.expr);
        for expr in lets.chain(&rule.filter).chain([&rule.when]).chain(unless) {
            gather(expr, &mut conditions, &mut others);
        }
        let mut never = Vec::new();
        let is_impossible = |claim: &[(usize, bool)]| {
            let claim: Vec<(&Expr, bool)> =
                claim.iter().map(|(place, truth)| (conditions[*place], *truth)).collect();
            !certain::can_be(rule, &claim)
        };
        for first in 0..conditions.len() {
            for truth in [true, false] {
                if is_impossible(&[(first, truth)]) {
                    never.push(vec![(first, truth)]);
                    continue;
                }
                let partners = (0..conditions.len().min(PAIRED)).filter(|other| *other != first);
                for (second, other) in partners.flat_map(|it| [(it, true), (it, false)]) {
                    if is_impossible(&[(first, truth), (second, other)]) {
                        never.push(vec![(first, truth), (second, other)]);
                    }
                }
            }
        }
        Self { rule, conditions, others, never }
    }

    /// Holds the claims against the row that is judged.
    fn hold(&self, tree: &Tree<'_>, past: Past<'_>) -> Result<(), String> {
        let values: Vec<bool> =
            self.conditions.iter().map(|expr| tree.of(expr, past) == Seen::Bool(true)).collect();
        let broken = self
            .never
            .iter()
            .find(|claim| claim.iter().all(|(place, truth)| values[*place] == *truth));
        if let Some(claim) = broken {
            let told = claim.iter().map(|(place, truth)| {
                format!("`{}` is {truth}", self.rule.text(self.conditions[*place].span))
            });
            return Err(format!(
                "said to be impossible: {}",
                told.collect::<Vec<_>>().join(" and ")
            ));
        }
        for expr in self.others.iter().chain(&self.conditions) {
            let value = tree.of(expr, past);
            let literal = match &value {
                Seen::Absent => None,
                Seen::Number(number) => Some(Literal::Number(*number)),
                Seen::Text(text) => Some(Literal::Text(text.clone())),
                Seen::Micros(micros) => Some(Literal::Duration(Span(*micros))),
                Seen::Bool(truth) => Some(Literal::Bool(*truth)),
            };
            if !certain::can_have(self.rule, expr, literal.as_ref()) {
                let text = self.rule.text(expr.span);
                return Err(format!("said to be impossible: `{text}` is {value}"));
            }
        }
        Ok(())
    }
}

/// All expressions in `expr`: conditions apart from the others.
fn gather<'r>(expr: &'r Expr, conditions: &mut Vec<&'r Expr>, others: &mut Vec<&'r Expr>) {
    if expr.ty == Type::Bool {
        conditions.push(expr);
    } else {
        others.push(expr);
    }
    for part in expr.parts() {
        gather(part, conditions, others);
    }
}

/// Plays a story to the claims about one rule; gives back how many there were.
fn hold(draft: &Draft, story: &[Vec<u8>]) -> Result<usize, String> {
    let rulebook = Arc::new(load(&draft.yaml()));
    let rule = &rulebook.rules[0];
    let claims = Claims::of(rule);
    let tree = Tree { rulebook: &rulebook, rule };
    let naive = Naive::new(draft, &rulebook.lists);
    let mut world = World::default();
    for (sequence, event) in (1..).zip(&events(story)) {
        let count = world.apply(sequence, event);
        for index in world.rows.len() - count..world.rows.len() {
            let row = &world.rows[index];
            let past = Past {
                rows: &world.rows[..=index],
                row,
                then: row.is_again.then_some(row.at),
                entity: draft.entity,
                kinds: naive.kinds(),
                zone: &rulebook.institution.zone,
            };
            if row.name == "transaction" && row.role(draft.entity).is_some() {
                let told = |broken| format!("{broken}\n{}\n{row:#?}", draft.yaml());
                claims.hold(&tree, past).map_err(told)?;
            }
        }
    }
    Ok(claims.never.len())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_the_lint_takes_for_certain_is_so(
        rule in prop::collection::vec(any::<u8>(), 0..200),
        story in prop::collection::vec(prop::collection::vec(any::<u8>(), 24), 1..12),
        is_narrow in any::<bool>(),
    ) {
        let draft = if is_narrow { narrow(&rule) } else { draft(&rule) };
        if let Err(broken) = hold(&draft, &story) {
            return Err(TestCaseError::fail(broken));
        }
    }
}

#[test]
fn the_lint_is_certain_of_much() {
    let rule = prop::collection::vec(any::<u8>(), 0..200);
    let mut runner = TestRunner::deterministic();
    let mut claims = 0;
    for _ in 0..40 {
        let rule = rule.new_tree(&mut runner).expect("bytes").current();
        claims += hold(&narrow(&rule), &[vec![0; 24]]).expect("claims that hold");
    }
    assert!(claims > 200, "only {claims}");
}
