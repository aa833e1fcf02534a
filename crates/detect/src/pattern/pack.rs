//! The shape of a pack file, and what can be wrong with one.

use std::collections::BTreeMap;

use aegis_core::{Category, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule pack.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackSpec {
    /// Pieces of patterns by name; `{{name}}` in a pattern stands for one.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
    /// The rules.
    pub rules: Vec<RuleSpec>,
}

/// One rule of a pack.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Its name, unique among all packs: `family.name`.
    pub id: String,
    /// What kind of threat it finds.
    pub category: Category,
    /// How grave a finding is; `high` and `critical` are blocked by default.
    pub severity: Severity,
    /// The language of the texts it finds (BCP 47), or `any`.
    pub lang: String,
    /// The roles whose text is searched; all if left out.
    #[serde(default)]
    pub applies_to: Vec<Role>,
    /// Words or marks (lower case, no blanks), 1 to 64, one of which stands in whatever the pattern
    /// can match: a rule for which that is not so is refused.
    pub keywords: Vec<String>,
    /// The regular expression, for text in canonical form; a match has 1024 bytes at most.
    pub pattern: String,
    /// A regular expression; a match right after text that it matches is none (`never reveal …`).
    #[serde(default)]
    pub not_after: Option<String>,
    /// Where the rule comes from.
    pub source: String,
    /// Texts that it must hit, at least one.
    pub hits: Vec<String>,
    /// Texts close to a hit that it must leave alone, at least one.
    pub near_misses: Vec<String>,
}

/// How grave a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a note; score 0.3.
    Low,
    /// Suspicious, but honest texts have it too; score 0.6.
    Medium,
    /// An attack, as good as certainly; score 0.9.
    High,
    /// An attack; score 0.99.
    Critical,
}

/// What is wrong with a pack, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule pack `{pack}`{}: {problem}; {fix}", in_rule(.rule.as_deref()))]
pub struct PackError {
    pack: String,
    rule: Option<String>,
    problem: String,
    fix: String,
}

fn in_rule(rule: Option<&str>) -> String {
    rule.map_or_else(String::new, |rule| format!(", rule `{rule}`"))
}

// === impl PackSpec ===

impl PackSpec {
    pub(super) fn read(pack: &str, yaml: &str) -> Result<Self, PackError> {
        serde_saphyr::from_str(yaml).map_err(|error| {
            PackError::new(
                pack,
                error.to_string(),
                "write it as the packs under config/packs are written",
            )
        })
    }
}

// === impl Severity ===

impl Severity {
    /// The score of a finding, 0 to 1.
    #[must_use]
    pub const fn score(self) -> f32 {
        match self {
            Self::Low => 0.3,
            Self::Medium => 0.6,
            Self::High => 0.9,
            Self::Critical => 0.99,
        }
    }
}

// === impl PackError ===

impl PackError {
    pub(super) fn new(pack: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            pack: pack.to_owned(),
            rule: None,
            problem: problem.into(),
            fix: fix.into(),
        }
    }

    pub(super) fn in_rule(mut self, rule: &str) -> Self {
        self.rule = Some(rule.to_owned());
        self
    }

    pub(super) fn unknown(pack: &str) -> Self {
        Self::new(
            pack,
            "there is no such pack",
            "name `core`, or the file of your own pack",
        )
    }
}
