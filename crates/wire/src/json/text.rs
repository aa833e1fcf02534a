//! String literals: decoding what the parser has checked, and encoding.

use memchr::memchr;

/// The smallest high and low surrogates, and the first code unit after them.
pub(super) const HIGH: u16 = 0xD800;
pub(super) const LOW: u16 = 0xDC00;
pub(super) const AFTER: u16 = 0xE000;

/// The code unit of the four hexadecimal digits at the start of `text`.
pub(super) fn unit(text: &str) -> Option<u16> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

/// Decodes the inside of a literal that the parser has checked. Lone halves are left out.
pub(super) fn decode(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    let mut high: Option<u16> = None;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        if !plain.is_empty() {
            high = None;
        }
        let letter = escape.as_bytes().get(1).copied().unwrap_or_default();
        let unit = if letter == b'u' {
            escape.get(2..).and_then(unit)
        } else {
            None
        };
        rest = escape
            .get(if unit.is_some() { 6 } else { 2 }..)
            .unwrap_or_default();
        match unit {
            Some(unit) if (HIGH..LOW).contains(&unit) => high = Some(unit),
            Some(unit) => {
                let units = high.take().into_iter().chain([unit]);
                out.extend(char::decode_utf16(units).flatten());
            }
            None => {
                high = None;
                out.push(simple(letter));
            }
        }
    }
    out.push_str(rest);
    out
}

const fn simple(letter: u8) -> char {
    match letter {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        other => other as char,
    }
}

/// A lone low surrogate at the start and a lone high one at the end of a literal's inside.
pub(super) fn halves(inner: &str) -> (Option<u16>, Option<u16>) {
    let first = inner
        .strip_prefix("\\u")
        .and_then(unit)
        .filter(|unit| (LOW..AFTER).contains(unit));
    let tail = inner.len().checked_sub(6).and_then(|at| inner.get(at..));
    let last = tail
        .and_then(|tail| tail.strip_prefix("\\u"))
        .and_then(unit)
        .filter(|unit| (HIGH..LOW).contains(unit))
        // `\\ud800` at the end is an escaped backslash and letters.
        .filter(|_| preceding_backslashes(inner) % 2 == 0);
    (first, last)
}

fn preceding_backslashes(inner: &str) -> usize {
    let before = inner
        .len()
        .checked_sub(6)
        .and_then(|at| inner.get(..at))
        .unwrap_or_default();
    before
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'\\')
        .count()
}

/// Writes `text` as a string literal, quotes included.
pub fn encode_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            control if control < ' ' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes())
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
