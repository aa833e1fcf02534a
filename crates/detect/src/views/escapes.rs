//! Escapes inside text: percent-encoding, HTML entities, `\u0041`, `\x41`, `U+0041`.

use memchr::{memchr, memchr2};

use super::{Collector, Encoding};

/// Triplets in one word, at least.
const TRIPLETS_MIN: usize = 3;
/// Bytes that are kept around escaped characters, so that a sentence stays whole.
const CONTEXT_BYTES: usize = 256;
/// The longest escape, in bytes.
const ESCAPE_BYTES_MAX: usize = 12;

/// Entities that have a name in common use.
const NAMED: [(&str, char); 22] = [
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("vert", '|'),
    ("verbar", '|'),
    ("VerticalLine", '|'),
    ("lbrack", '['),
    ("lsqb", '['),
    ("rbrack", ']'),
    ("rsqb", ']'),
    ("lcub", '{'),
    ("rcub", '}'),
    ("colon", ':'),
    ("excl", '!'),
    ("num", '#'),
    ("sol", '/'),
    ("lowbar", '_'),
    ("NewLine", '\n'),
    ("Tab", '\t'),
];

/// Finds escapes in `text`.
pub(super) fn find(text: &str, found: &mut Collector) {
    percent(text, found);
    let entity = |rest: &[u8]| memchr(b'&', rest);
    unescape(text, Encoding::Html, entity, html_entity, found);
    let code = |rest: &[u8]| memchr2(b'\\', b'U', rest);
    unescape(text, Encoding::Escape, code, code_escape, found);
}

fn percent(text: &str, found: &mut Collector) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(sign) = bytes.get(at..).and_then(|rest| memchr(b'%', rest)) {
        let blank = |byte: &u8| byte.is_ascii_whitespace();
        let before = bytes.get(at..at + sign).unwrap_or_default();
        let start = at + before.iter().rposition(blank).map_or(0, |blank| blank + 1);
        let word = bytes.get(start..).unwrap_or_default();
        let word = word.split(blank).next().unwrap_or_default();
        let (decoded, triplets) = percent_decode(word);
        if triplets >= TRIPLETS_MIN {
            let text = String::from_utf8_lossy(&decoded).into_owned();
            found.add(Encoding::Url, text, start..start + word.len());
        }
        at = start + word.len();
    }
}

fn percent_decode(word: &[u8]) -> (Vec<u8>, usize) {
    let mut decoded = Vec::with_capacity(word.len());
    let mut triplets = 0;
    let mut rest = word;
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code
            .filter(|_| byte == b'%')
            .map(|code| u8::from_str_radix(code, 16))
        {
            Some(Ok(value)) => {
                decoded.push(value);
                triplets += 1;
                rest = tail.get(2..).unwrap_or_default();
            }
            Some(Err(_)) | None => {
                decoded.push(if byte == b'+' { b' ' } else { byte });
                rest = tail;
            }
        }
    }
    (decoded, triplets)
}

/// Decodes the part of `text` between the first and the last escape, if any of them stands for an
/// ASCII character: nobody need escape those in text.
fn unescape(
    text: &str,
    encoding: Encoding,
    sign: impl Fn(&[u8]) -> Option<usize>,
    escape: fn(&str) -> Option<(char, usize)>,
    found: &mut Collector,
) {
    let mut decoded = String::new();
    let mut origin = None;
    let mut at = 0;
    // Where the decoded text begins and may end: some way before the first and after the last.
    let mut kept = 0;
    while let Some(next) = text
        .as_bytes()
        .get(at..)
        .and_then(&sign)
        .map(|next| at + next)
    {
        let rest = text.get(next..).unwrap_or_default();
        let Some((c, length)) = escape(rest).filter(|(c, _)| c.is_ascii()) else {
            let after = text.ceil_char_boundary(next + 1);
            if origin.is_some() {
                decoded.push_str(text.get(at..after).unwrap_or_default());
            }
            at = after;
            continue;
        };
        if origin.is_none() {
            at = text.floor_char_boundary(next.saturating_sub(CONTEXT_BYTES));
            origin = Some(at);
        }
        decoded.push_str(text.get(at..next).unwrap_or_default());
        decoded.push(c);
        kept = decoded.len();
        at = next + length;
    }
    if let Some(start) = origin {
        decoded.push_str(text.get(at..).unwrap_or_default());
        decoded.truncate(decoded.ceil_char_boundary(kept + CONTEXT_BYTES));
        found.add(encoding, decoded, start..text.len());
    }
}

fn html_entity(rest: &str) -> Option<(char, usize)> {
    let body = rest.strip_prefix('&')?;
    let head = body.get(..body.floor_char_boundary(ESCAPE_BYTES_MAX))?;
    if let Some(number) = head.strip_prefix('#') {
        let (digits, radix) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16),
            None => (number, 10),
        };
        let (c, length) = code(digits, radix, 1..=7)?;
        let prefix = rest.len() - body.len() + (head.len() - digits.len());
        let closed = digits.get(length..)?.starts_with(';');
        return Some((c, prefix + length + usize::from(closed)));
    }
    let (name, _) = head.split_once(';')?;
    let &(_, c) = NAMED.iter().find(|(known, _)| *known == name)?;
    Some((c, name.len() + 2))
}

fn code_escape(rest: &str) -> Option<(char, usize)> {
    let head = rest.get(..rest.floor_char_boundary(ESCAPE_BYTES_MAX))?;
    if let Some(body) = head.strip_prefix("\\u{") {
        let (c, length) = code(body, 16, 1..=6)?;
        return body
            .get(length..)?
            .starts_with('}')
            .then_some((c, length + 4));
    }
    let ways = [
        ("\\u", 4..=4),
        ("\\U", 8..=8),
        ("\\x", 2..=2),
        ("U+", 4..=6),
    ];
    ways.into_iter().find_map(|(sign, digits)| {
        let (c, length) = code(head.strip_prefix(sign)?, 16, digits)?;
        Some((c, sign.len() + length))
    })
}

/// The character whose code `text` begins with, and the length of the code.
fn code(text: &str, radix: u32, digits: std::ops::RangeInclusive<usize>) -> Option<(char, usize)> {
    let length = text.chars().take_while(|c| c.is_digit(radix)).count();
    let length = length.min(*digits.end());
    let value = u32::from_str_radix(text.get(..length)?, radix).ok()?;
    let c = char::from_u32(value)?;
    digits.contains(&length).then_some((c, length))
}
