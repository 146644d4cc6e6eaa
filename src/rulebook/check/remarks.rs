//! Text that a ` #` cuts off, because YAML takes what follows for a remark.

use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::source::{Node, NodeKind};
use crate::rulebook::typed::SourceSpan;

use super::Checker;

/// Keys that hold prose, in which a number sign is likely.
const PROSE: &[&str] = &[
    "title",
    "about",
    "misses",
    "false_alarms",
    "indicators",
    "message",
    "reason",
    "name",
    "cite",
    "source",
    "why",
    "change",
];

impl Checker<'_> {
    /// Warns of prose that a `#7` behind a space cuts off.
    pub(super) fn warn_of_remarks(&mut self, root: &Node) {
        let mut cut = Vec::new();
        gather(self.source, root, false, &mut cut);
        for (span, rest) in cut {
            let title = format!("` #` cuts the text off before `{rest}`");
            let help = "put the text in quotes; a remark has a space behind `#`".to_owned();
            self.report("W280", span, title, "not part of the text", Some(help));
        }
    }
}

fn gather(source: &str, node: &Node, is_prose: bool, into: &mut Vec<(SourceSpan, String)>) {
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                gather(source, &entry.value, PROSE.contains(&entry.key.as_str()), into);
            }
        }
        NodeKind::Sequence(items) => {
            for item in items {
                gather(source, item, is_prose, into);
            }
        }
        NodeKind::Scalar { .. } if is_prose => {
            // Behind a remark that is meant for people stands a space: `# as agreed`.
            let remark = remark_behind(source, node);
            into.extend(remark.filter(|(_, rest)| !rest.starts_with("# ")));
        }
        NodeKind::Scalar { .. } => {}
    }
}

/// The remark on the line where a scalar without quotes ends.
fn remark_behind(source: &str, node: &Node) -> Option<(SourceSpan, String)> {
    let rest = source.get(node.span.end..)?.lines().next()?;
    let remark = rest.trim_start();
    if node.is_empty() || !remark.starts_with('#') || remark.len() == rest.len() {
        return None;
    }
    let start = node.span.end + (rest.len() - remark.len());
    let remark = remark.trim_end();
    Some((SourceSpan { start, end: start + remark.len() }, remark.to_owned()))
}

/// Says of text that seems not to be closed that a remark took its end away.
pub(super) fn blame(source: &str, node: &Node, problems: &mut [Diagnostic]) {
    let Some((span, _)) = remark_behind(source, node) else { return };
    let open =
        |problem: &&mut Diagnostic| problem.code == "E103" && problem.span.end == node.span.end;
    for problem in problems.iter_mut().filter(open) {
        problem.span.end = span.start + 1;
        "` #` cuts the text off".clone_into(&mut problem.title);
        "what follows is a remark to YAML".clone_into(&mut problem.label);
        let help = "put the whole condition in single quotes, or below its key after `|`";
        problem.help = Some(help.to_owned());
    }
}
