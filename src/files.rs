//! The rules folder: from files on disk to the texts that the rulebook is made of.
//!
//! In: a folder or some files. Out: texts by path relative to the rules folder, in order; of some files with
//! the whole rules folder around them, and which were meant. Files that editors
//! leave behind (`.x`, `x~`, `.swp`, `.tmp`) are left out, and so is what is neither
//! a rule nor a list nor the schema.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::loader::{self, Loaded, SCHEMA_PATH};
use crate::rulebook::source;

/// Largest rule or list file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Deepest folder below the rules folder.
const DEPTH_MAX: usize = 8;

/// Why the rules could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("failed to read {path}: {reason}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A file cannot be written.
    #[error("failed to write {path}: {reason}")]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A file is not text.
    #[error("failed to read {path}: it is not UTF-8 text")]
    NotText {
        /// Which.
        path: PathBuf,
    },
    /// A file is larger than any rule or list.
    #[error("failed to read {path}: it is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// Places in two rules folders, which cannot be told apart.
    #[error("two files are `{path}` in their rules folders; name one rules folder at a time")]
    Twice {
        /// Relative to the rules folder.
        path: String,
    },
    /// There is nothing to read.
    #[error("found no rule file in {path}; rule files end in .yaml")]
    Nothing {
        /// Where.
        path: PathBuf,
    },
}

/// Reads the schema and every rule (`.yaml`, `.yml`) and list (`lists/*.csv`) below `folder`.
///
/// # Errors
/// The first file that cannot be read; an unreadable rule is never left out silently.
pub fn read_folder(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut texts = BTreeMap::new();
    walk(folder, folder, 0, &mut texts, read_file)?;
    if !texts.keys().any(|path| is_rule(Path::new(path))) {
        return Err(Error::Nothing { path: folder.to_owned() });
    }
    Ok(texts)
}

/// When a file was last written, and how large it is: whether to read it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

/// The stamps of all files that [`read_folder`] would read, by path; also of a folder without rules.
///
/// # Errors
/// A folder cannot be read.
pub fn stamps(folder: &Path) -> Result<BTreeMap<String, Stamp>, Error> {
    let mut found = BTreeMap::new();
    walk(folder, folder, 0, &mut found, |path| {
        let unreadable = |reason| Error::Unreadable { path: path.to_owned(), reason };
        let about = fs::metadata(path).map_err(unreadable)?;
        Ok(Stamp { modified: about.modified().ok(), bytes: about.len() })
    })?;
    Ok(found)
}

/// Reads one file below a rules folder.
///
/// # Errors
/// It cannot be read, is not text or too large.
pub fn read_one(folder: &Path, path: &str) -> Result<String, Error> {
    read_file(&folder.join(path))
}

/// What somebody asked for, and the whole rules folder around it: a rule means what it means among the
/// schema, the lists and the other rules.
#[derive(Debug, Default)]
pub struct Asked {
    /// Every text of the rules folder; of files that are not text, what can be shown of them.
    pub texts: BTreeMap<String, String>,
    /// The files that were asked for, and where they are as seen from the working directory.
    pub places: BTreeMap<String, PathBuf>,
    /// One problem for each file that is not text.
    not_text: Vec<Diagnostic>,
}

