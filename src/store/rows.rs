//! Small steps between Rust values and columns, shared by writing and reading.
//!
//! In: sequences, instants, rows. Out: the same as columns, or an error that names the column.
//! Never here: SQL.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Error;
use crate::domain::Instant;

/// A count or sequence as the database's integer.
pub(super) fn integer(value: u64) -> Result<i64, Error> {
    i64::try_from(value)
        .map_err(|_| Error::Refused("a number is larger than the database can hold".to_owned()))
}

/// A count or sequence from the database's integer.
pub(super) fn natural(value: i64) -> Result<u64, Error> {
    u64::try_from(value)
        .map_err(|_| Error::Refused("a count in the database is below zero".to_owned()))
}

/// Columns of a row by name.
pub(super) trait Columns {
    /// Text that is always there.
    fn text(&self, column: &str) -> Result<String, Error>;
    /// Text that may be absent.
    fn text_if_any(&self, column: &str) -> Result<Option<String>, Error>;
    /// Bytes.
    fn bytes(&self, column: &str) -> Result<Vec<u8>, Error>;
    /// A count or sequence.
    fn natural(&self, column: &str) -> Result<u64, Error>;
    /// A time.
    fn instant(&self, column: &str) -> Result<Instant, Error>;
    /// A time that may be absent.
    fn instant_if_any(&self, column: &str) -> Result<Option<Instant>, Error>;
    /// Yes or no.
    fn flag(&self, column: &str) -> Result<bool, Error>;
}

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<String, Error> {
        Ok(self.try_get(column)?)
    }

    fn text_if_any(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(self.try_get(column)?)
    }

    fn bytes(&self, column: &str) -> Result<Vec<u8>, Error> {
        Ok(self.try_get(column)?)
    }

    fn natural(&self, column: &str) -> Result<u64, Error> {
        natural(self.try_get(column)?)
    }

    fn instant(&self, column: &str) -> Result<Instant, Error> {
        Ok(Instant(self.try_get(column)?))
    }

    fn instant_if_any(&self, column: &str) -> Result<Option<Instant>, Error> {
        let value: Option<i64> = self.try_get(column)?;
        Ok(value.map(Instant))
    }

    fn flag(&self, column: &str) -> Result<bool, Error> {
        let value: i64 = self.try_get(column)?;
        Ok(value != 0)
    }
}
