//! Reads the log in order from our own position, and proves that nothing is missing.
//!
//! In: a log and the last committed sequence. Out: batches of whatever is ready, each sequence the
//! expected one. The consumer behind it is a throw-away: it acknowledges nothing, remembers nothing
//! that we rely on, and is created anew at the expected sequence whenever it falls silent, vanishes
//! or skips. Only if the log itself lacks a message after that, reading ends.
//! Never here: a copy of a body; deliveries share the bytes that came from the network.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::{HeaderMap, Message, StatusCode, Subscriber};
use futures::{FutureExt, Stream};
use serde_json::json;
use tokio::time::Instant as Moment;

use super::client::SUBSCRIPTION_MESSAGES_MAX;
use super::stream::{find, identity, refused};
use super::{Client, Error};
use crate::domain::Instant;
use crate::pipeline::{Delivery, Inbox, InboxError, LogIdentity};

const CONTENT_TYPE: &str = "content-type";

/// Messages per pull request. Two requests may be open, and the client's buffer holds far more:
/// it drops when it is full.
const PULL_MESSAGES: usize = 4_096;
const _: () = assert!(PULL_MESSAGES * 2 <= SUBSCRIPTION_MESSAGES_MAX / 4);

/// Bytes per pull request, so that large messages do not fill the memory.
const PULL_BYTES_MIN: usize = 16 * 1024 * 1024;

/// How long the broker keeps a pull request open.
const PULL_EXPIRES: Duration = Duration::from_secs(30);

/// How often the broker says that it is there while it has no message for us.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Longer silence than this means that the consumer is lost, whatever the connection says.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// A stream that stays unknown for so long on a working connection is gone, not in an election.
const MISSING_MAX: Duration = Duration::from_secs(30);

/// After this time without a request, the broker removes the consumer.
const CONSUMER_IDLE_MAX: Duration = Duration::from_secs(30);

/// The log, read in order.
#[derive(Debug)]
pub struct LogInbox {
    client: Client,
    log: LogIdentity,
    cursor: Cursor,
    consumer: Option<Consumer>,
    /// Consumers created after the first; for metrics.
    recreated: u64,
}

/// Our place in the log.
#[derive(Debug)]
struct Cursor {
    /// The next sequence to return.
    expected: u64,
    /// The last sequence to return, if there is one.
    stop_at: Option<u64>,
    /// A later sequence came instead of the expected one: the next consumer decides whether the
    /// log has a hole or the message was lost on the way.
    is_hole_suspected: bool,
}

/// One throw-away consumer.
#[derive(Debug)]
struct Consumer {
    subscriber: Subscriber,
    /// Where pull requests go.
    pull_subject: String,
    /// Where messages come to.
    reply_subject: String,
    request: bytes::Bytes,
    /// Messages that were asked for and have not come.
    open: usize,
    /// Of no use any more, though messages that came before may still be returned.
    is_lost: bool,
    /// How often the connection had been lost when this consumer was created.
    disconnects: u64,
    heard_at: Moment,
}

/// What one look at the buffer came to.
enum Step {
    Batch(Vec<Delivery>),
    /// More must be asked for.
    Pull,
    /// The consumer is of no use any more.
    Lost(&'static str),
}

/// What one message of the subscription is.
enum Heard {
    Delivery(Delivery),
    /// The broker is there; maybe a request ended.
    Sign,
    Lost(&'static str),
}

impl LogInbox {
    /// Opens the log after the committed sequence `position`.
    ///
    /// # Errors
    /// It is another log, it has aged out or was rolled back, or the broker does not answer.
    pub async fn open(client: &Client, log: &LogIdentity, position: u64) -> Result<Self, Error> {
        let mut inbox = Self {
            client: client.clone(),
            log: log.clone(),
            cursor: Cursor { expected: position + 1, stop_at: None, is_hole_suspected: false },
            consumer: None,
            recreated: 0,
        };
        inbox.consumer = Some(inbox.create_consumer().await?);
        Ok(inbox)
    }

    /// Ends reading after `sequence`: from there on, batches are empty.
    pub fn stop_at(&mut self, sequence: u64) {
        self.cursor.stop_at = Some(sequence);
    }

    /// The next sequence to be returned.
    pub fn expected(&self) -> u64 {
        self.cursor.expected
    }

    /// How often a consumer had to be replaced; for metrics.
    pub fn recreated(&self) -> u64 {
        self.recreated
    }

