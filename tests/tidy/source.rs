//! Rust files as the checks see them: where they are, their text, and their code alone.
//!
//! In: files on disk, or invented text. Out: text of the same length in which comments and the
//! contents of strings are blanked, so that a word in a comment is not taken for code and every
//! byte keeps its place.

use std::fmt;
use std::path::{Path, PathBuf};

/// One untidy place.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path below the repository root.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do instead.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// One Rust file.
pub struct File {
    /// Path below the repository root, with `/`.
    pub path: String,
    /// The text as written.
    pub text: String,
    /// The same without comments and contents of strings.
    pub code: String,
    /// Where the tests at the bottom of the file begin; the length of the text without any.
    pub tests_at: usize,
}

impl File {
    /// A file with this path and text.
    pub fn new(path: &str, text: &str) -> Self {
        let code = code_only(text);
        let tests_at = code.find("#[cfg(test)]\nmod tests").unwrap_or(code.len());
        Self { path: path.to_owned(), text: text.to_owned(), code, tests_at }
    }

    /// The code before the tests; nothing for a file that is all tests.
    pub fn product_code(&self) -> &str {
        if self.is_test() { "" } else { &self.code[..self.tests_at] }
    }

    /// Whether the whole file is test code.
    pub fn is_test(&self) -> bool {
        !self.path.starts_with("src/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
    }

    /// The module right below the crate root that the file belongs to: `engine`, `cli`, ...
    pub fn top_module(&self) -> Option<&str> {
        let below = self.path.strip_prefix("src/")?;
        let first = below.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// A finding at this byte of the text.
    pub fn finding(&self, at: usize, text: impl Into<String>) -> Finding {
        let line = self.text[..at].matches('\n').count() + 1;
        Finding { path: self.path.clone(), line, text: text.into() }
    }
}

/// All Rust files of the repository.
pub fn rust_files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("a source file is UTF-8");
            let below = path.strip_prefix(root).expect("it is below the root");
            File::new(&below.to_string_lossy().replace('\\', "/"), &text)
        })
        .collect()
}

/// A folder that does not exist has no files.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Byte positions at which `word` stands alone in `code`, not as a part of a longer name.
pub fn word_positions<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let starts_name = word.starts_with(is_name);
        let ends_name = word.ends_with(is_name);
        let is_part =
            starts_name && before.is_some_and(is_name) || ends_name && after.is_some_and(is_name);
        !is_part
    })
}

/// The text with comments and contents of strings replaced by spaces; line breaks and quotes stay.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skip(bytes, at);
        if end == at {
            code.push(bytes[at]);
            at += 1;
        } else {
            let is_literal =
                bytes[end - 1] == b'"' || bytes[end - 1] == b'\'' || bytes[end - 1] == b'#';
            for (place, &byte) in bytes[at..end].iter().enumerate() {
                let is_edge = is_literal && (place == 0 || place + 1 == end - at);
                code.push(if byte == b'\n' || is_edge { byte } else { b' ' });
            }
            at = end;
        }
    }
    // Multi-byte characters occur in comments and strings only, where they became spaces; one in a
    // name would be kept whole.
    String::from_utf8(code).expect("blanking keeps the text valid")
}

/// The end of the comment, string or character that starts at `at`; `at` itself if none does.
fn skip(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let find = |needle: &[u8], from: usize| {
        rest[from..]
            .windows(needle.len())
            .position(|window| window == needle)
            .map(|p| at + from + p)
    };
    if rest.starts_with(b"//") {
        return find(b"\n", 0).unwrap_or(bytes.len());
    }
    if rest.starts_with(b"/*") {
        return find(b"*/", 2).map_or(bytes.len(), |end| end + 2);
    }
    if rest[0] == b'"' {
        return string_end(bytes, at + 1);
    }
    if rest[0] == b'r' && !at.checked_sub(1).is_some_and(|before| is_name_byte(bytes[before])) {
        let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
        if rest.get(1 + hashes) == Some(&b'"') {
            let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            return find(&close, 2 + hashes).map_or(bytes.len(), |end| end + close.len());
        }
    }
    if rest[0] == b'\'' {
        // A lifetime has no closing quote within one character.
        if rest.get(1) == Some(&b'\\') {
            return find(b"'", 3).map_or(bytes.len(), |end| end + 1);
        }
        let width = std::str::from_utf8(&rest[1..rest.len().min(5)])
            .or_else(|error| std::str::from_utf8(&rest[1..=error.valid_up_to()]))
            .ok()
            .and_then(|text| text.chars().next())
            .map_or(1, char::len_utf8);
        if rest.get(1 + width) == Some(&b'\'') {
            return at + 2 + width;
        }
    }
    at
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[test]
fn comments_and_strings_are_blanked_and_places_kept() {
    for (text, code) in [
        ("let a = 1; // f64\nlet b;", "let a = 1;       \nlet b;"),
        ("/* f64 */ fn a() {}", "          fn a() {}"),
        ("let a = \"f64 \\\" f64\";", "let a = \"          \";"),
        ("let a = r#\"f64 \" f64\"#;", "let a = r            #;"),
        ("let a: &'static str = x;", "let a: &'static str = x;"),
        ("let a = '\"'; let b = f64;", "let a = ' '; let b = f64;"),
        ("let a = '\\''; let b = f64;", "let a = '  '; let b = f64;"),
        ("let a = \"ä\"; let b = 'é';", "let a = \"  \"; let b = '  ';"),
    ] {
        assert_eq!(code_only(text), code);
        assert_eq!(code_only(text).len(), text.len());
    }
}

#[test]
fn words_stand_alone() {
    let found: Vec<usize> = word_positions("f64 my_f64 f64x <f64>", "f64").collect();
    assert_eq!(found, [0, 17]);
}

#[test]
fn tests_at_the_bottom_are_not_product_code() {
    let file = File::new("src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n");
    assert_eq!(file.product_code(), "fn a() {}\n");
    assert_eq!(File::new("src/a/tests.rs", "fn a() {}").product_code(), "");
    assert_eq!(File::new("tests/a.rs", "fn a() {}").product_code(), "");
}

#[test]
fn top_module_is_the_folder_or_the_file() {
    assert_eq!(File::new("src/engine/window/tests.rs", "").top_module(), Some("engine"));
    assert_eq!(File::new("src/cli.rs", "").top_module(), Some("cli"));
    assert_eq!(File::new("tests/tidy.rs", "").top_module(), None);
}
