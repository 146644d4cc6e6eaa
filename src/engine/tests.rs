//! The engine's behavior: apply events, compare outcomes.
