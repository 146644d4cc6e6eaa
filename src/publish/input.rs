//! A file, decompressed if need be, that counts how much of it was read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The content of a file as it is read.
pub(super) type Content = Box<dyn BufRead + Send>;

/// An open file.
pub(super) struct Opened {
    pub(super) content: Content,
    /// Bytes taken from the disk so far.
    pub(super) bytes_read: Arc<AtomicU64>,
    pub(super) bytes_total: u64,
}

/// Opens `path`; a file that ends in `.zst` is decompressed while it is read.
pub(super) fn open(path: &Path) -> io::Result<Opened> {
    let file = File::open(path)?;
    let bytes_total = file.metadata()?.len();
    let bytes_read = Arc::new(AtomicU64::new(0));
    let counted = Counted { file, bytes_read: Arc::clone(&bytes_read) };
    let content: Content = if super::has_ending(path, "zst") {
        Box::new(BufReader::new(zstd::Decoder::new(counted)?))
    } else {
        Box::new(BufReader::new(counted))
    };
    Ok(Opened { content, bytes_read, bytes_total })
}

struct Counted {
    file: File,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes_read.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(count)
    }
}
