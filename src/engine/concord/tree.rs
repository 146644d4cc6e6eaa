//! Rules judged by walking the typed tree with one plain `match`: nothing compiled, nothing remembered.

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::domain::{Instant, similarity};
use crate::rulebook::call::{Call, RATES_COLUMN, RATES_LIST, WEEKDAYS};
use crate::rulebook::catalogue::Type;
use crate::rulebook::list::Cell;
use crate::rulebook::typed::{
    Aggregate, ArithmeticOp, CompareOp, Expr, ExprKind, List, Literal, Membership, ParamValue,
    Rule, Rulebook,
};

use super::figure::Figure;
use super::story::Row;
use super::windows::{Fold, Past, Place, Source};
use super::{Judged, Seen};

pub type Value = Seen<Decimal>;

/// A rule of a rulebook.
pub struct Tree<'a> {
    pub rulebook: &'a Rulebook,
    pub rule: &'a Rule,
}

impl Tree<'_> {
    pub fn judge(&self, past: Past<'_>) -> Judged {
        let place = Place { row: past.row(), past: Some(past), zone: past.zone };
        let rule = self.rule;
        let lets = rule.lets.iter();
        let lets = lets.map(|item| (item.name.clone(), self.value(&item.expr, place).to_string()));
        let score = match self.value(&rule.alert.score, place) {
            Seen::Number(score) => score.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED),
            _ => Decimal::ZERO,
        };
        let excuse = rule.unless.iter().find(|item| self.holds(&item.expr, place));
        Judged {
            lets: lets.collect(),
            is_let_in: rule.filter.as_ref().is_none_or(|filter| self.holds(filter, place)),
            holds: self.holds(&rule.when, place),
            excuse: excuse.map(|item| item.name.clone()),
            score: score.normalize().to_string(),
            message: None,
        }
    }

    /// What `expr` is for the row that is judged.
    pub fn of(&self, expr: &Expr, past: Past<'_>) -> Value {
        self.value(expr, Place { row: past.row(), past: Some(past), zone: past.zone })
    }

    fn holds(&self, expr: &Expr, place: Place<'_>) -> bool {
        self.value(expr, place) == Seen::Bool(true)
    }

    fn value(&self, expr: &Expr, place: Place<'_>) -> Value {
        use ExprKind as E;
        let value = |expr: &Expr| self.value(expr, place);
        let number = |expr: &Expr| value(expr).number();
        match &expr.kind {
            E::Literal(literal) => constant(literal),
            E::Field(slot) => place.row.field(&self.rule.catalogue.field(*slot).path),
            E::Param(index) => self.param(*index, place.row),
            E::Let(index) => value(&self.rule.lets[*index].expr),
            E::Aggregate(index) => self.aggregate(&self.rule.aggregates[*index], place),
            E::Not(part) => Seen::Bool(!self.holds(part, place)),
            E::And(parts) => Seen::Bool(parts.iter().all(|part| self.holds(part, place))),
            E::Or(parts) => Seen::Bool(parts.iter().any(|part| self.holds(part, place))),
            E::Compare(op, left, right) => Seen::Bool(compared(*op, &value(left), &value(right))),
            E::In { item, set, negated } => {
                let Seen::Text(item) = value(item) else { return Seen::Bool(false) };
                let is_in = match set {
                    Membership::Words(words) => words.contains(&item),
                    Membership::List(name) => {
                        self.rulebook.lists[name].contains(&item, Instant(place.row.at))
                    }
                };
                Seen::Bool(is_in != *negated)
            }
            E::Default(left, right) => Some(value(left))
                .filter(|left| *left != Seen::Absent)
                .unwrap_or_else(|| value(right)),
            E::If(test, yes, no) => value(if self.holds(test, place) { yes } else { no }),
            E::Has(part) => Seen::Bool(value(part) != Seen::Absent),
            E::Negate(part) => match value(part) {
                Seen::Number(number) => Seen::Number(-number),
                Seen::Micros(micros) => micros.checked_neg().map_or(Seen::Absent, Seen::Micros),
                _ => Seen::Absent,
            },
            E::Arithmetic(op, left, right) => calculated(*op, &value(left), &value(right)),
            E::Min(left, right) => chosen(value(left), value(right), CompareOp::LessEqual),
            E::Max(left, right) => chosen(value(left), value(right), CompareOp::GreaterEqual),
            E::Clamp(part, low, high) => {
                let raised = chosen(value(part), value(low), CompareOp::GreaterEqual);
                chosen(raised, value(high), CompareOp::LessEqual)
            }
            E::Abs(part) => number(part).map(|it| it.abs()).map_or(Seen::Absent, Seen::Number),
            E::Round(part, places) => {
                let away = RoundingStrategy::MidpointAwayFromZero;
                let rounded = number(part).map(|it| it.round_dp_with_strategy(*places, away));
                rounded.map_or(Seen::Absent, Seen::Number)
            }
            E::Call(call, arguments) => self.call(call, arguments, place),
            E::Matches(_)
            | E::EventId
            | E::Bound(..)
            | E::Pattern(_)
            | E::Member(..)
            | E::Score => {
                panic!("not written here: {expr:?}")
            }
        }
    }

    fn param(&self, index: usize, row: &Row) -> Value {
        let table = match &self.rule.params[index].value {
            ParamValue::Constant(literal) => return constant(literal),
            ParamValue::Table(table) => table,
        };
        let facts: Vec<Value> =
            table.by.iter().map(|slot| row.field(&self.rule.catalogue.field(*slot).path)).collect();
        for (pattern, literal) in &table.rows {
            let mut fits = pattern.iter().zip(&facts);
            if fits.all(|(word, fact)| {
                word.as_ref().is_none_or(|word| *fact == Seen::Text(word.clone()))
            }) {
                return constant(literal);
            }
        }
        table.default.as_ref().map_or(Seen::Absent, constant)
    }

    fn aggregate(&self, aggregate: &Aggregate, place: Place<'_>) -> Value {
        let past = place.past.expect("no window within a window");
        let enters = |row: &Row| {
            aggregate
                .filter
                .as_ref()
                .is_none_or(|filter| self.holds(filter, Place::kept(row, place.zone)))
        };
        let value = |row: &Row| {
            let value = aggregate
                .value
                .as_ref()
                .map(|value| self.value(value, Place::kept(row, place.zone)));
            value.map_or(Seen::Absent, |value| value.map(|it| Figure::parse(&it.to_string())))
        };
        let word = |role| self.rule.catalogue.role_word(role).to_owned();
        let mut by: Vec<String> = aggregate.by.iter().map(|role| word(*role)).collect();
        by.sort();
        // The tree knows the share in ten-thousandths of a percent.
        let percent = aggregate
            .percent
            .map(|share| Figure::whole(i64::try_from(share.of(1_000_000).0).expect("a share")));
        let percent = percent.and_then(|parts| parts.over(&Figure::whole(10_000)));
        let source = EVENTS.iter().find(|source| is_source(aggregate, source));
        let folded = past.fold(&Fold {
            function: aggregate.function,
            percent,
            source: Source((*source.expect("events")).to_owned()),
            by,
            window: aggregate.window,
            enters: &enters,
            value: &value,
        });
        folded.map(|it| Decimal::from_str_exact(&it.to_string()).expect("a number"))
    }

    fn call(&self, call: &Call, arguments: &[Expr], place: Place<'_>) -> Value {
        let given: Vec<Value> = arguments.iter().map(|it| self.value(it, place)).collect();
        let number = |found: Option<Decimal>| found.map_or(Seen::Absent, Seen::Number);
        let clock = |given: &Value| match given {
            Seen::Micros(at) => {
                let stamp = Timestamp::from_microsecond(*at).ok();
                stamp.map(|stamp| place.zone.to_datetime(stamp))
            }
            _ => None,
        };
        match (call, given.as_slice()) {
            (Call::StartsWith, [Seen::Text(text), Seen::Text(prefix)]) => {
                Seen::Bool(text.starts_with(prefix.as_str()))
            }
            (Call::StartsWith, _) => Seen::Bool(false),
            (Call::Hour, [at]) => number(clock(at).map(|at| Decimal::from(at.hour()))),
            (Call::DayOfMonth, [at]) => number(clock(at).map(|at| Decimal::from(at.day()))),
            (Call::Weekday, [at]) => clock(at).map_or(Seen::Absent, |at| {
                let place = at.weekday().to_monday_zero_offset();
                Seen::Text(WEEKDAYS[usize::try_from(place).expect("a day")].to_owned())
            }),
            (Call::Mod, [left, right]) => {
                let both = left.number().zip(right.number());
                number(both.and_then(|(left, right)| left.checked_rem(right)))
            }
            (Call::Lookup { list, column, ty }, [item]) => {
                let item = item.text();
                match item.map_or(Seen::Absent, |item| self.cell(list, &item, column, place.row.at))
                {
                    Seen::Absent if *ty == Type::Bool => Seen::Bool(false),
                    found => found,
                }
            }
            (Call::Convert { to }, [amount, from @ ..]) => {
                let from = from.first().map_or(Some("EUR".to_owned()), Value::text);
                number(amount.number().zip(from).and_then(|(amount, from)| {
                    self.converted(amount, &from, to.code(), place.row.at)
                }))
            }
            (Call::NameSimilarity, [Seen::Text(left), Seen::Text(right)]) => {
                number(similarity::names(left, right))
            }
            (Call::AddressSimilarity, [Seen::Text(left), Seen::Text(right)]) => {
                number(similarity::addresses(left, right))
            }
            _ => Seen::Absent,
        }
    }

    fn cell(&self, list: &str, item: &str, column: &str, at: i64) -> Value {
        let list: &List = &self.rulebook.lists[list];
        let cell = list.column(column).and_then(|(place, _)| {
            list.row(item, Instant(at)).and_then(|row| row.cells.get(place)?.as_ref())
        });
        match cell {
            None => Seen::Absent,
            Some(Cell::Text(text)) => Seen::Text(text.clone()),
            Some(Cell::Number(number)) => Seen::Number(*number),
            Some(Cell::Bool(truth)) => Seen::Bool(*truth),
            Some(Cell::Duration(span)) => Seen::Micros(span.0),
            Some(Cell::Time(at)) => Seen::Micros(at.0),
        }
    }

    fn converted(&self, amount: Decimal, from: &str, to: &str, at: i64) -> Option<Decimal> {
        let rate = |code: &str| match code {
            "EUR" => Some(Decimal::ONE),
            _ => self.cell(RATES_LIST, code, RATES_COLUMN, at).number(),
        };
        if from == to {
            return Some(amount);
        }
        amount.checked_mul(rate(from)?)?.checked_div(rate(to)?)
    }
}

