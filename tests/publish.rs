//! Files of events become messages: JSON lines as they stand, CSV by its mapping, compressed or not.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use weir::domain::{Body, Currency, Instant, Reason};
use weir::publish::{self, Error, Mapping, Prepared, RowError};
use weir::wire::{Decoder, Settings};

const TRANSACTIONS: &str = r#"
source = "bank"
event = "aml.transaction.v1"

[columns]
id = "number"
time = "day"
type = "kind"
amount = "amount"
debtor.account_id = "from"
creditor.account_id = "to"

[values.type]
cash = "cash_deposit"
"*" = "other"

[constants]
currency = "SEK"
creditor.country = "SE"

[when]
state = "done"
"#;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn mapping(text: &str) -> Result<Mapping, Error> {
    Mapping::parse(text)
}

/// All rows of a file with this name and content.
fn rows(
    name: &str,
    content: &[u8],
    mapping: Option<Mapping>,
) -> Result<Vec<Result<Prepared, RowError>>, Error> {
    Ok(publish::read(name, Cursor::new(content.to_vec()), mapping)?.collect())
}

fn body(row: &Result<Prepared, RowError>) -> Value {
    serde_json::from_slice(&row.as_ref().expect("a message").payload).expect("JSON")
}

#[test]
fn a_csv_row_becomes_an_event_as_its_mapping_says() {
    let csv = "number,day,kind,amount,from,to,state\n\
               7,2026-01-31,cash,12.50,,A1,done\n\
               8,2026-01-31T08:00:00Z,barter,1,A1,A2,done\n\
               9,2026-01-31,cash,1,,A1,failed\n";
    let rows = rows("t.csv", csv.as_bytes(), mapping(TRANSACTIONS).ok()).expect("opens");
    assert_eq!(rows.len(), 2, "the failed row is left out");
    let first = rows[0].as_ref().expect("a message");
    assert_eq!(first.subject, "aml.in.transaction.v1");
    assert_eq!(first.message_id.as_deref(), Some("bank/7"));
    assert_eq!(
        body(&rows[0]),
        json!({
            "specversion": "1.0", "id": "7", "source": "bank", "type": "aml.transaction.v1",
            "time": "2026-01-31T00:00:00Z",
            "data": {
                "type": "cash_deposit", "amount": "12.50", "currency": "SEK",
                "creditor": { "account_id": "A1", "country": "SE" },
            },
        })
    );
    assert_eq!(body(&rows[1])["time"], "2026-01-31T08:00:00Z");
    assert_eq!(body(&rows[1])["data"]["type"], "other");
}

#[test]
fn a_csv_row_can_become_several_events() {
    let text = r#"
source = "kyc"
columns = { id = "who", customer_id = "who" }
[[events]]
event = "aml.identity.registered.v1"
id_suffix = ".r"
constants = { identity_version = 1, reasons = ["DOC-01"] }
[events.columns]
document.expires_at = "until"
[[events]]
event = "aml.identity.verified.v1"
id_suffix = ".v"
"#;
    let rows = rows("c.csv", b"who,until\nC1,2030-01-31\n", mapping(text).ok()).expect("opens");
    let subjects: Vec<_> = rows.iter().flatten().map(|row| row.subject.as_str()).collect();
    assert_eq!(subjects, ["aml.in.identity.registered", "aml.in.identity.verified"]);
    assert_eq!(body(&rows[0])["id"], "C1.r");
    assert_eq!(body(&rows[1])["id"], "C1.v");
    assert_eq!(
        body(&rows[0])["data"],
        json!({
            "customer_id": "C1", "identity_version": 1, "reasons": ["DOC-01"],
            "document": { "expires_at": "2030-01-31" },
        })
    );
    assert_eq!(body(&rows[1])["data"], json!({ "customer_id": "C1" }));
}

