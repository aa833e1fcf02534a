//! Keys, tokens, clock and network for the tests.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aegis_core::{BoxError, Principal, Rejection};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Uri};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::fetch::Fetch;
use crate::{Auth, AuthSpec, BuildError, Environment, RolesSpec};

/// The time at which tests begin.
pub(super) const NOW: u64 = 1_800_000_000;

pub(super) const ISSUER: &str = "https://id.example.org";
pub(super) const JWKS: &str = "https://id.example.org/keys";

/// A policy with one issuer whose set is at [`JWKS`], and a throttle that never blocks.
pub(super) const POLICY: &str = r#"
issuers:
  - name: test
    issuer: https://id.example.org
    audiences: [aegis, https://aegis.example.org]
    algorithms: [ES256, EdDSA, RS256]
    max_token_lifetime: 15m
    jwks: { url: "https://id.example.org/keys" }
throttle: { failures: 10000 }
"#;

pub(super) const ROLES: &str = r#"
- { name: analyst, routes: [chat_completions, messages] }
- { name: operator, routes: ["*"] }
- { name: player, routes: [orchestrator] }
"#;

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

// === keys ===

/// A private key of any kind.
pub(super) enum Signer {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(rsa::KeyPair, &'static dyn RsaEncoding),
}

impl Signer {
    pub(super) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().expect("a key"))
    }

    pub(super) fn p256() -> Self {
        Self::ec(&ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(super) fn p384() -> Self {
        Self::ec(&ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        Self::Ec(EcdsaKeyPair::generate(algorithm).expect("a key"))
    }

    pub(super) fn rsa() -> Self {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
        Self::Rsa(pair, &RSA_PKCS1_SHA256)
    }

    pub(super) fn pss(self) -> Self {
        match self {
            Self::Rsa(pair, _) => Self::Rsa(pair, &RSA_PSS_SHA256),
            Self::Ed(_) | Self::Ec(_) => self,
        }
    }

    pub(super) fn sign(&self, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Self::Ec(pair) => {
                let signature = pair.sign(&random, message.as_bytes()).expect("signed");
                signature.as_ref().to_vec()
            }
            Self::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &random, message.as_bytes(), &mut signature)
                    .expect("signed");
                signature
            }
        }
    }

    /// The public key, raw: for the confusion attacks.
    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Self::Rsa(pair, _) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// Its public JWK.
    pub(super) fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Ed(_) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "use": "sig", "x": b64(self.public()) })
            }
            Self::Ec(_) => {
                let public = self.public();
                let (x, y) = public[1..].split_at(public.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "kid": id, "x": b64(x), "y": b64(y) })
            }
            Self::Rsa(pair, _) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "kid": id, "n": b64(public.n), "e": b64(public.e) })
            }
        }
    }

    /// A token of these parts, signed.
    pub(super) fn token(&self, header: &Value, claims: &Value) -> String {
        self.raw_token(&header.to_string(), &claims.to_string())
    }

    pub(super) fn raw_token(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let signature = b64(self.sign(&message));
        format!("{message}.{signature}")
    }
}

pub(super) fn set(keys: &[Value]) -> Bytes {
    json!({ "keys": keys }).to_string().into()
}

/// Claims that are good at [`NOW`].
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "aegis", "sub": "alice", "jti": "t-1",
        "iat": NOW, "nbf": NOW, "exp": NOW + 600, "roles": ["analyst"],
    })
}

/// `value` with members replaced; those set to null are removed.
pub(super) fn with(mut value: Value, changes: Value) -> Value {
    let members = value.as_object_mut().expect("an object");
    let Value::Object(changes) = changes else {
        panic!("changes must be an object");
    };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, change);
        }
    }
    value
}

pub(super) fn header(algorithm: &str, id: &str) -> Value {
    json!({ "alg": algorithm, "kid": id, "typ": "JWT" })
}

// === clock ===

/// A clock that a test sets.
#[derive(Debug)]
pub(super) struct TestClock(AtomicU64);

impl TestClock {
    pub(super) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

// === network ===

/// What an address answers.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Document(Bytes),
    /// The document, after this long.
    Slow(Duration, Bytes),
    Failure,
    Never,
}

/// A network that answers what it is told to.
#[derive(Debug, Default)]
pub(super) struct Network {
    answers: Mutex<HashMap<String, Answer>>,
    asked: Mutex<Vec<String>>,
    in_flight: AtomicUsize,
    in_flight_max: AtomicUsize,
}

