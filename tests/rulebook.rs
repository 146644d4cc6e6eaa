//! The shipped rules: every file loads without a word of complaint, and every test in them passes.
//!
//! Also what keeps them honest: a rule that was broken on purpose fails, and the language reference
//! names every field and every rule that there is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use weir::engine::rehearsal::{self, Change};
use weir::files;
use weir::rulebook::Rulebook;
use weir::rulebook::catalogue::Catalogue;
use weir::rulebook::format;
use weir::rulebook::lint::documentation;
use weir::rulebook::loader;
use weir::rulebook::reference::{Section, tables};
use weir::rulebook::syntax::RESERVED_WORDS;

const REFERENCE: &str = include_str!("../rules/README.md");

fn texts() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    files::read_folder(&folder).expect("the rules folder can be read")
}

/// Loads without tolerating so much as a warning.
fn load(texts: &BTreeMap<String, String>) -> Rulebook {
    let loaded = loader::load(texts);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    loaded.rulebook.expect("a rulebook without problems is loaded")
}

#[test]
fn every_shipped_test_passes() {
    let report = rehearsal::rehearse_all(&load(&texts()));
    let mut told = String::new();
    for failed in report.failed() {
        for difference in &failed.differences {
            writeln!(told, "{}: {}: {difference}", failed.path, failed.example)
                .expect("text can be written");
        }
    }
    assert!(told.is_empty(), "\n{told}");
    assert!(report.rehearsals.len() >= 50, "only {} tests", report.rehearsals.len());
}

#[test]
fn every_shipped_rule_has_tests_that_fire_stay_quiet_and_stand_on_the_edge() {
    for rule in &load(&texts()).rules {
        let (fires, quiet): (Vec<_>, Vec<_>) =
            rule.tests.iter().partition(|test| !test.alerts.is_empty());
        assert!(!fires.is_empty() && !quiet.is_empty(), "{}", rule.name);
        assert!(rule.tests.iter().any(|test| test.name.starts_with("boundary")), "{}", rule.name);
    }
}

#[test]
fn every_shipped_rule_is_documented_in_full() {
    for rule in &load(&texts()).rules {
        assert_eq!(documentation::missing(rule), [], "{}", rule.name);
        for part in ["Looks for", "Why it matters:"] {
            assert!(rule.about.contains(part), "{}: {part}", rule.name);
        }
        let is_filled = rule.tags.get("regulation").is_some_and(|words| !words.is_empty());
        assert!(is_filled, "{}", rule.name);
        for kind in ["owner", "source"] {
            assert_eq!(rule.tags.get(kind), None, "{}: it has a key of its own", rule.name);
        }
        for reference in &rule.metadata.references {
            assert!(reference.note.is_some(), "{}: was `{}` read?", rule.name, reference.cite);
        }
        for param in &rule.params {
            let metadata = &param.metadata;
            let is_bounded = metadata.min.is_some() && metadata.max.is_some();
            assert!(is_bounded && metadata.unit.is_some(), "{}: {}", rule.name, param.name);
        }
        let expected = rule.metadata.expected_alerts.as_ref();
        assert!(expected.is_some_and(|it| it.why.is_some()), "{}", rule.name);
        assert!(rule.alert.cooldown.is_some(), "{} floods", rule.name);
    }
}

#[test]
fn a_rule_that_was_broken_fails_its_tests() {
    let path = "thresholds-structuring/structuring-cash-deposits.yaml";
    for (good, broken) in [
        ("min_deposits:\n    value: 3", "min_deposits:\n    value: 4"),
        ("tx.amount < report_limit", "tx.amount <= report_limit"),
        ("by customer over 7d", "by customer over 8d"),
        ("min_branches:\n    value: 2", "min_branches:\n    value: 3"),
        ("cooldown: 7d", "cooldown: 1h"),
    ] {
        let mut texts = texts();
        let text = texts.get_mut(path).expect("the rule is shipped");
        assert!(text.contains(good), "{good}");
        *text = text.replace(good, broken);
        let report = rehearsal::rehearse_all(&load(&texts));
        assert!(!report.is_passed(), "nothing noticed `{broken}`");
        for failed in report.failed() {
            assert_eq!(failed.rule, "structuring-cash-deposits");
        }
    }
}

#[test]
fn a_rule_that_is_too_strict_is_told_as_missing_alerts() {
    let mut texts = texts();
    let path = "account-security/one-device-many-customers.yaml";
    let text = texts.get_mut(path).expect("the rule is shipped");
    *text = text.replace("value: 3", "value: 20");
    let report = rehearsal::rehearse_all(&load(&texts));
    let changes: Vec<&Change> =
        report.failed().flat_map(|it| &it.differences).map(|it| &it.change).collect();
    assert!(!changes.is_empty());
    for change in changes {
        assert!(matches!(change, Change::Missing { .. }), "{change:?}");
    }
}

/// `UPDATE_EXPECT=1` writes the tables anew.
#[test]
fn the_tables_of_the_reference_are_those_that_the_program_prints() {
    let catalogue = Catalogue::built_in();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/README.md");
    let mut reference = fs::read_to_string(&path).expect("the reference");
    for (mark, table) in [
        ("<!-- weir schema fields --markdown -->\n", tables::fields(&catalogue)),
        ("<!-- roles -->\n", tables::roles(&catalogue)),
        ("<!-- weir schema functions --markdown -->\n", tables::functions()),
    ] {
        let (before, rest) = reference.split_once(mark).expect("a mark");
        let (_, after) = rest.split_once("<!-- end -->\n").expect("its end");
        reference = format!("{before}{mark}{}<!-- end -->\n{after}", table.markdown());
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &reference).expect("written");
    }
    let shown = fs::read_to_string(&path).expect("the reference");
    assert!(shown == reference, "run the test again with UPDATE_EXPECT=1");
}

