//! The broker edge: connect, read the log in order, publish what was committed, run a broker.
//!
//! In: messages of the log stream. Out: deliveries in sequence, and messages with deterministic ids.
//! Nothing here trusts an acknowledgement of a delivery or a consumer's memory: reading starts from
//! the position that the database committed, and every sequence must be the expected one.
//! Never here: what a message means.

mod broker;
mod client;
mod error;
mod inbox;
mod outlet;
mod program;
mod settings;
mod stream;

pub use broker::{Broker, BrokerAccess, BrokerOptions};
pub use client::{Client, Link, Patience, connect};
pub use error::Error;
pub use inbox::LogInbox;
pub use outlet::{BulkMessage, BulkPublisher, BulkSummary, Outlet, Published};
pub use program::{NO_SERVER, Program, find_program};
pub use settings::{Settings, TlsSettings};
pub use stream::{
    LOG_STREAM, LOG_SUBJECTS, Manage, OUT_STREAM, OUT_SUBJECTS, StreamReport, Weakness,
    ensure_log_stream, ensure_out_stream, log_report,
};
