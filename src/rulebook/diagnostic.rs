//! Problems found in rule files, as values: code, place, label and help.
//!
//! In: what a stage of the front end saw. Out: one value per problem, which `render` draws for a
//! terminal or as JSON. Never printed here.

use std::cmp::Ordering;

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

impl Level {
    /// The level that a code's first letter stands for.
    #[must_use]
    pub fn of(code: &str) -> Self {
        if code.starts_with('W') { Self::Warning } else { Self::Error }
    }

    /// As written in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Diagnostic {
    /// A problem without help; the level follows from the code's first letter.
    #[must_use]
    pub fn new(
        code: &'static str,
        path: &str,
        span: SourceSpan,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        let level = Level::of(code);
        let (title, label) = (title.into(), label.into());
        Self { code, level, path: path.to_owned(), span, title, label, help: None }
    }

    /// The order in which problems are told: by path, then by place.
    #[must_use]
    pub fn by_place(&self, other: &Self) -> Ordering {
        let order = |it: &Self| (it.span.start, it.code);
        self.path.cmp(&other.path).then_with(|| order(self).cmp(&order(other)))
    }

    /// The same with an edit that mends it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Whether any of `problems` keeps the rulebook from being loaded.
#[must_use]
pub fn has_error(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.level == Level::Error)
}

/// The candidate that `word` most likely means: at most a third of the word's length in edits, and
/// at most three. The first of equally close ones wins.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let edits_max = (word.chars().count() / 3).min(3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Help that names the closest candidate, or lists all of them when they are few.
#[must_use]
pub fn did_you_mean(word: &str, candidates: &[&str]) -> Option<String> {
    if let Some(candidate) = closest(word, candidates.iter().copied()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    if candidates.is_empty() || candidates.len() > LISTED_MAX {
        return None;
    }
    Some(format!("one of {}", candidates.join(", ")))
}

/// Most words that a help text lists.
const LISTED_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_stays_within_a_third_of_the_word() {
        assert_eq!(closest("totl", ["total", "tx"]), Some("total"));
        assert_eq!(closest("unles", ["when", "unless"]), Some("unless"));
        assert_eq!(closest("ab", ["abc"]), None);
        assert_eq!(closest("something_else", ["anything_at_all"]), None);
    }
}
