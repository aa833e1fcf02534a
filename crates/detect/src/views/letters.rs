//! Letters exchanged or turned round: Caesar shifts, atbash, reversed text.
//!
//! One automaton knows the longer attack words under every such transformation; where one of them
//! stands in the text, the text is read that way.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::vocabulary::{self, ATTACK};
use super::{Collector, Encoding};

/// The letters of the alphabet.
const LETTERS: u8 = 26;
/// The shift that people use.
const ROT13: u8 = 13;
/// The shortest word that opens the gate to rot13, atbash and reversed text, in letters.
const WORD_LETTERS_MIN: usize = 6;
/// The shortest word that opens the gate to the other 24 shifts.
const RARE_WORD_LETTERS_MIN: usize = 8;

/// A way to read the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Every letter moved on by so many.
    Shift(u8),
    Atbash,
    Reversed,
}

struct Gate {
    automaton: AhoCorasick,
    /// The reading that each of its words is proof of.
    readings: Vec<Reading>,
}

/// Finds such readings of `text`, the canonical form of an original of `length` bytes.
pub(super) fn find(text: &str, length: usize, found: &mut Collector) {
    static GATE: LazyLock<Option<Gate>> = LazyLock::new(gate);
    let Some(gate) = &*GATE else { return };
    let mut seen = Vec::new();
    for hit in gate.automaton.find_iter(text) {
        let Some(&reading) = gate.readings.get(hit.pattern().as_usize()) else {
            continue;
        };
        if seen.contains(&reading) {
            continue;
        }
        seen.push(reading);
        let mut add = |encoding, text| found.add(encoding, text, 0..length);
        match reading {
            Reading::Shift(by) => add(Encoding::Caesar, shifted(text, LETTERS - by)),
            Reading::Atbash => add(Encoding::Atbash, mirrored(text)),
            Reading::Reversed => {
                add(Encoding::Reversed, text.chars().rev().collect());
                add(Encoding::Reversed, words_reversed(text));
            }
        }
    }
}

fn gate() -> Option<Gate> {
    let mut words = Vec::new();
    let mut readings = Vec::new();
    for word in ATTACK.iter().filter(|word| word.len() >= WORD_LETTERS_MIN) {
        let shifts = (1..LETTERS).filter(|&by| by == ROT13 || word.len() >= RARE_WORD_LETTERS_MIN);
        for by in shifts {
            words.push(shifted(word, by));
            readings.push(Reading::Shift(by));
        }
        words.push(mirrored(word));
        readings.push(Reading::Atbash);
        words.push(word.chars().rev().collect());
        readings.push(Reading::Reversed);
    }
    let automaton = vocabulary::automaton(&words)?;
    Some(Gate {
        automaton,
        readings,
    })
}

fn shifted(text: &str, by: u8) -> String {
    letters(text, |index| (index + by) % LETTERS)
}

fn mirrored(text: &str) -> String {
    letters(text, |index| LETTERS - 1 - index)
}

fn letters(text: &str, change: impl Fn(u8) -> u8) -> String {
    let one = |c: char| match u8::try_from(c) {
        Ok(byte @ b'a'..=b'z') => char::from(change(byte - b'a') + b'a'),
        Ok(_) | Err(_) => c,
    };
    text.chars().map(one).collect()
}

/// `text` with the letters of each word turned round and the words in place.
fn words_reversed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let end = word
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(word.len());
        let (letters, rest) = word.split_at_checked(end).unwrap_or((word, ""));
        out.extend(letters.chars().rev());
        out.push_str(rest);
    }
    out
}
