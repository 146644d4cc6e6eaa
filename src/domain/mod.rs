//! The nouns of the monitor: instants, money, events, identities, fates, alerts, re-KYC requests.
//!
//! Plain values only. Nothing here reads a clock, a file or a socket, and nothing is serialisable:
//! message and database forms are separate types in `wire` and `store`, converted by hand.

pub mod alert;
pub mod event;
pub mod fate;
pub mod identity;
pub mod instant;
pub mod money;
pub mod rekyc;
pub mod similarity;

pub use alert::{Alert, AlertClass, AlertUpdate, Entity, Evidence, Severity};
pub use event::{Body, Control, Event, IdentityEvent, Party, SecurityEvent, Session, Transaction};
pub use fate::{Fate, FateCounts, Reason, Refusal};
pub use identity::{Risk, Segment, Verification};
pub use instant::{Instant, Span};
pub use money::{Country, Currency, Money, Rate};
pub use rekyc::{RekycCause, RekycRequest, RekycScope};
