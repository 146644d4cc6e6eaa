//! The rules folder: from files on disk to the texts that the rulebook is made of.
//!
//! In: a folder or some files. Out: texts by path relative to the folder, in order. Files that editors
//! leave behind (`.x`, `x~`, `.swp`, `.tmp`) are left out, and so is what is neither
//! a rule nor a list nor the schema.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use crate::rulebook::loader::SCHEMA_PATH;

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
    read_folder_with(folder, &mut texts, read_file)?;
    Ok(texts)
}

fn read_folder_with<T>(
    folder: &Path,
    into: &mut BTreeMap<String, T>,
    read: fn(&Path) -> Result<T, Error>,
) -> Result<(), Error> {
    let mut found = BTreeMap::new();
    walk(folder, folder, 0, &mut found, read)?;
    if !found.keys().any(|path| is_rule(Path::new(path))) {
        return Err(Error::Nothing { path: folder.to_owned() });
    }
    into.extend(found);
    Ok(())
}

/// Reads what the user named: folders whole, files alone; lists are taken from the folder that holds
/// `lists`, and the schema from the one that holds it, at or above a named file.
///
/// # Errors
/// As [`read_folder`].
pub fn read_paths(paths: &[PathBuf]) -> Result<BTreeMap<String, String>, Error> {
    read_paths_with(paths, read_file)
}

/// The same as bytes, for a reader who says of each file what is wrong with it.
///
/// # Errors
/// As [`read_folder`], but for files that are not text.
pub fn read_bytes(paths: &[PathBuf]) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    read_paths_with(paths, read_file_bytes)
}

fn read_paths_with<T>(
    paths: &[PathBuf],
    read: fn(&Path) -> Result<T, Error>,
) -> Result<BTreeMap<String, T>, Error> {
    let mut texts = BTreeMap::new();
    for path in paths {
        if path.is_dir() {
            read_folder_with(path, &mut texts, read)?;
            continue;
        }
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        texts.insert(name, read(path)?);
        let absolute = path.canonicalize().unwrap_or_else(|_| path.clone());
        let above = || absolute.ancestors().skip(1);
        if let Some(root) = above().find(|root| root.join("lists").is_dir()) {
            walk(root, &root.join("lists"), 0, &mut texts, read)?;
        }
        if let Some(schema) = above().map(|root| root.join(SCHEMA_PATH)).find(|it| it.is_file()) {
            texts.insert(SCHEMA_PATH.to_owned(), read(&schema)?);
        }
    }
    Ok(texts)
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
    String::from_utf8(bytes).map_err(|_| Error::NotText { path: path.to_owned() })
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
        let alone = read_paths(&[folder.path().join("a/one.yaml")]).expect("readable");
        assert_eq!(alone.keys().collect::<Vec<_>>(), ["lists/l.csv", "one.yaml", "schema.yaml"]);
        assert!(matches!(read_folder(&folder.path().join("lists")), Err(Error::Nothing { .. })));
    }
}
