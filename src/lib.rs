#![doc = include_str!("README.md")]

// In reading order: the nouns, the language, the judgement, then the edges and the wiring.
pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod engine;
pub mod files;
pub mod nats;
pub mod pipeline;
pub mod publish;
pub mod rulebook;
pub mod store;
pub mod telemetry;
pub mod wire;
