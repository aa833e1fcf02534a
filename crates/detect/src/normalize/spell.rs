//! The character pass: NFKC with everything dropped, unified and lower-cased that would give one
//! word two spellings.
//!
//! The text is cut into clusters: a character with whatever follows it that can change with it
//! (marks, conjoining letters, invisible characters). Each cluster is rewritten by itself, which
//! gives the same text as rewriting the whole, and tells which bytes stand for which.

use smallvec::SmallVec;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use super::ascii;
use super::chars::{self, Blank, Script};
use super::fold::{Lookalike, lookalike};
use super::map::{OffsetMap, Rewriter};

/// The outcome of the pass.
#[derive(Debug)]
pub(super) struct Spelling {
    pub(super) text: String,
    pub(super) map: OffsetMap,
    /// Letters of `text` that could be ASCII letters in disguise, in rising order.
    pub(super) lookalikes: Vec<Lookalike>,
}

struct Speller {
    out: Rewriter,
    lookalikes: Vec<Lookalike>,
    /// The last character that was written takes no marks (Latin, Greek, Cyrillic, none).
    bare: bool,
    /// The characters of the cluster at hand.
    cluster: SmallVec<[Glyph; 16]>,
}

/// A character to be written, and the ASCII letter that it may be meant as.
#[derive(Clone, Copy)]
struct Glyph {
    c: char,
    letter: Option<u8>,
}

/// Rewrites `text`.
pub(super) fn spell(text: &str) -> Spelling {
    let mut speller = Speller {
        out: Rewriter::with_capacity(text.len()),
        lookalikes: Vec::new(),
        bare: true,
        cluster: SmallVec::new(),
    };
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let run = ascii::plain_prefix(rest.as_bytes(), speller.after_blank());
        at += match rest.get(..run).filter(|run| !run.is_empty()) {
            Some(run) => {
                speller.copy_ascii(at, run);
                run.len()
            }
            None => speller.rewrite(at, cluster(rest)),
        };
    }
    let (out, map) = speller.out.finish(text.len());
    Spelling {
        text: out,
        map,
        lookalikes: speller.lookalikes,
    }
}

/// The first cluster of `rest`.
fn cluster(rest: &str) -> &str {
    let mut chars = rest.char_indices();
    chars.next();
    let end = chars
        .find(|&(_, c)| !chars::continues(c))
        .map_or(rest.len(), |(at, _)| at);
    rest.get(..end).unwrap_or(rest)
}

// === impl Speller ===

impl Speller {
    fn after_blank(&self) -> bool {
        matches!(self.out.text.as_bytes().last(), Some(b' ' | b'\n'))
    }

    fn copy_ascii(&mut self, at: usize, run: &str) {
        self.out.copy_lower(at, run);
        self.bare = true;
    }

    /// Rewrites one cluster, which begins at `at`; gives its length.
    fn rewrite(&mut self, at: usize, cluster: &str) -> usize {
        let mut chars = cluster.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if chars::settled(c) => {
                self.out.copy(at, cluster);
                self.bare = false;
            }
            _ => self.respell(at, cluster),
        }
        cluster.len()
    }

    fn respell(&mut self, at: usize, cluster: &str) {
        self.cluster.clear();
        for c in cluster.chars().filter(|&c| !chars::dropped(c)) {
            if let Some(letter) = chars::drawn_letter(c) {
                self.glyph(letter, None);
                continue;
            }
            decompose_compatible(c, |part| self.part(part));
        }
        self.write(at, cluster);
    }

    /// One character of a compatibility decomposition.
    fn part(&mut self, part: char) {
        if chars::dropped(part) || chars::stacked_mark(part) {
            return;
        }
        if is_combining_mark(part) && self.bare {
            return;
        }
        // Looked up before the case is lost: `В` passes for `B`, `в` for nothing.
        let letter = lookalike(part);
        for lower in part.to_lowercase() {
            if !chars::stacked_mark(lower) {
                self.unify(lower, letter);
            }
        }
    }

    fn unify(&mut self, c: char, letter: Option<u8>) {
        if let Some(form) = chars::unified(c) {
            for c in form.chars() {
                self.glyph(c, lookalike(c));
            }
        } else if let Some(drawn) = chars::drawn_letter(c).or_else(|| chars::digit(c)) {
            self.glyph(drawn, None);
        } else {
            self.glyph(c, letter);
        }
    }

    fn glyph(&mut self, c: char, letter: Option<u8>) {
        if !is_combining_mark(c) {
            self.bare = chars::script(c) != Script::Foreign || chars::blank(c).is_some();
        }
        self.cluster.push(Glyph { c, letter });
    }

    fn write(&mut self, at: usize, cluster: &str) {
        let glyphs = std::mem::take(&mut self.cluster);
        let composed: SmallVec<[Glyph; 16]> = if glyphs.iter().any(|glyph| glyph.letter.is_some()) {
            // Look-alikes keep no marks: there is nothing to compose.
            glyphs.iter().copied().collect()
        } else {
            let composed = glyphs.iter().map(|glyph| glyph.c).nfc();
            composed.map(|c| Glyph { c, letter: None }).collect()
        };
        let same = composed.iter().map(|glyph| glyph.c).eq(cluster.chars());
        if same && !cluster.chars().any(|c| chars::blank(c).is_some()) {
            self.note_lookalikes(&composed);
            self.out.copy(at, cluster);
        } else {
            self.out.replace(at);
            for glyph in &composed {
                self.note_lookalikes(std::slice::from_ref(glyph));
                self.push(glyph.c);
            }
        }
        self.cluster = glyphs;
    }

    /// Notes the look-alikes among `glyphs`, which are written next.
    fn note_lookalikes(&mut self, glyphs: &[Glyph]) {
        let mut at = self.out.text.len();
        for glyph in glyphs {
            if let Some(letter) = glyph.letter {
                self.lookalikes.push(Lookalike { at, letter });
            }
            at += glyph.c.len_utf8();
        }
    }

    fn push(&mut self, c: char) {
        let Some(blank) = chars::blank(c) else {
            self.out.text.push(c);
            return;
        };
        let line = blank == Blank::Line;
        if !self.after_blank() {
            self.out.text.push(if line { '\n' } else { ' ' });
        } else if line && self.out.text.ends_with(' ') {
            // The run holds a line break after all.
            self.out.text.pop();
            self.out.text.push('\n');
        }
    }
}
