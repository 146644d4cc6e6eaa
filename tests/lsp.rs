//! The language server over its protocol: the real binary, driven by scripted messages.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// An editor with one rules folder of its own.
struct Editor {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
    requests: i64,
}

const RULE: &str = r#"lang: 1
rule: many-payments
title: 王小明 pays 🙂 often
severity: high
trigger: transaction
entity: customer
params:
  least: 3
let:
  n: count(transaction where tx.type == "wire") by customer over 7d
when: n >= least and tx.country in list.far
alert:
  score: 50
  message: "{n} payments"
"#;

impl Editor {
    /// Starts the server in a copy of the shipped rules, with `RULE` beside them.
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("rules");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"), &root);
        std::fs::write(root.join("lists/far.csv"), "value\nKP\n").expect("a list");
        std::fs::write(root.join("many-payments.yaml"), RULE).expect("a rule");
        let mut server = Command::new(env!("CARGO_BIN_EXE_weir"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let input = server.stdin.take().expect("a pipe");
        let output = BufReader::new(server.stdout.take().expect("a pipe"));
        let mut editor = Self { server, input, output, folder, requests: 0 };
        let answer = editor.ask("initialize", &json!({ "capabilities": {} }));
        assert_eq!(answer["serverInfo"]["name"], "weir");
        editor.tell("initialized", &json!({}));
        editor
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("rules/many-payments.yaml")
    }

    fn uri(&self) -> String {
        format!("file://{}", self.path().display())
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("sent");
        self.input.flush().expect("sent");
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("an answer") > 0, "the server ended");
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut text = vec![0; length];
        self.output.read_exact(&mut text).expect("an answer");
        serde_json::from_slice(&text).expect("JSON")
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn answer(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.receive();
            if message["id"] == json!(id) {
                return message;
            }
        }
    }

    fn open(&mut self, text: &str) -> Vec<Value> {
        let uri = self.uri();
        let document = json!({ "uri": uri, "languageId": "yaml", "version": 1, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": document }));
        self.diagnostics()
    }

    fn change(&mut self, text: &str) -> Vec<Value> {
        let uri = self.uri();
        self.tell(
            "textDocument/didChange",
            &json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{ "text": text }] }),
        );
        self.diagnostics()
    }

    /// What the server says next about the rule.
    fn diagnostics(&mut self) -> Vec<Value> {
        let uri = self.uri();
        loop {
            let message = self.receive();
            let is_told = message["method"] == "textDocument/publishDiagnostics";
            if is_told && message["params"]["uri"] == json!(uri) {
                return message["params"]["diagnostics"].as_array().expect("a list").clone();
            }
        }
    }

    /// Asks about the place where `mark` begins in `text`, so many characters in.
    fn at(&mut self, method: &str, text: &str, mark: &str, into: usize) -> Value {
        let offset = text.find(mark).expect("the mark is in the text") + into;
        let before = &text[..offset];
        let line = before.matches('\n').count();
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let character: usize = before[start..].chars().map(char::len_utf16).sum();
        let uri = self.uri();
        self.ask(
            method,
            &json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } }),
        )
    }

    fn labels(&mut self, text: &str, mark: &str, into: usize) -> Vec<String> {
        self.change(text);
        let items = self.at("textDocument/completion", text, mark, into);
        let items = items.as_array().expect("a list").clone();
        items.iter().map(|item| item["label"].as_str().expect("a label").to_owned()).collect()
    }

    /// Ends the server as the protocol says.
    fn stop(mut self) {
        self.ask("shutdown", &Value::Null);
        self.tell("exit", &Value::Null);
        assert!(self.server.wait().expect("it ends").success());
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).map(drop).expect("copied");
        }
    }
}

#[test]
fn a_mistake_is_told_with_its_place_and_mended_by_a_quick_fix() {
    let mut editor = Editor::start();
    editor.open(RULE);
    let wrong = RULE.replace("n >= least and", "totl >= least and").replace("  n:", "  total:");
    let told = editor.change(&wrong);
    let error = told.iter().find(|it| it["code"] == "E021").expect("the unknown name is told");
    assert_eq!(error["range"]["start"], json!({ "line": 10, "character": 6 }));
    let uri = editor.uri();
    let params = json!({
        "textDocument": { "uri": uri }, "range": error["range"], "context": { "diagnostics": [] },
    });
    let fixes = editor.ask("textDocument/codeAction", &params);
    assert_eq!(fixes[0]["edit"]["changes"][&uri][0]["newText"], "total", "{fixes}");
    editor.stop();
}

