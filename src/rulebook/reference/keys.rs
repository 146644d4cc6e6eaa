//! The keys of a rule file, by section.

use crate::domain::rekyc::{RekycCause, RekycLevel, RekycScope};
use crate::domain::{AlertClass, Severity};
use crate::rulebook::check::RULE_KEYS;
use crate::rulebook::check::effective::EFFECTIVE_KEYS;
use crate::rulebook::check::effects::{ALERT_KEYS, REKYC_KEYS};
use crate::rulebook::check::metadata::{CHANGE_KEYS, REFERENCE_KEYS, TRUTH, VOLUME_KEYS};
use crate::rulebook::check::params::PARAM_KEYS;
use crate::rulebook::check::sequence::SEQUENCE_KEYS;
use crate::rulebook::check::timer::TIMER_KEYS;
use crate::rulebook::example_reader::event::SCHEDULE_KEYS;
use crate::rulebook::example_reader::expected::{EXPECTED_ALERT_KEYS, EXPECTED_REKYC_KEYS};
use crate::rulebook::example_reader::{GIVEN_KEYS, KEYS as TEST_KEYS};
use crate::rulebook::metadata::Confidence;
use crate::rulebook::typed::Status;

/// A part of a rule file with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The file.
    Rule,
    /// Below a `trigger` that is an instant.
    Timer,
    /// Below `sequence`.
    Sequence,
    /// Below `effective`.
    Effective,
    /// Below `alert`.
    Alert,
    /// Below `rekyc`.
    Rekyc,
    /// A parameter that says more than its value.
    Param,
    /// One of `references`.
    Reference,
    /// Below `expected_alerts`.
    Volume,
    /// One of `changes`.
    Change,
    /// One of `tests`.
    Test,
    /// Below a test's `given`.
    Given,
    /// One of a test's `events`.
    Event,
    /// One of a test's `alerts`.
    ExpectedAlert,
    /// One of a test's `rekyc`.
    ExpectedRekyc,
}

/// A key and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// Where it stands.
    pub section: Section,
    /// Its name.
    pub key: &'static str,
    /// One sentence or two.
    pub doc: &'static str,
    /// The only words it can have, if they are a fixed set.
    pub words: Option<&'static [&'static str]>,
}

const fn key(section: Section, key: &'static str, doc: &'static str) -> KeyEntry {
    KeyEntry { section, key, doc, words: None }
}

const fn choice(
    section: Section,
    key: &'static str,
    words: &'static [&'static str],
    doc: &'static str,
) -> KeyEntry {
    KeyEntry { section, key, doc, words: Some(words) }
}

use Section as S;

/// What the marks of confidence mean.
const CONFIDENCE: &str = "`REG`: it stands in the cited law; `IND`: an official indicator describes it, without the \
                          number; `DES`: a design decision, or a source that is not official.";

