//! ASCII smuggling: text in characters that are drawn as nothing.
//!
//! Tag characters (U+E0020 to U+E007E) stand for ASCII; variation selectors stand for bytes
//! (VS1 to VS16 for 0 to 15, VS17 to VS256 for the rest). Models read both.

use std::ops::Range;

use memchr::memmem;

use super::readable::stretches;
use super::{Collector, Encoding};

/// How every tag character and every variation selector above VS16 begins in UTF-8.
const PLANE_14: [u8; 2] = [0xf3, 0xa0];

/// Finds smuggled text in `text`.
pub(super) fn find(text: &str, found: &mut Collector) {
    let Some(first) = memmem::find(text.as_bytes(), &PLANE_14) else {
        return;
    };
    let tags: String = text.chars().filter_map(tag).collect();
    found.add(
        Encoding::Tags,
        tags,
        origin(text, first, |c| tag(c).is_some()),
    );
    let bytes: Vec<u8> = text.chars().filter_map(selector).collect();
    stretches(&bytes, |smuggled| {
        let origin = origin(text, first, |c| selector(c).is_some());
        found.add(Encoding::Selectors, smuggled, origin);
    });
}

fn origin(text: &str, first: usize, is_one: impl Fn(char) -> bool) -> Range<usize> {
    let last = text.rfind(is_one).unwrap_or(first);
    let start = text.floor_char_boundary(first);
    start..text.ceil_char_boundary(last + 1).max(start)
}

/// The ASCII character that a tag character stands for.
fn tag(c: char) -> Option<char> {
    let code = u32::from(c).checked_sub(0xe0000)?;
    let c = char::from_u32(code)?;
    (' '..='~').contains(&c).then_some(c)
}

/// The byte that a variation selector stands for.
fn selector(c: char) -> Option<u8> {
    let code = u32::from(c);
    let byte = match c {
        '\u{fe00}'..='\u{fe0f}' => code - 0xfe00,
        '\u{e0100}'..='\u{e01ef}' => code - 0xe0100 + 16,
        _ => return None,
    };
    u8::try_from(byte).ok()
}
