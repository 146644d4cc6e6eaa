//! One rule: what it looks for, by which numbers and why, what it raises, and what proves it.

use crate::domain::Span;
use crate::engine::anatomy::{Decision, Legs, Stage};
use crate::rulebook::describe;
use crate::rulebook::example::{Example, ExpectedAlert};
use crate::rulebook::lint::documentation::BOUNDARY;
use crate::rulebook::meaning::lists_read;
use crate::rulebook::metadata::{EXPECTED_PER_CUSTOMERS, EXPECTED_WITHIN_DAYS, ParamMetadata};
use crate::rulebook::typed::{Param, Rule, SourceSpan, Status};

use super::document::{Block, Chapter, Section, Table, Text};
use super::{Sources, Told, anchor, front};

/// The chapter of one rule.
pub fn chapter(sources: &Sources<'_>, told: &Told<'_>) -> Chapter {
    let rule = told.rule.as_ref();
    let mut sections = vec![
        Section::new("At a glance", vec![Block::Facts(glance(rule))]),
        Section::new("What it looks for", about(rule)),
    ];
    let more = [
        items("What it misses", &rule.metadata.misses),
        items("Usual false alarms", &rule.metadata.false_alarms),
        references(rule),
        Some(Section::new("What wakes it", scope(told))),
        condition(told),
        values(told),
        params(rule),
        exceptions(told),
        Some(Section::new("Alert", vec![Block::Facts(alert(rule))])),
        rekyc(rule),
        Some(Section::new("Evidence on every alert", vec![Block::Items(evidence(told))])),
        Some(Section::new("Tests", tests(sources, rule))),
        cost(told),
        changes(rule),
    ];
    sections.extend(more.into_iter().flatten());
    Chapter {
        id: anchor(rule),
        name: rule.name.clone(),
        title: rule.title.clone(),
        marks: marks(rule),
        sections,
    }
}

fn marks(rule: &Rule) -> Vec<String> {
    let version = rule.metadata.version.map(|version| format!("version {version}"));
    let words = [
        rule.status.word().to_owned(),
        format!("severity {}", rule.severity.word()),
        rule.class.word().replace('_', " "),
    ];
    version.into_iter().chain(words).collect()
}

