//! Diagnostics as a reader sees them: the line with carets for a terminal, or an object for a program.
//!
//! Both say the same. Lines and columns count from one; columns count characters.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level as Shown, Renderer, Snippet};
use serde_json::{Value, json};

use super::diagnostic::{Diagnostic, Level};
use super::typed::SourceSpan;

/// A place in a file as a person counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Character within the line, from 1.
    pub column: usize,
}

/// Where byte `offset` of `source` is; an offset beyond the end is the end.
#[must_use]
pub fn position(source: &str, offset: usize) -> Position {
    let offset = source.floor_char_boundary(offset.min(source.len()));
    let before = source.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let in_line = before.get(line_start..).unwrap_or_default();
    Position { line: before.matches('\n').count() + 1, column: in_line.chars().count() + 1 }
}

/// The diagnostic with its line, carets and help; `source` is the text of its file.
///
/// Plain output is the same on every machine; styled output has the colors of a terminal.
#[must_use]
pub fn render(diagnostic: &Diagnostic, source: &str, styled: bool) -> String {
    let level = match diagnostic.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
    };
    let span = within(source, diagnostic.span);
    let annotation = AnnotationKind::Primary.span(span).label(diagnostic.label.as_str());
    let snippet = Snippet::source(source).path(diagnostic.path.as_str()).annotation(annotation);
    let mut group =
        level.primary_title(diagnostic.title.as_str()).id(diagnostic.code).element(snippet);
    if let Some(help) = &diagnostic.help {
        group = group.element(Shown::HELP.message(help.as_str()));
    }
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// The diagnostic as an object, for editors and continuous integration.
#[must_use]
pub fn to_json(diagnostic: &Diagnostic, source: &str) -> Value {
    let (start, end) = positions(diagnostic, source);
    json!({
        "path": diagnostic.path,
        "line": start.line,
        "column": start.column,
        "end": { "line": end.line, "column": end.column },
        "code": diagnostic.code,
        "level": diagnostic.level.word(),
        "title": diagnostic.title,
        "label": diagnostic.label,
        "help": diagnostic.help,
    })
}

/// Where the diagnostic starts and ends.
#[must_use]
pub fn positions(diagnostic: &Diagnostic, source: &str) -> (Position, Position) {
    let span = within(source, diagnostic.span);
    (position(source, span.start), position(source, span.end))
}

/// The span, moved to whole characters inside the text.
fn within(source: &str, span: SourceSpan) -> std::ops::Range<usize> {
    let start = source.floor_char_boundary(span.start.min(source.len()));
    let end = source.ceil_char_boundary(span.end.min(source.len()));
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "lang: 1\nwhere: \"é\" == tx.tipe\n";

    fn diagnostic() -> Diagnostic {
        let start = SOURCE.find("tx.tipe").expect("the field");
        let span = SourceSpan { start, end: start + 7 };
        Diagnostic::new("E021", "a/rule.yaml", span, "unknown name `tx.tipe`", "no such field")
            .with_help("did you mean `tx.type`?")
    }

    #[test]
    fn plain_text_shows_line_carets_and_help() {
        let expected = "\
error[E021]: unknown name `tx.tipe`
 --> a/rule.yaml:2:15
  |
2 | where: \"é\" == tx.tipe
  |               ^^^^^^^ no such field
  |
  = help: did you mean `tx.type`?";
        assert_eq!(render(&diagnostic(), SOURCE, false), expected);
        assert!(render(&diagnostic(), SOURCE, true).contains("\u{1b}["));
    }

    #[test]
    fn json_counts_lines_and_characters_from_one() {
        let value = to_json(&diagnostic(), SOURCE);
        assert_eq!(value["line"], 2);
        assert_eq!(value["column"], 15);
        assert_eq!(value["end"], json!({ "line": 2, "column": 22 }));
        assert_eq!(value["level"], "error");
    }

    #[test]
    fn a_span_outside_the_text_is_drawn_at_its_end() {
        let mut diagnostic = diagnostic();
        diagnostic.span = SourceSpan { start: 500, end: 700 };
        assert!(render(&diagnostic, SOURCE, false).contains("E021"));
        assert!(render(&diagnostic, "", false).contains("E021"));
    }
}