#[test]
fn what_may_be_written_is_offered() {
    let mut editor = Editor::start();
    editor.open(RULE);
    for (from, to, into, wanted) in [
        ("when: n", "when: tx.am", 11, "tx.amount"),
        ("\"wire\"", "\"wi", 3, "wire"),
        ("over 7d", "over ", 5, "calendar day"),
        ("by customer", "by cus", 6, "customer"),
        ("in list.far", "in list.f", 9, "list.far"),
        ("severity: high", "severity: ", 10, "critical"),
        ("severity: high", "severity: high\nsta", 18, "status"),
        ("when: n", "when: le", 8, "least"),
        ("when: n", "when: cla", 9, "clamp"),
        ("severity: high", "severity: high\nexp", 18, "expected_alerts"),
        ("severity: high", "severity: high\ndisclosable: ", 28, "true"),
        ("severity: high", "severity: high\nreferences:\n  - cite: x\n    con", 46, "confidence"),
        ("least: 3", "least:\n    value: 3\n    un", 26, "unit"),
        ("least: 3", "least:\n    value: 3\n    confidence: ", 36, "IND"),
    ] {
        let text = RULE.replacen(from, to, 1);
        let labels = editor.labels(&text, to, into);
        assert!(labels.iter().any(|label| label == wanted), "{to}: {labels:?}");
    }
    editor.stop();
}

#[test]
fn names_are_explained_and_lead_to_their_definition() {
    let mut editor = Editor::start();
    editor.open(RULE);
    for (mark, into, wanted) in [
        ("tx.country", 4, "Country of the other side"),
        ("count(", 2, "How many events are in the window"),
        ("n >= least", 6, "parameter, number"),
        ("list.far", 6, "1 values"),
        ("severity", 2, "How grave"),
    ] {
        let hover = editor.at("textDocument/hover", RULE, mark, into);
        let text = hover["contents"]["value"].as_str().unwrap_or_default();
        assert!(text.contains(wanted), "{mark}: {hover}");
    }
    let reasons =
        "least:\n    value: 3\n    unit: payments\n    min: 2\n    why: two are a coincidence";
    let long = RULE.replacen("least: 3", reasons, 1);
    editor.change(&long);
    for (mark, into, wanted) in [
        ("n >= least", 6, "two are a coincidence"),
        ("min: 2", 1, "The lowest value that may be written"),
    ] {
        let hover = editor.at("textDocument/hover", &long, mark, into);
        let text = hover["contents"]["value"].as_str().unwrap_or_default();
        assert!(text.contains(wanted), "{mark}: {hover}");
    }
    let items = editor.at("textDocument/completion", &long, "n >= least", 5);
    let item = items.as_array().into_iter().flatten().find(|item| item["label"] == "least");
    let brief = item.map(|item| item["documentation"]["value"].clone());
    assert_eq!(brief, Some("`3` payments".into()), "{items}");
    editor.change(RULE);
    let place = editor.at("textDocument/definition", RULE, "n >= least", 0);
    assert_eq!(place["range"]["start"], json!({ "line": 9, "character": 2 }), "{place}");
    let place = editor.at("textDocument/definition", RULE, "list.far", 6);
    assert!(
        place["uri"].as_str().is_some_and(|uri| uri.ends_with("/rules/lists/far.csv")),
        "{place}"
    );
    let uri = editor.uri();
    let symbols =
        editor.ask("textDocument/documentSymbol", &json!({ "textDocument": { "uri": uri } }));
    assert!(
        symbols.as_array().is_some_and(|all| all.iter().any(|it| it["name"] == "let")),
        "{symbols}"
    );
    editor.stop();
}

#[test]
fn a_document_is_laid_out_like_rules_fmt_does_it() {
    let mut editor = Editor::start();
    let crooked = RULE.replace("n >= least and", "n>=least && ");
    editor.open(&crooked);
    let uri = editor.uri();
    let params = json!({ "textDocument": { "uri": uri }, "options": { "tabSize": 2, "insertSpaces": true } });
    let edits = editor.ask("textDocument/formatting", &params);
    let new = edits[0]["newText"].as_str().expect("an edit");
    assert!(new.contains("when: n >= least and tx.country in list.far"), "{new}");
    editor.stop();
}

#[test]
fn malformed_and_unknown_requests_are_answered_and_harm_nothing() {
    let mut editor = Editor::start();
    editor.open(RULE);
    let answer = editor.answer("textDocument/hover", &json!({ "position": "nowhere" }));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let answer = editor.answer("textDocument/unheardOf", &json!({}));
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    editor.tell("textDocument/didChange", &json!({ "nonsense": true }));
    for text in ["", "{", "let:\n  n: count(", "\u{feff}rule: \u{1f642}"] {
        editor.change(text);
        editor.at("textDocument/completion", text, "", 0);
    }
    editor.change(RULE);
    editor.stop();
}

/// The promise is 100 ms; a debug build on a busy machine gets ten times as long before this fails.
#[test]
fn an_edit_is_checked_at_once_on_the_whole_folder() {
    let mut editor = Editor::start();
    editor.open(RULE);
    let mut times: Vec<Duration> = (0..20)
        .map(|round| {
            let text = RULE.replace("least: 3", &format!("least: {round}"));
            let begun = Instant::now();
            editor.change(&text);
            begun.elapsed()
        })
        .collect();
    times.sort();
    let (median, p95) = (times[10], times[18]);
    println!("edit to diagnostics on the whole folder: median {median:?}, p95 {p95:?}");
    assert!(p95 < Duration::from_secs(1), "p95 {p95:?}");
    editor.stop();
}
