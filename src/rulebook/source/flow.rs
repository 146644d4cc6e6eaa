//! Slips between `{` and `}`: said once, then read as they were meant.

use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::elsewhere::numbers;
use crate::rulebook::typed::SourceSpan;

use super::{Entry, Node, NodeKind};

/// The entries of a mapping in braces, mended, and what was wrong with them.
pub fn mended(path: &str, source: &str, entries: Vec<Entry>) -> (Vec<Entry>, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let mut mended: Vec<Entry> = Vec::new();
    let mut entries = entries.into_iter().peekable();
    while let Some(entry) = entries.next() {
        let entry = match without_space(path, source, &entry) {
            Some((entry, problem)) => {
                problems.push(problem);
                entry
            }
            None => entry,
        };
        let entry = match entries.peek().and_then(|next| number_cut(path, source, &entry, next)) {
            Some((entry, problem)) => {
                entries.next();
                problems.push(problem);
                entry
            }
            None => entry,
        };
        let mut end = entry.value.span.end;
        let start = entry.value.span.start;
        let is_open = |end: usize| source.get(start..end).is_some_and(|it| depth(it) > 0);
        let is_plain = entry.value.scalar().is_some() && !entry.value.is_quoted(source);
        if !(is_plain && is_open(end) && entries.peek().is_some_and(is_key_alone)) {
            mended.push(entry);
            continue;
        }
        let comma = end;
        while is_open(end)
            && let Some(part) = entries.next_if(is_key_alone)
        {
            end = part.key_span.end;
        }
        problems.push(cut(path, comma));
        let text = source.get(start..end).unwrap_or_default().to_owned();
        let span = SourceSpan { start, end };
        let value = Node { span, kind: NodeKind::Scalar { text, is_raw: true } };
        mended.push(Entry { value, ..entry });
    }
    (mended, problems)
}

/// `{ at:0d }`, which YAML reads as one long key.
fn without_space(path: &str, source: &str, entry: &Entry) -> Option<(Entry, Diagnostic)> {
    let (key, value) = entry.key.split_once(':').filter(|_| is_key_alone(entry))?;
    let is_as_written = source.get(entry.key_span.start..entry.key_span.end) == Some(&entry.key);
    if key.is_empty() || value.is_empty() || !is_as_written {
        return None;
    }
    let colon = entry.key_span.start + key.len();
    let title = format!("a space is missing behind `{key}:`");
    let span = SourceSpan { start: colon, end: colon + 1 };
    let problem = Diagnostic::new("E115", path, span, title, "no space behind the colon")
        .with_help(format!("write `{key}: {value}`"));
    let span = SourceSpan { start: colon + 1, end: entry.key_span.end };
    let kind = NodeKind::Scalar { text: value.to_owned(), is_raw: true };
    let key_span = SourceSpan { start: entry.key_span.start, end: colon };
    Some((Entry { key: key.to_owned(), key_span, value: Node { span, kind } }, problem))
}

/// `{ low: 8,000 }`: a number with a comma in it, which ends the value.
fn number_cut(
    path: &str,
    source: &str,
    entry: &Entry,
    next: &Entry,
) -> Option<(Entry, Diagnostic)> {
    let is_number =
        |text: &str| text.bytes().all(|sign| sign.is_ascii_digit() || b"._".contains(&sign));
    let adjoins = source.get(entry.value.span.end..next.key_span.start) == Some(",");
    let text = entry.value.scalar().filter(|text| is_number(text) && !text.is_empty())?;
    if !(adjoins && is_key_alone(next) && is_number(&next.key)) {
        return None;
    }
    let written = format!("{text},{}", next.key);
    let span = SourceSpan { start: entry.value.span.start, end: next.key_span.end };
    let meant = numbers::meant(&written);
    let help =
        meant.as_ref().map_or("write the number without a comma".to_owned(), numbers::Meant::help);
    let problem =
        Diagnostic::new("E104", path, span, "a comma ends the number", "a comma in a number")
            .with_help(help);
    let text = meant.map_or_else(|| text.to_owned(), |meant| meant.text);
    let value = Node { span, kind: NodeKind::Scalar { text, is_raw: false } };
    Some((Entry { value, ..entry.clone() }, problem))
}

fn cut(path: &str, comma: usize) -> Diagnostic {
    let title = "a comma between `{` and `}` ends the value";
    let span = SourceSpan { start: comma, end: comma + 1 };
    Diagnostic::new("E116", path, span, title, "the value goes on behind it")
        .with_help("put the value in quotes, or write the keys on lines of their own without `{ }`")
}

/// Whether nothing stands behind a key.
fn is_key_alone(entry: &Entry) -> bool {
    entry.value.is_empty() && entry.value.span == entry.key_span
}

/// How many brackets are open at the end of `text`.
fn depth(text: &str) -> i32 {
    let step = |sign| match sign {
        '(' => 1,
        ')' => -1,
        _ => 0,
    };
    text.chars().map(step).sum()
}
