//! What a text field holds when that is a code of a standard: countries and currencies.
//!
//! A field of such a format is compared with codes only, so that `"Sweden"` beside it is a mistake that can be
//! told, with the code that was probably meant.

use crate::domain::{Country, Currency};

/// The standard whose codes a text field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ISO 3166-1 alpha-2.
    Country,
    /// ISO 4217.
    Currency,
}

/// Names that people write for a code and that the standard does not have.
const COMMON: &[(Format, &str, &str)] = &[
    (Format::Country, "UK", "GB"),
    (Format::Country, "ENGLAND", "GB"),
    (Format::Country, "EL", "GR"),
    (Format::Country, "TURKEY", "TR"),
    (Format::Country, "CZECH REPUBLIC", "CZ"),
    (Format::Country, "NORTH KOREA", "KP"),
    (Format::Country, "SOUTH KOREA", "KR"),
    (Format::Currency, "EURO", "EUR"),
    (Format::Currency, "EUROS", "EUR"),
    (Format::Currency, "€", "EUR"),
    (Format::Currency, "DOLLAR", "USD"),
    (Format::Currency, "$", "USD"),
    (Format::Currency, "POUND", "GBP"),
    (Format::Currency, "£", "GBP"),
    (Format::Currency, "YEN", "JPY"),
    (Format::Currency, "YUAN", "CNY"),
    (Format::Currency, "RMB", "CNY"),
    (Format::Currency, "RUBLE", "RUB"),
    (Format::Currency, "FRANC", "CHF"),
];

impl Format {
    /// The words of all of them, as `schema.yaml` writes them.
    pub const WORDS: &'static [&'static str] = &["country", "currency"];

    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Currency => "currency",
        }
    }

    /// The format that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Country, Self::Currency].into_iter().find(|format| format.word() == word)
    }

    /// The standard's name.
    #[must_use]
    pub const fn standard(self) -> &'static str {
        match self {
            Self::Country => "ISO 3166-1 alpha-2",
            Self::Currency => "ISO 4217",
        }
    }

    /// Whether `text` is a code.
    #[must_use]
    pub fn allows(self, text: &str) -> bool {
        match self {
            Self::Country => Country::parse(text).is_some(),
            Self::Currency => Currency::parse(text).is_some(),
        }
    }

    /// Whether some code may begin with `text`.
    #[must_use]
    pub fn may_begin_with(self, text: &str) -> bool {
        let length = match self {
            Self::Country => 2,
            Self::Currency => 3,
        };
        let is_code_like = text.bytes().all(|byte| byte.is_ascii_uppercase());
        is_code_like && (text.len() < length || self.allows(text))
    }

    /// The code that was probably meant by `text`.
    #[must_use]
    pub fn meant(self, text: &str) -> Option<String> {
        let upper = text.trim().to_uppercase();
        if self.allows(&upper) {
            return Some(upper);
        }
        let mut common = COMMON.iter();
        if let Some((_, _, code)) = common.find(|row| row.0 == self && row.1 == upper) {
            return Some((*code).to_owned());
        }
        match self {
            Self::Country => country_named(&upper),
            Self::Currency => None,
        }
    }
}

/// The code of a country by its three letters or its English name, which may be cut short at a space.
fn country_named(upper: &str) -> Option<String> {
    if let Some(country) = rust_iso3166::from_alpha3(upper) {
        return Some(country.alpha2.to_owned());
    }
    let begins = |name: &str| {
        let rest = name.to_uppercase();
        let rest = rest.strip_prefix(upper).map(str::to_owned);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',']))
    };
    let mut found = rust_iso3166::ALL.iter().filter(|country| begins(country.name));
    let first = found.next()?;
    // "Korea" may be either.
    (upper.len() > 3 && found.next().is_none()).then(|| first.alpha2.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_leads_to_the_code() {
        for (written, code) in [
            ("se", Some("SE")),
            ("Sweden", Some("SE")),
            ("SWE", Some("SE")),
            ("UK", Some("GB")),
            ("Iran", Some("IR")),
            ("Korea", None),
            ("EU", None),
            ("nowhere", None),
        ] {
            assert_eq!(Format::Country.meant(written).as_deref(), code, "{written}");
        }
        for (written, code) in [("eur", Some("EUR")), ("Euro", Some("EUR")), ("$", Some("USD"))] {
            assert_eq!(Format::Currency.meant(written).as_deref(), code, "{written}");
        }
    }

    #[test]
    fn a_code_begins_with_its_own_letters_only() {
        for (text, may) in [("S", true), ("SE", true), ("Swe", false), ("SWE", false), ("s", false)]
        {
            assert_eq!(Format::Country.may_begin_with(text), may, "{text}");
        }
    }
}
