//! Text as small numbers: every id and word that a rule or a window touches is stored once.
//!
//! Symbols are given out in the order of the log, so they are the same in every run. The table's
//! hash is seeded at random, because ids come from outside; no order of it is ever looked at.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

/// A text's number. Equal texts have equal symbols.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Symbol(pub u32);

impl Symbol {
    /// The symbol as an index into tables that run beside [`Strings`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// All texts, in one arena.
#[derive(Default)]
pub struct Strings {
    bytes: String,
    /// Where text *n* ends; it starts where text *n−1* ends.
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Strings {
    /// The symbol of `text`, stored now if it is new.
    pub fn intern(&mut self, text: &str) -> Symbol {
        let hash = self.hash(text);
        if let Some(symbol) = self.find(hash, text) {
            return symbol;
        }
        let Ok(number) = u32::try_from(self.ends.len()) else {
            // Four billion different texts need 100 GB first; the limit on strings is far below.
            return Symbol(u32::MAX);
        };
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        let Self { bytes, ends, table, hasher } = self;
        table.insert_unique(hash, number, |&stored| hash_of(hasher, text_at(bytes, ends, stored)));
        Symbol(number)
    }

    /// The text of `symbol`.
    pub fn text(&self, symbol: Symbol) -> &str {
        text_at(&self.bytes, &self.ends, symbol.0)
    }

    /// How many texts are stored.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    fn hash(&self, text: &str) -> u64 {
        hash_of(&self.hasher, text)
    }

    fn find(&self, hash: u64, text: &str) -> Option<Symbol> {
        self.table
            .find(hash, |&stored| text_at(&self.bytes, &self.ends, stored) == text)
            .map(|&stored| Symbol(stored))
    }
}

fn hash_of(hasher: &DefaultHashBuilder, text: &str) -> u64 {
    let mut state = hasher.build_hasher();
    state.write(text.as_bytes());
    state.finish()
}

fn text_at<'a>(bytes: &'a str, ends: &[usize], number: u32) -> &'a str {
    let index = number as usize;
    let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    ends.get(index).and_then(|&end| bytes.get(start..end)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_symbols_and_come_back_whole() {
        let mut strings = Strings::default();
        let names: Vec<String> = (0..5_000).map(|number| format!("A{number}")).collect();
        let first: Vec<Symbol> = names.iter().map(|name| strings.intern(name)).collect();
        let second: Vec<Symbol> = names.iter().map(|name| strings.intern(name)).collect();
        assert_eq!(first, second);
        assert_eq!(strings.len(), 5_000);
        assert!(names.iter().zip(&first).all(|(name, &symbol)| strings.text(symbol) == name));
        assert_eq!(strings.intern(""), Symbol(5_000));
        assert_eq!(strings.text(Symbol(5_000)), "");
    }
}
