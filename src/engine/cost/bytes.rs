//! How many bytes the engine's structures ask for, from what they hold.
//!
//! Sizes are those of the very types that the engine keeps. Queues and hash tables grow by doubling, so
//! that they ask for more than they hold; where a key is one entry of a larger map, half as much again is
//! taken for the free places around it.

use std::mem::size_of;

use rust_decimal::Decimal;

use crate::domain::Span;
use crate::engine::baseline::{self, BaselinePlan};
use crate::engine::graph;
use crate::engine::journal;
use crate::engine::limits::Limits;
use crate::engine::matches;
use crate::engine::sequence;
use crate::engine::strings::Symbol;
use crate::engine::table;
use crate::engine::timer;
use crate::engine::window::{self, ColumnKind, FoldKind, FoldPlan, SeriesPlan, WindowPlan};
use crate::rulebook::typed::WindowSpan;

use super::Assumptions;

/// Bytes that the id of an event is taken to have: those of a UUID.
const ID_TEXT: u64 = 36;

/// What is kept of each event to name it.
pub const ID: u64 = journal::ROW_BYTES as u64 + ID_TEXT;

/// How many things are kept, and what they ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many.
    pub count: u64,
    /// Bytes of one.
    pub each: u64,
    /// Bytes of all, free places and what stands around them included.
    pub bytes: u64,
}

impl Assumptions {
    /// How many events of a key lie in so many microseconds; `None` is for ever.
    pub fn events_in(&self, micros: Option<i64>) -> u64 {
        let ever = Span::days(i64::from(self.days)).0;
        let micros = micros.map_or(ever, |micros| micros.min(ever)).max(0);
        let events = Decimal::from(micros).checked_mul(self.events_per_day);
        let events = events.and_then(|events| events.checked_div(Decimal::from(Span::days(1).0)));
        events.and_then(|events| u64::try_from(events.ceil()).ok()).unwrap_or(u64::MAX)
    }
}

/// What a queue or vector asks for after `count` things were put in one by one.
fn queue(count: u64, each: usize) -> u64 {
    if count == 0 || each == 0 {
        return 0;
    }
    let least = if each == 1 { 8 } else { 4 };
    count.checked_next_power_of_two().unwrap_or(count).max(least).saturating_mul(each as u64)
}

/// What a hash table asks for after `count` things were put in one by one.
fn hashed(count: u64, each: usize) -> u64 {
    if count == 0 {
        return 0;
    }
    let places = (count.saturating_mul(8) / 7 + 1).checked_next_power_of_two().unwrap_or(count);
    places.max(4).saturating_mul(each as u64 + 1) + 16
}

/// What an ordered map asks for: nodes of eleven places, two thirds full, and those above them.
fn ordered(count: u64, each: usize) -> u64 {
    let nodes = count.div_ceil(7);
    (nodes + nodes.div_ceil(7)).saturating_mul(11 * each as u64 + 16)
}

/// One entry of a larger map.
const fn entry(each: usize) -> u64 {
    (each + each / 2) as u64
}

/// What a key of `roles` roles costs before anything is kept under it, with room for so many `parts`.
pub const fn key(roles: usize, parts: usize) -> u64 {
    let index = if roles == 1 { size_of::<u32>() as u64 } else { entry(table::COMPOSITE_BYTES) };
    (table::KEY_BYTES + parts * size_of::<usize>()) as u64 + index
}

/// The events of one key and filter, without the folds over them.
pub fn series(plan: &SeriesPlan, assumptions: &Assumptions) -> Kept {
    let retention = plan.retention();
    let spare = assumptions.limits.judge_again_within.0;
    let span = retention.span.map(|span| span.saturating_add(spare));
    // The newest enters before the oldest leaves.
    let events = assumptions.events_in(span).saturating_add(retention.latest as u64);
    let events = events.min(assumptions.limits.series_events_max as u64).saturating_add(1);
    let columns = plan.columns.iter().copied().map(ColumnKind::value_bytes);
    let each = columns.clone().sum::<usize>() + window::ENTRY_BYTES;
    let around = window::SERIES_BYTES
        + plan.columns.len() * window::COLUMN_BYTES
        + plan.windows.iter().map(cursor).sum::<usize>();
    let queues: u64 = columns.chain([window::ENTRY_BYTES]).map(|each| queue(events, each)).sum();
    Kept { count: events, each: each as u64, bytes: queues.saturating_add(around as u64) }
}

fn cursor(plan: &WindowPlan) -> usize {
    window::CURSOR_BYTES + plan.folds.len() * window::FOLD_BYTES
}

/// How many events of a key lie in one window.
fn inside(plan: &WindowPlan, assumptions: &Assumptions) -> u64 {
    let events = match plan.window.span {
        WindowSpan::Last(count) => u64::from(count),
        WindowSpan::Lifetime => assumptions.events_in(None),
        WindowSpan::Length(length) => assumptions.events_in(Some(length.0)),
        WindowSpan::Calendar(_) => assumptions.events_in(plan.window.reach()),
    };
    events.min(assumptions.limits.series_events_max as u64)
}

