//! `weir test --gaps`: which changes to a rule no test of it would notice.
//!
//! Every rule is changed in many small ways, each change is loaded and its tests are run. What no test
//! notices is told by line, with the test that would.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::{exit, output, parallel};
use crate::engine::rehearsal;
use crate::engine::rehearsal::gaps::{Fate, Study, studies};
use crate::rulebook::mutate::Mutant;
use crate::rulebook::{Rule, Rulebook, render};

/// Most changes that are told per file, unless all are asked for.
const SHOWN_MAX: usize = 10;

/// What came of all changes to one rule.
struct Findings<'a> {
    study: &'a Study,
    noticed: usize,
    not_a_rule: usize,
    same: Vec<(&'a Mutant, &'static str)>,
    unnoticed: Vec<&'a Mutant>,
}

/// Looks for gaps in the tests of the wanted rules.
pub fn run(
    rulebook: &Rulebook,
    is_wanted: impl Fn(&Rule) -> bool,
    is_json: bool,
    is_all: bool,
) -> anyhow::Result<u8> {
    let failing = failing(rulebook, &is_wanted);
    if failing > 0 {
        // A failed test would notice every change.
        output::say(&format!(
            "weir: {failing} test(s) fail with the rules as they are; `weir test` shows them, and gaps can \
             be told when they pass"
        ));
        return Ok(exit::FINDINGS);
    }
    let studies = studies(rulebook, is_wanted);
    let tried: Vec<(&Study, &Mutant)> = studies
        .iter()
        .flat_map(|study| study.mutants.iter().map(move |mutant| (study, mutant)))
        .collect();
    let fates = parallel::map("gaps", &tried, |(study, mutant)| study.try_out(mutant));
    let mut fates = fates.into_iter();
    let findings: Vec<Findings<'_>> =
        studies.iter().map(|study| Findings::new(study, &mut fates)).collect();
    if is_json {
        output::json(&json!({ "rules": findings.iter().map(as_json).collect::<Vec<_>>() }))?;
    } else {
        for of_rule in &findings {
            show(of_rule, is_all)?;
        }
        output::line(&summary(&findings))?;
    }
    let has_gap = findings.iter().any(|it| !it.unnoticed.is_empty());
    Ok(if has_gap { exit::FINDINGS } else { exit::FINE })
}

/// How many tests of the wanted rules fail.
fn failing(rulebook: &Rulebook, is_wanted: impl Fn(&Rule) -> bool) -> usize {
    let rules = rulebook.rules.iter().filter(|rule| is_wanted(rule));
    rules
        .flat_map(|rule| rule.tests.iter().map(move |test| (rule, test)))
        .filter(|(rule, test)| !rehearsal::is_passed(rulebook, rule, test))
        .count()
}

impl<'a> Findings<'a> {
    fn new(study: &'a Study, fates: &mut impl Iterator<Item = Fate>) -> Self {
        let mut findings =
            Self { study, noticed: 0, not_a_rule: 0, same: Vec::new(), unnoticed: Vec::new() };
        for (mutant, fate) in study.mutants.iter().zip(fates) {
            match fate {
                Fate::Noticed => findings.noticed += 1,
                Fate::NotARule => findings.not_a_rule += 1,
                Fate::Same(reason) => findings.same.push((mutant, reason)),
                Fate::Unnoticed => findings.unnoticed.push(mutant),
            }
        }
        findings
    }

    fn line(&self, mutant: &Mutant) -> usize {
        render::position(&self.study.rule.source, mutant.span.start).line
    }
}

fn show(findings: &Findings<'_>, is_all: bool) -> anyhow::Result<()> {
    let rule = &findings.study.rule;
    let shown = if is_all { usize::MAX } else { SHOWN_MAX };
    let mut by_line: BTreeMap<usize, Vec<&Mutant>> = BTreeMap::new();
    for mutant in findings.unnoticed.iter().take(shown) {
        by_line.entry(findings.line(mutant)).or_default().push(mutant);
    }
    for (line, mutants) in by_line {
        let text = rule.source.lines().nth(line - 1).unwrap_or_default().trim();
        output::line(&format!("{}:{line}: {text}", rule.path))?;
        for mutant in mutants {
            output::line(&format!("  no test notices if {}", mutant.supposition()))?;
            output::line(&format!("    {}", mutant.hint))?;
        }
    }
    if is_all {
        for (mutant, reason) in &findings.same {
            let (line, what) = (findings.line(mutant), mutant.supposition());
            output::line(&format!("{}:{line}: nothing changes if {what}: {reason}", rule.path))?;
        }
    }
    if findings.unnoticed.len() > shown {
        let more = findings.unnoticed.len() - shown;
        output::line(&format!("{}: {more} more; --all shows them", rule.path))?;
    }
    if !findings.unnoticed.is_empty() {
        output::line("")?;
    }
    Ok(())
}

fn summary(findings: &[Findings<'_>]) -> String {
    let sum = |count: fn(&Findings<'_>) -> usize| findings.iter().map(count).sum::<usize>();
    format!(
        "{} rule(s), {} change(s): {} noticed, {} noticed by no test, {} change nothing, {} do not load",
        findings.len(),
        sum(|it| it.study.mutants.len()),
        sum(|it| it.noticed),
        sum(|it| it.unnoticed.len()),
        sum(|it| it.same.len()),
        sum(|it| it.not_a_rule),
    )
}

fn as_json(findings: &Findings<'_>) -> Value {
    let one = |mutant: &Mutant| {
        let place = render::position(&findings.study.rule.source, mutant.span.start);
        json!({
            "line": place.line,
            "column": place.column,
            "kind": mutant.kind.word(),
            "before": mutant.before,
            "after": mutant.after,
            "hint": mutant.hint,
        })
    };
    let unnoticed: Vec<Value> = findings.unnoticed.iter().map(|mutant| one(mutant)).collect();
    let same: Vec<Value> = findings
        .same
        .iter()
        .map(|(mutant, reason)| {
            let mut value = one(mutant);
            if let Some(object) = value.as_object_mut() {
                object.remove("hint");
                object.insert("reason".to_owned(), json!(reason));
            }
            value
        })
        .collect();
    json!({
        "rule": findings.study.rule.name,
        "path": findings.study.rule.path,
        "changes": findings.study.mutants.len(),
        "noticed": findings.noticed,
        "not_a_rule": findings.not_a_rule,
        "unnoticed": unnoticed,
        "same": same,
    })
}
