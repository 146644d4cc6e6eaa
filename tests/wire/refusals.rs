//! Every reason that a message can be refused for, reached by at least one row of a table.

use std::collections::BTreeSet;

use weir::domain::Reason;
use weir::domain::Reason as R;

use super::{IDENTITY, SECURITY, TRANSACTION, changed, decoder, stored_at};

/// What is wrong, the message, the reason and the place.
type Row = (&'static str, Vec<u8>, Reason, &'static str);

fn transaction(from: &str, to: &str) -> Vec<u8> {
    changed(TRANSACTION, from, to)
}

fn identity(from: &str, to: &str) -> Vec<u8> {
    changed(IDENTITY, from, to)
}

fn security(from: &str, to: &str) -> Vec<u8> {
    changed(SECURITY, from, to)
}

fn control(kind: &str, data: &str) -> Vec<u8> {
    format!(
        r#"{{"specversion":"1.0","id":"c-1","source":"weir","type":"aml.control.{kind}.v1","time":"2026-03-01T11:00:00Z","data":{data}}}"#
    )
    .into_bytes()
}

fn amount(text: &str) -> Vec<u8> {
    transaction(r#""amount":"437.32""#, &format!(r#""amount":{text}"#))
}

fn time(text: &str) -> Vec<u8> {
    transaction(r#""time":"2026-03-01T11:59:58Z""#, &format!(r#""time":{text}"#))
}

fn base(text: &str) -> Vec<u8> {
    transaction(r#""currency":"SEK""#, &format!(r#""currency":"EUR","base":{text}"#))
}

#[rustfmt::skip] // one row, one line
fn whole_messages() -> Vec<Row> {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let mut broken = TRANSACTION.as_bytes().to_vec();
    broken[60] = 0xff;
    let padding = "x".repeat(300 * 1024);
    vec![
        ("no bytes at all", bytes(""), R::NotJson, "$"),
        ("only spaces", bytes("  \n"), R::NotJson, "$"),
        ("plain text", bytes("hello"), R::NotJson, "$"),
        ("a bare NaN", bytes("NaN"), R::NotJson, "$"),
        ("a document cut in the middle", bytes(&TRANSACTION[..200]), R::NotJson, "$"),
        ("a document cut before the last brace", bytes(&TRANSACTION[..TRANSACTION.len() - 1]), R::NotJson, "$"),
        ("something after the document", bytes(&format!("{TRANSACTION} x")), R::NotJson, "$"),
        ("two documents", bytes(&format!("{TRANSACTION}{TRANSACTION}")), R::NotJson, "$"),
        ("a byte-order mark", bytes(&format!("\u{feff}{TRANSACTION}")), R::NotJson, "$"),
        ("single quotes", bytes(&TRANSACTION.replace('"', "'")), R::NotJson, "$"),
        ("a trailing comma", transaction(r#""D1","ip":"203.0.113.7","country":"SE"}"#, r#""D1",}"#), R::NotJson, "$"),
        ("a raw NUL inside text", transaction("t-1", "t\0-1"), R::NotJson, "$"),
        ("a raw line break inside text", transaction("t-1", "t\n-1"), R::NotJson, "$"),
        ("half a surrogate pair", transaction("t-1", r"\ud800"), R::NotJson, "$"),
        ("an unquoted NaN as amount", amount("NaN"), R::NotJson, "$"),
        ("an unquoted Infinity as amount", amount("Infinity"), R::NotJson, "$"),
        ("UTF-16", TRANSACTION.encode_utf16().flat_map(u16::to_le_bytes).collect(), R::NotJson, "$"),
        ("a byte that is not UTF-8", broken, R::NotUtf8, "$"),
        ("Latin-1 text", [b"{\"id\":\"", &[0xe5][..], b"\"}"].concat(), R::NotUtf8, "$"),
        ("three hundred kilobytes", transaction("SALA", &padding), R::TooLarge, "$"),
        ("seventeen brackets", bytes(&format!("{}{}", "[".repeat(17), "]".repeat(17))), R::TooDeep, "$"),
        ("a hundred thousand brackets", bytes(&"[".repeat(100_000)), R::TooDeep, "$"),
        ("deep nesting in an unknown field", transaction(r#""purpose":"SALA""#, &format!(r#""more":{}1{}"#, r#"{"a":"#.repeat(20), "}".repeat(20))), R::TooDeep, "$"),
        ("an array", bytes("[]"), R::NotCloudEvent, "$"),
        ("a string", bytes(r#""hello""#), R::NotCloudEvent, "$"),
        ("a number", bytes("1e400"), R::NotCloudEvent, "$"),
        ("null", bytes("null"), R::NotCloudEvent, "$"),
        ("an object that is no envelope", bytes("{}"), R::NotCloudEvent, "specversion"),
    ]
}

#[rustfmt::skip] // one row, one line
fn envelopes() -> Vec<Row> {
    vec![
        ("another version of the envelope", transaction(r#""1.0""#, r#""0.3""#), R::NotCloudEvent, "specversion"),
        ("a version that is a number", transaction(r#""1.0""#, "1.0"), R::WrongType, "specversion"),
        ("a null version", transaction(r#""1.0""#, "null"), R::NotCloudEvent, "specversion"),
        ("data that is not JSON by its own word", transaction(r#""id""#, r#""datacontenttype":"text/xml","id""#), R::NotCloudEvent, "datacontenttype"),
        ("no id", transaction(r#""id":"t-1","#, ""), R::MissingField, "id"),
        ("a null id", transaction(r#""t-1""#, "null"), R::MissingField, "id"),
        ("an empty id", transaction(r#""t-1""#, r#""""#), R::InvalidText, "id"),
        ("an id that is a number", transaction(r#""t-1""#, "17"), R::WrongType, "id"),
        ("an id that is an object", transaction(r#""t-1""#, "{}"), R::WrongType, "id"),
        ("an id of 257 bytes", transaction("t-1", &"x".repeat(257)), R::InvalidText, "id"),
        ("an id with an escaped NUL", transaction("t-1", r"t\u0000"), R::InvalidText, "id"),
        ("an id with an escape character", transaction("t-1", r"t\u001b[31m"), R::InvalidText, "id"),
        ("an id with a C1 control character", transaction("t-1", "t\u{85}"), R::InvalidText, "id"),
        ("no source", transaction(r#""source":"core-banking","#, ""), R::MissingField, "source"),
        ("an empty source", transaction("core-banking", ""), R::InvalidText, "source"),
        ("no type", transaction(r#""type":"aml.transaction.v1","#, ""), R::MissingField, "type"),
        ("a type nobody knows", transaction("aml.transaction.v1", "aml.weather.v1"), R::UnknownType, "type"),
        ("a later version of a type", transaction("aml.transaction.v1", "aml.transaction.v2"), R::UnknownType, "type"),
        ("a type in capitals", transaction("aml.transaction.v1", "AML.TRANSACTION.V1"), R::UnknownType, "type"),
        ("a type that is a number", transaction(r#""aml.transaction.v1""#, "1"), R::WrongType, "type"),
        ("no time", transaction(r#""time":"2026-03-01T11:59:58Z","#, ""), R::MissingField, "time"),
        ("a time that is a number", time("1772366398"), R::WrongType, "time"),
        ("a local time without offset", time(r#""2026-03-01T11:59:58""#), R::InvalidTime, "time"),
        ("only a date", time(r#""2026-03-01""#), R::InvalidTime, "time"),
        ("the thirtieth of February", time(r#""2026-02-30T00:00:00Z""#), R::InvalidTime, "time"),
        ("hour 24", time(r#""2026-02-28T24:00:00Z""#), R::InvalidTime, "time"),
        ("an empty time", time(r#""""#), R::InvalidTime, "time"),
        ("a time six minutes ahead", time(r#""2026-03-01T12:06:00Z""#), R::FutureTime, "time"),
        ("the year 9999", time(r#""9999-12-31T23:59:59Z""#), R::FutureTime, "time"),
        ("a wrong time within the data", transaction(r#""purpose""#, r#""occurred_at":"noon","purpose""#), R::InvalidTime, "data.occurred_at"),
        ("a late time within the data", transaction(r#""purpose""#, r#""occurred_at":"2027-01-01T00:00:00Z","purpose""#), R::FutureTime, "data.occurred_at"),
        ("no data", transaction(r#""data""#, r#""payload""#), R::MissingField, "data"),
        ("data that is null", changed(SECURITY, r#"{"customer_id":"C1","outcome":"success","method":"otp","payee":"A9","channel":"web","session":{"device":"D1"}}"#, "null"), R::MissingField, "data"),
        ("data that is text", security(r#"{"customer_id":"C1","outcome":"success","method":"otp","payee":"A9","channel":"web","session":{"device":"D1"}}"#, r#""x""#), R::WrongType, "data"),
        ("data that is an array", security(r#"{"customer_id":"C1","outcome":"success","method":"otp","payee":"A9","channel":"web","session":{"device":"D1"}}"#, r#"["C1"]"#), R::WrongType, "data"),
    ]
}

fn extra(text: &str) -> Vec<u8> {
    let own = r#"{"wallet":"W1","ratio":"0.25","vip":true,"none":null}"#;
    transaction(own, text)
}

#[rustfmt::skip] // one row, one line
fn deployment_fields() -> Vec<Row> {
    let path = "data.extra.*";
    let many: Vec<String> = (0..65).map(|number| format!("\"f{number}\":true")).collect();
    vec![
        ("own fields that are text", extra(r#""W1""#), R::WrongType, "data.extra"),
        ("own fields that are a list", extra(r#"["W1"]"#), R::WrongType, "data.extra"),
        ("an own field that is a number", extra(r#"{"ratio":0.25}"#), R::WrongType, path),
        ("an own field that is a whole number", extra(r#"{"ratio":1}"#), R::WrongType, path),
        ("an own field below zero", extra(r#"{"ratio":-1}"#), R::WrongType, path),
        ("an own field that is an object", extra(r#"{"wallet":{"id":"W1"}}"#), R::WrongType, path),
        ("an own field that is a list", extra(r#"{"wallet":["W1"]}"#), R::WrongType, path),
        ("an own field that is empty", extra(r#"{"wallet":""}"#), R::InvalidText, path),
        ("an own field with an escaped NUL", extra(r#"{"wallet":"W\u0000"}"#), R::InvalidText, path),
        ("an own field of 257 bytes", extra(&format!(r#"{{"wallet":"{}"}}"#, "x".repeat(257))), R::InvalidText, path),
        ("an own field without a name", extra(r#"{"":"W1"}"#), R::InvalidText, path),
        ("an own field twice", extra(r#"{"wallet":"W1","wallet":"W1"}"#), R::DuplicateKey, path),
        ("sixty-five own fields", extra(&format!("{{{}}}", many.join(","))), R::InvalidText, "data.extra"),
    ]
}

#[rustfmt::skip] // one row, one line
fn duplicates() -> Vec<Row> {
    vec![
        ("the id twice", transaction(r#""id":"t-1""#, r#""id":"t-1","id":"t-1""#), R::DuplicateKey, "id"),
        ("the id twice, once with an escape", transaction(r#""id":"t-1""#, r#""id":"t-1","i\u0064":"t-2""#), R::DuplicateKey, "id"),
        ("the data twice", transaction(r#""data""#, r#""data":{},"data""#), R::DuplicateKey, "data"),
        ("the amount twice", transaction(r#""amount":"437.32""#, r#""amount":"1","amount":"437.32""#), R::DuplicateKey, "data.amount"),
        ("the debtor's customer twice", transaction(r#""customer_id":"C1""#, r#""customer_id":"C1","customer_id":"C2""#), R::DuplicateKey, "data.debtor.customer_id"),
        ("a field that is not ours twice", transaction(r#""amount""#, r#""x":1,"x":2,"amount""#), R::DuplicateKey, "data.*"),
        ("a field that is not ours twice in the envelope", transaction(r#""data""#, r#""x":1,"x":2,"data""#), R::DuplicateKey, "*"),
        ("the customer twice in an identity event", identity(r#""customer_id":"C1""#, r#""customer_id":"C1","customer_id":"C2""#), R::DuplicateKey, "data.customer_id"),
    ]
}

#[rustfmt::skip] // one row, one line
fn amounts() -> Vec<Row> {
    let path = "data.amount";
    vec![
        ("no amount", transaction(r#""amount":"437.32","#, ""), R::MissingField, path),
        ("a null amount", amount("null"), R::MissingField, path),
        ("an amount that is a number", amount("437.32"), R::WrongType, path),
        ("an amount that is a number with an exponent", amount("1e400"), R::WrongType, path),
        ("an amount that is true", amount("true"), R::WrongType, path),
        ("an amount that is an array", amount(r#"["437.32"]"#), R::WrongType, path),
        ("an empty amount", amount(r#""""#), R::InvalidAmount, path),
        ("NaN as text", amount(r#""NaN""#), R::InvalidAmount, path),
        ("Infinity as text", amount(r#""Infinity""#), R::InvalidAmount, path),
        ("a huge exponent", amount(r#""1e400""#), R::InvalidAmount, path),
        ("an exponent bomb", amount(r#""1E999999999""#), R::InvalidAmount, path),
        ("a thousands separator", amount(r#""1,000.00""#), R::InvalidAmount, path),
        ("a decimal comma", amount(r#""437,32""#), R::InvalidAmount, path),
        ("a leading plus", amount(r#""+437.32""#), R::InvalidAmount, path),
        ("a space before", amount(r#"" 437.32""#), R::InvalidAmount, path),
        ("hexadecimal", amount(r#""0x1F""#), R::InvalidAmount, path),
        ("digits of another script", amount("\"٤٣٧\""), R::InvalidAmount, path),
        ("a point without decimals", amount(r#""437.""#), R::InvalidAmount, path),
        ("below zero", amount(r#""-437.32""#), R::NegativeAmount, path),
        ("a negative zero", amount(r#""-0""#), R::NegativeAmount, path),
        ("sixteen digits", amount(r#""1000000000000000""#), R::AmountTooLong, path),
        ("nine decimal places", amount(r#""0.000000001""#), R::AmountTooLong, path),
        ("a thousand digits", amount(&format!("\"{}\"", "9".repeat(1000))), R::AmountTooLong, path),
        ("three decimal places in kronor", amount(r#""437.321""#), R::CurrencyExponent, path),
        ("half a yen", transaction(r#""amount":"437.32","currency":"SEK""#, r#""amount":"437.5","currency":"JPY""#), R::CurrencyExponent, path),
    ]
}

#[rustfmt::skip] // one row, one line
fn currencies_and_rates() -> Vec<Row> {
    let currency =
        |text: &str| transaction(r#""currency":"SEK""#, &format!(r#""currency":{text}"#));
    let good = r#"{"amount":"5000","currency":"SEK","rate":"11.43","rate_date":"2026-03-01"}"#;
    let without =
        |name: &str| base(&String::from_utf8(changed(good, name, r#""other""#)).expect("text"));
    vec![
        ("no currency", transaction(r#","currency":"SEK""#, ""), R::MissingField, "data.currency"),
        ("a currency nobody has", currency(r#""XXZ""#), R::UnknownCurrency, "data.currency"),
        ("a currency in small letters", currency(r#""sek""#), R::UnknownCurrency, "data.currency"),
        ("a currency number", currency("752"), R::WrongType, "data.currency"),
        ("a coin that is no currency of ISO 4217", currency(r#""BTC""#), R::UnknownCurrency, "data.currency"),
        ("a foreign amount without its base amount", currency(r#""EUR""#), R::RateMissing, "data.base"),
        ("a base without amount", without(r#""amount""#), R::MissingField, "data.base.amount"),
        ("a base without currency", without(r#""currency""#), R::MissingField, "data.base.currency"),
        ("a base without rate", without(r#""rate""#), R::RateMissing, "data.base.rate"),
        ("a base without the rate's date", without(r#""rate_date""#), R::RateMissing, "data.base.rate_date"),
        ("a base in another currency", base(&good.replace("SEK", "USD")), R::RateMissing, "data.base.currency"),
        ("a base in a currency nobody has", base(&good.replace("SEK", "XXZ")), R::UnknownCurrency, "data.base.currency"),
        ("a base amount below zero", base(&good.replace("5000", "-5000")), R::NegativeAmount, "data.base.amount"),
        ("a rate with an exponent", base(&good.replace("11.43", "1e1")), R::InvalidAmount, "data.base.rate"),
        ("a rate of yesterday, in words", base(&good.replace("2026-03-01", "yesterday")), R::InvalidTime, "data.base.rate_date"),
        ("a base amount that contradicts", transaction(r#""currency":"SEK""#, r#""currency":"SEK","base":{"amount":"1","currency":"SEK"}"#), R::InvalidAmount, "data.base.amount"),
        ("a base that is text", base(r#""5000""#), R::WrongType, "data.base"),
    ]
}

#[rustfmt::skip] // one row, one line
fn parties_and_words() -> Vec<Row> {
    vec![
        ("no type of transaction", transaction(r#"{"type":"wire","#, "{"), R::MissingField, "data.type"),
        ("a type of transaction nobody knows", transaction(r#"{"type":"wire""#, r#"{"type":"barter""#), R::UnknownValue, "data.type"),
        ("a status nobody knows", transaction(r#""booked""#, r#""maybe""#), R::UnknownValue, "data.status"),
        ("an initiator nobody knows", transaction(r#""initiator":"customer""#, r#""initiator":"ghost""#), R::UnknownValue, "data.initiator"),
        ("nobody on either side", changed(&String::from_utf8(transaction(r#""customer_id":"C1","account_id":"A1","#, "")) .expect("text"), r#""account_id":"A2","#, ""), R::NoParty, "data"),
        ("a debtor that is an array", transaction(r#""debtor":{"customer_id":"C1","account_id":"A1","bank":"BANKSESS","country":"SE"}"#, r#""debtor":["C1","A1","BANKSESS","SE",null]"#), R::WrongType, "data.debtor"),
        ("a creditor that is text", transaction(r#"{"account_id":"A2","bank":"BANKDEFF","country":"DE"}"#, r#""A2""#), R::WrongType, "data.creditor"),
        ("a customer number", transaction(r#""customer_id":"C1""#, r#""customer_id":1"#), R::WrongType, "data.debtor.customer_id"),
        ("an empty customer", transaction(r#""customer_id":"C1""#, r#""customer_id":"""#), R::InvalidText, "data.debtor.customer_id"),
        ("an account with a line break", transaction(r#""A2""#, r#""A2\n""#), R::InvalidText, "data.creditor.account_id"),
        ("a country nobody has", transaction(r#""country":"DE""#, r#""country":"ZZ""#), R::UnknownCountry, "data.creditor.country"),
        ("a country in small letters", transaction(r#""country":"DE""#, r#""country":"de""#), R::UnknownCountry, "data.creditor.country"),
        ("a country by name", transaction(r#""country":"DE""#, r#""country":"Germany""#), R::UnknownCountry, "data.creditor.country"),
        ("a session that is text", transaction(r#"{"device":"D1","ip":"203.0.113.7","country":"SE"}"#, r#""D1""#), R::WrongType, "data.session"),
        ("a purpose with a NUL", transaction("SALA", r"SA\u0000LA"), R::InvalidText, "data.purpose"),
    ]
}

#[rustfmt::skip] // one row, one line
fn other_families() -> Vec<Row> {
    let digest = r#"{"digest":"0123456789abcdef"}"#;
    let decided = r#"{"alert_id":"a1","verdict":"confirmed","by":"officer-7"}"#;
    vec![
        ("an identity event of nobody", identity(r#""customer_id":"C1","#, ""), R::MissingField, "data.customer_id"),
        ("a version that is text", identity(":3,", r#":"3","#), R::WrongType, "data.identity_version"),
        ("a version below zero", identity(":3,", ":-3,"), R::WrongType, "data.identity_version"),
        ("a version with a fraction", identity(":3,", ":3.0,"), R::WrongType, "data.identity_version"),
        ("a segment nobody knows", identity("retail", "wholesale"), R::UnknownValue, "data.segment"),
        ("a risk nobody knows", identity(r#""low""#, r#""none""#), R::UnknownValue, "data.risk"),
        ("a turnover that is a number", identity(r#""50000""#, "50000"), R::WrongType, "data.expected_turnover"),
        ("a turnover below zero", identity(r#""50000""#, r#""-1""#), R::NegativeAmount, "data.expected_turnover"),
        ("a document that never was", identity("2030-01-31", "2030-02-31"), R::InvalidTime, "data.document.expires_at"),
        ("a part of the profile nobody knows", identity(r#""field":"phone""#, r#""field":"shoes""#), R::UnknownValue, "data.field"),
        ("reasons that are text", identity(r#"["DOC-01","DOC-02"]"#, r#""DOC-01""#), R::WrongType, "data.reasons"),
        ("a reason that is a number", identity(r#""DOC-02""#, "2"), R::WrongType, "data.reasons[1]"),
        ("an empty reason", identity(r#""DOC-02""#, r#""""#), R::InvalidText, "data.reasons[1]"),
        ("an account opened without account", identity(r#""account""#, r#""konto""#), R::MissingField, "data.account"),
        ("an account without id", identity(r#""id":"A1","#, ""), R::MissingField, "data.account.id"),
        ("an account in a currency nobody has", identity(r#""currency":"SEK""#, r#""currency":"XXZ""#), R::UnknownCurrency, "data.account.currency"),
        ("a security event of nobody", security(r#""customer_id":"C1","#, ""), R::MissingField, "data.customer_id"),
        ("a payee that is an object", security(r#""A9""#, "{}"), R::WrongType, "data.payee"),
        ("a rulebook without digest", control("rulebook", "{}"), R::MissingField, "data.digest"),
        ("a digest in capitals", control("rulebook", &digest.to_uppercase().replace("DIGEST", "digest")), R::InvalidText, "data.digest"),
        ("a disposition without alert", control("disposition", &decided.replace("alert_id", "x")), R::MissingField, "data.alert_id"),
        ("a verdict nobody knows", control("disposition", &decided.replace("confirmed", "guilty")), R::UnknownValue, "data.verdict"),
        ("a verdict by nobody", control("disposition", &decided.replace("by", "x")), R::MissingField, "data.by"),
        ("a tick with data that is a number", control("tick", "1"), R::WrongType, "data"),
    ]
}

fn rows() -> Vec<Row> {
    [
        whole_messages(),
        envelopes(),
        duplicates(),
        amounts(),
        currencies_and_rates(),
        parties_and_words(),
        other_families(),
        deployment_fields(),
    ]
    .concat()
}

#[test]
fn a_bad_message_is_refused_with_its_reason_and_place() {
    let mut wrong = Vec::new();
    for (name, payload, reason, path) in rows() {
        match decoder().decode(&[], &payload, stored_at()) {
            Ok(_) => wrong.push(format!("{name}: accepted")),
            Err(refusal) if (refusal.reason, refusal.path.as_str()) != (reason, path) => {
                wrong.push(format!("{name}: expected {} at {path}, got {refusal}", reason.word()));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_reason_of_the_decoder_is_reached_by_a_row() {
    let reached: BTreeSet<Reason> = rows().into_iter().map(|(_, _, reason, _)| reason).collect();
    // The engine finds conflicting duplicates; an internal fault has no message that leads to it.
    let elsewhere = [Reason::ConflictingDuplicate, Reason::Internal];
    for reason in Reason::ALL {
        assert_eq!(reached.contains(reason), !elsewhere.contains(reason), "{}", reason.word());
    }
}

#[test]
fn a_refusal_never_repeats_what_the_message_said() {
    const SECRET: &str = "Greta-Garbo-19050918";
    let quoted = format!("\"{SECRET}\"");
    let twice = format!("{{\"{SECRET}\":1,\"{SECRET}\":2,\"id\":1}}");
    let mut payloads = vec![twice.into_bytes(), quoted.clone().into_bytes(), SECRET.into()];
    for message in [TRANSACTION, IDENTITY, SECURITY] {
        let tree: serde_json::Value = serde_json::from_str(message).expect("a valid message");
        replace_each(&tree, &SECRET.into(), &mut |text| payloads.push(text));
        replace_each(&tree, &serde_json::json!({ SECRET: SECRET }), &mut |text| {
            payloads.push(text);
        });
    }
    let mut refused = 0;
    for payload in payloads {
        if let Err(refusal) = decoder().decode(&[], &payload, stored_at()) {
            refused += 1;
            assert!(!refusal.to_string().contains("Garbo"), "{refusal}");
        }
    }
    assert!(refused > 50, "only {refused} refusals were looked at");
}

/// Calls `use_text` with the message once for each value in it, that value replaced.
fn replace_each(
    tree: &serde_json::Value,
    value: &serde_json::Value,
    use_text: &mut dyn FnMut(Vec<u8>),
) {
    fn pointers(tree: &serde_json::Value, prefix: &str, found: &mut Vec<String>) {
        if let Some(fields) = tree.as_object() {
            for (name, field) in fields {
                let pointer = format!("{prefix}/{name}");
                pointers(field, &pointer, found);
                found.push(pointer);
            }
        }
    }
    let mut found = Vec::new();
    pointers(tree, "", &mut found);
    for pointer in found {
        let mut copy = tree.clone();
        *copy.pointer_mut(&pointer).expect("a pointer of this tree") = value.clone();
        use_text(serde_json::to_vec(&copy).expect("JSON"));
    }
}
