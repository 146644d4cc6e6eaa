//! Log lines: how they are set up, which fields they may carry, and how repeats are held back.
//!
//! In: the `tracing` records of the whole program. Out: lines on standard error, as text for a
//! person at a terminal and as JSON for everything else. Only fields of [`FIELDS`] are used, which
//! `tests/tidy.rs` checks: none of them can hold a customer's data.

use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;

/// The variable that chooses what is logged, for example `debug` or `weir::nats=debug,info`.
pub const FILTER_VARIABLE: &str = "WEIR_LOG";

/// What is logged when the variable is not set.
pub const FILTER_DEFAULT: &str = "info,async_nats=warn";

/// The filter of a command that people watch: its own words are on the screen already.
pub const FILTER_WATCHED: &str = "warn,async_nats=error";

/// The only field names of log records. None may hold an id of a customer, an account, an event
/// or an alert, or a value taken from a message.
pub const FIELDS: &[&str] = &[
    "address",
    "attempt",
    "batch",
    "cause",
    "condition",
    "connects",
    "consumer",
    "count",
    "created",
    "digest",
    "disconnects",
    "duration_ms",
    "error",
    "expected",
    "fate",
    "file",
    "first",
    "found",
    "held_back",
    "kind",
    "lag",
    "last",
    "limit",
    "path",
    "problem",
    "problems",
    "reason",
    "result",
    "rule",
    "rules",
    "sequence",
    "server",
    "severity",
    "signal",
    "stage",
    "stream",
    "subject",
    "variable",
    "version",
];

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Text.
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(Error::Format),
        }
    }
}

impl Format {
    /// Whether lines are JSON, given whether a person is watching.
    const fn is_json(self, is_terminal: bool) -> bool {
        match self {
            Self::Auto => !is_terminal,
            Self::Text => false,
            Self::Json => true,
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not one of the words.
    #[error("read the log format: it is one of auto, text, json")]
    Format,
    /// The filter has a mistake.
    #[error(
        "read the log filter: {0}; write for example WEIR_LOG=debug or WEIR_LOG=weir::nats=debug,info"
    )]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Logging was set up before.
    #[error("set up logging: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
    /// The variable is not text.
    #[error("read the log filter: WEIR_LOG is not valid UTF-8")]
    NotUtf8,
}

/// Sends all log records of the process to standard error; `default` is the filter when `WEIR_LOG`
/// does not say one.
///
/// # Errors
/// `WEIR_LOG` has a mistake, or logging was set up before.
pub fn init(format: Format, default: &str) -> Result<(), Error> {
    use tracing_subscriber::util::SubscriberInitExt as _;

    let filter = match std::env::var(FILTER_VARIABLE) {
        Ok(text) => filter(&text)?,
        Err(std::env::VarError::NotPresent) => filter(default)?,
        Err(std::env::VarError::NotUnicode(_)) => return Err(Error::NotUtf8),
    };
    let is_terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if format.is_json(is_terminal) {
        lines.json().flatten_event(true).with_current_span(false).finish().try_init()?;
    } else {
        lines.with_ansi(is_terminal).with_target(false).finish().try_init()?;
    }
    Ok(())
}

/// An empty filter would silence errors too, so it means the default.
fn filter(text: &str) -> Result<EnvFilter, Error> {
    let text = if text.trim().is_empty() { FILTER_DEFAULT } else { text };
    Ok(EnvFilter::builder().parse(text)?)
}

/// Lets one record of a kind through per span of time and counts the ones held back.
///
/// For records that one bad producer or one broken connection would repeat without end.
#[derive(Debug)]
pub struct Limited {
    every: Duration,
    state: Mutex<LimitedState>,
}

#[derive(Debug, Default)]
struct LimitedState {
    last: Option<Instant>,
    held_back: u64,
}

impl Limited {
    /// At most one record in ten seconds.
    #[must_use]
    pub const fn ten_seconds() -> Self {
        Self::every(Duration::from_secs(10))
    }

    /// At most one record per span of time.
    #[must_use]
    pub const fn every(every: Duration) -> Self {
        Self { every, state: Mutex::new(LimitedState { last: None, held_back: 0 }) }
    }

    /// `Some` when the record may be written: the number held back since the last one.
    pub fn allow(&self) -> Option<u64> {
        self.allow_at(Instant::now())
    }

    fn allow_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = state.last.is_none_or(|last| now.duration_since(last) >= self.every);
        if is_due {
            state.last = Some(now);
            Some(std::mem::take(&mut state.held_back))
        } else {
            state.held_back += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_format_is_text_for_a_person_and_json_for_a_machine() {
        assert!(!Format::Auto.is_json(true));
        assert!(Format::Auto.is_json(false));
        assert!(!Format::Text.is_json(false));
        assert!(Format::Json.is_json(true));
    }

    #[test]
    fn format_words_are_read_and_others_refused_with_the_choice() {
        assert_eq!("auto".parse::<Format>().expect("a word"), Format::Auto);
        assert_eq!("text".parse::<Format>().expect("a word"), Format::Text);
        assert_eq!("json".parse::<Format>().expect("a word"), Format::Json);
        let error = "xml".parse::<Format>().expect_err("not a word");
        assert!(error.to_string().contains("auto, text, json"), "{error}");
    }

    #[test]
    fn filter_with_a_mistake_is_refused_with_an_example() {
        let error = filter("weir=loud").expect_err("not a level");
        assert!(error.to_string().contains("WEIR_LOG=debug"), "{error}");
    }

    #[test]
    fn empty_filter_means_the_default() {
        let default = filter(FILTER_DEFAULT).expect("a filter").to_string();
        assert_eq!(filter(" ").expect("the default").to_string(), default);
    }

    #[test]
    fn field_names_are_sorted_and_unique() {
        assert!(FIELDS.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn repeats_are_held_back_and_counted() {
        let limited = Limited::ten_seconds();
        let start = Instant::now();
        assert_eq!(limited.allow_at(start), Some(0));
        assert_eq!(limited.allow_at(start + Duration::from_secs(1)), None);
        assert_eq!(limited.allow_at(start + Duration::from_secs(9)), None);
        assert_eq!(limited.allow_at(start + Duration::from_secs(10)), Some(2));
        assert_eq!(limited.allow_at(start + Duration::from_secs(11)), None);
    }
}
