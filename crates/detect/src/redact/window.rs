//! The text that automata see: local normalisation, one character at a time, with the way back.
//!
//! 1. A character of no width (zero-width spaces and joiners, soft hyphen, variation selectors,
//!    directional marks) is left out.
//! 2. A full-width ASCII letter, digit or sign, a decimal digit of any script, a typographic
//!    space or a hyphen look-alike becomes its ASCII counterpart.
//! 3. Everything else stays.
//!
//! Each character is folded by itself, but for one rule that bounds what a held value can weigh:
//! of a run of characters without width, each [`INVISIBLE_RUN_MAX`]+1st is kept. So a window folds
//! to the same text wherever the stream was cut, given how many were left out right before it.
//!
//! Not folded, because it is not local or not one to one: composition, ligatures, look-alike
//! letters of other scripts, superscript and circled digits. A run of more than
//! [`INVISIBLE_RUN_MAX`] invisible characters inside a value hides it.

use std::borrow::Cow;

/// Invisible characters in a row that are looked through.
pub(super) const INVISIBLE_RUN_MAX: u8 = 16;

/// A piece of text as received, and as folded.
#[derive(Debug)]
pub(super) struct Window<'t> {
    /// As received.
    pub(super) original: &'t str,
    /// As folded.
    pub(super) text: Cow<'t, str>,
    /// Where the two drift apart, in order.
    anchors: Vec<Anchor>,
    /// Characters left out right before the window.
    run: u8,
    /// Nothing follows it.
    pub(super) last: bool,
}

/// A place behind a character that was changed or left out.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    folded: usize,
    original: usize,
    dropped: bool,
}

/// What becomes of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fold {
    Keep,
    Drop,
    To(char),
}

// === impl Window ===

impl<'t> Window<'t> {
    /// Folds `original`; `run` characters without width were left out right before it.
    pub(super) fn new(original: &'t str, run: u8) -> Self {
        let mut window = Self {
            original,
            text: Cow::Borrowed(original),
            anchors: Vec::new(),
            run,
            last: false,
        };
        if let Some(first) = first_changed(original) {
            window.fold_from(first);
        }
        window
    }

    /// Says whether the text ends with the window.
    pub(super) const fn last(mut self, last: bool) -> Self {
        self.last = last;
        self
    }

    fn fold_from(&mut self, first: usize) {
        let (head, rest) = self.original.split_at_checked(first).unwrap_or_default();
        let mut text = String::with_capacity(self.original.len());
        text.push_str(head);
        let mut run = if first == 0 { self.run } else { 0 };
        let mut original = first;
        for c in rest.chars() {
            original += c.len_utf8();
            let kept = match fold(c) {
                Fold::Drop if run < INVISIBLE_RUN_MAX => {
                    run += 1;
                    self.anchor(text.len(), original, true);
                    continue;
                }
                Fold::Keep | Fold::Drop => c,
                Fold::To(to) => to,
            };
            run = 0;
            text.push(kept);
            if kept.len_utf8() != c.len_utf8() {
                self.anchor(text.len(), original, false);
            }
        }
        self.text = Cow::Owned(text);
    }

    fn anchor(&mut self, folded: usize, original: usize, dropped: bool) {
        self.anchors.push(Anchor {
            folded,
            original,
            dropped,
        });
    }

    /// Where the folded character at `at` begins in the original, behind what was left out there.
    pub(super) fn start(&self, at: usize) -> usize {
        self.original_at(at, self.anchors.partition_point(|a| a.folded <= at))
    }

    /// Where the folded text before `at` ends in the original, before what was left out there.
    pub(super) fn end(&self, at: usize) -> usize {
        let before = |a: &Anchor| a.folded < at || (a.folded == at && !a.dropped);
        self.original_at(at, self.anchors.partition_point(before))
    }

    fn original_at(&self, at: usize, anchors: usize) -> usize {
        let anchor = anchors.checked_sub(1).and_then(|i| self.anchors.get(i));
        anchor.map_or(at, |a| a.original + (at - a.folded))
    }

    /// How many characters in a row were left out right before the one at `at`.
    pub(super) fn run_before(&self, at: usize) -> u8 {
        let from = self.anchors.partition_point(|a| a.folded < at);
        let here = self.anchors.iter().skip(from);
        let here = here.take_while(|a| a.folded == at).filter(|a| a.dropped);
        let carried = if at == 0 { self.run } else { 0 };
        here.fold(carried, |run, _| run.saturating_add(1))
    }

    /// The original's bytes `from..to`; empty if that is no range of whole characters.
    pub(super) fn piece(&self, from: usize, to: usize) -> &'t str {
        self.original.get(from..to).unwrap_or_default()
    }

    /// The folded text `from..to`; empty if that is no range of whole characters.
    pub(super) fn folded(&self, from: usize, to: usize) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The character that begins at `at`.
    pub(super) fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..).and_then(|rest| rest.chars().next())
    }

    /// The character that ends at `at`.
    pub(super) fn char_before(&self, at: usize) -> Option<char> {
        self.text
            .get(..at)
            .and_then(|head| head.chars().next_back())
    }
}

/// The place of the first character that does not fold to itself.
fn first_changed(text: &str) -> Option<usize> {
    if text.is_ascii() {
        return None;
    }
    text.char_indices()
        .find(|&(_, c)| fold(c) != Fold::Keep)
        .map(|(at, _)| at)
}

