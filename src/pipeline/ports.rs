//! What the pipeline needs from the world: messages in, effects kept, messages out.
//!
//! Three small traits with one real implementation and one fake each, and the plain values that pass
//! through them. Nothing here knows NATS or SQL.

use std::future::Future;

use bytes::Bytes;

use crate::domain::{Alert, Fate, FateCounts, Instant, Refusal};
use crate::engine::outcome::Effect;

/// One message as the log delivered it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its stream sequence.
    pub sequence: u64,
    /// When the broker stored it: the only clock that the log carries for every message.
    pub stored_at: Instant,
    /// `content-type` and `ce-*` headers, names in lower case; empty in structured mode.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub payload: Bytes,
}

/// Which log it is: a stream's name may be used again for another log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogIdentity {
    /// The stream's name.
    pub stream: String,
    /// When the broker says it was created, in RFC 3339.
    pub created: String,
}

/// Where messages come from, in the order of the log.
pub trait Inbox {
    /// Waits for at least one message and returns what is ready, oldest first, at most `max`.
    ///
    /// Messages come with consecutive sequences from where the inbox was opened. An empty batch
    /// means that the end of the log was reached and the inbox was asked to stop there.
    ///
    /// # Errors
    /// The log is not what we were reading, or the connection is lost for good.
    fn next_batch(&mut self, max: usize)
    -> impl Future<Output = Result<Vec<Delivery>, InboxError>>;
}

/// Why no more messages can be read.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// A sequence is missing: the log has a hole. Stops the daemon before the next judgement.
    #[error("the log has a hole: expected sequence {expected}, got {found}")]
    Hole {
        /// What should have come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The broker or the network failed in a way that reconnecting does not mend.
    #[error("failed to read the log: {0}")]
    Broker(String),
}

/// One message of a commit that has a row of its own in the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct FateRow {
    /// Stream sequence.
    pub sequence: u64,
    /// What became of it; never [`Fate::Evaluated`].
    pub fate: Fate,
}

/// A refused message, kept whole.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// Stream sequence.
    pub sequence: u64,
    /// When the broker stored it.
    pub stored_at: Instant,
    /// Why, and where in the message.
    pub refusal: Refusal,
    /// The headers that were read.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub payload: Bytes,
}

/// A message to be published after its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Deterministic; becomes `Nats-Msg-Id`.
    pub id: String,
    /// Where to.
    pub subject: String,
    /// CloudEvents, structured JSON.
    pub payload: Vec<u8>,
}

/// Everything that one stretch of the log led to; stored in one SQL transaction or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The committed sequence that this stretch follows; compared before anything is written.
    pub previous: u64,
    /// The last sequence of the stretch: the new position.
    pub sequence: u64,
    /// How many messages met each fate.
    pub counts: FateCounts,
    /// A row for every message that was not simply evaluated.
    pub fates: Vec<FateRow>,
    /// Refused messages.
    pub quarantined: Vec<Quarantined>,
    /// Effects with the sequence that caused them, in order.
    pub effects: Vec<(u64, Effect)>,
    /// Messages to publish, in order.
    pub outbox: Vec<Outgoing>,
}

/// What a commit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The stretch is stored.
    Done,
    /// Another daemon moved the position: stop at once.
    Fenced,
}

/// Why nothing was stored, or why it is not known whether it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or is busy; trying again may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refuses for a reason that trying again does not mend.
    #[error("the database refused: {0}")]
    Refused(String),
}

/// Where effects are kept: the one truth about progress.
pub trait Store {
    /// The committed sequence; 0 before the first commit.
    ///
    /// # Errors
    /// The database could not be read.
    fn position(&self) -> impl Future<Output = Result<u64, StoreError>>;

    /// Stores a stretch in one transaction, if the position is still `commit.previous`.
    ///
    /// # Errors
    /// The outcome is unknown or nothing was stored; the caller reads the position again.
    fn commit(&self, commit: &Commit) -> impl Future<Output = Result<Committed, StoreError>>;

    /// Committed messages not yet published, oldest first, with their row numbers.
    ///
    /// # Errors
    /// The database could not be read.
    fn unsent(&self, max: usize) -> impl Future<Output = Result<Vec<(i64, Outgoing)>, StoreError>>;

    /// Compares the alerts that a replay of the sequences `first..=last` regenerated with those stored
    /// for them; gives back the ids of all that are on one side only or differ.
    ///
    /// # Errors
    /// The database could not be read.
    fn compare(
        &self,
        first: u64,
        last: u64,
        alerts: &[Alert],
    ) -> impl Future<Output = Result<Vec<String>, StoreError>>;

    /// How many messages met each fate, over everything that was committed.
    ///
    /// # Errors
    /// The database could not be read.
    fn counts(&self) -> impl Future<Output = Result<FateCounts, StoreError>>;

    /// Marks rows of the outbox as published.
    ///
    /// # Errors
    /// The database could not be written; publishing again is harmless (same message id).
    fn mark_sent(&self, rows: &[i64]) -> impl Future<Output = Result<(), StoreError>>;
}

/// Where committed messages go.
pub trait Outlet {
    /// Publishes messages in order, waits for the broker's word on each and gives back the rows that it
    /// confirmed. What it did not confirm is published again later, with the same message id.
    fn publish(&self, messages: &[(i64, Outgoing)]) -> impl Future<Output = Vec<i64>>;
}
