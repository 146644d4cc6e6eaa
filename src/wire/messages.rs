//! What producers may send, field by field; the doc comments become the schemas' descriptions.
//!
//! Names follow `CloudEvents` 1.0 for the envelope and ISO 20022 for transactions (*debtor*, *creditor*);
//! the domain says *originator* and *beneficiary*. Every field is optional here and text is unchecked,
//! so that `convert` can say what is missing or wrong and exactly where. Unknown fields are ignored.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::alert::Verdict;
use crate::domain::event::{Initiator, Network, TransactionKind, TransactionStatus};
use crate::domain::{Risk, Segment};

use super::text::{Customs, Ignored, Obj, Str};

/// What an amount looks like on the wire: plain digits, never a JSON number, never an exponent.
pub(super) const AMOUNT: &str = r"^[0-9]{1,15}(\.[0-9]{1,8})?$";
/// The parts of a profile that can change.
pub const PROFILE_FIELDS: &[&str] = &["name", "phone", "email", "address", "payout_account"];

const CURRENCY: &str = "^[A-Z]{3}$";
const COUNTRY: &str = "^[A-Z]{2}$";

/// A `CloudEvents` 1.0 message in structured JSON form.
///
/// In binary form the same attributes are the headers `ce-specversion`, `ce-id`, `ce-source`,
/// `ce-type` and `ce-time`, and the body is what is `data` here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(bound(deserialize = "D: Deserialize<'de>"))]
pub struct Envelope<'a, D> {
    /// Always `1.0`.
    #[serde(borrow)]
    #[schemars(required, extend("const" = "1.0"))]
    pub specversion: Option<Str<'a>>,
    /// The producer's id of this event; unique together with `source`.
    #[schemars(required)]
    pub id: Option<Str<'a>>,
    /// Who produced it.
    #[schemars(required)]
    pub source: Option<Str<'a>>,
    /// What kind of event it is.
    #[serde(rename = "type")]
    #[schemars(required)]
    pub kind: Option<Str<'a>>,
    /// When it happened, RFC 3339 with an offset. Needed unless `data.occurred_at` is given.
    #[schemars(extend("format" = "date-time"))]
    pub time: Option<Str<'a>>,
    /// `application/json`, if given at all.
    pub datacontenttype: Option<Str<'a>>,
    /// Accepted and not used. Keep personal data out of it.
    pub subject: Option<Ignored>,
    /// Accepted and not used.
    pub dataschema: Option<Ignored>,
    /// What happened.
    #[schemars(required)]
    pub data: Option<D>,
}

/// A movement of money, `aml.transaction.v1`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct TransactionData<'a> {
    /// How the money moves.
    #[serde(rename = "type", borrow)]
    #[schemars(required, extend("enum" = TransactionKind::WORDS))]
    pub kind: Option<Str<'a>>,
    /// What became of it at its bank; `booked` unless given.
    #[schemars(extend("enum" = TransactionStatus::WORDS))]
    pub status: Option<Str<'a>>,
    /// What was booked, as text.
    #[schemars(required, regex(pattern = AMOUNT))]
    pub amount: Option<Str<'a>>,
    /// ISO 4217 code of the booked amount.
    #[schemars(required, regex(pattern = CURRENCY))]
    pub currency: Option<Str<'a>>,
    /// The same amount in the institution's base currency; needed when `currency` is another one.
    pub base: Option<Obj<BaseData<'a>>>,
    /// Who sends. A side with a `customer_id` is one that the institution answers for.
    pub debtor: Option<Obj<PartyData<'a>>>,
    /// Who receives.
    pub creditor: Option<Obj<PartyData<'a>>>,
    /// Who started it.
    #[schemars(extend("enum" = Initiator::WORDS))]
    pub initiator: Option<Str<'a>>,
    /// ISO 20022 purpose code or the producer's own word.
    pub purpose: Option<Str<'a>>,
    /// Branch, agent or cash machine.
    pub branch: Option<Str<'a>>,
    /// Where it was ordered: `web`, `ios`, `android`, `api`, `agent`, `branch`, `atm` or another word.
    pub channel: Option<Str<'a>>,
    /// Device and network it was ordered from.
    pub session: Option<Obj<SessionData<'a>>>,
    /// When it happened, if not at the envelope's `time`.
    #[schemars(extend("format" = "date-time"))]
    pub occurred_at: Option<Str<'a>>,
    /// The deployment's own fields by the names of its `schema.yaml`; numbers, times and lengths of time are
    /// text. Names that the schema does not declare are ignored.
    pub extra: Option<Obj<Customs<'a>>>,
    /// Accepted and not used: the end-to-end reference.
    pub end_to_end_id: Option<Ignored>,
    /// Accepted and not used: the unique end-to-end transaction reference.
    pub uetr: Option<Ignored>,
}

