//! One connection to the broker, its state for readiness and metrics, and its orderly end.
//!
//! In: [`Settings`]. Out: a [`Client`] that reconnects without end, with growing and jittered pauses.
//! A daemon waits for a broker that is away; everything else says at once why it cannot connect.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use async_nats::jetstream;
use async_nats::{ConnectErrorKind, ConnectOptions, Event};
use tokio::sync::watch;

use super::settings::{Access, Resolved};
use super::{Error, Settings};

/// How long a request or an acknowledgement may take before its outcome counts as unknown.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// Acknowledgements that may be outstanding on one connection.
const ACKS_OUTSTANDING_MAX: usize = 8_192;

/// Messages of one subscription that wait in memory. When it is full, the library drops; the
/// reader of the log never asks for more than a quarter of this.
pub(super) const SUBSCRIPTION_MESSAGES_MAX: usize = 65_536;

/// The longest pause between two attempts to connect, before jitter.
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// The oldest broker whose streams and consumers behave as we rely on.
pub(super) const SERVER_FLOOR: (u64, u64) = (2, 12);

/// How long to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Connect in the background and never give up: a daemon.
    Endless,
    /// Say at once why it does not work: everything a person waits for.
    None,
}

/// What is known about the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Connected at this moment.
    pub is_connected: bool,
    /// The broker announced that it will shut down.
    pub is_lame_duck: bool,
    /// How often a connection came about.
    pub connects: u64,
    /// How often it was lost.
    pub disconnects: u64,
    /// How often the library had to drop messages because we were slow.
    pub slow_consumers: u64,
    /// What went wrong last; empty after a successful connection.
    pub last_problem: String,
}

/// A connection to the broker.
#[derive(Clone, Debug)]
pub struct Client {
    nats: async_nats::Client,
    jetstream: jetstream::Context,
    api_prefix: String,
    link: watch::Receiver<Link>,
}

/// Connects.
///
/// With [`Patience::Endless`] this returns at once, and [`Client::connected`] waits.
///
/// # Errors
/// The settings are not usable; without patience, also whatever keeps us from connecting.
pub async fn connect(settings: &Settings, patience: Patience) -> Result<Client, Error> {
    let resolved = settings.resolve()?;
    let servers = shown(&resolved);
    let instance = settings.instance.as_deref().unwrap_or("default");
    let (sender, link) = watch::channel(Link::default());
    let mut options = options(&resolved, instance)?
        .event_callback(move |event| {
            sender.send_modify(|link| note(link, &event));
            std::future::ready(())
        })
        .reconnect_delay_callback(pause);
    if patience == Patience::Endless {
        options = options.retry_on_initial_connect();
    }
    let nats =
        options.connect(resolved.servers.clone()).await.map_err(|error| match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                Error::Denied { servers: servers.clone(), access: resolved.access_name.clone() }
            }
            _ => Error::Unreachable { servers: servers.clone(), cause: error.to_string() },
        })?;
    let jetstream = jetstream::context::ContextBuilder::new()
        .timeout(ANSWER_WAIT)
        .max_ack_inflight(ACKS_OUTSTANDING_MAX)
        .backpressure_on_inflight(true)
        .api_prefix(resolved.api_prefix.clone())
        .build(nats.clone());
    Ok(Client { nats, jetstream, api_prefix: resolved.api_prefix, link })
}

impl Client {
    /// The connection's state, to be watched.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// Whether there is a connection at this moment.
    pub fn is_connected(&self) -> bool {
        self.nats.connection_state() == async_nats::connection::State::Connected
    }

    /// Waits until there is a connection.
    pub async fn connected(&self) {
        let mut link = self.link();
        while !self.is_connected() {
            // The event may come late or, on a closed connection, never: look now and then.
            let pause = tokio::time::sleep(Duration::from_millis(200));
            tokio::select! {
                Ok(()) = link.changed() => {}
                () = pause => {}
            }
        }
    }

    /// The broker's version, once connected.
    pub fn server_version(&self) -> Option<String> {
        self.nats.try_server_info().map(|info| info.version).filter(|text| !text.is_empty())
    }

    /// The library's client, for what has no place here (plain requests, subscriptions).
    pub fn nats(&self) -> &async_nats::Client {
        &self.nats
    }

    /// The library's JetStream handle.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// Sends what is waiting to be sent and ends the connection.
    pub async fn close(&self) {
        // Bounded: with the broker away, there is nobody to drain to.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.nats.flush()).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), self.nats.drain()).await;
    }

    /// The subject of a request to the JetStream API.
    pub(super) fn api_subject(&self, rest: &str) -> String {
        format!("{}.{rest}", self.api_prefix)
    }

