//! The parts of a rule file, for the editor's outline: sections, named values, exceptions, tests.

use lsp_types::{DocumentSymbol, SymbolKind};

use crate::rulebook::source::{self, Entry, Node};
use crate::rulebook::typed::SourceSpan;

use super::text::Text;

/// The outline of a rule file; empty when it cannot be read.
pub fn outline(path: &str, text: &Text) -> Vec<DocumentSymbol> {
    let (root, _) = source::read(path, text.as_str());
    let entries = root.as_ref().and_then(Node::entries).unwrap_or_default();
    entries.iter().map(|entry| section(entry, text)).collect()
}

fn section(entry: &Entry, text: &Text) -> DocumentSymbol {
    let children = match entry.key.as_str() {
        "params" => entry.value.entries().map(|it| named(it, SymbolKind::CONSTANT, text)),
        "let" => entry.value.entries().map(|it| named(it, SymbolKind::VARIABLE, text)),
        "unless" => entry.value.items().map(|items| {
            let entries: Vec<Entry> =
                items.iter().filter_map(Node::entries).flatten().cloned().collect();
            named(&entries, SymbolKind::BOOLEAN, text)
        }),
        "tests" => entry.value.items().map(|items| tests(items, text)),
        _ => None,
    };
    let whole = SourceSpan { start: entry.key_span.start, end: end(entry) };
    symbol(entry.key.clone(), SymbolKind::PROPERTY, (whole, entry.key_span), text, children)
}

fn named(entries: &[Entry], kind: SymbolKind, text: &Text) -> Vec<DocumentSymbol> {
    entries
        .iter()
        .map(|entry| {
            let whole = SourceSpan { start: entry.key_span.start, end: end(entry) };
            symbol(entry.key.clone(), kind, (whole, entry.key_span), text, None)
        })
        .collect()
}

fn tests(items: &[Node], text: &Text) -> Vec<DocumentSymbol> {
    items
        .iter()
        .filter_map(|item| {
            let name = &item.entry("name")?.value;
            let label = name.scalar()?.to_owned();
            Some(symbol(label, SymbolKind::EVENT, (item.span, name.span), text, None))
        })
        .collect()
}

fn end(entry: &Entry) -> usize {
    entry.value.span.end.max(entry.key_span.end)
}

fn symbol(
    name: String,
    kind: SymbolKind,
    (whole, own): (SourceSpan, SourceSpan),
    text: &Text,
    children: Option<Vec<DocumentSymbol>>,
) -> DocumentSymbol {
    // An empty name, or a name outside its whole, is refused by editors.
    let whole = SourceSpan { start: whole.start.min(own.start), end: whole.end.max(own.end) };
    let name = if name.is_empty() { "(no name)".to_owned() } else { name };
    #[expect(deprecated, reason = "the protocol's type still has the field `deprecated`")]
    DocumentSymbol {
        name,
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range: text.range(whole),
        selection_range: text.range(own),
        children,
    }
}
