//! Not alerting twice: open alerts with their cool-downs, and open re-KYC requests.

use hashbrown::{HashMap, HashSet};
use rust_decimal::Decimal;

use crate::domain::rekyc::{REKYC_COOLDOWN, RekycCause, RekycLevel, RekycScope};
use crate::domain::{Instant, Span};

use super::strings::Symbol;

/// A further match whose score exceeds the previous one by this much breaks through a cool-down.
///
/// A design default of the rule language; no regulator sets it.
pub const BREAK_THROUGH: Decimal = Decimal::from_parts(20, 0, 0, false, 0);

/// What to do with a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Raise an alert.
    Raise,
    /// Extend the open alert with this id.
    Extend(String),
    /// This event was already counted for that alert.
    Ignore,
}

struct OpenAlert {
    id: String,
    opened_at: Instant,
    score: Decimal,
    sequence: u64,
}

/// The latest alert per rule and entity.
#[derive(Default)]
pub struct OpenAlerts {
    by_rule: HashMap<(Symbol, Symbol), OpenAlert>,
    /// Ids of all alerts raised so far: a producer may send an event again after its id was forgotten.
    ids: HashSet<String>,
}

impl OpenAlerts {
    /// Decides about a match of `rule` for `entity` at `at`, and notes its score. What an instant woke
    /// (`is_due`) is never the same event again: several timers may go back to one event of the log.
    pub fn judge(
        &mut self,
        (rule, entity): (Symbol, Symbol),
        (at, is_due): (Instant, bool),
        sequence: u64,
        score: Decimal,
        cooldown: Option<Span>,
    ) -> Verdict {
        let Some(open) = self.by_rule.get_mut(&(rule, entity)) else { return Verdict::Raise };
        if open.sequence == sequence && !is_due {
            return Verdict::Ignore;
        }
        let previous = std::mem::replace(&mut open.score, score);
        // An event judged again may lie before the alert that was opened after it.
        let distance = (at - open.opened_at).0.saturating_abs();
        let breaks_through =
            previous.checked_add(BREAK_THROUGH).is_some_and(|bound| score >= bound);
        if cooldown.is_some_and(|cooldown| distance < cooldown.0) && !breaks_through {
            open.sequence = sequence;
            return Verdict::Extend(open.id.clone());
        }
        Verdict::Raise
    }

    /// Notes that the event at `sequence` was counted for the rule and entity.
    pub fn counted(&mut self, (rule, entity): (Symbol, Symbol), sequence: u64) {
        if let Some(open) = self.by_rule.get_mut(&(rule, entity)) {
            open.sequence = sequence;
        }
    }

    /// Whether an alert with this id was raised before.
    pub fn knows(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Notes a raised alert.
    pub fn raised(
        &mut self,
        (rule, entity): (Symbol, Symbol),
        id: &str,
        opened_at: Instant,
        sequence: u64,
        score: Decimal,
    ) {
        self.ids.insert(id.to_owned());
        // An event that is judged again may lie before the latest alert; that one stays the open one.
        if let Some(open) = self.by_rule.get_mut(&(rule, entity))
            && open.opened_at > opened_at
        {
            open.sequence = sequence;
            return;
        }
        let open = OpenAlert { id: id.to_owned(), opened_at, score, sequence };
        self.by_rule.insert((rule, entity), open);
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.by_rule.len()
    }
}

/// What to do with a request for re-KYC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestVerdict {
    /// Open a new request.
    Open,
    /// Merge into the open one: its id, the earlier deadline and the deeper level.
    Merge(String, Instant, RekycLevel),
    /// The same cause was dealt with less than the cool-down ago.
    Suppress,
}

struct OpenRequest {
    id: String,
    due_at: Instant,
    level: RekycLevel,
    causes: Vec<RekycCause>,
    opened_at: Instant,
    completed_at: Option<Instant>,
}

/// The latest request per customer and scope; requests of shadow rules are apart.
#[derive(Default)]
pub struct OpenRequests {
    by_customer: HashMap<Symbol, Vec<(RekycScope, bool, OpenRequest)>>,
    /// Ids of all requests opened so far, as for alerts.
    ids: HashSet<String>,
}

