//! What the decoders share: finding runs of characters, and telling text from noise.

use std::ops::Range;

/// The shortest readable stretch at the beginning of decoded bytes, in bytes.
const FIRST_STRETCH_MIN: usize = 8;
/// The shortest readable stretch after noise, in bytes: noise holds shorter ones by chance.
const STRETCH_MIN: usize = 20;
/// Of 100 characters of text, how many are letters, digits or blanks at least.
const WORDLIKE_PERCENT_MIN: usize = 70;

/// Calls `each` for every longest run of at least `min` bytes that are `member`s.
///
/// Only every `min`-th byte is looked at where there is no run: one in any run is among them.
pub(super) fn runs(
    bytes: &[u8],
    min: usize,
    member: impl Fn(u8) -> bool,
    mut each: impl FnMut(Range<usize>),
) {
    let mut done = 0;
    let mut probe = min.saturating_sub(1);
    while let Some(&byte) = bytes.get(probe) {
        if !member(byte) {
            done = probe + 1;
            probe += min;
            continue;
        }
        let before = bytes.get(done..probe).unwrap_or_default();
        let after = bytes.get(probe..).unwrap_or_default();
        let start = probe - before.iter().rev().take_while(|&&b| member(b)).count();
        let end = probe + after.iter().take_while(|&&b| member(b)).count();
        if end - start >= min {
            each(start..end);
        }
        // The byte at `end` is no member.
        done = end + 1;
        probe = end + min;
    }
}

/// The readable stretches of decoded bytes: UTF-8 without control characters, mostly words.
pub(super) fn stretches(bytes: &[u8], mut each: impl FnMut(String)) {
    let narrow = narrow(bytes);
    let bytes = narrow.as_deref().unwrap_or(bytes);
    let mut first = true;
    for chunk in bytes.utf8_chunks() {
        let noise = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        for piece in chunk.valid().split(noise) {
            let min = if first {
                FIRST_STRETCH_MIN
            } else {
                STRETCH_MIN
            };
            if piece.len() >= min && wordlike(piece) {
                each(piece.to_owned());
            }
            first = false;
        }
    }
}

/// UTF-16 of ASCII text without its zero bytes.
fn narrow(bytes: &[u8]) -> Option<Vec<u8>> {
    let zeros = bytes.iter().filter(|&&byte| byte == 0).count();
    let is_utf16 = zeros * 5 >= bytes.len() * 2 && zeros * 5 <= bytes.len() * 3;
    is_utf16.then(|| bytes.iter().copied().filter(|&byte| byte != 0).collect())
}

fn wordlike(text: &str) -> bool {
    let (words, all) = text.chars().fold((0, 0), |(words, all), c| {
        (
            words + usize::from(c.is_alphanumeric() || c.is_whitespace()),
            all + 1,
        )
    });
    words * 100 >= all * WORDLIKE_PERCENT_MIN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(bytes: &[u8], min: usize) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        runs(bytes, min, |byte| byte == b'a', |range| all.push(range));
        all
    }

    #[test]
    fn a_run_counts_from_its_minimum() {
        assert!(found(b"aaa", 4).is_empty());
        assert_eq!(found(b"aaaa", 4), vec![0..4]);
        assert_eq!(found(b"-aaaaa-aaa-aaaa", 4), [1..6, 11..15]);
    }

    #[test]
    fn noise_is_told_from_text() {
        let read = |bytes: &[u8]| {
            let mut all = Vec::new();
            stretches(bytes, |text| all.push(text));
            all
        };
        assert_eq!(read(b"read this\xff"), ["read this"]);
        assert_eq!(read(b"\xff\x01read this"), [""; 0]);
        assert_eq!(
            read(b"\xffread this, it is long enough"),
            ["read this, it is long enough"]
        );
        assert_eq!(read(b"r\0e\0a\0d\0 \0t\0h\0i\0s\0"), ["read this"]);
        assert_eq!(read(b"#!?<>{}[]()%$"), [""; 0]);
    }

    proptest! {
        #[test]
        fn every_run_is_found(text in "[ab]{0,60}", min in 1_usize..8) {
            let bytes = text.as_bytes();
            let mut expected = Vec::new();
            let mut at = 0;
            for piece in text.split('b') {
                if piece.len() >= min {
                    expected.push(at..at + piece.len());
                }
                at += piece.len() + 1;
            }
            prop_assert_eq!(found(bytes, min), expected);
        }
    }
}
