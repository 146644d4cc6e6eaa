//! Publishes what was committed, and files onto the log, with ids that make repeats harmless.
//!
//! In: messages with deterministic ids, in order. Out: which of them the broker has stored.
//! All of them leave in order over one connection, many acknowledgements outstanding; nothing
//! counts as published before its acknowledgement. An outcome that is unknown is tried again by
//! the caller with the same id.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;
use tokio::time::Instant as Moment;

use super::client::ANSWER_WAIT;
use super::stream::{LOG_STREAM, OUT_STREAM};
use super::{Client, Error};
use crate::pipeline::Outgoing;

/// How our messages describe their body.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// Acknowledgements outstanding while a file is published.
const WINDOW: usize = 2_048;

/// How often a message of a file is tried before publishing gives up.
const ATTEMPTS_MAX: u32 = 8;

/// How long an attempt waits for a connection that is away.
const RECONNECT_WAIT: Duration = Duration::from_secs(30);

/// Publishes the rows of the outbox.
#[derive(Clone, Debug)]
pub struct Outlet {
    client: Client,
    /// The stream that must have stored a message for it to count as published.
    stream: &'static str,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Rows that the broker has stored.
    pub rows: Vec<i64>,
    /// Why the others were not, or are not known to be; the first reason met.
    pub problem: Option<String>,
}

impl Outlet {
    /// An outlet for alerts, requests and dead letters.
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone(), stream: OUT_STREAM }
    }

    /// An outlet for Weir's own entries in the log.
    pub fn onto_log(client: &Client) -> Self {
        Self { client: client.clone(), stream: LOG_STREAM }
    }

    /// Publishes messages in order and waits for all acknowledgements. Rows that are not in the
    /// answer are to be tried again: the id makes that harmless.
    pub async fn publish(&self, messages: &[(i64, Outgoing)]) -> Published {
        let mut published = Published::default();
        let mut outstanding = Vec::with_capacity(messages.len());
        for (row, outgoing) in messages {
            let message = PublishMessage::build()
                .payload(Bytes::copy_from_slice(&outgoing.payload))
                .message_id(&outgoing.id)
                .header("Content-Type", CONTENT_TYPE);
            let sent =
                self.client.jetstream().send_publish(outgoing.subject.clone(), message).await;
            match sent {
                Ok(ack) => outstanding.push((*row, ack)),
                Err(error) => {
                    // Later ones would overtake this one.
                    published.problem = Some(error.to_string());
                    break;
                }
            }
        }
        let mut heard_at = Moment::now();
        for (row, ack) in outstanding {
            match settle(ack, self.stream, heard_at + ANSWER_WAIT).await {
                Ok(_) => {
                    heard_at = Moment::now();
                    published.rows.push(row);
                }
                Err(error) => {
                    published.problem.get_or_insert(error.to_string());
                }
            }
        }
        published
    }
}

impl crate::pipeline::Outlet for Outlet {
    async fn publish(&self, messages: &[(i64, Outgoing)]) -> Vec<i64> {
        // The inherent method, which also says why something was not confirmed.
        let published = Self::publish(self, messages).await;
        if let Some(problem) = published.problem {
            tracing::debug!(reason = problem, "The broker did not confirm every message.");
        }
        published.rows
    }
}

/// A message for the log.
#[derive(Clone, Debug)]
pub struct BulkMessage {
    /// Deterministic and unique in the log; becomes `Nats-Msg-Id`.
    pub id: String,
    /// Where to, such as `aml.in.transaction.card`.
    pub subject: String,
    /// One event as CloudEvents, structured JSON.
    pub payload: Bytes,
}

/// What publishing came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BulkSummary {
    /// Stored now.
    pub stored: u64,
    /// The broker had them already, within its duplicate window.
    pub duplicates: u64,
    /// Stored after a later one, because of a repeat.
    pub out_of_order: u64,
    /// Sequence of the last one stored.
    pub last_sequence: u64,
}

/// Publishes many messages onto the log, in order, with a rolling window of acknowledgements.
#[derive(Debug)]
pub struct BulkPublisher {
    client: Client,
    window: VecDeque<InFlight>,
    /// When an acknowledgement came last.
    heard_at: Moment,
    summary: BulkSummary,
}

#[derive(Debug)]
struct InFlight {
    message: BulkMessage,
    ack: PublishAckFuture,
    sent_at: Moment,
    attempt: u32,
}

impl BulkPublisher {
    /// A publisher over a connection.
    pub fn new(client: &Client) -> Self {
        let window = VecDeque::with_capacity(WINDOW);
        let summary = BulkSummary::default();
        Self { client: client.clone(), window, heard_at: Moment::now(), summary }
    }

