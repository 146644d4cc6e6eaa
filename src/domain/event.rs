//! What happened: transactions, identity events, security events and control events.
//!
//! Text is borrowed from the message where it can be (`Cow`), so that decoding a transaction
//! allocates nothing. A transaction names its two sides *originator* and *beneficiary*; a side that
//! carries a customer id is one that we answer for, and gives one leg (`design: one leg per side`).

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{Country, Instant, Money, Rate, Risk, Segment, Span, Verification};

/// Text that lives in the message or is owned.
pub type Text<'a> = Cow<'a, str>;

/// One event of the log, valid in itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// Producer's id; unique together with `source`.
    pub id: Text<'a>,
    /// Who produced it (CloudEvents `source`).
    pub source: Text<'a>,
    /// Event time: when it happened, by the producer's word.
    pub at: Instant,
    /// What happened.
    pub body: Body<'a>,
}

/// The four families of events.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// A movement of money.
    Transaction(Transaction<'a>),
    /// A KYC fact that changed.
    Identity(IdentityEvent<'a>),
    /// Something done with a customer's credentials or devices.
    Security(SecurityEvent<'a>),
    /// Weir's own entries: time, rulebook activations, dispositions.
    Control(Control<'a>),
}

/// A value that a deployment's own field came with; the schema says what it is to be read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// Text, which may be a number, a time or a length of time to the schema.
    Text(Text<'a>),
    /// True or false.
    Bool(bool),
}

/// A deployment's own fields by name, each once.
pub type Extra<'a> = Vec<(Text<'a>, Scalar<'a>)>;

/// One movement of money that we are told about.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction<'a> {
    /// How the money moves.
    pub kind: TransactionKind,
    /// Whether it was carried out; an attempt is judged like a booked one.
    pub status: TransactionStatus,
    /// What was booked.
    pub booked: Money,
    /// The same in the institution's base currency; equal to `booked.amount` when that is it.
    pub base_amount: Decimal,
    /// How `base_amount` came about, when the currencies differ.
    pub rate: Option<Rate>,
    /// Who sends.
    pub originator: Party<'a>,
    /// Who receives.
    pub beneficiary: Party<'a>,
    /// Who started it.
    pub initiator: Option<Initiator>,
    /// ISO 20022 purpose code or the producer's own word.
    pub purpose: Option<Text<'a>>,
    /// Branch, agent or cash machine.
    pub branch: Option<Text<'a>>,
    /// Where and with what it was ordered.
    pub session: Session<'a>,
    /// What not every transaction has.
    pub details: TransactionDetails<'a>,
}

/// What not every transaction has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionDetails<'a> {
    /// A deployment's own fields.
    pub extra: Extra<'a>,
}

/// Anyone in a transaction, customer or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Party<'a> {
    /// Present when we answer for this party.
    pub customer: Option<Text<'a>>,
    /// Account, card or wallet.
    pub account: Option<Text<'a>>,
    /// Bank or other agent (BIC, LEI or the producer's id).
    pub bank: Option<Text<'a>>,
    /// Where the account or agent is.
    pub country: Option<Country>,
}

/// The device and network of an action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session<'a> {
    /// `web`, `ios`, `android`, `api`, `agent`, `branch`, `atm`, or the producer's own.
    pub channel: Option<Text<'a>>,
    /// Device fingerprint.
    pub device: Option<Text<'a>>,
    /// IP address as text.
    pub ip: Option<Text<'a>>,
    /// The range that the IP address is in, as the producer cuts it.
    pub subnet: Option<Text<'a>>,
    /// Where the IP address is.
    pub country: Option<Country>,
    /// What kind of network the IP address belongs to.
    pub network: Option<Network>,
    /// Browser or app, by name or keyed hash.
    pub user_agent: Option<Text<'a>>,
    /// The campaign or code that led here.
    pub referrer: Option<Text<'a>>,
}

/// A closed set of words used on the wire and in rule files.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// All values, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// The words of all values, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// The value's word, as written in messages and rule files.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value that `word` stands for.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What kind of network somebody acts from.
    Network {
        /// A mobile carrier's.
        Mobile = "mobile",
        /// A line into a house or office.
        Fixed = "fixed",
        /// A data centre.
        Hosting = "hosting",
        /// An exit of the Tor network.
        Tor = "tor",
        /// A virtual private network for the public.
        Vpn = "vpn",
        /// An open or rented proxy.
        Proxy = "proxy",
    }
}

