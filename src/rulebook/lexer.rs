//! The words of an expression, each with its place in the file.
//!
//! In: the file's text and the span of one expression in it; the bytes are read where they stand, so
//! every span is already a file offset. Out: tokens, always ended by `End`. What cannot be read is
//! reported once and left out or replaced by what was most likely meant, so that the rest is checked.

use rust_decimal::Decimal;

use crate::domain::Span;

use super::diagnostic::Diagnostic;
use super::elsewhere::{self, numbers};
use super::typed::SourceSpan;

/// One word or sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: SourceSpan,
}

/// The kinds of tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// `8_000.50`
    Number(Decimal),
    /// `24h`
    Duration(Span),
    /// `"text"`
    Text(String),
    /// A name with its dots (`tx.amount`), or a keyword.
    Name(String),
    /// A sign.
    Symbol(Symbol),
    /// Something unreadable that was reported; it stands for an operand.
    Unreadable,
    /// The end of the expression.
    End,
}

/// The signs of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenList,
    /// `]`
    CloseList,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `..`
    Range,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Divide,
    /// `??`
    Default,
    /// `!`
    Not,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: &[(&str, Symbol)] = &[
    ("==", Symbol::Equal),
    ("!=", Symbol::NotEqual),
    ("<=", Symbol::LessEqual),
    (">=", Symbol::GreaterEqual),
    ("??", Symbol::Default),
    ("&&", Symbol::And),
    ("||", Symbol::Or),
    ("..", Symbol::Range),
    ("(", Symbol::Open),
    (")", Symbol::Close),
    ("[", Symbol::OpenList),
    ("]", Symbol::CloseList),
    (",", Symbol::Comma),
    (":", Symbol::Colon),
    ("<", Symbol::Less),
    (">", Symbol::Greater),
    ("+", Symbol::Plus),
    ("-", Symbol::Minus),
    ("*", Symbol::Times),
    ("/", Symbol::Divide),
    ("!", Symbol::Not),
];

/// Quotes of word processors.
const BENT_QUOTES: &[char] = &['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}'];

/// Reads the tokens of `source` under `span`.
#[must_use]
pub fn tokens(path: &str, source: &str, span: SourceSpan) -> (Vec<Token>, Vec<Diagnostic>) {
    let end = span.end.min(source.len());
    let text = source.get(..end).unwrap_or(source);
    let mut lexer = Lexer { path, text, at: span.start, tokens: Vec::new(), problems: Vec::new() };
    while lexer.step() {}
    let place = SourceSpan { start: lexer.at, end: lexer.at };
    lexer.tokens.push(Token { kind: TokenKind::End, span: place });
    (lexer.tokens, lexer.problems)
}

