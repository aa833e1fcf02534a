//! Why a credential was refused: exactly, for the audit log; by class, for the client.
//!
//! A client learns whether its credential is missing, malformed, expired or not accepted. Which
//! rule refused it goes to the audit record alone, together with the name of the claim or header
//! member; never a value of the token.

use std::time::Duration;

use aegis_core::{Category, Check, Reason, Rejection, Threat};
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;

/// What the client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Missing,
    Malformed,
    Expired,
    NotAccepted,
}

/// Whose counter of failures a refusal raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Nobody's: nothing was tried.
    Nobody,
    /// The credential's alone: its signature was good, so nobody guessed.
    Credential,
    /// The credential's and the address's.
    Both,
}

/// A refusal: the rule, and the member it is about (empty where it is about the whole).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rule: Rule,
    pub(crate) member: &'static str,
}

/// How soon to come back when keys are not to be had.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(5);

macro_rules! rules {
    ($($rule:ident: $class:ident, blames $blame:ident, $name:literal, $explanation:literal;)+) => {
        /// The rule that refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Rule {
            $(#[doc = $explanation] $rule,)+
        }

        impl Rule {
            const fn row(self) -> (Class, Blame, &'static str, &'static str) {
                match self {
                    $(Self::$rule => (Class::$class, Blame::$blame, $name, $explanation),)+
                }
            }
        }
    };
}

rules! {
    CredentialMissing: Missing, blames Nobody, "credential_missing",
        "no credential was sent";
    CredentialSeveral: Malformed, blames Both, "credential_several",
        "several credentials were sent";
    CredentialScheme: Malformed, blames Both, "credential_scheme",
        "the header is not `Bearer` and one token";
    TokenTooLong: Malformed, blames Both, "token_too_long",
        "the token is longer than 8 KiB";
    TokenParts: Malformed, blames Both, "token_parts",
        "the token does not have three parts";
    TokenEncrypted: Malformed, blames Both, "token_encrypted",
        "the token is encrypted (JWE)";
    TokenBase64: Malformed, blames Both, "token_base64",
        "a part is not canonical base64url";
    HeaderJson: Malformed, blames Both, "header_json",
        "the header is not one JSON object with unique members";
    HeaderMember: Malformed, blames Both, "header_member",
        "a header member is missing, wrong or not understood";
    HeaderType: Malformed, blames Both, "header_type",
        "`typ` is neither JWT nor at+jwt";
    HeaderNested: Malformed, blames Both, "header_nested",
        "`cty` announces a nested token";
    HeaderCritical: Malformed, blames Both, "header_critical",
        "`crit` demands an extension and none is understood";
    HeaderForeignKey: NotAccepted, blames Both, "header_foreign_key",
        "the token brings or names its own key";
    HeaderKeyId: Malformed, blames Both, "header_key_id",
        "`kid` is too long or has characters that no key id has";
    AlgorithmNotAllowed: NotAccepted, blames Both, "algorithm_not_allowed",
        "`alg` is not on the issuer's list";
    ClaimsJson: Malformed, blames Both, "claims_json",
        "the claims are not one JSON object with unique members";
    IssuerUnknown: NotAccepted, blames Both, "issuer_unknown",
        "`iss` names no issuer of the policy";
    KeyUnknown: NotAccepted, blames Both, "key_unknown",
        "the issuer has no such key";
    KeyAmbiguous: NotAccepted, blames Both, "key_ambiguous",
        "several keys of the issuer could be meant";
    KeyMismatch: NotAccepted, blames Both, "key_mismatch",
        "the key is not for this algorithm";
    SignatureLength: NotAccepted, blames Both, "signature_length",
        "the signature has the wrong length";
    SignatureInvalid: NotAccepted, blames Both, "signature_invalid",
        "the signature does not verify";
    ClaimMissing: NotAccepted, blames Credential, "claim_missing",
        "a claim is missing";
    ClaimInvalid: NotAccepted, blames Credential, "claim_invalid",
        "a claim has the wrong type or value";
    AudienceMismatch: NotAccepted, blames Credential, "audience_mismatch",
        "`aud` names no audience of the policy";
    Expired: Expired, blames Credential, "expired",
        "`exp` has passed";
    NotYetValid: NotAccepted, blames Credential, "not_yet_valid",
        "`nbf` lies in the future";
    IssuedInFuture: NotAccepted, blames Credential, "issued_in_future",
        "`iat` lies in the future";
    LifetimeTooLong: NotAccepted, blames Credential, "lifetime_too_long",
        "`exp` - `iat` exceeds the maximum";
    ActorTypeUnknown: NotAccepted, blames Credential, "actor_type_unknown",
        "the actor type is none of user, agent, system";
}