fn glance(rule: &Rule) -> Vec<(String, Text)> {
    let said = &rule.metadata;
    let tags = |kind: &str| describe::tag(rule, kind).join(", ");
    let expected = said.expected_alerts.as_ref().map(|expected| {
        let why = expected.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!(
            "{} per {EXPECTED_PER_CUSTOMERS} customers in {EXPECTED_WITHIN_DAYS} days{why}",
            expected.value.normalize()
        )
    });
    let review = said.review_by.as_ref().map(|date| date.value.to_string());
    let approver = said.approver.as_ref().map(|name| name.value.clone());
    let disclosable = if said.is_disclosable() { "yes" } else { "no" };
    let other: Vec<String> = rule
        .tags
        .iter()
        .filter(|(kind, _)| !["typology", "owner", "source", "regulation"].contains(&kind.as_str()))
        .map(|(kind, words)| format!("{kind}: {}", words.join(", ")))
        .collect();
    let facts = [
        ("File", Text::code(&rule.path)),
        ("Version", Text::plain(said.version.map(|it| it.to_string()).unwrap_or_default())),
        ("Status", Text::plain(rule.status.word())),
        ("In force", Text::plain(describe::effective(rule.effective))),
        ("Class", Text::plain(rule.class.word().replace('_', " "))),
        ("Severity", Text::plain(rule.severity.word())),
        ("Typologies", Text::plain(tags("typology"))),
        ("Regulations named", Text::plain(tags("regulation"))),
        ("Further tags", Text::plain(other.join("; "))),
        ("Indicator codes", Text::plain(said.indicators.join(", "))),
        ("Owner", Text::plain(front::owner(rule))),
        ("Author", Text::maybe(said.author.as_ref())),
        ("Approver", Text::maybe(approver.as_ref())),
        ("Review by", Text::maybe(review.as_ref())),
        ("May be told to the customer", Text::plain(disclosable)),
        ("Expected alerts", Text::maybe(expected.as_ref())),
        ("Digest of the file", Text::code(&rule.digest)),
        ("Digest of its meaning", Text::code(&rule.meaning)),
    ];
    let there = facts.into_iter().filter(|(_, value)| !value.is_empty());
    there.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn about(rule: &Rule) -> Vec<Block> {
    let text = if rule.about.trim().is_empty() { &rule.title } else { &rule.about };
    vec![Block::Prose(text.clone())]
}

fn items(title: &str, texts: &[String]) -> Option<Section> {
    if texts.is_empty() {
        return None;
    }
    let items = texts.iter().map(Text::plain).collect();
    Some(Section::new(title, vec![Block::Items(items)]))
}

fn references(rule: &Rule) -> Option<Section> {
    let mut rows: Vec<Vec<Text>> = rule
        .metadata
        .references
        .iter()
        .map(|reference| {
            vec![
                Text::plain(&reference.cite),
                Text::plain(reference.confidence.map_or("", |mark| mark.word())),
                Text::maybe(reference.note.as_ref()),
            ]
        })
        .collect();
    // Older files name them as tags.
    let cited = describe::tag(rule, "source").into_iter();
    rows.extend(cited.map(|cite| vec![Text::plain(cite), Text::none(), Text::none()]));
    if rows.is_empty() {
        return None;
    }
    let table = Table::new("References", &["Source", "Mark", "Note"], rows).without_empty_columns();
    Some(Section::new("References", vec![Block::Table(table)]))
}

fn scope(told: &Told<'_>) -> Vec<Block> {
    let rule = told.rule;
    let legs = told.anatomy.legs.iter().flatten().map(|legs| Text::plain(legs_words(legs)));
    let filter = rule.filter.as_ref().map(|it| Text::code(describe::expression(rule, it)));
    let facts = [
        ("Woken by", Text::code(describe::trigger(rule))),
        ("Transactions", Text::Lines(legs.collect())),
        ("Alerts are about", Text::plain(format!("the {}", rule.catalogue.role_word(rule.entity)))),
        ("Looks only at (where)", filter.unwrap_or_else(Text::none)),
    ];
    let there = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let facts = there.map(|(name, value)| (name.to_owned(), value)).collect();
    let mut blocks = vec![Block::Facts(facts)];
    if let Some(sequence) = &rule.sequence {
        let roles: Vec<&str> = sequence.by.iter().map(|it| rule.catalogue.role_word(*it)).collect();
        let text = format!(
            "These steps in this order, of one {}, from the first to the last within {}:",
            roles.join(" and "),
            sequence.within
        );
        let step = |step: &crate::rulebook::waking::Step| {
            let name = step.name.clone().unwrap_or_else(|| "must not happen".to_owned());
            vec![Text::plain(name), Text::code(describe::written(rule, step.span))]
        };
        let rows = sequence.steps.iter().map(step).collect();
        blocks.push(Block::Prose(text));
        blocks.push(Block::Table(Table::new("Steps", &["Step", "Event"], rows)));
    }
    blocks
}

fn legs_words(legs: &Legs) -> String {
    match &legs.types {
        None => format!("going {}, of any type", legs.direction),
        Some(types) => format!("going {}, of type {}", legs.direction, types.join(", ")),
    }
}

/// What is written at `span`, with its lines, less the indentation of the file.
fn as_written(rule: &Rule, span: SourceSpan) -> String {
    let text = rule.text(span);
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let rest = || text.lines().skip(1).filter(|line| !line.trim().is_empty());
    let least = rest().map(indent).min().unwrap_or(0);
    let lines = text.lines().enumerate().map(|(number, line)| {
        if number == 0 { line } else { line.get(least..).unwrap_or_default() }
    });
    lines.map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn condition(told: &Told<'_>) -> Option<Section> {
    let rule = told.rule;
    let written = told.anatomy.decisions.iter().any(|it| it.stage == Stage::When);
    written.then(|| {
        let text = Block::Prose("An alert is raised when this holds:".to_owned());
        Section::new("Condition", vec![text, Block::Code(as_written(rule, rule.when.span))])
    })
}

fn values(told: &Told<'_>) -> Option<Section> {
    let rule = told.rule;
    if rule.lets.is_empty() {
        return None;
    }
    let rows = rule.lets.iter().map(|item| {
        vec![
            Text::code(&item.name),
            Text::code(describe::expression(rule, &item.expr)),
            Text::plain(match item.expr.ty.word() {
                "bool" => "true or false",
                word => word,
            }),
        ]
    });
    let table = Table::new("Named values", &["Name", "Stands for", "Type"], rows.collect());
    Some(Section::new("Named values", vec![Block::Table(table)]))
}

fn params(rule: &Rule) -> Option<Section> {
    if rule.params.is_empty() {
        return None;
    }
    let rows = rule.params.iter().map(|param| param_row(rule, param)).collect();
    let head =
        ["Parameter", "Value", "Unit", "At least", "At most", "Source", "Mark", "Why this value"];
    let table = Table::new("Parameters and thresholds", &head, rows).without_empty_columns();
    Some(Section::new("Parameters and thresholds", vec![Block::Table(table)]))
}

fn param_row(rule: &Rule, param: &Param) -> Vec<Text> {
    let ParamMetadata { unit, min, max, source, confidence, why, span: _ } = &param.metadata;
    let by = describe::chosen_by(rule, param).map(|by| Text::plain(format!("by {by}")));
    let values = describe::values(param).into_iter().map(|(case, value)| match case.as_str() {
        "" => Text::code(value),
        case => Text::plain(format!("{case}: {value}")),
    });
    let bound = |bound: &Option<crate::rulebook::typed::Literal>| {
        Text::plain(bound.as_ref().map(describe::literal).unwrap_or_default())
    };
    vec![
        Text::code(&param.name),
        Text::Lines(by.into_iter().chain(values).collect()),
        Text::maybe(unit.as_ref()),
        bound(min),
        bound(max),
        Text::maybe(source.as_ref()),
        Text::plain(confidence.map_or("", |mark| mark.word())),
        Text::maybe(why.as_ref()),
    ]
}

fn exceptions(told: &Told<'_>) -> Option<Section> {
    let unless = told.anatomy.decisions.iter().filter(|it| it.stage == Stage::Unless);
    let row = |decision: &Decision| {
        vec![Text::plain(decision.name.clone().unwrap_or_default()), Text::code(&decision.text)]
    };
    let rows: Vec<Vec<Text>> = unless.map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let table = Table::new("Exceptions", &["Exception", "No alert when"], rows);
    Some(Section::new("Exceptions", vec![Block::Table(table)]))
}

fn alert(rule: &Rule) -> Vec<(String, Text)> {
    let alert = &rule.alert;
    let roles = std::iter::once(&rule.entity).chain(&alert.dedup);
    let roles: Vec<&str> = roles.map(|role| rule.catalogue.role_word(*role)).collect();
    let cooldown = match alert.cooldown {
        Some(span) => format!(
            "{span} per {}: further matches extend the alert, unless the score rises by 20 or more",
            roles.join(" and ")
        ),
        None => "none: every match raises an alert".to_owned(),
    };
    let facts = [
        ("Score, 0 to 100", Text::code(describe::expression(rule, &alert.score))),
        ("Message", Text::plain(describe::template(rule, &alert.message))),
        ("Cool-down", Text::plain(cooldown)),
    ];
    facts.map(|(name, value)| (name.to_owned(), value)).into()
}

fn rekyc(rule: &Rule) -> Option<Section> {
    let spec = rule.rekyc.as_ref()?;
    let when = spec.when.as_ref().map(|when| Text::code(describe::expression(rule, when)));
    let facts = [
        ("When", when.unwrap_or_else(|| Text::plain("with every alert"))),
        ("Scope and level", Text::plain(format!("{}, {}", spec.scope.word(), spec.level.word()))),
        ("Cause told to the customer's side", Text::plain(spec.cause.word().replace('_', " "))),
        ("Reason, restricted", Text::plain(describe::template(rule, &spec.reason))),
        ("Due within", Text::plain(spec.due.to_string())),
    ];
    let facts = facts.map(|(name, value)| (name.to_owned(), value)).into();
    Some(Section::new("Request for re-KYC", vec![Block::Facts(facts)]))
}

fn evidence(told: &Told<'_>) -> Vec<Text> {
    let rule = told.rule;
    let joined = |names: Vec<&str>| names.join(", ");
    let folds = told.cost.iter().flat_map(|cost| &cost.stored).flat_map(|item| &item.folds);
    let windows = folds.map(|fold| fold.name.as_deref().unwrap_or(&fold.text)).collect();
    let steps = rule.sequence.iter().flat_map(|it| &it.steps).filter_map(|it| it.name.as_deref());
    let lists = lists_read(rule);
    let patterns = rule.patterns.iter().map(|it| it.shape.form().word());
    let matches = rule.matches.iter().map(|it| it.rule.as_str());
    let named = [
        ("Named values: ", joined(rule.lets.iter().map(|it| it.name.as_str()).collect())),
        (
            "Parameters as they were: ",
            joined(rule.params.iter().map(|it| it.name.as_str()).collect()),
        ),
        (
            "Facts of the event and the customer: ",
            joined(told.anatomy.facts.iter().map(String::as_str).collect()),
        ),
        ("Windows with the events in them: ", joined(windows)),
        ("The event of each step: ", joined(steps.collect())),
        (
            "What was found, with the transfers or identifiers behind it: ",
            joined(patterns.collect()),
        ),
        ("Matches of other rules: ", joined(matches.collect())),
        (
            "Rows found in lists, with the list's version: ",
            joined(lists.iter().map(String::as_str).collect()),
        ),
    ];
    let first = "Each condition, whether it held, what was seen and what it was held against";
    let named = named.into_iter().filter(|(_, names)| !names.is_empty());
    let named = named.map(|(what, names)| Text::plain(what.to_owned() + &names));
    std::iter::once(Text::plain(first)).chain(named).collect()
}

fn tests(sources: &Sources<'_>, rule: &Rule) -> Vec<Block> {
    if rule.tests.is_empty() {
        return vec![Block::Prose("There are none.".to_owned())];
    }
    let (passed, all) = front::tests(sources, rule);
    let summary = match rule.status {
        Status::Off => "The rule is off: its tests were not run.".to_owned(),
        Status::Active | Status::Shadow => format!("{passed} of {all} passed."),
    };
    let row = |test: &Example| {
        let key = (rule.name.clone(), test.name.clone());
        let result = match sources.results.get(&key) {
            Some(true) => "passed",
            Some(false) => "failed",
            None => "not run",
        };
        vec![
            Text::plain(&test.name),
            Text::plain(kind(test)),
            Text::Lines(expected(test)),
            Text::plain(result),
        ]
    };
    let head = ["Test", "Kind", "Expected", "Result"];
    let rows = rule.tests.iter().map(row).collect();
    vec![Block::Prose(summary), Block::Table(Table::new("Tests", &head, rows))]
}

fn kind(test: &Example) -> &'static str {
    match (test.name.to_lowercase().starts_with(BOUNDARY), test.alerts.is_empty()) {
        (true, false) => "boundary, fires",
        (true, true) => "boundary, quiet",
        (false, false) => "fires",
        (false, true) => "quiet",
    }
}

fn expected(test: &Example) -> Vec<Text> {
    let offset = |at| Span::to_string(&(at - test.start));
    let alert = |alert: &ExpectedAlert| {
        let mut words = vec![format!("alert at {}", offset(alert.at))];
        words.extend(alert.entity.as_ref().map(|entity| format!("about {entity}")));
        words.extend(alert.score.map(|score| format!("score {}", score.normalize())));
        let values = alert.values.iter();
        words.extend(values.map(|(name, value, _)| format!("{name} {}", describe::literal(value))));
        Text::plain(words.join(", "))
    };
    let mut lines: Vec<Text> = test.alerts.iter().map(alert).collect();
    if lines.is_empty() {
        lines.push(Text::plain("no alert"));
    }
    match test.rekyc.as_deref() {
        None => {}
        Some([]) => lines.push(Text::plain("no request for re-KYC")),
        Some(requests) => lines.extend(requests.iter().map(|request| {
            let level = request.level.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
            Text::plain(format!("request for re-KYC at {}{level}", offset(request.at)))
        })),
    }
    lines
}

fn cost(told: &Told<'_>) -> Option<Section> {
    let cost = told.cost.as_ref()?;
    let keys = cost.keys.iter().map(|key| Text::plain(front::bytes_per(key.bytes, &key.key)));
    let total =
        vec![("Remembered, if it were the only rule".to_owned(), Text::Lines(keys.collect()))];
    let row = |item: &crate::engine::cost::Stored| {
        let kept = item.kept_for.map_or_else(|| "for ever".to_owned(), |span| span.to_string());
        vec![
            Text::code(&item.of),
            Text::plain(&item.key),
            Text::plain(&item.holds),
            Text::plain(if item.kind == crate::engine::cost::Kind::Timer {
                "until it has come".to_owned()
            } else {
                kept
            }),
            Text::plain(item.bytes.to_string()),
            Text::plain(item.shared_with.join(", ")),
        ]
    };
    let rows: Vec<Vec<Text>> = cost.stored.iter().map(row).collect();
    let mut blocks = vec![Block::Facts(total)];
    if !rows.is_empty() {
        let head = ["Of", "Per", "What is kept", "For", "Bytes", "Shared with"];
        let table = Table::new("What is remembered", &head, rows).without_empty_columns();
        blocks.push(Block::Table(table));
    }
    Some(Section::new("What it remembers", blocks))
}

fn changes(rule: &Rule) -> Option<Section> {
    let changes = &rule.metadata.changes;
    if changes.is_empty() {
        return None;
    }
    let rows = changes.iter().map(|change| {
        vec![
            Text::plain(change.version.to_string()),
            Text::plain(change.date.to_string()),
            Text::plain(&change.by),
            Text::plain(&change.what),
        ]
    });
    let table = Table::new("History", &["Version", "Date", "By", "What and why"], rows.collect());
    Some(Section::new("History", vec![Block::Table(table)]))
}
