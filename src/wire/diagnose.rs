//! The slow, strict second reading of a message that could not be read: what is wrong, and where.
//!
//! In: a text that failed. Out: a refusal. Errors of the JSON library quote values and are therefore
//! never passed on; paths show the names of fields that we know and `*` for all others.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;

use crate::domain::{Reason, Refusal};

/// Names that may stand in a path; a key outside the list could be anything, so it is not shown.
const FIELD_NAMES: &[&str] = &[
    "account",
    "account_id",
    "address_hash",
    "alert_id",
    "amount",
    "bank",
    "base",
    "branch",
    "by",
    "channel",
    "country",
    "creditor",
    "currency",
    "customer_id",
    "data",
    "datacontenttype",
    "dataschema",
    "debtor",
    "device",
    "digest",
    "document",
    "email_hash",
    "end_to_end_id",
    "expected_turnover",
    "expires_at",
    "extra",
    "field",
    "hash",
    "id",
    "identity_version",
    "initiator",
    "ip",
    "method",
    "name",
    "network",
    "next_review_at",
    "note",
    "occupation",
    "occurred_at",
    "opened_at",
    "outcome",
    "payee",
    "phone_hash",
    "purpose",
    "rate",
    "rate_date",
    "reasons",
    "recorded_at",
    "referrer",
    "risk",
    "segment",
    "session",
    "source",
    "specversion",
    "status",
    "subject",
    "subnet",
    "time",
    "type",
    "uetr",
    "user_agent",
    "verdict",
];

/// What our readers expect, in the JSON library's words and in ours.
const EXPECTATIONS: &[(&str, &str)] = &[
    ("a string", "must be a string"),
    ("an object", "must be an object"),
    ("text or a truth value", "must be a string, true or false"),
    ("u64", "must be a whole number that is not negative"),
    ("a sequence", "must be an array"),
];

/// Says why `text` cannot be read as `T`. Paths start at `prefix` (empty for a whole envelope).
#[cold]
pub(super) fn refusal<'a, T: Deserialize<'a>>(text: &'a str, prefix: &str) -> Refusal {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return not_json(text, &error);
    }
    if let Some(path) = duplicate_key(text) {
        let path = joined(prefix, &path);
        return Refusal::new(Reason::DuplicateKey, path, "must not stand twice in one object");
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut reader) else {
        let detail = "the message could be read only the second time";
        return Refusal::new(Reason::Internal, "$", detail);
    };
    let message = error.inner().to_string();
    // The shape is JSON, so what is left is half a surrogate pair in text, or a number that no
    // double can hold where no number belongs.
    let is_number = message.starts_with("number out of range");
    if error.inner().classify() != Category::Data && !is_number {
        return not_json(text, error.inner());
    }
    let path = joined(prefix, &shown_path(error.path()));
    let expected = message.rfind(", expected ").and_then(|start| message.get(start + 11..));
    let detail = EXPECTATIONS
        .iter()
        .find(|(theirs, _)| expected.is_some_and(|expected| expected.starts_with(theirs)))
        .map_or("has the wrong JSON type", |(_, ours)| *ours);
    if path == "$" {
        return Refusal::new(Reason::NotCloudEvent, path, detail);
    }
    Refusal::new(Reason::WrongType, path, detail)
}

fn not_json(text: &str, error: &serde_json::Error) -> Refusal {
    let detail = if text.trim().is_empty() {
        "the message is empty".to_owned()
    } else if text.starts_with('\u{feff}') {
        "the message starts with a byte-order mark".to_owned()
    } else if error.is_eof() {
        "the message ends in the middle of the JSON document".to_owned()
    } else {
        format!("not JSON at line {} column {}", error.line(), error.column())
    };
    Refusal::new(Reason::NotJson, "$", detail)
}

fn joined(prefix: &str, path: &str) -> String {
    match (prefix, path) {
        ("", "") => "$".to_owned(),
        ("", path) => path.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, path) => format!("{prefix}.{path}"),
    }
}

fn shown_path(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment as Part;
    let mut shown = String::new();
    for part in path {
        match part {
            Part::Seq { index } => push_index(&mut shown, *index),
            Part::Map { key } | Part::Enum { variant: key } => push_name(&mut shown, key),
            Part::Unknown => push_name(&mut shown, "*"),
        }
    }
    shown
}

fn push_index(path: &mut String, index: usize) {
    path.push('[');
    path.push_str(&index.to_string());
    path.push(']');
}

fn push_name(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(if FIELD_NAMES.contains(&key) { key } else { "*" });
}

