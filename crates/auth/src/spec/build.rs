//! From the policy as written to the objects that run; what makes no sense does not start.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::Span;

use super::issuer::claim;
use super::{AuthSpec, DevelopmentSpec, ThrottleSpec};
use crate::algorithm::Algorithm;
use crate::auth::Auth;
use crate::cache::TokenCache;
use crate::clock::Clock;
use crate::development::{self, DevelopmentIssuer};
use crate::fetch::Fetch;
use crate::issuer::Issuer;
use crate::keys::source::SourceSpec;
use crate::keys::{KeySource, Origin};
use crate::roles::{Roles, RolesSpec};
use crate::throttle::Throttle;
use crate::token::claims::ClaimRules;

/// At most this many issuers.
const ISSUERS_MAX: usize = 64;

pub(super) const REFRESH_DEFAULT: Duration = Duration::from_secs(600);

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// What building needs besides the policy.
#[derive(Debug, Clone)]
pub struct Environment<'a> {
    /// Where relative paths begin: the policy's folder.
    pub folder: &'a Path,
    /// Gets key sets and discovery documents.
    pub fetch: Arc<dyn Fetch>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The names of the policy's generic routes, which roles may name.
    pub generic_routes: &'a [Arc<str>],
    /// What ran before: its key sets and failure counters are taken over, so that a reload refuses
    /// nobody and forgives nobody. Verified tokens are not: another policy judges anew.
    pub previous: Option<&'a Auth>,
}

/// Why a policy can't run: where in it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct BuildError {
    path: String,
    message: Cow<'static, str>,
}

// === impl BuildError ===

impl BuildError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }

    /// The key in the policy, such as `auth.issuers[0].algorithms`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

pub(super) fn within(
    path: impl FnOnce() -> String,
    span: Span,
    bounds: RangeInclusive<Duration>,
) -> Result<Duration, BuildError> {
    if bounds.contains(&span.0) {
        return Ok(span.0);
    }
    let seconds = |time: &Duration| time.as_secs();
    let (least, most) = (seconds(bounds.start()), seconds(bounds.end()));
    Err(BuildError::new(
        path(),
        format!("must be between {least}s and {most}s"),
    ))
}

// === impl AuthSpec ===

impl AuthSpec {
    /// Checks everything and makes it ready to run. Reads key files; fetches nothing.
    ///
    /// # Errors
    /// If a value is out of bounds or contradicts another, or a key file can't be used.
    pub fn build(&self, roles: &RolesSpec, env: &Environment<'_>) -> Result<Auth, BuildError> {
        // Chosen here and not by crate features, which another dependency could change.
        jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER
            .install_default()
            .ok();
        let roles = Arc::new(roles.build(env.generic_routes)?);
        let throttle = self.throttle.build(env.previous)?;
        Ok(Auth {
            issuers: self.build_issuers(&roles, env)?,
            roles,
            cache: TokenCache::new(),
            throttle,
            clock: env.clock.clone(),
        })
    }

    fn build_issuers(
        &self,
        roles: &Arc<Roles>,
        env: &Environment<'_>,
    ) -> Result<HashMap<Arc<str>, Issuer>, BuildError> {
        if self.issuers.is_empty() && self.development.is_none() {
            return Err(BuildError::new(
                "auth.issuers",
                "nobody could authenticate; name an issuer, or `development` to try things out",
            ));
        }
        if self.issuers.len() > ISSUERS_MAX {
            return Err(BuildError::new(
                "auth.issuers",
                format!("more than {ISSUERS_MAX} issuers"),
            ));
        }
        let mut issuers: HashMap<Arc<str>, Issuer> = HashMap::new();
        for (at, spec) in self.issuers.iter().enumerate() {
            let path = format!("auth.issuers[{at}]");
            let issuer = spec.build(&path, roles, env)?;
            let twice = |built: &Issuer| built.rules.name == issuer.rules.name;
            if issuers.values().any(twice) {
                return Err(BuildError::new(format!("{path}.name"), "stands twice"));
            }
            let value = issuer.source.spec().issuer.clone();
            if issuers.insert(value, issuer).is_some() {
                return Err(BuildError::new(
                    format!("{path}.issuer"),
                    "stands twice; put both into one entry",
                ));
            }
        }
        if let Some(development) = &self.development {
            let issuer = development.build(roles, env)?;
            issuers.insert(issuer.source.spec().issuer.clone(), issuer);
        }
        Ok(issuers)
    }
}

// === impl DevelopmentSpec ===

impl DevelopmentSpec {
    pub(crate) fn checked_lifetime(&self) -> Result<Duration, BuildError> {
        let path = || "auth.development.lifetime".to_owned();
        within(path, self.lifetime, SECOND..=DAY)
    }

    fn build(&self, roles: &Arc<Roles>, env: &Environment<'_>) -> Result<Issuer, BuildError> {
        let opened: DevelopmentIssuer = self.open(env.folder)?;
        let keys = opened
            .key_set()
            .map_err(|e| BuildError::new("auth.development.key_file", e.to_string()))?;
        let name: Arc<str> = development::NAME.into();
        let spec = SourceSpec {
            name: name.clone(),
            issuer: name.clone(),
            origin: Origin::Fixed,
            refresh: REFRESH_DEFAULT,
            stale_max: DAY,
        };
        let claims = super::ClaimsSpec::default();
        let path = || "auth.development".to_owned();
        Ok(Issuer {
            algorithms: vec![Algorithm::EdDsa],
            rules: ClaimRules {
                name,
                audiences: vec![development::AUDIENCE.to_owned()],
                lifetime_max: opened.lifetime(),
                leeway: super::default_leeway().0,
                require_nbf: true,
                roles_claim: claim(path, &claims.roles)?,
                tenant_claim: claim(path, &claims.tenant)?,
                actor_type_claim: claim(path, &claims.actor_type)?,
                roles: roles.clone(),
            },
            source: Arc::new(KeySource::new(spec, env.fetch.clone()).with_set(keys)),
        })
    }
}

// === impl ThrottleSpec ===

impl ThrottleSpec {
    fn build(&self, previous: Option<&Auth>) -> Result<Arc<Throttle>, BuildError> {
        let at = |key: &str| format!("auth.throttle.{key}");
        if !(1..=10_000).contains(&self.failures) {
            return Err(BuildError::new(
                at("failures"),
                "must be between 1 and 10000",
            ));
        }
        within(|| at("per"), self.per, SECOND..=DAY)?;
        within(|| at("block_max"), self.block_max, SECOND..=7 * DAY)?;
        within(|| at("block"), self.block, SECOND..=self.block_max.0)?;
        Ok(match previous.map(|auth| &auth.throttle) {
            Some(running) if running.spec() == self => running.clone(),
            Some(_) | None => Arc::new(Throttle::new(self.clone())),
        })
    }
}
