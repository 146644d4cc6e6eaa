//! Which rules matched about whom and when: what other rules count.
//!
//! In: matches of rules that some rule reads, by the entity's symbol. Out: how many lie in a span of
//! time. Matches in shadow are told apart, so that an active rule never rests on them.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::Instant;
use crate::rulebook::catalogue::Slot;

use super::strings::Symbol;

/// A rule whose matches are read.
#[derive(Clone, Debug)]
pub struct CountedRule {
    /// Its name.
    pub name: String,
    /// How long a match can matter, in microseconds.
    pub retention: i64,
}

/// What a rule reads of another's matches.
#[derive(Clone, Copy, Debug)]
pub struct MatchesRead {
    /// Index into [`Plan::counted`](super::plan::Plan::counted).
    pub rule: usize,
    /// The span, in microseconds: `(t − within, t]`.
    pub within: i64,
    /// The field of the waking event that carries the key.
    pub slot: Option<Slot>,
    /// The table keyed by that role alone: its latest event time counts, as for windows.
    pub table: usize,
    /// Whether matches in shadow count too.
    pub is_shadow: bool,
}

/// One match.
#[derive(Clone, Copy, Debug)]
struct Match {
    order: (i64, u64),
    is_shadow: bool,
}

/// Bytes of one match.
pub const MATCH_BYTES: usize = size_of::<Match>();
/// Bytes of an entity with its empty queue.
pub const ENTITY_BYTES: usize = size_of::<(Symbol, VecDeque<Match>)>();

/// All matches that some rule reads, by rule and entity.
#[derive(Default)]
pub struct MatchLog {
    rules: Vec<BTreeMap<Symbol, VecDeque<Match>>>,
}

impl MatchLog {
    /// Nothing matched yet.
    pub fn new(counted: &[CountedRule]) -> Self {
        Self { rules: counted.iter().map(|_| BTreeMap::new()).collect() }
    }

    /// Notes a match at `at`; several of one event are one. Gives back whether an older one had to be
    /// given up because of `matches_max`.
    pub fn note(
        &mut self,
        (rule, counted): (usize, &CountedRule),
        entity: Symbol,
        (at, sequence, is_shadow): (Instant, u64, bool),
        spare: i64,
        matches_max: usize,
    ) -> bool {
        let Some(by_entity) = self.rules.get_mut(rule) else { return false };
        let matches = by_entity.entry(entity).or_default();
        let order = (at.0, sequence);
        let place = matches.partition_point(|kept| kept.order < order);
        if matches.get(place).is_some_and(|kept| kept.order == order) {
            return false;
        }
        matches.insert(place, Match { order, is_shadow });
        let latest = matches.back().map_or(at.0, |kept| kept.order.0);
        let horizon = latest.saturating_sub(counted.retention).saturating_sub(spare);
        while matches.front().is_some_and(|oldest| oldest.order.0 <= horizon) {
            matches.pop_front();
        }
        let is_full = matches.len() > matches_max;
        if is_full {
            matches.pop_front();
        }
        is_full
    }

    /// The matches that `read` counts as of `t`, oldest first: time and sequence.
    pub fn inside(
        &self,
        read: MatchesRead,
        entity: Symbol,
        t: Instant,
    ) -> impl DoubleEndedIterator<Item = (Instant, u64)> {
        let matches = self.rules.get(read.rule).and_then(|rule| rule.get(&entity));
        let (start, end) = matches.map_or((0, 0), |matches| {
            let start = t.0.saturating_sub(read.within);
            (
                matches.partition_point(|kept| kept.order.0 <= start),
                matches.partition_point(|kept| kept.order.0 <= t.0),
            )
        });
        let inside = matches.into_iter().flat_map(move |matches| matches.range(start..end));
        inside
            .filter(move |kept| read.is_shadow || !kept.is_shadow)
            .map(|kept| (Instant(kept.order.0), kept.order.1))
    }

    /// Lets go of entities whose matches all lie at or before `watermark` less what is needed, and at or
    /// before `sequence` of the log.
    pub fn sweep(
        &mut self,
        counted: &[CountedRule],
        watermark: Instant,
        sequence: u64,
        spare: i64,
    ) {
        for (rule, counted) in self.rules.iter_mut().zip(counted) {
            let horizon = watermark.0.saturating_sub(counted.retention).saturating_sub(spare);
            rule.retain(|_, matches| {
                matches.back().is_some_and(|kept| kept.order.0 > horizon || kept.order.1 > sequence)
            });
        }
    }

    /// The same matches under another plan, by the rules' names.
    pub fn move_to(&mut self, old: &[CountedRule], new: &[CountedRule]) {
        let mut before: Vec<_> = self.rules.drain(..).map(Some).collect();
        for counted in new {
            let place = old.iter().position(|known| known.name == counted.name);
            let kept = place.and_then(|place| before.get_mut(place)?.take());
            self.rules.push(kept.unwrap_or_default());
        }
    }
}
