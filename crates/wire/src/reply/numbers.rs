//! Takes arrays of numbers out of an embeddings reply before it is parsed.
//!
//! A batch of embeddings is millions of numbers, more than a parse may have nodes. Here each array
//! that holds nothing but numbers becomes an empty one of the same length in bytes, so that all
//! offsets stay; anything else is left for the parser to judge.

use memchr::{memchr2, memchr2_iter};

/// Numbers up to this many bytes without exponent are in a double's range whatever their digits.
const SHORT_NUMBER_BYTES: usize = 300;

/// `raw` with the insides of its number arrays blanked.
pub(crate) fn blank(raw: &[u8]) -> Vec<u8> {
    let mut out = raw.to_vec();
    let mut at = 0;
    while let Some(found) = raw.get(at..).and_then(|rest| memchr2(b'"', b'[', rest)) {
        at += found;
        if raw.get(at) == Some(&b'"') {
            at = after_string(raw, at + 1);
            continue;
        }
        at += 1;
        if let Some(end) = numbers(raw, at) {
            if let Some(inside) = out.get_mut(at..end) {
                inside.fill(b' ');
            }
            at = end;
        }
    }
    out
}

/// The offset after the string whose inside begins at `from`.
fn after_string(raw: &[u8], from: usize) -> usize {
    let rest = raw.get(from..).unwrap_or_default();
    let mut escaped = None;
    for at in memchr2_iter(b'"', b'\\', rest) {
        if escaped == Some(at) {
            continue;
        }
        if rest.get(at) == Some(&b'"') {
            return from + at + 1;
        }
        escaped = Some(at + 1);
    }
    raw.len()
}

/// The offset of the bracket that closes a list of at least one number, if that is all there is.
fn numbers(raw: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at = after_space(raw, at);
        let end = after_number(raw, at)?;
        at = after_space(raw, end);
        match raw.get(at) {
            Some(b',') => at += 1,
            Some(b']') => return Some(at),
            _ => return None,
        }
    }
}

fn after_space(raw: &[u8], from: usize) -> usize {
    let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    from + raw.iter().skip(from).take_while(space).count()
}

/// The offset after a number (RFC 8259) that a double can hold.
fn after_number(raw: &[u8], from: usize) -> Option<usize> {
    let digits = |from: usize| {
        let count = raw
            .iter()
            .skip(from)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        (count > 0).then_some(from + count)
    };
    let sign = usize::from(raw.get(from) == Some(&b'-'));
    let mut at = match raw.get(from + sign) {
        Some(b'0') => from + sign + 1,
        _ => digits(from + sign)?,
    };
    if raw.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    let exponent = matches!(raw.get(at), Some(b'e' | b'E'));
    if exponent {
        at += 1 + usize::from(matches!(raw.get(at + 1), Some(b'+' | b'-')));
        at = digits(at)?;
    }
    if exponent || at - from > SHORT_NUMBER_BYTES {
        let number = std::str::from_utf8(raw.get(from..at)?).ok()?;
        number
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())?;
    }
    Some(at)
}