words! {
    /// How money moves.
    TransactionKind {
        /// A credit transfer whose rail is not known.
        Transfer = "transfer",
        /// A wire transfer between banks.
        Wire = "wire",
        /// An instant credit transfer.
        Instant = "instant",
        /// A batch clearing transfer.
        Ach = "ach",
        /// A card payment.
        Card = "card",
        /// A cheque.
        Cheque = "cheque",
        /// A direct debit.
        DirectDebit = "direct_debit",
        /// Notes or coins paid in.
        CashDeposit = "cash_deposit",
        /// Notes or coins paid out.
        CashWithdrawal = "cash_withdrawal",
        /// Virtual assets paid in.
        CryptoDeposit = "crypto_deposit",
        /// Virtual assets paid out.
        CryptoWithdrawal = "crypto_withdrawal",
        /// An exchange of one asset for another.
        Trade = "trade",
        /// A fee taken by the institution.
        Fee = "fee",
        /// Interest paid by or to the institution.
        Interest = "interest",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// What became of a transaction at its bank.
    TransactionStatus {
        /// Carried out.
        Booked = "booked",
        /// Ordered, not yet carried out.
        Pending = "pending",
        /// Ordered and refused; attempted activity is reportable.
        Rejected = "rejected",
    }
}

words! {
    /// Who started a transaction.
    Initiator {
        /// The customer.
        Customer = "customer",
        /// The institution (fees, interest, corrections).
        Bank = "bank",
        /// A third party with a mandate (direct debit, card on file).
        ThirdParty = "third_party",
    }
}

words! {
    /// The identity events of the KYC lifecycle.
    IdentityKind {
        /// A customer record was opened.
        Registered = "registered",
        /// Evidence was handed in.
        EvidenceSubmitted = "evidence_submitted",
        /// A reviewer began.
        ReviewStarted = "review_started",
        /// More items were asked for.
        InfoRequested = "info_requested",
        /// The identity was confirmed.
        Verified = "verified",
        /// Evidence was sent back for a retryable reason.
        ResubmissionRequested = "resubmission_requested",
        /// The identity was refused for good.
        Rejected = "rejected",
        /// A refusal was overturned by two approvers.
        Overridden = "overridden",
        /// The customer confirmed that nothing changed.
        Attested = "attested",
        /// Name, contact, address or payout account changed.
        ProfileChanged = "profile_changed",
        /// A document was added or replaced.
        DocumentAdded = "document_added",
        /// The risk band changed.
        RiskChanged = "risk_changed",
        /// An account was opened for the customer.
        AccountOpened = "account_opened",
        /// An account was closed.
        AccountClosed = "account_closed",
        /// A renewed review began.
        RekycOpened = "rekyc_opened",
        /// A renewed review was completed.
        Refreshed = "refreshed",
        /// A screening hit was confirmed.
        ScreeningConfirmed = "screening_confirmed",
        /// The relationship ended.
        Ended = "ended",
    }
}

words! {
    /// The security events.
    SecurityKind {
        /// A sign-in, successful or not.
        Login = "login",
        /// A device was bound to the customer.
        DeviceBound = "device_bound",
        /// The password was reset.
        PasswordReset = "password_reset",
        /// The second factor was reset or changed.
        MfaReset = "mfa_reset",
        /// A payee was added.
        PayeeAdded = "payee_added",
    }
}

/// A KYC fact that changed, at the event's time.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityEvent<'a> {
    /// What changed.
    pub kind: IdentityKind,
    /// Whose identity.
    pub customer: Text<'a>,
    /// The producer's version of this customer's record; a lower one never moves state.
    pub version: Option<u64>,
    /// Values that the event sets; an absent one leaves the earlier value.
    pub facts: CustomerFacts<'a>,
    /// The account that was opened or closed.
    pub account: Option<AccountFacts<'a>>,
    /// Keyed hash of the identity document's number.
    pub document: Option<Text<'a>>,
    /// Keyed hash of the phone number.
    pub phone: Option<Text<'a>>,
    /// Keyed hash of the e-mail address.
    pub email: Option<Text<'a>>,
    /// Keyed hash of the postal address.
    pub address: Option<Text<'a>>,
    /// Which part of the profile changed (`phone`, `email`, `address`, `name`, `payout_account`).
    pub field: Option<Text<'a>>,
    /// Reason codes of a review's outcome.
    pub reasons: Vec<Text<'a>>,
    /// Where and with what it was done.
    pub session: Session<'a>,
    /// What not every identity event has.
    pub details: IdentityDetails<'a>,
}

/// What not every identity event has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentityDetails<'a> {
    /// A deployment's own fields.
    pub extra: Extra<'a>,
}

/// What rules may ask about a customer, as set by one identity event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerFacts<'a> {
    /// Customer segment.
    pub segment: Option<Segment>,
    /// Risk band.
    pub risk: Option<Risk>,
    /// Country of residence.
    pub country: Option<Country>,
    /// Occupation code or word.
    pub occupation: Option<Text<'a>>,
    /// Expected turnover per month in base currency, both ways.
    pub expected_turnover: Option<Decimal>,
    /// When the identity document expires.
    pub document_expires_at: Option<Instant>,
    /// When the next review is due.
    pub next_review_at: Option<Instant>,
}

/// What rules may ask about an account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountFacts<'a> {
    /// The account's id.
    pub id: Text<'a>,
    /// When it was opened, if not at the event's time.
    pub opened_at: Option<Instant>,
    /// What it is for (`personal`, `business`, `charity`, `club`, `marketplace`, ...).
    pub purpose: Option<Text<'a>>,
    /// Its currency code.
    pub currency: Option<Text<'a>>,
}

