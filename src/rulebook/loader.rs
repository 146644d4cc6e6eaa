//! All rule and list files and the schema together: one rulebook, or every reason why not.
//!
//! In: the texts by path relative to the rules folder, already read by the caller. Out: the rulebook
//! if no file has an error, and all diagnostics, by path and place. Files that are none
//! of these, and what editors leave behind, are ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::catalogue::{self, Catalogue};
use super::check;
use super::compose;
use super::diagnostic::{Diagnostic, has_error};
use super::institution::Institution;
use super::lists;
use super::typed::{List, Rule, Rulebook, SourceSpan, Status};

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
    let mut diagnostics = Vec::new();
    let misplaced: BTreeSet<&str> = misplaced_schemas(sources).collect();
    diagnostics.extend(misplaced.iter().map(|path| belongs_at_the_top(path)));
    let (catalogue, institution) =
        read_schema(sources, misplaced.first().copied(), &mut diagnostics);
    let lists = read_lists(sources, &mut diagnostics);
    let mut rules: BTreeMap<String, Arc<Rule>> = BTreeMap::new();
    let mut first_paths: BTreeMap<&str, &str> = BTreeMap::new();
    let rule_files = of_kind(sources, FileKind::Rule);
    for (path, text) in rule_files.filter(|(path, _)| !misplaced.contains(path)) {
        let (rule, problems) = check::check(path, text, &catalogue, &lists, &institution);
        diagnostics.extend(problems);
        rules.extend(rule.map(|rule| (path.to_owned(), Arc::new(rule))));
        // A rule's name is its file's, so that names are known even of files with errors.
        if let Some(first) = first_paths.get(stem(path)) {
            diagnostics.push(twice(path, text, first));
        } else {
            first_paths.insert(stem(path), path);
        }
    }
    let names = first_paths.keys().copied().collect();
    let read: Vec<Arc<Rule>> = rules.values().map(Arc::clone).collect();
    diagnostics.extend(compose::problems(&read, &names));
    diagnostics.sort_by(Diagnostic::by_place);
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
    let rulebook =
        Rulebook { digest: digest(&sources), catalogue, rules: live, institution, lists, sources };
    Loaded { rulebook: Some(rulebook), rules, diagnostics }
}

fn of_kind(
    sources: &BTreeMap<String, String>,
    kind: FileKind,
) -> impl Iterator<Item = (&str, &str)> {
    let files = sources.iter().filter(move |(path, _)| file_kind(path) == kind);
    files.map(|(path, text)| (path.as_str(), text.as_str()))
}

/// Files that hold a schema and are read as rules: `schema.yml`, or `schema.yaml` within a pack.
fn misplaced_schemas(sources: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    let has_key = |text: &str, keys: &[&str]| {
        text.lines().any(|line| line.split_once(':').is_some_and(|(key, _)| keys.contains(&key)))
    };
    let is_schema = move |path: &str, text: &str| {
        // A rule may be called so.
        stem(path) == "schema"
            && has_key(text, &["institution", "fields", "roles"])
            && !has_key(text, &["rule", "trigger", "when"])
    };
    of_kind(sources, FileKind::Rule)
        .filter(move |(path, text)| is_schema(path, text))
        .map(|(path, _)| path)
}

fn belongs_at_the_top(path: &str) -> Diagnostic {
    let title = "a schema is one file at the top of the rules folder";
    let span = SourceSpan::default();
    Diagnostic::new("E099", path, span, title, "not read from here")
        .with_help(format!("move it to `{SCHEMA_PATH}`, beside the packs"))
}

/// The built-in fields and roles, and those of the deployment if it has any. Without a schema in its place
/// rules are checked by the `misplaced` one, so that they are not called wrong for where it is.
fn read_schema(
    sources: &BTreeMap<String, String>,
    misplaced: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Arc<Catalogue>, Institution) {
    let built_in = Catalogue::built_in();
    let path = if sources.contains_key(SCHEMA_PATH) { Some(SCHEMA_PATH) } else { misplaced };
    let file = path.and_then(|path| Some((path, sources.get(path)?)));
    let Some((path, text)) = file else { return (built_in, Institution::default()) };
    let schema = catalogue::read::schema(path, text, &built_in);
    diagnostics.extend(schema.problems);
    (Arc::new(schema.catalogue), schema.institution)
}

/// A list with problems is kept, so that rules which name it are not called wrong for it.
fn read_lists(
    sources: &BTreeMap<String, String>,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<String, List> {
    let mut by_name = BTreeMap::new();
    for (path, text) in of_kind(sources, FileKind::List) {
        let name = stem(path);
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            let title = format!("a rule cannot name the list `{name}`");
            let help = format!("rename the file to `{}.csv`", name.replace(['-', ' ', '.'], "_"));
            let span = SourceSpan::default();
            let problem = Diagnostic::new("E046", path, span, title, "this file's name");
            diagnostics.push(problem.with_help(help));
        }
        let (list, problems) = lists::read(path, text);
        diagnostics.extend(problems);
        by_name.insert(name.to_owned(), list);
    }
    by_name
}

/// The file's name without folder and ending.
fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

fn twice(path: &str, text: &str, first: &str) -> Diagnostic {
    let at = text.find("rule:").unwrap_or_default();
    let line = text.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let span = SourceSpan { start: at, end: at + line.trim_end().len() };
    let title = format!("two rules are named `{}`", stem(path));
    Diagnostic::new("E018", path, span, title, format!("the other is `{first}`"))
        .with_help("rename one of them, file and key `rule`")
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
