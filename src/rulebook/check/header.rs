//! What a rule is called, how grave it is, what wakes it and whom it is about.

use std::collections::BTreeMap;

use crate::domain::{AlertClass, Severity};
use crate::rulebook::catalogue::{EventName, Family, Role};
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::elsewhere::event_meant;
use crate::rulebook::scaffold;
use crate::rulebook::source::{Entry, Node, NodeKind};
use crate::rulebook::typed::{SourceSpan, Status};

use super::Checker;

/// The version of the language that this program knows.
pub const LANGUAGE: &str = "1";

/// The first lines of a rule file, checked.
pub(super) struct Header {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) status: Status,
    pub(super) class: AlertClass,
    pub(super) severity: Severity,
    pub(super) tags: BTreeMap<String, Vec<String>>,
}

impl<'a> Checker<'a> {
    /// All of the header is checked before any of it is given up.
    pub(super) fn header(&mut self, root: &Node, first_key: SourceSpan) -> Option<Header> {
        let is_known = self.is_known_language(root, first_key);
        let name =
            self.required(root, "rule", first_key, "a rule").and_then(|entry| self.name(entry));
        let title =
            self.required(root, "title", first_key, "a rule").and_then(|entry| self.text(entry));
        let about = root.entry("about").map_or(Some(String::new()), |entry| self.text(entry));
        let status = root
            .entry("status")
            .map_or(Some(Status::Active), |entry| self.word(entry, Status::WORDS, status));
        let class = root.entry("class").map_or(Some(AlertClass::Suspicion), |entry| {
            self.word(entry, AlertClass::WORDS, AlertClass::parse)
        });
        let severity = self
            .required(root, "severity", first_key, "a rule")
            .and_then(|entry| self.word(entry, Severity::WORDS, Severity::parse));
        let tags = root.entry("tags").map_or(Some(BTreeMap::new()), |entry| self.tags(entry));
        let (Some(name), Some(title), true) = (name, title, is_known) else { return None };
        Some(Header {
            name,
            title,
            about: about?,
            status: status?,
            class: class?,
            severity: severity?,
            tags: tags?,
        })
    }

    fn is_known_language(&mut self, root: &Node, first_key: SourceSpan) -> bool {
        let Some(entry) = self.required(root, "lang", first_key, "a rule") else { return false };
        let Some(text) = self.text(entry) else { return false };
        if text != LANGUAGE {
            let title = format!("this program knows rule language {LANGUAGE} only");
            let help =
                Some(format!("write `lang: {LANGUAGE}`, or use a program that knows this one"));
            self.report("E016", entry.value.span, title, "another language", help);
        }
        text == LANGUAGE
    }

    fn name(&mut self, entry: &Entry) -> Option<String> {
        let name = self.text(entry)?;
        let file = self.path.rsplit('/').next().unwrap_or_default();
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        if !scaffold::is_name(&name) {
            let title = format!("`{name}` cannot name a rule");
            let meant = scaffold::name_like(&name);
            let meant = meant.unwrap_or_else(|| "cash-below-threshold".to_owned());
            let help = Some(format!("use small letters and digits, joined by `-`: `{meant}`"));
            self.report("E015", entry.value.span, title, "not a rule's name", help);
            return None;
        }
        if name != stem {
            let title = format!("the rule is named `{name}`, its file `{file}`");
            let other = scaffold::is_name(stem).then(|| format!(", or write `rule: {stem}`"));
            let help = Some(format!("name the file `{name}.yaml`{}", other.unwrap_or_default()));
            self.report("E015", entry.value.span, title, "not the file's name", help);
            return None;
        }
        Some(name)
    }

    fn tags(&mut self, entry: &Entry) -> Option<BTreeMap<String, Vec<String>>> {
        let mut tags = BTreeMap::new();
        for tag in self.entries(entry, "words by kind")? {
            let values = match &tag.value.kind {
                NodeKind::Scalar { .. } => vec![self.text(tag)?],
                NodeKind::Sequence(items) => {
                    items.iter().filter_map(Node::scalar).map(str::to_owned).collect()
                }
                NodeKind::Mapping(_) => {
                    let title = format!("the tag `{}` is a word or a list of words", tag.key);
                    let help = Some(format!("write `{}: [a, b]`", tag.key));
                    self.report("E012", tag.key_span, title, "holds a mapping", help);
                    return None;
                }
            };
            tags.insert(tag.key.clone(), values);
        }
        Some(tags)
    }

    pub(super) fn trigger(&mut self, root: &Node, first_key: SourceSpan) -> Option<EventName> {
        let entry = self.required(root, "trigger", first_key, "a rule")?;
        if super::timer::is_timer(entry) {
            return self.timer(entry);
        }
        let word = self.text(entry)?;
        let name = EventName::parse(&word);
        if name.is_none() {
            self.unknown_event(&word, entry.value.span);
        }
        name
    }

    pub(super) fn unknown_event(&mut self, word: &str, span: SourceSpan) {
        let events: Vec<String> = EventName::all().map(EventName::word).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let first = word.split([' ', ',']).next().unwrap_or_default();
        let help = match event_meant(word, &events) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if word != first && EventName::parse(first).is_some() => {
                "a rule waits for one event: write a rule for each".to_owned()
            }
            None => format!("one of {}", events.join(", ")),
        };
        let help = Some(help);
        self.report("E026", span, format!("unknown event `{word}`"), "no such event", help);
    }

    pub(super) fn entity(&mut self, root: &Node, first_key: SourceSpan) -> Option<Role> {
        let entry = self.required(root, "entity", first_key, "a rule")?;
        let word = self.text(entry)?;
        let role = self.role(&word, entry.value.span)?;
        let Some(trigger) = self.trigger else { return Some(role) };
        if self.catalogue.role_slot(role, trigger.family()).is_some() {
            return self.must_be_of_timer(role, entry.value.span).map(|()| role);
        }
        let label = "not a role of the event that wakes the rule";
        self.role_not_there(role, trigger.family(), entry.value.span, label);
        None
    }

    pub(super) fn role(&mut self, word: &str, span: SourceSpan) -> Option<Role> {
        let role = self.catalogue.role(word);
        if role.is_none() && !self.catalogue.is_broken(word) {
            let roles: Vec<&str> = self.role_words(|_| true);
            let help = did_you_mean(word, &roles);
            self.report("E027", span, format!("unknown role `{word}`"), "no such role", help);
        }
        role
    }

    pub(super) fn role_not_there(
        &mut self,
        role: Role,
        family: Family,
        span: SourceSpan,
        label: &str,
    ) {
        let title = format!("{} has no {}", noun(family), self.catalogue.role_word(role));
        let there = self.role_words(|role| self.catalogue.role_slot(role, family).is_some());
        let help = Some(format!("it has {}", there.join(", ")));
        self.report("E027", span, title, label, help);
    }

    fn role_words(&self, fits: impl Fn(Role) -> bool) -> Vec<&'a str> {
        let roles = self.catalogue.roles().iter().filter(|role| fits(role.role));
        roles.map(|role| role.word.as_str()).collect()
    }
}

/// The family's noun, for messages.
pub(super) const fn noun(family: Family) -> &'static str {
    match family {
        Family::Transaction => "a transaction",
        Family::Kyc => "an identity event",
        Family::Security => "a security event",
    }
}

fn status(word: &str) -> Option<Status> {
    Some(match word {
        "active" => Status::Active,
        "shadow" => Status::Shadow,
        "off" => Status::Off,
        _ => return None,
    })
}
