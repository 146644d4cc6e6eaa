//! Functions of plain values: which types they take.

use crate::rulebook::call::Call;
use crate::rulebook::catalogue::Type;
use crate::rulebook::syntax::Function;
use crate::rulebook::typed::{Expr, ExprKind, Literal, SourceSpan};

use super::Checker;
use super::expression::article;

impl Checker<'_> {
    /// A call whose arguments are all values; their number was seen to.
    pub(super) fn plain_call(
        &mut self,
        function: Function,
        first: Expr,
        second: Option<Expr>,
        span: SourceSpan,
    ) -> Option<Expr> {
        let call = match function {
            Function::StartsWith => Call::StartsWith,
            Function::Hour => Call::Hour,
            Function::Weekday => Call::Weekday,
            Function::DayOfMonth => Call::DayOfMonth,
            Function::Mod => Call::Mod,
            // These have forms of their own.
            Function::If
            | Function::Has
            | Function::Min
            | Function::Max
            | Function::Clamp
            | Function::Abs
            | Function::Round => return None,
        };
        let wanted = match call {
            Call::StartsWith => Type::Text,
            Call::Hour | Call::Weekday | Call::DayOfMonth => Type::Time,
            Call::Mod => Type::Number,
        };
        let mut arguments = vec![first];
        arguments.extend(second);
        for argument in &arguments {
            self.must_be_of_type(argument, wanted, &call)?;
        }
        if call == Call::StartsWith {
            self.must_say_something(arguments.get(1)?)?;
        }
        let ty = call.ty();
        Some(Expr { kind: ExprKind::Call(call, arguments), ty, span })
    }

    /// Reports an argument of another type than the function takes.
    fn must_be_of_type(&mut self, argument: &Expr, wanted: Type, call: &Call) -> Option<()> {
        if argument.ty == wanted {
            return Some(());
        }
        let title = format!("`{}` needs {}", call.word(), article(wanted));
        let help = (wanted == Type::Time)
            .then(|| format!("write `{}(now)`, or another time", call.word()));
        self.report("E024", argument.span, title, article(argument.ty), help);
        None
    }

    /// Every text starts with an empty one.
    fn must_say_something(&mut self, prefix: &Expr) -> Option<()> {
        if !matches!(&prefix.kind, ExprKind::Literal(Literal::Text(text)) if text.is_empty()) {
            return Some(());
        }
        let help = Some("write how the text begins, or delete the condition".to_owned());
        self.report("E024", prefix.span, "every text starts with this", "empty", help);
        None
    }
}
