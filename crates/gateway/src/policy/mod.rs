//! The policy file: YAML, loaded whole or not at all.
//!
//! Unknown keys, wrong types, keys given twice and secrets written out are refused with the file,
//! the line and, where a key is misspelt, the name that was probably meant. Each stage owns its
//! own section; here they stand side by side.

mod catalog;
mod error;
mod listen;
mod secrets;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_armor::ArmorSpec;
use aegis_audit::AuditSpec;
use aegis_auth::{AuthSpec, RolesSpec};
use aegis_core::{Api, Catalog};
use aegis_limits::{LimitSpec, RequestSpec};
use aegis_output::OutputSpec;
use aegis_upstream::ProviderSpec;
use aws_lc_rs::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::catalog::{ModelSpec, RouteAt, RouteSpec};
pub use self::error::PolicyError;
pub use self::listen::{AdminListenSpec, GatewayListenSpec, ListenSpec};
pub use self::secrets::Secrets;

/// The version of the policy format that this gateway reads.
const VERSION: u32 = 1;
/// A policy file may be this many bytes long.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A policy, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "AEGIS policy")]
pub struct PolicySpec {
    /// Version of the format: 1.
    pub version: u32,
    /// Where the gateway listens. Changed by restart only.
    pub listen: ListenSpec,
    /// Who may vouch for callers.
    pub auth: AuthSpec,
    /// What each role may call. A role that is not listed opens nothing.
    pub roles: RolesSpec,
    /// The LLM providers behind the gateway.
    pub providers: Vec<ProviderSpec>,
    /// The models that clients may name, and for whom.
    #[serde(default)]
    pub models: Vec<ModelSpec>,
    /// Routes of your own: HTTP APIs whose text fields are named here.
    #[serde(default)]
    pub routes: Vec<RouteSpec>,
    /// What one request may be.
    #[serde(default)]
    pub request: RequestSpec,
    /// Rates and budgets.
    #[serde(default)]
    pub limits: Vec<LimitSpec>,
    /// Prompt Armor: checks before the provider sees a request.
    pub armor: ArmorSpec,
    /// Checks before a client sees a reply.
    pub output: OutputSpec,
    /// The audit log. Changed by restart only.
    pub audit: AuditSpec,
}

/// A policy file that reads well.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its content.
    pub spec: PolicySpec,
    /// SHA-256 of the file.
    pub digest: Arc<str>,
    /// Where it was read.
    pub file: PathBuf,
}

// === impl Policy ===

impl Policy {
    /// Reads `file` and checks what can be checked without building anything.
    ///
    /// # Errors
    /// Says file, line, key and fix.
    pub fn load(file: &Path) -> Result<Self, PolicyError> {
        let size = std::fs::metadata(file)
            .map_err(|e| PolicyError::new(file, e))?
            .len();
        if size > FILE_BYTES_MAX {
            return Err(PolicyError::new(
                file,
                format!("the file has {size} bytes; at most {FILE_BYTES_MAX}"),
            ));
        }
        let text = std::fs::read_to_string(file).map_err(|e| PolicyError::new(file, e))?;
        Self::parse(file, &text)
    }

    /// Reads `text` as if it were the content of `file`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, PolicyError> {
        let spec: PolicySpec =
            serde_saphyr::from_str(text).map_err(|e| PolicyError::from_yaml(file, &e))?;
        if spec.version != VERSION {
            return Err(PolicyError::new(
                file,
                format!(
                    "version: {} is not read by this gateway; write `version: {VERSION}`",
                    spec.version
                ),
            ));
        }
        spec.listen.check().map_err(|e| PolicyError::new(file, e))?;
        if spec.auth.has_development() && !spec.listen.is_local() {
            let why = "auth.development: tokens anyone on this machine can mint; only with a loopback or Unix-socket listener";
            return Err(PolicyError::new(file, why));
        }
        let digest: String = digest(&SHA256, text.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            spec,
            digest: digest.into(),
            file: file.to_owned(),
        })
    }

    /// The models that clients may name.
    ///
    /// # Errors
    /// Names the key and the fix.
    pub fn catalog(&self) -> Result<Catalog, PolicyError> {
        catalog::catalog(&self.spec.models, &self.provider_names()).map_err(|e| self.error(e))
    }

    /// The policy's own routes, as path and route.
    ///
    /// # Errors
    /// Names the key and the fix.
    pub fn generic_routes(&self) -> Result<Vec<RouteAt>, PolicyError> {
        catalog::generic_routes(&self.spec.routes, &self.provider_names())
            .map_err(|e| self.error(e))
    }

    /// Refuses what a reload can't change.
    ///
    /// # Errors
    /// Names the section that needs a restart.
    pub fn check_same_process(&self, next: &Self) -> Result<(), PolicyError> {
        let changed = [
            ("listen", self.spec.listen != next.spec.listen),
            ("audit", self.spec.audit != next.spec.audit),
        ];
        if let Some((section, _)) = changed.iter().find(|(_, changed)| *changed) {
            return Err(next.error(format!(
                "{section}: changed; restart the gateway to change it"
            )));
        }
        Ok(())
    }

    /// An error of this policy.
    pub fn error(&self, message: impl std::fmt::Display) -> PolicyError {
        PolicyError::new(&self.file, message)
    }

    fn provider_names(&self) -> Vec<(Arc<str>, Api)> {
        self.spec
            .providers
            .iter()
            .map(|provider| (provider.name.as_str().into(), provider.api))
            .collect()
    }
}
