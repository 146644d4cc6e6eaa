//! What numbers count: amounts of different money do not mix.
//!
//! `tx.amount` is in the institution's base currency, `tx.local_amount` as it was booked, and what
//! `convert` gives in the currency it names. Constants, parameters and counts fit all of them: a limit of
//! 8000 is meant in whatever it is compared with.

use std::fmt;

use crate::domain::Currency;
use crate::rulebook::call::Call;
use crate::rulebook::catalogue::{Money, Type};
use crate::rulebook::pattern::Member;
use crate::rulebook::typed::{ArithmeticOp, Expr, ExprKind, SourceSpan};

use super::Checker;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Anything but money, or a constant.
    Plain,
    /// Money of the institution's base currency.
    Base,
    /// Money of the currency that was booked.
    Booked,
    /// Money of a currency by name.
    Of(Currency),
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => out.write_str("a plain number"),
            Self::Base => out.write_str("the base currency"),
            Self::Booked => out.write_str("the currency that was booked"),
            Self::Of(currency) => write!(out, "{currency}"),
        }
    }
}

impl Checker<'_> {
    /// What `expr` counts; units that do not fit were reported where they meet.
    pub(super) fn unit(&self, expr: &Expr) -> Unit {
        if expr.ty != Type::Number {
            return Unit::Plain;
        }
        match &expr.kind {
            ExprKind::Field(slot) => match slot.money() {
                Some(Money::Base) => Unit::Base,
                Some(Money::Booked) => Unit::Booked,
                None => Unit::Plain,
            },
            ExprKind::Member(_, Member::Amount | Member::FirstAmount | Member::LastAmount) => {
                Unit::Base
            }
            ExprKind::Bound(step, kept) => {
                let kept = self.steps.get(*step).and_then(|step| step.kept.get(*kept));
                kept.map_or(Unit::Plain, |kept| self.unit(kept))
            }
            ExprKind::Let(index) => {
                self.lets.get(*index).map_or(Unit::Plain, |named| self.unit(&named.expr))
            }
            ExprKind::Aggregate(index) => {
                let value = self.aggregates.get(*index).and_then(|it| it.value.as_ref());
                value.map_or(Unit::Plain, |value| self.unit(value))
            }
            ExprKind::Arithmetic(ArithmeticOp::Divide, left, right) => {
                match (self.unit(left), self.unit(right)) {
                    (unit, Unit::Plain) => unit,
                    _ => Unit::Plain,
                }
            }
            ExprKind::Call(Call::Convert { to }, _) => self.unit_of(*to),
            ExprKind::Call(Call::Mod, parts) => self.unit_among(parts.iter()),
            ExprKind::Call(..) => Unit::Plain,
            ExprKind::If(_, yes, no) => self.unit_among([yes.as_ref(), no.as_ref()]),
            _ => self.unit_among(expr.parts()),
        }
    }

    fn unit_among<'e>(&self, parts: impl IntoIterator<Item = &'e Expr>) -> Unit {
        let mut units = parts.into_iter().map(|part| self.unit(part));
        units.find(|unit| *unit != Unit::Plain).unwrap_or(Unit::Plain)
    }

    /// The unit of an amount in `currency`.
    pub(super) fn unit_of(&self, currency: Currency) -> Unit {
        if self.institution.base_currency == Some(currency) {
            Unit::Base
        } else {
            Unit::Of(currency)
        }
    }

    /// Reports amounts of different money that are compared, added or chosen between.
    pub(super) fn must_be_one_unit(
        &mut self,
        left: &Expr,
        right: &Expr,
        span: SourceSpan,
    ) -> Option<()> {
        let units = (self.unit(left), self.unit(right));
        if units.0 == Unit::Plain || units.1 == Unit::Plain || units.0 == units.1 {
            return Some(());
        }
        let help = match units {
            (Unit::Base | Unit::Booked, Unit::Base | Unit::Booked) => {
                "use `tx.amount` on both sides: it is in the base currency".to_owned()
            }
            (Unit::Of(currency), other) | (other, Unit::Of(currency)) => match other {
                Unit::Booked => {
                    format!(
                        "convert it too: `convert(tx.local_amount, tx.currency, \"{currency}\")`"
                    )
                }
                _ => format!("convert it too: `convert(tx.amount, \"{currency}\")`"),
            },
            _ => "convert one of them".to_owned(),
        };
        let title = "amounts of different money do not mix";
        let label = format!("{} and {}", units.0, units.1);
        self.report("E066", span, title, label, Some(help));
        None
    }

    /// Reports a product of two amounts, which is no amount.
    pub(super) fn must_be_a_scale(
        &mut self,
        left: &Expr,
        right: &Expr,
        span: SourceSpan,
    ) -> Option<()> {
        if self.unit(left) == Unit::Plain || self.unit(right) == Unit::Plain {
            return Some(());
        }
        let title = "an amount cannot be multiplied by an amount";
        let help = "multiply by a plain number, or divide for a ratio".to_owned();
        self.report("E067", span, title, "money times money", Some(help));
        None
    }
}