const EVENTS: &[&str] =
    &["transaction", "kyc.profile_changed", "kyc", "security.login", "security"];

/// Whether the events of `aggregate` are just those that `source` names.
fn is_source(aggregate: &Aggregate, source: &str) -> bool {
    use crate::rulebook::catalogue::EventName;
    EventName::all().all(|name| {
        let word = name.word();
        let is_in = word == source || word.split('.').next() == Some(source);
        aggregate.source.contains(name) == is_in
    })
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Number(number) => Seen::Number(*number),
        Literal::Text(text) => Seen::Text(text.clone()),
        Literal::Duration(span) => Seen::Micros(span.0),
        Literal::Bool(truth) => Seen::Bool(*truth),
    }
}

fn compared(op: CompareOp, left: &Value, right: &Value) -> bool {
    let order = match (left, right) {
        (Seen::Number(left), Seen::Number(right)) => left.cmp(right),
        (Seen::Micros(left), Seen::Micros(right)) => left.cmp(right),
        (Seen::Text(left), Seen::Text(right)) => left.cmp(right),
        (Seen::Bool(left), Seen::Bool(right)) => left.cmp(right),
        _ => return false,
    };
    match op {
        CompareOp::Equal => order.is_eq(),
        CompareOp::NotEqual => order.is_ne(),
        CompareOp::Less => order.is_lt(),
        CompareOp::LessEqual => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterEqual => order.is_ge(),
    }
}

