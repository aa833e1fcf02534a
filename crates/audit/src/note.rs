//! Signed notes (C2SP `signed-note`) with Ed25519.
//!
//! A note is text that ends in a newline, an empty line, and one signature line per signer:
//! `— <key name> <base64(key id ‖ signature)>`. A verifier key is written
//! `<name>+<key id in hex>+<base64(0x01 ‖ public key)>`; the key id binds name and key together.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aegis_core::Secret;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The algorithm byte of Ed25519 in C2SP signed notes.
const ED25519_ALGORITHM: u8 = 1;
/// Length of a public key and of a seed in bytes.
const KEY_BYTES: usize = 32;
/// Length of a key id in bytes.
const KEY_ID_BYTES: usize = 4;
/// A note may be this long in bytes.
pub const NOTE_BYTES_MAX: usize = 16 << 10;
/// A note may have this many signature lines.
const SIGNATURES_MAX: usize = 16;

/// Why a key or a note was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A name that notes can't carry.
    #[error("a key name must have 1 to 100 characters, without spaces, `+` or control characters")]
    Name,
    /// Not a verifier key.
    #[error("not a verifier key of the form <name>+<id>+<base64>")]
    VerifierKey,
    /// Not a private key.
    #[error(
        "not an Ed25519 private key: expected base64 of a 32-byte seed or of a PKCS#8 document"
    )]
    PrivateKey,
    /// The random source failed.
    #[error("the system's random source failed")]
    Random,
    /// Not a note.
    #[error("not a signed note")]
    Malformed,
    /// No line by this key.
    #[error("no signature by key {0}")]
    Unsigned(String),
    /// A line by this key that does not verify.
    #[error("the signature by key {0} does not verify")]
    BadSignature(String),
}

/// A public key and its name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: Arc<str>,
    public: [u8; KEY_BYTES],
}

/// A private key and its name.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    verifier: VerifierKey,
}

/// Whether `name` can stand in a note.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= crate::event::NAME_CHARS_MAX
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

// === impl VerifierKey ===

impl VerifierKey {
    /// The key's name: the log it speaks for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same public key for the log `name`.
    ///
    /// # Errors
    /// If notes can't carry that name.
    pub fn renamed(&self, name: &str) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::Name);
        }
        Ok(Self {
            name: name.into(),
            public: self.public,
        })
    }

    /// Checks the signature of `note` by this key and returns its text.
    ///
    /// # Errors
    /// If it is no note, not signed by this key, or the signature does not verify.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = split(note)?;
        let mut found = false;
        for line in signatures.lines() {
            let (name, id, signature) = signature_line(line)?;
            if name != &*self.name || id != self.id() {
                continue;
            }
            found = true;
            let key = UnparsedPublicKey::new(&ED25519, &self.public);
            if key.verify(text.as_bytes(), &signature).is_ok() {
                return Ok(text);
            }
        }
        Err(if found {
            NoteError::BadSignature(self.name.to_string())
        } else {
            NoteError::Unsigned(self.name.to_string())
        })
    }

    fn id(&self) -> [u8; KEY_ID_BYTES] {
        let bound = [
            self.name.as_bytes(),
            b"\n",
            &[ED25519_ALGORITHM],
            &self.public,
        ];
        let hash = digest(&SHA256, &bound.concat());
        let mut id = [0; KEY_ID_BYTES];
        for (to, from) in id.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        id
    }
}

/// Splits a note into its text, last newline included, and its signature lines.
fn split(note: &str) -> Result<(&str, &str), NoteError> {
    if note.len() > NOTE_BYTES_MAX || note.contains(|c: char| c.is_control() && c != '\n') {
        return Err(NoteError::Malformed);
    }
    let at = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
    let (text, signatures) = note
        .split_at_checked(at + 1)
        .and_then(|(text, rest)| Some((text, rest.strip_prefix('\n')?)))
        .ok_or(NoteError::Malformed)?;
    let lines = signatures.lines().count();
    if !signatures.ends_with('\n') || lines > SIGNATURES_MAX {
        return Err(NoteError::Malformed);
    }
    Ok((text, signatures))
}

fn signature_line(line: &str) -> Result<(&str, [u8; KEY_ID_BYTES], Vec<u8>), NoteError> {
    let parse = || {
        let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = BASE64.decode(encoded).ok()?;
        let (id, signature) = bytes.split_first_chunk::<KEY_ID_BYTES>()?;
        is_key_name(name).then(|| (name, *id, signature.to_vec()))
    };
    parse().ok_or(NoteError::Malformed)
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let parse = || {
            let (name, rest) = text.trim().split_once('+')?;
            // Base64 may hold a `+` too: only the first two separate.
            let (id, encoded) = rest.split_once('+')?;
            let bytes = BASE64.decode(encoded).ok()?;
            let (algorithm, public) = bytes.split_first()?;
            let key = Self {
                name: name.into(),
                public: public.try_into().ok()?,
            };
            let valid = *algorithm == ED25519_ALGORITHM && is_key_name(name);
            (valid && id == hex(&key.id())).then_some(key)
        };
        parse().ok_or(NoteError::VerifierKey)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519_ALGORITHM];
        bytes.extend_from_slice(&self.public);
        let (id, key) = (hex(&self.id()), BASE64.encode(bytes));
        write!(f, "{}+{id}+{key}", self.name)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl SigningKey ===

