//! Where rulebooks come from: the rules folder when it is sound, the database for what was live before.
//!
//! A rulebook becomes live only by an event of the log that names its digest; its content is stored by
//! digest first. Nothing broken ever replaces what is live: the folder is checked whole and its in-file
//! tests are run before anything is stored.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify_debouncer_full::notify::{self, PollWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, NoCache, new_debouncer, new_debouncer_opt};
use tokio::sync::mpsc;

use crate::config::Watch;
use crate::engine::rehearsal;
use crate::files;
use crate::pipeline::Shelf;
use crate::rulebook::loader;
use crate::rulebook::shrink::{self, Shrunk};
use crate::rulebook::{Rulebook, diagnostic::Level, render};
use crate::store::SqliteStore;
use crate::wire::NOTE_BYTES_MAX;

use super::currency::{Base, Differing};

/// Editors save in steps: a change is taken up after so much quiet.
const QUIET: Duration = Duration::from_millis(500);

/// How often a folder is looked at when the operating system cannot tell.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// Why the rules folder is not taken up.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// It cannot be read.
    #[error(transparent)]
    Files(#[from] files::Error),
    /// Some rule or list is wrong; the report names each.
    #[error("{errors} error(s) in the rule files; `weir check` shows them\n{report}")]
    Errors {
        /// How many.
        errors: usize,
        /// Where and what, a line each; no text of list files.
        report: String,
    },
    /// It is about another currency than amounts are judged in.
    #[error(transparent)]
    Currency(#[from] Differing),
    /// Some list lost more than half of its rows, and nobody approved it.
    #[error(
        "{} list(s) lost more than half of their rows, which is usually a broken export\n{report}",
        lists.len()
    )]
    Shrunk {
        /// Their names.
        lists: Vec<String>,
        /// Each with its rows before and now and what to do, a line each.
        report: String,
    },
    /// Some in-file test failed.
    #[error("{failed} test(s) in the rule files failed; `weir test` shows them\n{report}")]
    Tests {
        /// How many.
        failed: usize,
        /// Which.
        report: String,
    },
}

impl Rejected {
    /// The lists that lost too many rows.
    #[must_use]
    pub fn shrunk_lists(&self) -> &[String] {
        match self {
            Self::Shrunk { lists, .. } => lists,
            Self::Files(_) | Self::Errors { .. } | Self::Currency(_) | Self::Tests { .. } => &[],
        }
    }
}

/// Reads, checks and tests the rules folder.
///
/// # Errors
/// Anything that makes it unfit to be live.
pub fn from_folder(folder: &Path) -> Result<Arc<Rulebook>, Rejected> {
    from_texts(&files::read_folder(folder)?)
}

fn from_texts(texts: &BTreeMap<String, String>) -> Result<Arc<Rulebook>, Rejected> {
    let loaded = loader::load(texts);
    let Some(rulebook) = loaded.rulebook else {
        let errors = loaded.diagnostics.iter().filter(|problem| problem.level == Level::Error);
        let mut report = String::new();
        for problem in errors.clone() {
            let source = texts.get(&problem.path).map_or("", String::as_str);
            let place = render::position(source, problem.span.start);
            let _ = write!(report, "{}:{}: {}", problem.path, place.line, problem.code);
            // A list may hold ids of customers and accounts: its words stay out of logs and notes.
            if !files::is_list(problem.path.as_ref()) {
                let _ = write!(report, " {}", problem.title);
            }
            report.push('\n');
        }
        return Err(Rejected::Errors { errors: errors.count(), report });
    };
    let tested = rehearsal::rehearse_all(&rulebook);
    let failed: Vec<_> = tested.failed().collect();
    if !failed.is_empty() {
        let mut report = String::new();
        for rehearsal in &failed {
            let _ = writeln!(report, "{}: {}", rehearsal.path, rehearsal.example);
        }
        return Err(Rejected::Tests { failed: failed.len(), report });
    }
    Ok(Arc::new(rulebook))
}

/// A rulebook that may take the place of `running`, and what was approved for it.
pub struct Fit {
    /// The rulebook.
    pub rulebook: Arc<Rulebook>,
    /// The lists that shrank as somebody approved.
    pub approved: Vec<Shrunk>,
}

/// Lets `next` through unless it is about another currency than `base`, or a list of `running` lost more
/// than half of its rows without an approval.
///
/// # Errors
/// It is, or some list did.
pub fn guard(running: &Rulebook, base: &Base, next: Arc<Rulebook>) -> Result<Fit, Rejected> {
    base.must_be_of(&next)?;
    let (approved, refused): (Vec<_>, Vec<_>) =
        shrink::shrunk(running, &next).into_iter().partition(|it| it.approval.is_some());
    if refused.is_empty() {
        return Ok(Fit { rulebook: next, approved });
    }
    let report: Vec<String> = refused.iter().map(Shrunk::to_string).collect();
    let report = report.join("\n");
    let lists = refused.into_iter().map(|it| it.list).collect();
    Err(Rejected::Shrunk { lists, report })
}

