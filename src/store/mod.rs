//! The database edge: one SQL transaction per stretch of the log, and the questions people ask of it.
//!
//! In: commits of the pipeline. Out: the position, unpublished messages, and plain structs for the
//! command line. The database is the one truth about progress: what it committed happened, and
//! nothing else did. Never here: decisions about alerts, or a message of the broker.

mod commit;
mod error;
mod evidence;
mod queries;
mod rows;
mod sqlite;
mod views;

pub use error::Error;
pub use evidence::alert_digest;
pub use queries::{Reader, open_read_only};
pub use sqlite::SqliteStore;
pub use views::{
    ALERT_STATUSES, ActiveRulebook, AlertCount, AlertDecision, AlertDetail, AlertFilter,
    AlertOccurrence, AlertSummary, Found, Note, QuarantinedMessage, QuarantinedSummary,
    RekycCauseRow, RekycFilter, RekycSummary, Status, Stretch,
};
