//! A real broker for the demo and the tests: a child process that never outlives us.
//!
//! In: options. Out: a running `nats-server` on a random local port, in a private folder, with a
//! random password, known to be ready because it answered. A supervisor, a few lines of shell,
//! holds one end of a pipe from us: when the pipe closes, because we ask for it or because we
//! died in whatever way, it ends the server.
//! Never here: anything that `weir run` uses; a daemon never manages its broker.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::Deserialize;

use super::program::{Program, find_program};
use super::{Client, Error, Patience, Settings, connect};

/// How long the server may take until it answers.
const START_WAIT: Duration = Duration::from_secs(15);

/// How long the supervisor gives the server to end by itself; `SUPERVISOR` counts tenths of it.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How long the supervisor may take to notice that the server was killed.
const KILL_WAIT: Duration = Duration::from_millis(500);

/// Runs `$1 -c $2`, logs to `$3`, writes the server's process id to `$4`.
///
/// `wait` notices when the server ends by itself; the part in parentheses waits for the pipe.
const SUPERVISOR: &str = r#"
exec 3<&0
"$1" -c "$2" </dev/null >>"$3" 2>&1 3<&- &
server=$!
echo "$server" >"$4.part" && mv "$4.part" "$4"
(
    while read -r _; do :; done
    kill -TERM "$server"
    tries=0
    while kill -0 "$server" && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -KILL "$server"
) <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

/// How to run a broker.
#[derive(Clone, Debug, Default)]
pub struct BrokerOptions {
    /// The program; otherwise it is searched for.
    pub program: Option<PathBuf>,
    /// Where it keeps everything; otherwise a private folder that is removed at the end.
    pub directory: Option<PathBuf>,
    /// Its port; otherwise a free one.
    pub port: Option<u16>,
    /// Write every message through to the disk before acknowledging it.
    pub sync_always: bool,
    /// The most its streams may hold; 8 GiB if 0.
    pub store_bytes_max: u64,
    /// Who may connect; otherwise one user with a random password.
    pub access: Option<BrokerAccess>,
}

/// Who may connect to a broker, in its words and in ours.
#[derive(Clone, Debug, Default)]
pub struct BrokerAccess {
    /// Lines of the server's configuration (`authorization`, `tls`, ...).
    pub config: String,
    /// How to connect accordingly; the address is filled in.
    pub settings: Settings,
}

/// A running broker. Dropping it kills the server and removes a private folder.
#[derive(Debug)]
pub struct Broker {
    program: Program,
    folder: Folder,
    options: BrokerOptions,
    supervisor: Option<Child>,
    server_id: u32,
    port: u16,
    settings: Settings,
}

/// The folder, removed at the end if it is ours.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    is_private: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_private {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The server's ports file.
#[derive(Debug, Deserialize)]
struct Ports {
    nats: Vec<String>,
}

impl Broker {
    /// Starts a broker and waits until it answers.
    ///
    /// # Errors
    /// There is no program, or the server did not come up; its last words are in the error.
    pub async fn start(options: BrokerOptions) -> Result<Self, Error> {
        let program = find_program(options.program.as_deref())?;
        let folder = Folder::create(options.directory.as_deref())?;
        let mut settings = match &options.access {
            Some(access) => access.settings.clone(),
            None => own_access(&folder.path)?,
        };
        settings.instance.get_or_insert_with(|| "broker".to_owned());
        let port = options.port.unwrap_or_default();
        let mut broker =
            Self { program, folder, options, supervisor: None, server_id: 0, port, settings };
        broker.run().await?;
        Ok(broker)
    }

