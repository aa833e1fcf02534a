//! Which keys of a set are used.

use serde_json::{Value, json};

use super::support::{Signer, b64, set, with};
use crate::algorithm::Algorithm;
use crate::json;
use crate::keys::jwk::{self, KeyError};
use crate::keys::{KEYS_MAX, KeySet, KeySetError};
use crate::refusal::Rule;

fn read(jwk: &Value) -> Result<(), KeyError> {
    let members = json::object(jwk.to_string().as_bytes()).expect("an object");
    jwk::read(&json::Json::Object(members)).map(|_| ())
}

/// An RSA key that looks sound and has this many bits.
fn rsa(bits: usize) -> Value {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] >>= modulus.len() * 8 - bits;
    json!({ "kty": "RSA", "n": b64(modulus), "e": "AQAB" })
}

#[test]
fn keys_of_every_kind_are_read() {
    for signer in [Signer::ed(), Signer::p256(), Signer::p384(), Signer::rsa()] {
        assert_eq!(read(&signer.jwk("k")), Ok(()));
        assert_eq!(
            read(&with(signer.jwk("k"), json!({"kid": null, "use": null}))),
            Ok(())
        );
        assert_eq!(
            read(&with(signer.jwk("k"), json!({"key_ops": ["verify"]}))),
            Ok(())
        );
        assert_eq!(
            read(&with(signer.jwk("k"), json!({"x5c": ["MIIB"], "x5t": "a"}))),
            Ok(())
        );
    }
}

#[test]
fn keys_that_must_not_verify_are_left_out() {
    let (ed, ec, p384) = (
        Signer::ed().jwk("k"),
        Signer::p256().jwk("k"),
        Signer::p384().jwk("k"),
    );
    for (jwk, expected) in rows! {
        with(ed.clone(), json!({"use": "enc"})) => KeyError::NotForVerifying;
        with(ed.clone(), json!({"key_ops": ["sign"]})) => KeyError::NotForVerifying;
        with(ed.clone(), json!({"key_ops": []})) => KeyError::NotForVerifying;
        with(ed.clone(), json!({"key_ops": "verify"})) => KeyError::Malformed;
        with(ed.clone(), json!({"d": "AAAA"})) => KeyError::Secret;
        with(rsa(2_048), json!({"p": "AAAA"})) => KeyError::Secret;
        json!({"kty": "oct", "k": "c2VjcmV0"}) => KeyError::Secret;
        json!({"kty": "oct"}) => KeyError::Unsupported;
        with(ed.clone(), json!({"crv": "Ed448"})) => KeyError::Unsupported;
        with(ed.clone(), json!({"crv": "X25519"})) => KeyError::Unsupported;
        with(ec.clone(), json!({"crv": "P-521"})) => KeyError::Unsupported;
        with(ec.clone(), json!({"crv": "secp256k1"})) => KeyError::Unsupported;
        with(ec.clone(), json!({"crv": "P-384"})) => KeyError::Invalid;
        with(p384, json!({"crv": "P-256"})) => KeyError::Invalid;
        with(ec.clone(), json!({"y": b64([7; 32])})) => KeyError::Invalid;
        with(ec.clone(), json!({"x": b64([0; 32]), "y": b64([0; 32])})) => KeyError::Invalid;
        with(ec.clone(), json!({"x": "not base64!"})) => KeyError::Malformed;
        with(ec.clone(), json!({"y": null})) => KeyError::Malformed;
        with(ed.clone(), json!({"x": b64([1; 31])})) => KeyError::Invalid;
        with(ed.clone(), json!({"alg": "ES256"})) => KeyError::AlgorithmMismatch;
        with(ec.clone(), json!({"alg": "ES384"})) => KeyError::AlgorithmMismatch;
        with(rsa(2_048), json!({"alg": "EdDSA"})) => KeyError::AlgorithmMismatch;
        with(rsa(2_048), json!({"alg": "HS256"})) => KeyError::Unsupported;
        with(rsa(2_048), json!({"alg": "RSA-OAEP"})) => KeyError::Unsupported;
        with(ed.clone(), json!({"kid": ""})) => KeyError::KeyId;
        with(ed.clone(), json!({"kid": "a b"})) => KeyError::KeyId;
        with(ed.clone(), json!({"kid": "k".repeat(257)})) => KeyError::KeyId;
        with(ed.clone(), json!({"kid": 1})) => KeyError::Malformed;
        with(ed, json!({"kty": null})) => KeyError::Malformed;
        with(rsa(2_048), json!({"e": "AQ"})) => KeyError::Invalid;
        with(rsa(2_048), json!({"e": "Ag"})) => KeyError::Invalid;
        with(rsa(2_048), json!({"e": ""})) => KeyError::Invalid;
        with(rsa(2_048), json!({"e": b64([0xff; 5])})) => KeyError::Invalid;
        with(rsa(2_048), json!({"n": b64([0x80; 256])})) => KeyError::Invalid;
        with(rsa(2_048), json!({"n": ""})) => KeyError::RsaBits;
        json!([]) => KeyError::Malformed;
    } {
        if jwk.is_object() {
            assert_eq!(read(&jwk), Err(expected), "{jwk}");
        }
    }
    assert_eq!(
        jwk::read(&json::Json::Null).err(),
        Some(KeyError::Malformed)
    );
}

