//! An event with its condition, as steps and timers name it: `kyc.profile_changed where ...`.

use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::lexer::TokenKind;
use crate::rulebook::syntax::Syntax;
use crate::rulebook::typed::SourceSpan;

use super::Parser;

/// An event as written.
#[derive(Clone, Debug, PartialEq)]
pub struct EventSyntax {
    /// Its name, and where that stands.
    pub name: (String, SourceSpan),
    /// Which of them.
    pub filter: Option<Syntax>,
}

/// Reads `EVENT` or `EVENT where CONDITION` under `span`; `None` when no event is named.
#[must_use]
pub fn event(path: &str, source: &str, span: SourceSpan) -> (Option<EventSyntax>, Vec<Diagnostic>) {
    let mut parser = Parser::new(path, source, span);
    let event = parser.event(span);
    (event, parser.problems)
}

impl Parser<'_> {
    fn event(&mut self, span: SourceSpan) -> Option<EventSyntax> {
        let name_span = self.span();
        let TokenKind::Name(name) = self.kind().clone() else {
            let help = "write `EVENT where CONDITION`: `transaction where tx.amount > 1000`";
            self.report("E109", span, "an event is expected", "names none", Some(help));
            return None;
        };
        self.at += 1;
        let name = (name, name_span);
        if self.take_name("where") {
            return Some(EventSyntax { name, filter: Some(self.whole(span)) });
        }
        if self.kind() != &TokenKind::End {
            let title = "a condition stands behind `where`";
            let help = "write `EVENT where CONDITION`";
            self.report("E101", self.span(), title, "`where` is missing before this", Some(help));
            return None;
        }
        Some(EventSyntax { name, filter: None })
    }
}