    /// Refuses a broker that is older than what we rely on.
    pub(super) fn check_version(&self) -> Result<(), Error> {
        let Some(found) = self.server_version() else { return Ok(()) };
        if version_of(&found) >= Some(SERVER_FLOOR) {
            return Ok(());
        }
        Err(Error::TooOld { found, floor: format!("{}.{}", SERVER_FLOOR.0, SERVER_FLOOR.1) })
    }
}

/// Major and minor number of `v2.15.1`, `2.15.1` or `2.16.0-dev`.
pub(super) fn version_of(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn options(resolved: &Resolved, instance: &str) -> Result<ConnectOptions, Error> {
    let mut options = ConnectOptions::new()
        .name(format!("weir/{}/{instance}", env!("CARGO_PKG_VERSION")))
        .subscription_capacity(SUBSCRIPTION_MESSAGES_MAX)
        .require_tls(resolved.tls.required);
    options = match &resolved.access {
        Access::Open => options,
        Access::Credentials(text) => options.credentials(text).map_err(|_| {
            Error::Settings("the credentials file holds no user JWT and seed".to_owned())
        })?,
        Access::Nkey(seed) => options.nkey(seed.clone()),
        Access::Password { user, password } => {
            options.user_and_password(user.clone(), password.clone())
        }
        Access::Token(token) => options.token(token.clone()),
    };
    if let Some(path) = &resolved.tls.ca_file {
        options = options.add_root_certificates(path.clone());
    }
    if let (Some(certificate), Some(key)) = (&resolved.tls.certificate_file, &resolved.tls.key_file)
    {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    if resolved.tls.first {
        options = options.tls_first();
    }
    if let Some(prefix) = &resolved.inbox_prefix {
        options = options.custom_inbox_prefix(prefix);
    }
    Ok(options)
}

/// Hosts and ports: an address of a context may carry a password, so it is never shown whole.
fn shown(resolved: &Resolved) -> String {
    let hosts: Vec<_> = resolved
        .servers
        .iter()
        .map(|server| format!("{}:{}", server.host(), server.port()))
        .collect();
    hosts.join(", ")
}

fn note(link: &mut Link, event: &Event) {
    match event {
        Event::Connected => {
            link.is_connected = true;
            link.is_lame_duck = false;
            link.connects += 1;
            link.last_problem.clear();
            tracing::info!(connects = link.connects, "Connected to the broker.");
        }
        Event::Disconnected => {
            link.is_connected = false;
            link.disconnects += 1;
            tracing::warn!(disconnects = link.disconnects, "Lost the connection to the broker.");
        }
        Event::Draining | Event::Closed => link.is_connected = false,
        Event::LameDuckMode => {
            link.is_lame_duck = true;
            tracing::info!("The broker is about to shut down; another one will be used.");
        }
        Event::SlowConsumer(_) => {
            link.slow_consumers += 1;
            tracing::warn!("Messages were dropped before we read them; they will be read again.");
        }
        Event::ServerError(error) => {
            link.last_problem = error.to_string();
            tracing::warn!(problem = %error, "The broker reported a problem.");
        }
        Event::ClientError(error) => {
            // Repeated with each attempt to connect, so it is news only when it changes.
            let problem = error.to_string();
            if link.last_problem != problem {
                tracing::warn!(%problem, "The broker cannot be used; trying again.");
            }
            link.last_problem = problem;
        }
    }
}

/// Doubling pauses up to [`PAUSE_MAX`], each drawn between half and all of it, so that many
/// clients do not come back at the same moment.
fn pause(attempts: usize) -> Duration {
    let Some(doublings) = attempts.checked_sub(2) else { return Duration::ZERO };
    let exponent = u32::try_from(doublings.min(10)).unwrap_or(10);
    let whole = Duration::from_millis(20 * (1 << exponent)).min(PAUSE_MAX);
    let half = u64::try_from(whole.as_millis() / 2).unwrap_or(0);
    // A fresh hasher is seeded anew each time: random enough for jitter.
    let drawn = RandomState::new().hash_one(attempts) % (half + 1);
    Duration::from_millis(half + drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_within_their_limit() {
        assert_eq!(pause(1), Duration::ZERO);
        assert!(pause(3) <= Duration::from_millis(40));
        for attempts in 10..40 {
            let pause = pause(attempts);
            assert!(pause >= PAUSE_MAX / 2 && pause <= PAUSE_MAX, "{attempts}: {pause:?}");
        }
    }

    #[test]
    fn versions_are_read_with_and_without_decoration() {
        assert_eq!(version_of("v2.15.1"), Some((2, 15)));
        assert_eq!(version_of("2.16.0-dev"), Some((2, 16)));
        assert!(version_of("2.9.10") < Some(SERVER_FLOOR));
        assert_eq!(version_of("unknown"), None);
    }
}
