//! The attack table: what is sent, and which rule must refuse it.

use std::fmt::Write as _;

use aegis_core::{Category, Reason, Verdict};
use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::support::{
    ISSUER, JWKS, NOW, POLICY, Signer, World, ask, b64, claims, header, rule, set, with,
};

/// What the attacker knows: public keys, a good token, and a key of his own.
struct Keys {
    ed: Signer,
    ec: Signer,
    p384: Signer,
    rsa: Signer,
    attacker: Signer,
}

type Row = (&'static str, String, &'static str);

impl Keys {
    fn new() -> Self {
        Self {
            ed: Signer::ed(),
            ec: Signer::p256(),
            p384: Signer::p384(),
            rsa: Signer::rsa(),
            attacker: Signer::ed(),
        }
    }

    fn document(&self) -> bytes::Bytes {
        set(&[
            self.ed.jwk("ed-1"),
            Signer::ed().jwk("ed-old"),
            self.ec.jwk("ec-1"),
            self.p384.jwk("p384-1"),
            with(self.rsa.jwk("rsa-1"), json!({ "alg": "RS256" })),
        ])
    }

    /// A token that would be good with this header.
    fn headed(&self, changes: Value) -> String {
        self.ed
            .token(&with(header("EdDSA", "ed-1"), changes), &claims())
    }

    /// A token that would be good with these claims.
    fn claiming(&self, changes: Value) -> String {
        self.ed
            .token(&header("EdDSA", "ed-1"), &with(claims(), changes))
    }

    fn good(&self) -> String {
        self.headed(json!({}))
    }
}

