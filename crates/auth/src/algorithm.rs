//! The signature algorithms a policy may allow: asymmetric ones only.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A JWS algorithm (RFC 7518, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[schemars(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[schemars(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    #[schemars(rename = "RS512")]
    Rs512,
    /// RSASSA-PSS with SHA-256.
    #[schemars(rename = "PS256")]
    Ps256,
    /// RSASSA-PSS with SHA-384.
    #[schemars(rename = "PS384")]
    Ps384,
    /// RSASSA-PSS with SHA-512.
    #[schemars(rename = "PS512")]
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    #[schemars(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[schemars(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[schemars(rename = "EdDSA")]
    EdDsa,
}

/// The kind of key an algorithm needs; one kind each, so that no key serves another algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

// === impl Algorithm ===

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// The name in `alg` and in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm with exactly this name (case matters, RFC 7515 section 4.1.1).
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    pub(crate) const fn key_kind(self) -> KeyKind {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                KeyKind::Rsa
            }
            Self::Es256 => KeyKind::P256,
            Self::Es384 => KeyKind::P384,
            Self::EdDsa => KeyKind::Ed25519,
        }
    }

    pub(crate) const fn verifier(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Rs384 => jsonwebtoken::Algorithm::RS384,
            Self::Rs512 => jsonwebtoken::Algorithm::RS512,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Ps384 => jsonwebtoken::Algorithm::PS384,
            Self::Ps512 => jsonwebtoken::Algorithm::PS512,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Es384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        const OFFER: &str = "use RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA";
        if let Some(known) = Self::named(name) {
            return Ok(known);
        }
        let reason = if name.starts_with("HS") {
            "is symmetric: whoever verifies could also sign, and a public key could be passed \
             off as the secret"
        } else if name.eq_ignore_ascii_case("none") {
            "is no signature at all"
        } else {
            "is not an algorithm that the gateway verifies"
        };
        Err(format!("`{name}` {reason}; {OFFER}"))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
    }

    #[test]
    fn what_is_not_asymmetric_is_refused_with_the_reason() {
        for (name, reason) in [
            ("HS256", "symmetric"),
            ("HS512", "symmetric"),
            ("none", "no signature"),
            ("NoNe", "no signature"),
            ("es256", "not an algorithm"),
            ("ES512", "not an algorithm"),
        ] {
            let error = name.parse::<Algorithm>().expect_err(name);
            assert!(
                error.contains(reason) && error.contains("ES256"),
                "{name}: {error}"
            );
        }
    }
}
