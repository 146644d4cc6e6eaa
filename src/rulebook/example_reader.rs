//! Reads the `tests:` section of a rule file into [`Example`]s.
//!
//! In: the section's nodes and the names that the rule defines. Out: stories with defaults applied,
//! repetitions unrolled and every value checked against the field catalogue, and one problem for each
//! thing that is not understood. Never stops at the first problem, and never runs a story.

pub mod event;
pub mod expected;
mod list;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Instant, Span, Verification};

use super::catalogue::{Catalogue, EventName, Family, Field, Role, Slot, Type};
use super::diagnostic::{Diagnostic, Level, did_you_mean};
use super::elsewhere::key_meant;
use super::example::{Example, ExampleEvent, STORY_START, Value};
use super::lists::date;
use super::source::{Entry, Node, NodeKind};
use super::typed::{List, SourceSpan};

/// What the tests of a rule may refer to.
#[derive(Clone, Copy, Debug)]
pub struct RuleNames<'a> {
    /// Fields and roles.
    pub catalogue: &'a Catalogue,
    /// The event that wakes the rule; `None` when it could not be read.
    pub trigger: Option<EventName>,
    /// Whom its alerts are about; `None` when it could not be read.
    pub entity: Option<Role>,
    /// Its `let`s with the types of their values; `None` when that could not be read.
    pub lets: &'a [(String, Option<Type>)],
    /// It may ask for re-KYC.
    pub asks_for_rekyc: bool,
    /// The list files beside it.
    pub lists: &'a BTreeMap<String, List>,
}

/// All keys of a test, in the order in which `weir rules fmt` puts them.
pub const KEYS: &[&str] =
    &["name", "start", "given", "defaults", "events", "until", "alerts", "rekyc"];

/// Keys of `given`.
pub const GIVEN_KEYS: &[&str] = &["customer", "account", "list"];

/// Reads the value of `tests:`; problems are added to `problems` under `path`.
///
/// An example with a problem is left out, so that nothing half-read is ever run.
pub fn read(
    node: &Node,
    rule: &RuleNames<'_>,
    problems: &mut Vec<Diagnostic>,
    path: &str,
) -> Vec<Example> {
    let mut reader = Reader { rule, path, problems, ticks: Vec::new(), misspelt: Vec::new() };
    let mut examples = Vec::new();
    let mut names = BTreeSet::new();
    for item in reader.sequence(node, "`tests`") {
        let errors = error_count(reader.problems);
        let example = reader.example(item);
        if let Some(example) = example
            && reader.is_new_name(&example, &mut names)
            && error_count(reader.problems) == errors
        {
            reader.warn_if_it_cannot_fire(&example);
            examples.push(example);
        }
    }
    examples
}

fn error_count(problems: &[Diagnostic]) -> usize {
    problems.iter().filter(|problem| problem.level == Level::Error).count()
}

/// The tools that every part of the section is read with.
struct Reader<'a> {
    rule: &'a RuleNames<'a>,
    path: &'a str,
    problems: &'a mut Vec<Diagnostic>,
    /// Instants of the story to which time passes.
    ticks: Vec<Instant>,
    /// Keys that are there by another name, which was reported; nobody calls them missing.
    misspelt: Vec<String>,
}

/// Facts by entity, as written under `given`.
type Facts = BTreeMap<String, BTreeMap<String, Value>>;

/// The fact of an account that says whose it is.
const OWNER: &str = "customer";

/// What `given` says.
#[derive(Default)]
struct Given {
    customers: Facts,
    accounts: Facts,
    lists: BTreeMap<String, List>,
}

