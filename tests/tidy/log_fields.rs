//! Log records carry a plain sentence and listed fields, so that no customer's data gets in.
//!
//! In: the `trace!` to `error!` macros of the program. Out: a finding for each field that is not in
//! [`FIELDS`](weir::telemetry::log::FIELDS), and for each message with a value inside its text.

use weir::telemetry::log::FIELDS;

use super::source::{File, Finding, word_positions};

const MACROS: &[&str] = &["trace!", "debug!", "info!", "warn!", "error!"];

/// Findings of one file.
pub fn check(file: &File) -> Vec<Finding> {
    let code = file.product_code();
    let mut findings = Vec::new();
    for name in MACROS {
        for at in word_positions(code, name) {
            let open = at + name.len();
            if code[open..].starts_with('(') {
                check_arguments(file, open + 1, &mut findings);
            }
        }
    }
    findings
}

fn check_arguments(file: &File, start: usize, findings: &mut Vec<Finding>) {
    for (from, to) in arguments(&file.code, start) {
        let argument = file.text[from..to].trim();
        if argument.starts_with('"') {
            if argument.contains('{') {
                findings.push(file.finding(from, "put values into fields, not into the message"));
            }
            // What follows a message is its values, reported by the line above.
            return;
        }
        if argument.is_empty() || argument.starts_with("target:") || argument.starts_with("parent:")
        {
            continue;
        }
        let name = argument.split('=').next().unwrap_or_default().trim();
        let name = name.trim_start_matches(['?', '%']);
        if !FIELDS.contains(&name) {
            let text = format!("the log field {name} is not in telemetry::log::FIELDS");
            findings.push(file.finding(from, text));
        }
    }
}

/// Start and end of each argument of the call whose arguments begin at `start`.
fn arguments(code: &str, start: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut depth, mut from) = (0_usize, start);
    for (place, character) in code[start..].char_indices() {
        let at = start + place;
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => {
                found.push((from, at));
                break;
            }
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push((from, at));
                from = at + 1;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
fn count(text: &str) -> usize {
    check(&File::new("src/daemon.rs", text)).len()
}

#[test]
fn listed_fields_and_a_sentence_are_fine() {
    for text in [
        "tracing::info!(sequence, \"Committed.\");",
        "tracing::warn!(error = %error, count = rows.len(), \"Trying again.\");",
        "warn!(\n    ?reason,\n    stream = self.name(a, b),\n    \"Set aside.\",\n);",
        "info!(target: \"weir\", sequence, \"Committed.\");",
        "// info!(customer, \"In a comment.\");",
    ] {
        assert_eq!(count(text), 0, "{text}");
    }
}

#[test]
fn field_that_is_not_listed_is_found() {
    for text in [
        "tracing::info!(customer, \"Known.\");",
        "tracing::info!(sequence, customer = %id, \"Known.\");",
        "info!(?transaction, \"Judged.\");",
    ] {
        assert_eq!(count(text), 1, "{text}");
    }
}

#[test]
fn value_inside_the_message_is_found() {
    assert_eq!(count("tracing::info!(\"Customer {id} is known.\");"), 1);
    assert_eq!(count("tracing::info!(\"Customer {} is known.\", id);"), 1);
}
