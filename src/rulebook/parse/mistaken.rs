//! Words of other languages where an expression is read: said what to write here, and read past.
//!
//! The words are in `elsewhere`; here is only how much of the expression each takes with it.

use crate::domain::Currency;
use crate::rulebook::elsewhere::{self, Between, numbers};
use crate::rulebook::lexer::{Symbol, TokenKind};
use crate::rulebook::syntax::{Function, Syntax, SyntaxKind, aggregate_function};
use crate::rulebook::typed::SourceSpan;

use super::{Parser, Power};

/// Most words that one form has.
const WORDS_MAX: usize = 3;

impl Parser<'_> {
    /// What stands behind a value and is written otherwise here; `false` when it is nothing known.
    pub(super) fn mistaken_word(&mut self) -> bool {
        let Some(before) = self.operand_before() else { return false };
        let here = self.span();
        let (left, word) = (self.written(before).to_owned(), self.written(here).to_owned());
        let is_number = matches!(self.kind_before(), Some(TokenKind::Number(_)));
        if is_number && matches!(self.kind(), TokenKind::Name(_)) {
            if let Some(length) = numbers::span_of(&left, &word) {
                let span = SourceSpan { start: before.start, end: here.end };
                let title = format!("`{left} {word}` is not a length of time");
                let help = format!("write `{length}`");
                self.report("E105", span, title, "a number and a word", Some(&help));
                self.at += 1;
                return true;
            }
            if Currency::parse(&word.to_uppercase()).is_some() {
                let help = format!("amounts are in the base currency: write `{left}`");
                let title = format!("unexpected `{word}`");
                self.report("E101", here, title, "not understood here", Some(&help));
                self.at += 1;
                return true;
            }
        }
        if is_number && self.groups_of_digits(before) {
            return true;
        }
        if is_number && self.kind() == &TokenKind::Symbol(Symbol::Colon) {
            let help = "an hour is a plain number: `hour(now) >= 22`";
            self.report("E101", here, "unexpected `:`", "not understood here", Some(help));
            self.at += 2;
            return true;
        }
        self.mistaken_operator(&left)
    }

    /// `a is b`, `a between b and c`
    fn mistaken_operator(&mut self, left: &str) -> bool {
        let words = self.words_ahead(0);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some((meant, count)) = elsewhere::between(&words) else { return false };
        let start = self.span().start;
        self.at += count;
        let span = SourceSpan { start, end: self.previous_end() };
        let right = self.simple_operand();
        let help = match meant {
            Between::Sign(sign) => format!("write `{left} {sign} {right}`"),
            Between::Call("not has") => {
                format!("to ask whether a value is missing, write `not has({left})`")
            }
            Between::Call(function) => {
                format!("to ask whether a value is there, write `{function}({left})`")
            }
            Between::CallOfBoth(function) => format!("write `{function}({left}, {right})`"),
            Between::Range => {
                self.take_connective();
                let high = self.simple_operand();
                format!("write `{left} >= {right} and {left} <= {high}`")
            }
            Between::Other(help) => help.to_owned(),
        };
        let title = format!("unexpected `{}`", self.written(span));
        let label = "not a word of the language";
        self.report("E101", span, title, label, Some(&help));
        true
    }

    /// The operand that stands here as it is written, read past if it is a single token.
    fn simple_operand(&mut self) -> String {
        let is_value = matches!(
            self.kind(),
            TokenKind::Number(_) | TokenKind::Duration(_) | TokenKind::Text(_) | TokenKind::Name(_)
        );
        if !is_value || self.is_connective() {
            return "...".to_owned();
        }
        self.at += 1;
        let end = self.at.saturating_sub(1);
        self.tokens.get(end).map_or_else(String::new, |token| self.written(token.span).to_owned())
    }

    /// The names from here on, as many as a form may have.
    fn words_ahead(&self, from: usize) -> Vec<String> {
        let words = (from..from + WORDS_MAX).map_while(|ahead| match self.kind_at(ahead) {
            TokenKind::Name(name) => Some(name.clone()),
            _ => None,
        });
        words.collect()
    }

    /// `15 000`: one number with a space in it.
    fn groups_of_digits(&mut self, number: SourceSpan) -> bool {
        let mut end = number.end;
        while let TokenKind::Number(_) = self.kind() {
            let group = self.span();
            let digits = self.written(group).bytes().filter(u8::is_ascii_digit).count();
            if group.start > end + 1 || digits != 3 || group.end - group.start != 3 {
                break;
            }
            end = group.end;
            self.at += 1;
        }
        if end == number.end {
            return false;
        }
        let span = SourceSpan { start: number.start, end };
        let help = format!("write `{}`", self.written(span).replace(' ', "_"));
        let title = "numbers have no thousands separator";
        self.report("E104", span, title, "a space in a number", Some(&help));
        true
    }

    fn kind_before(&self) -> Option<&TokenKind> {
        let before = self.at.checked_sub(1)?;
        self.tokens.get(before).map(|token| &token.kind)
    }

    /// Where the last token of the operand right before this place stands.
    fn operand_before(&self) -> Option<SourceSpan> {
        let token = self.tokens.get(self.at.checked_sub(1)?)?;
        let ends_operand = match &token.kind {
            TokenKind::Number(_) | TokenKind::Duration(_) | TokenKind::Text(_) => true,
            TokenKind::Name(name) => {
                !matches!(name.as_str(), "and" | "or" | "not" | "in" | "where" | "by" | "over")
            }
            TokenKind::Symbol(symbol) => matches!(symbol, Symbol::Close | Symbol::CloseList),
            TokenKind::Unreadable | TokenKind::End => false,
        };
        ends_operand.then_some(token.span)
    }

    /// What is missing between two values that stand side by side.
    pub(super) fn missing_operator(&self) -> &'static str {
        let before = self.tokens.get(..self.at).unwrap_or_default();
        let clause = before.iter().rev().take_while(
            |token| !matches!(&token.kind, TokenKind::Name(name) if name == "and" || name == "or"),
        );
        let compares = clause.into_iter().any(|token| {
            use Symbol as S;
            matches!(
                token.kind,
                TokenKind::Symbol(
                    S::Equal | S::NotEqual | S::Less | S::LessEqual | S::Greater | S::GreaterEqual
                )
            )
        });
        if compares {
            "join conditions with `and` or `or`"
        } else {
            "a sign is missing before it, such as `>=`, `==` or `and`"
        }
    }

    /// `distinct tx.device`, `exists tx.device`, `if a then b`: a function without its brackets.
    pub(super) fn without_brackets(&mut self, name: &str) -> Option<Syntax> {
        let start = self.span();
        if name == "if" {
            let help = "write `if(condition, a, b)`";
            let title = "`if` without brackets";
            self.report("E101", start, title, "not understood here", Some(help));
            self.skip_rest();
            return Some(Syntax::new(SyntaxKind::Error, start));
        }
        let help = match (aggregate_function(name), Function::parse(name)) {
            (Some(_), _) => Some(format!("write `{name}(...) by customer over 7d`")),
            (None, Some(_)) => Some(format!("write `{name}(...)`")),
            (None, None) => elsewhere::function(name).map(str::to_owned),
        };
        let words = self.words_ahead(1);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let is_operand = words.first().is_some_and(|next| {
            !matches!(*next, "and" | "or" | "not" | "in" | "where" | "by" | "over" | "per")
                && elsewhere::between(&words).is_none()
        });
        let help = help.filter(|_| is_operand)?;
        let title = format!("`{name}` without brackets");
        self.report("E101", start, title, "values stand in brackets", Some(&help));
        self.at += 1;
        self.skip_to_connective();
        Some(Syntax::new(SyntaxKind::Error, start))
    }

    /// `EUR 15000`: a currency before an amount.
    pub(super) fn currency_before(&mut self, name: &str) -> Option<Syntax> {
        let TokenKind::Number(number) = *self.kind_at(1) else { return None };
        Currency::parse(name)?;
        let span = self.span();
        self.at += 1;
        let amount = self.span();
        let help = format!("amounts are in the base currency: write `{}`", self.written(amount));
        let title = format!("unexpected `{name}`");
        self.report("E101", span, title, "not understood here", Some(&help));
        self.at += 1;
        Some(Syntax::new(SyntaxKind::Number(number), amount))
    }

    /// `and(a, b)`: says how conditions are joined, and reads past it.
    pub(super) fn is_called_connective(&mut self) -> bool {
        if self.kind_at(1) != &TokenKind::Symbol(Symbol::Open) {
            return false;
        }
        let span = self.span();
        let word = self.written(span).to_owned();
        let help = format!("write `a {word} b`");
        let title = format!("`{word}` stands between conditions");
        self.report("E101", span, title, "not a function", Some(&help));
        self.at += 1;
        self.skip_brackets();
        true
    }

    /// `by each customer`, `by (customer)`: says how roles are written, and reads on.
    pub(super) fn mistaken_roles(&mut self) -> bool {
        let is_each = self.is_name_at(0, "each") || self.is_name_at(0, "every");
        let is_word = is_each && matches!(self.kind_at(1), TokenKind::Name(next) if next != "over");
        let is_open = self.kind() == &TokenKind::Symbol(Symbol::Open);
        if is_word || is_open {
            let span = self.span();
            let title = format!("unexpected `{}`", self.written(span));
            let help = Some("write `by customer`, or `by customer, account`");
            self.report("E101", span, title, "roles stand alone", help);
            self.at += 1;
        }
        is_open
    }

    /// `if(a) then b`: says so, and reads past it.
    pub(super) fn is_prose_choice(&mut self) -> bool {
        if !self.is_name_at(0, "then") {
            return false;
        }
        let help = Some("write `if(condition, a, b)`");
        self.report("E101", self.span(), "unexpected `then`", "not a word of the language", help);
        self.skip_rest();
        true
    }

    /// `count()`, `count(*)` and `count(distinct a)`, behind the opening bracket.
    pub(super) fn mistaken_fold(&mut self, name: &str, start: SourceSpan) -> Option<Syntax> {
        let close = TokenKind::Symbol(Symbol::Close);
        let is_star = self.kind() == &TokenKind::Symbol(Symbol::Times) && self.kind_at(1) == &close;
        let is_distinct =
            self.is_name_at(0, "distinct") && matches!(self.kind_at(1), TokenKind::Name(_));
        let (title, help) = if is_distinct {
            let value = self.tokens.get(self.at + 1).map(|token| self.written(token.span));
            let help = format!("write `distinct({}) by customer over 7d`", value.unwrap_or("..."));
            ("different values are counted by `distinct`".to_owned(), help)
        } else if is_star || self.kind() == &close {
            let value = if name == "count" { "transaction" } else { "tx.amount" };
            let title = format!("`{name}` does not say what it is about");
            (title, format!("write `{name}({value} where ...) by customer over 7d`"))
        } else {
            return None;
        };
        self.report("E036", start, title, "of what?", Some(&help));
        self.skip_to_close(Symbol::Close);
        self.skip_tail();
        let span = SourceSpan { start: start.start, end: self.previous_end() };
        Some(Syntax::new(SyntaxKind::Error, span))
    }

    /// `group by customer`, `within 7d`: other words for `by` and `over` behind a fold.
    pub(super) fn mistaken_tail(&mut self) {
        let words = self.words_ahead(0);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some(count) = elsewhere::behind_a_fold(&words) else { return };
        let is_length = match self.kind_at(count) {
            TokenKind::Name(name) => elsewhere::period(name).is_some() || name == "last",
            TokenKind::Number(_) | TokenKind::Duration(_) => true,
            _ => return,
        };
        let meant = if is_length { "over" } else { "by" };
        let start = self.span().start;
        self.at += count;
        let span = SourceSpan { start, end: self.previous_end() };
        let title = format!("unexpected `{}`", self.written(span));
        let help = format!("write `{meant} {}`", self.written(self.span()));
        self.report("E101", span, title, "not a word of the language", Some(&help));
        // Read on as if it stood there.
        self.at -= 1;
        if let Some(token) = self.tokens.get_mut(self.at) {
            token.kind = TokenKind::Name(meant.to_owned());
        }
    }

    /// `a in 3..5`: a range where a list belongs.
    pub(super) fn mistaken_range(&mut self, item: Option<SourceSpan>, low: &Syntax) -> bool {
        if self.kind() != &TokenKind::Symbol(Symbol::Range) {
            return false;
        }
        let range = self.span();
        self.at += 1;
        let high = self.operation(Power::Sum);
        let item = item.map_or("n", |item| self.written(item));
        let low = self.written(low.span);
        let high = self.written(high.span);
        let help = format!("write `{item} >= {low} and {item} <= {high}`");
        let title = "there are no ranges";
        self.report("E101", range, title, "not understood here", Some(&help));
        true
    }

    /// Reads past the rest of what these brackets, or the whole expression, hold.
    fn skip_rest(&mut self) {
        let mut open = 0_usize;
        while self.kind() != &TokenKind::End {
            match self.kind() {
                TokenKind::Symbol(Symbol::Open | Symbol::OpenList) => open += 1,
                TokenKind::Symbol(Symbol::Close | Symbol::CloseList) if open == 0 => return,
                TokenKind::Symbol(Symbol::Close | Symbol::CloseList) => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }
}
