//! What may not be written, and what to write instead.

use super::source::{File, Finding, word_positions};

/// Not in `domain`, `rulebook` and `engine`: same log and same rulebook must give the same alerts.
/// Iteration over hash maps is held by a lint, which knows types.
const CORE: &[(&str, &str)] = &[
    ("SystemTime", "take the instant from the event or as an argument"),
    ("Instant::now", "take the instant from the event or as an argument"),
    ("Timestamp::now", "take the instant from the event or as an argument"),
    ("Zoned::now", "take the instant from the event or as an argument"),
    ("std::time", "use domain::Instant and domain::Span"),
    ("std::env", "take the setting as an argument; config reads the environment"),
    ("std::fs", "take the text as an argument; files reads the disk"),
    ("std::net", "let nats or telemetry speak to the network"),
    ("std::process", "return an error; main decides how to end"),
    ("std::thread", "let daemon start threads"),
    ("tokio", "keep the core synchronous"),
    ("async", "keep the core synchronous"),
    ("rand", "derive ids from the event"),
    ("RandomState", "use a hasher without a random seed, and never iterate"),
    ("tracing", "return it in the outcome; the pipeline counts and logs"),
    ("f32", "use Decimal, or a whole number of a smaller unit"),
    ("f64", "use Decimal, or a whole number of a smaller unit"),
    ("Serialize", "make a separate type in wire or store, and convert by hand"),
    ("Deserialize", "make a separate type in wire or store, and convert by hand"),
];

/// Nowhere in the code.
const EVERYWHERE: &[(&str, &str)] = &[
    ("dbg!", "remove it"),
    ("#[ignore", "assert today's behavior and say why it is wrong"),
    ("#[allow", "use #[expect(.., reason = \"..\")]"),
    ("#![allow", "use #[expect(.., reason = \"..\")]"),
];

/// Nowhere, comments included. Written in two halves, so that this file passes its own check.
const NOTES: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "open an issue"),
    (concat!("FIX", "ME"), "mend it or open an issue"),
    (concat!("XX", "X"), "say what is the matter"),
];

/// Findings of one file of the core.
pub fn check_core(file: &File) -> Vec<Finding> {
    if !matches!(file.top_module(), Some("domain" | "rulebook" | "engine")) {
        return Vec::new();
    }
    let code = file.product_code();
    let found = CORE.iter().flat_map(|(word, instead)| {
        word_positions(code, word)
            .map(move |at| file.finding(at, format!("no {word} in the core: {instead}")))
    });
    found.collect()
}

/// Findings that hold for every file.
pub fn check_everywhere(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (word, instead) in EVERYWHERE {
        for at in word_positions(&file.code, word) {
            findings.push(file.finding(at, format!("no {word}: {instead}")));
        }
    }
    for (word, instead) in NOTES {
        for at in word_positions(&file.text, word) {
            findings.push(file.finding(at, format!("no {word}: {instead}")));
        }
    }
    for (at, _) in file.code.match_indices("fn test_") {
        findings.push(file.finding(at, "the name of a test is a sentence, without test_"));
    }
    if !file.is_test() && file.path != "src/telemetry/metric_list.rs" {
        for (at, _) in file.text[..file.tests_at].match_indices("\"weir_") {
            let text = "the name of a metric is written in telemetry/metric_list.rs only";
            findings.push(file.finding(at, text));
        }
    }
    findings
}

/// Every file opens with its job; `lib.rs` opens with the architecture page instead.
pub fn check_opening(file: &File) -> Vec<Finding> {
    let opening = if file.path == "src/lib.rs" { "#![doc = include_str!" } else { "//! " };
    if file.text.starts_with(opening) {
        return Vec::new();
    }
    vec![file.finding(0, "the first line says the file's job in one sentence, after //!")]
}

#[cfg(test)]
fn texts(findings: Vec<Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| finding.to_string()).collect()
}

#[test]
fn core_ban_names_the_replacement_and_the_line() {
    let file = File::new("src/engine/a.rs", "//! A.\nfn a() -> f64 { 0.0 }\n");
    let expected =
        "src/engine/a.rs:2: no f64 in the core: use Decimal, or a whole number of a smaller unit";
    assert_eq!(texts(check_core(&file)), [expected]);
}

#[test]
fn each_banned_word_is_found_in_the_core_and_only_there() {
    for (word, _) in CORE {
        let text = format!("//! A.\nlet a = {word} b;\n");
        assert_eq!(check_core(&File::new("src/domain/a.rs", &text)).len(), 1, "{word}");
        assert_eq!(check_core(&File::new("src/daemon.rs", &text)), [], "{word}");
    }
}

#[test]
fn banned_word_in_a_comment_a_text_or_a_test_is_fine() {
    let text = "//! No f64.\nlet a = \"f64\";\n#[cfg(test)]\nmod tests { fn a() -> f64 {} }\n";
    assert_eq!(check_core(&File::new("src/domain/a.rs", text)), []);
}

#[test]
fn leftovers_are_found_everywhere() {
    for (word, _) in EVERYWHERE {
        let text = format!("//! A.\n{word}(a)\n");
        assert_eq!(check_everywhere(&File::new("tests/a.rs", &text)).len(), 1, "{word}");
    }
    for (word, _) in NOTES {
        let text = format!("//! A.\n// {word}: later\n");
        assert_eq!(check_everywhere(&File::new("src/cli.rs", &text)).len(), 1, "{word}");
    }
}

#[test]
fn prefixed_name_of_a_test_is_found() {
    let text = "//! A.\n#[test]\nfn test_a() {}\n#[test]\nfn tests_are_sentences() {}\n";
    assert_eq!(check_everywhere(&File::new("tests/a.rs", text)).len(), 1);
}

#[test]
fn metric_name_outside_the_list_is_found() {
    let text = "//! A.\nlet name = \"weir_lag_messages\";\n";
    assert_eq!(check_everywhere(&File::new("src/daemon.rs", text)).len(), 1);
    assert_eq!(check_everywhere(&File::new("src/telemetry/metric_list.rs", text)), []);
    assert_eq!(check_everywhere(&File::new("tests/a.rs", text)), []);
}

#[test]
fn file_without_an_opening_is_found() {
    assert_eq!(check_opening(&File::new("src/a.rs", "use std::fmt;\n")).len(), 1);
    assert_eq!(check_opening(&File::new("src/a.rs", "//! Says its job.\n")), []);
    assert_eq!(
        check_opening(&File::new("src/lib.rs", "#![doc = include_str!(\"README.md\")]")),
        []
    );
}
