//! Parts of a rule as people name them: what lists, pages and editors show.

use crate::domain::Span;

use super::typed::{Aggregate, AggregateFunction, AggregateIndex, ExprKind, Rule, WindowSpan};
use super::waking::TimerKind;

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
