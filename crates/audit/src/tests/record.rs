//! Exactly one completion, however a request ends; the decision before the dispatch.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use aegis_core::{
    ActorType, Admitted, Body, BoxError, Category, Check, Cleared, Document, Ending, Exchange,
    Guards, Operation, Peer, Principal, Reason, Received, Recorded, Rejection, Released, Route,
    Scores, Target, Threat, ValidationResult, Verdict, empty_body, full_body, read_capped,
};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Response, StatusCode, header};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use super::fake::{Fail, Fake};
use super::settings;
use crate::decide::DecideLayer;
use crate::record::RecordLayer;
use crate::writer::{Audit, SLOTS_MAX};

fn exchange() -> Arc<Exchange> {
    let peer = Peer {
        address: Some([198, 51, 100, 4].into()),
    };
    let route = Route::builtin(Operation::ChatCompletions);
    Arc::new(Exchange::new(
        peer,
        Some(Arc::new(route)),
        "policy-1".into(),
    ))
}

fn received(exchange: &Arc<Exchange>) -> Received {
    Received {
        exchange: exchange.clone(),
        head: http::Request::new(()).into_parts().0,
        body: empty_body(),
    }
}

fn principal() -> Arc<Principal> {
    Arc::new(Principal {
        actor_type: ActorType::User,
        id: "alice".into(),
        issuer: "zitadel".into(),
        tenant: Some("acme".into()),
        roles: vec!["analyst".into()],
        amr: Vec::new(),
        acr: None,
        credential_id: Some("jti-1".into()),
        expires_at: std::time::SystemTime::now(),
    })
}

fn rescue(_: &Exchange, rejection: &Rejection) -> Response<Body> {
    let mut response = Response::new(full_body(rejection.reason().as_str()));
    *response.status_mut() = rejection.status();
    response
}

fn layer(audit: &Audit) -> RecordLayer {
    RecordLayer::new(audit.clone(), Arc::new(rescue))
}

/// A body that gives these frames and does not tell its end in advance.
struct Frames(std::vec::IntoIter<Result<&'static str, &'static str>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.next().map(|frame| match frame {
            Ok("panic") => panic!("as told"),
            Ok(text) => Ok(Frame::data(text.into())),
            Err(text) => Err(text.into()),
        }))
    }
}

fn frames(frames: &[Result<&'static str, &'static str>]) -> Body {
    let frames: Vec<_> = frames.to_vec();
    Frames(frames.into_iter()).boxed_unsync()
}

/// Runs one request through the record layer over a stage that answers with `body`.
async fn answered(audit: &Audit, exchange: &Arc<Exchange>, body: Body) -> Response<Body> {
    let body = std::sync::Mutex::new(Some(body));
    let body = Arc::new(body);
    let inner = service_fn(move |_: Received| {
        let body = body.lock().unwrap().take().unwrap();
        async { Ok::<_, Rejection>(Released::new(Response::new(body))) }
    });
    let service = layer(audit).layer(inner);
    service.oneshot(received(exchange)).await.unwrap()
}

/// Runs one request over a stage that refuses it.
async fn refused(audit: &Audit, exchange: &Arc<Exchange>, rejection: Rejection) -> Response<Body> {
    let inner = service_fn(move |_: Received| {
        let rejection = rejection.clone();
        async { Err::<Released, _>(rejection) }
    });
    let service = layer(audit).layer(inner);
    service.oneshot(received(exchange)).await.unwrap()
}

/// The only event so far, once it is there.
async fn only(fake: &Fake) -> (String, Value) {
    while fake.types().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.types().len(), 1, "{:?}", fake.types());
    let row = fake.row(0);
    (row.event.event_type.to_string(), row.event.details())
}

