//! Where a name is defined: in this file, in a list file, or in another rule.

use lsp_types::{Location, Position, Range};

use crate::rulebook::source::{self, Node};

use super::context::word_at;
use super::workspace::{View, uri_of};

/// The place where what stands at `position` is defined.
pub fn definition(view: View<'_>, position: Position) -> Option<Location> {
    let offset = view.text.offset(position);
    let (start, word) = word_at(view.text.as_str(), offset)?;
    if let Some(name) = word.strip_prefix("list.") {
        return file(view, &format!("lists/{name}.csv"));
    }
    let before = view.text.as_str().get(..start).unwrap_or_default();
    if before.ends_with("matches(\"") {
        let path = view.folder.rule_files().find(|(name, _)| *name == word).map(|(_, path)| path);
        return file(view, path?);
    }
    let name = word.split('.').next().unwrap_or(word);
    let (root, _) = source::read(view.path, view.text.as_str());
    let root = root?;
    let section = |key: &str| root.entry(key).and_then(|entry| entry.value.entries());
    let named = ["let", "params"].into_iter().filter_map(section).flatten();
    let steps = root.entry("sequence").and_then(|entry| entry.value.entry("steps"));
    let steps = steps.and_then(|entry| entry.value.items()).unwrap_or_default();
    let steps = steps.iter().filter_map(Node::entries).flatten();
    let entry = named.chain(steps).find(|entry| entry.key == name)?;
    let path = view.root.join(view.path);
    Some(Location { uri: uri_of(&path)?, range: view.text.range(entry.key_span) })
}

/// The beginning of a file of the folder.
fn file(view: View<'_>, path: &str) -> Option<Location> {
    let path = view.root.join(path);
    path.is_file().then(|| Some(Location { uri: uri_of(&path)?, range: Range::default() }))?
}
