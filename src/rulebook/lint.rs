//! Warnings about rules that are right but hardly meant, one checked rule at a time.
//!
//! In: a checked rule. Out: diagnostics. Nothing here keeps a rulebook from being loaded.

use super::diagnostic::Diagnostic;
use super::typed::Rule;

/// What `weir check --strict` asks of a rule beyond that: the documentation that an examiner expects.
#[must_use]
pub fn metadata(_rule: &Rule) -> Vec<Diagnostic> {
    Vec::new()
}
