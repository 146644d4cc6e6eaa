//! How to reach the broker: the settings people know from NATS, with secrets by file path only.
//!
//! In: the `[nats]` table of the configuration, and contexts that the `nats` command line keeps.
//! Out: [`Resolved`], everything that connecting needs. A context's file may hold secrets itself;
//! they are read and passed on, never shown.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use async_nats::ServerAddr;
use serde::Deserialize;

use super::Error;

/// Where `nats-server` listens when nothing else is said.
const DEFAULT_SERVER: &str = "nats://127.0.0.1:4222";

/// How to reach the broker.
///
/// Without `servers` and `context`, the context that is selected in the `nats` command line is
/// used, or the default server if none is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Addresses, such as `nats://broker.example:4222`; any of them will do.
    pub servers: Vec<String>,
    /// Name of a context of the `nats` command line; `servers` wins over its address.
    pub context: Option<String>,
    /// Credentials file of a decentralized (JWT) account.
    pub credentials_file: Option<PathBuf>,
    /// File with the seed of an nkey.
    pub nkey_file: Option<PathBuf>,
    /// User name, with `password_file`.
    pub user: Option<String>,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// File with a token.
    pub token_file: Option<PathBuf>,
    /// Encryption and certificates.
    pub tls: TlsSettings,
    /// Prefix of reply subjects, if `_INBOX` is not allowed.
    pub inbox_prefix: Option<String>,
    /// The JetStream domain, if the streams are in another one.
    pub jetstream_domain: Option<String>,
    /// The name of this daemon among others; part of the connection's name.
    pub instance: Option<String>,
}

/// Encryption and certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// Certificate authority that signed the broker's certificate.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, with `key_file`.
    pub certificate_file: Option<PathBuf>,
    /// The key of our own certificate.
    pub key_file: Option<PathBuf>,
    /// Encrypt before the broker says a word.
    pub first: bool,
    /// Refuse a broker that does not encrypt.
    pub required: bool,
}

/// How we show who we are.
pub(super) enum Access {
    /// Not at all.
    Open,
    /// With a credentials file's text.
    Credentials(String),
    /// With the seed of an nkey.
    Nkey(String),
    /// With a user name and password.
    Password { user: String, password: String },
    /// With a token.
    Token(String),
}

/// User and password.
type Login = (String, String);

/// Everything that connecting needs, secrets included; deliberately not printable.
pub(super) struct Resolved {
    pub(super) servers: Vec<ServerAddr>,
    pub(super) access: Access,
    /// Which settings the access came from, for error texts.
    pub(super) access_name: String,
    pub(super) tls: TlsSettings,
    pub(super) inbox_prefix: Option<String>,
    pub(super) api_prefix: String,
}

/// A context as the `nats` command line stores it. Other tools may add keys: they are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context {
    url: String,
    user: String,
    password: String,
    token: String,
    creds: String,
    nkey: String,
    cert: String,
    key: String,
    ca: String,
    nsc: String,
    user_jwt: String,
    socks_proxy: String,
    jetstream_domain: String,
    jetstream_api_prefix: String,
    inbox_prefix: String,
    tls_first: bool,
}

impl Settings {
    /// Reads the files that the settings name.
    pub(super) fn resolve(&self) -> Result<Resolved, Error> {
        self.resolve_in(context_folder().as_deref())
    }

    /// As [`Self::resolve`], with contexts from `folder`.
    fn resolve_in(&self, folder: Option<&Path>) -> Result<Resolved, Error> {
        let name = match &self.context {
            Some(name) => Some(name.clone()),
            None if self.servers.is_empty() => folder.and_then(selected_context),
            None => None,
        };
        let context = match &name {
            Some(name) => read_context(folder, name)?,
            None => Context::default(),
        };
        let (servers, from_url) = self.addresses(&context)?;
        let own = self.own_access()?;
        let (access, access_name) = match own {
            Some(own) => own,
            None => context.access(from_url, name.as_deref().unwrap_or_default())?,
        };
        let path_if_any = |own: &Option<PathBuf>, other: &str| {
            own.clone().or_else(|| (!other.is_empty()).then(|| expand(other)))
        };
        let tls = TlsSettings {
            ca_file: path_if_any(&self.tls.ca_file, &context.ca),
            certificate_file: path_if_any(&self.tls.certificate_file, &context.cert),
            key_file: path_if_any(&self.tls.key_file, &context.key),
            first: self.tls.first || context.tls_first,
            required: self.tls.required,
        };
        if tls.certificate_file.is_some() != tls.key_file.is_some() {
            return Err(unusable("a certificate needs its key, and a key its certificate"));
        }
        let text_if_any = |own: &Option<String>, other: &str| {
            own.clone().or_else(|| (!other.is_empty()).then(|| other.to_owned()))
        };
        let domain = text_if_any(&self.jetstream_domain, &context.jetstream_domain);
        let api_prefix = match domain {
            Some(domain) => format!("$JS.{domain}.API"),
            None if !context.jetstream_api_prefix.is_empty() => context.jetstream_api_prefix,
            None => "$JS.API".to_owned(),
        };
        let inbox_prefix = text_if_any(&self.inbox_prefix, &context.inbox_prefix);
        Ok(Resolved { servers, access, access_name, tls, inbox_prefix, api_prefix })
    }

