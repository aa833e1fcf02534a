//! The policy's `armor` section, and how it becomes a running [`Armor`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aegis_core::{Action, ByteSize, DigestKey, MediaKind, OnError, Span};
use aegis_detect::pattern::{Patterns, builtin_pack};
use aegis_semantic::Semantic;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::build_error::BuildError;
use crate::cache::VerdictCache;
use crate::check::Check;
use crate::context::{ContextCheck, Forgeries, Rules};
use crate::guard::{Budget, CheckPolicy, PromptArmorGuard};
use crate::offload::Offload;
use crate::pattern::PatternCheck;
use crate::semantic::{SemanticCounters, SemanticSpec};

/// Bytes of one rule pack file.
pub const PACK_BYTES_MAX: u64 = 4 << 20;

/// The rule pack that comes with the gateway.
const CORE_PACK: &str = "core";

/// Prompt Armor: what is checked in requests before they reach a model.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArmorSpec {
    /// Known attacks, as rule packs describe them.
    pub pattern: PatternSpec,
    /// Attacks in words that no rule knows, found by a model; off where absent.
    pub semantic: Option<SemanticSpec>,
    /// Roles, turns and made-up dialogues.
    pub context: ContextSpec,
    /// Content that is not text, which no check can read.
    pub media: MediaSpec,
    /// What checking one request may cost.
    pub budget: BudgetSpec,
    /// Whether a request is sent to its provider while checks that take time still run. Nothing of
    /// the reply is released before the verdict, and a verdict against the request cancels the
    /// call; but the provider has then seen a request that is refused.
    pub speculative: bool,
}

/// The pattern check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatternSpec {
    /// Built-in rule packs, by name. `core` is the one there is.
    pub packs: Vec<String>,
    /// Further rule packs: YAML files, relative to the policy file.
    pub files: Vec<PathBuf>,
    /// What becomes of a request in which a rule of high severity matches; rules of less severity
    /// are always only flagged.
    pub action: Action,
    /// What becomes of a request when the check fails, is late or has no room.
    pub on_error: OnError,
}

/// The context check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContextSpec {
    /// Whether role order, forged turns and chat-template tokens are checked.
    pub roles: RolesMode,
    /// Whether tool results and documents are read as untrusted text, by this check and by the
    /// others.
    pub tool_results: ToolResultsMode,
    /// How many alternating turns of a made-up dialogue inside one text make it an attack, in turns;
    /// 0 turns the check off.
    pub many_shot: u32,
    /// What becomes of a request in which the check finds a grave threat.
    pub action: Action,
    /// What becomes of a request when the check fails, is late or has no room.
    pub on_error: OnError,
}

/// Whether roles are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolesMode {
    /// Role order, forged turns, template tokens.
    #[default]
    Strict,
    /// Not checked.
    Off,
}

/// Whether tool results and documents are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolResultsMode {
    /// Read as untrusted text.
    #[default]
    Scan,
    /// Not read.
    Off,
}

/// What becomes of content that is not text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MediaSpec {
    /// Images, inline or by URL.
    pub image: MediaAction,
    /// Sound.
    pub audio: MediaAction,
    /// Files, inline, by URL or by id.
    pub file: MediaAction,
}

/// What becomes of one kind of media.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaAction {
    /// The request is refused.
    #[default]
    Block,
    /// It passes unread.
    Allow,
}

/// What checking one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetSpec {
    /// Text that is checked in one request; a request with more is refused as too large.
    pub text_max: ByteSize,
    /// Time for all checks of one request; a check that is not done is unavailable.
    pub time_max: Span,
}

/// Prompt Armor as the policy wants it; what [`ArmorLayer`](crate::ArmorLayer) runs.
#[derive(Debug)]
pub struct Armor {
    pub(crate) guard: PromptArmorGuard,
    pub(crate) media: MediaSpec,
    pub(crate) speculative: bool,
    pub(crate) model: Option<Arc<Semantic>>,
}

// === impl ArmorSpec ===

impl ArmorSpec {
    /// Loads packs and model and builds the checks; with a model not for a reactor thread. `folder`
    /// is where the policy file lies; `key` names texts in threats and in the verdict caches;
    /// `counters` outlive the policy.
    ///
    /// # Errors
    /// [`BuildError`] with the key path and the fix.
    pub fn build(
        &self,
        folder: &Path,
        key: &DigestKey,
        counters: &Arc<SemanticCounters>,
    ) -> Result<Armor, BuildError> {
        if self.budget.text_max.0 == 0 {
            return Err(BuildError::Zero("armor.budget.text_max"));
        }
        if self.budget.time_max.0.is_zero() {
            return Err(BuildError::Zero("armor.budget.time_max"));
        }
        let offload = Arc::new(Offload::per_core());
        let rules = self.context.rules();
        let pattern = PatternCheck::new(
            self.pattern.load(folder)?,
            VerdictCache::new(key.clone()),
            rules.tool_results,
            offload.clone(),
        );
        let context = ContextCheck::new(
            rules,
            Forgeries::compile()?,
            VerdictCache::new(key.clone()),
            offload.clone(),
        );
        // A check that could find nothing takes no seat: preparing text for it would cost for nothing.
        let mut seats: Vec<(Arc<dyn Check>, CheckPolicy)> = Vec::new();
        if !(self.pattern.packs.is_empty() && self.pattern.files.is_empty()) {
            seats.push((Arc::new(pattern), self.pattern.policy()));
        }
        if self.context.roles == RolesMode::Strict || self.context.many_shot > 0 {
            seats.push((Arc::new(context), self.context.policy()));
        }
        let mut model = None;
        if let Some(spec) = &self.semantic {
            let loaded = Arc::new(spec.load(folder)?);
            let shared = (rules.tool_results, counters.clone());
            let check = spec.check(loaded.clone(), key, shared, offload);
            seats.push((Arc::new(check), spec.policy()));
            model = Some(loaded);
        }
        let budget = Budget {
            text_max: self.budget.text_max.0,
            time_max: self.budget.time_max.0,
        };
        Ok(Armor {
            guard: PromptArmorGuard::new(seats, budget),
            media: self.media,
            speculative: self.speculative,
            model,
        })
    }
}

