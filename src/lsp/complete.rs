//! What may be written at the cursor: keys, words, fields, functions, names of the rule, lists, rules.

use lsp_types::{CompletionItem, CompletionItemKind, Documentation, InsertTextFormat, Position};

use crate::rulebook::catalogue::{Catalogue, EventName, Field, Presence};
use crate::rulebook::format::is_expression;
use crate::rulebook::loader::{self, FileKind};
use crate::rulebook::reference::{self, CONNECTIVES, FUNCTIONS, KEYS, KeyEntry, Section};
use crate::rulebook::source::{self, Node};

use super::context::Context;
use super::workspace::View;

/// Lengths that are offered behind `over`.
const LENGTHS: &[&str] = &["1h", "24h", "7d", "30d", "90d", "365d"];

/// Words behind `over`.
const WINDOWS: &[(&str, &str)] = &[
    ("previous", "`over previous 90d`: without the event that is judged."),
    ("calendar day", "Since midnight in the institution's time zone."),
    ("calendar week", "Since Monday in the institution's time zone."),
    ("calendar month", "Since the first of the month in the institution's time zone."),
    ("previous calendar day", "The whole day before this one."),
    ("previous calendar week", "The whole week before this one."),
    ("previous calendar month", "The whole month before this one."),
    ("last", "`over last 10`: the latest events, this one included."),
    ("lifetime", "All events that were ever seen."),
];

/// Everything that may be written at `position`.
pub fn complete(view: View<'_>, position: Position) -> Vec<CompletionItem> {
    let context = Context::at(view.text, position);
    if loader::file_kind(view.path) != FileKind::Rule {
        return Vec::new();
    }
    if context.is_key {
        return keys(&context);
    }
    if let Some(entry) = key_entry(&context)
        && let Some(words) = entry.words
    {
        return words
            .iter()
            .map(|word| item(word, CompletionItemKind::ENUM_MEMBER, "", ""))
            .collect();
    }
    let catalogue = view.folder.catalogue();
    match context.path().as_slice() {
        ["trigger"] | ["trigger", "absent" | "after"] => events(),
        ["entity" | "by"] | ["alert", "dedup"] | ["trigger" | "sequence", "by"] => {
            roles(&catalogue)
        }
        ["params", _, "by"] => closed_fields(&catalogue),
        ["alert", "message"] | ["rekyc", "reason"] => template(view, &context),
        path if is_expression(path) => expression(view, &context),
        _ => Vec::new(),
    }
}

fn keys(context: &Context) -> Vec<CompletionItem> {
    let Some(section) = Section::under(&context.path()) else { return Vec::new() };
    let known = KEYS.iter().filter(|entry| entry.section == section);
    known
        .map(|entry| {
            let mut item = item(entry.key, CompletionItemKind::PROPERTY, "", entry.doc);
            item.insert_text = Some(format!("{}: ", entry.key));
            item
        })
        .collect()
}

/// The key that the cursor's value stands under.
pub fn key_entry(context: &Context) -> Option<&'static KeyEntry> {
    let path = context.path();
    let (key, above) = path.split_last()?;
    let section = Section::under(above)?;
    KEYS.iter().find(|entry| entry.section == section && entry.key == *key)
}

fn events() -> Vec<CompletionItem> {
    EventName::all()
        .map(|name| item(&name.word(), CompletionItemKind::EVENT, "", &reference::event_doc(name)))
        .collect()
}

fn roles(catalogue: &Catalogue) -> Vec<CompletionItem> {
    let roles = catalogue.roles().iter();
    roles.map(|role| item(&role.word, CompletionItemKind::ENUM, "role", &role.doc)).collect()
}

fn closed_fields(catalogue: &Catalogue) -> Vec<CompletionItem> {
    let fields = catalogue.fields().iter().filter(|field| field.values.is_some());
    fields.map(field_item).collect()
}

/// Inside the braces of a message.
fn template(view: View<'_>, context: &Context) -> Vec<CompletionItem> {
    let opened = context.before.rfind('{');
    let closed = context.before.rfind('}');
    if opened.is_none() || closed > opened {
        return Vec::new();
    }
    let mut items = names(view);
    items.extend(view.folder.catalogue().fields().iter().map(field_item));
    items
}

fn expression(view: View<'_>, context: &Context) -> Vec<CompletionItem> {
    let catalogue = view.folder.catalogue();
    if let Some((ahead, _)) = context.quoted() {
        return quoted(view, &catalogue, ahead);
    }
    let ahead = context.ahead().trim_end();
    if context.word().starts_with("list.") {
        return list_items(view);
    }
    let last = ahead.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    match last {
        "over" => return windows(view),
        "by" => return roles(&catalogue),
        "in" => {
            let mut items = list_items(view);
            items.push(item("[", CompletionItemKind::OPERATOR, "", "The words, in quotes."));
            return items;
        }
        _ => {}
    }
    // `by customer, ` names a further role, and not an argument.
    if ahead.ends_with(',') && is_key_of_window(ahead) {
        return roles(&catalogue);
    }
    let mut items = names(view);
    items.extend(catalogue.fields().iter().map(field_item));
    items.extend(FUNCTIONS.iter().map(|function| {
        let kind = CompletionItemKind::FUNCTION;
        let mut item = item(function.name, kind, function.form, function.doc);
        item.insert_text = Some(format!("{}($0)", function.name));
        item.insert_text_format = Some(InsertTextFormat::SNIPPET);
        item
    }));
    if ahead.ends_with('(') {
        items.extend(events());
    }
    let words =
        CONNECTIVES.iter().map(|(word, doc)| item(word, CompletionItemKind::KEYWORD, "", doc));
    items.extend(words);
    items.extend(list_items(view));
    items
}

