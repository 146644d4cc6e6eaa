//! All files of a rules folder checked together, once or again and again.
//!
//! In: the texts by path. Out: every sound rule and all diagnostics. What was found is kept with what it
//! depends on, so that the next check looks only at what can have changed: a rule is checked again when
//! its text, the schema, the names of the lists or a list that it reads is another one. A check that is
//! made anew finds the same; a test holds this.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blake3::Hash;

use super::catalogue::{self, Catalogue};
use super::check;
use super::compose;
use super::diagnostic::Diagnostic;
use super::institution::Institution;
use super::lists;
use super::loader::{FileKind, SCHEMA_PATH, of_kind, stem};
use super::meaning::lists_read;
use super::typed::{List, Rule, SourceSpan};

/// What came of the files.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Every rule that has no error itself, by path.
    pub rules: BTreeMap<String, Arc<Rule>>,
    /// Sorted by path, then by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a folder, and remembers what it found.
#[derive(Debug)]
pub struct FolderChecker {
    /// The fields and roles, those of the deployment among them.
    pub catalogue: Arc<Catalogue>,
    /// What holds for all rules.
    pub institution: Institution,
    /// The lists by name, also of files with errors, so that rules which name them are not called wrong.
    pub lists: BTreeMap<String, List>,
    /// Where the schema was and its text.
    schema: Option<(String, Hash)>,
    schema_problems: Vec<Diagnostic>,
    /// The list files by path: text and problems.
    list_files: BTreeMap<String, (Hash, Vec<Diagnostic>)>,
    /// No two list files had one name.
    lists_are_settled: bool,
    /// The rule files by path.
    rule_files: BTreeMap<String, RuleFile>,
}

/// What was found in a rule file, and what it depends on beside the schema.
#[derive(Debug)]
struct RuleFile {
    text: Hash,
    reads: Reads,
    rule: Option<Arc<Rule>>,
    problems: Vec<Diagnostic>,
}

/// The lists that what was found depends on.
#[derive(Debug)]
enum Reads {
    /// These in these versions; the rule is sound.
    These(BTreeMap<String, String>),
    /// Any may decide, since what the rule means is not known.
    Any,
}

impl Default for FolderChecker {
    fn default() -> Self {
        Self {
            catalogue: Catalogue::built_in(),
            institution: Institution::default(),
            lists: BTreeMap::new(),
            schema: None,
            schema_problems: Vec::new(),
            list_files: BTreeMap::new(),
            lists_are_settled: true,
            rule_files: BTreeMap::new(),
        }
    }
}

impl FolderChecker {
    /// Checks the folder as it is now.
    pub fn check(&mut self, sources: &BTreeMap<String, String>) -> Checked {
        let misplaced: BTreeSet<&str> = misplaced_schemas(sources).collect();
        let is_other_schema = self.read_schema(sources, misplaced.first().copied());
        let names: BTreeSet<String> = self.lists.keys().cloned().collect();
        let versions = self.versions();
        self.read_lists(sources);
        let is_other_list = self.versions() != versions;
        let are_other_names = !self.lists.keys().eq(&names);
        let is_rule = |path: &str| sources.contains_key(path) && !misplaced.contains(path);
        self.rule_files.retain(|path, _| is_rule(path));
        for (path, text) in of_kind(sources, FileKind::Rule).filter(|(path, _)| is_rule(path)) {
            let hash = blake3::hash(text.as_bytes());
            let is_same = self.rule_files.get(path).is_some_and(|known| {
                !is_other_schema
                    && !are_other_names
                    && known.text == hash
                    && match &known.reads {
                        Reads::These(lists) => self.are_current(lists),
                        Reads::Any => !is_other_list,
                    }
            });
            if !is_same {
                let file = self.check_rule(path, text, hash);
                self.rule_files.insert(path.to_owned(), file);
            }
        }
        self.gather(sources, &misplaced)
    }

    /// The version of each list.
    fn versions(&self) -> BTreeMap<String, String> {
        self.lists.iter().map(|(name, list)| (name.clone(), list.digest.clone())).collect()
    }

    fn are_current(&self, versions: &BTreeMap<String, String>) -> bool {
        let is_current = |(name, version): (&String, &String)| {
            self.lists.get(name).is_some_and(|list| list.digest == *version)
        };
        versions.iter().all(is_current)
    }

    fn check_rule(&self, path: &str, text: &str, hash: Hash) -> RuleFile {
        let (rule, problems) =
            check::check(path, text, &self.catalogue, &self.lists, &self.institution);
        let reads = rule.as_ref().map_or(Reads::Any, |rule| {
            let stories = rule.tests.iter().flat_map(|test| test.lists.keys().cloned());
            let names = lists_read(rule).into_iter().chain(stories);
            let version = |name: String| {
                let digest = self.lists.get(&name).map(|list| list.digest.clone());
                (name, digest.unwrap_or_default())
            };
            Reads::These(names.map(version).collect())
        });
        RuleFile { text: hash, reads, rule: rule.map(Arc::new), problems }
    }

