//! Why a file cannot be read as YAML, in the words of somebody who writes rules.
//!
//! In: the text, what the YAML library stumbled over and where. Out: where the mistake most likely is, and
//! the edit. The library stops at the first thing that cannot follow, which is often the line below.

use granit_parser::ErrorKind as Kind;

use crate::rulebook::typed::SourceSpan;

/// What is said of a broken file.
pub struct Broken {
    /// The place to change.
    pub span: SourceSpan,
    /// What is wrong.
    pub title: String,
    /// Beside the carets.
    pub label: String,
    /// The edit.
    pub help: String,
}

/// A line that holds more than white space and remarks.
#[derive(Clone, Copy)]
struct Line<'t> {
    number: usize,
    start: usize,
    indent: usize,
    text: &'t str,
}

impl<'t> Line<'t> {
    /// Without the dash of a list's entry.
    fn entry(&self) -> &'t str {
        self.text.strip_prefix("- ").unwrap_or(self.text).trim_start()
    }

    /// The word before a colon and a space, or before a colon at the end.
    fn key(&self) -> Option<&'t str> {
        let (key, rest) = self.entry().split_once(':')?;
        let is_word = !key.is_empty() && !key.contains([' ', '{', '[', '"', '\'']);
        (is_word && (rest.is_empty() || rest.starts_with([' ', '\t']))).then_some(key)
    }

    /// Whether something stands behind its key.
    fn has_value(&self) -> bool {
        self.entry().split_once(": ").is_some_and(|(_, value)| !value.trim().is_empty())
    }

    fn span(&self) -> SourceSpan {
        let start = self.start + self.indent;
        SourceSpan { start, end: start + self.text.len() }
    }

    /// The first `length` bytes of what it holds.
    fn first(&self, length: usize) -> SourceSpan {
        let start = self.start + self.indent;
        SourceSpan { start, end: start + length.min(self.text.len()) }
    }

    fn column(&self) -> usize {
        self.indent + 1
    }
}

