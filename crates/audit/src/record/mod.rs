//! The outermost stage: exactly one completion event for every request.
//!
//! 1. The request takes the place of its completion in the audit queue. If the log is down, the
//!    request is refused at once and no stage below sees it.
//! 2. The stages run; a panic of theirs is caught.
//! 3. A refusal is rendered, recorded, and only then returned. If it can't be recorded, 503
//!    (`audit_unavailable`) is returned in its place.
//! 4. A reply is returned with its body wrapped: its completion is queued when the body ends,
//!    fails, or is dropped.
//!
//! The completion lives in a drop guard from the first moment: a client that goes away, wherever
//! the request stands, leaves its event too. Events that could not be written when they should
//! have been are kept, and no new request is let in until they are.
//!
//! ```
//! # use aegis_audit::{Audit, RecordLayer};
//! # use aegis_core::{Received, Rejection, Released, full_body};
//! # use tower::{Layer, service_fn};
//! # fn stack(audit: Audit) {
//! let rescue = |_: &aegis_core::Exchange, rejection: &Rejection| {
//!     let mut response = http::Response::new(full_body("refused"));
//!     *response.status_mut() = rejection.status();
//!     response
//! };
//! let inner = service_fn(|_: Received| async {
//!     Ok::<_, Rejection>(Released::new(http::Response::new(full_body("answer"))))
//! });
//! let service = RecordLayer::new(audit, std::sync::Arc::new(rescue)).layer(inner);
//! # }
//! ```

mod body;
mod completion;

use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use aegis_core::{Body, Ending, Exchange, Reason, Received, Rejection, Released};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Response;
use tower::{Layer, Service, ServiceExt as _};

use self::body::RecordBody;
use self::completion::Completion;
use crate::writer::Audit;

/// Renders a refusal in the caller's own format.
pub type Rescue = Arc<dyn Fn(&Exchange, &Rejection) -> Response<Body> + Send + Sync>;

/// Records how every request ends.
#[derive(Clone)]
pub struct RecordLayer {
    audit: Audit,
    rescue: Rescue,
}

/// See [`RecordLayer`].
#[derive(Clone)]
pub struct RecordService<S> {
    inner: S,
    layer: RecordLayer,
}

// === impl RecordLayer ===

impl RecordLayer {
    /// Records in `audit`; refusals are rendered by `rescue`.
    #[must_use]
    pub const fn new(audit: Audit, rescue: Rescue) -> Self {
        Self { audit, rescue }
    }

    /// Runs the stages and records how it ends.
    async fn serve<S>(&self, inner: S, received: Received) -> Response<Body>
    where
        S: Service<Received, Response = Released, Error = Rejection>,
    {
        let exchange = received.exchange.clone();
        let slot = match self.audit.slot() {
            Ok(slot) => slot,
            Err(error) => {
                drop(received);
                return self.turn_away(&exchange, &error.into());
            }
        };
        let completion = Completion::new(exchange, slot);
        let run = AssertUnwindSafe(inner.oneshot(received)).catch_unwind();
        match run.await {
            Ok(Ok(released)) => RecordBody::wrap(released.into_response(), completion),
            Ok(Err(rejection)) => self.refuse(completion, &rejection, Ending::Refused).await,
            Err(_) => {
                let rejection = Rejection::new(Reason::Internal, "Internal error.")
                    .with_detail("a stage panicked");
                self.refuse(completion, &rejection, Ending::Panicked).await
            }
        }
    }

    async fn refuse(
        &self,
        completion: Completion,
        rejection: &Rejection,
        ending: Ending,
    ) -> Response<Body> {
        let exchange = completion.exchange().clone();
        let response = self.render(&exchange, rejection);
        exchange.note_rejection(rejection);
        completion::note_response(&exchange, &response, ending);
        match completion.refused().await {
            Ok(()) => response,
            Err(error) => self.render(&exchange, &error.into()),
        }
    }

    /// Refuses a request for which there is no place in the log.
    fn turn_away(&self, exchange: &Exchange, rejection: &Rejection) -> Response<Body> {
        let response = self.render(exchange, rejection);
        exchange.note_rejection(rejection);
        completion::note_response(exchange, &response, Ending::Refused);
        self.audit.keep(crate::details::completed(exchange));
        response
    }

    /// A panic while rendering must not cost the record either.
    fn render(&self, exchange: &Exchange, rejection: &Rejection) -> Response<Body> {
        let render = AssertUnwindSafe(|| (self.rescue)(exchange, rejection));
        std::panic::catch_unwind(render).unwrap_or_else(|_| {
            let mut response = Response::new(aegis_core::empty_body());
            *response.status_mut() = rejection.status();
            response
        })
    }
}

impl<S> Layer<S> for RecordLayer {
    type Service = RecordService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RecordService {
            inner,
            layer: self.clone(),
        }
    }
}

impl fmt::Debug for RecordLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordLayer").finish_non_exhaustive()
    }
}

// === impl RecordService ===

impl<S> Service<Received> for RecordService<S>
where
    S: Service<Received, Response = Released, Error = Rejection> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    /// A refusal is a response here.
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // The stages below are asked within the call: what they refuse then is recorded as well.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, received: Received) -> Self::Future {
        let (layer, inner) = (self.layer.clone(), self.inner.clone());
        Box::pin(async move { Ok(layer.serve(inner, received).await) })
    }
}

impl<S> fmt::Debug for RecordService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordService").finish_non_exhaustive()
    }
}
