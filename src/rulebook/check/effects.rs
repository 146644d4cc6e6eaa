//! What a match leads to: the alert and the request to identify a customer again.

use crate::domain::rekyc::RekycLevel;
use crate::domain::{RekycCause, RekycScope};
use crate::rulebook::source::{Entry, Node};
use crate::rulebook::typed::{AlertSpec, Expr, RekycSpec, SourceSpan, Template};

use super::{Checker, Place};

/// Keys of `alert`.
pub const ALERT_KEYS: &[&str] = &["score", "message", "cooldown"];

/// Keys of `rekyc`.
pub const REKYC_KEYS: &[&str] = &["when", "subject", "scope", "level", "cause", "reason", "due"];

impl Checker<'_> {
    pub(super) fn alert(&mut self, root: &Node, first_key: SourceSpan) -> Option<AlertSpec> {
        let entry = self.required(root, "alert", first_key, "a rule")?;
        self.entries(entry, "`score`, `message` and `cooldown`")?;
        self.known_keys(&entry.value, ALERT_KEYS, &["dedup"]);
        let score = self
            .required(&entry.value, "score", entry.key_span, "`alert`")
            .and_then(|score| self.score(score));
        let message = self
            .required(&entry.value, "message", entry.key_span, "`alert`")
            .and_then(|message| self.message(message));
        let cooldown = match entry.value.entry("cooldown") {
            Some(cooldown) => Some(self.duration(cooldown)?),
            None => None,
        };
        Some(AlertSpec { score: score?, message: message?, cooldown })
    }

    fn score(&mut self, entry: &Entry) -> Option<Expr> {
        let place = self.outside();
        let expr = self.expression_node(&entry.value, place)?;
        self.must_be_number(expr, "`score`")
    }

    fn message(&mut self, entry: &Entry) -> Option<Template> {
        let place = self.with_score();
        self.template(entry, place)
    }

    /// Where `rekyc.when` and messages stand.
    fn with_score(&self) -> Place {
        Place { has_score: true, ..self.outside() }
    }

    /// `None` also when the rule asks for nothing.
    pub(super) fn rekyc(&mut self, root: &Node) -> Option<RekycSpec> {
        let entry = root.entry("rekyc")?;
        let section = &entry.value;
        self.entries(entry, "`level`, `reason`, `due`, ...")?;
        self.known_keys(section, REKYC_KEYS, &[]);
        if let Some(subject) = section.entry("subject") {
            let is_customer = |word: &str| (word == "customer").then_some(());
            self.word(subject, &["customer"], is_customer);
        }
        let place = self.with_score();
        let when = match section.entry("when") {
            Some(when) => self.condition_node(&when.value, place).map(Some),
            None => Some(None),
        };
        let scope = section.entry("scope").map_or(Some(RekycScope::Full), |entry| {
            self.word(entry, RekycScope::WORDS, RekycScope::parse)
        });
        let level = section.entry("level").map_or(Some(RekycLevel::Standard), |entry| {
            self.word(entry, RekycLevel::WORDS, RekycLevel::parse)
        });
        let cause = section.entry("cause").map_or(Some(RekycCause::Behaviour), |entry| {
            self.word(entry, RekycCause::WORDS, RekycCause::parse)
        });
        let reason = self
            .required(section, "reason", entry.key_span, "`rekyc`")
            .and_then(|reason| self.template(reason, place));
        let due = self
            .required(section, "due", entry.key_span, "`rekyc`")
            .and_then(|due| self.duration(due));
        Some(RekycSpec {
            when: when?,
            scope: scope?,
            level: level?,
            cause: cause?,
            reason: reason?,
            due: due?,
        })
    }
}
