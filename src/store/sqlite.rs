//! The SQLite database of one daemon: opened safely, written by one connection, fenced by an epoch.
//!
//! In: a path, and commits of the pipeline. Out: the position, unpublished messages, rulebooks.
//! Opening locks the directory, demands the durability settings and reads them back, and takes a
//! new epoch, so that a daemon that lost its lock can compute but never commit.
//! Never here: anything that is not one statement or one transaction; `commit.rs` holds the big one.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;

use super::queries::{self, LEDGER_SUMS, Reader, fate_counts};
use super::rows::{Columns, integer, natural};
use super::{Error, alert_digest, commit};
use crate::domain::{Alert, FateCounts};
use crate::pipeline::{Commit, Committed, LogIdentity, Outgoing, Store, StoreError};

/// The first SQLite without the fault that could damage a database when its WAL was reset.
const SQLITE_FLOOR: &str = "3.51.3";

/// How long a statement waits for another process (the command line reading) before it gives up.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// After a long read, the WAL file shrinks back to this many bytes.
const WAL_BYTES_MAX: &str = "67108864";

/// The database, open for the one daemon that may write it.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Mutex<SqliteConnection>,
    reader: Reader,
    epoch: i64,
    /// Held, not used: the lock ends with the process, however it ends.
    _lock: File,
}

