//! How a list file is cut into rows and cells: quotes that do not fit, cells too many, other separators.
//!
//! In: the text of a list. Out: the diagnostics, and how far its rows can be trusted: behind a quote that
//! nobody closed everything is one cell, so that rows would be lost without a word.

use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::typed::SourceSpan;

/// What the quotes of a file say.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    pub(super) problems: Vec<Diagnostic>,
    /// The rows start before this place only; `None` when all of them can be read.
    pub(super) readable_to: Option<usize>,
}

/// A quoted cell: where its row and its opening quote are, and where it goes on behind the closing one.
struct Quoted {
    row: usize,
    open: usize,
    behind: Option<usize>,
}

/// Follows the quotes of a list as the reader of its rows does.
#[must_use]
pub(super) fn quotes(path: &str, text: &str) -> Quotes {
    let mut found = Quotes::default();
    for cell in quoted_cells(text) {
        let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let rest_of_line = |at: usize| {
            text.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim_end()
        };
        let opening = SourceSpan { start: cell.open, end: cell.open + 1 };
        let mut report = |code, span, title: String, label: &str, help: &str| {
            found.problems.push(Diagnostic::new(code, path, span, title, label).with_help(help));
        };
        let Some(behind) = cell.behind else {
            let title = format!("a quote opened in line {} is never closed", line(cell.open));
            let help = "close it, or write it twice inside a quoted text: all lines below are part of this cell";
            report("E098", opening, title, "opened here", help);
            found.readable_to = Some(cell.row);
            break;
        };
        let is_one_line = line(cell.open) == line(behind);
        let tail = rest_of_line(behind);
        if !tail.trim_start().is_empty() && !tail.trim_start().starts_with(',') {
            let title =
                format!("a quote opened in line {} is closed within a text", line(cell.open));
            let help = "close it before the comma; a quote inside a quoted text is written twice";
            let span = SourceSpan { start: behind - 1, end: behind };
            report("E098", span, title, "closed here, and text follows", help);
            if !is_one_line {
                found.readable_to = Some(cell.row);
                break;
            }
        } else if !is_one_line {
            let title = format!("a cell from line {} to line {}", line(cell.open), line(behind));
            let help = "if that is not meant, a quote is missing or one too many; if it is, write it on one line";
            report("W270", opening, title, "lines below are part of this cell", help);
        }
    }
    found
}

/// The cells that begin with a quote, as CSV means it: directly behind a comma or at the start of a row.
fn quoted_cells(text: &str) -> Vec<Quoted> {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied();
    let to_line_end = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| from + end)
    };
    let mut cells = Vec::new();
    let (mut row, mut index, mut is_cell_start) = (0, 0, true);
    while let Some(byte) = at(index) {
        if index == row && byte == b'#' {
            index = to_line_end(index);
            continue;
        }
        if byte == b'"' && is_cell_start {
            let behind = closing(bytes, index + 1);
            cells.push(Quoted { row, open: index, behind });
            let Some(behind) = behind else { break };
            (index, is_cell_start) = (behind, false);
            continue;
        }
        index += 1;
        is_cell_start = matches!(byte, b',' | b'\n');
        if byte == b'\n' {
            row = index;
        }
    }
    cells
}

/// The place behind the quote that closes a cell; two in a row are one inside it.
fn closing(bytes: &[u8], from: usize) -> Option<usize> {
    let mut index = from;
    while let Some(byte) = bytes.get(index) {
        index += 1;
        if *byte == b'"' {
            if bytes.get(index) != Some(&b'"') {
                return Some(index);
            }
            index += 1;
        }
    }
    None
}

/// What stands between the cells of a header in place of commas, in words.
#[must_use]
pub(super) fn other_separator(header: &str) -> Option<&'static str> {
    if header.trim_start().to_ascii_lowercase().starts_with("sep=") {
        return Some("a line for Excel only");
    }
    if header.contains(',') {
        return None;
    }
    let separators =
        [(';', "separated by `;`"), ('\t', "separated by tabs"), ('|', "separated by `|`")];
    separators.into_iter().find(|(sign, _)| header.contains(*sign)).map(|(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        quotes("lists/l.csv", text).problems.iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn quotes_that_fit_are_not_mentioned() {
        for text in [
            "value,comment\nA,\"one, two\"\nB,\"he said \"\"no\"\"\"\n",
            "value,comment\n# it's a \"remark\nA,5\" pipes\n",
            "value\n\"A\" \nB\n",
            "value\r\n\"A\"\r\nB\r\n",
        ] {
            assert_eq!(codes(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn rows_behind_a_quote_that_is_not_closed_are_not_trusted() {
        let text = "value,comment\nA,\nB,\"since\nC,\n";
        let found = quotes("lists/l.csv", text);
        assert_eq!(found.readable_to, text.find("B,"));
        assert_eq!(codes(text), ["E098"]);
        assert_eq!(codes("value,comment\nB,\"since\nC,\"two\"\n"), ["E098"]);
        assert_eq!(codes("value,comment\nB,\"since\nC,two\"\n"), ["W270"]);
        assert_eq!(codes("value,comment\nB,\"a\"b\n"), ["E098"]);
    }
}
