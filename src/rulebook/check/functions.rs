//! Functions of plain values: which types they take.

use crate::rulebook::call::Call;
use crate::rulebook::catalogue::Type;
use crate::rulebook::diagnostic::did_you_mean;
use crate::rulebook::lists::PEOPLES_COLUMNS;
use crate::rulebook::syntax::{Function, Syntax, SyntaxKind};
use crate::rulebook::typed::{Expr, ExprKind, Literal, SourceSpan};

use super::expression::article;
use super::{Checker, Place};

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
            Function::NameSimilarity => Call::NameSimilarity,
            Function::AddressSimilarity => Call::AddressSimilarity,
            // These have forms of their own.
            Function::If
            | Function::Has
            | Function::Min
            | Function::Max
            | Function::Clamp
            | Function::Abs
            | Function::Round
            | Function::Lookup
            | Function::Convert
            | Function::Matches => return None,
        };
        let wanted = match call {
            Call::StartsWith | Call::NameSimilarity | Call::AddressSimilarity => Type::Text,
            Call::Hour | Call::Weekday | Call::DayOfMonth => Type::Time,
            Call::Mod => Type::Number,
            Call::Lookup { .. } | Call::Convert { .. } => return None,
        };
        let mut arguments = vec![first];
        arguments.extend(second);
        for argument in &arguments {
            self.must_be_of_type(argument, wanted, &call)?;
        }
        if let (Call::Mod, [number, divisor]) = (&call, arguments.as_slice()) {
            self.must_be_one_unit(number, divisor, span)?;
        }
        if call == Call::StartsWith {
            self.must_say_something(arguments.get(1)?)?;
        }
        let ty = call.ty();
        Some(Expr { kind: ExprKind::Call(call, arguments), ty, span })
    }

    /// `lookup(list.name, a, "column")`
    pub(super) fn lookup(
        &mut self,
        arguments: &[Syntax],
        span: SourceSpan,
        place: Place,
    ) -> Option<Expr> {
        let [list, item, column] = arguments else { return None };
        let name = self.list_named(list);
        let item = self.expression(item, place);
        let column = self.column_named(name.as_deref(), column);
        let (list, item, (column, ty)) = (name?, item?, column?);
        let item = self.must_be_listed(item)?;
        let call = Call::Lookup { list, column, ty };
        Some(Expr { kind: ExprKind::Call(call, vec![item]), ty, span })
    }

    /// The list that `lookup` reads.
    fn list_named(&mut self, written: &Syntax) -> Option<String> {
        match &written.kind {
            SyntaxKind::Error => None,
            SyntaxKind::Path(path) if path.starts_with("list.") => {
                self.known_list(path, written.span)
            }
            _ => {
                let help = Some("write `list.name` for the file `lists/name.csv`".to_owned());
                self.report("E024", written.span, "`lookup` needs a list", "not a list", help);
                None
            }
        }
    }

    /// The column that `lookup` reads, and its type.
    fn column_named(&mut self, list: Option<&str>, written: &Syntax) -> Option<(String, Type)> {
        let name = match &written.kind {
            SyntaxKind::Error => return None,
            SyntaxKind::Text(name) => name.clone(),
            _ => {
                let title = "`lookup` needs the column's name as text";
                let help = Some("write it in quotes: \"tier\"".to_owned());
                self.report("E024", written.span, title, "not a name in quotes", help);
                return None;
            }
        };
        let columns = &self.lists.get(list?)?.columns;
        if let Some(column) = columns.iter().find(|column| column.name == name) {
            return Some((name, column.ty));
        }
        let help = if PEOPLES_COLUMNS.contains(&name.as_str()) {
            Some("`source` and `comment` are for people; give the column another name".to_owned())
        } else if columns.is_empty() {
            Some("add it to the first line of the list, and its cells to the rows".to_owned())
        } else {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            did_you_mean(&name, &names).map(|help| help.replace('`', "\""))
        };
        let title = format!("the list `{}` has no column \"{name}\"", list?);
        self.report("E063", written.span, title, "no such column", help);
        None
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
