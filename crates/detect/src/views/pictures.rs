//! Pictures between the letters of a word (`ign😊ore`): the text without them.

use unicode_properties::UnicodeEmoji;

use super::{Collector, Encoding};

/// Pictures inside words, at least: writers do put single ones there.
const PICTURES_MIN: usize = 3;

/// Takes the pictures out of `text`, the canonical form of an original of `length` bytes.
pub(super) fn find(text: &str, length: usize, found: &mut Collector) {
    if text.is_ascii() {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut inside = 0;
    let mut before_picture = None;
    for c in text.chars() {
        if is_picture(c) {
            before_picture.get_or_insert(out.ends_with(|c: char| c.is_ascii_lowercase()));
            continue;
        }
        let split = before_picture.take().unwrap_or(false);
        inside += usize::from(split && c.is_ascii_lowercase());
        out.push(c);
    }
    if inside >= PICTURES_MIN {
        found.add(Encoding::Spaced, out, 0..length);
    }
}

/// Whether `c` is drawn as a picture: no letter, digit or mark of ASCII is.
fn is_picture(c: char) -> bool {
    c >= '\u{2190}' && c.is_emoji_char()
}
