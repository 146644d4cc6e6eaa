//! Rules that read the matches of other rules: whether those are there, and in which order to evaluate.
//!
//! In: all rules that were read, with the names of the files that were not. Out: problems, an order in
//! which every rule comes after those that it reads, and the rules that one of them needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::diagnostic::{Diagnostic, closest};
use super::typed::{Rule, Status};
use super::waking::Matches;

/// Problems of rules that read others, by their names. `names` are those of all rule files.
#[must_use]
pub fn problems(rules: &[Arc<Rule>], names: &BTreeSet<&str>) -> Vec<Diagnostic> {
    let by_name: BTreeMap<&str, &Arc<Rule>> =
        rules.iter().map(|rule| (rule.name.as_str(), rule)).collect();
    let mut problems = Vec::new();
    for rule in by_name.values() {
        for read in &rule.matches {
            match by_name.get(read.rule.as_str()) {
                Some(other) => problems.extend(misread(rule, read, other)),
                // A file with errors of its own is not unknown.
                None if names.contains(read.rule.as_str()) => {}
                None => problems.push(unknown(rule, read, names)),
            }
        }
    }
    problems.extend(cycles(&by_name));
    problems
}

fn report(
    code: &'static str,
    rule: &Rule,
    read: &Matches,
    title: String,
    label: &str,
) -> Diagnostic {
    Diagnostic::new(code, &rule.path, read.span, title, label.to_owned())
}

fn unknown(rule: &Rule, read: &Matches, names: &BTreeSet<&str>) -> Diagnostic {
    let title = format!("unknown rule `{}`", read.rule);
    let problem = report("E087", rule, read, title, "no such rule");
    let help = closest(&read.rule, names.iter().copied()).map_or_else(
        || "name a rule of this folder, as it stands behind `rule:`".to_owned(),
        |name| format!("did you mean `{name}`?"),
    );
    problem.with_help(help)
}

/// What is wrong with reading `other`.
fn misread(rule: &Rule, read: &Matches, other: &Rule) -> Option<Diagnostic> {
    let word = |role| rule.catalogue.role_word(role);
    if read.by != other.entity {
        let about = word(other.entity);
        let title = format!("`{}` is about the {about}, not the {}", other.name, word(read.by));
        let help = format!("write `by {about}` behind the bracket, if the waking event has one");
        return Some(report("E087", rule, read, title, "never the same key").with_help(help));
    }
    let why = match (other.status, rule.status) {
        (Status::Off, _) => "it is off",
        (Status::Shadow, Status::Active) => "it is in shadow, and this rule is active",
        _ => return None,
    };
    let title = format!("the matches of `{}` do not count: {why}", other.name);
    let help = "make that rule active, or this one a shadow rule too";
    Some(report("W250", rule, read, title, "always 0").with_help(help))
}

/// One problem for each rule that reads its own matches, directly or by way of others.
fn cycles(by_name: &BTreeMap<&str, &Arc<Rule>>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for rule in by_name.values() {
        for read in &rule.matches {
            let Some(path) = path_to(&read.rule, &rule.name, by_name) else { continue };
            let path: Vec<String> = path.iter().map(|name| format!("`{name}`")).collect();
            let title = format!("`{}` would wait for its own matches", rule.name);
            let help =
                format!("break the circle: `{}` reads {}", rule.name, path.join(", which reads "));
            problems.push(report("E088", rule, read, title, "leads back here").with_help(help));
        }
    }
    problems
}

/// The rules from `start` to `end`, each reading the next.
fn path_to<'r>(
    start: &'r str,
    end: &str,
    by_name: &BTreeMap<&str, &'r Arc<Rule>>,
) -> Option<Vec<&'r str>> {
    let mut seen = BTreeSet::from([start]);
    let mut paths = vec![vec![start]];
    while let Some(path) = paths.pop() {
        let last = *path.last()?;
        if last == end {
            return Some(path);
        }
        let read = by_name.get(last).map(|rule| rule.matches.as_slice()).unwrap_or_default();
        for next in read.iter().rev() {
            if seen.insert(next.rule.as_str()) {
                let mut longer = path.clone();
                longer.push(next.rule.as_str());
                paths.push(longer);
            }
        }
    }
    None
}

/// The rules, each behind those whose matches it reads, by name where that leaves a choice.
#[must_use]
pub fn in_order(rules: &[Arc<Rule>]) -> Vec<Arc<Rule>> {
    let mut waiting: BTreeMap<&str, &Arc<Rule>> =
        rules.iter().map(|rule| (rule.name.as_str(), rule)).collect();
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |rule: &Arc<Rule>| {
            rule.matches.iter().all(|read| !waiting.contains_key(read.rule.as_str()))
        };
        // The checker lets no circle through; without a ready rule the first by name goes on.
        let ready = waiting.iter().find(|(_, rule)| is_ready(rule)).or(waiting.iter().next());
        let Some((&name, &rule)) = ready else { break };
        ordered.push(Arc::clone(rule));
        waiting.remove(name);
    }
    ordered
}

/// The other rules among `rules` whose matches `rule` reads, directly or by way of others.
#[must_use]
pub fn needed<'r>(rule: &Rule, rules: &'r [Arc<Rule>]) -> Vec<&'r Arc<Rule>> {
    let mut names: Vec<&str> = rule.matches.iter().map(|read| read.rule.as_str()).collect();
    let mut found: Vec<&Arc<Rule>> = Vec::new();
    while let Some(name) = names.pop() {
        let is_new = name != rule.name && found.iter().all(|known| known.name != name);
        if let Some(other) = rules.iter().find(|other| is_new && other.name == name) {
            found.push(other);
            names.extend(other.matches.iter().map(|read| read.rule.as_str()));
        }
    }
    found
}
