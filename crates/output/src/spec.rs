//! The policy's `output` section, and how it becomes a running [`OutputFilter`].

use std::collections::BTreeMap;
use std::sync::Arc;

use aegis_core::{ByteSize, DigestKey};
use aegis_detect::entity::{PII, SECRETS, detector};
use aegis_detect::redact::{Mask, Redactor};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::filter::OutputFilter;

/// The name that stands for every kind of personal data.
const ALL_PII: &str = "pii";

/// The name that stands for every kind of secret.
const ALL_SECRETS: &str = "secrets";

/// Characters that `keep_last` may leave visible.
pub const KEEP_LAST_MAX: usize = 8;

/// Characters that stay visible where the policy does not say.
const KEEP_LAST_DEFAULT: usize = 4;

/// What is filtered out of replies before they reach the client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputSpec {
    /// Personal data; not looked for where the section is missing.
    #[serde(deserialize_with = "present")]
    pub pii: Option<PiiSpec>,
    /// Keys, tokens, passwords; not looked for where the section is missing.
    #[serde(deserialize_with = "present")]
    pub secrets: Option<SecretsSpec>,
    /// The longest whole (not streamed) reply that is read, in bytes; a longer one is refused.
    pub body_max: ByteSize,
}

/// Personal data in replies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PiiSpec {
    /// Which kinds: `email`, `phone`, `card`, `iban` …; `pii` is all of them.
    pub entities: Vec<String>,
    /// What becomes of a value.
    pub action: EntityAction,
    /// Other actions for single kinds.
    pub per_entity: BTreeMap<String, EntityAction>,
    /// Characters that the action `mask` leaves at a value's end, at most 8; 4 if not given.
    pub keep_last: Option<usize>,
}

/// Secrets in replies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretsSpec {
    /// Which kinds: `openai_key`, `private_key`, `jwt` …; `secrets` is all of them.
    pub entities: Vec<String>,
    /// What becomes of a value.
    pub action: EntityAction,
    /// Other actions for single kinds.
    pub per_entity: BTreeMap<String, EntityAction>,
}

/// What becomes of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityAction {
    /// Its kind stands in its place: `[EMAIL]`.
    #[default]
    Redact,
    /// Its characters become asterisks, but for the last few.
    Mask,
    /// A keyed digest stands in its place: equal values stay recognisable as equal.
    Hash,
    /// The reply is stopped.
    Block,
    /// It passes and is recorded.
    Flag,
}

/// A section that is there has a value: a bare `pii:` is a slip, not a wish to look for nothing.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Why an `output` section can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An entity that does not exist.
    #[error("{path}: there is no entity `{name}`; known are: {known}")]
    UnknownEntity {
        /// The key path.
        path: &'static str,
        /// What was given.
        name: String,
        /// What could have been.
        known: String,
    },
    /// A section that looks for nothing.
    #[error("{0}: no entity is named; name some, or leave the section out to look for none")]
    NoEntity(&'static str),
    /// An action for an entity that is not looked for.
    #[error("{path}: `{name}` is not among the entities; add it there or remove it here")]
    NotListed {
        /// The key path.
        path: &'static str,
        /// The entity.
        name: String,
    },
    /// `keep_last` without the action `mask`.
    #[error("output.pii.keep_last: no entity has the action `mask`; remove keep_last")]
    KeepLastUnused,
    /// `keep_last` shows too much.
    #[error("output.pii.keep_last: at most {KEEP_LAST_MAX} characters may stay visible")]
    KeepLastTooLarge,
    /// A cap of nothing.
    #[error("output.body_max must be greater than zero")]
    BodyMaxZero,
    /// The detectors do not compile together.
    #[error("output: the detectors can't be loaded: {0}")]
    Detectors(String),
}

/// One of the two sections, as far as they are alike.
struct Section<'a> {
    path: &'static str,
    per_entity_path: &'static str,
    group: &'static str,
    known: &'static [&'static str],
    entities: &'a [String],
    action: EntityAction,
    per_entity: &'a BTreeMap<String, EntityAction>,
    keep_last: usize,
}

// === impl OutputSpec ===

impl OutputSpec {
    /// Compiles the detectors. `key` names values in threats and is what `hash` hashes with.
    ///
    /// # Errors
    /// [`BuildError`] with the key path and the fix.
    pub fn build(&self, key: &DigestKey) -> Result<OutputFilter, BuildError> {
        if self.body_max.0 == 0 {
            return Err(BuildError::BodyMaxZero);
        }
        let mut rules = Vec::new();
        if let Some(pii) = &self.pii {
            rules.extend(pii.masks()?);
        }
        if let Some(secrets) = &self.secrets {
            rules.extend(secrets.section().masks()?);
        }
        let detectors = rules
            .into_iter()
            .filter_map(|(name, mask)| Some((detector(name)?, mask)))
            .collect();
        let redactor = Redactor::new(detectors, key.clone())
            .map_err(|error| BuildError::Detectors(error.to_string()))?;
        Ok(OutputFilter::new(Arc::new(redactor), self.body_max.0))
    }
}

impl Default for OutputSpec {
    fn default() -> Self {
        Self {
            pii: None,
            secrets: None,
            body_max: ByteSize(32 << 20),
        }
    }
}

// === impl PiiSpec ===