    /// Addresses, and the user and password that a context's address may carry.
    fn addresses(&self, context: &Context) -> Result<(Vec<ServerAddr>, Option<Login>), Error> {
        let parse = |text: &str| {
            text.trim().parse::<ServerAddr>().map_err(|_| {
                unusable("an address is not of the form nats://host:port or tls://host:port")
            })
        };
        if !self.servers.is_empty() {
            let servers: Vec<_> =
                self.servers.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
            if servers.iter().any(|server| server.username().is_some()) {
                return Err(unusable(
                    "an address carries a user or password; use user and password_file instead",
                ));
            }
            return Ok((servers, None));
        }
        let text = if context.url.is_empty() { DEFAULT_SERVER } else { &context.url };
        let servers: Vec<_> = text.split(',').map(parse).collect::<Result<_, _>>()?;
        let credentials = servers.iter().find_map(|server| {
            let user = server.username()?.to_owned();
            Some((user, server.password().unwrap_or_default().to_owned()))
        });
        Ok((servers, credentials))
    }

    /// The one way of access that the settings themselves name.
    fn own_access(&self) -> Result<Option<(Access, String)>, Error> {
        let ways = [
            self.credentials_file.is_some(),
            self.nkey_file.is_some(),
            self.user.is_some() || self.password_file.is_some(),
            self.token_file.is_some(),
        ];
        if ways.into_iter().filter(|is_set| *is_set).count() > 1 {
            return Err(unusable(
                "only one of credentials_file, nkey_file, user with password_file, and token_file \
                 can be used",
            ));
        }
        if let Some(path) = &self.credentials_file {
            let access = Access::Credentials(read("the credentials", path)?);
            return Ok(Some((access, "credentials_file".to_owned())));
        }
        if let Some(path) = &self.nkey_file {
            return Ok(Some((Access::Nkey(read_seed(path)?), "nkey_file".to_owned())));
        }
        if let Some(path) = &self.token_file {
            let token = read("the token", path)?.trim_end().to_owned();
            return Ok(Some((Access::Token(token), "token_file".to_owned())));
        }
        match (&self.user, &self.password_file) {
            (Some(user), Some(path)) => {
                let password = read("the password", path)?.trim_end().to_owned();
                let access = Access::Password { user: user.clone(), password };
                Ok(Some((access, "user and password_file".to_owned())))
            }
            (None, None) => Ok(None),
            _ => Err(unusable("user and password_file belong together")),
        }
    }
}

impl Context {
    fn access(&self, from_url: Option<Login>, name: &str) -> Result<(Access, String), Error> {
        let unsupported =
            [(&self.nsc, "nsc"), (&self.user_jwt, "user_jwt"), (&self.socks_proxy, "socks_proxy")];
        if let Some((_, key)) = unsupported.into_iter().find(|(value, _)| !value.is_empty()) {
            return Err(unusable(&format!("the context {name} uses {key}, which weir does not")));
        }
        let access = if !self.creds.is_empty() {
            Access::Credentials(read("the credentials", &expand(&self.creds))?)
        } else if !self.nkey.is_empty() {
            Access::Nkey(read_seed(&expand(&self.nkey))?)
        } else if !self.token.is_empty() {
            Access::Token(self.token.clone())
        } else if !self.user.is_empty() {
            Access::Password { user: self.user.clone(), password: self.password.clone() }
        } else if let Some((user, password)) = from_url {
            Access::Password { user, password }
        } else {
            return Ok((Access::Open, "that it needs none".to_owned()));
        };
        Ok((access, format!("the context {name}")))
    }
}

fn unusable(text: &str) -> Error {
    Error::Settings(text.to_owned())
}

fn read(what: &'static str, path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|cause| Error::File { what, path: path.to_owned(), cause })
}

/// The seed, bare or between the marker lines that key tools write.
fn read_seed(path: &Path) -> Result<String, Error> {
    let text = read("the nkey seed", path)?;
    text.lines()
        .map(str::trim)
        .find(|line| line.starts_with("SU"))
        .map(str::to_owned)
        .ok_or_else(|| unusable("the nkey file holds no user seed (a line that begins with SU)"))
}

fn read_context(folder: Option<&Path>, name: &str) -> Result<Context, Error> {
    if name.is_empty() || name.contains(['/', '\\']) || name.contains("..") {
        return Err(unusable("a context's name is not a path"));
    }
    let folder =
        folder.ok_or_else(|| unusable("a context needs XDG_CONFIG_HOME or HOME to be set"))?;
    let path = folder.join("context").join(format!("{name}.json"));
    let text = read("the context", &path)?;
    // The library's error text would quote the file, which may hold secrets.
    serde_json::from_str(&text).map_err(|error| {
        unusable(&format!("the context {name} is not valid JSON (line {})", error.line()))
    })
}

