//! What wakes a rule beside a single event, or holds it back: a sequence of events, an instant at which
//! something has not happened, the matches of other rules, and the span in which it judges.
//!
//! The checker makes these values and the engine searches by them. Conditions of a step are parted here:
//! what the step's own event decides, and what ties it to earlier steps.

use crate::domain::{Instant, Span};

use super::catalogue::{EventName, Role, Slot};
use super::typed::{Expr, ExprKind, SourceSpan};

/// Events in order, of one key, within a span of time. The last step wakes the rule.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The key that all steps share, in canonical (sorted, unique) order.
    pub by: Vec<Role>,
    /// From the first step to the last: `(t − within, t]`.
    pub within: Span,
    /// In file order, negative ones between their neighbours; the last one wakes the rule.
    pub steps: Vec<Step>,
}

/// One step of a [`Sequence`].
#[derive(Clone, Debug)]
pub struct Step {
    /// The name that it binds; `None` for a step that must not happen.
    pub name: Option<String>,
    /// Which kind of event.
    pub event: EventName,
    /// What its event alone decides, once, when the event comes.
    pub own: Option<Expr>,
    /// What ties it to earlier steps, decided when the last step is there.
    pub links: Vec<Expr>,
    /// What is remembered of its event; [`ExprKind::Bound`] reads it by index. Nothing for the last
    /// step, whose event is there.
    pub kept: Vec<Expr>,
    /// Where its event and condition are written.
    pub span: SourceSpan,
}

/// An instant that wakes a rule, for each key by itself.
#[derive(Clone, Debug)]
pub struct Timer {
    /// What it waits for.
    pub kind: TimerKind,
    /// The role of its keys.
    pub by: Role,
    /// Where it is written.
    pub span: SourceSpan,
}

/// What a [`Timer`] waits for.
#[derive(Clone, Debug)]
pub enum TimerKind {
    /// That an event does not come.
    Absent {
        /// The event; it sets the timer back, or stops one that another event started.
        event: Box<EventFilter>,
        /// What starts it; without, the first sight of the key does.
        after: Option<Box<EventFilter>>,
        /// How long it waits.
        length: Span,
    },
    /// That a date known of the key has passed.
    Due {
        /// The date.
        fact: Slot,
        /// How long after it.
        after: Span,
    },
}

/// Which events start or stop a timer.
#[derive(Clone, Debug)]
pub struct EventFilter {
    /// Their kind.
    pub event: EventName,
    /// Which of them, decided when one comes.
    pub filter: Option<Expr>,
}

impl Timer {
    /// The conditions of its events.
    pub fn each_expr(&self, note: &mut dyn FnMut(&Expr)) {
        if let TimerKind::Absent { event, after, .. } = &self.kind {
            event.filter.iter().for_each(&mut *note);
            after.iter().flat_map(|after| &after.filter).for_each(note);
        }
    }
}

/// When a rule judges: from then on, included, until then, excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective {
    /// `None` for always.
    pub from: Option<Instant>,
    /// `None` for ever.
    pub to: Option<Instant>,
}

/// Matches of another rule that a rule counts.
#[derive(Clone, Debug)]
pub struct Matches {
    /// The other rule's name.
    pub rule: String,
    /// How far back: `(t − within, t]`.
    pub within: Span,
    /// The role of the key; the other rule is about it.
    pub by: Role,
    /// Where it is written.
    pub span: SourceSpan,
}

impl Matches {
    /// Whether both count the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.rule, self.within, self.by) == (&other.rule, other.within, other.by)
    }
}

/// Most steps of a sequence, negative ones too.
pub const STEPS_MAX: usize = 8;

impl Sequence {
    /// Every expression of its steps.
    pub fn each_expr(&self, note: &mut dyn FnMut(&Expr)) {
        for step in &self.steps {
            step.own.iter().chain(&step.links).chain(&step.kept).for_each(&mut *note);
        }
    }

    /// The step that wakes the rule.
    #[must_use]
    pub fn last(&self) -> Option<&Step> {
        self.steps.last()
    }
}

impl Effective {
    /// Whether an event at `at` is judged.
    #[must_use]
    pub fn contains(&self, at: Instant) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// The steps that `expr` speaks of, by index.
#[must_use]
pub fn steps_read(expr: &Expr) -> Vec<usize> {
    let mut steps = Vec::new();
    expr.each_part(&mut |part| {
        if let ExprKind::Bound(step, _) = part.kind {
            steps.push(step);
        }
    });
    steps
}
