//! Windows: what stands behind `over`.

use crate::domain::Span;
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
        let length = match self.kind().clone() {
            TokenKind::Duration(length) => LengthSyntax::Duration(length),
            TokenKind::Name(name) => match name.as_str() {
                "calendar" => return self.period(),
                "last" => return self.last(),
                "lifetime" => LengthSyntax::Lifetime,
                _ => LengthSyntax::Parameter(name),
            },
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