/// All keys.
pub const KEYS: &[KeyEntry] = &[
    choice(S::Rule, "lang", &["1"], "The version of the language; always 1."),
    key(S::Rule, "rule", "The rule's id: the file's name without its ending."),
    key(
        S::Rule,
        "version",
        "Three numbers, `1.0.0`: the first rises when other alerts come, the second when something is added, the \
         third for wording.",
    ),
    key(S::Rule, "title", "One line that names the suspicious behavior."),
    key(S::Rule, "about", "What it looks for, and why it matters."),
    key(S::Rule, "misses", "What the rule cannot see: a text or a list of texts."),
    key(
        S::Rule,
        "false_alarms",
        "Who does the same for honest reasons: a text or a list of texts.",
    ),
    choice(
        S::Rule,
        "status",
        Status::WORDS,
        "`active` sends alerts, `shadow` only records them, `off` only checks the file.",
    ),
    choice(
        S::Rule,
        "class",
        AlertClass::WORDS,
        "What its alerts are: a suspicion unless you say otherwise.",
    ),
    choice(S::Rule, "severity", Severity::WORDS, "How grave its alerts are."),
    choice(
        S::Rule,
        "disclosable",
        TRUTH,
        "Whether the customer may be told of an alert or a request of this rule; not unless you say so.",
    ),
    key(S::Rule, "tags", "Free words by kind: `typology`, `regulation`, and your own."),
    key(
        S::Rule,
        "indicators",
        "Codes for a report to the authority, as your authority names them: a text or a list of texts.",
    ),
    key(
        S::Rule,
        "references",
        "What the rule rests on: `- { cite: ..., confidence: REG, note: ... }` for each source.",
    ),
    key(S::Rule, "owner", "Who answers for the rule: a team."),
    key(S::Rule, "author", "Who wrote this version."),
    key(S::Rule, "approver", "Who let this version become active: somebody other than the author."),
    key(
        S::Rule,
        "review_by",
        "The day until which the rule must have been reviewed again: `2026-12-31`.",
    ),
    key(
        S::Rule,
        "expected_alerts",
        "How many alerts 10,000 customers are expected to give in 30 days: a number, or `value` with `why`.",
    ),
    key(S::Rule, "trigger", "The event that wakes the rule, or keys of an instant that does."),
    key(S::Rule, "sequence", "Events one after another; the last step wakes the rule."),
    key(S::Rule, "effective", "From when until when the rule judges."),
    key(S::Rule, "entity", "Whom or what its alerts are about: a role of the event that wakes it."),
    key(S::Rule, "where", "A cheap filter on the event that wakes the rule."),
    key(
        S::Rule,
        "params",
        "Named constants, and tables of constants by closed-set fields, each with unit, bounds and reasons.",
    ),
    key(S::Rule, "let", "Named values; each may use those above it."),
    key(S::Rule, "when", "The condition: the rule matches when it holds."),
    key(S::Rule, "unless", "Named exceptions: one that holds excuses the match, and is counted."),
    key(S::Rule, "alert", "What is raised when the condition holds and no exception does."),
    key(S::Rule, "rekyc", "Asks, together with an alert, that the customer be identified again."),
    key(
        S::Rule,
        "changes",
        "What was changed, the newest first: `- { version: 1.0.1, date: 2026-01-31, by: ..., what: ... }`.",
    ),
    key(S::Rule, "tests", "Small event stories in virtual time, and which alerts must come."),
    key(S::Timer, "absent", "The event that has not come: `EVENT where CONDITION`."),
    key(S::Timer, "due", "The date that passes: `customer.next_review_at`."),
    key(S::Timer, "by", "Per whom it is waited: a role."),
    key(S::Timer, "for", "How long it has not come: `365d`."),
    key(
        S::Timer,
        "after",
        "For `absent`, the event from which it is waited; for `due`, how long after the date.",
    ),
    key(S::Timer, "where", "Asked at the instant, of the facts that hold then."),
    key(S::Sequence, "by", "Per whom: one role or several that every step's event has."),
    key(S::Sequence, "within", "From the first step to the last, as a length of time: `48h`."),
    key(
        S::Sequence,
        "steps",
        "`- name: EVENT where CONDITION` each; `- not: EVENT where CONDITION` between two of them.",
    ),
    key(S::Effective, "from", "The first day, or the first instant, that is judged."),
    key(S::Effective, "to", "The first day, or the first instant, that is judged no more."),
    key(S::Alert, "score", "A number, held to 0 to 100."),
    key(
        S::Alert,
        "message",
        "One sentence with values in braces: `{name}`, or `{name:format}` with `money`, `percent`, `date`, \
         `hours` or `days`.",
    ),
    key(
        S::Alert,
        "cooldown",
        "How long after an alert a further match for the same entity extends that alert.",
    ),
    key(
        S::Alert,
        "dedup",
        "What parts the matches of one entity: with `[counterparty]` each counterparty of the entity has an alert \
         and a cool-down of its own.",
    ),
    key(S::Rekyc, "when", "Only then; without it, with every alert. It may use `score`."),
    choice(S::Rekyc, "subject", &["customer"], "Who is identified again: the event's customer."),
    choice(S::Rekyc, "scope", RekycScope::WORDS, "What is reviewed."),
    choice(S::Rekyc, "level", RekycLevel::WORDS, "How deep."),
    choice(
        S::Rekyc,
        "cause",
        RekycCause::WORDS,
        "A neutral word for people who must not learn of a suspicion.",
    ),
    key(S::Rekyc, "reason", "For the restricted side; it may hold values in braces."),
    key(S::Rekyc, "due", "Deadline after the event, as a length of time: `14d`."),
    key(
        S::Param,
        "value",
        "The value of a constant: `value: 10000`; a table has `by` and `values`.",
    ),
    key(S::Param, "by", "The field, or up to three fields, whose words choose the row."),
    key(
        S::Param,
        "values",
        "Rows: words joined by `/`, `*` for any, and their value. The first that fits counts.",
    ),
    key(S::Param, "default", "The value when no row fits or a field is absent."),
    key(S::Param, "unit", "What is counted or measured: `base currency`, `customers`."),
    key(S::Param, "min", "The lowest value that may be written; no row may be below it."),
    key(S::Param, "max", "The highest value that may be written; no row may be above it."),
    key(S::Param, "source", "Where the value comes from: a law, an indicator, a measurement."),
    choice(S::Param, "confidence", Confidence::WORDS, CONFIDENCE),
    key(S::Param, "why", "Why it is this value and no other."),
    key(S::Reference, "cite", "What is cited: `31 CFR 1010.311`."),
    choice(S::Reference, "confidence", Confidence::WORDS, CONFIDENCE),
    key(S::Reference, "note", "Which part of it, and whether the text itself was read."),
    key(S::Volume, "value", "Alerts per 10,000 customers in 30 days."),
    key(S::Volume, "why", "How the number was obtained."),
    key(S::Change, "version", "The version that the change made."),
    key(S::Change, "date", "When: `2026-01-31`."),
    key(S::Change, "by", "Who."),
    key(S::Change, "what", "What was changed, and for which reason."),
    key(
        S::Test,
        "name",
        "What the story shows; one that stands on an edge begins with `boundary`.",
    ),
    key(S::Test, "start", "When the story starts, in RFC 3339; a fixed Monday without it."),
    key(S::Test, "given", "What is known before the first event."),
    key(S::Test, "defaults", "Fields that every event of a kind has unless it says otherwise."),
    key(S::Test, "events", "The story: offsets from the start, and one event each."),
    key(S::Test, "until", "Time passes to this offset at the end of the story."),
    key(S::Test, "alerts", "Every alert that must come, in order; no other may. `[]` for none."),
    key(S::Test, "rekyc", "Every re-KYC request that must come; not compared without it."),
    key(S::Given, "customer", "Facts of customers: `{ C1: { risk: high } }`."),
    key(S::Given, "account", "Facts of accounts: `{ A1: { purpose: club } }`."),
    key(S::Given, "list", "Lists that stand in for the list files."),
    key(S::Event, "at", "When, as an offset from the start: `0d`, `36h`, `-20d`."),
    key(S::Event, "arrives", "When it reaches us, if it is late: an offset from the start."),
    key(S::Event, "every", "The time between repetitions; `times` says how many."),
    key(S::Event, "times", "How often the event happens; `{i}` in a text is the number, from 1."),
    key(S::ExpectedAlert, "at", "When, as an offset from the start."),
    key(S::ExpectedAlert, "entity", "About whom."),
    key(S::ExpectedAlert, "score", "Its score."),
    key(S::ExpectedRekyc, "at", "When, as an offset from the start."),
    key(S::ExpectedRekyc, "entity", "About whom: the customer, or the rule's entity."),
    choice(S::ExpectedRekyc, "level", RekycLevel::WORDS, "How deep."),
];

