//! From the `tests:` section of a rule file to its examples.

use std::collections::BTreeMap;

use super::catalogue::{EventName, Role, Type};
use super::diagnostic::Diagnostic;
use super::example::Example;
use super::source::Node;
use super::typed::List;

/// What the examples of a rule may speak of.
pub struct RuleNames<'a> {
    /// The event that wakes the rule; `None` when it was not understood.
    pub trigger: Option<EventName>,
    /// Whom its alerts are about; `None` when it was not understood.
    pub entity: Option<Role>,
    /// Its named values with their types.
    pub lets: &'a [(String, Type)],
    /// The list files.
    pub lists: &'a BTreeMap<String, List>,
}

/// Reads the examples under `node`.
pub fn read(
    _node: &Node,
    _rule: &RuleNames<'_>,
    _problems: &mut Vec<Diagnostic>,
    _path: &str,
) -> Vec<Example> {
    Vec::new()
}
