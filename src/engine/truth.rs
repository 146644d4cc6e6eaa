//! Conditions that may be absent, as closures: true, false, or nothing.

use crate::rulebook::catalogue::Type;
use crate::rulebook::truth::may_be_absent;
use crate::rulebook::typed::{CompareOp, Expr, ExprKind};

use super::closure::{BoolFn, Compiler, ValueFn};
use super::frame::Frame;
use super::row::Value;

/// A compiled condition that may be absent.
type TruthFn = Box<dyn Fn(&mut Frame<'_>) -> Option<bool> + Send + Sync>;

impl Compiler<'_> {
    /// Compiles a condition as a value.
    pub fn truth_value(&mut self, expr: &Expr) -> ValueFn {
        if may_be_absent(self.rule, expr) {
            let truth = self.truth(expr);
            return Box::new(move |frame| truth(frame).map_or(Value::Absent, Value::Bool));
        }
        let condition = self.condition(expr);
        Box::new(move |frame| Value::Bool(condition(frame)))
    }

    /// `has(a)` of a condition.
    pub fn has_truth(&mut self, expr: &Expr) -> BoolFn {
        if may_be_absent(self.rule, expr) {
            let truth = self.truth(expr);
            return Box::new(move |frame| truth(frame).is_some());
        }
        Box::new(|_| true)
    }

    /// `a ?? b` of conditions.
    pub fn truth_or(&mut self, first: &Expr, second: &Expr) -> BoolFn {
        if may_be_absent(self.rule, first) {
            let (first, second) = (self.truth(first), self.condition(second));
            return Box::new(move |frame| first(frame).unwrap_or_else(|| second(frame)));
        }
        // What is never absent has no use for a default.
        self.condition(first)
    }

    /// `a == b` of conditions; false when a side is absent.
    pub fn truths_compared(&mut self, op: CompareOp, left: &Expr, right: &Expr) -> BoolFn {
        let wanted = op == CompareOp::Equal;
        if may_be_absent(self.rule, left) || may_be_absent(self.rule, right) {
            let (left, right) = (self.truth(left), self.truth(right));
            return Box::new(move |frame| {
                let sides = left(frame).zip(right(frame));
                frame.known(sides).is_some_and(|(left, right)| (left == right) == wanted)
            });
        }
        let (left, right) = (self.condition(left), self.condition(right));
        Box::new(move |frame| (left(frame) == right(frame)) == wanted)
    }

    fn truth(&mut self, expr: &Expr) -> TruthFn {
        debug_assert_eq!(expr.ty, Type::Bool, "only conditions are true or false");
        match &expr.kind {
            ExprKind::If(test, yes, no) => {
                let (test, yes, no) = (self.condition(test), self.truth(yes), self.truth(no));
                Box::new(move |frame| if test(frame) { yes(frame) } else { no(frame) })
            }
            ExprKind::Default(first, second) => {
                let (first, second) = (self.truth(first), self.truth(second));
                Box::new(move |frame| first(frame).or_else(|| second(frame)))
            }
            _ if may_be_absent(self.rule, expr) => {
                let leaf = self.leaf(expr);
                Box::new(move |frame| leaf(frame).truth())
            }
            _ => {
                let condition = self.condition(expr);
                Box::new(move |frame| Some(condition(frame)))
            }
        }
    }
}
