//! From the tokens of an expression to its syntax, with as many problems as it makes sense to report.
//!
//! In: the file and the span of an expression or of a message's place. Out: a [`Syntax`] that is
//! always there (`Error` where nothing could be read) and problems. Binding, loosest first: `or`,
//! `and`, `not`, comparisons and `in` (which do not chain), `??`, `+ -`, `* /`, unary `-`.

mod aggregate;
mod event;
mod mistaken;
mod pattern;
mod recover;
mod window;

use super::diagnostic::Diagnostic;
use super::lexer::{self, Symbol, Token, TokenKind};
use super::pattern::Form;
use super::syntax::{Function, LATER_FUNCTIONS, Syntax, SyntaxKind, aggregate_function};
use super::typed::{ArithmeticOp, CompareOp, SourceSpan};

pub use event::{EventSyntax, event};

/// Deepest nesting of brackets, calls and signs in one expression.
pub const BRACKETS_MAX: usize = 32;

/// Most levels of one expression; a chain `a + b + c` has one per operator.
pub const LEVELS_MAX: usize = 64;

/// Reads the expression under `span`.
#[must_use]
pub fn expression(path: &str, source: &str, span: SourceSpan) -> (Syntax, Vec<Diagnostic>) {
    let mut parser = Parser::new(path, source, span);
    let syntax = parser.whole(span);
    (syntax, parser.problems)
}

/// Reads what stands between the braces of a message: an expression, then perhaps `:format`.
#[must_use]
pub fn place(
    path: &str,
    source: &str,
    span: SourceSpan,
) -> (Syntax, Option<(String, SourceSpan)>, Vec<Diagnostic>) {
    let mut parser = Parser::new(path, source, span);
    let format = parser.take_format();
    let syntax = parser.whole(span);
    (syntax, format, parser.problems)
}

/// How tightly an operator binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Power {
    Or,
    And,
    Compare,
    Default,
    Sum,
    Product,
    Tightest,
}

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq)]
enum Infix {
    Or,
    And,
    Compare(CompareOp),
    In { negated: bool },
    Default,
    Arithmetic(ArithmeticOp),
}

impl Infix {
    const fn power(self) -> Power {
        match self {
            Self::Or => Power::Or,
            Self::And => Power::And,
            Self::Compare(_) | Self::In { .. } => Power::Compare,
            Self::Default => Power::Default,
            Self::Arithmetic(ArithmeticOp::Add | ArithmeticOp::Subtract) => Power::Sum,
            Self::Arithmetic(ArithmeticOp::Multiply | ArithmeticOp::Divide) => Power::Product,
        }
    }
}

impl Power {
    /// What the right operand must bind at least, so that operators of one power join leftwards.
    const fn next(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Compare,
            Self::Compare => Self::Default,
            Self::Default => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product | Self::Tightest => Self::Tightest,
        }
    }
}

