//! Bytes to events and outcomes to bytes: the only place that knows how messages are written.
//!
//! In: the headers and body of one message. Out: a [`crate::domain::Event`] that borrows from them,
//! or a refusal with its reason and place. The other way round: alerts, re-KYC requests, dead letters
//! and Weir's own log entries as `CloudEvents`. Never reads a clock, never repeats a refused value.
//!
//! Read `messages` for what producers may send, `decode` for how it is read.

mod text;

pub mod kinds;
pub mod messages;

mod check;
mod convert;
mod decode;
mod diagnose;

pub mod encode;
pub mod outputs;
pub mod schema;

pub use check::NOTE_BYTES_MAX;
pub use decode::{Decoder, Head, Settings, head};
