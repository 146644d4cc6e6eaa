//! `matches("rule-id", 7d)`: how often another rule matched for the same key.
//!
//! Whether that rule is there, and about the same role, is known only beside the other files: see
//! `compose`.

use crate::domain::Span;
use crate::rulebook::catalogue::{EventName, Role, Type};
use crate::rulebook::syntax::{Syntax, SyntaxKind};
use crate::rulebook::typed::{Expr, ExprKind, Literal, ParamValue, SourceSpan};
use crate::rulebook::waking::Matches;

use super::names::Meaning;
use super::{Checker, Place};

impl Checker<'_> {
    pub(super) fn matches(
        &mut self,
        arguments: &[Syntax],
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let [rule, within, by @ ..] = arguments else { return None };
        let named = match &rule.kind {
            SyntaxKind::Text(name) => Some(name.clone()),
            SyntaxKind::Error => None,
            _ => {
                let help = "its name in quotes: `matches(\"cash-below-threshold\", 7d)`".to_owned();
                self.report("E087", rule.span, "`matches` names a rule", "no name", Some(help));
                None
            }
        };
        let within = self.matches_within(within);
        let by = match by.first() {
            Some(by) => self.matches_role(by),
            None => self.entity,
        };
        if place.is_in_aggregate || place.is_in_step {
            let title = "`matches` cannot be read here";
            let help = "read it in `when` or under `let`".to_owned();
            let label = "decided when an event comes, before any rule";
            self.report("E087", span, title, label, Some(help));
            return None;
        }
        let written = Matches { rule: named?, within: within?, by: by?, span };
        let same = self.matches.iter().position(|earlier| earlier.is_same(&written));
        let index = same.unwrap_or_else(|| {
            self.matches.push(written);
            self.matches.len() - 1
        });
        Some(Expr { kind: ExprKind::Matches(index), ty: Type::Number, span })
    }

    fn matches_within(&mut self, written: &Syntax) -> Option<Span> {
        let length = match &written.kind {
            SyntaxKind::Error => return None,
            SyntaxKind::Duration(length) => Some(*length),
            SyntaxKind::Path(name) => self.constant_duration(name),
            _ => None,
        };
        let length = length.filter(|length| *length > Span::ZERO);
        if length.is_none() {
            let help = "write a length of time, or a parameter with one: `7d`".to_owned();
            let title = "`matches` needs to know within which time";
            self.report("E087", written.span, title, "not a length of time", Some(help));
        }
        let help = "ask for a shorter time";
        length
            .filter(|it| self.must_be_within_limit("`matches`", *it, written.span, help).is_some())
    }

    fn constant_duration(&mut self, name: &str) -> Option<Span> {
        let named = self.names.get_mut(name)?;
        named.is_used = true;
        let Meaning::Param(index) = named.meaning else { return None };
        match self.params.get(index)?.value {
            ParamValue::Constant(Literal::Duration(length)) => Some(length),
            _ => None,
        }
    }

    fn matches_role(&mut self, written: &Syntax) -> Option<Role> {
        let SyntaxKind::Path(word) = &written.kind else { return None };
        let role = self.role(word, written.span)?;
        let family = self.trigger.map(EventName::family);
        if let Some(family) = family.filter(|it| self.catalogue.role_slot(role, *it).is_none()) {
            let label = "not a role of the event that wakes the rule";
            self.role_not_there(role, family, written.span, label);
            return None;
        }
        self.must_be_of_timer(role, written.span)?;
        Some(role)
    }
}
