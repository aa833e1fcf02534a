//! Leet: digits and signs that stand for letters.
//!
//! The text is only read that way if a word of it unfolds to an attack word (`1gn0r3`).

use super::vocabulary::{is_attack, is_known};
use super::{Collector, Encoding};

/// Bytes that are examined at once.
const BLOCK_BYTES: usize = 32;

/// Unfolds leet in `text`, the canonical form of an original of `length` bytes.
pub(super) fn find(text: &str, length: usize, found: &mut Collector) {
    if !may_hold_leet(text.as_bytes()) {
        return;
    }
    let mut out = String::new();
    let mut done = 0;
    let mut worth_it = false;
    for word in words(text) {
        let Some(plain) = unfold(word) else { continue };
        worth_it |= is_attack(&plain);
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(&plain);
        done = at + word.len();
    }
    if worth_it {
        out.push_str(text.get(done..).unwrap_or_default());
        found.add(Encoding::Leet, out, 0..length);
    }
}

/// Whether a sign for a letter stands next to a letter anywhere.
fn may_hold_leet(bytes: &[u8]) -> bool {
    let pair = |a: u8, b: u8| {
        (a.is_ascii_lowercase() & is_sign(b)) | (is_sign(a) & b.is_ascii_lowercase())
    };
    let mut at = 0;
    while let Some(window) = bytes.get(at..bytes.len().min(at + BLOCK_BYTES + 1)) {
        if window.len() < 2 {
            return false;
        }
        let pairs = window.iter().zip(window.iter().skip(1));
        if pairs.fold(false, |any, (&a, &b)| any | pair(a, b)) {
            return true;
        }
        at += BLOCK_BYTES;
    }
    false
}

const fn is_sign(byte: u8) -> bool {
    byte.is_ascii_digit() | matches!(byte, b'@' | b'$' | b'!' | b'|' | b'+')
}

/// The words of `text` that hold a sign, with the signs in them but without those around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || is_sign(*byte);
    let mut done = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(done..)?;
        let sign = done + rest.iter().position(|&byte| is_sign(byte))?;
        let before = bytes.get(done..sign)?.iter().rev();
        let after = bytes.get(sign..)?.iter();
        let start = sign - before.take_while(|byte| is_part(byte)).count();
        done = sign + after.take_while(|byte| is_part(byte)).count();
        let word = text.get(start..done)?;
        Some(word.trim_matches(['!', '|', '+']))
    })
}

/// The word that `word` is leet for; `None` if it does not mix letters and signs.
fn unfold(word: &str) -> Option<String> {
    let mixed = word.bytes().any(is_sign) && word.bytes().any(|byte| byte.is_ascii_lowercase());
    if !mixed {
        return None;
    }
    let read = |one: char| -> String { word.chars().map(|c| letter(c, one)).collect() };
    let plain = read('i');
    // A `1` stands for either letter; the list of words decides.
    let other = read('l');
    Some(if !is_known(&plain) && is_known(&other) {
        other
    } else {
        plain
    })
}

const fn letter(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '|' => one,
        '!' => 'i',
        '2' => 'z',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '9' => 'g',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    }
}
