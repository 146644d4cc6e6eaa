//! Windows: what stands behind `over`.

use crate::domain::Span;
use crate::rulebook::elsewhere::{self, numbers};
use crate::rulebook::lexer::{Symbol, TokenKind};
use crate::rulebook::syntax::{LengthSyntax, WindowSyntax};
use crate::rulebook::typed::SourceSpan;

use super::Parser;

/// What became of the part behind `over`.
pub(super) enum Over {
    Window(WindowSyntax),
    Missing,
    Reported,
}

impl Parser<'_> {
    /// `over 24h`, `over previous 90d`, `over calendar month`, `over last 10`, ..., if it stands here.
    pub(super) fn over(&mut self) -> Over {
        if !self.take_name("over") {
            return Over::Missing;
        }
        let start = self.span();
        let is_previous = self.take_name("previous");
        let Some(length) = self.length() else { return Over::Reported };
        let length_span = SourceSpan { start: start.start, end: self.previous_end() };
        let can_end_earlier =
            !is_previous && !matches!(length, LengthSyntax::Calendar(_) | LengthSyntax::Last(_));
        let ending_start = self.span();
        match self.ending() {
            Ok(Some(_)) if !can_end_earlier => {
                let span = SourceSpan { start: ending_start.start, end: self.previous_end() };
                let title = "this window cannot end earlier";
                let help = "only a length of time can: `over 90d ending 24h ago`";
                self.report("E078", span, title, "does not fit this window", Some(help));
                Over::Reported
            }
            Ok(ending_ago) => {
                Over::Window(WindowSyntax { length, length_span, ending_ago, is_previous })
            }
            Err(()) => Over::Reported,
        }
    }

    /// How long the window is; `None` when something was reported.
    fn length(&mut self) -> Option<LengthSyntax> {
        let span = self.span();
        if self.mistaken_length() {
            return None;
        }
        let length = match self.kind().clone() {
            TokenKind::Duration(length) => LengthSyntax::Duration(length),
            TokenKind::Name(name) => match name.as_str() {
                "calendar" => return self.period(),
                "last" => return self.last(),
                "lifetime" => LengthSyntax::Lifetime,
                _ => LengthSyntax::Parameter(name),
            },
            TokenKind::Symbol(Symbol::Open) => {
                let help = Some("write `over 7d`");
                self.report("E038", span, "a window stands without brackets", "not needed", help);
                self.skip_brackets();
                return None;
            }
            TokenKind::Text(text) if Span::parse(&text).is_some() => {
                let help = format!("write `over {text}` without quotes");
                self.report("E038", span, "a window needs a length of time", "text", Some(&help));
                self.at += 1;
                let _ = self.ending();
                return None;
            }
            TokenKind::Number(_) => {
                let written = self.source.get(span.start..span.end).unwrap_or_default();
                let help = format!(
                    "add a unit: {written}d, {written}h or {written}m; for so many events: last {written}"
                );
                let title = "a window needs a length of time";
                self.report("E038", span, title, "a plain number", Some(&help));
                self.at += 1;
                // Its own problems come on top; the window is lost either way.
                let _ = self.ending();
                return None;
            }
            _ => {
                self.unexpected();
                return None;
            }
        };
        self.at += 1;
        let is_called = self.kind() == &TokenKind::Symbol(Symbol::Open);
        if is_called && matches!(length, LengthSyntax::Parameter(_)) {
            self.unexpected();
            return None;
        }
        Some(length)
    }

    /// `over the last 7 days`, `over this month`: says what to write, and reads past it.
    fn mistaken_length(&mut self) -> bool {
        let word = |ahead: usize| match self.kind_at(ahead) {
            TokenKind::Name(name) => Some(name.as_str()),
            _ => None,
        };
        let mut count = 0;
        while word(count).is_some_and(|it| elsewhere::BEFORE_A_LENGTH.contains(&it)) {
            count += 1;
        }
        // `last 10` and a parameter of such a name stand alone.
        let is_last = word(0) == Some("last");
        let (behind, after) = (self.kind_at(count), word(count + 1));
        let written = |ahead: usize| {
            let token = self.tokens.get(self.at + ahead);
            token.map_or("", |token| self.written(token.span))
        };
        let number = written(count);
        let meant = match behind {
            TokenKind::Duration(_) if count > 0 && !is_last => Some((number.to_owned(), count + 1)),
            TokenKind::Number(_) | TokenKind::Name(_) => after
                .and_then(|unit| numbers::meant(&format!("{number} {unit}")))
                .filter(|meant| Span::parse(&meant.text).is_some())
                .map(|meant| (meant.text, count + 2)),
            _ => None,
        };
        let period = word(count).and_then(elsewhere::period).filter(|_| count > 0);
        let (help, count) = match (meant, period) {
            (Some((length, count)), _) => match after.and_then(elsewhere::period) {
                Some(period) => {
                    (format!("write `over {length}`, or `over calendar {period}`"), count)
                }
                None => (format!("write `over {length}`"), count),
            },
            (None, Some(period)) => (format!("write `over calendar {period}`"), count + 1),
            (None, None) => return false,
        };
        let start = self.span().start;
        self.at += count;
        let span = SourceSpan { start, end: self.previous_end() };
        let title = format!("`{}` is not a window", self.written(span));
        self.report("E038", span, title, "a length of time in words", Some(&help));
        true
    }

    /// `calendar month`
    fn period(&mut self) -> Option<LengthSyntax> {
        let start = self.span();
        self.at += 1;
        if let TokenKind::Name(word) = self.kind().clone()
            && !matches!(word.as_str(), "and" | "or" | "not" | "in")
        {
            self.at += 1;
            return Some(LengthSyntax::Calendar(word));
        }
        let help = Some("write `over calendar day`, `over calendar week` or `over calendar month`");
        self.report("E072", start, "`calendar` without a period", "which period?", help);
        None
    }

    /// `last 10`
    fn last(&mut self) -> Option<LengthSyntax> {
        let start = self.span();
        self.at += 1;
        if let TokenKind::Number(count) = *self.kind() {
            self.at += 1;
            return Some(LengthSyntax::Last(count));
        }
        let is_time = matches!(self.kind(), TokenKind::Duration(_));
        let span = if is_time { self.span() } else { start };
        self.at += usize::from(is_time);
        let help = if is_time {
            "for a length of time write `over 7d`; `last 10` is the ten latest events"
        } else {
            "write `over last 10`: the ten latest events"
        };
        self.report("E071", span, "`last` needs a number of events", "how many?", Some(help));
        None
    }

    /// `ending 24h ago`, if it stands here; an error was reported.
    fn ending(&mut self) -> Result<Option<(Span, SourceSpan)>, ()> {
        if !self.take_name("ending") {
            return Ok(None);
        }
        let span = self.span();
        let TokenKind::Duration(ago) = *self.kind() else {
            let help = Some("write `ending 24h ago`");
            self.report("E038", span, "`ending` needs a duration", "not a duration", help);
            self.at += 1;
            self.take_name("ago");
            return Err(());
        };
        self.at += 1;
        if !self.take_name("ago") {
            let title = "`ending` without `ago`";
            let help = Some("write `ending 24h ago`");
            self.report("E101", span, title, "`ago` is missing behind it", help);
            return Err(());
        }
        Ok(Some((ago, span)))
    }
}