// === impl PatternSpec ===

impl PatternSpec {
    const fn policy(&self) -> CheckPolicy {
        CheckPolicy {
            action: self.action,
            on_error: self.on_error,
        }
    }

    fn load(&self, folder: &Path) -> Result<Patterns, BuildError> {
        let mut packs = Vec::new();
        for name in &self.packs {
            let pack = builtin_pack(name).ok_or_else(|| BuildError::UnknownPack(name.clone()))?;
            packs.extend_from_slice(pack);
        }
        let files = self.files.iter().map(|path| read_pack(&folder.join(path)));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        packs.extend(files.iter().map(|(name, yaml)| (&**name, &**yaml)));
        Ok(Patterns::load(packs)?)
    }
}

fn read_pack(path: &Path) -> Result<(String, String), BuildError> {
    let failed = |source| BuildError::Read {
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > PACK_BYTES_MAX {
        return Err(BuildError::TooLarge(path.to_owned()));
    }
    let yaml = std::fs::read_to_string(path).map_err(failed)?;
    Ok((path.display().to_string(), yaml))
}

// === impl ContextSpec ===

impl ContextSpec {
    const fn policy(&self) -> CheckPolicy {
        CheckPolicy {
            action: self.action,
            on_error: self.on_error,
        }
    }

    fn rules(&self) -> Rules {
        Rules {
            roles: self.roles == RolesMode::Strict,
            tool_results: self.tool_results == ToolResultsMode::Scan,
            many_shot: self.many_shot,
        }
    }
}

// === impl MediaSpec ===

impl MediaSpec {
    /// What becomes of `kind`.
    #[must_use]
    pub const fn action(&self, kind: MediaKind) -> MediaAction {
        match kind {
            MediaKind::Image => self.image,
            MediaKind::Audio => self.audio,
            MediaKind::File => self.file,
        }
    }
}

// === impl Armor ===

impl Armor {
    /// The guard, for `aegis scan`.
    #[must_use]
    pub const fn guard(&self) -> &PromptArmorGuard {
        &self.guard
    }

    /// The semantic check's model, where it is on.
    #[must_use]
    pub fn model(&self) -> Option<&Semantic> {
        self.model.as_deref()
    }
}

// === defaults ===

impl Default for PatternSpec {
    fn default() -> Self {
        Self {
            packs: vec![CORE_PACK.to_owned()],
            files: Vec::new(),
            action: Action::Block,
            on_error: OnError::Block,
        }
    }
}

impl Default for ContextSpec {
    fn default() -> Self {
        Self {
            roles: RolesMode::Strict,
            tool_results: ToolResultsMode::Scan,
            many_shot: 8,
            action: Action::Block,
            on_error: OnError::Block,
        }
    }
}

impl Default for BudgetSpec {
    fn default() -> Self {
        Self {
            text_max: ByteSize(4 << 20),
            time_max: Span(Duration::from_secs(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(policy: &str) -> Result<Armor, String> {
        let spec: ArmorSpec = serde_saphyr::from_str(policy).map_err(|e| e.to_string())?;
        let key = DigestKey::from_bytes(b"test");
        spec.build(Path::new("/nonexistent"), &key, &Arc::default())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn the_shape_of_the_documentation_is_accepted() {
        let policy = "
            pattern: { packs: [core], action: block, on_error: block }
            context: { roles: strict, tool_results: scan, many_shot: 8, action: block }
            media: { image: block, audio: allow, file: block }
            budget: { text_max: 4MiB, time_max: 2s }";
        let spec: ArmorSpec = serde_saphyr::from_str(policy).unwrap();
        let defaults = ArmorSpec::default();
        assert_eq!(spec.pattern, defaults.pattern);
        assert_eq!(spec.context, defaults.context);
        assert_eq!(spec.budget, defaults.budget);
        assert!(build(policy).is_ok());
    }

    #[test]
    fn mistakes_are_named_with_their_key() {
        for (policy, named) in [
            ("pattern: { packs: [corr] }", "armor.pattern.packs"),
            ("pattern: { files: [gone.yaml] }", "/nonexistent/gone.yaml"),
            ("pattern: { files: [gone.yaml] }", "armor.pattern.files"),
            ("budget: { text_max: 0B }", "armor.budget.text_max"),
            ("budget: { time_max: 0s }", "armor.budget.time_max"),
            ("pattern: { pack: [core] }", "pack"),
            ("context: { roles: lax }", "lax"),
            ("media: { video: block }", "video"),
        ] {
            let error = build(policy).unwrap_err();
            assert!(error.contains(named), "{policy}: {error}");
        }
    }
}
