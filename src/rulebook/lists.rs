//! List files: CSV with one value per row, each perhaps valid for a time only.
//!
//! In: the text of `lists/<name>.csv`, whose first line names the columns: `value`, then perhaps
//! `valid_from` and `valid_to`, columns that rules read (`tier`, `limit:number`), and columns for people
//! (`source`, `comment`). Out: the list with every good row, and a diagnostic for each bad one. Values
//! are never repeated in a message: they may be accounts.

mod shape;

use std::collections::BTreeSet;
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord};
use rust_decimal::Decimal;

use crate::domain::{Currency, Instant, Span};

use super::call::{RATES_COLUMN, RATES_LIST};
use super::catalogue::Type;
use super::diagnostic::{Diagnostic, closest, did_you_mean};
use super::list::{Cell, List, ListColumn, ListRow};
use super::numerals;
use super::shrink;
use super::typed::SourceSpan;

/// Most rows of one list.
pub const LIST_ROWS_MAX: usize = 100_000;

/// The columns that every list may have.
const COLUMNS: &[&str] = &["value", "valid_from", "valid_to"];

/// Columns that no rule reads.
pub const PEOPLES_COLUMNS: &[&str] = &["source", "comment"];

/// Reads a list file.
#[must_use]
pub fn read(path: &str, text: &str) -> (List, Vec<Diagnostic>) {
    let mut reading = Reading {
        path,
        text,
        columns: [None; 3],
        data: Vec::new(),
        width: 0,
        doubts: Vec::new(),
        decimals: BTreeSet::new(),
        lines: Vec::new(),
        problems: Vec::new(),
    };
    let quotes = shape::quotes(path, text);
    reading.problems.extend(quotes.problems);
    let readable = text.get(..quotes.readable_to.unwrap_or(text.len())).unwrap_or_default();
    let mut rows = Vec::new();
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(readable.as_bytes());
    let mut has_header = false;
    for record in reader.records() {
        // The text is UTF-8 and rows may differ in length, so that reading cannot fail.
        let Ok(record) = record else { break };
        let start = record.position().and_then(|at| usize::try_from(at.byte()).ok());
        let line = reading.line(start.unwrap_or_default());
        if !has_header {
            has_header = true;
            if !reading.header(&record, line) {
                return (List::default(), reading.problems);
            }
        } else if rows.len() == LIST_ROWS_MAX {
            let title = format!("a list has at most {LIST_ROWS_MAX} rows");
            reading.report("E008", line, title, "one too many", None);
            break;
        } else if let Some(row) = reading.row(&record, line) {
            rows.push(row);
            reading.lines.push(line);
        }
    }
    if !has_header && quotes.readable_to.is_none() {
        let help = Some("start with the line `value,valid_from,valid_to,comment`");
        let span = SourceSpan::default();
        reading.report("E041", span, "the list has no header".to_owned(), "empty file", help);
    }
    reading.must_be_unambiguous(&rows);
    reading.warn_of_thousands();
    let (approvals, problems) = shrink::approvals(path, readable, rows.len());
    // How many rows there are is not known when not all can be read.
    if quotes.readable_to.is_none() {
        reading.problems.extend(problems);
    }
    let columns = reading.data.into_iter().map(|(_, column)| column).collect();
    (List { approvals, ..List::new(columns, rows) }, reading.problems)
}

/// What a cell of type `ty` says; `None` when it cannot be read.
#[must_use]
pub fn cell(ty: Type, text: &str) -> Option<Cell> {
    Some(match ty {
        Type::Text => Cell::Text(text.to_owned()),
        Type::Number => Cell::Number(number(text)?),
        Type::Duration => Cell::Duration(Span::parse(text)?),
        Type::Time => Cell::Time(date(text)?),
        Type::Bool => Cell::Bool(text.parse().ok()?),
        Type::Pattern | Type::Names => return None,
    })
}

/// A date (midnight UTC) or an instant.
#[must_use]
pub fn date(text: &str) -> Option<Instant> {
    Instant::parse(text).or_else(|| Instant::parse(&format!("{text}T00:00:00Z")))
}

