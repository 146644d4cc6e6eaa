//! Reads what must come of a story: alerts and re-KYC requests.
//!
//! Only what is written is compared later; the number of alerts always is.

use crate::domain::rekyc::RekycLevel;
use crate::domain::{Instant, Span};
use crate::rulebook::catalogue::Type;
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::example::{ExpectedAlert, ExpectedRekyc};
use crate::rulebook::source::{Entry, Node};
use crate::rulebook::typed::Literal;

use super::value::number;
use super::{Reader, offset};

/// Keys of an alert that must come; beside them `let`s of the rule.
pub const EXPECTED_ALERT_KEYS: &[&str] = &["at", "entity", "score"];

/// Keys of a request that must come.
pub const EXPECTED_REKYC_KEYS: &[&str] = &["at", "entity", "level"];

impl Reader<'_> {
    pub(super) fn expected_alerts(&mut self, node: &Node, start: Instant) -> Vec<ExpectedAlert> {
        let mut alerts = Vec::new();
        for item in self.sequence(node, "`alerts`") {
            alerts.extend(self.expected_alert(item, start));
        }
        alerts
    }

    fn expected_alert(&mut self, node: &Node, start: Instant) -> Option<ExpectedAlert> {
        let entries = self.any_mapping(node, "an alert")?;
        let at = self.expected_at(node, entries, start);
        let (mut entity, mut score, mut values) = (None, None, Vec::new());
        for entry in entries {
            match entry.key.as_str() {
                "at" => {}
                "entity" => entity = self.scalar(&entry.value, "`entity`").map(str::to_owned),
                "score" => {
                    score = self.scalar(&entry.value, "`score`").and_then(number);
                    if score.is_none() {
                        self.unfit(&entry.value, "score", "not a number from 0 to 100");
                    }
                }
                name => {
                    let literal = self.expected_value(name, entry, start);
                    values.extend(literal.map(|it| (name.to_owned(), it, entry.value.span)));
                }
            }
        }
        Some(ExpectedAlert { at: at?, entity, score, values, span: node.span })
    }

    fn expected_value(&mut self, name: &str, entry: &Entry, start: Instant) -> Option<Literal> {
        let lets = self.rule.lets;
        let Some((_, ty)) = lets.iter().find(|(known, _)| known == name) else {
            let mut known = EXPECTED_ALERT_KEYS.to_vec();
            known.extend(lets.iter().map(|(name, _)| name.as_str()));
            let title = format!("`{name}` is not a `let` of this rule");
            let help = did_you_mean(name, &known);
            self.error("E204", entry.key_span, title, "not known here", help);
            return None;
        };
        let text = self.scalar(&entry.value, "a value")?;
        if text == ABSENT {
            return Some(Literal::Text(ABSENT.to_owned()));
        }
        let Some(ty) = ty else { return Some(Literal::Text(text.to_owned())) };
        let (literal, label) = match ty {
            Type::Number => (number(text).map(Literal::Number), "not a plain number like 28600.50"),
            Type::Text | Type::Pattern | Type::Names => (Some(Literal::Text(text.to_owned())), ""),
            Type::Bool => (text.parse().ok().map(Literal::Bool), "neither true nor false"),
            Type::Duration => {
                (Span::parse(text).map(Literal::Duration), "not a length of time like 36h")
            }
            // Evidence writes instants in RFC 3339, so that is what an offset is turned into.
            Type::Time => {
                let at = offset(text, start).or_else(|| Instant::parse(text));
                let literal = at.map(|at| Literal::Text(at.to_string()));
                (literal, "neither an offset like 2d nor an RFC 3339 time")
            }
        };
        if literal.is_none() {
            self.unfit(&entry.value, name, label);
        }
        literal
    }

    pub(super) fn expected_rekyc(&mut self, node: &Node, start: Instant) -> Vec<ExpectedRekyc> {
        let mut requests = Vec::new();
        let items = self.sequence(node, "`rekyc`");
        if let Some(first) = items.first().filter(|_| !self.rule.asks_for_rekyc) {
            let title = "the rule never asks for re-KYC";
            let help = "add `rekyc:` to the rule, or write `rekyc: []` here";
            self.error("E114", first.span, title, "cannot come", Some(help.to_owned()));
            return requests;
        }
        for item in items {
            requests.extend(self.expected_request(item, start));
        }
        requests
    }

    fn expected_request(&mut self, node: &Node, start: Instant) -> Option<ExpectedRekyc> {
        let entries = self.mapping(node, "a re-KYC request", EXPECTED_REKYC_KEYS)?;
        let at = self.expected_at(node, entries, start);
        let (mut entity, mut level) = (None, None);
        for entry in entries {
            match entry.key.as_str() {
                "entity" => entity = self.scalar(&entry.value, "`entity`").map(str::to_owned),
                "level" => level = self.level(&entry.value),
                _ => {}
            }
        }
        Some(ExpectedRekyc { at: at?, entity, level, span: node.span })
    }

    fn level(&mut self, node: &Node) -> Option<String> {
        let text = self.scalar(node, "`level`")?;
        if RekycLevel::parse(text).is_none() {
            let help = did_you_mean(text, RekycLevel::WORDS);
            let title = format!("`level` is never \"{text}\"");
            self.error("E205", node.span, title, "no such value", help);
        }
        Some(text.to_owned())
    }

    fn expected_at(&mut self, node: &Node, entries: &[Entry], start: Instant) -> Option<Instant> {
        let at = entries.iter().find(|entry| entry.key == "at").map(|entry| &entry.value);
        self.required(at, node.span, "at").and_then(|at| self.offset(at, start))
    }

    fn unfit(&mut self, node: &Node, name: &str, label: &str) {
        self.error("E205", node.span, format!("this does not fit `{name}`"), label, None);
    }
}

/// How evidence writes that a named value has no value.
const ABSENT: &str = "absent";
