//! `weir rules doc`: the handbook of the shipped rules and of rules that are hard to print.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;
use weir::rulebook::typed::Rule;
use weir::rulebook::{describe, loader};

fn weir(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// What `weir rules doc` prints, which must succeed.
fn doc(arguments: &[&str]) -> String {
    let output = weir(&[&["rules", "doc"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn shipped() -> Vec<Rule> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let loaded = loader::load(&weir::files::read_folder(&root).expect("readable rules"));
    loaded.rules.values().map(|rule| Rule::clone(rule)).collect()
}

/// A folder with these rules.
fn folder(rules: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in rules {
        fs::write(folder.path().join(format!("{name}.yaml")), text).expect("a file");
    }
    folder
}

fn path(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("a plain path")
}

/// What an HTML page consists of, if it is well-formed.
#[derive(Default)]
struct Page {
    ids: BTreeSet<String>,
    links: BTreeSet<String>,
    headings: Vec<String>,
    headers_without_scope: usize,
    elements: BTreeSet<String>,
    /// Everything that is read, with spaces between elements.
    read: String,
}

fn parse(html: &str) -> Page {
    // The only elements without an end; all else must be closed in order.
    let mut closed = String::new();
    for (at, part) in html.split("<meta ").enumerate() {
        if at > 0 {
            closed.push_str("<meta ");
        }
        closed.push_str(&if at > 0 { part.replacen('>', "/>", 1) } else { part.to_owned() });
    }
    let mut page = Page::default();
    let mut reader = Reader::from_str(&closed);
    reader.config_mut().check_end_names = true;
    let mut open = Vec::new();
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => {
                let name = tag.name().as_ref().to_owned();
                let attributes: BTreeMap<String, String> = tag
                    .attributes()
                    .map(|it| it.expect("an attribute"))
                    .map(|it| (it.key.as_ref().to_owned(), it.value.into_owned()))
                    .collect();
                if let Some(id) = attributes.get("id") {
                    assert!(page.ids.insert(id.clone()), "the id {id} is there twice");
                }
                if let Some(target) = attributes.get("href") {
                    page.links.insert(target.clone());
                }
                if name == "th" && !attributes.contains_key("scope") {
                    page.headers_without_scope += 1;
                }
                if name == "html" {
                    assert_eq!(attributes.get("lang").map(String::as_str), Some("en"));
                }
                if name.starts_with('h') && name.len() == 2 {
                    page.headings.push(name.clone());
                }
                page.elements.insert(name.clone());
                open.push(name);
            }
            Event::End(_) => {
                open.pop();
                page.read.push(' ');
            }
            Event::Text(piece) if open.last().is_some_and(|name| name != "style") => {
                page.read.push_str(&piece);
            }
            Event::GeneralRef(name) => {
                let name = name.to_string();
                page.read.push_str(match name.as_str() {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    other => panic!("what is &{other};"),
                });
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    page
}

#[test]
fn html_of_the_shipped_rules_is_whole_well_formed_and_fetches_nothing() {
    let html = doc(&["rules", "--format", "html"]);
    assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    let page = parse(&html);
    let is_there = |link: &&String| link.strip_prefix('#').is_none_or(|id| !page.ids.contains(id));
    let lost: Vec<&String> = page.links.iter().filter(is_there).collect();
    assert_eq!(lost, Vec::<&String>::new(), "links that lead nowhere, or off the page");
    for element in ["script", "link", "img", "iframe", "object"] {
        assert!(!page.elements.contains(element), "{element}");
    }
    for fetched in ["@import", "url(", "src=", "http:", "https:"] {
        let style = html.split("<style>").nth(1).and_then(|it| it.split("</style>").next());
        assert!(!style.expect("a style").contains(fetched), "{fetched}");
    }
    assert_eq!(page.headers_without_scope, 0);
    assert_eq!(page.headings.iter().filter(|it| *it == "h1").count(), 1);
    for sign in ["prefers-color-scheme: dark", "@media print", "break-before: page"] {
        assert!(html.contains(sign), "{sign}");
    }
    for rule in shipped() {
        assert!(page.ids.contains(&format!("rule-{}", rule.name)), "{}", rule.name);
        for wanted in wanted(&rule) {
            assert!(page.read.contains(&wanted), "{}: {wanted:?} is missing", rule.name);
        }
    }
}

/// What both forms must say of a rule, on one line each.
fn wanted(rule: &Rule) -> Vec<String> {
    let mut all = vec![rule.title.clone(), rule.digest.clone(), rule.meaning.clone()];
    all.extend(describe::tag(rule, "typology").into_iter().map(str::to_owned));
    for param in &rule.params {
        all.push(param.name.clone());
        all.extend(describe::values(param).into_iter().map(|(_, value)| value));
        let said = &param.metadata;
        all.extend([&said.unit, &said.source, &said.why].into_iter().flatten().cloned());
    }
    all.extend(rule.lets.iter().map(|item| describe::expression(rule, &item.expr)));
    all.extend(rule.unless.iter().map(|item| item.name.clone()));
    all.extend(rule.tests.iter().map(|test| test.name.clone()));
    let said = &rule.metadata;
    all.extend(said.misses.iter().chain(&said.false_alarms).chain(&said.owner).cloned());
    all.extend(said.references.iter().map(|it| it.cite.clone()));
    all.extend(said.changes.iter().map(|it| it.what.clone()));
    all.into_iter().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Markdown without what only keeps signs from being signs.
fn unescaped(markdown: &str) -> String {
    let text = markdown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    text.replace('\\', "")
}

#[test]
fn markdown_of_the_shipped_rules_is_whole_and_its_tables_are_even() {
    let markdown = doc(&["rules"]);
    let read = unescaped(&markdown);
    for rule in shipped() {
        assert!(markdown.contains(&format!("<a id=\"rule-{}\"></a>", rule.name)));
        for wanted in wanted(&rule) {
            assert!(read.contains(&wanted), "{}: {wanted:?} is missing", rule.name);
        }
    }
    let mut width = None;
    let mut is_code = false;
    for line in markdown.lines() {
        is_code ^= line.starts_with("```");
        let cells = line.replace("\\|", "").matches('|').count();
        let is_row = line.starts_with('|') && !is_code;
        if is_row && let Some(width) = width {
            assert_eq!(cells, width, "{line}");
        }
        width = is_row.then_some(cells);
    }
    for target in markdown.split("](#").skip(1).filter_map(|it| it.split(')').next()) {
        assert!(markdown.contains(&format!("<a id=\"{target}\"></a>")), "{target}");
    }
}

#[test]
fn equal_rules_give_equal_pages_and_a_date_only_when_asked() {
    for format in ["markdown", "html"] {
        let once = doc(&["rules", "--format", format]);
        assert_eq!(once, doc(&["rules", "--format", format]));
        assert!(!once.contains("As of"));
        let dated =
            doc(&["rules", "--format", format, "--date", "2026-01-31", "--title", "Bank A"]);
        assert!(dated.contains("As of 2026-01-31") && dated.contains("Bank A"));
    }
    assert_eq!(weir(&["rules", "doc", "rules", "--date", "soon"]).status.code(), Some(2));
}

const ODD: &str = r#"lang: 1
rule: odd
title: "<script>alert(1)</script> & | *co*"
severity: low
trigger: transaction
entity: customer
tags: { typology: ["<b>&|"] }
params: { odd: "a|b<c>" }
when: tx.amount > 100 and tx.branch == "<i>|&</i>" and tx.bank == odd
unless:
  - a-shop: tx.purpose == "]]>`|"
alert: { score: 50, message: "</main> & more" }
tests:
  - name: "</td> | quiet"
    events: [{ at: 0d, tx: { customer: C1, amount: 5 } }]
    alerts: []
"#;

#[test]
fn what_looks_like_markup_stays_text() {
    let folder = folder(&[("odd", ODD)]);
    let html = doc(&[path(&folder), "--format", "html"]);
    let page = parse(&html);
    assert!(!page.elements.contains("script") && !page.elements.contains("i"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; | *co*"));
    for said in ["<script>alert(1)</script> & | *co*", "<b>&|", "<i>|&</i>", "]]>`|", "</main>"] {
        assert!(page.read.contains(said), "{said}");
    }
    let markdown = doc(&[path(&folder)]);
    assert!(markdown.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; \\| \\*co\\*"));
    assert!(markdown.contains("| &lt;/td&gt; \\| quiet | quiet | no alert | passed |"));
    assert!(!markdown.contains("<script>") && !markdown.contains("<b>"));
}

#[test]
fn all_that_a_rule_says_about_itself_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let full = root.join("tests/diagnostics/metadata-in-full.yaml");
    let full = fs::read_to_string(full).expect("a rule with everything");
    let folder = folder(&[("metadata-in-full", &full)]);
    let loaded = loader::load(&weir::files::read_folder(folder.path()).expect("readable"));
    let rule = loaded.rules.values().next().expect("a sound rule");
    let said = &rule.metadata;
    let page = parse(&doc(&[path(&folder), "--format", "html"]));
    let mut all = wanted(rule);
    all.extend(said.version.map(|it| format!("version {it}")));
    all.extend(said.approver.iter().map(|it| it.value.clone()));
    all.extend(said.author.iter().chain(&said.indicators).cloned());
    all.extend(said.review_by.iter().map(|it| it.value.to_string()));
    all.extend(said.changes.iter().map(|it| it.date.to_string()));
    all.extend(said.references.iter().filter_map(|it| it.note.clone()));
    all.extend(said.references.iter().filter_map(|it| Some(it.confidence?.word().to_owned())));
    assert!(all.len() > 15, "the rule says much about itself: {all:?}");
    for wanted in all {
        assert!(page.read.contains(&wanted), "{wanted:?} is missing");
    }
}

#[test]
fn a_page_is_written_to_a_folder_and_told_as_json() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("deep/down");
    let out = out.to_str().expect("a plain path");
    for (format, name) in [("html", "handbook.html"), ("markdown", "handbook.md")] {
        let told = doc(&["rules", "--format", format, "--out", out]);
        assert!(told.trim_end().ends_with(name), "{told}");
        let written = fs::read_to_string(Path::new(out).join(name)).expect("a page");
        assert_eq!(written, doc(&["rules", "--format", format]));
    }
    let page: Value = serde_json::from_str(&doc(&["rules", "--json"])).expect("JSON");
    let rules = page["rules"].as_array().expect("rules");
    let names: BTreeSet<&str> = rules.iter().filter_map(|it| it["rule"].as_str()).collect();
    assert_eq!(names.len(), shipped().len());
    assert!(rules.iter().all(|rule| rule["sections"].as_array().is_some_and(|it| it.len() > 5)));
}

#[test]
fn rules_with_errors_have_no_handbook_and_a_failed_test_stands_in_it() {
    let broken = folder(&[("odd", &ODD.replace("severity: low", "severity: lwo"))]);
    let output = weir(&["rules", "doc", path(&broken)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("E013"));
    assert!(text(&output.stderr).contains("no handbook of rules with errors"));

    let failing = ODD.replace("alerts: []", "alerts: [{ at: 0d, entity: C1 }]");
    let failing = folder(&[("odd", &failing)]);
    let output = weir(&["rules", "doc", path(&failing)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("| fires | alert at 0s, about C1 | failed |"));
    assert!(text(&output.stderr).contains("1 test(s) failed"));
}