struct Lexer<'a> {
    path: &'a str,
    /// The file up to the end of the expression.
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    problems: Vec<Diagnostic>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        let span = SourceSpan { start: self.at, end: self.at + length };
        self.tokens.push(Token { kind, span });
        self.at += length;
    }

    fn report(
        &mut self,
        code: &'static str,
        length: usize,
        title: String,
        label: &str,
        help: &str,
    ) {
        let span = SourceSpan { start: self.at, end: self.at + length };
        self.problems.push(Diagnostic::new(code, self.path, span, title, label).with_help(help));
    }

    /// Reads one token; `false` at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return false };
        if first.is_whitespace() {
            self.at += first.len_utf8();
        } else if first == '#' {
            self.at += rest.find('\n').unwrap_or(rest.len());
        } else if first.is_ascii_digit() {
            self.number(rest);
        } else if first.is_ascii_alphabetic() || first == '_' {
            self.name(rest);
        } else if first == '"' || first == '\'' {
            self.quoted(rest, first);
        } else {
            self.sign(rest, first);
        }
        true
    }

    fn name(&mut self, rest: &str) {
        let is_part = |next: char| next.is_ascii_alphanumeric() || next == '_' || next == '.';
        let length = rest.find(|next| !is_part(next)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default();
        let is_broken = name
            .split('.')
            .any(|part| part.is_empty() || part.starts_with(|first: char| first.is_ascii_digit()));
        if is_broken {
            let title = format!("`{name}` is not a name");
            self.report(
                "E105",
                length,
                title,
                "a part is missing beside a dot",
                "write `tx.amount`",
            );
            self.push(TokenKind::Unreadable, length);
        } else {
            self.push(TokenKind::Name(name.to_owned()), length);
        }
    }

    /// A number or, with a unit right behind it, a duration.
    fn number(&mut self, rest: &str) {
        if let Some(length) = elsewhere::date_length(rest) {
            let written = rest.get(..length).unwrap_or_default();
            let title = format!("a condition cannot hold the date `{written}`");
            self.report("E105", length, title, "a day of the calendar", elsewhere::DATE);
            return self.push(TokenKind::Unreadable, length);
        }
        let is_part = |next: char| next.is_ascii_alphanumeric() || next == '_';
        let mut length = rest.find(|next| !is_part(next)).unwrap_or(rest.len());
        let after = rest.get(length..).unwrap_or_default();
        if let Some(fraction) = after.strip_prefix('.').filter(|digits| starts_with_digit(digits)) {
            length += 1 + fraction.find(|next| !is_part(next)).unwrap_or(fraction.len());
        }
        length += apostrophes(rest.get(length..).unwrap_or_default());
        let written = rest.get(..length).unwrap_or_default();
        let is_number = written.chars().all(|sign| sign.is_ascii_digit() || "._".contains(sign));
        if is_number {
            if let Ok(number) = Decimal::from_str_exact(&written.replace('_', "")) {
                return self.push(TokenKind::Number(number), length);
            }
            let title = format!("`{written}` is not a number");
            let help = "numbers have at most 28 digits and one decimal point";
            self.report("E105", length, title, "too long, or not a number", help);
        } else if let Some(span) = Span::parse(written) {
            return self.push(TokenKind::Duration(span), length);
        } else {
            let title = format!("`{written}` is neither a number nor a duration");
            let meant = numbers::meant(written).map(|meant| meant.help());
            let help = meant.unwrap_or_else(|| {
                "a duration is a whole number with s, m, h, d or w: 90m, 24h, 7d; \
                 a number has no exponent"
                    .to_owned()
            });
            self.report("E105", length, title, "not understood here", &help);
        }
        self.push(TokenKind::Unreadable, length);
    }

    fn quoted(&mut self, rest: &str, quote: char) {
        let within = rest.get(1..).unwrap_or_default();
        let line = within.lines().next().unwrap_or_default();
        let Some(end) = line.find(quote) else {
            let title = "text is not closed".to_owned();
            let help = format!("add `{quote}` at its end");
            let length = 1 + line.trim_end().len();
            self.report("E103", length, title, "starts here and ends nowhere", &help);
            return self.push(TokenKind::Unreadable, length);
        };
        let value = line.get(..end).unwrap_or_default();
        if value.contains('\\') {
            let title = "text in expressions knows no escapes".to_owned();
            let help = "write the text without `\\`";
            self.report("E105", end + 2, title, "holds a backslash", help);
            return self.push(TokenKind::Unreadable, end + 2);
        }
        self.push(TokenKind::Text(value.to_owned()), end + 2);
    }

    fn is_right_behind_a_number(&self) -> bool {
        let before = self.tokens.last().filter(|token| token.span.end == self.at);
        before.is_some_and(|token| matches!(token.kind, TokenKind::Number(_)))
    }

    /// Text between quotes that a word processor has bent.
    fn bent_quotes(&mut self, rest: &str, first: char) -> bool {
        // Asked first, for looking through the rest of the line at every sign takes for ever.
        if !BENT_QUOTES.contains(&first) {
            return false;
        }
        let within = rest.get(first.len_utf8()..).unwrap_or_default();
        let line = within.lines().next().unwrap_or_default();
        let Some(end) = line.find(BENT_QUOTES) else { return false };
        let value = line.get(..end).unwrap_or_default().to_owned();
        let close = line.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let length = first.len_utf8() + end + close;
        let help = format!("write \"{value}\"");
        let title = "text stands between straight quotes".to_owned();
        self.report("E101", length, title, "bent quotes", &help);
        self.push(TokenKind::Text(value), length);
        true
    }

    fn sign(&mut self, rest: &str, first: char) {
        if self.bent_quotes(rest, first) {
            return;
        }
        let mistaken = elsewhere::SIGNS.iter().find(|(written, ..)| rest.starts_with(written));
        let known = SYMBOLS.iter().find(|(written, _)| rest.starts_with(written));
        // `<>` and `=>` before `<`, but `==` before `=`.
        match (known, mistaken) {
            (Some((written, symbol)), None) => self.push(TokenKind::Symbol(*symbol), written.len()),
            (Some((written, symbol)), Some((wrong, ..))) if written.len() >= wrong.len() => {
                self.push(TokenKind::Symbol(*symbol), written.len());
            }
            (_, Some((written, meant, help))) => {
                let is_share = first == '%' && self.is_right_behind_a_number();
                let help = if is_share { elsewhere::PERCENT } else { help };
                let title = format!("unexpected `{written}`");
                self.report("E101", written.len(), title, "not understood here", help);
                match meant {
                    Some(symbol) => self.push(TokenKind::Symbol(*symbol), written.len()),
                    None => self.push(TokenKind::Unreadable, written.len()),
                }
            }
            (None, None) => {
                let title = format!("unexpected `{}`", first.escape_debug());
                let help = "this sign is not part of the language";
                self.report("E101", first.len_utf8(), title, "not understood here", help);
                self.push(TokenKind::Unreadable, first.len_utf8());
            }
        }
    }
}

