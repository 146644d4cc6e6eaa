//! Folds over windows: `sum(tx.amount where tx.direction == "in") by account over 24h`.
//!
//! Also the forms that a later version will have: they are read to their end and reported as such,
//! so that nothing else about them is said.

use crate::rulebook::lexer::{Symbol, TokenKind};
use crate::rulebook::syntax::{
    AggregateSyntax, Function, LengthSyntax, Syntax, SyntaxKind, WindowSyntax,
};
use crate::rulebook::typed::{AggregateFunction, SourceSpan};

use super::{Parser, Power};

/// What became of the part behind `over`.
enum Over {
    Window(WindowSyntax),
    Missing,
    Reported,
}

impl Parser<'_> {
    /// `count(...)` and its kin; `min(...)` and `max(...)` are calls unless `where` or `by` follows.
    pub(super) fn aggregate_or_call(&mut self, name: &str, function: AggregateFunction) -> Syntax {
        let start = self.span();
        self.at += 1;
        let open = self.span();
        self.at += 1;
        if self.enter() {
            return self.give_up(open);
        }
        let head = self.operation(Power::Or);
        let filter = self.take_name("where").then(|| self.operation(Power::Or));
        let call = Function::parse(name).filter(|_| filter.is_none());
        if let Some(call) = call
            && self.kind() == &TokenKind::Symbol(Symbol::Comma)
        {
            return self.rest_of_call(start, open, call, head);
        }
        self.brackets -= 1;
        self.close(open, Symbol::Close);
        let head_end = self.previous_end();
        if let Some(function) = call
            && !self.is_name_at(0, "by")
        {
            let span = SourceSpan { start: start.start, end: head_end };
            return self.bounded(SyntaxKind::Call { function, arguments: vec![head] }, span);
        }
        let by = self.take_name("by").then(|| self.roles());
        let over = self.over();
        let span = SourceSpan { start: start.start, end: self.previous_end() };
        let error = Syntax::new(SyntaxKind::Error, span);
        let Some(by) = by else {
            let title = format!("`{name}(...)` does not say by what it is kept");
            let help = Some("add `by customer`, `by account` or another role behind the bracket");
            self.report("E112", span, title, "per whom or what?", help);
            return error;
        };
        let window = match over {
            Over::Window(window) => window,
            Over::Reported => return error,
            Over::Missing => {
                let title = format!("`{name}(...) by ...` has no window");
                let help = Some("add `over 24h`, `over 7d` or `over lifetime`");
                self.report("E111", span, title, "over how long?", help);
                return error;
            }
        };
        let name = name.to_owned();
        let aggregate = AggregateSyntax { function, name, head, filter, by, window };
        self.bounded(SyntaxKind::Aggregate(Box::new(aggregate)), span)
    }

    /// `min(a, b)`: what follows the first argument.
    fn rest_of_call(
        &mut self,
        start: SourceSpan,
        open: SourceSpan,
        function: Function,
        first: Syntax,
    ) -> Syntax {
        let mut arguments = vec![first];
        while self.take(Symbol::Comma) {
            arguments.push(self.operation(Power::Or));
        }
        self.brackets -= 1;
        let end = self.close(open, Symbol::Close);
        let span = SourceSpan { start: start.start, end };
        self.bounded(SyntaxKind::Call { function, arguments }, span)
    }

    /// The roles behind `by`.
    fn roles(&mut self) -> Vec<(String, SourceSpan)> {
        let mut roles = Vec::new();
        loop {
            match self.kind() {
                TokenKind::Name(name) if name != "over" => {
                    roles.push((name.clone(), self.span()));
                    self.at += 1;
                }
                _ => {
                    self.unexpected();
                }
            }
            if !self.take(Symbol::Comma) {
                return roles;
            }
        }
    }

    fn over(&mut self) -> Over {
        if !self.take_name("over") {
            return Over::Missing;
        }
        let length_span = self.span();
        let length = match self.kind().clone() {
            TokenKind::Duration(length) => LengthSyntax::Duration(length),
            TokenKind::Name(name) => match name.as_str() {
                "previous" | "calendar" | "last" => return self.later_window(&name),
                "lifetime" => LengthSyntax::Lifetime,
                _ => LengthSyntax::Parameter(name),
            },
            TokenKind::Number(_) => {
                let written = self.source.get(length_span.start..length_span.end);
                let written = written.unwrap_or_default();
                let help = format!("add a unit: {written}d, {written}h or {written}m");
                let title = "a window needs a length of time";
                self.report("E038", length_span, title, "a plain number", Some(&help));
                self.at += 1;
                // Its own problems come on top; the window is lost either way.
                let _ = self.ending();
                return Over::Reported;
            }
            _ => {
                self.unexpected();
                return Over::Reported;
            }
        };
        self.at += 1;
        let is_called = self.kind() == &TokenKind::Symbol(Symbol::Open);
        if is_called && matches!(length, LengthSyntax::Parameter(_)) {
            self.unexpected();
            return Over::Reported;
        }
        match self.ending() {
            Ok(ending_ago) => Over::Window(WindowSyntax { length, length_span, ending_ago }),
            Err(()) => Over::Reported,
        }
    }

    /// `ending 24h ago`, if it stands here; an error was reported.
    fn ending(&mut self) -> Result<Option<(crate::domain::Span, SourceSpan)>, ()> {
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

    /// `previous 90d`, `calendar month`, `last 5`: read, and refused.
    fn later_window(&mut self, word: &str) -> Over {
        let start = self.span();
        self.at += 1;
        if !matches!(self.kind(), TokenKind::End | TokenKind::Symbol(_)) {
            self.at += 1;
        }
        let span = SourceSpan { start: start.start, end: self.previous_end() };
        let help = match word {
            "previous" => "leave out the recent part with `over 90d ending 24h ago`",
            _ => "use a sliding window: `over 24h`, `over 30d`",
        };
        let title = format!("windows `over {word} ...` are not in this version yet");
        self.report("E106", span, title, "of a later version", Some(help));
        Over::Reported
    }

    /// `stddev(...) by ... over ...` and other functions to come: read, and refused.
    pub(super) fn later_function(&mut self, name: &str) -> Syntax {
        let start = self.span();
        self.at += 1;
        self.skip_brackets();
        self.skip_tail();
        let span = SourceSpan { start: start.start, end: self.previous_end() };
        let title = format!("the function `{name}` is not in this version yet");
        let is_fold = matches!(name, "stddev" | "median" | "percentile" | "first" | "last");
        let help = "this version folds with count, sum, avg, min_of, max_of and distinct";
        self.report("E106", start, title, "of a later version", is_fold.then_some(help));
        Syntax::new(SyntaxKind::Error, span)
    }

    /// Skips `by ...` and `over ...` behind a call that was reported.
    pub(super) fn skip_tail(&mut self) {
        if self.take_name("by") {
            while matches!(self.kind(), TokenKind::Name(name) if !matches!(name.as_str(), "over" | "and" | "or"))
            {
                self.at += 1;
                if !self.take(Symbol::Comma) {
                    break;
                }
            }
        }
        if self.take_name("over") {
            while self.takes_part_in_window() {
                self.at += 1;
            }
        }
    }

    fn takes_part_in_window(&self) -> bool {
        match self.kind() {
            TokenKind::Duration(_) | TokenKind::Number(_) => true,
            TokenKind::Name(name) => {
                !matches!(name.as_str(), "and" | "or" | "not" | "in" | "where" | "by")
            }
            _ => false,
        }
    }
}