#[test]
fn rsa_keys_end_at_their_limits() {
    for (bits, good) in [
        (1_024, false),
        (2_047, false),
        (2_048, true),
        (4_096, true),
        (8_192, true),
        (8_193, false),
    ] {
        assert_eq!(read(&rsa(bits)).is_ok(), good, "{bits} bits");
    }
    let padded = [&[0][..], &[0xff; 256]].concat();
    assert_eq!(read(&with(rsa(2_048), json!({"n": b64(padded)}))), Ok(()));
}

#[test]
fn one_bad_key_does_not_spoil_the_set() {
    let document = set(&[
        json!({"kty": "oct", "k": "AAAA"}),
        Signer::ed().jwk("k"),
        json!(1),
    ]);
    assert_eq!(KeySet::parse("test", &document).expect("a set").len(), 1);
    assert_eq!(
        KeySet::parse("test", b"{\"keys\":[]}")
            .expect("a set")
            .len(),
        0
    );
}

#[test]
fn what_is_no_set_is_refused() {
    for document in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]}x"#,
        "<html>",
    ] {
        let error = KeySet::parse("test", document.as_bytes()).err();
        assert_eq!(error, Some(KeySetError::Unreadable), "{document}");
    }
    for (keys, expected) in [(KEYS_MAX, None), (KEYS_MAX + 1, Some(KeySetError::TooMany))] {
        let document = set(&vec![json!({}); keys]);
        assert_eq!(KeySet::parse("test", &document).err(), expected);
    }
}

#[test]
fn a_key_is_chosen_by_id_and_algorithm_together() {
    let ed = Signer::ed().jwk("shared");
    let ec = Signer::p256().jwk("shared");
    let rsa_only = with(rsa(2_048), json!({"kid": "rsa", "alg": "PS256"}));
    let twins = [Signer::ed().jwk("twin"), Signer::ed().jwk("twin")];
    let keys = [&[ed, ec, rsa_only][..], &twins].concat();
    let set = KeySet::parse("test", &set(&keys)).expect("a set");
    let found = |id: Option<&str>, algorithm| set.find(id, algorithm).err();
    assert_eq!(found(Some("shared"), Algorithm::EdDsa), None);
    assert_eq!(found(Some("shared"), Algorithm::Es256), None);
    assert_eq!(
        found(Some("shared"), Algorithm::Es384),
        Some(Rule::KeyMismatch)
    );
    assert_eq!(found(Some("rsa"), Algorithm::Ps256), None);
    assert_eq!(
        found(Some("rsa"), Algorithm::Rs256),
        Some(Rule::KeyMismatch)
    );
    assert_eq!(
        found(Some("twin"), Algorithm::EdDsa),
        Some(Rule::KeyAmbiguous)
    );
    assert_eq!(
        found(Some("nobody"), Algorithm::EdDsa),
        Some(Rule::KeyUnknown)
    );
    assert_eq!(found(None, Algorithm::Es256), None);
    assert_eq!(found(None, Algorithm::Ps256), None);
    assert_eq!(found(None, Algorithm::EdDsa), Some(Rule::KeyAmbiguous));
    assert_eq!(found(None, Algorithm::Es384), Some(Rule::KeyMismatch));
}
