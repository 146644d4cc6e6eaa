//! What a word means: a field, function, role, event, list, key, or a name of the rule.

use std::fmt::Write as _;

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position};

use crate::rulebook::catalogue::{EventName, Field, Presence};
use crate::rulebook::codes;
use crate::rulebook::format::is_expression;
use crate::rulebook::reference::{self, CONNECTIVES, KEYS};
use crate::rulebook::source;
use crate::rulebook::typed::SourceSpan;

use super::complete::key_entry;
use super::context::{Context, word_at};
use super::workspace::View;

/// The explanation of what stands at `position`.
pub fn hover(view: View<'_>, position: Position) -> Option<Hover> {
    let offset = view.text.offset(position);
    let (start, word) = word_at(view.text.as_str(), offset)?;
    let span = SourceSpan { start, end: start + word.len() };
    let mut told = explain(view, position, word).unwrap_or_default();
    for problem in view.folder.problems(view.path) {
        let is_here = problem.span.start <= offset && offset <= problem.span.end;
        if is_here && let Some(code) = codes::explain(problem.code) {
            let _ = write!(told, "\n\n**{}**: {}", code.code, code.explanation);
        }
    }
    let value = told.trim().to_owned();
    (!value.is_empty()).then(|| Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
        range: Some(view.text.range(span)),
    })
}

fn explain(view: View<'_>, position: Position, word: &str) -> Option<String> {
    let context = Context::at(view.text, position);
    let path = context.path();
    let catalogue = view.folder.catalogue();
    let is_own_key = path.last() == Some(&word) || context.is_key;
    if is_own_key && !is_expression(&path) {
        let entry =
            KEYS.iter().find(|entry| entry.key == word && Some(*entry) == own_key(&context, word));
        if let Some(entry) = entry {
            return Some(with_words(&format!("**`{word}`** {}", entry.doc), entry.words));
        }
    }
    if let Some(field) = catalogue.by_path(word) {
        return Some(field_page(field));
    }
    if let Some(name) = word.strip_prefix("list.") {
        let list = view.folder.lists().get(name)?;
        let columns: Vec<String> =
            list.columns.iter().map(|it| format!("`{}` ({})", it.name, it.ty.word())).collect();
        let columns = if columns.is_empty() {
            String::new()
        } else {
            format!(", columns {}", columns.join(", "))
        };
        return Some(format!("**`list.{name}`** {} values{columns}", list.rows.len()));
    }
    if let Some(told) = own_name(view, word) {
        return Some(told);
    }
    if let Some(function) = reference::function_named(word) {
        return Some(format!("```\n{}\n```\n{}", function.form.replace("; ", "\n"), function.doc));
    }
    if let Some(name) = EventName::parse(word) {
        return Some(format!("**`{word}`** {}", reference::event_doc(name)));
    }
    if let Some(role) = catalogue.roles().iter().find(|role| role.word == word) {
        return Some(format!("**`{word}`** (role) {}", role.doc));
    }
    let connective = CONNECTIVES.iter().find(|(known, _)| *known == word);
    connective.map(|(word, doc)| format!("**`{word}`** {doc}"))
}

fn own_key(context: &Context, word: &str) -> Option<&'static reference::KeyEntry> {
    let mut at_key = context.clone();
    if at_key.is_key {
        at_key.keys.push(word.to_owned());
    }
    key_entry(&at_key)
}

fn with_words(text: &str, words: Option<&[&str]>) -> String {
    match words {
        Some(words) => format!("{text}\n\nOne of `{}`.", words.join("`, `")),
        None => text.to_owned(),
    }
}

fn field_page(field: &Field) -> String {
    let absent = if field.presence == Presence::Maybe { ", may be absent" } else { "" };
    let personal =
        if field.is_personal { "\n\nNames a person: compared, and never shown." } else { "" };
    let text =
        format!("**`{}`** ({}{absent}) {}{personal}", field.path, field.ty.word(), field.doc);
    let words = field.words();
    with_words(&text, (!words.is_empty()).then_some(words.as_slice()))
}

/// A parameter or named value of the rule: what is written, and its type when the rule is sound.
fn own_name(view: View<'_>, word: &str) -> Option<String> {
    let name = word.split('.').next().unwrap_or(word);
    let text = view.text.as_str();
    let (root, _) = source::read(view.path, text);
    let root = root?;
    for (section, what) in [("params", "parameter"), ("let", "named value")] {
        let entries = root.entry(section).and_then(|entry| entry.value.entries());
        let Some(entry) = entries.unwrap_or_default().iter().find(|entry| entry.key == name) else {
            continue;
        };
        let written = text.get(entry.value.span.start..entry.value.span.end).unwrap_or_default();
        let rule = view.folder.rule(view.path);
        let ty = rule.and_then(|rule| {
            let param = rule.params.iter().find(|it| it.name == name).map(|it| it.ty);
            param.or_else(|| rule.lets.iter().find(|it| it.name == name).map(|it| it.expr.ty))
        });
        let ty = ty.map(|ty| format!(", {}", ty.word())).unwrap_or_default();
        return Some(format!("**`{name}`** ({what}{ty})\n```\n{}\n```", written.trim_end()));
    }
    None
}
