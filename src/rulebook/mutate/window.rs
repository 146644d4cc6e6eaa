//! What follows the brackets of a fold: its key and its window.
//!
//! Read word by word, so that every form of window is covered: a length, `previous`, `ending .. ago`,
//! `calendar`, `last`, `lifetime`, and what comes per bucket.

use crate::rulebook::lexer::{self, Token, TokenKind};
use crate::rulebook::typed::SourceSpan;

use super::literal::{doubled, halved};
use super::{Kind, Mutator};

/// The words of `calendar`, each with another one.
const CALENDAR: &[(&str, &str)] = &[("day", "week"), ("week", "month"), ("month", "week")];

impl Mutator<'_> {
    /// Changes behind the closing bracket of a fold.
    pub(super) fn key_and_window(&mut self, span: SourceSpan) {
        let (tokens, _) = lexer::tokens(self.path, self.text, span);
        let word = |token: &Token| match &token.kind {
            TokenKind::Name(name) => name.clone(),
            _ => String::new(),
        };
        let over = tokens.iter().position(|token| word(token) == "over").unwrap_or(tokens.len());
        let (head, tail) = tokens.split_at_checked(over).unwrap_or((&tokens, &[]));
        let by = head.iter().position(|token| word(token) == "by");
        let roles: Vec<SourceSpan> = by
            .map(|by| head.iter().skip(by + 1))
            .into_iter()
            .flatten()
            .filter(|token| matches!(token.kind, TokenKind::Name(_)))
            .map(|token| token.span)
            .collect();
        self.key(&roles);
        let whole = SourceSpan {
            start: tail.first().map_or(span.end, |token| token.span.start),
            end: span.end,
        };
        for (at, token) in tail.iter().enumerate() {
            let next = tail.get(at + 1);
            match (word(token).as_str(), &token.kind) {
                ("previous", _) => self.leave_out_word(token, next, "including the event itself"),
                ("ending", _) => self.leave_out_ending(token, tail.get(at + 2)),
                ("calendar", _) => self.calendar(next, whole),
                ("lifetime", _) => {
                    let hint = "add a test with an event more than 30 days back that counts";
                    self.swap(Kind::Window, token.span, token.span, "30d", hint);
                }
                ("last", _) => self.last(next),
                (_, TokenKind::Duration(_)) => self.window_length(token.span),
                _ => {}
            }
        }
    }

    fn key(&mut self, roles: &[SourceSpan]) {
        if let [only] = roles {
            let word = self.written(*only);
            let other = if word == "customer" { "account" } else { "customer" };
            let hint = format!(
                "add a test in which events of two {word}s of one {other}, or of two \
                                {other}s of one {word}, must not be counted together"
            );
            self.swap(Kind::Key, *only, *only, other, hint);
            return;
        }
        for (place, role) in roles.iter().enumerate() {
            let beside = if place == 0 {
                roles.get(1).map(|next| SourceSpan { start: role.start, end: next.start })
            } else {
                roles.get(place - 1).map(|last| SourceSpan { start: last.end, end: role.end })
            };
            let Some(beside) = beside else { continue };
            let before = self.written(*role);
            let hint = format!("add a test with events of two {before}s that must be kept apart");
            self.push(Kind::Key, beside, "", (format!("by {before}"), None), hint);
        }
    }

    fn window_length(&mut self, span: SourceSpan) {
        let written = self.written(span);
        if let Some(longer) = doubled(&written) {
            let hint = format!(
                "add a test in which an event between {written} and {longer} back \
                                must not count"
            );
            self.swap(Kind::Window, span, span, &longer, hint);
        }
        if let Some(shorter) = halved(&written) {
            let hint = format!(
                "add a test in which an event between {shorter} and {written} back \
                                must count"
            );
            self.swap(Kind::Window, span, span, &shorter, hint);
        }
    }

    fn leave_out_word(&mut self, token: &Token, next: Option<&Token>, what: &str) {
        let end = next.map_or(token.span.end, |next| next.span.start);
        let span = SourceSpan { start: token.span.start, end };
        let hint = format!("add a test in which {what} would change the outcome");
        self.push(Kind::Window, span, "", (self.written(token.span), None), hint);
    }

    /// `ending 24h ago`
    fn leave_out_ending(&mut self, token: &Token, ago: Option<&Token>) {
        let Some(ago) = ago else { return };
        let span = SourceSpan { start: token.span.start, end: ago.span.end };
        let hint = "add a test in which counting the recent events too would change the outcome";
        self.push(Kind::Window, span, "", (self.written(span), None), hint);
    }

    fn calendar(&mut self, next: Option<&Token>, whole: SourceSpan) {
        let Some(next) = next else { return };
        let written = self.written(next.span);
        if let Some((_, other)) = CALENDAR.iter().find(|(word, _)| *word == written) {
            let hint = format!(
                "add a test with an event in this {other} that is not in this \
                                {written}, or the other way round"
            );
            self.swap(Kind::Window, next.span, whole, other, hint);
        }
    }

    fn last(&mut self, next: Option<&Token>) {
        let Some(next) = next.filter(|next| matches!(next.kind, TokenKind::Number(_))) else {
            return;
        };
        for changed in super::literal::number_steps(&self.written(next.span)) {
            let hint = "add a test in which one event more or less would change the outcome";
            self.swap(Kind::Window, next.span, next.span, &changed, hint);
        }
    }
}
