//! What a check decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Scores, Threat};

/// The outcome of a check, gravest last.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing found.
    #[default]
    Allow,
    /// Found, recorded, nothing changed.
    Flag,
    /// Found and masked.
    Redact,
    /// The check failed or had no room: neither safe nor unsafe.
    Unavailable,
    /// Found and stopped.
    Block,
}

impl Verdict {
    /// The name in events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Flag => "flag",
            Self::Redact => "redact",
            Self::Unavailable => "unavailable",
            Self::Block => "block",
        }
    }
}

/// What a policy does with a finding of an input check.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Record it and let it pass.
    Flag,
    /// Refuse the request.
    #[default]
    Block,
}

/// What becomes of a request when a check can't be carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Refuse it (fail closed).
    #[default]
    Block,
    /// Let it pass, recorded as `unavailable`.
    Allow,
}

/// The result of `validate_input`: the checks' results, aggregated.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidationResult {
    /// Whether every check found it safe.
    pub is_safe: bool,
    /// The union of the checks' threats.
    pub threats: Vec<Threat>,
    /// The minimum of the checks' confidences, 0 to 1.
    pub confidence: f32,
    /// What the policy makes of it.
    pub verdict: Verdict,
    /// The greatest scores of all texts; `None` where no model assessed any.
    pub scores: Option<Scores>,
}
