//! Reads one value of a story by the type of the field it is for.

use rust_decimal::Decimal;

use crate::domain::{Country, Currency, Instant, Span};
use crate::rulebook::catalogue::{Field, Slot, Type};
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::elsewhere::numbers;
use crate::rulebook::example::Value;
use crate::rulebook::source::Node;
use crate::rulebook::{lists, numerals};

use super::{Reader, offset};

impl Reader<'_> {
    /// The value of `node` for `field`; in round `round` of a repetition `{i}` stands for its number.
    pub(super) fn field_value(
        &mut self,
        field: &Field,
        node: &Node,
        start: Instant,
        round: Option<usize>,
    ) -> Option<Value> {
        let text = self.scalar(node, "a value")?;
        match field.ty {
            Type::Text => {
                let text = match round {
                    Some(round) => text.replace("{i}", &round.to_string()),
                    None => text.to_owned(),
                };
                self.is_allowed(field, node, &text).then_some(Value::Text(text))
            }
            Type::Number => self.number(field, node, text).map(Value::Number),
            Type::Bool => match text {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => self.misfit(field, node, "neither true nor false"),
            },
            Type::Time => match offset(text, start).or_else(|| lists::date(text)) {
                Some(at) => Some(Value::Time(at)),
                None => self.misfit(field, node, "neither an offset like -20d nor a date"),
            },
            Type::Duration => match Span::parse(text) {
                Some(span) => Some(Value::Duration(span)),
                None => self.misfit(field, node, "not a length of time like 36h"),
            },
            Type::Pattern | Type::Names => self.misfit(field, node, "a pattern cannot be given"),
        }
    }

    fn is_allowed(&mut self, field: &Field, node: &Node, text: &str) -> bool {
        let problem = match field.slot {
            Slot::TX_COUNTRY | Slot::CUSTOMER_COUNTRY | Slot::SECURITY_COUNTRY => {
                Country::parse(text).is_none().then_some("not an ISO 3166 country like SE")
            }
            Slot::TX_CURRENCY | Slot::ACCOUNT_CURRENCY => {
                Currency::parse(text).is_none().then_some("not an ISO 4217 currency like EUR")
            }
            _ => text.is_empty().then_some("empty"),
        };
        if let Some(label) = problem {
            return self.misfit::<()>(field, node, label).is_some();
        }
        if field.allows(text) {
            return true;
        }
        let title = format!("`{}` is never \"{text}\"", field.path);
        self.error("E205", node.span, title, "no such value", did_you_mean(text, &field.words()));
        false
    }

    fn number(&mut self, field: &Field, node: &Node, text: &str) -> Option<Decimal> {
        let Some(number) = number(text) else {
            let help = numbers::meant(text).map(|meant| meant.help());
            let title = format!("this does not fit `{}`", field.path);
            self.error("E205", node.span, title, "not a plain number like 9400.50", help);
            return None;
        };
        self.problems.extend(numerals::doubt(self.path, text, node.span));
        if number.is_sign_negative() && !number.is_zero() && !field.slot.is_custom() {
            return self.misfit(field, node, "below zero");
        }
        Some(number)
    }

    fn misfit<T>(&mut self, field: &Field, node: &Node, label: &str) -> Option<T> {
        let title = format!("this does not fit `{}`", field.path);
        self.error("E205", node.span, title, label, None);
        None
    }
}

/// A plain decimal of the rule language: digits, `_` between them, one point.
pub(super) fn number(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.ends_with(|last: char| last.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'));
    if !is_plain {
        return None;
    }
    Decimal::from_str_exact(&text.replace('_', "")).ok()
}
