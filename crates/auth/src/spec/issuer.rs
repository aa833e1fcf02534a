//! One issuer of the policy, checked and made ready.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::Span;

use super::build::{BuildError, DAY, Environment, REFRESH_DEFAULT, SECOND, within};
use super::{IssuerSpec, JwksSpec};
use crate::development;
use crate::fetch::key_url;
use crate::issuer::Issuer;
use crate::keys::source::SourceSpec;
use crate::keys::{KeySource, Origin};
use crate::roles::Roles;
use crate::token::claims::{ClaimPath, ClaimRules, is_plain};

/// At most this many audiences of one issuer.
const AUDIENCES_MAX: usize = 64;

/// An issuer's name may be this many bytes long.
const NAME_BYTES_MAX: usize = 64;

const MINUTE: Duration = Duration::from_secs(60);

// === impl IssuerSpec ===

impl IssuerSpec {
    pub(super) fn build(
        &self,
        path: &str,
        roles: &Arc<Roles>,
        env: &Environment<'_>,
    ) -> Result<Issuer, BuildError> {
        let at = |key: &str| format!("{path}.{key}");
        self.check_names(&at)?;
        let rules = ClaimRules {
            name: self.name.as_str().into(),
            audiences: self.audiences.clone(),
            lifetime_max: within(
                || at("max_token_lifetime"),
                self.max_token_lifetime,
                SECOND..=DAY,
            )?,
            leeway: within(|| at("leeway"), self.leeway, Duration::ZERO..=5 * MINUTE)?,
            require_nbf: self.require_nbf,
            roles_claim: claim(|| at("claims.roles"), &self.claims.roles)?,
            tenant_claim: claim(|| at("claims.tenant"), &self.claims.tenant)?,
            actor_type_claim: claim(|| at("claims.actor_type"), &self.claims.actor_type)?,
            roles: roles.clone(),
        };
        Ok(Issuer {
            algorithms: self.algorithms.clone(),
            rules,
            source: Arc::new(self.build_source(&at, env)?),
        })
    }

    fn check_names(&self, at: &impl Fn(&str) -> String) -> Result<(), BuildError> {
        let error = |key: &str, message: &'static str| Err(BuildError::new(at(key), message));
        let name_byte =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if self.name.is_empty()
            || self.name.len() > NAME_BYTES_MAX
            || !self.name.bytes().all(name_byte)
        {
            return error("name", "give 1 to 64 of `a-z`, `0-9`, `_` and `-`");
        }
        if self.name == development::NAME {
            return error("name", "is the development issuer's; choose another");
        }
        if !is_plain(&self.issuer) || self.issuer == development::NAME {
            return error("issuer", "give the exact value of `iss`, at most 256 bytes");
        }
        if self.audiences.is_empty() || self.audiences.len() > AUDIENCES_MAX {
            return error(
                "audiences",
                "name 1 to 64 audiences; tokens for others are not ours",
            );
        }
        if !self.audiences.iter().all(|audience| is_plain(audience)) {
            return error("audiences", "an audience has 1 to 256 bytes");
        }
        if self.algorithms.is_empty() {
            return error(
                "algorithms",
                "name the algorithms that are accepted, such as ES256",
            );
        }
        Ok(())
    }

    fn build_source(
        &self,
        at: &impl Fn(&str) -> String,
        env: &Environment<'_>,
    ) -> Result<KeySource, BuildError> {
        let origin = self.origin(at, env.folder)?;
        let is_file = matches!(origin, Origin::File(_));
        if is_file && self.jwks_refresh.is_some() {
            return Err(BuildError::new(
                at("jwks_refresh"),
                "does nothing for a file, which is looked at every 5 seconds; leave it out",
            ));
        }
        let refresh = self.jwks_refresh.unwrap_or(Span(REFRESH_DEFAULT));
        let refresh = within(|| at("jwks_refresh"), refresh, 30 * SECOND..=DAY)?;
        let least = if is_file { MINUTE } else { refresh.max(MINUTE) };
        let spec = SourceSpec {
            name: self.name.as_str().into(),
            issuer: self.issuer.as_str().into(),
            origin,
            refresh,
            stale_max: within(
                || at("jwks_stale_max"),
                self.jwks_stale_max,
                least..=7 * DAY,
            )?,
        };
        let source = KeySource::new(spec, env.fetch.clone());
        if is_file {
            let error = |message| BuildError::new(at("jwks.file"), message);
            let keys = source.load_file().map_err(|e| error(e.to_string()))?;
            if keys == 0 {
                return Err(error("holds no usable key".to_owned()));
            }
            return Ok(source);
        }
        let before = env
            .previous
            .and_then(|auth| auth.issuers.get(&*self.issuer));
        Ok(match before {
            Some(before) => source.with_previous(&before.source),
            None => source,
        })
    }

    fn origin(&self, at: &impl Fn(&str) -> String, folder: &Path) -> Result<Origin, BuildError> {
        match &self.jwks {
            Some(JwksSpec::File(file)) => Ok(Origin::File(folder.join(file))),
            Some(JwksSpec::Url(url)) => key_url(url)
                .map(Origin::Url)
                .map_err(|reason| BuildError::new(at("jwks.url"), reason)),
            None if self.issuer.contains(['?', '#']) => Err(BuildError::new(
                at("issuer"),
                "has a query or fragment, so it can't be discovered; name `jwks`",
            )),
            // OpenID Connect Discovery 1.0 section 4.1: without the slash at the end.
            None => {
                let base = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
                key_url(&format!("{base}/.well-known/openid-configuration"))
                    .map(Origin::Discovery)
                    .map_err(|reason| {
                        let message = format!("{reason}, so it can't be discovered; name `jwks`");
                        BuildError::new(at("issuer"), message)
                    })
            }
        }
    }
}

pub(super) fn claim(path: impl FnOnce() -> String, text: &str) -> Result<ClaimPath, BuildError> {
    ClaimPath::parse(text)
        .filter(|_| is_plain(text))
        .ok_or_else(|| {
            BuildError::new(
                path(),
                "give a claim's name, or a JSON Pointer that begins with `/`",
            )
        })
}
