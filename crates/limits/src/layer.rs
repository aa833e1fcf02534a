//! The stage: [`Authenticated`] in, [`Admitted`] on.

use std::sync::Arc;
use std::task::{Context, Poll};

use aegis_core::{Admitted, Authenticated, Rejection};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use crate::admission::Admission;

/// Puts [`Admit`] before a service.
#[derive(Debug, Clone)]
pub struct AdmitLayer {
    admission: Arc<Admission>,
}

/// Admits requests within their limits to the inner service.
#[derive(Debug, Clone)]
pub struct Admit<S> {
    inner: S,
    admission: Arc<Admission>,
}

// === impl AdmitLayer ===

impl AdmitLayer {
    /// A layer of this admission; clones share it.
    #[must_use]
    pub const fn new(admission: Arc<Admission>) -> Self {
        Self { admission }
    }
}

impl<S> Layer<S> for AdmitLayer {
    type Service = Admit<S>;

    fn layer(&self, inner: S) -> Admit<S> {
        Admit {
            inner,
            admission: self.admission.clone(),
        }
    }
}

// === impl Admit ===

impl<S> Service<Authenticated> for Admit<S>
where
    S: Service<Admitted, Error = Rejection> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = Rejection;
    type Future = BoxFuture<'static, Result<S::Response, Rejection>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Authenticated) -> Self::Future {
        let next = self.inner.clone();
        // The one that was polled ready takes the request.
        let mut inner = std::mem::replace(&mut self.inner, next);
        let admission = self.admission.clone();
        Box::pin(async move {
            let (admitted, reservation) = admission.admit(request).await?;
            let result = inner.call(admitted).await;
            if let (Err(rejection), Some(reservation)) = (&result, &reservation) {
                reservation.refused(rejection.reason());
            }
            result
        })
    }
}