/// What most likely happened; `None` when nothing better can be said than what the library says.
pub fn explain(text: &str, kind: &Kind, at: usize) -> Option<Broken> {
    let lines = lines(text);
    let place = lines.iter().rposition(|line| line.start <= at)?;
    let (before, current) = (lines.get(..place)?, *lines.get(place)?);
    let above = before.last().copied();
    match kind {
        Kind::ExpectedDocumentStart => first_key_indented(lines.first().copied()?),
        Kind::SimpleKeyExpected => no_colon(current).or_else(|| no_colon(above?)),
        Kind::MappingValueNotAllowed => {
            let is_first_colon = text.get(current.start..at).is_some_and(|it| !it.contains(": "));
            let above = above.filter(|_| is_first_colon)?;
            if above.indent == current.indent && above.key().is_none() {
                return no_colon(above);
            }
            (above.indent < current.indent && above.has_value()).then(|| deeper(above, current))
        }
        Kind::ExpectedBlockSequenceEntry => no_dash(current)
            .or_else(|| dash_above(before, current))
            .or_else(|| between(before, current)),
        Kind::ExpectedBlockMappingKey => between(before, current),
        Kind::ExpectedFlowMappingSeparator
        | Kind::ExpectedFlowSequenceSeparator
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofFlowSequence => in_braces(text, &lines, place, at),
        _ => None,
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (number, whole) in (1..).zip(text.split_inclusive('\n')) {
        let content = whole.trim();
        if !content.is_empty() && !content.starts_with('#') {
            let indent = whole.len() - whole.trim_start().len();
            lines.push(Line { number, start, indent, text: content });
        }
        start += whole.len();
    }
    lines
}

fn first_key_indented(first: Line<'_>) -> Option<Broken> {
    (first.indent > 0).then(|| Broken {
        span: first.span(),
        title: "the first key is indented, and those below it are not".to_owned(),
        label: format!("begins in column {}", first.column()),
        help: "take the spaces before it away: the keys of a rule begin at the margin".to_owned(),
    })
}

/// `severity:high`, `severity = high`, `when x`
fn no_colon(line: Line<'_>) -> Option<Broken> {
    let entry = line.entry();
    let is_word = |next: char| next.is_ascii_alphanumeric() || "_-.".contains(next);
    let length = entry.find(|next| !is_word(next))?;
    let (key, rest) = entry.split_at_checked(length).filter(|(key, _)| !key.is_empty())?;
    let value = rest.trim_start().trim_start_matches([':', '=', '\u{ff1a}']).trim();
    let shown: String = value.chars().take(SHOWN_MAX).collect();
    let more = if shown.len() < value.len() { "..." } else { "" };
    let start = line.start + line.indent + (line.text.len() - entry.len());
    let spaces = rest.len() - rest.trim_start().len();
    let next = rest.chars().next().map_or(0, char::len_utf8);
    Some(Broken {
        span: SourceSpan { start, end: start + length + spaces.max(next) },
        title: format!("a colon and a space are missing behind `{key}`"),
        label: "a key without its colon".to_owned(),
        help: format!("write `{key}: {shown}{more}`"),
    })
}

/// Most characters of a value that are repeated.
const SHOWN_MAX: usize = 24;

/// `– name: two`, `-name: two`
fn no_dash(line: Line<'_>) -> Option<Broken> {
    let first = line.text.chars().next()?;
    let (title, length) = match first {
        '\u{2013}' | '\u{2014}' | '\u{2212}' | '\u{2022}' | '*' => {
            (format!("`{first}` is not the dash that begins an entry of a list"), first.len_utf8())
        }
        '-' if !line.text.starts_with("- ") && !line.text.starts_with("---") => {
            ("a space is missing behind `-`".to_owned(), 1)
        }
        _ => return None,
    };
    let rest = line.text.get(length..)?.trim_start();
    let shown: String = rest.chars().take(SHOWN_MAX).collect();
    let more = if shown.len() < rest.len() { "..." } else { "" };
    Some(Broken {
        span: line.first(length),
        title,
        label: "an entry of a list begins with `-` and a space".to_owned(),
        help: format!("write `- {shown}{more}`"),
    })
}

/// `- score: 5` above `message: ...`
fn dash_above(before: &[Line<'_>], current: Line<'_>) -> Option<Broken> {
    let above = before.iter().rev().find(|line| line.indent <= current.indent)?;
    if above.indent != current.indent || !above.text.starts_with("- ") {
        return None;
    }
    Some(Broken {
        span: above.first(1),
        title: format!(
            "line {} begins an entry of a list, line {} does not",
            above.number, current.number
        ),
        label: "makes a list of what stands here".to_owned(),
        help: format!("take the `- ` away, or begin line {} with `- ` too", current.number),
    })
}

/// A line under one that has its value already.
fn deeper(above: Line<'_>, current: Line<'_>) -> Broken {
    Broken {
        span: current.span(),
        title: format!(
            "line {} is indented deeper than line {}, which has its value already",
            current.number, above.number
        ),
        label: format!("column {}, above it {}", current.column(), above.column()),
        help: "keys of one section begin in the same column".to_owned(),
    }
}

/// A line that begins in a column in which nothing above it begins.
fn between(before: &[Line<'_>], current: Line<'_>) -> Option<Broken> {
    let inner = before.iter().rev().take_while(|line| line.indent > current.indent).last()?;
    let outer = before.iter().rev().find(|line| line.indent <= current.indent);
    if outer.is_some_and(|outer| outer.indent == current.indent) {
        return None;
    }
    let name = |line: &Line<'_>| line.key().unwrap_or(line.text).to_owned();
    let outer = outer.map_or_else(String::new, |outer| {
        format!(", or in column {} like `{}`", outer.column(), name(outer))
    });
    Some(Broken {
        span: current.span(),
        title: format!(
            "line {} begins in a column in which no line above it begins",
            current.number
        ),
        label: format!("column {}", current.column()),
        help: format!("begin it in column {} like `{}`{outer}", inner.column(), name(inner)),
    })
}

/// Something between `{` and `}`, or a bracket that is never closed.
fn in_braces(text: &str, lines: &[Line<'_>], place: usize, at: usize) -> Option<Broken> {
    let (line, open) = lines.get(..=place)?.iter().rev().find_map(|line| {
        let end = line.span().end.min(if line.start <= at { at.max(line.start) } else { at });
        let open = unclosed(text.get(line.start..end)?)?;
        Some((line, line.start + open))
    })?;
    let sign = if text.get(open..)?.starts_with('{') { "{" } else { "[" };
    let close = if sign == "{" { "}" } else { "]" };
    if lines.get(place)?.number != line.number || at >= line.span().end {
        return Some(Broken {
            span: SourceSpan { start: open, end: open + 1 },
            title: format!("`{sign}` is not closed"),
            label: "opened here".to_owned(),
            help: format!("add `{close}` at the end of line {}", line.number),
        });
    }
    let within = text.get(open + 1..at)?;
    let segment = within.rsplit([',', '{', '[']).next()?;
    let (key, value) = segment.split_once(": ")?;
    let (key, value) = (key.trim(), value.trim());
    let (title, help) = match value.rsplit_once(' ') {
        Some((_, next)) => {
            (format!("a comma is missing before `{next}`"), format!("write `, {next}: ...`"))
        }
        None => (
            format!("`{key}` has keys of its own"),
            format!("put them into braces: `{key}: {{ {value}: ... }}`"),
        ),
    };
    // Spaces behind the value may have moved its place a little.
    let start = at - value.rsplit(' ').next().map_or(0, str::len).min(at);
    let start = text.floor_char_boundary(start);
    let end = text.ceil_char_boundary(at.max(start + 1));
    let label = "stands for two things".to_owned();
    Some(Broken { span: SourceSpan { start, end }, title, label, help })
}

/// Where the last `{` or `[` of a line stands that is not closed in it.
fn unclosed(line: &str) -> Option<usize> {
    let (mut open, mut quote) = (Vec::new(), None);
    for (at, sign) in line.char_indices() {
        match (quote, sign) {
            (Some(closing), sign) if sign == closing => quote = None,
            (None, '"') => quote = Some('"'),
            (None, '{' | '[') => open.push(at),
            (None, '}' | ']') => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}
