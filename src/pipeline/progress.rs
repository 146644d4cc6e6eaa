//! What the pipeline tells while it works: for metrics, log lines and people who watch.

use std::time::Duration;

use crate::domain::Instant;
use crate::engine::outcome::Effect;
use crate::engine::{Counts, Sizes};

use super::{Commit, StoreError};

/// What a stretch of the log came to, told after its commit.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// What was committed (nothing, while replaying).
    pub commit: Commit,
    /// How many messages were judged.
    pub messages: u64,
    /// The last sequence judged.
    pub sequence: u64,
    /// The stretch lies before the committed position.
    pub is_replay: bool,
    /// When the broker stored each message: sum over messages is not needed, the ends are.
    pub stored: Option<(Instant, Instant)>,
    /// The latest event time.
    pub watermark: Option<Instant>,
    /// The engine's counts.
    pub counts: Vec<Counts>,
    /// The engine's sizes.
    pub sizes: Sizes,
    /// Time spent on decoding and judging.
    pub judging: Duration,
    /// Time spent on the commit.
    pub committing: Duration,
}

/// Something that happened which somebody may want to see.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A stretch was committed or replayed.
    Progress(&'a Progress),
    /// The store did not answer; the same commit is tried again.
    StoreRetry(&'a StoreError),
    /// The broker did not confirm some messages; they are published again.
    NotPublished {
        /// How many.
        messages: usize,
    },
    /// Committed messages wait to be published.
    Unsent {
        /// At least so many.
        messages: usize,
    },
}

impl Progress {
    /// How many alerts the stretch raised, those of rules in shadow left out.
    #[must_use]
    pub fn counts_of_alerts(&self) -> u64 {
        let raised = |effect: &Effect| matches!(effect, Effect::AlertRaised(it) if !it.is_shadow);
        self.commit.effects.iter().filter(|(_, effect)| raised(effect)).count() as u64
    }
}
