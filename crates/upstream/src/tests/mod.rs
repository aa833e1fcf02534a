//! The stage against providers that behave, misbehave and break, on loopback.

#![expect(
    clippy::disallowed_methods,
    reason = "tests spawn servers that end with their runtime"
)]

mod failures;
mod headers_both_ways;
mod local;
mod mock;
mod policy;
mod tls;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aegis_core::{
    ActorType, Api, Catalog, Document, Exchange, Guards, Model, Operation, Peer, Principal,
    Received, Recorded, Rejection, Reply, Route, Secret, Target, ValidationResult, Verdict,
    empty_body,
};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use tower::Service;

use crate::{Dispatch, Provider, ProviderSpec, Upstream};

const PROMPT: &str = r#"{"model":"m","messages":[]}"#;

/// A provider named `p` at `base_url`, with `more` of its policy.
fn spec(api: &str, base_url: &str, more: &serde_json::Value) -> ProviderSpec {
    let mut spec = serde_json::json!({
        "name": "p",
        "api": api,
        "base_url": base_url,
        "credential": "${secret:KEY}",
    });
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    serde_json::from_value(spec).unwrap()
}

fn build(spec: &ProviderSpec) -> Provider {
    let secret = |name: &str| Ok::<_, String>(Secret::new(format!("value-of-{name}")));
    spec.build(&secret).unwrap()
}

fn principal() -> Arc<Principal> {
    Arc::new(Principal {
        actor_type: ActorType::User,
        id: "u".into(),
        issuer: "i".into(),
        tenant: None,
        roles: vec!["analyst".into()],
        amr: vec![],
        acr: None,
        credential_id: None,
        expires_at: SystemTime::now() + Duration::from_secs(60),
    })
}

fn catalog(models: &[(&str, Api)]) -> Arc<Catalog> {
    let model = |(name, api): &(&str, Api)| Model {
        name: (*name).into(),
        provider: "p".into(),
        api: *api,
        upstream_name: None,
        roles: vec!["analyst".into()],
    };
    Arc::new(Catalog::new(models.iter().map(model).collect()))
}

/// The stage over one provider.
fn stage(spec: &ProviderSpec) -> Dispatch {
    let upstream = Upstream::new(vec![build(spec)], Arc::default()).unwrap();
    Dispatch::new(Arc::new(upstream))
}

struct Asking {
    operation: Operation,
    request: Request<()>,
    guards: Guards,
    target: bool,
}

impl Asking {
    fn new(operation: Operation) -> Self {
        let request = Request::post("/client/path?secret=1").body(()).unwrap();
        let guards = Guards::default();
        Self {
            operation,
            request,
            guards,
            target: true,
        }
    }

    fn get(path: &str) -> Self {
        let mut asking = Self::new(Operation::Models);
        asking.request = Request::get(path).body(()).unwrap();
        asking.target = false;
        asking
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request
            .headers_mut()
            .append(name, value.parse().unwrap());
        self
    }

    fn recorded(self) -> (Recorded, Arc<Exchange>) {
        let route = Arc::new(Route::builtin(self.operation));
        let exchange = Exchange::new(Peer { address: None }, Some(route), "".into());
        let exchange = Arc::new(exchange);
        let (head, ()) = self.request.into_parts();
        let body = empty_body();
        let received = Received {
            exchange: exchange.clone(),
            head,
            body,
        };
        let target = self.target.then(|| Target {
            provider: "p".into(),
            model: "m".into(),
            upstream_model: "m".into(),
        });
        let raw = Bytes::from_static(PROMPT.as_bytes());
        let admitted = received.authenticated(principal()).admitted(
            Document::new(raw.clone()),
            raw,
            target,
            self.guards,
        );
        let validation = ValidationResult {
            is_safe: true,
            threats: vec![],
            confidence: 1.0,
            verdict: Verdict::Allow,
            scores: None,
        };
        (admitted.cleared(Arc::new(validation)).recorded(), exchange)
    }

    async fn of(self, stage: &Dispatch) -> Result<Reply, Rejection> {
        stage.clone().call(self.recorded().0).await
    }
}

/// A plain chat request.
async fn ask(stage: &Dispatch) -> Result<Reply, Rejection> {
    Asking::new(Operation::ChatCompletions).of(stage).await
}

async fn text(reply: Reply) -> String {
    let body = reply.into_response().into_body();
    let bytes = body.collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}
