//! The policy's `armor.semantic` section, and how it becomes a running check.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_core::{Action, DigestKey, OnError};
use aegis_semantic::{ModelError, ModelSource, QUEUE_WINDOWS_DEFAULT, Semantic, SemanticOptions};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Inner, Judge, ScoreCache, SemanticCheck, SemanticCounters};
use crate::guard::CheckPolicy;
use crate::offload::Offload;

/// The model that comes with the gateway.
const BUILT_IN: &str = "prompt-armor";

/// The semantic check: models of our own, for attacks in words that no rule knows. Without this
/// section it is off.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SemanticSpec {
    /// Which model: `prompt-armor` comes with the gateway; anything else is a folder with a model
    /// of your own, relative to the policy file.
    pub model: String,
    /// The Ed25519 key that the manifest of a model of your own is signed with: 32 bytes in base64
    /// or hexadecimal.
    pub public_key: Option<String>,
    /// The ONNX Runtime library (`libonnxruntime.so`), relative to the policy file. Where absent:
    /// `ORT_DYLIB_PATH`, beside the executable, where the system's loader looks.
    pub runtime: Option<PathBuf>,
    /// Thresholds for text that users and assistants write, and for tool descriptions; the model's own where absent.
    pub user: Option<LevelsSpec>,
    /// Thresholds for tool results and documents; the model's own where absent.
    /// Whether tool results and documents are read at all says `context.tool_results`.
    pub documents: Option<LevelsSpec>,
    /// Thresholds for toxic requests, whoever wrote them; where absent toxicity is not judged.
    pub toxicity: Option<LevelsSpec>,
    /// Threads that run the larger model; half the cores, at most 4, where absent.
    pub threads: Option<usize>,
    /// Windows of text (some dozen words each) that may wait for a thread; with more the check has
    /// no room and `on_error` decides.
    pub queue: usize,
    /// What becomes of a request in which a score reaches its `block_at`.
    pub action: Action,
    /// What becomes of a request when the check fails, is late or has no room.
    pub on_error: OnError,
}

/// From which probability of an attack on something is done, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelsSpec {
    /// From here on a text is an attack, and `action` says what becomes of the request.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub block_at: f32,
    /// From here on a text is flagged; at most `block_at`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub flag_at: f32,
}

/// Why an `armor.semantic` section can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SemanticError {
    /// A threshold that is no probability.
    #[error("armor.semantic.{key} is {found}; it must be between 0 and 1")]
    Probability {
        /// The key.
        key: String,
        /// Its value.
        found: f32,
    },
    /// A text would be blocked before it is flagged.
    #[error(
        "armor.semantic.{key}.flag_at ({flag}) is above block_at ({block}); lower it to block_at or below"
    )]
    Order {
        /// The key of the pair.
        key: &'static str,
        /// Its `flag_at`.
        flag: f32,
        /// Its `block_at`.
        block: f32,
    },
    /// A model folder without a key to verify it with.
    #[error(
        "armor.semantic.public_key is missing; a model folder needs the Ed25519 key that its manifest is signed with, in base64 or hexadecimal"
    )]
    KeyMissing,
    /// A key for the built-in model.
    #[error(
        "armor.semantic.public_key is for a model folder of your own; remove it, or name the folder in armor.semantic.model"
    )]
    KeyUnused,
    /// A key that is none.
    #[error(
        "armor.semantic.public_key is not an Ed25519 public key; give its 32 bytes in base64 or hexadecimal"
    )]
    Key,
    /// A number out of range.
    #[error("armor.semantic.{key} must be between {min} and {max}")]
    Range {
        /// The key.
        key: &'static str,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Model or ONNX Runtime can't be used.
    #[error("armor.semantic: {0}")]
    Model(ModelError),
}

// === impl SemanticSpec ===

impl SemanticSpec {
    /// Loads the model. `folder` is where the policy file lies.
    pub(crate) fn load(&self, folder: &Path) -> Result<Semantic, SemanticError> {
        for (key, levels) in [
            ("user", self.user),
            ("documents", self.documents),
            ("toxicity", self.toxicity),
        ] {
            levels.map_or(Ok(()), |levels| levels.verify(key))?;
        }
        let options = SemanticOptions {
            model: self.source(folder)?,
            runtime: self.runtime.as_ref().map(|path| folder.join(path)),
            threads: self.threads,
            queue_windows: self.queue,
        };
        Ok(Semantic::start(&options)?)
    }

    /// The check that asks `model`.
    pub(crate) fn check(
        &self,
        model: Arc<Semantic>,
        key: &DigestKey,
        (tool_results, counters): (bool, Arc<SemanticCounters>),
        offload: Arc<Offload>,
    ) -> SemanticCheck<Semantic> {
        let inner = Inner {
            judge: Judge::new(self, model.thresholds()),
            cache: ScoreCache::new(key.clone(), model.digest()),
            scorer: model,
            counters,
            tool_results,
            windows_at_once: (self.queue / 2).max(1),
        };
        SemanticCheck::new(inner, offload)
    }

    pub(crate) const fn policy(&self) -> CheckPolicy {
        CheckPolicy {
            action: self.action,
            on_error: self.on_error,
        }
    }

    fn source(&self, folder: &Path) -> Result<ModelSource, SemanticError> {
        match (self.model == BUILT_IN, &self.public_key) {
            (true, None) => Ok(ModelSource::BuiltIn),
            (true, Some(_)) => Err(SemanticError::KeyUnused),
            (false, None) => Err(SemanticError::KeyMissing),
            (false, Some(text)) => Ok(ModelSource::Folder {
                path: folder.join(&self.model),
                key: text.parse().map_err(|_| SemanticError::Key)?,
            }),
        }
    }
}

impl Default for SemanticSpec {
    fn default() -> Self {
        Self {
            model: BUILT_IN.to_owned(),
            public_key: None,
            runtime: None,
            user: None,
            documents: None,
            toxicity: None,
            threads: None,
            queue: QUEUE_WINDOWS_DEFAULT,
            action: Action::Block,
            on_error: OnError::Block,
        }
    }
}

// === impl LevelsSpec ===

impl LevelsSpec {
    fn verify(self, key: &'static str) -> Result<(), SemanticError> {
        for (name, found) in [("block_at", self.block_at), ("flag_at", self.flag_at)] {
            if !(0.0..=1.0).contains(&found) {
                let key = format!("{key}.{name}");
                return Err(SemanticError::Probability { key, found });
            }
        }
        if self.flag_at > self.block_at {
            return Err(SemanticError::Order {
                key,
                flag: self.flag_at,
                block: self.block_at,
            });
        }
        Ok(())
    }
}

// === impl SemanticError ===

impl From<ModelError> for SemanticError {
    fn from(error: ModelError) -> Self {
        let ModelError::Option { key, min, max } = error else {
            return Self::Model(error);
        };
        // The policy's name of it.
        let key = if key == "queue_windows" { "queue" } else { key };
        Self::Range { key, min, max }
    }
}