/// The length of `'000'000` at the beginning of `text`: groups of digits as some write them.
fn apostrophes(text: &str) -> usize {
    let mut length = 0;
    while let Some(group) = text.get(length..).and_then(|rest| rest.strip_prefix('\'')) {
        let digits = group.bytes().take_while(u8::is_ascii_digit).count();
        let goes_on =
            group.get(digits..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
        if digits != 3 || goes_on {
            break;
        }
        length += 1 + digits;
    }
    length
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        let span = SourceSpan { start: 0, end: text.len() };
        let (tokens, problems) = tokens("rule.yaml", text, span);
        assert_eq!(problems, [], "{text}");
        tokens.into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn numbers_durations_and_names_are_told_apart() {
        let number = |text: &str| TokenKind::Number(text.parse().expect("a number"));
        assert_eq!(
            kinds("8_000.50 24h tx.amount \"a b\" # remark\n??"),
            [
                number("8000.50"),
                TokenKind::Duration(Span::hours(24)),
                TokenKind::Name("tx.amount".to_owned()),
                TokenKind::Text("a b".to_owned()),
                TokenKind::Symbol(Symbol::Default),
                TokenKind::End,
            ]
        );
    }

    #[test]
    fn spans_are_offsets_of_the_file_and_end_with_the_expression() {
        let text = "when: é >= 3 and more";
        let (tokens, problems) = tokens("rule.yaml", text, SourceSpan { start: 9, end: 13 });
        assert_eq!(problems, []);
        let written: Vec<_> = tokens.iter().map(|t| &text[t.span.start..t.span.end]).collect();
        assert_eq!(written, [">=", "3", ""]);
    }

    #[test]
    fn signs_of_other_languages_are_reported_and_read_as_meant() {
        for (text, meant) in [("=", Symbol::Equal), ("<>", Symbol::NotEqual), ("&", Symbol::And)] {
            let (tokens, problems) =
                tokens("rule.yaml", text, SourceSpan { start: 0, end: text.len() });
            assert_eq!(problems.len(), 1, "{text}");
            assert_eq!(tokens[0].kind, TokenKind::Symbol(meant), "{text}");
        }
    }
}