    /// How to connect to it.
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.settings.servers.first().cloned().unwrap_or_default()
    }

    /// The program that runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The server's process id.
    pub fn server_id(&self) -> u32 {
        self.server_id
    }

    /// Where it keeps everything.
    pub fn directory(&self) -> &Path {
        &self.folder.path
    }

    /// A new connection to it, without patience.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn client(&self) -> Result<Client, Error> {
        connect(&self.settings, Patience::None).await
    }

    /// Ends the server in order: asked first, killed after five seconds. Connections should be
    /// closed before.
    pub async fn stop(mut self) {
        self.end().await;
    }

    /// Kills the server as a crash would; its folder and port stay for [`Self::start_again`].
    pub fn crash(&mut self) {
        self.kill();
    }

    /// Starts the server again after [`Self::crash`], in the same folder and on the same port.
    ///
    /// # Errors
    /// It did not come up.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        self.run().await
    }

    async fn run(&mut self) -> Result<(), Error> {
        self.write_config()?;
        self.spawn()?;
        match self.ready().await {
            Ok(()) => Ok(()),
            Err(cause) => {
                self.end().await;
                Err(Error::NotStarted { cause, log: self.log_end() })
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path.join(name)
    }

    fn write_config(&self) -> Result<(), Error> {
        let listen = match self.port {
            0 => "127.0.0.1:-1".to_owned(),
            port => format!("127.0.0.1:{port}"),
        };
        let store_bytes_max = match self.options.store_bytes_max {
            0 => 8 << 30,
            bytes => bytes,
        };
        let access = if let Some(access) = &self.options.access {
            access.config.clone()
        } else {
            let password = read_text(&self.path("password"))?;
            format!("authorization {{ user: weir, password: {password:?} }}\n")
        };
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "listen: {listen:?}\nserver_name: weir-managed");
        let _ = writeln!(text, "ports_file_dir: {}", quoted(&self.folder.path));
        let _ = writeln!(text, "jetstream {{\n  store_dir: {}", quoted(&self.path("store")));
        let _ = writeln!(text, "  max_memory_store: 67108864");
        let _ = writeln!(text, "  max_file_store: {store_bytes_max}");
        if self.options.sync_always {
            let _ = writeln!(text, "  sync_interval: always");
        }
        let _ = writeln!(text, "}}\n{access}");
        write_private(&self.path("nats.conf"), &text)
    }

    fn spawn(&mut self) -> Result<(), Error> {
        // What an earlier server left behind must not be taken for this one's.
        let _ = fs::remove_file(self.path("server.pid"));
        self.server_id = 0;
        let child = Command::new("sh")
            .args(["-c", SUPERVISOR, "weir-broker"])
            .arg(&self.program.path)
            .arg(self.path("nats.conf"))
            .arg(self.path("nats.log"))
            .arg(self.path("server.pid"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C goes to us alone: we end the broker when we have drained.
            .process_group(0)
            .spawn()
            .map_err(|cause| Error::File {
                what: "the shell that runs the broker",
                path: PathBuf::from("sh"),
                cause,
            })?;
        self.supervisor = Some(child);
        Ok(())
    }

    /// Ready means: it wrote a ports file under its own process id, it accepts our credentials,
    /// and JetStream answers. Any one alone has been seen to be true too early.
    async fn ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START_WAIT;
        let mut problem = "it wrote no ports file".to_owned();
        while Instant::now() < deadline {
            let supervisor = self.supervisor.as_mut().ok_or("it has no supervisor")?;
            if let Ok(Some(status)) = supervisor.try_wait() {
                return Err(format!("it ended at once ({status})"));
            }
            if let Some((server_id, port)) = self.listening() {
                self.server_id = server_id;
                self.port = port;
                self.settings.servers = vec![format!("nats://127.0.0.1:{port}")];
                match self.answers().await {
                    Ok(()) => return Ok(()),
                    Err(error) => problem = error.to_string(),
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(problem)
    }

    /// The server's process id and port, if its own ports file is there and complete.
    fn listening(&self) -> Option<(u32, u16)> {
        let server_id = read_text(&self.path("server.pid")).ok()?.trim().parse().ok()?;
        let name = self.program.path.file_name()?.to_string_lossy().into_owned();
        let text = read_text(&self.path(&format!("{name}_{server_id}.ports"))).ok()?;
        let ports: Ports = serde_json::from_str(&text).ok()?;
        let port = ports.nats.first()?.rsplit(':').next()?.parse().ok()?;
        Some((server_id, port))
    }

    async fn answers(&self) -> Result<(), Error> {
        let client = self.client().await?;
        let account = client.jetstream().query_account().await;
        client.close().await;
        account.map(drop).map_err(|error| Error::Unanswered(error.to_string()))
    }

    async fn end(&mut self) {
        let Some(mut supervisor) = self.supervisor.take() else { return };
        // Closing the pipe is how the supervisor is asked.
        drop(supervisor.stdin.take());
        let deadline = Instant::now() + STOP_WAIT + Duration::from_secs(1);
        while Instant::now() < deadline {
            if !matches!(supervisor.try_wait(), Ok(None)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.supervisor = Some(supervisor);
        self.kill();
    }

    /// Kills the server first, so that the supervisor can bury it: where nobody adopts orphans, a
    /// dead one would stay in the process table. What is left of the group goes after that.
    fn kill(&mut self) {
        let Some(mut supervisor) = self.supervisor.take() else { return };
        let is_supervised = matches!(supervisor.try_wait(), Ok(None));
        if is_supervised && let Some(server) = process(self.server_id) {
            let _ = kill_process(server, Signal::KILL);
            let deadline = Instant::now() + KILL_WAIT;
            while matches!(supervisor.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        if let Some(group) = process(supervisor.id()) {
            // Supervisor and server are one group, of which nobody else is part.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = supervisor.wait();
    }

    /// The last lines of the server's log.
    fn log_end(&self) -> String {
        let text = read_text(&self.path("nats.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default();
        tail.join("\n")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Folder {
    fn create(named: Option<&Path>) -> Result<Self, Error> {
        let (path, is_private) = match named {
            Some(path) => (path.to_owned(), false),
            None => (std::env::temp_dir().join(format!("weir-broker-{}", random_text()?)), true),
        };
        DirBuilder::new().recursive(!is_private).mode(0o700).create(&path).map_err(|cause| {
            Error::File { what: "the broker's folder", path: path.clone(), cause }
        })?;
        let path = path.canonicalize().map_err(|cause| Error::File {
            what: "the broker's folder",
            path: path.clone(),
            cause,
        })?;
        Ok(Self { path, is_private })
    }
}

/// One user with a password that nobody else on this machine can read.
fn own_access(folder: &Path) -> Result<Settings, Error> {
    let path = folder.join("password");
    if !path.exists() {
        write_private(&path, &random_text()?)?;
    }
    Ok(Settings { user: Some("weir".to_owned()), password_file: Some(path), ..Settings::default() })
}

fn random_text() -> Result<String, Error> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|cause| Error::File { what: "random bytes", path: path.to_owned(), cause })?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|cause| Error::File {
            what: "the broker's configuration",
            path: path.to_owned(),
            cause,
        })
}

/// A path as the server's configuration language writes text.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy())
}

fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|cause| Error::File {
        what: "the broker's state",
        path: path.to_owned(),
        cause,
    })
}

fn process(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}
