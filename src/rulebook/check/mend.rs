//! Keys that stand in the wrong place or are called otherwise elsewhere: said once, then read as they were
//! meant, so that what depends on them is checked and not called unknown.

use crate::rulebook::elsewhere::key_meant;
use crate::rulebook::source::{Entry, Node, NodeKind};

use super::effects::{ALERT_KEYS, REKYC_KEYS};
use super::{Checker, LATER_RULE_KEYS, RULE_KEYS};

/// Keys of the rule that are missed when they stand elsewhere.
const STRUCTURE: &[&str] = &[
    "trigger", "sequence", "entity", "where", "when", "unless", "alert", "rekyc", "changes",
    "tests",
];

/// Sections whose keys the author chooses.
const OWN_NAMES: &[&str] = &["params", "let"];

impl Checker<'_> {
    /// The rule's tree, mended.
    pub(super) fn mended(&mut self, root: &Node) -> Node {
        let NodeKind::Mapping(entries) = &root.kind else { return root.clone() };
        let mut entries = entries.clone();
        self.hoist(&mut entries);
        self.rename(&mut entries, RULE_KEYS);
        let mut entries = self.indented(entries);
        for entry in &mut entries {
            let keys = match entry.key.as_str() {
                "alert" => ALERT_KEYS,
                "rekyc" => REKYC_KEYS,
                _ => continue,
            };
            if let NodeKind::Mapping(inner) = &mut entry.value.kind {
                self.rename(inner, keys);
            }
        }
        Node { span: root.span, kind: NodeKind::Mapping(entries) }
    }

    /// Keys of the rule that stand under another key come to the margin.
    fn hoist(&mut self, entries: &mut Vec<Entry>) {
        let mut hoisted = Vec::new();
        let is_timed = entries.iter().any(|it| it.key == "trigger" && it.value.entries().is_some());
        let there: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        for section in entries.iter_mut() {
            let known: &[&str] = match section.key.as_str() {
                "alert" => ALERT_KEYS,
                "rekyc" => REKYC_KEYS,
                name if OWN_NAMES.contains(&name) => &[],
                _ => continue,
            };
            let NodeKind::Mapping(inner) = &mut section.value.kind else { continue };
            let may_be_named = OWN_NAMES.contains(&section.key.as_str());
            let is_lost = |entry: &Entry| {
                let key = entry.key.as_str();
                let is_there = |key: &str| there.iter().any(|there| there == key);
                let is_named = match key {
                    "when" => is_there("sequence") || is_timed,
                    "trigger" | "entity" | "alert" => false,
                    _ => entry.value.scalar().is_some(),
                };
                let is_fine = known.contains(&key) || may_be_named && is_named;
                STRUCTURE.contains(&key) && !is_there(key) && !is_fine
            };
            let (lost, kept) = std::mem::take(inner).into_iter().partition(is_lost);
            *inner = kept;
            for entry in lost {
                let Entry { key, key_span, .. } = &entry;
                let title = format!("`{key}` stands under `{}`", section.key);
                let help = Some("take the spaces before it away".to_owned());
                self.report("E010", *key_span, title, "belongs at the margin", help);
                hoisted.push(entry);
            }
        }
        entries.extend(hoisted);
    }

    /// A key that is known by another name, or misspelt, becomes the one that is missing.
    fn rename(&mut self, entries: &mut [Entry], keys: &[&str]) {
        let there: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        let is_free = |key: &&str| !there.iter().any(|there| there == key);
        let mut free: Vec<&str> = keys.iter().copied().filter(is_free).collect();
        for entry in entries {
            let key = entry.key.as_str();
            if keys.contains(&key) || LATER_RULE_KEYS.contains(&key) {
                continue;
            }
            let Some(meant) = key_meant(key, &free) else { continue };
            let help = Some(format!("did you mean `{meant}`?"));
            let title = format!("unknown key `{key}`");
            self.report("E010", entry.key_span, title, "not a key of this section", help);
            meant.clone_into(&mut entry.key);
            free.retain(|free| *free != meant);
        }
    }

    /// Lines at the margin that belong under the section above them.
    fn indented(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut mended: Vec<Entry> = Vec::new();
        // The section that was empty; of the lines below it enough was said.
        let mut empty = None;
        for entry in entries {
            let key = entry.key.as_str();
            let section = mended.last_mut().filter(|section| {
                let is_known = RULE_KEYS.contains(&key) || LATER_RULE_KEYS.contains(&key);
                !is_known && takes(section, key)
            });
            let Some(section) = section else {
                mended.push(entry);
                continue;
            };
            if section.value.is_empty() {
                let title = format!("the lines below `{}` are not indented", section.key);
                let help = Some("begin each of them two spaces further in".to_owned());
                self.report("E012", section.key_span, title, "nothing belongs to it", help);
                section.value.kind = NodeKind::Mapping(vec![entry]);
                empty = Some(section.key_span);
            } else if let NodeKind::Mapping(inner) = &mut section.value.kind {
                if empty != Some(section.key_span) {
                    let title = format!("unknown key `{key}`");
                    let help = format!(
                        "if it belongs under `{}`, indent it like the lines above",
                        section.key
                    );
                    self.report("E010", entry.key_span, title, "not a key of a rule", Some(help));
                }
                inner.push(entry);
            }
        }
        mended
    }
}

/// Whether a line at the margin may belong to the section above it.
fn takes(section: &Entry, key: &str) -> bool {
    if !section.value.is_empty() && section.value.entries().is_none() {
        return false;
    }
    match section.key.as_str() {
        "alert" => ALERT_KEYS.contains(&key),
        "rekyc" => REKYC_KEYS.contains(&key),
        name => OWN_NAMES.contains(&name),
    }
}
