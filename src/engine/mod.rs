//! The engine: given state, rulebook and one event, the new state and an [`outcome::Outcome`].

pub mod outcome;