/// What a fold over a window asks for beside its place there.
pub fn fold(window: &WindowPlan, fold: FoldPlan, assumptions: &Assumptions) -> u64 {
    let inside = inside(window, assumptions);
    match fold.kind {
        FoldKind::Moments => 0,
        // The most that can be; where values come in no order only a few of them are kept.
        FoldKind::Min | FoldKind::Max | FoldKind::First => queue(inside, size_of::<u64>()),
        FoldKind::Last => queue(inside.min(1), size_of::<u64>()),
        FoldKind::Distinct => {
            let few = queue(inside.min(window::TALLY_SEARCH_MAX as u64), window::TALLY_BYTES);
            let many = inside > window::TALLY_SEARCH_MAX as u64;
            let many = if many {
                hashed(inside, window::TALLY_BYTES) + window::TALLY_MANY_BYTES as u64
            } else {
                0
            };
            few + many
        }
        FoldKind::Spread => window::SPREAD_BYTES as u64,
        FoldKind::Rank(_) => ordered(inside, size_of::<(Decimal, u64)>()),
    }
}

/// The buckets of one key.
pub fn baseline(plan: &BaselinePlan, assumptions: &Assumptions) -> Kept {
    let length = plan.length.micros();
    let spare = assumptions.limits.judge_again_within.0 / length;
    let kept = u64::try_from(plan.keep().saturating_add(spare).saturating_add(3)).unwrap_or(0);
    let reach = i64::try_from(kept).unwrap_or(i64::MAX).saturating_mul(length);
    // Buckets without events are not kept.
    let buckets = kept.min(assumptions.events_in(Some(reach)));
    let around = baseline::BYTES + plan.readings.len() * baseline::READING_BYTES;
    Kept {
        count: buckets,
        each: baseline::BUCKET_BYTES as u64,
        bytes: queue(buckets, baseline::BUCKET_BYTES) + around as u64,
    }
}

/// The events of one step of a sequence.
pub fn step(retention: i64, values: usize, assumptions: &Assumptions) -> Kept {
    let Limits { judge_again_within, step_events_max, .. } = &assumptions.limits;
    let events = assumptions.events_in(Some(retention.saturating_add(judge_again_within.0)));
    let events = events.min(*step_events_max as u64).saturating_add(1);
    let value = values * sequence::VALUE_BYTES;
    let around = entry(sequence::KEY_BYTES);
    Kept {
        count: events,
        each: (sequence::KEPT_BYTES + value) as u64,
        bytes: queue(events, sequence::KEPT_BYTES)
            .saturating_add(events.saturating_mul(value as u64))
            .saturating_add(around),
    }
}

/// The timer of one key.
pub fn timer() -> Kept {
    let index = entry(size_of::<(Symbol, u32)>());
    let due = entry(size_of::<(i64, u32)>());
    let bytes = entry(timer::TIMER_BYTES) + index + due + ID_TEXT;
    Kept { count: 1, each: bytes, bytes }
}

/// The matches of one rule about one entity.
pub fn matched(retention: i64, assumptions: &Assumptions) -> Kept {
    let Limits { judge_again_within, series_events_max, .. } = &assumptions.limits;
    let matches = assumptions.events_in(Some(retention.saturating_add(judge_again_within.0)));
    let matches = matches.min(*series_events_max as u64).saturating_add(1);
    Kept {
        count: matches,
        each: matches::MATCH_BYTES as u64,
        bytes: queue(matches, matches::MATCH_BYTES) + entry(matches::ENTITY_BYTES),
    }
}

/// The transfers of one account, which go in and out in equal parts.
pub fn flows(retention: i64, assumptions: &Assumptions) -> Kept {
    let Limits { judge_again_within, graph_edges_max, .. } = &assumptions.limits;
    let transfers = assumptions.events_in(Some(retention.saturating_add(judge_again_within.0)));
    let a_side = transfers.div_ceil(2).min(*graph_edges_max as u64).saturating_add(1);
    let around = (graph::ACCOUNT_BYTES + size_of::<u32>()) as u64;
    Kept {
        count: a_side * 2,
        each: graph::EDGE_BYTES as u64,
        bytes: queue(a_side, graph::EDGE_BYTES) * 2 + around,
    }
}

/// The identifiers that one customer uses, each of them by nobody else.
pub fn links(retention: i64, identifiers: usize, assumptions: &Assumptions) -> Kept {
    let Limits { judge_again_within, graph_edges_max, .. } = &assumptions.limits;
    let uses = assumptions.events_in(Some(retention.saturating_add(judge_again_within.0)));
    let uses = uses.saturating_mul(identifiers as u64).min(*graph_edges_max as u64);
    let identifier = graph::IDENTIFIER_BYTES as u64 + queue(1, size_of::<u32>());
    let around = graph::CUSTOMER_BYTES as u64;
    Kept {
        count: uses,
        each: graph::LINK_BYTES as u64 + identifier,
        bytes: queue(uses, graph::LINK_BYTES)
            .saturating_add(uses.saturating_mul(identifier))
            .saturating_add(around),
    }
}