/// The context that `nats context select` chose.
fn selected_context(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("context.txt")).ok()?;
    let name = text.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn context_folder() -> Option<PathBuf> {
    let folder =
        |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("nats"))
}

/// Contexts may write `~` for the home folder.
fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Settings {
        toml::from_str(text).expect("valid settings")
    }

    fn refusal(settings: &Settings) -> String {
        settings.resolve().err().expect("refused").to_string()
    }

    #[test]
    fn unknown_settings_are_refused() {
        let error = toml::from_str::<Settings>("server = \"nats://x\"").expect_err("refused");
        assert!(error.to_string().contains("unknown field `server`"), "{error}");
    }

    #[test]
    fn secrets_in_an_address_are_refused_and_not_repeated() {
        let text = refusal(&parse("servers = [\"nats://joe:hunter2@127.0.0.1:4222\"]"));
        assert!(text.contains("password_file") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn contradicting_ways_of_access_are_refused() {
        for text in [
            "servers = [\"nats://x\"]\nuser = \"a\"",
            "servers = [\"nats://x\"]\ntoken_file = \"t\"\nnkey_file = \"n\"",
            "servers = [\"nats://x\"]\n[tls]\nkey_file = \"k\"",
            "servers = [\"not an address at all\"]",
            "context = \"../../etc/passwd\"",
        ] {
            assert!(refusal(&parse(text)).contains("not usable"), "{text}");
        }
    }

    /// A folder as the `nats` command line leaves it, with one context that is selected.
    fn contexts(json: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("context")).expect("created");
        fs::write(folder.path().join("context/prod.json"), json).expect("written");
        fs::write(folder.path().join("context.txt"), "prod\n").expect("written");
        folder
    }

    #[test]
    fn a_context_of_the_nats_command_line_is_used_by_name_or_when_selected() {
        let folder = contexts(
            r#"{"description": "", "url": "nats://one:4222,nats://two:4333", "user": "joe",
                "password": "hunter2", "ca": "/etc/ca.pem", "jetstream_domain": "hub",
                "inbox_prefix": "_IN", "tls_first": true, "color_scheme": "", "nsc": ""}"#,
        );
        for text in ["", "context = \"prod\""] {
            let resolved = parse(text).resolve_in(Some(folder.path()));
            let resolved = resolved.unwrap_or_else(|error| panic!("{error}"));
            let hosts: Vec<_> =
                resolved.servers.iter().map(|server| (server.host(), server.port())).collect();
            assert_eq!(hosts, [("one", 4222), ("two", 4333)]);
            let Access::Password { user, password } = resolved.access else { panic!("{text}") };
            assert_eq!((user.as_str(), password.as_str()), ("joe", "hunter2"));
            assert_eq!(resolved.tls.ca_file, Some(PathBuf::from("/etc/ca.pem")));
            assert!(resolved.tls.first);
            assert_eq!(resolved.api_prefix, "$JS.hub.API");
            assert_eq!(resolved.inbox_prefix.as_deref(), Some("_IN"));
        }
        // Servers alone mean those servers, whatever is selected.
        let resolved = parse("servers = [\"nats://x\"]").resolve_in(Some(folder.path()));
        let resolved = resolved.unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(resolved.access, Access::Open));
    }

    #[test]
    fn a_context_that_cannot_be_honored_is_refused_without_its_secrets() {
        for (json, expected) in [
            (r#"{"url": "nats://x", "nsc": "nsc://op/acc/user"}"#, "nsc"),
            (r#"{"url": "nats://x", "token": "hunter2""#, "not valid JSON"),
            (r#"{"url": "nats://x", "creds": "/nowhere/hunter.creds"}"#, "failed to read"),
        ] {
            let folder = contexts(json);
            let error = parse("").resolve_in(Some(folder.path())).err().expect("refused");
            let text = error.to_string();
            assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
        }
        let error = parse("context = \"prod\"").resolve_in(None).err().expect("refused");
        assert!(error.to_string().contains("XDG_CONFIG_HOME"), "{error}");
    }

    #[test]
    fn an_address_in_a_context_may_carry_a_password() {
        let folder = contexts(r#"{"url": "nats://joe:hunter2@one:4222"}"#);
        let resolved = parse("").resolve_in(Some(folder.path()));
        let access = resolved.unwrap_or_else(|error| panic!("{error}")).access;
        assert!(matches!(access, Access::Password { password, .. } if password == "hunter2"));
    }

    #[test]
    fn a_domain_moves_the_jetstream_subjects() {
        let settings = parse("servers = [\"nats://x\"]\njetstream_domain = \"hub\"");
        let resolved = settings.resolve().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(resolved.api_prefix, "$JS.hub.API");
        assert!(matches!(resolved.access, Access::Open));
    }
}
