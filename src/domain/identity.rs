//! The customer's verification state, risk band and segment, and which changes of state are possible.
//!
//! The states are sub-state A of the KYC lifecycle; freshness, access and activity are computed
//! from it and from timers. A change that the table does not allow is refused, recorded and
//! counted: facts that came with it are kept, the state is not moved.

use super::event::{IdentityKind, verification_after, words};

words! {
    /// How far the verification of an identity has come.
    Verification {
        /// A record exists, nothing was handed in.
        Registered = "registered",
        /// Evidence was handed in.
        Submitted = "submitted",
        /// Somebody is looking at it.
        InReview = "in_review",
        /// The customer must hand in again.
        Resubmit = "resubmit",
        /// Confirmed.
        Verified = "verified",
        /// Confirmed earlier, a renewed review is running.
        ReviewOpen = "review_open",
        /// A renewed review passed its deadline.
        Lapsed = "lapsed",
        /// Refused for good.
        Rejected = "rejected",
        /// Given up by the customer.
        Abandoned = "abandoned",
        /// The relationship ended.
        Exited = "exited",
    }
}

words! {
    /// The customer's rating from KYC.
    Risk {
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High: enhanced measures.
        High = "high",
        /// No business may be done.
        Prohibited = "prohibited",
    }
}

words! {
    /// What kind of customer it is.
    Segment {
        /// A natural person.
        Retail = "retail",
        /// A small or medium firm.
        Sme = "sme",
        /// A large firm.
        Corporate = "corporate",
        /// A firm that takes mostly cash.
        CashBusiness = "cash_business",
        /// A bank or other regulated institution.
        Institution = "institution",
    }
}

/// The state that follows `from` when an event of `kind` arrives.
///
/// `Ok(None)` means that the event does not move the state (a changed phone number, say).
///
/// # Errors
/// The change is not in the lifecycle; the caller records it and leaves the state as it is.
pub fn transition(
    from: Option<Verification>,
    kind: IdentityKind,
) -> Result<Option<Verification>, ImpossibleTransition> {
    use Verification as V;
    let Some(to) = verification_after(kind) else {
        return match from {
            Some(_) => Ok(None),
            // Facts about a customer nobody registered are kept; they verify nothing.
            None => Err(ImpossibleTransition { from, kind }),
        };
    };
    let allowed = match kind {
        IdentityKind::Registered => matches!(from, None | Some(V::Exited | V::Abandoned)),
        IdentityKind::EvidenceSubmitted => {
            matches!(from, Some(V::Registered | V::Resubmit | V::Submitted))
        }
        IdentityKind::ReviewStarted => matches!(from, Some(V::Submitted | V::Resubmit)),
        IdentityKind::Verified => {
            // A provider that sends only the result is ordinary: registered → verified.
            matches!(from, Some(V::Registered | V::Submitted | V::InReview | V::Rejected))
        }
        IdentityKind::ResubmissionRequested | IdentityKind::Rejected => {
            matches!(from, Some(V::Submitted | V::InReview))
        }
        IdentityKind::Overridden => matches!(from, Some(V::Rejected)),
        IdentityKind::RekycOpened => matches!(from, Some(V::Verified)),
        IdentityKind::Refreshed => {
            matches!(from, Some(V::Verified | V::ReviewOpen | V::Lapsed))
        }
        IdentityKind::Ended => from.is_some() && from != Some(V::Exited),
        _ => false,
    };
    if allowed { Ok(Some(to)) } else { Err(ImpossibleTransition { from, kind }) }
}

impl Verification {
    /// Whether events lead to this state. None leads yet to those that only a clock could bring about.
    #[must_use]
    pub const fn is_reached_by_events(self) -> bool {
        !matches!(self, Self::Lapsed | Self::Abandoned)
    }
}

/// An identity event that the lifecycle has no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImpossibleTransition {
    /// The state the customer was in; `None` for nobody we know.
    pub from: Option<Verification>,
    /// The event that came.
    pub kind: IdentityKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_reached_by_the_events_that_lead_to_them() {
        let mut reached: Vec<Verification> = Vec::new();
        loop {
            let before = reached.len();
            for from in std::iter::once(None).chain(reached.clone().into_iter().map(Some)) {
                for kind in IdentityKind::ALL.iter().copied() {
                    if let Ok(Some(to)) = transition(from, kind)
                        && !reached.contains(&to)
                    {
                        reached.push(to);
                    }
                }
            }
            if reached.len() == before {
                break;
            }
        }
        for word in Verification::WORDS {
            let state = Verification::parse(word).expect("a word of its own");
            assert_eq!(state.is_reached_by_events(), reached.contains(&state), "{word}");
        }
    }

    #[test]
    fn the_lifecycle_allows_and_refuses_by_table() {
        use IdentityKind as K;
        use Verification as V;
        let rows = [
            (None, K::Registered, Ok(Some(V::Registered))),
            (Some(V::Registered), K::EvidenceSubmitted, Ok(Some(V::Submitted))),
            (Some(V::Submitted), K::ReviewStarted, Ok(Some(V::InReview))),
            (Some(V::InReview), K::Verified, Ok(Some(V::Verified))),
            (Some(V::InReview), K::ResubmissionRequested, Ok(Some(V::Resubmit))),
            (Some(V::Resubmit), K::EvidenceSubmitted, Ok(Some(V::Submitted))),
            (Some(V::InReview), K::Rejected, Ok(Some(V::Rejected))),
            (Some(V::Rejected), K::Overridden, Ok(Some(V::InReview))),
            (Some(V::Verified), K::RekycOpened, Ok(Some(V::ReviewOpen))),
            (Some(V::ReviewOpen), K::Refreshed, Ok(Some(V::Verified))),
            (Some(V::Lapsed), K::Refreshed, Ok(Some(V::Verified))),
            (Some(V::Verified), K::ProfileChanged, Ok(None)),
            (Some(V::Verified), K::Ended, Ok(Some(V::Exited))),
            (Some(V::Exited), K::Registered, Ok(Some(V::Registered))),
        ];
        for (from, kind, expected) in rows {
            assert_eq!(transition(from, kind), expected, "{from:?} {kind:?}");
        }
        for (from, kind) in [
            (None, K::Verified),
            (None, K::ProfileChanged),
            (Some(V::Verified), K::Registered),
            (Some(V::Registered), K::Rejected),
            (Some(V::Exited), K::Verified),
        ] {
            assert_eq!(transition(from, kind), Err(ImpossibleTransition { from, kind }));
        }
    }
}
