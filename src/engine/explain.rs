//! Evidence: why a rule matched, worked out when an alert is raised and never before.

use crate::domain::Instant;
use crate::domain::alert::{
    Condition, Contribution, EVIDENCE_EVENTS_MAX, Evidence, NamedValue, StepEvidence,
    WindowEvidence,
};

use super::calendar::Extent;
use super::closure::ValueFn;
use super::frame::{BaselineRead, Frame, Read};
use super::journal::Journal;
use super::plan::{Plan, SeriesLayout};
use super::row::Value;
use super::rule_plan::{ConditionPlan, MatchesRef, PatternRef, Piece, RulePlan, WindowRef};
use super::strings::Strings;
use super::text::{ABSENT, WITHHELD, formatted, plain};
use crate::rulebook::catalogue::Type;
use crate::rulebook::typed::Format;

/// What evidence needs beside the frame.
pub struct Archive<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// All texts.
    pub strings: &'a Strings,
    /// Ids of recent events.
    pub journal: &'a Journal,
}

/// The evidence of a match of `rule`.
pub fn evidence(rule: &RulePlan, frame: &mut Frame<'_>, archive: &Archive<'_>) -> Evidence {
    let strings = archive.strings;
    let explanation = &rule.explanation;
    let mut named = |values: &[(String, ValueFn, Type)]| -> Vec<NamedValue> {
        values
            .iter()
            .map(|(name, value, ty)| NamedValue {
                name: name.clone(),
                value: in_full(value(frame), *ty, frame, strings),
            })
            .collect()
    };
    let (values, params) = (named(&explanation.lets), named(&explanation.params));
    let conditions =
        explanation.conditions.iter().map(|plan| condition(plan, frame, strings)).collect();
    let facts = explanation
        .facts
        .iter()
        .map(|&slot| {
            let field = archive.plan.rulebook.catalogue.field(slot);
            let value = match frame.row.get(slot) {
                value if field.is_personal && value != Value::Absent => WITHHELD.to_owned(),
                value => plain(value, field.ty, strings),
            };
            NamedValue { name: field.path.clone(), value }
        })
        .collect();
    let mut windows: Vec<WindowEvidence> =
        explanation.windows.iter().filter_map(|window| window_of(window, frame, archive)).collect();
    let counted = explanation.matches.iter();
    windows.extend(counted.filter_map(|matches| matches_of(matches, frame, archive)));
    windows.extend(
        explanation.patterns.iter().filter_map(|pattern| pattern_of(pattern, frame, archive)),
    );
    let lists = explanation.lists.iter().map(|list| list.evidence(frame, strings)).collect();
    let steps = steps(rule, frame, archive);
    Evidence { conditions, values, params, facts, windows, lists, steps }
}

/// The matches of another rule that were counted, told like a window.
fn matches_of(
    matches: &MatchesRef,
    frame: &Frame<'_>,
    archive: &Archive<'_>,
) -> Option<WindowEvidence> {
    let (entity, t) = frame.matches_of(matches.read)?;
    let found: Vec<(Instant, u64)> = frame.matches.inside(matches.read, entity, t).collect();
    let shown = found.iter().skip(found.len().saturating_sub(EVIDENCE_EVENTS_MAX));
    let events = shown.map(|(at, sequence)| Contribution {
        event: archive.journal.event(*sequence, *at, archive.strings),
        value: None,
    });
    Some(WindowEvidence {
        name: matches.name.clone(),
        text: matches.text.clone(),
        value: found.len().to_string(),
        from: Some(Instant(t.0.saturating_sub(matches.read.within))),
        to: t,
        is_truncated: false,
        events_total: found.len() as u64,
        events: events.collect(),
    })
}

/// The events that the rule's steps are bound to.
fn steps(rule: &RulePlan, frame: &Frame<'_>, archive: &Archive<'_>) -> Vec<StepEvidence> {
    let named = rule.sequence.iter().flat_map(|sequence| &sequence.named);
    named
        .map(|(place, name, text)| {
            let (at, sequence) = frame.bound.event(*place);
            let event = archive.journal.event(sequence, at, archive.strings);
            StepEvidence { name: name.clone(), text: text.clone(), event }
        })
        .collect()
}

