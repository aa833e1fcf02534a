//! Public keys: one by one ([`jwk`]), as a set (here), and where a set comes from ([`source`]).
//!
//! A key is chosen by `kid` and algorithm together. `kid` is only ever compared with the ids in
//! the set; it is never a path, a query or a pattern. Without `kid` a key is chosen only if it is
//! the single one that suits the algorithm: trying one after another would let a signature choose
//! its key.

pub(crate) mod jwk;
mod load;
pub(crate) mod source;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonwebtoken::DecodingKey;

use crate::algorithm::{Algorithm, KeyKind};
use crate::json;
use crate::refusal::Rule;

pub(crate) use source::{KeySource, Origin};

/// At most this many keys in a set.
pub(crate) const KEYS_MAX: usize = 256;

/// A key id may be this many bytes long.
const KEY_ID_BYTES_MAX: usize = 256;

/// A public key that verifies signatures.
pub(crate) struct Key {
    id: Option<Box<str>>,
    kind: KeyKind,
    /// The one algorithm it is for, where the set says so.
    algorithm: Option<Algorithm>,
    /// The public material, to tell keys apart.
    public: Vec<u8>,
    signature_bytes: usize,
    verifier: DecodingKey,
}

/// The keys of one issuer at one time.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Arc<Key>>,
    generation: u64,
}

/// Why a document is no key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeySetError {
    #[error("the key set is not a JSON object with unique members and an array `keys`")]
    Unreadable,
    #[error("the key set holds more than {KEYS_MAX} keys")]
    TooMany,
}

/// Whether `id` is made of characters that key ids are made of, and bounded.
pub(crate) fn is_key_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= KEY_ID_BYTES_MAX
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=:@".contains(&byte))
}

// === impl Key ===

impl Key {
    pub(crate) const fn signature_bytes(&self) -> usize {
        self.signature_bytes
    }

    fn suits(&self, algorithm: Algorithm) -> bool {
        self.kind == algorithm.key_kind() && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether `signature` (base64url) over `message` verifies.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &self.verifier,
            algorithm.verifier(),
        )
        .unwrap_or(false)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.kind == other.kind
            && self.algorithm == other.algorithm
            && self.public == other.public
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

// === impl KeySet ===

impl KeySet {
    pub(crate) fn new(keys: Vec<Key>) -> Self {
        static GENERATIONS: AtomicU64 = AtomicU64::new(0);
        Self {
            keys: keys.into_iter().map(Arc::new).collect(),
            generation: GENERATIONS.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Reads a JWK set (RFC 7517). Keys that can't or must not be used are left out with a warning;
    /// one bad key does not spoil the others. A set that ends up empty is a set: the issuer may
    /// have withdrawn every key.
    pub(crate) fn parse(issuer: &str, document: &[u8]) -> Result<Self, KeySetError> {
        let document = json::object(document).ok_or(KeySetError::Unreadable)?;
        let Some(json::Json::Array(entries)) = document.get("keys") else {
            return Err(KeySetError::Unreadable);
        };
        if entries.len() > KEYS_MAX {
            return Err(KeySetError::TooMany);
        }
        let mut keys = Vec::with_capacity(entries.len());
        for (position, entry) in entries.iter().enumerate() {
            match jwk::read(entry) {
                Ok(key) => keys.push(key),
                Err(reason) => {
                    tracing::warn!(issuer, position, %reason, "key of the set ignored");
                }
            }
        }
        Ok(Self::new(keys))
    }

    /// A number that no other set of this process has.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) const fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn holds(&self, key: &Key) -> bool {
        self.keys.iter().any(|held| **held == *key)
    }

    /// Whether both hold the same keys in the same order.
    pub(crate) fn same_keys(&self, other: &Self) -> bool {
        self.keys == other.keys
    }

    /// The one key that `id` and `algorithm` mean.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, Rule> {
        let mut named = self
            .keys
            .iter()
            .filter(|key| id.is_none() || key.id.as_deref() == id)
            .peekable();
        if named.peek().is_none() {
            return Err(Rule::KeyUnknown);
        }
        let mut suited = named.filter(|key| key.suits(algorithm));
        match (suited.next(), suited.next()) {
            (Some(key), None) => Ok(key.clone()),
            (Some(_), Some(_)) => Err(Rule::KeyAmbiguous),
            (None, _) => Err(Rule::KeyMismatch),
        }
    }
}
