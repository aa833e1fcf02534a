use std::sync::Weak;
use std::time::SystemTime;

use aegis_core::{
    ActorType, DigestKey, Document, Ending, Peer, Principal, Received, Route, ValidationResult,
    Verdict, empty_body, full_body,
};
use futures_util::future::ready;
use tower::{ServiceExt, service_fn};

use super::*;
use crate::OutputSpec;

struct Sent {
    exchange: Arc<Exchange>,
    result: Result<Response<Body>, Rejection>,
    /// Held by the request's guards only.
    guard: Weak<()>,
}

fn filter(policy: &str) -> Arc<OutputFilter> {
    let spec: OutputSpec = serde_saphyr::from_str(policy).unwrap();
    Arc::new(spec.build(&DigestKey::from_bytes(b"test")).unwrap())
}

fn recorded(operation: Operation, guards: Guards) -> Recorded {
    let route = Arc::new(Route::builtin(operation));
    let exchange = Exchange::new(Peer { address: None }, Some(route), "policy".into());
    let (head, ()) = http::Request::new(()).into_parts();
    let principal = Principal {
        actor_type: ActorType::User,
        id: "sub".into(),
        issuer: "test".into(),
        tenant: None,
        roles: Vec::new(),
        amr: Vec::new(),
        acr: None,
        credential_id: None,
        expires_at: SystemTime::now(),
    };
    let validation = ValidationResult {
        is_safe: true,
        threats: Vec::new(),
        confidence: 1.0,
        verdict: Verdict::Allow,
        scores: None,
    };
    let received = Received {
        exchange: Arc::new(exchange),
        head,
        body: empty_body(),
    };
    received
        .authenticated(Arc::new(principal))
        .admitted(Document::new(Bytes::new()), Bytes::new(), None, guards)
        .cleared(Arc::new(validation))
        .recorded()
}

fn reply(kind: &str, body: impl Into<Bytes>) -> Result<Reply, Rejection> {
    let response = Response::builder()
        .header("content-type", kind)
        .header("content-length", "7")
        .header("etag", "\"x\"")
        .header("x-kept", "yes");
    Ok(Reply::new(response.body(full_body(body)).unwrap()))
}

/// Sends a request through the layer to a provider that answers `reply`.
async fn send(policy: &str, reply: Result<Reply, Rejection>) -> Sent {
    let held = Arc::new(());
    let guard = Arc::downgrade(&held);
    let mut guards = Guards::default();
    guards.push(held);
    let request = recorded(Operation::Completions, guards);
    let exchange = request.admitted().exchange().clone();
    let reply = Arc::new(parking(reply));
    let inner = service_fn(move |mut request: Recorded| {
        // The guards belong to the reply by now.
        drop(request.admitted_mut().take_guards());
        ready(reply.lock().unwrap().take().unwrap())
    });
    let service = OutputLayer::new(filter(policy)).layer(inner);
    let result = service.oneshot(request).await;
    Sent {
        exchange,
        result: result.map(Released::into_response),
        guard,
    }
}

fn parking<T>(value: T) -> std::sync::Mutex<Option<T>> {
    std::sync::Mutex::new(Some(value))
}

