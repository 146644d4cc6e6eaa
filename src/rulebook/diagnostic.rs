//! Problems found in rule files, as values: code, place, label and help.

use super::typed::SourceSpan;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The rulebook is not loaded.
    Error,
    /// It is loaded; `--strict` makes it an error.
    Warning,
}

/// One problem in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code: `E021`, `W201`.
    pub code: &'static str,
    /// Error or warning.
    pub level: Level,
    /// Path of the file, relative to the rules folder.
    pub path: String,
    /// The smallest thing to change.
    pub span: SourceSpan,
    /// What is wrong, in one line.
    pub title: String,
    /// Beside the carets.
    pub label: String,
    /// An edit that mends it.
    pub help: Option<String>,
}
