//! The field catalogue: every name that a rule may read, with type, values and meaning.
//!
//! The checker, the reference in `rules/README.md` and the engine's slots all follow this table.
//! A [`Slot`] is a field's place in the engine's row; the table row with the same index describes it.

use crate::domain::event::{
    IdentityKind, Initiator, SecurityKind, TransactionKind, TransactionStatus,
};
use crate::domain::{Risk, Segment, Verification};

/// The type of a value in the rule language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text, compared by equality only.
    Text,
    /// Exact decimal.
    Number,
    /// A length of time.
    Duration,
    /// A point in time.
    Time,
    /// True or false.
    Bool,
}

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

macro_rules! catalogue {
    ($($slot:ident, $path:literal, $type:ident, $presence:ident, $values:expr, $doc:literal;)+) => {
        /// A field's place in the engine's row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Slot { $(#[doc = $doc] $slot,)+ }

        /// All fields, indexed by slot.
        pub const FIELDS: &[Field] = &[$(Field {
            slot: Slot::$slot,
            path: $path,
            ty: Type::$type,
            presence: Presence::$presence,
            values: $values,
            doc: $doc,
        },)+];
    };
}

/// Whether a field always has a value when its event or entity is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Always.
    Always,
    /// Perhaps not: the event may lack it, or the customer or account may be unknown.
    Maybe,
}

/// One row of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Place in the row.
    pub slot: Slot,
    /// Name in rule files.
    pub path: &'static str,
    /// Type of its value.
    pub ty: Type,
    /// Whether it may be absent.
    pub presence: Presence,
    /// The closed set of words, if it has one.
    pub values: Option<&'static [&'static str]>,
    /// One sentence for the analyst.
    pub doc: &'static str,
}

#[expect(clippy::cast_possible_truncation, reason = "a handful of kinds")]
const KYC_KINDS: u32 = IdentityKind::ALL.len() as u32;
const DIRECTIONS: &[&str] = &["in", "out"];
const PROFILE_FIELDS: &[&str] = &["name", "phone", "email", "address", "payout_account"];

catalogue! {
    Now, "now", Time, Always, None, "The event's own time; a rule knows no other clock.";

    TxAmount, "tx.amount", Number, Always, None, "Amount in the institution's base currency.";
    TxLocalAmount, "tx.local_amount", Number, Always, None, "Amount as booked, in `tx.currency`.";
    TxCurrency, "tx.currency", Text, Always, None, "ISO 4217 code of the booked amount.";
    TxType, "tx.type", Text, Always, Some(TransactionKind::WORDS), "How the money moves.";
    TxStatus, "tx.status", Text, Always, Some(TransactionStatus::WORDS), "Whether it was carried out.";
    TxDirection, "tx.direction", Text, Always, Some(DIRECTIONS), "Seen from the leg's customer: `in` or `out`.";
    TxCustomer, "tx.customer", Text, Maybe, None, "The leg's customer.";
    TxAccount, "tx.account", Text, Maybe, None, "The leg's account.";
    TxCounterparty, "tx.counterparty", Text, Maybe, None, "The other side: its account, or its customer when no account is given.";
    TxCountry, "tx.country", Text, Maybe, None, "Country of the other side's account or bank, ISO 3166-1 alpha-2.";
    TxBank, "tx.bank", Text, Maybe, None, "Bank of the other side.";
    TxInitiator, "tx.initiator", Text, Maybe, Some(Initiator::WORDS), "Who started it.";
    TxPurpose, "tx.purpose", Text, Maybe, None, "Purpose code.";
    TxBranch, "tx.branch", Text, Maybe, None, "Branch, agent or cash machine.";
    TxChannel, "tx.channel", Text, Maybe, None, "Where it was ordered: `web`, `ios`, `branch`, ...";
    TxDevice, "tx.device", Text, Maybe, None, "Device it was ordered from.";
    TxIp, "tx.ip", Text, Maybe, None, "IP address it was ordered from.";

    KycCustomer, "kyc.customer", Text, Always, None, "Whose identity changed.";
    KycAccount, "kyc.account", Text, Maybe, None, "The account that was opened or closed.";
    KycField, "kyc.field", Text, Maybe, Some(PROFILE_FIELDS), "Which part of the profile changed.";
    KycChannel, "kyc.channel", Text, Maybe, None, "Where it was done.";
    KycDevice, "kyc.device", Text, Maybe, None, "Device it was done from.";
    KycIp, "kyc.ip", Text, Maybe, None, "IP address it was done from.";
    KycDocument, "kyc.document", Text, Maybe, None, "Keyed hash of the document number.";
    KycPhone, "kyc.phone", Text, Maybe, None, "Keyed hash of the phone number.";
    KycEmail, "kyc.email", Text, Maybe, None, "Keyed hash of the e-mail address.";
    KycAddress, "kyc.address", Text, Maybe, None, "Keyed hash of the postal address.";

    SecurityCustomer, "security.customer", Text, Always, None, "Whose credentials.";
    SecurityOutcome, "security.outcome", Text, Maybe, None, "`success` or `failure`.";
    SecurityMethod, "security.method", Text, Maybe, None, "`password`, `otp`, `passkey`, ...";
    SecurityPayee, "security.payee", Text, Maybe, None, "The payee that was added.";
    SecurityChannel, "security.channel", Text, Maybe, None, "Where it was done.";
    SecurityDevice, "security.device", Text, Maybe, None, "Device it was done from.";
    SecurityIp, "security.ip", Text, Maybe, None, "IP address it was done from.";
    SecurityCountry, "security.country", Text, Maybe, None, "Where the IP address is.";

    CustomerKnown, "customer.known", Bool, Always, None, "Whether a KYC record was there at the event's time.";
    CustomerState, "customer.state", Text, Maybe, Some(Verification::WORDS), "Verification state at the event's time.";
    CustomerRisk, "customer.risk", Text, Maybe, Some(Risk::WORDS), "Risk band at the event's time.";
    CustomerSegment, "customer.segment", Text, Maybe, Some(Segment::WORDS), "Customer segment.";
    CustomerCountry, "customer.country", Text, Maybe, None, "Country of residence.";
    CustomerOccupation, "customer.occupation", Text, Maybe, None, "Occupation.";
    CustomerExpectedTurnover, "customer.expected_turnover", Number, Maybe, None, "Declared turnover per month, both ways, in base currency.";
    CustomerSince, "customer.since", Time, Maybe, None, "When the customer registered.";
    CustomerVerifiedAt, "customer.verified_at", Time, Maybe, None, "When the identity was last confirmed.";
    CustomerDocumentExpiresAt, "customer.document_expires_at", Time, Maybe, None, "When the identity document expires.";
    CustomerNextReviewAt, "customer.next_review_at", Time, Maybe, None, "When the next review is due.";

    AccountOpenedAt, "account.opened_at", Time, Maybe, None, "When the account was opened.";
    AccountPurpose, "account.purpose", Text, Maybe, None, "What the account is for.";
    AccountCurrency, "account.currency", Text, Maybe, None, "The account's currency.";
}

