//! Whether two texts of a rule file say the same: the layout's own check of itself.

use std::sync::Arc;

use crate::rulebook::source::{self, Node, NodeKind};
use crate::rulebook::typed::Rule;

use super::{Refused, expression, is_expression, order};

/// The formatted text against the one it was made of.
pub(super) fn must_say_the_same(
    path: &str,
    (text, root): (&str, &Node),
    formatted: &str,
) -> Result<(), Refused> {
    let (new_root, problems) = source::read(path, formatted);
    let Some(new_root) = new_root.filter(|_| problems.is_empty()) else {
        return Err(Refused::Altered("it could not be read any more"));
    };
    let compare = Compare { path, old: text, new: formatted };
    if !compare.is_same(root, &new_root, &mut Vec::new()) {
        return Err(Refused::Altered("a value or a condition would have changed"));
    }
    let remarks = |text, root: &Node| {
        let mut found: Vec<String> = source::comments(text)
            .iter()
            .filter_map(|span| text.get(span.start..span.end))
            .map(|comment| comment.trim_end().to_owned())
            .collect();
        remarks(path, text, root, &mut Vec::new(), &mut found);
        found.sort();
        found
    };
    if remarks(text, root) != remarks(formatted, &new_root) {
        return Err(Refused::Altered("a comment would have been lost"));
    }
    Ok(())
}

/// All that was read of a rule, tests included, as text: everything but places and the rule's own text.
#[must_use]
pub fn checked_form(rule: &Rule) -> String {
    let rule = Rule {
        catalogue: Arc::default(),
        source: "".into(),
        digest: String::new(),
        ..rule.clone()
    };
    let written = format!("{rule:?}");
    let mut parts = written.split("SourceSpan {");
    let mut form = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        form.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    form
}

struct Compare<'a> {
    path: &'a str,
    old: &'a str,
    new: &'a str,
}

impl Compare<'_> {
    fn is_same<'n>(&self, old: &'n Node, new: &'n Node, path: &mut Vec<&'n str>) -> bool {
        match (&old.kind, &new.kind) {
            (NodeKind::Mapping(left), NodeKind::Mapping(right)) => {
                let is_sorted = !order(path).is_empty();
                left.len() == right.len()
                    && left.iter().enumerate().all(|(index, entry)| {
                        let other =
                            if is_sorted { new.entry(&entry.key) } else { right.get(index) };
                        let Some(other) = other.filter(|other| other.key == entry.key) else {
                            return false;
                        };
                        path.push(&entry.key);
                        let is_same = self.is_same(&entry.value, &other.value, path);
                        path.pop();
                        is_same
                    })
            }
            (NodeKind::Sequence(left), NodeKind::Sequence(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| self.is_same(left, right, path))
            }
            (
                NodeKind::Scalar { text: left, is_raw: left_raw },
                NodeKind::Scalar { text: right, is_raw: right_raw },
            ) => {
                if left_raw != right_raw || old.is_quoted(self.old) != new.is_quoted(self.new) {
                    return false;
                }
                if is_expression(path) && *left_raw && !left.is_empty() {
                    return expression::words(self.path, self.old, old.span)
                        == expression::words(self.path, self.new, new.span);
                }
                left == right
            }
            _ => false,
        }
    }
}

/// Comments inside expressions, which are none of the file's.
fn remarks<'n>(
    path: &str,
    source: &str,
    node: &'n Node,
    keys: &mut Vec<&'n str>,
    into: &mut Vec<String>,
) {
    for item in node.items().unwrap_or_default() {
        remarks(path, source, item, keys, into);
    }
    for entry in node.entries().unwrap_or_default() {
        keys.push(&entry.key);
        remarks(path, source, &entry.value, keys, into);
        keys.pop();
    }
    if node.scalar().is_some() && is_expression(keys) {
        into.extend(expression::remarks(path, source, node.span));
    }
}
