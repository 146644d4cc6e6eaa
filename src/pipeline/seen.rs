//! Which events were judged already: idempotency by source and id, within a bounded horizon.
//!
//! A producer that retries after a lost acknowledgement sends the same event twice; the broker's own
//! de-duplication forgets after minutes. Here the last `horizon` ids are remembered, in the order of the
//! log, together with a hash of the content: the same id with another content is a conflict, not a
//! repetition.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashMap};

/// What an id says about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Not seen within the horizon.
    New,
    /// Seen, with the same content.
    Same,
    /// Seen, with another content.
    Different,
}

/// The ids of the last events.
pub struct Seen {
    by_id: HashMap<u128, u64>,
    order: VecDeque<u128>,
    horizon: usize,
    hashers: [DefaultHashBuilder; 2],
}

impl Seen {
    /// Remembers the last `horizon` ids.
    #[must_use]
    pub fn new(horizon: usize) -> Self {
        let hashers = [DefaultHashBuilder::default(), DefaultHashBuilder::default()];
        Self { by_id: HashMap::default(), order: VecDeque::new(), horizon, hashers }
    }

    /// Looks an event up and remembers it if it is new.
    ///
    /// Ids are kept as 128 bits of two hashes with random seeds, so a collision can neither be made on
    /// purpose nor be expected within the life of the universe; memory is 40 bytes per id.
    pub fn check(&mut self, source: &str, id: &str, payload: &[u8]) -> Sighting {
        let [low, high] = self.hashers.each_ref().map(|hasher| {
            let mut state = hasher.build_hasher();
            state.write_usize(source.len());
            state.write(source.as_bytes());
            state.write(id.as_bytes());
            state.finish()
        });
        let key = (u128::from(high) << 64) | u128::from(low);
        let [hasher, _] = &self.hashers;
        let mut state = hasher.build_hasher();
        state.write(payload);
        let content = state.finish();
        match self.by_id.get(&key) {
            Some(&known) if known == content => return Sighting::Same,
            Some(_) => return Sighting::Different,
            None => {}
        }
        self.by_id.insert(key, content);
        self.order.push_back(key);
        if self.order.len() > self.horizon
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        Sighting::New
    }

    /// How many ids are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_until_the_horizon_passes_it() {
        let mut seen = Seen::new(2);
        assert_eq!(seen.check("bank", "1", b"a"), Sighting::New);
        assert_eq!(seen.check("bank", "1", b"a"), Sighting::Same);
        assert_eq!(seen.check("bank", "1", b"b"), Sighting::Different);
        assert_eq!(seen.check("other", "1", b"a"), Sighting::New, "ids belong to a source");
        assert_eq!(seen.check("ban", "k1", b"a"), Sighting::New, "parts do not run together");
        assert_eq!(seen.check("bank", "1", b"a"), Sighting::New, "two newer ids came");
        assert_eq!(seen.len(), 2);
    }
}
