//! The stage in front of an inner service: what reaches it, and what does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aegis_core::{
    Authenticated, Exchange, Operation, Peer, Reason, Received, Rejection, Route, Verdict,
    empty_body,
};
use http::Request;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

use super::support::{JWKS, POLICY, Signer, World, claims, header, set, with};
use crate::{Auth, AuthLayer};

struct Answered {
    outcome: Result<Arc<str>, Rejection>,
    inner_calls: usize,
    exchange: Arc<Exchange>,
}

/// Sends one request through the stage.
async fn send(auth: &Arc<Auth>, route: Option<Route>, headers: &[(&str, &str)]) -> Answered {
    let mut request = Request::builder().uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).expect("a request").into_parts();
    let peer = Peer { address: None };
    let exchange = Arc::new(Exchange::new(peer, route.map(Arc::new), "policy".into()));
    let received = Received {
        exchange: exchange.clone(),
        head,
        body: empty_body(),
    };
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let inner = service_fn(move |request: Authenticated| {
        counted.fetch_add(1, Ordering::SeqCst);
        let id = request.principal().id.clone();
        async move { Ok::<_, Rejection>(id) }
    });
    let outcome = AuthLayer::new(auth.clone())
        .layer(inner)
        .oneshot(received)
        .await;
    Answered {
        outcome,
        inner_calls: calls.load(Ordering::SeqCst),
        exchange,
    }
}

fn builtin(operation: Operation) -> Option<Route> {
    Some(Route::builtin(operation))
}

fn generic(name: &str) -> Option<Route> {
    Some(Route {
        name: name.into(),
        ..Route::builtin(Operation::Generic)
    })
}

async fn start(world: &mut World, signer: &Signer) -> Arc<Auth> {
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    world.start(POLICY).await
}

fn bearer(signer: &Signer, changes: Value) -> String {
    let token = signer.token(&header("EdDSA", "k"), &with(claims(), changes));
    format!("Bearer {token}")
}

#[tokio::test(start_paused = true)]
async fn roles_open_their_routes_and_no_others() {
    let (mut world, signer) = (World::new(), Signer::ed());
    let auth = start(&mut world, &signer).await;
    for (roles, route, opened) in [
        (
            json!(["analyst"]),
            builtin(Operation::ChatCompletions),
            true,
        ),
        (json!(["analyst"]), builtin(Operation::Messages), true),
        (json!(["analyst"]), builtin(Operation::CountTokens), false),
        (json!(["analyst"]), builtin(Operation::Embeddings), false),
        (json!(["analyst"]), generic("orchestrator"), false),
        (json!(["player"]), generic("orchestrator"), true),
        (json!(["player"]), generic("other"), false),
        (
            json!(["player"]),
            builtin(Operation::ChatCompletions),
            false,
        ),
        (json!(["analyst", "player"]), generic("orchestrator"), true),
        (json!(["operator"]), builtin(Operation::Embeddings), true),
        (json!(["operator"]), generic("orchestrator"), true),
        (
            json!(["stranger"]),
            builtin(Operation::ChatCompletions),
            false,
        ),
        (json!([]), builtin(Operation::ChatCompletions), false),
        (json!(null), builtin(Operation::ChatCompletions), false),
    ] {
        let credential = bearer(&signer, json!({ "roles": roles }));
        let answered = send(&auth, route.clone(), &[("authorization", &credential)]).await;
        assert_eq!(
            answered.inner_calls,
            usize::from(opened),
            "{roles} {route:?}"
        );
        // Refused or not, the record says who it was.
        let trail = answered.exchange.trail();
        assert_eq!(
            trail.principal.map(|who| who.id.clone()).as_deref(),
            Some("alice")
        );
        match answered.outcome {
            Ok(id) => assert_eq!(&*id, "alice"),
            Err(rejection) => {
                assert_eq!(rejection.reason(), Reason::PermissionDenied);
                assert_eq!(rejection.status().as_u16(), 403);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_route_is_told_to_the_authenticated_only() {
    let (mut world, signer) = (World::new(), Signer::ed());
    let auth = start(&mut world, &signer).await;
    let stranger = send(&auth, None, &[]).await;
    assert_eq!(
        stranger.outcome.expect_err("refused").reason(),
        Reason::Unauthenticated
    );
    let credential = bearer(&signer, json!({}));
    let known = send(&auth, None, &[("authorization", &credential)]).await;
    assert_eq!(
        known.outcome.expect_err("refused").reason(),
        Reason::RouteNotFound
    );
    assert_eq!(stranger.inner_calls + known.inner_calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_credential_is_told_how_to_bring_one() {
    let (mut world, signer) = (World::new(), Signer::ed());
    let auth = start(&mut world, &signer).await;
    let answered = send(&auth, builtin(Operation::Messages), &[]).await;
    assert_eq!(answered.inner_calls, 0);
    let rejection = answered.outcome.expect_err("refused");
    assert_eq!(rejection.status().as_u16(), 401);
    assert_eq!(rejection.verdict(), Verdict::Block);
    assert!(rejection.threats().is_empty(), "nothing was attempted");
    let (name, value) = &rejection.headers()[0];
    assert_eq!(
        (name.as_str(), value.as_bytes()),
        ("www-authenticate", &b"Bearer realm=\"aegis\""[..])
    );
}

#[tokio::test(start_paused = true)]
async fn credentials_stand_in_one_place() {
    let (mut world, signer) = (World::new(), Signer::ed());
    let auth = start(&mut world, &signer).await;
    let credential = bearer(&signer, json!({}));
    let token = credential.strip_prefix("Bearer ").expect("a scheme");
    let other = bearer(&signer, json!({"jti": "other"}));
    for (headers, calls) in [
        (&[("x-api-key", token)][..], 1),
        (&[("x-api-key", token), ("authorization", &credential)], 1),
        (&[("x-api-key", token), ("authorization", &other)], 0),
        (
            &[
                ("authorization", &credential),
                ("authorization", &credential),
            ],
            0,
        ),
        (
            &[("authorization", &credential), ("authorization", &other)],
            0,
        ),
        (&[("authorization", token)], 0),
        (&[("cookie", token)], 0),
        (&[("proxy-authorization", &credential)], 0),
    ] {
        let answered = send(&auth, builtin(Operation::Messages), headers).await;
        assert_eq!(answered.inner_calls, calls);
        if let Err(rejection) = answered.outcome {
            assert_eq!(rejection.reason(), Reason::Unauthenticated);
        }
    }
}
