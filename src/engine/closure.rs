//! Typed expressions as closures over the row: what runs for every event.
//!
//! Names were resolved and types checked before, so a closure neither looks up nor fails: an absent
//! value makes a comparison false and arithmetic absent. Conjunctions run cheap parts first.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::rulebook::catalogue::{Slot, Type};
use crate::rulebook::meaning::canonical;
use crate::rulebook::typed::{
    Aggregate, AggregateIndex, ArithmeticOp, CompareOp, Expr, ExprKind, Literal, Membership,
    ParamTable, ParamValue, Rule,
};

use super::frame::Frame;
use super::graph;
use super::plan::Layout;
use super::row::Value;
use super::strings::Symbol;
use super::wake::Wake;

/// A compiled number.
pub type NumberFn = Box<dyn Fn(&mut Frame<'_>) -> Option<Decimal> + Send + Sync>;
/// A compiled text.
pub type TextFn = Box<dyn Fn(&mut Frame<'_>) -> Option<Symbol> + Send + Sync>;
/// A compiled time or duration.
pub type MicrosFn = Box<dyn Fn(&mut Frame<'_>) -> Option<i64> + Send + Sync>;
/// A compiled condition.
pub type BoolFn = Box<dyn Fn(&mut Frame<'_>) -> bool + Send + Sync>;
/// A compiled value of any type.
pub type ValueFn = Box<dyn Fn(&mut Frame<'_>) -> Value + Send + Sync>;

/// Compiles the expressions of one rule, laying out the windows they read.
pub struct Compiler<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Where windows, filters and memos are laid out for all rules together.
    pub layout: &'a mut Layout,
    /// Memo place of each `let`.
    pub lets: Vec<usize>,
}

impl Compiler<'_> {
    /// Compiles an expression of any type.
    pub fn value(&mut self, expr: &Expr) -> ValueFn {
        match expr.ty {
            Type::Number => {
                let number = self.number(expr);
                Box::new(move |frame| number(frame).into())
            }
            Type::Text => {
                let text = self.text(expr);
                Box::new(move |frame| text(frame).into())
            }
            Type::Duration | Type::Time => {
                let micros = self.micros(expr);
                Box::new(move |frame| micros(frame).map_or(Value::Absent, Value::Micros))
            }
            Type::Bool => self.truth_value(expr),
            Type::Pattern | Type::Names => {
                let Some(place) = self.pattern(expr) else { return Box::new(|_| Value::Absent) };
                let value = Value::found(place);
                Box::new(move |frame| frame.found(place).map_or(Value::Absent, |_| value))
            }
        }
    }

    /// Compiles a number.
    pub fn number(&mut self, expr: &Expr) -> NumberFn {
        match &expr.kind {
            ExprKind::Literal(Literal::Number(number)) => {
                let number = *number;
                Box::new(move |_| Some(number))
            }
            ExprKind::Score => Box::new(|frame| frame.score),
            ExprKind::Negate(inner) => {
                let inner = self.number(inner);
                Box::new(move |frame| inner(frame).map(|number| -number))
            }
            ExprKind::Arithmetic(ArithmeticOp::Divide, left, right) if left.ty != Type::Number => {
                let (left, right) = (self.micros(left), self.micros(right));
                Box::new(move |frame| {
                    let (left, right) = (left(frame)?, right(frame)?);
                    Decimal::from(left).checked_div(Decimal::from(right))
                })
            }
            ExprKind::Arithmetic(op, left, right) => {
                let (left, right) = (self.number(left), self.number(right));
                let apply = arithmetic(*op);
                Box::new(move |frame| apply(left(frame)?, right(frame)?))
            }
            ExprKind::Min(left, right) => {
                let (left, right) = (self.number(left), self.number(right));
                Box::new(move |frame| Some(left(frame)?.min(right(frame)?)))
            }
            ExprKind::Max(left, right) => {
                let (left, right) = (self.number(left), self.number(right));
                Box::new(move |frame| Some(left(frame)?.max(right(frame)?)))
            }
            ExprKind::Clamp(inner, low, high) => {
                let (inner, low, high) = (self.number(inner), self.number(low), self.number(high));
                Box::new(move |frame| Some(inner(frame)?.max(low(frame)?).min(high(frame)?)))
            }
            ExprKind::Abs(inner) => {
                let inner = self.number(inner);
                Box::new(move |frame| inner(frame).map(|number| number.abs()))
            }
            ExprKind::Round(inner, places) => {
                let (inner, places) = (self.number(inner), *places);
                Box::new(move |frame| Some(half_away(inner(frame)?, places)))
            }
            ExprKind::Default(first, second) => {
                let (first, second) = (self.number(first), self.number(second));
                Box::new(move |frame| first(frame).or_else(|| second(frame)))
            }
            ExprKind::If(test, yes, no) => {
                let (test, yes, no) = (self.condition(test), self.number(yes), self.number(no));
                Box::new(move |frame| if test(frame) { yes(frame) } else { no(frame) })
            }
            _ => {
                let leaf = self.leaf(expr);
                Box::new(move |frame| leaf(frame).number())
            }
        }
    }

    /// Compiles a text.
    pub fn text(&mut self, expr: &Expr) -> TextFn {
        match &expr.kind {
            ExprKind::Literal(Literal::Text(text)) => {
                let symbol = self.layout.strings.intern(text);
                Box::new(move |_| Some(symbol))
            }
            ExprKind::Default(first, second) => {
                let (first, second) = (self.text(first), self.text(second));
                Box::new(move |frame| first(frame).or_else(|| second(frame)))
            }
            ExprKind::If(test, yes, no) => {
                let (test, yes, no) = (self.condition(test), self.text(yes), self.text(no));
                Box::new(move |frame| if test(frame) { yes(frame) } else { no(frame) })
            }
            _ => {
                let leaf = self.leaf(expr);
                Box::new(move |frame| leaf(frame).symbol())
            }
        }
    }

    /// Compiles a time or a duration.
    pub fn micros(&mut self, expr: &Expr) -> MicrosFn {
        match &expr.kind {
            ExprKind::Literal(Literal::Duration(span)) => {
                let micros = span.0;
                Box::new(move |_| Some(micros))
            }
            ExprKind::Negate(inner) => {
                let inner = self.micros(inner);
                Box::new(move |frame| inner(frame)?.checked_neg())
            }
            ExprKind::Arithmetic(ArithmeticOp::Add, left, right) => {
                let (left, right) = (self.micros(left), self.micros(right));
                Box::new(move |frame| left(frame)?.checked_add(right(frame)?))
            }
            ExprKind::Arithmetic(ArithmeticOp::Subtract, left, right) => {
                let (left, right) = (self.micros(left), self.micros(right));
                Box::new(move |frame| left(frame)?.checked_sub(right(frame)?))
            }
            ExprKind::Arithmetic(op, left, right) => self.scaled_duration(*op, left, right),
            ExprKind::Min(left, right) => {
                let (left, right) = (self.micros(left), self.micros(right));
                Box::new(move |frame| Some(left(frame)?.min(right(frame)?)))
            }
            ExprKind::Max(left, right) => {
                let (left, right) = (self.micros(left), self.micros(right));
                Box::new(move |frame| Some(left(frame)?.max(right(frame)?)))
            }
            ExprKind::Clamp(inner, low, high) => {
                let (inner, low, high) = (self.micros(inner), self.micros(low), self.micros(high));
                Box::new(move |frame| Some(inner(frame)?.max(low(frame)?).min(high(frame)?)))
            }
            ExprKind::Abs(inner) => {
                let inner = self.micros(inner);
                Box::new(move |frame| inner(frame)?.checked_abs())
            }
            ExprKind::Default(first, second) => {
                let (first, second) = (self.micros(first), self.micros(second));
                Box::new(move |frame| first(frame).or_else(|| second(frame)))
            }
            ExprKind::If(test, yes, no) => {
                let (test, yes, no) = (self.condition(test), self.micros(yes), self.micros(no));
                Box::new(move |frame| if test(frame) { yes(frame) } else { no(frame) })
            }
            _ => {
                let leaf = self.leaf(expr);
                Box::new(move |frame| leaf(frame).micros())
            }
        }
    }

    /// A duration times or divided by a number, rounded to the microsecond like every number.
    fn scaled_duration(&mut self, op: ArithmeticOp, left: &Expr, right: &Expr) -> MicrosFn {
        let (span, factor) = if left.ty == Type::Number { (right, left) } else { (left, right) };
        let (span, factor) = (self.micros(span), self.number(factor));
        let apply = arithmetic(op);
        Box::new(move |frame| {
            let micros = apply(Decimal::from(span(frame)?), factor(frame)?)?;
            i64::try_from(half_away(micros, 0)).ok()
        })
    }

    /// Compiles a condition.
    pub fn condition(&mut self, expr: &Expr) -> BoolFn {
        match &expr.kind {
            ExprKind::Literal(Literal::Bool(value)) => {
                let value = *value;
                Box::new(move |_| value)
            }
            ExprKind::Not(inner) => {
                let inner = self.condition(inner);
                Box::new(move |frame| !inner(frame))
            }
            ExprKind::And(parts) => {
                let parts = self.cheap_first(parts);
                Box::new(move |frame| parts.iter().all(|part| part(frame)))
            }
            ExprKind::Or(parts) => {
                let parts = self.cheap_first(parts);
                Box::new(move |frame| parts.iter().any(|part| part(frame)))
            }
            ExprKind::Compare(op, left, right) => self.comparison(*op, left, right),
            ExprKind::In { item, set, negated } => self.membership(item, set, *negated),
            ExprKind::Has(inner) if inner.ty == Type::Bool => self.has_truth(inner),
            ExprKind::Has(inner) => {
                let inner = self.value(inner);
                Box::new(move |frame| inner(frame) != Value::Absent)
            }
            ExprKind::If(test, yes, no) => {
                let (test, yes, no) =
                    (self.condition(test), self.condition(yes), self.condition(no));
                Box::new(move |frame| if test(frame) { yes(frame) } else { no(frame) })
            }
            ExprKind::Default(first, second) => self.truth_or(first, second),
            _ => {
                let leaf = self.leaf(expr);
                Box::new(move |frame| leaf(frame) == Value::Bool(true))
            }
        }
    }

    /// `and` and `or` have no side effects, so what reads windows may wait until the rest has decided, and
    /// what searches until windows have.
    fn cheap_first(&mut self, parts: &[Expr]) -> Vec<BoolFn> {
        in_order(self.rule, parts).into_iter().map(|part| self.condition(part)).collect()
    }

    fn comparison(&mut self, op: CompareOp, left: &Expr, right: &Expr) -> BoolFn {
        match left.ty {
            Type::Number => {
                // A field against a constant is by far the most frequent condition.
                if let (ExprKind::Field(slot), ExprKind::Literal(Literal::Number(number))) =
                    (&left.kind, &right.kind)
                {
                    let (slot, number, holds) = (*slot, *number, compare::<Decimal>(op));
                    return Box::new(move |frame| {
                        let value = frame.row.get(slot).number();
                        both(frame, value, Some(number), holds)
                    });
                }
                let (left, right, holds) = (self.number(left), self.number(right), compare(op));
                Box::new(move |frame| {
                    let (left, right) = (left(frame), right(frame));
                    both(frame, left, right, holds)
                })
            }
            Type::Duration | Type::Time => {
                let (left, right, holds) = (self.micros(left), self.micros(right), compare(op));
                Box::new(move |frame| {
                    let (left, right) = (left(frame), right(frame));
                    both(frame, left, right, holds)
                })
            }
            Type::Text => {
                if let (ExprKind::Field(slot), ExprKind::Literal(Literal::Text(text))) =
                    (&left.kind, &right.kind)
                {
                    let (slot, symbol) = (*slot, self.layout.strings.intern(text));
                    let wanted = op == CompareOp::Equal;
                    return Box::new(move |frame| {
                        let value = frame.row.get(slot).symbol();
                        frame.known(value).is_some_and(|value| (value == symbol) == wanted)
                    });
                }
                let (left, right, holds) = (self.text(left), self.text(right), compare(op));
                Box::new(move |frame| {
                    let (left, right) = (left(frame), right(frame));
                    both(frame, left, right, holds)
                })
            }
            Type::Bool => self.truths_compared(op, left, right),
            // The checker lets no comparison of what was found through.
            Type::Pattern | Type::Names => Box::new(|_| false),
        }
    }

    fn membership(&mut self, item: &Expr, set: &Membership, negated: bool) -> BoolFn {
        let item = self.text(item);
        match set {
            Membership::Words(words) => {
                let words: Vec<Symbol> =
                    words.iter().map(|word| self.layout.strings.intern(word)).collect();
                Box::new(move |frame| {
                    let symbol = item(frame);
                    frame.known(symbol).is_some_and(|symbol| words.contains(&symbol) != negated)
                })
            }
            Membership::List(name) => {
                let list = self.layout.list(name);
                Box::new(move |frame| {
                    let symbol = item(frame);
                    let at = frame.row.at;
                    frame.known(symbol).is_some_and(|symbol| list.contains(symbol, at) != negated)
                })
            }
        }
    }

    /// Fields, parameters, `let`s and window readings.
    pub fn leaf(&mut self, expr: &Expr) -> ValueFn {
        match &expr.kind {
            ExprKind::Field(slot) => {
                let slot = *slot;
                Box::new(move |frame| frame.row.get(slot))
            }
            ExprKind::Literal(literal) => {
                let value = self.constant(literal);
                Box::new(move |_| value)
            }
            ExprKind::Param(index) => {
                match self.rule.params.get(*index).map(|param| &param.value) {
                    Some(ParamValue::Constant(literal)) => {
                        let value = self.constant(literal);
                        Box::new(move |_| value)
                    }
                    Some(ParamValue::Table(table)) => self.table(table),
                    None => Box::new(|_| Value::Absent),
                }
            }
            ExprKind::Let(index) => {
                let place = self.lets.get(*index).copied().unwrap_or(usize::MAX);
                let Some(inner) = self.rule.lets.get(*index) else {
                    return Box::new(|_| Value::Absent);
                };
                let inner = self.value(&inner.expr);
                Box::new(move |frame| frame.memoized(place, |frame| inner(frame)))
            }
            ExprKind::Aggregate(index) => match self.rule.aggregates.get(*index) {
                Some(aggregate) => {
                    let read = Layout::aggregate(self, aggregate);
                    let place = self.layout.read_memo(read);
                    Box::new(move |frame| frame.memoized(place, |frame| frame.read(read)))
                }
                None => Box::new(|_| Value::Absent),
            },
            ExprKind::Call(call, arguments) => self.call(call, arguments),
            ExprKind::Bound(step, kept) => {
                let (step, kept) = (*step, *kept);
                Box::new(move |frame| frame.bound.value(step, kept))
            }
            ExprKind::Matches(index) => match self.rule.matches.get(*index) {
                Some(matches) => {
                    let read = self.layout.matches(self.rule, matches);
                    Box::new(move |frame| frame.count_matches(read))
                }
                None => Box::new(|_| Value::Absent),
            },
            ExprKind::EventId => Box::new(|frame| frame.row.id),
            ExprKind::Member(inner, member) => {
                let Some(place) = self.pattern(inner) else { return Box::new(|_| Value::Absent) };
                let member = *member;
                Box::new(move |frame| {
                    frame.found(place).map_or(Value::Absent, |found| found.member(member))
                })
            }
            // Every other form is compiled by its type above; the checker lets no other pair through.
            _ => Box::new(|_| Value::Absent),
        }
    }

    /// The place of the pattern that `expr` is, or whose names it is.
    fn pattern(&mut self, expr: &Expr) -> Option<usize> {
        let rule = self.rule;
        match &expr.kind {
            ExprKind::Pattern(index) => Some(graph::lay_out(self, rule.patterns.get(*index)?)),
            ExprKind::Let(index) => self.pattern(&rule.lets.get(*index)?.expr),
            ExprKind::Member(inner, _) => self.pattern(inner),
            _ => None,
        }
    }

    /// The place of a filter on entry and its canonical text; no place when everything enters.
    pub fn filter(&mut self, filter: Option<&Expr>) -> (Option<usize>, String) {
        let Some(filter) = filter else { return (None, String::new()) };
        let text = canonical(self.rule, filter);
        let known = self.layout.filters.iter().position(|(known, ..)| *known == text);
        let place = known.unwrap_or_else(|| {
            let holds = self.condition(filter);
            let wake = Wake::of(self.rule, filter);
            self.layout.filters.push((text.clone(), wake, holds));
            self.layout.filters.len() - 1
        });
        (Some(place), text)
    }

    fn constant(&mut self, literal: &Literal) -> Value {
        match literal {
            Literal::Number(number) => Value::Number(*number),
            Literal::Text(text) => Value::Text(self.layout.strings.intern(text)),
            Literal::Duration(span) => Value::Micros(span.0),
            Literal::Bool(value) => Value::Bool(*value),
        }
    }

    fn table(&mut self, table: &ParamTable) -> ValueFn {
        let slots = table.by.clone();
        let rows: Vec<(Vec<Option<Symbol>>, Value)> = table
            .rows
            .iter()
            .map(|(pattern, literal)| {
                let pattern = pattern
                    .iter()
                    .map(|word| word.as_ref().map(|word| self.layout.strings.intern(word)))
                    .collect();
                (pattern, self.constant(literal))
            })
            .collect();
        let default = table.default.as_ref().map_or(Value::Absent, |value| self.constant(value));
        Box::new(move |frame| {
            rows.iter()
                .find(|(pattern, _)| fits(pattern, &slots, frame))
                .map_or(default, |(_, value)| *value)
        })
    }
}

fn fits(pattern: &[Option<Symbol>], slots: &[Slot], frame: &Frame<'_>) -> bool {
    pattern
        .iter()
        .zip(slots)
        .all(|(word, &slot)| word.is_none_or(|word| frame.row.get(slot) == Value::Text(word)))
}

/// Calls `note` for every aggregate that evaluating `expr` reads, also by way of a `let`.
pub fn each_aggregate(rule: &Rule, expr: &Expr, note: &mut dyn FnMut(AggregateIndex, &Aggregate)) {
    expr.each_part(&mut |part| match &part.kind {
        ExprKind::Aggregate(index) => {
            if let Some(aggregate) = rule.aggregates.get(*index) {
                note(*index, aggregate);
            }
        }
        ExprKind::Let(index) => {
            if let Some(inner) = rule.lets.get(*index) {
                each_aggregate(rule, &inner.expr, note);
            }
        }
        _ => {}
    });
}

/// How far evaluating an expression reaches, also by way of a `let`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Reads the row.
    Row,
    /// Reads a window.
    Window,
    /// Searches a graph.
    Search,
}

/// The parts of an `and` or `or` in the order in which they are evaluated: as written, but what reads
/// windows after the others, and what searches last.
pub fn in_order<'e>(rule: &Rule, parts: &'e [Expr]) -> Vec<&'e Expr> {
    let mut order: Vec<&Expr> = parts.iter().collect();
    order.sort_by_key(|part| reach(rule, part));
    order
}