impl Reader<'_> {
    fn example(&mut self, node: &Node) -> Option<Example> {
        self.misspelt.clear();
        let entries = self.mapping(node, "a test", KEYS)?;
        let get = |key| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let (name, start, given) = (get("name"), get("start"), get("given"));
        let (defaults, events) = (get("defaults"), get("events"));
        let (alerts, rekyc, until) = (get("alerts"), get("rekyc"), get("until"));
        self.ticks.clear();
        let start = self.start(start)?;
        let name = self.required(name, node.span, "name");
        let name_span = name.map_or(node.span, |name| name.span);
        let name = name.and_then(|name| self.name(name));
        let given = given.map_or_else(Given::default, |given| self.given(given, start));
        let defaults = self.defaults(defaults, start);
        let events = self
            .required(events, node.span, "events")
            .map(|events| self.events(events, (start, until.is_some()), &defaults));
        if let Some(until) = until {
            let until = self.offset(until, start);
            self.ticks.extend(until);
        }
        self.ticks.sort_unstable();
        let alerts = self
            .required(alerts, node.span, "alerts")
            .map(|alerts| self.expected_alerts(alerts, start));
        let rekyc = rekyc.map(|rekyc| self.expected_rekyc(rekyc, start));
        Some(Example {
            name: name?,
            // The name says which test is meant; the whole story would fill the screen.
            span: name_span,
            start,
            customers: given.customers,
            accounts: given.accounts,
            lists: given.lists,
            events: events?,
            ticks: std::mem::take(&mut self.ticks),
            alerts: alerts?,
            rekyc,
        })
    }

    fn name(&mut self, node: &Node) -> Option<String> {
        let text = self.scalar(node, "a name")?.trim();
        if text.is_empty() {
            self.error("E202", node.span, "the test has no name", "one sentence goes here", None);
            return None;
        }
        Some(text.to_owned())
    }

    fn start(&mut self, node: Option<&Node>) -> Option<Instant> {
        let Some(node) = node else { return Instant::parse(STORY_START) };
        let text = self.scalar(node, "a time")?;
        let at = date(text);
        if at.is_none() {
            let help = format!("write it like 2026-01-31 or {STORY_START}");
            self.error(
                "E206",
                node.span,
                "this is not a time",
                "neither a date nor RFC 3339",
                Some(help),
            );
        }
        at
    }

    fn given(&mut self, node: &Node, start: Instant) -> Given {
        let mut given = Given::default();
        for entry in self.mapping(node, "`given`", GIVEN_KEYS).unwrap_or(&[]) {
            match entry.key.as_str() {
                "customer" => given.customers = self.facts(&entry.value, "customer", start),
                "account" => given.accounts = self.facts(&entry.value, "account", start),
                "list" => given.lists = self.lists(&entry.value, start),
                _ => {}
            }
        }
        given
    }

    /// `{C1: {risk: low}}`: facts that hold before the story, by entity.
    fn facts(&mut self, node: &Node, role: &str, start: Instant) -> Facts {
        let prefix = format!("{role}.");
        let fields = self.rule.catalogue.fields().iter();
        let known: Vec<(&str, &Field)> =
            fields.filter_map(|field| Some((field.path.strip_prefix(&prefix)?, field))).collect();
        let mut names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        // Whose an account is follows from its first event; one that only receives has none of its own.
        let has_owner = role == "account";
        names.extend(has_owner.then_some(OWNER));
        let mut facts = Facts::new();
        for entity in self.any_mapping(node, "the facts").unwrap_or(&[]) {
            let values = facts.entry(entity.key.clone()).or_default();
            for fact in self.any_mapping(&entity.value, "the facts").unwrap_or(&[]) {
                if has_owner && fact.key == OWNER {
                    let owner = self.scalar(&fact.value, "`customer`");
                    let owner = owner.map(|owner| Value::Text(owner.to_owned()));
                    values.extend(owner.map(|owner| (OWNER.to_owned(), owner)));
                    continue;
                }
                let Some((_, field)) = known.iter().find(|(name, _)| *name == fact.key) else {
                    let title = format!("`{}` is not a fact of a {role}", fact.key);
                    self.unknown("E204", fact, title, &names);
                    continue;
                };
                if let Some(value) = self.field_value(field, &fact.value, start, None) {
                    values.insert(fact.key.clone(), value);
                }
            }
            self.check_seedable(entity, values);
        }
        facts
    }

    /// Refuses facts that no chain of identity events can bring about.
    fn check_seedable(&mut self, entity: &Entry, values: &BTreeMap<String, Value>) {
        if values.get("known") == Some(&Value::Bool(false)) && values.len() > 1 {
            self.error(
                "E210",
                entity.key_span,
                "an unknown customer has no facts",
                "`known: false` and more",
                Some("remove the other facts, or `known: false`".to_owned()),
            );
        }
        if let Some(Value::Text(word)) = values.get("state")
            && Verification::parse(word).is_some_and(|state| !state.is_reached_by_events())
        {
            let title = format!("a test cannot start with a customer who is `{word}`");
            let label = "no identity event leads to that state";
            self.error("E210", entity.key_span, title, label, None);
        }
    }

    fn is_new_name(&mut self, example: &Example, names: &mut BTreeSet<String>) -> bool {
        let is_new = names.insert(example.name.clone());
        if !is_new {
            let title = format!("two tests are called `{}`", example.name);
            self.error("E211", example.span, title, "the second one", None);
        }
        is_new
    }

    /// W302: a story that never wakes the rule passes whatever the rule says.
    fn warn_if_it_cannot_fire(&mut self, example: &Example) {
        let (Some(trigger), Some(entity)) = (self.rule.trigger, self.rule.entity) else { return };
        let catalogue = self.rule.catalogue;
        let Some(slot) = catalogue.role_slot(entity, trigger.family()) else { return };
        let field = catalogue.field(slot);
        let name = field.short_name();
        // A fact is there whatever the event says.
        let wakes = |event: &ExampleEvent| {
            event.name == trigger && (field.family.is_none() || event.fields.contains_key(name))
        };
        if example.events.iter().any(wakes) {
            return;
        }
        let label = match field.family {
            Some(_) => format!("no `{}` event with a `{name}`", event_key(trigger)),
            None => format!("no `{}` event", event_key(trigger)),
        };
        self.problems.push(
            Diagnostic::new(
                "W302",
                self.path,
                example.span,
                "this test never wakes the rule",
                label,
            )
            .with_help("add one, or remove the test: it passes whatever the rule says"),
        );
    }

    // What follows reads shapes and reports what does not have them.

    fn required<'n>(
        &mut self,
        node: Option<&'n Node>,
        span: SourceSpan,
        key: &str,
    ) -> Option<&'n Node> {
        let is_misspelt = self.misspelt.iter().any(|misspelt| misspelt == key);
        if node.is_none() && !is_misspelt {
            let start = SourceSpan { start: span.start, end: span.start + 1 };
            let title = format!("`{key}` is missing");
            self.error("E202", start, title, "in this entry", Some(format!("add `{key}:`")));
        }
        node
    }

    fn sequence<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        let NodeKind::Sequence(items) = &node.kind else {
            self.shape(node, what, "a list", "write `- ` before each entry, or `[]` for none");
            return &[];
        };
        items
    }

    fn any_mapping<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        let NodeKind::Mapping(entries) = &node.kind else {
            self.shape(node, what, "keys and values", "write it like `{ key: value }`");
            return None;
        };
        Some(entries)
    }

    fn mapping<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<&'n [Entry]> {
        let entries = self.any_mapping(node, what)?;
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            self.unknown("E201", entry, format!("unknown key `{}`", entry.key), keys);
            self.misspelt.extend(key_meant(&entry.key, keys).map(str::to_owned));
        }
        Some(entries)
    }

    fn scalar<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let NodeKind::Scalar { text, .. } = &node.kind else {
            self.shape(node, what, "a single value", "write one value without braces or dashes");
            return None;
        };
        Some(text)
    }

    fn shape(&mut self, node: &Node, what: &str, wanted: &str, help: &str) {
        let title = format!("{what} must be {wanted}");
        self.error("E200", node.span, title, format!("not {wanted}"), Some(help.to_owned()));
    }

    fn unknown(&mut self, code: &'static str, entry: &Entry, title: String, known: &[&str]) {
        let help = match key_meant(&entry.key, known) {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None => did_you_mean(&entry.key, known),
        };
        self.error(code, entry.key_span, title, "not known here", help);
    }

    fn error(
        &mut self,
        code: &'static str,
        span: SourceSpan,
        title: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        let mut problem = Diagnostic::new(code, self.path, span, title, label);
        problem.help = help;
        self.problems.push(problem);
    }
}

