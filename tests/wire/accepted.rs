//! Well-formed messages and what is read from them.

use std::borrow::Cow;

use weir::domain::alert::Verdict;
use weir::domain::event::{
    IdentityKind, Network, Scalar, SecurityKind, TransactionKind, TransactionStatus,
};
use weir::domain::{Body, Control, Instant, Reason, Risk, Segment};
use weir::wire::kinds::Kind;

use super::{IDENTITY, SECURITY, TRANSACTION, changed, decoder, stored_at};

fn headers(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn decode_body(payload: &[u8]) -> Body<'_> {
    decoder().decode(&[], payload, stored_at()).expect("a valid message").body
}

#[test]
fn a_transaction_is_read_field_by_field_and_borrows_its_text() {
    let decoder = decoder();
    let event = decoder.decode(&[], TRANSACTION.as_bytes(), stored_at()).expect("valid");
    assert_eq!((event.id.as_ref(), event.source.as_ref()), ("t-1", "core-banking"));
    assert_eq!(event.at.to_string(), "2026-03-01T11:59:58Z");
    let Body::Transaction(transaction) = event.body else { panic!("a transaction") };
    assert_eq!(transaction.kind, TransactionKind::Wire);
    assert_eq!(transaction.status, TransactionStatus::Booked);
    assert_eq!(transaction.booked.amount.to_string(), "437.32");
    assert_eq!(transaction.booked.currency.code(), "SEK");
    assert_eq!(transaction.base_amount, transaction.booked.amount);
    assert_eq!(transaction.rate, None);
    assert!(matches!(transaction.originator.customer, Some(Cow::Borrowed("C1"))));
    assert!(matches!(transaction.originator.account, Some(Cow::Borrowed("A1"))));
    assert_eq!(transaction.beneficiary.customer, None);
    assert_eq!(transaction.beneficiary.country.expect("a country").code(), "DE");
    assert_eq!(transaction.purpose.as_deref(), Some("SALA"));
    assert_eq!(transaction.branch.as_deref(), Some("B1"));
    assert_eq!(transaction.session.channel.as_deref(), Some("web"));
    assert_eq!(transaction.session.device.as_deref(), Some("D1"));
    let extra = &transaction.details.extra;
    assert_eq!(extra.len(), 3, "null is as if it were not there: {extra:?}");
    assert_eq!(extra[0], ("ratio".into(), Scalar::Text("0.25".into())));
    assert_eq!(extra[1], ("vip".into(), Scalar::Bool(true)));
    assert_eq!(extra[2], ("wallet".into(), Scalar::Text("W1".into())));
    assert!(matches!(extra[0].0, Cow::Borrowed(_)));
    assert_eq!(transaction.session.ip.as_deref(), Some("203.0.113.7"));
}

#[test]
fn a_foreign_amount_is_judged_in_base_currency_and_keeps_its_rate() {
    let payload = changed(
        TRANSACTION,
        r#""amount":"437.32","currency":"SEK""#,
        r#""amount":"100","currency":"JPY","base":{"amount":"7.01","currency":"SEK","rate":"0.0701","rate_date":"2026-02-28"}"#,
    );
    let Body::Transaction(transaction) = decode_body(&payload) else { panic!("a transaction") };
    assert_eq!(transaction.base_amount.to_string(), "7.01");
    let rate = transaction.rate.expect("a rate");
    assert_eq!(rate.rate.to_string(), "0.0701");
    assert_eq!(rate.at.to_string(), "2026-02-28T00:00:00Z");
}

#[test]
fn an_identity_event_is_read_field_by_field() {
    let Body::Identity(identity) = decode_body(IDENTITY.as_bytes()) else {
        panic!("an identity event")
    };
    assert_eq!(identity.kind, IdentityKind::AccountOpened);
    assert_eq!(identity.customer, "C1");
    assert_eq!(identity.version, Some(3));
    assert_eq!(identity.facts.segment, Some(Segment::Retail));
    assert_eq!(identity.facts.risk, Some(Risk::Low));
    assert_eq!(identity.facts.country.expect("a country").code(), "SE");
    assert_eq!(identity.facts.occupation.as_deref(), Some("teacher"));
    assert_eq!(identity.facts.expected_turnover.expect("a turnover").to_string(), "50000");
    let expires_at = identity.facts.document_expires_at.expect("an expiry");
    assert_eq!(expires_at.to_string(), "2030-01-31T00:00:00Z");
    assert_eq!(identity.facts.next_review_at, Instant::parse("2027-03-01T00:00:00Z"));
    let account = identity.account.expect("an account");
    assert_eq!(account.id, "A1");
    assert_eq!(account.opened_at, Instant::parse("2026-02-28T00:00:00Z"));
    assert_eq!(account.purpose.as_deref(), Some("personal"));
    assert_eq!(account.currency.as_deref(), Some("SEK"));
    assert_eq!(identity.document.as_deref(), Some("p-1"));
    assert_eq!(identity.phone.as_deref(), Some("h1"));
    assert_eq!(identity.email.as_deref(), Some("h2"));
    assert_eq!(identity.address.as_deref(), Some("h3"));
    assert_eq!(identity.field.as_deref(), Some("phone"));
    assert_eq!(identity.reasons, ["DOC-01", "DOC-02"]);
    assert_eq!(identity.session.channel.as_deref(), Some("ios"));
}

