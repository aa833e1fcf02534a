//! Rates, tokens, concurrency and `max_tokens`, as a client meets them.

use std::time::Duration;

use aegis_testkit::provider::{Fault, Script};
use aegis_tests::Setup;
use serde_json::{Value, json};

fn ask() -> Value {
    json!({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]})
}

#[tokio::test]
async fn a_used_up_rate_says_when_to_come_back() {
    let setup =
        Setup::with(|policy| policy.with("limits", "[{ per: principal, requests: 3/m }]")).await;
    for left in ["2", "1", "0"] {
        let answer = setup.post("/v1/chat/completions", &ask()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["x-ratelimit-limit-requests"], "3");
        assert_eq!(answer.headers["x-ratelimit-remaining-requests"], left);
    }
    let answer = setup.post("/v1/chat/completions", &ask()).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["code"].as_str()
        ),
        (429, Some("rate_limited"))
    );
    let wait: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(answer.headers.contains_key("x-ratelimit-reset-requests"));
    let other = setup.gateway.token("bob", &["developer"]).unwrap();
    let url = format!("{}/v1/chat/completions", setup.gateway.url);
    assert_eq!(
        aegis_testkit::client::post(&url, &other, ask().to_string())
            .await
            .status,
        200,
        "bob has a budget of his own"
    );
}

#[tokio::test]
async fn tokens_are_estimated_before_and_settled_after() {
    let setup = Setup::with(|policy| {
        policy
            .with("limits", "[{ per: principal, tokens: 3000/m }]")
            .with("request", "{ output_tokens_max: 100 }")
    })
    .await;
    let mut body = ask();
    body["max_tokens"] = json!(50);
    let first = setup.post("/v1/chat/completions", &body).await;
    assert_eq!(first.status, 200);
    let used = first.json()["usage"]["total_tokens"].as_u64().unwrap();
    let second = setup.post("/v1/chat/completions", &body).await;
    let left: u64 = second.headers["x-ratelimit-remaining-tokens"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        left <= 3_000 - used,
        "the provider's count was debited: {left} left after {used}"
    );
    body["messages"][0]["content"] = json!("word ".repeat(4_000));
    let large = setup.post("/v1/chat/completions", &body).await;
    assert_eq!(
        (
            large.status.as_u16(),
            large.json()["error"]["code"].as_str()
        ),
        (429, Some("rate_limited")),
        "{}",
        large.text()
    );
}

#[tokio::test]
async fn output_limits_are_lowered_and_added_byte_for_byte() {
    let setup = Setup::with(|policy| policy.with("request", "{ output_tokens_max: 100 }")).await;
    for (sent, forwarded) in [
        (
            r#"{"model":"gpt-5-mini", "max_tokens" : 5000,"messages":[{"role":"user","content":"é\u0041 1.50"}],"temperature":1.50}"#,
            r#"{"model":"gpt-5-mini", "max_tokens" : 100,"messages":[{"role":"user","content":"é\u0041 1.50"}],"temperature":1.50}"#,
        ),
        (
            r#"{"model":"gpt-5-mini","max_tokens":99,"messages":[{"role":"user","content":"x"}]}"#,
            r#"{"model":"gpt-5-mini","max_tokens":99,"messages":[{"role":"user","content":"x"}]}"#,
        ),
        (
            r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"x"}]}"#,
            r#"{"max_completion_tokens":100,"model":"gpt-5-mini","messages":[{"role":"user","content":"x"}]}"#,
        ),
    ] {
        assert_eq!(
            setup.post_bytes("/v1/chat/completions", sent).await.status,
            200
        );
        let seen = setup.provider.seen().pop().unwrap();
        assert_eq!(String::from_utf8_lossy(&seen.body), forwarded);
    }
}

#[tokio::test]
async fn concurrency_is_held_until_the_reply_ends() {
    let setup =
        Setup::with(|policy| policy.with("limits", "[{ per: principal, concurrency: 1 }]")).await;
    setup.play(Script::default().failing(Fault::HangAfter(2)));
    let url = format!("{}/v1/chat/completions", setup.gateway.url);
    let (token, mut body) = (setup.token.clone(), ask());
    body["stream"] = json!(true);
    let hanging =
        tokio::spawn(
            async move { aegis_testkit::client::post(&url, &token, body.to_string()).await },
        );
    while setup.provider.served() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = setup.post("/v1/chat/completions", &ask()).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["code"].as_str()
        ),
        (429, Some("concurrency_limited"))
    );
    hanging.abort();
    hanging.await.ok();
    setup.play(Script::default());
    for _ in 0..200 {
        if setup.post("/v1/chat/completions", &ask()).await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place of a reply that was given up is not free again");
}
