//! The leaf of the stack: [`Recorded`] in, [`Reply`] out.
//!
//! 1. What the gateway answers itself never leaves it.
//! 2. The provider's circuit must let the request through.
//! 3. The request is made anew: the provider's URL, the headers that may pass, the provider's
//!    credential, the admitted body.
//! 4. It is sent once. Only a connection that could not be made is tried again, once: nothing of
//!    the request has been written then.
//! 5. The head must arrive in time and be a success, not coded. Redirects are not followed: they
//!    would carry prompt and credential to a place the policy does not name.
//! 6. The body goes on, watched.
//!
//! Cancel safe: dropping the future, or later the body, cancels the request at the provider.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use aegis_core::{Catalog, Reason, Recorded, Rejection, Reply, Target};
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use tokio::time::{Instant, timeout_at};
use tower::Service;

use crate::body::{Watch, Watched};
use crate::circuit::Permit;
use crate::connect::ConnectTimedOut;
use crate::provider::Provider;
use crate::{headers, models, refused};
use aegis_core::BuildError;

/// A whole reply may be this long; whoever reads one whole (`output`) keeps to it.
pub const REPLY_BYTES_MAX: usize = 32 << 20;

/// How often a connection that could not be made is tried again.
const CONNECT_RETRIES: usize = 1;

/// The providers of a policy.
#[derive(Debug)]
pub struct Upstream {
    providers: HashMap<Arc<str>, Provider>,
    catalog: Arc<Catalog>,
}

/// Sends requests to their providers.
#[derive(Debug, Clone)]
pub struct Dispatch {
    upstream: Arc<Upstream>,
}

// === impl Upstream ===

impl Upstream {
    /// The providers that `catalog` refers to.
    ///
    /// # Errors
    /// If two providers have one name, or a model names a provider that does not exist or speaks
    /// another API.
    pub fn new(providers: Vec<Provider>, catalog: Arc<Catalog>) -> Result<Self, BuildError> {
        let mut named = HashMap::with_capacity(providers.len());
        for provider in providers {
            let name = provider.name.clone();
            if named.insert(name.clone(), provider).is_some() {
                return Err(BuildError::new(
                    "providers",
                    format!("two are named `{name}`"),
                ));
            }
        }
        for model in catalog.models() {
            let known = named.get(&model.provider);
            if known.is_none_or(|provider| provider.api != model.api) {
                let key = format!("models[{}].provider", model.name);
                let problem = format!("there is no such provider: `{}`", model.provider);
                return Err(BuildError::new(key, problem));
            }
        }
        Ok(Self {
            providers: named,
            catalog,
        })
    }

    async fn answer(&self, mut request: Recorded) -> Result<Reply, Rejection> {
        let Some(target) = request.admitted().target() else {
            return models::answer(&self.catalog, request.admitted()).map(Reply::new);
        };
        let provider = self.provider(target)?;
        let started = Instant::now();
        let permit = provider.circuit.enter(started).map_err(|wait| {
            let message = "The provider is not answering. Try again later.";
            Rejection::new(Reason::CircuitOpen, message)
                .with_detail(format!("the circuit of provider {} is open", provider.name))
                .with_retry_after(wait)
        })?;
        let outgoing = provider.request(&request)?;
        let guards = request.admitted_mut().take_guards();
        let exchange = request.admitted().exchange().clone();
        // The prompt is not needed any more, and the provider may take minutes.
        drop(request);
        let circuit = permit.circuit().clone();
        let head_by = started + provider.first_byte_timeout;
        let response = provider.send(outgoing, head_by, permit).await?;
        if !response.status().is_success() {
            return Err(refused::rejection(&provider.name, response).await);
        }
        let (head, body) = inspect(provider, response)?.into_parts();
        let watch = Watch {
            idle_timeout: provider.idle_timeout,
            deadline: started + provider.total_timeout,
            exchange,
            circuit,
            guards,
        };
        let mut response = Response::new(Watched::new(body, watch).boxed_unsync());
        *response.status_mut() = head.status;
        *response.headers_mut() = headers::to_client(&head.headers);
        Ok(Reply::new(response))
    }

    fn provider(&self, target: &Target) -> Result<&Provider, Rejection> {
        self.providers.get(&target.provider).ok_or_else(|| {
            Rejection::new(Reason::Internal, "The request leads nowhere.")
                .with_detail(format!("no provider is named {}", target.provider))
        })
    }
}

