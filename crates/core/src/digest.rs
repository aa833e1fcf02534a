//! Keyed digests: how a text can be named in a log or a cache without being told.

use std::fmt;

use aws_lc_rs::{error::Unspecified, hmac, rand};

/// The key of a process's digests; never leaves the process.
#[derive(Clone)]
pub struct DigestKey(hmac::Key);

/// HMAC-SHA-256 of a text, cut to 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextDigest([u8; 16]);

/// A [`TextDigest`] in the making, of a text that arrives in pieces.
#[derive(Clone)]
pub struct PieceDigest(hmac::Context);

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
        TextDigest::of(&context.sign())
    }

    /// Starts the digest of a text that arrives in pieces; `label` keeps kinds of text apart.
    #[must_use]
    pub fn pieces(&self, label: &[u8]) -> PieceDigest {
        let mut context = hmac::Context::with_key(&self.0);
        // No whole-text digest starts with this length, so the two never meet.
        context.update(&usize::MAX.to_le_bytes());
        context.update(&label.len().to_le_bytes());
        context.update(label);
        PieceDigest(context)
    }
}

impl TextDigest {
    fn of(tag: &hmac::Tag) -> Self {
        let mut out = [0_u8; 16];
        for (to, from) in out.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Self(out)
    }
}

impl PieceDigest {
    /// Adds the next piece; where the text is cut makes no difference.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> TextDigest {
        TextDigest::of(&self.0.sign())
    }
}

impl fmt::Debug for PieceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PieceDigest(…)")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_digest_the_same_however_they_are_cut() {
        let key = DigestKey::from_bytes(b"key");
        let digest = |pieces: &[&[u8]]| {
            let mut digest = key.pieces(b"jwt");
            pieces.iter().for_each(|piece| digest.update(piece));
            digest.finish()
        };
        assert_eq!(digest(&[b"abcdef"]), digest(&[b"ab", b"", b"cdef"]));
        assert_ne!(digest(&[b"abcdef"]), digest(&[b"abcdeg"]));
        assert_ne!(digest(&[b"abcdef"]), key.digest(&[b"jwt", b"abcdef"]));
    }
}
