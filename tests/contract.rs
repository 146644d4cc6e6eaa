//! The language's contract: each sentence of it in `rules/README.md` is held by a rule file of its own.
//!
//! `tests/contract/<id>.yaml` repeats the sentence under `about`, and its in-file tests show it on the
//! real engine. A sentence without a file, a file without a sentence, another wording in either, and a
//! test that fails or never sees an alert all fail here. `tests/late` holds stories in which something comes
//! late, or in which one instant follows another, that once gave another outcome than the same in time.

use std::collections::BTreeMap;
use std::path::Path;

use weir::engine::rehearsal;
use weir::files;
use weir::rulebook::diagnostic::Level;
use weir::rulebook::loader;

const REFERENCE: &str = include_str!("../rules/README.md");
const HEADING: &str = "## The contract\n";

/// The sentences by id, each on one line.
fn sentences() -> BTreeMap<String, String> {
    let (_, section) = REFERENCE.split_once(HEADING).expect("the reference has the contract");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut sentences = BTreeMap::new();
    for item in section.split("\n- `").skip(1) {
        let item = item.split("\n\n").next().unwrap_or_default();
        let (id, sentence) = item.split_once("` ").expect("an id and a sentence");
        let earlier = sentences.insert(id.to_owned(), one_line(sentence));
        assert_eq!(earlier, None, "two sentences are named {id}");
    }
    sentences
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_sentence_of_the_contract_is_held_by_the_rule_file_of_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract");
    let loaded = loader::load(&files::read_folder(&folder).expect("readable files"));
    let errors: Vec<_> =
        loaded.diagnostics.iter().filter(|problem| problem.level == Level::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let rulebook = loaded.rulebook.expect("sound files");
    let shown: BTreeMap<String, String> =
        rulebook.rules.iter().map(|rule| (rule.name.clone(), one_line(&rule.about))).collect();
    assert_eq!(shown, sentences());
    let report = rehearsal::rehearse_all(&rulebook);
    let failed: Vec<_> = report.failed().collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for rule in &rulebook.rules {
        let sees = rule.tests.iter().any(|test| !test.alerts.is_empty());
        assert!(sees, "no test of {} sees an alert, so it may show nothing", rule.name);
    }
}

#[test]
fn what_comes_late_counts_in_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/late");
    let loaded = loader::load(&files::read_folder(&folder).expect("readable files"));
    let rulebook = loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let report = rehearsal::rehearse_all(&rulebook);
    let failed: Vec<_> = report.failed().collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
