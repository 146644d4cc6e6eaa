//! `convert`: amounts in another currency, by the list of rates.

use crate::domain::Currency;
use crate::rulebook::call::{Call, RATES_COLUMN, RATES_LIST};
use crate::rulebook::catalogue::Type;
use crate::rulebook::diagnostic::closest;
use crate::rulebook::syntax::{Syntax, SyntaxKind};
use crate::rulebook::typed::{Expr, ExprKind, Literal, SourceSpan};

use super::expression::article;
use super::units::Unit;
use super::{Checker, Place};

impl Checker<'_> {
    /// `convert(amount, "USD")` from the base currency, `convert(amount, currency, "USD")` from another.
    pub(super) fn convert(
        &mut self,
        arguments: &[Syntax],
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let (amount, from, to) = match arguments {
            [amount, to] => (amount, None, to),
            [amount, from, to] => (amount, Some(from), to),
            _ => return None,
        };
        let has_rates = self.must_have_rates(span);
        let amount = self.expression(amount, place);
        let amount = amount.and_then(|amount| self.must_be_number(amount, "`convert`"));
        let from = match from {
            None => Some(None),
            Some(from) => self.currency_value(from, place).map(Some),
        };
        let to = self.currency_named(to);
        let (amount, from) = (amount?, from?);
        self.must_be_in(&amount, from.as_ref())?;
        has_rates?;
        let mut parts = vec![amount];
        parts.extend(from);
        let kind = ExprKind::Call(Call::Convert { to: to? }, parts);
        Some(Expr { kind, ty: Type::Number, span })
    }

    /// Reports that there is no list of rates, or one without rates.
    fn must_have_rates(&mut self, span: SourceSpan) -> Option<()> {
        let list = self.lists.get(RATES_LIST);
        let column = list.and_then(|list| list.column(RATES_COLUMN));
        if matches!(column, Some((_, Type::Number))) {
            return Some(());
        }
        if column.is_some() {
            // A column of another type was reported where it is named.
            return None;
        }
        let label = match list {
            None => format!("there is no file `lists/{RATES_LIST}.csv`"),
            Some(_) => format!("`lists/{RATES_LIST}.csv` has no column `{RATES_COLUMN}:number`"),
        };
        let help =
            format!("start it with the line `value,valid_from,valid_to,{RATES_COLUMN}:number`");
        self.report("E065", span, "`convert` needs a list of rates", label, Some(help));
        None
    }

    /// The currency that an amount is in: a field, or a code.
    fn currency_value(&mut self, written: &Syntax, place: Place) -> Option<Expr> {
        if let SyntaxKind::Text(_) = written.kind {
            let currency = self.currency_named(written)?;
            let literal = Literal::Text(currency.code().to_owned());
            let kind = ExprKind::Literal(literal);
            return Some(Expr { kind, ty: Type::Text, span: written.span });
        }
        let expr = self.expression(written, place)?;
        if expr.ty == Type::Text {
            return Some(expr);
        }
        let title = "`convert` needs the amount's currency as text";
        let help = Some("write `convert(tx.local_amount, tx.currency, \"USD\")`".to_owned());
        self.report("E024", expr.span, title, article(expr.ty), help);
        None
    }

    /// The currency that is converted to, which is the same for everybody.
    fn currency_named(&mut self, written: &Syntax) -> Option<Currency> {
        let code = match &written.kind {
            SyntaxKind::Error => return None,
            SyntaxKind::Text(code) => code.clone(),
            _ => {
                let title = "`convert` needs the currency as text";
                let help = Some("write its code in quotes: \"USD\"".to_owned());
                self.report("E024", written.span, title, "not a code in quotes", help);
                return None;
            }
        };
        let rows = self.lists.get(RATES_LIST).map(|list| list.rows.as_slice()).unwrap_or_default();
        let Some(currency) = Currency::parse(&code) else {
            let upper = code.to_uppercase();
            let close = match Currency::parse(&upper) {
                Some(_) => Some(upper.as_str()),
                None => closest(&upper, rows.iter().map(|row| row.value.as_str())),
            };
            let help = close.map(|close| format!("did you mean \"{close}\"?"));
            let title = format!("\"{code}\" is not a currency");
            self.report("E064", written.span, title, "not an ISO 4217 code", help);
            return None;
        };
        let is_base = self.institution.base_currency == Some(currency);
        let is_known = is_base || rows.iter().any(|row| row.value == code);
        if !is_known && !rows.is_empty() {
            let title = format!("there is no rate for {code}");
            let help = Some(format!("add rows for {code} to `lists/{RATES_LIST}.csv`"));
            self.report("W230", written.span, title, "what needs it is always absent", help);
        }
        Some(currency)
    }

    /// Reports an amount that is not in the currency that it is converted from.
    fn must_be_in(&mut self, amount: &Expr, from: Option<&Expr>) -> Option<()> {
        let unit = self.unit(amount);
        let wanted = match from.map(|from| &from.kind) {
            None => Unit::Base,
            Some(ExprKind::Literal(Literal::Text(code))) => self.unit_of(Currency::parse(code)?),
            Some(_) => Unit::Booked,
        };
        // A code written in the rule may well be that of what was booked.
        let may_be_booked = from.is_some() && unit == Unit::Booked;
        if unit == Unit::Plain || unit == wanted || may_be_booked {
            return Some(());
        }
        let help = match unit {
            Unit::Base => "it is in the base currency: `convert(tx.amount, \"USD\")`".to_owned(),
            Unit::Booked => {
                "name its currency: `convert(tx.local_amount, tx.currency, \"USD\")`".to_owned()
            }
            Unit::Of(_) | Unit::Plain => "convert what it was made of".to_owned(),
        };
        let title = format!("this amount is in {unit}");
        self.report("E066", amount.span, title, format!("taken for {wanted}"), Some(help));
        None
    }
}
