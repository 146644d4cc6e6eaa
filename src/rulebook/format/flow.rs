//! Collections in brackets: `{ a: 1, b: 2 }` and `[a, b]`, on the lines they were written on.

use crate::rulebook::source::{Node, NodeKind};

use super::layout::Layout;
use super::line::Line;
use super::{Refused, STEP};

/// The lines of a collection in brackets, the first without indentation.
pub(super) fn lines(
    layout: &mut Layout<'_>,
    node: &Node,
    path: &[&str],
) -> Result<Vec<Line>, Refused> {
    let start = node.span.start;
    let mut writer = Writer { layout, lines: vec![Line::default()], at: start, open: 0 };
    writer.node(node, path)?;
    Ok(writer.lines)
}

struct Writer<'l, 'a> {
    layout: &'l mut Layout<'a>,
    lines: Vec<Line>,
    /// What is written so far ends here in the file.
    at: usize,
    open: usize,
}

impl Writer<'_, '_> {
    fn push(&mut self, text: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.text.push_str(text);
        }
    }

    /// Takes over comments and the line break up to `end`; without one, `space` separates.
    fn gap(&mut self, end: usize, space: &str) {
        let (start, comments) = (self.at, self.layout.comments(self.at, end));
        let mut at = start;
        let mut is_broken = false;
        for comment in comments {
            let remark = self.layout.remark(comment);
            is_broken |= self.layout.text(at, comment.start).contains('\n');
            if is_broken {
                self.lines.push(Line::remark(STEP * (self.open.max(1) - 1), &remark.text));
            } else if let Some(line) = self.lines.last_mut() {
                line.comment = Some(remark);
            }
            is_broken = true;
            at = comment.end;
        }
        is_broken |= self.layout.text(at, end).contains('\n');
        if is_broken {
            self.lines.push(Line::new(STEP * (self.open.max(1) - 1), ""));
        } else {
            self.push(space);
        }
        self.at = end;
    }

    fn node(&mut self, node: &Node, path: &[&str]) -> Result<(), Refused> {
        let (open, close, parts) = match &node.kind {
            NodeKind::Scalar { .. } => {
                self.scalar(node, path);
                return Ok(());
            }
            NodeKind::Sequence(items) => ("[", "]", items.len()),
            NodeKind::Mapping(entries) => ("{", "}", entries.len()),
        };
        let (start, end) = (node.span.start, node.span.end);
        let is_bracketed = self.layout.text(start, start + 1) == open
            && end > start
            && self.layout.text(end - 1, end) == close;
        if !is_bracketed {
            return Err(Refused::Altered("a collection is written in an unusual form"));
        }
        self.push(open);
        self.open += 1;
        self.at = start + 1;
        let padding = if open == "{" && parts > 0 { " " } else { "" };
        match &node.kind {
            NodeKind::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    let start = self.start(item);
                    self.gap(start, if index == 0 { padding } else { " " });
                    self.node(item, path)?;
                    self.push(if index + 1 < parts { "," } else { "" });
                }
            }
            NodeKind::Mapping(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    let key = self.layout.whole(entry.key_span);
                    self.gap(key.start, if index == 0 { padding } else { " " });
                    let written = self.layout.text(key.start, key.end);
                    self.push(&format!("{written}:"));
                    self.at = key.end;
                    self.value(entry, &[path, &[entry.key.as_str()]].concat())?;
                    self.push(if index + 1 < parts { "," } else { "" });
                }
            }
            NodeKind::Scalar { .. } => {}
        }
        self.open -= 1;
        self.gap(end - 1, padding);
        self.push(close);
        self.at = end;
        Ok(())
    }

    fn value(
        &mut self,
        entry: &crate::rulebook::source::Entry,
        path: &[&str],
    ) -> Result<(), Refused> {
        if entry.value.span != entry.key_span {
            let start = self.start(&entry.value);
            self.gap(start, " ");
            return self.node(&entry.value, path);
        }
        let rest = self.layout.text(self.at, self.layout.source.len());
        let colon = self.at + (rest.len() - rest.trim_start().len()) + 1;
        if let Some(quotes) = self.layout.empty_quotes(colon) {
            self.gap(quotes.start, " ");
            self.push(self.layout.text(quotes.start, quotes.end));
            self.at = quotes.end;
        }
        Ok(())
    }

    fn start(&self, node: &Node) -> usize {
        if node.scalar().is_some() { self.layout.whole(node.span).start } else { node.span.start }
    }

    fn scalar(&mut self, node: &Node, path: &[&str]) {
        let end = self.layout.whole(node.span).end;
        for (index, mut line) in self.layout.scalar(node, path).into_iter().enumerate() {
            if index == 0 {
                self.push(&line.text);
            } else {
                line.indent += STEP * self.open;
                self.lines.push(line);
            }
        }
        self.at = end;
    }
}
