//! Which matches raise an alert, which extend one: `order-5`, `order-6`, kept in plain lists.

use std::collections::BTreeSet;

use super::Judged;
use super::draft::Draft;
use super::figure::Figure;
use super::story::Row;
use super::windows::Past;
use crate::domain::Span;

/// Alerts of one rule so far.
pub struct Alerts {
    entity: &'static str,
    cooldown: Option<Span>,
    /// The latest alert of each entity.
    open: Vec<Open>,
    /// Events that opened an alert, with its entity.
    raised: BTreeSet<(String, String)>,
    /// Transactions of unknown customers that matched when they were judged first, with the entity.
    done: BTreeSet<(u64, String)>,
}

struct Open {
    entity: String,
    opened_by: String,
    opened_at: i64,
    /// Score of the latest match.
    score: Figure,
    /// The latest event that was counted.
    sequence: u64,
}

/// An alert as a line of text; `id` is whatever tells alerts of one run apart.
pub fn line(what: &str, id: &str, (at, score, message): (i64, &str, &str)) -> String {
    format!("{what} {id} at {at}, score {score}: {message}")
}

impl Alerts {
    pub fn new(draft: &Draft) -> Self {
        let cooldown = draft.cooldown.map(|length| Span::parse(length).expect("a length"));
        Self {
            entity: draft.entity,
            cooldown,
            open: Vec::new(),
            raised: BTreeSet::new(),
            done: BTreeSet::new(),
        }
    }

    /// Whether the row is judged a second time and matched the first: `time-5`.
    pub fn is_done(&self, row: &Row, entity: &str) -> bool {
        row.is_again && self.done.contains(&(row.sequence, entity.to_owned()))
    }

    /// Whom the event at `sequence` matched about while it waited.
    pub fn done_of(&self, sequence: u64) -> impl Iterator<Item = String> {
        let own = self.done.iter().filter(move |(done, _)| *done == sequence);
        own.map(|(_, entity)| entity.clone())
    }

    /// Takes a match that nothing excused.
    pub fn matched(&mut self, past: Past<'_>, entity: &str, judged: &Judged) -> Option<String> {
        let row = past.row();
        let at = past.instant(&[self.entity.to_owned()]);
        let score = Figure::parse(&judged.score);
        if !row.is_again {
            self.done.insert((row.sequence, entity.to_owned()));
        }
        let message = judged.message.as_deref().unwrap_or_default();
        let told = |what, opened_by: &str| {
            let id = format!("{entity} {opened_by}");
            Some(line(what, &id, (at, &judged.score, message)))
        };
        let place = self.open.iter().position(|open| open.entity == entity);
        if let Some(open) = place.map(|place| &mut self.open[place]) {
            // Both sides of one event are one match.
            if open.sequence == row.sequence {
                return None;
            }
            let jump = score.minus(&open.score);
            open.score = score.clone();
            let distance = (at - open.opened_at).abs();
            let is_open = self.cooldown.is_some_and(|cooldown| distance < cooldown.0);
            if is_open && jump < Figure::whole(20) {
                open.sequence = row.sequence;
                return told("extended", &open.opened_by);
            }
            // The same event once more opens nothing anew.
            if self.raised.contains(&(row.id.clone(), entity.to_owned())) {
                open.sequence = row.sequence;
                return told("extended", &row.id);
            }
        }
        self.raised.insert((row.id.clone(), entity.to_owned()));
        let opened = Open {
            entity: entity.to_owned(),
            opened_by: row.id.clone(),
            opened_at: at,
            score,
            sequence: row.sequence,
        };
        match place.map(|place| &mut self.open[place]) {
            // An alert of an earlier instant does not take the place of a later one.
            Some(open) if open.opened_at > at => open.sequence = row.sequence,
            Some(open) => *open = opened,
            None => self.open.push(opened),
        }
        told("raised", &row.id)
    }
}
