//! Calls that are not folds: how many values each takes, and the forms with a rule of their own.

use rust_decimal::prelude::ToPrimitive;

use crate::rulebook::catalogue::Type;
use crate::rulebook::syntax::{Function, Syntax, SyntaxKind};
use crate::rulebook::typed::{Expr, ExprKind, SourceSpan};

use super::expression::article;
use super::{Checker, Place};

/// Most decimal places that `round` may keep.
const PLACES_MAX: u32 = 28;

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        function: Function,
        arguments: &[Syntax],
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let (least, most, form) = arity(function);
        if arguments.len() < least || arguments.len() > most {
            let given = match arguments.len() {
                0 => "no value".to_owned(),
                1 => "one value".to_owned(),
                count => format!("{count} values"),
            };
            let title = format!("`{}` is given {given}", function.word());
            let help = Some(format!("write `{form}`"));
            self.report("E032", span, title, "not as many as it takes", help);
            return None;
        }
        match function {
            Function::Round => return self.round(arguments, span, place),
            Function::Lookup => return self.lookup(arguments, span, place),
            Function::Convert => return self.convert(arguments, span, place),
            Function::Matches => return self.matches(arguments, span, place),
            _ => {}
        }
        let inner = Place { takes_pattern: function == Function::Has, ..place };
        let arguments: Vec<_> =
            arguments.iter().map(|argument| self.expression(argument, inner)).collect();
        let arguments: Vec<Expr> = arguments.into_iter().collect::<Option<_>>()?;
        self.typed_call(function, arguments, span)
    }

    fn typed_call(
        &mut self,
        function: Function,
        arguments: Vec<Expr>,
        span: SourceSpan,
    ) -> Option<Expr> {
        let mut given = arguments.into_iter();
        let first = given.next()?;
        let (kind, ty) = match function {
            Function::If => {
                let condition = self.must_be_condition(first)?;
                let (yes, no) = (given.next()?, given.next()?);
                let ty = self.must_be_one_type(&yes, &no, "`if`", span)?;
                (ExprKind::If(Box::new(condition), Box::new(yes), Box::new(no)), ty)
            }
            Function::Has => (ExprKind::Has(Box::new(first)), Type::Bool),
            Function::Min | Function::Max => {
                let kind = if function == Function::Min { ExprKind::Min } else { ExprKind::Max };
                let ty = self.must_be_amount(&first, function)?;
                let mut folded = first;
                for next in given {
                    self.must_be_amount(&next, function)?;
                    let name = format!("`{}`", function.word());
                    self.must_be_one_type(&folded, &next, &name, span)?;
                    folded = Expr { kind: kind(Box::new(folded), Box::new(next)), ty, span };
                }
                return Some(folded);
            }
            Function::Clamp => {
                let (low, high) = (given.next()?, given.next()?);
                let ty = self.must_be_amount(&first, function)?;
                self.must_be_one_type(&first, &low, "`clamp`", span)?;
                self.must_be_one_type(&first, &high, "`clamp`", span)?;
                self.must_be_one_type(&low, &high, "`clamp`", span)?;
                (ExprKind::Clamp(Box::new(first), Box::new(low), Box::new(high)), ty)
            }
            Function::Abs | Function::Round => {
                let number = self.must_be_number(first, "`abs`")?;
                (ExprKind::Abs(Box::new(number)), Type::Number)
            }
            _ => return self.plain_call(function, first, given.next(), span),
        };
        Some(Expr { kind, ty, span })
    }

    fn round(&mut self, arguments: &[Syntax], span: SourceSpan, place: Place) -> Option<Expr> {
        let number = self.expression(arguments.first()?, place);
        let number = number.and_then(|number| self.must_be_number(number, "`round`"));
        let places = match arguments.get(1) {
            None => 0,
            Some(written) => {
                let places = match &written.kind {
                    SyntaxKind::Number(places) if places.is_integer() => places.to_u32(),
                    SyntaxKind::Error => return None,
                    _ => None,
                };
                let Some(places) = places.filter(|places| *places <= PLACES_MAX) else {
                    let title = "`round` needs the number of places as a plain number";
                    let help = Some(format!("0 to {PLACES_MAX}, as in `round(kept, 2)`"));
                    self.report("E024", written.span, title, "not a number of places", help);
                    return None;
                };
                places
            }
        };
        Some(Expr { kind: ExprKind::Round(Box::new(number?), places), ty: Type::Number, span })
    }

    /// Reports a value that is neither a number nor a duration.
    fn must_be_amount(&mut self, expr: &Expr, function: Function) -> Option<Type> {
        if matches!(expr.ty, Type::Number | Type::Duration) {
            return Some(expr.ty);
        }
        if self.text_parameter(expr, Type::Number) {
            return None;
        }
        let title = format!("`{}` takes numbers or durations", function.word());
        self.report("E024", expr.span, title, article(expr.ty), None);
        None
    }

    /// Reports a value that is not a number.
    pub(super) fn must_be_number(&mut self, expr: Expr, what: &str) -> Option<Expr> {
        if expr.ty == Type::Number {
            return Some(expr);
        }
        if self.text_parameter(&expr, Type::Number) {
            return None;
        }
        let title = format!("{what} needs a number");
        let help = (expr.ty == Type::Duration)
            .then(|| format!("divide by a duration: `{} / 1d`", self.as_operand(&expr)));
        self.report("E024", expr.span, title, article(expr.ty), help);
        None
    }
}

/// Fewest and most arguments, and the call as it should look.
const fn arity(function: Function) -> (usize, usize, &'static str) {
    match function {
        Function::If => (3, 3, "if(condition, value, other_value)"),
        Function::Has => (1, 1, "has(field)"),
        Function::Min => (2, usize::MAX, "min(a, b)"),
        Function::Max => (2, usize::MAX, "max(a, b)"),
        Function::Clamp => (3, 3, "clamp(value, lowest, highest)"),
        Function::Abs => (1, 1, "abs(value)"),
        Function::Round => (1, 2, "round(value, places)"),
        Function::StartsWith => (2, 2, "starts_with(tx.account, \"DE\")"),
        Function::Hour => (1, 1, "hour(now)"),
        Function::Weekday => (1, 1, "weekday(now)"),
        Function::DayOfMonth => (1, 1, "day_of_month(now)"),
        Function::Mod => (2, 2, "mod(tx.amount, 1000)"),
        Function::NameSimilarity => (2, 2, "name_similarity(tx.counterparty, \"Wang Wei\")"),
        Function::AddressSimilarity => (2, 2, "address_similarity(tx.branch, \"12 Main Street\")"),
        Function::Convert => (2, 3, "convert(tx.amount, \"USD\")"),
        Function::Lookup => (3, 3, "lookup(list.countries, tx.country, \"tier\")"),
        Function::Matches => (2, 3, "matches(\"rule-id\", 7d)"),
    }
}
