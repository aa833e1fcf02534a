//! Decoded views: what an encoding hides, as text of its own.
//!
//! A model reads base64, reversed words and tag characters without being told to; a rule does not.
//! For each text a bounded set of views is made, each behind a cheap gate, so that clean prose
//! costs a few linear passes and no view:
//!
//! | encoding | gate |
//! |---|---|
//! | base64, standard and URL-safe, line-wrapped, any alignment | a run of 16 characters that decodes to readable text |
//! | hexadecimal, binary and decimal character codes, joined or separated | 8 codes or more that decode to readable text |
//! | percent-encoding | 3 triplets in one word |
//! | HTML entities, `\u`, `\x` and `U+` escapes | one that stands for an ASCII character |
//! | Caesar shifts (rot13 and the others), atbash, reversed text | an attack word in transformed form |
//! | leet | a word that unfolds to an attack word |
//! | spaced-out and run-together letters | 5 single letters; 3 attack words without a gap |
//! | pictures inside words | 3 of them |
//! | tag characters, variation selectors (ASCII smuggling) | their presence |
//! | Morse | 24 characters of dots, dashes and blanks |
//!
//! Views of decoded bytes are searched for views once more ([`DEPTH_MAX`]). Limits: [`VIEWS_MAX`]
//! and [`VIEW_BYTES_MAX`]; where they cut something off, [`Prepared::truncated`] says so and the
//! caller decides (it should not call such a text safe).
//!
//! **Not caught:** encryption, compression, ciphers with a key, payloads split over several
//! strings, base64 broken by spaces within a line, letters spaced out in other scripts than Latin.

mod base64;
mod escapes;
mod hidden;
mod leet;
mod letters;
mod morse;
mod numbers;
mod pictures;
mod readable;
mod spacing;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::ops::Range;

use crate::normalize::{Normalized, normalize};

/// How often decoded text is decoded again.
pub const DEPTH_MAX: usize = 2;
/// Views of one text.
pub const VIEWS_MAX: usize = 64;
/// Bytes of all views of one text together.
pub const VIEW_BYTES_MAX: usize = 2 << 20;

/// How a view was hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Base64, standard or URL-safe alphabet.
    Base64,
    /// Hexadecimal character codes.
    Hex,
    /// Binary character codes.
    Binary,
    /// Decimal character codes.
    Decimal,
    /// Percent-encoding.
    Url,
    /// HTML entities.
    Html,
    /// `\u0041`, `\x41`, `U+0041`.
    Escape,
    /// Letters moved along the alphabet (rot13 and the other shifts).
    Caesar,
    /// The alphabet turned round.
    Atbash,
    /// Text or words written backwards.
    Reversed,
    /// Digits and signs for letters.
    Leet,
    /// Letters apart, words run together, or pictures inside words.
    Spaced,
    /// Unicode tag characters.
    Tags,
    /// Bytes as variation selectors.
    Selectors,
    /// Morse code.
    Morse,
}

/// A decoded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// How it was hidden; of nested encodings the innermost.
    pub encoding: Encoding,
    /// The decoded text, not normalised.
    pub text: String,
    /// The bytes of the original it was decoded from.
    pub origin: Range<usize>,
}

/// A text made ready for the checks: normalised and decoded once, for all of them.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    /// As received.
    pub original: &'a str,
    /// In canonical form.
    pub normalized: Normalized<'a>,
    /// Its decoded views.
    pub views: Vec<View>,
    /// A limit cut views off: there may be more in the text than was seen.
    pub truncated: bool,
}

/// The decoded views of `text`.
#[must_use]
pub fn views(text: &str) -> Vec<View> {
    Prepared::new(text).views
}

/// Gathers views within the limits.
#[derive(Debug)]
struct Collector {
    views: Vec<View>,
    bytes_left: usize,
    truncated: bool,
    /// Where the text being decoded stands in the original, when it is a view itself.
    within: Option<Range<usize>>,
}

// === impl Encoding ===

impl Encoding {
    /// The name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Binary => "binary",
            Self::Decimal => "decimal",
            Self::Url => "url",
            Self::Html => "html",
            Self::Escape => "escape",
            Self::Caesar => "caesar",
            Self::Atbash => "atbash",
            Self::Reversed => "reversed",
            Self::Leet => "leet",
            Self::Spaced => "spaced",
            Self::Tags => "tags",
            Self::Selectors => "selectors",
            Self::Morse => "morse",
        }
    }

    /// Whether the view is new text, which may hide more, and not the same text read differently.
    const fn may_nest(self) -> bool {
        match self {
            Self::Base64
            | Self::Hex
            | Self::Binary
            | Self::Decimal
            | Self::Url
            | Self::Html
            | Self::Escape
            | Self::Tags
            | Self::Selectors => true,
            Self::Caesar
            | Self::Atbash
            | Self::Reversed
            | Self::Leet
            | Self::Spaced
            | Self::Morse => false,
        }
    }
}

// === impl Prepared ===

impl<'a> Prepared<'a> {
    /// Normalises and decodes `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let normalized = normalize(text);
        let mut found = Collector {
            views: Vec::new(),
            bytes_left: VIEW_BYTES_MAX,
            truncated: false,
            within: None,
        };
        found.decode(text, &normalized);
        let mut first = 0;
        for _ in 1..DEPTH_MAX {
            let last = found.views.len();
            found.decode_views(first..last);
            first = last;
        }
        Self {
            original: text,
            normalized,
            views: found.views,
            truncated: found.truncated,
        }
    }
}

// === impl Collector ===

impl Collector {
    fn decode(&mut self, text: &str, normalized: &Normalized<'_>) {
        base64::find(text, self);
        numbers::find(text, self);
        escapes::find(text, self);
        hidden::find(text, self);
        letters::find(&normalized.text, text.len(), self);
        leet::find(&normalized.text, text.len(), self);
        spacing::find(&normalized.text, text.len(), self);
        pictures::find(&normalized.text, text.len(), self);
        morse::find(normalized, self);
    }

    fn decode_views(&mut self, views: Range<usize>) {
        for index in views {
            let Some(view) = self
                .views
                .get(index)
                .filter(|view| view.encoding.may_nest())
            else {
                continue;
            };
            let text = view.text.clone();
            self.within = Some(view.origin.clone());
            self.decode(&text, &normalize(&text));
        }
        self.within = None;
    }

    /// Takes a view, unless a limit is reached.
    fn add(&mut self, encoding: Encoding, text: String, origin: Range<usize>) {
        if text.is_empty() {
            return;
        }
        if self.views.len() >= VIEWS_MAX || text.len() > self.bytes_left {
            self.truncated = true;
            return;
        }
        self.bytes_left -= text.len();
        let origin = self.within.clone().unwrap_or(origin);
        self.views.push(View {
            encoding,
            text,
            origin,
        });
    }
}
