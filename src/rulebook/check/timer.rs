//! Triggers that are instants: something that did not happen, or a date that has passed.

use crate::domain::Span;
use crate::rulebook::catalogue::{EventName, Family, Role, Slot, Type};
use crate::rulebook::diagnostic::closest;
use crate::rulebook::source::{Entry, Node, NodeKind};
use crate::rulebook::syntax::Syntax;
use crate::rulebook::typed::{Expr, SourceSpan};
use crate::rulebook::waking::{EventFilter, Timer, TimerKind};

use super::{Checker, Place};

/// Keys of a trigger that is an instant.
pub const TIMER_KEYS: &[&str] = &["absent", "due", "by", "for", "after", "where"];

/// Keys of a trigger that waits for something not to happen.
pub const ABSENT_KEYS: &[&str] = &["absent", "by", "for", "where", "after"];

/// Keys of a trigger that waits for a date to pass.
pub const DUE_KEYS: &[&str] = &["due", "by", "after", "where"];

impl Checker<'_> {
    /// Reads a trigger with keys. What it says is kept even when a part of it is wrong, so that the rest
    /// of the file is checked for what it is.
    pub(super) fn timer(&mut self, entry: &Entry) -> Option<EventName> {
        self.is_timed = true;
        let node = &entry.value;
        let (absent, due) = (node.entry("absent"), node.entry("due"));
        match (absent, due) {
            (Some(absent), None) => self.absence(entry, absent),
            (None, Some(due)) => self.due_date(entry, due),
            _ => {
                let title = "a trigger is one event, an absence or a date";
                let help = "write `trigger: transaction`, `trigger: { absent: EVENT, by: customer, for: 30d }` or \
                            `trigger: { due: customer.next_review_at, by: customer }`";
                let label = if absent.is_some() { "both" } else { "neither" };
                self.report("E085", entry.key_span, title, label, Some(help.to_owned()));
                None
            }
        }
    }

    fn absence(&mut self, entry: &Entry, absent: &Entry) -> Option<EventName> {
        let node = &entry.value;
        self.known_keys(node, ABSENT_KEYS, &[]);
        let event = self.named_event(absent);
        let after = node.entry("after").map(|after| self.named_event(after));
        let by = self.timer_role(entry, event.map(EventName::family));
        let length = self
            .required(node, "for", entry.key_span, "an absence")
            .and_then(|length| self.duration(length));
        let name = event?;
        if let (Some(by), Some(Some(after))) = (by, after) {
            let family = after.family();
            if self.catalogue.role_slot(by, family).is_none() {
                let span = node.entry("after").map_or(entry.key_span, |after| after.value.span);
                self.role_not_there(by, family, span, "never starts the timer");
                return Some(name);
            }
        }
        let after = after.map_or(Some(None), |after| after.map(Some));
        if let (Some(after), Some(by), Some(length)) = (after, by, length) {
            let filter = |event| Box::new(EventFilter { event, filter: None });
            let kind = TimerKind::Absent { event: filter(name), after: after.map(filter), length };
            self.timer = Some(Timer { kind, by, span: node.span });
        }
        Some(name)
    }

    /// Checks the conditions of the events that start or stop the timer, now that all names are known.
    pub(super) fn timer_conditions(&mut self) {
        let conditions = std::mem::take(&mut self.event_conditions);
        let mut checked = Vec::new();
        for (event, condition) in conditions {
            checked.push(condition.and_then(|it| self.event_condition(event, &it)));
        }
        let mut checked = checked.into_iter();
        if let Some(Timer { kind: TimerKind::Absent { event, after, .. }, .. }) = &mut self.timer {
            event.filter = checked.next().flatten();
            if let Some(after) = after {
                after.filter = checked.next().flatten();
            }
        }
    }

    fn due_date(&mut self, entry: &Entry, due: &Entry) -> Option<EventName> {
        let node = &entry.value;
        self.known_keys(node, DUE_KEYS, &[]);
        let by = self.timer_role(entry, Some(Family::Kyc));
        let after = match node.entry("after") {
            Some(after) => self.duration(after),
            None => Some(Span::ZERO),
        };
        let fact = self.timed_fact(due, by);
        if let (Some(by), Some(after), Some(fact)) = (by, after, fact) {
            self.timer = Some(Timer { kind: TimerKind::Due { fact, after }, by, span: node.span });
        }
        // Facts come with identity events, whose fields carry the key.
        EventName::all().find(|name| name.family() == Family::Kyc)
    }

    fn timer_role(&mut self, entry: &Entry, family: Option<Family>) -> Option<Role> {
        let by = self.required(&entry.value, "by", entry.key_span, "a timer")?;
        let word = self.text(by)?;
        let role = self.role(&word, by.value.span)?;
        let family = family?;
        if self.catalogue.role_slot(role, family).is_none() {
            self.role_not_there(role, family, by.value.span, "not a role of this event");
            return None;
        }
        Some(role)
    }

    fn named_event(&mut self, entry: &Entry) -> Option<EventName> {
        let (event, condition) = self.event_node(&entry.value)?;
        self.event_conditions.push((event, condition));
        Some(event)
    }

    /// The condition of an event that starts or stops the timer: by that event alone.
    fn event_condition(&mut self, event: EventName, condition: &Syntax) -> Option<Expr> {
        let before = self.trigger.replace(event);
        let place = Place { family: Some(event.family()), is_in_step: true, ..Place::default() };
        self.is_event_checked = true;
        let condition = self.condition(condition, place);
        self.trigger = before;
        self.is_event_checked = false;
        condition
    }

    /// A fact of the key that is a time.
    fn timed_fact(&mut self, entry: &Entry, by: Option<Role>) -> Option<Slot> {
        let path = self.text(entry)?;
        let span = entry.value.span;
        let prefix = by.map(|by| format!("{}.", self.catalogue.role_word(by)));
        let facts = self.catalogue.fields().iter();
        let known: Vec<&str> = facts
            .filter(|field| field.family.is_none() && field.ty == Type::Time)
            .filter(|field| prefix.as_ref().is_none_or(|it| field.path.starts_with(it)))
            .map(|field| field.path.as_str())
            .filter(|path| *path != "now")
            .collect();
        if let Some(field) = self.catalogue.by_path(&path)
            && known.contains(&path.as_str())
        {
            return Some(field.slot);
        }
        let title = format!("`{path}` is not a date of this key");
        let help = closest(&path, known.iter().copied()).map_or_else(
            || format!("one of {}", known.join(", ")),
            |close| format!("did you mean `{close}`?"),
        );
        self.report("E086", span, title, "not a time that is known of it", Some(help));
        None
    }

    /// The condition that is asked at the instant itself: within the trigger, or as for other rules.
    pub(super) fn filter(&mut self, root: &Node, place: Place) -> Option<Expr> {
        let own = root.entry("where");
        let of_timer = root
            .entry("trigger")
            .filter(|_| self.is_timed)
            .and_then(|trigger| trigger.value.entry("where"));
        if let (Some(own), Some(_)) = (own, of_timer) {
            let title = "the condition of a timer stands once";
            let help = "join both with `and`, within the trigger".to_owned();
            self.report("E085", own.key_span, title, "a second one", Some(help));
        }
        let entry = of_timer.or(own)?;
        self.condition_node(&entry.value, place)
    }

    /// Reports a role that a timer does not have: it knows its own key, and facts of that.
    pub(super) fn must_be_of_timer(&mut self, role: Role, span: SourceSpan) -> Option<()> {
        let Some(timer) = self.timer.as_ref().filter(|_| !self.is_event_checked) else {
            return Some(());
        };
        let by = timer.by;
        let is_fact = Family::ALL.into_iter().any(|family| {
            let slot = self.catalogue.role_slot(role, family);
            slot.is_some_and(|slot| self.catalogue.family(slot).is_none())
        });
        let is_owner = role == Role::CUSTOMER && by == Role::ACCOUNT;
        if role == by || is_owner || is_fact {
            return Some(());
        }
        let word = self.catalogue.role_word(by).to_owned();
        let title = format!("a timer by {word} has no {}", self.catalogue.role_word(role));
        let help = format!("it knows its {word} and the facts about it");
        self.report("E085", span, title, "not known at that instant", Some(help));
        None
    }

    /// Reports a field of an event where a timer wakes the rule.
    pub(super) fn no_event_here(&mut self, written: &str, span: SourceSpan) {
        let title = format!("`{written}` reads an event, and a timer has none");
        let help = "it has `now`, the facts about its key, and windows: `last(tx.amount) by customer over 30d`";
        self.report("E085", span, title, "no event wakes this rule", Some(help.to_owned()));
    }
}

/// Whether `trigger` has keys.
pub(super) const fn is_timer(entry: &Entry) -> bool {
    matches!(entry.value.kind, NodeKind::Mapping(_))
}