/// Pairs of rows, by index and the later one second, that say different things of one value at one time;
/// of several rows that contradict one another not every pair is named.
#[must_use]
pub fn contradictions(rows: &[ListRow]) -> Vec<(usize, usize)> {
    let mut order: Vec<(usize, &ListRow)> = rows.iter().enumerate().collect();
    order.sort_by_key(|(_, row)| (&row.value, row.valid_from));
    let mut found = Vec::new();
    // Of the rows of one value so far, the one that is valid longest.
    let mut longest: Option<(usize, &ListRow)> = None;
    for (index, row) in order {
        let beside = longest.filter(|(_, other)| other.value == row.value);
        let Some((other_index, other)) = beside.filter(|(_, other)| other.overlaps(row)) else {
            longest = Some((index, row));
            continue;
        };
        if other.cells != row.cells {
            found.push((index.min(other_index), index.max(other_index)));
        }
        let is_longer = other.valid_to.is_some_and(|end| row.valid_to.is_none_or(|to| to > end));
        if is_longer {
            longest = Some((index, row));
        }
    }
    found
}

/// Digits with a point and a sign perhaps: no exponent, no separators, nothing rounded.
fn number(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.ends_with(|last: char| last.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = is_plain.then(|| Decimal::from_str(text).ok()).flatten()?;
    // More digits than a decimal holds would be rounded.
    Decimal::from_str_exact(text).is_ok().then_some(number)
}

/// Nothing can be made of it, and that was said.
struct Reported;

struct Reading<'a> {
    path: &'a str,
    text: &'a str,
    /// Where the columns of [`COLUMNS`] stand.
    columns: [Option<usize>; 3],
    /// The other columns that rules may read, and where they stand.
    data: Vec<(usize, ListColumn)>,
    /// How many columns the header names.
    width: usize,
    /// Cells that may be meant as thousands, by column.
    doubts: Vec<(usize, Diagnostic)>,
    /// Columns in which points certainly stand before decimals.
    decimals: BTreeSet<usize>,
    /// The lines of the rows that were read.
    lines: Vec<SourceSpan>,
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

    /// The place of the cell at `index`; quotes may hold commas, so that then the first such text is shown.
    fn place(&self, line: SourceSpan, index: usize, value: &str) -> SourceSpan {
        let written = self.text.get(line.start..line.end).unwrap_or_default();
        let before: usize = written.split(',').take(index).map(|cell| cell.len() + 1).sum();
        let cell = written.split(',').nth(index).unwrap_or_default();
        let start = line.start + before + (cell.len() - cell.trim_start().len());
        if cell.trim() == value && !value.is_empty() {
            return SourceSpan { start, end: start + value.len() };
        }
        self.field(line, value)
    }

    fn header(&mut self, record: &StringRecord, line: SourceSpan) -> bool {
        self.width = record.len();
        let written = self.text.get(line.start..line.end).unwrap_or_default();
        if let Some(label) = shape::other_separator(written) {
            let help = Some(
                "save it as CSV with commas between the cells, and with decimal points: `value,limit:number`",
            );
            let title = "the cells of a list are separated by commas".to_owned();
            self.report("E041", line, title, label, help);
            return false;
        }
        for (index, written) in record.iter().enumerate() {
            self.header_cell(index, written, line);
        }
        let has_value = self.columns.first().copied().flatten().is_some();
        if !has_value && self.problems.is_empty() {
            let help = Some("name the columns in the first line: `value,valid_from,valid_to`");
            let title = "the list has no column `value`".to_owned();
            self.report("E041", line, title, "the first line names the columns", help);
        }
        has_value
    }

    /// One column: a common one, one for people, or one with a type that rules read.
    fn header_cell(&mut self, index: usize, written: &str, line: SourceSpan) {
        let span = self.place(line, index, written);
        let (name, ty) = match written.split_once(':') {
            Some((name, ty)) => (name.trim(), Some(ty.trim())),
            None => (written, None),
        };
        if name.is_empty() || PEOPLES_COLUMNS.contains(&name) {
            return;
        }
        if let Some(common) = COLUMNS.iter().position(|column| *column == name) {
            let place = self.columns.get_mut(common);
            let is_second = place.is_some_and(|place| place.replace(index).is_some());
            if is_second || ty.is_some() {
                let (title, label, help) = if is_second {
                    (format!("two columns are named `{name}`"), "the second one", "delete one")
                } else {
                    let title = format!("the type of the column `{name}` cannot be chosen");
                    (title, "it has one of its own", "write the name alone")
                };
                self.report("E060", span, title, label, Some(help));
            }
            return;
        }
        if ty.is_none()
            && let Some(meant) = closest(name, COLUMNS.iter().copied())
        {
            let help = format!("did you mean `{meant}`?");
            let title = format!("unknown column `{name}`");
            self.report("E041", span, title, "not read", Some(&help));
            return;
        }
        if self.data.iter().any(|(_, column)| column.name == name) {
            let title = format!("two columns are named `{name}`");
            self.report("E060", span, title, "the second one", Some("rename one of them"));
            return;
        }
        let Some(ty) = Type::parse(ty.unwrap_or("text")) else {
            let help = did_you_mean(ty.unwrap_or_default(), Type::WORDS);
            let title = format!("the column `{name}` cannot have this type");
            self.report("E060", span, title, "no such type", help.as_deref());
            return;
        };
        let is_rates = self.path == format!("lists/{RATES_LIST}.csv") && name == RATES_COLUMN;
        if is_rates && ty != Type::Number {
            let help = format!("write `{RATES_COLUMN}:number`");
            let title = format!("the column `{RATES_COLUMN}` of `{RATES_LIST}` is one of numbers");
            self.report("E060", span, title, &format!("a column of {}", ty.word()), Some(&help));
        }
        self.data.push((index, ListColumn { name: name.to_owned(), ty }));
    }

    fn row(&mut self, record: &StringRecord, line: SourceSpan) -> Option<ListRow> {
        self.must_fit_the_header(record, line)?;
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
        let cells: Vec<Result<Option<Cell>, Reported>> = self
            .data
            .clone()
            .iter()
            .map(|(place, column)| {
                self.cell(record.get(*place).unwrap_or_default(), (*place, column), line)
            })
            .collect();
        let cells = cells.into_iter().collect::<Result<Vec<_>, _>>().ok()?;
        self.must_be_a_rate(record, (value, &cells), line)?;
        Some(ListRow { value: value.to_owned(), valid_from, valid_to, cells })
    }

    /// Reports cells for which the header names no column.
    fn must_fit_the_header(&mut self, record: &StringRecord, line: SourceSpan) -> Option<()> {
        let mut beyond = record.iter().enumerate().skip(self.width);
        // A table program leaves commas behind where there once was something.
        let Some((index, cell)) = beyond.find(|(_, cell)| !cell.is_empty()) else {
            return Some(());
        };
        let title = format!("{} cells, the header names {}", record.len(), self.width);
        let start = self.place(line, index, cell).start;
        let help =
            "a decimal is written 1.17, a large number 10000, and a text with a comma needs quotes";
        let span = SourceSpan { start, end: line.end };
        self.report("E061", span, title, "one cell too many", Some(help));
        None
    }

    /// In the list of rates, reports what is not a currency and what is not a rate.
    fn must_be_a_rate(
        &mut self,
        record: &StringRecord,
        (value, cells): (&str, &[Option<Cell>]),
        line: SourceSpan,
    ) -> Option<()> {
        if self.path != format!("lists/{RATES_LIST}.csv") {
            return Some(());
        }
        if Currency::parse(value).is_none() {
            let help = Some("write its code in capitals: USD");
            let title = "a currency that does not exist".to_owned();
            self.report("E064", self.field(line, value), title, "not an ISO 4217 code", help);
            return None;
        }
        // Without such a column of numbers nothing converts, which the header and `convert` say.
        let mut columns = self.data.iter().zip(cells);
        let rate = columns.find(|((_, it), _)| it.name == RATES_COLUMN && it.ty == Type::Number);
        let Some(((place, _), cell)) = rate else { return Some(()) };
        let (title, label) = match cell {
            Some(Cell::Number(rate)) if *rate > Decimal::ZERO => return Some(()),
            Some(_) => {
                let title = format!("a cell that does not fit the column `{RATES_COLUMN}`");
                (title, "a rate is above zero")
            }
            None => ("a currency without its rate".to_owned(), "no rate in this row"),
        };
        let written = record.get(*place).unwrap_or_default();
        let span = self.place(line, *place, written);
        let help = Some("write how many units of the base currency one unit is worth");
        self.report("E061", span, title, label, help);
        None
    }

    /// What a row says in one column, or none when nothing is written; what cannot be read is reported.
    fn cell(
        &mut self,
        text: &str,
        (place, column): (usize, &ListColumn),
        line: SourceSpan,
    ) -> Result<Option<Cell>, Reported> {
        if text.is_empty() {
            return Ok(None);
        }
        let cell = cell(column.ty, text);
        if cell.is_none() {
            let (label, help) = match column.ty {
                Type::Number => ("not a number", "write 8000 or 0.25, without separators"),
                Type::Bool => ("neither true nor false", "write `true` or `false`"),
                Type::Time => ("not a date", "write 2026-01-31, or 2026-01-31T08:00:00Z"),
                Type::Duration => ("not a duration", "write 24h, 7d or 90m"),
                Type::Text | Type::Pattern | Type::Names => ("not text", "write something else"),
            };
            let title = format!("a cell that does not fit the column `{}`", column.name);
            let span = self.place(line, place, text);
            self.report("E061", span, title, label, Some(help));
        }
        if column.ty == Type::Number && cell.is_some() {
            let span = self.place(line, place, text);
            if let Some(mut doubt) = numerals::doubt(self.path, text, span) {
                // A list knows no `_` in numbers.
                doubt.help = doubt.help.map(|help| help.replace('_', ""));
                self.doubts.push((place, doubt));
            } else if numerals::has_decimals(text) {
                self.decimals.insert(place);
            }
        }
        cell.map(Some).ok_or(Reported)
    }

    /// Reports the first number of a column that may be meant as thousands, unless others show that it is not.
    fn warn_of_thousands(&mut self) {
        let mut told = std::mem::take(&mut self.decimals);
        for (column, doubt) in std::mem::take(&mut self.doubts) {
            if told.insert(column) {
                self.problems.push(doubt);
            }
        }
    }

    /// Reports rows that say different things about one value at one time.
    fn must_be_unambiguous(&mut self, rows: &[ListRow]) {
        if self.data.is_empty() {
            return;
        }
        for (first, second) in contradictions(rows) {
            let line = |row: usize| self.lines.get(row).copied().unwrap_or_default();
            let (first, second) = (line(first), line(second));
            let before = self.text.get(..first.start).unwrap_or_default();
            let label = format!("the other is in line {}", before.matches('\n').count() + 1);
            let title = "two rows say different things of one value at one time".to_owned();
            let help = "end one with `valid_to` before the other begins with `valid_from`";
            self.report("E062", second, title, &label, Some(help));
        }
    }

    /// An instant, or none when the field is empty; one that cannot be read is reported.
    fn instant(&mut self, text: &str, line: SourceSpan) -> Result<Option<Instant>, Reported> {
        if text.is_empty() {
            return Ok(None);
        }
        let instant = date(text);
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

    #[test]
    fn further_columns_have_the_type_that_the_header_says() {
        let text = "value,tier,limit:number,flag:bool,since:time,comment\n\
                    SE,low,1000.50,true,2020-01-01,first\nNO,,,,,\n";
        let (list, problems) = read("lists/countries.csv", text);
        assert_eq!(problems, []);
        assert_eq!(list.column("limit"), Some((1, Type::Number)));
        assert_eq!(list.column("comment"), None);
        let at = Instant::parse("2026-01-01T00:00:00Z").expect("an instant");
        let cells = |value| list.row(value, at).map(|row| row.cells.clone()).expect("a row");
        let since = Instant::parse("2020-01-01T00:00:00Z").expect("an instant");
        let limit = "1000.50".parse().expect("a number");
        assert_eq!(
            cells("SE"),
            [
                Cell::Text("low".to_owned()),
                Cell::Number(limit),
                Cell::Bool(true),
                Cell::Time(since)
            ]
            .map(Some)
        );
        assert_eq!(cells("NO"), [None, None, None, None]);
        let remarks = text.replace("first", "another remark");
        assert_eq!(read("lists/countries.csv", &remarks).0.digest, list.digest);
    }

    #[test]
    fn rates_are_numbers_and_every_currency_has_one() {
        let found = |text: &str| -> Vec<(&str, String)> {
            let (_, problems) = read("lists/fx_rates.csv", text);
            problems
                .iter()
                .map(|it| (it.code, text[it.span.start..it.span.end].to_owned()))
                .collect()
        };
        assert_eq!(found("value,rate\nUSD,0.9\n"), [("E060", "rate".to_owned())]);
        assert_eq!(found("value,rate:number\nUSD,\n"), [("E061", "USD,".to_owned())]);
        assert_eq!(found("value,rate:number\nUSD,0\n"), [("E061", "0".to_owned())]);
        assert_eq!(found("value,rate:number\nUSD,0.9\n"), []);
    }

    #[test]
    fn a_number_in_a_list_is_exact_or_refused() {
        for text in ["0", "12.50", "-3", "0.000001"] {
            assert_eq!(number(text).map(|number| number.to_string()).as_deref(), Some(text));
        }
        for text in ["", "-", "1e3", "1_000", "1,5", ".5", "5.", "+1", "1.2.3", "NaN"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("0.12345678901234567890123456789012345"), None);
    }
}