impl PiiSpec {
    fn masks(&self) -> Result<Vec<(&'static str, Mask)>, BuildError> {
        let masked = self.action == EntityAction::Mask
            || self
                .per_entity
                .values()
                .any(|action| *action == EntityAction::Mask);
        match self.keep_last {
            Some(_) if !masked => return Err(BuildError::KeepLastUnused),
            Some(count) if count > KEEP_LAST_MAX => return Err(BuildError::KeepLastTooLarge),
            Some(_) | None => {}
        }
        Section {
            path: "output.pii.entities",
            per_entity_path: "output.pii.per_entity",
            group: ALL_PII,
            known: PII,
            entities: &self.entities,
            action: self.action,
            per_entity: &self.per_entity,
            keep_last: self.keep_last.unwrap_or(KEEP_LAST_DEFAULT),
        }
        .masks()
    }
}

impl Default for PiiSpec {
    fn default() -> Self {
        Self {
            entities: vec![ALL_PII.to_owned()],
            action: EntityAction::Redact,
            per_entity: BTreeMap::new(),
            keep_last: None,
        }
    }
}

// === impl SecretsSpec ===

impl SecretsSpec {
    fn section(&self) -> Section<'_> {
        Section {
            path: "output.secrets.entities",
            per_entity_path: "output.secrets.per_entity",
            group: ALL_SECRETS,
            known: SECRETS,
            entities: &self.entities,
            action: self.action,
            per_entity: &self.per_entity,
            // The end of a key is part of the key.
            keep_last: 0,
        }
    }
}

impl Default for SecretsSpec {
    fn default() -> Self {
        Self {
            entities: vec![ALL_SECRETS.to_owned()],
            action: EntityAction::Redact,
            per_entity: BTreeMap::new(),
        }
    }
}

// === impl Section ===

impl Section<'_> {
    /// Each entity once, in the detectors' own order, with what becomes of it.
    fn masks(&self) -> Result<Vec<(&'static str, Mask)>, BuildError> {
        if self.entities.is_empty() {
            return Err(BuildError::NoEntity(self.path));
        }
        for name in self.entities {
            if name != self.group && !self.known.contains(&&**name) {
                return Err(self.unknown(self.path, name));
            }
        }
        for name in self.per_entity.keys() {
            if !self.known.contains(&&**name) {
                return Err(self.unknown(self.per_entity_path, name));
            }
            if !self.is_listed(name) {
                return Err(BuildError::NotListed {
                    path: self.per_entity_path,
                    name: name.clone(),
                });
            }
        }
        let listed = self
            .known
            .iter()
            .copied()
            .filter(|name| self.is_listed(name));
        let masks = listed.map(|name| {
            let action = self.per_entity.get(name).copied();
            (name, action.unwrap_or(self.action).mask(self.keep_last))
        });
        Ok(masks.collect())
    }

    fn is_listed(&self, name: &str) -> bool {
        self.entities
            .iter()
            .any(|listed| listed == name || listed == self.group)
    }

    fn unknown(&self, path: &'static str, name: &str) -> BuildError {
        BuildError::UnknownEntity {
            path,
            name: name.to_owned(),
            known: format!("{}, {}", self.group, self.known.join(", ")),
        }
    }
}

// === impl EntityAction ===

impl EntityAction {
    const fn mask(self, keep_last: usize) -> Mask {
        match self {
            Self::Redact => Mask::Redact,
            Self::Mask => Mask::Mask { keep_last },
            Self::Hash => Mask::Hash,
            Self::Block => Mask::Block,
            Self::Flag => Mask::Flag,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(policy: &str) -> Result<OutputFilter, String> {
        let spec: OutputSpec = serde_saphyr::from_str(policy).map_err(|e| e.to_string())?;
        let key = DigestKey::from_bytes(b"test");
        spec.build(&key).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_is_looked_for_where_nothing_is_said() {
        assert!(build("{}").unwrap().redactor().is_empty());
        for slip in [
            "pii: { entities: [] }",
            "secrets: { entities: [] }",
            "pii:",
            "secrets: null",
        ] {
            assert!(build(slip).is_err(), "{slip}");
        }
        assert!(!build("pii: {}").unwrap().redactor().is_empty());
        assert!(!build("secrets: {}").unwrap().redactor().is_empty());
    }

    #[test]
    fn every_entity_has_a_detector_and_can_be_named() {
        for (section, names) in [("pii", PII), ("secrets", SECRETS)] {
            for name in names {
                assert!(detector(name).is_some(), "{name}");
                let policy =
                    format!("{section}: {{ entities: [{name}], per_entity: {{ {name}: hash }} }}");
                assert!(build(&policy).is_ok(), "{policy}");
            }
        }
    }

    #[test]
    fn mistakes_are_named_with_their_key() {
        for (policy, named) in [
            (
                "pii: { entities: [emial] }",
                "output.pii.entities: there is no entity `emial`",
            ),
            ("pii: { entities: [openai_key] }", "output.pii.entities"),
            ("secrets: { entities: [email] }", "output.secrets.entities"),
            (
                "pii: { per_entity: { crad: mask } }",
                "output.pii.per_entity",
            ),
            (
                "pii: { entities: [email], per_entity: { card: mask } }",
                "is not among",
            ),
            ("pii: { keep_last: 4 }", "output.pii.keep_last"),
            (
                "pii: { action: mask, keep_last: 9 }",
                "output.pii.keep_last",
            ),
            ("body_max: 0B", "output.body_max"),
            ("leakage: {}", "leakage"),
            ("pii: { action: hide }", "hide"),
        ] {
            let error = build(policy).unwrap_err();
            assert!(error.contains(named), "{policy}: {error}");
        }
    }

    #[test]
    fn keep_last_has_a_limit() {
        let keep = |count: usize| format!("pii: {{ action: mask, keep_last: {count} }}");
        assert!(build(&keep(KEEP_LAST_MAX - 1)).is_ok());
        assert!(build(&keep(KEEP_LAST_MAX)).is_ok());
        assert!(build(&keep(KEEP_LAST_MAX + 1)).is_err());
    }
}
