//! Functions of plain values: what each is called, and what comes out.
//!
//! A [`Call`] holds what is known when the rule is read; what is known only for an event are the
//! arguments beside it in `ExprKind::Call`. The checker has seen to their number and types.

use crate::domain::Currency;

use super::catalogue::Type;

/// The words that `weekday` gives.
pub const WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The list that `convert` reads: its values are currencies.
pub const RATES_LIST: &str = "fx_rates";

/// Its column of numbers: units of the base currency for one unit.
pub const RATES_COLUMN: &str = "rate";

/// A function of plain values; absent when one of its arguments is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `starts_with(a, "prefix")`: false when a side is absent.
    StartsWith,
    /// `hour(t)`: 0 to 23 in the institution's zone.
    Hour,
    /// `weekday(t)`: one of [`WEEKDAYS`] in the institution's zone.
    Weekday,
    /// `day_of_month(t)`: 1 to 31 in the institution's zone.
    DayOfMonth,
    /// `mod(a, b)`: what is left of `a` when `b` is taken away as often as it fits; it has the sign of
    /// `a`. Absent when `b` is zero.
    Mod,
    /// `lookup(list.name, a, "column")`: what the row of `a` says in a column, as of the event's time; absent
    /// when there is no row or it says nothing.
    Lookup {
        /// The list.
        list: String,
        /// The column.
        column: String,
        /// Type of the column.
        ty: Type,
    },
    /// `convert(a, "USD")` from the base currency, `convert(a, currency, "USD")` from another, by the rates of
    /// the event's time; absent when a rate is missing.
    Convert {
        /// The currency that comes out.
        to: Currency,
    },
    /// `name_similarity(a, b)`: 0 to 1; absent when a side holds no letter.
    NameSimilarity,
    /// `address_similarity(a, b)`: 0 to 1; absent when a side holds neither letter nor digit.
    AddressSimilarity,
}

impl Call {
    /// As written.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::StartsWith => "starts_with",
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::DayOfMonth => "day_of_month",
            Self::Mod => "mod",
            Self::Lookup { .. } => "lookup",
            Self::Convert { .. } => "convert",
            Self::NameSimilarity => "name_similarity",
            Self::AddressSimilarity => "address_similarity",
        }
    }

    /// Type of what comes out.
    #[must_use]
    pub const fn ty(&self) -> Type {
        match self {
            Self::StartsWith => Type::Bool,
            Self::Weekday => Type::Text,
            Self::Hour
            | Self::DayOfMonth
            | Self::Mod
            | Self::Convert { .. }
            | Self::NameSimilarity
            | Self::AddressSimilarity => Type::Number,
            Self::Lookup { ty, .. } => *ty,
        }
    }

    /// The only words that can come out, if they are a fixed set.
    #[must_use]
    pub const fn values(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::Weekday => Some(WEEKDAYS),
            _ => None,
        }
    }

    /// The call as canonical text: equal texts compute the same from the same arguments.
    #[must_use]
    pub fn canonical(&self) -> String {
        match self {
            Self::Lookup { list, column, ty } => format!("lookup list.{list} {column:?} {ty:?}"),
            Self::Convert { to } => format!("convert {to}"),
            _ => self.word().to_owned(),
        }
    }

    /// The list that it reads.
    #[must_use]
    pub fn list(&self) -> Option<&str> {
        match self {
            Self::Lookup { list, .. } => Some(list),
            Self::Convert { .. } => Some(RATES_LIST),
            _ => None,
        }
    }
}
