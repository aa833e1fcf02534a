//! What becomes of a value: the actions, and how each is written.

use aegis_core::{DigestKey, TextDigest};

use super::detector::Canon;
use super::window::Window;

/// Letters of a keyed digest that a placeholder shows: 48 bits.
const HASH_SHOWN: usize = 12;

/// What becomes of the values of a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mask {
    /// The name stands in its place: `[EMAIL]`.
    Redact,
    /// Its letters and digits become `*`, but for the last ones; separators stay. A value that
    /// goes on in a tail, or that another value overlaps, gets its name instead.
    Mask {
        /// Letters and digits that stay visible at the end.
        keep_last: usize,
    },
    /// Its name and a keyed digest stand in its place; equal values get equal ones.
    Hash,
    /// The text stops before it.
    Block,
    /// It stays, and is reported.
    Flag,
}

/// `[EMAIL]`
pub(super) fn placeholder(name: &str) -> String {
    format!("[{}]", name.to_ascii_uppercase())
}

/// `[EMAIL:1a2b3c4d5e6f]`
pub(super) fn hashed(name: &str, digest: TextDigest) -> String {
    let digest = digest.to_string();
    let shown = digest.get(..HASH_SHOWN).unwrap_or_default();
    format!("[{}:{shown}]", name.to_ascii_uppercase())
}

/// The digest of a value of the kind `name`.
pub(super) fn digest(key: &DigestKey, name: &str, canon: Canon, value: &str) -> TextDigest {
    let canonical = match canon {
        Canon::Exact => return key.digest(&[name.as_bytes(), value.as_bytes()]),
        Canon::Lower => value.to_lowercase(),
        Canon::Compact => {
            let kept = value.chars().filter(|c| c.is_alphanumeric());
            kept.map(|c| c.to_ascii_uppercase()).collect()
        }
    };
    key.digest(&[name.as_bytes(), canonical.as_bytes()])
}

/// Writes the folded range `from..to` with asterisks for all but the last `keep` letters and
/// digits. What was left out in folding stays out; what was folded shows as it was written.
pub(super) fn stars(window: &Window<'_>, (from, to): (usize, usize), keep: usize) -> String {
    let text = window.folded(from, to);
    let marks = text.chars().filter(|c| c.is_alphanumeric()).count();
    let mut hidden = marks.saturating_sub(keep);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c.is_alphanumeric() && hidden > 0 {
            hidden -= 1;
            out.push('*');
        } else {
            let at = from + at;
            out.push_str(window.piece(window.start(at), window.end(at + c.len_utf8())));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_keep_separators_and_the_last_characters() {
        let starred = |text: &str, keep| {
            let window = Window::new(text, 0);
            stars(&window, (0, window.text.len()), keep)
        };
        assert_eq!(starred("4111 1111-1111 1234", 4), "**** ****-**** 1234");
        assert_eq!(starred("4111 1234", 0), "**** ****");
        assert_eq!(starred("12", 4), "12");
        assert_eq!(starred("jané@example.com", 3), "****@*******.com");
        assert_eq!(starred("٤١\u{200B}١١ １2", 2), "**** １2");
    }

    #[test]
    fn digests_of_one_value_are_equal_however_it_is_grouped() {
        let key = DigestKey::from_bytes(b"key");
        let of = |canon, value| digest(&key, "card", canon, value);
        assert_eq!(of(Canon::Compact, "41-1 a"), of(Canon::Compact, "411A"));
        assert_eq!(of(Canon::Lower, "A.b@X"), of(Canon::Lower, "a.B@x"));
        assert_ne!(of(Canon::Exact, "a b"), of(Canon::Exact, "ab"));
        assert_ne!(
            of(Canon::Exact, "a"),
            digest(&key, "iban", Canon::Exact, "a")
        );
        assert_eq!(
            hashed("card", of(Canon::Exact, "a")).len(),
            "[CARD:]".len() + HASH_SHOWN
        );
    }
}
