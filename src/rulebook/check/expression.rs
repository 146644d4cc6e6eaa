//! Expressions: each part gets its type, and each mistake one message.
//!
//! `None` always means that something was reported.

use crate::domain::Span;
use crate::rulebook::call::WEEKDAYS;
use crate::rulebook::catalogue::{Slot, Type};
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::elsewhere::numbers;
use crate::rulebook::syntax::{Function, Syntax, SyntaxKind};
use crate::rulebook::typed::{
    CompareOp, Expr, ExprKind, Literal, Membership, ParamValue, SourceSpan,
};

use super::{Checker, Place, Words};

/// Most items of a list that are written out as comparisons.
const LISTED_MAX: usize = 3;

impl<'a> Checker<'a> {
    pub(super) fn expression(&mut self, syntax: &Syntax, place: Place) -> Option<Expr> {
        let expr = self.any_expression(syntax, place)?;
        self.must_be_value(expr, place)
    }

    fn any_expression(&mut self, syntax: &Syntax, place: Place) -> Option<Expr> {
        let span = syntax.span;
        // A hint about words is for this operand only, not for what is inside it.
        let inner = Place { words: None, takes_pattern: false, ..place };
        let (kind, ty) = match &syntax.kind {
            SyntaxKind::Error => return None,
            SyntaxKind::Number(value) => {
                self.warn_of_thousands(&self.written(span), span);
                (ExprKind::Literal(Literal::Number(*value)), Type::Number)
            }
            SyntaxKind::Duration(value) => {
                (ExprKind::Literal(Literal::Duration(*value)), Type::Duration)
            }
            SyntaxKind::Text(value) => {
                (ExprKind::Literal(Literal::Text(value.clone())), Type::Text)
            }
            SyntaxKind::Bool(value) => (ExprKind::Literal(Literal::Bool(*value)), Type::Bool),
            SyntaxKind::Path(path) => return self.path(path, span, place),
            SyntaxKind::List(_) => {
                let help = Some("write `tx.type in [\"wire\", \"instant\"]`".to_owned());
                self.report("E024", span, "a list can only stand behind `in`", "not a value", help);
                return None;
            }
            SyntaxKind::Not(operand) => {
                let operand = self.condition(operand, inner)?;
                (ExprKind::Not(Box::new(operand)), Type::Bool)
            }
            SyntaxKind::Negate(operand) => return self.negate(operand, span, inner),
            SyntaxKind::And(parts) => (ExprKind::And(self.conditions(parts, inner)?), Type::Bool),
            SyntaxKind::Or(parts) if self.is_value_alone(parts) => return None,
            SyntaxKind::Or(parts) => (ExprKind::Or(self.conditions(parts, inner)?), Type::Bool),
            SyntaxKind::Compare(op, left, right) => {
                return self.compare(*op, left, right, span, inner);
            }
            SyntaxKind::Arithmetic(op, left, right) => {
                return self.arithmetic(*op, left, right, span, inner);
            }
            SyntaxKind::Default(left, right) => return self.or_default(left, right, span, inner),
            SyntaxKind::In { item, set, negated } => {
                return self.membership(item, set, *negated, span, inner);
            }
            SyntaxKind::Call { function, arguments } => {
                return self.call(*function, arguments, span, inner);
            }
            SyntaxKind::Aggregate(aggregate) => return self.aggregate(aggregate, span, inner),
            SyntaxKind::Buckets(_) => {
                self.buckets_alone(span);
                return None;
            }
            SyntaxKind::Pattern(pattern) => return self.pattern(pattern, span, inner),
        };
        Some(Expr { kind, ty, span })
    }

    /// Both operands, so that the mistakes of both are reported.
    pub(super) fn both(
        &mut self,
        left: &Syntax,
        right: &Syntax,
        place: Place,
    ) -> Option<(Expr, Expr)> {
        let left = self.expression(left, place);
        let right = self.expression(right, place);
        Some((left?, right?))
    }

    pub(super) fn condition(&mut self, syntax: &Syntax, place: Place) -> Option<Expr> {
        let expr = self.expression(syntax, place)?;
        self.must_be_condition(expr)
    }

    pub(super) fn must_be_condition(&mut self, expr: Expr) -> Option<Expr> {
        if expr.ty == Type::Bool {
            return Some(expr);
        }
        let title = format!("{} is not a condition", article(expr.ty));
        let written = self.as_operand(&expr);
        let shown = if written.len() <= 40 { written.as_str() } else { "it" };
        let help = match expr.ty {
            Type::Number => format!("compare {shown}: `{shown} > 0`"),
            Type::Duration => format!("compare {shown}: `{shown} > 7d`"),
            Type::Time => format!("compare {shown}: `now - {shown} < 7d`"),
            Type::Text | Type::Bool => format!("compare {shown}: `{shown} == \"...\"`"),
            Type::Pattern | Type::Names => format!("ask whether it is there: `has({shown})`"),
        };
        self.report("E024", expr.span, title, "neither true nor false", Some(help));
        None
    }

