//! Changes within an expression, found in its syntax.
//!
//! Forms that are not named here are walked part by part, and the numbers and lengths of time that
//! belong to no part of them are changed too; so a new form is never passed over in silence.

use crate::rulebook::lexer::{self, TokenKind};
use crate::rulebook::parse;
use crate::rulebook::syntax::{AggregateSyntax, Function, Syntax, SyntaxKind};
use crate::rulebook::typed::{ArithmeticOp, CompareOp, SourceSpan};

use super::literal::{doubled, duration_steps, halved, number_steps};
use super::{Kind, Mutator};

/// The comparison that differs only where both sides are equal, and the opposite one.
const fn others(op: CompareOp) -> (Option<CompareOp>, CompareOp) {
    use CompareOp as C;
    match op {
        C::Equal => (None, C::NotEqual),
        C::NotEqual => (None, C::Equal),
        C::Less => (Some(C::LessEqual), C::GreaterEqual),
        C::LessEqual => (Some(C::Less), C::Greater),
        C::Greater => (Some(C::GreaterEqual), C::LessEqual),
        C::GreaterEqual => (Some(C::Greater), C::Less),
    }
}

const fn other_arithmetic(op: ArithmeticOp) -> (&'static str, &'static str) {
    match op {
        ArithmeticOp::Add => ("+", "-"),
        ArithmeticOp::Subtract => ("-", "+"),
        ArithmeticOp::Multiply => ("*", "/"),
        ArithmeticOp::Divide => ("/", "*"),
    }
}

