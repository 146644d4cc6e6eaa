//! The loop: requests are answered one by one, and every change is followed by a check.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::{
    CodeActionOptions, CodeActionParams, CodeActionProviderCapability, CompletionOptions,
    CompletionParams, DiagnosticSeverity, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentFormattingParams, DocumentSymbolParams, GotoDefinitionParams, HoverParams,
    HoverProviderCapability, NumberOrString, OneOf, PublishDiagnosticsParams, ServerCapabilities,
    TextDocumentPositionParams, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, TextEdit, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::format;

use super::text::Text;
use super::workspace::{View, Workspace, path_of, root_of, uri_of};
use super::{Error, actions, complete, define, hover, outline};

/// Answers an editor until it says `exit`.
///
/// # Errors
/// The editor does not speak the protocol, or goes away without `shutdown`.
pub fn run(connection: &Connection) -> Result<(), Error> {
    let (id, client) = connection.initialize_start()?;
    let answer = json!({
        "capabilities": capabilities(),
        "serverInfo": { "name": "weir", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.initialize_finish(id, answer)?;
    let mut server = Server { connection, workspace: Workspace::default() };
    if client.pointer(WATCHES) == Some(&Value::Bool(true)) {
        server.send(watch_files().into())?;
    }
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                let response = server.answer(request);
                server.send(response.into())?;
            }
            Message::Notification(notification) => server.note(notification)?,
            Message::Response(_) => {}
        }
    }
    Err(Error::Closed)
}

/// Where an editor says that it can be asked to watch files.
const WATCHES: &str = "/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration";

