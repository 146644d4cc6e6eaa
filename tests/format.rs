//! The layout of rule files over everything there is: shipped rules, golden inputs, and mutants of both.
//!
//! What holds for each file that can be formatted: a second run changes nothing, and the formatted file
//! is loaded with the same problems and the same meaning.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use weir::files;
use weir::rulebook::format::{Refused, checked_form, format};
use weir::rulebook::loader::{self, FileKind};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn shipped() -> BTreeMap<String, String> {
    let mut texts = files::read_folder(&folder("rules")).expect("the rules folder can be read");
    texts.retain(|path, _| loader::file_kind(path) == FileKind::Rule);
    texts
}

/// The golden inputs that are text.
fn golden() -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder("tests/diagnostics")).expect("the golden pairs");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some((format!("pack/{name}"), fs::read_to_string(path).ok()?))
        })
        .collect()
}

/// What loading one file tells: the problems without their places, and the rule if it is one.
fn told(path: &str, text: &str) -> (Vec<(String, String)>, Option<String>) {
    let mut texts = files::read_folder(&folder("rules")).expect("the rules folder can be read");
    texts.retain(|path, _| path.starts_with("lists/"));
    texts.insert(path.to_owned(), text.to_owned());
    let loaded = loader::load(&texts);
    let mut problems: Vec<(String, String)> =
        loaded.diagnostics.into_iter().map(|it| (it.code.to_owned(), it.title)).collect();
    problems.sort();
    (problems, loaded.rules.get(path).map(|rule| checked_form(rule)))
}

#[track_caller]
fn assert_holds(path: &str, text: &str) -> bool {
    let formatted = match format(path, text) {
        Ok(formatted) => formatted,
        Err(Refused::Unreadable(problems)) => {
            assert!(!problems.is_empty(), "{path} was refused without a reason");
            return false;
        }
        Err(Refused::Altered(what)) => panic!("{path}: {what}\n{text}"),
    };
    assert_eq!(format(path, &formatted).as_ref(), Ok(&formatted), "{path} changes twice:\n{text}");
    formatted != text
}

#[test]
fn the_shipped_rules_are_formatted() {
    for (path, text) in shipped() {
        assert_eq!(format(&path, &text), Ok(text), "run `weir rules fmt rules` for {path}");
    }
}

#[test]
fn golden_inputs_are_formatted_without_a_change_of_meaning_or_left_alone() {
    let (mut changed, mut left) = (0, 0);
    for (path, text) in golden() {
        match format(&path, &text) {
            Ok(formatted) => {
                assert_holds(&path, &text);
                assert_eq!(told(&path, &text), told(&path, &formatted), "{path}");
                changed += 1;
            }
            // These are unusual on purpose; being left alone is right.
            Err(_) => left += 1,
        }
    }
    assert!(changed > 30 && left > 5, "{changed} formatted, {left} left alone");
}

/// Where a word or sign starts and ends, good enough to take one away.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let mut tokens: Vec<(usize, usize)> = Vec::new();
    for (at, sign) in text.char_indices().filter(|(_, sign)| *sign != ' ') {
        let end = at + sign.len_utf8();
        match tokens.last_mut() {
            Some(last) if last.1 == at && is_word(sign) && text[last.0..at].ends_with(is_word) => {
                last.1 = end;
            }
            _ => tokens.push((at, end)),
        }
    }
    tokens
}

#[test]
fn mutants_of_rules_are_formatted_twice_alike_or_left_alone() {
    let ugly = ["  ", " # note\n", "\n", "&&", "\"x\"", "-", ": ", "{ a: [b, c], }", "|", "é"];
    let (mut formatted, mut refused) = (0, Vec::new());
    let mut turn = 0;
    for (path, text) in shipped().into_iter().chain(golden()) {
        // Every token once over all files is too slow for every day; a stride visits all kinds.
        for (start, end) in tokens(&text).into_iter().step_by(211) {
            turn += 1;
            let piece = ugly[turn % ugly.len()];
            let (before, after) = (&text[..start], &text[end..]);
            for mutant in [
                format!("{before}{after}"),
                format!("{before}{piece}{after}"),
                format!("{before}{}{piece}{after}", &text[start..end]),
            ] {
                if let Err(Refused::Altered(what)) = format(&path, &mutant) {
                    refused.push(format!("{path}: {what}\n{mutant}"));
                    continue;
                }
                formatted += usize::from(assert_holds(&path, &mutant));
            }
        }
    }
    assert!(formatted > 150, "only {formatted} mutants were formatted");
    // What is left is no rule file any more: a list as a key, a file without keys.
    assert!(refused.len() * 20 < formatted, "too many left alone:\n{}", refused.join("\n\n"));
}

#[test]
fn the_checked_form_of_a_rule_sees_its_tests_and_not_its_layout() {
    let path = "registration-anomaly/registration-burst.yaml";
    let text = shipped().remove(path).expect("a shipped rule");
    let form = |text: &str| told(path, text).1;
    let spread = text.replace("\nwhen:", "\n\n# a remark\nwhen:");
    assert!(form(&text).is_some());
    assert_eq!(form(&text), form(&spread));
    let other = text.replacen("times: ", "times: 1", 1);
    assert_ne!(form(&text), form(&other));
}
