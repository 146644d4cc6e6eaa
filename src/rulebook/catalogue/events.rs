//! The kinds of events that rules name, and sets of them.

use crate::domain::event::{IdentityKind, SecurityKind};

/// A family of events: the ones that carry the same fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// `tx.*`
    Transaction,
    /// `kyc.*`
    Kyc,
    /// `security.*`
    Security,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 3] = [Self::Transaction, Self::Kyc, Self::Security];

    /// What stands before the dot in the names of its fields.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transaction => "tx",
            Self::Kyc => "kyc",
            Self::Security => "security",
        }
    }

    /// The family whose fields start with `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.word() == word)
    }
}

/// One kind of event, as named in rule files: `transaction`, `kyc.registered`, `security.login`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventName {
    /// A leg of a transaction.
    Transaction,
    /// An identity event.
    Kyc(IdentityKind),
    /// A security event.
    Security(SecurityKind),
}

/// A set of event kinds, one bit each (see [`EventName::index`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct EventSet(pub u64);

#[expect(clippy::cast_possible_truncation, reason = "a handful of kinds")]
const KYC_KINDS: u32 = IdentityKind::ALL.len() as u32;

impl EventName {
    /// All event kinds, in the order of their bits.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Transaction)
            .chain(IdentityKind::ALL.iter().copied().map(Self::Kyc))
            .chain(SecurityKind::ALL.iter().copied().map(Self::Security))
    }

    /// The kind's bit in an [`EventSet`].
    #[must_use]
    pub const fn index(self) -> u32 {
        match self {
            Self::Transaction => 0,
            Self::Kyc(kind) => 1 + kind as u32,
            Self::Security(kind) => 1 + KYC_KINDS + kind as u32,
        }
    }

    /// The family whose fields the kind carries.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Transaction => Family::Transaction,
            Self::Kyc(_) => Family::Kyc,
            Self::Security(_) => Family::Security,
        }
    }

    /// The kind's name in rule files.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Transaction => "transaction".to_owned(),
            Self::Kyc(kind) => format!("kyc.{}", kind.word()),
            Self::Security(kind) => format!("security.{}", kind.word()),
        }
    }

    /// The kind named `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::all().find(|name| name.word() == word)
    }
}

impl EventSet {
    /// Every kind of `family`.
    #[must_use]
    pub fn family(family: Family) -> Self {
        let mut set = Self::default();
        for name in EventName::all().filter(|name| name.family() == family) {
            set.0 |= 1 << name.index();
        }
        set
    }

    /// One kind.
    #[must_use]
    pub const fn one(name: EventName) -> Self {
        Self(1 << name.index())
    }

    /// Whether `name` is in the set.
    #[must_use]
    pub const fn contains(self, name: EventName) -> bool {
        self.0 & (1 << name.index()) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_name_has_its_own_bit() {
        let mut seen = EventSet::default();
        for name in EventName::all() {
            assert!(!seen.contains(name), "{}", name.word());
            seen.0 |= 1 << name.index();
            assert_eq!(EventName::parse(&name.word()), Some(name));
        }
    }
}
