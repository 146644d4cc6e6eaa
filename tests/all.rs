//! The one integration-test binary: modules below, shared fakes in `support`.

mod wire;
