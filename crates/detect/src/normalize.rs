//! One canonical form of a text, with an offset map back to the original bytes.
//!
//! Rules are written once, for plain lower-case text; whoever writes an attack chooses how to
//! spell it. Normalisation takes the choice away:
//!
//! 1. **ASCII** (`ascii`): printable text is lower-cased in bulk; controls are dropped; a run of
//!    white space becomes one space, or one line feed where it holds a line break (forged turns
//!    are told by line starts).
//! 2. **Characters** (`spell`, `chars`): NFKC; invisible characters (zero-width, joiners, tags,
//!    variation selectors, bidi controls, soft hyphens, private use) are dropped; accents and
//!    stacked marks on Latin, Greek and Cyrillic letters, Hebrew points and Arabic harakat are
//!    dropped, marks that spell (Indic, kana) stay; digits of any script become ASCII; alef, yeh,
//!    kaf and teh marbuta each get one form; typographic quotes, dashes and bars become ASCII;
//!    letters become lower case.
//! 3. **Look-alikes** (`fold`): a letter whose UTS #39 skeleton is an ASCII letter is folded, but
//!    only in words that mix scripts or consist of look-alikes alone, so that genuine Cyrillic and
//!    Greek stay what they are. Arabic, Hebrew, Indic, CJK and other scripts are never folded.
//!
//! The result is a fixpoint: normalising it again changes nothing. Cost is linear; clean
//! lower-case ASCII is borrowed, clean ASCII is lower-cased in one pass without a map.
//!
//! **Not caught:** look-alikes that are no letters (`|` for `l`; digits for letters are a
//! [view](crate::views)), misspellings, words drawn as ASCII art, and look-alikes inside scripts
//! that are never folded. The form is for matching only: it is never sent on.

mod ascii;
mod chars;
mod fold;
mod map;
mod spell;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use map::OffsetMap;

/// A text in canonical form. Made by [`normalize`].
#[derive(Debug, Clone)]
pub struct Normalized<'a> {
    /// The canonical form; borrowed where the original already has it.
    pub text: Cow<'a, str>,
    source: &'a str,
    /// From the canonical form back, in that order; none where offsets are equal.
    maps: SmallVec<[OffsetMap; 2]>,
}

/// Brings `text` into canonical form.
#[must_use]
pub fn normalize(text: &str) -> Normalized<'_> {
    if ascii::is_plain(text.as_bytes()) {
        return Normalized {
            text: ascii::lower(text),
            source: text,
            maps: SmallVec::new(),
        };
    }
    let spelling = spell::spell(text);
    let mut maps = SmallVec::new();
    let canonical = match fold::fold(&spelling.text, &spelling.lookalikes) {
        Some((folded, map)) => {
            maps.push(map);
            Cow::Owned(folded)
        }
        None if spelling.text == text => Cow::Borrowed(text),
        None => Cow::Owned(spelling.text),
    };
    if matches!(canonical, Cow::Owned(_)) {
        maps.push(spelling.map);
    }
    Normalized {
        text: canonical,
        source: text,
        maps,
    }
}

// === impl Normalized ===

impl Normalized<'_> {
    /// The bytes of the original that `range` of the canonical form stands for, rounded outwards
    /// to whole characters. A range beyond the end is cut to the end.
    #[must_use]
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        let mut start = range.start.min(self.text.len());
        let mut end = range.end.clamp(start, self.text.len());
        for map in &self.maps {
            (start, end) = map.back(start, end);
        }
        let start = self.source.floor_char_boundary(start);
        start..self.source.ceil_char_boundary(end).max(start)
    }
}
