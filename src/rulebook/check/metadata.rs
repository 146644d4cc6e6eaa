//! What a rule says about itself: version, people, sources, and what is expected of it.
//!
//! Only what is written is judged here; what is missing is said by `lint::documentation`.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::rulebook::metadata::{
    Change, Confidence, ExpectedAlerts, Metadata, Reference, Version, Written,
};
use crate::rulebook::source::{Entry, Node};
use crate::rulebook::typed::SourceSpan;

use super::Checker;

/// Keys of one of `references`.
pub const REFERENCE_KEYS: &[&str] = &["cite", "confidence", "note"];

/// Keys of one of `changes`.
pub const CHANGE_KEYS: &[&str] = &["version", "date", "by", "what"];

/// Keys of `expected_alerts`.
pub const VOLUME_KEYS: &[&str] = &["value", "why"];

/// The words of `disclosable`.
pub const TRUTH: &[&str] = &["true", "false"];

impl Checker<'_> {
    /// What could be understood; the rest was reported.
    pub(super) fn metadata(&mut self, root: &Node) -> Metadata {
        let version = root.entry("version").and_then(|entry| self.version(entry));
        let changes = root.entry("changes").map(|entry| self.changes(entry)).unwrap_or_default();
        self.must_be_latest(root, version, &changes);
        Metadata {
            named_at: root.entry("rule").map_or(root.span, |entry| entry.value.span),
            tests_at: root.entry("tests").map(|entry| entry.key_span),
            version,
            misses: self.texts_under(root, "misses"),
            false_alarms: self.texts_under(root, "false_alarms"),
            references: self.references(root),
            indicators: self.texts_under(root, "indicators"),
            disclosable: root.entry("disclosable").and_then(|entry| {
                let value = self.word(entry, TRUTH, |word| word.parse().ok())?;
                Some(Written { value, span: entry.value.span })
            }),
            owner: self.text_under(root, "owner"),
            author: self.text_under(root, "author"),
            approver: root.entry("approver").and_then(|entry| {
                let value = self.text(entry)?;
                Some(Written { value, span: entry.value.span })
            }),
            review_by: root.entry("review_by").and_then(|entry| {
                let value = self.day(entry)?;
                Some(Written { value, span: entry.value.span })
            }),
            expected_alerts: root.entry("expected_alerts").and_then(|entry| self.volume(entry)),
            changes,
        }
    }

    /// The text under a key, if it is there.
    pub(super) fn text_under(&mut self, node: &Node, key: &str) -> Option<String> {
        node.entry(key).and_then(|entry| self.text(entry))
    }

    /// The mark of confidence under `confidence`, if it is there.
    pub(super) fn confidence_under(&mut self, node: &Node) -> Option<Confidence> {
        let entry = node.entry("confidence")?;
        let text = self.text(entry)?;
        let mark = Confidence::parse(&text);
        if mark.is_none() {
            let title = format!("`{text}` is no mark of confidence");
            let help = "REG: it stands in the cited law; IND: an official indicator describes it, \
                        without the number; DES: a decision of yours";
            self.report("E122", entry.value.span, title, "not a mark", Some(help.to_owned()));
        }
        mark
    }

    /// A text, or several.
    fn texts_under(&mut self, root: &Node, key: &str) -> Vec<String> {
        let Some(entry) = root.entry(key) else { return Vec::new() };
        let items = entry.value.items().unwrap_or(std::slice::from_ref(&entry.value));
        let mut texts = Vec::new();
        for item in items {
            match item.scalar().map(str::trim) {
                Some(text) if !text.is_empty() => texts.push(text.to_owned()),
                _ => {
                    let title = format!("`{key}` is a text or a list of texts");
                    let span = self.first_line(item.span);
                    let help = Some(format!("write `{key}: ...`, or `- ...` for each"));
                    self.report("E012", span, title, item.describe(), help);
                }
            }
        }
        texts
    }

    fn version(&mut self, entry: &Entry) -> Option<Version> {
        let text = self.text(entry)?;
        let version = Version::parse(&text);
        if version.is_none() {
            let title = format!("`{text}` is not a version");
            let bare = text.trim_start_matches(['v', 'V']);
            let whole = [bare.to_owned(), format!("{bare}.0"), format!("{bare}.0.0")];
            let meant = whole.iter().find(|text| Version::parse(text).is_some());
            let help = match meant {
                Some(meant) => format!("write `{meant}`"),
                None => "three numbers joined by dots: `1.0.0`, then `1.0.1`".to_owned(),
            };
            self.report("E120", entry.value.span, title, "not three numbers", Some(help));
        }
        version
    }

    fn day(&mut self, entry: &Entry) -> Option<Date> {
        let text = self.text(entry)?;
        let is_plain = text.len() == "2026-01-31".len();
        let date = is_plain.then(|| text.parse().ok()).flatten();
        if date.is_none() {
            let title = format!("`{text}` is not a date");
            let help = Some("write it like 2026-01-31".to_owned());
            self.report("E121", entry.value.span, title, "not a day of the calendar", help);
        }
        date
    }

    /// The items under a key that holds a list; anything else is reported.
    fn list_under<'n>(&mut self, entry: &'n Entry, form: &str) -> &'n [Node] {
        if let Some(items) = entry.value.items() {
            return items;
        }
        let title = format!("`{}` is a list, this is {}", entry.key, entry.value.describe());
        self.report("E012", entry.key_span, title, "not a list", Some(form.to_owned()));
        &[]
    }

    fn references(&mut self, root: &Node) -> Vec<Reference> {
        let Some(entry) = root.entry("references") else { return Vec::new() };
        let form = "write `- { cite: ..., confidence: REG }` for each source";
        let items = self.list_under(entry, form);
        items.iter().filter_map(|item| self.reference(item, form)).collect()
    }

    fn reference(&mut self, item: &Node, form: &str) -> Option<Reference> {
        let span = self.first_line(item.span);
        if let Some(text) = item.scalar().map(str::trim).filter(|text| !text.is_empty()) {
            let cite = text.to_owned();
            return Some(Reference { span, cite, confidence: None, note: None });
        }
        if item.entries().is_none() {
            let title = format!("a reference is a text or a mapping, this is {}", item.describe());
            self.report("E012", span, title, "no source here", Some(form.to_owned()));
            return None;
        }
        self.known_keys(item, REFERENCE_KEYS, &[]);
        let cite = self.required(item, "cite", span, "a reference");
        let cite = cite.and_then(|entry| self.text(entry));
        let confidence = self.confidence_under(item);
        let note = self.text_under(item, "note");
        Some(Reference { span, cite: cite?, confidence, note })
    }

    fn volume(&mut self, entry: &Entry) -> Option<ExpectedAlerts> {
        if entry.value.entries().is_none() {
            let value = self.alerts(entry)?;
            return Some(ExpectedAlerts { value, why: None });
        }
        self.known_keys(&entry.value, VOLUME_KEYS, &[]);
        let value = self.required(&entry.value, "value", entry.key_span, "`expected_alerts`");
        let value = value.and_then(|value| self.alerts(value));
        let why = self.text_under(&entry.value, "why");
        Some(ExpectedAlerts { value: value?, why })
    }

    fn alerts(&mut self, entry: &Entry) -> Option<Decimal> {
        let text = self.text(entry)?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"._".contains(&byte));
        let number = is_plain.then(|| Decimal::from_str_exact(&text.replace('_', "")).ok());
        if number.flatten().is_none() {
            let title = format!("`{text}` is not a number of alerts");
            let help = "how many alerts 10,000 customers give in 30 days: 2.5";
            let label = "not a number of 0 or more";
            self.report("E129", entry.value.span, title, label, Some(help.to_owned()));
        }
        number.flatten()
    }

    fn changes(&mut self, entry: &Entry) -> Vec<Change> {
        let form =
            "write `- { version: 1.0.0, date: 2026-01-31, by: ..., what: ... }`, newest first";
        let items = self.list_under(entry, form);
        let mut changes: Vec<Change> = Vec::new();
        for item in items {
            let Some((change, at)) = self.change(item, form) else { continue };
            if let Some(newer) = changes.last() {
                let is_older = change.version < newer.version && change.date <= newer.date;
                if !is_older {
                    let title = format!(
                        "{} of {} stands below {} of {}",
                        change.version, change.date, newer.version, newer.date
                    );
                    let help = "the newest change comes first: each version is lower than the one \
                                above it, and no date later";
                    let label = "not older than the one above";
                    self.report("E124", at, title, label, Some(help.to_owned()));
                }
            }
            changes.push(change);
        }
        changes
    }

    /// A change, and where its version is written.
    fn change(&mut self, item: &Node, form: &str) -> Option<(Change, SourceSpan)> {
        let span = self.first_line(item.span);
        if item.entries().is_none() {
            let title = format!("a change is a mapping, this is {}", item.describe());
            self.report("E012", span, title, "not a change", Some(form.to_owned()));
            return None;
        }
        self.known_keys(item, CHANGE_KEYS, &[]);
        let mut entry = |key| self.required(item, key, span, "a change");
        let (version, date) = (entry("version"), entry("date"));
        let (by, what) = (entry("by"), entry("what"));
        let at = version.map_or(span, |entry| entry.value.span);
        let version = version.and_then(|entry| self.version(entry));
        let date = date.and_then(|entry| self.day(entry));
        let by = by.and_then(|entry| self.text(entry));
        let what = what.and_then(|entry| self.text(entry));
        Some((Change { version: version?, date: date?, by: by?, what: what? }, at))
    }

    /// The version of the file is that of its latest change.
    fn must_be_latest(&mut self, root: &Node, version: Option<Version>, changes: &[Change]) {
        let Some(latest) = changes.first().map(|change| change.version) else { return };
        if let (Some(version), Some(entry)) = (version, root.entry("version"))
            && version != latest
        {
            let title = format!("the version is {version}, the latest change is of {latest}");
            let help = format!("add what changed in {version}, or write `version: {latest}`");
            let label = "no change made this version";
            self.report("E123", entry.value.span, title, label, Some(help));
        } else if let (None, Some(entry)) = (root.entry("version"), root.entry("changes")) {
            let title = "the rule has `changes` and no `version`";
            let help = Some(format!("add `version: {latest}`"));
            self.report("E123", entry.key_span, title, "which one is this?", help);
        }
    }
}
