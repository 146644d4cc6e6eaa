//! Conditions that can never hold, always hold or add nothing, and exceptions that excuse everything.
//!
//! The smallest part that shows the mistake is reported, once. What `facts` cannot decide is left
//! alone, so a warning is never wrong; where absent values make the difference the warning says so.

use std::cell::Cell;

use rust_decimal::Decimal;

use crate::rulebook::catalogue::EventName;
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::typed::{CompareOp, Expr, ExprKind, Literal, Rule, SourceSpan, TemplatePart};

use super::facts::Facts;
use super::possible::Possible;

/// Longest condition that is repeated in a message.
const SHOWN_MAX: usize = 60;

struct Reading<'r> {
    rule: &'r Rule,
    steps: &'r Cell<u32>,
    problems: Vec<Diagnostic>,
}

/// Reads all conditions of `rule`.
pub fn check(rule: &Rule) -> Vec<Diagnostic> {
    let steps = Cell::new(0);
    let mut reading = Reading { rule, steps: &steps, problems: Vec::new() };
    reading.rule();
    reading.problems
}

impl<'r> Reading<'r> {
    fn rule(&mut self) {
        let rule = self.rule;
        let mut before = self.waking();
        if let Some(filter) = &rule.filter {
            self.all_within(filter, true);
            let _ = before.assume(filter, true);
        }
        for named in &rule.lets {
            self.all_within(&named.expr, true);
        }
        for aggregate in &rule.aggregates {
            for expr in aggregate.filter.iter().chain(&aggregate.value) {
                self.all_within(expr, false);
            }
        }
        let had = self.problems.len();
        self.fixed_condition();
        self.all_within(&rule.when, true);
        if self.problems.len() == had {
            self.with_filter(&before);
        }
        // What follows is only asked when the rule can match at all.
        self.steps.set(0);
        if before.assume(&rule.when, true) && self.problems.len() == had {
            self.exceptions(&before);
            self.request(&before);
        }
        self.all_within(&rule.alert.score, true);
        self.fixed_score();
        let messages = rule.rekyc.iter().map(|rekyc| &rekyc.reason).chain([&rule.alert.message]);
        for part in messages.flat_map(|message| &message.parts) {
            if let TemplatePart::Value(expr, _) = part {
                self.all_within(expr, true);
            }
        }
    }

    /// `when: true` for all transactions, and `when: false`.
    fn fixed_condition(&mut self) {
        let ExprKind::Literal(Literal::Bool(value)) = self.rule.when.kind else { return };
        let span = self.rule.when.span;
        if !value {
            let help = Some("write `status: off` if the rule is to be kept for later");
            let label = "the rule matches nothing".to_owned();
            self.report("W207", span, "`false` never holds".to_owned(), label, help);
            return;
        }
        // That an instant, a sequence or an identity event is enough is a rule; that a payment is enough is none.
        let is_every_payment = self.rule.trigger == EventName::Transaction
            && self.rule.filter.is_none()
            && self.rule.sequence.is_none()
            && self.rule.timer.is_none();
        if is_every_payment {
            let label = "the rule matches every transaction".to_owned();
            let help = Some("write the condition, or say in `where` which transactions are meant");
            self.report("W208", span, "`true` always holds".to_owned(), label, help);
        }
    }

    /// A score that is the same for everybody and no score from 0 to 100.
    fn fixed_score(&mut self) {
        let score = &self.rule.alert.score;
        let nothing = self.waking();
        let possible = nothing.possible(score);
        let Some(number) = possible.interval().single() else { return };
        let hundred = Decimal::ONE_HUNDRED;
        let (label, help) = if number > hundred {
            ("counts as 100", "write a score from 0 to 100")
        } else if number < Decimal::ZERO {
            ("counts as 0", "write a score from 0 to 100")
        } else if number > Decimal::ZERO && number < Decimal::ONE {
            ("below 1 of 100", "scores are points of 100, not a share: 0.8 is written 80")
        } else {
            return;
        };
        let title = format!("{} is hardly meant as a score", self.shown(score));
        self.report("W272", score.span, title, label.to_owned(), Some(help));
    }

