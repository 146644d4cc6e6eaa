//! `weir explain`: one rule as it is compiled, for an analyst.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::{check, cost, exit, output};
use crate::engine::anatomy::{Anatomy, Legs, Stage, anatomy};
use crate::engine::cost::{Fold, RuleCost, estimate_rule};
use crate::files;
use crate::rulebook::diagnostic::{self, Diagnostic, Level};
use crate::rulebook::meaning::lists_read;
use crate::rulebook::typed::{ExprKind, Let, List, Rule, Rulebook, Status};
use crate::rulebook::{Loaded, describe, loader};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The rule's name, or the path of its file.
    rule: String,
    /// Rules folder.
    #[arg(long, env = "WEIR_RULES", default_value = "rules", value_name = "FOLDER")]
    rules: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pace: cost::Pace,
}

/// A rule with everything that is told of it.
struct Told {
    rulebook: Arc<Rulebook>,
    rule: Arc<Rule>,
    anatomy: Anatomy,
    cost: RuleCost,
}

/// `weir explain`
pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let name = name_of(&arguments.rule);
    let path = Path::new(&arguments.rule);
    let texts = files::read_folder(&arguments.rules);
    let texts = match texts {
        Ok(texts) if texts.keys().any(|path| name_of(path) == name) => texts,
        // A file outside of the folder is explained among the rules around it.
        _ if files::is_rule(path) && path.is_file() => {
            files::read_around(&[path.to_owned()])?.texts
        }
        texts => texts?,
    };
    let loaded = load_what_is_sound(&texts);
    let Some(rule) = loaded.rules.values().find(|rule| rule.name == name) else {
        return not_there(name, &texts, &loaded);
    };
    let problems: Vec<Diagnostic> =
        loaded.diagnostics.iter().filter(|it| it.level == Level::Error).cloned().collect();
    let Some(rulebook) = loaded.rulebook.map(Arc::new) else {
        check::show(&problems, &texts)?;
        output::say("weir: the rule cannot be explained without what is wrong here");
        return Ok(exit::FINDINGS);
    };
    let Some(cost) = estimate_rule(&rulebook, rule, &arguments.pace.assumptions()) else {
        anyhow::bail!("the rule `{name}` was not compiled");
    };
    let told = Told { anatomy: anatomy(&rulebook, rule), rule: Arc::clone(rule), cost, rulebook };
    if arguments.json {
        output::json(&to_json(&told, &arguments.pace))?;
    } else {
        show(&told, &arguments.pace)?;
    }
    Ok(exit::FINE)
}

/// The file's name without folder and ending, which is the rule's name.
fn name_of(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file)
}

/// Loads the files, and if some rules have errors, the others without them: a mistake in one rule does not
/// keep anybody from reading another.
fn load_what_is_sound(texts: &BTreeMap<String, String>) -> Loaded {
    let loaded = loader::load(texts);
    if loaded.rulebook.is_some() {
        return loaded;
    }
    let mut sound = texts.clone();
    for problem in loaded.diagnostics.iter().filter(|it| it.level == Level::Error) {
        if files::is_rule(Path::new(&problem.path)) {
            sound.remove(&problem.path);
        }
    }
    let without = loader::load(&sound);
    let names: Vec<&str> =
        texts.keys().filter(|it| !sound.contains_key(*it)).map(String::as_str).collect();
    if !names.is_empty() {
        output::say(&format!("weir: left out because of errors: {}", names.join(", ")));
    }
    // What is wrong is still told to whoever asks for just that rule.
    Loaded { diagnostics: loaded.diagnostics, ..without }
}

