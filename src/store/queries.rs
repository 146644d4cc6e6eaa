//! Questions about what happened: plain structs for the command line, read beside a running daemon.
//!
//! In: a database path and filters. Out: alerts with their evidence, re-KYC requests, the ledger,
//! quarantined messages, and the summary that `weir status` prints.
//! Read-only connections: nothing here can change or delay what the daemon commits.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{QueryBuilder, Sqlite};

use super::rows::{Columns, integer};
use super::sqlite::log_identity_of;
use super::views::{
    ActiveRulebook, AlertCount, AlertDecision, AlertDetail, AlertFilter, AlertOccurrence,
    AlertSummary, Found, Note, QuarantinedMessage, QuarantinedSummary, RekycCauseRow, RekycFilter,
    RekycSummary, Status, Stretch,
};
use super::{Error, evidence};
use crate::domain::FateCounts;

/// The tables, in the order in which they came to be.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// Sequences per row of the coverage table.
pub(super) const STRETCH: u64 = 65_536;

/// The columns of [`AlertSummary`].
const SUMMARY: &str = "SELECT id, rule, title, class, severity, score, message, entity_role, \
                       entity_id, customer, at, sequence, event_sequence, event_source, event_id, \
                       event_at, is_late, is_re_evaluated, is_shadow, status, \
                       (SELECT count(*) FROM alert_occurrence \
                        WHERE alert_occurrence.alert = alert.id) + 1 AS occurrences FROM alert";

pub(super) const LEDGER_SUMS: &str = "SELECT coalesce(sum(evaluated), 0) AS evaluated, \
                           coalesce(sum(parked), 0) AS parked, \
                           coalesce(sum(duplicate), 0) AS duplicate, \
                           coalesce(sum(quarantined), 0) AS quarantined, \
                           coalesce(sum(control), 0) AS control FROM coverage";

const STATUS_COUNTS: &str = "SELECT \
    (SELECT count(DISTINCT sequence) FROM parked WHERE status = 'waiting') AS parked_now, \
    (SELECT count(DISTINCT sequence) FROM parked WHERE status = 'given_up') AS parked_given_up, \
    (SELECT count(*) FROM quarantine WHERE status = 'open') AS quarantined_open, \
    (SELECT count(*) FROM rekyc WHERE status = 'open' AND is_shadow = 0) AS rekyc_open, \
    (SELECT count(*) FROM outbox WHERE sent = 0) AS outbox_pending";

const ALERT_COUNTS: &str = "SELECT status, severity, is_shadow, count(*) AS count FROM alert \
                            GROUP BY status, severity, is_shadow \
                            ORDER BY is_shadow, status, severity";

/// The database, open for questions.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: SqlitePool,
}

/// Opens the database at `path` for questions, also while a daemon is writing it.
///
/// # Errors
/// There is no database, or it belongs to another version.
pub async fn open_read_only(path: &Path) -> Result<Reader, Error> {
    if !path.exists() {
        return Err(Error::Missing { path: path.to_owned() });
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(true)
        .busy_timeout(Duration::from_secs(10));
    let pool = SqlitePoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(15))
        .connect_with(options)
        .await?;
    let reader = Reader { pool };
    reader.check_version().await?;
    Ok(reader)
}

