//! The one transaction: position, counts, fates, effects and outbox of a stretch, all or nothing.
//!
//! In: a [`Commit`]. Out: rows, or nothing at all. The position is compared and moved first: if it
//! is not where the stretch began, somebody else committed and nothing is written.
//! A stretch of plainly evaluated messages costs two statements. An id that exists already is
//! accepted only with the same content; anything else is a fault of ours that must not be hidden.

use std::collections::BTreeMap;

use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, QueryBuilder, Sqlite};

use super::evidence::{digest_with, rekyc_digest, to_json};
use super::rows::integer;
use super::{Error, queries::STRETCH};
use crate::domain::rekyc::RekycMerge;
use crate::domain::{Alert, AlertUpdate, Fate, FateCounts, Instant, RekycRequest};
use crate::engine::outcome::{Decision, Effect, IdentityChange};
use crate::pipeline::{Commit, Committed};

/// Rows per statement: larger ones are no faster, and bind limits stay far away.
const ROWS_MAX: usize = 100;

type Row<'q, 'a> = Separated<'q, Sqlite, &'a str>;

/// Writes a stretch, if the position is still where it began and the epoch is still ours.
pub(super) async fn write(
    writer: &mut SqliteConnection,
    commit: &Commit,
    epoch: i64,
) -> Result<Committed, Error> {
    check(commit)?;
    let sorted = Sorted::of(&commit.effects)?;
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    let moved = sqlx::query(
        "UPDATE position SET sequence = ?, \
         updated_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER) \
         WHERE id = 1 AND sequence = ? AND epoch = ?",
    )
    .bind(integer(commit.sequence)?)
    .bind(integer(commit.previous)?)
    .bind(epoch)
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() != 1 {
        tx.rollback().await?;
        return Ok(Committed::Fenced);
    }
    write_coverage(&mut tx, commit).await?;
    write_ledger(&mut tx, commit).await?;
    write_alerts(&mut tx, &sorted).await?;
    write_rekyc(&mut tx, &sorted).await?;
    write_identities(&mut tx, &sorted).await?;
    write_parked(&mut tx, &sorted).await?;
    write_activations(&mut tx, &sorted).await?;
    write_outbox(&mut tx, commit).await?;
    tx.commit().await?;
    Ok(Committed::Done)
}

/// Faults of the caller that would make the ledger lie.
fn check(commit: &Commit) -> Result<(), Error> {
    let refuse = |text: &str| Err(Error::Refused(text.to_owned()));
    if commit.sequence <= commit.previous {
        return refuse("a commit must move the position forward");
    }
    let mut rows = FateCounts::default();
    let mut earlier = commit.previous;
    for row in &commit.fates {
        if row.sequence <= earlier || row.sequence > commit.sequence {
            return refuse("the fates of a commit are out of order or outside of it");
        }
        earlier = row.sequence;
        if row.fate == Fate::Evaluated {
            return refuse("an evaluated message has no row in the ledger");
        }
        rows.add(row.fate);
    }
    rows.evaluated = commit.counts.evaluated;
    if rows != commit.counts {
        return refuse("the counts of a commit disagree with its rows");
    }
    if commit.counts.total() > commit.sequence - commit.previous {
        return refuse("a commit counts more messages than its stretch has");
    }
    Ok(())
}

/// One alert with what is derived from it.
struct AlertRow<'a> {
    sequence: u64,
    alert: &'a Alert,
    evidence: String,
    digest: String,
}

