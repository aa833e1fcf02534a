//! What a request must pass to be admitted, in this order:
//!
//! 1. Places and request rates of every limit, in one bill, before a byte of the body is read: a
//!    client over its limit costs the gateway nothing more.
//! 2. The body: type, size, time, coding; then its one strict parse.
//! 3. Model and provider, among those the principal may use.
//! 4. The gateway's own changes to the body.
//! 5. Tokens of every limit, in one bill. They are known only now; the request stays counted even
//!    if this refuses it.
//!
//! Cancel safe: whatever was taken is given back when the future or the admitted request is
//! dropped.

use std::sync::Arc;

use aegis_core::{
    Admitted, Api, Authenticated, Catalog, Document, Guards, Operation, Reason, Rejection, Route,
    Target,
};
use aegis_wire::request::read_request;
use bytes::Bytes;

use crate::body::{self, BodyRules};
use crate::guard::Reservation;
use crate::limits::{Caller, Limits};
use crate::offload;
use crate::rewrite::{Cap, Rewritten, rewrite};
use crate::target;

/// Bodies above this are parsed off the reactor.
const PARSE_INLINE_MAX: usize = 256 * 1024;

/// The stage's runtime object.
#[derive(Debug)]
pub struct Admission {
    pub(crate) body: BodyRules,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) output_tokens_max: Option<u64>,
    pub(crate) limits: Limits,
}

/// An admitted request, and the reservation to tell of its end.
pub(crate) type Entry = (Admitted, Option<Arc<Reservation>>);

// === impl Admission ===

impl Admission {
    /// Admits `request`, or says why not.
    pub(crate) async fn admit(&self, mut request: Authenticated) -> Result<Entry, Rejection> {
        let exchange = request.exchange().clone();
        let no_route = || Rejection::new(Reason::RouteNotFound, "No such route.");
        let route = exchange.route.clone().ok_or_else(no_route)?;
        let caller = Caller {
            exchange,
            principal: request.principal().clone(),
            api: family(&request, route.operation),
        };
        let mut guards = Guards::default();
        if let Some(places) = self.limits.enter(&caller).await? {
            guards.push(places);
        }
        let document = self.read(&mut request, &route).await?;
        let target = target::choose(&self.catalog, &route, &request, &document)?;
        let (document, rewritten) = self.rewrite(&route, document, target.as_ref()).await?;
        let output_max = rewritten.output_max;
        let (document, reservation) = self
            .limits
            .reserve(&caller, route.operation, document, output_max)
            .await?;
        if let Some(reservation) = &reservation {
            guards.push(reservation.clone());
        }
        let admitted = request.admitted(document, rewritten.outgoing, target, guards);
        Ok((admitted, reservation))
    }

    async fn read(
        &self,
        request: &mut Authenticated,
        route: &Arc<Route>,
    ) -> Result<Document, Rejection> {
        if route.operation == Operation::Models {
            body::refuse_body(request)?;
            return Ok(Document::new(Bytes::new()));
        }
        let raw = self.body.read(request).await?;
        let (bytes, route) = (raw.len(), route.clone());
        let work = move || read_request(route.operation, route.generic.as_deref(), raw);
        let document = offload::run_above(PARSE_INLINE_MAX, bytes, work).await??;
        Ok(document)
    }

    async fn rewrite(
        &self,
        route: &Route,
        document: Document,
        target: Option<&Target>,
    ) -> Result<(Document, Rewritten), Rejection> {
        let operation = route.operation;
        let cap = self.output_tokens_max.map(|tokens| Cap {
            tokens,
            older_name: target.is_some_and(|target| self.is_tgi(target)),
        });
        let (bytes, target) = (document.raw.len(), target.cloned());
        let work = move || {
            let rewritten = rewrite(operation, &document, target.as_ref(), cap);
            rewritten.map(|rewritten| (document, rewritten))
        };
        offload::run_above(PARSE_INLINE_MAX, bytes, work).await?
    }

    fn is_tgi(&self, target: &Target) -> bool {
        let models = self.catalog.models().iter();
        let mut there = models.filter(|model| model.provider == target.provider);
        there.any(|model| model.api == Api::Huggingface)
    }
}

/// Whose header names the client expects: `GET /v1/models` serves both.
fn family(request: &Authenticated, operation: Operation) -> Api {
    let anthropic = request.head().headers.contains_key("anthropic-version");
    if operation == Operation::Models && anthropic {
        return Api::Anthropic;
    }
    operation.api()
}
