//! Requests that a customer be identified again, with their causes and deadlines.

use super::event::words;
use super::{Instant, Span};

words! {
    /// How deep the renewed review goes.
    RekycLevel {
        /// The ordinary check.
        Standard = "standard",
        /// Enhanced measures.
        Enhanced = "enhanced",
    }
}

words! {
    /// What a renewed review covers. One open request per customer and scope.
    RekycScope {
        /// The full file.
        Full = "full",
        /// The identity document.
        Document = "document",
        /// The address.
        Address = "address",
        /// Phone and e-mail.
        Contact = "contact",
        /// The legal name.
        Name = "name",
        /// Biometric proof that the actor is the customer.
        Biometric = "biometric",
        /// Source of funds and purpose.
        Funds = "funds",
    }
}

words! {
    /// Why a renewed review was asked for. One cause per subject `aml.out.rekyc.<cause>`.
    ///
    /// Causes name what must be checked, never that somebody is suspected: a request reaches
    /// onboarding staff and must not tip off.
    RekycCause {
        /// A rule asked for it.
        Behaviour = "behaviour",
        /// Doubt about data given earlier.
        DataDoubt = "data_doubt",
        /// Doubt that the actor is the customer.
        ActorDoubt = "actor_doubt",
        /// A sleeping account woke.
        Reactivation = "reactivation",
        /// Contact data, name or address changed.
        ProfileChange = "profile_change",
        /// The periodic review is due.
        Periodic = "periodic",
        /// A document expires.
        DocumentExpiry = "document_expiry",
    }
}

/// Our request that a customer be reviewed again.
#[derive(Clone, Debug, PartialEq)]
pub struct RekycRequest {
    /// Derived from customer, scope and opening event; never random.
    pub id: String,
    /// Who is to be reviewed.
    pub customer: String,
    /// What is to be reviewed.
    pub scope: RekycScope,
    /// How deep.
    pub level: RekycLevel,
    /// Why, in neutral words.
    pub cause: RekycCause,
    /// The rule that asked; for the restricted side only.
    pub rule: String,
    /// The rule author's reason; for the restricted side only.
    pub reason: String,
    /// The alert behind it; for the restricted side only.
    pub alert: Option<String>,
    /// When it was asked for, in event time.
    pub at: Instant,
    /// When it must be done.
    pub due_at: Instant,
    /// Recorded but not sent: the rule is in shadow.
    pub is_shadow: bool,
}

/// A further cause for a request that is already open.
#[derive(Clone, Debug, PartialEq)]
pub struct RekycMerge {
    /// The open request.
    pub request: String,
    /// The further cause.
    pub cause: RekycCause,
    /// The rule that asked.
    pub rule: String,
    /// The alert behind it.
    pub alert: Option<String>,
    /// When, in event time.
    pub at: Instant,
    /// The deadline after merging: the earlier of both.
    pub due_at: Instant,
    /// The level after merging: the deeper of both.
    pub level: RekycLevel,
    /// Recorded but not sent: the rule is in shadow.
    pub is_shadow: bool,
}

/// Days after which the same cause may ask again for a customer whose request was completed.
///
/// A design default (no regulator sets it): `domain` research, re-KYC triggers.
pub const REKYC_COOLDOWN: Span = Span::days(30);
