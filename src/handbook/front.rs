//! What stands before the rules: the rulebook as a whole, how to read the page, coverage, lists.

use std::collections::BTreeSet;

use crate::rulebook::describe;
use crate::rulebook::diagnostic::Diagnostic;
use crate::rulebook::lint::documentation;
use crate::rulebook::meaning::lists_read;
use crate::rulebook::typed::{List, Rule, Status};

use super::document::{Block, Section, Table, Text};
use super::{Sources, Told, anchor, lists};

/// The line below the title.
pub fn subtitle(sources: &Sources<'_>) -> String {
    let digest = &sources.rulebook.digest;
    match &sources.date {
        Some(date) => format!("As of {date}. Rulebook {digest}"),
        None => format!("Rulebook {digest}"),
    }
}

/// The sections before the rules.
pub fn front(sources: &Sources<'_>, told: &[Told<'_>]) -> Vec<Section> {
    vec![
        Section::at("rulebook", "The rulebook", vec![Block::Facts(facts(sources))]),
        Section::at("reading", "How to read this page", vec![Block::Items(reading(sources))]),
        Section::at("overview", "All rules", vec![Block::Table(overview(sources))]),
        Section::at("coverage", "Typologies and the rules that look for them", coverage(sources)),
        Section::at("lists", "Lists", list_section(sources)),
        Section::at("open", "What active rules do not say yet", open_points(sources)),
        Section::at("cost", "What the rules remember", vec![Block::Table(cost(told))]),
    ]
}

