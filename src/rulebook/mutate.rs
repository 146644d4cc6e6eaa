//! Small changes to a rule that its tests should notice.
//!
//! In: the text of a rule file that loads. Out: every change worth trying, each as a span of the text
//! and what would stand there instead, so that every changed rule is a real file. Words for people
//! (title, message, tags) and the tests themselves are left alone. Nothing is loaded or run here.

mod expression;
mod literal;
mod sections;
mod window;

use super::source;
use super::typed::SourceSpan;

/// One change to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// What is replaced.
    pub span: SourceSpan,
    /// What stands there instead.
    pub replacement: String,
    /// What is changed, as an analyst would say it.
    pub before: String,
    /// What it becomes; `None` when it is left out.
    pub after: Option<String>,
    /// What kind of change it is.
    pub kind: Kind,
    /// Which test would notice it.
    pub hint: String,
}

/// The kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A part of `and` or `or` is left out, or the word itself is the other one.
    Condition,
    /// A condition is its opposite.
    Negation,
    /// `>=` is `>`, and its kin.
    Boundary,
    /// A number or a length of time is one step or twice what it was.
    Threshold,
    /// A window is longer, shorter, or of another form.
    Window,
    /// Other events enter a window.
    Filter,
    /// A window is kept by other roles, or the rule is about another one.
    Key,
    /// `+` is `-`, a default is left out, and other arithmetic.
    Arithmetic,
    /// A parameter, or a row of its table.
    Parameter,
    /// An exception.
    Exception,
    /// The cool-down.
    Cooldown,
    /// The re-KYC request.
    Rekyc,
    /// A step of a sequence, or how long it may take.
    Sequence,
}

impl Kind {
    /// As in the output for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Negation => "negation",
            Self::Boundary => "boundary",
            Self::Threshold => "threshold",
            Self::Window => "window",
            Self::Filter => "filter",
            Self::Key => "key",
            Self::Arithmetic => "arithmetic",
            Self::Parameter => "parameter",
            Self::Exception => "exception",
            Self::Cooldown => "cooldown",
            Self::Rekyc => "rekyc",
            Self::Sequence => "sequence",
        }
    }
}

impl Mutant {
    /// The text of the changed rule file.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let before = text.get(..self.span.start).unwrap_or_default();
        let after = text.get(self.span.end..).unwrap_or_default();
        format!("{before}{}{after}", self.replacement)
    }

    /// What is supposed, to be read after "no test notices if".
    #[must_use]
    pub fn supposition(&self) -> String {
        match &self.after {
            Some(after) => format!("`{}` were `{after}`", self.before),
            None => format!("`{}` were left out", self.before),
        }
    }
}

/// Every change to the rule file, in the order of the file, none twice.
#[must_use]
pub fn mutants(path: &str, text: &str) -> Vec<Mutant> {
    let (Some(root), _) = source::read(path, text) else { return Vec::new() };
    let mut mutator = Mutator { path, text, found: Vec::new(), is_score: false };
    mutator.rule(&root);
    let mut found = mutator.found;
    found.sort_by_key(|mutant| (mutant.span.start, mutant.span.end));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|mutant| seen.insert(mutant.apply(text)));
    found
}

/// Where changes are gathered.
struct Mutator<'a> {
    path: &'a str,
    text: &'a str,
    found: Vec<Mutant>,
    /// Whether what is read belongs to the alert's score.
    is_score: bool,
}

impl Mutator<'_> {
    /// The text under a span, on one line.
    fn written(&self, span: SourceSpan) -> String {
        let lines = self.text.get(span.start..span.end).unwrap_or_default().lines();
        let bare = lines.map(without_remark);
        bare.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    }

    fn push(
        &mut self,
        kind: Kind,
        span: SourceSpan,
        replacement: impl Into<String>,
        (before, after): (String, Option<String>),
        hint: impl Into<String>,
    ) {
        let replacement = replacement.into();
        if self.text.get(span.start..span.end) != Some(replacement.as_str()) {
            let hint = hint.into();
            self.found.push(Mutant { span, replacement, before, after, kind, hint });
        }
    }

    /// A change of one word or number, shown within `shown`, the smallest thing that makes sense to a
    /// reader.
    fn swap(
        &mut self,
        kind: Kind,
        span: SourceSpan,
        shown: SourceSpan,
        replacement: &str,
        hint: impl Into<String>,
    ) {
        let before = self.written(shown);
        let head = self.text.get(shown.start..span.start).unwrap_or_default();
        let tail = self.text.get(span.end..shown.end).unwrap_or_default();
        let after = format!("{head}{replacement}{tail}");
        let after = after.lines().map(without_remark).flat_map(str::split_whitespace);
        let after = after.collect::<Vec<_>>().join(" ");
        self.push(kind, span, replacement, (before, Some(after)), hint);
    }
}

/// The line up to a remark; a `#` within quotes is none.
fn without_remark(line: &str) -> &str {
    let mut quote = None;
    for (at, sign) in line.char_indices() {
        match (sign, quote) {
            ('"' | '\'', None) => quote = Some(sign),
            (_, Some(open)) if sign == open => quote = None,
            ('#', None) => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests;
