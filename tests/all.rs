//! The one integration-test binary: modules below, shared fakes in `support`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic: a panic is a failed test"
)]

mod dashboards;
mod diagnostics;
mod licences;
mod rulebook;
mod tidy;
mod wire;