#[test]
fn a_row_that_is_no_csv_is_told_by_its_line_and_the_rest_goes_on() {
    let csv = b"number,day,kind,amount,from,to,state\n\
                1,2026-01-31,cash,Greta,Garbo\n\
                2,2026-01-31,cash,1,,\xffGarbo,done\n\
                3,2026-01-31,cash,1,,A1,done\n";
    let rows = rows("t.csv", csv, mapping(TRANSACTIONS).ok()).expect("opens");
    let texts: Vec<_> =
        rows.iter().filter_map(|row| row.as_ref().err()).map(ToString::to_string).collect();
    assert_eq!(texts, ["line 2: 5 columns where the header has 7", "line 3: not UTF-8"]);
    assert_eq!(body(&rows[2])["id"], "3");
}

#[test]
fn a_mistake_in_a_mapping_is_shown_with_its_place_and_a_hint() {
    for (name, from, to, expected) in [
        ("not TOML", "[columns]", "[columns", "5:9"),
        ("an unknown key", "[when]", "[whenever]", "unknown field `whenever`"),
        ("no source", "source = \"bank\"", "", "missing field `source`"),
        ("an empty source", "\"bank\"", "\"\"", "2:10: `source` must not be empty"),
        ("no event", "event = \"aml.transaction.v1\"", "", "1:1: `event` or at least one"),
        (
            "an unknown event",
            "aml.transaction.v1",
            "aml.transactoin.v1",
            "3:9: no event is called `aml.transactoin.v1`; did you mean `aml.transaction.v1`?",
        ),
        (
            "a mistyped field",
            "debtor.account_id = ",
            "debtor.acount_id = ",
            "10:20: the event has no field `debtor.acount_id`; did you mean `debtor.account_id`?",
        ),
        (
            "a field that is an object",
            "debtor.account_id",
            "debtor",
            "the event has no field `debtor`",
        ),
        ("an unknown constant", "currency = ", "color = ", "the event has no field `color`"),
        ("words without a column", "[values.type]", "[values.purpose]", "`purpose` is not among"),
        ("a column that is a number", "\"number\"", "3", "6:6: must be the name of a column"),
        ("a fraction", "\"SEK\"", "1.5", "expected text, a whole number"),
    ] {
        assert!(TRANSACTIONS.contains(from), "{name}: the row replaces nothing");
        let error = mapping(&TRANSACTIONS.replacen(from, to, 1)).expect_err(name).to_string();
        assert!(error.starts_with("use the mapping text:"), "{name}: {error}");
        assert!(error.contains(expected), "{name}: {error}");
    }
    let both = format!("{TRANSACTIONS}\n[[events]]\nevent = \"aml.transaction.v1\"\n");
    let error = mapping(&both).expect_err("both forms").to_string();
    assert!(error.contains("3:9: `event` and `[[events]]` exclude each other"), "{error}");
}

#[test]
fn a_csv_file_needs_a_mapping_that_fits() {
    let error = rows("t.csv", b"a\n1\n", None).expect_err("no mapping").to_string();
    assert!(error.contains("a CSV file needs a mapping") && error.ends_with("t.toml"), "{error}");
    let error = rows("t.csv", b"number,day\n", mapping(TRANSACTIONS).ok()).expect_err("columns");
    let error = error.to_string();
    assert!(error.contains("it has no column `") && error.contains("number, day"), "{error}");
    let error = publish::open(Path::new("nowhere/t.csv"), None).err().expect("no file");
    assert!(error.to_string().starts_with("read nowhere/t.csv: "), "{error}");
}

