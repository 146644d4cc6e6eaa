//! What the engine's closures came to for a row, asked right after its rule judged it.

use rust_decimal::Decimal;

use crate::domain::Instant;
use crate::engine::explain::message;
use crate::engine::frame::{Frame, Mode};
use crate::engine::judge::State;
use crate::engine::plan::Plan;
use crate::engine::row::Value;
use crate::engine::rule_plan::RulePlan;

use super::{Judged, Seen};

/// One row, one rule.
#[derive(Debug)]
pub struct Heard {
    pub sequence: u64,
    pub is_again: bool,
    /// The leg's place in the trigger index.
    pub place: Option<usize>,
    pub judged: Judged,
}

impl State {
    /// Notes what `rule` makes of the row, if somebody wants to know.
    pub fn overhear(&mut self, plan: &Plan, rule: &RulePlan, again: Option<Instant>) {
        let Some(mut heard) = self.heard.take() else { return };
        let (sequence, place) = (self.row.sequence, self.row.place);
        let mut frame = self.frame(plan, again.map_or(Mode::Live, Mode::AsOf));
        let strings = frame.strings;
        let lets = rule.explanation.lets.iter();
        let lets = lets.map(|(name, value, _)| {
            let value = value(&mut frame);
            (name.clone(), seen(value, &frame).to_string())
        });
        let lets = lets.collect();
        let excuse = rule.unless.iter().position(|unless| unless(&mut frame));
        let score = (rule.score)(&mut frame).unwrap_or_default();
        let score = score.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED);
        frame.score = Some(score);
        let judged = Judged {
            lets,
            is_let_in: rule.filter.as_ref().is_none_or(|filter| filter(&mut frame)),
            holds: (rule.when)(&mut frame),
            excuse: excuse.map(|place| rule.rule.unless[place].name.clone()),
            score: score.normalize().to_string(),
            message: Some(message(&rule.message, &mut frame, strings)),
        };
        heard.push(Heard { sequence, is_again: again.is_some(), place, judged });
        self.heard = Some(heard);
    }
}

/// The value with its texts.
fn seen(value: Value, frame: &Frame<'_>) -> Seen<Decimal> {
    match value {
        Value::Absent | Value::Found(_) => Seen::Absent,
        Value::Number(number) => Seen::Number(number),
        Value::Text(symbol) => Seen::Text(frame.strings.text(symbol).to_owned()),
        Value::Micros(micros) => Seen::Micros(micros),
        Value::Bool(truth) => Seen::Bool(truth),
    }
}
