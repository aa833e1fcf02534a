//! The official SDKs, unchanged but for `base_url`: what they raise and return must be what their
//! users expect.

use std::path::Path;

use aegis_tests::{Setup, python};

/// Limits of two requests, for the tests of 429.
const TWO_REQUESTS: &str = "[{ per: principal, requests: 2/m }]";
const BLOCK_CARDS: &str = "{ pii: { entities: [pii], action: redact, per_entity: { card: block } }, secrets: { entities: [secrets], action: redact } }";

/// Runs functions of a script against a gateway.
async fn run(setup: &Setup, script: &str, functions: &[&str]) {
    let reader = setup.gateway.token("bob", &["reader"]).expect("a token");
    let output = tokio::process::Command::new(python())
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("e2e/python")
                .join(script),
        )
        .args(functions)
        .env("GATEWAY", &setup.gateway.url)
        .env("PROVIDER", setup.provider.url())
        .env("TOKEN", &setup.token)
        .env("READER", reader)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .await
        .expect("python");
    let text = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&text)
    );
    let (verified, report) = setup.verify();
    assert!(verified, "{report}");
}

#[tokio::test]
async fn openai_sdk_works_as_its_users_expect() {
    let setup = Setup::start().await;
    run(
        &setup,
        "openai_sdk.py",
        &["chat", "tools", "responses", "others", "errors"],
    )
    .await;
}

#[tokio::test]
async fn openai_sdk_raises_rate_limit_errors() {
    let setup = Setup::with(|policy| policy.with("limits", TWO_REQUESTS)).await;
    run(&setup, "openai_sdk.py", &["limited"]).await;
}

#[tokio::test]
async fn openai_sdk_raises_when_a_stream_is_blocked() {
    let setup = Setup::with(|policy| policy.with("output", BLOCK_CARDS)).await;
    run(&setup, "openai_sdk.py", &["mid_stream"]).await;
}

#[tokio::test]
async fn anthropic_sdk_works_as_its_users_expect() {
    let setup = Setup::start().await;
    run(
        &setup,
        "anthropic_sdk.py",
        &["messages", "thinking", "tools", "errors"],
    )
    .await;
}

#[tokio::test]
async fn anthropic_sdk_raises_rate_limit_errors() {
    let setup = Setup::with(|policy| policy.with("limits", TWO_REQUESTS)).await;
    run(&setup, "anthropic_sdk.py", &["limited"]).await;
}

#[tokio::test]
async fn anthropic_sdk_raises_when_a_stream_is_blocked() {
    let setup = Setup::with(|policy| policy.with("output", BLOCK_CARDS)).await;
    run(&setup, "anthropic_sdk.py", &["mid_stream"]).await;
}

#[tokio::test]
async fn huggingface_client_works_as_its_users_expect() {
    let setup = Setup::start().await;
    run(&setup, "huggingface_sdk.py", &["chat", "generate"]).await;
}