#[test]
fn the_reference_lists_the_words_that_cannot_name_a_value() {
    let page: Vec<&str> = REFERENCE.split_whitespace().collect();
    let words = RESERVED_WORDS.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
    let list = format!("cannot name one: {}.", words.join(", "));
    assert!(page.join(" ").contains(&list), "rules/README.md has no list:\n{list}");
}

#[test]
fn the_reference_lists_every_rule() {
    for rule in &load(&texts()).rules {
        let row = format!("| [`{}`]({}) | {} |", rule.name, rule.path, rule.title);
        assert!(REFERENCE.contains(&row), "rules/README.md has no line with:\n{row}");
    }
}

#[test]
fn the_rule_in_the_reference_works() {
    let rule = REFERENCE
        .split("```yaml\n")
        .find(|block| block.starts_with("lang: 1"))
        .and_then(|block| block.split("```").next())
        .expect("the reference shows a whole rule");
    let path = "pack/cash-below-threshold.yaml".to_owned();
    let rulebook = load(&BTreeMap::from([(path, rule.to_owned())]));
    let report = rehearsal::rehearse_all(&rulebook);
    assert_eq!(report.rehearsals.len(), 3);
    assert!(report.is_passed(), "{:#?}", report.rehearsals);
}

/// The top-level keys of a YAML text with all their lines, comments and empty lines left out.
fn sections(text: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if !line.starts_with(' ') {
            let key = line.split(':').next().expect("a key");
            sections.push((key, String::new()));
        }
        let (_, lines) = sections.last_mut().expect("a key before its lines");
        lines.push_str(line);
        lines.push('\n');
    }
    sections
}

#[test]
fn the_metadata_in_the_reference_is_complete_and_says_nothing_else() {
    let block = |start: &str| {
        let mut blocks = REFERENCE.split("```yaml\n");
        let block = blocks.find(|block| block.starts_with(start)).expect("a block");
        block.split("```").next().expect("its end")
    };
    let (rule, metadata) = (sections(block("lang: 1")), sections(block("version:")));
    let load = |sections: &[(&str, String)]| {
        let text: String = sections.iter().map(|(_, lines)| lines.as_str()).collect();
        let path = "pack/cash-below-threshold.yaml".to_owned();
        load(&BTreeMap::from([(path, text)])).rules[0].clone()
    };
    let is_replaced = |key: &str| metadata.iter().any(|(other, _)| *other == key);
    let kept = rule.iter().filter(|(key, _)| !is_replaced(key));
    let whole: Vec<_> = kept.chain(&metadata).cloned().collect();
    let (before, after) = (load(&rule), load(&whole));
    assert_eq!(documentation::missing(&after), []);
    assert_eq!(before.meaning, after.meaning);
    // Each of the keys that the table says are asked for is missed when it is not there.
    let row = |line: &&str| line.starts_with("| `") && line.matches('|').count() == 4;
    let table = REFERENCE.split("asks for it |").nth(1).expect("the table");
    let table = table.split("\n\n").next().expect("its end").lines().filter(row);
    let mut asked = 0;
    for line in table {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        for key in cells[0].split(", ").map(|key| key.trim_matches('`')) {
            assert!(whole.iter().any(|(other, _)| *other == key), "{key} is not shown");
            // Without its history a rule may have any version; params are needed by the condition.
            if key == "params" || cells[2].is_empty() {
                continue;
            }
            let without: Vec<_> = whole
                .iter()
                .filter(|(other, _)| *other != key && !(key == "version" && *other == "changes"))
                .cloned()
                .collect();
            let told = documentation::missing(&load(&without));
            let help = told.iter().find(|it| it.code == "W217").and_then(|it| it.help.as_deref());
            assert!(help.is_some_and(|help| help.contains(key)), "{key}: {help:?}");
            asked += 1;
        }
    }
    assert_eq!(asked, 11, "the keys that are asked for");
}

#[test]
fn the_reference_describes_every_key_of_metadata() {
    let about = REFERENCE.split("## Metadata").nth(1).expect("the section");
    let about = about.split("\n## Windows").next().expect("its end");
    let sections = [Section::Param, Section::Reference, Section::Volume, Section::Change];
    for entry in sections.into_iter().flat_map(Section::entries) {
        let is_there = REFERENCE.contains(&format!("`{}`", entry.key))
            || about.contains(&format!("{}: ", entry.key));
        assert!(is_there, "{:?} {}", entry.section, entry.key);
    }
}

#[test]
fn the_rule_that_the_front_page_shows_is_sound_and_passes_its_tests() {
    let page = include_str!("../README.md");
    let start = page.find("lang: 1").expect("a rule on the front page");
    let rule = page[start..].split("```").next().expect("the end of the rule").to_owned();
    let formatted = format::format("many-cash-deposits.yaml", &rule).ok();
    assert_eq!(formatted.as_deref(), Some(rule.as_str()), "`weir rules fmt` leaves it as it is");
    let loaded = loader::load(&BTreeMap::from([("many-cash-deposits.yaml".to_owned(), rule)]));
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let report = rehearsal::rehearse_all(&loaded.rulebook.expect("a rulebook"));
    assert_eq!((report.rehearsals.len(), report.is_passed()), (2, true), "{report:#?}");
}
