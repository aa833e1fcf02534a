//! Letters apart (`i g n o r e`, `i-g-n-o-r-e`) and words run together (`ignoreprevious`).
//!
//! Either way the letters are put together and cut into words anew, by the vocabulary of attacks.

use std::ops::Range;

use super::readable::runs;
use super::vocabulary::{WORDS, is_attack};
use super::{Collector, Encoding};

/// Single letters in a row, at least.
const APART_LETTERS_MIN: usize = 5;
/// Letters of words run together, at least.
const TOGETHER_LETTERS_MIN: usize = 14;
/// Words run together, at least.
const TOGETHER_WORDS_MIN: usize = 3;
/// Letters that are cut into words at a time; bounds the work on one run.
const PIECE_LETTERS: usize = 512;
/// Bytes that are examined at once.
const BLOCK_BYTES: usize = 32;

/// Finds such runs in `text`, the canonical form of an original of `length` bytes.
pub(super) fn find(text: &str, length: usize, found: &mut Collector) {
    let bytes = text.as_bytes();
    let apart = if may_be_apart(bytes) {
        apart(bytes)
    } else {
        Vec::new()
    };
    rewrite(text, &apart, length, found);
    let mut together = Vec::new();
    runs(
        bytes,
        TOGETHER_LETTERS_MIN,
        |byte| byte.is_ascii_lowercase(),
        |run| {
            let letters = text.get(run.clone()).unwrap_or_default();
            let cut = cut(letters);
            let whole = cut.unknown == 0 && cut.words.len() >= TOGETHER_WORDS_MIN;
            if whole && cut.words.iter().any(|word| is_attack(word)) {
                together.push(run);
            }
        },
    );
    rewrite(text, &together, length, found);
}

fn rewrite(text: &str, places: &[Range<usize>], length: usize, found: &mut Collector) {
    if places.is_empty() {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for place in places {
        out.push_str(text.get(done..place.start).unwrap_or_default());
        let run = text.get(place.clone()).unwrap_or_default();
        let letters: String = run.chars().filter(char::is_ascii_lowercase).collect();
        out.push_str(&cut(&letters).words.join(" "));
        done = place.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    found.add(Encoding::Spaced, out, 0..length);
}

const fn is_gap(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\n' | b'.' | b',' | b'-' | b'_' | b'*' | b'|' | b'/' | b'~' | b'+' | b'\''
    )
}

/// Whether letter, gap, letter, gap, letter stand in a row anywhere.
fn may_be_apart(bytes: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase();
    bytes.chunks(BLOCK_BYTES).enumerate().any(|(index, _)| {
        let start = index * BLOCK_BYTES;
        let end = bytes.len().min(start + BLOCK_BYTES + 4);
        let window = bytes.get(start..end).unwrap_or_default();
        let shifted = |by| window.get(by..).unwrap_or_default().iter();
        let rows = shifted(0)
            .zip(shifted(1))
            .zip(shifted(2))
            .zip(shifted(3))
            .zip(shifted(4));
        rows.fold(false, |any, ((((a, b), c), d), e)| {
            any | (letter(a) & is_gap(*b) & letter(c) & is_gap(*d) & letter(e))
        })
    })
}

/// Runs of single letters with a gap between each two.
fn apart(bytes: &[u8]) -> Vec<Range<usize>> {
    let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
    let is_gap = |at: usize| bytes.get(at).is_some_and(|&byte| is_gap(byte));
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begins = is_letter(at) && (at == 0 || !is_letter(at - 1));
        let mut end = at;
        while begins && is_gap(end + 1) && is_letter(end + 2) && !is_letter(end + 3) {
            end += 2;
        }
        if end / 2 + 1 >= at / 2 + APART_LETTERS_MIN {
            found.push(at..end + 1);
        }
        at = end + 1;
    }
    found
}

struct Cut<'t> {
    words: Vec<&'t str>,
    /// Letters that belong to no known word.
    unknown: usize,
}

/// Cuts letters into known words, leaving as few letters over as can be.
fn cut(letters: &str) -> Cut<'_> {
    let mut whole = Cut {
        words: Vec::new(),
        unknown: 0,
    };
    let mut rest = letters;
    while !rest.is_empty() {
        let end = PIECE_LETTERS.min(rest.len());
        let (piece, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        cut_piece(piece, &mut whole);
        rest = after;
    }
    whole
}

fn cut_piece<'t>(piece: &'t str, whole: &mut Cut<'t>) {
    // For each place: letters left over and words used up to there, and where the last word began.
    let mut best = vec![(0, 0, 0); piece.len() + 1];
    let hits = WORDS
        .iter()
        .flat_map(|words| words.find_overlapping_iter(piece));
    let mut hits = hits.map(|hit| hit.range()).peekable();
    for end in 1..=piece.len() {
        let one_more = |at: usize| best.get(at).copied().unwrap_or_default();
        let (unknown, words, _) = one_more(end - 1);
        let mut cheapest = (unknown + 1, words, end - 1);
        while let Some(word) = hits.next_if(|word| word.end <= end) {
            let (unknown, words, _) = one_more(word.start);
            cheapest = cheapest.min((unknown, words + 1, word.start));
        }
        if let Some(place) = best.get_mut(end) {
            *place = cheapest;
        }
    }
    whole.unknown += best.last().map_or(0, |&(unknown, ..)| unknown);
    let mut words = Vec::new();
    let mut end = piece.len();
    // Letters that are left over stay together as one word.
    let mut loose_end = end;
    while end > 0 {
        let (unknown, _, start) = best.get(end).copied().unwrap_or_default();
        let before = best.get(start).map_or(0, |&(before, ..)| before);
        if unknown == before {
            words.extend(piece.get(end..loose_end).filter(|loose| !loose.is_empty()));
            words.extend(piece.get(start..end));
            loose_end = start;
        }
        end = start;
    }
    words.extend(piece.get(..loose_end).filter(|loose| !loose.is_empty()));
    whole.words.extend(words.into_iter().rev());
}
