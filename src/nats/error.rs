//! What can go wrong at the broker, in words for the operator.
//!
//! In: failures of the client library and of the managed broker. Out: [`Error`], which says
//! whether waiting may help. Never here: a secret, or anything out of a message.

use std::path::PathBuf;

/// Why the broker could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings contradict each other or a file of theirs cannot be used.
    #[error("the NATS settings are not usable: {0}")]
    Settings(String),
    /// A file named in the settings could not be read.
    #[error("failed to read {what} from {}: {cause}", path.display())]
    File {
        /// What it holds.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The broker does not accept our credentials.
    #[error("the broker at {servers} refused our credentials; check {access}")]
    Denied {
        /// Where.
        servers: String,
        /// Which settings to check.
        access: String,
    },
    /// The broker could not be reached.
    #[error("the broker at {servers} cannot be reached: {cause}")]
    Unreachable {
        /// Where.
        servers: String,
        /// Why not.
        cause: String,
    },
    /// A request was not answered, or answered with a fault that may pass.
    #[error("the broker did not answer: {0}")]
    Unanswered(String),
    /// The broker is older than what we rely on.
    #[error("the broker is nats-server {found}, and {floor} or newer is needed")]
    TooOld {
        /// Its version.
        found: String,
        /// The oldest that will do.
        floor: String,
    },
    /// The broker refuses what we asked for.
    #[error("the broker refused: {0}")]
    Refused(String),
    /// The stream is not there, and we may not create it.
    #[error(
        "the stream {stream} does not exist; create it with subjects {subjects}, file storage and \
         limits retention, or set manage = \"create\" under [streams]"
    )]
    MissingStream {
        /// Its name.
        stream: String,
        /// What it must take.
        subjects: String,
    },
    /// The stream is there, and is not fit to be a log.
    #[error("the stream {stream} cannot be used: {cause}")]
    UnfitStream {
        /// Its name.
        stream: String,
        /// Why not, and what to do.
        cause: String,
    },
    /// The stream of that name was created anew: another log.
    #[error(
        "the log {stream} is not the one we were reading: ours was created {ours}, this one {found}"
    )]
    Replaced {
        /// Its name.
        stream: String,
        /// When the log was created that the position belongs to.
        ours: String,
        /// When the present one was created.
        found: String,
    },
    /// Messages that we have not read are gone.
    #[error("the log has aged out: we need sequence {expected}, it begins at {first}")]
    AgedOut {
        /// The next one to read.
        expected: u64,
        /// The oldest that is left.
        first: u64,
    },
    /// Messages that we have read are gone from its end.
    #[error("the log was rolled back: we have read up to sequence {position}, it ends at {last}")]
    RolledBack {
        /// Our position.
        position: u64,
        /// The last sequence there is.
        last: u64,
    },
    /// There is no broker program to run.
    #[error("{0}")]
    NoProgram(String),
    /// The managed broker did not come up.
    #[error("the managed broker did not start: {cause}{}", tail(log))]
    NotStarted {
        /// Why.
        cause: String,
        /// The end of its log.
        log: String,
    },
}

impl Error {
    /// Whether waiting and trying again may help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unanswered(_))
    }

    /// A short code for metrics and status, for the faults of a log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Settings(_) | Self::File { .. } => "settings",
            Self::Denied { .. } => "denied",
            Self::Unreachable { .. } | Self::Unanswered(_) => "unreachable",
            Self::TooOld { .. } => "too_old",
            Self::Refused(_) => "refused",
            Self::MissingStream { .. } => "missing",
            Self::UnfitStream { .. } => "unfit",
            Self::Replaced { .. } => "recreated",
            Self::AgedOut { .. } => "aged_out",
            Self::RolledBack { .. } => "rolled_back",
            Self::NoProgram(_) | Self::NotStarted { .. } => "broker",
        }
    }
}

fn tail(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("; its log ends with:\n{log}") }
}
