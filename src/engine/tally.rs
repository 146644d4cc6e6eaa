//! How many different symbols there are, exactly, when each can come and go.
//!
//! Few are searched, many are hashed; nothing ever looks at their order.

use super::strings::Symbol;

/// How often each symbol is inside a window.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    few: Vec<(Symbol, u32)>,
    many: Option<Box<hashbrown::HashMap<Symbol, u32>>>,
}

/// Bytes of one value with its count.
pub const ENTRY_BYTES: usize = size_of::<(Symbol, u32)>();

/// Bytes of the hash table of many values while it is empty.
pub const MANY_BYTES: usize = size_of::<hashbrown::HashMap<Symbol, u32>>();

/// Above this many different values a tally hashes instead of searching.
pub const TALLY_SEARCH_MAX: usize = 16;

impl Tally {
    /// How many different symbols there are.
    pub fn len(&self) -> usize {
        self.many.as_ref().map_or(self.few.len(), |many| many.len())
    }

    /// One more of `symbol`.
    pub fn add(&mut self, symbol: Symbol) {
        if let Some(many) = &mut self.many {
            *many.entry(symbol).or_insert(0) += 1;
            return;
        }
        if let Some((_, count)) = self.few.iter_mut().find(|(kept, _)| *kept == symbol) {
            *count += 1;
        } else if self.few.len() < TALLY_SEARCH_MAX {
            self.few.push((symbol, 1));
        } else {
            let mut many: hashbrown::HashMap<_, _> = self.few.drain(..).collect();
            many.insert(symbol, 1);
            self.many = Some(Box::new(many));
        }
    }

    /// One less of `symbol`, which was added.
    pub fn remove(&mut self, symbol: Symbol) {
        if let Some(many) = &mut self.many {
            if let Some(count) = many.get_mut(&symbol) {
                *count -= 1;
                if *count == 0 {
                    many.remove(&symbol);
                }
            }
            return;
        }
        if let Some(place) = self.few.iter().position(|(kept, _)| *kept == symbol)
            && let Some((_, count)) = self.few.get_mut(place)
        {
            *count -= 1;
            if *count == 0 {
                self.few.swap_remove(place);
            }
        }
    }
}

#[cfg(test)]
impl Tally {
    /// Bytes that it asked for.
    pub fn held(&self) -> usize {
        let many = self.many.as_ref();
        let many = many.map_or(0, |many| size_of_val(many.as_ref()) + many.allocation_size());
        self.few.capacity() * ENTRY_BYTES + many
    }
}
