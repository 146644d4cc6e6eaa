//! Parts of a rule as people name them: what lists, pages and editors show.

use crate::domain::Span;

use super::typed::Rule;
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

/// The words of one kind of tag.
#[must_use]
pub fn tag<'a>(rule: &'a Rule, kind: &str) -> &'a [String] {
    rule.tags.get(kind).map_or(&[], Vec::as_slice)
}
