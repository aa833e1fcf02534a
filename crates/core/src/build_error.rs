//! What is wrong with a section of a policy.

/// A policy that can't be enforced as written; names the key and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct BuildError {
    key: String,
    problem: String,
}

// === impl BuildError ===

impl BuildError {
    /// The error of the policy's key `key`; `problem` says how to mend it.
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
        }
    }

    /// The path of the policy's key, e.g. `limits[0].tokens` or `providers[openai].base_url`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong and how to mend it.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}