/// Hexadecimal BLAKE3 of all fields with their types and words.
#[must_use]
pub fn schema_digest() -> String {
    let text = format!("{FIELDS:?}");
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Number of slots.
pub const SLOTS: usize = FIELDS.len();

impl Slot {
    /// The slot's row of the catalogue.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "the macro makes one row per slot")]
    pub const fn field(self) -> &'static Field {
        &FIELDS[self as usize]
    }

    /// The field named `path` in rule files.
    #[must_use]
    pub fn by_path(path: &str) -> Option<&'static Field> {
        FIELDS.iter().find(|field| field.path == path)
    }

    /// The event family that carries this field; `None` for facts and `now`.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        match self.field().path.split('.').next() {
            Some("tx") => Some(Family::Transaction),
            Some("kyc") => Some(Family::Kyc),
            Some("security") => Some(Family::Security),
            _ => None,
        }
    }
}

/// What things can be counted by and alerts can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The customer of the leg or event.
    Customer,
    /// The account of the leg or event.
    Account,
    /// The other side of a transaction.
    Counterparty,
    /// The device.
    Device,
    /// The IP address.
    Ip,
    /// The identity document.
    Document,
    /// The phone number.
    Phone,
    /// The e-mail address.
    Email,
    /// The postal address.
    Address,
}

impl Role {
    /// All roles.
    pub const ALL: &'static [Self] = &[
        Self::Customer,
        Self::Account,
        Self::Counterparty,
        Self::Device,
        Self::Ip,
        Self::Document,
        Self::Phone,
        Self::Email,
        Self::Address,
    ];

    /// The role's name in rule files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Account => "account",
            Self::Counterparty => "counterparty",
            Self::Device => "device",
            Self::Ip => "ip",
            Self::Document => "document",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Address => "address",
        }
    }

    /// The role named `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.word() == word)
    }

    /// The field that carries this role in events of `family`, if they have one.
    #[must_use]
    pub const fn slot(self, family: Family) -> Option<Slot> {
        use Family as F;
        Some(match (self, family) {
            (Self::Customer, F::Transaction) => Slot::TxCustomer,
            (Self::Customer, F::Kyc) => Slot::KycCustomer,
            (Self::Customer, F::Security) => Slot::SecurityCustomer,
            (Self::Account, F::Transaction) => Slot::TxAccount,
            (Self::Account, F::Kyc) => Slot::KycAccount,
            (Self::Counterparty, F::Transaction) => Slot::TxCounterparty,
            (Self::Counterparty, F::Security) => Slot::SecurityPayee,
            (Self::Device, F::Transaction) => Slot::TxDevice,
            (Self::Device, F::Kyc) => Slot::KycDevice,
            (Self::Device, F::Security) => Slot::SecurityDevice,
            (Self::Ip, F::Transaction) => Slot::TxIp,
            (Self::Ip, F::Kyc) => Slot::KycIp,
            (Self::Ip, F::Security) => Slot::SecurityIp,
            (Self::Document, F::Kyc) => Slot::KycDocument,
            (Self::Phone, F::Kyc) => Slot::KycPhone,
            (Self::Email, F::Kyc) => Slot::KycEmail,
            (Self::Address, F::Kyc) => Slot::KycAddress,
            _ => return None,
        })
    }
}

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
    fn every_slot_finds_its_own_row() {
        for (index, field) in FIELDS.iter().enumerate() {
            assert_eq!(field.slot as usize, index, "{}", field.path);
            assert_eq!(Slot::by_path(field.path).map(|found| found.slot), Some(field.slot));
        }
    }

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