/// An amount in the institution's base currency and how it came about.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct BaseData<'a> {
    /// The amount in base currency, as text.
    #[serde(borrow)]
    #[schemars(required, regex(pattern = AMOUNT))]
    pub amount: Option<Str<'a>>,
    /// The institution's base currency.
    #[schemars(required, regex(pattern = CURRENCY))]
    pub currency: Option<Str<'a>>,
    /// Base currency units for one unit of the booked currency, as text.
    #[schemars(required, regex(pattern = AMOUNT))]
    pub rate: Option<Str<'a>>,
    /// When the rate was taken: RFC 3339, or a date.
    #[schemars(required)]
    pub rate_date: Option<Str<'a>>,
}

/// One side of a transaction.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct PartyData<'a> {
    /// The institution's customer; absent when the party is somebody else's.
    #[serde(borrow)]
    pub customer_id: Option<Str<'a>>,
    /// Account, card or wallet.
    pub account_id: Option<Str<'a>>,
    /// BIC, LEI or the producer's id of the bank or agent.
    pub bank: Option<Str<'a>>,
    /// ISO 3166-1 alpha-2 code of where the account or agent is.
    #[schemars(regex(pattern = COUNTRY))]
    pub country: Option<Str<'a>>,
    /// Accepted and not kept.
    pub name: Option<Ignored>,
}

/// The device and network of an action.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct SessionData<'a> {
    /// Device fingerprint.
    #[serde(borrow)]
    pub device: Option<Str<'a>>,
    /// IP address.
    pub ip: Option<Str<'a>>,
    /// The range that the IP address is in, such as its /24 or /48.
    pub subnet: Option<Str<'a>>,
    /// ISO 3166-1 alpha-2 code of where the IP address is.
    #[schemars(regex(pattern = COUNTRY))]
    pub country: Option<Str<'a>>,
    /// What kind of network the IP address belongs to.
    #[schemars(extend("enum" = Network::WORDS))]
    pub network: Option<Str<'a>>,
    /// Browser or app, by name or keyed hash.
    pub user_agent: Option<Str<'a>>,
    /// The campaign or code that led here.
    pub referrer: Option<Str<'a>>,
}

/// A KYC fact that changed, `aml.identity.*.v1`. An absent field leaves the earlier value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct IdentityData<'a> {
    /// Whose identity.
    #[serde(borrow)]
    #[schemars(required)]
    pub customer_id: Option<Str<'a>>,
    /// The producer's version of this customer's record; a lower one never moves state.
    pub identity_version: Option<u64>,
    /// Customer segment.
    #[schemars(extend("enum" = Segment::WORDS))]
    pub segment: Option<Str<'a>>,
    /// Risk band.
    #[schemars(extend("enum" = Risk::WORDS))]
    pub risk: Option<Str<'a>>,
    /// ISO 3166-1 alpha-2 code of the country of residence.
    #[schemars(regex(pattern = COUNTRY))]
    pub country: Option<Str<'a>>,
    /// Occupation code or word.
    pub occupation: Option<Str<'a>>,
    /// Expected turnover per month, both ways, in base currency, as text.
    #[schemars(regex(pattern = AMOUNT))]
    pub expected_turnover: Option<Str<'a>>,
    /// The identity document.
    pub document: Option<Obj<DocumentData<'a>>>,
    /// Keyed hash of the phone number.
    pub phone_hash: Option<Str<'a>>,
    /// Keyed hash of the e-mail address.
    pub email_hash: Option<Str<'a>>,
    /// Keyed hash of the postal address.
    pub address_hash: Option<Str<'a>>,
    /// Which part of the profile changed.
    #[schemars(extend("enum" = PROFILE_FIELDS))]
    pub field: Option<Str<'a>>,
    /// Reason codes of a review's outcome.
    pub reasons: Option<Vec<Str<'a>>>,
    /// When the next review is due: RFC 3339, or a date.
    pub next_review_at: Option<Str<'a>>,
    /// The account that was opened or closed.
    pub account: Option<Obj<AccountData<'a>>>,
    /// Where it was done.
    pub channel: Option<Str<'a>>,
    /// Device and network it was done from.
    pub session: Option<Obj<SessionData<'a>>>,
    /// When it happened, if not at the envelope's `time`.
    #[schemars(extend("format" = "date-time"))]
    pub occurred_at: Option<Str<'a>>,
    /// The deployment's own fields by the names of its `schema.yaml`; numbers, times and lengths of time are
    /// text. Names that the schema does not declare are ignored.
    pub extra: Option<Obj<Customs<'a>>>,
    /// Accepted and not used: when the producer wrote it down.
    pub recorded_at: Option<Ignored>,
}

