//! Folds over windows: which events enter, and by what they are kept.

use crate::rulebook::catalogue::{EventName, EventSet, Family, Role, Type};
use crate::rulebook::syntax::{AggregateSyntax, Syntax, SyntaxKind};
use crate::rulebook::typed::{Aggregate, AggregateFunction, Expr, ExprKind, SourceSpan};

use super::buckets::Outer;
use super::expression::article;
use super::names::Meaning;
use super::{Checker, Place};

/// The events of a window.
struct Source {
    events: EventSet,
    /// `None` when the rule's own trigger was not understood.
    family: Option<Family>,
}

impl Checker<'_> {
    pub(super) fn aggregate(
        &mut self,
        written: &AggregateSyntax,
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        if place.is_in_aggregate {
            let title = "an aggregate cannot stand inside another";
            let help = "give it a name under `let` and compare it in `when`".to_owned();
            self.report("E030", span, title, "an aggregate of an aggregate", Some(help));
            return None;
        }
        if let SyntaxKind::Buckets(buckets) = &written.head.kind {
            return self.baseline(written, buckets, span);
        }
        self.folded(written, None, span)
    }

    /// What `written` folds: events in a window or, if `outer` says how to go on, in buckets.
    pub(super) fn folded(
        &mut self,
        written: &AggregateSyntax,
        outer: Option<Outer>,
        span: SourceSpan,
    ) -> Option<Expr> {
        let takes_event =
            matches!(written.function, AggregateFunction::Count | AggregateFunction::Since);
        let event = self.event_of(&written.head);
        let source = match &event {
            Some(source) => Some((source.events, source.family)),
            None if takes_event => {
                self.needs_event(written);
                None
            }
            None => {
                let source = self.source_of(written);
                Some((source.events, source.family))
            }
        };
        // What is wrong with one part does not hide what is wrong with the others.
        let family = source.and_then(|(_, family)| family);
        let inner = Place { family, is_in_aggregate: true, ..Place::default() };
        let value = match &event {
            Some(_) if takes_event => Some(None),
            Some(_) => self.event_as_value(written),
            None if takes_event => None,
            None => self.folded_value(written, inner).map(Some),
        };
        let filter = match &written.filter {
            Some(filter) => self.condition(filter, inner).map(Some),
            None => Some(None),
        };
        let by = self.key(&written.by, family);
        let outer = outer.or_else(|| {
            let (percent, window) = (self.percent(written, span), self.window(written));
            let (percent, window) = (percent.ok()?, window?);
            Some(Outer { function: written.function, percent, window, per: None })
        });
        let Outer { function, percent, window, per } = outer?;
        let aggregate = Aggregate {
            function,
            percent,
            per,
            source: source?.0,
            value: value?,
            filter: filter?,
            by: by?,
            window,
            span,
        };
        let same = self.aggregates.iter().position(|earlier| earlier.is_same(&aggregate));
        let ty = aggregate.ty();
        let index = same.unwrap_or_else(|| {
            self.aggregates.push(aggregate);
            self.aggregates.len() - 1
        });
        Some(Expr { kind: ExprKind::Aggregate(index), ty, span })
    }

    /// The events that a head names: `transaction`, `kyc.registered`, or a whole family.
    fn event_of(&self, head: &Syntax) -> Option<Source> {
        let SyntaxKind::Path(path) = &head.kind else { return None };
        if self.names.contains_key(path) {
            return None;
        }
        let family = match path.as_str() {
            "kyc" => Some(Family::Kyc),
            "security" => Some(Family::Security),
            _ => None,
        };
        if let Some(family) = family {
            return Some(Source { events: EventSet::family(family), family: Some(family) });
        }
        let name = EventName::parse(path)?;
        Some(Source { events: EventSet::one(name), family: Some(name.family()) })
    }

    /// Says what is wrong with `count(x)` or `since(x)` where `x` is no event.
    fn needs_event(&mut self, written: &AggregateSyntax) {
        let head = &written.head;
        match &head.kind {
            SyntaxKind::Error => {}
            SyntaxKind::Path(path)
                if self.catalogue.by_path(path).is_none() && !self.names.contains_key(path) =>
            {
                self.unknown_event(path, head.span);
            }
            _ => {
                let (title, help) = if written.function == AggregateFunction::Count {
                    let help =
                        "write `count(transaction where ...)`, or `distinct(...)` for values";
                    ("`count` counts events", help)
                } else {
                    ("`since` looks for events", "write `since(kyc.refreshed where ...)`")
                };
                self.report("E036", head.span, title, "not an event", Some(help.to_owned()));
            }
        }
    }

    /// Says that the fold needs a value.
    fn event_as_value<T>(&mut self, written: &AggregateSyntax) -> Option<T> {
        let title = format!("`{}` needs a value, not an event", written.name);
        let help = Some(format!("write `{}(tx.amount where ...)`", written.name));
        self.report("E036", written.head.span, title, "an event", help);
        None
    }

    fn folded_value(&mut self, written: &AggregateSyntax, inner: Place) -> Option<Expr> {
        let value = self.expression(&written.head, inner)?;
        if matches!(written.function, AggregateFunction::First | AggregateFunction::Last) {
            return Some(value);
        }
        if written.function != AggregateFunction::Distinct {
            return self.must_be_number(value, &format!("`{}`", written.name));
        }
        if value.ty == Type::Text {
            return Some(value);
        }
        let help = Some("count different counterparties, devices, countries, ...".to_owned());
        self.report("E024", value.span, "`distinct` needs text", article(value.ty), help);
        None
    }

    /// The events whose fields a fold without an event's name reads; the trigger's if it names none.
    fn source_of(&self, written: &AggregateSyntax) -> Source {
        let family = self
            .family_named(&written.head)
            .or_else(|| self.family_named(written.filter.as_ref()?))
            .or(self.trigger.map(EventName::family));
        let events = match (self.trigger, family) {
            (Some(trigger), Some(family)) if trigger.family() == family && !self.is_timed => {
                EventSet::one(trigger)
            }
            (_, Some(family)) => EventSet::family(family),
            (_, None) => EventSet::default(),
        };
        Source { events, family }
    }

    /// The family of the first field that `syntax` names, itself or through a `let`.
    fn family_named(&self, syntax: &Syntax) -> Option<Family> {
        if let SyntaxKind::Path(path) = &syntax.kind {
            return match self.names.get(path).map(|named| named.meaning) {
                // A `let` outside a window speaks of the trigger's fields.
                Some(Meaning::Let(_)) => self.trigger.map(EventName::family),
                Some(_) => None,
                None => Family::parse(path.split('.').next()?),
            };
        }
        syntax.kind.parts().find_map(|part| self.family_named(part))
    }

    /// The roles of the key, sorted; each must be there in the folded events and in the waking one.
    fn key(&mut self, by: &[(String, SourceSpan)], family: Option<Family>) -> Option<Vec<Role>> {
        let mut roles = Vec::new();
        let mut is_good = !by.is_empty();
        for (word, span) in by {
            let Some(role) = self.role(word, *span) else {
                is_good = false;
                continue;
            };
            let own = self.trigger.map(EventName::family);
            let is_missing = |f: &Family| self.catalogue.role_slot(role, *f).is_none();
            let missing = [family, own].into_iter().flatten().find(is_missing);
            if let Some(missing) = missing {
                let label = if Some(missing) == family {
                    "not a role of these events"
                } else {
                    "the event that wakes the rule must have it too"
                };
                self.role_not_there(role, missing, *span, label);
                is_good = false;
            }
            if self.must_be_of_timer(role, *span).is_none() {
                is_good = false;
            }
            roles.push(role);
        }
        roles.sort_unstable();
        roles.dedup();
        is_good.then_some(roles)
    }
}
