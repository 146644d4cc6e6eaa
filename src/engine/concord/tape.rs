//! Choices read from a tape of bytes: shorter tapes and smaller bytes give simpler things.
//!
//! So whatever is generated shrinks as the tape does. Behind its end every choice is the first one.

/// A tape and how far it was read.
pub struct Tape<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tape<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % end
    }

    /// One of `items`.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Rarely true: about one in `n`; never behind the end.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// One of `items`, or now and then nothing.
    pub fn maybe<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let place = self.below(items.len() + 1);
        items.get(place).copied()
    }
}
