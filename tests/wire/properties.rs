//! Whatever arrives, the decoder answers, and answers the same way twice.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{IDENTITY, SECURITY, TRANSACTION, decoder, stored_at};

/// One small damage of a valid message.
#[derive(Clone, Debug)]
enum Damage {
    Replace(Index, u8),
    Remove(Index),
    Insert(Index, Vec<u8>),
    Cut(Index),
    Repeat(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            &b"null"[..],
            b"1e999",
            b"[",
            b"{",
            b"\"",
            b"\\",
            b"\\ud800",
            b"\\u0000",
            b"-0",
            b"\xff",
            b"\xc2\x85",
            b",",
            b":",
            b"}",
            b"\"id\":\"x\",",
            b"true",
        ])
        .prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Damage::Replace(place, byte)),
        any::<Index>().prop_map(Damage::Remove),
        (any::<Index>(), piece).prop_map(|(place, bytes)| Damage::Insert(place, bytes)),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn apply(mut message: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if message.is_empty() {
            break;
        }
        let size = message.len();
        match damage {
            Damage::Replace(place, byte) => message[place.index(size)] = *byte,
            Damage::Remove(place) => drop(message.remove(place.index(size))),
            Damage::Insert(place, bytes) => {
                let place = place.index(size);
                message.splice(place..place, bytes.iter().copied());
            }
            Damage::Cut(place) => message.truncate(place.index(size)),
            Damage::Repeat(from, to) => {
                let (from, to) = (from.index(size), to.index(size));
                let piece = message[from.min(to)..from.max(to)].to_vec();
                message.splice(from..from, piece);
            }
        }
    }
    message
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_answered(payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let decoder = decoder();
        prop_assert_eq!(
            decoder.decode(&[], &payload, stored_at()),
            decoder.decode(&[], &payload, stored_at())
        );
    }

    #[test]
    fn a_damaged_message_is_answered(
        message in prop::sample::select(vec![TRANSACTION, IDENTITY, SECURITY]),
        damages in prop::collection::vec(damage(), 1..4),
        is_binary in any::<bool>(),
    ) {
        let payload = apply(message.as_bytes().to_vec(), &damages);
        let headers: Vec<(String, String)> = if is_binary {
            let rows = [("ce-specversion", "1.0"), ("ce-id", "i"), ("ce-source", "s"),
                ("ce-type", "aml.transaction.v1"), ("ce-time", "2026-03-01T11:00:00Z")];
            rows.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
        } else {
            Vec::new()
        };
        let decoder = decoder();
        let first = decoder.decode(&headers, &payload, stored_at());
        if let Err(refusal) = &first {
            prop_assert_ne!(refusal.reason, weir::domain::Reason::Internal, "{}", refusal);
        }
        prop_assert_eq!(&first, &decoder.decode(&headers, &payload, stored_at()));
    }
}
