//! The demonstration: sample data with planted crimes, and what the alerts found of it.
//!
//! The data is inside the binary, so the demonstration runs anywhere; its provenance is told in
//! `tests/data/README.md`.

pub mod planted;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// One file of the sample data.
struct Sample {
    name: &'static str,
    bytes: &'static [u8],
}

/// A file of `tests/data`.
macro_rules! sample {
    ($name:literal) => {
        Sample { name: $name, bytes: include_bytes!(concat!("../../tests/data/", $name)) }
    };
}

/// Files that are published, in this order: records first, then what moves.
const EVENTS: &[Sample] = &[
    sample!("customers.csv.zst"),
    sample!("accounts.csv.zst"),
    TRANSACTIONS,
    sample!("planted.ndjson"),
];

/// Which column is which field.
const MAPPINGS: &[Sample] =
    &[sample!("customers.toml"), sample!("accounts.toml"), sample!("transactions.toml")];

const TRANSACTIONS: Sample = sample!("transactions.csv.zst");
const LABELS: Sample = sample!("labels.csv.zst");
const STORIES: Sample = sample!("planted-labels.csv");

/// The base currency that the sample is in.
pub const BASE_CURRENCY: &str = "SEK";

/// Writes the sample files into `folder`; gives back those to publish, in their order.
///
/// # Errors
/// The folder cannot be made or written.
pub fn unpack(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    for sample in MAPPINGS {
        fs::write(folder.join(sample.name), sample.bytes)?;
    }
    let write = |sample: &Sample| {
        let path = folder.join(sample.name);
        fs::write(&path, sample.bytes)?;
        Ok(path)
    };
    EVENTS.iter().map(write).collect()
}

/// All schemes planted in the sample: those of the generator, and our own small stories.
///
/// # Errors
/// The embedded label files are not what they should be.
pub fn schemes() -> anyhow::Result<Vec<planted::Scheme>> {
    let plain = |sample: &Sample| -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        zstd::stream::read::Decoder::new(sample.bytes)?.read_to_end(&mut plain)?;
        Ok(plain)
    };
    let (labels, transactions) = (plain(&LABELS)?, plain(&TRANSACTIONS)?);
    let mut schemes = planted::schemes(labels.as_slice(), transactions.as_slice())?;
    schemes.extend(planted::stories(STORIES.bytes)?);
    Ok(schemes)
}
