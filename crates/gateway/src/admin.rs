//! The admin listener: health and metrics. Never on the data port, and never a body from a client.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aegis_audit::Audit;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::app::App;

/// The paths that need no credential; there is no other.
pub const UNAUTHENTICATED_ROUTES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTIONS_MAX: usize = 64;
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves until `stopping` is cancelled.
pub async fn serve(
    app: Arc<App>,
    audit: Audit,
    listener: TcpListener,
    stopping: CancellationToken,
) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => return,
        };
        // Over the limit: closed at once. Health must stay cheap to ask for.
        let (Ok((stream, _)), Ok(place)) = (accepted, places.clone().try_acquire_owned()) else {
            continue;
        };
        let (app, audit) = (app.clone(), audit.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| {
                std::future::ready(Ok::<_, Infallible>(answer(&app, &audit, &request)))
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                debug!(%error, "admin connection ended by an error");
            }
            drop(place);
        });
    }
}

fn answer(app: &App, audit: &Audit, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return reply(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "GET only\n".into(),
        );
    }
    match request.uri().path() {
        "/livez" => reply(StatusCode::OK, "text/plain", "ok\n".into()),
        "/readyz" if !app.is_ready() => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            "not ready\n".into(),
        ),
        "/readyz" if !audit.healthy() => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            "audit store unavailable\n".into(),
        ),
        "/readyz" => reply(StatusCode::OK, "text/plain", "ready\n".into()),
        "/metrics" => {
            app.metrics().audit_healthy.set(i64::from(audit.healthy()));
            reply(StatusCode::OK, OPENMETRICS, app.metrics().render())
        }
        _ => reply(StatusCode::NOT_FOUND, "text/plain", "not found\n".into()),
    }
}

fn reply(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static(content_type),
    );
    response
}
