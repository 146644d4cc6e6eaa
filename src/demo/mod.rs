//! The demonstration: sample data with planted crimes, and what the alerts found of it.
//!
//! The data is inside the binary, so the demonstration runs anywhere; its provenance is told in
//! `tests/data/README.md`.

pub mod planted;

use std::io::{Cursor, Read};

use crate::publish::{self, Mapping, Prepared, RowError};

/// One file of the sample data.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The file's name; its endings tell what it is.
    pub name: &'static str,
    bytes: &'static [u8],
    mapping: Option<&'static str>,
}

/// Everything that is published, in this order: records first, then what moves.
pub const SAMPLES: &[Sample] = &[
    Sample {
        name: "customers.csv.zst",
        bytes: include_bytes!("../../tests/data/customers.csv.zst"),
        mapping: Some(include_str!("../../tests/data/customers.toml")),
    },
    Sample {
        name: "accounts.csv.zst",
        bytes: include_bytes!("../../tests/data/accounts.csv.zst"),
        mapping: Some(include_str!("../../tests/data/accounts.toml")),
    },
    TRANSACTIONS,
    Sample {
        name: "planted.ndjson",
        bytes: include_bytes!("../../tests/data/planted.ndjson"),
        mapping: None,
    },
];

const TRANSACTIONS: Sample = Sample {
    name: "transactions.csv.zst",
    bytes: include_bytes!("../../tests/data/transactions.csv.zst"),
    mapping: Some(include_str!("../../tests/data/transactions.toml")),
};

const LABELS: &[u8] = include_bytes!("../../tests/data/labels.csv.zst");
const STORIES: &str = include_str!("../../tests/data/planted-labels.csv");

/// The base currency that the sample is in.
pub const BASE_CURRENCY: &str = "SEK";

impl Sample {
    /// The file's events, ready to be published.
    ///
    /// # Errors
    /// The mapping or the file is not what it should be.
    pub fn read(
        &self,
    ) -> Result<impl Iterator<Item = Result<Prepared, RowError>>, publish::Error> {
        let mapping = self.mapping.map(Mapping::parse).transpose()?;
        publish::read(self.name, Cursor::new(self.bytes), mapping)
    }
}

/// All schemes planted in the sample: those of the generator, and our own small stories.
///
/// # Errors
/// The embedded label files are not what they should be.
pub fn schemes() -> anyhow::Result<Vec<planted::Scheme>> {
    let unpack = |bytes: &[u8]| -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        zstd::stream::read::Decoder::new(bytes)?.read_to_end(&mut plain)?;
        Ok(plain)
    };
    let (labels, transactions) = (unpack(LABELS)?, unpack(TRANSACTIONS.bytes)?);
    let mut schemes = planted::schemes(labels.as_slice(), transactions.as_slice())?;
    schemes.extend(planted::stories(STORIES.as_bytes())?);
    Ok(schemes)
}
