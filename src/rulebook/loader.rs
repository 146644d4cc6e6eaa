//! All rule and list files and the schema together: one rulebook, or every reason why not.
//!
//! In: the texts by path relative to the rules folder, already read by the caller. Out: the rulebook
//! if no file has an error, and all diagnostics, by path and place. Files that are none
//! of these, and what editors leave behind, are ignored.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, has_error};
use super::folder::{Checked, FolderChecker};
use super::typed::{Rule, Rulebook, Status};

/// What came of the files.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// There only if no file has an error.
    pub rulebook: Option<Rulebook>,
    /// Every rule that has no error itself, by path; also those that are off.
    pub rules: BTreeMap<String, Arc<Rule>>,
    /// Sorted by path, then by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a deployment's own fields and roles are, relative to the rules folder.
pub const SCHEMA_PATH: &str = "schema.yaml";

/// What a file in the rules folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `<pack>/<rule>.yaml`
    Rule,
    /// `lists/<name>.csv`
    List,
    /// [`SCHEMA_PATH`]
    Schema,
    /// Something that is not read.
    Other,
}

/// What the file at `path`, relative to the rules folder, is.
#[must_use]
pub fn file_kind(path: &str) -> FileKind {
    let is_hidden = path.split('/').any(|part| part.starts_with('.'));
    if is_hidden {
        return FileKind::Other;
    }
    match path.rsplit_once('.') {
        _ if path == SCHEMA_PATH => FileKind::Schema,
        Some((_, "yaml" | "yml")) => FileKind::Rule,
        Some((stem, "csv")) if stem.starts_with("lists/") => FileKind::List,
        _ => FileKind::Other,
    }
}

/// Checks all files and makes the rulebook of them.
#[must_use]
pub fn load(sources: &BTreeMap<String, String>) -> Loaded {
    let mut checker = FolderChecker::default();
    let Checked { rules, diagnostics } = checker.check(sources);
    if has_error(&diagnostics) {
        return Loaded { rulebook: None, rules, diagnostics };
    }
    let live = rules.values().filter(|rule| rule.status != Status::Off);
    let mut live: Vec<Arc<Rule>> = live.map(Arc::clone).collect();
    live.sort_by(|left, right| left.name.cmp(&right.name));
    let sources: BTreeMap<String, String> = sources
        .iter()
        .filter(|(path, _)| file_kind(path) != FileKind::Other)
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect();
    let FolderChecker { catalogue, institution, lists, .. } = checker;
    let rulebook =
        Rulebook { digest: digest(&sources), catalogue, rules: live, institution, lists, sources };
    Loaded { rulebook: Some(rulebook), rules, diagnostics }
}

pub(super) fn of_kind(
    sources: &BTreeMap<String, String>,
    kind: FileKind,
) -> impl Iterator<Item = (&str, &str)> {
    let files = sources.iter().filter(move |(path, _)| file_kind(path) == kind);
    files.map(|(path, text)| (path.as_str(), text.as_str()))
}

/// The file's name without folder and ending.
pub(super) fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// Hexadecimal BLAKE3 over all paths and texts, each with its length before it.
fn digest(sources: &BTreeMap<String, String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in sources.iter().flat_map(|(path, text)| [path, text]) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
