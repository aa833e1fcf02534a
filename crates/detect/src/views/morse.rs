//! Morse code: dots and dashes, letters apart by a blank, words by a slash or bar.

use crate::normalize::Normalized;

use super::readable::runs;
use super::{Collector, Encoding};

/// The shortest run that is decoded, in characters.
const RUN_CHARS_MIN: usize = 24;
/// Letters and digits, at least.
const LETTERS_MIN: usize = 8;

const CODE: [(&str, char); 36] = [
    (".-", 'a'),
    ("-...", 'b'),
    ("-.-.", 'c'),
    ("-..", 'd'),
    (".", 'e'),
    ("..-.", 'f'),
    ("--.", 'g'),
    ("....", 'h'),
    ("..", 'i'),
    (".---", 'j'),
    ("-.-", 'k'),
    (".-..", 'l'),
    ("--", 'm'),
    ("-.", 'n'),
    ("---", 'o'),
    (".--.", 'p'),
    ("--.-", 'q'),
    (".-.", 'r'),
    ("...", 's'),
    ("-", 't'),
    ("..-", 'u'),
    ("...-", 'v'),
    (".--", 'w'),
    ("-..-", 'x'),
    ("-.--", 'y'),
    ("--..", 'z'),
    ("-----", '0'),
    (".----", '1'),
    ("..---", '2'),
    ("...--", '3'),
    ("....-", '4'),
    (".....", '5'),
    ("-....", '6'),
    ("--...", '7'),
    ("---..", '8'),
    ("----.", '9'),
];

/// Finds Morse code in a normalised text.
pub(super) fn find(normalized: &Normalized<'_>, found: &mut Collector) {
    let text = &*normalized.text;
    let member = |byte: u8| matches!(byte, b'.' | b'-' | b' ' | b'/' | b'|' | b'\n');
    runs(text.as_bytes(), RUN_CHARS_MIN, member, |range| {
        let run = text.get(range.clone()).unwrap_or_default();
        let decoded = decode(run);
        if decoded.chars().filter(|c| c.is_alphanumeric()).count() >= LETTERS_MIN {
            found.add(Encoding::Morse, decoded, normalized.original(range));
        }
    });
}

/// The letters of a run; codes that do not exist are left out.
fn decode(run: &str) -> String {
    let words = run.split(['/', '|', '\n']).map(|word| {
        let letter = |code: &str| {
            CODE.iter()
                .find(|(known, _)| *known == code)
                .map(|&(_, c)| c)
        };
        word.split(' ').filter_map(letter).collect::<String>()
    });
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
