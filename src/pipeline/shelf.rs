//! Rulebooks by digest, shared by who loads them and who judges.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::rulebook::Rulebook;

/// Rulebooks by digest, for activations that come over the log.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<BTreeMap<String, Arc<Rulebook>>>>);

impl Shelf {
    /// Puts a rulebook on the shelf.
    pub fn put(&self, rulebook: Arc<Rulebook>) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.insert(rulebook.digest.clone(), rulebook);
    }

    /// The rulebook with this digest.
    #[must_use]
    pub fn get(&self, digest: &str) -> Option<Arc<Rulebook>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }
}
