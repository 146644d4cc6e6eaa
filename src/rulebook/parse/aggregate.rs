//! Folds over windows: `sum(tx.amount where tx.direction == "in") by account over 24h`.
//!
//! Also the forms that a later version will have: they are read to their end and reported as such,
//! so that nothing else about them is said.

use crate::rulebook::elsewhere;
use crate::rulebook::lexer::{Symbol, TokenKind};
use crate::rulebook::syntax::{
    AggregateSyntax, BucketsSyntax, Function, Repeat, Syntax, SyntaxKind,
};
use crate::rulebook::typed::{AggregateFunction, SourceSpan};

use super::window::Over;
use super::{Parser, Power};

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
        if let Some(mistaken) = self.mistaken_fold(name, start) {
            self.brackets -= 1;
            return mistaken;
        }
        let head = self.operation(Power::Or);
        let filter = self.take_name("where").then(|| self.operation(Power::Or));
        let call = Function::parse(name).filter(|_| filter.is_none());
        if let Some(call) = call
            && self.kind() == &TokenKind::Symbol(Symbol::Comma)
        {
            return self.rest_of_call(start, open, call, head);
        }
        let needs_share = function == AggregateFunction::Percentile;
        let percent = (needs_share && self.take(Symbol::Comma)).then(|| self.operation(Power::Or));
        self.brackets -= 1;
        self.close(open, Symbol::Close);
        let head_end = self.previous_end();
        self.must_not_close_twice();
        let is_bucket =
            !matches!(self.kind_at(1), TokenKind::Name(name) if !elsewhere::is_unit(name));
        if is_bucket && self.take_name("per") {
            return self.buckets(start, name, (function, head, filter));
        }
        self.mistaken_tail();
        if let Some(function) = call
            && !self.is_name_at(0, "by")
        {
            let span = SourceSpan { start: start.start, end: head_end };
            return self.bounded(SyntaxKind::Call { function, arguments: vec![head] }, span);
        }
        let by = self.take_name("by").then(|| self.roles());
        self.mistaken_tail();
        let over_start = self.span();
        let over = self.over();
        let span = SourceSpan { start: start.start, end: self.previous_end() };
        let error = Syntax::new(SyntaxKind::Error, span);
        let Some(by) = by else {
            let title = format!("`{name}(...)` does not say by what it is kept");
            let help = Some("add `by customer`, `by account` or another role behind the bracket");
            self.report("E112", span, title, "per whom or what?", help);
            return error;
        };
        let window = match (over, function) {
            (Over::Reported, _) => return error,
            (Over::Missing, AggregateFunction::Since) => None,
            (Over::Window(_), AggregateFunction::Since) => {
                let place = SourceSpan { start: over_start.start, end: span.end };
                let title = "`since` has no window";
                let help = "delete it; compare the time that has passed: `since(...) by ... > 30d`";
                self.report("E077", place, title, "it looks back to the latest event", Some(help));
                return error;
            }
            (Over::Window(window), _) => Some(window),
            (Over::Missing, _) => {
                let title = format!("`{name}(...) by ...` has no window");
                let help = match &head.kind {
                    SyntaxKind::Buckets(_) => "add `over previous 90d`",
                    _ => "add `over 24h`, `over 7d` or `over lifetime`",
                };
                let help = Some(help);
                self.report("E111", span, title, "over how long?", help);
                return error;
            }
        };
        let name = name.to_owned();
        let aggregate = AggregateSyntax { function, name, head, filter, percent, by, window };
        self.bounded(SyntaxKind::Aggregate(Box::new(aggregate)), span)
    }

    /// `per 1d`, `per 1h at this hour`: what follows it behind the fold of a bucket.
    fn buckets(
        &mut self,
        start: SourceSpan,
        name: &str,
        (function, head, filter): (AggregateFunction, Syntax, Option<Syntax>),
    ) -> Syntax {
        let length_span = self.span();
        let TokenKind::Duration(length) = *self.kind() else {
            let help = Some("write `per 1h`, `per 1d` or `per 7d`");
            self.report("E074", length_span, "`per` needs a length of time", "not one", help);
            self.at +=
                usize::from(matches!(self.kind(), TokenKind::Name(_) | TokenKind::Number(_)));
            let span = SourceSpan { start: start.start, end: self.previous_end() };
            return Syntax::new(SyntaxKind::Error, span);
        };
        self.at += 1;
        let repeat_start = self.span();
        let repeat =
            [(["at", "this", "hour"], Repeat::Hour), (["on", "this", "weekday"], Repeat::Weekday)];
        let repeat = repeat.into_iter().find(|(words, _)| {
            words.iter().enumerate().all(|(ahead, word)| self.is_name_at(ahead, word))
        });
        let repeat = repeat.map(|(words, repeat)| {
            self.at += words.len();
            (repeat, SourceSpan { start: repeat_start.start, end: self.previous_end() })
        });
        let length = (length, length_span);
        let span = SourceSpan { start: start.start, end: self.previous_end() };
        let name = name.to_owned();
        let buckets = BucketsSyntax { function, name, head, filter, length, repeat };
        self.bounded(SyntaxKind::Buckets(Box::new(buckets)), span)
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
    pub(super) fn roles(&mut self) -> Vec<(String, SourceSpan)> {
        let mut roles = Vec::new();
        let is_bracketed = self.mistaken_roles();
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
            if !self.take(Symbol::Comma) && !self.roles_joined_by_and() {
                if is_bracketed {
                    self.take(Symbol::Close);
                }
                return roles;
            }
        }
    }

    /// `by customer and account`: says that roles are joined by commas, and reads on.
    fn roles_joined_by_and(&mut self) -> bool {
        let is_role = matches!(self.kind_at(1), TokenKind::Name(name) if !name.contains('.'));
        if !(self.is_name_at(0, "and") && is_role && self.is_name_at(2, "over")) {
            return false;
        }
        let help = Some("write `by customer, account`");
        self.report("E101", self.span(), "unexpected `and`", "roles are joined by commas", help);
        self.at += 1;
        true
    }

    /// `count(...)) by customer`: a bracket too many.
    fn must_not_close_twice(&mut self) {
        let goes_on = self.is_name_at(1, "by") || self.is_name_at(1, "over");
        if self.brackets == 0 && goes_on && self.kind() == &TokenKind::Symbol(Symbol::Close) {
            let help = Some("delete it");
            self.report("E101", self.span(), "`)` closes nothing", "no `(` before it", help);
            self.at += 1;
        }
    }

    /// `matches(...)` and other functions to come: read, and refused.
    pub(super) fn later_function(&mut self, name: &str) -> Syntax {
        let start = self.span();
        self.at += 1;
        self.skip_brackets();
        self.skip_tail();
        let span = SourceSpan { start: start.start, end: self.previous_end() };
        let title = format!("the function `{name}` is not in this version yet");
        self.report("E106", start, title, "of a later version", None);
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