impl Reader {
    /// Ends all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Alerts, newest first.
    pub async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<AlertSummary>, Error> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(SUMMARY);
        query.push(" WHERE 1");
        if let Some(status) = &filter.status {
            query.push(" AND status = ").push_bind(status.clone());
        }
        if !filter.severities.is_empty() {
            query.push(" AND severity IN (");
            let mut list = query.separated(", ");
            for severity in &filter.severities {
                list.push_bind(severity.word());
            }
            query.push(")");
        }
        if let Some(rule) = &filter.rule {
            query.push(" AND rule = ").push_bind(rule.clone());
        }
        if let Some(party) = &filter.party {
            query.push(" AND (customer = ").push_bind(party.clone());
            query.push(" OR entity_id = ").push_bind(party.clone()).push(")");
        }
        if let Some(since) = filter.since {
            query.push(" AND at >= ").push_bind(since.0);
        }
        if !filter.with_shadow {
            query.push(" AND is_shadow = 0");
        }
        query.push(" ORDER BY key DESC LIMIT ").push_bind(limit_of(filter.limit));
        query.push(" OFFSET ").push_bind(i64::try_from(filter.offset).unwrap_or(i64::MAX));
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().map(alert_summary).collect()
    }

    /// The alert whose id is, or uniquely begins with, `beginning`.
    pub async fn alert(&self, beginning: &str) -> Result<Found<AlertDetail>, Error> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM alert WHERE id >= ? AND substr(id, 1, length(?)) = ? \
             ORDER BY id LIMIT 5",
        )
        .bind(beginning)
        .bind(beginning)
        .bind(beginning)
        .fetch_all(&self.pool)
        .await?;
        let id = match ids.as_slice() {
            [] => return Ok(Found::None),
            [id] => id,
            [id, ..] if id == beginning => id,
            _ => return Ok(Found::Several(ids)),
        };
        let sql = "SELECT *, (SELECT count(*) FROM alert_occurrence \
                   WHERE alert_occurrence.alert = alert.id) + 1 AS occurrences \
                   FROM alert WHERE id = ?";
        let row = sqlx::query(sql).bind(id).fetch_one(&self.pool).await?;
        Ok(Found::One(Box::new(AlertDetail {
            summary: alert_summary(&row)?,
            rule_digest: row.text("rule_digest")?,
            meaning_digest: row.text("meaning_digest")?,
            rulebook_digest: row.text("rulebook_digest")?,
            schema_digest: row.text("schema_digest")?,
            digest: row.text("digest")?,
            evidence: evidence::from_json(&row.text("evidence")?)?,
            further: self.occurrences(id).await?,
            decisions: self.decisions(id).await?,
        })))
    }

    /// Re-KYC requests with their causes, the most urgent first.
    pub async fn rekyc(&self, filter: &RekycFilter) -> Result<Vec<RekycSummary>, Error> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM rekyc WHERE 1");
        if let Some(status) = &filter.status {
            query.push(" AND status = ").push_bind(status.clone());
        }
        if let Some(customer) = &filter.customer {
            query.push(" AND customer = ").push_bind(customer.clone());
        }
        if !filter.with_shadow {
            query.push(" AND is_shadow = 0");
        }
        query.push(" ORDER BY due_at, id LIMIT ").push_bind(limit_of(filter.limit));
        let mut requests = Vec::new();
        for row in query.build().fetch_all(&self.pool).await? {
            let id = row.text("id")?;
            requests.push(RekycSummary {
                causes: self.causes(&id).await?,
                id,
                status: row.text("status")?,
                customer: row.text("customer")?,
                scope: row.text("scope")?,
                level: row.text("level")?,
                at: row.instant("at")?,
                due_at: row.instant("due_at")?,
                completed_at: row.instant_if_any("completed_at")?,
                is_shadow: row.flag("is_shadow")?,
            });
        }
        Ok(requests)
    }

    /// Quarantined messages, newest first; `limit` 0 for all.
    pub async fn quarantine(&self, limit: u64) -> Result<Vec<QuarantinedSummary>, Error> {
        let rows = sqlx::query(
            "SELECT sequence, stored_at, reason, path, detail, status, \
             length(payload) AS payload_bytes FROM quarantine ORDER BY sequence DESC LIMIT ?",
        )
        .bind(limit_of(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(quarantined_summary).collect()
    }

    /// One quarantined message, whole.
    pub async fn quarantined(&self, sequence: u64) -> Result<Option<QuarantinedMessage>, Error> {
        let row = sqlx::query(
            "SELECT *, length(payload) AS payload_bytes FROM quarantine WHERE sequence = ?",
        )
        .bind(integer(sequence)?)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let headers = serde_json::from_str(&row.text("headers")?)
            .map_err(|error| Error::Damaged(format!("headers cannot be read: {error}")))?;
        Ok(Some(QuarantinedMessage {
            summary: quarantined_summary(&row)?,
            headers,
            payload: row.bytes("payload")?,
        }))
    }

    /// The ledger by stretches of the log, in order.
    pub async fn coverage(&self) -> Result<Vec<Stretch>, Error> {
        let rows =
            sqlx::query("SELECT * FROM coverage ORDER BY stretch").fetch_all(&self.pool).await?;
        rows.iter().map(stretch_of).collect()
    }

    /// Everything that `weir status` prints, from one moment.
    pub async fn status(&self) -> Result<Status, Error> {
        // One transaction: the counts below belong to the position above them.
        let mut tx = self.pool.begin().await?;
        let position = sqlx::query("SELECT * FROM position WHERE id = 1").fetch_one(&mut *tx);
        let position = position.await?;
        let counts = fate_counts(&sqlx::query(LEDGER_SUMS).fetch_one(&mut *tx).await?)?;
        let now = sqlx::query(STATUS_COUNTS).fetch_one(&mut *tx).await?;
        let alerts = sqlx::query(ALERT_COUNTS).fetch_all(&mut *tx).await?;
        let rulebook = sqlx::query(
            "SELECT sequence, digest FROM activation WHERE is_missing = 0 \
             ORDER BY sequence DESC LIMIT 1",
        )
        .fetch_optional(&mut *tx)
        .await?;
        let notes = sqlx::query("SELECT name, value, at FROM note ORDER BY name");
        let notes = notes.fetch_all(&mut *tx).await?;
        let log = log_identity_of(&position)?;
        let (first, last) = (position.natural("first_sequence")?, position.natural("sequence")?);
        Ok(Status {
            stream: log.as_ref().map(|log| log.stream.clone()),
            stream_created: log.map(|log| log.created),
            first_sequence: first,
            position: last,
            updated_at: position.instant("updated_at")?,
            evaluated: counts.evaluated,
            parked: counts.parked,
            duplicate: counts.duplicate,
            quarantined: counts.quarantined,
            control: counts.control,
            unmonitored: without_fate(first, last, &counts),
            parked_now: now.natural("parked_now")?,
            parked_given_up: now.natural("parked_given_up")?,
            quarantined_open: now.natural("quarantined_open")?,
            alerts: alerts.iter().map(alert_count).collect::<Result<_, _>>()?,
            rekyc_open: now.natural("rekyc_open")?,
            outbox_pending: now.natural("outbox_pending")?,
            rulebook: rulebook.as_ref().map(active_rulebook).transpose()?,
            notes: notes.iter().map(note_of).collect::<Result<_, _>>()?,
        })
    }

    async fn occurrences(&self, alert: &str) -> Result<Vec<AlertOccurrence>, Error> {
        let rows = sqlx::query("SELECT * FROM alert_occurrence WHERE alert = ? ORDER BY id")
            .bind(alert)
            .fetch_all(&self.pool)
            .await?;
        let occurrence = |row: &SqliteRow| {
            Ok(AlertOccurrence {
                at: row.instant("at")?,
                event_sequence: row.natural("event_sequence")?,
                event_source: row.text("event_source")?,
                event_id: row.text("event_id")?,
                score: row.text("score")?,
                message: row.text("message")?,
            })
        };
        rows.iter().map(occurrence).collect()
    }

    async fn decisions(&self, alert: &str) -> Result<Vec<AlertDecision>, Error> {
        let rows = sqlx::query("SELECT * FROM alert_decision WHERE alert = ? ORDER BY sequence")
            .bind(alert)
            .fetch_all(&self.pool)
            .await?;
        let decision = |row: &SqliteRow| {
            Ok(AlertDecision {
                verdict: row.text("verdict")?,
                by: row.text("decider")?,
                note: row.text_if_any("note")?,
                at: row.instant("at")?,
                sequence: row.natural("sequence")?,
            })
        };
        rows.iter().map(decision).collect()
    }

    async fn causes(&self, request: &str) -> Result<Vec<RekycCauseRow>, Error> {
        let rows = sqlx::query("SELECT * FROM rekyc_cause WHERE request = ? ORDER BY id")
            .bind(request)
            .fetch_all(&self.pool)
            .await?;
        let cause = |row: &SqliteRow| {
            Ok(RekycCauseRow {
                cause: row.text("cause")?,
                rule: row.text("rule")?,
                reason: row.text_if_any("reason")?,
                alert: row.text_if_any("alert")?,
                at: row.instant("at")?,
            })
        };
        rows.iter().map(cause).collect()
    }

    /// Refuses tables that this binary does not know, or not yet.
    async fn check_version(&self) -> Result<(), Error> {
        let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&self.pool)
            .await
            .map_err(|_| Error::Version("it holds no tables of weir".to_owned()))?;
        let wanted = MIGRATIONS.iter().map(|migration| migration.version).max();
        if found == wanted {
            Ok(())
        } else {
            let shown = |version: Option<i64>| version.map_or_else(String::new, |v| v.to_string());
            Err(Error::Version(format!(
                "its tables have version {}, this binary reads version {}",
                shown(found),
                shown(wanted)
            )))
        }
    }
}

