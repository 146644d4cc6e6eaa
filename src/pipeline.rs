//! One message from bytes to fate: read this file first.
//!
//! 1. read a batch of the log, in order and without a hole (`read`; `nats::inbox`)
//! 2. decode and validate each message; a bad one becomes a refusal (`Judge::message`; `wire`)
//! 3. skip ids that were judged already (`seen`)
//! 4. apply it to the engine, the only thing that changes state (`engine`)
//! 5. gather fates, effects and what is to be published (`gather`)
//! 6. commit them with the position in one SQL transaction (`keep`; `store`)
//! 7. publish what was committed, and mark it as sent (`publish`; `nats::outlet`)
//! 8. move on: the committed sequence is the position, and no acknowledgement carries meaning
//!
//! Steps 1, 2–5, 6 and 7–8 run side by side on different batches; the order of effects is the order of
//! the log. The engine is never rolled back: a commit whose outcome is unknown is looked up and, if it
//! did not happen, tried again with the same content. After a restart the log is judged again from its
//! beginning; up to the committed position nothing is written, and alerts are compared with the stored
//! ones, so every restart tests that judging is deterministic.

pub mod ports;
pub mod progress;
pub mod seen;
pub mod shelf;

use std::time::{Duration, Instant as Clock};

use tokio::sync::{Notify, mpsc, watch};

use crate::domain::event::Control;
use crate::domain::fate::{Reason, Refusal};
use crate::domain::{Alert, Body, Fate, FateCounts};
use crate::engine::Engine;
use crate::engine::outcome::Effect;
use crate::wire::{Decoder, encode};

pub use ports::{
    Commit, Committed, Delivery, FateRow, Inbox, InboxError, LogIdentity, Outgoing, Outlet,
    Quarantined, Store, StoreError,
};
pub use progress::{Notice, Progress};
pub use shelf::Shelf;

use seen::{Seen, Sighting};

/// Batches that may wait between two stages.
const STAGE_QUEUE: usize = 4;

/// Most messages whose effects one SQL transaction holds.
const COMMIT_MESSAGES_MAX: u64 = 20_000;

/// Rows of the outbox that are published at a time.
const PUBLISH_ROWS_MAX: usize = 500;

/// What the pipeline came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to stop; everything read was committed.
    Stopped,
    /// The end of the log was reached, as asked.
    CaughtUp,
}

/// Why the pipeline stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log cannot be read on.
    #[error(transparent)]
    Inbox(#[from] InboxError),
    /// Effects cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another daemon has moved the position.
    #[error("another daemon committed to this database; this one stops")]
    Fenced,
    /// The log activates a rulebook that the database does not hold.
    #[error(
        "the log activates rulebook {digest} at sequence {sequence}, which this database does not hold; \
         use the database of the daemon that announced it, or a copy"
    )]
    RulebookMissing {
        /// Its digest.
        digest: String,
        /// Where in the log.
        sequence: u64,
    },
    /// Judging the same log again gave other alerts.
    #[error(
        "judging the log again changed {count} alert(s), the first is {first}; nothing was written. \
         Start with the version, base currency and [engine] settings that the log was judged with, or \
         judge it anew into an empty database"
    )]
    NotDeterministic {
        /// How many.
        count: usize,
        /// The id of one of them.
        first: String,
    },
    /// Judging the same log again gave its messages other fates.
    #[error(
        "judging the log again gave other fates than the ledger holds; nothing was written. Start with \
         the version, base currency and [input] settings that the log was judged with, or judge it anew \
         into an empty database"
    )]
    OtherFates,
    /// The judging thread ended without a word: a fault of ours.
    #[error("judging stopped unexpectedly; the log names the cause")]
    JudgeGone,
}

/// How the pipeline works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most messages per batch.
    pub batch_messages_max: usize,
    /// How many ids are remembered for idempotency.
    pub ids_remembered: usize,
    /// The log's name, for messages about it.
    pub stream: String,
}

