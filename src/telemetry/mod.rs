//! What operators see of the running daemon: metrics, health and log lines.
//!
//! In: counts, durations and conditions, as plain values. Out: Prometheus text, health answers and
//! log records. A leaf: it knows the nouns of `domain` and nothing else of the program. No id of a
//! customer, an account, an event or an alert may become a metric label, a health message or the
//! value of a log field.

pub mod health;
pub mod http;
pub mod log;
pub mod metric_list;
pub mod metrics;

pub use health::{Condition, Health};
pub use metrics::Metrics;
