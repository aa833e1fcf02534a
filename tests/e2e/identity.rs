//! Identity with a real issuer over HTTP: discovery, key set, roles.

use aegis_testkit::client::{get, post};
use aegis_testkit::idp::Idp;
use aegis_tests::{PolicyText, Setup};
use serde_json::json;

const BODY: &str = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hello"}]}"#;

fn with_issuer(policy: PolicyText, idp: &Idp) -> PolicyText {
    let auth = format!(
        "{{ issuers: [{{ name: test, issuer: \"{}\", audiences: [aegis], algorithms: [EdDSA], max_token_lifetime: 10m, leeway: 0s }}], throttle: {{ failures: 1000, per: 1m, block: 1s }} }}",
        idp.issuer()
    );
    policy.with("auth", auth)
}

async fn status(setup: &Setup, token: &str) -> u16 {
    post(
        &format!("{}/v1/chat/completions", setup.gateway.url),
        token,
        BODY,
    )
    .await
    .status
    .as_u16()
}

#[tokio::test]
async fn tokens_of_a_configured_issuer_open_what_their_roles_open() {
    let idp = Idp::start().await;
    let setup = Setup::with(|policy| with_issuer(policy, &idp)).await;
    assert_eq!(
        status(&setup, &idp.token("carol", &["developer"])).await,
        200
    );
    assert_eq!(status(&setup, &idp.token("carol", &["reader"])).await, 403);
    assert_eq!(status(&setup, &idp.token("carol", &[])).await, 403);
    assert_eq!(status(&setup, &idp.token("carol", &["root"])).await, 403);
    let models = get(
        &format!("{}/v1/models", setup.gateway.url),
        &idp.token("carol", &["reader"]),
    )
    .await;
    assert_eq!(models.status, 200);
    let requests = idp.jwks_requests.load(std::sync::atomic::Ordering::SeqCst);
    assert!(requests <= 2, "the key set is cached: {requests} requests");
}

#[tokio::test]
async fn tokens_with_anything_wrong_open_nothing() {
    let idp = Idp::start().await;
    let stranger = Idp::start().await;
    let setup = Setup::with(|policy| with_issuer(policy, &idp)).await;
    let now = aegis_testkit::idp::now();
    let changed = |key: &str, value: serde_json::Value| {
        let mut claims = idp.claims("mallory", &["developer"]);
        claims.insert(key.into(), value);
        idp.sign(&claims)
    };
    let without = |key: &str| {
        let mut claims = idp.claims("mallory", &["developer"]);
        claims.remove(key);
        idp.sign(&claims)
    };
    let mut foreign = idp.claims("mallory", &["developer"]);
    foreign.insert("iss".into(), json!(idp.issuer()));
    let good = idp.token("mallory", &["developer"]);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let rows = [
        ("expired", changed("exp", json!(now - 5))),
        ("not yet valid", changed("nbf", json!(now + 60))),
        ("issued in the future", changed("iat", json!(now + 60))),
        ("lives too long", changed("exp", json!(now + 3_600))),
        ("other audience", changed("aud", json!("other"))),
        ("other audiences", changed("aud", json!(["other", "more"]))),
        (
            "other issuer",
            changed("iss", json!("https://evil.example")),
        ),
        ("text as a time", changed("exp", json!("9999999999"))),
        ("empty subject", changed("sub", json!(""))),
        ("no exp", without("exp")),
        ("no nbf", without("nbf")),
        ("no iat", without("iat")),
        ("no aud", without("aud")),
        ("no sub", without("sub")),
        ("signed by another", stranger.sign(&foreign)),
        (
            "cut signature",
            format!("{signed}.{}", &signature[..signature.len() - 4]),
        ),
        ("no signature", format!("{signed}.")),
        ("two parts", signed.to_owned()),
        ("garbage", "a.b.c".to_owned()),
        ("empty", String::new()),
        ("huge", format!("{good}{}", "A".repeat(20_000))),
    ];
    for (what, token) in rows {
        let answer = post(
            &format!("{}/v1/chat/completions", setup.gateway.url),
            &token,
            BODY,
        )
        .await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        assert!(answer.headers.contains_key("www-authenticate"), "{what}");
        assert!(
            token.is_empty() || !answer.text().contains(&token),
            "{what} is echoed"
        );
    }
    assert_eq!(setup.provider.served(), 0);
    let anonymous =
        aegis_testkit::client::get(&format!("{}/v1/models", setup.gateway.url), "").await;
    assert_eq!(anonymous.status, 401);
}

#[tokio::test]
async fn an_issuer_that_is_not_there_is_unavailable_and_never_a_yes() {
    let idp = Idp::start().await;
    let token = idp.token("carol", &["developer"]);
    let issuer = idp.issuer();
    drop(idp);
    let setup = Setup::with(|policy| {
        policy.with("auth", format!("{{ issuers: [{{ name: test, issuer: \"{issuer}\", audiences: [aegis], algorithms: [EdDSA], max_token_lifetime: 10m }}] }}"))
    })
    .await;
    let answer = post(
        &format!("{}/v1/chat/completions", setup.gateway.url),
        &token,
        BODY,
    )
    .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["code"].as_str()
        ),
        (503, Some("identity_unavailable")),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn failed_authentication_is_throttled() {
    let setup = Setup::with(|policy| policy.with("auth", "{ development: { key_file: dev-key.json }, throttle: { failures: 5, per: 1m, block: 1m } }")).await;
    let mut last = 0;
    for attempt in 0..12 {
        last = status(&setup, &format!("not.a.token{attempt}")).await;
    }
    assert_eq!(last, 429);
}
