//! Messages, structured and binary: each is read or refused, twice alike, never as a fault of ours; and
//! what is read can be judged by the shipped rules.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use weir::domain::{Instant, Reason};
use weir::engine::{Engine, Limits};
use weir::files;
use weir::rulebook::{Rulebook, loader};
use weir::wire::{Decoder, Settings};

use super::chance::Chance;
use super::{fuzz, seeds};
use crate::wire::{IDENTITY, SECURITY, TRANSACTION, base_currency};

/// Values and pieces of JSON, sound and not.
const PIECES: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "1e999",
    "\"\"",
    "\"0\"",
    "\"-1\"",
    "\"1e5\"",
    "\"0.0000000000000000000001\"",
    "\"79228162514264337593543950335\"",
    "\"NaN\"",
    "{}",
    "[]",
    "[[[[[[[[[[[[[[[[[[[[",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\u{85}\"",
    "\"C1\"",
    "\"A1\"",
    "\"SEK\"",
    "\"JPY\"",
    "\"ZZZ\"",
    "\"SE\"",
    "\"9999-12-31T23:59:59Z\"",
    "\"0000-01-01T00:00:00Z\"",
    "\"2026-02-30T00:00:00Z\"",
    "\"2026-03-01T11:59:59.123456789+14:00\"",
    "\"aml.transaction.v1\"",
    "\"aml.control.tick.v1\"",
    "\"aml.control.rulebook.v1\"",
    "\"aml.identity.merged.v1\"",
    "\"aml.security.login.v1\"",
    "\"reversed\"",
    "\"cash_deposit\"",
];

/// Where one JSON value of the text, good enough to exchange it, starts and ends.
fn values(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(':') {
        let rest = &text[at + 1..];
        let end = match rest.as_bytes().first() {
            Some(b'"') => rest[1..].find('"').map(|end| end + 2),
            Some(b'{' | b'[') => rest.find(['}', ']']).map(|end| end + 1),
            _ => rest.find([',', '}', ']']),
        };
        found.extend(end.map(|end| (at + 1, at + 1 + end)));
    }
    found
}

fn change_value(chance: &mut Chance, text: &mut String, other: &str) {
    let places = values(text);
    if places.is_empty() {
        return;
    }
    let (start, end) = *chance.pick(&places);
    let instead = if chance.one_in(2) {
        (*chance.pick(PIECES)).to_owned()
    } else {
        let theirs = values(other);
        if theirs.is_empty() {
            return;
        }
        let (from, to) = *chance.pick(&theirs);
        other[from..to].to_owned()
    };
    text.replace_range(start..end, &instead);
}

/// A binary message: the headers, an empty line, the body.
fn binary(chance: &mut Chance, body: &str) -> Vec<u8> {
    let data = body.find("\"data\":").map_or(body, |at| &body[at + 7..body.len() - 1]);
    let kind =
        chance.pick(&["aml.transaction.v1", "aml.identity.registered.v1", "aml.security.login.v1"]);
    let mut head = format!(
        "ce-specversion: 1.0\nce-id: i%20{}\nce-source: s\nce-type: {kind}\nce-time: 2026-03-01T11:00:00Z\n",
        chance.below(1_000)
    );
    if chance.one_in(4) {
        let at = head.floor_char_boundary(chance.below(head.len()));
        head.insert_str(at, chance.pick::<&str>(&["%", "%zz", "%ff", "\n", ":", "ce-", "\u{e9}"]));
    }
    format!("{head}\n{data}").into_bytes()
}

/// Headers and body, as the log would carry them.
fn taken_apart(bytes: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let Some(body) = bytes
        .strip_prefix(b"ce-")
        .and_then(|_| bytes.windows(2).position(|pair| pair == b"\n\n").map(|at| at + 2))
    else {
        return (Vec::new(), bytes);
    };
    let head = String::from_utf8_lossy(&bytes[..body]).into_owned();
    let rows = head.lines().filter_map(|line| line.split_once(": "));
    let headers = rows.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (headers, &bytes[body..])
}

fn shipped() -> Arc<Rulebook> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let texts = files::read_folder(&folder).expect("the rules folder can be read");
    Arc::new(loader::load(&texts).rulebook.expect("the shipped rules load"))
}

#[test]
fn no_message_makes_the_decoder_or_the_engine_fail() {
    let mut texts = [TRANSACTION, IDENTITY, SECURITY].map(str::to_owned).to_vec();
    for (_, bytes) in seeds("tests/data", &["ndjson"]) {
        texts.extend(String::from_utf8(bytes).expect("text").lines().map(str::to_owned));
    }
    assert!(texts.len() > 60, "{} seeds", texts.len());
    let decoder = Decoder::new(Settings::new(base_currency()));
    let stored_at = Instant::parse("2026-03-01T12:00:00Z").expect("a time");
    let rulebook = shipped();
    // A new engine now and then, so that what one input left behind is not needed to repeat another.
    let engine = RefCell::new((0_u64, Engine::new(Arc::clone(&rulebook), Limits::default())));
    let input = |chance: &mut Chance| {
        let mut text = chance.pick(&texts).clone();
        let other = chance.pick(&texts).clone();
        for _ in 0..chance.below(4) {
            change_value(chance, &mut text, &other);
        }
        let mut bytes = if chance.one_in(3) { binary(chance, &text) } else { text.into_bytes() };
        if chance.one_in(4) {
            chance.change_bytes(&mut bytes);
        }
        bytes
    };
    fuzz("messages", input, |bytes| {
        let (headers, body) = taken_apart(bytes);
        let first = decoder.decode(&headers, body, stored_at);
        assert_eq!(first, decoder.decode(&headers, body, stored_at));
        match first {
            Ok(event) => {
                let (sequence, engine) = &mut *engine.borrow_mut();
                if *sequence == 2_000 {
                    *engine = Engine::new(Arc::clone(&rulebook), Limits::default());
                    *sequence = 0;
                }
                *sequence += 1;
                let _ = engine.apply(*sequence, &event);
                true
            }
            Err(refusal) => {
                assert_ne!(refusal.reason, Reason::Internal, "{refusal}");
                false
            }
        }
    });
}
