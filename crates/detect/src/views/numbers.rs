//! Character codes: hexadecimal, binary, decimal; joined or separated.

use std::ops::Range;

use super::readable::{runs, stretches};
use super::{Collector, Encoding};

/// Joined hexadecimal digits, at least (8 bytes of text).
const HEX_DIGITS_MIN: usize = 16;
/// Joined binary digits, at least (8 bytes of text).
const BITS_MIN: usize = 64;
/// A separated run, in characters, at least.
const SEPARATED_CHARS_MIN: usize = 16;
/// Separated codes, at least.
const CODES_MIN: usize = 8;
/// The bits of a character.
const BITS: usize = 8;

/// Finds character codes in `text`.
pub(super) fn find(text: &str, found: &mut Collector) {
    let bytes = text.as_bytes();
    runs(
        bytes,
        HEX_DIGITS_MIN,
        |byte| byte.is_ascii_hexdigit(),
        |range| {
            let digits = bytes.get(range.clone()).unwrap_or_default();
            if digits.len() >= BITS_MIN && digits.iter().all(|&byte| is_bit(byte)) {
                add(Encoding::Binary, &codes(digits, BITS, 2), &range, found);
            } else {
                add(Encoding::Hex, &codes(digits, 2, 16), &range, found);
            }
        },
    );
    runs(
        bytes,
        SEPARATED_CHARS_MIN,
        |byte| byte.is_ascii_hexdigit() || is_between(byte),
        |range| {
            let run = text.get(range.clone()).unwrap_or_default();
            separated(run, &range, found);
        },
    );
}

const fn is_bit(byte: u8) -> bool {
    matches!(byte, b'0' | b'1')
}

/// What stands between codes, prefixes included.
const fn is_between(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\n' | b'\t' | b',' | b':' | b';' | b'-' | b'\\' | b'x' | b'X'
    )
}

fn add(encoding: Encoding, bytes: &[u8], origin: &Range<usize>, found: &mut Collector) {
    stretches(bytes, |text| found.add(encoding, text, origin.clone()));
}

/// Joined codes of `width` digits each.
fn codes(digits: &[u8], width: usize, radix: u32) -> Vec<u8> {
    let value = |code: &[u8]| u8::from_str_radix(std::str::from_utf8(code).ok()?, radix).ok();
    digits.chunks_exact(width).filter_map(value).collect()
}

fn separated(run: &str, origin: &Range<usize>, found: &mut Collector) {
    let ways = [
        (Encoding::Hex, 2..=2, 16),
        (Encoding::Binary, 7..=8, 2),
        (Encoding::Decimal, 2..=3, 10),
    ];
    for (encoding, widths, radix) in ways {
        let mut bytes = Vec::new();
        let tokens = run.split(|c: char| !c.is_ascii_hexdigit() && c != 'x' && c != 'X');
        // An empty token at the end closes the last sequence.
        for token in tokens.filter(|token| !token.is_empty()).chain([""]) {
            let code = token
                .strip_prefix("0x")
                .or_else(|| token.strip_prefix("0X"))
                .or_else(|| token.strip_prefix(['x', 'X']))
                .unwrap_or(token);
            match u8::from_str_radix(code, radix)
                .ok()
                .filter(|_| widths.contains(&code.len()))
            {
                Some(byte) => bytes.push(byte),
                None => {
                    if bytes.len() >= CODES_MIN {
                        add(encoding, &bytes, origin, found);
                    }
                    bytes.clear();
                }
            }
        }
    }
}
