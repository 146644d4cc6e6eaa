//! Doing something again whenever files have changed and settled, until Ctrl-C.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use tokio::sync::mpsc;

use super::runtime;
use crate::files;

/// Editors save in steps: nothing is read before so much quiet.
const QUIET: Duration = Duration::from_millis(500);

/// Runs `work` now and after every change below `paths`; returns when the user presses Ctrl-C.
///
/// # Errors
/// A path cannot be watched, or `work` fails.
pub fn repeat(
    paths: &[PathBuf],
    mut work: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (sender, mut changes) = mpsc::channel(1);
    let tell = move |changed: DebounceEventResult| {
        // That files are read, by us too, is no change of them.
        let is_change = changed.is_ok_and(|events| {
            events.iter().any(|event| !matches!(event.kind, EventKind::Access(_)))
        });
        if is_change {
            // A full channel means that a change is waiting to be taken up already.
            let _ = sender.try_send(());
        }
    };
    let mut debouncer = new_debouncer(QUIET, None, tell)?;
    for folder in folders(paths) {
        debouncer.watch(&folder, RecursiveMode::Recursive)?;
    }
    runtime()?.block_on(async {
        let stopped = tokio::signal::ctrl_c();
        tokio::pin!(stopped);
        work()?;
        loop {
            tokio::select! {
                signal = &mut stopped => return Ok(signal?),
                Some(()) = changes.recv() => work()?,
            }
        }
    })
}

/// The rules folders to watch: an editor replaces a file, so that a watch on the file itself would be lost,
/// and a change of the schema, of a list or of another rule counts too.
fn folders(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    paths.iter().map(|path| files::root_around(path).unwrap_or_else(|_| path.clone())).collect()
}
