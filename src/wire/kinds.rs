//! Which `CloudEvents` types there are, what each stands for, and the subject it is published to.
//!
//! One table in both directions, so that what is written can always be read.

use crate::domain::event::{IdentityKind, SecurityKind};

/// A movement of money.
pub const TRANSACTION: &str = "aml.transaction.v1";
/// Logged time.
pub const TICK: &str = "aml.control.tick.v1";
/// A rulebook became live.
pub const RULEBOOK: &str = "aml.control.rulebook.v1";
/// A person's verdict on an alert.
pub const DISPOSITION: &str = "aml.control.disposition.v1";

/// Where a message goes whose type cannot be told: to the log all the same, to be quarantined there.
pub const UNKNOWN_SUBJECT: &str = "aml.in.unknown";

/// What a `CloudEvents` type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A movement of money.
    Transaction,
    /// A KYC fact that changed.
    Identity(IdentityKind),
    /// Something done with credentials or devices.
    Security(SecurityKind),
    /// Logged time.
    Tick,
    /// A rulebook became live.
    Rulebook,
    /// A person's verdict on an alert.
    Disposition,
}

impl Kind {
    /// All kinds, transactions first.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Transaction)
            .chain(IdentityKind::ALL.iter().copied().map(Self::Identity))
            .chain(SecurityKind::ALL.iter().copied().map(Self::Security))
            .chain([Self::Tick, Self::Rulebook, Self::Disposition])
    }

    /// The kind that the type `name` stands for.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == TRANSACTION {
            return Some(Self::Transaction);
        }
        Self::all().find(|kind| kind.name() == name)
    }

    /// The `CloudEvents` type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transaction => TRANSACTION,
            Self::Identity(kind) => identity_name(kind),
            Self::Security(kind) => security_name(kind),
            Self::Tick => TICK,
            Self::Rulebook => RULEBOOK,
            Self::Disposition => DISPOSITION,
        }
    }

    /// The subject that messages of this kind are published to. Holds no id of anybody.
    #[must_use]
    pub fn subject(self) -> String {
        match self {
            Self::Transaction => "aml.in.transaction.v1".to_owned(),
            Self::Identity(kind) => format!("aml.in.identity.{}", kind.word()),
            Self::Security(kind) => format!("aml.in.security.{}", kind.word()),
            Self::Tick => "aml.in.control.tick".to_owned(),
            Self::Rulebook => "aml.in.control.rulebook".to_owned(),
            Self::Disposition => "aml.in.control.disposition".to_owned(),
        }
    }
}

const fn identity_name(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Registered => "aml.identity.registered.v1",
        IdentityKind::EvidenceSubmitted => "aml.identity.evidence.submitted.v1",
        IdentityKind::ReviewStarted => "aml.identity.review.started.v1",
        IdentityKind::InfoRequested => "aml.identity.info.requested.v1",
        IdentityKind::Verified => "aml.identity.verified.v1",
        IdentityKind::ResubmissionRequested => "aml.identity.resubmission.requested.v1",
        IdentityKind::Rejected => "aml.identity.rejected.v1",
        IdentityKind::Overridden => "aml.identity.overridden.v1",
        IdentityKind::Attested => "aml.identity.attested.v1",
        IdentityKind::ProfileChanged => "aml.identity.profile.changed.v1",
        IdentityKind::DocumentAdded => "aml.identity.document.added.v1",
        IdentityKind::RiskChanged => "aml.identity.risk.changed.v1",
        IdentityKind::AccountOpened => "aml.identity.account.opened.v1",
        IdentityKind::AccountClosed => "aml.identity.account.closed.v1",
        IdentityKind::RekycOpened => "aml.identity.rekyc.opened.v1",
        IdentityKind::Refreshed => "aml.identity.rekyc.completed.v1",
        IdentityKind::ScreeningConfirmed => "aml.identity.screening.confirmed.v1",
        IdentityKind::Ended => "aml.identity.relationship.ended.v1",
    }
}

const fn security_name(kind: SecurityKind) -> &'static str {
    match kind {
        SecurityKind::Login => "aml.security.login.v1",
        SecurityKind::DeviceBound => "aml.security.device.bound.v1",
        SecurityKind::PasswordReset => "aml.security.password.reset.v1",
        SecurityKind::MfaReset => "aml.security.mfa.reset.v1",
        SecurityKind::PayeeAdded => "aml.security.payee.added.v1",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_no_two_share_a_name_or_subject() {
        let mut names = BTreeSet::new();
        let mut subjects = BTreeSet::new();
        for kind in Kind::all() {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
            assert!(names.insert(kind.name()), "{kind:?}");
            assert!(subjects.insert(kind.subject()), "{kind:?}");
            assert!(kind.subject().starts_with("aml.in."), "{kind:?}");
        }
        assert_eq!(Kind::parse("aml.transaction.v2"), None);
        assert_eq!(Kind::parse(""), None);
    }
}
