//! What officers and operators ask: alerts with their reasons, re-KYC requests, status.
//!
//! Reads the database directly, also while the daemon writes it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigArguments, exit, output, runtime};
use crate::domain::{Evidence, Instant, Severity};
use crate::store::{
    self, AlertDetail, AlertFilter, AlertSummary, Found, Reader, RekycFilter, RekycSummary, Status,
};

/// Contributing events listed per window in text; `--json` gives all that are kept.
const EVENTS_SHOWN: usize = 12;

#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// Alerts, newest first.
    List(AlertsList),
    /// One alert with the reason for it.
    Show(AlertsShow),
}

#[derive(Debug, Args)]
pub struct AlertsList {
    #[command(flatten)]
    config: ConfigArguments,
    /// Only this status: open, `false_positive`, explained, confirmed.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(store::ALERT_STATUSES))]
    status: Option<String>,
    /// Only this severity; may be given more than once.
    #[arg(long, value_parser = severity)]
    severity: Vec<Severity>,
    /// Only of this rule.
    #[arg(long)]
    rule: Option<String>,
    /// Only about this customer, account or other entity.
    #[arg(long, value_name = "ID")]
    party: Option<String>,
    /// Only raised at or after this time (RFC 3339), in event time.
    #[arg(long, value_parser = instant)]
    since: Option<Instant>,
    /// Also alerts of rules in shadow.
    #[arg(long)]
    shadow: bool,
    /// At most so many; 0 for all.
    #[arg(long, default_value_t = 50)]
    limit: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct AlertsShow {
    #[command(flatten)]
    config: ConfigArguments,
    /// The alert's id, or the beginning of it.
    id: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub enum RekycCommand {
    /// Requests, the most urgent first.
    List(RekycList),
}

#[derive(Debug, Args)]
pub struct RekycList {
    #[command(flatten)]
    config: ConfigArguments,
    /// Only open or completed ones.
    #[arg(long, value_parser = ["open", "completed"])]
    status: Option<String>,
    /// Only of this customer.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Also requests of rules in shadow.
    #[arg(long)]
    shadow: bool,
    /// At most so many; 0 for all.
    #[arg(long, default_value_t = 50)]
    limit: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn severity(word: &str) -> Result<Severity, String> {
    Severity::parse(word).ok_or_else(|| format!("use one of {}", Severity::WORDS.join(", ")))
}

fn instant(text: &str) -> Result<Instant, String> {
    Instant::parse(text).ok_or_else(|| "write for example 2026-01-31T08:00:00Z".to_owned())
}

/// Asks the database one question.
fn ask<T>(
    config: &ConfigArguments,
    question: impl AsyncFnOnce(&Reader) -> Result<T, store::Error>,
) -> anyhow::Result<T> {
    let database: PathBuf = config.load()?.database;
    runtime()?.block_on(async {
        let reader = store::open_read_only(&database).await?;
        let answer = question(&reader).await;
        reader.close().await;
        Ok(answer?)
    })
}

/// `weir alerts`
pub fn alerts(command: &AlertsCommand) -> anyhow::Result<u8> {
    match command {
        AlertsCommand::List(arguments) => alerts_list(arguments),
        AlertsCommand::Show(arguments) => alerts_show(arguments),
    }
}

fn alerts_list(arguments: &AlertsList) -> anyhow::Result<u8> {
    let filter = AlertFilter {
        status: arguments.status.clone(),
        severities: arguments.severity.clone(),
        rule: arguments.rule.clone(),
        party: arguments.party.clone(),
        since: arguments.since,
        with_shadow: arguments.shadow,
        limit: arguments.limit,
        offset: 0,
    };
    let alerts = ask(&arguments.config, async |reader| reader.alerts(&filter).await)?;
    if arguments.json {
        output::json(&alerts)?;
        return Ok(exit::FINE);
    }
    if alerts.is_empty() {
        output::line("no alerts")?;
        return Ok(exit::FINE);
    }
    let mut table = output::table(&["id", "at", "severity", "score", "rule", "about", "message"]);
    for alert in &alerts {
        table.add_row([
            output::short(&alert.id).to_owned(),
            alert.at.to_string(),
            severity_shown(alert),
            alert.score.clone(),
            alert.rule.clone(),
            format!("{} {}", alert.entity_role, alert.entity_id),
            message_shown(alert),
        ]);
    }
    output::line(&table.to_string())?;
    if arguments.limit > 0 && alerts.len() as u64 == arguments.limit {
        output::line(&format!("the newest {} are shown; --limit 0 shows all", arguments.limit))?;
    }
    output::line("weir alerts show ID explains one")?;
    Ok(exit::FINE)
}

fn severity_shown(alert: &AlertSummary) -> String {
    if alert.is_shadow { format!("{} (shadow)", alert.severity) } else { alert.severity.clone() }
}

fn message_shown(alert: &AlertSummary) -> String {
    if alert.occurrences > 1 {
        format!("{} (matched {} times)", alert.message, alert.occurrences)
    } else {
        alert.message.clone()
    }
}

fn alerts_show(arguments: &AlertsShow) -> anyhow::Result<u8> {
    let found = ask(&arguments.config, async |reader| reader.alert(&arguments.id).await)?;
    match found {
        Found::One(alert) if arguments.json => output::json(&alert)?,
        Found::One(alert) => show(&alert)?,
        Found::None => {
            output::say(&format!(
                "weir: no alert's id begins with `{}`; `weir alerts list` shows ids",
                arguments.id
            ));
            return Ok(exit::FINDINGS);
        }
        Found::Several(ids) => {
            output::say(&format!(
                "weir: several alerts' ids begin with `{}`: {}",
                arguments.id,
                ids.join(", ")
            ));
            return Ok(exit::FINDINGS);
        }
    }
    Ok(exit::FINE)
}

fn show(alert: &AlertDetail) -> anyhow::Result<()> {
    let summary = &alert.summary;
    output::line(&summary.message)?;
    output::line("")?;
    let mut facts = output::table(&["", ""]);
    facts.set_header(Vec::<String>::new());
    let mut marks = Vec::new();
    if summary.is_late {
        marks.push("a late event took part");
    }
    if summary.is_re_evaluated {
        marks.push("raised when judged again: the identity came late");
    }
    if summary.is_shadow {
        marks.push("shadow: recorded, not sent");
    }
    for (name, value) in [
        ("alert", summary.id.clone()),
        ("rule", format!("{} — {}", summary.rule, summary.title)),
        ("about", format!("{} {}", summary.entity_role, summary.entity_id)),
        ("customer", summary.customer.clone().unwrap_or_else(|| "unknown".to_owned())),
        ("severity", format!("{}, score {}, {}", summary.severity, summary.score, summary.class)),
        ("status", summary.status.clone()),
        ("at", summary.at.to_string()),
        (
            "event",
            format!(
                "{} of {} (sequence {})",
                summary.event_id, summary.event_source, summary.event_sequence
            ),
        ),
        (
            "rule text",
            format!(
                "{} (meaning {}) in rulebook {}, fields {}",
                output::short(&alert.rule_digest),
                output::short(&alert.meaning_digest),
                output::short(&alert.rulebook_digest),
                output::short(&alert.schema_digest)
            ),
        ),
        ("remarks", if marks.is_empty() { "none".to_owned() } else { marks.join("; ") }),
    ] {
        facts.add_row([name.to_owned(), value]);
    }
    output::line(&facts.to_string())?;
    why(&alert.evidence)?;
    if !alert.further.is_empty() {
        output::line("\nFurther matches within the cool-down")?;
        let mut table = output::table(&["at", "score", "event", "message"]);
        for further in &alert.further {
            table.add_row([
                further.at.to_string(),
                further.score.clone(),
                further.event_id.clone(),
                further.message.clone(),
            ]);
        }
        output::line(&table.to_string())?;
    }
    for decision in &alert.decisions {
        output::line(&format!("\n{}: {} by {}", decision.at, decision.verdict, decision.by))?;
    }
    Ok(())
}

fn why(evidence: &Evidence) -> anyhow::Result<()> {
    output::line("\nWhy")?;
    let mut table = output::table(&["", "condition", "observed", "threshold"]);
    for condition in &evidence.conditions {
        table.add_row([
            if condition.held { "yes" } else { "no" }.to_owned(),
            condition.text.clone(),
            condition.observed.clone().unwrap_or_default(),
            condition.threshold.clone().unwrap_or_default(),
        ]);
    }
    output::line(&table.to_string())?;
    for (title, values) in
        [("Values", &evidence.values), ("Parameters", &evidence.params), ("Facts", &evidence.facts)]
    {
        if values.is_empty() {
            continue;
        }
        let all: Vec<String> =
            values.iter().map(|value| format!("{} = {}", value.name, value.value)).collect();
        output::line(&format!("\n{title}\n  {}", all.join("\n  ")))?;
    }
    if !evidence.steps.is_empty() {
        output::line("\nSequence")?;
    }
    for step in &evidence.steps {
        let event = &step.event;
        output::line(&format!("  {}  {}  {}: {}", event.at, event.id, step.name, step.text))?;
    }
    for window in &evidence.windows {
        let from = window.from.map_or_else(|| "the beginning".to_owned(), |from| from.to_string());
        let cut = if window.is_truncated { ", older ones are missing" } else { "" };
        output::line(&format!(
            "\nWindow {} = {}\n  {}\n  after {from} to {}, {} event(s){cut}",
            window.name, window.value, window.text, window.to, window.events_total
        ))?;
        let hidden = window.events.len().saturating_sub(EVENTS_SHOWN);
        if window.events_total > EVENTS_SHOWN as u64 {
            output::line(&format!("  the latest {EVENTS_SHOWN}:"))?;
        }
        for item in window.events.iter().skip(hidden) {
            let value = item.value.as_deref().unwrap_or("");
            output::line(&format!("  {}  {}  {value}", item.event.at, item.event.id))?;
        }
    }
    for list in &evidence.lists {
        output::line(&format!("\nList {}, version {}", list.name, list.digest))?;
        for row in &list.rows {
            let cell = row.cell.as_deref().map_or_else(String::new, |cell| format!(" = {cell}"));
            let from =
                row.valid_from.map_or_else(String::new, |from| format!(", valid from {from}"));
            let to = row.valid_to.map_or_else(String::new, |to| format!(", until {to}"));
            output::line(&format!("  {}{cell}\n    the row of {}{from}{to}", row.text, row.value))?;
        }
    }
    Ok(())
}

/// `weir rekyc`
pub fn rekyc(command: &RekycCommand) -> anyhow::Result<u8> {
    let RekycCommand::List(arguments) = command;
    let filter = RekycFilter {
        status: arguments.status.clone(),
        customer: arguments.customer.clone(),
        with_shadow: arguments.shadow,
        limit: arguments.limit,
    };
    let requests = ask(&arguments.config, async |reader| reader.rekyc(&filter).await)?;
    if arguments.json {
        output::json(&requests)?;
        return Ok(exit::FINE);
    }
    if requests.is_empty() {
        output::line("no re-KYC requests")?;
        return Ok(exit::FINE);
    }
    let mut table = output::table(&["id", "customer", "scope", "level", "status", "due", "causes"]);
    for request in &requests {
        table.add_row([
            output::short(&request.id).to_owned(),
            request.customer.clone(),
            request.scope.clone(),
            request.level.clone(),
            request.status.clone(),
            request.due_at.to_string(),
            causes_shown(request),
        ]);
    }
    output::line(&table.to_string())?;
    Ok(exit::FINE)
}

fn causes_shown(request: &RekycSummary) -> String {
    let causes = request.causes.iter().map(|cause| match &cause.reason {
        Some(reason) => format!("{} ({reason}, rule {})", cause.cause, cause.rule),
        None => format!("{} (rule {})", cause.cause, cause.rule),
    });
    causes.collect::<Vec<_>>().join("; ")
}

/// `weir status`
pub fn status(arguments: &StatusArguments) -> anyhow::Result<u8> {
    let status = ask(&arguments.config, async |reader| reader.status().await)?;
    if arguments.json {
        output::json(&status)?;
    } else {
        status_shown(&status)?;
    }
    Ok(exit::FINE)
}

fn status_shown(status: &Status) -> anyhow::Result<()> {
    let log = match (&status.stream, &status.stream_created) {
        (Some(stream), Some(created)) => format!("{stream}, created {created}"),
        _ => "none yet".to_owned(),
    };
    let group = output::grouped;
    let mut table = output::table(&["", ""]);
    table.set_header(Vec::<String>::new());
    let rulebook = status.rulebook.as_ref().map_or_else(
        || "none yet".to_owned(),
        |rulebook| {
            format!(
                "{} since sequence {}",
                output::short(&rulebook.digest),
                rulebook.since_sequence
            )
        },
    );
    let alerts = |is_shadow: bool| {
        let of_kind = status.alerts.iter().filter(|count| count.is_shadow == is_shadow);
        let shown: Vec<String> = of_kind
            .map(|count| format!("{} {} {}", group(count.count), count.severity, count.status))
            .collect();
        if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
    };
    for (name, value) in [
        ("log", log),
        (
            "committed",
            format!("{} (from {})", group(status.position), group(status.first_sequence)),
        ),
        ("last commit", status.updated_at.to_string()),
        ("evaluated", group(status.evaluated)),
        ("parked", format!("{} ({} waiting now)", group(status.parked), group(status.parked_now))),
        ("duplicate", group(status.duplicate)),
        ("quarantined", group(status.quarantined)),
        ("control", group(status.control)),
        ("unmonitored", group(status.unmonitored)),
        ("alerts", alerts(false)),
        ("alerts in shadow", alerts(true)),
        ("re-KYC open", group(status.rekyc_open)),
        ("to publish", group(status.outbox_pending)),
        ("rulebook", rulebook),
    ] {
        table.add_row([name.to_owned(), value]);
    }
    output::line(&table.to_string())?;
    for note in &status.notes {
        output::line(&format!("\n{} ({}): {}", note.name, note.at, note.value))?;
    }
    Ok(())
}
