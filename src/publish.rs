//! Files of events become messages for the log, one at a time.
//!
//! In: JSON lines of `CloudEvents`, or CSV with a mapping of its columns, either compressed with zstd.
//! Out: subject, message id and body, in the order of the file. Never judges: a line that is no event
//! is passed on as it is, so that the daemon sets it aside with its reason. Never talks to the broker.

mod input;
mod lines;
pub mod mapping;
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use mapping::Mapping;

/// A message that can be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Where to.
    pub subject: String,
    /// For `Nats-Msg-Id`: the same for the same part of the same file, so that sending a file again is
    /// recognized by the broker. `None` when the message says neither who it is from nor its id.
    pub message_id: Option<String>,
    /// The body.
    pub payload: Vec<u8>,
}

/// A row that cannot become a message. Never shows what the row says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct RowError {
    /// Line of the uncompressed file, from 1.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

/// Why a file cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file, its mapping or its header cannot be read.
    #[error("read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: io::Error,
    },
    /// The mapping file is wrong.
    #[error("use the mapping {}:{place}: {what}", path.display())]
    Mapping {
        /// The mapping file.
        path: PathBuf,
        /// Line and column.
        place: mapping::Place,
        /// What is wrong.
        what: String,
    },
    /// A CSV file without a mapping.
    #[error(
        "publish {}: a CSV file needs a mapping of its columns; give one or put it at {}",
        path.display(), expected.display()
    )]
    NoMapping {
        /// The CSV file.
        path: PathBuf,
        /// Where a mapping is looked for when none is given.
        expected: PathBuf,
    },
    /// The mapping names a column that the file does not have.
    #[error("publish {}: it has no column `{column}`; it has {present}", path.display())]
    NoColumn {
        /// The CSV file.
        path: PathBuf,
        /// The column of the mapping.
        column: String,
        /// The columns of the file.
        present: String,
    },
}

/// The messages of one file, in its order.
pub struct Reader {
    rows: Rows,
    bytes_read: Arc<AtomicU64>,
    bytes_total: u64,
}

enum Rows {
    Lines(lines::Lines),
    Table(Box<table::Table>),
}

/// Opens a file of events.
///
/// A CSV file is read with `mapping`, or with the mapping beside it: `transactions.csv.zst` with
/// `transactions.toml`. Every other file is taken for JSON lines.
///
/// # Errors
/// The file cannot be opened, or it is a CSV file and the mapping is missing, wrong or does not fit.
pub fn open(path: &Path, mapping: Option<Mapping>) -> Result<Reader, Error> {
    let unreadable = |reason| Error::Unreadable { path: path.to_owned(), reason };
    let opened = input::open(path).map_err(unreadable)?;
    let rows = if is_table(path) {
        let mapping = match mapping {
            Some(mapping) => mapping,
            None => mapping_beside(path)?,
        };
        Rows::Table(Box::new(table::Table::new(path, opened.content, mapping)?))
    } else {
        Rows::Lines(lines::Lines::new(opened.content))
    };
    Ok(Reader { rows, bytes_read: opened.bytes_read, bytes_total: opened.bytes_total })
}

impl Reader {
    /// Bytes of the file read so far, and its size; of the compressed file if it is one.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.bytes_read.load(Ordering::Relaxed).min(self.bytes_total), self.bytes_total)
    }
}

impl Iterator for Reader {
    type Item = Result<Prepared, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.rows {
            Rows::Lines(lines) => lines.next(),
            Rows::Table(table) => table.next(),
        }
    }
}

/// `transactions.csv.zst` and `transactions.csv` without their endings: name and kind.
fn parts(path: &Path) -> (PathBuf, Option<&str>) {
    let plain = if has_ending(path, "zst") { path.with_extension("") } else { path.to_owned() };
    let kind = if has_ending(&plain, "csv") { Some("csv") } else { None };
    (plain, kind)
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn is_table(path: &Path) -> bool {
    parts(path).1.is_some()
}

fn mapping_beside(path: &Path) -> Result<Mapping, Error> {
    let expected = parts(path).0.with_extension("toml");
    if !expected.exists() {
        return Err(Error::NoMapping { path: path.to_owned(), expected });
    }
    Mapping::read(&expected)
}

/// The message id of an event: `<source>/<id>` and `place`, or a digest of them when a header of the
/// broker could not carry them.
fn message_id(source: &str, id: &str, place: &str) -> String {
    const BYTES_MAX: usize = 256;
    let name = format!("{source}/{id}{place}");
    if name.len() <= BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        name
    } else {
        blake3::hash(name.as_bytes()).to_hex().to_string()
    }
}
