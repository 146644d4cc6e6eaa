//! Timers within the state: what rows mean to them, and rules that are woken by an instant.
//!
//! A timer fires once logged time has passed its instant, before the event that moved time is judged.
//! Those of one instant fire in the order in which rules are evaluated, then in that in which their keys
//! were first seen. The rule is judged as of the instant: its facts and windows are those that held then.

use crate::domain::Instant;
use crate::rulebook::catalogue::{Role, Slot};

use super::frame::Mode;
use super::judge::{Origin, State};
use super::legs;
use super::outcome::Effect;
use super::plan::Plan;
use super::row::Value;
use super::strings::Symbol;
use super::table::KeyRef;
use super::timer::{Cause, Noted, Sign, TimerLayout, TimerSet, move_to};

impl State {
    /// Tells the timers that the row concerns what it means to them.
    pub(super) fn observe(&mut self, plan: &Plan, timers: &[usize], origin: Origin<'_>) {
        for &index in timers {
            let Some(layout) = plan.timers.get(index) else { continue };
            let Some(key) = layout.key(&self.row) else { continue };
            if let Some(fact) = layout.fact() {
                let date = self.profiles.date(key, fact);
                self.note_date(index, layout, (key, date), (origin, Instant::MIN));
                continue;
            }
            let sign = layout.sign(&mut self.frame(plan, Mode::Live));
            if sign == Sign::None {
                continue;
            }
            let source = self.strings.intern(origin.source);
            let Some(set) = self.timers.get_mut(index) else { continue };
            let most = self.limits.timers_max;
            let cause = || cause(origin, source);
            let noted = set.note(layout, (key, sign), origin.at, cause, most);
            self.count(noted);
        }
    }