/// Whether the words behind the last `by` are a key so far: names and commas only.
fn is_key_of_window(ahead: &str) -> bool {
    let behind = ahead.rsplit(" by ").next().filter(|behind| behind.len() < ahead.len());
    behind.is_some_and(|behind| {
        behind.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ',' | ' '))
    })
}

/// Inside quotes: the words of the field that it is compared with, rules, or columns of a list.
fn quoted(view: View<'_>, catalogue: &Catalogue, ahead: &str) -> Vec<CompletionItem> {
    let ahead = ahead.trim_end();
    if ahead.ends_with("matches(") {
        let files = view.folder.rule_files();
        return files
            .map(|(name, path)| item(name, CompletionItemKind::REFERENCE, path, ""))
            .collect();
    }
    let call = ahead.rsplit('(').next().unwrap_or_default();
    if ahead.contains("lookup(")
        && let Some(name) =
            call.split(',').next().and_then(|list| list.trim().strip_prefix("list."))
        && let Some(list) = view.folder.lists().get(name)
    {
        let columns = list.columns.iter();
        let kind = CompletionItemKind::FIELD;
        return columns.map(|column| item(&column.name, kind, column.ty.word(), "")).collect();
    }
    // `tx.type == "`, `tx.type in ["a", "`
    let operand =
        ahead.rsplit_once(" in [").map_or(ahead, |(left, _)| left.trim_end_matches(" not"));
    let operand = operand.trim_end().trim_end_matches(['=', '!', '<', '>']).trim_end();
    let word = operand.rsplit(|c: char| !super::context::is_word(c)).next().unwrap_or_default();
    let field = catalogue.by_path(word);
    let words = field.and_then(|field| field.values.clone()).unwrap_or_default();
    words.iter().map(|word| item(word, CompletionItemKind::ENUM_MEMBER, "", "")).collect()
}

fn windows(view: View<'_>) -> Vec<CompletionItem> {
    let words = WINDOWS.iter().map(|(word, doc)| item(word, CompletionItemKind::KEYWORD, "", doc));
    let lengths = LENGTHS.iter().map(|length| item(length, CompletionItemKind::VALUE, "", ""));
    let params = named(view, "params")
        .into_iter()
        .map(|(name, value)| item(&name, CompletionItemKind::CONSTANT, "parameter", &value));
    lengths.chain(words).chain(params).collect()
}

fn list_items(view: View<'_>) -> Vec<CompletionItem> {
    let lists = view.folder.lists().iter();
    lists
        .map(|(name, list)| {
            let detail = format!("{} values", list.rows.len());
            item(&format!("list.{name}"), CompletionItemKind::MODULE, &detail, "")
        })
        .collect()
}

/// Parameters, named values and steps of the rule.
fn names(view: View<'_>) -> Vec<CompletionItem> {
    let kinds = [
        ("params", CompletionItemKind::CONSTANT, "parameter"),
        ("let", CompletionItemKind::VARIABLE, "named value"),
    ];
    let mut items = Vec::new();
    for (section, kind, detail) in kinds {
        for (name, value) in named(view, section) {
            items.push(item(&name, kind, detail, &value));
        }
    }
    items
}

/// The entries of a section of the file, with what is written behind each.
fn named(view: View<'_>, section: &str) -> Vec<(String, String)> {
    let text = view.text.as_str();
    let (root, _) = source::read(view.path, text);
    let entries =
        root.as_ref().and_then(|root| root.entry(section)).and_then(|it| it.value.entries());
    if let Some(entries) = entries {
        let written = |node: &Node| {
            let text = text.get(node.span.start..node.span.end).unwrap_or_default();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        // Of a parameter with reasons its value and unit; the rest is for the hover.
        let brief = |node: &Node| {
            let part = |key| node.entry(key).map(|entry| written(&entry.value));
            match (part("value"), part("unit").unwrap_or_default()) {
                (Some(value), unit) => format!("`{value}` {unit}").trim_end().to_owned(),
                (None, _) => format!("`{}`", written(node)),
            }
        };
        return entries.iter().map(|it| (it.key.clone(), brief(&it.value))).collect();
    }
    // The file cannot be read as it stands: the lines below the section's key, one level in.
    let mut lines = text.lines().skip_while(|line| line.trim_end() != format!("{section}:"));
    lines.next();
    lines
        .take_while(|line| line.starts_with(' ') || line.trim().is_empty())
        .filter_map(|line| {
            let (key, value) = line.strip_prefix("  ")?.split_once(':')?;
            let is_name = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let value = value.trim();
            let told = if value.is_empty() { String::new() } else { format!("`{value}`") };
            (is_name && !key.is_empty()).then(|| (key.to_owned(), told))
        })
        .collect()
}

fn field_item(field: &Field) -> CompletionItem {
    let absent = if field.presence == Presence::Maybe { ", may be absent" } else { "" };
    let detail = format!("{}{absent}", field.ty.word());
    item(&field.path, CompletionItemKind::FIELD, &detail, &field.doc)
}

fn item(label: &str, kind: CompletionItemKind, detail: &str, doc: &str) -> CompletionItem {
    CompletionItem {
        label: label.to_owned(),
        kind: Some(kind),
        detail: (!detail.is_empty()).then(|| detail.to_owned()),
        documentation: (!doc.is_empty()).then(|| {
            Documentation::MarkupContent(lsp_types::MarkupContent {
                kind: lsp_types::MarkupKind::Markdown,
                value: doc.to_owned(),
            })
        }),
        ..CompletionItem::default()
    }
}
