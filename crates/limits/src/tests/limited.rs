//! Each limit at its number and one beyond, alone and together.

use futures_util::{FutureExt, stream};
use http_body_util::{BodyExt, StreamBody};

use super::*;

fn header(exchange: &Exchange, name: &str) -> Option<String> {
    let headers = exchange.trail().reply_headers;
    let found = headers.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.to_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn requests_pass_up_to_the_rate_and_again_after_the_stated_wait() {
    for per in ["principal", "tenant", "address"] {
        let stage = Stage::limited(&json!([{ "per": per, "requests": "3/m" }]));
        for _ in 0..3 {
            stage.send(&Asking::chat()).await.unwrap();
        }
        let rejection = stage.refused(&Asking::chat()).await;
        assert_eq!(rejection.reason(), Reason::RateLimited);
        let wait = rejection.retry_after().unwrap();
        assert_eq!(wait, Duration::from_secs(20));
        tokio::time::advance(wait - Duration::from_millis(1)).await;
        stage.refused(&Asking::chat()).await;
        tokio::time::advance(Duration::from_millis(1)).await;
        stage.send(&Asking::chat()).await.unwrap();
        stage.refused(&Asking::chat()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn parties_do_not_share() {
    let limits = json!([{ "per": "principal", "requests": "1/m" }]);
    let stage = Stage::limited(&limits);
    stage.send(&Asking::chat()).await.unwrap();
    stage.refused(&Asking::chat().from("192.0.2.9")).await;
    stage.send(&Asking::chat().by("bob")).await.unwrap();

    let stage = Stage::limited(&json!([{ "per": "tenant", "requests": "1/m" }]));
    stage.send(&Asking::chat()).await.unwrap();
    stage.refused(&Asking::chat().by("bob")).await;
    let mut stranger = Asking::chat();
    stranger.principal.tenant = None;
    stage.send(&stranger).await.unwrap();
    stage.refused(&stranger).await;

    let stage = Stage::limited(&json!([{ "per": "address", "requests": "1/m" }]));
    stage
        .send(&Asking::chat().from("2001:db8::1"))
        .await
        .unwrap();
    stage
        .refused(&Asking::chat().from("2001:db8::2").by("bob"))
        .await;
    stage
        .send(&Asking::chat().from("2001:db8:0:1::1"))
        .await
        .unwrap();
    let mut local = Asking::chat();
    local.peer.address = None;
    stage.send(&local).await.unwrap();
    stage.refused(&local).await;
}

#[tokio::test]
async fn places_are_held_until_the_reply_ends() {
    let stage = Stage::limited(&json!([{ "per": "principal", "concurrency": 2 }]));
    stage.send(&Asking::chat()).await.unwrap();
    stage.send(&Asking::chat()).await.unwrap();
    let rejection = stage.refused(&Asking::chat()).await;
    assert_eq!(rejection.reason(), Reason::ConcurrencyLimited);
    assert_eq!(rejection.retry_after(), Some(Duration::from_secs(1)));
    stage.send(&Asking::chat().by("bob")).await.unwrap();
    drop(stage.passed.lock().remove(0));
    stage.send(&Asking::chat()).await.unwrap();
    stage.refused(&Asking::chat()).await;
}

#[tokio::test]
async fn refused_and_cancelled_requests_leave_their_place() {
    let stage = Stage::limited(&json!([{ "per": "principal", "concurrency": 1 }]));
    for _ in 0..3 {
        let broken = Asking::new(Operation::ChatCompletions, "{");
        assert_eq!(
            stage.refused(&broken).await.reason(),
            Reason::InvalidRequest
        );
    }
    let mut received = Asking::chat().received();
    received.body = StreamBody::new(stream::pending()).boxed_unsync();
    let inner = tower::service_fn(|_: Admitted| async { Ok::<(), Rejection>(()) });
    let authenticated = received.authenticated(Arc::new(principal("alice")));
    let mut waiting = stage.layer.layer(inner).call(authenticated);
    assert!(
        waiting.as_mut().now_or_never().is_none(),
        "waits for the body"
    );
    stage.refused(&Asking::chat()).await;
    drop(waiting);
    stage.send(&Asking::chat()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_one_limit_takes_nothing_from_another() {
    let stage = Stage::limited(&json!([
        { "per": "tenant", "requests": "2/m" },
        { "per": "principal", "requests": "1/m" },
    ]));
    stage.send(&Asking::chat()).await.unwrap();
    for _ in 0..5 {
        stage.refused(&Asking::chat()).await;
    }
    stage.send(&Asking::chat().by("bob")).await.unwrap();
    stage.refused(&Asking::chat().by("carol")).await;
}

#[tokio::test]
async fn a_limited_request_is_refused_before_its_body_is_read() {
    let stage = Stage::limited(&json!([{ "per": "principal", "requests": "1/m" }]));
    stage.send(&Asking::chat()).await.unwrap();
    let mut unreadable = Asking::new(Operation::ChatCompletions, "not json");
    unreadable.headers.clear();
    assert_eq!(
        stage.refused(&unreadable).await.reason(),
        Reason::RateLimited
    );
}

#[tokio::test(start_paused = true)]
async fn where_the_caller_stands_is_told() {
    let stage = Stage::limited(&json!([{ "per": "principal", "requests": "3/m" }]));
    let exchange = stage.send(&Asking::chat()).await.unwrap();
    let told = |name| header(&exchange, name);
    assert_eq!(told("x-ratelimit-limit-requests").as_deref(), Some("3"));
    assert_eq!(told("x-ratelimit-remaining-requests").as_deref(), Some("2"));
    assert_eq!(told("x-ratelimit-reset-requests").as_deref(), Some("20s"));
    assert_eq!(told("x-ratelimit-limit-tokens"), None);
    let message = r#"{"model":"claude","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#;
    let exchange = stage
        .send(&Asking::new(Operation::Messages, message))
        .await
        .unwrap();
    let told = |name| header(&exchange, name);
    assert_eq!(
        told("anthropic-ratelimit-requests-remaining").as_deref(),
        Some("1")
    );
    assert!(
        told("anthropic-ratelimit-requests-reset")
            .unwrap()
            .ends_with('Z')
    );
    assert_eq!(told("x-ratelimit-limit-requests"), None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_of_the_limit_that_refused() {
    let stage = Stage::limited(&json!([
        { "per": "principal", "requests": "1/m" },
        { "per": "address", "requests": "1/h" },
    ]));
    stage.send(&Asking::chat()).await.unwrap();
    let received = Asking::chat().received();
    let exchange = received.exchange.clone();
    let inner = tower::service_fn(|_: Admitted| async { Ok::<(), Rejection>(()) });
    let authenticated = received.authenticated(Arc::new(principal("alice")));
    let refused = stage
        .layer
        .layer(inner)
        .call(authenticated)
        .await
        .unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(3_600)));
    assert_eq!(
        header(&exchange, "x-ratelimit-reset-requests").as_deref(),
        Some("1h0m0s")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_pass_at_once_than_the_rate() {
    let stage = Arc::new(Stage::limited(&json!([
        { "per": "principal", "requests": "20/h" },
        { "per": "tenant", "requests": "30/h" },
    ])));
    let mut racing = tokio::task::JoinSet::new();
    for at in 0..100 {
        let stage = stage.clone();
        let id = if at % 2 == 0 { "alice" } else { "bob" };
        racing.spawn(async move { stage.send(&Asking::chat().by(id)).await.is_ok() });
    }
    let passed = racing.join_all().await.into_iter().filter(|passed| *passed);
    assert_eq!(passed.count(), 30);
}
