//! The decision to let a request through, on record before a provider sees the request.
//!
//! Stands between Prompt Armor and the output checks. The event holds what the input checks said;
//! under `strict` it is on disk when the request goes on. A request that was refused before it
//! came here has one event only, its completion.
//!
//! Cancel safety: when the client goes away while the decision is being written, the decision may
//! be on record without a dispatch; never the other way round.

use std::fmt;
use std::task::{Context, Poll};

use aegis_core::{Cleared, Recorded, Rejection};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use crate::details;
use crate::writer::Audit;

/// Records every decision to let a request through.
#[derive(Debug, Clone)]
pub struct DecideLayer {
    audit: Audit,
}

/// See [`DecideLayer`].
#[derive(Clone)]
pub struct DecideService<S> {
    inner: S,
    audit: Audit,
}

// === impl DecideLayer ===

impl DecideLayer {
    /// Records in `audit`.
    #[must_use]
    pub const fn new(audit: Audit) -> Self {
        Self { audit }
    }
}

impl<S> Layer<S> for DecideLayer {
    type Service = DecideService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DecideService {
            inner,
            audit: self.audit.clone(),
        }
    }
}

// === impl DecideService ===

impl<S> Service<Cleared> for DecideService<S>
where
    S: Service<Recorded, Error = Rejection> + Clone + Send + 'static,
    S::Response: Send,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = Rejection;
    type Future = BoxFuture<'static, Result<S::Response, Rejection>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, cleared: Cleared) -> Self::Future {
        // The clone that was asked whether it is ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let audit = self.audit.clone();
        Box::pin(async move {
            let exchange = cleared.admitted().exchange();
            let decision = details::decided(exchange, cleared.validation());
            audit.append(decision).await?;
            inner.call(cleared.recorded()).await
        })
    }
}

impl<S> fmt::Debug for DecideService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecideService").finish_non_exhaustive()
    }
}
