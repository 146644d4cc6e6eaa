//! Why something that a test expects did not come, in words an analyst can act on.
//!
//! In: what the rule made of the events of that instant. Out: one reason, as lines of text.

use crate::domain::{Instant, Span};
use crate::engine::witness::{Judgement, Reason, Verdict};

use super::{Performance, Subject, offset};
use crate::rulebook::example::Example;

/// Why an alert or a request did not come.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// No event of the story wakes the rule at that instant; the instants at which one does.
    NothingWoke {
        /// Offsets from the story's start.
        woke_at: Vec<Span>,
    },
    /// The events of that instant are about others.
    AboutOthers {
        /// About whom.
        entities: Vec<String>,
    },
    /// The story is over before that instant.
    StoryEnds {
        /// The last thing in it, as an offset from its start.
        ends: Span,
        /// The instant, likewise.
        at: Span,
    },
    /// The alert did come, and is not the one that this line of the test is compared with.
    InAnotherPlace {
        /// Another line expects the same alert, and only one came.
        is_twice: bool,
        /// What came, in order: when and about whom.
        came: Vec<(Span, String)>,
    },
    /// What the rule made of the event.
    Judged(Verdict),
}

/// What the rule made of what is expected at `at` about `entity`.
pub fn why(
    example: &Example,
    performance: &Performance,
    subject: Subject,
    at: Instant,
    entity: Option<&str>,
) -> Why {
    let judgements = &performance.judgements;
    let then: Vec<&Judgement> = judgements.iter().filter(|it| it.at == at).collect();
    if then.is_empty() {
        return nothing_woke(example, judgements, at);
    }
    if subject == Subject::Alert
        && let Some(why) = in_another_place(example, performance, at, entity)
    {
        return why;
    }
    // A request may be about the customer of an event whose rule is about something else.
    let is_about = |it: &&&Judgement| {
        subject == Subject::Rekyc || entity.is_none() || it.entity.as_deref() == entity
    };
    let quiet = then.iter().filter(is_about).min_by_key(|it| rank(subject, &it.verdict));
    match quiet {
        Some(judgement) => Why::Judged(judgement.verdict.clone()),
        None => match then.iter().find(|it| it.entity.is_none()) {
            Some(nobody) => Why::Judged(nobody.verdict.clone()),
            None => Why::AboutOthers {
                entities: then.iter().filter_map(|it| it.entity.clone()).collect(),
            },
        },
    }
}

/// Nothing of the story woke the rule at `at`: because the story is over, or because of what is in it.
fn nothing_woke(example: &Example, judgements: &[Judgement], at: Instant) -> Why {
    let arrivals = example.events.iter().map(|event| event.arrives);
    let ends = arrivals.chain(example.ticks.iter().copied()).max().unwrap_or(example.start);
    if at > ends {
        return Why::StoryEnds { ends: offset(example, ends), at: offset(example, at) };
    }
    let mut woke_at: Vec<Span> =
        judgements.iter().map(|judgement| offset(example, judgement.at)).collect();
    woke_at.dedup();
    Why::NothingWoke { woke_at }
}

/// Whether the alert came after all, so that only the list of the test is wrong.
fn in_another_place(
    example: &Example,
    performance: &Performance,
    at: Instant,
    entity: Option<&str>,
) -> Option<Why> {
    let is_meant = |id: &str| entity.is_none_or(|entity| entity == id);
    let alerts = &performance.alerts;
    let count = alerts.iter().filter(|it| it.at == at && is_meant(&it.entity.id)).count();
    let expected = example.alerts.iter().filter(|it| it.at == at && it.entity.as_deref() == entity);
    (count > 0).then(|| Why::InAnotherPlace {
        is_twice: expected.count() > count,
        came: alerts.iter().map(|it| (offset(example, it.at), it.entity.id.clone())).collect(),
    })
}

/// The verdict that says most about what is missing comes first.
const fn rank(subject: Subject, verdict: &Verdict) -> u8 {
    match (subject, verdict) {
        (Subject::Rekyc, Verdict::Raised { .. })
        | (Subject::Alert, Verdict::Excused { .. } | Verdict::CoolingDown { .. }) => 0,
        (_, Verdict::Raised { .. }) => 3,
        (_, Verdict::NoEntity { .. }) => 2,
        _ => 1,
    }
}

impl Why {
    /// The reason, a line each; conditions within another are indented.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::NothingWoke { woke_at } if woke_at.is_empty() => {
                vec!["no event of the story wakes the rule".to_owned()]
            }
            Self::NothingWoke { woke_at } => {
                let shown: Vec<String> = woke_at.iter().take(8).map(ToString::to_string).collect();
                let more = if woke_at.len() > shown.len() { ", ..." } else { "" };
                let shown = shown.join(", ");
                vec![format!("no event wakes the rule then; it woke at {shown}{more}")]
            }
            Self::StoryEnds { ends, at } => vec![format!(
                "the story ends at {ends}, before {at}: add an event then, or `until: {at}` if nothing happens"
            )],
            Self::InAnotherPlace { is_twice: true, .. } => {
                vec!["one such alert came, and the test expects it more than once".to_owned()]
            }
            Self::InAnotherPlace { is_twice: false, came } => {
                let came: Vec<String> =
                    came.iter().map(|(at, entity)| format!("{at} {entity}")).collect();
                let came = came.join(", ");
                vec![format!("it came: write `alerts` in the order in which they come: {came}")]
            }
            Self::AboutOthers { entities } => {
                vec![format!("the events of that instant are about {}", entities.join(", "))]
            }
            Self::Judged(verdict) => verdict_lines(verdict),
        }
    }
}

fn verdict_lines(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::NoEntity { role } => {
            vec![format!("the event names no {role}, and the rule is about one")]
        }
        Verdict::OutOfForce { effective, at } => {
            let from = effective.from.map(|from| format!(" from {from} on"));
            let to = effective.to.map(|to| format!(" until {to}"));
            let span = format!("{}{}", from.unwrap_or_default(), to.unwrap_or_default());
            vec![
                format!("the rule judges{span} (`effective`), and this is {at}"),
                "say in the test when its story starts: `start: ...`".to_owned(),
            ]
        }
        Verdict::Quiet { part, reasons } => reason_lines(part, reasons),
        Verdict::Excused { exception } => {
            vec![format!("the exception `{exception}` held, so the match was excused")]
        }
        Verdict::CoolingDown { cooldown: Some(cooldown) } => vec![format!(
            "the rule matched, but an alert was still open (cooldown {cooldown}): it was extended"
        )],
        Verdict::CoolingDown { cooldown: None } => {
            vec!["the rule matched, but the alert for this event was there already".to_owned()]
        }
        Verdict::Raised { without_rekyc } if without_rekyc.is_empty() => vec![
            "an alert came, but no new request: one is still open, or one was completed less than \
             30 days ago, or the event names no customer"
                .to_owned(),
        ],
        Verdict::Raised { without_rekyc } => reason_lines("rekyc.when", without_rekyc),
    }
}

fn reason_lines(part: &str, reasons: &[Reason]) -> Vec<String> {
    let line = |reason: &Reason| {
        let condition = &reason.condition;
        let indentation = "  ".repeat(reason.depth);
        let seen = match (&condition.observed, &condition.threshold) {
            (Some(observed), Some(threshold)) => format!(": {observed} {threshold}"),
            _ => String::new(),
        };
        format!("{indentation}{part}: `{}` was false{seen}", condition.text)
    };
    reasons.iter().map(line).collect()
}
