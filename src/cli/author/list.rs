//! `weir rules list`: the rules of a folder at a glance.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{exit, output};
use crate::files;
use crate::rulebook::diagnostic::{Diagnostic, Level};
use crate::rulebook::typed::Status;
use crate::rulebook::{Rule, describe};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Rule files or folders.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// Only rules with this tag: a word (`structuring`), or a kind and a word (`owner=fraud-desk`).
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `weir rules list`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let asked = files::read_around(&arguments.paths)?;
    let loaded = asked.load();
    let rules: Vec<&Rule> = loaded
        .rules
        .values()
        .map(AsRef::as_ref)
        .filter(|rule: &&Rule| asked.is_asked(&rule.path))
        .filter(|rule| arguments.tag.iter().all(|tag| has_tag(rule, tag)))
        .collect();
    if arguments.json {
        output::json(&rules.iter().map(|rule| as_json(rule)).collect::<Vec<_>>())?;
    } else {
        show(&rules)?;
    }
    let is_wrong = |it: &Diagnostic| it.level == Level::Error && asked.is_asked(&it.path);
    if loaded.diagnostics.iter().any(is_wrong) {
        output::say("weir: files with errors are not listed; `weir check` tells what is wrong");
        return Ok(exit::FINDINGS);
    }
    Ok(exit::FINE)
}

fn has_tag(rule: &Rule, wanted: &str) -> bool {
    let (kind, word) = match wanted.split_once('=') {
        Some((kind, word)) => (Some(kind), word),
        None => (None, wanted),
    };
    let kinds = rule.tags.keys().map(String::as_str).chain([describe::OWNER]);
    kinds
        .filter(|name| kind.is_none_or(|kind| kind == *name))
        .any(|name| describe::tag(rule, name).contains(&word))
}

fn show(rules: &[&Rule]) -> anyhow::Result<()> {
    let header = [
        "PACK", "RULE", "VERSION", "TITLE", "CLASS", "SEVERITY", "STATUS", "TRIGGER", "ENTITY",
        "OWNER", "TESTS",
    ];
    let mut table = output::table(&header);
    for rule in rules {
        table.add_row([
            describe::pack(rule),
            &rule.name,
            &version(rule).unwrap_or_default(),
            &rule.title,
            rule.class.word(),
            rule.severity.word(),
            rule.status.word(),
            &describe::trigger(rule),
            rule.catalogue.role_word(rule.entity),
            &describe::tag(rule, describe::OWNER).join(", "),
            &rule.tests.len().to_string(),
        ]);
    }
    output::line(&table.to_string())?;
    let off = rules.iter().filter(|rule| rule.status == Status::Off).count();
    let off = if off > 0 { format!(", {off} of them off") } else { String::new() };
    output::line(&format!("{} rule(s){off}", rules.len()))?;
    Ok(())
}

fn version(rule: &Rule) -> Option<String> {
    rule.metadata.version.map(|version| version.to_string())
}

fn as_json(rule: &Rule) -> Value {
    let metadata = &rule.metadata;
    json!({
        "pack": describe::pack(rule),
        "rule": rule.name,
        "path": rule.path,
        "version": version(rule),
        "title": rule.title,
        "class": rule.class.word(),
        "severity": rule.severity.word(),
        "status": rule.status.word(),
        "trigger": describe::trigger(rule),
        "entity": rule.catalogue.role_word(rule.entity),
        "owner": describe::tag(rule, describe::OWNER),
        "author": metadata.author,
        "approver": metadata.approver.as_ref().map(|it| &it.value),
        "review_by": metadata.review_by.as_ref().map(|it| it.value.to_string()),
        "expected_alerts": metadata.expected_alerts.as_ref().map(|it| it.value.to_string()),
        "indicators": metadata.indicators,
        "disclosable": metadata.is_disclosable(),
        "tags": rule.tags,
        "tests": rule.tests.len(),
        "digest": rule.digest,
        "meaning": rule.meaning,
    })
}
