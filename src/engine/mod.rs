//! The engine: given state, rulebook and one event, the new state and an [`Outcome`].
//!
//! [`Engine::apply`] is the only function that changes state. It is synchronous and deterministic: no
//! clock, no randomness, no I/O. Live running, rule tests, backtests and simulation all call it.

mod alarm;
pub mod anatomy;
mod baseline;
mod baseline_plan;
mod calendar;
mod closure;
mod compiled_list;
pub mod cost;
mod explain;
mod extra;
mod frame;
mod functions;
mod graph;
mod journal;
mod judge;
mod kind_plan;
mod legs;
mod limits;
mod list_plan;
mod matches;
pub mod outcome;
mod parked;
mod plan;
mod profile;
mod ranks;
pub mod rehearsal;
mod row;
mod rule_plan;
mod sequence;
mod spread;
mod strings;
mod sum;
mod suppress;
mod table;
mod tally;
mod text;
mod timer;
mod truth;
mod wake;
mod wide;
mod window;
pub mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::event::{IdentityEvent, IdentityKind};
use crate::domain::identity::ImpossibleTransition;
use crate::domain::{Body, Control, Event, Fate, Instant, SecurityEvent, Span, Transaction};
use crate::rulebook::Rulebook;
use crate::rulebook::catalogue::EventName;

use judge::{Origin, State};
use legs::Leg;
use outcome::{Decision, Effect, IdentityChange, Outcome};
use parked::{ParkedTransaction, Released, Waits};
use plan::Plan;
use profile::{Change, Snapshot};
use strings::{Strings, Symbol};
use table::KeyTable;

pub use limits::{Counts, Limits, RuleCounts, Sizes};

/// All rules with all that is remembered.
pub struct Engine {
    plan: Plan,
    state: State,
    offered: BTreeMap<String, Arc<Rulebook>>,
}

impl Engine {
    /// An engine that has seen nothing and judges by `rulebook`.
    #[must_use]
    pub fn new(rulebook: Arc<Rulebook>, limits: Limits) -> Self {
        let (plan, strings) = Plan::new(&rulebook, Strings::default());
        let state = State::new(&plan, strings, limits);
        let offered = BTreeMap::from([(rulebook.digest.clone(), rulebook)]);
        Self { plan, state, offered }
    }

    /// Makes a rulebook known by its digest, to be activated by an event of the log.
    pub fn offer(&mut self, rulebook: Arc<Rulebook>) {
        self.offered.insert(rulebook.digest.clone(), rulebook);
    }

    /// Whether a rulebook with this digest was offered.
    #[must_use]
    pub fn knows_rulebook(&self, digest: &str) -> bool {
        self.offered.contains_key(digest)
    }

    /// The rulebook that is live.
    #[must_use]
    pub fn rulebook(&self) -> &Arc<Rulebook> {
        &self.plan.rulebook
    }

    /// The latest event time seen.
    #[must_use]
    pub const fn watermark(&self) -> Instant {
        self.state.watermark
    }

    /// What happened since the last call, for metrics.
    pub fn take_counts(&mut self) -> Counts {
        self.state.take_counts(&self.plan)
    }

