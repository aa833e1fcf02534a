//! Fast passes over plain ASCII: printable characters with single white space between words.

use std::borrow::Cow;

/// Bytes that are examined at once; the compiler turns the inner loops into vector code.
const BLOCK_BYTES: usize = 32;

/// Whether a byte may stay: printable ASCII or a line feed.
const fn plain(byte: u8) -> bool {
    byte.wrapping_sub(b' ') < 0x5f || byte == b'\n'
}

/// Whether a plain byte is white space.
const fn blank(byte: u8) -> bool {
    byte <= b' '
}

/// Whether normalisation changes nothing in `bytes` but the case of letters.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    plain_prefix(bytes, false) == bytes.len()
}

/// Length of the longest prefix in which only the case of letters changes. After white space
/// (`after_blank`) it does not begin with white space.
pub(super) fn plain_prefix(bytes: &[u8], after_blank: bool) -> usize {
    match bytes.first() {
        Some(&first) if plain(first) && !(after_blank && blank(first)) => {}
        Some(_) | None => return 0,
    }
    let mut at = 0;
    // One byte more than a block, so that white space is also seen across the block's end.
    while let Some(window) = bytes.get(at..at + BLOCK_BYTES + 1) {
        if !window_is_plain(window) {
            break;
        }
        at += BLOCK_BYTES;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let mut before_blank = false;
    let kept = rest
        .iter()
        .take_while(|&&byte| {
            let stays = plain(byte) && !(before_blank && blank(byte));
            before_blank = blank(byte);
            stays
        })
        .count();
    at + kept
}

fn window_is_plain(window: &[u8]) -> bool {
    let odd = window.iter().fold(false, |odd, &byte| odd | !plain(byte));
    let pairs = window.iter().zip(window.iter().skip(1));
    let doubled = pairs.fold(false, |doubled, (&a, &b)| doubled | (blank(a) & blank(b)));
    !(odd | doubled)
}

/// Lower-cases `text`, which is ASCII.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    let has_upper = text.as_bytes().chunks(BLOCK_BYTES * 32).any(|chunk| {
        chunk
            .iter()
            .fold(false, |upper, byte| upper | byte.is_ascii_uppercase())
    });
    if has_upper {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, byte by byte.
    fn slow(bytes: &[u8], after_blank: bool) -> usize {
        let mut before = after_blank;
        for (at, &byte) in bytes.iter().enumerate() {
            if !plain(byte) || (before && blank(byte)) {
                return at;
            }
            before = blank(byte);
        }
        bytes.len()
    }

    #[test]
    fn a_flaw_is_found_at_every_place_around_a_block() {
        for length in 0..=100 {
            let clean: Vec<u8> = b"ab c".iter().copied().cycle().take(length).collect();
            assert_eq!(plain_prefix(&clean, false), length);
            for at in 0..length {
                for flaw in [0, 0x1f, 0x7f, 0x80, 0xff, b' ', b'\n', b'\t'] {
                    let mut bytes = clean.clone();
                    bytes[at] = flaw;
                    for after_blank in [false, true] {
                        assert_eq!(plain_prefix(&bytes, after_blank), slow(&bytes, after_blank));
                    }
                }
            }
        }
    }

    #[test]
    fn case_is_the_only_change() {
        assert!(matches!(lower("plain text"), Cow::Borrowed(_)));
        assert_eq!(lower("Plain TEXT"), "plain text");
    }
}
