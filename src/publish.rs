//! Files of events become messages for the log, one at a time.
//!
//! In: JSON lines of `CloudEvents`, or CSV with a mapping of its columns, either compressed with zstd.
//! Out: subject, message id and body, in the order of the file. Never judges: a line that is no event
//! is passed on as it is, so that the daemon sets it aside with its reason. Never talks to the broker.

mod input;
mod lines;
pub mod mapping;
mod table;

use std::io::{self, Read};
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
    #[error("read {name}: {reason}")]
    Unreadable {
        /// The file.
        name: String,
        /// What went wrong.
        reason: io::Error,
    },
    /// The mapping file is wrong.
    #[error("use the mapping {name}:{place}: {what}")]
    Mapping {
        /// The mapping file.
        name: String,
        /// Line and column.
        place: mapping::Place,
        /// What is wrong.
        what: String,
    },
    /// A CSV file without a mapping.
    #[error(
        "publish {name}: a CSV file needs a mapping of its columns; give one or put it at {}",
        expected.display()
    )]
    NoMapping {
        /// The CSV file.
        name: String,
        /// Where a mapping is looked for when none is given.
        expected: PathBuf,
    },
    /// The mapping names a column that the file does not have.
    #[error("publish {name}: it has no column `{column}`; it has {present}")]
    NoColumn {
        /// The CSV file.
        name: String,
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
    let name = path.display().to_string();
    let (counted, bytes_read, bytes_total) =
        input::open(path).map_err(|reason| Error::Unreadable { name: name.clone(), reason })?;
    let mapping = match mapping {
        None if is_table(path) => Some(mapping_beside(path)?),
        mapping => mapping,
    };
    let rows = Rows::new(&name, counted, mapping)?;
    Ok(Reader { rows, bytes_read, bytes_total })
}

/// Reads events from memory or a pipe; the endings of `name` tell what it is, as those of a file do.
///
/// # Errors
/// Its first bytes cannot be read, or it is CSV and the mapping is missing or does not fit.
pub fn read(
    name: &str,
    content: impl Read + Send + 'static,
    mapping: Option<Mapping>,
) -> Result<Reader, Error> {
    let rows = Rows::new(name, content, mapping)?;
    Ok(Reader { rows, bytes_read: Arc::default(), bytes_total: 0 })
}

impl Rows {
    fn new(
        name: &str,
        content: impl Read + Send + 'static,
        mapping: Option<Mapping>,
    ) -> Result<Self, Error> {
        let path = Path::new(name);
        let content = input::unpacked(path, content)
            .map_err(|reason| Error::Unreadable { name: name.to_owned(), reason })?;
        if !is_table(path) {
            return Ok(Self::Lines(lines::Lines::new(content)));
        }
        let no_mapping = || Error::NoMapping { name: name.to_owned(), expected: beside(path) };
        let mapping = mapping.ok_or_else(no_mapping)?;
        Ok(Self::Table(Box::new(table::Table::new(name, content, mapping)?)))
    }
}

impl Reader {
    /// Bytes of the file read so far, and its size; of the compressed file if it is one. Both are 0
    /// when it is no file.
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

/// The path without the ending of compression.
fn unpacked_name(path: &Path) -> PathBuf {
    if has_ending(path, "zst") { path.with_extension("") } else { path.to_owned() }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn is_table(path: &Path) -> bool {
    has_ending(&unpacked_name(path), "csv")
}

fn beside(path: &Path) -> PathBuf {
    unpacked_name(path).with_extension("toml")
}

fn mapping_beside(path: &Path) -> Result<Mapping, Error> {
    let expected = beside(path);
    if !expected.exists() {
        return Err(Error::NoMapping { name: path.display().to_string(), expected });
    }
    Mapping::load(&expected)
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
