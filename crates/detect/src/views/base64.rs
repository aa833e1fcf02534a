//! Base64: both alphabets, with or without padding, wrapped lines, any alignment.

use std::ops::Range;

use super::readable::{runs, stretches};
use super::{Collector, Encoding};

/// The shortest run that is decoded, in characters (12 bytes of text).
const RUN_CHARS_MIN: usize = 16;
/// Characters of one group; a run may begin at any place of one.
const GROUP_CHARS: usize = 4;
/// Blanks that may stand before a wrapped line.
const INDENT_MAX: usize = 8;
/// Characters that are decoded to see whether a run without noise before it holds text.
const PROBE_CHARS: usize = 32;

/// Finds base64 in `text`.
pub(super) fn find(text: &str, found: &mut Collector) {
    let bytes = text.as_bytes();
    let mut done = 0;
    runs(
        bytes,
        RUN_CHARS_MIN,
        |byte| sextet(byte).is_some(),
        |range| {
            if range.start >= done {
                let (sextets, end) = unwrap(bytes, range.clone());
                done = end;
                decode(&sextets, range.start..end, found);
            }
        },
    );
}

/// The characters of a run and of the lines that carry it on, as six-bit values; and its end.
fn unwrap(bytes: &[u8], first: Range<usize>) -> (Vec<u8>, usize) {
    let mut sextets = Vec::with_capacity(first.len());
    let mut end = first.start;
    loop {
        let rest = bytes.get(end..).unwrap_or_default();
        let before = sextets.len();
        sextets.extend(rest.iter().map_while(|&byte| sextet(byte)));
        end += sextets.len() - before;
        match next_line(bytes, end) {
            Some(next) => end = next,
            None => return (sextets, end),
        }
    }
}

/// Where a wrapped line goes on, if the text breaks off at `end` and the next line is base64.
fn next_line(bytes: &[u8], end: usize) -> Option<usize> {
    let rest = bytes.get(end..)?;
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    let line = rest.strip_prefix(b"\n")?;
    let indent = line
        .iter()
        .take_while(|&&b| matches!(b, b' ' | b'\t'))
        .count();
    let carries_on = line.get(indent).is_some_and(|&byte| sextet(byte).is_some());
    (indent <= INDENT_MAX && carries_on).then(|| bytes.len() - line.len() + indent)
}

fn decode(sextets: &[u8], origin: Range<usize>, found: &mut Collector) {
    for skip in 0..GROUP_CHARS {
        let Some(run) = sextets.get(skip..) else {
            return;
        };
        let mut any = false;
        stretches(&bytes_of(run), |text| {
            any = true;
            found.add(Encoding::Base64, text, origin.clone());
        });
        // Text from the first character on: the other alignments only hold noise.
        if any && skip == 0 && is_text(run) {
            return;
        }
    }
}

fn is_text(run: &[u8]) -> bool {
    let head = run.get(..PROBE_CHARS.min(run.len())).unwrap_or_default();
    let bytes = bytes_of(head);
    bytes.is_ascii()
        && !bytes
            .iter()
            .any(|byte| byte.is_ascii_control() && *byte != b'\n')
}

fn bytes_of(sextets: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(sextets.len() / GROUP_CHARS * 3 + 3);
    for group in sextets.chunks(GROUP_CHARS) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, &sextet| bits << 6 | u32::from(sextet));
        // Left-aligned in 24 bits, as if padded with zeros.
        let missing = GROUP_CHARS - group.len();
        let [_, triple @ ..] = (bits << (6 * missing)).to_be_bytes();
        bytes.extend(triple.iter().take(group.len().saturating_sub(1)));
    }
    bytes
}

/// The value of a character of either alphabet.
const fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