    /// How much is remembered.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.state.sizes()
    }

    /// From now on, what each rule makes of each event is kept for [`Engine::take_judgements`].
    pub fn listen(&mut self) {
        self.state.witness.get_or_insert_default();
    }

    /// What rules made of events since the last call; empty if nobody listens.
    pub fn take_judgements(&mut self) -> Vec<witness::Judgement> {
        self.state.witness.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Sets what is known of a customer before a story begins; wakes no rule and fills no window.
    pub fn seed_identity(&mut self, at: Instant, event: &IdentityEvent<'_>) {
        let customer = self.state.strings.intern(&event.customer);
        self.state.profiles.apply(customer, event, at, &mut self.state.strings);
        let origin = Origin { sequence: 0, at, source: "given", id: &event.customer, due: None };
        self.state.observe_seed(&self.plan, customer, origin);
    }

    /// Applies one event of the log; sequences must rise.
    pub fn apply(&mut self, sequence: u64, event: &Event<'_>) -> Outcome {
        let mut effects = Vec::new();
        let origin =
            Origin { sequence, at: event.at, source: &event.source, id: &event.id, due: None };
        let moves_time = match &event.body {
            Body::Control(Control::Tick) => {
                let reach = self.state.limits.tick_reach;
                timer::believed(event.at, self.state.clock, reach)
            }
            Body::Control(_) => false,
            _ => true,
        };
        if moves_time {
            self.state.pass_time(&self.plan, event.at, &mut effects);
        }
        let fate = match &event.body {
            Body::Transaction(transaction) => self.transaction(origin, transaction, &mut effects),
            Body::Identity(identity) => self.identity(origin, identity, &mut effects),
            Body::Security(security) => self.security(origin, security, &mut effects),
            Body::Control(control) => self.control(origin, control, &mut effects),
        };
        // Weir's own entries carry the time of their writing; history may be read years later.
        if fate != Fate::Control {
            self.advance(origin);
        }
        // What an event from the past has set may have passed already.
        self.state.pass_time(&self.plan, Instant::MIN, &mut effects);
        Outcome { fate, effects }
    }

    /// Lets time pass to `at`, what fires at that very instant included, as ticks of an idle log do.
    pub(super) fn let_time_pass(&mut self, at: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.state.pass_time(&self.plan, at.plus(Span(1)), &mut effects);
        effects
    }

    /// Event time has come this far; now and then, what nothing can need any more is let go. That
    /// depends on the log alone, so it happens at the same place in every run.
    fn advance(&mut self, origin: Origin<'_>) {
        let state = &mut self.state;
        if origin.at < state.watermark.minus(state.limits.allowed_lateness) {
            state.counts.late += 1;
        }
        state.watermark = state.watermark.max(origin.at);
        if origin.sequence.is_multiple_of(judge::SWEEP_EVERY) {
            state.sweep(&self.plan, origin.sequence);
        }
    }

    fn transaction(
        &mut self,
        origin: Origin<'_>,
        transaction: &Transaction<'_>,
        effects: &mut Vec<Effect>,
    ) -> Fate {
        let state = &mut self.state;
        state.note(origin);
        let legs = legs::legs(transaction, &state.profiles, &mut state.strings);
        let mut waits_for: Vec<Waits> = Vec::new();
        let mut matched = Vec::new();
        for leg in legs.into_iter().flatten() {
            state.row.begin(EventName::Transaction, origin.at, origin.sequence);
            let snapshot = leg
                .customer
                .map(|customer| state.profiles.as_of(customer, origin.at))
                .unwrap_or_default();
            state.fill_leg(transaction, leg, &snapshot, snapshot.state.is_some());
            let is_known = leg.customer.is_some_and(|customer| state.profiles.is_known(customer));
            state.row.may_come_again = !is_known;
            let found = state.turn(&self.plan, origin, effects);
            // Also by the side whose customer is known: both may be about the same device, say.
            matched.extend(found);
            if !is_known
                && let Some(waits) = leg.waits_for()
                && !waits_for.contains(&waits)
            {
                waits_for.push(waits);
            }
        }
        if waits_for.is_empty() {
            return Fate::Evaluated;
        }
        state.counts.unknown_customer += 1;
        self.park(origin, transaction, waits_for, matched, effects);
        Fate::Parked
    }

    fn park(
        &mut self,
        origin: Origin<'_>,
        transaction: &Transaction<'_>,
        waits_for: Vec<Waits>,
        matched: Vec<(Symbol, Symbol)>,
        effects: &mut Vec<Effect>,
    ) {
        let state = &mut self.state;
        let customer = waits_for.first().map(|waits| state.strings.text(waits.symbol()).to_owned());
        effects.push(Effect::Parked { customer: customer.unwrap_or_default(), at: origin.at });
        let parked = ParkedTransaction {
            at: origin.at,
            source: origin.source.to_owned(),
            id: origin.id.to_owned(),
            transaction: transaction.to_static(),
            waits_for,
            matched,
        };
        let given_up = state.parked.park(origin.sequence, parked, state.limits.parked_max);
        if let Some(sequence) = given_up {
            state.counts.parked_given_up += 1;
            effects.push(Effect::ParkedOverflow { sequence });
        }
    }

    fn identity(
        &mut self,
        origin: Origin<'_>,
        event: &IdentityEvent<'_>,
        effects: &mut Vec<Effect>,
    ) -> Fate {
        let state = &mut self.state;
        state.note(origin);
        let customer = state.strings.intern(&event.customer);
        let change = state.profiles.apply(customer, event, origin.at, &mut state.strings);
        match change {
            Change::Applied(newest) => {
                effects.push(identity_changed(event, &newest, origin.at));
            }
            Change::Refused(refused, newest) => {
                effects.push(transition_refused(event, refused));
                effects.push(identity_changed(event, &newest, origin.at));
            }
            Change::Stale => {}
        }
        // What the lifecycle refuses, or a newer record made stale, has renewed nothing.
        if event.kind == IdentityKind::Refreshed && matches!(change, Change::Applied(_)) {
            let completed = state.open_requests.completed(customer, origin.at);
            effects.extend(
                completed
                    .into_iter()
                    .map(|request| Effect::RekycCompleted { request, at: origin.at }),
            );
        }
        state.row.begin(EventName::Kyc(event.kind), origin.at, origin.sequence);
        state.fill_identity(event, customer);
        state.turn(&self.plan, origin, effects);
        self.release(customer, event, effects);
        Fate::Evaluated
    }

    /// Judges again what waited for this customer, now that there is a record: all of it enters before any
    /// of it is judged, in the order of event time.
    fn release(&mut self, customer: Symbol, event: &IdentityEvent<'_>, effects: &mut Vec<Effect>) {
        let state = &mut self.state;
        if let Some(account) = &event.account {
            let account = state.strings.intern(&account.id);
            state.parked.transfer(account, customer);
        }
        if !state.profiles.is_known(customer) {
            return;
        }
        let released = state.parked.release(Waits::Customer(customer));
        for released in &released {
            for leg in self.legs_of(released, customer).into_iter().flatten() {
                self.fill_again(released, leg, customer);
                self.state.enter_again(&self.plan, released.origin());
            }
        }
        let mut settled = BTreeSet::new();
        for released in &released {
            let (origin, matched) = (released.origin(), &released.parked.matched);
            settled.extend(matched);
            for leg in self.legs_of(released, customer).into_iter().flatten() {
                self.fill_again(released, leg, customer);
                self.state.judge_again(&self.plan, origin, matched, &mut settled, effects);
            }
            self.settle(released, effects);
        }
        for released in released.iter().rev() {
            for leg in self.legs_of(released, customer).into_iter().flatten() {
                self.fill_again(released, leg, customer);
                let origin = released.origin();
                self.state.judge_late(&self.plan, origin, &mut settled, effects);
            }
        }
    }

    /// The sides of a parked transaction that are the customer's.
    fn legs_of(&mut self, released: &Released, customer: Symbol) -> [Option<Leg>; 2] {
        let state = &mut self.state;
        let transaction = &released.parked.transaction;
        let legs = legs::legs(transaction, &state.profiles, &mut state.strings);
        legs.map(|leg| leg.filter(|leg| leg.customer == Some(customer)))
    }

    /// Fills the row with a leg of a parked transaction and the facts that held then.
    fn fill_again(&mut self, released: &Released, leg: Leg, customer: Symbol) {
        let state = &mut self.state;
        let at = released.parked.at;
        let facts = state.profiles.as_of(customer, at);
        state.row.begin(EventName::Transaction, at, released.sequence);
        state.fill_leg(&released.parked.transaction, leg, &facts, facts.state.is_some());
    }

    /// Tells that a transaction waits no more. A side that turned out not to be ours is not waited for,
    /// but judged too if it turns out to be ours after all.
    fn settle(&mut self, released: &Released, effects: &mut Vec<Effect>) {
        if released.is_settled {
            return;
        }
        let state = &mut self.state;
        let legs = legs::legs(&released.parked.transaction, &state.profiles, &mut state.strings);
        let is_open = legs
            .into_iter()
            .flatten()
            .any(|leg| leg.customer.is_none_or(|customer| !state.profiles.is_known(customer)));
        if released.is_done || !is_open {
            state.parked.settle(released.sequence);
            effects.push(Effect::ParkedReleased { sequence: released.sequence });
        }
    }

    fn security(
        &mut self,
        origin: Origin<'_>,
        event: &SecurityEvent<'_>,
        effects: &mut Vec<Effect>,
    ) -> Fate {
        let state = &mut self.state;
        state.note(origin);
        let customer = state.strings.intern(&event.customer);
        state.row.begin(EventName::Security(event.kind), origin.at, origin.sequence);
        state.fill_security(event, customer);
        state.turn(&self.plan, origin, effects);
        Fate::Evaluated
    }

    fn control(
        &mut self,
        origin: Origin<'_>,
        control: &Control<'_>,
        effects: &mut Vec<Effect>,
    ) -> Fate {
        match control {
            Control::Tick => {}
            Control::Rulebook { digest } => effects.push(self.activate(digest, origin)),
            Control::Disposition { alert, verdict, by, note } => {
                effects.push(Effect::AlertDecided(Box::new(Decision {
                    alert: alert.to_string(),
                    verdict: *verdict,
                    by: by.to_string(),
                    note: note.as_deref().map(str::to_owned),
                    at: origin.at,
                })));
            }
        }
        Fate::Control
    }

    /// Swaps the rulebook; windows whose meaning is unchanged keep their events.
    fn activate(&mut self, digest: &str, origin: Origin<'_>) -> Effect {
        let digest = digest.to_owned();
        let Some(rulebook) = self.offered.get(&digest) else {
            return Effect::RulebookMissing { digest };
        };
        if digest != self.plan.rulebook.digest {
            let rulebook = Arc::clone(rulebook);
            let strings = std::mem::take(&mut self.state.strings);
            let (plan, strings) = Plan::new(&rulebook, strings);
            let old = std::mem::replace(&mut self.plan, plan);
            self.state.move_to(&old, &mut self.plan, strings);
            self.state.move_timers(&old, &self.plan, origin);
        }
        Effect::RulebookActivated { digest }
    }
}

fn identity_changed(event: &IdentityEvent<'_>, newest: &Snapshot, at: Instant) -> Effect {
    Effect::IdentityChanged(Box::new(IdentityChange {
        customer: event.customer.to_string(),
        version: event.version,
        state: newest.state,
        risk: newest.risk.map(|risk| risk.word().to_owned()),
        segment: newest.segment.map(|segment| segment.word().to_owned()),
        effective_at: at,
    }))
}

fn transition_refused(event: &IdentityEvent<'_>, refused: ImpossibleTransition) -> Effect {
    Effect::TransitionRefused { customer: event.customer.to_string(), refused }
}

/// Empty tables for a plan.
fn tables(plan: &Plan) -> Vec<KeyTable> {
    plan.tables.iter().map(|table| KeyTable::new(table.slots.clone())).collect()
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod concord;
#[cfg(test)]
mod tests;
