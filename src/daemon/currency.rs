//! In which currency amounts are judged: one, for as long as a database lives.
//!
//! In: what the configuration says, and what rulebooks say with `base_currency` in their `schema.yaml`.
//! Out: that currency with the place that decides it, or both places when they disagree. Without a word
//! of the configuration the live rulebook decides, since what is in the log was judged by it.

use std::fmt;

use crate::config::Config;
use crate::domain::Currency;
use crate::rulebook::Rulebook;

/// The currency of `tx.amount` and where it was said.
#[derive(Clone, Copy, Debug)]
pub struct Base {
    /// The currency.
    pub currency: Currency,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// The configuration; how it was said there.
    Configuration(&'static str),
    /// The rulebook that is live.
    Live,
    /// Nowhere: the default, by which amounts were judged so far.
    Default,
}

/// Two places that name different currencies, or one that names none any more.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "`base_currency` is {} in schema.yaml, but amounts are judged in {ours}, as {place} says; one \
     database judges in one currency, so make them the same or start a fresh database",
    theirs.map_or_else(|| "not said any more".to_owned(), |theirs| theirs.to_string())
)]
pub struct Differing {
    theirs: Option<Currency>,
    ours: Currency,
    place: Place,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(how) => write!(out, "{how} of the configuration"),
            Self::Live => out.write_str("schema.yaml of the rulebook that is live"),
            Self::Default => out.write_str("the default"),
        }
    }
}

impl Base {
    /// What `config` says, if it says it.
    #[must_use]
    pub fn said(config: &Config) -> Option<Self> {
        let place = Place::Configuration(config.base_currency_said?);
        Some(Self { currency: config.decoding.base_currency, place })
    }

    /// What decides while `live` is live.
    ///
    /// # Errors
    /// The configuration and `live` differ.
    pub fn of(config: &Config, live: &Rulebook) -> Result<Self, Differing> {
        if let Some(said) = Self::said(config) {
            return said.must_be_of(live).map(|()| said);
        }
        Ok(match live.institution.base_currency {
            Some(currency) => Self { currency, place: Place::Live },
            None => Self { currency: config.decoding.base_currency, place: Place::Default },
        })
    }

    /// Refuses a rulebook that says another currency. One that says none is of any, unless only the rulebook
    /// that is live says it: nobody would know it at the next start.
    ///
    /// # Errors
    /// It does.
    pub fn must_be_of(&self, rulebook: &Rulebook) -> Result<(), Differing> {
        let theirs = rulebook.institution.base_currency;
        let agrees = match theirs {
            Some(theirs) => theirs == self.currency,
            None => !matches!(self.place, Place::Live),
        };
        if agrees {
            Ok(())
        } else {
            Err(Differing { theirs, ours: self.currency, place: self.place })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{self, Overrides};
    use crate::rulebook::loader;

    fn config(code: Option<&str>) -> Config {
        let base_currency = code.map(str::to_owned);
        config::load(None, &Overrides { base_currency, ..Overrides::default() }).expect("sound")
    }

    fn book(code: Option<&str>) -> Rulebook {
        let rule = "lang: 1\nrule: r\ntitle: R\nabout: R.\nseverity: low\ntrigger: transaction\n\
                    entity: customer\nwhen: tx.amount > 1\nalert: { score: 1, message: M. }\n";
        let mut sources = BTreeMap::from([("p/r.yaml".to_owned(), rule.to_owned())]);
        sources.extend(code.map(|code| {
            let schema = format!("institution: {{ base_currency: {code} }}\n");
            ("schema.yaml".to_owned(), schema)
        }));
        let loaded = loader::load(&sources);
        loaded.rulebook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
    }

    #[test]
    fn one_place_decides_and_others_must_agree() {
        for (said, live, next, expected) in [
            (Some("SEK"), Some("SEK"), Some("SEK"), Ok("SEK")),
            (Some("SEK"), None, None, Ok("SEK")),
            (Some("SEK"), None, Some("EUR"), Err("`--base-currency` of the configuration")),
            (Some("SEK"), Some("EUR"), Some("SEK"), Err("`--base-currency` of the configuration")),
            (None, Some("SEK"), Some("SEK"), Ok("SEK")),
            (None, Some("SEK"), None, Err("not said any more")),
            (None, Some("SEK"), Some("EUR"), Err("the rulebook that is live")),
            (None, None, Some("EUR"), Ok("EUR")),
            (None, None, Some("SEK"), Err("the default")),
        ] {
            let base = Base::of(&config(said), &book(live));
            let found = base.and_then(|base| base.must_be_of(&book(next)).map(|()| base));
            let found = found.map(|base| base.currency.code().to_owned());
            match (found, expected) {
                (Ok(code), Ok(expected)) => assert_eq!(code, expected),
                (Err(error), Err(place)) => {
                    let text = error.to_string();
                    assert!(text.contains(place) && text.contains("schema.yaml"), "{text}");
                }
                (found, expected) => panic!("{said:?} {live:?} {next:?}: {found:?} {expected:?}"),
            }
        }
    }
}
