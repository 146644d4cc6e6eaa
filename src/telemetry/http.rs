//! The listener for probes and scrapes: `/metrics`, `/healthz`, `/readyz`, `/version`.
//!
//! In: [`Metrics`] and [`Health`]. Out: plain HTTP, meant for a loopback or cluster address and
//! never for the public. It changes nothing and shows no customer's data. `/healthz` says that the
//! process answers, whatever the broker and the database do: restarting would not mend those.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use super::health::Health;
use super::metrics::Metrics;

const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON_TYPE: &str = "application/json";
const HTML_TYPE: &str = "text/html; charset=utf-8";

const INDEX: &str = "<!doctype html>\n<html lang=\"en\"><title>Weir</title>\n<h1>Weir</h1>\n<ul>\n\
    <li><a href=\"/metrics\">/metrics</a>: numbers for Prometheus</li>\n\
    <li><a href=\"/healthz\">/healthz</a>: the process answers</li>\n\
    <li><a href=\"/readyz\">/readyz</a>: ready for work, or what is missing</li>\n\
    <li><a href=\"/version\">/version</a>: what runs here</li>\n</ul>\n</html>\n";

/// Why the listener could not be opened or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error(
        "listen on {address} for metrics and health: {source}; is another daemon running there?"
    )]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The listener failed while it was serving.
    #[error("serve metrics and health: {0}")]
    Serve(#[from] std::io::Error),
}

/// What the pages are made of.
#[derive(Clone, Debug)]
pub struct Pages {
    /// The numbers.
    pub metrics: Arc<Metrics>,
    /// The conditions.
    pub health: Health,
    /// The program's version.
    pub version: &'static str,
}

/// Opens the listener; port 0 takes a free one, which the listener can tell.
///
/// # Errors
/// The address is taken or not ours.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Bind { address, source })
}

/// Serves the pages until `shutdown` resolves and open answers are sent.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    pages: Pages,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    axum::serve(listener, router(pages)).with_graceful_shutdown(shutdown).await?;
    Ok(())
}

fn router(pages: Pages) -> Router {
    Router::new()
        .route("/", get(|| async { page(StatusCode::OK, HTML_TYPE, INDEX.to_owned()) }))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { json_page(StatusCode::OK, &json!({"alive": true})) }))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .with_state(pages)
}

async fn metrics(State(pages): State<Pages>) -> Response {
    match pages.metrics.render() {
        Ok(text) => page(StatusCode::OK, METRICS_TYPE, text),
        Err(error) => {
            tracing::error!(error = %error, "The metrics could not be written.");
            page(StatusCode::INTERNAL_SERVER_ERROR, METRICS_TYPE, String::new())
        }
    }
}

async fn ready(State(pages): State<Pages>) -> Response {
    let missing = pages.health.missing();
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_page(status, &json!({"ready": missing.is_empty(), "missing": missing}))
}

async fn version(State(pages): State<Pages>) -> Response {
    json_page(StatusCode::OK, &json!({"name": "weir", "version": pages.version}))
}

fn json_page(status: StatusCode, value: &serde_json::Value) -> Response {
    page(status, JSON_TYPE, format!("{value}\n"))
}

fn page(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Condition;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    /// Status line, headers and body of one request to a fresh listener.
    async fn request(health: &Health, path: &str) -> String {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let metrics = Arc::new(Metrics::new("1.2.3").expect("metrics"));
        let pages = Pages { metrics, health: health.clone(), version: "1.2.3" };
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, pages, async {
            let _ = stopped.await;
        }));
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await.expect("request sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answer read");
        stop.send(()).expect("server listens for the stop");
        server.await.expect("no panic").expect("clean stop");
        answer
    }

    fn ready_health() -> Health {
        let health = Health::new();
        for &condition in Condition::ALL {
            health.met(condition);
        }
        health
    }

    #[tokio::test]
    async fn metrics_are_served_as_prometheus_text() {
        let answer = request(&Health::new(), "/metrics").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
        assert!(answer.contains("\nweir_build_info{version=\"1.2.3\"} 1\n"), "{answer}");
    }

    #[tokio::test]
    async fn alive_even_when_nothing_is_ready() {
        let answer = request(&Health::new(), "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn not_ready_lists_what_is_missing_and_what_to_do() {
        let health = ready_health();
        health.unmet(Condition::Log, "the broker does not answer");
        let answer = request(&health, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["ready"], false);
        assert_eq!(body["missing"][0]["condition"], "log");
        assert_eq!(body["missing"][0]["message"], "the broker does not answer");
        assert_eq!(body["missing"][0]["remedy"], Condition::Log.remedy());
        assert_eq!(body["missing"][1], serde_json::Value::Null);
    }

    #[tokio::test]
    async fn ready_when_everything_holds() {
        let answer = request(&ready_health(), "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("\"ready\":true"), "{answer}");
    }

    #[tokio::test]
    async fn first_page_links_every_other() {
        let answer = request(&Health::new(), "/").await;
        for path in ["/metrics", "/healthz", "/readyz", "/version"] {
            assert!(answer.contains(&format!("href=\"{path}\"")), "{path} is not linked");
            let linked = request(&ready_health(), path).await;
            assert!(linked.starts_with("HTTP/1.1 200"), "{linked}");
        }
    }

    #[tokio::test]
    async fn version_names_the_program() {
        let answer = request(&Health::new(), "/version").await;
        assert!(answer.ends_with("{\"name\":\"weir\",\"version\":\"1.2.3\"}\n"), "{answer}");
    }

    #[tokio::test]
    async fn unknown_page_is_not_found() {
        let answer = request(&Health::new(), "/customers").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }

    #[tokio::test]
    async fn taken_address_is_named() {
        let first = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let address = first.local_addr().expect("its address");
        let error = bind(address).await.expect_err("the address is taken");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}
