//! Messages: text with places for values, `{total:money}`.
//!
//! The text comes from the scalar's value, where YAML has joined the lines; the places are read in
//! the file, so that a mistake in one is shown where it stands. Both hold the same braces.

use crate::rulebook::catalogue::Type;
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::elsewhere;
use crate::rulebook::parse;
use crate::rulebook::personal::Names;
use crate::rulebook::source::{Entry, NodeKind};
use crate::rulebook::typed::{Expr, Format, SourceSpan, Template, TemplatePart};

use super::expression::article;
use super::{Checker, Place};

/// All formats: the word, the type it writes, the format.
const FORMATS: &[(&str, Type, Format)] = &[
    ("money", Type::Number, Format::Money),
    ("percent", Type::Number, Format::Percent),
    ("date", Type::Time, Format::Date),
    ("hours", Type::Duration, Format::Hours),
    ("days", Type::Duration, Format::Days),
];

/// Text between places, or what stands between two braces.
enum Piece<'t> {
    Text(&'t str),
    Place(SourceSpan),
}

/// A brace without its partner, and what to call it.
struct Unpaired {
    at: usize,
    title: &'static str,
}

impl Checker<'_> {
    pub(super) fn template(&mut self, entry: &Entry, place: Place) -> Option<Template> {
        let text = self.text(entry)?;
        let span = entry.value.span;
        let is_raw = matches!(entry.value.kind, NodeKind::Scalar { is_raw: true, .. });
        if !is_raw && text.contains(['{', '}']) {
            let title = "a message with places cannot stand in quotes with escapes";
            let help = Some("put it on the lines below its key, after `>`".to_owned());
            self.report("E107", span, title, "holds an escaped character", help);
            return None;
        }
        let raw = self.source.get(span.start..span.end).unwrap_or_default();
        let in_file = match pieces(raw) {
            Ok(in_file) => in_file,
            Err(unpaired) => {
                let at = span.start + unpaired.at;
                let help = Some("a value stands between one pair of braces: `{total}`".to_owned());
                let place = SourceSpan { start: at, end: at + 1 };
                self.report("E113", place, unpaired.title, "no partner", help);
                return None;
            }
        };
        let mut places = in_file.iter().filter_map(|piece| match piece {
            Piece::Place(within) => {
                Some(SourceSpan { start: span.start + within.start, end: span.start + within.end })
            }
            Piece::Text(_) => None,
        });
        let mut parts = Vec::new();
        let mut is_good = true;
        for piece in pieces(&text).ok()? {
            match piece {
                Piece::Text(text) => parts.push(TemplatePart::Text(text.to_owned())),
                Piece::Place(_) => match self.template_value(places.next()?, place) {
                    Some((expr, format)) => parts.push(TemplatePart::Value(expr, format)),
                    None => is_good = false,
                },
            }
        }
        is_good.then_some(Template { parts })
    }

    /// Messages leave the program; what names a person does not.
    fn must_not_name_a_person(&mut self, expr: &Expr) -> Option<()> {
        let names = Names {
            catalogue: self.catalogue,
            lets: &self.lets,
            aggregates: &self.aggregates,
            steps: &self.steps,
        };
        let Some(slot) = names.shown_by(expr) else { return Some(()) };
        let path = &self.catalogue.field(slot).path;
        let title = format!("`{path}` names a person and cannot stand in a message");
        let help = Some("say what matched or differed; the value itself is never shown".to_owned());
        self.report("E058", expr.span, title, "would be shown", help);
        None
    }

    fn template_value(&mut self, span: SourceSpan, place: Place) -> Option<(Expr, Format)> {
        let (syntax, format, problems) = parse::place(self.path, self.source, span);
        self.problems.extend(problems);
        let expr = self.expression(&syntax, Place { takes_pattern: true, ..place })?;
        self.must_not_name_a_person(&expr)?;
        let Some((word, word_span)) = format else { return Some((expr, Format::Plain)) };
        if word == "plain" {
            return Some((expr, Format::Plain));
        }
        let known = FORMATS.iter().find(|(known, ..)| *known == word);
        let Some((_, ty, format)) = known else {
            let words: Vec<&str> = FORMATS.iter().map(|(word, ..)| *word).collect();
            let help = match elsewhere::format_meant(&word) {
                Some(meant) => Some(format!("write `:{meant}`")),
                None => did_you_mean(&word, &words),
            };
            self.report(
                "E034",
                word_span,
                format!("unknown format `{word}`"),
                "no such format",
                help,
            );
            return None;
        };
        if *ty != expr.ty {
            let title = format!("{} cannot be written as `{word}`", article(expr.ty));
            let fitting = FORMATS.iter().filter(|(_, ty, _)| *ty == expr.ty);
            let fitting: Vec<&str> = fitting.map(|(word, ..)| *word).collect();
            let help = if fitting.is_empty() {
                "leave the format out".to_owned()
            } else {
                format!("use {}, or leave it out", fitting.join(" or "))
            };
            self.report("E034", word_span, title, format!("writes {}", article(*ty)), Some(help));
            return None;
        }
        Some((expr, *format))
    }
}

/// Cuts a message at its braces.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Unpaired> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(open) = rest.find(['{', '}']) else {
            pieces.push(Piece::Text(rest));
            break;
        };
        let (before, from_brace) = rest.split_at(open);
        if from_brace.starts_with('}') {
            return Err(Unpaired { at: at + open, title: "a `}` without `{` before it" });
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let within = from_brace.get(1..).unwrap_or_default();
        let close = within.find(['{', '}']).filter(|at| within.get(*at..).is_some_and(is_closing));
        let Some(close) = close else {
            return Err(Unpaired { at: at + open, title: "a `{` without `}` behind it" });
        };
        let start = at + open + 1;
        pieces.push(Piece::Place(SourceSpan { start, end: start + close }));
        at = start + close + 1;
    }
    Ok(pieces)
}

fn is_closing(text: &str) -> bool {
    text.starts_with('}')
}