/// Effects by table. Within a table, the order of the log is kept.
#[derive(Default)]
struct Sorted<'a> {
    alerts: Vec<AlertRow<'a>>,
    occurrences: Vec<(u64, &'a AlertUpdate)>,
    decisions: Vec<(u64, &'a Decision)>,
    requests: Vec<(u64, &'a RekycRequest)>,
    merges: Vec<(u64, &'a RekycMerge)>,
    completions: Vec<(&'a str, Instant)>,
    /// The last change per customer is what is stored.
    identities: BTreeMap<&'a str, (u64, &'a IdentityChange)>,
    refused: Vec<(u64, &'a str, Option<&'static str>, &'static str)>,
    parked: Vec<(u64, &'a str, Instant)>,
    /// Parked sequence, its new status, and the sequence that settled it.
    settled: Vec<(u64, &'static str, u64)>,
    activations: Vec<(u64, &'a str, bool)>,
}

impl<'a> Sorted<'a> {
    fn of(effects: &'a [(u64, Effect)]) -> Result<Self, Error> {
        let mut sorted = Self::default();
        for (sequence, effect) in effects {
            sorted.add(*sequence, effect)?;
        }
        Ok(sorted)
    }

    fn add(&mut self, sequence: u64, effect: &'a Effect) -> Result<(), Error> {
        match effect {
            Effect::AlertRaised(alert) => {
                let evidence = to_json(&alert.evidence)?;
                let digest = digest_with(alert, &evidence);
                self.alerts.push(AlertRow { sequence, alert, evidence, digest });
            }
            Effect::AlertExtended(update) => self.occurrences.push((sequence, update)),
            Effect::AlertDecided(decision) => self.decisions.push((sequence, decision)),
            Effect::RekycRequested(request) => self.requests.push((sequence, request)),
            Effect::RekycMerged(merge) => self.merges.push((sequence, merge)),
            Effect::RekycCompleted { request, at } => self.completions.push((request, *at)),
            Effect::IdentityChanged(change) => {
                self.identities.insert(&change.customer, (sequence, change));
            }
            Effect::TransitionRefused { customer, refused } => {
                let from = refused.from.map(crate::domain::Verification::word);
                self.refused.push((sequence, customer, from, refused.kind.word()));
            }
            Effect::Parked { customer, at } => self.parked.push((sequence, customer, *at)),
            Effect::ParkedReleased { sequence: parked } => {
                self.settled.push((*parked, "released", sequence));
            }
            Effect::ParkedOverflow { sequence: parked } => {
                self.settled.push((*parked, "given_up", sequence));
            }
            Effect::RulebookActivated { digest } => {
                self.activations.push((sequence, digest, false));
            }
            Effect::RulebookMissing { digest } => self.activations.push((sequence, digest, true)),
        }
        Ok(())
    }
}

/// Inserts rows in statements of at most [`ROWS_MAX`]; `tail` says what to do about conflicts.
/// Returns how many rows were really inserted.
async fn insert<T>(
    tx: &mut SqliteConnection,
    head: &'static str,
    tail: &'static str,
    rows: &[T],
    mut bind: impl FnMut(&mut Row<'_, '_>, &T) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut inserted = 0;
    for chunk in rows.chunks(ROWS_MAX) {
        let mut fault = None;
        let mut builder = QueryBuilder::new(head);
        builder.push_values(chunk, |mut row, item| {
            if let Err(error) = bind(&mut row, item) {
                fault = Some(error);
            }
        });
        if let Some(error) = fault {
            return Err(error);
        }
        builder.push(tail);
        inserted += builder.build().execute(&mut *tx).await?.rows_affected();
    }
    Ok(inserted)
}

/// Adds the commit's counts to its stretches. Evaluated messages have no rows of their own, so
/// in all but the last stretch they are what the rows leave over; the last takes the rest.
async fn write_coverage(tx: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let (first, last) = (commit.previous + 1, commit.sequence);
    let mut evaluated_left = commit.counts.evaluated;
    let mut fates = commit.fates.as_slice();
    for stretch in first / STRETCH..=last / STRETCH {
        let from = first.max(stretch * STRETCH);
        let to = last.min(stretch * STRETCH + (STRETCH - 1));
        let here = fates.iter().take_while(|row| row.sequence <= to).count();
        let (rows, later) = fates.split_at_checked(here).unwrap_or((fates, &[]));
        fates = later;
        let mut counts = FateCounts::default();
        for row in rows {
            counts.add(row.fate);
        }
        counts.evaluated = if to == last {
            evaluated_left
        } else {
            evaluated_left.min((to - from + 1).saturating_sub(counts.total()))
        };
        evaluated_left -= counts.evaluated;
        add_coverage(tx, stretch, (from, to), &counts).await?;
    }
    Ok(())
}

async fn add_coverage(
    tx: &mut SqliteConnection,
    stretch: u64,
    (from, to): (u64, u64),
    counts: &FateCounts,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (stretch) DO UPDATE SET \
         first_sequence = min(first_sequence, excluded.first_sequence), \
         last_sequence = max(last_sequence, excluded.last_sequence), \
         evaluated = evaluated + excluded.evaluated, \
         parked = parked + excluded.parked, \
         duplicate = duplicate + excluded.duplicate, \
         quarantined = quarantined + excluded.quarantined, \
         control = control + excluded.control",
    )
    .bind(integer(stretch)?)
    .bind(integer(from)?)
    .bind(integer(to)?)
    .bind(integer(counts.evaluated)?)
    .bind(integer(counts.parked)?)
    .bind(integer(counts.duplicate)?)
    .bind(integer(counts.quarantined)?)
    .bind(integer(counts.control)?)
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_ledger(tx: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    insert(tx, "INSERT INTO fate (sequence, fate, reason) ", "", &commit.fates, |row, item| {
        let reason = match item.fate {
            Fate::Quarantined(reason) => Some(reason.word()),
            _ => None,
        };
        row.push_bind(integer(item.sequence)?).push_bind(item.fate.word()).push_bind(reason);
        Ok(())
    })
    .await?;
    let head = "INSERT INTO quarantine \
                (sequence, stored_at, reason, path, detail, headers, payload) ";
    insert(tx, head, "", &commit.quarantined, |row, item| {
        let headers = serde_json::to_string(&item.headers)
            .map_err(|error| Error::Refused(format!("headers cannot be written: {error}")))?;
        row.push_bind(integer(item.sequence)?)
            .push_bind(item.stored_at.0)
            .push_bind(item.refusal.reason.word())
            .push_bind(item.refusal.path.clone())
            .push_bind(item.refusal.detail.clone())
            .push_bind(headers)
            .push_bind(item.payload.to_vec());
        Ok(())
    })
    .await?;
    Ok(())
}

async fn write_alerts(tx: &mut SqliteConnection, sorted: &Sorted<'_>) -> Result<(), Error> {
    let head = "INSERT INTO alert (key, id, sequence, rule, title, rule_digest, meaning_digest, \
                rulebook_digest, schema_digest, \
                class, severity, score, message, entity_role, entity_id, customer, at, \
                event_sequence, event_source, event_id, event_at, is_late, is_re_evaluated, \
                is_shadow, cooldown, digest, evidence) ";
    for chunk in sorted.alerts.chunks(ROWS_MAX) {
        let inserted = insert(tx, head, " ON CONFLICT DO NOTHING", chunk, bind_alert).await?;
        if inserted == chunk.len() as u64 {
            continue;
        }
        for row in chunk {
            let kept: String = sqlx::query_scalar("SELECT digest FROM alert WHERE id = ?")
                .bind(&row.alert.id)
                .fetch_one(&mut *tx)
                .await?;
            require_same(kept == row.digest, "alert", &row.alert.id)?;
        }
    }
    let head = "INSERT INTO alert_occurrence (alert, sequence, at, event_sequence, event_source, \
                event_id, event_at, score, message) ";
    insert(tx, head, "", &sorted.occurrences, |row, (sequence, update)| {
        row.push_bind(update.alert.clone())
            .push_bind(integer(*sequence)?)
            .push_bind(update.at.0)
            .push_bind(integer(update.event.sequence)?)
            .push_bind(update.event.source.clone())
            .push_bind(update.event.id.clone())
            .push_bind(update.event.at.0)
            .push_bind(update.score.to_string())
            .push_bind(update.message.clone());
        Ok(())
    })
    .await?;
    for (sequence, decision) in &sorted.decisions {
        write_decision(tx, *sequence, decision).await?;
    }
    Ok(())
}

fn bind_alert(row: &mut Row<'_, '_>, item: &AlertRow<'_>) -> Result<(), Error> {
    let alert = item.alert;
    row.push_bind(key_of(alert))
        .push_bind(alert.id.clone())
        .push_bind(integer(item.sequence)?)
        .push_bind(alert.rule.clone())
        .push_bind(alert.title.clone())
        .push_bind(alert.rule_digest.clone())
        .push_bind(alert.meaning_digest.clone())
        .push_bind(alert.rulebook_digest.clone())
        .push_bind(alert.schema_digest.clone())
        .push_bind(alert.class.word())
        .push_bind(alert.severity.word())
        .push_bind(alert.score.to_string())
        .push_bind(alert.message.clone())
        .push_bind(alert.entity.role.clone())
        .push_bind(alert.entity.id.clone())
        .push_bind(alert.customer.clone())
        .push_bind(alert.at.0)
        .push_bind(integer(alert.event.sequence)?)
        .push_bind(alert.event.source.clone())
        .push_bind(alert.event.id.clone())
        .push_bind(alert.event.at.0)
        .push_bind(alert.is_late)
        .push_bind(alert.is_re_evaluated)
        .push_bind(alert.is_shadow)
        .push_bind(alert.cooldown.map(|span| span.0))
        .push_bind(item.digest.clone())
        .push_bind(item.evidence.clone());
    Ok(())
}

/// Sorts by time, also before 1970: the sign bit is flipped.
fn key_of(alert: &Alert) -> String {
    let ordered = alert.at.0.cast_unsigned() ^ (1 << 63);
    format!("{ordered:016x}-{}", alert.id)
}

async fn write_decision(
    tx: &mut SqliteConnection,
    sequence: u64,
    decision: &Decision,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO alert_decision (sequence, alert, verdict, decider, note, at) \
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(integer(sequence)?)
    .bind(&decision.alert)
    .bind(decision.verdict.word())
    .bind(&decision.by)
    .bind(&decision.note)
    .bind(decision.at.0)
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE alert SET status = ? WHERE id = ?")
        .bind(decision.verdict.word())
        .bind(&decision.alert)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

async fn write_rekyc(tx: &mut SqliteConnection, sorted: &Sorted<'_>) -> Result<(), Error> {
    for (sequence, request) in &sorted.requests {
        write_request(tx, *sequence, request).await?;
    }
    for (sequence, merge) in &sorted.merges {
        sqlx::query("UPDATE rekyc SET due_at = ?, level = ? WHERE id = ?")
            .bind(merge.due_at.0)
            .bind(merge.level.word())
            .bind(&merge.request)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO rekyc_cause (request, sequence, cause, rule, alert, at) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&merge.request)
        .bind(integer(*sequence)?)
        .bind(merge.cause.word())
        .bind(&merge.rule)
        .bind(&merge.alert)
        .bind(merge.at.0)
        .execute(&mut *tx)
        .await?;
    }
    for (request, at) in &sorted.completions {
        sqlx::query("UPDATE rekyc SET status = 'completed', completed_at = ? WHERE id = ?")
            .bind(at.0)
            .bind(*request)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn write_request(
    tx: &mut SqliteConnection,
    sequence: u64,
    request: &RekycRequest,
) -> Result<(), Error> {
    let digest = rekyc_digest(request);
    let inserted = sqlx::query(
        "INSERT INTO rekyc \
         (id, sequence, customer, scope, level, at, due_at, is_shadow, digest) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(&request.id)
    .bind(integer(sequence)?)
    .bind(&request.customer)
    .bind(request.scope.word())
    .bind(request.level.word())
    .bind(request.at.0)
    .bind(request.due_at.0)
    .bind(request.is_shadow)
    .bind(&digest)
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        let kept: String = sqlx::query_scalar("SELECT digest FROM rekyc WHERE id = ?")
            .bind(&request.id)
            .fetch_one(&mut *tx)
            .await?;
        return require_same(kept == digest, "re-KYC request", &request.id);
    }
    sqlx::query(
        "INSERT INTO rekyc_cause (request, sequence, cause, rule, reason, alert, at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&request.id)
    .bind(integer(sequence)?)
    .bind(request.cause.word())
    .bind(&request.rule)
    .bind(&request.reason)
    .bind(&request.alert)
    .bind(request.at.0)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn write_identities(tx: &mut SqliteConnection, sorted: &Sorted<'_>) -> Result<(), Error> {
    let changes: Vec<_> = sorted.identities.values().collect();
    let head = "INSERT INTO identity \
                (customer, state, risk, segment, effective_at, version, sequence) ";
    let tail = " ON CONFLICT (customer) DO UPDATE SET state = excluded.state, \
                risk = excluded.risk, segment = excluded.segment, \
                effective_at = excluded.effective_at, version = excluded.version, \
                sequence = excluded.sequence";
    insert(tx, head, tail, &changes, |row, (sequence, change)| {
        row.push_bind(change.customer.clone())
            .push_bind(change.state.map(crate::domain::Verification::word))
            .push_bind(change.risk.clone())
            .push_bind(change.segment.clone())
            .push_bind(change.effective_at.0)
            .push_bind(change.version.map(integer).transpose()?)
            .push_bind(integer(*sequence)?);
        Ok(())
    })
    .await?;
    let head = "INSERT INTO identity_refused (sequence, customer, from_state, kind) ";
    insert(tx, head, "", &sorted.refused, |row, (sequence, customer, from, kind)| {
        row.push_bind(integer(*sequence)?)
            .push_bind((*customer).to_owned())
            .push_bind(*from)
            .push_bind(*kind);
        Ok(())
    })
    .await?;
    Ok(())
}

async fn write_parked(tx: &mut SqliteConnection, sorted: &Sorted<'_>) -> Result<(), Error> {
    let head = "INSERT INTO parked (sequence, customer, at) ";
    let tail = " ON CONFLICT (sequence, customer) DO UPDATE SET \
                status = 'waiting', settled_by = NULL";
    insert(tx, head, tail, &sorted.parked, |row, (sequence, customer, at)| {
        row.push_bind(integer(*sequence)?).push_bind((*customer).to_owned()).push_bind(at.0);
        Ok(())
    })
    .await?;
    for (parked, status, settled_by) in &sorted.settled {
        sqlx::query("UPDATE parked SET status = ?, settled_by = ? WHERE sequence = ?")
            .bind(*status)
            .bind(integer(*settled_by)?)
            .bind(integer(*parked)?)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn write_activations(tx: &mut SqliteConnection, sorted: &Sorted<'_>) -> Result<(), Error> {
    let head = "INSERT INTO activation (sequence, digest, is_missing) ";
    insert(tx, head, "", &sorted.activations, |row, (sequence, digest, is_missing)| {
        row.push_bind(integer(*sequence)?).push_bind((*digest).to_owned()).push_bind(*is_missing);
        Ok(())
    })
    .await?;
    Ok(())
}

async fn write_outbox(tx: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let head = "INSERT INTO outbox (message_id, subject, payload) ";
    for chunk in commit.outbox.chunks(ROWS_MAX) {
        let inserted = insert(tx, head, " ON CONFLICT DO NOTHING", chunk, |row, item| {
            row.push_bind(item.id.clone())
                .push_bind(item.subject.clone())
                .push_bind(item.payload.clone());
            Ok(())
        })
        .await?;
        if inserted == chunk.len() as u64 {
            continue;
        }
        for item in chunk {
            let same: bool = sqlx::query_scalar(
                "SELECT subject = ? AND payload = ? FROM outbox WHERE message_id = ?",
            )
            .bind(&item.subject)
            .bind(&item.payload)
            .bind(&item.id)
            .fetch_one(&mut *tx)
            .await?;
            require_same(same, "message", &item.id)?;
        }
    }
    Ok(())
}

fn require_same(is_same: bool, what: &str, id: &str) -> Result<(), Error> {
    if is_same {
        Ok(())
    } else {
        Err(Error::Refused(format!("{what} {id} is stored already with another content")))
    }
}