/// The left one if it stands so to the right one, else the right one; absent if one is.
fn chosen(left: Value, right: Value, op: CompareOp) -> Value {
    if left == Seen::Absent || right == Seen::Absent {
        return Seen::Absent;
    }
    if compared(op, &left, &right) { left } else { right }
}

fn calculated(op: ArithmeticOp, left: &Value, right: &Value) -> Value {
    use ArithmeticOp as A;
    let apply = |left: Decimal, right: Decimal| match op {
        A::Add => left.checked_add(right),
        A::Subtract => left.checked_sub(right),
        A::Multiply => left.checked_mul(right),
        A::Divide => left.checked_div(right),
    };
    let number = |found: Option<Decimal>| found.map_or(Seen::Absent, Seen::Number);
    let micros = |found: Option<i64>| found.map_or(Seen::Absent, Seen::Micros);
    let whole = |found: Option<Decimal>| {
        let away = RoundingStrategy::MidpointAwayFromZero;
        micros(found.and_then(|it| i64::try_from(it.round_dp_with_strategy(0, away)).ok()))
    };
    match (op, left, right) {
        (_, Seen::Number(left), Seen::Number(right)) => number(apply(*left, *right)),
        (A::Divide, Seen::Micros(left), Seen::Micros(right)) => {
            number(apply(Decimal::from(*left), Decimal::from(*right)))
        }
        (A::Add, Seen::Micros(left), Seen::Micros(right)) => micros(left.checked_add(*right)),
        (A::Subtract, Seen::Micros(left), Seen::Micros(right)) => micros(left.checked_sub(*right)),
        (_, Seen::Micros(left), Seen::Number(right)) => whole(apply(Decimal::from(*left), *right)),
        (_, Seen::Number(left), Seen::Micros(right)) => whole(apply(*left, Decimal::from(*right))),
        _ => Seen::Absent,
    }
}