fn limit_of(limit: u64) -> i64 {
    // SQLite reads a negative limit as none.
    if limit == 0 { -1 } else { i64::try_from(limit).unwrap_or(i64::MAX) }
}

fn alert_summary(row: &SqliteRow) -> Result<AlertSummary, Error> {
    Ok(AlertSummary {
        id: row.text("id")?,
        status: row.text("status")?,
        rule: row.text("rule")?,
        title: row.text("title")?,
        class: row.text("class")?,
        severity: row.text("severity")?,
        score: row.text("score")?,
        message: row.text("message")?,
        entity_role: row.text("entity_role")?,
        entity_id: row.text("entity_id")?,
        customer: row.text_if_any("customer")?,
        at: row.instant("at")?,
        sequence: row.natural("sequence")?,
        event_sequence: row.natural("event_sequence")?,
        event_source: row.text("event_source")?,
        event_id: row.text("event_id")?,
        event_at: row.instant("event_at")?,
        is_late: row.flag("is_late")?,
        is_re_evaluated: row.flag("is_re_evaluated")?,
        is_shadow: row.flag("is_shadow")?,
        occurrences: row.natural("occurrences")?,
    })
}

fn quarantined_summary(row: &SqliteRow) -> Result<QuarantinedSummary, Error> {
    Ok(QuarantinedSummary {
        sequence: row.natural("sequence")?,
        stored_at: row.instant("stored_at")?,
        reason: row.text("reason")?,
        path: row.text("path")?,
        detail: row.text("detail")?,
        status: row.text("status")?,
        payload_bytes: row.natural("payload_bytes")?,
    })
}