fn not_there(name: &str, texts: &BTreeMap<String, String>, loaded: &Loaded) -> anyhow::Result<u8> {
    let wrong =
        |problem: &&Diagnostic| problem.level == Level::Error && name_of(&problem.path) == name;
    let problems: Vec<Diagnostic> = loaded.diagnostics.iter().filter(wrong).cloned().collect();
    if !problems.is_empty() {
        check::show(&problems, texts)?;
        output::say(&format!("weir: the rule `{name}` has errors and cannot be explained"));
        return Ok(exit::FINDINGS);
    }
    let names: Vec<&str> = loaded.rules.values().map(|rule| rule.name.as_str()).collect();
    let hint = diagnostic::did_you_mean(name, &names);
    let hint = hint.unwrap_or_else(|| "`weir rules list` shows all".to_owned());
    output::say(&format!("weir: there is no rule `{name}`; {hint}"));
    Ok(exit::FINDINGS)
}

fn show(told: &Told, pace: &cost::Pace) -> anyhow::Result<()> {
    let Told { rule, anatomy, cost, rulebook } = told;
    output::line(&format!("{}: {}", rule.name, rule.title))?;
    output::line(&format!(
        "{}, {}, {}, severity {}, in force {}",
        rule.path,
        rule.status.word(),
        rule.class.word(),
        rule.severity.word(),
        describe::effective(rule.effective),
    ))?;
    let said = &rule.metadata;
    let people = [("owner", &said.owner), ("author", &said.author)];
    let people =
        people.into_iter().filter_map(|(role, name)| Some(format!("{role} {}", name.as_ref()?)));
    let approver = said.approver.as_ref().map(|name| format!("approver {}", name.value));
    let version = said.version.map(|version| format!("version {version}"));
    let words: Vec<String> = version.into_iter().chain(people).chain(approver).collect();
    if !words.is_empty() {
        output::line(&words.join(", "))?;
    }
    if rule.status == Status::Off {
        output::line("It is off: checked only, and explained as if it were active.")?;
    }
    if !rule.about.trim().is_empty() {
        output::line(&format!("\n{}", rule.about.trim_end()))?;
    }
    output::line("\nWakes on")?;
    output::line(&format!("  {}", describe::trigger(rule)))?;
    for legs in anatomy.legs.iter().flatten() {
        output::line(&format!("  legs going {}, of {}", legs.direction, types_of(legs)))?;
    }
    let entity = rule.catalogue.role_word(rule.entity);
    output::line(&format!("  about the {entity}; without one it is not woken"))?;
    show_order(anatomy)?;
    show_values(told)?;
    show_params(rule)?;
    show_lists(rule, rulebook)?;
    show_alert(rule)?;
    output::line(&format!("\nRemembered, at {}", pace.words()))?;
    for line in cost::stored_lines(cost) {
        output::line(&format!("  {line}"))?;
    }
    output::line(&format!("\nOne event makes at most\n  {}", cost::work_words(&cost.work)))?;
    output::line("\nDigests")?;
    for (name, digest) in digests(rule, rulebook) {
        output::line(&format!("  {name:<9} {digest}"))?;
    }
    Ok(())
}

fn types_of(legs: &Legs) -> String {
    legs.types
        .as_ref()
        .map_or_else(|| "any type".to_owned(), |types| format!("type {}", types.join(", ")))
}

fn show_order(anatomy: &Anatomy) -> anyhow::Result<()> {
    if anatomy.decisions.is_empty() {
        return Ok(());
    }
    output::line("\nDecided in this order, up to the first that does not hold")?;
    let mut table = output::table(&["", "stage", "line", "condition", "reads"]);
    for (decision, number) in anatomy.decisions.iter().zip(1_usize..) {
        let name = decision.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        table.add_row([
            number.to_string(),
            decision.stage.word().to_owned(),
            decision.line.to_string(),
            name + &decision.text,
            decision.reach.word().to_owned(),
        ]);
    }
    output::line(&table.to_string())?;
    if anatomy.decisions.iter().any(|it| it.stage == Stage::Unless) {
        output::line(
            "  `unless` is asked of matches only: the first that holds excuses the match",
        )?;
    }
    Ok(())
}