impl Section {
    /// The keys that the checker knows here, in the order of the layout.
    #[must_use]
    pub const fn known(self) -> &'static [&'static str] {
        match self {
            Self::Rule => RULE_KEYS,
            Self::Timer => TIMER_KEYS,
            Self::Sequence => SEQUENCE_KEYS,
            Self::Effective => EFFECTIVE_KEYS,
            Self::Alert => ALERT_KEYS,
            Self::Rekyc => REKYC_KEYS,
            Self::Param => PARAM_KEYS,
            Self::Reference => REFERENCE_KEYS,
            Self::Volume => VOLUME_KEYS,
            Self::Change => CHANGE_KEYS,
            Self::Test => TEST_KEYS,
            Self::Given => GIVEN_KEYS,
            Self::Event => SCHEDULE_KEYS,
            Self::ExpectedAlert => EXPECTED_ALERT_KEYS,
            Self::ExpectedRekyc => EXPECTED_REKYC_KEYS,
        }
    }

    /// Its keys with their sentences.
    pub fn entries(self) -> impl Iterator<Item = &'static KeyEntry> {
        KEYS.iter().filter(move |entry| entry.section == self)
    }

    /// The entry of `key` in this section.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<&'static KeyEntry> {
        self.entries().find(|entry| entry.key == key)
    }

    /// The section that lies under these keys; items of a list add no key.
    #[must_use]
    pub fn under(path: &[&str]) -> Option<Self> {
        Some(match path {
            [] => Self::Rule,
            ["trigger"] => Self::Timer,
            ["sequence"] => Self::Sequence,
            ["effective"] => Self::Effective,
            ["alert"] => Self::Alert,
            ["rekyc"] => Self::Rekyc,
            ["params", _] => Self::Param,
            ["references"] => Self::Reference,
            ["expected_alerts"] => Self::Volume,
            ["changes"] => Self::Change,
            ["tests"] => Self::Test,
            ["tests", "given"] => Self::Given,
            ["tests", "events"] => Self::Event,
            ["tests", "alerts"] => Self::ExpectedAlert,
            ["tests", "rekyc"] => Self::ExpectedRekyc,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_the_checker_knows_is_described_once_and_no_other() {
        for section in [
            S::Rule,
            S::Timer,
            S::Sequence,
            S::Effective,
            S::Alert,
            S::Rekyc,
            S::Param,
            S::Reference,
            S::Volume,
            S::Change,
            S::Test,
            S::Given,
            S::Event,
            S::ExpectedAlert,
            S::ExpectedRekyc,
        ] {
            let mut described: Vec<&str> = section.entries().map(|entry| entry.key).collect();
            let mut known = section.known().to_vec();
            described.sort_unstable();
            known.sort_unstable();
            assert_eq!(described, known, "{section:?}: give each key a line in KEYS");
        }
        for entry in KEYS {
            assert!(entry.doc.ends_with('.'), "{}", entry.doc);
        }
    }
}