impl Network {
    pub(super) fn answer(&self, url: &str, answer: Answer) {
        self.answers.lock().insert(url.to_owned(), answer);
    }

    pub(super) fn serve(&self, url: &str, document: impl Into<Bytes>) {
        self.answer(url, Answer::Document(document.into()));
    }

    pub(super) fn asked(&self, url: &str) -> usize {
        self.asked
            .lock()
            .iter()
            .filter(|asked| *asked == url)
            .count()
    }

    pub(super) fn asked_at_all(&self) -> Vec<String> {
        self.asked.lock().clone()
    }

    pub(super) fn in_flight_max(&self) -> usize {
        self.in_flight_max.load(Ordering::SeqCst)
    }
}

/// Counts a request as over when it is answered or given up.
struct InFlight<'n>(&'n AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Fetch for Network {
    fn fetch<'a>(&'a self, url: &'a Uri) -> BoxFuture<'a, Result<Bytes, BoxError>> {
        Box::pin(async move {
            let url = url.to_string();
            let answer = self.answers.lock().get(&url).cloned();
            self.asked.lock().push(url);
            let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            self.in_flight_max.fetch_max(in_flight, Ordering::SeqCst);
            let _guard = InFlight(&self.in_flight);
            match answer {
                Some(Answer::Document(document)) => Ok(document),
                Some(Answer::Slow(time, document)) => {
                    tokio::time::sleep(time).await;
                    Ok(document)
                }
                Some(Answer::Failure) | None => Err("connection refused".into()),
                Some(Answer::Never) => std::future::pending().await,
            }
        })
    }
}

// === world ===

/// Everything a test needs around an [`Auth`].
pub(super) struct World {
    pub(super) clock: Arc<TestClock>,
    pub(super) network: Arc<Network>,
    tasks: JoinSet<()>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            clock: Arc::new(TestClock(AtomicU64::new(NOW))),
            network: Arc::new(Network::default()),
            tasks: JoinSet::new(),
        }
    }

    pub(super) fn build(
        &self,
        policy: &str,
        folder: &Path,
        previous: Option<&Auth>,
    ) -> Result<Arc<Auth>, BuildError> {
        let spec: AuthSpec = serde_saphyr::from_str(policy).expect("a policy");
        let roles: RolesSpec = serde_saphyr::from_str(ROLES).expect("roles");
        let generic_routes = ["orchestrator".into()];
        let environment = Environment {
            folder,
            fetch: self.network.clone(),
            clock: self.clock.clone(),
            generic_routes: &generic_routes,
            previous,
        };
        spec.build(&roles, &environment).map(Arc::new)
    }

    /// An [`Auth`] of this policy whose background task runs and has had time for its first round.
    pub(super) async fn start(&mut self, policy: &str) -> Arc<Auth> {
        let auth = self
            .build(policy, Path::new("/nonexistent"), None)
            .expect("a sound policy");
        self.run(&auth).await;
        auth
    }

    pub(super) async fn run(&mut self, auth: &Arc<Auth>) {
        self.tasks.spawn(auth.clone().run());
        wait(Duration::from_millis(10)).await;
    }

    /// Stops every background task.
    pub(super) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }
}

/// Lets time pass; the clock is paused, so this takes none.
pub(super) async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Asks as a client at 192.0.2.1 would.
pub(super) async fn ask(auth: &Auth, token: &str) -> Result<Arc<Principal>, Rejection> {
    ask_from(auth, token, Some("192.0.2.1")).await
}

pub(super) async fn ask_from(
    auth: &Auth,
    token: &str,
    address: Option<&str>,
) -> Result<Arc<Principal>, Rejection> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a header value");
    headers.insert(http::header::AUTHORIZATION, value);
    let address = address.map(|address| address.parse().expect("an address"));
    auth.authenticate(&headers, address).await
}

/// The rule that refused, as the audit log has it.
pub(super) fn rule(outcome: &Result<Arc<Principal>, Rejection>) -> String {
    match outcome {
        Ok(_) => "accepted".to_owned(),
        Err(rejection) => {
            let detail = rejection.detail().unwrap_or_default();
            let rule = detail.split_once(':').map_or("", |(rule, _)| rule);
            if rule.is_empty() {
                rejection.reason().as_str().to_owned()
            } else {
                rule.to_owned()
            }
        }
    }
}

// === folder ===

/// A folder of a test's own, removed at its end.
pub(super) struct Folder(std::path::PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("aegis-auth-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