impl Asked {
    /// Whether the file at `path`, relative to the rules folder, was asked for.
    #[must_use]
    pub fn is_asked(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Why the file at `path` is no text, if it is none.
    #[must_use]
    pub fn undecoded(&self, path: &str) -> Option<&Diagnostic> {
        self.not_text.iter().find(|problem| problem.path == path)
    }

    /// The rulebook of the whole folder. Of a file that is not text only that is said.
    #[must_use]
    pub fn load(&self) -> Loaded {
        let mut loaded = loader::load(&self.texts);
        if self.not_text.is_empty() {
            return loaded;
        }
        let is_text = |path: &str| self.undecoded(path).is_none();
        loaded.rulebook = None;
        loaded.rules.retain(|path, _| is_text(path));
        loaded.diagnostics.retain(|problem| is_text(&problem.path));
        loaded.diagnostics.extend(self.not_text.iter().cloned());
        loaded.diagnostics.sort_by(Diagnostic::by_place);
        loaded
    }

    /// Takes up the whole rules folder at `root`, and what is in `asked`, which may lie too deep for it.
    fn take(&mut self, root: &Path, asked: &[(PathBuf, PathBuf)]) -> Result<(), Error> {
        let mut files = BTreeMap::new();
        walk(root, root, 0, &mut files, read_file_bytes)?;
        for (file, place) in asked {
            let path = relative(root, file);
            if self.places.get(&path).is_some_and(|other| other != place) {
                return Err(Error::Twice { path });
            }
            if !files.contains_key(&path) {
                files.insert(path.clone(), read_file_bytes(file)?);
            }
            self.places.insert(path, place.clone());
        }
        for (path, bytes) in files {
            let text = source::decode(&path, &bytes).unwrap_or_else(|problem| {
                self.not_text.push(*problem);
                String::from_utf8_lossy(&bytes).into_owned()
            });
            self.texts.insert(path, text);
        }
        Ok(())
    }
}

/// Reads the rules folders around what the user named, files or folders.
///
/// # Errors
/// The first file that cannot be read, a place that holds nothing to read, or two files of one path when
/// the places belong to several rules folders.
pub fn read_around(paths: &[PathBuf]) -> Result<Asked, Error> {
    let mut by_root: BTreeMap<PathBuf, Vec<(PathBuf, PathBuf)>> = BTreeMap::new();
    for path in paths {
        let unreadable = |reason| Error::Unreadable { path: path.clone(), reason };
        let root = root_around(path).map_err(unreadable)?;
        let asked = by_root.entry(root).or_default();
        let before = asked.len();
        if path.is_dir() {
            let absolute = path.canonicalize().map_err(unreadable)?;
            let mut files = BTreeMap::new();
            walk(&absolute, &absolute, 0, &mut files, |file| Ok(file.to_owned()))?;
            asked.extend(files.into_iter().map(|(inside, file)| (file, path.join(inside))));
        } else if is_rule(path) || is_list(path) || path.ends_with(SCHEMA_PATH) {
            asked.push((absolute_file(path).map_err(unreadable)?, path.clone()));
        }
        if asked.len() == before {
            return Err(Error::Nothing { path: path.clone() });
        }
    }
    let mut all = Asked::default();
    for (root, asked) in &by_root {
        all.take(root, asked)?;
    }
    Ok(all)
}

/// The rules folder that `path` belongs to: the nearest at or above it that holds `lists` or the schema or
/// is named `rules`. Without any it is the folder itself, or the one that the file is in.
///
/// # Errors
/// There is nothing at `path`.
pub fn root_around(path: &Path) -> io::Result<PathBuf> {
    let start = if path.is_dir() {
        path.canonicalize()?
    } else {
        let file = absolute_file(path)?;
        file.parent().map_or_else(|| file.clone(), Path::to_owned)
    };
    let is_root = |folder: &&Path| {
        folder.join("lists").is_dir()
            || folder.join(SCHEMA_PATH).is_file()
            || folder.file_name().is_some_and(|name| name == "rules")
    };
    let mut above = start.ancestors().take(DEPTH_MAX);
    Ok(above.find(is_root).map_or_else(|| start.clone(), Path::to_owned))
}

/// From the top of the disk; a file that is a link is where the link is.
fn absolute_file(path: &Path) -> io::Result<PathBuf> {
    fs::metadata(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
    Ok(path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name)))
}

/// Puts `text` in the place of the file at `path`, whole or not at all.
///
/// # Errors
/// It cannot be written; the file is as it was.
pub fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let unwritable = |reason| Error::Unwritable { path: path.to_owned(), reason };
    // Behind a link the file itself is replaced, and the link stays.
    let place = path.canonicalize().map_err(unwritable)?;
    let name = place.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    let beside = place.with_file_name(format!(".{name}.tmp"));
    fs::write(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, fs::metadata(&place)?.permissions()))
        .and_then(|()| fs::rename(&beside, &place))
        .inspect_err(|_| drop(fs::remove_file(&beside)))
        .map_err(unwritable)
}

/// Makes a file that is not there yet, and the folders above it.
///
/// # Errors
/// It is there already, or cannot be written.
pub fn create(path: &Path, text: &str) -> Result<(), Error> {
    let unwritable = |reason| Error::Unwritable { path: path.to_owned(), reason };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let mut file = fs::File::create_new(path).map_err(unwritable)?;
    file.write_all(text.as_bytes()).map_err(unwritable)
}