/// Asks the editor to tell when rules, lists or the schema change on disk: they decide about one another.
fn watch_files() -> Request {
    let globs = ["**/*.yaml", "**/*.yml", "**/lists/*.csv"];
    let watchers = globs.map(|glob| json!({ "globPattern": glob }));
    let registration = json!({
        "id": "rule-files",
        "method": "workspace/didChangeWatchedFiles",
        "registerOptions": { "watchers": watchers },
    });
    let params = json!({ "registrations": [registration] });
    Request::new("watch".to_owned().into(), "client/registerCapability".to_owned(), params)
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".to_owned(), "\"".to_owned(), "{".to_owned()]),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![lsp_types::CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

/// A diagnostic as editors show it: title and label, then the help.
pub fn shown(problem: &Diagnostic, text: &Text) -> lsp_types::Diagnostic {
    let help = problem.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    lsp_types::Diagnostic {
        range: text.range(problem.span),
        severity: Some(match problem.level {
            Level::Error => DiagnosticSeverity::ERROR,
            Level::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(problem.code.to_owned())),
        source: Some("weir".to_owned()),
        message: format!("{}: {}{help}", problem.title, problem.label),
        ..lsp_types::Diagnostic::default()
    }
}

struct Server<'a> {
    connection: &'a Connection,
    workspace: Workspace,
}

impl Server<'_> {
    fn send(&self, message: Message) -> Result<(), Error> {
        self.connection.sender.send(message).map_err(|_| Error::Closed)
    }

    fn answer(&self, request: Request) -> Response {
        let Request { id, method, params } = request;
        match method.as_str() {
            "textDocument/completion" => reply(id, params, |it: CompletionParams| {
                let place = it.text_document_position;
                self.at(&place, |view| complete::complete(view, place.position))
            }),
            "textDocument/hover" => reply(id, params, |it: HoverParams| {
                let place = it.text_document_position_params;
                self.at(&place, |view| hover::hover(view, place.position)).flatten()
            }),
            "textDocument/definition" => reply(id, params, |it: GotoDefinitionParams| {
                let place = it.text_document_position_params;
                self.at(&place, |view| define::definition(view, place.position)).flatten()
            }),
            "textDocument/formatting" => reply(id, params, |it: DocumentFormattingParams| {
                self.view(&it.text_document.uri).and_then(formatted)
            }),
            "textDocument/documentSymbol" => reply(id, params, |it: DocumentSymbolParams| {
                self.view(&it.text_document.uri).map(|view| outline::outline(view.path, view.text))
            }),
            "textDocument/codeAction" => reply(id, params, |it: CodeActionParams| {
                let uri = it.text_document.uri;
                self.view(&uri).map(|view| actions::fixes(view, &uri, it.range))
            }),
            _ => {
                let text = format!("weir does not know the request {method}");
                Response::new_err(id, ErrorCode::MethodNotFound as i32, text)
            }
        }
    }

    fn at<R>(
        &self,
        place: &TextDocumentPositionParams,
        work: impl FnOnce(View<'_>) -> R,
    ) -> Option<R> {
        self.view(&place.text_document.uri).map(work)
    }

    fn view(&self, uri: &Uri) -> Option<View<'_>> {
        self.workspace.view(&path_of(uri)?)
    }

    fn note(&mut self, notification: Notification) -> Result<(), Error> {
        let Notification { method, params } = notification;
        let Some(changed) = self.take_in(&method, params) else { return Ok(()) };
        for path in changed {
            self.check(&path)?;
        }
        Ok(())
    }

    /// Takes a notification in; gives back the files whose folders must be checked. One that cannot be
    /// read changes nothing: there is nobody to answer to.
    fn take_in(&mut self, method: &str, params: Value) -> Option<Vec<PathBuf>> {
        match method {
            "textDocument/didOpen" => {
                let it: DidOpenTextDocumentParams = serde_json::from_value(params).ok()?;
                let path = path_of(&it.text_document.uri)?;
                self.workspace.open(path.clone(), it.text_document.text);
                Some(vec![path])
            }
            "textDocument/didChange" => {
                let it: DidChangeTextDocumentParams = serde_json::from_value(params).ok()?;
                let path = path_of(&it.text_document.uri)?;
                for change in it.content_changes {
                    self.workspace.change(&path, change.range, &change.text);
                }
                Some(vec![path])
            }
            "textDocument/didClose" => {
                let it: DidCloseTextDocumentParams = serde_json::from_value(params).ok()?;
                let path = path_of(&it.text_document.uri)?;
                self.workspace.close(&path);
                Some(vec![path])
            }
            "textDocument/didSave" => {
                let it: DidSaveTextDocumentParams = serde_json::from_value(params).ok()?;
                let path = path_of(&it.text_document.uri)?;
                self.workspace.forget_disk(&path);
                Some(vec![path])
            }
            "workspace/didChangeWatchedFiles" => {
                let it: DidChangeWatchedFilesParams = serde_json::from_value(params).ok()?;
                let paths: Vec<PathBuf> =
                    it.changes.iter().filter_map(|change| path_of(&change.uri)).collect();
                for path in &paths {
                    self.workspace.forget_disk(path);
                }
                // One check per folder, however many of its files changed.
                let by_root: BTreeMap<_, _> =
                    paths.into_iter().map(|path| (root_of(&path), path)).collect();
                Some(by_root.into_values().collect())
            }
            _ => None,
        }
    }

    /// Checks the folder of `path` and tells the editor what there is to say.
    fn check(&mut self, path: &Path) -> Result<(), Error> {
        for (file, text, problems) in self.workspace.check(path) {
            let Some(uri) = uri_of(&file) else { continue };
            let diagnostics = problems.iter().map(|problem| shown(problem, &text)).collect();
            let told = PublishDiagnosticsParams { uri, diagnostics, version: None };
            let method = "textDocument/publishDiagnostics".to_owned();
            self.send(Notification::new(method, told).into())?;
        }
        // A file without problems is told about once more, so that the editor need not wait for nothing.
        if self
            .workspace
            .view(path)
            .is_some_and(|view| view.folder.problems(view.path).next().is_none())
            && let Some(uri) = uri_of(path)
        {
            let told = PublishDiagnosticsParams { uri, diagnostics: Vec::new(), version: None };
            let method = "textDocument/publishDiagnostics".to_owned();
            self.send(Notification::new(method, told).into())?;
        }
        Ok(())
    }
}

/// Reads the parameters and answers, or says what is wrong with them.
fn reply<P: DeserializeOwned, R: Serialize>(
    id: RequestId,
    params: Value,
    work: impl FnOnce(P) -> R,
) -> Response {
    match serde_json::from_value(params) {
        Ok(params) => Response::new_ok(id, work(params)),
        Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
    }
}

/// The edit that brings the document into the house's layout; none when it is there or cannot be read.
fn formatted(view: View<'_>) -> Option<Vec<TextEdit>> {
    let formatted = format::format(view.path, view.text.as_str()).ok()?;
    if formatted == view.text.as_str() {
        return Some(Vec::new());
    }
    Some(vec![TextEdit { range: view.text.full_range(), new_text: formatted }])
}
