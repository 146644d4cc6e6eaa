//! Rules folders as the editor sees them: files on disk, with open documents in their place.
//!
//! A document belongs to the nearest folder above it that holds `lists/` or `schema.yaml`, or that is
//! named `rules`; without one, to the folder it lies in. The folder is checked whole, because a list or
//! another rule decides about a rule as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_types::Uri;
use url::Url;

use crate::files::{self, Stamp};
use crate::rulebook::catalogue::Catalogue;
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::folder::{Checked, FolderChecker};
use crate::rulebook::list::List;
use crate::rulebook::loader::{self, FileKind};
use crate::rulebook::typed::Rule;

use super::text::Text;

/// Everything that is open, and the folders that belong to it.
#[derive(Debug, Default)]
pub struct Workspace {
    documents: BTreeMap<PathBuf, Text>,
    folders: BTreeMap<PathBuf, Folder>,
}

/// One rules folder, as last checked.
#[derive(Debug, Default)]
pub struct Folder {
    /// Texts on disk, by path relative to the folder, and the files as they were when they were read.
    disk: BTreeMap<String, (Stamp, String)>,
    /// The same with open documents in their place.
    texts: BTreeMap<String, String>,
    /// What was found before, so that only what changed is checked again.
    checker: FolderChecker,
    /// What came of the texts.
    checked: Checked,
    /// Files that had diagnostics when they were last told to the editor.
    told: BTreeSet<String>,
}

/// A document with the folder that it lies in.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The folder.
    pub root: &'a Path,
    /// The document's path relative to it.
    pub path: &'a str,
    /// The document.
    pub text: &'a Text,
    /// What is known of the folder.
    pub folder: &'a Folder,
}

impl Workspace {
    /// Takes a document in, or its new text.
    pub fn open(&mut self, path: PathBuf, text: String) {
        self.documents.insert(path, Text::new(text));
    }

    /// Changes an open document.
    pub fn change(&mut self, path: &Path, range: Option<lsp_types::Range>, with: &str) {
        if let Some(document) = self.documents.get_mut(path) {
            *document = document.changed(range, with);
        }
    }

    /// Forgets a document; what is on disk counts again.
    pub fn close(&mut self, path: &Path) {
        self.documents.remove(path);
    }

    /// Reads the file at `path` from disk again at the next check, whatever its stamp says.
    pub fn forget_disk(&mut self, path: &Path) {
        let root = root_of(path);
        if let (Some(folder), Some(name)) = (self.folders.get_mut(&root), relative(&root, path)) {
            folder.disk.remove(&name);
        }
    }

    /// Checks the folder of `path`: for each file that has or had something to say, all of it.
    pub fn check(&mut self, path: &Path) -> Vec<(PathBuf, Text, Vec<Diagnostic>)> {
        let root = root_of(path);
        let folder = self.folders.entry(root.clone()).or_default();
        folder.refresh(&root);
        let on_disk = folder.disk.iter().map(|(path, (_, text))| (path.clone(), text.clone()));
        folder.texts = on_disk.collect();
        for (path, text) in &self.documents {
            if let Some(relative) = relative(&root, path) {
                folder.texts.insert(relative, text.as_str().to_owned());
            }
        }
        folder.checked = folder.checker.check(&folder.texts);
        let mut by_file: BTreeMap<String, Vec<Diagnostic>> =
            folder.told.iter().map(|path| (path.clone(), Vec::new())).collect();
        for problem in &folder.checked.diagnostics {
            by_file.entry(problem.path.clone()).or_default().push(problem.clone());
        }
        folder.told = folder.checked.diagnostics.iter().map(|it| it.path.clone()).collect();
        let told = by_file.into_iter().map(|(path, problems)| {
            let text = folder.texts.get(&path).cloned().unwrap_or_default();
            (root.join(path), Text::new(text), problems)
        });
        told.collect()
    }

    /// The document at `path`, if it is open and its folder was checked.
    pub fn view<'a>(&'a self, path: &Path) -> Option<View<'a>> {
        let (root, folder) = self.folders.get_key_value(&root_of(path))?;
        let text = self.documents.get(path)?;
        let name = relative(root, path)?;
        let (path, _) = folder.texts.get_key_value(&name)?;
        Some(View { root, path, text, folder })
    }
}

impl Folder {
    /// Reads what is another than when it was read last. A file that cannot be read is left out, and a
    /// folder that cannot be read has none; the open document is checked all the same.
    fn refresh(&mut self, root: &Path) {
        let stamps = files::stamps(root).unwrap_or_default();
        self.disk.retain(|path, (known, _)| stamps.get(path) == Some(known));
        for (path, stamp) in stamps {
            if !self.disk.contains_key(&path)
                && let Ok(text) = files::read_one(root, &path)
            {
                self.disk.insert(path, (stamp, text));
            }
        }
    }

    /// The fields and roles.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.checker.catalogue)
    }

    /// The rule of a file without errors.
    pub fn rule(&self, path: &str) -> Option<&Rule> {
        self.checked.rules.get(path).map(Arc::as_ref)
    }

    /// The names of all rules with their files, also of files with errors.
    pub fn rule_files(&self) -> impl Iterator<Item = (&str, &str)> {
        let paths = self.texts.keys().map(String::as_str);
        let rules = paths.filter(|path| loader::file_kind(path) == FileKind::Rule);
        rules.map(|path| (stem(path), path))
    }

    /// The lists by name.
    pub const fn lists(&self) -> &BTreeMap<String, List> {
        &self.checker.lists
    }

    /// The problems of one file.
    pub fn problems<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Diagnostic> {
        self.checked.diagnostics.iter().filter(move |problem| problem.path == path)
    }
}

/// The rules folder that `path` belongs to.
pub fn root_of(path: &Path) -> PathBuf {
    let is_root = |folder: &&Path| {
        folder.join("lists").is_dir()
            || folder.join("schema.yaml").is_file()
            || folder.file_name().is_some_and(|name| name == "rules")
    };
    let parent = path.parent().unwrap_or(path);
    path.ancestors().skip(1).find(is_root).unwrap_or(parent).to_owned()
}

/// With `/` between parts, as rules are named in the rulebook.
fn relative(root: &Path, path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root).ok()?;
    let parts = inside.iter().map(|part| part.to_str());
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

/// A file's name without folder and ending.
pub fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// The file that a URI names, if it names one on this machine.
pub fn path_of(uri: &Uri) -> Option<PathBuf> {
    Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

/// The URI of a file.
pub fn uri_of(path: &Path) -> Option<Uri> {
    Url::from_file_path(path).ok()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri_and_comes_back() {
        let path = Path::new("/tmp/my rules/王/a.yaml");
        let uri = uri_of(path).expect("a file has a URI");
        assert!(uri.as_str().starts_with("file:///tmp/my%20rules/"), "{}", uri.as_str());
        assert_eq!(path_of(&uri).as_deref(), Some(path));
        assert_eq!(path_of(&"untitled:Untitled-1".parse().expect("a URI")), None);
    }

    #[test]
    fn a_document_belongs_to_the_nearest_folder_that_holds_lists() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("mine");
        std::fs::create_dir_all(root.join("lists")).expect("a folder");
        assert_eq!(root_of(&root.join("pack/a.yaml")), root);
        assert_eq!(root_of(&folder.path().join("other/a.yaml")), folder.path().join("other"));
        assert_eq!(root_of(Path::new("/x/rules/p/a.yaml")), Path::new("/x/rules"));
    }
}
