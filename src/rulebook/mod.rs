//! From rule files to one immutable, checked [`Rulebook`], with every problem reported.
//!
//! Text becomes a spanned tree (`source`), the tree a rule with parsed expressions (`parse`), the rule
//! a checked one (`check`). Nothing here does I/O: texts come in, values and diagnostics go out.

pub mod catalogue;
pub mod diagnostic;
pub mod example;
pub mod example_reader;
pub mod lexer;
pub mod parse;
pub mod source;
pub mod syntax;
pub mod typed;

pub use typed::{Rule, Rulebook};