/// Something done with a customer's credentials or devices.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityEvent<'a> {
    /// What was done.
    pub kind: SecurityKind,
    /// Whose credentials.
    pub customer: Text<'a>,
    /// `success` or `failure` of a sign-in, or the producer's word.
    pub outcome: Option<Text<'a>>,
    /// `password`, `otp`, `passkey`, ...
    pub method: Option<Text<'a>>,
    /// The account or wallet that was added as payee.
    pub payee: Option<Text<'a>>,
    /// Where and with what it was done.
    pub session: Session<'a>,
    /// A deployment's own fields.
    pub extra: Extra<'a>,
}

/// Weir's own entries in the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Control<'a> {
    /// Logged time has come this far (the event's own time).
    Tick,
    /// From here on the rulebook with this digest is live.
    Rulebook {
        /// Hexadecimal digest; the content by digest is in the database.
        digest: Text<'a>,
    },
    /// A person's verdict on an alert.
    Disposition {
        /// The alert.
        alert: Text<'a>,
        /// The verdict.
        verdict: super::alert::Verdict,
        /// Who decided (a pseudonymous id).
        by: Text<'a>,
        /// Why, in free words; never shown to the customer.
        note: Option<Text<'a>>,
    },
}

impl Transaction<'_> {
    /// The same transaction, owning its texts: for keeping it longer than its message.
    #[must_use]
    pub fn to_static(&self) -> Transaction<'static> {
        Transaction {
            originator: self.originator.to_static(),
            beneficiary: self.beneficiary.to_static(),
            purpose: own(self.purpose.as_ref()),
            branch: own(self.branch.as_ref()),
            session: self.session.to_static(),
            details: self.details.to_static(),
            ..*self
        }
    }
}

impl TransactionDetails<'_> {
    fn to_static(&self) -> TransactionDetails<'static> {
        TransactionDetails { extra: self.extra.iter().map(own_extra).collect() }
    }
}

fn own_extra((name, value): &(Text<'_>, Scalar<'_>)) -> (Text<'static>, Scalar<'static>) {
    let value = match value {
        Scalar::Text(text) => Scalar::Text(Cow::Owned(text.clone().into_owned())),
        Scalar::Bool(value) => Scalar::Bool(*value),
    };
    (Cow::Owned(name.clone().into_owned()), value)
}

impl Party<'_> {
    fn to_static(&self) -> Party<'static> {
        Party {
            customer: own(self.customer.as_ref()),
            account: own(self.account.as_ref()),
            bank: own(self.bank.as_ref()),
            country: self.country,
        }
    }
}

impl Session<'_> {
    fn to_static(&self) -> Session<'static> {
        Session {
            channel: own(self.channel.as_ref()),
            device: own(self.device.as_ref()),
            ip: own(self.ip.as_ref()),
            subnet: own(self.subnet.as_ref()),
            country: self.country,
            network: self.network,
            user_agent: own(self.user_agent.as_ref()),
            referrer: own(self.referrer.as_ref()),
        }
    }
}

fn own(text: Option<&Text<'_>>) -> Option<Text<'static>> {
    text.map(|text| Cow::Owned(text.clone().into_owned()))
}

impl IdentityEvent<'_> {
    /// An event of `kind` about `customer` that sets nothing.
    #[must_use]
    pub fn bare(kind: IdentityKind, customer: Text<'_>) -> IdentityEvent<'_> {
        IdentityEvent {
            kind,
            customer,
            version: None,
            facts: CustomerFacts::default(),
            account: None,
            document: None,
            phone: None,
            email: None,
            address: None,
            field: None,
            reasons: Vec::new(),
            session: Session::default(),
            details: IdentityDetails::default(),
        }
    }
}

/// Longest allowed distance of an event's time into the future, seen from the broker's stamp.
pub const FUTURE_ALLOWED: Span = Span::minutes(5);

/// The verification states an identity event of each kind leads to; see `identity::transition`.
#[must_use]
pub const fn verification_after(kind: IdentityKind) -> Option<Verification> {
    Some(match kind {
        IdentityKind::Registered => Verification::Registered,
        IdentityKind::EvidenceSubmitted => Verification::Submitted,
        IdentityKind::ReviewStarted | IdentityKind::Overridden => Verification::InReview,
        IdentityKind::Verified | IdentityKind::Refreshed => Verification::Verified,
        IdentityKind::ResubmissionRequested => Verification::Resubmit,
        IdentityKind::Rejected => Verification::Rejected,
        IdentityKind::RekycOpened => Verification::ReviewOpen,
        IdentityKind::Ended => Verification::Exited,
        IdentityKind::InfoRequested
        | IdentityKind::Attested
        | IdentityKind::ProfileChanged
        | IdentityKind::DocumentAdded
        | IdentityKind::RiskChanged
        | IdentityKind::AccountOpened
        | IdentityKind::AccountClosed
        | IdentityKind::ScreeningConfirmed => return None,
    })
}
