//! What must be so when some conditions of a rule hold: the reasoning behind "never" and "always".
//!
//! In: conditions, one after another, each taken as true or as false. Out: whether that can be at all.
//! A "no" is certain; where the reasoning gives up it says "perhaps". Absent values count as the
//! contract says: a comparison with one is false, so what is taken as false may also be absent.

use std::cell::Cell;

use rust_decimal::Decimal;

use crate::rulebook::catalogue::{Presence, Type};
use crate::rulebook::truth::may_be_absent;
use crate::rulebook::typed::{
    Aggregate, AggregateFunction, ArithmeticOp, CompareOp, Expr, ExprKind, Literal, Membership,
    ParamTable, ParamValue, Rule,
};

use super::interval::Interval;
use super::possible::{Possible, Values};
use super::ranges;

/// Fields that are never below zero, as messages are refused otherwise.
const NOT_NEGATIVE: &[&str] = &["tx.amount", "tx.local_amount", "customer.expected_turnover"];

/// Steps after which the reasoning about one condition gives up; real rules need a few hundred.
const STEPS_MAX: u32 = 20_000;

/// How two expressions may stand to one another: a bit for each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Orders(u8);

impl Orders {
    const LESS: u8 = 1;
    const EQUAL: u8 = 2;
    const GREATER: u8 = 4;
    /// One of them is absent.
    const ABSENT: u8 = 8;

    const fn of(op: CompareOp) -> Self {
        Self(match op {
            CompareOp::Equal => Self::EQUAL,
            CompareOp::NotEqual => Self::LESS | Self::GREATER,
            CompareOp::Less => Self::LESS,
            CompareOp::LessEqual => Self::LESS | Self::EQUAL,
            CompareOp::Greater => Self::GREATER,
            CompareOp::GreaterEqual => Self::GREATER | Self::EQUAL,
        })
    }

    /// Every way in which the comparison is false.
    const fn not(self) -> Self {
        Self(!self.0 & (Self::LESS | Self::EQUAL | Self::GREATER | Self::ABSENT))
    }

    /// The same read from right to left.
    const fn turned(self) -> Self {
        let mut turned = self.0 & (Self::EQUAL | Self::ABSENT);
        if self.0 & Self::LESS != 0 {
            turned |= Self::GREATER;
        }
        if self.0 & Self::GREATER != 0 {
            turned |= Self::LESS;
        }
        Self(turned)
    }

    const fn meet(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, way: u8) -> Self {
        Self(self.0 & !way)
    }

    const fn is_impossible(self) -> bool {
        self.0 == 0
    }
}

/// What is known so far.
#[derive(Clone)]
pub struct Facts<'r> {
    rule: &'r Rule,
    /// Whether the rule's entity is known to be there: in the event that wakes it, but not in others.
    is_waking: bool,
    known: Vec<(&'r Expr, Possible)>,
    orders: Vec<(&'r Expr, &'r Expr, Orders)>,
    lists: Vec<(&'r Expr, &'r str, bool)>,
    steps: &'r Cell<u32>,
}

impl<'r> Facts<'r> {
    /// Nothing is known of the event that wakes the rule (`is_waking`), or of one that is counted.
    pub const fn none(rule: &'r Rule, is_waking: bool, steps: &'r Cell<u32>) -> Self {
        Self { rule, is_waking, known: Vec::new(), orders: Vec::new(), lists: Vec::new(), steps }
    }

