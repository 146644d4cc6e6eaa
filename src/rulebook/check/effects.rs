//! What a match leads to: the alert and the request to identify a customer again.

use crate::domain::rekyc::RekycLevel;
use crate::domain::{RekycCause, RekycScope};
use crate::rulebook::catalogue::{EventName, Role};
use crate::rulebook::source::{Entry, Node};
use crate::rulebook::typed::{AlertSpec, Expr, RekycSpec, SourceSpan, Template};

use super::{Checker, Place};

/// Keys of `alert`.
pub const ALERT_KEYS: &[&str] = &["score", "message", "cooldown", "dedup"];

/// Most roles of `dedup`.
const DEDUP_MAX: usize = 4;

/// Keys of `rekyc`.
pub const REKYC_KEYS: &[&str] = &["when", "subject", "scope", "level", "cause", "reason", "due"];

impl Checker<'_> {
    pub(super) fn alert(&mut self, root: &Node, first_key: SourceSpan) -> Option<AlertSpec> {
        let entry = self.required(root, "alert", first_key, "a rule")?;
        self.entries(entry, "`score`, `message`, `cooldown` and `dedup`")?;
        self.known_keys(&entry.value, ALERT_KEYS, &[]);
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
        let dedup = match entry.value.entry("dedup") {
            Some(dedup) => self.dedup(dedup, cooldown.is_some()).unwrap_or_default(),
            None => Vec::new(),
        };
        Some(AlertSpec { score: score?, message: message?, cooldown, dedup })
    }

    /// The roles that part the matches of one entity.
    fn dedup(&mut self, entry: &Entry, has_cooldown: bool) -> Option<Vec<Role>> {
        let nodes =
            entry.value.items().map_or_else(|| vec![&entry.value], |it| it.iter().collect());
        if !has_cooldown {
            let title = "`dedup` without a `cooldown` does nothing";
            let help = "add `cooldown: 7d`: how long a further match extends the alert".to_owned();
            self.report("E097", entry.key_span, title, "no match is ever held back", Some(help));
        }
        if nodes.is_empty() || nodes.len() > DEDUP_MAX {
            let title = format!("`dedup` takes one to {DEDUP_MAX} roles");
            let help = Some("write `dedup: [counterparty]`".to_owned());
            self.report("E097", entry.value.span, title, format!("{} roles", nodes.len()), help);
            return None;
        }
        let mut roles: Vec<Role> = Vec::new();
        for node in nodes {
            let role = self.role(node.scalar().unwrap_or_default(), node.span)?;
            let family = self.trigger.map(EventName::family);
            if let Some(family) = family.filter(|it| self.catalogue.role_slot(role, *it).is_none())
            {
                let label = "not a role of the event that wakes the rule";
                self.role_not_there(role, family, node.span, label);
                return None;
            }
            self.must_be_of_timer(role, node.span)?;
            if self.entity == Some(role) || roles.contains(&role) {
                let title =
                    format!("matches are parted by {} already", self.catalogue.role_word(role));
                let help = "the rule's `entity` always parts them; name what else does".to_owned();
                self.report("E097", node.span, title, "does nothing", Some(help));
                return None;
            }
            roles.push(role);
        }
        roles.sort_unstable();
        Some(roles)
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
