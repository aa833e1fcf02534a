//! The stage: `Received` in, [`Authenticated`] on to the inner service, or a rejection.

use std::sync::Arc;
use std::task::{Context, Poll};

use aegis_core::{Authenticated, Principal, Received, Rejection};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use crate::auth::Auth;
use crate::refusal;

/// Puts authentication in front of a service.
#[derive(Debug, Clone)]
pub struct AuthLayer {
    auth: Arc<Auth>,
}

/// The service that [`AuthLayer`] makes.
#[derive(Debug, Clone)]
pub struct AuthService<S> {
    auth: Arc<Auth>,
    inner: S,
}

// === impl AuthLayer ===

impl AuthLayer {
    /// A layer that asks `auth`.
    #[must_use]
    pub const fn new(auth: Arc<Auth>) -> Self {
        Self { auth }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService {
            auth: self.auth.clone(),
            inner,
        }
    }
}

// === impl AuthService ===

impl<S> Service<Received> for AuthService<S>
where
    S: Service<Authenticated, Error = Rejection> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = Rejection;
    type Future = BoxFuture<'static, Result<S::Response, Rejection>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, received: Received) -> Self::Future {
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let auth = self.auth.clone();
        Box::pin(async move {
            let address = received.exchange.peer.address;
            let principal = auth.authenticate(&received.head.headers, address).await?;
            if let Err(rejection) = permit(&auth, &received, &principal) {
                // The audit record names who was refused.
                received
                    .exchange
                    .note(|trail| trail.principal = Some(principal));
                return Err(rejection);
            }
            inner.call(received.authenticated(principal)).await
        })
    }
}

/// After authentication, so that nobody without a credential learns which routes there are.
fn permit(auth: &Auth, received: &Received, principal: &Principal) -> Result<(), Rejection> {
    let route = received
        .exchange
        .route
        .as_ref()
        .ok_or_else(refusal::no_route)?;
    if auth.permits(principal, &route.name) {
        Ok(())
    } else {
        Err(refusal::not_permitted(&route.name))
    }
}
