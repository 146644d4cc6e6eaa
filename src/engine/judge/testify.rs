//! Tells the witness what a rule made of a row: asked after the fact, for tests of rules only.

use crate::domain::Instant;

use super::State;
use crate::engine::frame::Mode;
use crate::engine::outcome::Effect;
use crate::engine::plan::Plan;
use crate::engine::rule_plan::RulePlan;
use crate::engine::strings::Symbol;
use crate::engine::witness::{self, Judgement};

impl State {
    /// Keeps that the event names nobody whom `rule` could be about.
    pub(super) fn testify_of_nobody(&mut self, plan: &Plan, rule: &RulePlan, at: Instant) {
        let Some(witness) = &mut self.witness else { return };
        let word = plan.rulebook.catalogue.role_word(rule.rule.entity);
        let verdict = witness::Verdict::NoEntity { role: word.to_owned() };
        witness.push(Judgement { rule: rule.rule.name.clone(), entity: None, at, verdict });
    }

    /// Keeps what `rule` made of the row, for whoever listens; `caused` is what it led to.
    pub(in crate::engine) fn testify(
        &mut self,
        plan: &Plan,
        rule: &RulePlan,
        entity: Symbol,
        (at, again): (Instant, Option<Instant>),
        caused: &[Effect],
    ) {
        let mode = again.map_or(Mode::Live, Mode::AsOf);
        let at = again.unwrap_or_else(|| at.max(self.latest(rule)));
        let raised = caused.iter().find_map(|effect| match effect {
            Effect::AlertRaised(alert) => Some(alert.score),
            _ => None,
        });
        let happened_at = self.row.at;
        let [filter, when, rekyc_when] = &rule.explanation.clauses;
        let score = raised.unwrap_or_default();
        let verdict = self.with_archive(plan, mode, score, |frame, archive| {
            let reasons =
                |clauses, frame: &mut _| witness::reasons(clauses, frame, archive.strings);
            if raised.is_some() {
                return witness::Verdict::Raised { without_rekyc: reasons(rekyc_when, frame) };
            }
            if let Some(effective) = rule.rule.effective.filter(|it| !it.contains(happened_at)) {
                return witness::Verdict::OutOfForce { effective, at: happened_at };
            }
            for (part, clauses) in [("where", filter), ("when", when)] {
                let reasons = reasons(clauses, frame);
                if !reasons.is_empty() {
                    return witness::Verdict::Quiet { part, reasons };
                }
            }
            let excuse = rule.unless.iter().position(|unless| unless(frame));
            match excuse.and_then(|excuse| rule.rule.unless.get(excuse)) {
                Some(excuse) => witness::Verdict::Excused { exception: excuse.name.clone() },
                None => witness::Verdict::CoolingDown { cooldown: rule.rule.alert.cooldown },
            }
        });
        let entity = Some(self.strings.text(entity).to_owned());
        let rule = rule.rule.name.clone();
        if let Some(witness) = &mut self.witness {
            witness.push(Judgement { rule, entity, at, verdict });
        }
    }
}
