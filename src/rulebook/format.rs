//! Rule files in one layout: order of keys, indentation, and spaces inside expressions.
//!
//! In: the text of one rule file. Out: the same rule in the house's layout, or why it was left as it
//! is. Every comment stays beside what it stands at; numbers and texts keep every sign; lines are
//! neither joined nor broken inside an expression. Whatever the layout did, the result is read again
//! and compared (`compare`): a file whose meaning would change is not changed.

mod compare;
mod expression;
mod flow;
mod layout;
mod line;

pub use compare::checked_form;

use super::check::RULE_KEYS;
use super::check::effects::{ALERT_KEYS, REKYC_KEYS};
use super::check::metadata::{CHANGE_KEYS, REFERENCE_KEYS, VOLUME_KEYS};
use super::check::params::PARAM_KEYS;
use super::diagnostic::{Diagnostic, has_error};
use super::example_reader;
use super::source;
use layout::Layout;

/// Why a file was left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read: these are the problems.
    Unreadable(Vec<Diagnostic>),
    /// It would not have said the same afterwards; this is what would have differed.
    Altered(&'static str),
}

/// Columns that each level is indented by.
const STEP: usize = 2;

/// The rule file `text` in the house's layout.
///
/// # Errors
/// The file cannot be read, or would not say the same afterwards.
pub fn format(path: &str, text: &str) -> Result<String, Refused> {
    let (root, problems) = source::read(path, text);
    let Some(root) = root.filter(|_| !has_error(&problems)) else {
        return Err(Refused::Unreadable(problems));
    };
    let layout = Layout::new(path, text);
    let (lines, problems) = layout.file(&root)?;
    if has_error(&problems) {
        return Err(Refused::Unreadable(problems));
    }
    let formatted = line::joined(&lines);
    compare::must_say_the_same(path, (text, &root), &formatted)?;
    Ok(formatted)
}

/// Whether the value under these keys is an expression; items of a list add no key.
#[must_use]
pub fn is_expression(path: &[&str]) -> bool {
    matches!(
        path,
        ["where" | "when"]
            | ["let" | "unless", _]
            | ["alert", "score"]
            | ["rekyc", "when"]
            | ["trigger", "where"]
            | ["sequence", "steps", _]
    )
}

/// The order of the keys of the section under `path`; none for sections whose keys are names.
fn order(path: &[&str]) -> &'static [&'static str] {
    match path {
        [] => RULE_KEYS,
        ["alert"] => ALERT_KEYS,
        ["rekyc"] => REKYC_KEYS,
        ["tests"] => example_reader::KEYS,
        ["params", _] => PARAM_KEYS,
        ["references"] => REFERENCE_KEYS,
        ["changes"] => CHANGE_KEYS,
        ["expected_alerts"] => VOLUME_KEYS,
        _ => &[],
    }
}

/// The paragraph that a key of the file belongs to: an empty line stands between two of them.
fn paragraph(key: &str) -> usize {
    let rank = |key: &str| RULE_KEYS.iter().position(|known| *known == key);
    let (owner, trigger) = (rank("owner").unwrap_or_default(), rank("trigger").unwrap_or_default());
    match (key, rank(key)) {
        ("trigger" | "sequence" | "entity" | "where", _) => trigger,
        (_, Some(rank)) if rank < owner => 0,
        (_, Some(rank)) if rank < trigger => owner,
        (_, Some(rank)) => rank,
        (_, None) => RULE_KEYS.len(),
    }
}

#[cfg(test)]
mod tests;
