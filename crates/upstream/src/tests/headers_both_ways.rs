//! What reaches the provider, and what comes back.

use super::mock::{Mock, json};
use aegis_core::Reason;

use super::*;

#[tokio::test]
async fn the_request_is_made_anew() {
    let mut mock = Mock::start(vec![json("200 OK", "", "{}")]).await;
    let more = serde_json::json!({ "headers": { "OpenAI-Organization": "ours" } });
    let stage = stage(&spec("openai", &format!("{}/base/", mock.url), &more));
    let reply = Asking::new(Operation::ChatCompletions)
        .header("authorization", "Bearer of-the-client")
        .header("openai-organization", "theirs")
        .header("cookie", "a=b")
        .header("x-forwarded-for", "192.0.2.1")
        .header("connection", "idempotency-key")
        .header("idempotency-key", "1")
        .header("accept", "application/json")
        .of(&stage);
    assert_eq!(text(reply.await.unwrap()).await, "{}");
    let request = mock.request().await;
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /base/v1/chat/completions HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", mock.url.strip_prefix("http://").unwrap());
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "accept: application/json",
            "authorization: Bearer value-of-KEY",
            &format!("content-length: {}", PROMPT.len()),
            "content-type: application/json",
            &host,
            "openai-organization: ours",
            concat!("user-agent: aegis/", env!("CARGO_PKG_VERSION")),
        ]
    );
    assert_eq!(body, PROMPT);
}

#[tokio::test]
async fn each_family_gets_its_credential_and_path() {
    for (api, operation, path, credential) in [
        (
            "openai",
            Operation::Embeddings,
            "/v1/embeddings",
            "authorization: Bearer value-of-KEY",
        ),
        (
            "anthropic",
            Operation::Messages,
            "/v1/messages",
            "x-api-key: value-of-KEY",
        ),
        (
            "anthropic",
            Operation::CountTokens,
            "/v1/messages/count_tokens",
            "x-api-key: value-of-KEY",
        ),
        (
            "huggingface",
            Operation::GenerateStream,
            "/generate_stream",
            "authorization: Bearer value-of-KEY",
        ),
        (
            "generic",
            Operation::Generic,
            "/client/path",
            "x-key: value-of-KEY",
        ),
    ] {
        let mut mock = Mock::start(vec![json("200 OK", "", "{}")]).await;
        let more = match api {
            "generic" => serde_json::json!({ "credential_header": "X-Key" }),
            _ => serde_json::json!({}),
        };
        let stage = stage(&spec(api, &mock.url, &more));
        let asking = Asking::new(operation).header("x-api-key", "of-the-client");
        assert!(asking.of(&stage).await.is_ok());
        let request = mock.request().await;
        assert!(
            request.starts_with(&format!("POST {path} HTTP/1.1")),
            "{request}"
        );
        assert!(
            request.contains(&format!("\r\n{credential}\r\n")),
            "{request}"
        );
        assert!(!request.contains("of-the-client"));
        assert_eq!(
            request.contains("anthropic-version: 2023-06-01"),
            api == "anthropic"
        );
    }
}

#[tokio::test]
async fn the_reply_loses_what_is_not_the_clients() {
    let headers = "set-cookie: a=b\r\nserver: x\r\nx-request-id: req_1\r\n\
                   x-ratelimit-remaining-requests: 5\r\nopenai-organization: ours\r\n\
                   retry-after: 3\r\nlocation: /x\r\n";
    let mock = Mock::start(vec![json("201 Created", headers, "{}")]).await;
    let stage = stage(&spec("openai", &mock.url, &serde_json::json!({})));
    let response = ask(&stage).await.unwrap().into_response();
    assert_eq!(response.status(), 201);
    let mut names: Vec<&str> = response
        .headers()
        .keys()
        .map(|name| name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", crate::UPSTREAM_REQUEST_ID]);
}

#[tokio::test]
async fn coded_and_partial_replies_are_refused() {
    for (status, headers) in [
        ("200 OK", "content-encoding: gzip\r\n"),
        ("200 OK", "content-type: text/plain\r\n"),
        ("206 Partial Content", ""),
    ] {
        let mock = Mock::start(vec![json(status, headers, "{}")]).await;
        let stage = stage(&spec("openai", &mock.url, &serde_json::json!({})));
        let rejection = ask(&stage).await.unwrap_err();
        assert_eq!(
            rejection.reason(),
            Reason::UpstreamInvalid,
            "{status} {headers}"
        );
    }
}

#[tokio::test]
async fn guards_last_as_long_as_the_body() {
    let mock = Mock::start(vec![json("200 OK", "", "{}")]).await;
    let stage = stage(&spec("openai", &mock.url, &serde_json::json!({})));
    let guard = Arc::new(());
    let mut asking = Asking::new(Operation::ChatCompletions);
    asking.guards.push(guard.clone());
    let reply = asking.of(&stage).await.unwrap();
    assert_eq!(Arc::strong_count(&guard), 2);
    text(reply).await;
    assert_eq!(Arc::strong_count(&guard), 1);
}