impl OpenRequests {
    /// Decides about a request and notes a merged cause.
    pub fn judge(
        &mut self,
        customer: Symbol,
        (scope, is_shadow): (RekycScope, bool),
        cause: RekycCause,
        level: RekycLevel,
        at: Instant,
        due_at: Instant,
    ) -> RequestVerdict {
        let requests = self.by_customer.entry(customer).or_default();
        let Some((.., request)) =
            requests.iter_mut().find(|(s, shadow, _)| (*s, *shadow) == (scope, is_shadow))
        else {
            return RequestVerdict::Open;
        };
        match request.completed_at {
            Some(done) if request.causes.contains(&cause) && at - done < REKYC_COOLDOWN => {
                RequestVerdict::Suppress
            }
            Some(_) => RequestVerdict::Open,
            None => {
                if !request.causes.contains(&cause) {
                    request.causes.push(cause);
                }
                request.due_at = request.due_at.min(due_at);
                request.level = request.level.max(level);
                RequestVerdict::Merge(request.id.clone(), request.due_at, request.level)
            }
        }
    }

    /// Whether a request with this id was opened before.
    pub fn knows(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Notes an opened request.
    pub fn opened(
        &mut self,
        customer: Symbol,
        (scope, is_shadow): (RekycScope, bool),
        cause: RekycCause,
        level: RekycLevel,
        id: &str,
        (at, due_at): (Instant, Instant),
    ) {
        self.ids.insert(id.to_owned());
        let request = OpenRequest {
            id: id.to_owned(),
            due_at,
            level,
            causes: vec![cause],
            opened_at: at,
            completed_at: None,
        };
        let requests = self.by_customer.entry(customer).or_default();
        requests.retain(|(s, shadow, _)| (*s, *shadow) != (scope, is_shadow));
        requests.push((scope, is_shadow, request));
    }

    /// A review was completed at `at`: closes the customer's requests that were open then, and gives back
    /// their ids. It says nothing of a doubt that came up later.
    pub fn completed(&mut self, customer: Symbol, at: Instant) -> Vec<String> {
        let Some(requests) = self.by_customer.get_mut(&customer) else { return Vec::new() };
        let mut closed = Vec::new();
        let is_open = |it: &OpenRequest| it.completed_at.is_none() && it.opened_at <= at;
        for (.., request) in requests.iter_mut().filter(|(.., it)| is_open(it)) {
            request.completed_at = Some(at);
            closed.push(request.id.clone());
        }
        closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: (Symbol, Symbol) = (Symbol(1), Symbol(2));

    #[test]
    fn a_match_extends_within_the_cooldown_unless_its_score_jumps() {
        let mut open = OpenAlerts::default();
        let week = Some(Span::days(7));
        let at = |days| Instant(0).plus(Span::days(days));
        let judge = |open: &mut OpenAlerts, days, sequence, score| {
            open.judge(KEY, (at(days), false), sequence, Decimal::from(score), week)
        };
        assert_eq!(judge(&mut open, 0, 1, 50), Verdict::Raise);
        open.raised(KEY, "a", at(0), 1, Decimal::from(50));
        assert_eq!(judge(&mut open, 0, 1, 50), Verdict::Ignore, "both legs of one event");
        assert_eq!(judge(&mut open, 1, 2, 60), Verdict::Extend("a".into()));
        assert_eq!(judge(&mut open, 2, 3, 79), Verdict::Extend("a".into()));
        assert_eq!(judge(&mut open, 3, 4, 99), Verdict::Raise, "20 above the previous match");
        open.raised(KEY, "b", at(3), 4, Decimal::from(99));
        assert_eq!(judge(&mut open, 9, 5, 99), Verdict::Extend("b".into()));
        assert_eq!(judge(&mut open, 10, 6, 99), Verdict::Raise, "seven days are over");
    }

    #[test]
    fn causes_merge_into_one_open_request_until_it_is_completed() {
        let mut open = OpenRequests::default();
        let customer = Symbol(7);
        let scope = (RekycScope::Full, false);
        let (cause, level) = (RekycCause::Behaviour, RekycLevel::Standard);
        let at = |days| Instant(0).plus(Span::days(days));
        assert_eq!(open.judge(customer, scope, cause, level, at(0), at(14)), RequestVerdict::Open);
        open.opened(customer, scope, cause, level, "r", (at(1), at(14)));
        assert!(open.completed(customer, at(0)).is_empty(), "a review of before the request");
        assert_eq!(
            open.judge(customer, scope, RekycCause::DataDoubt, RekycLevel::Enhanced, at(1), at(4)),
            RequestVerdict::Merge("r".into(), at(4), RekycLevel::Enhanced)
        );
        assert_eq!(open.completed(customer, at(2)), ["r"]);
        assert_eq!(
            open.judge(customer, scope, cause, level, at(3), at(9)),
            RequestVerdict::Suppress
        );
        assert_eq!(
            open.judge(customer, scope, RekycCause::Periodic, level, at(3), at(9)),
            RequestVerdict::Open
        );
        assert_eq!(open.judge(customer, scope, cause, level, at(40), at(50)), RequestVerdict::Open);
    }
}
