//! A file, decompressed if need be, that counts how much of it was read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The content of a file as it is read.
pub(super) type Content = Box<dyn BufRead + Send>;

/// Opens `path`. Beside it: how many bytes were taken from the disk so far, and how many there are.
pub(super) fn open(path: &Path) -> io::Result<(Counted, Arc<AtomicU64>, u64)> {
    let file = File::open(path)?;
    let bytes_total = file.metadata()?.len();
    let bytes_read = Arc::new(AtomicU64::new(0));
    let counted = Counted { file, bytes_read: Arc::clone(&bytes_read) };
    Ok((counted, bytes_read, bytes_total))
}

/// What is named `path`; decompressed while it is read when that ends in `.zst`.
pub(super) fn unpacked(path: &Path, content: impl Read + Send + 'static) -> io::Result<Content> {
    if super::has_ending(path, "zst") {
        Ok(Box::new(BufReader::new(zstd::Decoder::new(content)?)))
    } else {
        Ok(Box::new(BufReader::new(content)))
    }
}

/// A file that counts.
pub(super) struct Counted {
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