    fn waking(&self) -> Facts<'r> {
        self.steps.set(0);
        Facts::none(self.rule, true, self.steps)
    }

    fn report(
        &mut self,
        code: &'static str,
        span: SourceSpan,
        title: String,
        label: String,
        help: Option<&str>,
    ) {
        let mut problem = Diagnostic::new(code, &self.rule.path, span, title, label);
        problem.help = help.map(str::to_owned);
        self.problems.push(problem);
    }

    /// The condition as written, or that it is too long to be repeated.
    fn shown(&self, expr: &Expr) -> String {
        let text: Vec<&str> = self.rule.text(expr.span).split_whitespace().collect();
        let text = text.join(" ");
        if text.chars().count() > SHOWN_MAX {
            "the condition".to_owned()
        } else {
            format!("`{text}`")
        }
    }

    /// Looks at every condition in `expr`, whatever it stands in.
    fn all_within(&mut self, expr: &'r Expr, is_waking: bool) {
        self.steps.set(0);
        let nothing = Facts::none(self.rule, is_waking, self.steps);
        let had = self.problems.len();
        match &expr.kind {
            ExprKind::Compare(..) | ExprKind::In { .. } | ExprKind::Has(_) => {
                self.alone(expr, &nothing);
            }
            _ => {}
        }
        for part in expr.parts() {
            self.all_within(part, is_waking);
        }
        if self.problems.len() > had {
            return;
        }
        match &expr.kind {
            ExprKind::And(parts) => self.together(parts, &nothing),
            ExprKind::Or(parts) => self.alternatives(expr, parts, &nothing),
            _ => {}
        }
    }

    /// A comparison, membership or `has` by itself.
    fn alone(&mut self, expr: &'r Expr, nothing: &Facts<'r>) {
        let shown = self.shown(expr);
        let label = || {
            if let ExprKind::Compare(_, left, right) = &expr.kind {
                if left.is_same(right) {
                    return Some("both sides are the same".to_owned());
                }
                if is_fixed(left) && is_fixed(right) {
                    return Some("both sides are fixed".to_owned());
                }
            }
            let side = match &expr.kind {
                ExprKind::Compare(_, left, right) if is_fixed(left) => right,
                ExprKind::Compare(_, left, _) => left,
                ExprKind::In { item, .. } | ExprKind::Has(item) => item,
                _ => return None,
            };
            let side = side.as_ref();
            if let ExprKind::Compare(CompareOp::Equal | CompareOp::NotEqual, left, right) =
                &expr.kind
            {
                let (left, right) = (nothing.possible(left), nothing.possible(right));
                let has_fraction = |it: &Possible| {
                    it.interval().single().is_some_and(|number| !number.is_integer())
                };
                let is_whole = |it: &Possible| it.interval().is_whole;
                if is_whole(&left) && has_fraction(&right)
                    || is_whole(&right) && has_fraction(&left)
                {
                    return Some(format!("{} is a whole number", self.shown(side)));
                }
            }
            let range = nothing.possible(side).values.described(side.ty)?;
            Some(format!("{} is {range}", self.shown(side)))
        };
        if nothing.with(&[(expr, true)]).is_none() {
            let label = label().unwrap_or_else(|| "nothing fits".to_owned());
            let help = Some("compare with what was meant, or delete it");
            self.report("W207", expr.span, format!("{shown} never holds"), label, help);
        } else if nothing.with(&[(expr, false)]).is_none() {
            let label = label().unwrap_or_else(|| "everything fits".to_owned());
            let help = Some("compare with what was meant, or delete it");
            self.report("W208", expr.span, format!("{shown} always holds"), label, help);
        } else if self.holds_for_each_value(expr, nothing) {
            let title = format!("{shown} holds for every value");
            let label = "false only when there is none".to_owned();
            let help = Some("write `has(...)` if that is meant");
            self.report("W208", expr.span, title, label, help);
        }
    }

    /// Whether only an absent value makes `expr` false.
    fn holds_for_each_value(&self, expr: &'r Expr, nothing: &Facts<'r>) -> bool {
        self.steps.set(0);
        let mut facts = nothing.clone();
        let are_there = match &expr.kind {
            ExprKind::Compare(_, left, right) => facts.is_there(left) && facts.is_there(right),
            ExprKind::In { item, .. } => facts.is_there(item),
            _ => return false,
        };
        are_there && !facts.assume(expr, false)
    }

    /// Conditions joined by `and`.
    fn together(&mut self, parts: &'r [Expr], nothing: &Facts<'r>) {
        if let Some((late, early)) = self.contradiction(parts, nothing) {
            if self.is_said(late) {
                return;
            }
            let title = match early {
                Some(early) => {
                    let (late, early) = (self.shown(late), self.shown(early));
                    format!("{late} never holds together with {early}")
                }
                None => format!("{} never holds together with the others", self.shown(late)),
            };
            let label = "contradicts what stands before it".to_owned();
            let help = Some("`and` needs all of them at once; for one of several write `or`");
            self.report("W207", late.span, title, label, help);
            return;
        }
        for part in parts.iter().filter(|part| is_comparison(part)) {
            self.steps.set(0);
            let others = parts.iter().filter(|other| !std::ptr::eq(*other, part));
            let others: Vec<&Expr> = others.filter(|other| is_comparison(other)).collect();
            let implies =
                |other: &&&'r Expr| nothing.with(&[(other, true), (part, false)]).is_none();
            if let Some(other) = others.iter().find(implies) {
                let title = format!("{} adds nothing to {}", self.shown(part), self.shown(other));
                let label = "holds whenever the other does".to_owned();
                self.report(
                    "W208",
                    part.span,
                    title,
                    label,
                    Some("delete it, or mend one of them"),
                );
                return;
            }
        }
    }

    /// The first of `parts` that cannot hold after those before it, and one before that rules it out.
    fn contradiction(
        &self,
        parts: &'r [Expr],
        nothing: &Facts<'r>,
    ) -> Option<(&'r Expr, Option<&'r Expr>)> {
        self.steps.set(0);
        let mut facts = nothing.clone();
        let place = parts.iter().position(|part| !facts.assume(part, true))?;
        let (late, before) = (parts.get(place)?, parts.get(..place)?);
        let excludes = |early: &&'r Expr| {
            self.steps.set(0);
            nothing.with(&[(early, true), (late, true)]).is_none()
        };
        Some((late, before.iter().find(excludes)))
    }

    /// Whether `expr` is a `let` of which was said where it is defined that it never holds.
    fn is_said(&self, expr: &Expr) -> bool {
        let ExprKind::Let(index) = expr.kind else { return false };
        let Some(named) = self.rule.lets.get(index).map(|named| &named.expr) else { return false };
        let is_within = |problem: &Diagnostic| {
            problem.code == "W207"
                && named.span.start <= problem.span.start
                && problem.span.end <= named.span.end
        };
        let can_hold = self.waking().with(&[(expr, true)]).is_some();
        !can_hold
            && (self.problems.iter().any(is_within)
                || named.parts().into_iter().any(|part| self.is_said(part)))
    }

    /// Conditions joined by `or`.
    fn alternatives(&mut self, whole: &'r Expr, parts: &'r [Expr], nothing: &Facts<'r>) {
        self.steps.set(0);
        if nothing.with(&[(whole, false)]).is_none() {
            let title = format!("{} always holds", self.shown(whole));
            let label = "one of them always does".to_owned();
            let help = Some("`or` needs only one of them; for all at once write `and`");
            self.report("W208", whole.span, title, label, help);
            return;
        }
        for part in parts.iter().filter(|part| is_comparison(part)) {
            let others = parts.iter().filter(|other| !std::ptr::eq(*other, part));
            let others: Vec<&Expr> = others.filter(|other| is_comparison(other)).collect();
            self.steps.set(0);
            let covers =
                |other: &&&'r Expr| nothing.with(&[(part, true), (other, false)]).is_none();
            if let Some(other) = others.iter().find(covers) {
                let title = format!("{} adds nothing to {}", self.shown(part), self.shown(other));
                let label = "the other holds whenever this does".to_owned();
                self.report(
                    "W208",
                    part.span,
                    title,
                    label,
                    Some("delete it, or mend one of them"),
                );
                return;
            }
        }
    }

    /// Conditions of `when` that `where` rules out.
    fn with_filter(&mut self, filtered: &Facts<'r>) {
        let whole = std::slice::from_ref(&self.rule.when);
        let parts = match &self.rule.when.kind {
            ExprKind::And(parts) => parts.as_slice(),
            _ => whole,
        };
        let Some((late, _)) = self.contradiction(parts, filtered) else { return };
        if self.is_said(late) {
            return;
        }
        let title = format!("{} never holds", self.shown(late));
        let label = "`where` lets no such event through".to_owned();
        self.report("W207", late.span, title, label, Some("mend one of them"));
    }

    fn exceptions(&mut self, matched: &Facts<'r>) {
        let mut left = Some(matched.clone());
        for exception in &self.rule.unless {
            let had = self.problems.len();
            self.all_within(&exception.expr, true);
            if self.problems.len() > had {
                continue;
            }
            let span = exception.expr.span;
            self.steps.set(0);
            if matched.with(&[(&exception.expr, true)]).is_none() {
                let title = format!("the exception `{}` can never excuse a match", exception.name);
                let label = "never holds when the rule matches".to_owned();
                self.report("W207", span, title, label, Some("mend it, or delete it"));
                continue;
            }
            self.steps.set(0);
            let is_alone = matched.with(&[(&exception.expr, false)]).is_none();
            let Some(facts) = left else { continue };
            left = facts.with(&[(&exception.expr, false)]);
            if left.is_none() {
                let (title, label) = if is_alone {
                    let title = format!("the exception `{}` excuses every match", exception.name);
                    (title, "holds whenever the rule matches")
                } else {
                    let title = "the exceptions together excuse every match".to_owned();
                    (title, "holds whenever the rule matches and none before it holds")
                };
                let help = Some("the rule can raise no alert; narrow the exception");
                self.report("W209", span, title, label.to_owned(), help);
            }
        }
    }

    /// When a renewed identification is asked for.
    fn request(&mut self, matched: &Facts<'r>) {
        let Some(when) = self.rule.rekyc.as_ref().and_then(|rekyc| rekyc.when.as_ref()) else {
            return;
        };
        let had = self.problems.len();
        self.all_within(when, true);
        self.steps.set(0);
        if self.problems.len() == had && matched.with(&[(when, true)]).is_none() {
            let title = format!("{} never holds when the rule matches", self.shown(when));
            let label = "so nothing is ever asked for".to_owned();
            self.report("W207", when.span, title, label, Some("mend it, or delete `rekyc`"));
        }
    }
}

/// Whether `expr` is the same for every event.
fn is_fixed(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(_) | ExprKind::Param(_))
}

/// Whether `expr` compares. What is said for the reader is left alone: `has` beside a comparison, and
/// a comparison with zero beside a division.
fn is_comparison(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Compare(_, left, right) => !is_zero(left) && !is_zero(right),
        ExprKind::In { .. } => true,
        _ => false,
    }
}

fn is_zero(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Literal(Literal::Number(number)) if number.is_zero())
}
