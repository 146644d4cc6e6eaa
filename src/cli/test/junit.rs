//! Results as `JUnit` XML: one suite per rule file, one case per test.
//!
//! Only elements and attributes that all common readers know. No times: stories are told in virtual
//! time, and the same rules give the same bytes.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::show::{Colors, failure};
use crate::cli::check;
use crate::engine::rehearsal::Rehearsal;
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::render;

/// One test, or one file that could not be loaded.
struct Case {
    name: String,
    /// What went wrong: a line, and everything.
    failure: Option<(String, String)>,
}

/// The cases of one file: its name among suites, its path, and they.
type Suite<'a> = (&'a str, &'a str, Vec<Case>);

/// All tests that were run.
pub fn report(run: &[Rehearsal], texts: &BTreeMap<String, String>) -> io::Result<String> {
    let mut suites: Vec<Suite<'_>> = Vec::new();
    for of_rule in run.chunk_by(|one, other| one.path == other.path) {
        let Some(first) = of_rule.first() else { continue };
        let source = texts.get(&first.path).map_or("", String::as_str);
        let cases = of_rule.iter().map(|rehearsal| case(rehearsal, source)).collect();
        suites.push((&first.rule, &first.path, cases));
    }
    document(&suites)
}

/// Files that could not be loaded: each mistake is a failed case.
pub fn refusal(errors: &[Diagnostic], texts: &BTreeMap<String, String>) -> io::Result<String> {
    let mut suites: Vec<Suite<'_>> = Vec::new();
    for of_file in errors.chunk_by(|one, other| one.path == other.path) {
        let Some(first) = of_file.first() else { continue };
        let cases = of_file
            .iter()
            .map(|problem| {
                let shown = render::render(problem, check::source_of(problem, texts), false);
                let name = format!("{} at byte {}", problem.code, problem.span.start);
                Case { name, failure: Some((problem.title.clone(), shown)) }
            })
            .collect();
        suites.push((&first.path, &first.path, cases));
    }
    document(&suites)
}

fn case(rehearsal: &Rehearsal, source: &str) -> Case {
    let first = rehearsal.differences.first();
    let failure = first.map(|first| (first.to_string(), failure(rehearsal, source, Colors::NONE)));
    Case { name: rehearsal.example.clone(), failure }
}

fn document(suites: &[Suite<'_>]) -> io::Result<String> {
    let all = suites.iter().flat_map(|(_, _, cases)| cases);
    let (total, failed) = counts(all);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuites")
        .with_attributes([("name", "weir"), ("tests", &total), ("failures", &failed)])
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|suite| write_suite(writer, suite))
        })?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case>) -> (String, String) {
    let (mut total, mut failed) = (0, 0);
    for case in cases {
        total += 1;
        failed += usize::from(case.failure.is_some());
    }
    (total.to_string(), failed.to_string())
}

fn write_suite(writer: &mut Writer<Vec<u8>>, (name, path, cases): &Suite<'_>) -> io::Result<()> {
    let (total, failed) = counts(cases.iter());
    let head = [
        ("name", *name),
        ("tests", &total),
        ("failures", &failed),
        ("errors", "0"),
        ("file", path),
    ];
    writer.create_element("testsuite").with_attributes(head).write_inner_content(|writer| {
        cases.iter().try_for_each(|case| write_case(writer, name, path, case))
    })?;
    Ok(())
}

fn write_case(
    writer: &mut Writer<Vec<u8>>,
    suite: &str,
    path: &str,
    case: &Case,
) -> io::Result<()> {
    let name = allowed(&case.name);
    let element = writer.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", suite),
        ("file", path),
    ]);
    let Some((message, text)) = &case.failure else {
        element.write_empty()?;
        return Ok(());
    };
    let (message, text) = (allowed(message), allowed(text));
    element.write_inner_content(|writer| {
        let failure = writer.create_element("failure").with_attribute(("message", &*message));
        failure.write_text_content(BytesText::new(&text))?;
        Ok(())
    })?;
    Ok(())
}

/// XML has no way to write most control characters, not even escaped.
fn allowed(text: &str) -> String {
    let is_allowed = |sign: char| {
        !sign.is_control() && !matches!(sign, '\u{fffe}' | '\u{ffff}') || "\n\t".contains(sign)
    };
    text.chars().map(|sign| if is_allowed(sign) { sign } else { '\u{fffd}' }).collect()
}
