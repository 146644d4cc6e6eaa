//! Names: which value a path stands for, and what to say when it stands for none.

use std::ops::ControlFlow;

use crate::rulebook::catalogue::{EventName, Family, Type};
use crate::rulebook::diagnostic::{Diagnostic, closest};
use crate::rulebook::elsewhere;
use crate::rulebook::source::Entry;
use crate::rulebook::syntax::RESERVED_WORDS;
use crate::rulebook::typed::{
    Expr, ExprKind, Let, LetIndex, Param, ParamIndex, ParamTable, ParamValue, SourceSpan,
};

use super::header::noun;
use super::{Checker, Place, WRITTEN_OUT_BYTES_MAX};

/// A parameter's or a `let`'s name.
pub(super) struct Named {
    pub(super) meaning: Meaning,
    /// Where it is defined.
    pub(super) span: SourceSpan,
    pub(super) is_used: bool,
}

/// What a name stands for.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Param(ParamIndex),
    Let(LetIndex),
    /// Its definition is wrong, and that was reported.
    Broken,
}

impl Checker<'_> {
    pub(super) fn define_param(&mut self, entry: &Entry, param: Option<Param>) {
        let meaning = match param {
            Some(param) => {
                self.params.push(param);
                Meaning::Param(self.params.len() - 1)
            }
            None => Meaning::Broken,
        };
        self.define(entry, meaning);
    }

    /// `bytes` is how long the expression is with every `let` in it written out.
    pub(super) fn define_let(&mut self, entry: &Entry, expr: Option<Expr>, bytes: usize) {
        let meaning = match expr {
            Some(expr) => {
                self.lets.push(Let { name: entry.key.clone(), expr });
                self.let_bytes.push(bytes);
                Meaning::Let(self.lets.len() - 1)
            }
            None => Meaning::Broken,
        };
        self.define(entry, meaning);
    }

    fn define(&mut self, entry: &Entry, meaning: Meaning) {
        let name = entry.key.as_str();
        let is_identifier = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let help = if !is_identifier {
            Some("use letters, digits and `_`, a letter first")
        } else if RESERVED_WORDS.contains(&name) {
            Some("the word has a meaning of its own; choose another")
        } else if self.steps.iter().any(|step| step.name.as_deref() == Some(name)) {
            Some("a step of the sequence has this name; choose another")
        } else if self.names.contains_key(name) {
            Some("a parameter and a `let` cannot share a name; choose another")
        } else {
            None
        };
        if let Some(help) = help {
            if !is_identifier || RESERVED_WORDS.contains(&name) {
                self.unusable.push(name.to_owned());
            }
            let title = format!("`{name}` cannot name a value");
            self.report("E017", entry.key_span, title, "not usable here", Some(help.to_owned()));
        }
        let named = Named { meaning, span: entry.key_span, is_used: false };
        self.names.entry(name.to_owned()).or_insert(named);
    }

    /// The value that `path` stands for.
    pub(super) fn path(&mut self, path: &str, span: SourceSpan, place: Place) -> Option<Expr> {
        if let Some(named) = self.names.get_mut(path) {
            named.is_used = true;
            return match named.meaning {
                Meaning::Param(index) => self.param(index, span, place),
                Meaning::Let(index) => self.named_value(index, span, place),
                Meaning::Broken => None,
            };
        }
        if let ControlFlow::Break(member) = self.member(path, span, place) {
            return member;
        }
        if self.is_of_step(path) {
            return self.bound_name(path, span, place);
        }
        if path == "score" {
            if place.has_score {
                return Some(Expr { kind: ExprKind::Score, ty: Type::Number, span });
            }
            let title = "`score` is not known here";
            let help = Some("it can be used in `rekyc.when` and in messages".to_owned());
            self.report("E037", span, title, "computed only when an alert is raised", help);
            return None;
        }
        if self.catalogue.is_broken(path) {
            return None;
        }
        let Some(field) = self.catalogue.by_path(path) else {
            self.unknown_name(path, span, place);
            return None;
        };
        if let Some(family) = field.family {
            let title = |here| format!("{} has no `{path}`", noun(here));
            self.must_be_of(place, Some(family), title, span)?;
        }
        Some(Expr { kind: ExprKind::Field(field.slot), ty: field.ty, span })
    }

    fn param(&mut self, index: ParamIndex, span: SourceSpan, place: Place) -> Option<Expr> {
        let param = self.params.get(index)?;
        let (ty, name) = (param.ty, param.name.clone());
        let family = match &param.value {
            ParamValue::Constant(_) => None,
            ParamValue::Table(table) => self.table_family(table),
        };
        self.must_be_of(place, family, indirectly(&name, family), span)?;
        Some(Expr { kind: ExprKind::Param(index), ty, span })
    }

    /// Notes that a `let` is used, and refuses the use that makes the rule too long when written out.
    fn write_out(&mut self, index: LetIndex, span: SourceSpan) -> Option<()> {
        let bytes = self.let_bytes.get(index).copied().unwrap_or_default();
        let was_too_long = self.written_out > WRITTEN_OUT_BYTES_MAX;
        self.written_out = self.written_out.saturating_add(bytes);
        if self.written_out <= WRITTEN_OUT_BYTES_MAX {
            return Some(());
        }
        if !was_too_long {
            let title = "the rule is too long when its named values are written out";
            let label = format!("more than {} KiB from here on", WRITTEN_OUT_BYTES_MAX / 1024);
            let help = "each `let` stands for its expression: use fewer of them inside one another";
            self.report("E096", span, title, label, Some(help.to_owned()));
        }
        None
    }

    fn named_value(&mut self, index: LetIndex, span: SourceSpan, place: Place) -> Option<Expr> {
        self.write_out(index, span)?;
        let named = self.lets.get(index)?;
        let (ty, name) = (named.expr.ty, named.name.clone());
        if place.is_in_aggregate && self.holds_aggregate(&named.expr) {
            let title = format!("`{name}` is an aggregate and cannot stand inside another");
            let help = "compare it outside: what enters a window is decided event by event";
            self.report("E030", span, title, "an aggregate of an aggregate", Some(help.to_owned()));
            return None;
        }
        if (place.is_in_aggregate || place.is_in_step) && self.holds_pattern(&named.expr) {
            self.pattern_cannot_enter(span);
            return None;
        }
        let named = self.lets.get(index)?;
        let expr = (place.is_in_step || place.is_in_aggregate).then(|| named.expr.clone());
        let family = self.family_of(&named.expr);
        if let Some(expr) = expr {
            self.must_be_of_one_event(&name, &expr, span)?;
        }
        self.must_be_of(place, family, indirectly(&name, family), span)?;
        Some(Expr { kind: ExprKind::Let(index), ty, span })
    }

    /// Whether `expr` reads a fold, itself or through a `let`.
    pub(super) fn holds_aggregate(&self, expr: &Expr) -> bool {
        match expr.kind {
            ExprKind::Aggregate(_) => true,
            ExprKind::Let(index) => {
                self.lets.get(index).is_some_and(|named| self.holds_aggregate(&named.expr))
            }
            _ => expr.parts().into_iter().any(|part| self.holds_aggregate(part)),
        }
    }

    /// Whether `expr` reads a pattern, itself or through a `let`.
    pub(super) fn holds_pattern(&self, expr: &Expr) -> bool {
        match expr.kind {
            ExprKind::Pattern(_) => true,
            ExprKind::Let(index) => {
                self.lets.get(index).is_some_and(|named| self.holds_pattern(&named.expr))
            }
            _ => expr.parts().into_iter().any(|part| self.holds_pattern(part)),
        }
    }

    /// The family whose fields `expr` reads outside its folds.
    fn family_of(&self, expr: &Expr) -> Option<Family> {
        match &expr.kind {
            ExprKind::Field(slot) => self.catalogue.family(*slot),
            ExprKind::Param(index) => match &self.params.get(*index)?.value {
                ParamValue::Constant(_) => None,
                ParamValue::Table(table) => self.table_family(table),
            },
            ExprKind::Let(index) => self.family_of(&self.lets.get(*index)?.expr),
            _ => expr.parts().into_iter().find_map(|part| self.family_of(part)),
        }
    }

    fn table_family(&self, table: &ParamTable) -> Option<Family> {
        table.by.iter().find_map(|slot| self.catalogue.family(*slot))
    }

    /// Reports a value of one family where only another's fields are there.
    fn must_be_of(
        &mut self,
        place: Place,
        family: Option<Family>,
        title: impl Fn(Family) -> String,
        span: SourceSpan,
    ) -> Option<()> {
        let (Some(here), Some(family)) = (place.family, family) else { return Some(()) };
        if self.is_timed && !self.is_event_checked && !place.is_in_aggregate {
            let written = self.written(span);
            self.no_event_here(&written, span);
            return None;
        }
        if here == family {
            return Some(());
        }
        let title = title(here);
        let (label, help) = if place.is_in_aggregate {
            ("not a field of the events in this window", "aggregate over the other event instead")
        } else if place.is_in_step {
            (
                "not a field of this step's event",
                "a step reads its own event, and those of steps above it by their names: `changed.channel`",
            )
        } else {
            (
                "not a field of the event that wakes the rule",
                "read other events in an aggregate: `count(EVENT where ...) by customer over 7d`",
            )
        };
        self.report("E029", span, title, label, Some(help.to_owned()));
        None
    }

    fn unknown_name(&mut self, path: &str, span: SourceSpan, place: Place) {
        if path.starts_with("list.") {
            let title = "a list can only stand behind `in`";
            let help = Some(format!("write `tx.counterparty in {path}`"));
            self.report("E024", span, title, "not a value", help);
            return;
        }
        if let Some(problem) = self.unknown.get(path).and_then(|it| self.problems.get_mut(*it)) {
            let line = |at| self.source.get(..at).unwrap_or_default().matches('\n').count() + 1;
            let (first, here) = (line(problem.span.start), line(span.start));
            let also = if problem.label.contains("; also") { ", " } else { "; also in line " };
            let more = format!("{also}{here}");
            if first != here && !problem.label.ends_with(&format!(" {here}")) {
                problem.label.push_str(&more);
            }
            return;
        }
        if self.is_before_lets && self.lets_to_come.contains(path) {
            let title = format!("`{path}` is not known yet in `where`");
            let help =
                Some("`where` is asked before `let`; put the condition in `when`".to_owned());
            self.report("E021", span, title, "a `let`, worked out later", help);
            return;
        }
        let help = self.name_help(path, place);
        let title = format!("unknown name `{path}`");
        self.unknown.insert(path.to_owned(), self.problems.len());
        self.report("E021", span, title, "no such field, parameter or `let`", help);
    }

    fn name_help(&self, path: &str, place: Place) -> Option<String> {
        if self.lets_to_come.contains(path) {
            return Some("it is defined further down; move this one below it".to_owned());
        }
        let words = place.words.map(|words| self.words(words));
        if let Some(word) = words.and_then(|words| closest(path, words)) {
            return Some(format!("text stands in quotes: \"{word}\""));
        }
        if matches!(path, "null" | "none" | "nil") {
            return Some("to ask whether a value is there, write `has(tx.device)`".to_owned());
        }
        let family = place.family.or(self.trigger.map(EventName::family));
        let role = self.catalogue.role(path).zip(family);
        if let Some(slot) = role.and_then(|(role, family)| self.catalogue.role_slot(role, family)) {
            return Some(format!("did you mean `{}`?", self.catalogue.field(slot).path));
        }
        let score = place.has_score.then_some("score");
        let names = || {
            let names = self.names.keys().map(String::as_str);
            names.chain(self.catalogue.paths()).chain(score)
        };
        let close = names().find(|name| name.eq_ignore_ascii_case(path));
        let close = close.or_else(|| closest(path, names()));
        // A field named without its event is common: `amount` for `tx.amount`.
        let ending = || {
            let ending = format!(".{path}");
            self.catalogue.paths().find(|field| field.ends_with(&ending))
        };
        let meant = close.or_else(ending).map(|name| format!("did you mean `{name}`?"));
        let is_word = place.words.is_some() && !path.contains('.');
        meant
            .or_else(|| is_word.then(|| format!("text stands in quotes: \"{path}\"")))
            .or_else(|| elsewhere::function(path).map(str::to_owned))
    }
}

/// Whether `problem` only says that a name which cannot be used is not understood where it is used.
pub(super) fn is_use_of(unusable: &[String], source: &str, problem: &Diagnostic) -> bool {
    let is_of_use = matches!(problem.code, "E021" | "E024" | "E101" | "E105");
    let is_within = |name: &str| {
        let mut uses = source.match_indices(name);
        uses.any(|(at, _)| (at..at + name.len()).contains(&problem.span.start))
    };
    is_of_use && unusable.iter().any(|name| is_within(name))
}

/// Says that a name stands for fields that are not there.
fn indirectly(name: &str, family: Option<Family>) -> impl Fn(Family) -> String {
    move |here| {
        let family = family.unwrap_or(here);
        format!("`{name}` reads fields of {}, here is {}", noun(family), noun(here))
    }
}
