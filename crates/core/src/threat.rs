//! What a check found.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Role, TextDigest};

/// What kind of threat; the names are those of the mission and of `aegis scan`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Direct prompt injection.
    Injection,
    /// Injection by way of a tool result or document.
    IndirectInjection,
    /// An attempt to talk the model out of its rules.
    Jailbreak,
    /// Forged turns, roles or chat-template tokens.
    RoleConfusion,
    /// An attempt to have the system prompt told.
    Extraction,
    /// An attempt to have training data told.
    TrainingDataExtraction,
    /// Instructions hidden by an encoding.
    EncodedPayload,
    /// A channel that carries data out (links, images).
    Exfiltration,
    /// Personal data.
    Pii,
    /// A key, password or token.
    Secret,
    /// The system prompt or another's data in an answer.
    Leakage,
    /// Toxic content.
    Toxicity,
    /// An answer its sources do not support.
    Grounding,
    /// A limit was exceeded.
    Limit,
    /// A credential did not verify.
    Identity,
}

/// Which check found it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Rule packs.
    Pattern,
    /// The model.
    Semantic,
    /// Roles, turns, sessions.
    Context,
    /// Personal data.
    Pii,
    /// Secrets.
    Secret,
    /// Leakage.
    Leak,
    /// Toxicity.
    Toxicity,
    /// Grounding.
    Grounding,
    /// Limits.
    Limit,
    /// Identity.
    Identity,
}

/// From this score on a finding is grave, unless its check has a threshold of its own.
pub const UNSAFE_SCORE: f32 = 0.8;

/// One finding. Never holds the matched text.
#[derive(Debug, Clone, PartialEq)]
pub struct Threat {
    /// What kind.
    pub category: Category,
    /// Found by.
    pub check: Check,
    /// The rule, entity or reason.
    pub rule: Cow<'static, str>,
    /// The role of the segment it stands in.
    pub role: Option<Role>,
    /// JSON Pointer to the segment, where there is one.
    pub path: Option<Arc<str>>,
    /// How sure, 0 to 1.
    pub score: f32,
    /// Whether it alone makes its input unsafe; otherwise it is a hint.
    pub grave: bool,
    /// Keyed digest of the matched text.
    pub digest: Option<TextDigest>,
}

impl Category {
    /// The name in events, metrics and `aegis scan`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Injection => "injection",
            Self::IndirectInjection => "indirect_injection",
            Self::Jailbreak => "jailbreak",
            Self::RoleConfusion => "role_confusion",
            Self::Extraction => "extraction",
            Self::TrainingDataExtraction => "training_data_extraction",
            Self::EncodedPayload => "encoded_payload",
            Self::Exfiltration => "exfiltration",
            Self::Pii => "pii",
            Self::Secret => "secret",
            Self::Leakage => "leakage",
            Self::Toxicity => "toxicity",
            Self::Grounding => "grounding",
            Self::Limit => "limit",
            Self::Identity => "identity",
        }
    }

    /// The entry of the OWASP Top 10 for LLM Applications (2025) it falls under.
    #[must_use]
    pub const fn owasp(self) -> Option<&'static str> {
        match self {
            Self::Injection
            | Self::IndirectInjection
            | Self::Jailbreak
            | Self::RoleConfusion
            | Self::EncodedPayload => Some("LLM01"),
            Self::TrainingDataExtraction | Self::Pii | Self::Secret => Some("LLM02"),
            Self::Exfiltration | Self::Toxicity => Some("LLM05"),
            Self::Extraction | Self::Leakage => Some("LLM07"),
            Self::Grounding => Some("LLM09"),
            Self::Limit => Some("LLM10"),
            Self::Identity => None,
        }
    }
}

impl Check {
    /// The name in events, metrics and `aegis scan`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Semantic => "semantic",
            Self::Context => "context",
            Self::Pii => "pii",
            Self::Secret => "secret",
            Self::Leak => "leak",
            Self::Toxicity => "toxicity",
            Self::Grounding => "grounding",
            Self::Limit => "limit",
            Self::Identity => "identity",
        }
    }
}

impl Threat {
    /// A finding without place or digest; grave from [`UNSAFE_SCORE`] on.
    pub fn new(
        category: Category,
        check: Check,
        rule: impl Into<Cow<'static, str>>,
        score: f32,
    ) -> Self {
        Self {
            category,
            check,
            rule: rule.into(),
            role: None,
            path: None,
            score,
            grave: score >= UNSAFE_SCORE,
            digest: None,
        }
    }
}
