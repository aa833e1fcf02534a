//! Claims, once the signature is verified: demanded, typed, in time, and mapped to a principal.
//!
//! 1. `aud`, `sub`, `exp`, `nbf` and `iat` are demanded (`nbf` unless the policy lets it be
//!    absent); `iss` chose the issuer before.
//! 2. Times are numbers of seconds, whole or not. The leeway widens `exp`, `nbf` and `iat`, but
//!    never the lifetime `exp` - `iat`.
//! 3. Roles, tenant and actor type are taken from the claims that the policy names, and from
//!    nothing else in the request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::{ActorType, Principal};

use crate::json::{Json, Object};
use crate::refusal::{Refusal, Rule};
use crate::roles::Roles;

/// `sub`, `jti`, `acr` and the tenant may be this many bytes long.
pub(crate) const TEXT_BYTES_MAX: usize = 256;

/// At most this many authentication methods.
const METHODS_MAX: usize = 16;

/// The last second of the year 9999; times beyond it are mistakes.
const TIME_MAX: f64 = 253_402_300_799.0;

/// What the policy says about an issuer's claims.
#[derive(Debug)]
pub(crate) struct ClaimRules {
    /// The policy's name of the issuer.
    pub(crate) name: Arc<str>,
    pub(crate) audiences: Vec<String>,
    pub(crate) lifetime_max: Duration,
    pub(crate) leeway: Duration,
    pub(crate) require_nbf: bool,
    pub(crate) roles_claim: ClaimPath,
    pub(crate) tenant_claim: ClaimPath,
    pub(crate) actor_type_claim: ClaimPath,
    pub(crate) roles: Arc<Roles>,
}

/// The place of a claim: a name, or names from the outside in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimPath {
    first: String,
    rest: Vec<String>,
}

/// A verified token's principal, and `exp` since 1970.
pub(crate) struct Accepted {
    pub(crate) principal: Principal,
    pub(crate) expires: Duration,
}

// === impl ClaimPath ===

impl ClaimPath {
    /// A claim's name as it is, or a JSON Pointer (RFC 6901) where it begins with `/`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Some(pointer) = text.strip_prefix('/') else {
            return (!text.is_empty()).then(|| Self {
                first: text.to_owned(),
                rest: Vec::new(),
            });
        };
        let mut names = pointer
            .split('/')
            .map(|name| name.replace("~1", "/").replace("~0", "~"));
        let first = names.next().filter(|name| !name.is_empty())?;
        Some(Self {
            first,
            rest: names.collect(),
        })
    }

    fn find<'c>(&self, claims: &'c Object) -> Option<&'c Json> {
        let first = claims.get(&self.first)?;
        self.rest
            .iter()
            .try_fold(first, |value, name| value.get(name))
    }
}

// === impl ClaimRules ===

impl ClaimRules {
    /// Judges claims at the time `now` since 1970.
    pub(crate) fn accept(&self, claims: &Object, now: Duration) -> Result<Accepted, Refusal> {
        self.check_audience(claims)?;
        let expires = self.check_times(claims, now.as_secs_f64())?;
        Ok(Accepted {
            principal: self.principal(claims, expires)?,
            expires,
        })
    }

    fn check_audience(&self, claims: &Object) -> Result<(), Refusal> {
        let named = match demanded(claims, "aud")? {
            Json::String(one) => vec![one.as_str()],
            several @ Json::Array(_) => several
                .as_strings()
                .ok_or(Rule::ClaimInvalid.about("aud"))?,
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => {
                return Err(Rule::ClaimInvalid.about("aud"));
            }
        };
        let ours = |name: &&str| self.audiences.iter().any(|audience| audience == name);
        if named.iter().any(ours) {
            Ok(())
        } else {
            Err(Rule::AudienceMismatch.about("aud"))
        }
    }

