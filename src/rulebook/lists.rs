//! List files: CSV with one value per row, each perhaps valid for a time only.
//!
//! In: the text of `lists/<name>.csv`, whose first line names the columns: `value`, then perhaps
//! `valid_from`, `valid_to` and columns for people (`source`, `comment`). Out: the list with every good
//! row, and a diagnostic for each bad one. Values are never repeated in a message: they may be accounts.

use csv::{ReaderBuilder, StringRecord};

use crate::domain::Instant;

use super::diagnostic::{Diagnostic, closest};
use super::typed::{List, ListRow, SourceSpan};

/// Most rows of one list.
pub const LIST_ROWS_MAX: usize = 100_000;

/// The columns that mean something.
const COLUMNS: &[&str] = &["value", "valid_from", "valid_to"];

/// Reads a list file.
#[must_use]
pub fn read(path: &str, text: &str) -> (List, Vec<Diagnostic>) {
    let mut reading = Reading { path, text, columns: [None; 3], problems: Vec::new() };
    let mut list = List::default();
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut has_header = false;
    for record in reader.records() {
        // The text is UTF-8 and rows may differ in length, so that reading cannot fail.
        let Ok(record) = record else { break };
        let start = record.position().and_then(|at| usize::try_from(at.byte()).ok());
        let line = reading.line(start.unwrap_or_default());
        if !has_header {
            has_header = true;
            if !reading.header(&record, line) {
                return (list, reading.problems);
            }
        } else if list.rows.len() == LIST_ROWS_MAX {
            let title = format!("a list has at most {LIST_ROWS_MAX} rows");
            reading.report("E008", line, title, "one too many", None);
            break;
        } else if let Some(row) = reading.row(&record, line) {
            list.rows.push(row);
        }
    }
    if !has_header {
        let help = Some("start with the line `value,valid_from,valid_to,comment`");
        let span = SourceSpan::default();
        reading.report("E041", span, "the list has no header".to_owned(), "empty file", help);
    }
    (list, reading.problems)
}

/// Nothing can be made of it, and that was said.
struct Reported;

struct Reading<'a> {
    path: &'a str,
    text: &'a str,
    /// Where the columns of [`COLUMNS`] stand.
    columns: [Option<usize>; 3],
    problems: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn report(
        &mut self,
        code: &'static str,
        span: SourceSpan,
        title: String,
        label: &str,
        help: Option<&str>,
    ) {
        let mut problem = Diagnostic::new(code, self.path, span, title, label);
        problem.help = help.map(str::to_owned);
        self.problems.push(problem);
    }

    /// The line of the row that is reported to start at `offset`, skipping empty lines and remarks.
    fn line(&self, offset: usize) -> SourceSpan {
        let mut start = offset;
        for line in self.text.get(offset..).unwrap_or_default().split_inclusive('\n') {
            let content = line.trim();
            if !content.is_empty() && !content.starts_with('#') {
                return SourceSpan { start, end: start + line.trim_end().len() };
            }
            start += line.len();
        }
        SourceSpan { start: offset, end: offset }
    }

    /// The place of one field of a row, or the row.
    fn field(&self, line: SourceSpan, value: &str) -> SourceSpan {
        let written = self.text.get(line.start..line.end).unwrap_or_default();
        match written.find(value).filter(|_| !value.is_empty()) {
            Some(at) => SourceSpan { start: line.start + at, end: line.start + at + value.len() },
            None => line,
        }
    }

    fn header(&mut self, record: &StringRecord, line: SourceSpan) -> bool {
        for (index, name) in record.iter().enumerate() {
            if let Some(column) = COLUMNS.iter().position(|column| *column == name)
                && let Some(place) = self.columns.get_mut(column)
            {
                *place = Some(index);
            } else if let Some(meant) = closest(name, COLUMNS.iter().copied()) {
                let span = self.field(line, name);
                let help = format!("did you mean `{meant}`?");
                let title = format!("unknown column `{name}`");
                self.report("E041", span, title, "not read", Some(&help));
            }
        }
        let has_value = self.columns.first().copied().flatten().is_some();
        if !has_value && self.problems.is_empty() {
            let help = Some("name the columns in the first line: `value,valid_from,valid_to`");
            let title = "the list has no column `value`".to_owned();
            self.report("E041", line, title, "the first line names the columns", help);
        }
        has_value
    }

    fn row(&mut self, record: &StringRecord, line: SourceSpan) -> Option<ListRow> {
        let [value, from, to] =
            self.columns.map(|column| column.and_then(|index| record.get(index)).unwrap_or(""));
        if value.is_empty() {
            let help = Some("fill in the column `value`, or delete the line");
            self.report("E043", line, "a row without a value".to_owned(), "no value", help);
            return None;
        }
        let valid_from = self.instant(from, line);
        let valid_to = self.instant(to, line);
        let (Ok(valid_from), Ok(valid_to)) = (valid_from, valid_to) else { return None };
        if let (Some(from), Some(to)) = (valid_from, valid_to)
            && to <= from
        {
            let title = "a row that is never valid".to_owned();
            let help = Some("`valid_to` is the first instant at which it is not valid any more");
            self.report("E042", line, title, "ends before it begins", help);
            return None;
        }
        Some(ListRow { value: value.to_owned(), valid_from, valid_to })
    }

    /// An instant, or none when the field is empty; one that cannot be read is reported.
    fn instant(&mut self, text: &str, line: SourceSpan) -> Result<Option<Instant>, Reported> {
        if text.is_empty() {
            return Ok(None);
        }
        let midnight = || Instant::parse(&format!("{text}T00:00:00Z"));
        let instant = Instant::parse(text).or_else(midnight);
        if instant.is_none() {
            let span = self.field(line, text);
            let help = Some("write 2026-01-31, or 2026-01-31T08:00:00Z");
            self.report("E042", span, "a date that cannot be read".to_owned(), "not a date", help);
        }
        instant.map(Some).ok_or(Reported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_valid_from_the_first_date_until_before_the_second() {
        let text = "# from the branch office\nvalue,valid_from,valid_to,comment\n\
                    KP,,,always\n\"MM\",2026-01-01,2026-02-01T12:00:00Z,\n";
        let (list, problems) = read("lists/countries.csv", text);
        assert_eq!(problems, []);
        let at = |text: &str| Instant::parse(text).expect("an instant");
        assert!(list.contains("KP", at("1999-01-01T00:00:00Z")));
        assert!(!list.contains("MM", at("2025-12-31T23:59:59Z")));
        assert!(list.contains("MM", at("2026-01-01T00:00:00Z")));
        assert!(!list.contains("MM", at("2026-02-01T12:00:00Z")));
    }

    #[test]
    fn every_bad_row_is_reported_and_the_good_ones_are_kept() {
        let text =
            "value,valid_from,valid_to\nA\nB,soon\n,2026-01-01\nC,2026-02-01,2026-01-01\nD\n";
        let (list, problems) = read("lists/l.csv", text);
        assert_eq!(list.rows.len(), 2);
        let found: Vec<_> =
            problems.iter().map(|p| (p.code, &text[p.span.start..p.span.end])).collect();
        assert_eq!(
            found,
            [("E042", "soon"), ("E043", ",2026-01-01"), ("E042", "C,2026-02-01,2026-01-01")]
        );
    }
}
