//! What rules cost, for people and for programs.

use clap::Args;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::output;
use crate::engine::cost::{
    Assumptions, Costs, Fold, KeyCost, Kind, Operations, RuleCost, Stored, Work,
};

/// Keys of each kind that the sum is told for.
const MANY_KEYS: u64 = 1_000_000;

/// How busy keys are taken to be.
#[derive(Debug, Args)]
pub struct Pace {
    /// Events of each key per day that an estimate of cost assumes.
    #[arg(long, value_name = "N", default_value = "1", value_parser = rate)]
    events_per_day: Decimal,
    /// Days of events behind each key; what is kept for ever is kept for so long.
    #[arg(long, value_name = "DAYS", default_value = "365", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

fn rate(text: &str) -> Result<Decimal, String> {
    let number = Decimal::from_str_exact(text).ok();
    let number =
        number.filter(|number| *number > Decimal::ZERO && *number <= Decimal::from(1_000_000));
    number.ok_or_else(|| "a number above 0 and at most 1000000, such as 0.5 or 20".to_owned())
}

impl Pace {
    /// The same, as the estimate takes it.
    pub fn assumptions(&self) -> Assumptions {
        Assumptions {
            events_per_day: self.events_per_day,
            days: self.days,
            ..Assumptions::default()
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        let events = self.events_per_day.normalize();
        let events =
            if events == Decimal::ONE { "1 event".to_owned() } else { format!("{events} events") };
        format!(
            "{events} per key and day, {} days of them, every filter letting all of them in",
            self.days
        )
    }
}

/// Draws all estimates for a person.
pub fn show(costs: &Costs, pace: &Pace) -> anyhow::Result<()> {
    output::line(&format!("\nEstimated cost at {}:\n", pace.words()))?;
    let mut table = output::table(&[
        "RULE",
        "WAKES ON",
        "BYTES/KEY",
        "WORK/EVENT",
        "AGGREGATES",
        "SHARES WITH",
    ]);
    for cost in &costs.rules {
        table.add_row([
            cost.rule.name.as_str(),
            &cost.wakes,
            &output::bytes(cost.bytes()),
            &work_in_short(&cost.work),
            &cost.aggregates().to_string(),
            &cost.shares_with().join(", "),
        ]);
    }
    output::line(&table.to_string())?;
    for cost in &costs.rules {
        output::line(&format!("\n{}", cost.rule.name))?;
        for line in stored_lines(cost) {
            output::line(&format!("  {line}"))?;
        }
        output::line(&format!("  one event makes at most {}", work_words(&cost.work)))?;
    }
    let together = costs.bytes();
    output::line(&format!(
        "\nAll rules together, what they share counted once: {}",
        keys_words(&costs.keys)
    ))?;
    output::line(&format!(
        "  {} for one key of each kind ({} apart), {} for a million keys of each",
        output::bytes(together),
        output::bytes(costs.bytes_apart),
        output::bytes(together.saturating_mul(MANY_KEYS)),
    ))?;
    output::line(&format!(
        "  and {} per event of the log for its id, kept for {}",
        output::bytes(costs.ids.bytes_per_event),
        costs.ids.kept_for,
    ))?;
    output::line(NOTE)?;
    Ok(())
}

const NOTE: &str = "\nBytes are what structures ask for: each rule as if it were the only one. Profiles of customers, texts, open \
alerts and\nwhat the allocator adds come on top. Work is counted in steps; `cargo bench --bench evaluate` tells how long \
they take.";

/// What is remembered for a rule, in lines.
pub fn stored_lines(cost: &RuleCost) -> Vec<String> {
    let mut lines = Vec::new();
    for item in &cost.stored {
        let kept = match (item.kind, item.kept_for) {
            (Kind::Timer, _) => "until it has come".to_owned(),
            (_, Some(span)) => format!("for {span}"),
            (_, None) => "for ever".to_owned(),
        };
        lines.push(format!("{} by {}: {}", item.kind.word(), item.key, item.of));
        lines.push(format!(
            "  {}; {} of {}, kept {kept}: {}{}",
            item.holds,
            item.count,
            output::bytes(item.bytes_each),
            output::bytes(item.bytes),
            shared(&item.shared_with),
        ));
        lines.extend(item.folds.iter().map(fold_line));
    }
    if lines.is_empty() {
        lines.push("nothing but the latest time of each key".to_owned());
    }
    lines.push(format!("by itself: {}", keys_words(&cost.keys)));
    lines
}

fn fold_line(fold: &Fold) -> String {
    // What has no name of its own is told as written, with its window.
    let name = fold.name.as_ref().map(|name| format!("{name}: {}", fold.window));
    let bytes = match fold.bytes {
        0 => String::new(),
        bytes => format!(", {}", output::bytes(bytes)),
    };
    let name = name.unwrap_or_else(|| fold.text.clone());
    format!("  - {name}: {}{bytes}{}", fold.holds, shared(&fold.shared_with))
}

fn shared(rules: &[String]) -> String {
    if rules.is_empty() { String::new() } else { format!(" (shared with {})", rules.join(", ")) }
}

fn keys_words(keys: &[KeyCost]) -> String {
    let words: Vec<String> = keys
        .iter()
        .map(|key| format!("{} per {}", output::bytes(key.bytes), key.key.replace(", ", " and ")))
        .collect();
    words.join(", ")
}

fn work_in_short(work: &Work) -> String {
    let steps = work.entering.total() + work.judging.total() + work.readings + work.updates;
    let mut words = format!("{steps} steps");
    if work.tries > 0 {
        words.push_str(", a sequence");
    }
    if work.visits > 0 {
        words.push_str(", a search");
    }
    words
}

/// The work of one event, in full.
pub fn work_words(work: &Work) -> String {
    let mut words = Vec::new();
    for (operations, what) in [(&work.entering, "to let it in"), (&work.judging, "to judge it")] {
        if operations.total() > 0 {
            words.push(format!("{} {what}", operations_words(operations)));
        }
    }
    let counts =
        [(work.readings, "window reading"), (work.updates, "update of what is remembered")];
    for (count, word) in counts.into_iter().filter(|(count, _)| *count > 0) {
        words.push(plural(count, word));
    }
    if work.tries > 0 {
        words.push(format!("a sequence of at most {} tries", output::grouped(work.tries)));
    }
    if work.visits > 0 {
        words.push(format!("searches of at most {} visits", output::grouped(work.visits)));
    }
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn plural(count: u64, word: &str) -> String {
    // `update of what is remembered` is counted by its first word.
    let (noun, rest) =
        word.split_once(" of ").map_or((word, None), |(noun, rest)| (noun, Some(rest)));
    let ending = match (count, noun.ends_with("ss")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    let rest = rest.map(|rest| format!(" of {rest}")).unwrap_or_default();
    format!("{count} {noun}{ending}{rest}")
}

fn operations_words(operations: &Operations) -> String {
    let counts = [
        (operations.comparisons, "comparison"),
        (operations.calculations, "calculation"),
        (operations.lookups, "look-up"),
        (operations.likenesses, "likeness"),
    ];
    let words: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| plural(count, word))
        .collect();
    words.join(" and ")
}

/// All estimates for a program.
pub fn to_json(costs: &Costs, pace: &Pace) -> Value {
    json!({
        "assumptions": assumptions_json(pace),
        "rules": costs.rules.iter().map(rule_json).collect::<Vec<_>>(),
        "bytes_per_key": keys_json(&costs.keys),
        "bytes": costs.bytes(),
        "bytes_apart": costs.bytes_apart,
        "ids": {
            "bytes_per_event": costs.ids.bytes_per_event,
            "kept_for": costs.ids.kept_for.to_string(),
        },
    })
}

/// What was taken for granted.
pub fn assumptions_json(pace: &Pace) -> Value {
    let limits = pace.assumptions().limits;
    json!({
        "events_per_day": pace.events_per_day.normalize().to_string(),
        "days": pace.days,
        "series_events_max": limits.series_events_max,
        "step_events_max": limits.step_events_max,
        "graph_edges_max": limits.graph_edges_max,
        "judge_again_within": limits.judge_again_within.to_string(),
    })
}

/// The estimate of one rule.
pub fn rule_json(cost: &RuleCost) -> Value {
    let work = &cost.work;
    json!({
        "rule": cost.rule.name,
        "wakes_on": cost.wakes,
        "aggregates": cost.aggregates(),
        "bytes": cost.bytes(),
        "bytes_per_key": keys_json(&cost.keys),
        "shares_with": cost.shares_with(),
        "stored": cost.stored.iter().map(stored_json).collect::<Vec<_>>(),
        "work": {
            "entering": operations_json(&work.entering),
            "judging": operations_json(&work.judging),
            "readings": work.readings,
            "updates": work.updates,
            "tries_max": work.tries,
            "visits_max": work.visits,
        },
    })
}

fn stored_json(item: &Stored) -> Value {
    json!({
        "kind": item.kind.word(),
        "key": item.key,
        "of": item.of,
        "holds": item.holds,
        "kept_for": item.kept_for.map(|span| span.to_string()),
        "count": item.count,
        "bytes_each": item.bytes_each,
        "bytes": item.bytes,
        "aggregates": item.folds.iter().map(fold_json).collect::<Vec<_>>(),
        "shared_with": item.shared_with,
    })
}

/// One aggregate.
pub fn fold_json(fold: &Fold) -> Value {
    json!({
        "name": fold.name,
        "text": fold.text,
        "window": fold.window,
        "holds": fold.holds,
        "bytes": fold.bytes,
        "shared_with": fold.shared_with,
    })
}

fn operations_json(operations: &Operations) -> Value {
    json!({
        "comparisons": operations.comparisons,
        "calculations": operations.calculations,
        "lookups": operations.lookups,
        "likenesses": operations.likenesses,
    })
}

fn keys_json(keys: &[KeyCost]) -> Value {
    keys.iter().map(|key| (key.key.clone(), Value::from(key.bytes))).collect()
}
