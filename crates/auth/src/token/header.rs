//! The JOSE header: which algorithm, which key, and nothing that the sender could steer us with.

use crate::algorithm::Algorithm;
use crate::json::{self, Json, Object};
use crate::keys::is_key_id;
use crate::refusal::{Refusal, Rule};

/// What is left of a header once it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
}

/// Members that bring a key along or say where to get one: whoever sends the token would choose
/// the key that verifies it.
const FOREIGN_KEYS: [&str; 4] = ["jwk", "jku", "x5u", "x5c"];

/// Members of extensions and of encrypted tokens, which change what the other parts mean.
const NOT_UNDERSTOOD: [&str; 5] = ["b64", "enc", "zip", "epk", "p2c"];

/// Media types of a token (RFC 7519 section 5.1, RFC 9068 section 2.1), without `application/`.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

// === impl Header ===

impl Header {
    /// Reads a header. Members that are merely unknown are ignored (RFC 7515 section 4).
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let members = json::object(bytes).ok_or(Rule::HeaderJson)?;
        if let Some(name) = present(&members, &FOREIGN_KEYS) {
            return Err(Rule::HeaderForeignKey.about(name));
        }
        if members.contains_key("crit") {
            return Err(Rule::HeaderCritical.about("crit"));
        }
        if let Some(name) = present(&members, &NOT_UNDERSTOOD) {
            return Err(Rule::HeaderMember.about(name));
        }
        if members.contains_key("cty") {
            return Err(Rule::HeaderNested.about("cty"));
        }
        if members.get("typ").is_some_and(|typ| !is_token_type(typ)) {
            return Err(Rule::HeaderType.about("typ"));
        }
        let algorithm = members
            .get("alg")
            .and_then(Json::as_str)
            .ok_or(Rule::HeaderMember.about("alg"))?;
        Ok(Self {
            algorithm: Algorithm::named(algorithm).ok_or(Rule::AlgorithmNotAllowed.about("alg"))?,
            key_id: members.get("kid").map(key_id).transpose()?,
        })
    }
}

fn present(members: &Object, names: &[&'static str]) -> Option<&'static str> {
    names
        .iter()
        .find(|name| members.contains_key(**name))
        .copied()
}

fn is_token_type(typ: &Json) -> bool {
    typ.as_str().is_some_and(|typ| {
        let typ = typ.to_ascii_lowercase();
        TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
    })
}

fn key_id(kid: &Json) -> Result<String, Refusal> {
    kid.as_str()
        .filter(|id| is_key_id(id))
        .map(str::to_owned)
        .ok_or_else(|| Rule::HeaderKeyId.about("kid"))
}