impl SigningKey {
    /// The key `encoded` (base64 of a 32-byte seed or of PKCS#8) under the name `name`.
    ///
    /// # Errors
    /// If it is no such key, or notes can't carry the name.
    pub fn parse(name: &str, encoded: &Secret) -> Result<Self, NoteError> {
        let bytes = BASE64
            .decode(encoded.expose().trim())
            .map_err(|_| NoteError::PrivateKey)?;
        let pair = if bytes.len() == KEY_BYTES {
            Ed25519KeyPair::from_seed_unchecked(&bytes)
        } else {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes)
        };
        Self::new(name, pair.map_err(|_| NoteError::PrivateKey)?)
    }

    /// A fresh key, and its seed in base64 for keeping.
    ///
    /// # Errors
    /// If the random source fails, or notes can't carry the name.
    pub fn generate(name: &str) -> Result<(Self, Secret), NoteError> {
        let mut seed = [0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut seed).map_err(|_| NoteError::Random)?;
        let encoded = Secret::new(BASE64.encode(seed));
        Ok((Self::parse(name, &encoded)?, encoded))
    }

    fn new(name: &str, pair: Ed25519KeyPair) -> Result<Self, NoteError> {
        let public = pair.public_key().as_ref().try_into();
        let verifier = VerifierKey {
            name: name.into(),
            public: public.map_err(|_| NoteError::PrivateKey)?,
        };
        if !is_key_name(name) {
            return Err(NoteError::Name);
        }
        let pair = Arc::new(pair);
        Ok(Self { pair, verifier })
    }

    /// The public half.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs `text`, which must end in a newline.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let mut bytes = self.verifier.id().to_vec();
        bytes.extend_from_slice(signature.as_ref());
        let (name, encoded) = (&self.verifier.name, BASE64.encode(bytes));
        format!("{text}\n— {name} {encoded}\n")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the note format's documentation (golang.org/x/mod/sumdb/note).
    const VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SEED_WITH_ALGORITHM: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\
        \n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn the_published_example_verifies_and_is_signed_alike() {
        let key: VerifierKey = VERIFIER.parse().unwrap();
        assert_eq!(key.open(NOTE), Ok(TEXT));
        assert_eq!(key.to_string(), VERIFIER);
        let seed = BASE64.decode(SEED_WITH_ALGORITHM).unwrap()[1..].to_vec();
        let signer = SigningKey::parse("PeterNeumann", &Secret::new(BASE64.encode(seed))).unwrap();
        assert_eq!(signer.verifier(), &key);
        assert_eq!(signer.sign(TEXT), NOTE);
    }

    #[test]
    fn seed_and_pkcs8_give_the_same_key() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let pkcs8 = BASE64.encode(pair.to_pkcs8().unwrap().as_ref());
        let pkcs8_v1 = BASE64.encode(pair.to_pkcs8v1().unwrap().as_ref());
        let keys: Vec<_> = [pkcs8, pkcs8_v1]
            .into_iter()
            .map(|encoded| SigningKey::parse("log", &Secret::new(encoded)).unwrap())
            .collect();
        assert_eq!(keys[0].verifier(), keys[1].verifier());
        assert_eq!(keys[0].sign("a\n"), keys[1].sign("a\n"));
    }

    #[test]
    fn anything_else_is_refused() {
        let key: VerifierKey = VERIFIER.parse().unwrap();
        let (other, _) = SigningKey::generate("PeterNeumann").unwrap();
        assert_eq!(
            key.open(&other.sign(TEXT)),
            Err(NoteError::Unsigned("PeterNeumann".into()))
        );
        assert_eq!(
            key.open(&NOTE.replace("think", "thinK")),
            Err(NoteError::BadSignature("PeterNeumann".into()))
        );
        for broken in [
            "",
            TEXT,
            NOTE.trim_end(),
            &NOTE.replace("— ", "- "),
            &NOTE.replace('I', "\t"),
            &NOTE.replace("x08go", "x08g"),
        ] {
            assert_eq!(key.open(broken), Err(NoteError::Malformed), "{broken}");
        }
        for name in ["", "a b", "a+b", "a\nb", &"x".repeat(101)] {
            assert_eq!(SigningKey::generate(name).err(), Some(NoteError::Name));
        }
        assert!(SigningKey::generate(&"x".repeat(100)).is_ok());
        for text in [
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc",
            "PeterNeumann",
        ] {
            assert_eq!(text.parse::<VerifierKey>(), Err(NoteError::VerifierKey));
        }
    }
}