    /// Checks that the log still is the one that we read, with our place inside of it, and
    /// creates a consumer there. A consumer alone would not tell: started before the first or
    /// after the last sequence, it delivers something else, or nothing, without a word.
    async fn create_consumer(&self) -> Result<Consumer, Error> {
        let disconnects = self.client.link().borrow().disconnects;
        let info = find(&self.client, &self.log.stream).await?.ok_or_else(|| {
            Error::MissingStream { stream: self.log.stream.clone(), subjects: String::new() }
        })?;
        let found = identity(&info);
        if found != self.log {
            return Err(Error::Replaced {
                stream: self.log.stream.clone(),
                ours: self.log.created.clone(),
                found: found.created,
            });
        }
        let expected = self.cursor.expected;
        let (first, last) = (info.state.first_sequence.max(1), info.state.last_sequence);
        if first > expected {
            return Err(Error::AgedOut { expected, first });
        }
        if expected > last + 1 {
            return Err(Error::RolledBack { position: expected - 1, last });
        }
        let config = pull::Config {
            description: Some("Weir reading the log; safe to delete.".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: expected },
            ack_policy: AckPolicy::None,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: CONSUMER_IDLE_MAX,
            ..pull::Config::default()
        };
        let stream = &self.log.stream;
        let created = self.client.jetstream().create_consumer_on_stream(config, stream).await;
        let name = match created {
            Ok(consumer) => consumer.cached_info().name.clone(),
            Err(error) => return Err(consumer_error(&error)),
        };
        let reply_subject = self.client.nats().new_inbox();
        let subscriber = self
            .client
            .nats()
            .subscribe(reply_subject.clone())
            .await
            .map_err(|error| Error::Unanswered(error.to_string()))?;
        Ok(Consumer {
            subscriber,
            pull_subject: self.client.api_subject(&format!("CONSUMER.MSG.NEXT.{stream}.{name}")),
            reply_subject,
            request: self.request(),
            open: 0,
            is_lost: false,
            disconnects,
            heard_at: Moment::now(),
        })
    }

    /// The pull request; its limit of bytes always leaves room for two of the largest messages.
    fn request(&self) -> bytes::Bytes {
        let bytes = PULL_BYTES_MIN.max(self.client.nats().max_payload().saturating_mul(2));
        let request = json!({
            "batch": PULL_MESSAGES,
            "max_bytes": bytes,
            "expires": nanoseconds(PULL_EXPIRES),
            "idle_heartbeat": nanoseconds(HEARTBEAT),
        });
        request.to_string().into()
    }

    /// Creates the next consumer, however long the broker needs.
    async fn recover(&mut self) -> Result<Consumer, InboxError> {
        let mut missing_since = None;
        let mut pause = Duration::from_millis(50);
        loop {
            self.client.connected().await;
            match self.create_consumer().await {
                Ok(consumer) => {
                    self.recreated += 1;
                    return Ok(consumer);
                }
                Err(Error::MissingStream { stream, .. }) => {
                    // During an election a cluster may not know a stream that is there.
                    let since = *missing_since.get_or_insert_with(Moment::now);
                    if since.elapsed() > MISSING_MAX {
                        return Err(InboxError::Broker(format!("the stream {stream} is gone")));
                    }
                }
                Err(Error::AgedOut { expected, first }) => {
                    return Err(InboxError::Hole { expected, found: first });
                }
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "The log cannot be read yet; trying again.");
                }
                Err(error) => return Err(InboxError::Broker(error.to_string())),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
}

impl Inbox for LogInbox {
    /// May be dropped while it waits: nothing that was taken out of the buffer is lost.
    async fn next_batch(&mut self, max: usize) -> Result<Vec<Delivery>, InboxError> {
        loop {
            if self.cursor.is_at_end() {
                self.consumer = None;
                return Ok(Vec::new());
            }
            let consumer = match self.consumer.take_if(|consumer| !consumer.is_lost) {
                Some(consumer) => consumer,
                None => self.recover().await?,
            };
            let consumer = self.consumer.insert(consumer);
            match consumer.step(&mut self.cursor, &self.client, max).await? {
                Step::Batch(batch) => return Ok(batch),
                Step::Pull => {}
                Step::Lost(cause) => {
                    consumer.is_lost = true;
                    tracing::debug!(cause, expected = self.cursor.expected, "Reading anew.");
                }
            }
        }
    }
}

impl Cursor {
    fn is_at_end(&self) -> bool {
        self.stop_at.is_some_and(|last| self.expected > last)
    }
}

impl Consumer {
    /// Returns what is ready, or waits for the first message or for a reason to start over.
    async fn step(
        &mut self,
        cursor: &mut Cursor,
        client: &Client,
        max: usize,
    ) -> Result<Step, InboxError> {
        if self.wants_more() && self.pull(client).await.is_err() {
            return Ok(Step::Lost("a request could not be sent"));
        }
        // Outside of tokio's budget of 128 messages per turn, which would make the batches small.
        // The caller's `max` and the buffer bound this look instead.
        let look = std::future::poll_fn(|task| self.look(cursor, max, task));
        if let Some(step) = tokio::task::unconstrained(look).now_or_never() {
            return step;
        }
        let mut link = client.link();
        loop {
            if link.borrow_and_update().disconnects != self.disconnects {
                return Ok(Step::Lost("the connection was lost"));
            }
            let silent_at = self.heard_at + SILENCE_MAX;
            if Moment::now() >= silent_at {
                return Ok(Step::Lost("the broker fell silent"));
            }
            let look = std::future::poll_fn(|task| self.look(cursor, max, task));
            tokio::select! {
                biased;
                step = tokio::task::unconstrained(look) => return step,
                changed = link.changed() => if changed.is_err() {
                    return Ok(Step::Lost("the connection was closed"));
                },
                () = tokio::time::sleep_until(silent_at) => {}
            }
        }
    }