    fn check_times(&self, claims: &Object, now: f64) -> Result<Duration, Refusal> {
        let leeway = self.leeway.as_secs_f64();
        let expires = time(demanded(claims, "exp")?, "exp")?;
        let issued = time(demanded(claims, "iat")?, "iat")?;
        let not_before = match claims.get("nbf") {
            None if !self.require_nbf => issued,
            _ => time(demanded(claims, "nbf")?, "nbf")?,
        };
        if now >= expires + leeway {
            return Err(Rule::Expired.about("exp"));
        }
        if now < not_before - leeway {
            return Err(Rule::NotYetValid.about("nbf"));
        }
        if now < issued - leeway {
            return Err(Rule::IssuedInFuture.about("iat"));
        }
        if expires <= issued || expires <= not_before {
            return Err(Rule::ClaimInvalid.about("exp"));
        }
        if expires - issued > self.lifetime_max.as_secs_f64() {
            return Err(Rule::LifetimeTooLong.about("exp"));
        }
        Duration::try_from_secs_f64(expires).map_err(|_| Rule::ClaimInvalid.about("exp"))
    }

    fn principal(&self, claims: &Object, expires: Duration) -> Result<Principal, Refusal> {
        let subject = text(demanded(claims, "sub")?, "sub")?;
        let tenant = optional_text(self.tenant_claim.find(claims), "tenant")?;
        let expires_at = std::time::SystemTime::UNIX_EPOCH
            .checked_add(expires)
            .ok_or(Rule::ClaimInvalid.about("exp"))?;
        Ok(Principal {
            actor_type: actor_type(self.actor_type_claim.find(claims))?,
            id: subject,
            issuer: self.name.clone(),
            tenant,
            roles: self.roles(claims)?,
            amr: methods(claims.get("amr"))?,
            acr: optional_text(claims.get("acr"), "acr")?,
            credential_id: optional_text(claims.get("jti"), "jti")?,
            expires_at,
        })
    }

    /// A string of names, an array of names, or an object whose members are named by them.
    fn roles(&self, claims: &Object) -> Result<Vec<Arc<str>>, Refusal> {
        let names: Vec<&str> = match self.roles_claim.find(claims) {
            None => Vec::new(),
            Some(Json::String(names)) => names.split_ascii_whitespace().collect(),
            Some(names @ Json::Array(_)) => names
                .as_strings()
                .ok_or(Rule::ClaimInvalid.about("roles"))?,
            Some(Json::Object(members)) => members.keys().map(String::as_str).collect(),
            Some(Json::Null | Json::Bool(_) | Json::Number(_)) => {
                return Err(Rule::ClaimInvalid.about("roles"));
            }
        };
        let known: BTreeSet<Arc<str>> = names
            .into_iter()
            .filter_map(|name| self.roles.known(name))
            .collect();
        Ok(known.into_iter().collect())
    }
}

fn demanded<'c>(claims: &'c Object, name: &'static str) -> Result<&'c Json, Refusal> {
    claims
        .get(name)
        .ok_or_else(|| Rule::ClaimMissing.about(name))
}

/// A NumericDate (RFC 7519 section 2).
fn time(value: &Json, name: &'static str) -> Result<f64, Refusal> {
    match value {
        Json::Number(seconds) if (0.0..=TIME_MAX).contains(seconds) => Ok(*seconds),
        Json::Number(_)
        | Json::Null
        | Json::Bool(_)
        | Json::String(_)
        | Json::Array(_)
        | Json::Object(_) => Err(Rule::ClaimInvalid.about(name)),
    }
}

/// Text that is safe in keys and logs: not empty, bounded, without control characters.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control)
}

fn text(value: &Json, name: &'static str) -> Result<Arc<str>, Refusal> {
    value
        .as_str()
        .filter(|text| is_plain(text))
        .map(Arc::from)
        .ok_or_else(|| Rule::ClaimInvalid.about(name))
}

fn optional_text(value: Option<&Json>, name: &'static str) -> Result<Option<Arc<str>>, Refusal> {
    value.map(|value| text(value, name)).transpose()
}

/// `amr` (RFC 8176).
fn methods(value: Option<&Json>) -> Result<Vec<Arc<str>>, Refusal> {
    match value {
        None => Ok(Vec::new()),
        Some(Json::Array(methods)) if methods.len() <= METHODS_MAX => {
            methods.iter().map(|method| text(method, "amr")).collect()
        }
        Some(_) => Err(Rule::ClaimInvalid.about("amr")),
    }
}

fn actor_type(value: Option<&Json>) -> Result<ActorType, Refusal> {
    let Some(value) = value else {
        return Ok(ActorType::User);
    };
    [ActorType::User, ActorType::Agent, ActorType::System]
        .into_iter()
        .find(|known| value.as_str() == Some(known.as_str()))
        .ok_or_else(|| Rule::ActorTypeUnknown.about("actor_type"))
}
