//! One JSON Web Key (RFC 7517, 7518, 8037) to a verifying key, or the reason why not.
//!
//! Left out are keys that are not for verifying (`use`, `key_ops`), that hold private or symmetric
//! material (a set that publishes those is broken), that are weak (RSA below 2048 bits), or that
//! are not what they say (a point off its curve, a wrong length).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;

use crate::algorithm::{Algorithm, KeyKind};
use crate::json::Json;
use crate::keys::{Key, is_key_id};

/// Bounds of an RSA modulus, in bits.
const RSA_BITS_MIN: usize = 2_048;
const RSA_BITS_MAX: usize = 8_192;

/// An RSA exponent has at most this many bytes; larger ones only cost time.
const RSA_EXPONENT_BYTES_MAX: usize = 4;

/// Why a key is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("a member is missing or has the wrong type")]
    Malformed,
    #[error("it holds private or symmetric key material")]
    Secret,
    #[error("it is not for verifying signatures")]
    NotForVerifying,
    #[error("its type, curve or algorithm is not supported")]
    Unsupported,
    #[error("`alg` does not suit its type")]
    AlgorithmMismatch,
    #[error("`kid` is too long or has characters that no key id has")]
    KeyId,
    #[error("an RSA key must have 2048 to 8192 bits")]
    RsaBits,
    #[error("the public key is invalid")]
    Invalid,
}

/// Members that only private (RFC 7518 section 6) or symmetric keys have.
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

struct Material {
    kind: KeyKind,
    public: Vec<u8>,
    signature_bytes: usize,
    verifier: DecodingKey,
}

/// Reads one entry of a set.
pub(crate) fn read(jwk: &Json) -> Result<Key, KeyError> {
    if SECRET_MEMBERS.iter().any(|name| jwk.get(name).is_some()) {
        return Err(KeyError::Secret);
    }
    for_verifying(jwk)?;
    let id = optional(jwk, "kid")?;
    if id.is_some_and(|id| !is_key_id(id)) {
        return Err(KeyError::KeyId);
    }
    let algorithm = optional(jwk, "alg")?
        .map(|name| Algorithm::named(name).ok_or(KeyError::Unsupported))
        .transpose()?;
    let material = match required(jwk, "kty")? {
        "RSA" => rsa(jwk)?,
        "EC" => ec(jwk)?,
        "OKP" => okp(jwk)?,
        _ => return Err(KeyError::Unsupported),
    };
    if algorithm.is_some_and(|algorithm| algorithm.key_kind() != material.kind) {
        return Err(KeyError::AlgorithmMismatch);
    }
    Ok(Key {
        id: id.map(Box::from),
        algorithm,
        kind: material.kind,
        public: material.public,
        signature_bytes: material.signature_bytes,
        verifier: material.verifier,
    })
}

fn for_verifying(jwk: &Json) -> Result<(), KeyError> {
    if optional(jwk, "use")?.is_some_and(|usage| usage != "sig") {
        return Err(KeyError::NotForVerifying);
    }
    match jwk.get("key_ops").map(Json::as_strings) {
        None => Ok(()),
        Some(Some(operations)) if operations.contains(&"verify") => Ok(()),
        Some(Some(_)) => Err(KeyError::NotForVerifying),
        Some(None) => Err(KeyError::Malformed),
    }
}

fn rsa(jwk: &Json) -> Result<Material, KeyError> {
    let (n, e) = (integer(jwk, "n")?, integer(jwk, "e")?);
    let top_bits = n.first().map_or(0, |top| 8 - top.leading_zeros() as usize);
    let bits = n.len().saturating_sub(1) * 8 + top_bits;
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(KeyError::RsaBits);
    }
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    if !odd(&n) || !odd(&e) || e.len() > RSA_EXPONENT_BYTES_MAX || *e == [1] {
        return Err(KeyError::Invalid);
    }
    RsaPublicKeyComponents { n: &n, e: &e }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| KeyError::Invalid)?;
    Ok(Material {
        kind: KeyKind::Rsa,
        signature_bytes: n.len(),
        verifier: DecodingKey::from_rsa_raw_components(&n, &e),
        public: [n, e].concat(),
    })
}

fn ec(jwk: &Json) -> Result<Material, KeyError> {
    let (kind, bytes, curve): (_, _, &'static dyn VerificationAlgorithm) =
        match required(jwk, "crv")? {
            "P-256" => (KeyKind::P256, 32, &ECDSA_P256_SHA256_FIXED),
            "P-384" => (KeyKind::P384, 48, &ECDSA_P384_SHA384_FIXED),
            _ => return Err(KeyError::Unsupported),
        };
    let (x, y) = (binary(jwk, "x")?, binary(jwk, "y")?);
    if x.len() != bytes || y.len() != bytes {
        return Err(KeyError::Invalid);
    }
    // An uncompressed point (SEC 1 section 2.3.3); parsing checks that it is on the curve.
    let public = [&[4], x.as_slice(), &y].concat();
    ParsedPublicKey::new(curve, &public).map_err(|_| KeyError::Invalid)?;
    Ok(Material {
        kind,
        signature_bytes: 2 * bytes,
        verifier: DecodingKey::from_ec_der(&public),
        public,
    })
}

fn okp(jwk: &Json) -> Result<Material, KeyError> {
    if required(jwk, "crv")? != "Ed25519" {
        return Err(KeyError::Unsupported);
    }
    let public = binary(jwk, "x")?;
    ParsedPublicKey::new(&ED25519, &public).map_err(|_| KeyError::Invalid)?;
    Ok(Material {
        kind: KeyKind::Ed25519,
        signature_bytes: 64,
        verifier: DecodingKey::from_ed_der(&public),
        public,
    })
}

fn optional<'j>(jwk: &'j Json, name: &str) -> Result<Option<&'j str>, KeyError> {
    jwk.get(name)
        .map(|value| value.as_str().ok_or(KeyError::Malformed))
        .transpose()
}

fn required<'j>(jwk: &'j Json, name: &str) -> Result<&'j str, KeyError> {
    optional(jwk, name)?.ok_or(KeyError::Malformed)
}

fn binary(jwk: &Json, name: &str) -> Result<Vec<u8>, KeyError> {
    URL_SAFE_NO_PAD
        .decode(required(jwk, name)?)
        .map_err(|_| KeyError::Malformed)
}

/// A big-endian integer; some issuers put zero bytes before it.
fn integer(jwk: &Json, name: &str) -> Result<Vec<u8>, KeyError> {
    let bytes = binary(jwk, name)?;
    Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}
