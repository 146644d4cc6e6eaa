//! One check per kind of field: text as it came in, a value of the domain or a refusal out.
//!
//! A check knows its field's place (`data.debtor`, `country`) and spells it out only when it refuses.
//! Refusals say what the field must be and never what it was.

use rust_decimal::Decimal;

use crate::domain::money::{AmountError, parse_amount};
use crate::domain::{Country, Currency, Instant, Money, Reason, Refusal, Span};

use super::text::Str;
use crate::domain::event::Text;

/// Most bytes of a free note of a person.
pub const NOTE_BYTES_MAX: usize = 4096;

/// Where a field stands: the object and its name in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    /// `data`, `data.debtor`, or empty for the envelope.
    pub(super) parent: &'p str,
    /// `amount`.
    pub(super) name: &'p str,
}

impl Place<'_> {
    fn path(self) -> String {
        match (self.parent, self.name) {
            ("", "") => "$".to_owned(),
            ("", name) => name.to_owned(),
            (parent, "") => parent.to_owned(),
            (parent, name) => format!("{parent}.{name}"),
        }
    }

    /// A refusal of this field.
    #[cold]
    pub(super) fn refuse(self, reason: Reason, detail: impl Into<String>) -> Refusal {
        Refusal::new(reason, self.path(), detail)
    }

    /// A refusal because this field is not there.
    #[cold]
    pub(super) fn missing(self) -> Refusal {
        self.refuse(Reason::MissingField, "required")
    }
}

/// The field `name` of the object at `parent`.
pub(super) const fn at<'p>(parent: &'p str, name: &'p str) -> Place<'p> {
    Place { parent, name }
}

/// Limits of the checks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Most bytes of an id or other text.
    pub(super) text_bytes_max: usize,
    /// How far an event's time may lie after the broker's stamp.
    pub(super) future_allowed: Span,
}

impl Limits {
    /// An id or other short text: not empty, not too long, no control characters.
    pub(super) fn text<'a>(self, text: Str<'a>, place: Place<'_>) -> Result<Text<'a>, Refusal> {
        let Str(text) = text;
        if text.is_empty() {
            return Err(place.refuse(Reason::InvalidText, "must not be empty"));
        }
        if text.len() > self.text_bytes_max {
            let detail = format!("must not be longer than {} bytes", self.text_bytes_max);
            return Err(place.refuse(Reason::InvalidText, detail));
        }
        if has_control(&text) {
            return Err(place.refuse(Reason::InvalidText, "must not hold control characters"));
        }
        Ok(text)
    }

    /// The same for a field that need not be there.
    pub(super) fn text_if<'a>(
        self,
        text: Option<Str<'a>>,
        place: Place<'_>,
    ) -> Result<Option<Text<'a>>, Refusal> {
        text.map(|text| self.text(text, place)).transpose()
    }

    /// The same for a field that must be there.
    pub(super) fn text_required<'a>(
        self,
        text: Option<Str<'a>>,
        place: Place<'_>,
    ) -> Result<Text<'a>, Refusal> {
        self.text(text.ok_or_else(|| place.missing())?, place)
    }

    /// A person's note: longer than an id, and with line breaks.
    pub(super) fn note<'a>(text: Str<'a>, place: Place<'_>) -> Result<Text<'a>, Refusal> {
        let Str(text) = text;
        if text.len() > NOTE_BYTES_MAX {
            let detail = format!("must not be longer than {NOTE_BYTES_MAX} bytes");
            return Err(place.refuse(Reason::InvalidText, detail));
        }
        if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
            return Err(place.refuse(Reason::InvalidText, "must not hold control characters"));
        }
        Ok(text)
    }

    /// The time of an event: with an offset, and not later than clocks can differ.
    pub(super) fn event_time(
        self,
        text: &Str<'_>,
        stored_at: Instant,
        place: Place<'_>,
    ) -> Result<Instant, Refusal> {
        let time = instant(text, place)?;
        if time > stored_at.plus(self.future_allowed) {
            let detail = format!(
                "must not be more than {} after the broker stored the message",
                self.future_allowed
            );
            return Err(place.refuse(Reason::FutureTime, detail));
        }
        Ok(time)
    }
}

