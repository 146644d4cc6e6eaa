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

use super::stream::{LOG_STREAM, OUT_STREAM};
use super::{Client, Error};
use crate::pipeline::Outgoing;

/// How our messages describe their body.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// Acknowledgements outstanding while a file is published.
const WINDOW: usize = 2_048;

/// How often a message of a file is tried before publishing gives up.
const ATTEMPTS_MAX: u32 = 8;

/// Publishes the rows of the outbox.
#[derive(Clone, Debug)]
pub struct Outlet {
    client: Client,
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
    /// An outlet over a connection.
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone() }
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
        for (row, ack) in outstanding {
            match settle(ack, OUT_STREAM).await {
                Ok(_) => published.rows.push(row),
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
    summary: BulkSummary,
}

#[derive(Debug)]
struct InFlight {
    message: BulkMessage,
    ack: PublishAckFuture,
}

impl BulkPublisher {
    /// A publisher over a connection.
    pub fn new(client: &Client) -> Self {
        let window = VecDeque::with_capacity(WINDOW);
        Self { client: client.clone(), window, summary: BulkSummary::default() }
    }

    /// Sends a message; waits only when the window is full.
    ///
    /// # Errors
    /// The broker refuses a message, or stayed away through all attempts.
    pub async fn publish(&mut self, message: BulkMessage) -> Result<(), Error> {
        if self.window.len() >= WINDOW
            && let Some(oldest) = self.window.pop_front()
        {
            self.settle(oldest).await?;
        }
        match self.send(&message).await {
            Ok(ack) => self.window.push_back(InFlight { message, ack }),
            Err(error) if error.is_transient() => {
                self.settle_all().await?;
                self.send_again(message).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
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

    async fn settle(&mut self, in_flight: InFlight) -> Result<(), Error> {
        match settle(in_flight.ack, LOG_STREAM).await {
            Ok(ack) => self.count(&ack),
            Err(error) if error.is_transient() => self.send_again(in_flight.message).await?,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Tries one message until its outcome is known. Those behind it may be stored already.
    async fn send_again(&mut self, message: BulkMessage) -> Result<(), Error> {
        let mut pause = Duration::from_millis(50);
        let mut last = Error::Unanswered("no attempt was made".to_owned());
        for _ in 0..ATTEMPTS_MAX {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
            let outcome = match self.send(&message).await {
                Ok(ack) => settle(ack, LOG_STREAM).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(ack) => {
                    self.count(&ack);
                    return Ok(());
                }
                Err(error) if error.is_transient() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    async fn send(&self, message: &BulkMessage) -> Result<PublishAckFuture, Error> {
        // No content type: on the log, a body without attributes is structured JSON, and every
        // header costs each reader.
        let publish =
            PublishMessage::build().payload(message.payload.clone()).message_id(&message.id);
        self.client
            .jetstream()
            .send_publish(message.subject.clone(), publish)
            .await
            .map_err(|error| publish_error(&error))
    }

    fn count(&mut self, ack: &PublishAck) {
        if ack.duplicate {
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

/// Waits for an acknowledgement, and checks that it came from the stream that was meant.
async fn settle(ack: PublishAckFuture, stream: &str) -> Result<PublishAck, Error> {
    let ack = ack.await.map_err(|error| publish_error(&error))?;
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
