//! Patterns: their options and bounds, by whom they are looked for, and what is read of them.
//!
//! What was found is not a value: `has(x)` asks for it, `x.member` reads it, and a message may show it.
//! Everything else that is tried with it is refused here.

use std::ops::ControlFlow;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::Span;
use crate::rulebook::catalogue::{EventName, Family, Role, Type};
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::pattern::{
    Choice, FAN_BOUNDS, Form, HOPS_MAX, HOPS_MIN, HUB_BOUNDS, HUB_DEFAULT, Hops, Pattern, Shape,
};
use crate::rulebook::syntax::{OptionSyntax, PatternSyntax, Syntax, SyntaxKind};
use crate::rulebook::typed::{Expr, ExprKind, Literal, ParamValue, SourceSpan};

use super::names::Meaning;
use super::{Checker, Logic, Place};

/// The options of one pattern, each found once.
struct Options<'s> {
    form: Form,
    given: Vec<(Choice, &'s OptionSyntax)>,
}

/// Which events enter a graph.
enum Entry {
    All,
    Some(Expr),
    /// The filter was wrong, and that was reported.
    Reported,
}

impl Checker<'_> {
    pub(super) fn pattern(
        &mut self,
        written: &PatternSyntax,
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        if place.is_in_aggregate || place.is_in_step {
            self.pattern_cannot_enter(span);
            return None;
        }
        let form = written.form;
        let options = self.pattern_options(written, span);
        let by = self.pattern_key(written, span);
        // What is wrong with one part does not hide what is wrong with the others.
        let within = self.within(options.as_ref());
        let shape = self.shape(options.as_ref());
        let filter = self.pattern_filter(form, written);
        by?;
        let filter = match filter {
            Entry::All => None,
            Entry::Some(filter) => Some(filter),
            Entry::Reported => return None,
        };
        let pattern = Pattern { shape: shape?, filter, within: within?, span };
        let same = self.patterns.iter().position(|earlier| earlier.is_same(&pattern));
        let index = same.unwrap_or_else(|| {
            self.patterns.push(pattern);
            self.patterns.len() - 1
        });
        Some(Expr { kind: ExprKind::Pattern(index), ty: Type::Pattern, span })
    }

    /// Says that a pattern cannot decide what enters a window or a graph.
    pub(super) fn pattern_cannot_enter(&mut self, span: SourceSpan) {
        let title = "a pattern cannot decide which events enter or which step they are";
        let help = "give it a name under `let` and ask `has(name)` in `when`".to_owned();
        self.report("E092", span, title, "a search inside a filter", Some(help));
    }

    /// The options by name: none unknown, none twice, none missing.
    fn pattern_options<'s>(
        &mut self,
        written: &'s PatternSyntax,
        span: SourceSpan,
    ) -> Option<Options<'s>> {
        let form = written.form;
        let (needed, others) = form.choices();
        let known: Vec<&str> = needed.iter().chain(others).map(|choice| choice.word()).collect();
        let mut given: Vec<(Choice, &OptionSyntax)> = Vec::new();
        let mut is_good = true;
        for option in &written.options {
            let choice = Choice::parse(&option.name).filter(|it| known.contains(&it.word()));
            let Some(choice) = choice else {
                let title = format!("`{}` has no option `{}`", form.word(), option.name);
                let help = did_you_mean(&option.name, &known);
                self.report("E090", option.span, title, "no such option", help);
                is_good = false;
                continue;
            };
            if given.iter().any(|(earlier, _)| *earlier == choice) {
                let title = format!("the option `{}` is given twice", option.name);
                self.report("E090", option.span, title, "the second one", None);
                is_good = false;
            }
            given.push((choice, option));
        }
        for missing in needed {
            if given.iter().all(|(choice, _)| choice != missing) && is_good {
                let title = format!("`{}` needs the option `{}`", form.word(), missing.word());
                let label = format!("`{}` is missing", missing.word());
                let help = Some(format!("add `{}`", missing.example()));
                self.report("E090", span, title, label, help);
                is_good = false;
            }
        }
        is_good.then_some(Options { form, given })
    }

    /// The one role that the form is looked for by; the waking event must be of the right kind.
    fn pattern_key(&mut self, written: &PatternSyntax, span: SourceSpan) -> Option<()> {
        let form = written.form;
        let [(word, word_span)] = written.by.as_slice() else {
            if let [_, (_, second), ..] = written.by.as_slice() {
                self.wrong_key(form, *second);
            }
            return None;
        };
        if self.role(word, *word_span)? != form.role() {
            self.wrong_key(form, *word_span);
            return None;
        }
        let trigger = self.trigger?;
        if form != Form::Shared && trigger != EventName::Transaction {
            let title = format!("`{}` is looked for when money moves", form.word());
            let label = format!("the rule is woken by `{}`", trigger.word());
            let help = Some("write `trigger: transaction`".to_owned());
            self.report("E095", span, title, label, help);
            return None;
        }
        Some(())
    }

    fn wrong_key(&mut self, form: Form, span: SourceSpan) {
        let role = self.catalogue.role_word(form.role());
        let title = format!("`{}` is looked for by {role}", form.word());
        let help = Some(format!("write `{}`", form.example()));
        self.report("E095", span, title, "another key", help);
    }

    /// What may enter the graph.
    fn pattern_filter(&mut self, form: Form, written: &PatternSyntax) -> Entry {
        let option = written.options.iter().find(|option| option.name == Choice::Where.word());
        let Some(option) = option.filter(|_| form != Form::Shared) else { return Entry::All };
        let family = Some(Family::Transaction);
        let inner = Place { family, is_in_aggregate: true, ..Place::default() };
        self.condition(&option.value, inner).map_or(Entry::Reported, Entry::Some)
    }

    fn within(&mut self, options: Option<&Options<'_>>) -> Option<Span> {
        let options = options?;
        let option = options.get(Choice::Within)?;
        let literal = self.constant_option(option, "a length of time like `72h`")?;
        let most = options.form.within_max();
        match literal {
            Literal::Duration(within) if within > Span::ZERO && within <= most => Some(within),
            Literal::Duration(_) => {
                let label = format!("not from 1s to {most}");
                self.out_of_bounds(options.form, Choice::Within, option.value.span, label);
                None
            }
            _ => {
                let label = "not a length of time like `72h`".to_owned();
                self.out_of_bounds(options.form, Choice::Within, option.value.span, label);
                None
            }
        }
    }

    fn shape(&mut self, options: Option<&Options<'_>>) -> Option<Shape> {
        let options = options?;
        match options.form {
            Form::Cycle => {
                let (hops, keep) = (self.hops(options), self.keep(options));
                Some(Shape::Cycle { hops: hops?, keep: keep? })
            }
            Form::PassThrough => {
                let (hops, keep) = (self.hops(options), self.keep(options));
                let is_fresh = self.fresh(options)?;
                Some(Shape::PassThrough { hops: hops?, keep: keep?, is_fresh })
            }
            Form::GatherScatter => {
                let (fan, keep) =
                    (self.whole(options, Choice::Fan, FAN_BOUNDS), self.keep(options));
                Some(Shape::GatherScatter { fan: fan?, keep: keep? })
            }
            Form::ScatterGather => {
                let (fan, keep) =
                    (self.whole(options, Choice::Fan, FAN_BOUNDS), self.keep(options));
                Some(Shape::ScatterGather { fan: fan?, keep: keep? })
            }
            Form::Shared => {
                let roles = self.identifiers(options);
                let hub = match options.get(Choice::Hub) {
                    Some(_) => self.whole(options, Choice::Hub, HUB_BOUNDS)?,
                    None => HUB_DEFAULT,
                };
                Some(Shape::Shared { roles: roles?, hub })
            }
        }
    }

    /// `3..5`, or `4` for exactly four.
    fn hops(&mut self, options: &Options<'_>) -> Option<Hops> {
        let option = options.get(Choice::Hops)?;
        let whole = |syntax: &Syntax| match &syntax.kind {
            SyntaxKind::Number(number) if number.is_integer() => number.to_u8(),
            _ => None,
        };
        let least = whole(&option.value);
        let most = option.to.as_ref().map_or(least, whole);
        let hops = least.zip(most).map(|(least, most)| Hops { least, most });
        let is_fine = |hops: &Hops| {
            HOPS_MIN <= hops.least && hops.least <= hops.most && hops.most <= HOPS_MAX
        };
        let hops = hops.filter(is_fine);
        if hops.is_none() {
            let end = option.to.as_ref().map_or(option.value.span.end, |to| to.span.end);
            let span = SourceSpan { start: option.value.span.start, end };
            let label = format!("not a range within {HOPS_MIN}..{HOPS_MAX}");
            self.out_of_bounds(options.form, Choice::Hops, span, label);
        }
        hops
    }

    /// A share: more than nothing, at most all.
    fn keep(&mut self, options: &Options<'_>) -> Option<Decimal> {
        let option = options.get(Choice::Keep)?;
        let number = match self.constant_option(option, "a share like `0.8`")? {
            Literal::Number(number) => Some(number),
            _ => None,
        };
        let keep = number.filter(|keep| *keep > Decimal::ZERO && *keep <= Decimal::ONE);
        if keep.is_none() {
            let label = "not a share above 0 and up to 1".to_owned();
            self.out_of_bounds(options.form, Choice::Keep, option.value.span, label);
        }
        keep.map(|keep| keep.normalize())
    }

    fn whole(
        &mut self,
        options: &Options<'_>,
        choice: Choice,
        (least, most): (u32, u32),
    ) -> Option<u32> {
        let option = options.get(choice)?;
        let number = match self.constant_option(option, "a whole number")? {
            Literal::Number(number) if number.is_integer() => number.to_u32(),
            _ => None,
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let label = format!("not a whole number from {least} to {most}");
            self.out_of_bounds(options.form, choice, option.value.span, label);
        }
        number
    }

    fn fresh(&mut self, options: &Options<'_>) -> Option<bool> {
        let Some(option) = options.get(Choice::Fresh) else { return Some(false) };
        match &option.value.kind {
            SyntaxKind::Bool(is_fresh) if option.to.is_none() => Some(*is_fresh),
            SyntaxKind::Error => None,
            _ => {
                let label = "neither true nor false".to_owned();
                self.out_of_bounds(options.form, Choice::Fresh, option.value.span, label);
                None
            }
        }
    }

    /// `[device, phone]`: roles that some event carries beside a customer.
    fn identifiers(&mut self, options: &Options<'_>) -> Option<Vec<Role>> {
        let option = options.get(Choice::By)?;
        let items = match &option.value.kind {
            SyntaxKind::List(items) if !items.is_empty() => items.as_slice(),
            SyntaxKind::Path(_) => std::slice::from_ref(&option.value),
            SyntaxKind::Error => return None,
            _ => {
                let label = "not a list of roles like `[device, phone]`".to_owned();
                self.out_of_bounds(options.form, Choice::By, option.value.span, label);
                return None;
            }
        };
        let mut roles = Vec::new();
        for item in items {
            let SyntaxKind::Path(word) = &item.kind else {
                let label = "not a role like `device`".to_owned();
                self.out_of_bounds(options.form, Choice::By, item.span, label);
                return None;
            };
            let role = self.role(word, item.span)?;
            if !self.links(role) {
                let label = format!("`{word}` does not link customers");
                self.out_of_bounds(options.form, Choice::By, item.span, label);
                return None;
            }
            roles.push(role);
        }
        roles.sort_unstable();
        roles.dedup();
        Some(roles)
    }

    /// Whether two customers with the same value in `role` have something in common.
    fn links(&self, role: Role) -> bool {
        let is_group = [Role::CUSTOMER, Role::SEGMENT, Role::RISK, Role::EVERYONE].contains(&role);
        let mut families = Family::ALL.into_iter();
        !is_group && families.any(|family| self.catalogue.role_slot(role, family).is_some())
    }

    /// A value that is the same for everybody: written out, or a parameter without a table.
    fn constant_option(&mut self, option: &OptionSyntax, what: &str) -> Option<Literal> {
        let span = option.value.span;
        if option.to.is_none() {
            match &option.value.kind {
                SyntaxKind::Error => return None,
                SyntaxKind::Number(number) => return Some(Literal::Number(*number)),
                SyntaxKind::Duration(span) => return Some(Literal::Duration(*span)),
                SyntaxKind::Path(name) if self.names.contains_key(name) => {
                    let named = self.names.get_mut(name)?;
                    named.is_used = true;
                    match named.meaning {
                        Meaning::Broken => return None,
                        Meaning::Param(index) => match &self.params.get(index)?.value {
                            ParamValue::Constant(literal) => return Some(literal.clone()),
                            ParamValue::Table(_) => {
                                let title = "a pattern must not depend on who is looked at";
                                let help = "use one value, and put what differs into `when`";
                                let help = Some(help.to_owned());
                                self.report("E093", span, title, "a table of values", help);
                                return None;
                            }
                        },
                        Meaning::Let(_) => {}
                    }
                }
                _ => {}
            }
        }
        let title = format!("the option `{}` is {what}", option.name);
        let help = Some("write it out, or name a parameter without a table".to_owned());
        self.report("E093", span, title, "not understood here", help);
        None
    }

    fn out_of_bounds(&mut self, form: Form, choice: Choice, span: SourceSpan, label: String) {
        let title = format!("the option `{}` of `{}` does not fit", choice.word(), form.word());
        let help = Some(format!("for example `{}`", choice.example()));
        self.report("E093", span, title, label, help);
    }

    /// `ring.amount`, when `ring` is a `let` or was meant to be one; goes on when it is no such name.
    pub(super) fn member(
        &mut self,
        path: &str,
        span: SourceSpan,
        place: Place,
    ) -> ControlFlow<Option<Expr>> {
        let Some((name, word)) = path.split_once('.') else { return ControlFlow::Continue(()) };
        let Some(named) = self.names.get_mut(name) else { return ControlFlow::Continue(()) };
        named.is_used = true;
        let meaning = named.meaning;
        ControlFlow::Break(self.member_of(meaning, (name, word), span, place))
    }

    fn member_of(
        &mut self,
        meaning: Meaning,
        (name, word): (&str, &str),
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let index = match meaning {
            Meaning::Let(index) => index,
            Meaning::Broken => return None,
            Meaning::Param(_) => return self.no_members(name, span),
        };
        let Some(form) = self.lets.get(index).and_then(|named| self.form_of(&named.expr)) else {
            return self.no_members(name, span);
        };
        if place.is_in_aggregate || place.is_in_step {
            self.pattern_cannot_enter(span);
            return None;
        }
        let member = form.members().iter().find(|member| member.word() == word);
        let Some(member) = member else {
            let words: Vec<&str> = form.members().iter().map(|member| member.word()).collect();
            let title = format!("`{}` has no `{word}`", form.word());
            let help = did_you_mean(word, &words);
            self.report("E094", span, title, "no such member", help);
            return None;
        };
        let ty = member.ty();
        let inner = Expr { kind: ExprKind::Let(index), ty: Type::Pattern, span };
        Some(Expr { kind: ExprKind::Member(Box::new(inner), *member), ty, span })
    }

    fn no_members(&mut self, name: &str, span: SourceSpan) -> Option<Expr> {
        let title = format!("`{name}` has nothing behind a dot");
        let help = Some(format!("only patterns have members; write `{name}`"));
        self.report("E094", span, title, "not a pattern", help);
        None
    }

    /// The form of the pattern that `expr` is.
    fn form_of(&self, expr: &Expr) -> Option<Form> {
        match expr.kind {
            ExprKind::Pattern(index) => Some(self.patterns.get(index)?.shape.form()),
            ExprKind::Let(index) => self.form_of(&self.lets.get(index)?.expr),
            _ => None,
        }
    }

    /// Warns of a search that nothing cheaper comes before.
    pub(super) fn warn_of_searches(&mut self, logic: &Logic) {
        let Some(pattern) = self.patterns.first().map(|pattern| pattern.span) else { return };
        let when = logic.when.as_ref();
        let is_asked_first = logic.filter.is_some()
            || when.is_none_or(|when| match &when.kind {
                ExprKind::And(parts) => parts.iter().any(|part| !self.holds_pattern(part)),
                _ => !self.holds_pattern(when),
            });
        if self.trigger != Some(EventName::Transaction) || is_asked_first {
            return;
        }
        let title = "the search is made for every transaction";
        let help = "ask for an amount, a type or a direction under `where`".to_owned();
        self.report("W260", pattern, title, "nothing is asked before it", Some(help));
    }

    /// Refuses a pattern, or its names, where a value is needed.
    pub(super) fn must_be_value(&mut self, expr: Expr, place: Place) -> Option<Expr> {
        if place.takes_pattern || !matches!(expr.ty, Type::Pattern | Type::Names) {
            return Some(expr);
        }
        let written = self.written(expr.span);
        let shown = if written.len() <= 40 { written.as_str() } else { "it" };
        let (title, help) = if expr.ty == Type::Pattern {
            let members = self.form_of(&expr).map_or(&[][..], Form::members);
            let words: Vec<&str> = members.iter().map(|member| member.word()).collect();
            let help = format!("ask `has({shown})`, or read {}", words.join(", "));
            ("a pattern is not a value", help)
        } else {
            let help = format!("show them in a message, `{{{shown}}}`, or ask `has({shown})`");
            ("names cannot be compared or calculated with", help)
        };
        self.report("E091", expr.span, title, "not a value", Some(help));
        None
    }
}

impl<'s> Options<'s> {
    fn get(&self, choice: Choice) -> Option<&'s OptionSyntax> {
        self.given.iter().find(|(given, _)| *given == choice).map(|(_, option)| *option)
    }
}