fn shapes(keys: &Keys) -> Vec<Row> {
    let good = keys.good();
    let parts: Vec<&str> = good.split('.').collect();
    let (h, c, s) = (parts[0], parts[1], parts[2]);
    // 64 bytes are 85 characters and 2 bits: the last character has 4 bits to spare.
    let mut spare = s.to_owned();
    let last = spare.pop().expect("a character");
    spare.push(char::from(last as u8 + 1));
    let raw = |header: &str| keys.ed.raw_token(header, &claims().to_string());
    let raw_claims = |claims: &str| {
        keys.ed
            .raw_token(&header("EdDSA", "ed-1").to_string(), claims)
    };
    let deep = format!(
        r#"{{"iss":"{ISSUER}","x":{}{}}}"#,
        "[".repeat(16),
        "]".repeat(16)
    );
    rows! {
        "one part": "token".into() => "token_parts";
        "two parts": format!("{h}.{c}") => "token_parts";
        "four parts": format!("{good}.{s}") => "token_parts";
        "encrypted": format!("{h}..{c}.{s}.{s}") => "token_encrypted";
        "six parts": format!("{good}.{good}") => "token_parts";
        "seven parts": format!("{good}.{good}.x") => "token_parts";
        "empty header": format!(".{c}.{s}") => "header_json";
        "padded header": format!("{h}=.{c}.{s}") => "token_base64";
        "padded claims": format!("{h}.{c}==.{s}") => "token_base64";
        "padded signature": format!("{h}.{c}.{s}==") => "token_base64";
        "plain base64": format!("{h}.{c}.{}", s.replace(['-', '_'], "+") + "++") => "token_base64";
        "spare bits in the signature": format!("{h}.{c}.{spare}") => "token_base64";
        "header is text": raw("alg") => "header_json";
        "header is an array": raw("[]") => "header_json";
        "header with a tail": raw(r#"{"alg":"EdDSA","kid":"ed-1"}{}"#) => "header_json";
        "header with BOM": raw("\u{feff}{\"alg\":\"EdDSA\",\"kid\":\"ed-1\"}") => "header_json";
        "alg twice": raw(r#"{"alg":"EdDSA","kid":"ed-1","alg":"none"}"#) => "header_json";
        "alg twice, escaped": raw(r#"{"alg":"EdDSA","kid":"ed-1","\u0061lg":"none"}"#) => "header_json";
        "kid twice": raw(r#"{"alg":"EdDSA","kid":"x","kid":"ed-1"}"#) => "header_json";
        "claims are text": raw_claims("alice") => "claims_json";
        "claims are an array": raw_claims("[]") => "claims_json";
        "a token in a token": raw_claims(&format!("\"{good}\"")) => "claims_json";
        "iss twice": raw_claims(&format!(r#"{{"iss":"{ISSUER}","iss":"x"}}"#)) => "claims_json";
        "sub twice": raw_claims(&format!(r#"{{"iss":"{ISSUER}","sub":"a","s\u0075b":"b"}}"#)) => "claims_json";
        "claims too deep": raw_claims(&deep) => "claims_json";
    }
}

fn headers(keys: &Keys) -> Vec<Row> {
    let own = keys.attacker.jwk("own");
    let signed_by_own = |changes: Value| {
        let header = with(header("EdDSA", "ed-1"), changes);
        keys.attacker.token(&header, &claims())
    };
    let url = "https://evil.example/keys";
    rows! {
        "no alg": keys.headed(json!({"alg": null})) => "header_member";
        "alg is a number": keys.headed(json!({"alg": 1})) => "header_member";
        "alg is an array": keys.headed(json!({"alg": ["EdDSA"]})) => "header_member";
        "lower case": keys.headed(json!({"alg": "eddsa"})) => "algorithm_not_allowed";
        "supported, not allowed": keys.headed(json!({"alg": "ES384"})) => "algorithm_not_allowed";
        "unknown alg": keys.headed(json!({"alg": "ES256K"})) => "algorithm_not_allowed";
        "own jwk": signed_by_own(json!({"jwk": own})) => "header_foreign_key";
        "true jwk": keys.headed(json!({"jwk": keys.ed.jwk("ed-1")})) => "header_foreign_key";
        "jku": signed_by_own(json!({"jku": url})) => "header_foreign_key";
        "jku of the issuer": keys.headed(json!({"jku": JWKS})) => "header_foreign_key";
        "x5u": signed_by_own(json!({"x5u": url})) => "header_foreign_key";
        "x5c": signed_by_own(json!({"x5c": ["MIIB"]})) => "header_foreign_key";
        "crit": keys.headed(json!({"crit": ["exp"], "exp": 1})) => "header_critical";
        "empty crit": keys.headed(json!({"crit": []})) => "header_critical";
        "crit b64": keys.headed(json!({"crit": ["b64"], "b64": false})) => "header_critical";
        "b64": keys.headed(json!({"b64": false})) => "header_member";
        "compressed": keys.headed(json!({"zip": "DEF"})) => "header_member";
        "announces encryption": keys.headed(json!({"enc": "A256GCM"})) => "header_member";
        "nested": keys.headed(json!({"cty": "JWT"})) => "header_nested";
        "another type": keys.headed(json!({"typ": "dpop+jwt"})) => "header_type";
        "logout token": keys.headed(json!({"typ": "logout+jwt"})) => "header_type";
        "type is a number": keys.headed(json!({"typ": 1})) => "header_type";
        "kid is a number": keys.headed(json!({"kid": 1})) => "header_key_id";
        "kid is empty": keys.headed(json!({"kid": ""})) => "header_key_id";
        "kid is long": keys.headed(json!({"kid": "k".repeat(257)})) => "header_key_id";
        "kid with SQL": keys.headed(json!({"kid": "x' UNION SELECT 'k"})) => "header_key_id";
        "kid with a command": keys.headed(json!({"kid": "x|id"})) => "header_key_id";
        "kid with NUL": keys.headed(json!({"kid": "ed-1\u{0}"})) => "header_key_id";
        "kid with a wildcard": keys.headed(json!({"kid": "*"})) => "header_key_id";
        "kid is a path": keys.headed(json!({"kid": "../../../dev/null"})) => "key_unknown";
        "kid is a URL": keys.headed(json!({"kid": url})) => "key_unknown";
        "kid is a prefix": keys.headed(json!({"kid": "ed-"})) => "key_unknown";
        "kid in another case": keys.headed(json!({"kid": "ED-1"})) => "key_unknown";
        "no kid, two keys": keys.headed(json!({"kid": null})) => "key_ambiguous";
    }
}

/// `alg` and key that do not belong together.
fn confusions(keys: &Keys) -> Vec<Row> {
    let mac = |algorithm: &str, secret: &[u8], id: &str| {
        let message = format!(
            "{}.{}",
            b64(header(algorithm, id).to_string()),
            b64(claims().to_string())
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", b64(tag.as_ref()))
    };
    let unsigned = |algorithm: &str| {
        let header = json!({"alg": algorithm}).to_string();
        format!("{}.{}.", b64(header), b64(claims().to_string()))
    };
    let named = |algorithm: &str, id: &str, signer: &Signer| {
        signer.token(&header(algorithm, id), &claims())
    };
    let jwk_text = keys.rsa.jwk("rsa-1").to_string();
    rows! {
        "none": unsigned("none") => "algorithm_not_allowed";
        "None": unsigned("None") => "algorithm_not_allowed";
        "nOnE": unsigned("nOnE") => "algorithm_not_allowed";
        "empty alg": unsigned("") => "algorithm_not_allowed";
        "none, signed": keys.headed(json!({"alg": "none"})) => "algorithm_not_allowed";
        "unsigned, honest alg": unsigned("ES256") => "signature_length";
        "HMAC with the Ed25519 key": mac("HS256", &keys.ed.public(), "ed-1") => "algorithm_not_allowed";
        "HMAC with the EC key": mac("HS256", &keys.ec.public(), "ec-1") => "algorithm_not_allowed";
        "HMAC with the RSA key": mac("HS256", &keys.rsa.public(), "rsa-1") => "algorithm_not_allowed";
        "HMAC with the JWK": mac("HS256", jwk_text.as_bytes(), "rsa-1") => "algorithm_not_allowed";
        "HMAC with nothing": mac("HS256", b"", "rsa-1") => "algorithm_not_allowed";
        "HMAC passed off as RSA": mac("RS256", &keys.rsa.public(), "rsa-1") => "signature_length";
        "RSA alg, Ed25519 key": named("RS256", "ed-1", &keys.ed) => "key_mismatch";
        "RSA alg, EC key": named("RS256", "ec-1", &keys.ec) => "key_mismatch";
        "EC alg, RSA key": named("ES256", "rsa-1", &keys.rsa) => "key_mismatch";
        "EC alg, key of another curve": named("ES256", "p384-1", &keys.p384) => "key_mismatch";
        "EdDSA, EC key": named("EdDSA", "ec-1", &keys.ec) => "key_mismatch";
        "EC alg, signed by Ed25519": named("ES256", "ec-1", &keys.ed) => "signature_invalid";
        "another key's id": named("EdDSA", "ed-old", &keys.ed) => "signature_invalid";
        "attacker's key": named("EdDSA", "ed-1", &keys.attacker) => "signature_invalid";
        "attacker's key id": named("EdDSA", "own", &keys.attacker) => "key_unknown";
        "PSS, key for PKCS #1": named("PS256", "rsa-1", &keys.rsa) => "algorithm_not_allowed";
    }
}

fn signatures(keys: &Keys) -> Vec<Row> {
    let resigned = |algorithm: &str, id: &str, signature: &[u8]| {
        let message = format!(
            "{}.{}",
            b64(header(algorithm, id).to_string()),
            b64(claims().to_string())
        );
        format!("{message}.{}", b64(signature))
    };
    let message = |token: &str| token.rsplit_once('.').expect("a dot").0.to_owned();
    let ec = keys.ec.token(&header("ES256", "ec-1"), &claims());
    let ec_signature = keys.ec.sign(&message(&ec));
    let ed_signature = keys.ed.sign(&message(&keys.good()));
    let rsa_signature = keys.rsa.sign(&message(
        &keys.rsa.token(&header("RS256", "rsa-1"), &claims()),
    ));
    let mut flipped = ed_signature.clone();
    flipped[0] ^= 1;
    let mut swapped = ec_signature.clone();
    swapped.rotate_left(32);
    let mut der = vec![0x30, 0x44, 0x02, 0x20];
    der.extend_from_slice(&ec_signature[..32]);
    der.extend_from_slice(&[0x02, 0x20]);
    der.extend_from_slice(&ec_signature[32..]);
    let promoted = with(claims(), json!({"roles": ["operator"]}));
    let mut spliced = keys.good();
    let tail = spliced.split_off(spliced.rfind('.').expect("a dot"));
    let spliced = format!(
        "{}.{}{tail}",
        b64(header("EdDSA", "ed-1").to_string()),
        b64(promoted.to_string())
    );
    rows! {
        "no signature": resigned("EdDSA", "ed-1", b"") => "signature_length";
        "one byte short": resigned("EdDSA", "ed-1", &ed_signature[..63]) => "signature_length";
        "one byte long": resigned("EdDSA", "ed-1", &[&ed_signature[..], &[0]].concat()) => "signature_length";
        "one bit changed": resigned("EdDSA", "ed-1", &flipped) => "signature_invalid";
        "S not reduced": resigned("EdDSA", "ed-1", &plus_order(&ed_signature)) => "signature_invalid";
        "all zero": resigned("EdDSA", "ed-1", &[0; 64]) => "signature_invalid";
        "ECDSA zero": resigned("ES256", "ec-1", &[0; 64]) => "signature_invalid";
        "ECDSA all ones": resigned("ES256", "ec-1", &[0xff; 64]) => "signature_invalid";
        "ECDSA r and s swapped": resigned("ES256", "ec-1", &swapped) => "signature_invalid";
        "ECDSA in DER": resigned("ES256", "ec-1", &der) => "signature_length";
        "ECDSA of another curve's length": resigned("ES256", "ec-1", &[1; 96]) => "signature_length";
        "RSA zero": resigned("RS256", "rsa-1", &[0; 256]) => "signature_invalid";
        "RSA one": resigned("RS256", "rsa-1", &[&[0; 255][..], &[1]].concat()) => "signature_invalid";
        "RSA leading zero": resigned("RS256", "rsa-1", &[&[0][..], &rsa_signature].concat()) => "signature_length";
        "claims exchanged": spliced => "signature_invalid";
    }
}

/// An Ed25519 signature with the group order added to S: equal to sloppy verifiers.
fn plus_order(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut out = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in out[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    out
}

fn claim_rows(keys: &Keys) -> Vec<Row> {
    let claiming = |changes: Value| keys.claiming(changes);
    rows! {
        "no iss": claiming(json!({"iss": null})) => "issuer_unknown";
        "iss is an array": claiming(json!({"iss": [ISSUER]})) => "issuer_unknown";
        "unknown iss": claiming(json!({"iss": "https://evil.example"})) => "issuer_unknown";
        "iss with a slash": claiming(json!({"iss": format!("{ISSUER}/")})) => "issuer_unknown";
        "iss in another case": claiming(json!({"iss": ISSUER.to_uppercase()})) => "issuer_unknown";
        "development iss": claiming(json!({"iss": "aegis-development"})) => "issuer_unknown";
        "no aud": claiming(json!({"aud": null})) => "claim_missing";
        "another aud": claiming(json!({"aud": "billing"})) => "audience_mismatch";
        "aud in another case": claiming(json!({"aud": "Aegis"})) => "audience_mismatch";
        "aud is a prefix": claiming(json!({"aud": "aegi"})) => "audience_mismatch";
        "aud in a list of words": claiming(json!({"aud": "billing aegis"})) => "audience_mismatch";
        "aud array of others": claiming(json!({"aud": ["billing", "crm"]})) => "audience_mismatch";
        "aud empty array": claiming(json!({"aud": []})) => "audience_mismatch";
        "aud array with a number": claiming(json!({"aud": ["aegis", 1]})) => "claim_invalid";
        "aud nested": claiming(json!({"aud": [["aegis"]]})) => "claim_invalid";
        "aud object": claiming(json!({"aud": {"aegis": true}})) => "claim_invalid";
        "no exp": claiming(json!({"exp": null})) => "claim_missing";
        "no nbf": claiming(json!({"nbf": null})) => "claim_missing";
        "no iat": claiming(json!({"iat": null})) => "claim_missing";
        "no sub": claiming(json!({"sub": null})) => "claim_missing";
        "exp is text": claiming(json!({"exp": (NOW + 600).to_string()})) => "claim_invalid";
        "exp is true": claiming(json!({"exp": true})) => "claim_invalid";
        "exp is negative": claiming(json!({"exp": -1})) => "claim_invalid";
        "exp in milliseconds": claiming(json!({"exp": (NOW + 600) * 1_000})) => "claim_invalid";
        "exp is huge": claiming(json!({"exp": 1e300})) => "claim_invalid";
        "nbf is an array": claiming(json!({"nbf": [NOW]})) => "claim_invalid";
        "iat is an object": claiming(json!({"iat": {}})) => "claim_invalid";
        "expired": claiming(json!({"iat": NOW - 700, "nbf": NOW - 700, "exp": NOW - 100})) => "expired";
        "expired by the leeway": claiming(json!({"iat": NOW - 630, "exp": NOW - 30})) => "expired";
        "not yet": claiming(json!({"nbf": NOW + 31})) => "not_yet_valid";
        "from the future": claiming(json!({"iat": NOW + 31})) => "issued_in_future";
        "lives too long": claiming(json!({"exp": NOW + 901})) => "lifetime_too_long";
        "lives for ever": claiming(json!({"exp": 253_402_300_799_u64})) => "lifetime_too_long";
        "lives too long, by an old iat": claiming(json!({"iat": 0})) => "lifetime_too_long";
        "ends before it begins": claiming(json!({"iat": NOW + 20, "exp": NOW + 10})) => "claim_invalid";
        "sub is empty": claiming(json!({"sub": ""})) => "claim_invalid";
        "sub is a number": claiming(json!({"sub": 7})) => "claim_invalid";
        "sub is long": claiming(json!({"sub": "s".repeat(257)})) => "claim_invalid";
        "sub with a line feed": claiming(json!({"sub": "alice\nroot"})) => "claim_invalid";
        "sub with the separator of keys": claiming(json!({"sub": "a\u{1f}b"})) => "claim_invalid";
        "roles is a number": claiming(json!({"roles": 1})) => "claim_invalid";
        "roles holds a number": claiming(json!({"roles": ["analyst", 1]})) => "claim_invalid";
        "tenant is an array": claiming(json!({"tenant": ["a", "b"]})) => "claim_invalid";
        "actor type of our own making": claiming(json!({"actor_type": "admin"})) => "actor_type_unknown";
        "actor type in another case": claiming(json!({"actor_type": "System"})) => "actor_type_unknown";
        "amr is text": claiming(json!({"amr": "mfa"})) => "claim_invalid";
        "amr is long": claiming(json!({"amr": vec!["mfa"; 17]})) => "claim_invalid";
        "acr is a number": claiming(json!({"acr": 2})) => "claim_invalid";
        "jti is a number": claiming(json!({"jti": 2})) => "claim_invalid";
    }
}

#[tokio::test(start_paused = true)]
async fn every_attack_is_refused_by_its_rule() {
    let mut world = World::new();
    let keys = Keys::new();
    world.network.serve(JWKS, keys.document());
    let auth = world.start(POLICY).await;
    assert_eq!(rule(&ask(&auth, &keys.good()).await), "accepted");

    let rows: Vec<Row> = [shapes, headers, confusions, signatures, claim_rows]
        .iter()
        .flat_map(|rows| rows(&keys))
        .collect();
    assert!(rows.len() >= 50, "{} rows", rows.len());
    let mut wrong = String::new();
    for (name, token, expected) in &rows {
        let outcome = ask(&auth, token).await;
        let found = rule(&outcome);
        if found != *expected {
            writeln!(wrong, "{name}: {found} instead of {expected}").expect("written");
        }
        let Err(rejection) = outcome else { continue };
        assert_eq!(rejection.reason(), Reason::Unauthenticated, "{name}");
        assert_eq!(rejection.verdict(), Verdict::Block, "{name}");
        assert_eq!(
            rejection.threats()[0].category,
            Category::Identity,
            "{name}"
        );
        let challenge = rejection.headers()[0].1.to_str().expect("text");
        assert!(challenge.contains("error=\"invalid_token\""), "{name}");
        let told = format!(
            "{} {challenge} {}",
            rejection.message(),
            rejection.detail().unwrap_or("")
        );
        let pieces = token.split('.').filter(|piece| piece.len() > 8);
        for secret in pieces.chain(["alice", "evil.example"]) {
            assert!(!told.contains(secret), "{name} is echoed: {told}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(auth.cache.len(), 1, "only the good token is remembered");
    let asked = world.network.asked_at_all();
    assert!(asked.iter().all(|url| url == JWKS), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_good_at_the_edge_is_accepted() {
    let mut world = World::new();
    let keys = Keys::new();
    world.network.serve(JWKS, keys.document());
    let auth = world.start(POLICY).await;
    let ed = |changes: Value| keys.claiming(changes);
    let headed = |changes: Value| keys.headed(changes);
    let rows = [
        ("plain", keys.good()),
        ("RSA", keys.rsa.token(&header("RS256", "rsa-1"), &claims())),
        ("EC", keys.ec.token(&header("ES256", "ec-1"), &claims())),
        (
            "EC without kid, one key suits",
            keys.ec.token(&json!({"alg": "ES256"}), &claims()),
        ),
        ("access token", headed(json!({"typ": "at+jwt"}))),
        (
            "full media type",
            headed(json!({"typ": "application/AT+JWT"})),
        ),
        ("no typ", headed(json!({"typ": null}))),
        (
            "thumbprint and unknown member",
            headed(json!({"x5t": "abc", "nonce": {"a": [1]}})),
        ),
        (
            "second audience",
            ed(json!({"aud": "https://aegis.example.org"})),
        ),
        ("among audiences", ed(json!({"aud": ["billing", "aegis"]}))),
        (
            "times with fractions",
            ed(json!({"iat": NOW as f64 - 0.5, "exp": NOW as f64 + 9.25})),
        ),
        ("times with exponents", ed(json!({"nbf": 1.8e9}))),
        (
            "last second of the leeway",
            ed(json!({"iat": NOW - 629, "nbf": 0, "exp": NOW - 29})),
        ),
        ("nbf at the leeway", ed(json!({"nbf": NOW + 30}))),
        ("iat at the leeway", ed(json!({"iat": NOW + 30}))),
        ("longest life", ed(json!({"exp": NOW + 900}))),
        ("longest sub", ed(json!({"sub": "s".repeat(256)}))),
        ("most methods", ed(json!({"amr": vec!["mfa"; 16]}))),
    ];
    for (name, token) in rows {
        let outcome = ask(&auth, &token).await;
        assert_eq!(rule(&outcome), "accepted", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_is_verified_with_its_own_keys_only() {
    let mut world = World::new();
    let (first, second) = (Signer::ed(), Signer::ed());
    world.network.serve(JWKS, set(&[first.jwk("k")]));
    world
        .network
        .serve("https://b.example/keys", set(&[second.jwk("k")]));
    let auth = world
        .start(&POLICY.replace(
            "throttle:",
            r#"  - { name: b, issuer: b, audiences: [aegis], algorithms: [EdDSA], jwks: { url: "https://b.example/keys" } }
throttle:"#,
        ))
        .await;
    let of = |signer: &Signer, issuer: &str| {
        signer.token(
            &header("EdDSA", "k"),
            &with(claims(), json!({"iss": issuer})),
        )
    };
    let accepted = ask(&auth, &of(&second, "b")).await.expect("accepted");
    assert_eq!((&*accepted.issuer, &*accepted.id), ("b", "alice"));
    assert_eq!(
        rule(&ask(&auth, &of(&first, "b")).await),
        "signature_invalid"
    );
    assert_eq!(
        rule(&ask(&auth, &of(&second, ISSUER)).await),
        "signature_invalid"
    );
    assert_eq!(rule(&ask(&auth, &of(&first, ISSUER)).await), "accepted");
}

#[tokio::test(start_paused = true)]
async fn one_rsa_padding_is_not_the_other() {
    let mut world = World::new();
    let pkcs1 = Signer::rsa();
    world.network.serve(JWKS, set(&[pkcs1.jwk("k")]));
    let auth = world
        .start(&POLICY.replace("EdDSA, RS256", "PS256, RS256"))
        .await;
    let by_pkcs1 = |name: &str| pkcs1.token(&header(name, "k"), &claims());
    let tokens = [by_pkcs1("RS256"), by_pkcs1("PS256")];
    let pss = pkcs1.pss();
    let by_pss = |name: &str| pss.token(&header(name, "k"), &claims());
    for (token, expected) in [
        (&tokens[0], "accepted"),
        (&tokens[1], "signature_invalid"),
        (&by_pss("PS256"), "accepted"),
        (&by_pss("RS256"), "signature_invalid"),
    ] {
        assert_eq!(rule(&ask(&auth, token).await), expected);
    }
}