fn show_values(told: &Told) -> anyhow::Result<()> {
    if told.rule.lets.is_empty() {
        return Ok(());
    }
    output::line("\nNamed values")?;
    for item in &told.rule.lets {
        let text = describe::expression(&told.rule, &item.expr);
        let line = describe::line(&told.rule, item.expr.span);
        output::line(&format!("  {} ({}, line {line}): {text}", item.name, item.expr.ty.word()))?;
        for fold in folds_of(told, item) {
            let shared = match fold.shared_with.as_slice() {
                [] => String::new(),
                rules => format!(", shared with {}", rules.join(", ")),
            };
            output::line(&format!("      {}: {}{shared}", fold.window, fold.holds))?;
        }
    }
    Ok(())
}

/// The aggregates that a named value itself reads.
fn folds_of<'a>(told: &'a Told, item: &Let) -> Vec<&'a Fold> {
    let mut texts = Vec::new();
    item.expr.each_part(&mut |part| {
        if let ExprKind::Aggregate(index) = part.kind {
            texts.extend(
                told.rule.aggregates.get(index).map(|it| describe::written(&told.rule, it.span)),
            );
        }
    });
    let all = told.cost.stored.iter().flat_map(|stored| &stored.folds);
    all.filter(|fold| texts.contains(&fold.text)).collect()
}

fn show_params(rule: &Rule) -> anyhow::Result<()> {
    if rule.params.is_empty() {
        return Ok(());
    }
    output::line("\nParameters")?;
    for param in &rule.params {
        let rows: Vec<String> = describe::values(param)
            .into_iter()
            .map(|(case, value)| if case.is_empty() { value } else { format!("{case} {value}") })
            .collect();
        let by = describe::chosen_by(rule, param).map(|by| format!(" by {by}")).unwrap_or_default();
        let unit =
            param.metadata.unit.as_ref().map(|unit| format!(" ({unit})")).unwrap_or_default();
        output::line(&format!("  {}{by}: {}{unit}", param.name, rows.join(", ")))?;
    }
    Ok(())
}

fn show_lists(rule: &Rule, rulebook: &Rulebook) -> anyhow::Result<()> {
    let names = lists_read(rule);
    if names.is_empty() {
        return Ok(());
    }
    output::line("\nLists")?;
    for name in names {
        let told = rulebook.lists.get(&name).map_or_else(
            || "not there, so that nothing is in it".to_owned(),
            |list| format!("{} rows, version {}", list.rows.len(), list.digest),
        );
        output::line(&format!("  {name}: {told}"))?;
    }
    Ok(())
}

fn show_alert(rule: &Rule) -> anyhow::Result<()> {
    let alert = &rule.alert;
    output::line("\nRaises")?;
    output::line(&format!(
        "  score    {}, held to 0 to 100",
        describe::expression(rule, &alert.score)
    ))?;
    output::line(&format!("  message  {}", describe::template(rule, &alert.message)))?;
    output::line(&format!("  cooldown {}", cooldown(rule)))?;
    if let Some(rekyc) = &rule.rekyc {
        let when = rekyc.when.as_ref().map_or_else(
            || "with every alert".to_owned(),
            |when| format!("when {}", describe::expression(rule, when)),
        );
        output::line(&format!(
            "  re-KYC   {when}: scope {}, level {}, cause {}, due within {}; {}",
            rekyc.scope.word(),
            rekyc.level.word(),
            rekyc.cause.word(),
            rekyc.due,
            describe::template(rule, &rekyc.reason),
        ))?;
    }
    Ok(())
}

fn cooldown(rule: &Rule) -> String {
    let Some(cooldown) = rule.alert.cooldown else {
        return "none: every match raises an alert".to_owned();
    };
    let roles = std::iter::once(&rule.entity).chain(&rule.alert.dedup);
    let roles: Vec<&str> = roles.map(|role| rule.catalogue.role_word(*role)).collect();
    format!("{cooldown} per {}", roles.join(", "))
}

