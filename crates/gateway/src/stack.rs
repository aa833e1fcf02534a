//! The one place where the order of the stages is written.
//!
//! Read it top to bottom: that is the way of a request. Every stage takes the type that only the
//! stage above it makes, so another order does not compile. This does:
//!
//! ```
//! # use aegis_gateway::stack::Stages;
//! # use aegis_core::{Body, Received};
//! # use tower::{Service, ServiceBuilder};
//! # fn serves<S: Service<Received, Response = http::Response<Body>>>(_: S) {}
//! # fn right(stages: Stages) {
//! serves(ServiceBuilder::new()
//!     .layer(stages.record).layer(stages.auth).layer(stages.limits).layer(stages.armor)
//!     .layer(stages.decide).layer(stages.output).service(stages.upstream));
//! # }
//! ```
//!
//! Without armor it does not:
//!
//! ```compile_fail
//! # use aegis_gateway::stack::Stages;
//! # use aegis_core::{Body, Received};
//! # use tower::{Service, ServiceBuilder};
//! # fn serves<S: Service<Received, Response = http::Response<Body>>>(_: S) {}
//! # fn wrong(stages: Stages) {
//! serves(ServiceBuilder::new()
//!     .layer(stages.record).layer(stages.auth).layer(stages.limits)
//!     .layer(stages.decide).layer(stages.output).service(stages.upstream));
//! # }
//! ```
//!
//! Nor with armor before identity:
//!
//! ```compile_fail
//! # use aegis_gateway::stack::Stages;
//! # use aegis_core::{Body, Received};
//! # use tower::{Service, ServiceBuilder};
//! # fn serves<S: Service<Received, Response = http::Response<Body>>>(_: S) {}
//! # fn wrong(stages: Stages) {
//! serves(ServiceBuilder::new()
//!     .layer(stages.record).layer(stages.armor).layer(stages.auth).layer(stages.limits)
//!     .layer(stages.decide).layer(stages.output).service(stages.upstream));
//! # }
//! ```
//!
//! Nor with a reply that no output check has seen, nor with a request whose decision is not on
//! record:
//!
//! ```compile_fail
//! # use aegis_gateway::stack::Stages;
//! # use aegis_core::{Body, Received};
//! # use tower::{Service, ServiceBuilder};
//! # fn serves<S: Service<Received, Response = http::Response<Body>>>(_: S) {}
//! # fn wrong(stages: Stages) {
//! serves(ServiceBuilder::new()
//!     .layer(stages.record).layer(stages.auth).layer(stages.limits).layer(stages.armor)
//!     .layer(stages.decide).service(stages.upstream));
//! # }
//! ```
//!
//! ```compile_fail
//! # use aegis_gateway::stack::Stages;
//! # use aegis_core::{Body, Received};
//! # use tower::{Service, ServiceBuilder};
//! # fn serves<S: Service<Received, Response = http::Response<Body>>>(_: S) {}
//! # fn wrong(stages: Stages) {
//! serves(ServiceBuilder::new()
//!     .layer(stages.record).layer(stages.auth).layer(stages.limits).layer(stages.armor)
//!     .layer(stages.output).service(stages.upstream));
//! # }
//! ```

use std::convert::Infallible;
use std::sync::Arc;

use aegis_armor::ArmorLayer;
use aegis_audit::{DecideLayer, RecordLayer};
use aegis_auth::AuthLayer;
use aegis_core::{Authenticated, Body, Received, Rejection, Released};
use aegis_limits::AdmitLayer;
use aegis_output::OutputLayer;
use aegis_upstream::Dispatch;
use http::Response;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// The stages of one policy.
#[derive(Debug, Clone)]
pub struct Stages {
    /// Writes exactly one completion record, whatever happens below.
    pub record: RecordLayer,
    /// Who?
    pub auth: AuthLayer,
    /// How much?
    pub limits: AdmitLayer,
    /// What is being asked?
    pub armor: ArmorLayer,
    /// Writes the decision.
    pub decide: DecideLayer,
    /// What is being answered?
    pub output: OutputLayer,
    /// The providers.
    pub upstream: Dispatch,
}

/// The stages, stacked.
#[derive(Debug, Clone)]
pub struct Stack {
    service: BoxCloneSyncService<Received, Response<Body>, Infallible>,
    record: RecordLayer,
    auth: AuthLayer,
}

// === impl Stages ===

impl Stages {
    /// Stacks them.
    #[must_use]
    pub fn stack(self) -> Stack {
        let (record, auth) = (self.record.clone(), self.auth.clone());
        let service = ServiceBuilder::new()
            // Outermost, so that it sees every refusal, panic and disconnect.
            .layer(self.record)
            // Before anything that costs memory or CPU: an anonymous caller gets neither.
            .layer(self.auth)
            // Rates before the body is read, the body's own limits while it is.
            .layer(self.limits)
            // Only what was read whole can be inspected whole.
            .layer(self.armor)
            // The decision is durable before the provider sees the request.
            .layer(self.decide)
            // Around the provider: nothing of a reply passes beside it.
            .layer(self.output)
            .service(self.upstream);
        Stack {
            service: BoxCloneSyncService::new(service),
            record,
            auth,
        }
    }
}

// === impl Stack ===

impl Stack {
    /// Answers one request.
    ///
    /// # Errors
    /// Never: a refusal is an answer.
    pub async fn serve(&self, received: Received) -> Result<Response<Body>, Infallible> {
        self.service.clone().oneshot(received).await
    }

    /// Refuses a request that no stage would take, once its caller is known.
    ///
    /// # Errors
    /// Never: a refusal is an answer.
    pub async fn refuse(
        &self,
        received: Received,
        rejection: Rejection,
    ) -> Result<Response<Body>, Infallible> {
        let rejection = Arc::new(rejection);
        let refusal = service_fn(move |_: Authenticated| {
            let rejection = (*rejection).clone();
            async move { Err::<Released, _>(rejection) }
        });
        let service = ServiceBuilder::new()
            .layer(self.record.clone())
            .layer(self.auth.clone())
            .service(refusal);
        service.oneshot(received).await
    }
}