/// A message with its values.
pub fn message(pieces: &[Piece], frame: &mut Frame<'_>, strings: &Strings) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(fixed) => text.push_str(fixed),
            Piece::Value(value, ty, format) => {
                text.push_str(&match value(frame) {
                    found @ Value::Found(_) => in_full(found, *ty, frame, strings),
                    value => formatted(value, *ty, *format, strings),
                });
            }
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value in full; of what was found, who is in it.
fn in_full(value: Value, ty: Type, frame: &Frame<'_>, strings: &Strings) -> String {
    let names = match value {
        Value::Found(place) => frame.graphs.names(place as usize, strings),
        _ => None,
    };
    names.unwrap_or_else(|| plain(value, ty, strings))
}

/// A pattern as evidence shows it: like a window, whose events are those behind what was found.
fn pattern_of(
    pattern: &PatternRef,
    frame: &mut Frame<'_>,
    archive: &Archive<'_>,
) -> Option<WindowEvidence> {
    frame.found(pattern.place);
    let layout = archive.plan.patterns.get(pattern.place)?.graph;
    let layout = archive.plan.graphs.get(layout)?;
    let strings = archive.strings;
    let found = frame.graphs.evidence(pattern.place, layout, strings, frame.row.at)?;
    let hidden = found.parts.len().saturating_sub(EVIDENCE_EVENTS_MAX);
    let events = found.parts.iter().skip(hidden).map(|part| Contribution {
        event: archive.journal.event(part.moment.1, Instant(part.moment.0), strings),
        value: Some(part.text.clone()),
    });
    Some(WindowEvidence {
        name: pattern.name.clone(),
        text: pattern.text.clone(),
        value: found.value.clone().unwrap_or_else(|| ABSENT.to_owned()),
        from: Some(layout.seen_since.map_or(found.from, |seen| found.from.max(seen))),
        to: found.to,
        is_truncated: found.is_truncated,
        events_total: found.parts.len() as u64,
        events: events.collect(),
    })
}

/// One condition with what is seen now.
pub fn condition(plan: &ConditionPlan, frame: &mut Frame<'_>, strings: &Strings) -> Condition {
    let held = (plan.holds)(frame);
    let observed =
        plan.observed.as_ref().map(|(value, ty)| in_full(value(frame), *ty, frame, strings));
    let threshold = plan.threshold.as_ref().map(|(word, right)| match right {
        Some((value, ty)) => format!("{word} {}", plain(value(frame), *ty, strings)),
        None => word.clone(),
    });
    Condition { text: plan.text.clone(), held, observed, threshold }
}

fn window_of(
    window: &WindowRef,
    frame: &mut Frame<'_>,
    archive: &Archive<'_>,
) -> Option<WindowEvidence> {
    let value = frame.read(window.read);
    let value = if window.is_withheld && value != Value::Absent {
        WITHHELD.to_owned()
    } else {
        formatted(value, window.ty, Format::Plain, archive.strings)
    };
    let read = match window.read {
        Read::Window(read) => read,
        Read::Baseline(read) => return baseline_of(window, read, value, frame, archive),
    };
    let (key, extent) = frame.extent(read.table, window.window)?;
    let left_out = window.window.is_previous.then_some(frame.row.sequence);
    let layout = archive.plan.tables.get(read.table)?.series.get(read.series)?;
    let series = frame.tables.get(read.table)?.series(key, read.series);
    let (events_total, events) = series.map_or((0, Vec::new()), |series| {
        let (total, latest) = series.events(extent, left_out, window.column, EVIDENCE_EVENTS_MAX);
        let events = latest
            .into_iter()
            .map(|(at, sequence, value)| contribution(at, sequence, value, archive))
            .collect();
        (total as u64, events)
    });
    Some(WindowEvidence {
        name: window.name.clone(),
        text: window.text.clone(),
        value,
        from: start(layout, extent),
        to: Instant(extent.to),
        is_truncated: series.is_some_and(|series| series.lacks_events(extent)),
        events_total,
        events,
    })
}

/// A baseline that was read: its buckets' events are counted, but none of them is kept.
fn baseline_of(
    window: &WindowRef,
    read: BaselineRead,
    value: String,
    frame: &mut Frame<'_>,
    archive: &Archive<'_>,
) -> Option<WindowEvidence> {
    let layout = archive.plan.tables.get(read.table)?.baselines.get(read.baseline)?;
    let reading = *layout.plan.readings.get(read.reading)?;
    let (key, running) = frame.running(read.table, layout.plan.length)?;
    let first = running.saturating_sub(i64::from(reading.buckets));
    let start = |number| Instant(frame.calendar.bucket_start(layout.plan.length, number));
    let (from, end) = (start(first), start(running));
    let baseline = frame.tables.get(read.table)?.baseline(key, read.baseline);
    let sequence = frame.row.sequence;
    Some(WindowEvidence {
        name: window.name.clone(),
        text: window.text.clone(),
        value,
        from: Some(layout.seen_since.map_or(from, |seen| seen.max(from))),
        to: end,
        is_truncated: baseline.is_some_and(|known| known.lacks_events(reading, running)),
        events_total: baseline.map_or(0, |known| known.events(reading, running, sequence)),
        events: Vec::new(),
    })
}

/// Where the window starts; later than its length says when the rule itself came later.
fn start(layout: &SeriesLayout, extent: Extent) -> Option<Instant> {
    let start = (extent.after > i64::MIN).then_some(Instant(extent.after));
    match (start, layout.seen_since) {
        (Some(start), Some(seen)) => Some(start.max(seen)),
        (start, seen) => start.or(seen),
    }
}

fn contribution(at: Instant, sequence: u64, value: Value, archive: &Archive<'_>) -> Contribution {
    let event = archive.journal.event(sequence, at, archive.strings);
    let value = match value {
        Value::Absent => None,
        value => Some(plain(value, Type::Text, archive.strings)),
    };
    Contribution { event, value }
}
