//! Fields that hold codes of a standard, compared with something that is no such code.
//!
//! `tx.country == "Sweden"` is right in its types and true for nobody, since messages carry `SE`. Looked at are
//! words in the rule, parameters, prefixes, other fields, and the lists that the rule asks.

use std::collections::BTreeMap;

use crate::rulebook::call::Call;
use crate::rulebook::catalogue::Format;
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::list::List;
use crate::rulebook::typed::{
    CompareOp, Expr, ExprKind, Literal, Membership, ParamValue, Rule, SourceSpan,
};

struct Reading<'r> {
    rule: &'r Rule,
    lists: &'r BTreeMap<String, List>,
    problems: Vec<Diagnostic>,
}

/// A value that holds codes.
struct Coded<'r> {
    format: Format,
    /// The field, as rules name it.
    field: &'r str,
    /// What stands in for it when it is absent.
    defaults: Vec<String>,
}

impl Coded<'_> {
    fn allows(&self, text: &str) -> bool {
        self.format.allows(text) || self.defaults.iter().any(|default| default == text)
    }
}

/// Warns of every text beside a code that is none.
pub fn check(rule: &Rule, lists: &BTreeMap<String, List>) -> Vec<Diagnostic> {
    let mut reading = Reading { rule, lists, problems: Vec::new() };
    rule.each_expr(&mut |expr| expr.each_part(&mut |part| reading.part(part)));
    reading.problems
}

