//! Whatever comes in, nothing panics, and nothing is accepted that was not signed.

use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::support::{Folder, Signer, World, ask, b64, claims, header, rule, set, with};
use crate::fetch::key_url;
use crate::keys::KeySet;
use crate::throttle::Network;
use crate::token::Unverified;
use crate::token::header::Header;
use crate::{Auth, json};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop_oneof![
            Just("EdDSA"),
            Just("ES256"),
            Just("none"),
            Just("JWT"),
            Just("aegis-development")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".{0,8}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object whose members are often those that are looked for.
fn object_of(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        4 => prop::sample::select(names).prop_map(str::to_owned),
        1 => ".{0,8}",
    ];
    prop::collection::hash_map(name, any_json(), 0..8)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn header_json() -> impl Strategy<Value = Value> {
    object_of(&["alg", "kid", "typ", "cty", "crit", "jwk", "b64"])
}

fn claims_json() -> impl Strategy<Value = Value> {
    object_of(&["iss", "aud", "exp", "nbf", "iat", "sub", "roles", "amr"])
}

/// An issuer with a key of its own, and the runtime to ask it.
fn auth(folder: &Folder) -> (Runtime, Arc<Auth>) {
    let policy = "{ development: {}, throttle: { failures: 10000 } }";
    let auth = World::new()
        .build(policy, folder.path(), None)
        .expect("a policy");
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    (runtime, auth)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn arbitrary_tokens_do_not_panic(token in "\\PC{0,200}|[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(Unverified::parse(&token).is_err());
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _outcome = json::object(&bytes);
        let _outcome = Header::parse(&bytes);
        let _outcome = KeySet::parse("test", &bytes);
        let _outcome = key_url(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn strict_json_agrees_with_serde_on_what_it_accepts(value in any_json()) {
        let text = value.to_string();
        let strict = json::object(text.as_bytes());
        prop_assert_eq!(strict.is_some(), value.is_object());
    }

    #[test]
    fn arbitrary_keys_do_not_panic(entries in prop::collection::vec(object_of(&["kty", "crv", "x", "y", "n", "e", "use", "alg", "kid", "key_ops"]), 0..4)) {
        let document = serde_json::json!({ "keys": entries }).to_string();
        prop_assert!(KeySet::parse("test", document.as_bytes()).is_ok());
    }

    #[test]
    fn every_address_has_one_network(bits in any::<u128>()) {
        let six = std::net::IpAddr::from(bits.to_be_bytes());
        let twin = std::net::IpAddr::from((bits ^ 1).to_be_bytes());
        let mapped = six.to_canonical().is_ipv4();
        prop_assert_eq!(Network::from(six) == Network::from(twin), !mapped);
    }
}

#[test]
fn a_policy_folder_need_not_exist_without_files() {
    let policy = super::support::POLICY;
    assert!(
        World::new()
            .build(policy, Path::new("/nonexistent"), None)
            .is_ok()
    );
}

#[test]
fn arbitrary_headers_and_claims_are_refused() {
    let folder = Folder::new();
    let (runtime, auth) = auth(&folder);
    let signature = prop::collection::vec(any::<u8>(), 0..100);
    proptest!(config(), |(header in header_json(), claims in claims_json(), signature in signature)| {
        let (header, claims) = (b64(header.to_string()), b64(claims.to_string()));
        let token = format!("{header}.{claims}.{}", b64(signature));
        let outcome = runtime.block_on(ask(&auth, &token));
        prop_assert_ne!(rule(&outcome), "accepted");
    });
}

#[test]
fn arbitrary_header_values_are_refused() {
    let folder = Folder::new();
    let (runtime, auth) = auth(&folder);
    let name = prop::sample::select(&["authorization", "x-api-key"][..]);
    let bytes = prop::collection::vec(any::<u8>(), 0..100);
    proptest!(config(), |(name in name, bytes in bytes)| {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let mut headers = HeaderMap::new();
            headers.insert(name, value);
            prop_assert!(runtime.block_on(auth.authenticate(&headers, None)).is_err());
        }
    });
}

#[test]
fn arbitrary_signed_claims_give_a_sound_principal_or_none() {
    let folder = Folder::new();
    let signer = Signer::ed();
    std::fs::write(folder.path().join("k"), set(&[signer.jwk("k")])).expect("written");
    let policy = super::support::POLICY
        .replace("{ url: \"https://id.example.org/keys\" }", "{ file: k }")
        .replace("jwks:", "claims: { tenant: iss }\n    jwks:");
    let auth = World::new()
        .build(&policy, folder.path(), None)
        .expect("a policy");
    let (runtime, _) = self::auth(&folder);
    proptest!(config(), |(changes in claims_json())| {
        let token = signer.token(&header("EdDSA", "k"), &with(claims(), changes.clone()));
        if let Ok(principal) = runtime.block_on(ask(&auth, &token)) {
            prop_assert_eq!(&*principal.issuer, "test");
            prop_assert!(!principal.id.is_empty() && principal.id.len() <= 256);
            prop_assert!(!principal.id.chars().any(char::is_control));
            prop_assert_eq!(principal.tenant.as_deref(), Some(super::support::ISSUER));
        }
    });
}
