//! What a connection hands its requests to: the current policy's stack, and what outlives policies.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use aegis_core::{Body, BoxError, Exchange, Peer, Reason, Received, Rejection};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use tracing::info;

use crate::metrics::Metrics;
use crate::policy::GatewayListenSpec;
use crate::router::{Matched, Router};
use crate::stack::Stack;

/// The response header that carries the request id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One loaded policy, ready to serve.
#[derive(Debug)]
pub struct Snapshot {
    /// Its routes.
    pub router: Router,
    /// Its stack.
    pub stack: Stack,
    /// Its digest, named by every event.
    pub digest: Arc<str>,
}

/// The gateway behind its listeners.
#[derive(Debug)]
pub struct App {
    snapshot: ArcSwap<Snapshot>,
    listen: GatewayListenSpec,
    metrics: Arc<Metrics>,
    ready: AtomicBool,
}

/// Ends the request's measurement when the reply's body is dropped, however that comes about.
struct Measured {
    exchange: Arc<Exchange>,
    metrics: Arc<Metrics>,
}

struct MeasuredBody {
    // Dropped in this order: the record of the ending is made by the inner body.
    inner: Body,
    _measured: Measured,
}

// === impl App ===

impl App {
    /// An app that serves `snapshot`.
    #[must_use]
    pub fn new(snapshot: Snapshot, listen: GatewayListenSpec, metrics: Arc<Metrics>) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            listen,
            metrics,
            ready: AtomicBool::new(false),
        }
    }

    /// Serves another policy from now on; requests under way finish on the old one.
    pub fn swap(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// The digest of the policy being served.
    #[must_use]
    pub fn digest(&self) -> Arc<str> {
        self.snapshot.load().digest.clone()
    }

    /// The listener's limits.
    #[must_use]
    pub const fn listen(&self) -> &GatewayListenSpec {
        &self.listen
    }

    /// The metrics.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Says whether requests are welcome.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
        self.metrics.set_ready(ready);
    }

    /// Whether requests are welcome.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Answers one request. Never fails: a refusal is an answer too.
    pub async fn handle(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let snapshot = self.snapshot.load_full();
        let (head, body) = request.into_parts();
        let matched = snapshot.router.find(&head.method, head.uri.path());
        let route = match &matched {
            Matched::Route(route) | Matched::WrongMethod(route, _) => Some(route.clone()),
            Matched::Nothing => None,
        };
        let exchange = Arc::new(Exchange::new(peer, route, snapshot.digest.clone()));
        self.metrics.begin();
        let measured = Measured {
            exchange: exchange.clone(),
            metrics: self.metrics.clone(),
        };
        let body = body.map_err(BoxError::from).boxed_unsync();
        let received = Received {
            exchange: exchange.clone(),
            head,
            body,
        };
        let answer = match matched {
            Matched::Route(_) | Matched::Nothing => snapshot.stack.serve(received).await,
            Matched::WrongMethod(_, allowed) => {
                snapshot
                    .stack
                    .refuse(received, wrong_method(&allowed))
                    .await
            }
        };
        let response = answer.unwrap_or_else(|never| match never {});
        finish(response, measured)
    }
}

fn wrong_method(allowed: &http::Method) -> Rejection {
    let rejection = Rejection::new(
        Reason::MethodNotAllowed,
        format!("This route takes {allowed} only."),
    );
    match HeaderValue::from_str(allowed.as_str()) {
        Ok(value) => rejection.with_header(http::header::ALLOW, value),
        Err(_) => rejection,
    }
}

/// Adds what every response carries.
fn finish(response: Response<Body>, measured: Measured) -> Response<Body> {
    let (mut head, inner) = response.into_parts();
    let id = HeaderValue::from_str(&measured.exchange.id.to_string());
    head.headers.extend(id.map(|id| (REQUEST_ID, id)));
    for (name, value) in measured
        .exchange
        .note(|trail| std::mem::take(&mut trail.reply_headers))
    {
        head.headers.entry(name).or_insert(value);
    }
    let body = MeasuredBody {
        inner,
        _measured: measured,
    };
    Response::from_parts(head, BodyExt::boxed_unsync(body))
}

// === impl Measured ===

impl Drop for Measured {
    fn drop(&mut self) {
        self.metrics.end(&self.exchange);
        let trail = self.exchange.trail();
        info!(
            request_id = %self.exchange.id,
            route = self.exchange.route.as_ref().map_or("none", |route| &route.name),
            verdict = trail.verdict.as_str(),
            reason = trail.reason.map_or("none", Reason::as_str),
            ending = trail.ending.map_or("unknown", aegis_core::Ending::as_str),
            status = trail.status.unwrap_or(0),
            duration_us = u64::try_from(self.exchange.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}

// === impl MeasuredBody ===

impl http_body::Body for MeasuredBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
