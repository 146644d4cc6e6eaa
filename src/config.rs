//! From a TOML file, the environment and flags to a checked [`Config`], or a precise word why not.
//!
//! What the user wrote (`File`) and what the program runs with ([`Config`]) are two types. Unknown
//! keys are errors. Every key has a default, so an empty file is a valid one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::domain::event::FUTURE_ALLOWED;
use crate::domain::{Currency, Span};
use crate::engine::Limits;
use crate::nats;
use crate::wire;

/// Everything the daemon needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// How to reach the broker.
    pub nats: nats::Settings,
    /// Whether missing streams are made.
    pub streams: Streams,
    /// The SQLite file.
    pub database: PathBuf,
    /// The rules folder.
    pub rules: PathBuf,
    /// How changes of the rules folder are noticed.
    pub watch: Watch,
    /// Bounds of the engine.
    pub limits: Limits,
    /// How messages are decoded.
    pub decoding: wire::Settings,
    /// How the base currency was said; `None` where it is the default, which a rulebook may overrule.
    pub base_currency_said: Option<&'static str>,
    /// How many ids are remembered for idempotency.
    pub ids_remembered: usize,
    /// Most messages per batch.
    pub batch_messages_max: usize,
    /// How often time is written into an idle log; `None` for never.
    pub tick_every: Option<Duration>,
    /// Where metrics and health are served; `None` for nowhere.
    pub listen: Option<SocketAddr>,
}

/// The two streams, `AML_LOG` and `AML_OUT`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Streams {
    /// Make missing streams, or only check them.
    pub manage: nats::Manage,
}

/// How changes of the rules folder are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// By the operating system.
    #[default]
    Auto,
    /// By looking every few seconds: for network mounts.
    Poll,
    /// Not at all.
    Off,
}

