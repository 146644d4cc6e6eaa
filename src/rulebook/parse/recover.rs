//! Small steps over tokens, and what the parser does when the next token does not fit.

use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::elsewhere;
use crate::rulebook::lexer::{Symbol, Token, TokenKind};
use crate::rulebook::pattern::Form;
use crate::rulebook::syntax::{FOLDS, Function, Syntax, SyntaxKind};
use crate::rulebook::typed::SourceSpan;

use super::{BRACKETS_MAX, LEVELS_MAX, Parser};

const END: TokenKind = TokenKind::End;

impl Parser<'_> {
    pub(super) fn kind(&self) -> &TokenKind {
        self.kind_at(0)
    }

    pub(super) fn kind_at(&self, ahead: usize) -> &TokenKind {
        self.tokens.get(self.at + ahead).map_or(&END, |token| &token.kind)
    }

    /// Where the next token stands; at the end, right behind the last one.
    pub(super) fn span(&self) -> SourceSpan {
        self.tokens.get(self.at).or(self.tokens.last()).map_or_else(SourceSpan::default, |t| t.span)
    }

    pub(super) fn previous_end(&self) -> usize {
        let previous = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        previous.map_or_else(|| self.span().start, |token| token.span.end)
    }

    pub(super) fn is_name_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.kind_at(ahead), TokenKind::Name(name) if name == word)
    }

    pub(super) fn take_name(&mut self, word: &str) -> bool {
        let is_here = self.is_name_at(0, word);
        self.at += usize::from(is_here);
        is_here
    }

    pub(super) fn take(&mut self, symbol: Symbol) -> bool {
        let is_here = self.kind() == &TokenKind::Symbol(symbol);
        self.at += usize::from(is_here);
        is_here
    }

    pub(super) fn take_connective(&mut self) -> bool {
        let is_here = self.is_connective();
        self.at += usize::from(is_here);
        is_here
    }

    pub(super) fn is_connective(&self) -> bool {
        self.is_name_at(0, "and")
            || self.is_name_at(0, "or")
            || matches!(self.kind(), TokenKind::Symbol(Symbol::And | Symbol::Or))
    }

    pub(super) fn report(
        &mut self,
        code: &'static str,
        span: SourceSpan,
        title: impl Into<String>,
        label: &str,
        help: Option<&str>,
    ) {
        // Behind a place that is too deep nothing was read, so nothing is said about it.
        if self.is_too_deep && code != "E110" {
            return;
        }
        let mut problem = Diagnostic::new(code, self.path, span, title, label);
        problem.help = help.map(str::to_owned);
        self.problems.push(problem);
    }

    pub(super) fn written(&self, span: SourceSpan) -> &str {
        self.source.get(span.start..span.end).unwrap_or_default()
    }

    /// Says that the next token does not fit, and reads past it unless it separates expressions.
    pub(super) fn unexpected(&mut self) -> Syntax {
        let span = self.span();
        if self.thousands_separator() {
            return Syntax::new(SyntaxKind::Error, span);
        }
        let kind = self.kind().clone();
        // Behind something unreadable nothing is certain.
        if kind == TokenKind::Unreadable || self.is_behind_unreadable() {
            self.at += usize::from(!self.is_separator());
            return Syntax::new(SyntaxKind::Error, span);
        }
        if self.mistaken_word() {
            self.is_misread = true;
            return Syntax::new(SyntaxKind::Error, span);
        }
        let (title, label) = match kind {
            TokenKind::Symbol(Symbol::Close) if self.brackets == 0 => {
                ("`)` closes nothing".to_owned(), "no `(` before it")
            }
            TokenKind::End => ("the expression ends too early".to_owned(), "a value is missing"),
            _ if self.is_connective() => {
                (format!("unexpected `{}`", self.written(span)), "a value is missing before it")
            }
            _ => (format!("unexpected `{}`", self.written(span)), "not understood here"),
        };
        let begins_operand = matches!(
            kind,
            TokenKind::Number(_) | TokenKind::Duration(_) | TokenKind::Text(_) | TokenKind::Name(_)
        ) && !self.is_keyword()
            && !self.is_connective();
        let is_after_operand = self.at > 0 && begins_operand;
        let help = match &kind {
            TokenKind::Symbol(Symbol::Colon) => {
                Some("to choose between two values, write `if(condition, a, b)`")
            }
            TokenKind::Symbol(Symbol::Comma) if self.brackets == 0 => {
                Some("to join conditions, write `and`")
            }
            TokenKind::Symbol(Symbol::Close) if self.brackets == 0 => Some("delete it"),
            TokenKind::Name(name) if name == "where" => Some(
                "`where` stands inside the brackets: `count(transaction where ...) by customer over 7d`",
            ),
            _ if is_after_operand => Some(self.missing_operator()),
            _ => None,
        };
        // A place at the end is empty; point at the last character instead.
        let place = if span.start == span.end { self.last_character() } else { span };
        self.report("E101", place, title, label, help);
        if !self.is_separator() {
            self.at += 1;
        }
        Syntax::new(SyntaxKind::Error, span)
    }

    fn is_behind_unreadable(&self) -> bool {
        let previous = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        previous.is_some_and(|token| token.kind == TokenKind::Unreadable)
    }

    fn last_character(&self) -> SourceSpan {
        let end = self.previous_end();
        let before = self.source.get(..end).unwrap_or_default();
        let width = before.chars().next_back().map_or(0, char::len_utf8);
        SourceSpan { start: end - width, end }
    }

    fn is_keyword(&self) -> bool {
        ["where", "by", "over", "in", "ending", "ago"].iter().any(|word| self.is_name_at(0, word))
    }

    /// Whether the next token may well belong to what is around this expression.
    fn is_separator(&self) -> bool {
        use Symbol as S;
        self.is_connective()
            || matches!(
                self.kind(),
                // Operators: what is on their right can still be read.
                TokenKind::Symbol(
                    S::Equal
                        | S::NotEqual
                        | S::Less
                        | S::LessEqual
                        | S::Greater
                        | S::GreaterEqual
                        | S::Plus
                        | S::Times
                        | S::Divide
                        | S::Default
                )
            )
            || matches!(
                self.kind(),
                TokenKind::End
                    | TokenKind::Symbol(Symbol::Close | Symbol::CloseList | Symbol::Comma)
            )
            || ["where", "by", "over"].iter().any(|word| self.is_name_at(0, word))
    }

    /// `10,000` is one number in other languages: says so once and reads past it.
    pub(super) fn thousands_separator(&mut self) -> bool {
        let Some(number) = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)) else {
            return false;
        };
        let TokenKind::Number(_) = number.kind else { return false };
        let start = number.span.start;
        let mut end = number.span.end;
        while let Some([comma, group]) = self.tokens.get(self.at..self.at + 2) {
            let digits = self.written(group.span).bytes().take_while(u8::is_ascii_digit).count();
            let adjoins = comma.span.start == end && comma.span.end == group.span.start;
            let is_comma = comma.kind == TokenKind::Symbol(Symbol::Comma);
            let is_number = matches!(group.kind, TokenKind::Number(_));
            if !(adjoins && is_comma && is_number && digits == 3) {
                break;
            }
            end = group.span.end;
            self.at += 2;
        }
        let span = SourceSpan { start, end };
        let written = self.written(span);
        if !written.contains(',') {
            return false;
        }
        let help = format!("write `{}`", written.replace(',', "_"));
        let title = "numbers have no thousands separator";
        self.report("E104", span, title, "a comma in a number", Some(&help));
        true
    }

    /// Reads the bracket that closes the one at `open`; gives where the brackets end.
    pub(super) fn close(&mut self, open: SourceSpan, close: Symbol) -> usize {
        self.thousands_separator();
        if self.take(close) {
            return self.previous_end();
        }
        if self.kind() == &TokenKind::End {
            let written = self.written(open).to_owned();
            let sign = if close == Symbol::Close { ")" } else { "]" };
            let (title, help) = (format!("`{written}` is not closed"), format!("add `{sign}`"));
            self.report("E102", open, title, "opened here", Some(&help));
            return self.previous_end();
        }
        if self.is_name_at(0, "by") || self.is_name_at(0, "over") {
            let before = format!("`{}`", self.written(self.span()));
            return self.not_closed(open, close, &before);
        }
        self.unexpected();
        self.skip_to_close(close);
        self.previous_end()
    }

    /// Says that the bracket at `open` should be closed here, and reads on as if it were.
    pub(super) fn not_closed(&mut self, open: SourceSpan, close: Symbol, before: &str) -> usize {
        let written = self.written(open).to_owned();
        let sign = if close == Symbol::Close { ")" } else { "]" };
        let help = format!("add `{sign}` before {before}");
        self.report("E102", open, format!("`{written}` is not closed"), "opened here", Some(&help));
        self.previous_end()
    }

    /// Skips what stands before the bracket that closes the one around this place, and it.
    pub(super) fn skip_to_close(&mut self, close: Symbol) {
        let mut open = 0_usize;
        while self.kind() != &TokenKind::End {
            match self.kind() {
                TokenKind::Symbol(Symbol::Open | Symbol::OpenList) => open += 1,
                TokenKind::Symbol(symbol) if *symbol == close && open == 0 => {
                    self.at += 1;
                    return;
                }
                TokenKind::Symbol(Symbol::Close | Symbol::CloseList) => {
                    open = open.saturating_sub(1);
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Skips a call's brackets with all that is in them.
    pub(super) fn skip_brackets(&mut self) {
        if self.take(Symbol::Open) {
            self.skip_to_close(Symbol::Close);
        }
    }

    pub(super) fn skip_to_connective(&mut self) {
        while self.kind() != &TokenKind::End && !self.is_connective() {
            self.at += 1;
        }
    }

    pub(super) fn unknown_function(&mut self, name: &str) -> Syntax {
        let span = self.span();
        let folds = FOLDS.iter().map(|(word, _)| *word);
        let functions = Function::ALL.iter().map(|function| function.word());
        let patterns = Form::ALL.iter().map(|form| form.word());
        let words: Vec<_> = folds.chain(functions).chain(patterns).collect();
        let help = elsewhere::function_help(name, &words);
        let title = format!("unknown function `{name}`");
        self.report("E033", span, title, "no such function", Some(&help));
        self.at += 1;
        self.skip_brackets();
        self.skip_tail();
        Syntax::new(SyntaxKind::Error, SourceSpan { start: span.start, end: self.previous_end() })
    }

    pub(super) fn give_up(&mut self, span: SourceSpan) -> Syntax {
        self.too_deep(span);
        self.brackets -= 1;
        // Nothing after this place is worth reading.
        self.at = self.tokens.len().saturating_sub(1);
        Syntax::new(SyntaxKind::Error, span)
    }

    pub(super) fn too_deep(&mut self, span: SourceSpan) {
        if std::mem::replace(&mut self.is_too_deep, true) {
            return;
        }
        let title = format!(
            "an expression has at most {BRACKETS_MAX} brackets in one another and {LEVELS_MAX} levels"
        );
        let help = Some("give parts of it a name under `let`");
        self.report("E110", span, title, "too deep", help);
    }

    /// Takes `:format` off the end of a message's place.
    pub(super) fn take_format(&mut self) -> Option<(String, SourceSpan)> {
        let mut open = 0_usize;
        let colon = self.tokens.iter().position(|token| {
            match token.kind {
                TokenKind::Symbol(Symbol::Open | Symbol::OpenList) => open += 1,
                TokenKind::Symbol(Symbol::Close | Symbol::CloseList) => {
                    open = open.saturating_sub(1);
                }
                _ => {}
            }
            open == 0 && token.kind == TokenKind::Symbol(Symbol::Colon)
        })?;
        let (before, end) = (self.tokens.get(colon)?.span, self.tokens.last()?.span.start);
        // Whatever stands there is a format, though perhaps none that there is.
        let written = self.written(SourceSpan { start: before.end, end });
        let start = before.end + (written.len() - written.trim_start().len());
        let written = written.trim().to_owned();
        if written.is_empty() {
            return None;
        }
        self.problems.retain(|problem| problem.span.start < before.start);
        let format = SourceSpan { start, end: start + written.len() };
        let taken = (written, format);
        let span = SourceSpan { start: before.start, end: before.start };
        self.tokens.truncate(colon);
        self.tokens.push(Token { kind: TokenKind::End, span });
        Some(taken)
    }
}