async fn until_healthy(audit: &Audit) {
    while !audit.healthy() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivered_reply_is_completed() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let exchange = exchange();
    exchange.note(|trail| {
        trail.principal = Some(principal());
        trail.model = Some("fast".into());
        trail.provider = Some("openai".into());
        trail.usage.output_tokens = Some(7);
        trail.request_bytes = 11;
    });
    let body = frames(&[Ok("hello "), Ok("world")]);
    let response = answered(&audit, &exchange, body).await;
    assert_eq!(fake.types().len(), 0, "not before the body has ended");
    let body = read_capped(response.into_body(), 100).await.unwrap();
    assert_eq!(body, "hello world");
    let (event_type, details) = only(&fake).await;
    assert_eq!(event_type, "request.completed");
    let event = fake.row(0).event;
    assert_eq!((&*event.actor_type, &*event.actor_id), ("user", "alice"));
    assert_eq!(event.resource_type.as_deref(), Some("model"));
    assert_eq!(event.resource_id.as_deref(), Some("fast"));
    assert_eq!(
        (&*event.action, event.ip_address.as_deref()),
        ("allow", Some("198.51.100.4"))
    );
    let expected = json!({
        "credential_id": "jti-1", "detail": null, "duration_ms": details["duration_ms"],
        "ending": "completed", "issuer": "zitadel", "policy": "policy-1", "provider": "openai",
        "reason": null, "request_bytes": 11, "request_id": exchange.id.to_string(),
        "response_bytes": 11, "roles": ["analyst"], "route": "chat_completions", "status": 200,
        "stream": false, "tenant": "acme", "threats": [],
        "usage": { "input_tokens": null, "output_tokens": 7 }, "verdict": "allow",
    });
    assert_eq!(details, expected);
    assert_eq!(audit.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn each_end_of_a_body_has_its_name() {
    let cases: [(&str, Body, usize, &str, u64); 7] = [
        (
            "dropped unread",
            frames(&[Ok("a"), Ok("b")]),
            0,
            "request.client_gone",
            0,
        ),
        (
            "dropped half read",
            frames(&[Ok("a"), Ok("b")]),
            1,
            "request.client_gone",
            1,
        ),
        (
            "broken off",
            frames(&[Ok("ab"), Err("reset")]),
            2,
            "request.upstream_failed",
            2,
        ),
        (
            "of known length",
            full_body("abc"),
            1,
            "request.completed",
            3,
        ),
        (
            "of known length, unread",
            full_body("abc"),
            0,
            "request.client_gone",
            0,
        ),
        ("empty", empty_body(), 0, "request.completed", 0),
        (
            "read to the end",
            frames(&[Ok("abcd")]),
            2,
            "request.completed",
            4,
        ),
    ];
    for (case, body, reads, event_type, bytes) in cases {
        let fake = Fake::default();
        let (audit, _writer) = fake.start(settings()).await;
        let response = answered(&audit, &exchange(), body).await;
        let mut body = response.into_body();
        for _ in 0..reads {
            body.frame().await.transpose().ok();
        }
        drop(body);
        let (found, details) = only(&fake).await;
        assert_eq!(found, event_type, "{case}");
        assert_eq!(details["response_bytes"], bytes, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_as_long_as_its_head_promised_is_complete() {
    for (length, event_type) in [("3", "request.completed"), ("4", "request.client_gone")] {
        let fake = Fake::default();
        let (audit, _writer) = fake.start(settings()).await;
        let inner = service_fn(move |_: Received| async move {
            let mut response = Response::new(frames(&[Ok("abc"), Ok("never read")]));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_LENGTH, length.parse().unwrap());
            Ok::<_, Rejection>(Released::new(response))
        });
        let service = layer(&audit).layer(inner);
        let response = service.oneshot(received(&exchange())).await.unwrap();
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert_eq!(only(&fake).await.0, event_type);
    }
}

#[tokio::test(start_paused = true)]
async fn an_ending_that_a_stage_noted_stands() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let exchange = exchange();
    let response = answered(&audit, &exchange, frames(&[Ok("x")])).await;
    exchange.note(|trail| {
        trail.ending = Some(Ending::Stopped);
        trail.reason = Some(Reason::OutputBlocked);
        trail.verdict = Verdict::Block;
    });
    read_capped(response.into_body(), 100).await.unwrap();
    let (event_type, details) = only(&fake).await;
    assert_eq!(event_type, "request.stopped");
    assert_eq!(details["reason"], "output_blocked");
    assert_eq!(fake.row(0).event.action(), "block");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_recorded_before_it_is_returned() {
    let fake = Fake::default();
    let gate = fake.gate();
    let (audit, _writer) = fake.start(settings()).await;
    let exchange = exchange();
    let threat = Threat {
        path: Some("/messages/0/my secret text".into()),
        role: Some(aegis_core::Role::User),
        ..Threat::new(Category::Injection, Check::Pattern, "inj-001", 0.93)
    };
    let rejection = Rejection::new(Reason::PromptBlocked, "Blocked.")
        .with_detail("pattern inj-001")
        .with_threats(vec![threat]);
    let mut response = pin!(refused(&audit, &exchange, rejection));
    for _ in 0..100 {
        assert!(response.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    let response = response.await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let (event_type, details) = only(&fake).await;
    assert_eq!(event_type, "request.refused");
    assert_eq!(details["reason"], "prompt_blocked");
    assert_eq!(details["detail"], "pattern inj-001");
    assert_eq!(
        (&details["status"], &details["response_bytes"]),
        (&json!(400), &json!(14))
    );
    let threat = json!([{
        "category": "injection", "check": "pattern", "rule": "inj-001", "role": "user",
        "path": "/messages/0/*", "score": 0.93, "owasp": "LLM01", "digest": null,
    }]);
    assert_eq!(details["threats"], threat);
    let event = fake.row(0).event;
    assert_eq!(
        (&*event.actor_type, &*event.actor_id),
        ("user", "anonymous")
    );
    assert_eq!(event.resource_id.as_deref(), Some("chat_completions"));
    assert_eq!(event.action(), "block");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_500_and_one_event() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let inner = service_fn(|_: Received| async {
        tokio::task::yield_now().await;
        panic!("as told");
    });
    let inner = inner.map_response(|never: Released| never);
    let service = layer(&audit).layer(inner.map_err(|e: Rejection| e));
    let response = service.oneshot(received(&exchange())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let (event_type, details) = only(&fake).await;
    assert_eq!(event_type, "request.panicked");
    assert_eq!(details["reason"], "internal");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_panics_leaves_one_event() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let response = answered(&audit, &exchange(), frames(&[Ok("a"), Ok("panic")])).await;
    let read = read_capped(response.into_body(), 100);
    let outcome = std::panic::AssertUnwindSafe(read).catch_unwind().await;
    assert!(outcome.is_err());
    let (event_type, details) = only(&fake).await;
    assert_eq!(event_type, "request.panicked");
    assert_eq!(details["response_bytes"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_rescue_that_panics_costs_no_record() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let rescue = |_: &Exchange, _: &Rejection| -> Response<Body> { panic!("as told") };
    let inner = service_fn(|_: Received| async {
        Err::<Released, _>(Rejection::new(Reason::RateLimited, "Slow down."))
    });
    let service = RecordLayer::new(audit, Arc::new(rescue)).layer(inner);
    let response = service.oneshot(received(&exchange())).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(only(&fake).await.1["reason"], "rate_limited");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_early_leaves_one_event() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let inner = service_fn(|_: Received| std::future::pending::<Result<Released, Rejection>>());
    let service = layer(&audit).layer(inner);
    let request = service.oneshot(received(&exchange()));
    let timed = tokio::time::timeout(Duration::from_millis(10), request).await;
    assert!(timed.is_err());
    let (event_type, details) = only(&fake).await;
    assert_eq!(event_type, "request.client_gone");
    assert_eq!(details["status"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_its_refusal_is_recorded_leaves_one_event() {
    let fake = Fake::default();
    let gate = fake.gate();
    let (audit, _writer) = fake.start(settings()).await;
    let exchange = exchange();
    let rejection = Rejection::new(Reason::Unauthenticated, "No.");
    let request = refused(&audit, &exchange, rejection);
    assert!(
        tokio::time::timeout(Duration::from_millis(10), request)
            .await
            .is_err()
    );
    gate.add_permits(9);
    assert_eq!(only(&fake).await.0, "request.refused");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_cannot_be_recorded_is_a_503_and_one_event_later() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    let rejection = Rejection::new(Reason::Unauthenticated, "No.");
    let response = refused(&audit, &exchange(), rejection).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = read_capped(response.into_body(), 100).await.unwrap();
    assert_eq!(body, "audit_unavailable");
    fake.set_away(false);
    until_healthy(&audit).await;
    assert_eq!(fake.types(), ["request.refused", "audit.recovered"]);
    let event = fake.row(0).event;
    let details = event.details();
    assert_eq!(details["reason"], "audit_unavailable");
    assert_eq!(details["status"], 503);
    assert_eq!(
        details["intended"],
        json!({ "reason": "unauthenticated", "status": 401 })
    );
    assert_eq!(event.action(), "unavailable");
}

#[tokio::test(start_paused = true)]
async fn while_the_log_is_down_no_stage_sees_a_request() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    // The completion of a finished request can't be stored.
    let response = answered(&audit, &exchange(), full_body("x")).await;
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    read_capped(response.into_body(), 100).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!audit.healthy());
    assert_eq!(audit.stats().retained, 0, "the batch in doubt holds it");
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let inner = service_fn(move |_: Received| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, Rejection>(Released::new(Response::new(empty_body()))) }
    });
    let mut service = layer(&audit).layer(inner);
    for _ in 0..3 {
        let response = service.call(received(&exchange())).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    fake.set_away(false);
    until_healthy(&audit).await;
    let refused = ["request.refused"; 3];
    let mut expected = vec!["request.completed"];
    expected.extend(refused);
    expected.push("audit.recovered");
    assert_eq!(fake.types(), expected);
    service.call(received(&exchange())).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_places_are_turned_away() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let mut slots: Vec<_> = (0..SLOTS_MAX - 1).map(|_| audit.slot().unwrap()).collect();
    let fits = answered(&audit, &exchange(), frames(&[Ok("x")])).await;
    let response = answered(&audit, &exchange(), full_body("x")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(only(&fake).await.1["reason"], "audit_unavailable");
    slots.pop();
    drop(fits);
    let response = answered(&audit, &exchange(), full_body("x")).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_is_not_ready_is_a_refusal() {
    #[derive(Clone)]
    struct Busy;
    impl Service<Received> for Busy {
        type Response = Released;
        type Error = Rejection;
        type Future = std::future::Pending<Result<Released, Rejection>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
            Poll::Ready(Err(Rejection::new(Reason::Overloaded, "Busy.")))
        }
        fn call(&mut self, _: Received) -> Self::Future {
            panic!("not ready")
        }
    }
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let service = layer(&audit).layer(Busy);
    let response = service.oneshot(received(&exchange())).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(only(&fake).await.1["reason"], "overloaded");
}

fn admitted(exchange: &Arc<Exchange>) -> Admitted {
    let target = Target {
        provider: "openai".into(),
        model: "fast".into(),
        upstream_model: "gpt".into(),
    };
    let document = Document::new(Bytes::from_static(b"{}"));
    received(exchange).authenticated(principal()).admitted(
        document,
        Bytes::new(),
        Some(target),
        Guards::default(),
    )
}

fn validation(verdict: Verdict) -> Arc<ValidationResult> {
    let threat = Threat::new(Category::Jailbreak, Check::Pattern, "jb-7", 0.61);
    Arc::new(ValidationResult {
        is_safe: verdict == Verdict::Allow,
        threats: vec![threat],
        confidence: 0.5,
        verdict,
        scores: Some(Scores {
            jailbreak: 0.123_456,
            ..Scores::default()
        }),
    })
}

fn cleared(exchange: &Arc<Exchange>, verdict: Verdict) -> Cleared {
    admitted(exchange).cleared(validation(verdict))
}

/// A request ahead of the verdict that the sender gives.
fn cleared_ahead(exchange: &Arc<Exchange>) -> (Cleared, oneshot::Sender<Arc<ValidationResult>>) {
    let (settle, settled) = oneshot::channel();
    let verdict = Box::pin(async move { settled.await.ok() });
    (admitted(exchange).cleared_ahead(verdict), settle)
}

/// An inner service that tells what was on record when it was called.
fn recorder(
    fake: &Fake,
) -> impl Service<Recorded, Response = Vec<String>, Error = Rejection, Future: Send> + Clone + Send + use<>
{
    let seen = fake.clone();
    service_fn(move |_: Recorded| {
        let types = seen.types();
        async { Ok::<_, Rejection>(types) }
    })
}

#[tokio::test(start_paused = true)]
async fn a_request_ahead_of_its_verdict_says_so_and_is_decided_before_its_reply() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let exchange = exchange();
    let (request, settle) = cleared_ahead(&exchange);
    let service = DecideLayer::new(audit).layer(recorder(&fake));
    let mut call = pin!(service.oneshot(request));
    for _ in 0..100 {
        assert!(call.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    assert_eq!(fake.types(), ["request.dispatched"]);
    let details = fake.row(0).event.details();
    assert_eq!(details["speculative"], true);
    assert_eq!(details["verdict"], "pending");
    settle.send(validation(Verdict::Flag)).unwrap();
    assert_eq!(call.await.unwrap(), ["request.dispatched"]);
    assert_eq!(fake.types(), ["request.dispatched", "request.decided"]);
    assert_eq!(fake.row(1).event.action(), "flag");
}

#[tokio::test(start_paused = true)]
async fn without_a_verdict_or_its_record_there_is_no_reply() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let service = DecideLayer::new(audit).layer(recorder(&fake));
    let (request, settle) = cleared_ahead(&exchange());
    drop(settle);
    let rejection = service.clone().oneshot(request).await.unwrap_err();
    assert_eq!(rejection.reason(), Reason::Internal);
    let (request, settle) = cleared_ahead(&exchange());
    let mut call = pin!(service.oneshot(request));
    for _ in 0..100 {
        assert!(call.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    settle.send(validation(Verdict::Allow)).unwrap();
    let rejection = call.await.unwrap_err();
    assert_eq!(rejection.reason(), Reason::AuditUnavailable);
}

#[tokio::test(start_paused = true)]
async fn the_decision_is_on_record_before_the_dispatch() {
    let fake = Fake::default();
    let gate = fake.gate();
    let (audit, _writer) = fake.start(settings()).await;
    let exchange = exchange();
    let seen = fake.clone();
    let inner = service_fn(move |_: Recorded| {
        let types = seen.types();
        async { Ok::<_, Rejection>(types) }
    });
    let service = DecideLayer::new(audit).layer(inner);
    let mut call = pin!(service.oneshot(cleared(&exchange, Verdict::Flag)));
    for _ in 0..100 {
        assert!(call.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    assert_eq!(call.await.unwrap(), ["request.decided"]);
    let event = fake.row(0).event;
    assert_eq!((event.action(), event.actor_id()), ("flag", "alice"));
    let details = event.details();
    assert_eq!(details["confidence"], 0.5);
    assert_eq!(details["is_safe"], false);
    assert_eq!(details["threats"][0]["rule"], "jb-7");
    assert_eq!(details["scores"]["jailbreak"], 0.123);
    assert!(details["scores"]["indirect_injection"].is_null());
    assert_eq!(details["request_id"], exchange.id.to_string());
}

#[tokio::test(start_paused = true)]
async fn without_a_record_there_is_no_dispatch() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    let inner = service_fn(|_: Recorded| async {
        panic!("dispatched");
        #[expect(unreachable_code, reason = "gives the service its types")]
        Ok::<(), Rejection>(())
    });
    let service = DecideLayer::new(audit).layer(inner);
    let outcome = service.oneshot(cleared(&exchange(), Verdict::Allow)).await;
    let rejection = outcome.unwrap_err();
    assert_eq!(rejection.reason(), Reason::AuditUnavailable);
    assert_eq!(fake.types().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_has_a_decision_and_a_completion_in_order() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let answer = service_fn(|_: Recorded| async {
        Ok::<_, Rejection>(Released::new(Response::new(full_body("x"))))
    });
    let decide = DecideLayer::new(audit.clone()).layer(answer);
    let inner = service_fn(move |received: Received| {
        decide
            .clone()
            .oneshot(cleared(&received.exchange, Verdict::Allow))
    });
    let service = layer(&audit).layer(inner);
    let response = service.oneshot(received(&exchange())).await.unwrap();
    assert!(!response.body().is_end_stream());
    read_capped(response.into_body(), 10).await.unwrap();
    audit.close().await.unwrap();
    assert_eq!(fake.types(), ["request.decided", "request.completed"]);
}