/// The file as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    nats: nats::Settings,
    streams: Streams,
    database: Option<PathBuf>,
    rules: Rules,
    engine: EngineSection,
    input: Input,
    http: Http,
    time: Time,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rules {
    path: Option<PathBuf>,
    watch: Watch,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EngineSection {
    keys_max: Option<usize>,
    series_events_max: Option<usize>,
    step_events_max: Option<usize>,
    sequence_tries_max: Option<usize>,
    timers_max: Option<usize>,
    tick_reach: Option<String>,
    graph_edges_max: Option<usize>,
    graph_visits_max: Option<usize>,
    baseline_waiting_max: Option<usize>,
    parked_max: Option<usize>,
    allowed_lateness: Option<String>,
    judge_again_within: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Input {
    base_currency: Option<String>,
    message_bytes_max: Option<usize>,
    future_allowed: Option<String>,
    ids_remembered: Option<usize>,
    batch_messages_max: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Http {
    listen: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Time {
    tick_every: Option<String>,
}

/// Values from flags or the environment; they win over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--database`, `WEIR_DATABASE`
    pub database: Option<PathBuf>,
    /// `--rules`, `WEIR_RULES`
    pub rules: Option<PathBuf>,
    /// `--base-currency`, `WEIR_BASE_CURRENCY`
    pub base_currency: Option<String>,
    /// `--listen`, `WEIR_LISTEN`
    pub listen: Option<String>,
    /// `--nats`, `NATS_URL`
    pub nats_url: Option<String>,
    /// `--context`, `NATS_CONTEXT`
    pub nats_context: Option<String>,
    /// `--creds`, `NATS_CREDS`
    pub nats_credentials: Option<PathBuf>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("failed to read the configuration {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The file is not what it should be; the text shows line and caret.
    #[error("failed to understand the configuration {path}:\n{report}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// With line, caret and what was expected.
        report: String,
    },
    /// One value is out of range.
    #[error("configuration key `{key}`: {problem}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

/// Reads `path` (or takes the defaults when there is none) and applies the overrides.
///
/// # Errors
/// The file is missing, malformed or has a value out of range.
pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Config, Error> {
    let file = match path {
        None => File::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|reason| Error::Unreadable { path: path.to_owned(), reason })?;
            toml::from_str(&text).map_err(|error| Error::Syntax {
                path: path.to_owned(),
                report: error.to_string(),
            })?
        }
    };
    check(file, overrides)
}

fn check(mut file: File, overrides: &Overrides) -> Result<Config, Error> {
    if let Some(url) = &overrides.nats_url {
        file.nats.servers = url.split(',').map(|part| part.trim().to_owned()).collect();
    }
    file.nats.context = overrides.nats_context.clone().or(file.nats.context);
    file.nats.credentials_file = overrides.nats_credentials.clone().or(file.nats.credentials_file);
    let defaults = Limits::default();
    let limits = Limits {
        keys_max: file.engine.keys_max.unwrap_or(defaults.keys_max),
        series_events_max: file.engine.series_events_max.unwrap_or(defaults.series_events_max),
        step_events_max: at_least_one(
            "engine.step_events_max",
            file.engine.step_events_max,
            defaults.step_events_max,
        )?,
        sequence_tries_max: at_least_one(
            "engine.sequence_tries_max",
            file.engine.sequence_tries_max,
            defaults.sequence_tries_max,
        )?,
        timers_max: file.engine.timers_max.unwrap_or(defaults.timers_max),
        tick_reach: span(
            "engine.tick_reach",
            file.engine.tick_reach.as_deref(),
            defaults.tick_reach,
        )?,
        graph_edges_max: file.engine.graph_edges_max.unwrap_or(defaults.graph_edges_max),
        graph_visits_max: file.engine.graph_visits_max.unwrap_or(defaults.graph_visits_max),
        parked_max: file.engine.parked_max.unwrap_or(defaults.parked_max),
        baseline_waiting_max: at_least_one(
            "engine.baseline_waiting_max",
            file.engine.baseline_waiting_max,
            defaults.baseline_waiting_max,
        )?,
        allowed_lateness: span(
            "engine.allowed_lateness",
            file.engine.allowed_lateness.as_deref(),
            defaults.allowed_lateness,
        )?,
        judge_again_within: span(
            "engine.judge_again_within",
            file.engine.judge_again_within.as_deref(),
            defaults.judge_again_within,
        )?,
    };
    let by_flag = overrides.base_currency.as_deref().map(|code| (code, "`--base-currency`"));
    let by_file = file.input.base_currency.as_deref().map(|code| (code, "`input.base_currency`"));
    let said = by_flag.or(by_file);
    let code = said.map_or("EUR", |(code, _)| code);
    let base_currency = Currency::parse(code).ok_or_else(|| Error::Value {
        key: "input.base_currency",
        problem: format!("`{code}` is not a currency of ISO 4217; write for example \"EUR\""),
    })?;
    let mut decoding = wire::Settings::new(base_currency);
    if let Some(bytes) = file.input.message_bytes_max {
        decoding.message_bytes_max = bytes;
    }
    decoding.future_allowed =
        span("input.future_allowed", file.input.future_allowed.as_deref(), FUTURE_ALLOWED)?;
    Ok(Config {
        nats: file.nats,
        streams: file.streams,
        database: overrides.database.clone().or(file.database).unwrap_or_else(|| "weir.db".into()),
        rules: overrides.rules.clone().or(file.rules.path).unwrap_or_else(|| "rules".into()),
        watch: file.rules.watch,
        limits,
        decoding,
        base_currency_said: said.map(|(_, place)| place),
        ids_remembered: at_least_one("input.ids_remembered", file.input.ids_remembered, 1_000_000)?,
        batch_messages_max: at_least_one(
            "input.batch_messages_max",
            file.input.batch_messages_max,
            2_000,
        )?,
        tick_every: tick(file.time.tick_every.as_deref())?,
        listen: listen(overrides.listen.as_deref().or(file.http.listen.as_deref()))?,
    })
}

fn at_least_one(key: &'static str, value: Option<usize>, default: usize) -> Result<usize, Error> {
    match value {
        Some(0) => Err(Error::Value { key, problem: "must be at least 1".to_owned() }),
        value => Ok(value.unwrap_or(default)),
    }
}

fn span(key: &'static str, text: Option<&str>, default: Span) -> Result<Span, Error> {
    let Some(text) = text else { return Ok(default) };
    Span::parse(text).filter(|span| span.0 >= 0).ok_or_else(|| Error::Value {
        key,
        problem: format!(
            "`{text}` is not a length of time; write for example \"5m\", \"24h\", \"7d\""
        ),
    })
}

fn tick(text: Option<&str>) -> Result<Option<Duration>, Error> {
    if text == Some("off") {
        return Ok(None);
    }
    let every = span("time.tick_every", text, Span::seconds(1))?;
    let micros = u64::try_from(every.0).unwrap_or_default();
    if micros < 100_000 {
        let problem = "must be at least a second, or \"off\"".to_owned();
        return Err(Error::Value { key: "time.tick_every", problem });
    }
    Ok(Some(Duration::from_micros(micros)))
}

fn listen(text: Option<&str>) -> Result<Option<SocketAddr>, Error> {
    match text {
        Some("off") => Ok(None),
        text => {
            let text = text.unwrap_or("127.0.0.1:9464");
            let problem = || Error::Value {
                key: "http.listen",
                problem: format!("`{text}` is not an address; write \"127.0.0.1:9464\" or \"off\""),
            };
            text.parse().map(Some).map_err(|_| problem())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        check(file, &Overrides::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_is_a_valid_one() {
        let config = read("").expect("defaults");
        assert_eq!(config.decoding.base_currency.code(), "EUR");
        assert_eq!(config.streams.manage, nats::Manage::Verify);
        assert_eq!(config.tick_every, Some(Duration::from_secs(1)));
    }

    #[test]
    fn every_bound_of_the_engine_can_be_chosen() {
        let text = "[engine]\nkeys_max = 1\nseries_events_max = 2\nstep_events_max = 3\n\
                    sequence_tries_max = 4\ntimers_max = 5\ntick_reach = '6s'\ngraph_edges_max = 7\n\
                    graph_visits_max = 8\nbaseline_waiting_max = 9\nparked_max = 10\n\
                    allowed_lateness = '11s'\njudge_again_within = '12s'\n";
        let expected = Limits {
            keys_max: 1,
            series_events_max: 2,
            step_events_max: 3,
            sequence_tries_max: 4,
            timers_max: 5,
            tick_reach: Span::seconds(6),
            graph_edges_max: 7,
            graph_visits_max: 8,
            baseline_waiting_max: 9,
            parked_max: 10,
            allowed_lateness: Span::seconds(11),
            judge_again_within: Span::seconds(12),
        };
        assert_eq!(read(text).expect("sound").limits, expected);
    }

    #[test]
    fn a_wrong_value_names_its_key_and_what_would_be_right() {
        for (text, expected) in [
            ("[rule]", "unknown field `rule`"),
            ("[input]\nbase_curency = 'SEK'", "unknown field `base_curency`"),
            ("[input]\nbase_currency = 'XYZ'", "input.base_currency"),
            ("[engine]\nallowed_lateness = '5 minutes'", "write for example \"5m\""),
            ("[time]\ntick_every = '0s'", "time.tick_every"),
            ("[http]\nlisten = 'here'", "http.listen"),
            ("[input]\nbatch_messages_max = 0", "at least 1"),
            ("[engine]\nbaseline_waiting_max = 0", "engine.baseline_waiting_max"),
        ] {
            let problem = read(text).expect_err(text);
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}
