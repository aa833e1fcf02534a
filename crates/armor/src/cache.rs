//! Verdicts on texts already seen.
//!
//! A conversation resends its history on every turn. A text is named by a keyed digest of itself
//! and its role, so a resent one costs a digest, and the cache holds no prompt text. It belongs to
//! one set of rules: a reloaded policy starts with an empty one.

use std::borrow::Cow;
use std::sync::Arc;

use aegis_core::{Category, DigestKey, Role, TextDigest};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::offload::{Interrupted, Pace};

/// Bytes that one cache may hold, its own overhead included.
pub const CACHE_BYTES_MAX: u64 = 16 << 20;

/// What an entry costs besides its findings: key, pointers, the cache's own node.
const ENTRY_BYTES: u64 = 128;

/// What one finding costs, its rule's name included.
const FINDING_BYTES: u64 = 96;

/// How many entries the cache expects; it only sizes the table at start.
const ENTRIES_EXPECTED: usize = 16_384;

/// What a rule found in one text; a threat without its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// What kind.
    pub(crate) category: Category,
    /// Which rule.
    pub(crate) rule: Cow<'static, str>,
    /// How sure.
    pub(crate) score: f32,
    /// Whether it alone makes its input unsafe.
    pub(crate) grave: bool,
    /// Keyed digest of the matched text.
    pub(crate) digest: TextDigest,
}

/// Findings by text and role.
pub(crate) struct VerdictCache {
    entries: Cache<TextDigest, Arc<[Finding]>, Weights>,
    key: DigestKey,
}

#[derive(Debug, Clone)]
struct Weights;

// === impl VerdictCache ===

impl VerdictCache {
    /// An empty cache; `key` also names what is found.
    pub(crate) fn new(key: DigestKey) -> Self {
        Self::with_capacity(key, CACHE_BYTES_MAX)
    }

    fn with_capacity(key: DigestKey, bytes: u64) -> Self {
        Self {
            entries: Cache::with_weighter(ENTRIES_EXPECTED, bytes, Weights),
            key,
        }
    }

    /// The findings of `text` in `role`, from `scan` if it was not seen before.
    ///
    /// # Errors
    /// Where `pace` does not let the work go on.
    pub(crate) fn findings(
        &self,
        text: &str,
        role: Role,
        pace: &Pace,
        scan: impl FnOnce() -> Vec<Finding>,
    ) -> Result<Arc<[Finding]>, Interrupted> {
        pace.lookup(text.len())?;
        let name = self.key.digest(&[&[role_byte(role)], text.as_bytes()]);
        if let Some(known) = self.entries.get(&name) {
            return Ok(known);
        }
        pace.scan(text.len())?;
        let findings: Arc<[Finding]> = scan().into();
        self.entries.insert(name, findings.clone());
        Ok(findings)
    }

    /// The keyed digest that stands for `matched` in threats.
    pub(crate) fn digest(&self, matched: &str) -> TextDigest {
        self.key.digest(&[matched.as_bytes()])
    }

    #[cfg(test)]
    pub(crate) fn hits(&self) -> u64 {
        self.entries.hits()
    }

    #[cfg(test)]
    pub(crate) fn misses(&self) -> u64 {
        self.entries.misses()
    }
}

// === impl Weights ===

impl Weighter<TextDigest, Arc<[Finding]>> for Weights {
    fn weight(&self, _: &TextDigest, findings: &Arc<[Finding]>) -> u64 {
        ENTRY_BYTES + FINDING_BYTES * findings.len() as u64
    }
}

/// The role as part of the name: rules apply to roles, so the same text may have two verdicts.
const fn role_byte(role: Role) -> u8 {
    match role {
        Role::System => 0,
        Role::Developer => 1,
        Role::User => 2,
        Role::Assistant => 3,
        Role::Tool => 4,
        Role::Document => 5,
        Role::Unknown => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(bytes: u64) -> VerdictCache {
        VerdictCache::with_capacity(DigestKey::from_bytes(b"test"), bytes)
    }

    #[test]
    fn a_text_is_scanned_once_a_role() {
        let cache = cache(CACHE_BYTES_MAX);
        let mut scans = 0;
        for role in [Role::User, Role::User, Role::Tool, Role::User, Role::Tool] {
            let findings = cache.findings("text", role, &Pace::free(), || {
                scans += 1;
                Vec::new()
            });
            assert_eq!(findings.unwrap().len(), 0);
        }
        assert_eq!(scans, 2);
        assert_eq!((cache.hits(), cache.misses()), (3, 2));
    }

    #[test]
    fn the_cache_is_bounded_by_weight() {
        let cache = cache(100 * ENTRY_BYTES);
        for i in 0..10_000 {
            let text = i.to_string();
            let findings = cache.findings(&text, Role::User, &Pace::free(), Vec::new);
            assert!(findings.is_ok());
        }
        assert!(cache.entries.weight() <= 100 * ENTRY_BYTES);
        assert!(cache.entries.len() <= 100);
    }
}
