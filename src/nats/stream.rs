//! The two streams: the log that Weir reads, and the one that takes what it publishes.
//!
//! In: a client and whether streams may be created. Out: which log it is and where it begins and
//! ends, with everything about it that is weaker than it should be, by name.
//! A stream that exists is never changed here: it may be somebody else's.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, PersistenceMode, RetentionPolicy, StorageType,
};
use serde::Deserialize;

use super::{Client, Error};
use crate::pipeline::LogIdentity;

/// The stream that is the log.
pub const LOG_STREAM: &str = "AML_LOG";
/// What the log takes.
pub const LOG_SUBJECTS: &str = "aml.in.>";
/// The stream that takes alerts, re-KYC requests and dead letters.
pub const OUT_STREAM: &str = "AML_OUT";
/// What that stream takes.
pub const OUT_SUBJECTS: &str = "aml.out.>";

/// Within this time, the broker itself drops a message that was published twice.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);

/// Whether streams may be created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manage {
    /// A stream that is missing is created.
    Create,
    /// Streams are somebody else's: they must exist and be fit.
    #[default]
    Verify,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// Which log it is.
    pub identity: LogIdentity,
    /// The oldest sequence that is left; 1 in a new stream.
    pub first: u64,
    /// The last sequence; 0 in a new stream.
    pub last: u64,
    /// How many messages it holds.
    pub messages: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many copies the cluster keeps.
    pub replicas: usize,
    /// Created just now.
    pub is_created: bool,
    /// What is weaker than it should be.
    pub weaknesses: Vec<Weakness>,
}

/// A setting that puts completeness at risk, without making a log unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Messages can be deleted one by one.
    DeleteAllowed,
    /// The stream can be purged.
    PurgeAllowed,
    /// Age, count or size limits drop old messages, whether or not they were read.
    Expires,
    /// Acknowledged messages may not have reached the disk, whatever the server's settings.
    WritesLater,
    /// One copy only.
    SingleCopy,
}

impl Weakness {
    /// Its name, as a configuration waives it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DeleteAllowed => "delete_allowed",
            Self::PurgeAllowed => "purge_allowed",
            Self::Expires => "expires",
            Self::WritesLater => "writes_later",
            Self::SingleCopy => "single_copy",
        }
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// Makes sure that the log is there and fit to be read.
///
/// # Errors
/// It is missing and may not be created, its subjects belong to another stream, or it is not
/// stored and retained as a log must be.
pub async fn ensure_log_stream(client: &Client, manage: Manage) -> Result<StreamReport, Error> {
    ensure(client, LOG_STREAM, LOG_SUBJECTS, "Everything that Weir judges, in one order.", manage)
        .await
}

/// Makes sure that the stream for what Weir publishes is there.
///
/// # Errors
/// As [`ensure_log_stream`].
pub async fn ensure_out_stream(client: &Client, manage: Manage) -> Result<StreamReport, Error> {
    ensure(client, OUT_STREAM, OUT_SUBJECTS, "Alerts, re-KYC requests and dead letters.", manage)
        .await
}

/// Where the log begins and ends now; for lag.
pub async fn log_report(client: &Client) -> Result<StreamReport, Error> {
    match find(client, LOG_STREAM).await? {
        Some(info) => Ok(report(&info, false)),
        None => Err(missing(LOG_STREAM, LOG_SUBJECTS)),
    }
}

async fn ensure(
    client: &Client,
    name: &str,
    subjects: &str,
    purpose: &str,
    manage: Manage,
) -> Result<StreamReport, Error> {
    client.check_version()?;
    let (info, is_created) = match find(client, name).await? {
        Some(info) => (info, false),
        None if manage == Manage::Verify => return Err(missing(name, subjects)),
        None => (create(client, name, subjects, purpose).await?, true),
    };
    check(&info, subjects)?;
    let report = report(&info, is_created);
    tracing::info!(
        stream = name,
        first = report.first,
        last = report.last,
        created = is_created,
        "The stream is ready."
    );
    Ok(report)
}

