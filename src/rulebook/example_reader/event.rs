//! Reads the events of a story: defaults, repetition, fields.
//!
//! `every` and `times` are unrolled here, so that the rehearsal sees plain events. Each value is
//! checked after `{i}` was replaced; a repetition reports a wrong value once, not once per round.

use std::collections::BTreeMap;

use crate::domain::{Instant, Span};
use crate::rulebook::catalogue::{EventName, Family, Field, Slot};
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::elsewhere::event_meant;
use crate::rulebook::example::{ExampleEvent, STORY_EVENTS_MAX, Value};
use crate::rulebook::source::{Entry, Node};

use super::{ACCOUNT_FACTS, Reader, event_key, fields_of, offset};

/// Fields that events of a kind have unless they say otherwise, as written.
pub(super) type Defaults<'n> = BTreeMap<EventName, Fields<'n>>;

/// Fields of an event as written.
#[derive(Clone, Default)]
pub(super) struct Fields<'n> {
    /// Those that were understood.
    known: Vec<(&'n Field, &'n Node)>,
    /// Some were not, which was reported; nothing is said of what may be missing.
    are_broken: bool,
}

/// When an event of the story happens, and how often.
struct Schedule {
    at: Instant,
    arrives: Instant,
    every: Span,
    times: usize,
}

/// The key of an entry in which only time passes.
pub const TICK: &str = "tick";

/// Keys that stand beside an event.
pub const SCHEDULE_KEYS: &[&str] = &["at", "arrives", "every", "times"];

