//! Sections of a rule file: which keys they know, and values that are single words.

use crate::domain::Span;
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::elsewhere::key_meant;
use crate::rulebook::source::{Entry, Node};
use crate::rulebook::typed::SourceSpan;

use super::Checker;

impl Checker<'_> {
    /// Reports keys that nobody reads, and keys of later versions.
    pub(super) fn known_keys(&mut self, node: &Node, keys: &[&str], later: &[&str]) {
        for entry in node.entries().unwrap_or_default() {
            let key = entry.key.as_str();
            if keys.contains(&key) {
                continue;
            }
            if later.contains(&key) {
                let title = format!("`{key}` is not in this version yet");
                self.report("E106", entry.key_span, title, "of a later version", None);
                continue;
            }
            let title = format!("unknown key `{key}`");
            let help = match key_meant(key, keys) {
                Some(meant) => Some(format!("did you mean `{meant}`?")),
                None => did_you_mean(key, keys),
            };
            self.report("E010", entry.key_span, title, "not a key of this section", help);
        }
    }

    /// The entry under `key`, which must be there; `section` is the place to point at if it is not.
    pub(super) fn required<'n>(
        &mut self,
        node: &'n Node,
        key: &str,
        section: SourceSpan,
        what: &str,
    ) -> Option<&'n Entry> {
        let entry = node.entry(key);
        if entry.is_none() {
            let title = format!("{what} needs the key `{key}`");
            let label = format!("`{key}` is missing");
            self.report("E011", section, title, label, Some(format!("add `{key}: ...`")));
        }
        entry
    }

    /// The entries of a section that is a mapping.
    pub(super) fn entries<'n>(&mut self, entry: &'n Entry, what: &str) -> Option<&'n [Entry]> {
        let entries = entry.value.entries();
        if entries.is_none() {
            let title = format!("`{}` holds {what}, this is {}", entry.key, entry.value.describe());
            let help = Some("write `name: value`, each on a line of its own, indented".to_owned());
            self.report("E012", entry.key_span, title, "not a mapping", help);
        }
        entries
    }

    /// A single value that is not empty.
    pub(super) fn text(&mut self, entry: &Entry) -> Option<String> {
        match entry.value.scalar().map(str::trim) {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            _ => {
                let found = entry.value.describe();
                let title = format!("`{}` is a single value, this is {found}", entry.key);
                let span = self.first_line(entry.value.span);
                let help = match (entry.key.as_str(), entry.value.items()) {
                    (_, None) => None,
                    ("trigger", _) => Some("a rule waits for one event: write a rule for each"),
                    ("entity", _) => {
                        Some("a rule is about one kind of entity: write a rule for each")
                    }
                    _ => Some("write one value, without `[ ]` and `-`"),
                };
                self.report("E012", span, title, "no text here", help.map(str::to_owned));
                None
            }
        }
    }

    /// One word of a closed set.
    pub(super) fn word<T>(
        &mut self,
        entry: &Entry,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(entry)?;
        let word = parse(&text);
        if word.is_none() {
            let title = format!("`{}` is never `{text}`", entry.key);
            let help = did_you_mean(&text, words);
            self.report("E013", entry.value.span, title, "no such value", help);
        }
        word
    }

    /// A length of time that is longer than nothing.
    pub(super) fn duration(&mut self, entry: &Entry) -> Option<Span> {
        let text = self.text(entry)?;
        let span = Span::parse(&text).filter(|span| *span > Span::ZERO);
        if span.is_none() {
            let title = format!("`{text}` is not a length of time");
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let help = if is_number {
                format!("add a unit: {text}d, {text}h or {text}m")
            } else {
                "a whole number with s, m, h, d or w: 90m, 24h, 7d".to_owned()
            };
            self.report("E045", entry.value.span, title, "not a duration", Some(help));
        }
        span
    }
}