/// How far evaluating `expr` reaches.
pub fn reach(rule: &Rule, expr: &Expr) -> Reach {
    match &expr.kind {
        ExprKind::Aggregate(_) => Reach::Window,
        ExprKind::Pattern(_) => Reach::Search,
        ExprKind::Let(index) => {
            rule.lets.get(*index).map_or(Reach::Row, |inner| reach(rule, &inner.expr))
        }
        _ => expr.parts().into_iter().map(|part| reach(rule, part)).max().unwrap_or(Reach::Row),
    }
}

fn both<T: Copy>(
    frame: &mut Frame<'_>,
    left: Option<T>,
    right: Option<T>,
    holds: fn(&T, &T) -> bool,
) -> bool {
    frame.known(left.zip(right)).is_some_and(|(left, right)| holds(&left, &right))
}

fn compare<T: PartialOrd>(op: CompareOp) -> fn(&T, &T) -> bool {
    match op {
        CompareOp::Equal => T::eq,
        CompareOp::NotEqual => T::ne,
        CompareOp::Less => T::lt,
        CompareOp::LessEqual => T::le,
        CompareOp::Greater => T::gt,
        CompareOp::GreaterEqual => T::ge,
    }
}

/// Rounded, halves away from zero.
fn half_away(number: Decimal, places: u32) -> Decimal {
    number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

fn arithmetic(op: ArithmeticOp) -> fn(Decimal, Decimal) -> Option<Decimal> {
    match op {
        ArithmeticOp::Add => Decimal::checked_add,
        ArithmeticOp::Subtract => Decimal::checked_sub,
        ArithmeticOp::Multiply => Decimal::checked_mul,
        ArithmeticOp::Divide => Decimal::checked_div,
    }
}
