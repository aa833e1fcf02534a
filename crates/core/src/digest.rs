//! Keyed digests: how a text can be named in a log or a cache without being told.

use std::fmt;

use aws_lc_rs::{error::Unspecified, hmac, rand};

/// The key of a process's digests; never leaves the process.
#[derive(Clone)]
pub struct DigestKey(hmac::Key);

/// HMAC-SHA-256 of a text, cut to 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextDigest([u8; 16]);

impl DigestKey {
    /// A fresh random key.
    ///
    /// # Errors
    /// If the system's random source fails.
    pub fn random() -> Result<Self, Unspecified> {
        let mut bytes = [0_u8; 32];
        rand::fill(&mut bytes)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// The key with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The digest of `parts`; each part's length is bound in, so that moving a boundary changes it.
    #[must_use]
    pub fn digest(&self, parts: &[&[u8]]) -> TextDigest {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let tag = context.sign();
        let mut out = [0_u8; 16];
        for (to, from) in out.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        TextDigest(out)
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(…)")
    }
}

impl fmt::Display for TextDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TextDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
