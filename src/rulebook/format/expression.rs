//! One expression: the same words and comments on the same lines, with the spaces between them.

use crate::rulebook::diagnostic::{Diagnostic, has_error};
use crate::rulebook::lexer::{self, Symbol, Token, TokenKind};
use crate::rulebook::parse;
use crate::rulebook::typed::SourceSpan;

use super::STEP;
use super::line::{Line, Remark};

/// How the file holds the expression.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Below its key, after `|` or `>`: comments may stand in it.
    Block,
    /// Between quotes.
    Quoted,
    /// As it is: ` #` and `: ` would end it.
    Plain,
}

/// Words that are followed by a space even before a bracket.
const KEYWORDS: &[&str] =
    &["and", "or", "not", "in", "where", "by", "over", "per", "ending", "ago"];

/// The lines of the expression under `span`, the first without indentation.
///
/// # Errors
/// It cannot be read.
pub(super) fn lines(
    path: &str,
    source: &str,
    span: SourceSpan,
    style: Style,
    is_step: bool,
) -> Result<Vec<Line>, Vec<Diagnostic>> {
    let (tokens, mut problems) = lexer::tokens(path, source, span);
    // A step of a sequence begins with an event; its words are read here, its meaning elsewhere.
    if problems.is_empty() && !is_step {
        problems = parse::expression(path, source, span).1;
    }
    if has_error(&problems) {
        return Err(problems);
    }
    let mut writer = Writer::new(source, style, span.start);
    if style != Style::Block && writer.gaps(&tokens).any(|gap| gap.contains('#')) {
        let written = source.get(span.start..span.end).unwrap_or_default();
        return Ok(written.lines().map(|line| Line::new(0, line.trim())).collect());
    }
    for token in &tokens {
        writer.gap(token.span.start);
        if token.kind != TokenKind::End {
            writer.token(token);
        }
    }
    while writer.lines.last().is_some_and(Line::is_blank) {
        writer.lines.pop();
    }
    Ok(writer.lines)
}

/// The words of an expression as they would be written: the same for what means the same.
pub(super) fn words<'a>(path: &str, source: &'a str, span: SourceSpan) -> Vec<&'a str> {
    let (tokens, _) = lexer::tokens(path, source, span);
    tokens.iter().map(|token| word(source, token)).collect()
}

/// How a word is written.
fn word<'a>(source: &'a str, token: &Token) -> &'a str {
    match token.kind {
        TokenKind::Symbol(Symbol::And) => "and",
        TokenKind::Symbol(Symbol::Or) => "or",
        TokenKind::Symbol(Symbol::Not) => "not",
        _ => source.get(token.span.start..token.span.end).unwrap_or_default(),
    }
}

/// The comments of an expression in a block.
pub(super) fn remarks(path: &str, source: &str, span: SourceSpan) -> Vec<String> {
    let (tokens, _) = lexer::tokens(path, source, span);
    let writer = Writer::new(source, Style::Block, span.start);
    let pieces = writer.gaps(&tokens).flat_map(str::lines).map(str::trim);
    pieces.filter(|piece| piece.starts_with('#')).map(str::to_owned).collect()
}

struct Writer<'a> {
    source: &'a str,
    style: Style,
    /// What is written so far ends here in the file.
    at: usize,
    lines: Vec<Line>,
    /// Whether the next word begins a line.
    is_fresh: bool,
    /// The word before, and whether it is a sign of the one that follows.
    before: Option<(TokenKind, bool)>,
    /// Brackets that are open.
    open: usize,
}

impl<'a> Writer<'a> {
    const fn new(source: &'a str, style: Style, at: usize) -> Self {
        Self { source, style, at, lines: Vec::new(), is_fresh: true, before: None, open: 0 }
    }