fn walk<T>(
    root: &Path,
    folder: &Path,
    depth: usize,
    texts: &mut BTreeMap<String, T>,
    read: fn(&Path) -> Result<T, Error>,
) -> Result<(), Error> {
    let unreadable = |reason| Error::Unreadable { path: folder.to_owned(), reason };
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries.into_iter().filter(|path| !is_leftover(path)) {
        if path.is_dir() {
            if depth < DEPTH_MAX {
                walk(root, &path, depth + 1, texts, read)?;
            }
        } else if is_rule(&path) || is_list(&path) {
            texts.insert(relative(root, &path), read(&path)?);
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<String, Error> {
    let bytes = read_file_bytes(path)?;
    source::decode("", &bytes).map_err(|_| Error::NotText { path: path.to_owned() })
}

fn read_file_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |reason| Error::Unreadable { path: path.to_owned(), reason };
    if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(Error::TooLarge { path: path.to_owned() });
    }
    fs::read(path).map_err(unreadable)
}

/// With `/` between parts on every platform: paths are part of the rulebook's digest.
fn relative(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts = inside.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|it| endings.contains(&it))
}

/// Whether a path is that of a rule file.
#[must_use]
pub fn is_rule(path: &Path) -> bool {
    has_ending(path, &["yaml", "yml"]) && path != Path::new(SCHEMA_PATH)
}

/// Whether a path is that of a list file.
#[must_use]
pub fn is_list(path: &Path) -> bool {
    let parent = path.parent().and_then(Path::file_name);
    has_ending(path, &["csv"]) && parent.is_some_and(|name| name == "lists")
}

fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    name.starts_with('.') || name.ends_with('~') || has_ending(path, &["swp", "tmp"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_lists_are_read_and_leftovers_are_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let put = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            fs::write(path, "x").expect("file");
        };
        [
            "a/one.yaml",
            "schema.yaml",
            "lists/l.csv",
            "a/.one.yaml.swp",
            "a/two.yaml~",
            "a/b.csv",
            "README.md",
        ]
        .into_iter()
        .for_each(put);
        let texts = read_folder(folder.path()).expect("readable");
        assert_eq!(texts.keys().collect::<Vec<_>>(), ["a/one.yaml", "lists/l.csv", "schema.yaml"]);
        let alone = read_around(&[folder.path().join("a/one.yaml")]).expect("readable");
        assert_eq!(alone.texts, texts);
        assert_eq!(alone.places.keys().collect::<Vec<_>>(), ["a/one.yaml"]);
        assert!(matches!(read_folder(&folder.path().join("lists")), Err(Error::Nothing { .. })));
    }

    #[test]
    fn the_rules_folder_is_the_nearest_that_holds_lists_or_the_schema_or_has_the_name() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let top = folder.path().canonicalize().expect("a path");
        let put = |path: &str| {
            let path = top.join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            fs::write(path, "x").expect("file");
        };
        ["aml/rules/a/one.yaml", "aml/own/lists/l.csv", "aml/own/a/b/two.yaml", "c/d/three.yaml"]
            .into_iter()
            .for_each(put);
        for (path, root) in [
            ("aml/rules/a/one.yaml", "aml/rules"),
            ("aml/rules/a", "aml/rules"),
            ("aml/own/a/b", "aml/own"),
            ("aml/own/lists/l.csv", "aml/own"),
            ("c/d/three.yaml", "c/d"),
            ("c", "c"),
        ] {
            assert_eq!(root_around(&top.join(path)).expect("a root"), top.join(root), "{path}");
        }
        let two = [top.join("aml/own/a/b"), top.join("c/d/three.yaml")];
        let read = read_around(&two).expect("readable");
        let places: Vec<_> = read.places.into_iter().collect();
        let expected = [("a/b/two.yaml", two[0].join("two.yaml")), ("three.yaml", two[1].clone())];
        assert_eq!(places, expected.map(|(path, place)| (path.to_owned(), place)));
        put("c/e/three.yaml");
        let same = [top.join("c/d/three.yaml"), top.join("c/e/three.yaml")];
        assert!(matches!(read_around(&same), Err(Error::Twice { .. })));
    }
}
