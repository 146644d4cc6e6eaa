//! The lists that a rule reads, for evidence: which version, and the rows that were found.

use std::sync::Arc;

use crate::domain::alert::{ListEvidence, ListRowEvidence};
use crate::rulebook::call::{Call, RATES_COLUMN, RATES_LIST};
use crate::rulebook::catalogue::Type;
use crate::rulebook::meaning::lists_read;
use crate::rulebook::personal::Names;
use crate::rulebook::typed::{Expr, ExprKind, Membership, Rule};

use super::closure::{Compiler, TextFn};
use super::compiled_list::CompiledList;
use super::frame::Frame;
use super::strings::Strings;
use super::text::{WITHHELD, plain};

/// A list that the rule reads.
pub struct ListRef {
    name: String,
    list: Arc<CompiledList>,
    reads: Vec<ListRead>,
}

/// One place where it is read as of the waking event.
struct ListRead {
    /// As written.
    text: String,
    /// The value that is looked for.
    item: TextFn,
    /// It names a person, and is not shown.
    is_withheld: bool,
    /// The column that is asked for, and its type; `None` where only presence is.
    column: Option<(usize, Type)>,
}

/// The lists that the compiler's rule reads, by name.
pub fn list_refs(compiler: &mut Compiler<'_>) -> Vec<ListRef> {
    let rule = compiler.rule;
    lists_read(rule)
        .into_iter()
        .map(|name| {
            let list = compiler.layout.list(&name);
            let mut reads = Vec::new();
            for expr in read_as_of_the_event(rule) {
                read(compiler, &name, &list, expr, &mut reads);
            }
            ListRef { name, list, reads }
        })
        .collect()
}

/// Parts of the rule in the order of the file, without what windows let in.
fn read_as_of_the_event(rule: &Rule) -> Vec<&Expr> {
    let lets = rule.lets.iter().map(|item| &item.expr);
    let unless = rule.unless.iter().map(|item| &item.expr);
    let conditions = rule.filter.iter().chain(lets).chain([&rule.when]).chain(unless);
    conditions.chain([&rule.alert.score]).collect()
}

/// A value that is looked for, and whether it names a person.
type LookedFor = (TextFn, bool);

fn looked_for(compiler: &mut Compiler<'_>, item: &Expr) -> LookedFor {
    let is_withheld = Names::of(compiler.rule).shown_by(item).is_some();
    (compiler.text(item), is_withheld)
}

fn read(
    compiler: &mut Compiler<'_>,
    name: &str,
    list: &CompiledList,
    expr: &Expr,
    into: &mut Vec<ListRead>,
) {
    let found = match &expr.kind {
        ExprKind::In { item, set: Membership::List(read), .. } if read == name => {
            Some((looked_for(compiler, item), None))
        }
        ExprKind::Call(Call::Lookup { list: read, column, .. }, arguments) if read == name => {
            let item = arguments.first().map(|item| looked_for(compiler, item));
            item.zip(list.column(column).map(Some))
        }
        _ => None,
    };
    let mut found: Vec<(LookedFor, Option<(usize, Type)>)> = found.into_iter().collect();
    if let ExprKind::Call(Call::Convert { to }, arguments) = &expr.kind
        && name == RATES_LIST
        && let Some(column) = list.column(RATES_COLUMN)
    {
        found.extend(arguments.get(1).map(|from| (looked_for(compiler, from), Some(column))));
        let to = compiler.layout.strings.intern(to.code());
        found.push(((Box::new(move |_| Some(to)), false), Some(column)));
    }
    for ((item, is_withheld), column) in found {
        let written = compiler.rule.text(expr.span).split_whitespace().collect::<Vec<_>>();
        into.push(ListRead { text: written.join(" "), item, is_withheld, column });
    }
    for part in expr.parts() {
        read(compiler, name, list, part, into);
    }
}

impl ListRef {
    /// What was read of the list for the frame's row.
    pub fn evidence(&self, frame: &mut Frame<'_>, strings: &Strings) -> ListEvidence {
        let rows = self.reads.iter().filter_map(|read| self.row(read, frame, strings)).collect();
        ListEvidence { name: self.name.clone(), digest: self.list.digest.clone(), rows }
    }

    fn row(
        &self,
        read: &ListRead,
        frame: &mut Frame<'_>,
        strings: &Strings,
    ) -> Option<ListRowEvidence> {
        let item = (read.item)(frame)?;
        let row = self.list.row(item, frame.row.at)?;
        let cell = read.column.and_then(|(index, ty)| {
            let value = row.cells.get(index).copied()?;
            Some(plain(value, ty, strings))
        });
        Some(ListRowEvidence {
            text: read.text.clone(),
            value: if read.is_withheld { WITHHELD } else { strings.text(item) }.to_owned(),
            cell,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
        })
    }
}
