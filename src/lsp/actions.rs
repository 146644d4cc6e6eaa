//! Quick fixes: where a diagnostic's help is one plain replacement, the editor can make it.

use std::collections::HashMap;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Range, TextEdit, Uri, WorkspaceEdit,
};

use crate::rulebook::diagnostic::Diagnostic;

use super::server::shown;
use super::workspace::View;

/// The fixes for problems that touch `range`.
pub fn fixes(view: View<'_>, uri: &Uri, range: Range) -> Vec<CodeActionOrCommand> {
    let (start, end) = (view.text.offset(range.start), view.text.offset(range.end));
    let here = |problem: &&Diagnostic| problem.span.start <= end && start <= problem.span.end;
    view.folder
        .problems(view.path)
        .filter(here)
        .filter_map(|problem| {
            let (from, to) = replacement(view, problem)?;
            let edit = TextEdit { range: view.text.range(problem.span), new_text: to.clone() };
            #[expect(clippy::mutable_key_type, reason = "the protocol's type keys edits by URI")]
            let changes = HashMap::from([(uri.clone(), vec![edit])]);
            Some(CodeActionOrCommand::CodeAction(CodeAction {
                title: format!("replace `{from}` by `{to}`"),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![shown(problem, view.text)]),
                edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
                is_preferred: Some(true),
                ..CodeAction::default()
            }))
        })
        .collect()
}

/// What is written, and what the help says to write in its place: `did you mean X?`, or, for a sign of
/// another language, `write X`.
fn replacement(view: View<'_>, problem: &Diagnostic) -> Option<(String, String)> {
    let help = problem.help.as_deref()?;
    let written = view.text.as_str().get(problem.span.start..problem.span.end)?;
    let meant = help.strip_prefix("did you mean ").and_then(|rest| rest.strip_suffix('?'));
    let sign = || {
        let (_, rest) = help.split_once(", write ")?;
        (problem.code == "E101" && !written.contains(char::is_alphanumeric)).then_some(rest)
    };
    let quoted = meant.or_else(sign)?;
    let new = quoted.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap_or(quoted);
    let is_plain = !new.is_empty() && !new.contains('`') && !written.contains('\n');
    is_plain.then(|| (written.to_owned(), new.to_owned()))
}