#[test]
fn a_security_event_is_read_field_by_field() {
    let Body::Security(security) = decode_body(SECURITY.as_bytes()) else {
        panic!("a security event")
    };
    assert_eq!(security.kind, SecurityKind::PayeeAdded);
    assert_eq!(security.customer, "C1");
    assert_eq!(security.outcome.as_deref(), Some("success"));
    assert_eq!(security.method.as_deref(), Some("otp"));
    assert_eq!(security.payee.as_deref(), Some("A9"));
    assert_eq!(security.session.device.as_deref(), Some("D1"));
}

#[test]
fn control_events_are_read() {
    let control = |kind: &str, data: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"c","source":"weir","type":"aml.control.{kind}.v1","time":"2026-03-01T11:00:00Z"{data}}}"#
        )
    };
    assert_eq!(decode_body(control("tick", "").as_bytes()), Body::Control(Control::Tick));
    assert_eq!(
        decode_body(control("tick", r#","data":{}"#).as_bytes()),
        Body::Control(Control::Tick)
    );
    let rulebook = control("rulebook", r#","data":{"digest":"0123456789abcdef"}"#);
    assert_eq!(
        decode_body(rulebook.as_bytes()),
        Body::Control(Control::Rulebook { digest: "0123456789abcdef".into() })
    );
    let decided = control(
        "disposition",
        r#","data":{"alert_id":"a1","verdict":"explained","by":"officer-7","note":"asked\nanswered"}"#,
    );
    assert_eq!(
        decode_body(decided.as_bytes()),
        Body::Control(Control::Disposition {
            alert: "a1".into(),
            verdict: Verdict::Explained,
            by: "officer-7".into(),
            note: Some("asked\nanswered".into()),
        })
    );
}

#[test]
fn every_type_that_is_listed_can_be_read() {
    for kind in Kind::all() {
        let name = kind.name();
        let data = match kind {
            Kind::Transaction => {
                r#"{"type":"fee","amount":"1","currency":"SEK","debtor":{"account_id":"A1"}}"#
            }
            Kind::Identity(_) => r#"{"customer_id":"C1","account":{"id":"A1"}}"#,
            Kind::Security(_) => r#"{"customer_id":"C1"}"#,
            Kind::Tick => "{}",
            Kind::Rulebook => r#"{"digest":"0123456789abcdef"}"#,
            Kind::Disposition => r#"{"alert_id":"a","verdict":"confirmed","by":"b"}"#,
        };
        let payload = format!(
            r#"{{"data":{data},"time":"2026-03-01T11:00:00Z","type":"{name}","source":"s","id":"i","specversion":"1.0"}}"#
        );
        let event = decoder().decode(&[], payload.as_bytes(), stored_at());
        assert!(event.is_ok(), "{name}: {event:?}");
    }
}

#[test]
fn binary_mode_gives_the_same_event_as_structured_mode() {
    let envelope: serde_json::Value = serde_json::from_str(TRANSACTION).expect("valid");
    let body = serde_json::to_vec(&envelope["data"]).expect("JSON");
    let headers = headers(&[
        ("content-type", "application/json; charset=utf-8"),
        ("ce-specversion", "1.0"),
        ("ce-id", "t-1"),
        ("ce-source", "core-banking"),
        ("ce-type", "aml.transaction.v1"),
        ("ce-time", "2026-03-01T11:59:58Z"),
    ]);
    let decoder = decoder();
    let binary = decoder.decode(&headers, &body, stored_at()).expect("valid");
    let structured = decoder.decode(&[], TRANSACTION.as_bytes(), stored_at()).expect("valid");
    assert_eq!(binary, structured);
}

#[test]
fn binary_mode_decodes_percent_signs_and_refuses_with_the_same_paths() {
    let good = [
        ("ce-specversion", "1.0"),
        ("ce-id", "%C3%A5-1"),
        ("ce-source", "s"),
        ("ce-type", "aml.security.login.v1"),
        ("ce-time", "2026-03-01T11:00:00Z"),
    ];
    let decoder = decoder();
    let body = br#"{"customer_id":"C1"}"#;
    let rows = headers(&good);
    assert_eq!(decoder.decode(&rows, body, stored_at()).expect("valid").id, "å-1");

    let refuse = |headers: &[(String, String)], body: &[u8]| {
        let refusal = decoder.decode(headers, body, stored_at()).expect_err("a refusal");
        (refusal.reason, refusal.path)
    };
    let place = |path: &str| path.to_owned();
    assert_eq!(refuse(&rows, b""), (Reason::MissingField, place("data")));
    assert_eq!(refuse(&rows, b"[]"), (Reason::WrongType, place("data")));
    assert_eq!(
        refuse(&rows, br#"{"customer_id":1}"#),
        (Reason::WrongType, place("data.customer_id"))
    );
    let twice = br#"{"customer_id":"C1","customer_id":"C1"}"#;
    assert_eq!(refuse(&rows, twice), (Reason::DuplicateKey, place("data.customer_id")));
    let mut broken = rows.clone();
    broken[1].1 = "%C3%".to_owned();
    assert_eq!(refuse(&broken, body), (Reason::InvalidText, place("id")));
    assert_eq!(refuse(&rows[..1], body), (Reason::MissingField, place("id")));
    assert_eq!(refuse(&rows[1..], body), (Reason::NotCloudEvent, place("specversion")));
    let mut xml = rows.clone();
    xml.push(("content-type".to_owned(), "application/xml".to_owned()));
    assert_eq!(refuse(&xml, body), (Reason::NotCloudEvent, place("datacontenttype")));
    let batch = headers(&[("content-type", "application/cloudevents-batch+json")]);
    assert_eq!(refuse(&batch, b"[]"), (Reason::NotCloudEvent, place("datacontenttype")));
}

#[test]
fn headers_that_are_not_attributes_leave_a_message_structured() {
    let rows = headers(&[("traceparent", "00-1-2-01"), ("nats-msg-id", "x")]);
    assert!(decoder().decode(&rows, TRANSACTION.as_bytes(), stored_at()).is_ok());
    let rows = headers(&[("content-type", "application/cloudevents+json"), ("ce-id", "other")]);
    let decoder = decoder();
    let event = decoder.decode(&rows, TRANSACTION.as_bytes(), stored_at()).expect("valid");
    assert_eq!(event.id, "t-1");
}

#[test]
fn harmless_variety_is_accepted() {
    for (name, payload) in [
        (
            "unknown fields",
            changed(TRANSACTION, r#""purpose""#, r#""color":{"a":[1e400]},"purpose""#),
        ),
        (
            "a name, which is not kept",
            changed(TRANSACTION, r#""bank""#, r#""name":"Invented Person","bank""#),
        ),
        ("escaped text", changed(TRANSACTION, r#""C1""#, r#""C\u0031""#)),
        ("letters of all scripts in an id", changed(TRANSACTION, "t-1", "åäö-日本-🦀")),
        ("an id of 256 bytes", changed(TRANSACTION, "t-1", &"x".repeat(256))),
        ("null for a field that may be absent", changed(TRANSACTION, r#""SALA""#, "null")),
        ("brackets inside text", changed(TRANSACTION, "SALA", "[[[[[[[[[[[[[[[[[[[[")),
        ("white space", TRANSACTION.replace(',', " ,\n\t").into_bytes()),
        ("an offset", changed(TRANSACTION, "11:59:58Z", "13:59:58+02:00")),
        (
            "a time within the data only",
            changed(
                &TRANSACTION.replace(r#""time":"2026-03-01T11:59:58Z","#, ""),
                r#""purpose""#,
                r#""occurred_at":"2026-03-01T11:00:00Z","purpose""#,
            ),
        ),
        ("five minutes ahead", changed(TRANSACTION, "11:59:58Z", "12:05:00Z")),
        ("years late", changed(TRANSACTION, "2026-03-01T", "1999-03-01T")),
        ("a zero amount", changed(TRANSACTION, "437.32", "0")),
        (
            "the base amount once more",
            changed(
                TRANSACTION,
                r#""currency":"SEK""#,
                r#""currency":"SEK","base":{"amount":"437.320","currency":"SEK"}"#,
            ),
        ),
        (
            "a customer named like a type",
            changed(IDENTITY, r#""teacher""#, r#""aml.transaction.v1""#),
        ),
    ] {
        let event = decoder().decode(&[], &payload, stored_at()).map(|event| event.id.len());
        assert!(event.is_ok(), "{name}: {event:?}");
    }
}

#[test]
fn a_session_says_where_somebody_acts_from() {
    let session = r#"{"device":"D1","ip":"203.0.113.7","subnet":"203.0.113.0/24","country":"SE","network":"tor","user_agent":"app 4.2","referrer":"spring"}"#;
    let body = SECURITY.replace(r#"{"device":"D1"}"#, session);
    let Body::Security(event) = decode_body(body.as_bytes()) else { panic!("a security event") };
    assert_eq!(event.session.subnet.as_deref(), Some("203.0.113.0/24"));
    assert_eq!(event.session.network, Some(Network::Tor));
    assert_eq!(event.session.user_agent.as_deref(), Some("app 4.2"));
    assert_eq!(event.session.referrer.as_deref(), Some("spring"));
    let unknown = body.replace(r#""tor""#, r#""wifi""#);
    let refused = decoder().decode(&[], unknown.as_bytes(), stored_at()).expect_err("no such word");
    assert_eq!(
        (refused.reason, refused.path.as_str()),
        (Reason::UnknownValue, "data.session.network")
    );
}
