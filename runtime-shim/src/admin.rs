//! The admin listener: `/metrics`, `/ready`, `/live`. It has an address of its
//! own, so that nothing of it can be reached through the application's.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::metrics::Metrics;

/// Probes and a scraper; more is a mistake.
const CONNECTIONS: usize = 32;
/// Probes ask at once; a client that says nothing keeps them from their place for no longer.
const HEADER_WAIT: Duration = Duration::from_secs(5);

/// A client that reads nothing has its place for no longer.
const CONNECTION: Duration = Duration::from_secs(10 * 60);

/// Serves until dropped. Not ready once `stop` is set.
pub async fn serve(metrics: Arc<Metrics>, listener: TcpListener, stop: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (metrics, stop) = (Arc::clone(&metrics), stop.clone());
        tokio::spawn(async move {
            let _slot = slot;
            let service = service_fn(|request| {
                let response = answer(&metrics, *stop.borrow(), &request);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEADER_WAIT);
            let served = builder.serve_connection(TokioIo::new(stream), service);
            match timeout(CONNECTION, served).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!("admin connection ended: {error}"),
                Err(_) => tracing::debug!("admin connection kept for too long"),
            }
        });
    }
}

fn answer(metrics: &Metrics, stopping: bool, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, kind, text) = match request.uri().path() {
        "/live" => (StatusCode::OK, "text/plain", b"live\n".to_vec()),
        "/ready" if stopping => {
            (StatusCode::SERVICE_UNAVAILABLE, "text/plain", b"draining\n".to_vec())
        }
        "/ready" => (StatusCode::OK, "text/plain", b"ready\n".to_vec()),
        "/metrics" => (StatusCode::OK, "text/plain; version=0.0.4", metrics.text()),
        _ => (StatusCode::NOT_FOUND, "text/plain", b"/live /ready /metrics\n".to_vec()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