    fn conditions(&mut self, parts: &[Syntax], place: Place) -> Option<Vec<Expr>> {
        // Beside something unreadable it is not known which part of a condition this is.
        let is_certain = !parts.iter().any(|part| matches!(part.kind, SyntaxKind::Error));
        let mut check = |part| {
            if is_certain { self.condition(part, place) } else { self.expression(part, place) }
        };
        let checked: Vec<_> = parts.iter().map(&mut check).collect();
        checked.into_iter().collect()
    }

    /// Reports `a == 3 or 4`: each side of `or` is a condition of its own.
    fn is_value_alone(&mut self, parts: &[Syntax]) -> bool {
        let is_value = |it: &Syntax| {
            matches!(it.kind, SyntaxKind::Number(_) | SyntaxKind::Duration(_) | SyntaxKind::Text(_))
        };
        let found = parts.windows(2).find_map(|pair| match pair {
            [before, value] if is_value(value) => {
                last_comparison(before).map(|(op, left)| (op, left, value.span))
            }
            _ => None,
        });
        let Some((op, left, span)) = found else { return false };
        let value = self.written(span);
        let help = format!("write `or {} {} {value}`", self.written(left.span), op.word());
        let title = format!("{value} alone is not a condition");
        self.report("E024", span, title, "compared with nothing", Some(help));
        true
    }

    fn compare(
        &mut self,
        op: CompareOp,
        left: &Syntax,
        right: &Syntax,
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let checked_left = self.expression(left, Place { words: self.words_of(right), ..place });
        let checked_right = self.expression(right, Place { words: self.words_of(left), ..place });
        let (left, right) = (checked_left?, checked_right?);
        if left.ty != right.ty {
            self.not_comparable(op, &left, &right, span);
            return None;
        }
        let is_equality = matches!(op, CompareOp::Equal | CompareOp::NotEqual);
        if !is_equality && matches!(left.ty, Type::Text | Type::Bool) {
            let title = format!("`{}` does not fit {}", op.word(), article(left.ty));
            let help = Some("use `==`, `!=` or `in`".to_owned());
            self.report("E025", span, title, "has no order", help);
            return None;
        }
        self.must_be_one_unit(&left, &right, span)?;
        self.must_be_possible(&left, &right)?;
        self.must_be_possible(&right, &left)?;
        Some(Expr {
            kind: ExprKind::Compare(op, Box::new(left), Box::new(right)),
            ty: Type::Bool,
            span,
        })
    }

    /// The closed set of a path's field or of a function.
    fn words_of(&self, syntax: &Syntax) -> Option<Words> {
        match &syntax.kind {
            SyntaxKind::Path(path) => {
                let field = self.catalogue.by_path(path)?;
                let any = (field.ty == Type::Text).then_some(Words::Any);
                self.field_words(field.slot).or(any)
            }
            SyntaxKind::Call { function: Function::Weekday, .. } => Some(Words::Fixed(WEEKDAYS)),
            _ => None,
        }
    }

    fn field_words(&self, slot: Slot) -> Option<Words> {
        self.catalogue.field(slot).values.is_some().then_some(Words::Field(slot))
    }

