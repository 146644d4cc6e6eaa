//! What became of one message of the log: exactly one fate per stream sequence.

use std::fmt;

use super::event::words;

/// What became of one stream sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Judged by the rules that were live.
    Evaluated,
    /// Judged without an identity, and kept to be judged again when the identity arrives.
    Parked,
    /// An event with this source and id was already judged.
    Duplicate,
    /// Set aside with its reason, for a person.
    Quarantined(Reason),
    /// One of Weir's own entries: nothing to judge.
    Control,
}

words! {
    /// Why a message was set aside. Codes are for ever.
    Reason {
        /// Larger than the configured limit.
        TooLarge = "too_large",
        /// Not valid UTF-8.
        NotUtf8 = "not_utf8",
        /// Not a JSON document.
        NotJson = "not_json",
        /// Nested deeper than the limit.
        TooDeep = "too_deep",
        /// The same key twice in one object.
        DuplicateKey = "duplicate_key",
        /// Not a CloudEvents 1.0 envelope.
        NotCloudEvent = "not_cloud_event",
        /// A type that Weir does not know.
        UnknownType = "unknown_type",
        /// A required field is absent.
        MissingField = "missing_field",
        /// A field has the wrong JSON type.
        WrongType = "wrong_type",
        /// Empty, too long, or with characters that an id cannot have.
        InvalidText = "invalid_text",
        /// Not a plain decimal.
        InvalidAmount = "invalid_amount",
        /// Below zero.
        NegativeAmount = "negative_amount",
        /// More digits than any real amount.
        AmountTooLong = "amount_too_long",
        /// More decimal places than the currency has.
        CurrencyExponent = "currency_exponent",
        /// Not a currency of ISO 4217.
        UnknownCurrency = "unknown_currency",
        /// Not a country of ISO 3166-1.
        UnknownCountry = "unknown_country",
        /// Not one of the field's words.
        UnknownValue = "unknown_value",
        /// Not an RFC 3339 time with an offset.
        InvalidTime = "invalid_time",
        /// Further in the future than clocks can differ.
        FutureTime = "future_time",
        /// A foreign amount without its base amount and rate.
        RateMissing = "rate_missing",
        /// Neither side of the transaction can be told.
        NoParty = "no_party",
        /// Known source and id with another content.
        ConflictingDuplicate = "conflicting_duplicate",
        /// A fault of ours; please report it.
        Internal = "internal",
    }
}

/// Why a message is not an event: the reason, where in the message, and in words.
///
/// `detail` never repeats the offending value: it may be personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub reason: Reason,
    /// The field's path (`data.amount`), or `$` for the whole message.
    pub path: String,
    /// For the person who repairs the producer.
    pub detail: String,
}

impl Refusal {
    /// A refusal of the field at `path`.
    pub fn new(reason: Reason, path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { reason, path: path.into(), detail: detail.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at {}: {}", self.reason.word(), self.path, self.detail)
    }
}

impl Fate {
    /// The fate's word in the ledger, metrics and output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Evaluated => "evaluated",
            Self::Parked => "parked",
            Self::Duplicate => "duplicate",
            Self::Quarantined(_) => "quarantined",
            Self::Control => "control",
        }
    }
}

/// How many messages met each fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FateCounts {
    /// Number of [`Fate::Evaluated`].
    pub evaluated: u64,
    /// Number of [`Fate::Parked`].
    pub parked: u64,
    /// Number of [`Fate::Duplicate`].
    pub duplicate: u64,
    /// Number of [`Fate::Quarantined`].
    pub quarantined: u64,
    /// Number of [`Fate::Control`].
    pub control: u64,
}

impl FateCounts {
    /// Counts one more message.
    pub const fn add(&mut self, fate: Fate) {
        match fate {
            Fate::Evaluated => self.evaluated += 1,
            Fate::Parked => self.parked += 1,
            Fate::Duplicate => self.duplicate += 1,
            Fate::Quarantined(_) => self.quarantined += 1,
            Fate::Control => self.control += 1,
        }
    }

    /// Adds the counts of a later stretch.
    pub const fn merge(&mut self, other: &Self) {
        self.evaluated += other.evaluated;
        self.parked += other.parked;
        self.duplicate += other.duplicate;
        self.quarantined += other.quarantined;
        self.control += other.control;
    }

    /// All messages counted.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.evaluated + self.parked + self.duplicate + self.quarantined + self.control
    }
}
