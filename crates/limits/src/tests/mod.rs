//! The stage over an inner service that says what reached it.

mod limited;
mod routed;
mod spec;
mod tokens;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aegis_core::{
    ActorType, Admitted, Api, Catalog, Exchange, GenericFields, Guards, Model, Operation, Peer,
    Principal, Reason, Received, Rejection, Route, Target, empty_body, full_body,
};
use bytes::Bytes;
use http::Request;
use parking_lot::Mutex;
use serde_json::json;
use tower::{Layer, Service};

use crate::{AdmitLayer, LimitSpec, MemoryStore, RequestSpec};

/// What the inner service saw of a request, and holds of it.
struct Passed {
    outgoing: Bytes,
    target: Option<Target>,
    _guards: Guards,
}

type Inner = Arc<Mutex<Vec<Passed>>>;

/// A stage and what got through it.
struct Stage {
    layer: AdmitLayer,
    passed: Inner,
    /// What the inner service answers with, if not success.
    refusing: Option<Reason>,
}

impl Stage {
    fn new(request: &serde_json::Value, limits: &serde_json::Value) -> Self {
        let request: RequestSpec = serde_json::from_value(request.clone()).unwrap();
        let limits: Vec<LimitSpec> = serde_json::from_value(limits.clone()).unwrap();
        let store = Arc::new(MemoryStore::default());
        let admission = request.build(&limits, catalog(), store).unwrap();
        Self {
            layer: AdmitLayer::new(Arc::new(admission)),
            passed: Inner::default(),
            refusing: None,
        }
    }

    fn limited(limits: &serde_json::Value) -> Self {
        Self::new(&json!({}), limits)
    }

    async fn send(&self, asking: &Asking) -> Result<Arc<Exchange>, Rejection> {
        let received = asking.received();
        let exchange = received.exchange.clone();
        let (passed, refusing) = (self.passed.clone(), self.refusing);
        let inner = tower::service_fn(move |mut admitted: Admitted| {
            let seen = Passed {
                outgoing: admitted.outgoing().clone(),
                target: admitted.target().cloned(),
                _guards: admitted.take_guards(),
            };
            let refusal = refusing.map(|reason| Rejection::new(reason, ""));
            if refusal.is_none() {
                passed.lock().push(seen);
            }
            async move { refusal.map_or(Ok(()), Err) }
        });
        let authenticated = received.authenticated(Arc::new(asking.principal.clone()));
        let answer = self.layer.layer(inner).call(authenticated).await;
        answer.map(|()| exchange)
    }

    async fn refused(&self, asking: &Asking) -> Rejection {
        let before = self.passed.lock().len();
        let rejection = self.send(asking).await.unwrap_err();
        assert_eq!(self.passed.lock().len(), before, "the inner was called");
        rejection
    }

    async fn outgoing(&self, asking: &Asking) -> String {
        self.send(asking).await.unwrap();
        let passed = self.passed.lock().pop().unwrap();
        String::from_utf8(passed.outgoing.to_vec()).unwrap()
    }

    async fn target(&self, asking: &Asking) -> Option<Target> {
        self.send(asking).await.unwrap();
        self.passed.lock().pop().unwrap().target
    }

    /// Ends every request that is under way.
    fn end_all(&self) {
        self.passed.lock().clear();
    }
}

/// A request to be sent, any number of times.
#[derive(Clone)]
struct Asking {
    operation: Operation,
    principal: Principal,
    peer: Peer,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Asking {
    fn new(operation: Operation, body: &str) -> Self {
        Self {
            operation,
            principal: principal("alice"),
            peer: Peer {
                address: Some([192, 0, 2, 1].into()),
            },
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_owned(),
        }
    }

    fn chat() -> Self {
        Self::new(
            Operation::ChatCompletions,
            r#"{"model":"gpt","messages":[{"role":"user","content":"hello"}]}"#,
        )
    }

    fn by(mut self, id: &str) -> Self {
        self.principal = principal(id);
        self
    }

    fn from(mut self, address: &str) -> Self {
        self.peer.address = Some(address.parse().unwrap());
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn received(&self) -> Received {
        let mut request = Request::post("/");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut route = Route::builtin(self.operation);
        if self.operation == Operation::Generic {
            route.provider = Some("orchestrator".into());
            route.generic = Some(Arc::new(GenericFields {
                prompt: vec!["/q".into()],
                answer: vec!["/a".into()],
                stream: None,
            }));
        }
        let body = match self.body.as_str() {
            "" => empty_body(),
            body => full_body(body.to_owned()),
        };
        Received {
            exchange: Arc::new(Exchange::new(self.peer, Some(Arc::new(route)), "".into())),
            head: request.body(()).unwrap().into_parts().0,
            body,
        }
    }
}

fn principal(id: &str) -> Principal {
    Principal {
        actor_type: ActorType::User,
        id: id.into(),
        issuer: "issuer".into(),
        tenant: Some("acme".into()),
        roles: vec!["analyst".into()],
        amr: vec![],
        acr: None,
        credential_id: None,
        expires_at: SystemTime::now() + Duration::from_secs(60),
    }
}

fn catalog() -> Arc<Catalog> {
    let model = |name: &str, provider: &str, api, upstream: Option<&str>, role: &str| Model {
        name: name.into(),
        provider: provider.into(),
        api,
        upstream_name: upstream.map(Into::into),
        roles: vec![role.into()],
    };
    Arc::new(Catalog::new(vec![
        model("gpt", "openai", Api::Openai, None, "analyst"),
        model(
            "fast",
            "openai",
            Api::Openai,
            Some("gpt-5\"mini"),
            "analyst",
        ),
        model("free-*", "openai", Api::Openai, None, "analyst"),
        model("secret", "openai", Api::Openai, None, "admin"),
        model("claude", "anthropic", Api::Anthropic, None, "analyst"),
        model("llama", "tgi", Api::Huggingface, None, "analyst"),
        model("mistral", "tgi", Api::Huggingface, None, "both"),
    ]))
}
