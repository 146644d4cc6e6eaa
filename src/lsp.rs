//! The language server: what `weir check` knows, while an analyst types.
//!
//! In: the Language Server Protocol 3.17 on standard input. Out: diagnostics of every file of the rules
//! folder within one keystroke, completion, hover, go to definition, formatting, quick fixes and symbols.
//! It is synchronous, because a check of the whole folder takes milliseconds. It only reads: the editor
//! writes files.

mod actions;
mod complete;
mod context;
mod define;
mod hover;
mod outline;
mod server;
mod text;
mod workspace;

use lsp_server::Connection;

/// Why the server ended before the editor asked it to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other side does not speak the protocol, or went away in the middle.
    #[error("the editor broke off: {0}")]
    Protocol(#[from] lsp_server::ProtocolError),
    /// The pipe is closed.
    #[error("the editor does not read any more")]
    Closed,
    /// Reading or writing failed.
    #[error("failed to talk to the editor: {0}")]
    Io(#[from] std::io::Error),
}

/// Serves an editor on standard input and output until it says `exit`.
///
/// # Errors
/// The editor goes away without `shutdown`, or does not speak the protocol.
pub fn serve() -> Result<(), Error> {
    let (connection, threads) = Connection::stdio();
    let outcome = server::run(&connection);
    // The writer ends when nobody can send to it any more.
    drop(connection);
    threads.join()?;
    outcome
}