/// Whether objects and arrays are nested deeper than `depth_max`.
pub(super) fn is_deeper(text: &str, depth_max: usize) -> bool {
    // Brackets inside text are counted too, which is harmless: it only makes us look closer.
    // `[` and `{` differ in one bit; small sums in a byte let the compiler compare many at once.
    const DIFFERENCE: u8 = b'[' ^ b'{';
    let count =
        |piece: &[u8]| piece.iter().map(|byte| u8::from(byte | DIFFERENCE == b'{')).sum::<u8>();
    let openers: usize = text.as_bytes().chunks(128).map(|piece| usize::from(count(piece))).sum();
    openers > depth_max && depth(text) > depth_max
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut tokens = Tokens { text, position: 0 };
    while let Some(token) = tokens.next() {
        match token {
            Token::Open(_) => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Token::Close => depth = depth.saturating_sub(1),
            Token::Text(_) | Token::Colon | Token::Comma => {}
        }
    }
    deepest
}

/// One object or array that the scan is inside of.
struct Level {
    /// Keys seen so far; `None` in an array.
    keys: Option<BTreeSet<String>>,
    /// The key or index that is being read, as it is shown.
    key: String,
    index: usize,
}

/// The path of the first key that stands twice in its object. `text` is valid JSON.
fn duplicate_key(text: &str) -> Option<String> {
    let mut levels: Vec<Level> = Vec::new();
    let mut tokens = Tokens { text, position: 0 };
    let mut last_text = "";
    while let Some(token) = tokens.next() {
        match token {
            Token::Open(is_object) => {
                let keys = is_object.then(BTreeSet::new);
                levels.push(Level { keys, key: String::new(), index: 0 });
            }
            Token::Close => {
                levels.pop();
            }
            Token::Text(quoted) => last_text = quoted,
            Token::Comma => {
                if let Some(level) = levels.last_mut() {
                    level.index += 1;
                }
            }
            Token::Colon => {
                let key: String = serde_json::from_str(last_text).unwrap_or_default();
                let level = levels.last_mut()?;
                let is_new = level.keys.as_mut()?.insert(key.clone());
                level.key = key;
                if !is_new {
                    return Some(path_of(&levels));
                }
            }
        }
    }
    None
}

fn path_of(levels: &[Level]) -> String {
    let mut path = String::new();
    for level in levels {
        if level.keys.is_some() {
            push_name(&mut path, &level.key);
        } else {
            push_index(&mut path, level.index);
        }
    }
    path
}

/// The parts of JSON that give it its shape; numbers and words are passed over.
enum Token<'a> {
    /// `{` (true) or `[` (false).
    Open(bool),
    Close,
    Colon,
    Comma,
    /// A string with its quotes.
    Text(&'a str),
}

struct Tokens<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.text.as_bytes();
        loop {
            let byte = *bytes.get(self.position)?;
            let start = self.position;
            self.position += 1;
            return Some(match byte {
                b'{' => Token::Open(true),
                b'[' => Token::Open(false),
                b'}' | b']' => Token::Close,
                b':' => Token::Colon,
                b',' => Token::Comma,
                b'"' => {
                    self.skip_text();
                    Token::Text(self.text.get(start..self.position).unwrap_or_default())
                }
                _ => continue,
            });
        }
    }

    /// Moves behind the closing quote, or to the end when there is none.
    fn skip_text(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.position) {
            match byte {
                b'\\' => self.position += 2,
                b'"' => {
                    self.position += 1;
                    return;
                }
                _ => self.position += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_ignores_brackets_inside_text() {
        assert_eq!(depth(r#"{"a":"[[[[\"[[","b":[{}]}"#), 3);
        assert!(is_deeper("[[[]]]", 2));
        assert!(!is_deeper(r#"{"a":"[[[[[["}"#, 2));
        assert_eq!(depth("[[\"never closed [[["), 2);
    }

    #[test]
    fn a_key_that_stands_twice_is_found_with_its_path() {
        for (text, expected) in [
            (r#"{"id":1,"id":2}"#, Some("id")),
            (r#"{"id":1,"i\u0064":2}"#, Some("id")),
            (r#"{"data":{"debtor":{"bank":1,"bank":2}}}"#, Some("data.debtor.bank")),
            (r#"{"data":[{"id":1},{"id":1,"id":2}]}"#, Some("data[1].id")),
            (r#"{"Anna Andersson":1,"Anna Andersson":2}"#, Some("*")),
            (r#"{"id":{"id":"id"},"data":["id","id"]}"#, None),
        ] {
            assert_eq!(duplicate_key(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_names_shown_in_paths_are_those_of_the_schemas() {
        use crate::wire::schema;

        fn collect(part: &serde_json::Value, names: &mut BTreeSet<String>) {
            let inside = |key: &str| part[key].as_object().into_iter().flatten();
            for (name, property) in inside("properties") {
                names.insert(name.clone());
                collect(property, names);
            }
            inside("$defs").for_each(|(_, definition)| collect(definition, names));
        }
        let mut names = BTreeSet::new();
        for (_, schema) in schema::all() {
            // Outputs have no `subject`; their fields never stand in a refusal.
            if schema["properties"]["subject"].is_object() {
                collect(&schema, &mut names);
            }
        }
        let listed: BTreeSet<String> = FIELD_NAMES.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(listed, names);
    }
}