    /// Sends a message; waits only when the window is full.
    ///
    /// # Errors
    /// The broker refuses a message, or stayed away through all attempts.
    pub async fn publish(&mut self, message: BulkMessage) -> Result<(), Error> {
        while self.window.len() >= WINDOW
            && let Some(oldest) = self.window.pop_front()
        {
            self.settle(oldest).await?;
        }
        self.send(message, 1).await
    }

    /// What is known to be stored so far.
    pub fn summary(&self) -> BulkSummary {
        self.summary
    }

    /// Waits for all acknowledgements.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub async fn finish(mut self) -> Result<BulkSummary, Error> {
        self.settle_all().await?;
        Ok(self.summary)
    }

    async fn settle_all(&mut self) -> Result<(), Error> {
        while let Some(oldest) = self.window.pop_front() {
            self.settle(oldest).await?;
        }
        Ok(())
    }

    async fn settle(&mut self, oldest: InFlight) -> Result<(), Error> {
        // As long as acknowledgements come, a slow broker has all the time it needs.
        let deadline = self.heard_at.max(oldest.sent_at) + ANSWER_WAIT;
        match settle(oldest.ack, LOG_STREAM, deadline).await {
            Ok(ack) => self.count(&ack, oldest.attempt),
            Err(error) if error.is_transient() => {
                self.start_over(oldest.message, oldest.attempt, error).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Sends everything again whose outcome is unknown, in its order. What was stored behind it
    /// stays where it is; the summary counts what came out of order so.
    async fn start_over(
        &mut self,
        message: BulkMessage,
        attempt: u32,
        cause: Error,
    ) -> Result<(), Error> {
        let mut unknown = vec![(message, attempt)];
        // One short wait for all: whoever came through, came through.
        let deadline = Moment::now() + Duration::from_millis(500);
        while let Some(next) = self.window.pop_front() {
            match settle(next.ack, LOG_STREAM, deadline).await {
                Ok(ack) => self.count(&ack, next.attempt),
                Err(error) if error.is_transient() => unknown.push((next.message, next.attempt)),
                Err(error) => return Err(error),
            }
        }
        if attempt >= ATTEMPTS_MAX {
            return Err(cause);
        }
        tokio::time::sleep(Duration::from_millis(100) * attempt).await;
        for (message, attempt) in unknown {
            self.send(message, attempt + 1).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: BulkMessage, mut attempt: u32) -> Result<(), Error> {
        loop {
            // No attempt is spent on a connection that is known to be away, up to a limit.
            if !self.client.is_connected() {
                let _ = tokio::time::timeout(RECONNECT_WAIT, self.client.connected()).await;
            }
            // No content type: on the log, a body without attributes is structured JSON, and
            // every header costs each reader.
            let publish =
                PublishMessage::build().payload(message.payload.clone()).message_id(&message.id);
            let subject = message.subject.clone();
            match self.client.jetstream().send_publish(subject, publish).await {
                Ok(ack) => {
                    let sent_at = Moment::now();
                    self.window.push_back(InFlight { message, ack, sent_at, attempt });
                    return Ok(());
                }
                Err(error) => {
                    let error = publish_error(&error);
                    if !error.is_transient() || attempt >= ATTEMPTS_MAX {
                        return Err(error);
                    }
                    attempt += 1;
                }
            }
        }
    }

    /// A repeat that turns out to be a duplicate was stored by the first attempt.
    fn count(&mut self, ack: &PublishAck, attempt: u32) {
        self.heard_at = Moment::now();
        if ack.duplicate && attempt == 1 {
            self.summary.duplicates += 1;
            return;
        }
        self.summary.stored += 1;
        if ack.sequence < self.summary.last_sequence {
            self.summary.out_of_order += 1;
        }
        self.summary.last_sequence = self.summary.last_sequence.max(ack.sequence);
    }
}

/// Waits for an acknowledgement, and checks that it came from the stream that was meant. One
/// that is there already is taken even after the deadline.
async fn settle(
    ack: PublishAckFuture,
    stream: &str,
    deadline: Moment,
) -> Result<PublishAck, Error> {
    let ack = tokio::time::timeout_at(deadline, ack.into_future())
        .await
        .map_err(|_| Error::Unanswered("an acknowledgement did not come in time".to_owned()))?
        .map_err(|error| publish_error(&error))?;
    if ack.stream == stream {
        Ok(ack)
    } else {
        Err(Error::Refused(format!("a message went to the stream {} instead", ack.stream)))
    }
}

fn publish_error(error: &async_nats::jetstream::context::PublishError) -> Error {
    match error.kind() {
        // In a cluster, also the answer during an election: worth another try.
        PublishErrorKind::StreamNotFound => {
            Error::Unanswered("no stream takes this subject".to_owned())
        }
        PublishErrorKind::TimedOut
        | PublishErrorKind::BrokenPipe
        | PublishErrorKind::MaxAckPending => Error::Unanswered(error.to_string()),
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::MaxPayloadExceeded
        | PublishErrorKind::Other => Error::Refused(error.to_string()),
    }
}
