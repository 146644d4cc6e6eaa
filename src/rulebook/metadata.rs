//! What a rule says about itself, for the people who answer for it.
//!
//! Version, people, sources, and what is expected of it. None of it decides whether an alert is raised, so
//! none of it is in the rule's meaning digest. The checker reads it (`check::metadata`), `lint::documentation`
//! says what is missing, and pages and lists print it.

use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::typed::{Literal, SourceSpan};

/// What a rule says about itself. Everything is optional here; `lint::documentation` is stricter.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// Where the rule's name is written.
    pub named_at: SourceSpan,
    /// Where the key `tests` is written, if it is.
    pub tests_at: Option<SourceSpan>,
    /// Which edition of the rule this is.
    pub version: Option<Version>,
    /// What it cannot see.
    pub misses: Vec<String>,
    /// Who does the same for honest reasons.
    pub false_alarms: Vec<String>,
    /// Laws, indicators and papers that it rests on.
    pub references: Vec<Reference>,
    /// Codes for a report to the authority, as the authority names them.
    pub indicators: Vec<String>,
    /// Whether the customer may be told of an alert or a request; `None` when the file does not say,
    /// which means no.
    pub disclosable: Option<Written<bool>>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Who wrote this version.
    pub author: Option<String>,
    /// Who let it become active.
    pub approver: Option<Written<String>>,
    /// The day on which it must have been reviewed again.
    pub review_by: Option<Written<Date>>,
    /// How many alerts are expected of it.
    pub expected_alerts: Option<ExpectedAlerts>,
    /// What was changed, the newest first.
    pub changes: Vec<Change>,
}

impl Metadata {
    /// Whether the customer may be told of an alert or a request.
    #[must_use]
    pub fn is_disclosable(&self) -> bool {
        self.disclosable.as_ref().is_some_and(|written| written.value)
    }
}

/// A value with the place where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub span: SourceSpan,
}

/// A semantic version: three numbers.
///
/// The first rises when other alerts come, the second when more is said or asked, the third for wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Rises when other alerts come.
    pub major: u32,
    /// Rises when something is added.
    pub minor: u32,
    /// Rises when something is worded better.
    pub patch: u32,
}

impl Version {
    /// Reads `1.4.0`: three numbers joined by dots, no zeros before them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: &str| {
            let is_plain = part == "0" || !part.starts_with('0');
            let is_digits = part.bytes().all(|byte| byte.is_ascii_digit());
            (is_plain && is_digits).then(|| part.parse().ok()).flatten()
        };
        let mut parts = text.split('.').map(number);
        let version = Self { major: parts.next()??, minor: parts.next()??, patch: parts.next()?? };
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// How firmly a source carries a number or a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// `REG`: the number, or the duty, stands in the cited law.
    Regulation,
    /// `IND`: an official indicator describes the behavior; the number is ours.
    Indicator,
    /// `DES`: a design decision, or a source that is not official.
    Design,
}

impl Confidence {
    /// The words of all of them.
    pub const WORDS: &'static [&'static str] = &["REG", "IND", "DES"];

    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Regulation => "REG",
            Self::Indicator => "IND",
            Self::Design => "DES",
        }
    }

    /// The mark that `word` is.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "REG" => Self::Regulation,
            "IND" => Self::Indicator,
            "DES" => Self::Design,
            _ => return None,
        })
    }
}

/// A source that the rule rests on.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Where it is written.
    pub span: SourceSpan,
    /// What is cited.
    pub cite: String,
    /// How firmly it carries the rule.
    pub confidence: Option<Confidence>,
    /// What else is to be known of it: which part, and whether the text itself was read.
    pub note: Option<String>,
}

/// How many alerts are expected.
#[derive(Clone, Debug)]
pub struct ExpectedAlerts {
    /// Per [`EXPECTED_PER_CUSTOMERS`] customers within [`EXPECTED_WITHIN_DAYS`] days.
    pub value: Decimal,
    /// How the number was obtained.
    pub why: Option<String>,
}

/// Expected alerts are told per so many customers ...
pub const EXPECTED_PER_CUSTOMERS: u32 = 10_000;

/// ... and per so many days.
pub const EXPECTED_WITHIN_DAYS: u32 = 30;

/// A line of the rule's history.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made.
    pub version: Version,
    /// When.
    pub date: Date,
    /// Who.
    pub by: String,
    /// What, and for which reason.
    pub what: String,
}

/// What a parameter says about itself.
#[derive(Clone, Debug, Default)]
pub struct ParamMetadata {
    /// Where its name is written.
    pub span: SourceSpan,
    /// What is counted or measured: `base currency`, `customers`.
    pub unit: Option<String>,
    /// The lowest value that may be written.
    pub min: Option<Literal>,
    /// The highest value that may be written.
    pub max: Option<Literal>,
    /// Where the value comes from.
    pub source: Option<String>,
    /// How firmly the source carries it.
    pub confidence: Option<Confidence>,
    /// Why it is this value.
    pub why: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_plain_numbers_and_compares_by_them() {
        for text in ["1.0.0", "0.1.0", "2.10.3"] {
            assert_eq!(Version::parse(text).map(|it| it.to_string()).as_deref(), Some(text));
        }
        for text in ["1", "1.0", "v1.0.0", "1.0.0.0", "1.0.0-rc1", "1.02.0", "1..0", "+1.0.0", ""] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert!(Version::parse("1.10.0") > Version::parse("1.9.9"));
    }

    #[test]
    fn each_mark_is_read_as_it_is_written() {
        for word in Confidence::WORDS {
            assert_eq!(Confidence::parse(word).map(Confidence::word), Some(*word));
        }
        assert_eq!(Confidence::parse("reg"), None);
    }
}