/// An identity document.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct DocumentData<'a> {
    /// Keyed hash of the document's number; never the number itself.
    #[serde(borrow)]
    pub hash: Option<Str<'a>>,
    /// When it expires: RFC 3339, or a date.
    pub expires_at: Option<Str<'a>>,
    /// Accepted and not used: kind of document.
    #[serde(rename = "type")]
    pub kind: Option<Ignored>,
}

/// An account that was opened or closed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct AccountData<'a> {
    /// The account's id.
    #[serde(borrow)]
    #[schemars(required)]
    pub id: Option<Str<'a>>,
    /// When it was opened, if not at the event's time: RFC 3339, or a date.
    pub opened_at: Option<Str<'a>>,
    /// What it is for: `personal`, `business`, `charity`, `club`, `marketplace` or another word.
    pub purpose: Option<Str<'a>>,
    /// ISO 4217 code of its currency.
    #[schemars(regex(pattern = CURRENCY))]
    pub currency: Option<Str<'a>>,
}

/// Something done with a customer's credentials or devices, `aml.security.*.v1`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct SecurityData<'a> {
    /// Whose credentials.
    #[serde(borrow)]
    #[schemars(required)]
    pub customer_id: Option<Str<'a>>,
    /// `success` or `failure` of a sign-in, or the producer's word.
    pub outcome: Option<Str<'a>>,
    /// `password`, `otp`, `passkey` or another word.
    pub method: Option<Str<'a>>,
    /// The account or wallet that was added as payee.
    pub payee: Option<Str<'a>>,
    /// Where it was done.
    pub channel: Option<Str<'a>>,
    /// Device and network it was done from.
    pub session: Option<Obj<SessionData<'a>>>,
    /// When it happened, if not at the envelope's `time`.
    #[schemars(extend("format" = "date-time"))]
    pub occurred_at: Option<Str<'a>>,
    /// The deployment's own fields by the names of its `schema.yaml`; numbers, times and lengths of time are
    /// text. Names that the schema does not declare are ignored.
    pub extra: Option<Obj<Customs<'a>>>,
}

/// Logged time has come to the envelope's `time`, `aml.control.tick.v1`. Carries nothing else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct TickData {}

/// A rulebook becomes live, `aml.control.rulebook.v1`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct RulebookData<'a> {
    /// Digest of the rulebook, in lower-case hexadecimal.
    #[serde(borrow)]
    #[schemars(required, regex(pattern = "^[0-9a-f]{16,128}$"))]
    pub digest: Option<Str<'a>>,
    /// What somebody approved for it: lists that lost more than half of their rows, a line each.
    pub note: Option<Str<'a>>,
}

/// A person's verdict on an alert, `aml.control.disposition.v1`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct DispositionData<'a> {
    /// The alert.
    #[serde(borrow)]
    #[schemars(required)]
    pub alert_id: Option<Str<'a>>,
    /// The verdict.
    #[schemars(required, extend("enum" = Verdict::WORDS))]
    pub verdict: Option<Str<'a>>,
    /// Who decided, as a pseudonymous id.
    #[schemars(required)]
    pub by: Option<Str<'a>>,
    /// Why, in free words; never shown to the customer.
    pub note: Option<Str<'a>>,
}
