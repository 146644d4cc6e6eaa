//! Lines to be written: their indentation, what they hold, and the comment at their end.

/// One line of the result.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    /// Columns before its text.
    pub(super) indent: usize,
    /// What it holds; empty for an empty line or one with a comment alone.
    pub(super) text: String,
    /// The comment at its end.
    pub(super) comment: Option<Remark>,
}

/// A comment, `#` included.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Remark {
    /// The column where it stood, from 0.
    pub(super) column: usize,
    /// Its text.
    pub(super) text: String,
}

impl Line {
    pub(super) fn new(indent: usize, text: impl Into<String>) -> Self {
        Self { indent, text: text.into(), comment: None }
    }

    /// A comment on a line of its own.
    pub(super) fn remark(indent: usize, text: &str) -> Self {
        let comment = Some(Remark { column: indent, text: text.to_owned() });
        Self { indent, text: String::new(), comment }
    }

    pub(super) const fn is_code(&self) -> bool {
        !self.text.is_empty()
    }

    pub(super) const fn is_blank(&self) -> bool {
        self.text.is_empty() && self.comment.is_none()
    }
}

impl Remark {
    /// The comment that starts at byte `start`.
    pub(super) fn at(source: &str, start: usize, text: &str) -> Self {
        let before = source.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        Self { column, text: text.to_owned() }
    }
}

/// The text of all lines. A comment at the end of a line stays in its column if there is room, so that
/// comments which were lined up stay lined up.
pub(super) fn joined(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        if !line.is_blank() {
            text.extend(std::iter::repeat_n(' ', line.indent));
            text.push_str(&line.text);
        }
        if let Some(remark) = &line.comment {
            if line.is_code() {
                let width = line.indent + line.text.chars().count();
                let gap = remark.column.saturating_sub(width).max(2);
                text.extend(std::iter::repeat_n(' ', gap));
            }
            text.push_str(&remark.text);
        }
        text.push('\n');
    }
    text
}