impl SqliteStore {
    /// Opens or creates the database at `path` for writing; the directory is locked until the end.
    ///
    /// # Errors
    /// Another daemon holds the directory, a durability setting is not in force, the database is
    /// damaged, or it belongs to another version.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let directory = directory_of(path);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(|cause| Error::File { path: directory.clone(), cause })?;
        let lock = lock_directory(&directory)?;
        create_private(path)?;
        let mut writer = writer_options(path).connect().await?;
        check_library(&mut writer).await?;
        check_settings(&mut writer).await?;
        check_pages(&mut writer).await?;
        queries::MIGRATIONS.run(&mut writer).await?;
        let epoch = take_epoch(&mut writer).await?;
        let reader = queries::open_read_only(path).await?;
        Ok(Self { writer: Mutex::new(writer), reader, epoch, _lock: lock })
    }

    /// The same database for questions; its reads never wait for commits.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Which log the position belongs to; `None` before the first log was adopted.
    pub async fn log_identity(&self) -> Result<Option<LogIdentity>, Error> {
        let mut writer = self.writer.lock().await;
        let row = sqlx::query("SELECT stream, created FROM position WHERE id = 1")
            .fetch_one(&mut *writer);
        log_identity_of(&row.await?)
    }

    /// Adopts a log, to be read from `first_sequence` on. Adopting the same log again is harmless.
    ///
    /// # Errors
    /// Another log was adopted already, or something was committed before any log was adopted.
    pub async fn set_log_identity(
        &self,
        log: &LogIdentity,
        first_sequence: u64,
    ) -> Result<(), Error> {
        let mut writer = self.writer.lock().await;
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
        let row = sqlx::query("SELECT stream, created, sequence FROM position WHERE id = 1")
            .fetch_one(&mut *tx)
            .await?;
        if let Some(adopted) = log_identity_of(&row)? {
            if adopted == *log {
                return Ok(());
            }
            return Err(Error::Refused(format!(
                "the position belongs to the log {} created {}, not to {} created {}",
                adopted.stream, adopted.created, log.stream, log.created
            )));
        }
        if row.natural("sequence")? != 0 {
            return Err(Error::Refused("a position without a log cannot be adopted".to_owned()));
        }
        // A log whose beginning has aged out is read from where it begins today.
        let first = first_sequence.max(1);
        let updated = sqlx::query(
            "UPDATE position SET stream = ?, created = ?, first_sequence = ?, sequence = ?, \
             updated_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER) \
             WHERE id = 1 AND epoch = ?",
        )
        .bind(&log.stream)
        .bind(&log.created)
        .bind(integer(first)?)
        .bind(integer(first - 1)?)
        .bind(self.epoch)
        .execute(&mut *tx)
        .await?;
        if updated.rows_affected() != 1 {
            return Err(Error::Refused("another daemon has taken this database over".to_owned()));
        }
        Ok(tx.commit().await?)
    }

    /// Keeps the rule files of a rulebook, as `(path, text)`, under its digest.
    ///
    /// # Errors
    /// Other files are kept under the same digest.
    pub async fn store_rulebook(
        &self,
        digest: &str,
        sources: &[(String, String)],
    ) -> Result<(), Error> {
        let text = serde_json::to_string(sources)
            .map_err(|error| Error::Refused(format!("rule files cannot be written: {error}")))?;
        let mut writer = self.writer.lock().await;
        sqlx::query(
            "INSERT INTO rulebook (digest, sources, stored_at) \
             VALUES (?, ?, CAST(unixepoch('subsec') * 1000000 AS INTEGER)) \
             ON CONFLICT DO NOTHING",
        )
        .bind(digest)
        .bind(&text)
        .execute(&mut *writer)
        .await?;
        let kept: String = sqlx::query_scalar("SELECT sources FROM rulebook WHERE digest = ?")
            .bind(digest)
            .fetch_one(&mut *writer)
            .await?;
        if kept == text {
            Ok(())
        } else {
            Err(Error::Refused(format!("rulebook {digest} is stored with other rule files")))
        }
    }

    /// The digests of all rulebooks that are kept, in order.
    pub async fn rulebook_digests(&self) -> Result<Vec<String>, Error> {
        let mut writer = self.writer.lock().await;
        let digests = sqlx::query_scalar("SELECT digest FROM rulebook ORDER BY digest");
        Ok(digests.fetch_all(&mut *writer).await?)
    }

    /// The rule files of a rulebook, as `(path, text)`.
    pub async fn rulebook_sources(
        &self,
        digest: &str,
    ) -> Result<Option<Vec<(String, String)>>, Error> {
        let mut writer = self.writer.lock().await;
        let text: Option<String> =
            sqlx::query_scalar("SELECT sources FROM rulebook WHERE digest = ?")
                .bind(digest)
                .fetch_optional(&mut *writer)
                .await?;
        text.map(|text| {
            serde_json::from_str(&text)
                .map_err(|error| Error::Damaged(format!("rule files cannot be read: {error}")))
        })
        .transpose()
    }

    /// Which rulebook is live from which sequence on, in the order of the log; sequence 0 is the
    /// rulebook that Weir was first started with.
    pub async fn activations(&self) -> Result<Vec<(u64, String)>, Error> {
        let mut writer = self.writer.lock().await;
        let rows = sqlx::query(
            "SELECT sequence, digest FROM activation WHERE is_missing = 0 ORDER BY sequence",
        )
        .fetch_all(&mut *writer)
        .await?;
        rows.iter().map(|row| Ok((row.natural("sequence")?, row.text("digest")?))).collect()
    }

    /// Sets the rulebook that is live from the beginning of the log, once.
    ///
    /// # Errors
    /// Another rulebook was set: what was judged with it cannot be judged anew in silence.
    pub async fn set_genesis(&self, digest: &str) -> Result<(), Error> {
        let mut writer = self.writer.lock().await;
        sqlx::query(
            "INSERT INTO activation (sequence, digest) VALUES (0, ?) ON CONFLICT DO NOTHING",
        )
        .bind(digest)
        .execute(&mut *writer)
        .await?;
        let kept: String = sqlx::query_scalar("SELECT digest FROM activation WHERE sequence = 0")
            .fetch_one(&mut *writer)
            .await?;
        if kept == digest {
            Ok(())
        } else {
            Err(Error::Refused(format!("the log was first judged with rulebook {kept}")))
        }
    }

    /// Keeps the last word on something that status shows (say, why the last reload failed);
    /// `None` takes it back.
    pub async fn note(&self, name: &str, value: Option<&str>) -> Result<(), Error> {
        let mut writer = self.writer.lock().await;
        let statement = match value {
            Some(value) => sqlx::query(
                "INSERT INTO note (name, value, at) \
                 VALUES (?, ?, CAST(unixepoch('subsec') * 1000000 AS INTEGER)) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at",
            )
            .bind(name)
            .bind(value),
            None => sqlx::query("DELETE FROM note WHERE name = ?").bind(name),
        };
        statement.execute(&mut *writer).await?;
        Ok(())
    }

    /// Ends work in order: what was committed is in the main file, and readers need no WAL.
    pub async fn close(self) -> Result<(), Error> {
        self.reader.close().await;
        Ok(self.writer.into_inner().close().await?)
    }
}

impl Store for SqliteStore {
    async fn compare(
        &self,
        first: u64,
        last: u64,
        alerts: &[Alert],
    ) -> Result<Vec<String>, StoreError> {
        let mut regenerated = BTreeSet::new();
        for alert in alerts {
            regenerated.insert((alert.id.clone(), alert_digest(alert)?));
        }
        let mut writer = self.writer.lock().await;
        let rows = sqlx::query("SELECT id, digest FROM alert WHERE sequence BETWEEN ? AND ?")
            .bind(integer(first)?)
            .bind(integer(last)?)
            .fetch_all(&mut *writer)
            .await
            .map_err(Error::from)?;
        let mut stored = BTreeSet::new();
        for row in &rows {
            stored.insert((row.text("id")?, row.text("digest")?));
        }
        let mut ids: Vec<String> =
            regenerated.symmetric_difference(&stored).map(|(id, _)| id.clone()).collect();
        ids.dedup();
        Ok(ids)
    }