    /// Takes `condition` as true or false; `false` when that cannot be.
    #[must_use]
    pub fn assume(&mut self, condition: &'r Expr, truth: bool) -> bool {
        if self.is_tired() {
            return true;
        }
        match (&condition.kind, truth) {
            (ExprKind::Literal(Literal::Bool(value)), _) => *value == truth,
            (ExprKind::Not(inner), _) => self.assume(inner, !truth),
            (ExprKind::Let(index), _) => match self.rule.lets.get(*index) {
                Some(named) => self.assume(&named.expr, truth),
                None => true,
            },
            (ExprKind::Default(first, second), _) => {
                let there =
                    self.with(&[(first, truth)]).filter(|facts| facts.clone().is_there(first));
                let mut without = self.clone();
                let is_absent = without.is_absent(first) && without.assume(second, truth);
                let ways = there.into_iter().chain(is_absent.then_some(without));
                self.become_one_of(ways.collect())
            }
            (ExprKind::And(parts), true) | (ExprKind::Or(parts), false) => {
                parts.iter().all(|part| self.assume(part, truth))
            }
            (ExprKind::And(parts), false) | (ExprKind::Or(parts), true) => {
                let ways = parts.iter().filter_map(|part| self.with(&[(part, truth)])).collect();
                self.become_one_of(ways)
            }
            (ExprKind::If(test, yes, no), _) => {
                let first = self.with(&[(test, true), (yes, truth)]);
                let second = self.with(&[(test, false), (no, truth)]);
                self.become_one_of(first.into_iter().chain(second).collect())
            }
            (ExprKind::Has(inner), true) => self.is_there(inner),
            (ExprKind::Has(inner), false) => self.is_absent(inner),
            (ExprKind::Compare(op, left, right), _) => self.compare(*op, left, right, truth),
            (ExprKind::In { item, set, negated }, _) => self.member(item, set, *negated, truth),
            // What is absent is not met either.
            _ => self.learn(condition, Values::Truth(truth, !truth), !truth),
        }
    }

