//! Tokens verified before, so that a signature is verified once and not on every request.
//!
//! 1. The key is the SHA-256 of the whole token, signature included. A digest of a part would let
//!    a forged token ride on a true one.
//! 2. An entry ends at `exp`, without leeway; from then on the token is verified in full.
//! 3. An entry lives only while its issuer's set holds the very key that verified it, and while
//!    that set may be used at all.
//! 4. A policy has its own cache; loading another policy begins with an empty one.
//!
//! Refusals are not cached: a token can become good (a new key, `nbf` reached). The throttle
//! bounds their cost.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aegis_core::Principal;
use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::credential::Digest;
use crate::keys::{Key, KeySource};

/// At most this many verified tokens are remembered (about 1 KiB each).
const TOKENS_MAX: usize = 16 * 1024;

/// What verifying a token showed.
pub(crate) struct Verified {
    pub(crate) principal: Arc<Principal>,
    pub(crate) key: Arc<Key>,
    pub(crate) source: Arc<KeySource>,
    /// The generation of the key set that is known to hold `key`.
    pub(crate) generation: AtomicU64,
    /// `exp`, since 1970.
    pub(crate) expires: Duration,
}

/// The verified tokens of one policy.
pub(crate) struct TokenCache(Cache<Digest, Arc<Verified>>);

// === impl Verified ===

impl Verified {
    /// Whether it may still be used, at wall-clock time `now` and monotonic time `instant`.
    fn holds(&self, now: Duration, instant: Instant) -> bool {
        if now >= self.expires {
            return false;
        }
        self.source.with_current(instant, |set| {
            if self.generation.load(Ordering::Relaxed) == set.generation() {
                return true;
            }
            let held = set.holds(&self.key);
            if held {
                self.generation.store(set.generation(), Ordering::Relaxed);
            }
            held
        }) == Some(true)
    }
}

// === impl TokenCache ===

impl TokenCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(TOKENS_MAX))
    }

    /// The entry of a token, if it still holds; one that does not is dropped.
    pub(crate) fn get(
        &self,
        digest: &Digest,
        now: Duration,
        instant: Instant,
    ) -> Option<Arc<Verified>> {
        let entry = self.0.get(digest)?;
        if entry.holds(now, instant) {
            return Some(entry);
        }
        self.0.remove(digest);
        None
    }

    /// Remembers a token; one past `exp` (accepted by leeway) is not remembered.
    pub(crate) fn insert(&self, digest: Digest, verified: Arc<Verified>, now: Duration) {
        if now < verified.expires {
            self.0.insert(digest, verified);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("tokens", &self.0.len())
            .finish()
    }
}
