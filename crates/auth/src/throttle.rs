//! Failed attempts are counted and, when there are too many, answered without being looked at.
//!
//! 1. Two counters: by address (IPv6 by its /64, which is what one subscriber gets) and by the
//!    digest of the credential. On a Unix socket there is no address and only the second counts.
//! 2. A counter leaks: `failures` in `per` may come evenly without end; a burst of `failures`
//!    blocks for `block`, and each block that follows is twice as long, up to `block_max`. The
//!    doubling is forgotten when a whole `block_max` passes without a failure.
//! 3. A success leaves the address counter as it is (otherwise one good token would pay for
//!    unlimited guesses) and forgets the credential's own.
//! 4. A credential whose signature was good but which is, say, expired, counts against itself and
//!    not against its address: nobody guessed.
//! 5. Both tables hold a bounded number of entries; the one unused longest goes first.
//!
//! A block stops verification. Tokens verified before and still in the cache go on working, so
//! that one guesser behind a shared address does not lock out everyone else behind it.
//!
//! What it does not catch: guesses spread over more addresses than the table holds.

use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::credential::Digest;
use crate::refusal::Blame;
use crate::spec::ThrottleSpec;

/// Each table holds at most this many entries (about 100 bytes each).
pub(crate) const TRACKED_MAX: usize = 16 * 1024;

/// A block is doubled at most this often.
const DOUBLINGS_MAX: u32 = 20;

/// The counters of failed authentication.
pub(crate) struct Throttle {
    spec: ThrottleSpec,
    addresses: Mutex<LruCache<Network, Track>>,
    credentials: Mutex<LruCache<Digest, Track>>,
}

/// What counts as one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Network {
    V4([u8; 4]),
    /// The first 64 bits.
    V6(u64),
}

/// The failures of one address or credential.
#[derive(Debug, Clone, Copy)]
struct Track {
    /// Failures that have not leaked away.
    level: f64,
    last: Instant,
    blocked_until: Option<Instant>,
    blocks: u32,
}

// === impl Network ===

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            IpAddr::V6(v6) => Self::V6((v6.to_bits() >> 64) as u64),
        }
    }
}

// === impl Track ===

impl Track {
    const fn new(now: Instant) -> Self {
        Self {
            level: 0.0,
            last: now,
            blocked_until: None,
            blocks: 0,
        }
    }

    fn fail(&mut self, spec: &ThrottleSpec, now: Instant) {
        let active = self
            .blocked_until
            .map_or(self.last, |until| until.max(self.last));
        let quiet = now.saturating_duration_since(active);
        if quiet >= spec.block_max.0 {
            self.blocks = 0;
        }
        let since = now.saturating_duration_since(self.last);
        let failures = f64::from(spec.failures);
        let leaked = failures * since.as_secs_f64() / spec.per.0.as_secs_f64();
        self.level = (self.level - leaked).max(0.0) + 1.0;
        self.last = now;
        if self.level >= failures {
            let block = spec
                .block
                .0
                .saturating_mul(1 << self.blocks.min(DOUBLINGS_MAX));
            self.blocked_until = Some(now + block.min(spec.block_max.0));
            self.blocks = self.blocks.saturating_add(1);
            self.level = 0.0;
        }
    }

    fn blocked_for(&self, now: Instant) -> Option<Duration> {
        let left = self.blocked_until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

// === impl Throttle ===

impl Throttle {
    pub(crate) fn new(spec: ThrottleSpec) -> Self {
        let entries = NonZeroUsize::new(TRACKED_MAX).unwrap_or(NonZeroUsize::MIN);
        Self {
            spec,
            addresses: Mutex::new(LruCache::new(entries)),
            credentials: Mutex::new(LruCache::new(entries)),
        }
    }

    pub(crate) const fn spec(&self) -> &ThrottleSpec {
        &self.spec
    }

    /// How long the address or the credential is still blocked.
    pub(crate) fn blocked_for(
        &self,
        network: Option<Network>,
        credential: Option<&Digest>,
        now: Instant,
    ) -> Option<Duration> {
        let by_address = network.and_then(|network| blocked(&self.addresses, &network, now));
        let by_credential = credential.and_then(|digest| blocked(&self.credentials, digest, now));
        by_address.max(by_credential)
    }

    /// Counts a failure.
    pub(crate) fn failed(
        &self,
        blame: Blame,
        network: Option<Network>,
        credential: Option<&Digest>,
        now: Instant,
    ) {
        let (network, credential) = match blame {
            Blame::Nobody => return,
            Blame::Credential => (None, credential),
            Blame::Both => (network, credential),
        };
        if let Some(network) = network {
            count(&self.addresses, network, &self.spec, now);
        }
        if let Some(digest) = credential {
            count(&self.credentials, *digest, &self.spec, now);
        }
    }

    /// Forgets the failures of a credential that turned out good.
    pub(crate) fn succeeded(&self, credential: &Digest) {
        self.credentials.lock().pop(credential);
    }

    #[cfg(test)]
    pub(crate) fn tracked(&self) -> (usize, usize) {
        (self.addresses.lock().len(), self.credentials.lock().len())
    }
}

fn blocked<K: Hash + Eq>(
    table: &Mutex<LruCache<K, Track>>,
    key: &K,
    now: Instant,
) -> Option<Duration> {
    table.lock().get(key)?.blocked_for(now)
}

fn count<K: Hash + Eq>(
    table: &Mutex<LruCache<K, Track>>,
    key: K,
    spec: &ThrottleSpec,
    now: Instant,
) {
    table
        .lock()
        .get_or_insert_mut(key, || Track::new(now))
        .fail(spec, now);
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
