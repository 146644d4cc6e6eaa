//! Patterns: `cycle(hops: 3..5, within: 72h, keep: 0.8, where: tx.type == "wire") by account`.

use crate::rulebook::lexer::{Symbol, TokenKind};
use crate::rulebook::pattern::Form;
use crate::rulebook::syntax::{OptionSyntax, PatternSyntax, Syntax, SyntaxKind};
use crate::rulebook::typed::SourceSpan;

use super::{Parser, Power};

impl Parser<'_> {
    /// A pattern with its named options and the role behind `by`.
    pub(super) fn pattern(&mut self, form: Form) -> Syntax {
        let start = self.span();
        self.at += 1;
        let open = self.span();
        self.at += 1;
        if self.enter() {
            return self.give_up(open);
        }
        let mut options = Vec::new();
        while self.kind() != &TokenKind::Symbol(Symbol::Close) && self.kind() != &TokenKind::End {
            match self.option() {
                Some(option) => options.push(option),
                None => return self.option_without_name(form, start),
            }
            if !self.take(Symbol::Comma) {
                break;
            }
        }
        self.brackets -= 1;
        let end = self.close(open, Symbol::Close);
        let by = self.take_name("by").then(|| self.roles());
        let span = SourceSpan { start: start.start, end: self.previous_end().max(end) };
        if self.is_name_at(0, "over") {
            let place = self.span();
            self.skip_tail();
            let title = format!("`{}` has no window behind it", form.word());
            let help = "its span is an option: `within: 72h`";
            self.report("E090", place, title, "not understood here", Some(help));
        }
        let Some(by) = by else {
            let title = format!("`{}(...)` does not say whose it is", form.word());
            let help = format!("write `{}`", form.example());
            self.report("E112", span, title, "per whom or what?", Some(&help));
            return Syntax::new(SyntaxKind::Error, span);
        };
        let pattern = PatternSyntax { form, options, by };
        self.bounded(SyntaxKind::Pattern(Box::new(pattern)), span)
    }

    /// `name: value` or `name: 3..5`; none when there is no name.
    fn option(&mut self) -> Option<OptionSyntax> {
        let TokenKind::Name(name) = self.kind().clone() else { return None };
        if self.kind_at(1) != &TokenKind::Symbol(Symbol::Colon) {
            return None;
        }
        let span = self.span();
        self.at += 2;
        let value = self.operation(Power::Or);
        let to = self.take(Symbol::Range).then(|| self.operation(Power::Sum));
        Some(OptionSyntax { name, span, value, to })
    }

    /// Says once how options are written, and reads past the whole pattern.
    fn option_without_name(&mut self, form: Form, start: SourceSpan) -> Syntax {
        let place = self.span();
        self.brackets -= 1;
        self.skip_to_close(Symbol::Close);
        self.skip_tail();
        let help = format!("write `{}`", form.example());
        let title = format!("the options of `{}` have names", form.word());
        self.report("E090", place, title, "a value without its name", Some(&help));
        let span = SourceSpan { start: start.start, end: self.previous_end() };
        Syntax::new(SyntaxKind::Error, span)
    }
}