/// What was approved, a line each, as far as the note of a message reaches; `None` if nothing was.
#[must_use]
pub fn note(approved: &[Shrunk]) -> Option<String> {
    let mut lines: Vec<String> = approved.iter().map(Shrunk::to_string).collect();
    let length = |lines: &[String]| lines.iter().map(|line| line.len() + 1).sum::<usize>();
    while length(&lines) > NOTE_BYTES_MAX {
        lines.pop();
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What is live at the end of the committed log, with every rulebook that the log may name.
pub struct Known {
    /// The rulebook that the log was first judged with.
    pub genesis: Arc<Rulebook>,
    /// The digest that was activated last.
    pub live: String,
}

/// Loads all stored rulebooks onto the shelf; on the very first start, `first` becomes the genesis.
///
/// # Errors
/// The database cannot be read, a stored rulebook is not readable by this version, or there is none
/// and the folder is rejected.
pub async fn from_store(
    store: &SqliteStore,
    shelf: &Shelf,
    first: &Result<Arc<Rulebook>, Rejected>,
) -> anyhow::Result<Known> {
    let mut activations = store.activations().await?;
    if activations.is_empty() {
        let rulebook = match first {
            Ok(rulebook) => rulebook,
            Err(rejected) => anyhow::bail!("there is no rulebook to start with: {rejected}"),
        };
        keep(store, rulebook).await?;
        store.set_genesis(&rulebook.digest).await?;
        activations.push((0, rulebook.digest.clone()));
    }
    let mut genesis = None;
    for digest in store.rulebook_digests().await? {
        let sources = store.rulebook_sources(&digest).await?.unwrap_or_default();
        let loaded = loader::load(&sources.into_iter().collect());
        let Some(rulebook) = loaded.rulebook else {
            anyhow::bail!(
                "the stored rulebook {digest} cannot be read by this version of weir; start the \
                 version that stored it, or use a fresh database"
            );
        };
        let rulebook = Arc::new(rulebook);
        if activations.first().is_some_and(|(_, first)| *first == digest) {
            genesis = Some(Arc::clone(&rulebook));
        }
        shelf.put(rulebook);
    }
    let genesis = genesis.ok_or_else(|| anyhow::anyhow!("the first rulebook is not stored"))?;
    let live = activations.pop().map_or_else(|| genesis.digest.clone(), |(_, digest)| digest);
    Ok(Known { genesis, live })
}

/// Stores a rulebook by its digest, before any event names it.
///
/// # Errors
/// The database cannot be written.
pub async fn keep(store: &SqliteStore, rulebook: &Rulebook) -> anyhow::Result<()> {
    let sources: Vec<(String, String)> =
        rulebook.sources.iter().map(|(path, text)| (path.clone(), text.clone())).collect();
    store.store_rulebook(&rulebook.digest, &sources).await?;
    Ok(())
}

/// Keeps watching as long as it is kept; which kind of watcher it is matters to nobody.
pub struct Watcher {
    _watcher: Box<dyn std::any::Any + Send>,
}

/// Tells through the channel when something in `folder` has changed and settled.
///
/// # Errors
/// The folder cannot be watched.
pub fn watch(folder: &Path, how: Watch) -> notify::Result<Option<(Watcher, mpsc::Receiver<()>)>> {
    let (sender, changes) = mpsc::channel(1);
    let folder: PathBuf = folder.to_owned();
    let tell = move |_: DebounceEventResult| {
        // A full channel means that a change is waiting to be taken up already.
        let _ = sender.try_send(());
    };
    let watcher = match how {
        Watch::Off => return Ok(None),
        Watch::Auto => {
            let mut debouncer = new_debouncer(QUIET, None, tell)?;
            debouncer.watch(&folder, RecursiveMode::Recursive)?;
            Watcher { _watcher: Box::new(debouncer) }
        }
        Watch::Poll => {
            let config = notify::Config::default()
                .with_poll_interval(POLL_EVERY)
                .with_compare_contents(true);
            let mut debouncer =
                new_debouncer_opt::<_, PollWatcher, _>(QUIET, None, tell, NoCache, config)?;
            debouncer.watch(&folder, RecursiveMode::Recursive)?;
            Watcher { _watcher: Box::new(debouncer) }
        }
    };
    Ok(Some((watcher, changes)))
}