fn fold(c: char) -> Fold {
    let code = u32::from(c);
    // Most text: ASCII, Latin, Greek, Cyrillic, Hebrew, Arabic letters; then Chinese.
    if code < 0x0660 {
        return match code {
            0x00A0 => Fold::To(' '),
            0x00AD | 0x034F | 0x061C => Fold::Drop,
            _ => Fold::Keep,
        };
    }
    if matches!(code, 0x3001..=0x3163 | 0x3165..=0xA61F) {
        return Fold::Keep;
    }
    match code {
        0x115F..=0x1160
        | 0x17B4..=0x17B5
        | 0x180B..=0x180F
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0x3164
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xFFA0
        | 0x1BCA0..=0x1BCA3
        | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF => Fold::Drop,
        0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Fold::To(' '),
        0x2010..=0x2013 | 0x2212 | 0xFE63 => Fold::To('-'),
        0xFE52 => Fold::To('.'),
        0xFE6B => Fold::To('@'),
        0xFF01..=0xFF5E => full_width(code),
        _ => digit(code).map_or(Fold::Keep, Fold::To),
    }
}

/// Full-width letters, digits and the signs that values are made of; not `，！？；`, which only
/// punctuate Chinese.
fn full_width(code: u32) -> Fold {
    let ascii = char::from_u32(code - 0xFEE0).unwrap_or(' ');
    if ascii.is_ascii_alphanumeric() || "@.-_+:/=%#()".contains(ascii) {
        Fold::To(ascii)
    } else {
        Fold::Keep
    }
}

/// The zeros of the decimal digits (general category Nd) outside ASCII, in order.
const ZEROS: &[u32] = &[
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0,
    0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50,
    0x11DA0, 0x11F50, 0x16130, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE, 0x1D7D8,
    0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

fn digit(code: u32) -> Option<char> {
    let after = ZEROS.partition_point(|&zero| zero <= code);
    let zero = ZEROS.get(after.checked_sub(1)?)?;
    char::from_digit(code - zero, 10)
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a slip fails the test")]
mod tests {
    use regex_syntax::hir::{Class, HirKind};

    use super::*;

    #[test]
    fn every_decimal_digit_of_unicode_folds_to_its_value() {
        let hir = regex_syntax::parse(r"\p{Nd}").unwrap();
        let HirKind::Class(Class::Unicode(class)) = hir.kind() else {
            panic!("a class");
        };
        for range in class.ranges() {
            for code in u32::from(range.start())..=u32::from(range.end()) {
                let value = (code - u32::from(range.start())) % 10;
                let c = char::from_u32(code).unwrap();
                let folded = if c.is_ascii() { Some(c) } else { digit(code) };
                assert_eq!(folded, char::from_digit(value, 10), "{code:x}");
            }
        }
    }

    #[test]
    fn offsets_lead_back_to_the_original() {
        let original = "é\u{200B}\u{200B}٤１\u{200B}a";
        let window = Window::new(original, 0);
        assert_eq!(window.text, "é41a");
        let at = |c: char| original.find(c).unwrap();
        assert_eq!((window.end(2), window.start(2)), (2, at('٤')));
        assert_eq!((window.end(3), window.start(3)), (at('１'), at('１')));
        assert_eq!((window.end(4), window.start(4)), (at('１') + 3, at('a')));
        assert_eq!(
            (window.end(5), window.start(5)),
            (original.len(), original.len())
        );
        assert_eq!(
            (
                window.run_before(2),
                window.run_before(3),
                window.run_before(4)
            ),
            (2, 0, 1)
        );
    }

    #[test]
    fn plain_text_is_borrowed() {
        for text in ["", "plain", "naïve Ω я 中文，好！", "نص عربي"] {
            let window = Window::new(text, 3);
            assert!(matches!(window.text, Cow::Borrowed(_)), "{text}");
            assert_eq!(
                (window.start(text.len()), window.end(text.len())),
                (text.len(), text.len())
            );
        }
    }

    #[test]
    fn a_run_of_invisible_characters_is_looked_through_up_to_its_limit() {
        let with = |n: usize| format!("a{}b", "\u{200B}".repeat(n));
        let max = usize::from(INVISIBLE_RUN_MAX);
        for n in [1, max - 1, max] {
            assert_eq!(Window::new(&with(n), 0).text, "ab");
        }
        assert_eq!(Window::new(&with(max + 1), 0).text, "a\u{200B}b");
        assert_eq!(
            Window::new("\u{200B}b", INVISIBLE_RUN_MAX).text,
            "\u{200B}b"
        );
        assert_eq!(Window::new("\u{200B}b", INVISIBLE_RUN_MAX - 1).text, "b");
    }

    #[test]
    fn folding_in_pieces_is_folding_the_whole() {
        let text = format!(
            "x{}٤\u{AD}１y{}",
            "\u{2060}".repeat(20),
            "\u{FEFF}".repeat(3)
        );
        let whole = Window::new(&text, 0).text.into_owned();
        for (cut, _) in text.char_indices() {
            let head = Window::new(&text[..cut], 0);
            let tail = Window::new(&text[cut..], head.run_before(head.text.len()));
            assert_eq!(format!("{}{}", head.text, tail.text), whole, "{cut}");
        }
    }
}
