//! Parts of a rule as people name them: what lists, pages and editors show.

use super::typed::Rule;

/// The folder that the rule lies in; empty for a file that was named alone.
#[must_use]
pub fn pack(rule: &Rule) -> &str {
    rule.path.rsplit_once('/').map_or("", |(pack, _)| pack)
}

/// What wakes the rule.
#[must_use]
pub fn trigger(rule: &Rule) -> String {
    rule.trigger.word()
}

/// The words of one kind of tag.
#[must_use]
pub fn tag<'a>(rule: &'a Rule, kind: &str) -> &'a [String] {
    rule.tags.get(kind).map_or(&[], Vec::as_slice)
}