impl Mutator<'_> {
    /// Changes within the expression under `span`.
    pub(super) fn expression_at(&mut self, span: SourceSpan) {
        let (syntax, problems) = parse::expression(self.path, self.text, span);
        // A file that does not load has no tests to judge by.
        if problems.is_empty() {
            self.expression(&syntax, syntax.span);
        }
    }

    /// Changes within `syntax`; `shown` is what a reader is shown of a change to a value.
    fn expression(&mut self, syntax: &Syntax, shown: SourceSpan) {
        match &syntax.kind {
            SyntaxKind::And(parts) => self.joined(parts, "and", "or"),
            SyntaxKind::Or(parts) => self.joined(parts, "or", "and"),
            SyntaxKind::Not(inner) => {
                let positive = self.written(inner.span);
                let hint = "add a test in which this decides";
                self.swap(Kind::Negation, syntax.span, syntax.span, &positive, hint);
                self.expression(inner, inner.span);
            }
            SyntaxKind::Compare(op, left, right) => {
                self.comparison(*op, left, right, syntax.span);
                self.expression(left, syntax.span);
                self.expression(right, syntax.span);
            }
            SyntaxKind::In { item, set, negated } => {
                self.membership(item, set, *negated, syntax.span);
                self.expression(item, syntax.span);
            }
            SyntaxKind::Arithmetic(op, left, right) => {
                let (sign, other) = other_arithmetic(*op);
                if let Some(at) = self.find(left.span.end, right.span.start, sign) {
                    self.swap(Kind::Arithmetic, at, syntax.span, other, self.value_hint());
                }
                let within = if self.is_score { syntax.span } else { shown };
                self.expression(left, within);
                self.expression(right, within);
            }
            SyntaxKind::Default(first, second) => self.default(first, second, syntax.span),
            SyntaxKind::Number(_) => {
                for changed in number_steps(&self.written(syntax.span)) {
                    self.swap(Kind::Threshold, syntax.span, shown, &changed, self.value_hint());
                }
            }
            SyntaxKind::Duration(_) => {
                for changed in duration_steps(&self.written(syntax.span)) {
                    self.swap(Kind::Threshold, syntax.span, shown, &changed, self.value_hint());
                }
            }
            SyntaxKind::Call { function, arguments } => {
                self.call(*function, arguments, syntax.span, shown);
            }
            SyntaxKind::Aggregate(aggregate) => self.aggregate(aggregate, syntax.span),
            // Alone on a line of `when`, a name is a condition.
            SyntaxKind::Path(_) if shown == syntax.span => self.negate(syntax.span),
            _ => self.other_form(syntax),
        }
    }

    fn value_hint(&self) -> &'static str {
        if self.is_score {
            "write the `score` of an alert to which this part adds"
        } else {
            "add two tests on the edge: one exactly on it, and one a step beside it"
        }
    }

    /// Parts joined by one word: each left out, and the word exchanged.
    fn joined(&mut self, parts: &[Syntax], word: &str, other: &str) {
        let is_and = word == "and";
        for (place, part) in parts.iter().enumerate() {
            let before = self.written(part.span);
            let hint = if is_and {
                format!("add a quiet test in which everything else holds, but not `{before}`")
            } else {
                format!("add a firing test in which only `{before}` holds")
            };
            let beside = if place == 0 {
                parts.get(1).map(|next| SourceSpan { start: part.span.start, end: next.span.start })
            } else {
                parts
                    .get(place - 1)
                    .map(|last| SourceSpan { start: last.span.end, end: part.span.end })
            };
            let cut = beside.filter(|beside| self.is_balanced(*beside));
            // Where a bracket would lose its partner, a constant does the same.
            let neutral = if is_and { "true" } else { "false" };
            let (span, replacement) = cut.map_or((part.span, neutral), |cut| (cut, ""));
            self.push(Kind::Condition, span, replacement, (before, None), hint);
            self.expression(part, part.span);
        }
        for pair in parts.windows(2) {
            let [left, right] = pair else { continue };
            let sign = if is_and { "&&" } else { "||" };
            let at = self
                .find(left.span.end, right.span.start, word)
                .or_else(|| self.find(left.span.end, right.span.start, sign));
            let Some(at) = at else { continue };
            let hint = if is_and {
                "add a quiet test in which only one of the two holds"
            } else {
                "add a firing test in which only one of the two holds"
            };
            let whole = SourceSpan { start: left.span.start, end: right.span.end };
            let shown = if self.is_balanced(whole) { whole } else { at };
            self.swap(Kind::Condition, at, shown, other, hint);
        }
    }

    fn comparison(&mut self, op: CompareOp, left: &Syntax, right: &Syntax, span: SourceSpan) {
        let Some(at) = self.find(left.span.end, right.span.start, op.word()) else { return };
        let (neighbor, opposite) = others(op);
        if let Some(neighbor) = neighbor {
            let (left, right) = (self.written(left.span), self.written(right.span));
            let hint = format!("add a test in which `{left}` is exactly `{right}`");
            self.swap(Kind::Boundary, at, span, neighbor.word(), hint);
        }
        let hint = "add a firing test in which this decides";
        self.swap(Kind::Negation, at, span, opposite.word(), hint);
    }

    fn membership(&mut self, item: &Syntax, set: &Syntax, negated: bool, span: SourceSpan) {
        let gap = SourceSpan { start: item.span.end, end: set.span.start };
        let other = if negated { " in " } else { " not in " };
        let hint = "add a test in which this decides";
        self.swap(Kind::Negation, gap, span, other, hint);
        let SyntaxKind::List(words) = &set.kind else { return };
        for (place, word) in words.iter().enumerate().filter(|_| words.len() > 1) {
            let beside = if place == 0 {
                words.get(1).map(|next| SourceSpan { start: word.span.start, end: next.span.start })
            } else {
                words
                    .get(place - 1)
                    .map(|last| SourceSpan { start: last.span.end, end: word.span.end })
            };
            let Some(beside) = beside else { continue };
            let before = self.written(word.span);
            let hint = format!("add a test with {before} in which this decides");
            self.push(Kind::Condition, beside, "", (before, None), hint);
        }
    }

    fn default(&mut self, first: &Syntax, second: &Syntax, span: SourceSpan) {
        let absent = self.written(first.span);
        let hint = format!("add a test in which `{absent}` is absent");
        let cut = SourceSpan { start: first.span.end, end: second.span.end };
        if self.is_balanced(cut) {
            let before = self.written(cut);
            self.push(Kind::Arithmetic, cut, "", (before, None), hint);
        }
        self.expression(first, span);
        // Nothing at all is a natural default: that there is one is tried above, its size is not.
        let is_nothing = matches!(second.kind, SyntaxKind::Number(number) if number.is_zero());
        if !is_nothing {
            self.expression(second, span);
        }
    }

    fn call(
        &mut self,
        function: Function,
        arguments: &[Syntax],
        span: SourceSpan,
        shown: SourceSpan,
    ) {
        let is_condition = function == Function::Has;
        if is_condition {
            self.negate(span);
            return;
        }
        for (place, argument) in arguments.iter().enumerate() {
            let is_test = function == Function::If && place == 0;
            if function == Function::Clamp && place > 0 && self.is_score {
                self.score_bound(argument, place, span);
                continue;
            }
            let within = if is_test { argument.span } else { shown };
            self.expression(argument, within);
        }
    }

    /// The engine holds every score to 0 to 100, so a clamp to that range says only what holds anyway:
    /// its upper end is lowered, and its lower end of 0 is left alone.
    fn score_bound(&mut self, argument: &Syntax, place: usize, span: SourceSpan) {
        let written = self.written(argument.span);
        let hint = "write the `score` of an alert that the clamp holds back";
        for changed in number_steps(&written) {
            let is_above = place == 2 && written == "100" && changed != "99";
            let is_floor = place == 1 && written == "0";
            if !is_above && !is_floor {
                self.swap(Kind::Threshold, argument.span, span, &changed, hint);
            }
        }
    }

    /// A condition without parts becomes its opposite.
    fn negate(&mut self, span: SourceSpan) {
        let written = self.written(span);
        let hint = "add a test in which this decides";
        self.swap(Kind::Negation, span, span, &format!("not ({written})"), hint);
    }

    fn aggregate(&mut self, aggregate: &AggregateSyntax, span: SourceSpan) {
        let mut end = aggregate.head.span.end;
        self.expression(&aggregate.head, SourceSpan::default());
        if let Some(filter) = &aggregate.filter {
            end = filter.span.end;
            let cut = SourceSpan { start: aggregate.head.span.end, end };
            if self.is_balanced(cut) {
                let before = self.written(cut);
                let hint = "add a test with an event that this keeps out of the window";
                self.push(Kind::Filter, cut, "", (before, None), hint);
            }
            self.expression(filter, filter.span);
        }
        self.key_and_window(SourceSpan { start: end, end: span.end });
    }

    /// A form that has no changes of its own.
    fn other_form(&mut self, syntax: &Syntax) {
        let parts: Vec<&Syntax> = syntax.kind.parts().collect();
        for part in &parts {
            self.expression(part, part.span);
        }
        let (tokens, _) = lexer::tokens(self.path, self.text, syntax.span);
        for token in tokens {
            let is_in_part = parts
                .iter()
                .any(|part| part.span.start <= token.span.start && token.span.end <= part.span.end);
            let written = self.written(token.span);
            let changed = match token.kind {
                _ if is_in_part => Vec::new(),
                TokenKind::Number(_) => number_steps(&written),
                TokenKind::Duration(_) => {
                    doubled(&written).into_iter().chain(halved(&written)).collect()
                }
                _ => Vec::new(),
            };
            for changed in changed {
                self.swap(Kind::Threshold, token.span, token.span, &changed, self.value_hint());
            }
        }
    }

    /// Where `sign` stands between two places of the file.
    fn find(&self, start: usize, end: usize, sign: &str) -> Option<SourceSpan> {
        let (tokens, _) = lexer::tokens(self.path, self.text, SourceSpan { start, end });
        let spans = tokens.iter().map(|token| token.span);
        let mut spans = spans.filter(|it| self.text.get(it.start..it.end) == Some(sign));
        spans.next()
    }

    /// Whether brackets within the span close each other.
    fn is_balanced(&self, span: SourceSpan) -> bool {
        use lexer::Symbol as S;
        let (tokens, _) = lexer::tokens(self.path, self.text, span);
        let mut open = 0_i32;
        for token in tokens {
            match token.kind {
                TokenKind::Symbol(S::Open | S::OpenList) => open += 1,
                TokenKind::Symbol(S::Close | S::CloseList) => open -= 1,
                _ => {}
            }
            if open < 0 {
                return false;
            }
        }
        open == 0
    }
}
