//! The built-in schema is whole, and says what the program believes.

use super::*;
use crate::domain::event::{Initiator, TransactionKind, TransactionStatus};
use crate::domain::{Risk, Segment, Verification};

#[test]
fn the_built_in_places_are_those_of_the_built_in_schema() {
    let catalogue = Catalogue::built_in();
    let paths: Vec<&str> = catalogue.paths().collect();
    assert_eq!(paths, BUILT_IN_FIELDS);
    assert_eq!(read::built_in(BUILT_IN).1, []);
    let words: Vec<&str> = catalogue.roles().iter().map(|role| role.word.as_str()).collect();
    assert_eq!(words, BUILT_IN_ROLES);
    for field in catalogue.fields() {
        assert_eq!(catalogue.by_path(&field.path).map(|found| found.slot), Some(field.slot));
    }
    for role in catalogue.roles() {
        assert_eq!(catalogue.role(&role.word), Some(role.role));
    }
}

#[test]
fn closed_sets_are_the_words_of_the_domain() {
    let catalogue = Catalogue::built_in();
    for (slot, words) in [
        (Slot::TX_TYPE, TransactionKind::WORDS),
        (Slot::TX_STATUS, TransactionStatus::WORDS),
        (Slot::TX_INITIATOR, Initiator::WORDS),
        (Slot::CUSTOMER_STATE, Verification::WORDS),
        (Slot::CUSTOMER_RISK, Risk::WORDS),
        (Slot::CUSTOMER_SEGMENT, Segment::WORDS),
    ] {
        assert_eq!(catalogue.field(slot).words(), words, "{}", catalogue.field(slot).path);
    }
}

#[test]
fn every_role_is_carried_by_a_text_of_its_family_or_by_a_fact() {
    let catalogue = Catalogue::built_in();
    for role in catalogue.roles() {
        let slots = Family::ALL.map(|family| (family, catalogue.role_slot(role.role, family)));
        assert!(slots.iter().any(|(_, slot)| slot.is_some()), "{}", role.word);
        for (family, slot) in slots {
            let Some(field) = slot.map(|slot| catalogue.field(slot)) else { continue };
            assert_eq!(field.ty, Type::Text, "{}", role.word);
            assert!(field.family.is_none_or(|own| own == family), "{}", role.word);
        }
    }
}
