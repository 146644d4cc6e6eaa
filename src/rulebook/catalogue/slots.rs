//! A field's and a role's place in the catalogue, and the places that the engine fills by itself.
//!
//! The built-in `schema.yaml` lists the same fields and roles in the same order, which a test proves;
//! what a deployment adds follows behind them.

/// Most fields of a catalogue: the engine's rows have so many places.
pub const SLOTS_MAX: usize = 256;

/// A field's place in the catalogue and in the engine's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub(super) u16);

impl Slot {
    /// The slot as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether a deployment added the field.
    #[must_use]
    pub const fn is_custom(self) -> bool {
        self.index() >= BUILT_IN_FIELDS.len()
    }

    /// The money that the field's number counts; `None` for any other number.
    #[must_use]
    pub const fn money(self) -> Option<Money> {
        match self {
            Self::TX_AMOUNT | Self::CUSTOMER_EXPECTED_TURNOVER => Some(Money::Base),
            Self::TX_LOCAL_AMOUNT => Some(Money::Booked),
            _ => None,
        }
    }

    /// The slot at `index`, which is below [`SLOTS_MAX`].
    #[must_use]
    pub(super) fn at(index: usize) -> Option<Self> {
        u16::try_from(index).ok().filter(|_| index < SLOTS_MAX).map(Self)
    }
}

/// Which money an amount is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Money {
    /// The institution's base currency.
    Base,
    /// The currency that was booked.
    Booked,
}

impl Money {
    /// As tables say it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Base => "base currency",
            Self::Booked => "booked currency",
        }
    }
}

/// What things can be counted by and alerts can be about: a place in the catalogue's roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Role(pub(super) u16);

impl Role {
    /// The role as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The place of `name` among `names`; all that are asked for are there.
const fn place(mut names: &[&str], name: &str) -> u16 {
    let mut place = 0;
    while let [first, rest @ ..] = names {
        if is_same(first.as_bytes(), name.as_bytes()) {
            return place;
        }
        place += 1;
        names = rest;
    }
    u16::MAX
}

const fn is_same(mut left: &[u8], mut right: &[u8]) -> bool {
    while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
        if *first != *second {
            return false;
        }
        (left, right) = (left_rest, right_rest);
    }
    left.is_empty() && right.is_empty()
}

macro_rules! places {
    ($type:ident, $all:ident: $($name:ident = $path:literal,)+) => {
        /// The names of the built-in ones, in the order of their places.
        pub const $all: &[&str] = &[$($path,)+];

        impl $type {
            $(
                #[doc = concat!("`", $path, "`")]
                pub const $name: Self = Self(place($all, $path));
            )+
        }
    };
}

places! { Slot, BUILT_IN_FIELDS:
    NOW = "now",
    EVERYONE = "everyone",
    TX_AMOUNT = "tx.amount",
    TX_LOCAL_AMOUNT = "tx.local_amount",
    TX_CURRENCY = "tx.currency",
    TX_BOOKED = "tx.booked",
    TX_TYPE = "tx.type",
    TX_STATUS = "tx.status",
    TX_DIRECTION = "tx.direction",
    TX_CUSTOMER = "tx.customer",
    TX_ACCOUNT = "tx.account",
    TX_COUNTERPARTY = "tx.counterparty",
    TX_COUNTRY = "tx.country",
    TX_BANK = "tx.bank",
    TX_INITIATOR = "tx.initiator",
    TX_PURPOSE = "tx.purpose",
    TX_BRANCH = "tx.branch",
    TX_CHANNEL = "tx.channel",
    TX_DEVICE = "tx.device",
    TX_IP = "tx.ip",
    TX_SUBNET = "tx.subnet",
    TX_NETWORK = "tx.network",
    TX_USER_AGENT = "tx.user_agent",
    KYC_CUSTOMER = "kyc.customer",
    KYC_ACCOUNT = "kyc.account",
    KYC_FIELD = "kyc.field",
    KYC_CHANNEL = "kyc.channel",
    KYC_DEVICE = "kyc.device",
    KYC_IP = "kyc.ip",
    KYC_SUBNET = "kyc.subnet",
    KYC_NETWORK = "kyc.network",
    KYC_USER_AGENT = "kyc.user_agent",
    KYC_REFERRER = "kyc.referrer",
    KYC_DOCUMENT = "kyc.document",
    KYC_PHONE = "kyc.phone",
    KYC_EMAIL = "kyc.email",
    KYC_ADDRESS = "kyc.address",
    SECURITY_CUSTOMER = "security.customer",
    SECURITY_OUTCOME = "security.outcome",
    SECURITY_METHOD = "security.method",
    SECURITY_PAYEE = "security.payee",
    SECURITY_CHANNEL = "security.channel",
    SECURITY_DEVICE = "security.device",
    SECURITY_IP = "security.ip",
    SECURITY_SUBNET = "security.subnet",
    SECURITY_COUNTRY = "security.country",
    SECURITY_NETWORK = "security.network",
    SECURITY_USER_AGENT = "security.user_agent",
    CUSTOMER_KNOWN = "customer.known",
    CUSTOMER_STATE = "customer.state",
    CUSTOMER_RISK = "customer.risk",
    CUSTOMER_SEGMENT = "customer.segment",
    CUSTOMER_COUNTRY = "customer.country",
    CUSTOMER_OCCUPATION = "customer.occupation",
    CUSTOMER_EXPECTED_TURNOVER = "customer.expected_turnover",
    CUSTOMER_SINCE = "customer.since",
    CUSTOMER_VERIFIED_AT = "customer.verified_at",
    CUSTOMER_DOCUMENT_EXPIRES_AT = "customer.document_expires_at",
    CUSTOMER_NEXT_REVIEW_AT = "customer.next_review_at",
    ACCOUNT_OPENED_AT = "account.opened_at",
    ACCOUNT_PURPOSE = "account.purpose",
    ACCOUNT_CURRENCY = "account.currency",
}

places! { Role, BUILT_IN_ROLES:
    CUSTOMER = "customer",
    ACCOUNT = "account",
    COUNTERPARTY = "counterparty",
    DEVICE = "device",
    BOOKED_AMOUNT = "booked_amount",
    IP = "ip",
    SUBNET = "subnet",
    USER_AGENT = "user_agent",
    REFERRER = "referrer",
    DOCUMENT = "document",
    PHONE = "phone",
    EMAIL = "email",
    ADDRESS = "address",
    SEGMENT = "segment",
    RISK = "risk",
    EVERYONE = "everyone",
}