struct Parser<'a> {
    path: &'a str,
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
    brackets: usize,
    /// Too deep was said once; what follows from it stays unsaid.
    is_too_deep: bool,
    /// The operand before a word of another language belongs to that word.
    is_misread: bool,
    problems: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn new(path: &'a str, source: &'a str, span: SourceSpan) -> Self {
        let (tokens, problems) = lexer::tokens(path, source, span);
        Self {
            path,
            source,
            tokens,
            at: 0,
            brackets: 0,
            is_too_deep: false,
            is_misread: false,
            problems,
        }
    }

    /// The expression up to the end of the tokens.
    fn whole(&mut self, span: SourceSpan) -> Syntax {
        if self.kind() == &TokenKind::End && self.problems.is_empty() {
            self.report("E109", span, "an expression is missing", "nothing to evaluate", None);
            return Syntax::new(SyntaxKind::Error, span);
        }
        let first = self.operation(Power::Or);
        let mut parts = vec![first];
        while self.kind() != &TokenKind::End {
            let unexpected = self.unexpected();
            let is_misread = std::mem::take(&mut self.is_misread);
            if let Some(before) = parts.last_mut() {
                forget_last(before, is_misread);
            }
            parts.push(unexpected);
            self.skip_to_connective();
            if self.take_connective() {
                parts.push(self.operation(Power::Or));
            }
        }
        if parts.len() == 1 { parts.remove(0) } else { Syntax::new(SyntaxKind::And(parts), span) }
    }

    /// Operands joined by operators that bind at least as tightly as `power`.
    fn operation(&mut self, power: Power) -> Syntax {
        let mut left = self.operand();
        while let Some((infix, length)) = self.infix().filter(|(infix, _)| infix.power() >= power) {
            self.at += length;
            let mut right = self.operation(infix.power().next());
            if matches!(infix, Infix::In { .. }) && self.mistaken_range(Some(left.span), &right) {
                right = Syntax::new(SyntaxKind::Error, right.span);
            }
            let span = SourceSpan { start: left.span.start, end: right.span.end };
            left = self.bounded(joined(infix, left, right), span);
            if infix.power() == Power::Compare {
                left = self.refuse_chain(left);
            }
        }
        left
    }

    /// `a < b < c` has no meaning here: says so, and reads past it.
    fn refuse_chain(&mut self, left: Syntax) -> Syntax {
        let Some((infix, length)) = self.infix().filter(|(next, _)| next.power() == Power::Compare)
        else {
            return left;
        };
        let sign = self.span();
        self.at += length;
        let right = self.operation(infix.power().next());
        let help = Some("write two comparisons: `a < b and b < c`");
        self.report("E108", sign, "comparisons do not chain", "a second comparison", help);
        // Read as the two comparisons that it most likely means, so that names in it are checked.
        let span = SourceSpan { start: left.span.start, end: right.span.end };
        let middle = match &left.kind {
            SyntaxKind::Compare(_, _, middle) => middle.as_ref().clone(),
            _ => Syntax::new(SyntaxKind::Error, sign),
        };
        let second_span = SourceSpan { start: middle.span.start, end: right.span.end };
        let second = self.bounded(joined(infix, middle, right), second_span);
        let second = self.refuse_chain(second);
        self.bounded(SyntaxKind::And(vec![left, second]), span)
    }

    /// The operator that stands here, and its length in tokens.
    fn infix(&mut self) -> Option<(Infix, usize)> {
        use ArithmeticOp as A;
        use CompareOp as C;
        let infix = match self.kind() {
            TokenKind::Symbol(symbol) => match symbol {
                Symbol::Equal => Infix::Compare(C::Equal),
                Symbol::NotEqual => Infix::Compare(C::NotEqual),
                Symbol::Less => Infix::Compare(C::Less),
                Symbol::LessEqual => Infix::Compare(C::LessEqual),
                Symbol::Greater => Infix::Compare(C::Greater),
                Symbol::GreaterEqual => Infix::Compare(C::GreaterEqual),
                Symbol::Plus => Infix::Arithmetic(A::Add),
                Symbol::Minus => Infix::Arithmetic(A::Subtract),
                Symbol::Times => Infix::Arithmetic(A::Multiply),
                Symbol::Divide => Infix::Arithmetic(A::Divide),
                Symbol::Default => Infix::Default,
                Symbol::And => Infix::And,
                Symbol::Or => Infix::Or,
                _ => return None,
            },
            TokenKind::Name(name) => match self.connective(&name.clone())? {
                "and" => Infix::And,
                "or" => Infix::Or,
                "in" => Infix::In { negated: false },
                "not" if self.is_name_at(1, "in") => return Some((Infix::In { negated: true }, 2)),
                _ => return None,
            },
            _ => return None,
        };
        Some((infix, 1))
    }

    /// The keyword that `name` is; one in capitals is reported, corrected and understood.
    fn connective(&mut self, name: &str) -> Option<&'static str> {
        let word = ["and", "or", "in", "not"].into_iter().find(|w| name.eq_ignore_ascii_case(w))?;
        if name != word {
            let help = format!("write `{word}`");
            let title = format!("unexpected `{name}`");
            self.report("E101", self.span(), title, "keywords are in small letters", Some(&help));
            if let Some(token) = self.tokens.get_mut(self.at) {
                token.kind = TokenKind::Name(word.to_owned());
            }
        }
        Some(word)
    }

    /// One operand with the signs before it.
    fn operand(&mut self) -> Syntax {
        let start = self.span();
        if let TokenKind::Name(name) = self.kind() {
            let name = name.clone();
            if self.connective(&name) == Some("not") {
                return self.signed(start, Power::Compare, SyntaxKind::Not);
            }
            if matches!(name.as_str(), "and" | "or") && self.is_called_connective() {
                return Syntax::new(SyntaxKind::Error, start);
            }
            if matches!(name.as_str(), "and" | "or" | "in" | "where" | "by" | "over") {
                return self.unexpected();
            }
            return self.named(&name);
        }
        let kind = match self.kind() {
            TokenKind::Symbol(Symbol::Not) => {
                return self.signed(start, Power::Compare, SyntaxKind::Not);
            }
            TokenKind::Symbol(Symbol::Minus) => {
                return self.signed(start, Power::Tightest, SyntaxKind::Negate);
            }
            TokenKind::Symbol(Symbol::Open) => return self.bracketed(start),
            TokenKind::Symbol(Symbol::OpenList) => return self.list(start),
            TokenKind::Number(number) => SyntaxKind::Number(*number),
            TokenKind::Duration(duration) => SyntaxKind::Duration(*duration),
            TokenKind::Text(text) => SyntaxKind::Text(text.clone()),
            TokenKind::Unreadable => SyntaxKind::Error,
            TokenKind::Symbol(_) | TokenKind::End | TokenKind::Name(_) => return self.unexpected(),
        };
        self.at += 1;
        Syntax::new(kind, start)
    }

    fn signed(
        &mut self,
        start: SourceSpan,
        power: Power,
        kind: fn(Box<Syntax>) -> SyntaxKind,
    ) -> Syntax {
        self.at += 1;
        if self.enter() {
            return self.give_up(start);
        }
        let operand = self.operation(power);
        self.brackets -= 1;
        let span = SourceSpan { start: start.start, end: operand.span.end };
        self.bounded(kind(Box::new(operand)), span)
    }

    fn bracketed(&mut self, start: SourceSpan) -> Syntax {
        self.at += 1;
        if self.enter() {
            return self.give_up(start);
        }
        let mut inner = self.operation(Power::Or);
        self.brackets -= 1;
        let is_within_a_call =
            self.brackets > 0 && self.kind() == &TokenKind::Symbol(Symbol::Comma);
        let end = if is_within_a_call {
            self.not_closed(start, Symbol::Close, "`,`")
        } else {
            self.close(start, Symbol::Close)
        };
        // The brackets belong to what is shown of it.
        inner.span = SourceSpan { start: start.start, end };
        inner
    }

    fn list(&mut self, start: SourceSpan) -> Syntax {
        let (items, end) = self.items(start, Symbol::CloseList);
        self.bounded(SyntaxKind::List(items), SourceSpan { start: start.start, end })
    }

    /// What stands between the bracket here and the one that closes it, separated by commas.
    fn items(&mut self, open: SourceSpan, close: Symbol) -> (Vec<Syntax>, usize) {
        let mut items = Vec::new();
        self.at += 1;
        if self.enter() {
            self.give_up(open);
            return (vec![Syntax::new(SyntaxKind::Error, open)], open.end);
        }
        while self.kind() != &TokenKind::Symbol(close) && self.kind() != &TokenKind::End {
            let item = self.operation(Power::Or);
            let is_range = close == Symbol::CloseList && self.mistaken_range(None, &item);
            items.push(if is_range { Syntax::new(SyntaxKind::Error, item.span) } else { item });
            if !self.take(Symbol::Comma) {
                break;
            }
        }
        self.brackets -= 1;
        (items, self.close(open, close))
    }

    /// A name: a keyword value, a call, or a path.
    fn named(&mut self, name: &str) -> Syntax {
        let span = self.span();
        if self.kind_at(1) == &TokenKind::Symbol(Symbol::Open) {
            if let Some(form) = Form::parse(name) {
                return self.pattern(form);
            }
            if LATER_FUNCTIONS.contains(&name) {
                return self.later_function(name);
            }
            if let Some(function) = aggregate_function(name) {
                return self.aggregate_or_call(name, function);
            }
            return match Function::parse(name) {
                Some(function) => self.call(function),
                None => self.unknown_function(name),
            };
        }
        if let Some(mistaken) = self.without_brackets(name).or_else(|| self.currency_before(name)) {
            return mistaken;
        }
        self.at += 1;
        Syntax::new(
            match name {
                "true" => SyntaxKind::Bool(true),
                "false" => SyntaxKind::Bool(false),
                _ => SyntaxKind::Path(name.to_owned()),
            },
            span,
        )
    }

    fn call(&mut self, function: Function) -> Syntax {
        let start = self.span();
        self.at += 1;
        let open = self.span();
        let (mut arguments, mut end) = self.items(open, Symbol::Close);
        if function == Function::If && self.is_prose_choice() {
            return Syntax::new(SyntaxKind::Error, start);
        }
        if function == Function::Matches && self.take_name("by") {
            arguments.push(self.operand());
            end = self.previous_end();
        }
        let span = SourceSpan { start: start.start, end };
        self.bounded(SyntaxKind::Call { function, arguments }, span)
    }

    fn enter(&mut self) -> bool {
        self.brackets += 1;
        self.brackets > BRACKETS_MAX
    }

    /// The syntax, unless it has too many levels.
    fn bounded(&mut self, kind: SyntaxKind, span: SourceSpan) -> Syntax {
        let syntax = Syntax::new(kind, span);
        if syntax.depth <= LEVELS_MAX {
            return syntax;
        }
        self.too_deep(span);
        Syntax::new(SyntaxKind::Error, span)
    }
}