// === impl Rule ===

impl Rule {
    pub(crate) const fn blame(self) -> Blame {
        self.row().1
    }

    pub(crate) const fn about(self, member: &'static str) -> Refusal {
        Refusal { rule: self, member }
    }
}

// === impl Refusal ===

impl From<Rule> for Refusal {
    fn from(rule: Rule) -> Self {
        rule.about("")
    }
}

impl From<Refusal> for Rejection {
    /// 401 with the challenge of RFC 6750 section 3; a request without a credential gets no error code.
    fn from(refusal: Refusal) -> Self {
        let (class, _, name, explanation) = refusal.rule.row();
        let (message, challenge) = class.public();
        let detail = match refusal.member {
            "" => format!("{name}: {explanation}"),
            member => format!("{name}: {explanation} (`{member}`)"),
        };
        let rejection = Self::new(Reason::Unauthenticated, message)
            .with_detail(detail)
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        match class {
            Class::Missing => rejection,
            Class::Malformed | Class::Expired | Class::NotAccepted => {
                rejection.with_threats(vec![Threat::new(
                    Category::Identity,
                    Check::Identity,
                    name,
                    1.0,
                )])
            }
        }
    }
}

// === impl Class ===

impl Class {
    /// The message and the `WWW-Authenticate` challenge.
    const fn public(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => (
                "A credential is missing: send `Authorization: Bearer <token>` or `x-api-key: <token>`.",
                "Bearer realm=\"aegis\"",
            ),
            Self::Malformed => (
                "The credential is malformed.",
                "Bearer realm=\"aegis\", error=\"invalid_token\", error_description=\"The credential is malformed.\"",
            ),
            Self::Expired => (
                "The credential has expired.",
                "Bearer realm=\"aegis\", error=\"invalid_token\", error_description=\"The credential has expired.\"",
            ),
            Self::NotAccepted => (
                "The credential is not accepted.",
                "Bearer realm=\"aegis\", error=\"invalid_token\", error_description=\"The credential is not accepted.\"",
            ),
        }
    }
}

/// 503: the issuer's keys are not to be had, so its tokens can be neither accepted nor refused.
pub(crate) fn unavailable(issuer: &str) -> Rejection {
    Rejection::new(
        Reason::IdentityUnavailable,
        "Credentials can't be verified at the moment.",
    )
    .with_detail(format_args!("no usable key set of issuer `{issuer}`"))
    .with_retry_after(UNAVAILABLE_RETRY)
}

/// 429: too many failures.
pub(crate) fn throttled(retry_after: Duration) -> Rejection {
    Rejection::new(
        Reason::AuthenticationThrottled,
        "Too many failed authentication attempts.",
    )
    .with_retry_after(retry_after)
}

/// 403: a good credential whose roles do not reach the route.
pub(crate) fn not_permitted(route: &str) -> Rejection {
    Rejection::new(
        Reason::PermissionDenied,
        "The credential does not permit this route.",
    )
    .with_detail(format_args!("no role of the principal permits `{route}`"))
}

/// 404: no such route.
pub(crate) fn no_route() -> Rejection {
    Rejection::new(Reason::RouteNotFound, "There is no such route.")
}