/// The stream as it is now, or `None`.
pub(super) async fn find(client: &Client, name: &str) -> Result<Option<Info>, Error> {
    match client.jetstream().get_stream(name).await {
        Ok(stream) => Ok(Some(stream.cached_info().clone())),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(cause)
                if cause.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                Ok(None)
            }
            GetStreamErrorKind::JetStream(cause) => Err(refused(&cause)),
            GetStreamErrorKind::EmptyName | GetStreamErrorKind::InvalidStreamName => {
                Err(Error::Settings("the name of a stream is not valid".to_owned()))
            }
            GetStreamErrorKind::Request => Err(Error::Unanswered(error.to_string())),
        },
    }
}

async fn create(client: &Client, name: &str, subjects: &str, purpose: &str) -> Result<Info, Error> {
    let config = Config {
        name: name.to_owned(),
        description: Some(purpose.to_owned()),
        subjects: vec![subjects.to_owned()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        deny_delete: true,
        deny_purge: true,
        duplicate_window: DUPLICATE_WINDOW,
        num_replicas: 1,
        ..Config::default()
    };
    match client.jetstream().create_stream(config).await {
        Ok(stream) => Ok(stream.cached_info().clone()),
        Err(error) => match error.kind() {
            CreateStreamErrorKind::JetStream(cause)
                if cause.error_code() == ErrorCode::STREAM_SUBJECT_OVERLAP =>
            {
                Err(unfit(name, &format!("another stream already takes {subjects}")))
            }
            CreateStreamErrorKind::JetStream(cause) => Err(refused(&cause)),
            CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::JetStreamUnavailable => {
                Err(Error::Unanswered(error.to_string()))
            }
            _ => Err(Error::Refused(error.to_string())),
        },
    }
}

/// What makes a stream unusable, whoever created it.
fn check(info: &Info, subjects: &str) -> Result<(), Error> {
    let config = &info.config;
    let cause = if config.storage != StorageType::File {
        "it is kept in memory; a log needs file storage"
    } else if config.retention != RetentionPolicy::Limits {
        "its retention is not by limits: reading would delete"
    } else if config.max_messages_per_subject > 0 {
        "it keeps only some messages per subject"
    } else if config.no_ack {
        "it does not acknowledge what it stores"
    } else if !config.subjects.iter().any(|taken| taken == subjects)
        && config.sources.is_none()
        && config.mirror.is_none()
    {
        return Err(unfit(&config.name, &format!("it does not take {subjects}")));
    } else {
        return Ok(());
    };
    Err(unfit(&config.name, cause))
}

fn report(info: &Info, is_created: bool) -> StreamReport {
    let config = &info.config;
    let weaknesses = [
        (!config.deny_delete, Weakness::DeleteAllowed),
        (!config.deny_purge, Weakness::PurgeAllowed),
        (
            !config.max_age.is_zero()
                || (config.discard == DiscardPolicy::Old
                    && (config.max_bytes > 0 || config.max_messages > 0)),
            Weakness::Expires,
        ),
        (config.persist_mode == Some(PersistenceMode::Async), Weakness::WritesLater),
        (config.num_replicas < 2, Weakness::SingleCopy),
    ];
    StreamReport {
        identity: identity(info),
        // An empty stream says 0 here: its first message will be the next one.
        first: info.state.first_sequence.max(1),
        last: info.state.last_sequence,
        messages: info.state.messages,
        bytes: info.state.bytes,
        replicas: config.num_replicas,
        is_created,
        weaknesses: weaknesses
            .into_iter()
            .filter_map(|(is_weak, weakness)| is_weak.then_some(weakness))
            .collect(),
    }
}

/// Which log it is: the name alone may be used again.
pub(super) fn identity(info: &Info) -> LogIdentity {
    let created = jiff::Timestamp::from_nanosecond(info.created.unix_timestamp_nanos())
        .map_or_else(|_| info.created.to_string(), |stamp| stamp.to_string());
    LogIdentity { stream: info.config.name.clone(), created }
}

fn missing(name: &str, subjects: &str) -> Error {
    Error::MissingStream { stream: name.to_owned(), subjects: subjects.to_owned() }
}

fn unfit(name: &str, cause: &str) -> Error {
    Error::UnfitStream { stream: name.to_owned(), cause: cause.to_owned() }
}

/// Codes from 500 on are the cluster's trouble and pass.
pub(super) fn refused(cause: &async_nats::jetstream::Error) -> Error {
    if cause.code() >= 500 {
        Error::Unanswered(cause.to_string())
    } else {
        Error::Refused(cause.to_string())
    }
}