/// How a story names an event: `tx` for a transaction, as in expressions.
#[must_use]
pub fn event_key(name: EventName) -> String {
    if name == EventName::Transaction { "tx".to_owned() } else { name.word() }
}

/// What an event of `family` may say in a story.
#[must_use]
pub fn fields_of(catalogue: &Catalogue, family: Family) -> Vec<&Field> {
    // What is worked out of other fields cannot be said beside them.
    let said = catalogue.fields().iter().filter(|field| field.slot != Slot::TX_BOOKED);
    let own = said.filter(|field| field.family == Some(family));
    let facts: &[&[Slot]] =
        if family == Family::Kyc { &[CUSTOMER_FACTS, ACCOUNT_FACTS] } else { &[] };
    let facts = facts.iter().flat_map(|slots| slots.iter());
    own.chain(facts.map(|slot| catalogue.field(*slot))).collect()
}

/// Offset from the story's start, as analysts write it.
fn offset(text: &str, start: Instant) -> Option<Instant> {
    Span::parse(text).map(|span| start.plus(span))
}

/// The facts about a customer that an identity event of a story may set, beside its own fields.
const CUSTOMER_FACTS: &[Slot] = &[
    Slot::CUSTOMER_RISK,
    Slot::CUSTOMER_SEGMENT,
    Slot::CUSTOMER_COUNTRY,
    Slot::CUSTOMER_OCCUPATION,
    Slot::CUSTOMER_EXPECTED_TURNOVER,
    Slot::CUSTOMER_DOCUMENT_EXPIRES_AT,
    Slot::CUSTOMER_NEXT_REVIEW_AT,
];

/// The facts about an account that an identity event may set when it names the account.
const ACCOUNT_FACTS: &[Slot] =
    &[Slot::ACCOUNT_OPENED_AT, Slot::ACCOUNT_PURPOSE, Slot::ACCOUNT_CURRENCY];

#[cfg(test)]
mod tests;