    /// Everything that is known, in order, with what only all rules together can tell.
    fn gather(&self, sources: &BTreeMap<String, String>, misplaced: &BTreeSet<&str>) -> Checked {
        let mut diagnostics = self.schema_problems.clone();
        diagnostics.extend(misplaced.iter().map(|path| belongs_at_the_top(path)));
        diagnostics.extend(self.list_files.values().flat_map(|(_, problems)| problems).cloned());
        let mut rules: BTreeMap<String, Arc<Rule>> = BTreeMap::new();
        let mut first_paths: BTreeMap<&str, &str> = BTreeMap::new();
        for (path, file) in &self.rule_files {
            diagnostics.extend(file.problems.iter().cloned());
            rules.extend(file.rule.iter().map(|rule| (path.clone(), Arc::clone(rule))));
            // A rule's name is its file's, so that names are known even of files with errors.
            if let Some(first) = first_paths.get(stem(path)) {
                let text = sources.get(path).map_or("", String::as_str);
                diagnostics.push(twice(path, text, first));
            } else {
                first_paths.insert(stem(path), path);
            }
        }
        let names = first_paths.keys().copied().collect();
        let read: Vec<Arc<Rule>> = rules.values().map(Arc::clone).collect();
        diagnostics.extend(compose::problems(&read, &names));
        diagnostics.sort_by(Diagnostic::by_place);
        Checked { rules, diagnostics }
    }

    /// The built-in fields and roles, and those of the deployment if it has any. Without a schema in its
    /// place rules are checked by the `misplaced` one, so that they are not called wrong for where it is.
    /// Gives back whether fields and roles are others than before.
    fn read_schema(&mut self, sources: &BTreeMap<String, String>, misplaced: Option<&str>) -> bool {
        let path = if sources.contains_key(SCHEMA_PATH) { Some(SCHEMA_PATH) } else { misplaced };
        let file = path.and_then(|path| Some((path, sources.get(path)?)));
        let read = file.map(|(path, text)| (path.to_owned(), blake3::hash(text.as_bytes())));
        if read == self.schema {
            return false;
        }
        let built_in = Catalogue::built_in();
        (self.catalogue, self.institution, self.schema_problems) = match file {
            None => (built_in, Institution::default(), Vec::new()),
            Some((path, text)) => {
                let schema = catalogue::read::schema(path, text, &built_in);
                (Arc::new(schema.catalogue), schema.institution, schema.problems)
            }
        };
        self.schema = read;
        true
    }