/// What stands right before something unreadable is no condition of its own, and may be part of that.
fn forget_last(before: &mut Syntax, is_misread: bool) {
    match &mut before.kind {
        SyntaxKind::And(parts) | SyntaxKind::Or(parts) => {
            if let Some(last) = parts.last_mut() {
                forget_last(last, is_misread);
            }
        }
        SyntaxKind::Compare(..) | SyntaxKind::In { .. } | SyntaxKind::Not(_) if !is_misread => {}
        kind => *kind = SyntaxKind::Error,
    }
}

fn joined(infix: Infix, left: Syntax, right: Syntax) -> SyntaxKind {
    match (infix, left) {
        // A bracketed `and` is joined too: its meaning is the same.
        (Infix::And, Syntax { kind: SyntaxKind::And(mut parts), .. }) => {
            parts.push(right);
            SyntaxKind::And(parts)
        }
        (Infix::Or, Syntax { kind: SyntaxKind::Or(mut parts), .. }) => {
            parts.push(right);
            SyntaxKind::Or(parts)
        }
        (Infix::And, left) => SyntaxKind::And(vec![left, right]),
        (Infix::Or, left) => SyntaxKind::Or(vec![left, right]),
        (Infix::Compare(op), left) => SyntaxKind::Compare(op, Box::new(left), Box::new(right)),
        (Infix::In { negated }, left) => {
            SyntaxKind::In { item: Box::new(left), set: Box::new(right), negated }
        }
        (Infix::Default, left) => SyntaxKind::Default(Box::new(left), Box::new(right)),
        (Infix::Arithmetic(op), left) => {
            SyntaxKind::Arithmetic(op, Box::new(left), Box::new(right))
        }
    }
}

#[cfg(test)]
mod tests;
