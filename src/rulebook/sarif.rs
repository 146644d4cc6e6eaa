//! Diagnostics as SARIF 2.1.0, which code hosts and editors show beside the lines they are about.
//!
//! In: problems and texts. Out: one log with one run. Columns count characters, as everywhere here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::codes::{CODES, Code, examples};
use super::diagnostic::{Diagnostic, Level};
use super::render;

/// The log of one check; `texts` by path, `place` says where in the repository a path is.
#[must_use]
pub fn log(
    problems: &[Diagnostic],
    texts: &BTreeMap<String, String>,
    place: impl Fn(&str) -> String,
) -> Value {
    let results: Vec<Value> = problems
        .iter()
        .map(|problem| {
            let source = texts.get(&problem.path).map_or("", String::as_str);
            result(problem, source, &place(&problem.path))
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "weir",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": CODES.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &Code) -> Value {
    let mut plain = code.explanation.to_owned();
    let mut markdown = code.explanation.to_owned();
    if let Some(example) = examples::of(code.code) {
        for (title, text) in [("Wrong", example.wrong), ("Right", example.right)] {
            // Writing into text cannot fail.
            let _ = write!(plain, "\n\n{title}:\n{text}");
            let _ = write!(markdown, "\n\n{title}:\n\n```yaml\n{text}\n```");
        }
    }
    json!({
        "id": code.code,
        "shortDescription": { "text": code.title },
        "fullDescription": { "text": code.explanation },
        "help": { "text": plain, "markdown": markdown },
        "defaultConfiguration": { "level": code.level().word() },
    })
}

fn result(problem: &Diagnostic, source: &str, place: &str) -> Value {
    let (start, end) = render::positions(problem, source);
    json!({
        "ruleId": problem.code,
        "ruleIndex": CODES.iter().position(|row| row.code == problem.code),
        "level": match problem.level {
            Level::Error => "error",
            Level::Warning => "warning",
        },
        "message": { "text": sentence(problem) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": as_uri(place) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        } }],
    })
}

/// The whole problem as text: title, label and help.
fn sentence(problem: &Diagnostic) -> String {
    let mut text = format!("{}: {}", problem.title, problem.label);
    if let Some(help) = &problem.help {
        text.push_str(". ");
        text.push_str(help);
    }
    text
}

/// A relative path as a URI reference.
fn as_uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// The problem as a workflow command of GitHub, which annotates the line in a pull request.
#[must_use]
pub fn github(problem: &Diagnostic, source: &str, place: &str) -> String {
    let (start, end) = render::positions(problem, source);
    let value = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| value(text).replace(':', "%3A").replace(',', "%2C");
    let mut command = format!("::{} file={}", problem.level.word(), property(place));
    let _ = write!(command, ",line={},endLine={}", start.line, end.line);
    // Columns are refused there when they are of two lines.
    if start.line == end.line {
        let _ = write!(command, ",col={},endColumn={}", start.column, end.column);
    }
    let title = property(&format!("{}: {}", problem.code, problem.title));
    let _ = write!(command, ",title={title}::{}", value(&sentence(problem)));
    command
}

#[cfg(test)]
mod tests {
    use super::super::typed::SourceSpan;
    use super::*;

    const SOURCE: &str = "lang: 1\nwhere: \"é\" == tx.tipe\n";

    fn problem() -> Diagnostic {
        let start = SOURCE.find("tx.tipe").expect("the field");
        let span = SourceSpan { start, end: start + 7 };
        Diagnostic::new("E021", "a/ru le.yaml", span, "unknown name `tx.tipe`", "no such field")
            .with_help("did you mean `tx.type`?")
    }

    #[test]
    fn a_result_names_its_rule_and_its_region() {
        let texts = BTreeMap::from([("a/ru le.yaml".to_owned(), SOURCE.to_owned())]);
        let log = log(&[problem()], &texts, |path| format!("rules/{path}"));
        let run = &log["runs"][0];
        let result = &run["results"][0];
        let index =
            usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "E021");
        assert_eq!(result["level"], "error");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "rules/a/ru%20le.yaml");
        let region = json!({ "startLine": 2, "startColumn": 15, "endLine": 2, "endColumn": 22 });
        assert_eq!(place["region"], region);
        assert_eq!(
            result["message"]["text"],
            "unknown name `tx.tipe`: no such field. did you mean `tx.type`?"
        );
    }

    /// What the schema of SARIF 2.1.0 requires, and the limits it sets, of what is used here.
    #[test]
    fn the_log_has_what_the_schema_requires() {
        let log = log(&[problem()], &BTreeMap::new(), str::to_owned);
        assert_eq!(log["version"], "2.1.0");
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
        assert!(log["runs"][0]["tool"]["driver"]["name"].is_string());
        let levels = ["none", "note", "warning", "error"];
        let mut ids = std::collections::BTreeSet::new();
        for rule in rules {
            assert!(ids.insert(rule["id"].as_str().expect("an id")), "rules are unique");
            for text in ["shortDescription", "fullDescription", "help"] {
                assert!(rule[text]["text"].as_str().is_some_and(|text| !text.is_empty()), "{rule}");
            }
            let level = rule["defaultConfiguration"]["level"].as_str().expect("a level");
            assert!(levels.contains(&level));
        }
        for result in log["runs"][0]["results"].as_array().expect("results") {
            assert!(result["message"]["text"].is_string());
            let region = &result["locations"][0]["physicalLocation"]["region"];
            for count in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(region[count].as_u64().is_some_and(|count| count >= 1), "{region}");
            }
        }
    }

    #[test]
    fn an_annotation_escapes_what_would_end_it() {
        let expected = "::error file=rules/a/ru le.yaml,line=2,endLine=2,col=15,endColumn=22,\
                        title=E021%3A unknown name `tx.tipe`::unknown name `tx.tipe`: no such field. \
                        did you mean `tx.type`?";
        assert_eq!(github(&problem(), SOURCE, "rules/a/ru le.yaml"), expected);
        let mut odd = problem();
        odd.title = "50%, or\nso".to_owned();
        odd.help = None;
        assert!(
            github(&odd, SOURCE, "a,b.yaml")
                .ends_with("title=E021%3A 50%25%2C or%0Aso::50%25, or%0Aso: no such field")
        );
        assert!(github(&odd, SOURCE, "a,b.yaml").starts_with("::error file=a%2Cb.yaml,"));
    }
}
