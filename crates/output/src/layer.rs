//! The stage: a provider's `Reply` becomes `Released`, or a refusal.
//!
//! 1. The `Content-Type` says what the body is; anything but JSON and an event stream is refused.
//! 2. A JSON body is read whole (with a cap), filtered and sent with its new length; long ones are
//!    filtered off the reactor.
//! 3. An event stream is wrapped in a [`FilteredBody`] and filtered as the client reads it.
//! 4. The request's guards move into the response body, so that what they hold (a seat among the
//!    concurrent requests, a reservation of tokens) is held until the last byte.
//!
//! Cancel safety: dropping the future drops the provider's reply and the guards.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aegis_core::{
    Body, BoxError, Exchange, GenericFields, Guards, Operation, ReadError, Reason, Recorded,
    Rejection, Released, Reply, read_capped,
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::response::Parts;
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tower::{Layer, Service};

use crate::filter::OutputFilter;
use crate::head::{BodyKind, body_kind, remove_digests, remove_length, set_length};
use crate::refusal::{broken_off_by, invalid};
use crate::stream::{FilteredBody, StreamFilter};
use crate::whole::{WholeReply, filter_whole};

/// Replies up to this many bytes are filtered on the reactor.
pub const INLINE_BYTES_MAX: usize = 64 << 10;

/// Filters the replies of a service that talks to providers.
#[derive(Debug, Clone)]
pub struct OutputLayer {
    filter: Arc<OutputFilter>,
}

/// The service that [`OutputLayer`] makes.
#[derive(Debug, Clone)]
pub struct OutputService<S> {
    inner: S,
    filter: Arc<OutputFilter>,
}

/// What is needed of a request when its reply comes.
struct Asked {
    exchange: Arc<Exchange>,
    operation: Operation,
    generic: Option<Arc<GenericFields>>,
    guards: Guards,
}

/// A whole body that keeps the request's guards.
struct GuardedBody {
    bytes: Option<Bytes>,
    _guards: Guards,
}

// === impl OutputLayer ===

impl OutputLayer {
    /// A layer that runs `filter`.
    #[must_use]
    pub const fn new(filter: Arc<OutputFilter>) -> Self {
        Self { filter }
    }
}

impl<S> Layer<S> for OutputLayer {
    type Service = OutputService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OutputService {
            inner,
            filter: self.filter.clone(),
        }
    }
}

// === impl OutputService ===

impl<S> Service<Recorded> for OutputService<S>
where
    S: Service<Recorded, Response = Reply, Error = Rejection> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Released;
    type Error = Rejection;
    type Future = BoxFuture<'static, Result<Released, Rejection>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Recorded) -> Self::Future {
        // The clone that was polled ready is the one to call.
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        let filter = self.filter.clone();
        Box::pin(async move {
            let asked = Asked::take(&mut request);
            let reply = inner.call(request).await?;
            filter.release(reply, asked).await
        })
    }
}

// === impl Asked ===

impl Asked {
    fn take(request: &mut Recorded) -> Self {
        let guards = request.admitted_mut().take_guards();
        let exchange = request.admitted().exchange().clone();
        let route = exchange.route.clone();
        Self {
            operation: route
                .as_ref()
                .map_or(Operation::Generic, |route| route.operation),
            generic: route.and_then(|route| route.generic.clone()),
            exchange,
            guards,
        }
    }
}

// === impl OutputFilter ===

impl OutputFilter {
    async fn release(&self, reply: Reply, asked: Asked) -> Result<Released, Rejection> {
        let (head, body) = reply.into_response().into_parts();
        if head.status == StatusCode::NO_CONTENT {
            return self.release_empty(head, body, asked).await;
        }
        match body_kind(&head)? {
            BodyKind::Json => self.release_whole(head, body, asked).await,
            BodyKind::Events => Ok(self.release_stream(head, body, asked)),
        }
    }

    /// A reply whose status says that it has no body.
    async fn release_empty(
        &self,
        head: Parts,
        body: Body,
        asked: Asked,
    ) -> Result<Released, Rejection> {
        let nothing = read_capped(body, 0).await;
        nothing.map_err(|_| invalid("the reply has a body where its status allows none"))?;
        Ok(released(head, GuardedBody::new(Bytes::new(), asked.guards)))
    }

    async fn release_whole(
        &self,
        mut head: Parts,
        body: Body,
        asked: Asked,
    ) -> Result<Released, Rejection> {
        let raw = read_capped(body, self.body_max()).await;
        let filtered = self.filter_body(raw.map_err(unread)?, &asked).await?;
        let exchange = &asked.exchange;
        exchange.note(|trail| trail.usage.merge(filtered.usage));
        exchange.note_threats(filtered.verdict, filtered.threats);
        let bytes = filtered.body?;
        if filtered.changed {
            remove_digests(&mut head.headers);
        }
        set_length(&mut head.headers, bytes.len());
        Ok(released(head, GuardedBody::new(bytes, asked.guards)))
    }

    async fn filter_body(&self, raw: Bytes, asked: &Asked) -> Result<WholeReply, Rejection> {
        let redactor = self.redactor().clone();
        let (operation, generic) = (asked.operation, asked.generic.clone());
        if raw.len() <= INLINE_BYTES_MAX {
            return filter_whole(&redactor, operation, generic.as_deref(), raw);
        }
        let work = move || filter_whole(&redactor, operation, generic.as_deref(), raw);
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| {
            let rejection = Rejection::new(Reason::Internal, "The reply could not be checked.");
            Err(rejection.with_detail(error))
        })
    }

    fn release_stream(&self, mut head: Parts, body: Body, asked: Asked) -> Released {
        remove_length(&mut head.headers);
        let filter = StreamFilter::new(
            self.redactor().clone(),
            asked.operation,
            asked.generic,
            asked.exchange,
        );
        released(head, FilteredBody::new(body, filter, asked.guards))
    }
}

fn released<B>(head: Parts, body: B) -> Released
where
    B: http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static,
{
    Released::new(Response::from_parts(head, body.boxed_unsync()))
}

/// The refusal of a reply whose body could not be read.
fn unread(error: ReadError) -> Rejection {
    match error {
        ReadError::TooLarge { .. } => invalid("the reply is longer than output.body_max"),
        ReadError::Failed(error) => broken_off_by(&error),
    }
}

// === impl GuardedBody ===

impl GuardedBody {
    fn new(bytes: Bytes, guards: Guards) -> Self {
        Self {
            bytes: Some(bytes).filter(|bytes| !bytes.is_empty()),
            _guards: guards,
        }
    }
}

impl http_body::Body for GuardedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

#[cfg(test)]
mod tests;