    /// Takes up to `max` messages out of the buffer, without waiting.
    fn look(
        &mut self,
        cursor: &mut Cursor,
        max: usize,
        task: &mut Context<'_>,
    ) -> Poll<Result<Step, InboxError>> {
        let mut batch = Vec::new();
        let mut lost = None;
        let mut has_heard = false;
        while lost.is_none() && batch.len() < max && !cursor.is_at_end() {
            let Poll::Ready(heard) = Pin::new(&mut self.subscriber).poll_next(task) else { break };
            let heard = heard.map_or(Heard::Lost("the subscription ended"), |it| self.hear(it));
            has_heard = true;
            match heard {
                Heard::Sign => {}
                Heard::Lost(cause) => lost = Some(cause),
                Heard::Delivery(delivery) if delivery.sequence == cursor.expected => {
                    cursor.expected += 1;
                    cursor.is_hole_suspected = false;
                    batch.push(delivery);
                }
                Heard::Delivery(delivery) => {
                    let (expected, found) = (cursor.expected, delivery.sequence);
                    if cursor.is_hole_suspected && found > expected {
                        return Poll::Ready(Err(InboxError::Hole { expected, found }));
                    }
                    cursor.is_hole_suspected = found > expected;
                    lost = Some("a message was skipped or came again");
                }
            }
        }
        if has_heard {
            self.heard_at = Moment::now();
        }
        if !batch.is_empty() {
            // What came before the loss is returned first.
            self.is_lost = lost.is_some();
            return Poll::Ready(Ok(Step::Batch(batch)));
        }
        match lost {
            Some(cause) => Poll::Ready(Ok(Step::Lost(cause))),
            None if self.wants_more() => Poll::Ready(Ok(Step::Pull)),
            None => Poll::Pending,
        }
    }

    /// The next request goes out while half of the last one is still on its way.
    fn wants_more(&self) -> bool {
        self.open <= PULL_MESSAGES / 2
    }

    async fn pull(&mut self, client: &Client) -> Result<(), async_nats::PublishError> {
        client
            .nats()
            .publish_with_reply(
                self.pull_subject.clone(),
                self.reply_subject.clone(),
                self.request.clone(),
            )
            .await?;
        // Counted only now: if this is dropped in between, one request too many does no harm,
        // while one too few would leave us waiting.
        self.open += PULL_MESSAGES;
        Ok(())
    }