    /// The facts with more conditions taken as true or false; `None` when that cannot be.
    #[must_use]
    pub fn with(&self, conditions: &[(&'r Expr, bool)]) -> Option<Self> {
        let mut facts = self.clone();
        let holds = |(condition, truth): &(&'r Expr, bool)| facts.assume(condition, *truth);
        conditions.iter().all(holds).then_some(facts)
    }

    fn is_tired(&self) -> bool {
        let steps = self.steps.get();
        self.steps.set(steps.saturating_add(1));
        steps >= STEPS_MAX
    }

    /// Keeps what is the same in all ways.
    fn become_one_of(&mut self, ways: Vec<Self>) -> bool {
        let mut ways = ways.into_iter();
        let Some(mut joined) = ways.next() else { return false };
        for way in ways {
            joined.known.retain_mut(|(expr, possible)| {
                let other = way.known.iter().find(|(other, _)| other.is_same(expr));
                other.is_some_and(|(_, other)| {
                    *possible = possible.join(other);
                    true
                })
            });
            joined.orders.retain_mut(|(left, right, orders)| {
                let mut others = way.orders.iter();
                let other = others.find(|other| other.0.is_same(left) && other.1.is_same(right));
                other.is_some_and(|(_, _, other)| {
                    *orders = orders.join(*other);
                    true
                })
            });
            joined.lists.retain(|(item, list, is_in)| {
                let is_it = |other: &&(&Expr, &str, bool)| {
                    other.0.is_same(item) && other.1 == *list && other.2 == *is_in
                };
                way.lists.iter().find(is_it).is_some()
            });
        }
        *self = joined;
        true
    }

    /// Narrows what `expr` can be.
    fn learn(&mut self, expr: &'r Expr, values: Values, may_be_absent: bool) -> bool {
        let expr = self.resolved(expr);
        let learned = Possible { is_absent: may_be_absent, values };
        let now = self.possible(expr).meet(&learned);
        if now.is_impossible() {
            return false;
        }
        match self.known.iter_mut().find(|(known, _)| known.is_same(expr)) {
            Some((_, possible)) => *possible = now,
            None => self.known.push((expr, now)),
        }
        true
    }

    /// `expr` has a value, and so have the parts without which it could not have one.
    pub fn is_there(&mut self, expr: &'r Expr) -> bool {
        let expr = self.resolved(expr);
        if self.is_tired() {
            return true;
        }
        let parts: Vec<&'r Expr> = match &expr.kind {
            ExprKind::Arithmetic(..)
            | ExprKind::Negate(_)
            | ExprKind::Abs(_)
            | ExprKind::Round(..)
            | ExprKind::Min(..)
            | ExprKind::Max(..)
            | ExprKind::Clamp(..) => expr.parts(),
            _ => Vec::new(),
        };
        parts.into_iter().all(|part| self.is_there(part))
            && self.learn(expr, Values::all(expr.ty), false)
            && self.is_divisor_there(expr)
    }

    /// A quotient has a value only when its divisor is not zero.
    fn is_divisor_there(&mut self, expr: &'r Expr) -> bool {
        let ExprKind::Arithmetic(ArithmeticOp::Divide, _, divisor) = &expr.kind else {
            return true;
        };
        let zero = Interval::point(Decimal::ZERO);
        let now = self.possible(divisor).interval().narrowed(CompareOp::NotEqual, zero);
        self.learn(divisor, Values::Numbers(now), false)
    }

    fn is_absent(&mut self, expr: &'r Expr) -> bool {
        let expr = self.resolved(expr);
        if !self.possible(expr).is_absent {
            return false;
        }
        let nothing = Values::all(expr.ty).nothing();
        self.learn(expr, nothing, true)
    }

    fn compare(&mut self, op: CompareOp, left: &'r Expr, right: &'r Expr, truth: bool) -> bool {
        let (left, right) = (self.resolved(left), self.resolved(right));
        let mut orders = Orders::of(op);
        if !truth {
            orders = orders.not();
        }
        let (left_can, right_can) = (self.possible(left), self.possible(right));
        if left.is_same(right) {
            orders = orders.without(Orders::LESS | Orders::GREATER);
        }
        if !left_can.is_absent && !right_can.is_absent {
            orders = orders.without(Orders::ABSENT);
        }
        if !self.order(left, right, orders) {
            return false;
        }
        if truth {
            return self.is_there(left)
                && self.is_there(right)
                && self.learn(left, left_can.values.narrowed(op, &right_can.values), false)
                && self.learn(
                    right,
                    right_can.values.narrowed(mirrored(op), &left_can.values),
                    false,
                );
        }
        let op = opposite(op);
        // What is false may be so because a side is absent; then the other side can be anything.
        (right_can.is_absent
            || self.learn(left, left_can.values.narrowed(op, &right_can.values), true))
            && (left_can.is_absent
                || self.learn(
                    right,
                    right_can.values.narrowed(mirrored(op), &left_can.values),
                    true,
                ))
    }

    fn order(&mut self, left: &'r Expr, right: &'r Expr, orders: Orders) -> bool {
        for (known_left, known_right, known) in &mut self.orders {
            let now = if known_left.is_same(left) && known_right.is_same(right) {
                known.meet(orders)
            } else if known_left.is_same(right) && known_right.is_same(left) {
                known.meet(orders.turned())
            } else {
                continue;
            };
            *known = now;
            return !now.is_impossible();
        }
        self.orders.push((left, right, orders));
        !orders.is_impossible()
    }

    fn member(&mut self, item: &'r Expr, set: &'r Membership, negated: bool, truth: bool) -> bool {
        let item = self.resolved(item);
        let can_be_absent = self.possible(item).is_absent;
        // Whether the item is in the set, as far as it is there.
        let is_in = truth != negated;
        match set {
            Membership::Words(words) => {
                let words = words.iter().cloned().collect();
                let values = if is_in { Values::Only(words) } else { Values::Except(words) };
                self.learn(item, values, !truth)
            }
            Membership::List(name) => {
                if truth && !self.is_there(item) {
                    return false;
                }
                if !truth && can_be_absent {
                    return true;
                }
                let mut lists = self.lists.iter();
                let known = lists.find(|known| known.0.is_same(item) && known.1 == name);
                if let Some((_, _, known)) = known {
                    return *known == is_in;
                }
                self.lists.push((item, name, is_in));
                true
            }
        }
    }

    /// What stands behind a name.
    fn resolved(&self, expr: &'r Expr) -> &'r Expr {
        let mut expr = expr;
        // A `let` reads only earlier ones, so that this ends.
        while let ExprKind::Let(index) = expr.kind {
            let Some(named) = self.rule.lets.get(index) else { break };
            expr = &named.expr;
        }
        expr
    }

    /// All that `expr` can be, given what is known.
    pub fn possible(&self, expr: &'r Expr) -> Possible {
        let expr = self.resolved(expr);
        if self.is_tired() {
            return Possible::all(expr.ty, true);
        }
        let own = self.by_form(expr);
        match self.known.iter().find(|(known, _)| known.is_same(expr)) {
            Some((_, known)) => own.meet(known),
            None => own,
        }
    }

    fn by_form(&self, expr: &'r Expr) -> Possible {
        let numbers = |expr: &'r Expr| {
            let possible = self.possible(expr);
            (possible.interval(), possible.is_absent)
        };
        let folded = |left: &'r Expr, right: &'r Expr, fold: fn(Interval, Interval) -> Interval| {
            let ((left, no_left), (right, no_right)) = (numbers(left), numbers(right));
            Possible::numbers(fold(left, right), no_left || no_right)
        };
        match &expr.kind {
            ExprKind::Literal(literal) => Possible::literal(literal),
            ExprKind::Field(_) => self.field(expr),
            ExprKind::Param(index) => {
                match self.rule.params.get(*index).map(|param| &param.value) {
                    // A switch is there to be turned; what hangs on it is no mistake.
                    Some(ParamValue::Constant(Literal::Bool(_))) => {
                        Possible::all(Type::Bool, false)
                    }
                    Some(ParamValue::Constant(literal)) => Possible::literal(literal),
                    Some(ParamValue::Table(table)) => self.table(table, expr.ty),
                    None => Possible::all(expr.ty, true),
                }
            }
            ExprKind::Aggregate(index) => match self.rule.aggregates.get(*index) {
                Some(aggregate) => self.aggregate(aggregate, expr.ty),
                None => Possible::all(expr.ty, true),
            },
            ExprKind::Score => self.score(),
            ExprKind::Negate(inner) => {
                let (inner, is_absent) = numbers(inner);
                Possible::numbers(inner.negated(), is_absent)
            }
            ExprKind::Abs(inner) => {
                let (inner, is_absent) = numbers(inner);
                Possible::numbers(inner.absolute(), is_absent)
            }
            ExprKind::Round(inner, places) => {
                let (inner, is_absent) = numbers(inner);
                Possible::numbers(inner.rounded(*places), is_absent)
            }
            ExprKind::Min(left, right) => folded(left, right, Interval::least),
            ExprKind::Max(left, right) => folded(left, right, Interval::greatest),
            ExprKind::Clamp(inner, low, high) => {
                let mut folded = folded(inner, low, Interval::greatest);
                let (high, is_absent) = numbers(high);
                folded.values = Values::Numbers(folded.interval().least(high));
                folded.is_absent |= is_absent;
                folded
            }
            ExprKind::Arithmetic(op, left, right) => {
                let ((left, no_left), (right, no_right)) = (numbers(left), numbers(right));
                let (mut result, mut is_defined) = left.calculated(*op, right);
                if expr.ty != Type::Number {
                    result = result.of_micros();
                    is_defined &= result.is_in_micros();
                }
                Possible::numbers(result, no_left || no_right || !is_defined)
            }
            ExprKind::Default(first, second) => {
                let first = self.possible(first);
                if !first.is_absent {
                    return first;
                }
                let second = self.possible(second);
                let is_absent = second.is_absent;
                Possible { is_absent, ..first.join(&second) }
            }
            ExprKind::If(test, yes, no) => {
                let yes = self.with(&[(test, true)]).map(|facts| facts.possible(yes));
                let no = self.with(&[(test, false)]).map(|facts| facts.possible(no));
                match (yes, no) {
                    (Some(yes), Some(no)) => yes.join(&no),
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) => Possible::all(expr.ty, true),
                }
            }
            ExprKind::Call(call, parts) => {
                let arguments: Vec<Possible> = parts.iter().map(|it| self.possible(it)).collect();
                let is_absent = expr.ty != Type::Bool;
                Possible { is_absent, values: ranges::call(call, &arguments) }
            }
            // Of forms that came later nothing more is known.
            _ if expr.ty == Type::Bool => Possible::all(Type::Bool, may_be_absent(self.rule, expr)),
            _ => Possible::all(expr.ty, true),
        }
    }

    fn field(&self, expr: &'r Expr) -> Possible {
        let ExprKind::Field(slot) = expr.kind else { return Possible::all(expr.ty, true) };
        let catalogue = &self.rule.catalogue;
        let field = catalogue.field(slot);
        let own = catalogue.role_slot(self.rule.entity, self.rule.trigger.family());
        let is_entity = self.is_waking && own == Some(slot);
        let is_absent = field.presence == Presence::Maybe && !is_entity;
        let values = match &field.values {
            Some(words) => Values::Only(words.iter().cloned().collect()),
            None if NOT_NEGATIVE.contains(&field.path.as_str()) => {
                Values::Numbers(Interval::from_zero())
            }
            None => Values::all(field.ty),
        };
        Possible { is_absent, values }
    }

    fn table(&self, table: &ParamTable, ty: Type) -> Possible {
        let values = table.rows.iter().map(|(_, value)| value).chain(&table.default);
        let joined = values.map(Possible::literal).reduce(|left, right| left.join(&right));
        let mut possible = joined.unwrap_or_else(|| Possible::all(ty, true));
        let reads_absent = |slot| self.rule.catalogue.field(slot).presence == Presence::Maybe;
        possible.is_absent = table.default.is_none() && table.by.iter().copied().any(reads_absent);
        possible
    }

    fn aggregate(&self, aggregate: &'r Aggregate, ty: Type) -> Possible {
        let catalogue = &self.rule.catalogue;
        let has_key = aggregate.by.iter().all(|role| {
            let slot = catalogue.role_slot(*role, self.rule.trigger.family());
            *role == self.rule.entity
                || slot.is_some_and(|slot| catalogue.field(slot).presence == Presence::Always)
        });
        let folded = || {
            let entered = aggregate.value.as_ref();
            let one = entered.map_or(Interval::ALL, |it| self.counted().possible(it).interval());
            // A bucket holds any number of events, so that its sum knows no bound but the sign.
            match &aggregate.per {
                Some(_) if one.is_not_negative() || entered.is_none() => Interval::from_zero(),
                Some(_) => Interval::ALL,
                None => one,
            }
        };
        let (interval, is_absent) = match aggregate.function {
            AggregateFunction::Count | AggregateFunction::Distinct => {
                (ranges::counted(self.counted_max(aggregate)), !has_key)
            }
            AggregateFunction::Sum if folded().is_not_negative() => {
                (Interval::from_zero(), !has_key)
            }
            AggregateFunction::Sum => (Interval::ALL, !has_key),
            AggregateFunction::Avg
            | AggregateFunction::Min
            | AggregateFunction::Max
            | AggregateFunction::Median
            | AggregateFunction::Percentile => (folded(), true),
            AggregateFunction::Stddev | AggregateFunction::Since => (Interval::from_zero(), true),
            AggregateFunction::First | AggregateFunction::Last => {
                return match &aggregate.value {
                    Some(value) => Possible { is_absent: true, ..self.counted().possible(value) },
                    None => Possible::all(ty, true),
                };
            }
        };
        Possible::numbers(interval, is_absent)
    }

    /// The most that a count or a number of different values can be, if that is known.
    fn counted_max(&self, aggregate: &'r Aggregate) -> Option<u32> {
        let enters = aggregate.filter.as_ref().map(|filter| &filter.kind);
        if matches!(enters, Some(ExprKind::Literal(Literal::Bool(false)))) {
            return Some(0);
        }
        let events = ranges::events_max(aggregate.window.span);
        let Some(value) = &aggregate.value else { return events };
        let value = self.resolved(value);
        let is_key = match value.kind {
            ExprKind::Field(slot) => aggregate.by.iter().any(|role| {
                let family = self.rule.catalogue.family(slot);
                family.and_then(|family| self.rule.catalogue.role_slot(*role, family)) == Some(slot)
            }),
            _ => false,
        };
        ranges::different_max(&self.counted().possible(value).values, is_key, events)
    }

    /// What is known of an event in a window: nothing.
    fn counted(&self) -> Self {
        Self::none(self.rule, false, self.steps)
    }

    fn score(&self) -> Possible {
        let bounds = Interval::between(0, 100);
        let score = self.possible(&self.rule.alert.score);
        if score.is_absent {
            return Possible::numbers(bounds, true);
        }
        let score = score.interval();
        let (low, high) = (Interval::between(0, 0), Interval::between(100, 100));
        Possible::numbers(score.greatest(low).least(high).meet(bounds), false)
    }
}

/// The comparison that holds when `op` does not, of two values that are there.
const fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Equal => CompareOp::NotEqual,
        CompareOp::NotEqual => CompareOp::Equal,
        CompareOp::Less => CompareOp::GreaterEqual,
        CompareOp::LessEqual => CompareOp::Greater,
        CompareOp::Greater => CompareOp::LessEqual,
        CompareOp::GreaterEqual => CompareOp::Less,
    }
}

/// The same comparison read from right to left.
const fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessEqual => CompareOp::GreaterEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterEqual => CompareOp::LessEqual,
        CompareOp::Equal | CompareOp::NotEqual => op,
    }
}
