//! Parts of a rule as people name them: what lists, pages and editors show.

use crate::domain::{Instant, Span};

use super::render;
use super::typed::{
    Aggregate, AggregateFunction, AggregateIndex, Expr, ExprKind, Format, Literal, Param,
    ParamValue, Rule, SourceSpan, Template, TemplatePart, WindowSpan,
};
use super::waking::{Effective, TimerKind};

/// The folder that the rule lies in; empty for a file that was named alone.
#[must_use]
pub fn pack(rule: &Rule) -> &str {
    rule.path.rsplit_once('/').map_or("", |(pack, _)| pack)
}

/// What wakes the rule.
#[must_use]
pub fn trigger(rule: &Rule) -> String {
    let Some(timer) = &rule.timer else { return rule.trigger.word() };
    match &timer.kind {
        TimerKind::Absent { event, after, length } => {
            let after = after.as_ref().map(|it| format!(" after {}", it.event.word()));
            format!("no {} for {length}{}", event.event.word(), after.unwrap_or_default())
        }
        TimerKind::Due { fact, after } => {
            let path = &rule.catalogue.field(*fact).path;
            if *after == Span::ZERO { path.clone() } else { format!("{after} after {path}") }
        }
    }
}

/// The words of one kind of tag; the rule's owner counts as one too.
#[must_use]
pub fn tag<'a>(rule: &'a Rule, kind: &str) -> Vec<&'a str> {
    let words = rule.tags.get(kind).map_or(&[][..], Vec::as_slice);
    let owner = rule.metadata.owner.as_deref().filter(|_| kind == OWNER);
    let owner = owner.filter(|owner| !words.iter().any(|word| word == owner));
    words.iter().map(String::as_str).chain(owner).collect()
}

/// The kind of tag under which a rule's owner is found.
pub const OWNER: &str = "owner";

/// The window of an aggregate, as it is written: `over previous 90d`, `over 7d ending 24h ago`.
#[must_use]
pub fn window(aggregate: &Aggregate) -> String {
    if aggregate.function == AggregateFunction::Since {
        return "since the latest".to_owned();
    }
    let window = aggregate.window;
    let span = match window.span {
        WindowSpan::Lifetime => "lifetime".to_owned(),
        WindowSpan::Length(length) => length.to_string(),
        WindowSpan::Calendar(period) => format!("calendar {}", period.word()),
        WindowSpan::Last(count) => format!("last {count}"),
    };
    let previous = if window.is_previous { "previous " } else { "" };
    let ending = match window.ending_ago {
        Span::ZERO => String::new(),
        ago => format!(" ending {ago} ago"),
    };
    format!("over {previous}{span}{ending}")
}

/// The name of the `let` that holds just this aggregate.
#[must_use]
pub fn name_of_aggregate(rule: &Rule, aggregate: AggregateIndex) -> Option<&str> {
    let holds = |kind: &ExprKind| matches!(kind, ExprKind::Aggregate(it) if *it == aggregate);
    rule.lets.iter().find(|item| holds(&item.expr.kind)).map(|item| item.name.as_str())
}

/// The line of the rule's file on which `span` begins.
#[must_use]
pub fn line(rule: &Rule, span: SourceSpan) -> usize {
    render::position(&rule.source, span.start).line
}

/// What is written at `span`, on one line, without remarks.
#[must_use]
pub fn written(rule: &Rule, span: SourceSpan) -> String {
    let lines = rule.text(span).lines().map(without_remark);
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The text of a line of an expression up to the `#` that begins a remark outside of quotes.
fn without_remark(line: &str) -> &str {
    let mut is_text = false;
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => is_text = !is_text,
            '#' if !is_text => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

/// An expression as written, on one line.
#[must_use]
pub fn expression(rule: &Rule, expr: &Expr) -> String {
    written(rule, expr.span)
}

/// A constant, as analysts write it.
#[must_use]
pub fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Number(number) => number.normalize().to_string(),
        Literal::Text(text) => text.clone(),
        Literal::Duration(span) => span.to_string(),
        Literal::Bool(value) => value.to_string(),
    }
}

/// The fields that choose the row of a parameter that is a table.
#[must_use]
pub fn chosen_by(rule: &Rule, param: &Param) -> Option<String> {
    let ParamValue::Table(table) = &param.value else { return None };
    let paths = table.by.iter().map(|slot| rule.catalogue.field(*slot).path.as_str());
    Some(paths.collect::<Vec<_>>().join(", "))
}

/// The values of a parameter with the case that each is for: one without a case, or the rows of a table in
/// the order in which they are tried, and what holds when none fits.
#[must_use]
pub fn values(param: &Param) -> Vec<(String, String)> {
    let table = match &param.value {
        ParamValue::Constant(value) => return vec![(String::new(), literal(value))],
        ParamValue::Table(table) => table,
    };
    let rows = table.rows.iter().map(|(words, value)| {
        let words: Vec<&str> = words.iter().map(|it| it.as_deref().unwrap_or("*")).collect();
        (words.join("/"), literal(value))
    });
    let default = table.default.iter().map(|value| ("otherwise".to_owned(), literal(value)));
    rows.chain(default).collect()
}

/// A text with places for values, as written.
#[must_use]
pub fn template(rule: &Rule, template: &Template) -> String {
    let part = |part: &TemplatePart| match part {
        TemplatePart::Text(text) => text.clone(),
        TemplatePart::Value(expr, format) => {
            let format = match format {
                Format::Plain => "",
                Format::Money => ":money",
                Format::Percent => ":percent",
                Format::Date => ":date",
                Format::Hours => ":hours",
                Format::Days => ":days",
            };
            format!("{{{}{format}}}", expression(rule, expr))
        }
    };
    template.parts.iter().map(part).collect()
}

/// When the rule judges.
#[must_use]
pub fn effective(effective: Option<Effective>) -> String {
    let day = |at: Instant| at.to_string().split('T').next().unwrap_or("").to_owned();
    let Some(Effective { from, to }) = effective else { return "always".to_owned() };
    match (from.map(day), to.map(day)) {
        (Some(from), Some(to)) => format!("from {from} until the day before {to}"),
        (Some(from), None) => format!("from {from}"),
        (None, Some(to)) => format!("until the day before {to}"),
        (None, None) => "always".to_owned(),
    }
}
