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
///
/// Of other text it undoes the escapes that are JSON's and keeps every other backslash.
pub(crate) fn decode(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    let mut high: Option<u16> = None;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        if !plain.is_empty() {
            high = None;
        }
        let (kind, length) = Escape::read(escape);
        rest = escape.get(length..).unwrap_or_default();
        match kind {
            Escape::Unit(unit) if (HIGH..LOW).contains(&unit) => high = Some(unit),
            Escape::Unit(unit) => {
                let units = high.take().into_iter().chain([unit]);
                out.extend(char::decode_utf16(units).flatten());
            }
            Escape::Char(character) => {
                high = None;
                out.push(character);
            }
        }
    }
    out.push_str(rest);
    out
}

/// What an escape stands for.
enum Escape {
    Char(char),
    Unit(u16),
}

impl Escape {
    /// The escape at the start of `text`, which starts with a backslash, and its length in bytes.
    fn read(text: &str) -> (Self, usize) {
        let character = match text.as_bytes().get(1) {
            Some(b'u') => match text.get(2..).and_then(unit) {
                Some(unit) => return (Self::Unit(unit), 6),
                None => return (Self::Char('\\'), 1),
            },
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            _ => return (Self::Char('\\'), 1),
        };
        (Self::Char(character), 2)
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
        .filter(|_| preceding_backslashes(inner).is_multiple_of(2));
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
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| must_be_escaped(*byte)) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = tail.split_first() else {
            break;
        };
        escape(*byte, out);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

const fn must_be_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        control => {
            out.extend_from_slice(format!("\\u{control:04x}").as_bytes());
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}
