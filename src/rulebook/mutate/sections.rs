//! The sections of a rule file: where expressions stand, and what else can be changed in them.

use crate::rulebook::lexer::{self, TokenKind};
use crate::rulebook::source::{Entry, Node, NodeKind};
use crate::rulebook::typed::SourceSpan;

use super::literal::{doubled, duration_steps, halved, number_steps};
use super::{Kind, Mutator};

impl Mutator<'_> {
    /// Changes within a whole rule.
    pub(super) fn rule(&mut self, root: &Node) {
        for entry in root.entries().unwrap_or_default() {
            match entry.key.as_str() {
                "where" => {
                    self.value(&entry.value);
                    let hint = "add a quiet test with an event that `where` keeps out";
                    self.leave_out(Kind::Condition, entry, hint);
                }
                "when" => self.value(&entry.value),
                "entity" => self.entity(entry),
                "params" => entries(&entry.value).iter().for_each(|it| self.param(it)),
                "let" => entries(&entry.value).iter().for_each(|it| self.value(&it.value)),
                "unless" => self.unless(entry),
                "alert" => self.alert(&entry.value),
                "rekyc" => self.rekyc(entry),
                "sequence" => self.sequence(&entry.value),
                "trigger" => self.trigger(&entry.value),
                _ => {}
            }
        }
    }

    fn value(&mut self, node: &Node) {
        if matches!(node.kind, NodeKind::Scalar { is_raw: true, .. }) && !node.is_empty() {
            self.expression_at(node.span);
        }
    }

    fn entity(&mut self, entry: &Entry) {
        let span = entry.value.span;
        let other = if self.written(span) == "customer" { "account" } else { "customer" };
        let hint = "write the `entity` of an alert";
        let shown = SourceSpan { start: entry.key_span.start, end: span.end };
        self.swap(Kind::Key, span, shown, other, hint);
    }

    fn unless(&mut self, section: &Entry) {
        let items = section.value.items().unwrap_or_default();
        for item in items {
            let Some([exception]) = item.entries() else { continue };
            let condition = exception.value.span;
            let (name, written) = (&exception.key, self.written(condition));
            let hint = format!("add a quiet test that only the exception `{name}` excuses");
            let what = (format!("{name}: {written}"), None);
            self.push(Kind::Exception, condition, "false", what, hint);
            let hint = format!("add a firing test in which the exception `{name}` does not hold");
            let opposite = format!("not ({written})");
            let what = (written, Some(opposite.clone()));
            self.push(Kind::Exception, condition, opposite, what, hint);
            self.value(&exception.value);
        }
    }

    fn alert(&mut self, node: &Node) {
        if let Some(score) = node.entry("score") {
            self.is_score = true;
            self.value(&score.value);
            self.is_score = false;
        }
        let Some(cooldown) = node.entry("cooldown") else { return };
        let hint = "add a test with one match just before and one just after the cool-down ends";
        self.length(Kind::Cooldown, cooldown, hint);
        self.leave_out(Kind::Cooldown, cooldown, "add a test with a match within the cool-down");
        let Some(dedup) = node.entry("dedup") else { return };
        let hint = "add a test in which one entity matches twice within the cool-down, in two ways";
        self.leave_out(Kind::Cooldown, dedup, hint);
    }

    fn rekyc(&mut self, section: &Entry) {
        self.leave_out(Kind::Rekyc, section, "write under `rekyc` of a test what must come");
        if let Some(when) = section.value.entry("when") {
            self.value(&when.value);
            let hint = "write `rekyc: []` in a test whose alert must not ask for re-KYC";
            self.leave_out(Kind::Rekyc, when, hint);
        }
        if let Some(level) = section.value.entry("level") {
            let other =
                if self.written(level.value.span) == "enhanced" { "standard" } else { "enhanced" };
            let shown = SourceSpan { start: level.key_span.start, end: level.value.span.end };
            let hint = "write the `level` under `rekyc` of a test";
            self.swap(Kind::Rekyc, level.value.span, shown, other, hint);
        }
    }

    /// Both half and twice the length of time under a key.
    fn length(&mut self, kind: Kind, entry: &Entry, hint: &str) {
        let span = entry.value.span;
        let written = self.written(span);
        let shown = SourceSpan { start: entry.key_span.start, end: span.end };
        for changed in doubled(&written).into_iter().chain(halved(&written)) {
            self.swap(kind, span, shown, &changed, hint);
        }
    }

    /// The lines of an entry, if it has them to itself.
    fn leave_out(&mut self, kind: Kind, entry: &Entry, hint: &str) {
        let line = self.line_start(entry.key_span.start);
        let before = self.text.get(line..entry.key_span.start).unwrap_or_default();
        if !before.trim().is_empty() {
            return self.leave_out_of_braces(kind, entry, hint);
        }
        let rest = self.text.get(entry.value.span.end..).unwrap_or_default();
        let end = entry.value.span.end + rest.find('\n').map_or(rest.len(), |at| at + 1);
        let span = SourceSpan { start: line, end };
        self.push(kind, span, "", (self.named(entry), None), hint);
    }

    /// An entry between `{` and `}`, with the comma beside it.
    fn leave_out_of_braces(&mut self, kind: Kind, entry: &Entry, hint: &str) {
        let (start, end) = (entry.key_span.start, entry.value.span.end);
        let before = self.text.get(..start).unwrap_or_default().trim_end();
        let rest = self.text.get(end..).unwrap_or_default();
        let span = if before.ends_with(',') {
            SourceSpan { start: before.len() - 1, end }
        } else if let Some(at) =
            rest.find(',').filter(|at| rest.trim_start().len() + at == rest.len())
        {
            SourceSpan { start, end: end + at + 1 }
        } else {
            return;
        };
        self.push(kind, span, "", (self.named(entry), None), hint);
    }

    /// How an entry is shown: whole if it is short, else by its key.
    fn named(&self, entry: &Entry) -> String {
        let span = SourceSpan { start: entry.key_span.start, end: entry.value.span.end };
        let whole = self.written(span);
        let is_short = whole.len() <= 48 && entry.value.scalar().is_some();
        if is_short { whole } else { format!("{}:", entry.key) }
    }

    fn line_start(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn param(&mut self, entry: &Entry) {
        let Some(values) = entry.value.entry("values") else {
            let Some(value) = entry.value.entry("value") else {
                return self.constant(&entry.key, &entry.value);
            };
            let shown = SourceSpan { start: value.key_span.start, end: value.value.span.end };
            let hint = format!("add two tests on the edge of `{}`", entry.key);
            return self.steps(value.value.span, shown, &hint);
        };
        let rows = entries(&values.value);
        let default = entry.value.entry("default");
        for row in rows {
            self.row(&entry.key, row);
            if let Some(default) = default {
                let fallback = self.written(default.value.span);
                let hint = format!("add two tests on the edge of `{}` for {}", entry.key, row.key);
                let shown = self.entry_span(row);
                self.swap(Kind::Parameter, row.value.span, shown, &fallback, hint);
            }
        }
        for pair in rows.windows(2) {
            let [first, second] = pair else { continue };
            self.exchange(&entry.key, first, second);
        }
        if let Some(default) = default {
            self.row(&entry.key, default);
        }
    }

    /// Two rows of a table with each other's values.
    fn exchange(&mut self, param: &str, first: &Entry, second: &Entry) {
        let (one, other) = (first.value.span, second.value.span);
        let (left, right) = (self.written(one), self.written(other));
        if left == right {
            return;
        }
        let between = self.text.get(one.end..other.start).unwrap_or_default();
        let span = SourceSpan { start: one.start, end: other.end };
        let replacement = format!("{right}{between}{left}");
        let before = format!("{}: {left}, {}: {right}", first.key, second.key);
        let after = format!("{}: {right}, {}: {left}", first.key, second.key);
        let hint =
            format!("add tests on the edge of `{param}` for {} and {}", first.key, second.key);
        self.push(Kind::Parameter, span, replacement, (before, Some(after)), hint);
    }

    /// A whole entry, with the quote that a key may begin with.
    fn entry_span(&self, entry: &Entry) -> SourceSpan {
        let start = entry.key_span.start;
        let before = self.text.get(..start).unwrap_or_default();
        let quote = usize::from(before.ends_with(['"', '\'']));
        SourceSpan { start: start - quote, end: entry.value.span.end }
    }

    fn row(&mut self, param: &str, row: &Entry) {
        let shown = self.entry_span(row);
        let hint = format!("add two tests on the edge of `{param}` for {}", row.key);
        self.steps(row.value.span, shown, &hint);
    }

    fn constant(&mut self, param: &str, node: &Node) {
        let hint = format!("add two tests on the edge of `{param}`");
        let key = format!("{param}: ");
        let before = self.text.get(..node.span.start).unwrap_or_default();
        let start =
            if before.ends_with(&key) { node.span.start - key.len() } else { node.span.start };
        self.steps(node.span, SourceSpan { start, end: node.span.end }, &hint);
    }

    fn steps(&mut self, span: SourceSpan, shown: SourceSpan, hint: &str) {
        let written = self.written(span);
        let mut changed = number_steps(&written);
        changed.extend(duration_steps(&written));
        changed.extend(halved(&written));
        match written.as_str() {
            "true" => changed.push("false".to_owned()),
            "false" => changed.push("true".to_owned()),
            _ => {}
        }
        for changed in changed {
            self.swap(Kind::Parameter, span, shown, &changed, hint);
        }
    }

    fn sequence(&mut self, node: &Node) {
        if let Some(within) = node.entry("within") {
            let hint = "add a test whose last step comes just before, and one just after, the end";
            self.length(Kind::Sequence, within, hint);
        }
        if let Some(by) = node.entry("by") {
            let other =
                if self.written(by.value.span) == "customer" { "account" } else { "customer" };
            let shown = SourceSpan { start: by.key_span.start, end: by.value.span.end };
            let hint = "add a test whose steps are of two that must not be taken together";
            self.swap(Kind::Key, by.value.span, shown, other, hint);
        }
        let steps = node.entry("steps").and_then(|steps| steps.value.items()).unwrap_or_default();
        for step in steps {
            let Some([entry]) = step.entries() else { continue };
            let line = self.line_start(entry.key_span.start);
            let before = self.text.get(line..entry.key_span.start).unwrap_or_default();
            if before.trim() == "-" {
                let rest = self.text.get(entry.value.span.end..).unwrap_or_default();
                let end = entry.value.span.end + rest.find('\n').map_or(rest.len(), |at| at + 1);
                let what =
                    (format!("step {}: {}", entry.key, self.written(entry.value.span)), None);
                let hint = if entry.key == "not" {
                    "add a quiet test in which this event comes between its neighbors"
                } else {
                    "add a quiet test in which this step does not come"
                };
                self.push(Kind::Sequence, SourceSpan { start: line, end }, "", what, hint);
            }
            self.step(&entry.value);
        }
    }

    /// `event where condition`
    fn step(&mut self, node: &Node) {
        let (tokens, _) = lexer::tokens(self.path, self.text, node.span);
        let found = tokens.iter().find(|it| it.kind == TokenKind::Name("where".to_owned()));
        let Some(found) = found else { return };
        let event_end = tokens.iter().take_while(|it| it.span.end <= found.span.start).last();
        let start = event_end.map_or(node.span.start, |token| token.span.end);
        let cut = SourceSpan { start, end: node.span.end };
        let what = (self.written(cut), None);
        let hint = "add a quiet test with an event of this kind that is not of this step";
        self.push(Kind::Sequence, cut, "", what, hint);
        self.expression_at(SourceSpan { start: found.span.end, end: node.span.end });
    }

    /// A trigger that waits for something: how long, and for whom.
    fn trigger(&mut self, node: &Node) {
        for key in ["for", "after"] {
            if let Some(length) = node.entry(key) {
                let hint = "add a test with an event just before, and one just after, the end";
                self.length(Kind::Sequence, length, hint);
            }
        }
        if let Some(filter) = node.entry("where") {
            self.value(&filter.value);
            let hint = "add a quiet test for whom this does not hold";
            self.leave_out(Kind::Sequence, filter, hint);
        }
    }
}

fn entries(node: &Node) -> &[Entry] {
    node.entries().unwrap_or_default()
}
