//! Functions of plain values as closures.
//!
//! An argument that is absent makes the result absent; of a condition, false.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::domain::{Currency, Instant, similarity};
use crate::rulebook::call::{Call, RATES_COLUMN, RATES_LIST, WEEKDAYS};
use crate::rulebook::typed::Expr;

use super::closure::{Compiler, ValueFn};
use super::compiled_list::CompiledList;
use super::plan::Layout;
use super::row::Value;
use super::strings::Symbol;

impl Compiler<'_> {
    /// Compiles a call.
    pub fn call(&mut self, call: &Call, arguments: &[Expr]) -> ValueFn {
        match (call, arguments) {
            (Call::StartsWith, [text, prefix]) => {
                let (text, prefix) = (self.text(text), self.text(prefix));
                Box::new(move |frame| {
                    let sides = text(frame).zip(prefix(frame));
                    let strings = frame.strings;
                    Value::Bool(frame.known(sides).is_some_and(|(text, prefix)| {
                        strings.text(text).starts_with(strings.text(prefix))
                    }))
                })
            }
            (Call::Hour, [time]) => {
                self.local(time, |at, _| Value::Number(Decimal::from(at.hour())))
            }
            (Call::DayOfMonth, [time]) => {
                self.local(time, |at, _| Value::Number(Decimal::from(at.day())))
            }
            (Call::Weekday, [time]) => self.local(time, |at, words| {
                let index = usize::try_from(at.weekday().to_monday_zero_offset()).ok();
                index.and_then(|index| words.get(index)).copied().into()
            }),
            (Call::Mod, [number, divisor]) => {
                let (number, divisor) = (self.number(number), self.number(divisor));
                Box::new(move |frame| match (number(frame), divisor(frame)) {
                    (Some(number), Some(divisor)) => number.checked_rem(divisor).into(),
                    _ => Value::Absent,
                })
            }
            (Call::Lookup { list, column, .. }, [item]) => {
                let item = self.text(item);
                let list = self.layout.list(list);
                let Some((column, _)) = list.column(column) else {
                    return Box::new(|_| Value::Absent);
                };
                Box::new(move |frame| {
                    let row = item(frame).and_then(|item| list.row(item, frame.row.at));
                    row.and_then(|row| row.cells.get(column)).copied().unwrap_or(Value::Absent)
                })
            }
            (Call::Convert { to }, [amount, from @ ..]) => self.convert(*to, amount, from.first()),
            (Call::NameSimilarity, [left, right]) => self.alike(similarity::names, left, right),
            (Call::AddressSimilarity, [left, right]) => {
                self.alike(similarity::addresses, left, right)
            }
            // The checker lets no other number of arguments through.
            _ => Box::new(|_| Value::Absent),
        }
    }

    /// How alike two texts are; worked out at most once per row.
    fn alike(
        &mut self,
        of: fn(&str, &str) -> Option<Decimal>,
        left: &Expr,
        right: &Expr,
    ) -> ValueFn {
        let (left, right) = (self.text(left), self.text(right));
        let place = self.layout.memo();
        Box::new(move |frame| {
            frame.memoized(place, |frame| {
                let (Some(left), Some(right)) = (left(frame), right(frame)) else {
                    return Value::Absent;
                };
                of(frame.strings.text(left), frame.strings.text(right)).into()
            })
        })
    }

    /// An amount in `to`, by the rates of the event's time; `from` is the currency it is in, by default the
    /// base currency.
    fn convert(&mut self, to: Currency, amount: &Expr, from: Option<&Expr>) -> ValueFn {
        let amount = self.number(amount);
        let from = from.map(|from| self.text(from));
        let rates = Rates::new(self.layout);
        let to = self.layout.strings.intern(to.code());
        Box::new(move |frame| {
            let Some(amount) = amount(frame) else { return Value::Absent };
            let from = match &from {
                Some(from) => match from(frame) {
                    Some(from) => Some(from),
                    None => return Value::Absent,
                },
                None => rates.base,
            };
            if from == Some(to) {
                return Value::Number(amount);
            }
            let at = frame.row.at;
            // Without a code for it, an amount in the base currency is worth itself.
            let worth = from.map_or(Some(Decimal::ONE), |from| rates.rate(from, at));
            let (Some(worth), Some(rate)) = (worth, rates.rate(to, at)) else {
                return Value::Absent;
            };
            amount.checked_mul(worth).and_then(|base| base.checked_div(rate)).into()
        })
    }

    /// What `read` takes from the institution's clock and calendar at a time; it is also given the
    /// symbols of the weekdays, Monday first.
    fn local(&mut self, time: &Expr, read: fn(DateTime, &[Symbol]) -> Value) -> ValueFn {
        let time = self.micros(time);
        let zone = self.layout.zone.clone();
        let words: Vec<Symbol> =
            WEEKDAYS.iter().map(|word| self.layout.strings.intern(word)).collect();
        Box::new(move |frame| {
            let at = time(frame).and_then(|micros| civil(&zone, micros));
            at.map_or(Value::Absent, |at| read(at, &words))
        })
    }
}

/// The list of rates, and the currency that needs none.
struct Rates {
    list: Arc<CompiledList>,
    column: Option<usize>,
    base: Option<Symbol>,
}

impl Rates {
    fn new(layout: &mut Layout) -> Self {
        let list = layout.list(RATES_LIST);
        let column = list.column(RATES_COLUMN).map(|(column, _)| column);
        let base = layout.base_currency.map(|base| layout.strings.intern(base.code()));
        Self { list, column, base }
    }

    /// Units of the base currency for one unit of `currency`.
    fn rate(&self, currency: Symbol, at: Instant) -> Option<Decimal> {
        if self.base == Some(currency) {
            return Some(Decimal::ONE);
        }
        self.list.row(currency, at)?.cells.get(self.column?)?.number()
    }
}

/// What clock and calendar of `zone` show at an instant; `None` outside the calendar's years.
fn civil(zone: &TimeZone, micros: i64) -> Option<DateTime> {
    Timestamp::from_microsecond(micros).ok().map(|stamp| zone.to_datetime(stamp))
}

#[cfg(test)]
mod tests;