/// NUL and the other control characters: databases and terminals choke on them.
fn has_control(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    !is_plain && text.chars().any(char::is_control)
}

/// An RFC 3339 time with an offset.
pub(super) fn instant(text: &Str<'_>, place: Place<'_>) -> Result<Instant, Refusal> {
    Instant::parse(&text.0)
        .ok_or_else(|| place.refuse(Reason::InvalidTime, "must be an RFC 3339 time with an offset"))
}

/// An RFC 3339 time with an offset, or a date, which stands for its first moment in UTC.
pub(super) fn instant_or_date(text: &Str<'_>, place: Place<'_>) -> Result<Instant, Refusal> {
    let time = if text.0.len() == "2026-01-31".len() {
        Instant::parse(&format!("{}T00:00:00Z", text.0))
    } else {
        Instant::parse(&text.0)
    };
    time.ok_or_else(|| {
        let detail = "must be an RFC 3339 time with an offset, or a date";
        place.refuse(Reason::InvalidTime, detail)
    })
}

/// The same for a field that need not be there.
pub(super) fn instant_or_date_if(
    text: Option<&Str<'_>>,
    place: Place<'_>,
) -> Result<Option<Instant>, Refusal> {
    text.map(|text| instant_or_date(text, place)).transpose()
}

/// A word of a closed set, read by `parse`.
pub(super) fn word<T>(
    text: &Str<'_>,
    parse: fn(&str) -> Option<T>,
    words: &[&str],
    place: Place<'_>,
) -> Result<T, Refusal> {
    parse(&text.0).ok_or_else(|| {
        place.refuse(Reason::UnknownValue, format!("must be one of {}", words.join(", ")))
    })
}

/// An ISO 3166-1 alpha-2 code, if given.
pub(super) fn country_if(
    text: Option<&Str<'_>>,
    place: Place<'_>,
) -> Result<Option<Country>, Refusal> {
    text.map(|text| {
        Country::parse(&text.0).ok_or_else(|| {
            let detail = "must be an upper-case country code of ISO 3166-1 alpha-2";
            place.refuse(Reason::UnknownCountry, detail)
        })
    })
    .transpose()
}

/// An ISO 4217 code.
pub(super) fn currency(text: &Str<'_>, place: Place<'_>) -> Result<Currency, Refusal> {
    Currency::parse(&text.0).ok_or_else(|| {
        let detail = "must be an upper-case currency code of ISO 4217";
        place.refuse(Reason::UnknownCurrency, detail)
    })
}

/// An amount of `currency`.
pub(super) fn money(
    text: &Str<'_>,
    currency: Currency,
    place: Place<'_>,
) -> Result<Money, Refusal> {
    Money::parse(&text.0, currency).map_err(|error| amount_refusal(error, place))
}

/// A decimal that is not negative: a rate or a turnover.
pub(super) fn decimal(text: &Str<'_>, place: Place<'_>) -> Result<Decimal, Refusal> {
    parse_amount(&text.0).map_err(|error| amount_refusal(error, place))
}

#[cold]
fn amount_refusal(error: AmountError, place: Place<'_>) -> Refusal {
    let (reason, detail) = match error {
        AmountError::Syntax => {
            (Reason::InvalidAmount, "must be plain digits with at most one decimal point")
        }
        AmountError::TooLong => (
            Reason::AmountTooLong,
            "must not have more than 15 digits before and 8 after the decimal point",
        ),
        AmountError::Negative => (Reason::NegativeAmount, "must not be below zero"),
        AmountError::Exponent => {
            (Reason::CurrencyExponent, "must not have more decimal places than the currency")
        }
    };
    place.refuse(reason, detail)
}
