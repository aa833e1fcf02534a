//! The cache of verified tokens: what it may answer, and when it must forget.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::{
    Answer, JWKS, NOW, POLICY, Signer, World, ask, b64, claims, header, rule, set, wait, with,
};

fn token(signer: &Signer, changes: Value) -> String {
    signer.token(&header("EdDSA", "k"), &with(claims(), changes))
}

#[tokio::test(start_paused = true)]
async fn a_token_is_verified_once() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    let token = token(&signer, json!({}));
    let first = ask(&auth, &token).await.expect("accepted");
    let second = ask(&auth, &token).await.expect("accepted");
    assert!(
        Arc::ptr_eq(&first, &second),
        "the same principal, not a new one"
    );
    assert_eq!(auth.cache.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_forgery_rides_on_a_cached_token() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    let good = token(&signer, json!({}));
    assert_eq!(rule(&ask(&auth, &good).await), "accepted");
    let (message, signature) = good.rsplit_once('.').expect("a dot");
    let (header, _) = message.split_once('.').expect("a dot");
    let promoted = b64(with(claims(), json!({"roles": ["operator"]})).to_string());
    for forged in [
        format!("{header}.{promoted}.{signature}"),
        format!("{message}.{}", b64([0; 64])),
        format!("{message}.{}", b64([&[0; 32][..], &[1; 32]].concat())),
    ] {
        assert_eq!(rule(&ask(&auth, &forged).await), "signature_invalid");
    }
    assert_eq!(rule(&ask(&auth, &format!("{good}=")).await), "token_base64");
    assert_eq!(rule(&ask(&auth, &format!("{good}.")).await), "token_parts");
}

#[tokio::test(start_paused = true)]
async fn an_entry_ends_at_exp() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    let token = token(&signer, json!({"exp": NOW + 60}));
    assert_eq!(rule(&ask(&auth, &token).await), "accepted");
    world.clock.set(NOW + 59);
    assert_eq!(rule(&ask(&auth, &token).await), "accepted");
    assert_eq!(auth.cache.len(), 1);
    world.clock.set(NOW + 60);
    assert_eq!(
        rule(&ask(&auth, &token).await),
        "accepted",
        "within the leeway"
    );
    assert_eq!(auth.cache.len(), 0, "but not from memory");
    world.clock.set(NOW + 90);
    assert_eq!(rule(&ask(&auth, &token).await), "expired");
}

#[tokio::test(start_paused = true)]
async fn an_entry_ends_with_its_key() {
    let mut world = World::new();
    let (signer, other) = (Signer::ed(), Signer::ed());
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    let token = token(&signer, json!({}));
    let first = ask(&auth, &token).await.expect("accepted");

    world
        .network
        .serve(JWKS, set(&[other.jwk("new"), signer.jwk("k")]));
    wait(Duration::from_secs(600)).await;
    let second = ask(&auth, &token).await.expect("accepted");
    assert!(
        Arc::ptr_eq(&first, &second),
        "the set changed, the key stayed"
    );

    // The same id for another key must not keep the token alive.
    world.network.serve(JWKS, set(&[other.jwk("k")]));
    wait(Duration::from_secs(600)).await;
    assert_eq!(rule(&ask(&auth, &token).await), "signature_invalid");
    assert_eq!(auth.cache.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_entry_ends_with_its_policy() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    let token = token(&signer, json!({}));
    assert_eq!(rule(&ask(&auth, &token).await), "accepted");
    let stricter = POLICY.replace("[aegis, ", "[");
    let next = world
        .build(&stricter, Path::new("/nonexistent"), Some(&auth))
        .expect("a policy");
    assert_eq!(rule(&ask(&next, &token).await), "audience_mismatch");
}

#[tokio::test(start_paused = true)]
async fn refusals_are_not_remembered() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.answer(JWKS, Answer::Failure);
    let auth = world.start(POLICY).await;
    let token = token(&signer, json!({"nbf": NOW + 100}));
    assert_eq!(rule(&ask(&auth, &token).await), "identity_unavailable");
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    wait(Duration::from_secs(60)).await;
    assert_eq!(rule(&ask(&auth, &token).await), "not_yet_valid");
    world.clock.set(NOW + 100);
    assert_eq!(rule(&ask(&auth, &token).await), "accepted");
}