#[test]
fn a_json_line_is_passed_on_as_it_is_even_when_it_is_no_event() {
    let event =
        r#"{"specversion":"1.0","id":"i","source":"s","type":"aml.security.login.v1","x":1}"#;
    let text = format!(
        "{event}\r\n\n  \nnot json\n{}\n{event}\n",
        event.replace("login", "logout").replace("\"i\"", "\"\u{e5}\"")
    );
    let rows = rows("t.ndjson", text.as_bytes(), None).expect("opens");
    let rows: Vec<Prepared> = rows.into_iter().collect::<Result<_, _>>().expect("messages");
    let subjects: Vec<_> = rows.iter().map(|row| row.subject.as_str()).collect();
    assert_eq!(
        subjects,
        ["aml.in.security.login", "aml.in.unknown", "aml.in.unknown", "aml.in.security.login"]
    );
    assert_eq!(rows[0].payload, event.as_bytes());
    assert_eq!(rows[1].payload, b"not json");
    assert_eq!(rows[1].message_id, None);
    // The same event twice is for the daemon to judge; the same line twice is not.
    assert_eq!(rows[0].message_id.as_deref(), Some("s/i#1"));
    assert_eq!(rows[3].message_id.as_deref(), Some("s/i#6"));
    // A header of the broker cannot carry every id.
    assert_eq!(rows[2].message_id.as_ref().map(String::len), Some(64));
}

#[test]
fn a_line_that_no_broker_takes_is_told_and_the_rest_goes_on() {
    let text = format!("{}\n{{}}", "x".repeat(3 << 20));
    let rows = rows("t.jsonl", text.as_bytes(), None).expect("opens");
    assert_eq!(rows[0].as_ref().expect_err("too long").line, 1);
    assert_eq!(rows[1].as_ref().expect("a message").payload, b"{}");
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_compressed_file_that_was_cut_ends_with_an_error() {
    let text = r#"{"id":"i"}"#.to_owned() + "\n";
    let whole = zstd::encode_all(text.repeat(50_000).as_bytes(), 3).expect("compresses");
    let all = rows("t.ndjson.zst", &whole, None).expect("opens");
    assert_eq!(all.len(), 50_000);
    assert!(all.iter().all(Result::is_ok));
    let cut = rows("t.ndjson.zst", &whole[..whole.len() - 8], None).expect("opens");
    assert!(cut.last().expect("rows").is_err());
}

fn decoder() -> Decoder {
    Decoder::new(Settings::new(Currency::parse("SEK").expect("SEK")))
}

fn stored_at() -> Instant {
    Instant::parse("2023-06-01T00:00:00Z").expect("valid time")
}

#[test]
fn every_row_of_the_sample_becomes_a_valid_event() {
    let mut ids = BTreeSet::new();
    for (name, subject, expected) in [
        ("customers.csv.zst", "aml.in.identity.", 6_000),
        ("accounts.csv.zst", "aml.in.identity.account_opened", 3_000),
        ("transactions.csv.zst", "aml.in.transaction.v1", 76_847),
    ] {
        let mut reader =
            publish::open(&data(name), None).expect("opens with the mapping beside it");
        let mut count = 0;
        for row in reader.by_ref() {
            let row = row.expect("a message");
            let event = decoder().decode(&[], &row.payload, stored_at()).expect("a valid event");
            assert!(row.subject.starts_with(subject), "{}", row.subject);
            assert!(ids.insert(event.id.into_owned()), "an id stands twice");
            if let Body::Transaction(transaction) = event.body {
                assert!(event.at > Instant::parse("2023-02-28T09:00:00Z").expect("valid time"));
                assert_eq!(transaction.booked.currency.code(), "SEK");
            }
            count += 1;
        }
        assert_eq!(count, expected, "{name}");
        let (read, total) = reader.progress();
        assert!(read == total && total > 0, "{name}: {read} of {total} bytes");
    }
}

#[test]
fn the_planted_stories_hold_what_their_readme_says() {
    let reader = publish::open(&data("planted.ndjson"), None).expect("opens");
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let (mut count, mut repeated) = (0, 0);
    for row in reader {
        let row = row.expect("a message");
        count += 1;
        match decoder().decode(&[], &row.payload, stored_at()) {
            Ok(event) => {
                let key = (event.source.into_owned(), event.id.into_owned());
                repeated += usize::from(!ids.insert(key));
            }
            Err(refusal) => *reasons.entry(refusal.reason).or_default() += 1,
        }
    }
    assert!(count > 50 && repeated > 0 && reasons.len() >= 3, "{count} {repeated} {reasons:?}");
    assert!(!reasons.contains_key(&Reason::Internal));
}
