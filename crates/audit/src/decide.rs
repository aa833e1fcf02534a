//! The decision to let a request through, on record before a provider sees the request.
//!
//! Stands between Prompt Armor and the output checks. The event holds what the input checks said;
//! under `strict` it is on disk when the request goes on. A request that was refused before it
//! came here has one event only, its completion.
//!
//! A request that goes ahead of its verdict (`armor.speculative`) has a `request.dispatched` first,
//! which says so, and its decision when the verdict is there. The reply is held until that is
//! recorded: dispatch may go ahead of the verdict, release may not.
//!
//! Cancel safety: when the client goes away while the decision is being written, the decision may
//! be on record without a dispatch; never the other way round.

use std::fmt;
use std::pin::pin;
use std::task::{Context, Poll};

use aegis_core::{AwaitedVerdict, Cleared, Exchange, Reason, Recorded, Rejection};
use futures_util::future::{BoxFuture, Either, select};
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

    fn call(&mut self, mut cleared: Cleared) -> Self::Future {
        // The clone that was asked whether it is ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let audit = self.audit.clone();
        Box::pin(async move {
            let exchange = cleared.admitted().exchange().clone();
            if let Some(verdict) = cleared.take_verdict() {
                audit.append(details::dispatched(&exchange)).await?;
                let reply = inner.call(cleared.recorded());
                return after_verdict(reply, audit.decide(&exchange, verdict)).await;
            }
            let validation = cleared.validation().cloned().ok_or_else(no_verdict)?;
            let decision = details::decided(&exchange, &validation);
            audit.append(decision).await?;
            inner.call(cleared.recorded()).await
        })
    }
}

/// The reply, or its failure, once `decided` is over; where that fails the reply is given up.
async fn after_verdict<T>(
    reply: impl Future<Output = Result<T, Rejection>>,
    decided: impl Future<Output = Result<(), Rejection>>,
) -> Result<T, Rejection> {
    match select(pin!(reply), pin!(decided)).await {
        Either::Left((reply, decided)) => {
            decided.await?;
            reply
        }
        Either::Right((decided, reply)) => {
            decided?;
            reply.await
        }
    }
}

/// Armor gives the request up itself when its verdict is against it: this is seen by nobody, or
/// something is wrong.
fn no_verdict() -> Rejection {
    Rejection::new(Reason::Internal, "Internal error.").with_detail("there is no verdict")
}

impl Audit {
    /// Records the decision when it is there.
    async fn decide(&self, exchange: &Exchange, verdict: AwaitedVerdict) -> Result<(), Rejection> {
        let validation = verdict.await.ok_or_else(no_verdict)?;
        let decision = details::decided(exchange, &validation);
        Ok(self.append(decision).await?)
    }
}

impl<S> fmt::Debug for DecideService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecideService").finish_non_exhaustive()
    }
}
