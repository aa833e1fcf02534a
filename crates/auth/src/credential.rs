//! Where the credential stands in a request: one place, or refused.
//!
//! 1. `Authorization: Bearer <token>` (RFC 6750), scheme in any case, one space.
//! 2. `x-api-key: <token>`, which Anthropic's SDKs send; its value is the same kind of token.
//! 3. Both, if they are equal. Otherwise two parties could each look at another identity.
//!
//! Query parameters and cookies are never looked at: they end up in logs.

use aws_lc_rs::digest;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use crate::refusal::{Refusal, Rule};

/// Longest token, in bytes.
pub(crate) const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A token as it came, and its SHA-256.
pub(crate) struct Credential<'h> {
    pub(crate) token: &'h str,
    pub(crate) digest: Digest,
}

/// SHA-256 of a whole token: names it in the cache and the throttle without holding it.
pub(crate) type Digest = [u8; 32];

// === impl Credential ===

impl<'h> Credential<'h> {
    /// The one credential of a request.
    pub(crate) fn of(headers: &'h HeaderMap) -> Result<Self, Refusal> {
        let bearer = single(headers, AUTHORIZATION.as_str())?
            .map(bearer_token)
            .transpose()?;
        let key = single(headers, "x-api-key")?.map(visible).transpose()?;
        let token = match (bearer, key) {
            (Some(bearer), Some(key)) if bearer != key => {
                return Err(Rule::CredentialSeveral.into());
            }
            (Some(token), _) | (None, Some(token)) => token,
            (None, None) => return Err(Rule::CredentialMissing.into()),
        };
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Rule::TokenTooLong.into());
        }
        Ok(Self {
            token,
            digest: sha256(token.as_bytes()),
        })
    }
}

/// The only value of a header, where there is one.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Rule::CredentialSeveral.into()),
    }
}

fn bearer_token(value: &HeaderValue) -> Result<&str, Refusal> {
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(Rule::CredentialScheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rule::CredentialScheme.into());
    }
    checked(token)
}

fn visible(value: &HeaderValue) -> Result<&str, Refusal> {
    checked(value.to_str().map_err(|_| Rule::CredentialScheme)?)
}

/// A space or a comma would be a second token to some readers.
fn checked(token: &str) -> Result<&str, Refusal> {
    let whole = !token.is_empty()
        && token
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b',');
    whole
        .then_some(token)
        .ok_or_else(|| Rule::CredentialScheme.into())
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut out = Digest::default();
    for (to, from) in out
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, bytes).as_ref())
    {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &str)]) -> Result<String, Rule> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                *name,
                HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
            );
        }
        Credential::of(&map)
            .map(|credential| credential.token.to_owned())
            .map_err(|refusal| refusal.rule)
    }

    #[test]
    fn one_credential_is_taken_from_either_header() {
        for headers in [
            &[("authorization", "Bearer a.b.c")][..],
            &[("authorization", "bearer a.b.c")],
            &[("x-api-key", "a.b.c")],
            &[("authorization", "BEARER a.b.c"), ("x-api-key", "a.b.c")],
        ] {
            assert_eq!(of(headers).as_deref(), Ok("a.b.c"), "{headers:?}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        use Rule::{CredentialMissing, CredentialScheme, CredentialSeveral};
        for (headers, rule) in [
            (&[][..], CredentialMissing),
            (&[("cookie", "token=a.b.c")], CredentialMissing),
            (&[("authorization", "Bearer")], CredentialScheme),
            (&[("authorization", "Bearer ")], CredentialScheme),
            (&[("authorization", "Bearer  a.b.c")], CredentialScheme),
            (&[("authorization", "Bearer a.b.c d.e.f")], CredentialScheme),
            (&[("authorization", "Bearer a.b.c,d.e.f")], CredentialScheme),
            (&[("authorization", "Bearer\ta.b.c")], CredentialScheme),
            (&[("authorization", "Basic dTpw")], CredentialScheme),
            (&[("authorization", "a.b.c")], CredentialScheme),
            (&[("authorization", "Bearer é")], CredentialScheme),
            (&[("x-api-key", "")], CredentialScheme),
            (&[("x-api-key", "Bearer a.b.c")], CredentialScheme),
            (
                &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
                CredentialSeveral,
            ),
            (&[("x-api-key", "a"), ("x-api-key", "a")], CredentialSeveral),
            (
                &[("authorization", "Bearer a"), ("x-api-key", "b")],
                CredentialSeveral,
            ),
        ] {
            assert_eq!(of(headers), Err(rule), "{headers:?}");
        }
    }

    #[test]
    fn a_token_ends_at_its_limit() {
        for (bytes, good) in [
            (TOKEN_BYTES_MAX - 1, true),
            (TOKEN_BYTES_MAX, true),
            (TOKEN_BYTES_MAX + 1, false),
        ] {
            let outcome = of(&[("x-api-key", &"a".repeat(bytes))]);
            assert_eq!(outcome.is_ok(), good, "{bytes}: {:?}", outcome.err());
        }
    }
}
