//! The policy keys `auth` and `roles`, as they are written; [`build`] makes them run.

mod build;
mod issuer;

use std::path::PathBuf;
use std::time::Duration;

use aegis_core::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::algorithm::Algorithm;

pub use build::{BuildError, Environment};

/// The policy's `auth`: who vouches for callers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthSpec {
    /// Identity providers whose tokens are accepted (at most 64).
    #[serde(default)]
    pub issuers: Vec<IssuerSpec>,
    /// An issuer of the gateway's own for development; only with listeners on loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub development: Option<DevelopmentSpec>,
    /// When failed attempts are blocked.
    #[serde(default)]
    pub throttle: ThrottleSpec,
}

/// One identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerSpec {
    /// Its name in limits, events and metrics: 1 to 64 of `a-z`, `0-9`, `_`, `-`.
    pub name: String,
    /// The exact value of `iss`.
    pub issuer: String,
    /// Values of `aud` that mean this gateway; a token must name one of them.
    pub audiences: Vec<String>,
    /// Signature algorithms that are accepted, asymmetric ones only.
    pub algorithms: Vec<Algorithm>,
    /// Longest lifetime `exp` - `iat` of a token (default 15m, at most 24h).
    #[serde(default = "default_lifetime")]
    pub max_token_lifetime: Span,
    /// How far clocks may be apart (default 30s, at most 5m).
    #[serde(default = "default_leeway")]
    pub leeway: Span,
    /// Whether `nbf` is demanded (default true). Set it to false for providers that issue none,
    /// such as Keycloak and Auth0; `iat` then bounds the beginning alone.
    #[serde(default = "default_true")]
    pub require_nbf: bool,
    /// Where the keys are. Without it they are found by OIDC discovery at
    /// `{issuer}/.well-known/openid-configuration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwksSpec>,
    /// How long a key set is used before it is fetched again (default 10m, 30s to 24h). Not for
    /// files, which are looked at every 5 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_refresh: Option<Span>,
    /// How long the last good key set is used while no new one can be had (default 24h, 1m to 7d).
    #[serde(default = "default_stale")]
    pub jwks_stale_max: Span,
    /// Which claims say what.
    #[serde(default)]
    pub claims: ClaimsSpec,
}

/// Where an issuer's key set is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JwksSpec {
    /// At this URL: https, or http on loopback.
    Url(String),
    /// In this file; a relative path begins at the policy's folder.
    File(PathBuf),
}

/// Claim names. A name that begins with `/` is a JSON Pointer, such as `/realm_access/roles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimsSpec {
    /// Roles: names separated by spaces, an array of names, or an object whose members are named
    /// by them (default `roles`).
    pub roles: String,
    /// The tenant (default `tenant`).
    pub tenant: String,
    /// `user`, `agent` or `system`; absent means user (default `actor_type`).
    pub actor_type: String,
}

/// The development issuer: `iss` is `aegis-development`, `aud` is `aegis`, roles, tenant and actor
/// type stand under their default names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DevelopmentSpec {
    /// Its Ed25519 key, created with mode 0600 when it is first used (default
    /// `./aegis-dev-key.json`); a relative path begins at the policy's folder.
    pub key_file: PathBuf,
    /// Lifetime of its tokens (default 1h, at most 24h).
    pub lifetime: Span,
}

/// When failed attempts are blocked, by address (IPv6 by /64) and by credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleSpec {
    /// This many failures (default 10, 1 to 10,000) …
    pub failures: u32,
    /// … within this time (default 1m, 1s to 24h) …
    pub per: Span,
    /// … block for this long (default 1m, at least 1s); each further block is twice as long.
    pub block: Span,
    /// Longest block, and the quiet time after which the doubling is forgotten (default 1h, at
    /// most 7d).
    pub block_max: Span,
}

const fn default_lifetime() -> Span {
    Span(Duration::from_secs(15 * 60))
}

const fn default_leeway() -> Span {
    Span(Duration::from_secs(30))
}

const fn default_stale() -> Span {
    Span(Duration::from_secs(24 * 3_600))
}

const fn default_true() -> bool {
    true
}

// === impl AuthSpec ===

impl AuthSpec {
    /// Whether there is a development issuer; such a policy must not serve beyond loopback.
    #[must_use]
    pub const fn has_development(&self) -> bool {
        self.development.is_some()
    }
}

// === impl ClaimsSpec ===

impl Default for ClaimsSpec {
    fn default() -> Self {
        Self {
            roles: "roles".to_owned(),
            tenant: "tenant".to_owned(),
            actor_type: "actor_type".to_owned(),
        }
    }
}

// === impl DevelopmentSpec ===

impl Default for DevelopmentSpec {
    fn default() -> Self {
        Self {
            key_file: PathBuf::from("./aegis-dev-key.json"),
            lifetime: Span(Duration::from_secs(3_600)),
        }
    }
}

// === impl ThrottleSpec ===

impl Default for ThrottleSpec {
    fn default() -> Self {
        Self {
            failures: 10,
            per: Span(Duration::from_secs(60)),
            block: Span(Duration::from_secs(60)),
            block_max: Span(Duration::from_secs(3_600)),
        }
    }
}