impl Reading<'_> {
    fn part(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Compare(CompareOp::Equal | CompareOp::NotEqual, left, right) => {
                self.compared(left, right);
                self.compared(right, left);
            }
            ExprKind::In { item, set: Membership::Words(words), .. } => {
                let Some(coded) = self.coded(item) else { return };
                for word in words.iter().filter(|word| !coded.allows(word)) {
                    let quoted = format!("\"{word}\"");
                    let at = self.rule.text(expr.span).find(&quoted);
                    let span = at.map_or(expr.span, |at| {
                        let start = expr.span.start + at;
                        SourceSpan { start, end: start + quoted.len() }
                    });
                    self.report(&coded, word, span);
                }
            }
            ExprKind::In { item, set: Membership::List(list), .. } => self.listed(item, list, expr),
            ExprKind::Call(Call::Lookup { list, .. }, parts) => {
                for item in parts {
                    self.listed(item, list, expr);
                }
            }
            ExprKind::Call(Call::StartsWith, parts) => {
                if let [item, prefix] = parts.as_slice()
                    && let Some(coded) = self.coded(item)
                    && let ExprKind::Literal(Literal::Text(text)) = &prefix.kind
                    && !coded.format.may_begin_with(text)
                {
                    self.report(&coded, text, prefix.span);
                }
            }
            _ => {}
        }
    }

    fn compared(&mut self, item: &Expr, other: &Expr) {
        let Some(coded) = self.coded(item) else { return };
        for text in self.texts(other).into_iter().filter(|text| !coded.allows(text)) {
            self.report(&coded, &text, other.span);
        }
        if let ExprKind::Field(slot) = self.resolved(other).kind {
            let field = self.rule.catalogue.field(slot);
            let mut words = field.values.iter().flatten();
            if field.values.is_some() && words.all(|word| !coded.allows(word)) {
                let title = format!("`{}` and `{}` are never the same", coded.field, field.path);
                let label = format!("holds no {} codes", coded.format.standard());
                let help = Some("compare with what was meant".to_owned());
                self.warn(other.span, title, label, help);
            }
        }
    }

    /// The texts that `expr` can only be.
    fn texts(&self, expr: &Expr) -> Vec<String> {
        let text = |literal: &Literal| match literal {
            Literal::Text(text) => Some(text.clone()),
            Literal::Number(_) | Literal::Duration(_) | Literal::Bool(_) => None,
        };
        match &self.resolved(expr).kind {
            ExprKind::Literal(literal) => text(literal).into_iter().collect(),
            ExprKind::Param(index) => match self.rule.params.get(*index).map(|it| &it.value) {
                Some(ParamValue::Constant(literal)) => text(literal).into_iter().collect(),
                Some(ParamValue::Table(table)) => {
                    let values = table.rows.iter().map(|(_, value)| value).chain(&table.default);
                    values.filter_map(text).collect()
                }
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// A list in which codes are looked up. Its values are not repeated: they may be something else entirely.
    fn listed(&mut self, item: &Expr, name: &str, whole: &Expr) {
        let Some(coded) = self.coded(item) else { return };
        let rows = self.lists.get(name).map(|list| list.rows.as_slice()).unwrap_or_default();
        let mut wrong = rows.iter().enumerate().filter(|(_, row)| !coded.allows(&row.value));
        let Some((index, first)) = wrong.next() else { return };
        let others = wrong.count();
        let word = coded.format.word();
        let title = format!("`list.{name}` holds values that no {word} has");
        let more = if others > 0 { format!(" and {others} more") } else { String::new() };
        let label = format!("row {} below the header{more}", index + 1);
        let help = match coded.format.meant(&first.value) {
            Some(code) => format!(
                "`{}` holds {} codes: did you mean `{code}`?",
                coded.field,
                coded.format.standard()
            ),
            None => format!("`{}` holds {} codes", coded.field, coded.format.standard()),
        };
        let written = format!("list.{name}");
        let at = self.rule.text(whole.span).find(&written);
        let span = at.map_or(whole.span, |at| {
            let start = whole.span.start + at;
            SourceSpan { start, end: start + written.len() }
        });
        self.warn(span, title, label, Some(help));
    }

    fn report(&mut self, coded: &Coded<'_>, text: &str, span: SourceSpan) {
        let title = format!("`{}` is never \"{text}\"", coded.field);
        let label = format!("not an {} code", coded.format.standard());
        let help = match coded.format.meant(text) {
            Some(code) => Some(format!("did you mean \"{code}\"?")),
            None if text.eq_ignore_ascii_case("EU") => {
                Some("name its members, in a list: `in list.eu_members`".to_owned())
            }
            None => None,
        };
        self.warn(span, title, label, help);
    }

    fn warn(&mut self, span: SourceSpan, title: String, label: String, help: Option<String>) {
        let mut problem = Diagnostic::new("W271", &self.rule.path, span, title, label);
        problem.help = help;
        // A condition that two others share is read twice.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

impl<'r> Reading<'r> {
    /// The format of what `expr` holds, if it holds codes.
    fn coded(&self, expr: &Expr) -> Option<Coded<'r>> {
        let (expr, default) = match &self.resolved(expr).kind {
            ExprKind::Default(first, second) => (self.resolved(first), Some(second)),
            _ => (self.resolved(expr), None),
        };
        let ExprKind::Field(slot) = expr.kind else { return None };
        let field = self.rule.catalogue.field(slot);
        let defaults = default.map(|second| self.texts(second)).unwrap_or_default();
        // What stands in may be anything at all, unless it is a text.
        let is_open = default.is_some() && defaults.is_empty();
        let format = field.format.filter(|_| !is_open)?;
        Some(Coded { format, field: &field.path, defaults })
    }

    /// What stands behind a name.
    fn resolved<'e>(&self, expr: &'e Expr) -> &'e Expr
    where
        'r: 'e,
    {
        let behind = match expr.kind {
            ExprKind::Let(index) => self.rule.lets.get(index).map(|named| &named.expr),
            ExprKind::Bound(step, kept) => {
                let steps = self.rule.sequence.as_ref().map(|sequence| sequence.steps.as_slice());
                steps.and_then(|steps| steps.get(step)?.kept.get(kept))
            }
            _ => None,
        };
        // A name reads only earlier ones, so that this ends.
        behind.map_or(expr, |behind| self.resolved(behind))
    }
}
