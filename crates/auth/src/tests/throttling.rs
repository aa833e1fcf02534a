//! Failed attempts: how many, from where, for how long.

use std::net::IpAddr;
use std::time::Duration;

use aegis_core::{Reason, Rejection, Span};
use http::HeaderMap;
use serde_json::json;
use tokio::time::Instant;

use super::support::{
    JWKS, NOW, POLICY, Signer, World, ask_from, claims, header, rule, set, wait, with,
};
use crate::Auth;
use crate::refusal::Blame;
use crate::spec::ThrottleSpec;
use crate::throttle::{Network, TRACKED_MAX, Throttle};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

const HERE: Option<&str> = Some("192.0.2.1");
const THERE: Option<&str> = Some("192.0.2.2");

async fn start(world: &mut World, signer: &Signer) -> std::sync::Arc<Auth> {
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let policy = POLICY.replace("{ failures: 10000 }", "{ failures: 3, block_max: 5m }");
    world.start(&policy).await
}

/// A token of a forger, another one for each number.
fn forged(number: u32) -> String {
    let claims = with(claims(), json!({ "jti": number.to_string() }));
    Signer::ed().token(&header("EdDSA", "k"), &claims)
}

fn blocked_for(outcome: Result<impl std::fmt::Debug, Rejection>) -> Duration {
    let rejection = outcome.expect_err("blocked");
    assert_eq!(rejection.reason(), Reason::AuthenticationThrottled);
    assert_eq!(rejection.status().as_u16(), 429);
    rejection.retry_after().expect("a time")
}

