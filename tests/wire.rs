//! Messages as producers send them: what is read, what is refused and why, what is written.

mod accepted;
mod outputs;
mod properties;
mod refusals;
mod schemas;

use weir::domain::{Currency, Instant};
use weir::wire::{Decoder, Settings};

/// When the broker stored the messages of these tests.
const STORED_AT: &str = "2026-03-01T12:00:00Z";

/// A well-formed transaction of invented people.
pub const TRANSACTION: &str = r#"{"specversion":"1.0","id":"t-1","source":"core-banking","type":"aml.transaction.v1","time":"2026-03-01T11:59:58Z","data":{"type":"wire","status":"booked","amount":"437.32","currency":"SEK","debtor":{"customer_id":"C1","account_id":"A1","bank":"BANKSESS","country":"SE"},"creditor":{"account_id":"A2","bank":"BANKDEFF","country":"DE"},"initiator":"customer","purpose":"SALA","branch":"B1","channel":"web","session":{"device":"D1","ip":"203.0.113.7","country":"SE"},"extra":{"wallet":"W1","ratio":"0.25","vip":true,"none":null}}}"#;

/// A well-formed identity event.
pub const IDENTITY: &str = r#"{"specversion":"1.0","id":"k-1","source":"kyc","type":"aml.identity.account.opened.v1","time":"2026-03-01T11:00:00Z","data":{"customer_id":"C1","identity_version":3,"segment":"retail","risk":"low","country":"SE","occupation":"teacher","expected_turnover":"50000","document":{"hash":"p-1","expires_at":"2030-01-31","type":"passport"},"phone_hash":"h1","email_hash":"h2","address_hash":"h3","field":"phone","reasons":["DOC-01","DOC-02"],"next_review_at":"2027-03-01T00:00:00Z","account":{"id":"A1","opened_at":"2026-02-28","purpose":"personal","currency":"SEK"},"channel":"ios","session":{"device":"D1","ip":"203.0.113.7","country":"SE"},"recorded_at":"2026-03-01T11:00:01Z"}}"#;

/// A well-formed security event.
pub const SECURITY: &str = r#"{"specversion":"1.0","id":"s-1","source":"login","type":"aml.security.payee.added.v1","time":"2026-03-01T11:00:00Z","data":{"customer_id":"C1","outcome":"success","method":"otp","payee":"A9","channel":"web","session":{"device":"D1"}}}"#;

pub fn base_currency() -> Currency {
    Currency::parse("SEK").expect("SEK")
}

fn decoder() -> Decoder {
    Decoder::new(Settings::new(base_currency()))
}

fn stored_at() -> Instant {
    Instant::parse(STORED_AT).expect("valid time")
}

/// `text` with `from`, which must stand in it, replaced by `to`.
fn changed(text: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(text.contains(from), "the row replaces nothing: {from}");
    text.replacen(from, to, 1).into_bytes()
}
