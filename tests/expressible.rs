//! The language can say what anti-money-laundering asks for: sixty rules of six families, one file each.
//!
//! `tests/expressible` holds the conditions only, with the fields that a deployment would declare for
//! them. They are not rules to run: the shipped packs have thresholds with reasons, exceptions and tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use weir::engine::{Engine, Limits};
use weir::files;
use weir::rulebook::diagnostic::Level;
use weir::rulebook::loader;

/// Families by the beginning of their rules' names, and how many rules each has.
const FAMILIES: &[(&str, usize)] =
    &[("as", 4), ("ft", 11), ("ki", 12), ("ra", 12), ("ts", 9), ("va", 12)];

#[test]
fn sixty_rules_of_six_families_can_be_said_and_compiled() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expressible");
    let loaded = loader::load(&files::read_folder(&folder).expect("readable files"));
    let errors: Vec<_> =
        loaded.diagnostics.iter().filter(|problem| problem.level == Level::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let rulebook = loaded.rulebook.expect("sound files");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in &rulebook.rules {
        let family = rule.name.split('-').next().unwrap_or_default();
        *counts.entry(family).or_default() += 1;
    }
    assert_eq!(counts, FAMILIES.iter().copied().collect());
    let engine = Engine::new(Arc::new(rulebook), Limits::default());
    assert_eq!(engine.rulebook().rules.len(), 60);
}