/// Runs the pipeline until it is stopped, the log's end is reached (if the inbox was asked to stop
/// there) or something is broken for good.
///
/// `position` is the committed sequence; the inbox must have been opened at the log's first sequence,
/// so that state is rebuilt before new messages are judged.
///
/// # Errors
/// See [`enum@Error`]. Everything committed before stays committed.
pub async fn run(
    inbox: &mut impl Inbox,
    store: &impl Store,
    outlet: &impl Outlet,
    judge: Judge,
    position: u64,
    stop: watch::Receiver<bool>,
    notice: impl Fn(Notice<'_>),
) -> Result<Ended, Error> {
    let batch_max = judge.settings.batch_messages_max;
    let (to_judge, batches) = mpsc::channel(STAGE_QUEUE);
    let (to_keep, stretches) = mpsc::channel(STAGE_QUEUE);
    let judging = std::thread::Builder::new()
        .name("judge".to_owned())
        .spawn(move || judge.run(batches, &to_keep, position))
        .map_err(|_| Error::JudgeGone)?;
    let committed = Notify::new();
    // Becomes true when nothing more will be committed, or published: then reading must end, however
    // quiet the log is, and the publisher sends what is left.
    let (over, is_over) = watch::channel(false);
    let reading = read(inbox, to_judge, batch_max, stop.clone(), is_over.clone());
    let keeping = async {
        let kept = keep(store, stretches, position, &committed, &stop, &notice).await;
        let _ = over.send(true);
        committed.notify_one();
        kept
    };
    let publishing = async {
        let published = publish(store, outlet, &committed, is_over, &notice).await;
        let _ = over.send(true);
        published
    };
    let (read, kept, published) = tokio::join!(reading, keeping, publishing);
    kept?;
    if judging.join().is_err() {
        return Err(Error::JudgeGone);
    }
    let ended = read?;
    published?;
    Ok(ended)
}

/// Step 1: batches of the log, until asked to stop or at its end.
async fn read(
    inbox: &mut impl Inbox,
    to_judge: mpsc::Sender<Vec<Delivery>>,
    batch_max: usize,
    mut stop: watch::Receiver<bool>,
    mut is_over: watch::Receiver<bool>,
) -> Result<Ended, Error> {
    loop {
        let batch = tokio::select! {
            biased;
            _ = stop.wait_for(|&stop| stop) => return Ok(Ended::Stopped),
            _ = is_over.wait_for(|&over| over) => return Ok(Ended::Stopped),
            batch = inbox.next_batch(batch_max) => batch?,
        };
        if batch.is_empty() {
            return Ok(Ended::CaughtUp);
        }
        // The judge is gone only after an error that it has already handed on.
        if to_judge.send(batch).await.is_err() {
            return Ok(Ended::Stopped);
        }
    }
}

/// A judged batch on its way to the store.
enum Judged {
    Stretch(Box<Stretch>),
    Broken(Error),
}

#[derive(Default)]
struct Stretch {
    progress: Progress,
    /// Alerts regenerated at or below the committed position.
    regenerated: Vec<Alert>,
}

/// Steps 2 to 5: what happens to each message, on one thread, in order.
pub struct Judge {
    decoder: Decoder,
    engine: Engine,
    seen: Seen,
    shelf: Shelf,
    settings: Settings,
}

impl Judge {
    /// A judge with an engine that has seen nothing.
    #[must_use]
    pub fn new(decoder: Decoder, engine: Engine, shelf: Shelf, settings: Settings) -> Self {
        let seen = Seen::new(settings.ids_remembered);
        Self { decoder, engine, seen, shelf, settings }
    }

    fn run(
        mut self,
        mut batches: mpsc::Receiver<Vec<Delivery>>,
        to_keep: &mpsc::Sender<Judged>,
        position: u64,
    ) {
        while let Some(batch) = batches.blocking_recv() {
            // A batch may straddle the position: what is replayed and what is new go separate ways.
            let split = batch.partition_point(|delivery| delivery.sequence <= position);
            for (part, is_replay) in [(batch.get(..split), true), (batch.get(split..), false)] {
                let part = part.unwrap_or_default();
                if part.is_empty() {
                    continue;
                }
                let (stretch, broken) = self.batch(part, is_replay);
                // What was judged before a fault is kept, wherever the batch happened to begin.
                if stretch.progress.messages > 0
                    && to_keep.blocking_send(Judged::Stretch(Box::new(stretch))).is_err()
                {
                    return;
                }
                if let Some(error) = broken {
                    let _ = to_keep.blocking_send(Judged::Broken(error));
                    return;
                }
            }
        }
    }

    /// Judges a batch up to its end or to a fault.
    fn batch(&mut self, batch: &[Delivery], is_replay: bool) -> (Stretch, Option<Error>) {
        let started = Clock::now();
        let mut stretch = Stretch::default();
        let mut broken = None;
        let mut judged = batch.len();
        for (index, delivery) in batch.iter().enumerate() {
            if let Err(error) = self.message(delivery, is_replay, &mut stretch) {
                (broken, judged) = (Some(error), index);
                break;
            }
        }
        let batch = batch.get(..judged).unwrap_or_default();
        let progress = &mut stretch.progress;
        if let (Some(first), Some(last)) = (batch.first(), batch.last()) {
            progress.commit.previous = first.sequence.saturating_sub(1);
            progress.commit.sequence = last.sequence;
            progress.sequence = last.sequence;
            progress.stored = Some((first.stored_at, last.stored_at));
        }
        progress.messages = batch.len() as u64;
        progress.is_replay = is_replay;
        progress.watermark = Some(self.engine.watermark());
        progress.counts = vec![self.engine.take_counts()];
        progress.sizes = self.engine.sizes();
        progress.judging = started.elapsed();
        (stretch, broken)
    }

    /// Steps 2 to 4 for one message.
    fn message(
        &mut self,
        delivery: &Delivery,
        is_replay: bool,
        stretch: &mut Stretch,
    ) -> Result<(), Error> {
        let decoded = self.decoder.decode(&delivery.headers, &delivery.payload, delivery.stored_at);
        let event = match decoded {
            Ok(event) => event,
            Err(refusal) => {
                self.refuse(delivery, refusal, stretch);
                return Ok(());
            }
        };
        // Ticks repeat nothing, and would push ids of transactions out of the horizon on a quiet log.
        let sighting = match event.body {
            Body::Control(Control::Tick) => Sighting::New,
            _ => self.seen.check(&event.source, &event.id, &delivery.payload),
        };
        match sighting {
            Sighting::New => {}
            Sighting::Same => {
                gather_fate(delivery.sequence, Fate::Duplicate, stretch);
                return Ok(());
            }
            Sighting::Different => {
                let detail =
                    "an event with this source and id but another content was judged before";
                self.refuse(
                    delivery,
                    Refusal::new(Reason::ConflictingDuplicate, "id", detail),
                    stretch,
                );
                return Ok(());
            }
        }
        if let Body::Control(Control::Rulebook { digest }) = &event.body
            && !self.engine.knows_rulebook(digest)
        {
            let missing = || Error::RulebookMissing {
                digest: digest.to_string(),
                sequence: delivery.sequence,
            };
            self.engine.offer(self.shelf.get(digest).ok_or_else(missing)?);
        }
        let outcome = self.engine.apply(delivery.sequence, &event);
        gather_fate(delivery.sequence, outcome.fate, stretch);
        gather(delivery.sequence, outcome.effects, is_replay, stretch);
        Ok(())
    }

    /// A message that is no event: kept whole, and told to whom repairs the producer.
    fn refuse(&self, delivery: &Delivery, refusal: Refusal, stretch: &mut Stretch) {
        gather_fate(delivery.sequence, Fate::Quarantined(refusal.reason), stretch);
        let dead_letter = encode::dead_letter(&self.settings.stream, delivery, &refusal);
        let commit = &mut stretch.progress.commit;
        commit.outbox.push(dead_letter);
        commit.quarantined.push(Quarantined {
            sequence: delivery.sequence,
            stored_at: delivery.stored_at,
            refusal,
            headers: delivery.headers.clone(),
            payload: delivery.payload.clone(),
        });
    }
}

/// Step 5: effects and what is to be published about them.
fn gather(sequence: u64, effects: Vec<Effect>, is_replay: bool, stretch: &mut Stretch) {
    for (index, effect) in effects.into_iter().enumerate() {
        if is_replay {
            if let Effect::AlertRaised(alert) = effect {
                stretch.regenerated.push(*alert);
            }
            continue;
        }
        let commit = &mut stretch.progress.commit;
        commit.outbox.extend(message_about(&effect, encode::Origin { sequence, index }));
        commit.effects.push((sequence, effect));
    }
}

/// What is published about an effect, if anything is.
fn message_about(effect: &Effect, origin: encode::Origin) -> Option<Outgoing> {
    match effect {
        Effect::AlertRaised(alert) => encode::alert(alert),
        Effect::AlertExtended(update) => encode::alert_updated(update, origin),
        Effect::RekycRequested(request) => encode::rekyc_requested(request),
        Effect::RekycMerged(merge) => encode::rekyc_merged(merge, origin),
        Effect::AlertDecided(_)
        | Effect::RekycCompleted { .. }
        | Effect::IdentityChanged(_)
        | Effect::TransitionRefused { .. }
        | Effect::Parked { .. }
        | Effect::ParkedReleased { .. }
        | Effect::ParkedOverflow { .. }
        | Effect::RulebookActivated { .. }
        | Effect::RulebookMissing { .. } => None,
    }
}

fn gather_fate(sequence: u64, fate: Fate, stretch: &mut Stretch) {
    let commit = &mut stretch.progress.commit;
    commit.counts.add(fate);
    if fate != Fate::Evaluated {
        commit.fates.push(FateRow { sequence, fate });
    }
}

/// Step 6: one transaction for all stretches that are ready.
async fn keep(
    store: &impl Store,
    mut stretches: mpsc::Receiver<Judged>,
    position: u64,
    committed: &Notify,
    stop: &watch::Receiver<bool>,
    notice: &impl Fn(Notice<'_>),
) -> Result<(), Error> {
    let mut position = position;
    let mut replayed = FateCounts::default();
    let mut next = stretches.recv().await;
    while let Some(judged) = next.take() {
        let mut stretch = match judged {
            Judged::Stretch(stretch) => *stretch,
            Judged::Broken(error) => return Err(error),
        };
        let mut ahead = None;
        while stretch.progress.messages < COMMIT_MESSAGES_MAX {
            match stretches.try_recv() {
                Ok(Judged::Stretch(more))
                    if more.progress.is_replay == stretch.progress.is_replay =>
                {
                    stretch.absorb(*more);
                }
                Ok(other) => {
                    ahead = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        if stretch.progress.is_replay {
            compare(store, &stretch).await?;
            let replay = std::mem::take(&mut stretch.progress.commit);
            replayed.merge(&replay.counts);
            if replay.sequence == position && store.counts().await? != replayed {
                return Err(Error::OtherFates);
            }
        } else {
            stretch.progress.commit.previous = position;
            let started = Clock::now();
            commit(store, &stretch.progress.commit, stop, notice).await?;
            stretch.progress.committing = started.elapsed();
            position = stretch.progress.commit.sequence;
            if !stretch.progress.commit.outbox.is_empty() {
                committed.notify_one();
            }
        }
        notice(Notice::Progress(&stretch.progress));
        next = match ahead {
            Some(judged) => Some(judged),
            None => stretches.recv().await,
        };
    }
    Ok(())
}

impl Stretch {
    fn absorb(&mut self, more: Self) {
        self.regenerated.extend(more.regenerated);
        let (mine, more) = (&mut self.progress, more.progress);
        mine.commit.sequence = more.commit.sequence;
        mine.commit.counts.merge(&more.commit.counts);
        mine.commit.fates.extend(more.commit.fates);
        mine.commit.quarantined.extend(more.commit.quarantined);
        mine.commit.effects.extend(more.commit.effects);
        mine.commit.outbox.extend(more.commit.outbox);
        mine.messages += more.messages;
        mine.sequence = more.sequence;
        mine.stored = mine.stored.zip(more.stored).map(|((first, _), (_, last))| (first, last));
        mine.watermark = more.watermark;
        mine.counts.extend(more.counts);
        mine.sizes = more.sizes;
        mine.judging += more.judging;
    }
}

/// Commits, however long the database is away. A commit is a compare-and-set on the position, so after
/// an error the position tells whether it happened.
async fn commit(
    store: &impl Store,
    commit: &Commit,
    stop: &watch::Receiver<bool>,
    notice: &impl Fn(Notice<'_>),
) -> Result<(), Error> {
    let mut pause = Duration::from_millis(20);
    loop {
        let error = match store.commit(commit).await {
            Ok(Committed::Done) => return Ok(()),
            Ok(Committed::Fenced) => return Err(Error::Fenced),
            Err(error @ StoreError::Refused(_)) => return Err(error.into()),
            Err(error) => error,
        };
        notice(Notice::StoreRetry(&error));
        loop {
            // Asked to stop: what is not committed is judged again at the next start.
            if *stop.borrow() {
                return Err(error.into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
            match store.position().await {
                Ok(found) if found == commit.sequence => return Ok(()),
                Ok(found) if found == commit.previous => break,
                Ok(_) => return Err(Error::Fenced),
                Err(StoreError::Unavailable(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

async fn compare(store: &impl Store, stretch: &Stretch) -> Result<(), Error> {
    let commit = &stretch.progress.commit;
    let (first, last) = (commit.previous + 1, commit.sequence);
    let different = store.compare(first, last, &stretch.regenerated).await?;
    match different.first() {
        None => Ok(()),
        Some(first) => {
            Err(Error::NotDeterministic { count: different.len(), first: first.clone() })
        }
    }
}

/// Marks rows as sent, however long the database is away.
async fn mark(
    store: &impl Store,
    rows: &[i64],
    is_over: &watch::Receiver<bool>,
    notice: &impl Fn(Notice<'_>),
) -> Result<(), Error> {
    let mut pause = Duration::from_millis(50);
    while let Err(error) = store.mark_sent(rows).await {
        if *is_over.borrow() || matches!(error, StoreError::Refused(_)) {
            return Err(error.into());
        }
        notice(Notice::StoreRetry(&error));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
    Ok(())
}

/// Steps 7 and 8: what is committed leaves, oldest first, until nothing is left and keeping is done.
async fn publish(
    store: &impl Store,
    outlet: &impl Outlet,
    committed: &Notify,
    is_over: watch::Receiver<bool>,
    notice: &impl Fn(Notice<'_>),
) -> Result<(), Error> {
    let mut pause = Duration::from_millis(50);
    loop {
        let is_last = *is_over.borrow();
        let rows = match store.unsent(PUBLISH_ROWS_MAX).await {
            Ok(rows) => rows,
            Err(StoreError::Unavailable(_)) if !is_last => {
                tokio::time::sleep(pause).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if rows.is_empty() {
            if is_last {
                return Ok(());
            }
            committed.notified().await;
            continue;
        }
        notice(Notice::Unsent { messages: rows.len() });
        let confirmed = outlet.publish(&rows).await;
        let missing = rows.len() - confirmed.len();
        // Nothing more is published before this is marked: the broker forgets message ids in minutes.
        mark(store, &confirmed, &is_over, notice).await?;
        if missing == 0 {
            pause = Duration::from_millis(50);
            continue;
        }
        notice(Notice::NotPublished { messages: missing });
        // While stopping, one more attempt is enough: the rows stay in the outbox for the next start.
        if is_last {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}