fn facts(sources: &Sources<'_>) -> Vec<(String, Text)> {
    let rulebook = sources.rulebook;
    let count = |status| sources.rules.iter().filter(|rule| rule.status == status).count();
    let passed = sources.results.values().filter(|passed| **passed).count();
    let failed = sources.results.len() - passed;
    let zone = rulebook.institution.zone.iana_name().unwrap_or("UTC");
    let currency = rulebook.institution.base_currency.map(|it| it.code().to_owned());
    [
        ("Digest of the rulebook", Text::code(&rulebook.digest)),
        ("Digest of fields and roles", Text::code(rulebook.catalogue.digest())),
        (
            "Rules",
            Text::plain(format!(
                "{}: {} active, {} in shadow, {} off",
                sources.rules.len(),
                count(Status::Active),
                count(Status::Shadow),
                count(Status::Off),
            )),
        ),
        ("Tests", Text::plain(format!("{passed} passed, {failed} failed"))),
        ("Lists", Text::plain(rulebook.lists.len().to_string())),
        ("Time zone of days and hours", Text::plain(zone)),
        (
            "Base currency",
            Text::plain(currency.unwrap_or_else(|| "not named in the rules folder".to_owned())),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn reading(sources: &Sources<'_>) -> Vec<Text> {
    [
        "Made from the rule files by `weir rules doc`. The digest names exactly these files: every alert carries it, so \
         that an alert can be held against the page it was raised under."
            .replace('`', ""),
        "Amounts are in the institution's base currency unless a parameter names another unit.".to_owned(),
        "A window of 7 days reaches back from the event that is judged, which is in it; what happened exactly \
         seven days ago is not. Rules know no other time than that of events."
            .to_owned(),
        "A comparison with a value that is absent is false; nothing fails for it.".to_owned(),
        "An exception keeps a match from becoming an alert, and is counted by its name.".to_owned(),
        "Sources bear a mark: REG, the number or the duty stands in the cited law; IND, an official indicator \
         describes the behavior and the number is ours; DES, a decision of ours, or a source that is not official."
            .to_owned(),
        "A rule in shadow is evaluated and its alerts are recorded, but not sent; one that is off is not evaluated."
            .to_owned(),
        format!(
            "Tests are stories in the rule file, run for this page by the engine that judges live events. What rules \
             remember is an estimate at {}.",
            sources.pace
        ),
    ]
    .map(Text::Plain)
    .into()
}

fn overview(sources: &Sources<'_>) -> Table {
    let row = |rule: &std::sync::Arc<Rule>| {
        let said = &rule.metadata;
        let (passed, all) = tests(sources, rule);
        vec![
            link(rule),
            Text::plain(&rule.title),
            Text::plain(said.version.map(|it| it.to_string()).unwrap_or_default()),
            Text::plain(rule.status.word()),
            Text::plain(rule.severity.word()),
            Text::plain(rule.class.word().replace('_', " ")),
            Text::plain(owner(rule)),
            Text::plain(said.review_by.as_ref().map(|it| it.value.to_string()).unwrap_or_default()),
            Text::plain(match rule.status {
                Status::Off => "not run".to_owned(),
                Status::Active | Status::Shadow if all == 0 => "none".to_owned(),
                Status::Active | Status::Shadow => format!("{passed} of {all} passed"),
            }),
        ]
    };
    let head =
        ["Rule", "Title", "Version", "Status", "Severity", "Class", "Owner", "Review by", "Tests"];
    let rows = sources.rules.iter().map(row).collect();
    Table::new("All rules", &head, rows).without_empty_columns()
}

/// How many tests of a rule passed, and how many there are.
pub fn tests(sources: &Sources<'_>, rule: &Rule) -> (usize, usize) {
    let key = |name: &String| (rule.name.clone(), name.clone());
    let passed = rule.tests.iter().filter(|it| sources.results.get(&key(&it.name)) == Some(&true));
    (passed.count(), rule.tests.len())
}

/// Who answers for the rule; older files say so with a tag.
pub fn owner(rule: &Rule) -> String {
    let said = rule.metadata.owner.clone();
    said.unwrap_or_else(|| describe::tag(rule, "owner").join(", "))
}

fn link(rule: &Rule) -> Text {
    Text::Link { text: rule.name.clone(), to: anchor(rule) }
}

fn coverage(sources: &Sources<'_>) -> Vec<Block> {
    let typologies: BTreeSet<&str> =
        sources.rules.iter().flat_map(|rule| describe::tag(rule, "typology")).collect();
    if typologies.is_empty() {
        return vec![Block::Prose("No rule names a typology.".to_owned())];
    }
    let row = |rule: &std::sync::Arc<Rule>| {
        let own = describe::tag(rule, "typology");
        let mark = |typology: &&str| {
            if own.contains(typology) { Text::plain("✕") } else { Text::none() }
        };
        std::iter::once(link(rule)).chain(typologies.iter().map(mark)).collect()
    };
    let head: Vec<&str> = std::iter::once("Rule").chain(typologies.iter().copied()).collect();
    let rows = sources.rules.iter().map(row).collect();
    let table = Table::new("Which rule looks for which typology", &head, rows);
    vec![Block::Table(Table { is_matrix: true, ..table })]
}

fn list_section(sources: &Sources<'_>) -> Vec<Block> {
    if sources.rulebook.lists.is_empty() {
        return vec![Block::Prose("There are no lists.".to_owned())];
    }
    let row = |(name, list): (&String, &List)| {
        let text = sources.rulebook.sources.get(&format!("lists/{name}.csv"));
        let text = text.map(String::as_str).unwrap_or_default();
        let readers = sources.rules.iter().filter(|rule| lists_read(rule).contains(name));
        let columns: Vec<String> =
            list.columns.iter().map(|it| format!("{} ({})", it.name, it.ty.word())).collect();
        vec![
            Text::code(name),
            Text::plain(list.rows.len().to_string()),
            Text::Lines(lists::sources(text).into_iter().map(Text::Plain).collect()),
            Text::plain(lists::remarks(text)),
            Text::plain(columns.join(", ")),
            Text::Lines(readers.map(|rule| link(rule)).collect()),
            Text::code(list.digest.get(..16).unwrap_or(&list.digest)),
        ]
    };
    let head = ["List", "Rows", "Source", "Remarks", "Further columns", "Read by", "Version"];
    let rows = sources.rulebook.lists.iter().map(row).collect();
    let table = Table::new("Lists that rules read", &head, rows).without_empty_columns();
    vec![Block::Table(table)]
}

/// What `weir check --strict` would ask of active rules.
fn open_points(sources: &Sources<'_>) -> Vec<Block> {
    let rows: Vec<Vec<Text>> = sources
        .rules
        .iter()
        .filter_map(|rule| {
            let missing = documentation::missing(rule);
            let said = |it: &Diagnostic| Text::plain(it.help.as_ref().unwrap_or(&it.title));
            let points: Vec<Text> = missing.iter().map(said).collect();
            (!points.is_empty()).then(|| vec![link(rule), Text::Lines(points)])
        })
        .collect();
    if rows.is_empty() {
        return vec![Block::Prose(
            "Nothing: every active rule says all that is asked of it.".to_owned(),
        )];
    }
    vec![Block::Table(Table::new("What active rules do not say yet", &["Rule", "Missing"], rows))]
}

fn cost(told: &[Told<'_>]) -> Table {
    let row = |it: &Told<'_>| {
        let cost = it.cost.as_ref()?;
        let keys = cost.keys.iter().map(|key| Text::plain(bytes_per(key.bytes, &key.key)));
        Some(vec![
            link(it.rule),
            Text::Lines(keys.collect()),
            Text::plain(cost.aggregates().to_string()),
            Text::plain(cost.shares_with().join(", ")),
        ])
    };
    let head = ["Rule", "Remembered, if it were the only rule", "Aggregates", "Shares with"];
    let rows = told.iter().filter_map(row).collect();
    Table::new("What each rule remembers", &head, rows).without_empty_columns()
}

/// `9,812 bytes per account`
pub fn bytes_per(bytes: u64, key: &str) -> String {
    let digits = bytes.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} bytes per {}", key.replace(", ", " and "))
}
