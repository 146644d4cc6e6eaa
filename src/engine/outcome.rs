//! The closed list of what applying one event can lead to.
//!
//! The engine returns these and does nothing else; the pipeline commits and publishes them.

use crate::domain::alert::Verdict;
use crate::domain::identity::ImpossibleTransition;
use crate::domain::rekyc::RekycMerge;
use crate::domain::{Alert, AlertUpdate, Fate, Instant, RekycRequest, Verification};

/// What became of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Its fate. The engine never quarantines; a refusal never reaches it.
    pub fate: Fate,
    /// Effects, in the order they must be stored and published.
    pub effects: Vec<Effect>,
}

/// One effect of one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A new alert.
    AlertRaised(Box<Alert>),
    /// A further match within an alert's cool-down.
    AlertExtended(Box<AlertUpdate>),
    /// A person's verdict came in.
    AlertDecided(Box<Decision>),
    /// A new re-KYC request.
    RekycRequested(Box<RekycRequest>),
    /// A further cause for an open request.
    RekycMerged(Box<RekycMerge>),
    /// A request was completed.
    RekycCompleted {
        /// The request.
        request: String,
        /// When, in event time.
        at: Instant,
    },
    /// A customer's identity changed (the newest version is what is stored).
    IdentityChanged(Box<IdentityChange>),
    /// An identity event that the lifecycle has no place for; its facts were kept.
    TransitionRefused {
        /// Whose identity.
        customer: String,
        /// What was tried.
        refused: ImpossibleTransition,
    },
    /// This event waits for its customer's identity.
    Parked {
        /// The unknown customer, or the account when no customer is named.
        customer: String,
        /// Event time.
        at: Instant,
    },
    /// An event parked earlier was judged again with its identity.
    ParkedReleased {
        /// Its sequence.
        sequence: u64,
    },
    /// A parked event was given up: the limit on parked events was reached.
    ParkedOverflow {
        /// Its sequence.
        sequence: u64,
    },
    /// A rulebook became live.
    RulebookActivated {
        /// Its digest.
        digest: String,
    },
    /// An activation named a rulebook that is not in the database.
    RulebookMissing {
        /// Its digest.
        digest: String,
    },
}

/// A person's verdict on an alert, as it came over the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The alert.
    pub alert: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Who decided.
    pub by: String,
    /// Why.
    pub note: Option<String>,
    /// When, in event time.
    pub at: Instant,
}

/// What is stored about a customer: state and bands, no names or documents.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityChange {
    /// Whose identity.
    pub customer: String,
    /// The producer's version, if it gave one.
    pub version: Option<u64>,
    /// Verification state.
    pub state: Option<Verification>,
    /// Risk band, as its word.
    pub risk: Option<String>,
    /// Segment, as its word.
    pub segment: Option<String>,
    /// Since when this holds, in event time.
    pub effective_at: Instant,
}
