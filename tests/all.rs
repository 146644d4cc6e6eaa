//! The one integration-test binary: modules below, shared fakes in `support`.

// `cfg(test)` is always true here; it tells the lints that helpers in these files are test code.
#[cfg(test)]
mod author;
#[cfg(test)]
mod check;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod dashboards;
#[cfg(test)]
mod diagnostics;
#[cfg(test)]
mod end_to_end;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod explained;
#[cfg(test)]
mod expressible;
#[cfg(test)]
mod format;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod handbook;
#[cfg(test)]
mod licences;
#[cfg(test)]
mod lsp;
#[cfg(test)]
mod nats_edge;
#[cfg(test)]
mod pipeline;
#[cfg(test)]
mod publish;
#[cfg(test)]
mod rule_mutants;
#[cfg(test)]
mod rule_schema;
#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod rulebook;
#[cfg(test)]
mod store_contract;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod wire;