    fn note_date(
        &mut self,
        index: usize,
        layout: &TimerLayout,
        (key, date): (Symbol, Option<Instant>),
        (origin, live_since): (Origin<'_>, Instant),
    ) {
        let source = self.strings.intern(origin.source);
        let Some(set) = self.timers.get_mut(index) else { return };
        let cause = || cause(origin, source);
        let most = self.limits.timers_max;
        let noted = set.note_date(layout, (key, date), (origin.at, live_since), cause, most);
        self.count(noted);
    }

    fn count(&mut self, noted: Noted) {
        self.counts.timers_refused += u64::from(noted.is_refused);
        self.counts.absences_contradicted += u64::from(noted.contradicts);
    }

    /// Sets what waits for dates of a customer who was made known before the log began.
    pub(super) fn observe_seed(&mut self, plan: &Plan, customer: Symbol, origin: Origin<'_>) {
        for (index, layout) in plan.timers.iter().enumerate() {
            if let Some(fact) = layout.fact() {
                for key in self.keys_of(fact, customer) {
                    let date = self.profiles.date(key, fact);
                    self.note_date(index, layout, (key, date), (origin, Instant::MIN));
                }
            }
        }
    }

    /// The keys whose date `fact` is: the customer, or the customer's accounts.
    fn keys_of(&self, fact: Slot, customer: Symbol) -> Vec<Symbol> {
        if fact == Slot::ACCOUNT_OPENED_AT {
            self.profiles.accounts_of(customer)
        } else {
            vec![customer]
        }
    }

    /// Moves the timers under another plan. What waits for dates begins with all that are known, and
    /// fires for nobody before now.
    pub(super) fn move_timers(&mut self, old: &Plan, new: &Plan, origin: Origin<'_>) {
        let fresh = move_to(&mut self.timers, &old.timers, &new.timers);
        for (index, layout) in new.timers.iter().enumerate() {
            let Some(fact) = layout.fact() else { continue };
            if fresh.get(index) != Some(&true) {
                continue;
            }
            let now = self.clock;
            let origin = Origin { at: now, ..origin };
            for customer in self.profiles.customers() {
                for key in self.keys_of(fact, customer) {
                    let date = self.profiles.date(key, fact);
                    self.note_date(index, layout, (key, date), (origin, now));
                }
            }
        }
    }

    /// Logged time has come to `at`: everything fires whose instant it has passed.
    pub(super) fn pass_time(&mut self, plan: &Plan, at: Instant, effects: &mut Vec<Effect>) {
        self.clock = self.clock.max(at);
        loop {
            let next = self.timers.iter().filter_map(TimerSet::next_due).min();
            let Some(due) = next.filter(|due| *due < self.clock.0) else { return };
            let mut firing = Vec::new();
            for (index, set) in self.timers.iter_mut().enumerate() {
                let woken = plan.woken.get(index).map(Vec::as_slice).unwrap_or_default();
                for (number, key, cause) in set.take(due) {
                    self.counts.timers_fired += 1;
                    let one = |rule: &usize| (*rule, number, index, key, cause.clone());
                    firing.extend(woken.iter().map(one));
                }
            }
            firing.sort_by_key(|(rule, number, ..)| (*rule, *number));
            for (rule, _, timer, key, cause) in firing {
                self.wake(plan, (rule, timer), (Instant(due), key), &cause, effects);
            }
        }
    }

    /// Judges one rule for one key as of the instant `due`.
    fn wake(
        &mut self,
        plan: &Plan,
        (index, timer): (usize, usize),
        (due, key): (Instant, Symbol),
        cause: &Cause,
        effects: &mut Vec<Effect>,
    ) {
        let (Some(rule), Some(layout)) = (plan.rules.get(index), plan.timers.get(timer)) else {
            return;
        };
        let Some(by) = rule.rule.timer.as_ref().map(|timer| timer.by) else { return };
        self.fill_key(plan, (rule.rule.trigger, by), layout, (due, key));
        self.begin_turn();
        for &table in &rule.tables {
            if let (Some(keys), Some(place)) = (self.tables.get(table), self.keys.get_mut(table)) {
                *place = keys.peek(&self.row);
            }
        }
        let source = self.strings.text(cause.source).to_owned();
        let origin = Origin {
            sequence: cause.sequence,
            at: cause.at,
            source: &source,
            id: &cause.id,
            due: Some(due),
        };
        let Some(entity) = rule.entity.and_then(|slot| self.row.get(slot).symbol()) else { return };
        let before = effects.len();
        self.rule(plan, index, rule, entity, origin, Some(due), effects);
        if self.witness.is_some() {
            let caused = effects.get(before..).unwrap_or_default();
            self.testify(plan, rule, entity, (due, Some(due)), caused);
        }
    }

    /// Fills the row with a key and the facts about it.
    fn fill_key(
        &mut self,
        plan: &Plan,
        (name, by): (crate::rulebook::catalogue::EventName, Role),
        layout: &TimerLayout,
        (due, key): (Instant, Symbol),
    ) {
        // No event of the log has this sequence, so no window takes one for the present one.
        self.row.begin(name, due, 0);
        if let Some(slot) = layout.key_slot(name) {
            self.row.set(slot, || Value::Text(key));
        }
        let customer = match by {
            Role::CUSTOMER => Some(key),
            Role::ACCOUNT => self.profiles.account(key).and_then(|account| account.owner),
            _ => None,
        };
        if by == Role::ACCOUNT {
            legs::fill_account(&mut self.row, Some(key), &self.profiles);
        }
        let slot = plan.rulebook.catalogue.role_slot(Role::CUSTOMER, name.family());
        if let (Some(slot), Some(customer)) = (slot, customer) {
            self.row.set(slot, || Value::Text(customer));
        }
        let facts = customer.map(|it| self.profiles.as_of(it, due)).unwrap_or_default();
        let is_known = facts.state.is_some();
        legs::fill_customer(&mut self.row, &facts, is_known, &self.words, &mut self.strings);
    }

    /// A new row is there: nothing is worked out for it yet.
    fn begin_turn(&mut self) {
        self.stamp += 1;
        self.row.set(Slot::EVERYONE, || self.words.everyone());
        self.row.id = Value::Absent;
        self.keys.fill(KeyRef::Absent);
    }
}

fn cause(origin: Origin<'_>, source: Symbol) -> Cause {
    Cause { sequence: origin.sequence, at: origin.at, source, id: origin.id.into() }
}
