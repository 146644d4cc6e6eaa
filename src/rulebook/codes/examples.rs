//! What each code complains about and how it looks when it is right: data for `weir help`.
//!
//! In: `examples.txt`, which is part of the program. Out: two short texts per code. They are parts of a
//! rule; `files` puts them into whole ones, so that a test can prove what they claim.

use std::collections::BTreeMap;

/// The data; its first lines say how it is written.
const TEXT: &str = include_str!("examples.txt");

/// What an example's keys stand in.
const AROUND: &str = "\
lang: 1
rule: example
title: An example
severity: low
trigger: transaction
entity: customer
when: tx.amount > 100
alert: { score: 50, message: A payment. }
";

/// The lists that examples may name.
const LISTS: &[(&str, &str)] = &[
    ("branch_devices", "value\n"),
    ("carrier_nat", "value\n"),
    ("countries", "value,tier\nKP,1\n"),
    ("fx_rates", "value,rate:number\nUSD,0.85\n"),
];

/// The schema that examples may read, unless they are one.
const SCHEMA: &str = "\
fields:
  tx.extra.payer: { type: text, personal: true, doc: The name of who paid. }
";

/// The two texts of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeExample {
    /// What the code complains about.
    pub wrong: &'static str,
    /// The same as it should be.
    pub right: &'static str,
}

/// The example of `code`, in capitals.
#[must_use]
pub fn of(code: &str) -> Option<CodeExample> {
    let section = sections().find(|(name, _)| *name == code)?.1;
    let (wrong, right) = section.split_once("\n~~~\n")?;
    Some(CodeExample { wrong, right: right.trim_end() })
}

/// The sections: code and both texts.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXT.split("\n=== ").skip(1).filter_map(|section| section.split_once('\n'))
}

/// The rules folder that an example's text stands for: bytes by path, since one is not UTF-8.
#[must_use]
pub fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
    let first = text.lines().next().unwrap_or_default();
    let mut files: BTreeMap<String, Vec<u8>> = LISTS
        .iter()
        .map(|(list, text)| (format!("lists/{list}.csv"), text.as_bytes().to_vec()))
        .collect();
    if let Some(list) = first.strip_prefix("# ").filter(|line| line.starts_with("lists/")) {
        files.insert(list.to_owned(), text.as_bytes().to_vec());
        return files;
    }
    if let Some(list) = first.strip_prefix("# without the list ") {
        files.remove(&format!("lists/{list}.csv"));
    }
    files.insert("schema.yaml".to_owned(), SCHEMA.as_bytes().to_vec());
    let number = |start: &str, end: &str| -> Option<usize> {
        first.strip_prefix(start)?.strip_suffix(end)?.parse().ok()
    };
    if first.starts_with("# schema.yaml") {
        let times = number("# schema.yaml, the last line ", " times");
        files.insert("schema.yaml".to_owned(), repeated(text, times).into_bytes());
        return files;
    }
    if first == "# pack/schema.yaml" {
        files.remove("schema.yaml");
        files.insert("pack/schema.yaml".to_owned(), text.as_bytes().to_vec());
        return files;
    }
    let mut rule = if first == "# a whole file" { text.to_owned() } else { around(text) };
    rule = repeated(&rule, number("# the last line ", " times"));
    if let Some(size) = number("# filled to ", " bytes") {
        rule.push_str(&"\n".repeat(size.saturating_sub(rule.len())));
    }
    if first == "# beside a rule in shadow named other" {
        let other = AROUND.replace("rule: example", "rule: other\nstatus: shadow");
        files.insert("pack/other.yaml".to_owned(), other.into_bytes());
    }
    if let Some(pack) = first.strip_prefix("# a copy stands in the pack ") {
        files.insert(format!("{pack}/example.yaml"), rule.clone().into_bytes());
    }
    let bytes = if first == "# saved as latin-1" {
        rule.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
    } else {
        rule.into_bytes()
    };
    files.insert("pack/example.yaml".to_owned(), bytes);
    files
}

/// `text` with the last line that holds `{i}` as often as told, `{i}` counting.
fn repeated(text: &str, times: Option<usize>) -> String {
    let last = text.lines().rfind(|line| line.contains("{i}"));
    let (Some(times), Some(last)) = (times, last) else { return text.to_owned() };
    let lines = (1..=times).map(|count| last.replace("{i}", &count.to_string()));
    text.replace(last, &lines.collect::<Vec<_>>().join("\n"))
}

/// A whole rule with the keys of `text`.
fn around(text: &str) -> String {
    let is_replaced = |line: &&str| {
        let key = line.split(':').next().unwrap_or_default();
        !text.lines().any(|own| own.split(':').next() == Some(key))
    };
    let kept: Vec<&str> = AROUND.lines().filter(is_replaced).collect();
    format!("{}\n{text}\n", kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::codes::CODES;
    use crate::rulebook::diagnostic::{Diagnostic, Level};
    use crate::rulebook::lint::documentation;
    use crate::rulebook::{loader, source};

    /// All problems of an example's files, those of the stricter group too.
    fn problems(text: &str) -> Vec<Diagnostic> {
        let mut texts = BTreeMap::new();
        let mut problems = Vec::new();
        for (path, bytes) in files(text) {
            match source::decode(&path, &bytes) {
                Ok(text) => drop(texts.insert(path, text)),
                Err(problem) => problems.push(*problem),
            }
        }
        let loaded = loader::load(&texts);
        let today = jiff::civil::date(2026, 6, 30);
        for rule in loaded.rules.values() {
            problems.extend(documentation::missing(rule));
            problems.extend(documentation::review(rule, today));
        }
        problems.extend(loaded.diagnostics);
        problems
    }

    #[test]
    fn every_code_has_an_example_and_every_example_a_code() {
        let examples: Vec<&str> = sections().map(|(code, _)| code).collect();
        let codes: Vec<&str> = CODES.iter().map(|row| row.code).collect();
        assert_eq!(examples, codes, "add the missing ones to src/rulebook/codes/examples.txt");
    }

    #[test]
    fn the_wrong_text_gets_its_code_and_the_right_one_is_right() {
        let mut bad = Vec::new();
        for row in CODES {
            let example = of(row.code).unwrap_or_else(|| panic!("{} has both texts", row.code));
            let wrong = problems(example.wrong);
            if !wrong.iter().any(|problem| problem.code == row.code) {
                bad.push(format!("{}: the wrong text gets {wrong:?}", row.code));
            }
            let mut right = problems(example.right);
            right.retain(|it| it.level == Level::Error || it.code == row.code);
            if !right.is_empty() {
                bad.push(format!("{}: the right text gets {right:?}", row.code));
            }
        }
        assert!(bad.is_empty(), "{}", bad.join("\n"));
    }
}
