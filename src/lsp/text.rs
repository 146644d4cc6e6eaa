//! A document's text, and its places as editors count them: lines from 0, columns in UTF-16 units.

use lsp_types::{Position, Range};

use crate::rulebook::typed::SourceSpan;

/// A text with the offsets of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    text: String,
    /// Where each line starts.
    lines: Vec<usize>,
}

impl Text {
    /// Finds the lines of `text`.
    pub fn new(text: String) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A line without its break; empty beyond the end.
    pub fn line(&self, number: usize) -> &str {
        let start = self.lines.get(number).copied().unwrap_or(self.text.len());
        let end = self.lines.get(number + 1).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }

    /// The byte at a position; one beyond a line's or the text's end is that end.
    pub fn offset(&self, position: Position) -> usize {
        let number = position.line as usize;
        let Some(&start) = self.lines.get(number) else { return self.text.len() };
        let mut units = position.character as usize;
        let mut offset = start;
        for character in self.line(number).chars() {
            if units < character.len_utf16() {
                break;
            }
            units -= character.len_utf16();
            offset += character.len_utf8();
        }
        offset
    }

    /// The position of a byte; one inside a character is its start.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let number = self.lines.partition_point(|&start| start <= offset).saturating_sub(1);
        let start = self.lines.get(number).copied().unwrap_or(0);
        let units: usize =
            self.text.get(start..offset).unwrap_or_default().chars().map(char::len_utf16).sum();
        let number_of = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position { line: number_of(number), character: number_of(units) }
    }

    /// The range of a span.
    pub fn range(&self, span: SourceSpan) -> Range {
        Range { start: self.position(span.start), end: self.position(span.end.max(span.start)) }
    }

    /// The whole text as a range.
    pub fn full_range(&self) -> Range {
        self.range(SourceSpan { start: 0, end: self.text.len() })
    }

    /// The text with `range` replaced; without a range it is replaced whole.
    pub fn changed(&self, range: Option<Range>, with: &str) -> Self {
        let Some(range) = range else { return Self::new(with.to_owned()) };
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        let mut text = self.text.clone();
        text.replace_range(start.min(end)..end.max(start), with);
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_utf16_and_come_back() {
        let text = Text::new("name: 王小明\nmood: 🙂 ok\n".to_owned());
        for (line, character, rest) in
            [(0, 6, "王小明\n"), (0, 8, "明\n"), (1, 6, "🙂 ok\n"), (1, 8, " ok\n"), (2, 0, "")]
        {
            let position = Position { line, character };
            let offset = text.offset(position);
            assert!(text.as_str()[offset..].starts_with(rest), "{line}:{character}");
            assert_eq!(text.position(offset), position);
        }
        // The second half of a surrogate pair is the character's start; beyond the end is the end.
        assert_eq!(
            text.offset(Position { line: 1, character: 7 }),
            text.offset(Position { line: 1, character: 6 })
        );
        assert_eq!(text.offset(Position { line: 9, character: 9 }), text.as_str().len());
        assert_eq!(text.offset(Position { line: 0, character: 99 }), "name: 王小明".len());
    }

    #[test]
    fn a_change_replaces_what_stands_between_two_places() {
        let text = Text::new("a: 王\nb: 2\n".to_owned());
        let range = Range {
            start: Position { line: 0, character: 3 },
            end: Position { line: 1, character: 0 },
        };
        assert_eq!(text.changed(Some(range), "x\ny\n").as_str(), "a: x\ny\nb: 2\n");
        assert_eq!(text.changed(None, "new").as_str(), "new");
    }
}