async fn text(response: Response<Body>) -> String {
    let body = read_capped(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

const JSON: &str = "{\"choices\":[{\"index\":0,\"text\":\"to jane@example.com\"}]}";

#[tokio::test]
async fn a_whole_reply_is_filtered_and_its_length_corrected() {
    let sent = send("pii: {}", reply("application/json", JSON)).await;
    let response = sent.result.unwrap();
    let expected = JSON.replace("jane@example.com", "[EMAIL]");
    let length = &response.headers()["content-length"];
    assert_eq!(length.to_str().unwrap(), expected.len().to_string());
    assert!(!response.headers().contains_key("etag"));
    assert!(response.headers().contains_key("x-kept"));
    assert!(sent.guard.upgrade().is_some());
    assert_eq!(text(response).await, expected);
    assert!(sent.guard.upgrade().is_none());
    let trail = sent.exchange.trail();
    assert_eq!(trail.verdict, Verdict::Redact);
    assert_eq!(trail.threats[0].rule, "email");
    assert_eq!(trail.threats[0].path.as_deref(), Some("/choices/0/text"));
}

#[tokio::test]
async fn a_reply_without_values_goes_out_as_it_came() {
    for policy in ["pii: {}\nsecrets: {}", "{}"] {
        let fine = JSON.replace("jane@example.com", "you ");
        let sent = send(policy, reply("application/json", fine.clone())).await;
        let response = sent.result.unwrap();
        assert!(response.headers().contains_key("etag"));
        assert_eq!(text(response).await, fine);
        assert_eq!(sent.exchange.trail().verdict, Verdict::Allow);
    }
}

#[tokio::test]
async fn a_blocked_reply_is_refused_and_nothing_of_it_sent() {
    let sent = send("pii: { action: block }", reply("application/json", JSON)).await;
    let rejection = sent.result.unwrap_err();
    assert_eq!(rejection.reason(), Reason::OutputBlocked);
    assert!(!rejection.message().contains("jane"));
    assert!(sent.guard.upgrade().is_none());
    let trail = sent.exchange.trail();
    assert_eq!((trail.verdict, trail.threats.len()), (Verdict::Block, 1));
}

#[tokio::test]
async fn what_cannot_be_inspected_is_refused_even_without_detectors() {
    for (kind, body) in [
        ("text/html", "<html>"),
        ("application/json", "<html>"),
        ("application/json", ""),
        ("application/octet-stream", JSON),
    ] {
        for policy in ["pii: {}", "{}"] {
            let rejection = send(policy, reply(kind, body)).await.result.unwrap_err();
            assert_eq!(rejection.reason(), Reason::UpstreamInvalid, "{kind} {body}");
        }
    }
}

#[tokio::test]
async fn bodies_have_a_limit() {
    for (spare, fits) in [(1, true), (0, true), (-1, false)] {
        let max = JSON.len().checked_add_signed(spare).unwrap();
        let sent = send(
            &format!("body_max: {max}B"),
            reply("application/json", JSON),
        )
        .await;
        assert_eq!(sent.result.is_ok(), fits, "{spare}");
    }
}

#[tokio::test]
async fn long_replies_are_filtered_too() {
    for bytes in [INLINE_BYTES_MAX - 200, INLINE_BYTES_MAX + 200] {
        let long = JSON.replace("to ", &"word ".repeat(bytes / 5));
        let sent = send("pii: {}", reply("application/json", long.clone())).await;
        let expected = long.replace("jane@example.com", "[EMAIL]");
        assert_eq!(text(sent.result.unwrap()).await, expected);
    }
}

#[tokio::test]
async fn a_stream_is_filtered_as_it_is_read() {
    let event =
        |text: &str| format!("data: {{\"choices\":[{{\"index\":0,\"text\":\"{text}\"}}]}}\n\n");
    let body = event("to jane@exam") + &event("ple.com, ") + "data: [DONE]\n\n";
    let sent = send("pii: {}", reply("text/event-stream; charset=utf-8", body)).await;
    let response = sent.result.unwrap();
    assert!(!response.headers().contains_key("content-length"));
    assert!(sent.guard.upgrade().is_some());
    let out = text(response).await;
    assert_eq!(out, event("to ") + &event("[EMAIL], ") + "data: [DONE]\n\n");
    assert!(sent.guard.upgrade().is_none());
    assert_eq!(sent.exchange.trail().ending, None::<Ending>);
}

#[tokio::test]
async fn a_refusal_of_the_provider_passes_through() {
    let refused = Rejection::new(Reason::CircuitOpen, "later");
    let sent = send("pii: {}", Err(refused)).await;
    assert_eq!(sent.result.unwrap_err().reason(), Reason::CircuitOpen);
    assert!(sent.guard.upgrade().is_none());
}

#[tokio::test]
async fn a_reply_without_content_may_be_empty_only() {
    for (body, fits) in [("", true), ("{}", false)] {
        let response = Response::builder().status(StatusCode::NO_CONTENT);
        let reply = Reply::new(response.body(full_body(body)).unwrap());
        assert_eq!(send("pii: {}", Ok(reply)).await.result.is_ok(), fits);
    }
}