/// Counts of fates from the columns of the ledger.
pub(super) fn fate_counts(row: &SqliteRow) -> Result<FateCounts, Error> {
    Ok(FateCounts {
        evaluated: row.natural("evaluated")?,
        parked: row.natural("parked")?,
        duplicate: row.natural("duplicate")?,
        quarantined: row.natural("quarantined")?,
        control: row.natural("control")?,
    })
}

/// Sequences from `first` to `last` that no fate accounts for.
const fn without_fate(first: u64, last: u64, counts: &FateCounts) -> u64 {
    (last + 1).saturating_sub(first).saturating_sub(counts.total())
}

fn stretch_of(row: &SqliteRow) -> Result<Stretch, Error> {
    let counts = fate_counts(row)?;
    let (first, last) = (row.natural("first_sequence")?, row.natural("last_sequence")?);
    Ok(Stretch {
        first_sequence: first,
        last_sequence: last,
        evaluated: counts.evaluated,
        parked: counts.parked,
        duplicate: counts.duplicate,
        quarantined: counts.quarantined,
        control: counts.control,
        unmonitored: without_fate(first, last, &counts),
    })
}

fn alert_count(row: &SqliteRow) -> Result<AlertCount, Error> {
    Ok(AlertCount {
        status: row.text("status")?,
        severity: row.text("severity")?,
        is_shadow: row.flag("is_shadow")?,
        count: row.natural("count")?,
    })
}

fn active_rulebook(row: &SqliteRow) -> Result<ActiveRulebook, Error> {
    Ok(ActiveRulebook { digest: row.text("digest")?, since_sequence: row.natural("sequence")? })
}

fn note_of(row: &SqliteRow) -> Result<Note, Error> {
    Ok(Note { name: row.text("name")?, value: row.text("value")?, at: row.instant("at")? })
}
