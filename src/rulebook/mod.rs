//! From rule files to one immutable, checked [`Rulebook`], with every problem reported.
//!
//! Text becomes a spanned tree (`source`), the expressions in it syntax (`lexer`, `parse`), the whole a
//! checked rule (`check`), all files together a rulebook (`loader`). `lint` warns of rules that are right
//! but hardly meant; `elsewhere` knows what other languages write. Nothing here does I/O: texts come in, values and diagnostics go out; `render` and
//! `sarif` write the diagnostics.

pub mod aggregate;
pub mod call;
pub mod catalogue;
pub mod check;
pub mod codes;
pub mod compose;
pub mod describe;
pub mod diagnostic;
pub mod elsewhere;
pub mod example;
pub mod example_reader;
pub mod folder;
pub mod format;
pub mod institution;
pub mod lexer;
pub mod lint;
pub mod list;
pub mod lists;
pub mod loader;
pub mod meaning;
pub mod metadata;
pub mod mutate;
pub mod numerals;
pub mod parse;
pub mod pattern;
pub mod personal;
pub mod reference;
pub mod render;
pub mod sarif;
pub mod scaffold;
pub mod schema;
pub mod shrink;
pub mod source;
pub mod syntax;
pub mod truth;
pub mod typed;
pub mod waking;

pub use loader::{Loaded, load};
pub use typed::{Rule, Rulebook};
