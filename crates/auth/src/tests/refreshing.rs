//! How key sets are fetched, refreshed, kept and given up.

use std::path::Path;
use std::time::Duration;

use aegis_core::Reason;
use futures_util::future::join_all;
use serde_json::json;

use super::support::{
    Answer, ISSUER, JWKS, POLICY, Signer, World, ask, claims, header, rule, set, wait,
};
use crate::fetch::DOCUMENT_BYTES_MAX;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn token(signer: &Signer, id: &str) -> String {
    signer.token(&header("EdDSA", id), &claims())
}

#[tokio::test(start_paused = true)]
async fn without_an_issuer_it_starts_refuses_and_recovers() {
    let mut world = World::new();
    let signer = Signer::ed();
    let auth = world.start(POLICY).await;
    let rejection = ask(&auth, &token(&signer, "k"))
        .await
        .expect_err("no keys yet");
    assert_eq!(rejection.reason(), Reason::IdentityUnavailable);
    assert_eq!(rejection.status().as_u16(), 503);
    assert!(rejection.retry_after().is_some());
    assert_eq!(auth.issuers()[0].keys, None);

    wait(10 * SECOND).await;
    let tries = world.network.asked(JWKS);
    assert!(
        (3..=6).contains(&tries),
        "{tries} tries: 0, 1, 3, 7 s and a little earlier"
    );
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    wait(10 * SECOND).await;
    assert_eq!(rule(&ask(&auth, &token(&signer, "k")).await), "accepted");
    assert_eq!(auth.issuers()[0].keys, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_set_is_refreshed_before_it_is_due() {
    let mut world = World::new();
    let (old, new) = (Signer::ed(), Signer::ed());
    world.network.serve(JWKS, set(&[old.jwk("old")]));
    let auth = world.start(POLICY).await;
    assert_eq!(world.network.asked(JWKS), 1);
    wait(7 * MINUTE).await;
    assert_eq!(world.network.asked(JWKS), 1, "not before 80% of the time");
    world.network.serve(JWKS, set(&[new.jwk("new")]));
    wait(3 * MINUTE).await;
    assert_eq!(world.network.asked(JWKS), 2);
    assert_eq!(rule(&ask(&auth, &token(&new, "new")).await), "accepted");
    assert_eq!(rule(&ask(&auth, &token(&old, "old")).await), "key_unknown");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_fetched_at_once_but_not_too_often() {
    let mut world = World::new();
    let (old, new) = (Signer::ed(), Signer::ed());
    world.network.serve(JWKS, set(&[old.jwk("old")]));
    let auth = world.start(POLICY).await;
    world
        .network
        .serve(JWKS, set(&[old.jwk("old"), new.jwk("new")]));
    assert_eq!(rule(&ask(&auth, &token(&new, "new")).await), "accepted");
    assert_eq!(world.network.asked(JWKS), 2);

    for number in 0..100 {
        let forged = token(&new, &format!("forged-{number}"));
        assert_eq!(rule(&ask(&auth, &forged).await), "key_unknown");
    }
    assert_eq!(world.network.asked(JWKS), 2, "once in 30 seconds");
    wait(29 * SECOND).await;
    ask(&auth, &token(&new, "forged"))
        .await
        .expect_err("unknown");
    assert_eq!(world.network.asked(JWKS), 2);
    wait(2 * SECOND).await;
    ask(&auth, &token(&new, "forged"))
        .await
        .expect_err("unknown");
    assert_eq!(world.network.asked(JWKS), 3);
}

#[tokio::test(start_paused = true)]
async fn one_refresh_is_in_flight_for_all_who_wait() {
    let mut world = World::new();
    let (old, new) = (Signer::ed(), Signer::ed());
    world.network.serve(JWKS, set(&[old.jwk("old")]));
    let auth = world.start(POLICY).await;
    let both = set(&[old.jwk("old"), new.jwk("new")]);
    world.network.answer(JWKS, Answer::Slow(3 * SECOND, both));
    let token = token(&new, "new");
    let outcomes = join_all((0..50).map(|_| ask(&auth, &token))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(world.network.asked(JWKS), 2);
    assert_eq!(world.network.in_flight_max(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_issuer_that_hangs() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    world.network.answer(JWKS, Answer::Never);
    let begun = tokio::time::Instant::now();
    assert_eq!(
        rule(&ask(&auth, &token(&signer, "other")).await),
        "key_unknown"
    );
    assert!(begun.elapsed() <= 5 * SECOND);
    assert_eq!(rule(&ask(&auth, &token(&signer, "k")).await), "accepted");
    wait(HOUR).await;
    assert!(world.network.asked(JWKS) > 10, "it is tried again");
    assert_eq!(world.network.in_flight_max(), 1);
    assert_eq!(rule(&ask(&auth, &token(&signer, "k")).await), "accepted");
}

#[tokio::test(start_paused = true)]
async fn the_last_good_set_is_kept_and_then_given_up() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world
        .start(&POLICY.replace("jwks:", "jwks_stale_max: 2h\n    jwks:"))
        .await;
    let cached = token(&signer, "k");
    assert_eq!(rule(&ask(&auth, &cached).await), "accepted");
    for answer in [Answer::Failure, Answer::Document("<html>".into())] {
        world.network.answer(JWKS, answer);
        wait(50 * MINUTE).await;
        assert_eq!(rule(&ask(&auth, &cached).await), "accepted");
    }
    wait(30 * MINUTE).await;
    for token in [
        &cached,
        &signer.token(&header("EdDSA", "k"), &json!({"iss": ISSUER})),
    ] {
        let rejection = ask(&auth, token).await.expect_err("too old");
        assert_eq!(rejection.reason(), Reason::IdentityUnavailable);
    }
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    wait(2 * MINUTE).await;
    assert_eq!(rule(&ask(&auth, &cached).await), "accepted");
}

#[tokio::test(start_paused = true)]
async fn documents_end_at_their_limit() {
    let signer = Signer::ed();
    let mut document = set(&[signer.jwk("k")]).to_vec();
    document.resize(DOCUMENT_BYTES_MAX, b' ');
    for (extra, expected) in [(0, Some(1)), (1, None)] {
        let mut world = World::new();
        document.resize(DOCUMENT_BYTES_MAX + extra, b' ');
        world.network.serve(JWKS, document.clone());
        let auth = world.start(POLICY).await;
        assert_eq!(auth.issuers()[0].keys, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_without_keys_withdraws_them_all() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    let token = token(&signer, "k");
    assert_eq!(rule(&ask(&auth, &token).await), "accepted");
    world.network.serve(JWKS, set(&[]));
    wait(10 * MINUTE).await;
    assert_eq!(rule(&ask(&auth, &token).await), "key_unknown");
}

#[tokio::test(start_paused = true)]
async fn discovery_must_name_the_issuer_and_a_safe_place() {
    const WELL_KNOWN: &str = "https://id.example.org/.well-known/openid-configuration";
    let policy = POLICY.replace("jwks: { url: \"https://id.example.org/keys\" }", "");
    let signer = Signer::ed();
    for (document, good) in [
        (json!({"issuer": ISSUER, "jwks_uri": JWKS}), true),
        (
            json!({"issuer": "https://id.example.org/", "jwks_uri": JWKS}),
            false,
        ),
        (
            json!({"issuer": "https://evil.example", "jwks_uri": JWKS}),
            false,
        ),
        (json!({"jwks_uri": JWKS}), false),
        (json!({"issuer": ISSUER}), false),
        (
            json!({"issuer": ISSUER, "jwks_uri": "http://id.example.org/keys"}),
            false,
        ),
        (
            json!({"issuer": ISSUER, "jwks_uri": "http://127.0.0.1/keys"}),
            false,
        ),
        (
            json!({"issuer": ISSUER, "jwks_uri": "https://localhost/keys"}),
            false,
        ),
        (
            json!({"issuer": ISSUER, "jwks_uri": "file:///etc/keys"}),
            false,
        ),
    ] {
        let mut world = World::new();
        world.network.serve(WELL_KNOWN, document.to_string());
        let listed = document["jwks_uri"].as_str().unwrap_or(JWKS);
        world.network.serve(listed, set(&[signer.jwk("k")]));
        let auth = world.start(&policy).await;
        assert_eq!(auth.issuers()[0].keys.is_some(), good, "{document}");
        let asked = world.network.asked_at_all();
        assert_eq!(asked.len(), if good { 2 } else { 1 }, "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reload_takes_the_keys_over() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    world.stop().await;
    world.network.answer(JWKS, Answer::Failure);
    let folder = Path::new("/nonexistent");
    let next = world.build(POLICY, folder, Some(&auth)).expect("a policy");
    assert_eq!(rule(&ask(&next, &token(&signer, "k")).await), "accepted");
    world.run(&next).await;
    assert_eq!(
        world.network.asked(JWKS),
        1,
        "the set taken over is not due yet"
    );

    let elsewhere = POLICY.replace("/keys", "/other-keys");
    let other = world
        .build(&elsewhere, folder, Some(&auth))
        .expect("a policy");
    assert_eq!(
        rule(&ask(&other, &token(&signer, "k")).await),
        "identity_unavailable"
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_again_when_it_changes() {
    let folder = super::support::Folder::new();
    let path = folder.path().join("jwks.json");
    let (old, new) = (Signer::ed(), Signer::ed());
    let write = |document: &[u8]| std::fs::write(&path, document).expect("written");
    write(&set(&[old.jwk("old")]));
    let policy = POLICY.replace(
        "{ url: \"https://id.example.org/keys\" }",
        "{ file: jwks.json }",
    );
    let mut world = World::new();
    let auth = world.build(&policy, folder.path(), None).expect("a policy");
    assert_eq!(rule(&ask(&auth, &token(&old, "old")).await), "accepted");
    world.run(&auth).await;

    // Another length, so that the coarse time stamps of some file systems do not matter.
    write(&set(&[new.jwk("the-new-one"), old.jwk("old")]));
    wait(6 * SECOND).await;
    assert_eq!(
        rule(&ask(&auth, &token(&new, "the-new-one")).await),
        "accepted"
    );

    write(b"half a fi");
    wait(HOUR).await;
    assert_eq!(
        rule(&ask(&auth, &token(&new, "the-new-one")).await),
        "accepted"
    );
    wait(24 * HOUR).await;
    assert_eq!(
        rule(&ask(&auth, &token(&new, "the-new-one")).await),
        "identity_unavailable"
    );
    assert!(world.network.asked_at_all().is_empty());
}