fn digests<'a>(rule: &'a Rule, rulebook: &'a Rulebook) -> [(&'static str, &'a str); 4] {
    [
        ("source", rule.digest.as_str()),
        ("meaning", rule.meaning.as_str()),
        ("rulebook", rulebook.digest.as_str()),
        ("fields", rule.catalogue.digest()),
    ]
}

fn to_json(told: &Told, pace: &cost::Pace) -> Value {
    let Told { rule, anatomy, cost, rulebook } = told;
    let alert = &rule.alert;
    let dedup: Vec<&str> = alert.dedup.iter().map(|role| rule.catalogue.role_word(*role)).collect();
    json!({
        "rule": rule.name,
        "title": rule.title,
        "about": rule.about,
        "path": rule.path,
        "status": rule.status.word(),
        "class": rule.class.word(),
        "severity": rule.severity.word(),
        "effective": {
            "from": rule.effective.and_then(|it| it.from).map(|at| at.to_string()),
            "to": rule.effective.and_then(|it| it.to).map(|at| at.to_string()),
        },
        "wakes_on": describe::trigger(rule),
        "legs": anatomy.legs.as_ref().map(|legs| legs.iter().map(legs_json).collect::<Vec<_>>()),
        "entity": rule.catalogue.role_word(rule.entity),
        "decisions": anatomy.decisions.iter().map(|decision| json!({
            "stage": decision.stage.word(),
            "name": decision.name,
            "line": decision.line,
            "text": decision.text,
            "reads": decision.reach.word(),
        })).collect::<Vec<_>>(),
        "values": rule.lets.iter().map(|item| value_json(told, item)).collect::<Vec<_>>(),
        "params": rule.params.iter().map(|param| json!({
            "name": param.name,
            "type": param.ty.word(),
            "by": describe::chosen_by(rule, param),
            "unit": param.metadata.unit,
            "values": describe::values(param)
                .into_iter()
                .map(|(case, value)| json!({ "case": (!case.is_empty()).then_some(case), "value": value }))
                .collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "lists": lists_read(rule).into_iter().map(|name| list_json(&name, rulebook.lists.get(&name)))
            .collect::<Vec<_>>(),
        "score": describe::expression(rule, &alert.score),
        "message": describe::template(rule, &alert.message),
        "cooldown": alert.cooldown.map(|span| span.to_string()),
        "dedup": dedup,
        "rekyc": rule.rekyc.as_ref().map(|rekyc| json!({
            "when": rekyc.when.as_ref().map(|when| describe::expression(rule, when)),
            "scope": rekyc.scope.word(),
            "level": rekyc.level.word(),
            "cause": rekyc.cause.word(),
            "reason": describe::template(rule, &rekyc.reason),
            "due": rekyc.due.to_string(),
        })),
        "cost": {
            "assumptions": cost::assumptions_json(pace),
            "rule": cost::rule_json(cost),
        },
        "digests": digests(rule, rulebook)
            .into_iter()
            .map(|(name, digest)| (name.to_owned(), Value::from(digest)))
            .collect::<serde_json::Map<_, _>>(),
    })
}

fn legs_json(legs: &Legs) -> Value {
    json!({ "direction": legs.direction, "types": legs.types })
}

fn value_json(told: &Told, item: &Let) -> Value {
    let folds = folds_of(told, item).into_iter().map(cost::fold_json).collect::<Vec<_>>();
    json!({
        "name": item.name,
        "type": item.expr.ty.word(),
        "line": describe::line(&told.rule, item.expr.span),
        "text": describe::expression(&told.rule, &item.expr),
        "aggregates": folds,
    })
}

fn list_json(name: &str, list: Option<&List>) -> Value {
    json!({
        "name": name,
        "rows": list.map(|list| list.rows.len()),
        "digest": list.map(|list| list.digest.as_str()),
    })
}