    async fn counts(&self) -> Result<FateCounts, StoreError> {
        let mut writer = self.writer.lock().await;
        let row = sqlx::query(LEDGER_SUMS).fetch_one(&mut *writer).await.map_err(Error::from)?;
        Ok(fate_counts(&row)?)
    }

    async fn position(&self) -> Result<u64, StoreError> {
        let mut writer = self.writer.lock().await;
        let sequence: i64 = sqlx::query_scalar("SELECT sequence FROM position WHERE id = 1")
            .fetch_one(&mut *writer)
            .await
            .map_err(Error::from)?;
        Ok(natural(sequence)?)
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let mut writer = self.writer.lock().await;
        Ok(commit::write(&mut writer, commit, self.epoch).await?)
    }

    async fn unsent(&self, max: usize) -> Result<Vec<(i64, Outgoing)>, StoreError> {
        let mut writer = self.writer.lock().await;
        let rows = sqlx::query(
            "SELECT id, message_id, subject, payload FROM outbox WHERE sent = 0 ORDER BY id LIMIT ?",
        )
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(&mut *writer)
        .await
        .map_err(Error::from)?;
        Ok(rows.iter().map(outgoing_of).collect::<Result<_, _>>()?)
    }

    async fn mark_sent(&self, rows: &[i64]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let list = serde_json::to_string(rows)
            .map_err(|error| StoreError::Refused(format!("row numbers: {error}")))?;
        let mut writer = self.writer.lock().await;
        sqlx::query("UPDATE outbox SET sent = 1 WHERE id IN (SELECT value FROM json_each(?))")
            .bind(list)
            .execute(&mut *writer)
            .await
            .map_err(Error::from)?;
        Ok(())
    }
}

/// The log identity in a row of `position`.
pub(super) fn log_identity_of(row: &SqliteRow) -> Result<Option<LogIdentity>, Error> {
    let (stream, created) = (row.text_if_any("stream")?, row.text_if_any("created")?);
    Ok(stream.zip(created).map(|(stream, created)| LogIdentity { stream, created }))
}

fn outgoing_of(row: &SqliteRow) -> Result<(i64, Outgoing), Error> {
    let outgoing = Outgoing {
        id: row.text("message_id")?,
        subject: row.text("subject")?,
        payload: row.bytes("payload")?,
    };
    Ok((integer(row.natural("id")?)?, outgoing))
}

fn writer_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Anything less loses the last commits in a power cut, and with them alerts.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_WAIT)
        .pragma("journal_size_limit", WAL_BYTES_MAX)
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Locks the directory for this process, and leaves our process id for whoever finds it locked.
fn lock_directory(directory: &Path) -> Result<File, Error> {
    let path = directory.join("weir.lock");
    let failed = |cause| Error::File { path: path.clone(), cause };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Best effort: the lock stands, whether or not its holder can be named.
            let _ = file.read_to_string(&mut text);
            let holder = text.trim().parse().ok();
            return Err(Error::Locked { directory: directory.to_owned(), holder });
        }
        Err(TryLockError::Error(cause)) => return Err(failed(cause)),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Creates an empty file that only its owner may read; SQLite's side files inherit that.
fn create_private(path: &Path) -> Result<(), Error> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|cause| Error::File { path: path.to_owned(), cause })
}

async fn check_library(writer: &mut SqliteConnection) -> Result<(), Error> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(writer).await?;
    if version_of(&found) < version_of(SQLITE_FLOOR) {
        return Err(Error::TooOld { found, floor: SQLITE_FLOOR });
    }
    Ok(())
}

fn version_of(text: &str) -> Vec<u32> {
    text.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// Asks the database what is in force: a pragma that it does not accept is ignored in silence.
async fn check_settings(writer: &mut SqliteConnection) -> Result<(), Error> {
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *writer).await?;
    require("journal_mode", "wal", mode)?;
    let level: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *writer).await?;
    require("synchronous", "2", level.to_string())?;
    let keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *writer).await?;
    require("foreign_keys", "1", keys.to_string())
}

fn require(name: &'static str, wanted: &'static str, found: String) -> Result<(), Error> {
    if found == wanted { Ok(()) } else { Err(Error::Setting { name, wanted, found }) }
}

async fn check_pages(writer: &mut SqliteConnection) -> Result<(), Error> {
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(writer).await?;
    if verdict == "ok" { Ok(()) } else { Err(Error::Damaged(verdict)) }
}

/// From here on, commits of an earlier opener fail their compare-and-set.
async fn take_epoch(writer: &mut SqliteConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("UPDATE position SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch")
        .fetch_one(writer)
        .await?)
}
