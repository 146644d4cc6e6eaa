//! `weir rules doc`: the handbook of a folder of rules, for those who answer for them or examine them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::cli::{check, cost, exit, output, parallel};
use crate::engine::rehearsal;
use crate::files;
use crate::handbook::{Block, Document, Section, Sources, Text, handbook, html, markdown};
use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::typed::{Rule, Rulebook, Status};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Rule files or folders.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Write `handbook.md` or `handbook.html` into this folder instead of printing it.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// The form of the page.
    #[arg(long, value_enum, default_value = "markdown", value_name = "FORMAT")]
    format: Format,
    /// Print the page as JSON.
    #[arg(long, conflicts_with_all = ["format", "out"])]
    json: bool,
    /// What stands at the top.
    #[arg(long, default_value = "Rule handbook", value_name = "TEXT")]
    title: String,
    /// The day that stands on the page (`2026-01-31`); none unless given, so that equal rules give equal pages.
    #[arg(long, value_name = "DATE")]
    date: Option<Date>,
    #[command(flatten)]
    pace: cost::Pace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With tables as code hosts know them.
    Markdown,
    /// One file with everything in it, for the screen and for paper.
    Html,
}

/// `weir rules doc`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let asked = files::read_around(&arguments.paths)?;
    let loaded = asked.load();
    let Some(rulebook) = loaded.rulebook.map(Arc::new) else {
        let errors: Vec<Diagnostic> =
            loaded.diagnostics.into_iter().filter(|it| it.level == Level::Error).collect();
        check::show(&errors, &asked.texts)?;
        output::say("weir: there is no handbook of rules with errors");
        return Ok(exit::FINDINGS);
    };
    let rules = loaded.rules.into_values().filter(|rule| asked.is_asked(&rule.path));
    let mut rules: Vec<Arc<Rule>> = rules.collect();
    rules.sort_by(|left, right| left.name.cmp(&right.name));
    let results = results(&rulebook, &rules);
    let failed = results.values().filter(|passed| !**passed).count();
    let page = handbook(&Sources {
        rulebook: &rulebook,
        rules: &rules,
        results: &results,
        assumptions: &arguments.pace.assumptions(),
        pace: arguments.pace.words(),
        title: arguments.title.clone(),
        date: arguments.date.map(|date| date.to_string()),
    });
    print(arguments, &page)?;
    if failed > 0 {
        output::say(&format!("weir: {failed} test(s) failed, and the page says so"));
        return Ok(exit::FINDINGS);
    }
    Ok(exit::FINE)
}

/// Whether each test of rules that are not off passes, by rule and test.
fn results(rulebook: &Rulebook, rules: &[Arc<Rule>]) -> BTreeMap<(String, String), bool> {
    let all: Vec<_> = rules
        .iter()
        .filter(|rule| rule.status != Status::Off)
        .flat_map(|rule| rule.tests.iter().map(move |test| (rule, test)))
        .collect();
    let passed = parallel::map("tests", &all, |(rule, test)| {
        ((rule.name.clone(), test.name.clone()), rehearsal::is_passed(rulebook, rule, test))
    });
    passed.into_iter().collect()
}

fn print(arguments: &Arguments, page: &Document) -> anyhow::Result<()> {
    if arguments.json {
        return output::json(&to_json(page));
    }
    let (text, name) = match arguments.format {
        Format::Markdown => (markdown(page), "handbook.md"),
        Format::Html => (html(page), "handbook.html"),
    };
    let Some(folder) = &arguments.out else { return Ok(output::text(&text)?) };
    let path = folder.join(name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    output::line(&path.display().to_string())?;
    Ok(())
}

fn to_json(page: &Document) -> Value {
    let chapters = page.parts.iter().flat_map(|part| {
        part.chapters.iter().map(|chapter| {
            json!({
                "rule": chapter.name,
                "title": chapter.title,
                "pack": part.title,
                "sections": chapter.sections.iter().map(section_json).collect::<Vec<_>>(),
            })
        })
    });
    json!({
        "title": page.title,
        "subtitle": page.subtitle,
        "front": page.front.iter().map(section_json).collect::<Vec<_>>(),
        "rules": chapters.collect::<Vec<_>>(),
    })
}

fn section_json(section: &Section) -> Value {
    json!({
        "title": section.title,
        "blocks": section.blocks.iter().map(block_json).collect::<Vec<_>>(),
    })
}

fn block_json(block: &Block) -> Value {
    match block {
        Block::Prose(text) => json!({ "prose": text }),
        Block::Code(text) => json!({ "code": text }),
        Block::Items(items) => json!({ "items": items.iter().map(text_json).collect::<Vec<_>>() }),
        Block::Facts(facts) => json!({
            "facts": facts
                .iter()
                .map(|(name, value)| (name.clone(), text_json(value)))
                .collect::<serde_json::Map<_, _>>(),
        }),
        Block::Table(table) => json!({
            "table": table.caption,
            "head": table.head,
            "rows": table
                .rows
                .iter()
                .map(|row| row.iter().map(text_json).collect::<Vec<_>>())
                .collect::<Vec<_>>(),
        }),
    }
}

fn text_json(text: &Text) -> Value {
    match text {
        Text::Plain(text) | Text::Code(text) | Text::Link { text, .. } => text.as_str().into(),
        Text::Lines(lines) => lines.iter().map(text_json).collect::<Vec<_>>().into(),
    }
}
