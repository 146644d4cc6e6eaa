#![doc = include_str!("README.md")]

// The order to read them in is in the page above: domain, rulebook, engine, wire, pipeline, edges.
pub mod cli;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod files;
pub mod handbook;
pub mod lsp;
pub mod nats;
pub mod pipeline;
pub mod publish;
pub mod rulebook;
pub mod store;
pub mod telemetry;
pub mod wire;
