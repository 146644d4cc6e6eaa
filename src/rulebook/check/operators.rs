//! Arithmetic, signs and defaults: which types fit together and what comes out.

use crate::rulebook::catalogue::Type;
use crate::rulebook::elsewhere::numbers;
use crate::rulebook::syntax::Syntax;
use crate::rulebook::typed::{ArithmeticOp, Expr, ExprKind, Literal, ParamValue, SourceSpan};

use super::expression::article;
use super::{Checker, Place};

impl Checker<'_> {
    pub(super) fn arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: &Syntax,
        right: &Syntax,
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let (left, right) = self.both(left, right, place)?;
        let Some(ty) = result(op, left.ty, right.ty) else {
            if self.text_parameter(&left, right.ty) || self.text_parameter(&right, left.ty) {
                return None;
            }
            let sign = sign(op);
            let title =
                format!("`{sign}` does not fit {} and {}", article(left.ty), article(right.ty));
            let label = format!("{} {sign} {}", article(left.ty), article(right.ty));
            let help = self.arithmetic_help(op, &left, &right);
            self.report("E025", span, title, label, help);
            return None;
        };
        match op {
            ArithmeticOp::Multiply => self.must_be_a_scale(&left, &right, span)?,
            ArithmeticOp::Add | ArithmeticOp::Subtract | ArithmeticOp::Divide => {
                self.must_be_one_unit(&left, &right, span)?;
            }
        }
        let kind = ExprKind::Arithmetic(op, Box::new(left), Box::new(right));
        Some(Expr { kind, ty, span })
    }

    fn arithmetic_help(&self, op: ArithmeticOp, left: &Expr, right: &Expr) -> Option<String> {
        match (left.ty, right.ty, &right.kind) {
            (Type::Time | Type::Duration, Type::Number, ExprKind::Literal(_))
                if matches!(op, ArithmeticOp::Add | ArithmeticOp::Subtract) =>
            {
                let number = self.written(right.span);
                Some(format!("add a unit: {number}d, {number}h or {number}m"))
            }
            (Type::Time, Type::Time, _) => {
                Some("two times can only be subtracted; that gives a duration".to_owned())
            }
            (Type::Bool, ..) | (_, Type::Bool, _) => {
                Some("to turn a condition into a number, write `if(condition, 1, 0)`".to_owned())
            }
            _ => None,
        }
    }

    pub(super) fn negate(
        &mut self,
        operand: &Syntax,
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let operand = self.expression(operand, place)?;
        let ty = operand.ty;
        let kind = match operand.kind {
            ExprKind::Literal(Literal::Number(value)) => ExprKind::Literal(Literal::Number(-value)),
            ExprKind::Literal(Literal::Duration(value)) => {
                let negative = crate::domain::Span(value.0.saturating_neg());
                ExprKind::Literal(Literal::Duration(negative))
            }
            _ if matches!(ty, Type::Number | Type::Duration) => ExprKind::Negate(Box::new(operand)),
            _ => {
                let title = format!("`-` does not fit {}", article(ty));
                self.report("E025", span, title, "has no negative", None);
                return None;
            }
        };
        Some(Expr { kind, ty, span })
    }

    pub(super) fn or_default(
        &mut self,
        left: &Syntax,
        right: &Syntax,
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let (left, right) = self.both(left, right, place)?;
        let ty = self.must_be_one_type(&left, &right, "`??`", span)?;
        Some(Expr { kind: ExprKind::Default(Box::new(left), Box::new(right)), ty, span })
    }

    /// Reports a parameter that is text, where a number or a length of time is wanted: at the parameter,
    /// however often it is used.
    pub(super) fn text_parameter(&mut self, expr: &Expr, wanted: Type) -> bool {
        let ExprKind::Param(index) = expr.kind else { return false };
        let Some(param) = self.params.get(index) else { return false };
        let ParamValue::Constant(Literal::Text(text)) = &param.value else { return false };
        let form = match wanted {
            Type::Number => "10000",
            Type::Duration => "7d",
            _ => return false,
        };
        let title = format!("`{}` is text, and is used as {}", param.name, article(wanted));
        let help = numbers::meant(text).map_or_else(
            || {
                format!(
                    "write {form}, or another fixed value; what is worked out stands under `let`"
                )
            },
            |meant| meant.help(),
        );
        let (span, label) = (param.metadata.span, format!("the text \"{text}\""));
        self.report("E023", span, title, label, Some(help));
        true
    }

    /// Reports two values of which either may be the result, but of different types.
    pub(super) fn must_be_one_type(
        &mut self,
        left: &Expr,
        right: &Expr,
        what: &str,
        span: SourceSpan,
    ) -> Option<Type> {
        if left.ty == right.ty {
            self.must_be_one_unit(left, right, span)?;
            return Some(left.ty);
        }
        if self.text_parameter(left, right.ty) || self.text_parameter(right, left.ty) {
            return None;
        }
        let title = format!("both values of {what} must be of one type");
        let label = format!("{} and {}", article(left.ty), article(right.ty));
        self.report("E025", span, title, label, None);
        None
    }
}

/// The type that comes out, or `None` when the operands do not fit.
const fn result(op: ArithmeticOp, left: Type, right: Type) -> Option<Type> {
    use ArithmeticOp as A;
    use Type as T;
    Some(match (left, op, right) {
        (T::Number, _, T::Number) | (T::Duration, A::Divide, T::Duration) => T::Number,
        (T::Time, A::Subtract, T::Time)
        | (T::Duration, A::Add | A::Subtract, T::Duration)
        | (T::Duration, A::Multiply | A::Divide, T::Number)
        | (T::Number, A::Multiply, T::Duration) => T::Duration,
        (T::Time, A::Add | A::Subtract, T::Duration) | (T::Duration, A::Add, T::Time) => T::Time,
        _ => return None,
    })
}

const fn sign(op: ArithmeticOp) -> &'static str {
    match op {
        ArithmeticOp::Add => "+",
        ArithmeticOp::Subtract => "-",
        ArithmeticOp::Multiply => "*",
        ArithmeticOp::Divide => "/",
    }
}
