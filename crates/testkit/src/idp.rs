//! A mock identity provider: keys, a JWKS endpoint with OIDC discovery, and tokens to order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::provider::serve_json;

/// An identity provider on loopback.
#[derive(Debug)]
pub struct Idp {
    /// Where it listens.
    pub address: SocketAddr,
    /// How often the key set was asked for.
    pub jwks_requests: Arc<AtomicUsize>,
    key: Vec<u8>,
    server: tokio::task::JoinHandle<()>,
}

/// The claims of a token to mint; changed freely by tests.
pub type Claims = BTreeMap<String, Value>;

/// Seconds since the epoch.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

impl Idp {
    /// Starts a provider with one Ed25519 key, `kid` = `test-1`.
    ///
    /// # Panics
    /// If keys can't be made or no port is free.
    pub async fn start() -> Self {
        let pair = Ed25519KeyPair::generate().expect("generate a key");
        let key = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
            .expect("encode the key")
            .as_ref()
            .to_vec();
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let (listener, address) = crate::net::loopback_listener().await;
        let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "test-1", "x": public}]});
        let discovery = json!({"issuer": format!("http://{address}"), "jwks_uri": format!("http://{address}/jwks")});
        let jwks_requests = Arc::new(AtomicUsize::new(0));
        let counted = jwks_requests.clone();
        let server = serve_json(listener, move |path| {
            if path == "/jwks" {
                counted.fetch_add(1, Ordering::Relaxed);
                jwks.clone()
            } else {
                discovery.clone()
            }
        });
        Self {
            address,
            jwks_requests,
            key,
            server,
        }
    }

    /// The issuer's URL.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Good claims for `subject` with `roles`: five minutes, audience `aegis`.
    #[must_use]
    pub fn claims(&self, subject: &str, roles: &[&str]) -> Claims {
        let now = now();
        let claims = json!({
            "iss": self.issuer(), "aud": "aegis", "sub": subject, "roles": roles,
            "iat": now, "nbf": now, "exp": now + 300, "jti": format!("jti-{subject}-{now}"),
        });
        serde_json::from_value(claims).expect("an object")
    }

    /// A token with these claims.
    ///
    /// # Panics
    /// If it can't be signed.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("test-1".into());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&self.key)).expect("sign")
    }

    /// A good token.
    #[must_use]
    pub fn token(&self, subject: &str, roles: &[&str]) -> String {
        self.sign(&self.claims(subject, roles))
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.server.abort();
    }
}
