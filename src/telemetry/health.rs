//! What the daemon needs before it may be sent work, and which of it is missing.
//!
//! In: each part of the daemon reports its own condition. Out: the list of what is missing, with
//! what to do about it. Every condition counts as missing until its part says otherwise, so that a
//! part that was never started cannot look ready.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::event::words;

words! {
    /// Something that must hold before the daemon is ready.
    Condition {
        /// A rulebook is loaded.
        Rulebook = "rulebook",
        /// The database can be read and written.
        Store = "store",
        /// The broker is connected and the log is the one we follow.
        Log = "log",
        /// The engine's state is rebuilt up to the committed position.
        State = "state",
        /// The daemon is not shutting down and has not stopped on a fault.
        Running = "running",
    }
}

impl Condition {
    /// What a person can do when it does not hold.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Rulebook => "run `weir check` on the rule folder and mend what it reports",
            Self::Store => "check that the database's folder exists, is writable and has room",
            Self::Log => {
                "check that the broker runs, that its address and credentials are right and that the stream exists"
            }
            Self::State => {
                "wait: the log is being replayed; weir_lag_messages shows how much is left"
            }
            Self::Running => "read the last error in the log, then start the daemon again",
        }
    }
}

/// One condition that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Missing {
    /// Its word.
    pub condition: &'static str,
    /// What is the matter, without any personal data.
    pub message: String,
    /// What to do.
    pub remedy: &'static str,
}

/// The conditions of one daemon; clones share them.
#[derive(Clone, Debug)]
pub struct Health {
    unmet: Arc<RwLock<BTreeMap<Condition, String>>>,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Nothing holds yet.
    #[must_use]
    pub fn new() -> Self {
        let unmet =
            Condition::ALL.iter().map(|&condition| (condition, "not reached yet".to_owned()));
        Self { unmet: Arc::new(RwLock::new(unmet.collect())) }
    }

    /// The condition holds.
    pub fn met(&self, condition: Condition) {
        self.unmet.write().unwrap_or_else(PoisonError::into_inner).remove(&condition);
    }

    /// The condition does not hold, and why. The reason must not carry personal data: it is served
    /// to anyone who can reach the port.
    pub fn unmet(&self, condition: Condition, why: impl Into<String>) {
        let mut unmet = self.unmet.write().unwrap_or_else(PoisonError::into_inner);
        unmet.insert(condition, why.into());
    }

    /// All that is missing, in the order in which a start reaches it.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        let unmet = self.unmet.read().unwrap_or_else(PoisonError::into_inner);
        unmet
            .iter()
            .map(|(condition, message)| Missing {
                condition: condition.word(),
                message: message.clone(),
                remedy: condition.remedy(),
            })
            .collect()
    }

    /// Whether everything holds.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.unmet.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_holds_before_it_is_reported() {
        let missing = Health::new().missing();
        let words: Vec<&str> = missing.iter().map(|missing| missing.condition).collect();
        assert_eq!(words, Condition::WORDS);
    }

    #[test]
    fn ready_once_every_condition_holds() {
        let health = Health::new();
        let other_handle = health.clone();
        for &condition in Condition::ALL {
            assert!(!health.is_ready());
            other_handle.met(condition);
        }
        assert!(health.is_ready());
        assert_eq!(health.missing(), []);
    }

    #[test]
    fn lost_condition_is_listed_with_reason_and_remedy() {
        let health = Health::new();
        for &condition in Condition::ALL {
            health.met(condition);
        }
        health.unmet(Condition::Log, "the broker does not answer");
        let [missing] = &health.missing()[..] else { panic!("one condition is missing") };
        assert_eq!(missing.condition, "log");
        assert_eq!(missing.message, "the broker does not answer");
        assert!(!missing.remedy.is_empty());
    }
}