impl<'a> Reader<'a> {
    pub(super) fn defaults<'n>(&mut self, node: Option<&'n Node>, start: Instant) -> Defaults<'n>
    where
        'a: 'n,
    {
        let mut defaults = Defaults::new();
        let entries = node.and_then(|node| self.any_mapping(node, "`defaults`")).unwrap_or(&[]);
        for entry in entries {
            let Some(name) = self.event_name(entry, &[]) else { continue };
            let mut fields = self.fields(name, &entry.value).unwrap_or_default();
            let written = fields.known.len();
            // Checked here so that a wrong default is reported once and not for every event.
            fields
                .known
                .retain(|(field, value)| self.field_value(field, value, start, Some(1)).is_some());
            fields.are_broken |= fields.known.len() < written;
            defaults.insert(name, fields);
        }
        defaults
    }

    pub(super) fn events(
        &mut self,
        node: &Node,
        (start, goes_on): (Instant, bool),
        defaults: &Defaults<'_>,
    ) -> Vec<ExampleEvent> {
        let mut events = Vec::new();
        let items = self.sequence(node, "`events`");
        for item in items {
            self.event(item, start, defaults, &mut events);
            if events.len() > STORY_EVENTS_MAX {
                let title = format!("the story has more than {STORY_EVENTS_MAX} events");
                self.error("E208", item.span, title, "too many from here on", None);
                break;
            }
        }
        if !goes_on && node.items().is_some_and(<[Node]>::is_empty) {
            let help = Some("add at least one event that wakes the rule".to_owned());
            self.error("E202", node.span, "the story has no events", "nothing happens", help);
        }
        events
    }

    fn event(
        &mut self,
        node: &Node,
        start: Instant,
        defaults: &Defaults<'_>,
        events: &mut Vec<ExampleEvent>,
    ) {
        let Some(entries) = self.any_mapping(node, "an event") else { return };
        if let Some(tick) = entries.iter().find(|entry| entry.key == TICK) {
            self.tick(node, entries, tick, start);
            return;
        }
        let schedule = self.schedule(node, entries, start);
        let mut found = None;
        for entry in entries.iter().filter(|entry| !SCHEDULE_KEYS.contains(&entry.key.as_str())) {
            let Some(name) = self.event_name(entry, SCHEDULE_KEYS) else { return };
            if found.replace((name, entry)).is_some() {
                let help = Some("give each event an entry of its own".to_owned());
                self.error("E203", entry.key_span, "two events in one entry", "the second", help);
                return;
            }
        }
        let Some((name, entry)) = found else {
            let help = Some("add one, like `tx: { amount: 100 }`".to_owned());
            self.error("E203", node.span, "the entry has no event", "what happens?", help);
            return;
        };
        let mut fields = defaults.get(&name).cloned().unwrap_or_default();
        let Some(own) = self.fields(name, &entry.value) else { return };
        fields.are_broken |= own.are_broken;
        let (mut fields, are_broken) = (fields.known, fields.are_broken);
        for (field, value) in own.known {
            fields.retain(|(earlier, _)| earlier.slot != field.slot);
            fields.push((field, value));
        }
        if are_broken || !self.is_complete(name, &fields, entry) {
            return;
        }
        let Some(schedule) = schedule else { return };
        let (mut at, mut arrives) = (schedule.at, schedule.arrives);
        for round in 1..=schedule.times {
            let Some(fields) = self.values(&fields, start, round) else { return };
            events.push(ExampleEvent { at, arrives, name, fields, span: node.span });
            at = at.plus(schedule.every);
            arrives = arrives.plus(schedule.every);
        }
    }

    /// `{ at: 30d, tick: {} }`: time passes and nothing happens.
    fn tick(&mut self, node: &Node, entries: &[Entry], tick: &Entry, start: Instant) {
        for entry in entries.iter().filter(|entry| !["at", TICK].contains(&entry.key.as_str())) {
            let title = "a tick says nothing but its time";
            let help = Some("give the event an entry of its own".to_owned());
            self.error("E203", entry.key_span, title, "beside a tick", help);
        }
        if tick.value.entries().is_none_or(|fields| !fields.is_empty()) {
            let help = Some("write `tick: {}`".to_owned());
            self.error("E203", tick.key_span, "a tick has no fields", "not empty", help);
        }
        let at = entries.iter().find(|entry| entry.key == "at").map(|entry| &entry.value);
        let at = self.required(at, node.span, "at").and_then(|at| self.offset(at, start));
        self.ticks.extend(at);
    }

    fn values(
        &mut self,
        fields: &[(&Field, &Node)],
        start: Instant,
        round: usize,
    ) -> Option<BTreeMap<String, Value>> {
        let mut values = BTreeMap::new();
        for (field, node) in fields {
            let value = self.field_value(field, node, start, Some(round))?;
            values.insert(field.short_name().to_owned(), value);
        }
        Some(values)
    }

    fn schedule(&mut self, node: &Node, entries: &[Entry], start: Instant) -> Option<Schedule> {
        let get = |key| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let at = self.required(get("at"), node.span, "at").and_then(|at| self.offset(at, start));
        let (every, times) = match (get("every"), get("times")) {
            (None, None) => (Span::ZERO, 1),
            (Some(every), Some(times)) => {
                let times = self.times(times);
                (self.every(every)?, times?)
            }
            (Some(node), None) | (None, Some(node)) => {
                let help = Some("write both, like `every: 1d, times: 5`".to_owned());
                let title = "`every` and `times` belong together";
                self.error("E207", node.span, title, "one is missing", help);
                return None;
            }
        };
        let at = at?;
        let arrives = self.arrival(get("arrives"), at, start)?;
        Some(Schedule { at, arrives, every, times })
    }

    /// When an event reaches us: at once, unless the story says later.
    fn arrival(&mut self, node: Option<&Node>, at: Instant, start: Instant) -> Option<Instant> {
        let Some(node) = node else { return Some(at) };
        let arrives = self.offset(node, start)?;
        if arrives < at {
            let help = Some("`arrives` is when we hear of it; `at` is when it happened".to_owned());
            let title = "the event arrives before it happens";
            self.error("E210", node.span, title, "earlier than `at`", help);
            return None;
        }
        Some(arrives)
    }

    fn every(&mut self, node: &Node) -> Option<Span> {
        let text = self.scalar(node, "`every`")?;
        let span = Span::parse(text).filter(|span| span.0 >= 0);
        if span.is_none() {
            let help = Some("write a length with its unit, like 30m, 2h or 1d".to_owned());
            self.error("E206", node.span, "this is not a length of time", "not understood", help);
        }
        span
    }

    fn times(&mut self, node: &Node) -> Option<usize> {
        let text = self.scalar(node, "`times`")?;
        let times = text.parse().ok().filter(|times| (1..=STORY_EVENTS_MAX).contains(times));
        if times.is_none() {
            let label = format!("not from 1 to {STORY_EVENTS_MAX}");
            self.error("E207", node.span, "`times` must be a whole number", label, None);
        }
        times
    }

    pub(super) fn offset(&mut self, node: &Node, start: Instant) -> Option<Instant> {
        let text = self.scalar(node, "`at`")?;
        let at = offset(text, start);
        if at.is_none() {
            let help = Some("write it with its unit, like 0d, 90m, 36h or -20d".to_owned());
            let title = "this is not an offset from the story's start";
            self.error("E206", node.span, title, "not understood", help);
        }
        at
    }

    /// The event that a key names; `others` are the keys that may stand beside it.
    fn event_name(&mut self, entry: &Entry, others: &[&str]) -> Option<EventName> {
        let name = EventName::all().find(|name| event_key(*name) == entry.key);
        if name.is_none() {
            let words: Vec<String> = EventName::all().map(event_key).collect();
            let mut known: Vec<&str> = words.iter().map(String::as_str).collect();
            known.extend(others);
            let help = match entry.key.as_str() {
                "transaction" => Some("in tests a transaction is called `tx`".to_owned()),
                word => match event_meant(word, &known) {
                    Some(meant) => Some(format!("did you mean `{meant}`?")),
                    None => did_you_mean(word, &known),
                },
            };
            let title = format!("there is no event `{}`", entry.key);
            self.error("E203", entry.key_span, title, "not known here", help);
        }
        name
    }

    /// The fields that are known; `None` when there are no keys and values at all.
    fn fields<'n>(&mut self, name: EventName, node: &'n Node) -> Option<Fields<'n>>
    where
        'a: 'n,
    {
        let known = fields_of(self.rule.catalogue, name.family());
        let names: Vec<&str> = known.iter().map(|field| field.short_name()).collect();
        let mut fields = Fields::default();
        for entry in self.any_mapping(node, "the event's fields")? {
            let Some(field) = known.iter().find(|field| field.short_name() == entry.key) else {
                let title = format!("`{}` is not a field of `{}`", entry.key, event_key(name));
                self.unknown("E204", entry, title, &names);
                fields.are_broken = true;
                continue;
            };
            fields.known.push((*field, &entry.value));
        }
        Some(fields)
    }

    /// Refuses an event that could not be written to the log as it stands.
    fn is_complete(&mut self, name: EventName, fields: &[(&Field, &Node)], entry: &Entry) -> bool {
        let has = |slot| fields.iter().any(|(field, _)| field.slot == slot);
        let short_name = |slot: Slot| self.rule.catalogue.field(slot).short_name();
        let required: &[Slot] = match name.family() {
            Family::Transaction => &[Slot::TX_AMOUNT],
            Family::Kyc => &[Slot::KYC_CUSTOMER],
            Family::Security => &[Slot::SECURITY_CUSTOMER],
        };
        if let Some(missing) = required.iter().find(|slot| !has(**slot)) {
            let field = short_name(*missing);
            let title = format!("the event has no `{field}`");
            let help = Some(format!("add `{field}` here or under `defaults`"));
            self.error("E210", entry.key_span, title, "not complete", help);
            return false;
        }
        if name == EventName::Transaction && !has(Slot::TX_CUSTOMER) && !has(Slot::TX_ACCOUNT) {
            let help = Some("add `customer`, `account` or both".to_owned());
            let title = "the transaction has no side that is ours";
            self.error("E210", entry.key_span, title, "not complete", help);
            return false;
        }
        let orphan = ACCOUNT_FACTS.iter().find(|slot| has(**slot));
        if let Some(fact) = orphan.filter(|_| !has(Slot::KYC_ACCOUNT)) {
            let title = format!("`{}` describes an account that is not named", short_name(*fact));
            let help = Some("add `account`".to_owned());
            self.error("E210", entry.key_span, title, "not complete", help);
            return false;
        }
        if has(Slot::TX_LOCAL_AMOUNT) && !has(Slot::TX_CURRENCY) {
            let help = Some("add `currency`, or write only `amount`".to_owned());
            let title = "`local_amount` has no currency";
            self.error("E210", entry.key_span, title, "not complete", help);
            return false;
        }
        true
    }
}