    /// What stands between the words.
    fn gaps<'t>(&self, tokens: &'t [Token]) -> impl Iterator<Item = &'a str> + use<'a, 't> {
        let source = self.source;
        let starts = std::iter::once(self.at).chain(tokens.iter().map(|token| token.span.end));
        let gaps = starts.zip(tokens.iter().map(|token| token.span.start));
        gaps.map(move |(start, end)| source.get(start..end).unwrap_or_default())
    }

    /// Takes over line breaks and comments up to `end`.
    fn gap(&mut self, end: usize) {
        let gap = self.source.get(self.at..end).unwrap_or_default();
        let mut at = self.at;
        for (index, piece) in gap.split_inclusive('\n').enumerate() {
            let is_own = index > 0 || self.lines.is_empty();
            if piece.trim_start().starts_with('#') {
                self.remark(is_own, at, piece);
            } else if is_own
                && piece.ends_with('\n')
                && self.lines.last().is_some_and(|line| !line.is_blank())
            {
                self.lines.push(Line::default());
            }
            at += piece.len();
        }
        self.is_fresh = self.lines.is_empty() || gap.contains('\n');
    }

    fn remark(&mut self, is_own: bool, at: usize, piece: &str) {
        let start = at + (piece.len() - piece.trim_start().len());
        if is_own {
            self.lines.push(Line::remark(STEP * self.open, piece.trim()));
        } else if let Some(line) = self.lines.last_mut() {
            line.comment = Some(Remark::at(self.source, start, piece.trim()));
        }
    }

    fn token(&mut self, token: &Token) {
        if matches!(token.kind, TokenKind::Symbol(Symbol::Close | Symbol::CloseList)) {
            self.open = self.open.saturating_sub(1);
        }
        let has_space = !self.is_fresh && self.has_space(&token.kind);
        if self.is_fresh {
            self.lines.push(Line::new(STEP * self.open, ""));
        }
        let written = word(self.source, token);
        if let Some(line) = self.lines.last_mut() {
            line.text.push_str(if has_space { " " } else { "" });
            line.text.push_str(written);
        }
        if matches!(token.kind, TokenKind::Symbol(Symbol::Open | Symbol::OpenList)) {
            self.open += 1;
        }
        self.before = Some((token.kind.clone(), self.is_sign(&token.kind)));
        self.at = token.span.end;
    }

    /// Whether a space stands before the next word of a line.
    fn has_space(&self, next: &TokenKind) -> bool {
        let Some((before, is_sign)) = &self.before else { return false };
        let wants_after = match before {
            TokenKind::Symbol(Symbol::Colon) => self.style != Style::Plain,
            TokenKind::Symbol(symbol) => !is_sign && after(*symbol),
            _ => true,
        };
        let wants_ahead = match (before, next) {
            // A name that is not a keyword is a function here.
            (TokenKind::Name(name), TokenKind::Symbol(Symbol::Open)) => is_keyword(name),
            (_, TokenKind::Symbol(symbol)) => ahead(*symbol),
            _ => true,
        };
        wants_after && wants_ahead
    }

    /// Whether `next` is a minus before a value, not between two.
    fn is_sign(&self, next: &TokenKind) -> bool {
        next == &TokenKind::Symbol(Symbol::Minus)
            && match &self.before {
                None => true,
                Some((TokenKind::Symbol(symbol), _)) => {
                    !matches!(symbol, Symbol::Close | Symbol::CloseList)
                }
                Some((TokenKind::Name(name), _)) => is_keyword(name),
                Some(_) => false,
            }
    }
}

fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name)
}

/// Whether a space may follow the sign.
const fn after(symbol: Symbol) -> bool {
    use Symbol as S;
    match symbol {
        S::Open | S::OpenList | S::Range => false,
        S::Close
        | S::CloseList
        | S::Comma
        | S::Colon
        | S::Equal
        | S::NotEqual
        | S::Less
        | S::LessEqual
        | S::Greater
        | S::GreaterEqual
        | S::Plus
        | S::Minus
        | S::Times
        | S::Divide
        | S::Default
        | S::Not
        | S::And
        | S::Or => true,
    }
}

/// Whether a space may stand before the sign.
const fn ahead(symbol: Symbol) -> bool {
    use Symbol as S;
    match symbol {
        S::Close | S::CloseList | S::Comma | S::Colon | S::Range => false,
        S::Open
        | S::OpenList
        | S::Equal
        | S::NotEqual
        | S::Less
        | S::LessEqual
        | S::Greater
        | S::GreaterEqual
        | S::Plus
        | S::Minus
        | S::Times
        | S::Divide
        | S::Default
        | S::Not
        | S::And
        | S::Or => true,
    }
}
