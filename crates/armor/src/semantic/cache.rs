//! Scores of texts already seen.
//!
//! As the other checks' verdict cache: a text is named by a keyed digest of itself, its source and
//! the model, so the cache holds no prompt text and a resent history costs digests only.

use aegis_core::{DigestKey, Scores, TextDigest};
use aegis_semantic::Source;
use quick_cache::sync::Cache;

/// Texts whose scores are kept.
pub const SCORES_MAX: usize = 100_000;

/// What is known of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Known {
    pub(crate) scores: Scores,
    /// Whether what is found in it may be grave.
    pub(crate) covered: bool,
}

/// What is known by text, source and model.
pub(crate) struct ScoreCache {
    entries: Cache<TextDigest, Known>,
    key: DigestKey,
    model: Box<str>,
}

// === impl ScoreCache ===

impl ScoreCache {
    /// An empty cache for the scores of the model with the digest `model`.
    pub(crate) fn new(key: DigestKey, model: &str) -> Self {
        Self::with_capacity(key, model, SCORES_MAX)
    }

    pub(super) fn with_capacity(key: DigestKey, model: &str, entries: usize) -> Self {
        Self {
            entries: Cache::new(entries),
            key,
            model: model.into(),
        }
    }

    /// What `text` from `source` is known by.
    pub(crate) fn name(&self, text: &str, source: Source) -> TextDigest {
        let parts = [
            self.model.as_bytes(),
            source.as_str().as_bytes(),
            text.as_bytes(),
        ];
        self.key.digest(&parts)
    }

    pub(crate) fn get(&self, name: &TextDigest) -> Option<Known> {
        self.entries.get(name)
    }

    pub(crate) fn insert(&self, name: TextDigest, known: Known) {
        self.entries.insert(name, known);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
