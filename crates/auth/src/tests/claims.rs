//! What becomes of claims: the principal, and the shapes that roles come in.

use std::time::{Duration, SystemTime};

use aegis_core::ActorType;
use serde_json::{Value, json};

use super::support::{JWKS, NOW, POLICY, Signer, World, ask, claims, header, rule, set, with};

/// The roles of a token with these claims, under a policy that names the roles claim `name`.
async fn roles(name: &str, changes: Value) -> Result<Vec<String>, String> {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let policy = POLICY.replace(
        "jwks:",
        &format!("claims: {{ roles: \"{name}\" }}\n    jwks:"),
    );
    let auth = world.start(&policy).await;
    let claims = with(with(claims(), json!({"roles": null})), changes);
    let outcome = ask(&auth, &signer.token(&header("EdDSA", "k"), &claims)).await;
    match &outcome {
        Ok(principal) => Ok(principal.roles.iter().map(ToString::to_string).collect()),
        Err(_) => Err(rule(&outcome)),
    }
}

#[tokio::test(start_paused = true)]
async fn roles_come_in_three_shapes() {
    const ZITADEL: &str = "urn:zitadel:iam:org:project:roles";
    let org = json!({"1": "id.example.org"});
    let nested = json!({"realm_access": {"roles": ["analyst"]}});
    let slashes = json!({"a/b": {"c~d": "analyst"}});
    for (name, changes, expected) in [
        (
            "roles",
            json!({"roles": "operator analyst"}),
            &["analyst", "operator"][..],
        ),
        (
            "roles",
            json!({"roles": ["operator", "analyst"]}),
            &["analyst", "operator"],
        ),
        (
            ZITADEL,
            json!({ZITADEL: {"operator": org, "analyst": org}}),
            &["analyst", "operator"],
        ),
        ("/realm_access/roles", nested, &["analyst"]),
        ("/a~1b/c~0d", slashes, &["analyst"]),
        (
            "roles",
            json!({"roles": ["analyst", "analyst"]}),
            &["analyst"],
        ),
        (
            "roles",
            json!({"roles": ["analyst", "unknown", "*"]}),
            &["analyst"],
        ),
        ("roles", json!({"roles": "analyst,operator"}), &[]),
        ("roles", json!({"roles": ["Analyst", " analyst"]}), &[]),
        ("roles", json!({"roles": []}), &[]),
        ("roles", json!({"roles": {}}), &[]),
        ("roles", json!({"roles": ""}), &[]),
        ("roles", json!({}), &[]),
        ("groups", json!({"roles": ["operator"]}), &[]),
    ] {
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(
            roles(name, changes.clone()).await,
            Ok(expected),
            "{name} {changes}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn roles_of_another_shape_are_refused() {
    for value in [
        json!(true),
        json!(1.5),
        json!([["analyst"]]),
        json!(["analyst", {}]),
    ] {
        let outcome = roles("roles", json!({"roles": value})).await;
        assert_eq!(outcome, Err("claim_invalid".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_principal_holds_what_the_token_says_and_nothing_else() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let auth = world.start(POLICY).await;
    let full = with(
        claims(),
        json!({"tenant": "acme", "actor_type": "agent", "amr": ["pwd", "mfa"], "acr": "2"}),
    );
    let header = header("EdDSA", "k");
    let principal = ask(&auth, &signer.token(&header, &full))
        .await
        .expect("accepted");
    assert_eq!(principal.actor_type, ActorType::Agent);
    assert_eq!((&*principal.issuer, &*principal.id), ("test", "alice"));
    assert_eq!(principal.tenant.as_deref(), Some("acme"));
    assert_eq!(principal.amr, ["pwd".into(), "mfa".into()]);
    assert_eq!(principal.acr.as_deref(), Some("2"));
    assert_eq!(principal.credential_id.as_deref(), Some("t-1"));
    let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + 600);
    assert_eq!(principal.expires_at, expires);

    let spare = with(claims(), json!({"jti": null, "roles": null}));
    let principal = ask(&auth, &signer.token(&header, &spare))
        .await
        .expect("accepted");
    assert_eq!(principal.actor_type, ActorType::User);
    assert!(principal.roles.is_empty() && principal.amr.is_empty());
    assert_eq!(
        (&principal.tenant, &principal.credential_id),
        (&None, &None)
    );
}

#[tokio::test(start_paused = true)]
async fn nbf_may_be_absent_only_where_the_policy_says_so() {
    let mut world = World::new();
    let signer = Signer::ed();
    world.network.serve(JWKS, set(&[signer.jwk("k")]));
    let policy = POLICY.replace("jwks:", "require_nbf: false\n    jwks:");
    let auth = world.start(&policy).await;
    let of = |changes: Value| signer.token(&header("EdDSA", "k"), &with(claims(), changes));
    assert_eq!(
        rule(&ask(&auth, &of(json!({"nbf": null}))).await),
        "accepted"
    );
    for (changes, expected) in [
        (json!({"nbf": NOW + 31}), "not_yet_valid"),
        (json!({"nbf": "soon"}), "claim_invalid"),
        (json!({"nbf": null, "iat": NOW + 31}), "not_yet_valid"),
        (json!({"nbf": null, "iat": null}), "claim_missing"),
    ] {
        assert_eq!(rule(&ask(&auth, &of(changes)).await), expected);
    }
}