    fn read_lists(&mut self, sources: &BTreeMap<String, String>) {
        let files: BTreeMap<&str, &str> = of_kind(sources, FileKind::List).collect();
        let names: BTreeSet<&str> = files.keys().copied().map(stem).collect();
        // Two files of one name: which of them counts is settled by reading all of them in order.
        let is_settled = names.len() == files.len();
        let was_settled = std::mem::replace(&mut self.lists_are_settled, is_settled);
        let is_settled = is_settled && was_settled;
        self.list_files.retain(|path, _| is_settled && files.contains_key(path.as_str()));
        self.lists.retain(|name, _| is_settled && names.contains(name.as_str()));
        for (path, text) in files {
            let hash = blake3::hash(text.as_bytes());
            if self.list_files.get(path).is_some_and(|(known, _)| *known == hash) {
                continue;
            }
            let mut problems: Vec<Diagnostic> = misnamed(path).into_iter().collect();
            let (list, others) = lists::read(path, text);
            problems.extend(others);
            self.lists.insert(stem(path).to_owned(), list);
            self.list_files.insert(path.to_owned(), (hash, problems));
        }
    }
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

/// A list file whose name no rule can write.
fn misnamed(path: &str) -> Option<Diagnostic> {
    let name = stem(path);
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let problem = || {
        let title = format!("a rule cannot name the list `{name}`");
        let help = format!("rename the file to `{}.csv`", name.replace(['-', ' ', '.'], "_"));
        let span = SourceSpan::default();
        Diagnostic::new("E046", path, span, title, "this file's name").with_help(help)
    };
    (!is_name).then(problem)
}

fn twice(path: &str, text: &str, first: &str) -> Diagnostic {
    let at = text.find("rule:").unwrap_or_default();
    let line = text.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let span = SourceSpan { start: at, end: at + line.trim_end().len() };
    let title = format!("two rules are named `{}`", stem(path));
    Diagnostic::new("E018", path, span, title, format!("the other is `{first}`"))
        .with_help("rename one of them, file and key `rule`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, when: &str, rest: &str) -> String {
        format!(
            "lang: 1\nrule: {name}\ntitle: T\nabout: A.\nseverity: low\ntrigger: transaction\n\
             entity: customer\nwhen: {when}\nalert: {{ score: 1, message: M. }}\n{rest}"
        )
    }

    /// Edits one after another: which file, and its new text; none takes it away.
    fn edits() -> Vec<(&'static str, Option<String>)> {
        let reads = |name: &str| rule(name, "tx.country in list.far", "");
        let looks = |column: &str| {
            rule("l", &format!("lookup(list.far, tx.country, \"{column}\") > 1"), "")
        };
        let story = "tests:\n  - name: t\n    given: { list: { far: [{ value: SE, limit: 3 }] } }\n    \
                     events: [{ at: 0h, tx: { customer: C, amount: 1 } }]\n    alerts: []\n";
        vec![
            ("p/a.yaml", Some(reads("a"))),
            ("lists/far.csv", Some("value\nKP\n".into())),
            ("p/l.yaml", Some(looks("limit"))),
            ("p/t.yaml", Some(rule("t", "tx.amount > 1", story))),
            ("lists/far.csv", Some("value,limit:number\nKP,1\n".into())),
            ("lists/far.csv", Some("value,limit:number\nKP,x\n".into())),
            ("lists/far.csv", Some("value,limit:text\nKP,1\n".into())),
            ("p/m.yaml", Some(rule("m", "matches(\"a\", 7d) > 1", ""))),
            ("q/a.yaml", Some(reads("a"))),
            ("p/a.yaml", None),
            ("schema.yaml", Some("fields:\n  tx.extra.w: { type: text, doc: W. }\n".into())),
            ("p/w.yaml", Some(rule("w", "tx.extra.w == \"x\"", ""))),
            ("schema.yaml", Some("fields:\n  tx.extra.w: { type: number, doc: W. }\n".into())),
            ("schema.yaml", None),
            ("p/schema.yaml", Some("fields:\n  tx.extra.w: { type: text, doc: W. }\n".into())),
            ("schema.yml", Some("institution: { zone: Nowhere }\n".into())),
            ("p/schema.yaml", Some(rule("schema", "tx.amount > 1", ""))),
            ("schema.yml", None),
            ("p/c.yaml", Some(rule("c", "convert(tx.amount, \"USD\") > 5", ""))),
            ("lists/fx_rates.csv", Some("value,rate:number\nUSD,0.9\n".into())),
            ("lists/fx_rates.csv", Some("value,rate:number\nSEK,0.1\n".into())),
            ("lists/more/far.csv", Some("value\nIR\n".into())),
            ("lists/far.csv", None),
            ("lists/more/far.csv", None),
            ("lists/fat.csv", Some("value\n".into())),
            ("q/a.yaml", Some("rule: [".into())),
            ("lists/a-b.csv", Some("value\n".into())),
            ("q/a.yaml", None),
        ]
    }

    #[test]
    fn a_folder_that_was_checked_before_is_answered_like_a_new_one() {
        let mut again = FolderChecker::default();
        let mut sources = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (path, text) in edits() {
            match text {
                Some(text) => drop(sources.insert(path.to_owned(), text)),
                None => drop(sources.remove(path)),
            }
            let mut anew = FolderChecker::default();
            let (known, fresh) = (again.check(&sources), anew.check(&sources));
            assert_eq!(known.diagnostics, fresh.diagnostics, "after {path}");
            let meanings = |checked: &Checked| -> Vec<(String, String)> {
                let rules = checked.rules.iter();
                rules.map(|(path, rule)| (path.clone(), rule.meaning.clone())).collect()
            };
            assert_eq!(meanings(&known), meanings(&fresh), "after {path}");
            assert_eq!(again.lists, anew.lists, "after {path}");
            seen.extend(fresh.diagnostics.iter().map(|problem| problem.code));
        }
        for code in ["E018", "E021", "E031", "E046", "E061", "E063", "E087", "E099"] {
            assert!(seen.contains(code), "no edit led to {code}, only to {seen:?}");
        }
    }

    #[test]
    fn what_did_not_change_is_not_checked_again() {
        let mut checker = FolderChecker::default();
        let mut sources: BTreeMap<String, String> = [
            ("p/a.yaml", rule("a", "tx.country in list.far", "")),
            ("p/b.yaml", rule("b", "tx.amount > 1", "")),
            ("lists/far.csv", "value\nKP\n".to_owned()),
        ]
        .map(|(path, text)| (path.to_owned(), text))
        .into();
        let first = checker.check(&sources).rules;
        let is_same = |rules: &BTreeMap<String, Arc<Rule>>, path: &str| {
            Arc::ptr_eq(&first[path], &rules[path])
        };
        sources.insert("lists/far.csv".to_owned(), "value\nIR\n".to_owned());
        let second = checker.check(&sources).rules;
        assert!(!is_same(&second, "p/a.yaml"), "its list is another one");
        assert!(is_same(&second, "p/b.yaml"));
        sources.insert("p/a.yaml".to_owned(), rule("a", "tx.amount > 2", ""));
        assert!(is_same(&checker.check(&sources).rules, "p/b.yaml"));
        sources.insert("schema.yaml".to_owned(), "institution: { zone: UTC }\n".to_owned());
        assert!(!is_same(&checker.check(&sources).rules, "p/b.yaml"));
    }
}