#[tokio::test(start_paused = true)]
async fn an_address_that_guesses_is_blocked_ever_longer() {
    let mut world = World::new();
    let signer = Signer::ed();
    let auth = start(&mut world, &signer).await;
    let good = signer.token(&header("EdDSA", "k"), &claims());
    let mut number = 0;
    for block in [60, 120, 240, 300, 300] {
        for _ in 0..3 {
            number += 1;
            assert_eq!(
                rule(&ask_from(&auth, &forged(number), HERE).await),
                "signature_invalid"
            );
        }
        let left = blocked_for(ask_from(&auth, &forged(0), HERE).await);
        assert_eq!(left.as_secs(), block);
        assert_eq!(
            blocked_for(ask_from(&auth, &good, HERE).await),
            left,
            "unread"
        );
        assert_eq!(
            rule(&ask_from(&auth, &forged(99), THERE).await),
            "signature_invalid"
        );
        wait(left).await;
    }
    assert_eq!(rule(&ask_from(&auth, &good, HERE).await), "accepted");
    wait(5 * MINUTE).await;
    for number in 1_000..1_003 {
        ask_from(&auth, &forged(number), HERE)
            .await
            .expect_err("forged");
    }
    let left = blocked_for(ask_from(&auth, &forged(0), HERE).await);
    assert_eq!(left, MINUTE, "the doubling is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_success_buys_no_guesses() {
    let mut world = World::new();
    let signer = Signer::ed();
    let auth = start(&mut world, &signer).await;
    for number in 0..3 {
        let good = with(claims(), json!({ "jti": format!("good-{number}") }));
        let good = signer.token(&header("EdDSA", "k"), &good);
        assert_eq!(rule(&ask_from(&auth, &good, HERE).await), "accepted");
        ask_from(&auth, &forged(number), HERE)
            .await
            .expect_err("forged");
    }
    blocked_for(ask_from(&auth, &forged(9), HERE).await);
}

#[tokio::test(start_paused = true)]
async fn who_was_verified_before_is_not_locked_out_by_a_neighbour() {
    let mut world = World::new();
    let signer = Signer::ed();
    let auth = start(&mut world, &signer).await;
    let good = signer.token(&header("EdDSA", "k"), &claims());
    assert_eq!(rule(&ask_from(&auth, &good, HERE).await), "accepted");
    for number in 0..3 {
        ask_from(&auth, &forged(number), HERE)
            .await
            .expect_err("forged");
    }
    blocked_for(ask_from(&auth, &forged(9), HERE).await);
    assert_eq!(rule(&ask_from(&auth, &good, HERE).await), "accepted");
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_fails_is_blocked_from_everywhere() {
    let mut world = World::new();
    let signer = Signer::ed();
    let auth = start(&mut world, &signer).await;
    let token = forged(1);
    for address in [HERE, THERE, None] {
        assert_eq!(
            rule(&ask_from(&auth, &token, address).await),
            "signature_invalid"
        );
    }
    blocked_for(ask_from(&auth, &token, Some("198.51.100.7")).await);
    blocked_for(ask_from(&auth, &token, None).await);
    assert_eq!(
        rule(&ask_from(&auth, &forged(2), None).await),
        "signature_invalid"
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_blocks_itself_and_not_its_address() {
    let mut world = World::new();
    let signer = Signer::ed();
    let auth = start(&mut world, &signer).await;
    let old = |number: u32| {
        let changes = json!({"iat": NOW - 500, "nbf": NOW - 500, "exp": NOW - 100, "jti": number.to_string()});
        signer.token(&header("EdDSA", "k"), &with(claims(), changes))
    };
    for number in 0..20 {
        assert_eq!(rule(&ask_from(&auth, &old(number), HERE).await), "expired");
    }
    for _ in 0..2 {
        assert_eq!(rule(&ask_from(&auth, &old(0), HERE).await), "expired");
    }
    blocked_for(ask_from(&auth, &old(0), HERE).await);
    let good = signer.token(&header("EdDSA", "k"), &claims());
    assert_eq!(rule(&ask_from(&auth, &good, HERE).await), "accepted");
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_turns_out_good_starts_afresh() {
    let mut world = World::new();
    let signer = Signer::ed();
    let auth = start(&mut world, &signer).await;
    let early = with(claims(), json!({"nbf": NOW + 100, "exp": NOW + 110}));
    let token = signer.token(&header("EdDSA", "k"), &early);
    for _ in 0..2 {
        assert_eq!(rule(&ask_from(&auth, &token, HERE).await), "not_yet_valid");
    }
    world.clock.set(NOW + 100);
    assert_eq!(rule(&ask_from(&auth, &token, HERE).await), "accepted");
    world.clock.set(NOW + 200);
    for _ in 0..3 {
        assert_eq!(rule(&ask_from(&auth, &token, HERE).await), "expired");
    }
    blocked_for(ask_from(&auth, &token, HERE).await);
}

#[tokio::test(start_paused = true)]
async fn malformed_headers_count_and_missing_ones_do_not() {
    let mut world = World::new();
    let signer = Signer::ed();
    let auth = start(&mut world, &signer).await;
    let address = HERE.map(|address| address.parse().expect("an address"));
    let none = HeaderMap::new();
    for _ in 0..10 {
        let outcome = auth.authenticate(&none, address).await;
        assert_eq!(rule(&outcome), "credential_missing");
    }
    let mut basic = HeaderMap::new();
    basic.insert("authorization", "Basic dTpw".parse().expect("a value"));
    for _ in 0..3 {
        let outcome = auth.authenticate(&basic, address).await;
        assert_eq!(rule(&outcome), "credential_scheme");
    }
    blocked_for(auth.authenticate(&basic, address).await);
    let outcome = auth.authenticate(&none, address).await;
    assert_eq!(rule(&outcome), "credential_missing", "nothing was tried");
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_issuer_is_nobodys_failure() {
    let mut world = World::new();
    let policy = POLICY.replace("10000", "1");
    let auth = world.start(&policy).await;
    for _ in 0..5 {
        assert_eq!(
            rule(&ask_from(&auth, &forged(1), HERE).await),
            "identity_unavailable"
        );
    }
}

fn throttle(failures: u32) -> Throttle {
    Throttle::new(ThrottleSpec {
        failures,
        block: Span(MINUTE),
        ..ThrottleSpec::default()
    })
}

fn fail(throttle: &Throttle, address: &str) {
    let address: IpAddr = address.parse().expect("an address");
    throttle.failed(Blame::Both, Some(address.into()), None, Instant::now());
}

fn is_blocked(throttle: &Throttle, address: &str) -> bool {
    let address: IpAddr = address.parse().expect("an address");
    throttle
        .blocked_for(Some(address.into()), None, Instant::now())
        .is_some()
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_met_exactly_and_leaks() {
    let burst = throttle(10);
    for _ in 0..9 {
        fail(&burst, "192.0.2.1");
    }
    assert!(!is_blocked(&burst, "192.0.2.1"));
    fail(&burst, "192.0.2.1");
    assert!(is_blocked(&burst, "192.0.2.1"));
    wait(59 * SECOND).await;
    assert!(is_blocked(&burst, "192.0.2.1"));
    wait(SECOND).await;
    assert!(!is_blocked(&burst, "192.0.2.1"));

    let steady = throttle(10);
    for _ in 0..100 {
        fail(&steady, "192.0.2.1");
        wait(7 * SECOND).await;
    }
    assert!(!is_blocked(&steady, "192.0.2.1"), "10 a minute leak away");
}

#[tokio::test(start_paused = true)]
async fn addresses_are_counted_as_networks() {
    let throttle = throttle(1);
    fail(&throttle, "2001:db8:0:1::1");
    fail(&throttle, "::ffff:192.0.2.1");
    for (address, blocked) in [
        ("2001:db8:0:1:ffff::9", true),
        ("2001:db8:0:2::1", false),
        ("192.0.2.1", true),
        ("192.0.2.2", false),
        ("::1", false),
    ] {
        assert_eq!(is_blocked(&throttle, address), blocked, "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_tables_are_bounded() {
    let throttle = throttle(10);
    let entries = u32::try_from(TRACKED_MAX).expect("small");
    for number in 0..entries + 1 {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_le_bytes());
        let network = Network::from(IpAddr::from(number.to_be_bytes()));
        throttle.failed(Blame::Both, Some(network), Some(&digest), Instant::now());
        if number + 1 == entries {
            assert_eq!(throttle.tracked(), (TRACKED_MAX, TRACKED_MAX));
        }
    }
    assert_eq!(throttle.tracked(), (TRACKED_MAX, TRACKED_MAX));
}
