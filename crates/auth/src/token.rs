//! A JWT (RFC 7519) in JWS compact form, read strictly before anything of it is used.
//!
//! 1. Exactly three parts; five would be an encrypted token, which is not accepted.
//! 2. Each part is canonical base64url: no padding, no whitespace, no bits left over. Otherwise
//!    one token would have many spellings, and a cache, a log or a block list one of them.
//! 3. [`header`] reads the first part, [`claims`] the second; neither is believed until the
//!    signature over both has verified.

pub(crate) mod claims;
pub(crate) mod header;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::json::{self, Object};
use crate::refusal::{Refusal, Rule};
use header::Header;

/// A token taken apart, its signature not verified.
#[derive(Debug)]
pub(crate) struct Unverified<'t> {
    pub(crate) header: Header,
    pub(crate) claims: Object,
    /// Header and claims as they were signed.
    pub(crate) message: &'t str,
    pub(crate) signature: &'t str,
    pub(crate) signature_bytes: usize,
}

// === impl Unverified ===

impl<'t> Unverified<'t> {
    pub(crate) fn parse(token: &'t str) -> Result<Self, Refusal> {
        let (message, header, claims, signature) = parts(token)?;
        let header = Header::parse(&decode(header, "header")?)?;
        let claims = json::object(&decode(claims, "claims")?).ok_or(Rule::ClaimsJson)?;
        let signature_bytes = decode(signature, "signature")?.len();
        Ok(Self {
            header,
            claims,
            message,
            signature,
            signature_bytes,
        })
    }

    /// The issuer it says it is from; believed only once that issuer's key has verified it.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }
}

/// Message, header, claims and signature of a token.
fn parts(token: &str) -> Result<(&str, &str, &str, &str), Refusal> {
    match token.bytes().filter(|byte| *byte == b'.').count() {
        2 => {}
        4 => return Err(Rule::TokenEncrypted.into()),
        _ => return Err(Rule::TokenParts.into()),
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Rule::TokenParts)?;
    let (header, claims) = message.split_once('.').ok_or(Rule::TokenParts)?;
    Ok((message, header, claims, signature))
}

fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Rule::TokenBase64.about(name))
}
