//! What can go wrong with the database, in words for the operator.
//!
//! In: failures of the database library. Out: [`Error`], which says whether trying again may help.
//! Never here: a value of a message; constraint texts of the database name columns only.

use std::path::PathBuf;

use crate::pipeline::StoreError;

/// Why the database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another daemon works in this directory.
    #[error(
        "the data directory {} is in use by another weir process{}; stop it, or give this one \
         another directory",
        directory.display(),
        holder.as_ref().map_or_else(String::new, |id| format!(" (process {id})"))
    )]
    Locked {
        /// The directory.
        directory: PathBuf,
        /// The other's process id, if it could be read.
        holder: Option<u32>,
    },
    /// There is nothing to read yet.
    #[error("there is no database at {}; `weir run` or `weir demo` creates it", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A durability setting did not take effect.
    #[error("the database setting {name} is {found} and must be {wanted}")]
    Setting {
        /// The pragma.
        name: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What the database answered.
        found: String,
    },
    /// The database library has a known fault.
    #[error("SQLite {found} is too old: {floor} is the first without the WAL-reset fault")]
    TooOld {
        /// The version linked.
        found: String,
        /// The first version that will do.
        floor: &'static str,
    },
    /// The database's own check found a fault.
    #[error(
        "the database is damaged ({0}); restore it, or start with an empty directory and replay"
    )]
    Damaged(String),
    /// Tables of another version of Weir.
    #[error("the database was written by another version of weir: {0}")]
    Version(String),
    /// The directory or file could not be used.
    #[error("failed to use {}: {cause}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The database cannot be reached or is busy; trying again may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refuses for a reason that trying again does not mend.
    #[error("the database refused: {0}")]
    Refused(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) => {
                // Primary result codes: 5 busy, 6 locked, 10 I/O, 13 full, 14 cannot open.
                let code = cause.code().and_then(|code| code.parse::<u32>().ok());
                match code.map(|code| code & 0xff) {
                    Some(5 | 6 | 10 | 13 | 14) => Self::Unavailable(cause.message().to_owned()),
                    Some(11 | 26) => Self::Damaged(cause.message().to_owned()),
                    _ => Self::Refused(cause.message().to_owned()),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(cause) => cause.into(),
            other => Self::Version(other.to_string()),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(text) => Self::Unavailable(text),
            Error::Refused(text) => Self::Refused(text),
            other => Self::Refused(other.to_string()),
        }
    }
}
