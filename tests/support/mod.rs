//! Shared by the integration tests: a real broker of one's own, and invented data.
//!
//! In: nothing. Out: a running broker with a connected client, and commits that are obviously made up.
//! A missing server fails the test that asked for one, with the one-line remedy.

use weir::nats::{Broker, BrokerOptions, Client};

/// A broker for one test, and a connection to it. The server ends when this is dropped.
pub struct TestBroker {
    /// Connected without patience.
    pub client: Client,
    /// Its settings, address and folder.
    pub broker: Broker,
}

/// Starts a broker for one test.
pub async fn broker() -> TestBroker {
    broker_with(BrokerOptions::default()).await
}

/// Starts a broker with options.
pub async fn broker_with(options: BrokerOptions) -> TestBroker {
    // The error's text is the remedy, so it is what the test fails with.
    let broker = Broker::start(options).await.unwrap_or_else(|error| panic!("{error}"));
    let client = broker.client().await.unwrap_or_else(|error| panic!("{error}"));
    TestBroker { client, broker }
}
