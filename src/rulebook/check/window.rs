//! How far windows reach.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::Span;
use crate::rulebook::diagnostic::{closest, did_you_mean};
use crate::rulebook::elsewhere;
use crate::rulebook::institution::WINDOW_MAX;
use crate::rulebook::syntax::{AggregateSyntax, LengthSyntax, WindowSyntax};
use crate::rulebook::typed::{
    AggregateFunction, ExprKind, Literal, ParamValue, Percent, Period, SourceSpan, Window,
    WindowSpan,
};

use super::names::Meaning;
use super::{Checker, Place};

/// Most events of a window `over last ...`.
pub const LAST_MAX: u32 = 1_000;

/// Something was reported.
pub(super) struct Reported;

impl Checker<'_> {
    /// The window of an aggregate; `since` looks for the one latest event but the current one.
    pub(super) fn window(&mut self, written: &AggregateSyntax) -> Option<Window> {
        let Some(written) = &written.window else {
            let is_previous = written.function == AggregateFunction::Since;
            return Some(Window { span: WindowSpan::Last(1), is_previous, ..Window::default() });
        };
        let span = match &written.length {
            LengthSyntax::Lifetime => WindowSpan::Lifetime,
            LengthSyntax::Duration(length) => WindowSpan::Length(*length),
            LengthSyntax::Parameter(name) => {
                WindowSpan::Length(self.window_param(name, written.length_span)?)
            }
            LengthSyntax::Calendar(word) => self.period(word, written)?,
            LengthSyntax::Last(count) => {
                let count =
                    count.to_u32().filter(|whole| rust_decimal::Decimal::from(*whole) == *count);
                let Some(count) = count.filter(|count| (1..=LAST_MAX).contains(count)) else {
                    let title =
                        format!("`last` takes a whole number of events, at most {LAST_MAX}");
                    let help = Some("for more events use a length of time: `over 30d`".to_owned());
                    self.report("E071", written.length_span, title, "not that many", help);
                    return None;
                };
                WindowSpan::Last(count)
            }
        };
        let ending_ago = written.ending_ago.map_or(Span::ZERO, |(ago, _)| ago);
        if let WindowSpan::Length(length) = span {
            self.must_be_window_length(length, ending_ago, written.length_span)?;
            self.warn_of_minutes(written.length_span);
        }
        Some(Window { span, ending_ago, is_previous: written.is_previous })
    }

    fn must_be_window_length(
        &mut self,
        length: Span,
        ending_ago: Span,
        span: SourceSpan,
    ) -> Option<()> {
        if length <= Span::ZERO {
            let help = Some("write how long it is: `over 24h`, `over 7d`".to_owned());
            self.report("E038", span, "the window has no length", "empty", help);
            return None;
        }
        let help = "for the whole history write `over lifetime`";
        self.must_be_within_limit(
            "a window",
            Span(length.0.saturating_add(ending_ago.0)),
            span,
            help,
        )
    }

    /// Nothing may look back further than the institution allows.
    pub(super) fn must_be_within_limit(
        &mut self,
        what: &str,
        length: Span,
        span: SourceSpan,
        help: &str,
    ) -> Option<()> {
        let most = self.institution.window_max;
        if length <= most {
            return Some(());
        }
        let set_by = if most < WINDOW_MAX { ", as `window_max` in schema.yaml says" } else { "" };
        let title = format!("{what} reaches back at most {most}{set_by}");
        self.report("E070", span, title, "too long", Some(help.to_owned()));
        None
    }

    fn period(&mut self, word: &str, written: &WindowSyntax) -> Option<WindowSpan> {
        let period = Period::ALL.iter().copied().find(|period| period.word() == word);
        if period.is_none() {
            let words: Vec<&str> = Period::ALL.iter().map(|period| period.word()).collect();
            let help = did_you_mean(word, &words)
                .or_else(|| Some("periods are `day`, `week` and `month`".to_owned()));
            let title = format!("unknown period `{word}`");
            self.report("E072", written.length_span, title, "not a period", help);
        }
        period.map(WindowSpan::Calendar)
    }

    /// The share that `percentile` asks for; the same for everybody.
    pub(super) fn percent(
        &mut self,
        written: &AggregateSyntax,
        span: SourceSpan,
    ) -> Result<Option<Percent>, Reported> {
        if written.function != AggregateFunction::Percentile {
            return Ok(None);
        }
        let help = || Some("write which one: `percentile(tx.amount, 95)`".to_owned());
        let Some(share) = &written.percent else {
            self.report("E073", span, "`percentile` needs a share", "which percentile?", help());
            return Err(Reported);
        };
        let expr = self.expression(share, Place::default()).ok_or(Reported)?;
        let number = match &expr.kind {
            ExprKind::Literal(literal) => Some(literal),
            ExprKind::Param(index) => match self.params.get(*index).map(|param| &param.value) {
                Some(ParamValue::Constant(literal)) => Some(literal),
                _ => None,
            },
            _ => None,
        };
        let percent = match number {
            Some(Literal::Number(number)) => Percent::new(*number),
            _ => None,
        };
        if let Some(Literal::Number(number)) = number
            && percent.is_some()
            && *number <= Decimal::ONE
        {
            let title = format!("the {number}th percentile is close to the smallest value");
            let percent = number.saturating_mul(Decimal::ONE_HUNDRED).normalize();
            let help = format!("shares are percent: `percentile(tx.amount, {percent})`");
            self.report("W273", expr.span, title, "of 100, not of 1", Some(help));
        }
        if percent.is_none() {
            let title = "a percentile is a number above 0, at most 100, the same for everybody";
            self.report("E073", expr.span, title, "not such a number", help());
        }
        percent.map(Some).ok_or(Reported)
    }

    /// The length that a parameter gives; it must be the same for everybody.
    fn window_param(&mut self, name: &str, span: SourceSpan) -> Option<Span> {
        let Some(named) = self.names.get_mut(name) else {
            let params = self.params.iter().map(|param| param.name.as_str());
            let help = closest(name, params)
                .map(|name| format!("did you mean `{name}`?"))
                .or_else(|| {
                    elsewhere::period(name).map(|period| format!("write `over calendar {period}`"))
                })
                .or_else(|| Some("write a duration, a parameter's name or `lifetime`".to_owned()));
            let title = format!("unknown parameter `{name}`");
            self.report("E021", span, title, "no such parameter", help);
            return None;
        };
        named.is_used = true;
        let value = match named.meaning {
            Meaning::Broken => return None,
            Meaning::Let(_) => None,
            Meaning::Param(index) => self.params.get(index).map(|param| &param.value),
        };
        match value {
            Some(ParamValue::Constant(Literal::Duration(length))) => Some(*length),
            Some(ParamValue::Table(_)) => {
                let title = "a window must not depend on who is looked at";
                let help = "use one length, and put what differs into `when`".to_owned();
                self.report("E028", span, title, "a table of lengths", Some(help));
                None
            }
            _ => {
                let title = format!("`{name}` is not a length of time");
                let help = Some("a window needs a duration or a parameter like `24h`".to_owned());
                self.report("E038", span, title, "not a duration", help);
                None
            }
        }
    }
}