// === impl Provider ===

impl Provider {
    fn request(&self, recorded: &Recorded) -> Result<Request<Full<bytes::Bytes>>, Rejection> {
        let admitted = recorded.admitted();
        let head = admitted.head();
        let internal = |error: http::Error| {
            Rejection::new(Reason::Internal, "The request can't be sent.").with_detail(error)
        };
        let route = admitted.exchange().route.as_ref().ok_or_else(|| {
            Rejection::new(Reason::Internal, "The request can't be sent.").with_detail("no route")
        })?;
        let uri = self.address.uri(route.operation, head.uri.path());
        let mut request = Request::new(Full::new(admitted.outgoing().clone()));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri.map_err(internal)?;
        *request.headers_mut() = headers::to_provider(self.api, &head.headers);
        // Last: what the policy sets wins.
        for (name, value) in &self.own_headers {
            request.headers_mut().insert(name, value.clone());
        }
        Ok(request)
    }

    /// Sends `request` and waits for the head of the reply.
    async fn send(
        &self,
        request: Request<Full<bytes::Bytes>>,
        head_by: Instant,
        permit: Permit,
    ) -> Result<Response<Incoming>, Rejection> {
        match timeout_at(head_by, self.try_send(request)).await {
            Ok(Ok(response)) if response.status().is_server_error() => {
                permit.failed(Instant::now());
                Ok(response)
            }
            Ok(Ok(response)) => {
                permit.succeeded();
                Ok(response)
            }
            Ok(Err(error)) => {
                permit.failed(Instant::now());
                Err(self.unreachable(&error))
            }
            Err(_) => {
                permit.failed(Instant::now());
                Err(self.too_slow("no reply in time"))
            }
        }
    }

    async fn try_send(
        &self,
        request: Request<Full<bytes::Bytes>>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        for _ in 0..CONNECT_RETRIES {
            match self.pool.request(request.clone()).await {
                Err(error) if error.is_connect() && !timed_out(&error) => {}
                outcome => return outcome,
            }
        }
        self.pool.request(request).await
    }

    fn unreachable(&self, error: &legacy::Error) -> Rejection {
        if timed_out(error) {
            return self.too_slow("no connection in time");
        }
        let message = "The provider can't be reached.";
        Rejection::new(Reason::UpstreamUnavailable, message).with_detail(format!(
            "provider {}: {}",
            self.name,
            causes(error)
        ))
    }

    fn too_slow(&self, what: &str) -> Rejection {
        Rejection::new(
            Reason::UpstreamTimeout,
            "The provider did not answer in time.",
        )
        .with_detail(format!("provider {}: {what}", self.name))
    }
}

/// Refuses successes that can't be inspected.
fn inspect<B>(provider: &Provider, response: Response<B>) -> Result<Response<B>, Rejection> {
    let partial = response.status() == StatusCode::PARTIAL_CONTENT;
    if partial || !headers::is_plain(response.headers()) {
        let message = "The provider's reply can't be read.";
        return Err(
            Rejection::new(Reason::UpstreamInvalid, message).with_detail(format!(
                "provider {} sent a coded, partial or ambiguous reply",
                provider.name
            )),
        );
    }
    Ok(response)
}

fn timed_out(error: &legacy::Error) -> bool {
    chain(error).any(|cause| cause.is::<ConnectTimedOut>())
}

/// What led to an error, outermost first. Errors of the connection hold no content.
fn causes(error: &legacy::Error) -> String {
    let told: Vec<String> = chain(error).map(ToString::to_string).collect();
    told.join(": ")
}

fn chain(error: &legacy::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |cause| {
        cause.source()
    })
}

// === impl Dispatch ===

impl Dispatch {
    /// A service over these providers; clones share them.
    #[must_use]
    pub const fn new(upstream: Arc<Upstream>) -> Self {
        Self { upstream }
    }
}

impl Service<Recorded> for Dispatch {
    type Response = Reply;
    type Error = Rejection;
    type Future = BoxFuture<'static, Result<Reply, Rejection>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Recorded) -> Self::Future {
        let upstream = self.upstream.clone();
        Box::pin(async move { upstream.answer(request).await })
    }
}