    /// The words themselves.
    pub(super) fn words(&self, words: Words) -> Vec<&'a str> {
        match words {
            Words::Any => Vec::new(),
            Words::Field(slot) => self.catalogue.field(slot).words(),
            Words::Fixed(words) => words.to_vec(),
        }
    }

    fn not_comparable(&mut self, op: CompareOp, left: &Expr, right: &Expr, span: SourceSpan) {
        if self.text_parameter(left, right.ty) || self.text_parameter(right, left.ty) {
            return;
        }
        let title = format!("{} cannot be compared with {}", article(left.ty), article(right.ty));
        let label = format!("{} {} {}", article(left.ty), op.word(), article(right.ty));
        let help = self.comparison_help(left, right).or_else(|| self.comparison_help(right, left));
        self.report("E023", span, title, label, help);
    }

    fn comparison_help(&self, left: &Expr, right: &Expr) -> Option<String> {
        match (left.ty, right.ty, &right.kind) {
            (Type::Duration, Type::Number, ExprKind::Literal(_)) => {
                let number = self.written(right.span);
                Some(format!("add a unit: {number}d, {number}h or {number}m"))
            }
            (Type::Time, Type::Duration, _) => {
                Some(format!("for the time passed, write `now - {}`", self.as_operand(left)))
            }
            (Type::Number, Type::Text, ExprKind::Literal(Literal::Text(text)))
                if text.parse::<rust_decimal::Decimal>().is_ok() =>
            {
                Some(format!("write {text} without quotes"))
            }
            (Type::Number, Type::Text, ExprKind::Literal(Literal::Text(text))) => {
                numbers::meant(text).map(|meant| meant.help())
            }
            (Type::Number, Type::Duration, ExprKind::Literal(_)) => {
                let written = self.written(right.span);
                let number = written.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
                Some(format!("write {number} without a unit"))
            }
            (Type::Duration, Type::Text, ExprKind::Literal(Literal::Text(text))) => {
                let length = numbers::meant(text).map_or_else(|| text.clone(), |meant| meant.text);
                Span::parse(&length).map(|_| format!("write {length} without quotes"))
            }
            (Type::Time, Type::Text | Type::Number, _) => {
                let when = self.written(left.span);
                Some(if when == "now" {
                    let help = "from which day on the rule judges stands under `effective`: `{ from: 2026-01-01 }`";
                    format!("a condition cannot hold a date; {help}")
                } else {
                    let passed = format!("`now - {when} < 365d`");
                    format!("a condition cannot hold a date; compare how long ago it was: {passed}")
                })
            }
            (Type::Text, Type::Number, ExprKind::Literal(_)) => {
                Some(format!("text stands in quotes: \"{}\"", self.written(right.span)))
            }
            (Type::Bool, Type::Text, ExprKind::Literal(Literal::Text(text)))
                if matches!(text.as_str(), "true" | "false") =>
            {
                Some(format!("write {text} without quotes"))
            }
            _ => None,
        }
    }

    /// Reports text that the closed set of the field beside it does not hold.
    fn must_be_possible(&mut self, field: &Expr, text: &Expr) -> Option<()> {
        let Some(closed) = self.closed_set(field) else { return Some(()) };
        let texts: Vec<String> = match &text.kind {
            ExprKind::Literal(Literal::Text(text)) => vec![text.clone()],
            ExprKind::Param(index) => match &self.params.get(*index)?.value {
                ParamValue::Constant(Literal::Text(text)) => vec![text.clone()],
                ParamValue::Table(table) => {
                    let values = table.rows.iter().map(|(_, value)| value).chain(&table.default);
                    values.filter_map(text_of).collect()
                }
                ParamValue::Constant(_) => return Some(()),
            },
            _ => return Some(()),
        };
        texts.iter().try_for_each(|word| self.must_be_one_of(&closed, word, text.span))
    }

    /// The only words that a value can have, if they are a fixed set.
    fn closed_set(&self, expr: &Expr) -> Option<ClosedSet> {
        let (name, words) = match &expr.kind {
            ExprKind::Bound(step, kept) => {
                return self.closed_set(self.steps.get(*step)?.kept.get(*kept)?);
            }
            ExprKind::Field(slot) => {
                (self.catalogue.field(*slot).path.clone(), self.field_words(*slot)?)
            }
            ExprKind::Call(call, _) => (self.written(expr.span), Words::Fixed(call.values()?)),
            _ => return None,
        };
        Some(ClosedSet { name, words })
    }

    /// Reports a word that is not in the field's closed set.
    pub(super) fn must_be_word(&mut self, slot: Slot, word: &str, span: SourceSpan) -> Option<()> {
        let Some(words) = self.field_words(slot) else { return Some(()) };
        let closed = ClosedSet { name: self.catalogue.field(slot).path.clone(), words };
        self.must_be_one_of(&closed, word, span)
    }

    fn must_be_one_of(&mut self, closed: &ClosedSet, word: &str, span: SourceSpan) -> Option<()> {
        let words = self.words(closed.words);
        if words.contains(&word) {
            return Some(());
        }
        let title = format!("`{}` is never \"{word}\"", closed.name);
        let help = did_you_mean(word, &words).map(|help| help.replace('`', "\""));
        self.report("E022", span, title, "no such value", help);
        None
    }

    fn membership(
        &mut self,
        item: &Syntax,
        set: &Syntax,
        negated: bool,
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let item = self.expression(item, place);
        if let Some(item) = item.as_ref().filter(|item| item.ty != Type::Text) {
            self.not_in_a_list(item, set, negated);
            return None;
        }
        let closed = item.as_ref().and_then(|item| self.closed_set(item));
        let set = self.set(set, closed.as_ref());
        let item = self.must_be_listed(item?)?;
        let kind = ExprKind::In { item: Box::new(item), set: set?, negated };
        Some(Expr { kind, ty: Type::Bool, span })
    }

    /// Reports a number or a time before `in`, with the comparisons that are meant.
    fn not_in_a_list(&mut self, item: &Expr, set: &Syntax, negated: bool) {
        let items = match &set.kind {
            SyntaxKind::Error => return,
            SyntaxKind::List(items) => items.as_slice(),
            _ => &[],
        };
        if items.iter().any(|item| matches!(item.kind, SyntaxKind::Error)) {
            return;
        }
        let shown = self.as_operand(item);
        let (sign, joint) = if negated { ("!=", " and ") } else { ("==", " or ") };
        let compared = items.iter().take(LISTED_MAX).map(|item| {
            let written = self.written(item.span);
            format!("{shown} {sign} {}", written.trim_matches(['"', '\'']))
        });
        let mut compared: Vec<String> = compared.collect();
        compared.extend((items.len() > LISTED_MAX).then(|| "...".to_owned()));
        let help = (!items.is_empty()).then(|| format!("write `{}`", compared.join(joint)));
        let title = format!("{} cannot be looked up in a list", article(item.ty));
        self.report("E023", item.span, title, "lists hold text", help);
    }

    /// Reports a value that no list can hold.
    pub(super) fn must_be_listed(&mut self, item: Expr) -> Option<Expr> {
        if item.ty == Type::Text {
            return Some(item);
        }
        let title = format!("{} cannot be looked up in a list", article(item.ty));
        self.report("E023", item.span, title, "lists hold text", None);
        None
    }

    /// The name of the list that `list.name` stands for.
    pub(super) fn known_list(&mut self, path: &str, span: SourceSpan) -> Option<String> {
        let name = path.strip_prefix("list.").unwrap_or_default();
        if self.lists.contains_key(name) {
            return Some(name.to_owned());
        }
        let names: Vec<&str> = self.lists.keys().map(String::as_str).collect();
        let help = did_you_mean(name, &names)
            .map(|help| help.replace("mean `", "mean `list."))
            .or_else(|| Some(format!("add the file `lists/{name}.csv`")));
        let title = format!("unknown list `{name}`");
        self.report("E031", span, title, "no such file in `lists/`", help);
        None
    }

    fn set(&mut self, set: &Syntax, closed: Option<&ClosedSet>) -> Option<Membership> {
        match &set.kind {
            SyntaxKind::Error => None,
            SyntaxKind::Path(path) if path.starts_with("list.") => {
                self.known_list(path, set.span).map(Membership::List)
            }
            SyntaxKind::List(items) if items.is_empty() => {
                let help = Some("write the words in it, or delete the condition".to_owned());
                self.report("E024", set.span, "the list is empty", "never true", help);
                None
            }
            SyntaxKind::List(items) => {
                let words: Vec<_> = items.iter().map(|item| self.list_word(item, closed)).collect();
                words.into_iter().collect::<Option<_>>().map(Membership::Words)
            }
            _ => {
                let help = "write `in [\"a\", \"b\"]`, or `in list.name` for a file in `lists/`";
                self.report("E024", set.span, "`in` needs a list", "not a list", Some(help.into()));
                None
            }
        }
    }

    fn list_word(&mut self, item: &Syntax, closed: Option<&ClosedSet>) -> Option<String> {
        match &item.kind {
            SyntaxKind::Error => None,
            SyntaxKind::Text(word) => {
                if let Some(closed) = closed {
                    self.must_be_one_of(closed, word, item.span)?;
                }
                Some(word.clone())
            }
            _ => {
                let title = "a list in a rule holds text only";
                let written = self.written(item.span);
                let help = Some(format!("text stands in quotes: \"{written}\""));
                self.report("E024", item.span, title, "not text", help);
                None
            }
        }
    }
}

/// The comparison that `syntax` ends with.
fn last_comparison(syntax: &Syntax) -> Option<(CompareOp, &Syntax)> {
    match &syntax.kind {
        SyntaxKind::And(parts) => last_comparison(parts.last()?),
        SyntaxKind::Compare(op, left, _) => Some((*op, left)),
        _ => None,
    }
}

/// The only words that a value can have.
struct ClosedSet {
    /// The value, as messages name it.
    name: String,
    words: Words,
}

fn text_of(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Text(text) => Some(text.clone()),
        Literal::Number(_) | Literal::Duration(_) | Literal::Bool(_) => None,
    }
}

/// The type with its article, for messages.
pub(super) const fn article(ty: Type) -> &'static str {
    match ty {
        Type::Text => "text",
        Type::Number => "a number",
        Type::Duration => "a duration",
        Type::Time => "a time",
        Type::Bool => "true or false",
        Type::Pattern => "a pattern",
        Type::Names => "names",
    }
}