    fn hear(&mut self, message: Message) -> Heard {
        // The reply subject tells a message of the log, whatever its headers claim to be.
        if let Some((sequence, stored_at)) = message.reply.as_deref().and_then(place_of) {
            self.open = self.open.saturating_sub(1);
            let headers = message.headers.as_ref().map(attributes).unwrap_or_default();
            return Heard::Delivery(Delivery {
                sequence,
                stored_at,
                headers,
                payload: message.payload,
            });
        }
        match (message.status, message.description.as_deref()) {
            (Some(StatusCode::IDLE_HEARTBEAT), _) => Heard::Sign,
            (Some(StatusCode::TIMEOUT), _)
            | (
                Some(StatusCode::REQUEST_TERMINATED),
                Some("Message Size Exceeds MaxBytes" | "Batch Completed"),
            ) => {
                self.open = self.open.saturating_sub(unfilled(&message));
                Heard::Sign
            }
            (Some(StatusCode::NO_RESPONDERS), _) => Heard::Lost("nobody answered the request"),
            _ => Heard::Lost("the broker ended the request"),
        }
    }
}

/// How many messages of an ended request did not come.
fn unfilled(message: &Message) -> usize {
    let header = message.headers.as_ref().and_then(|headers| headers.get("Nats-Pending-Messages"));
    header.and_then(|value| value.as_str().parse().ok()).unwrap_or(PULL_MESSAGES)
}

/// Stream sequence and time of storing, from the subject that an acknowledgement would go to:
/// `$JS.ACK.stream.consumer.delivered.SEQUENCE.consumer-sequence.NANOSECONDS.pending`, or with
/// domain and account in front of the stream, and maybe more behind.
fn place_of(reply: &str) -> Option<(u64, Instant)> {
    let rest = reply.strip_prefix("$JS.ACK.")?;
    let mut tokens = [""; 9];
    let mut count = 0;
    for (slot, token) in tokens.iter_mut().zip(rest.split('.')) {
        *slot = token;
        count += 1;
    }
    let [_, _, _, fourth, _, sixth, _, eighth, _] = tokens;
    let (sequence, nanoseconds) = match count {
        7 => (fourth, sixth),
        9 => (sixth, eighth),
        _ => return None,
    };
    let stored_at = Instant(nanoseconds.parse::<i64>().ok()?.div_euclid(1_000));
    Some((sequence.parse().ok()?, stored_at))
}

/// The headers that matter: `content-type` and `ce-*`. In structured mode everything is in the
/// body, and nothing is copied.
fn attributes(headers: &HeaderMap) -> Vec<(String, String)> {
    // The library keeps headers in a hash map; their order must not depend on it.
    let mut found: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| is_attribute(name.as_ref()))
        .flat_map(|(name, values)| values.iter().map(move |value| (name.as_ref(), value.as_str())))
        .map(|(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    found.sort_unstable();
    let is_structured = |(name, value): &(String, String)| {
        name == CONTENT_TYPE && value.trim_start().starts_with("application/cloudevents+json")
    };
    if found.iter().any(is_structured) { Vec::new() } else { found }
}

fn is_attribute(name: &str) -> bool {
    name.eq_ignore_ascii_case(CONTENT_TYPE)
        || name.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("ce-"))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn consumer_error(error: &async_nats::jetstream::stream::ConsumerError) -> Error {
    use async_nats::jetstream::stream::ConsumerErrorKind;
    match error.kind() {
        ConsumerErrorKind::JetStream(cause)
            if cause.error_code() == ErrorCode::STREAM_NOT_FOUND =>
        {
            Error::Unanswered(cause.to_string())
        }
        ConsumerErrorKind::JetStream(cause) => refused(&cause),
        _ => Error::Unanswered(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_message_is_read_from_both_forms_of_its_reply_subject() {
        let stored = Some((42, Instant(1_700_000_000_000_001)));
        for (reply, expected) in [
            ("$JS.ACK.AML_LOG.c1.1.42.7.1700000000000001999.0", stored),
            ("$JS.ACK.hub.ACCOUNT.AML_LOG.c1.1.42.7.1700000000000001999.0", stored),
            ("$JS.ACK._.ACCOUNT.AML_LOG.c1.1.42.7.1700000000000001999.0.token", stored),
            ("$JS.ACK.AML_LOG.c1.1.x.7.1700000000000001999.0", None),
            ("$JS.ACK.AML_LOG.c1.1.42", None),
            ("_INBOX.abc", None),
        ] {
            assert_eq!(place_of(reply), expected, "{reply}");
        }
    }

    #[test]
    fn only_attributes_of_binary_mode_are_kept_and_in_one_order() {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", "1");
        headers.insert("Ce-Type", "aml.transaction.v1");
        headers.insert("CE-Id", "t-1");
        headers.insert("Content-Type", "application/json");
        let kept = attributes(&headers);
        let names: Vec<_> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ce-id", "ce-type", "content-type"]);
        headers.insert("Content-Type", "application/cloudevents+json; charset=utf-8");
        assert!(attributes(&headers).is_empty());
    }
}
