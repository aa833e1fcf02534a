//! Detectors as data: what a kind of value looks like and what may stand beside it.

use std::borrow::Cow;

use aegis_core::Category;

/// A kind of value: a name and the forms it is written in.
#[derive(Debug, Clone)]
pub struct Detector {
    pub(super) name: &'static str,
    pub(super) category: Category,
    pub(super) priority: u8,
    pub(super) canon: Canon,
    pub(super) forms: Vec<Form>,
}

/// One way of writing a value.
#[derive(Debug, Clone)]
pub struct Form {
    pub(super) core: Cow<'static, str>,
    pub(super) left: Left,
    pub(super) right: Right,
    pub(super) accept: Option<fn(&str) -> bool>,
    pub(super) lead: Option<fn(&str) -> usize>,
    pub(super) tail: Option<Tail>,
}

/// What may not stand before a value.
///
/// *Glued* means: a digit, `_`, or a letter of a script that writes words apart with spaces
/// (Latin, Greek, Cyrillic). Letters of other scripts are not: Chinese has no spaces, and Arabic,
/// Hebrew and Korean write particles against a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Anything may.
    Any,
    /// Not glued.
    Word,
    /// No letter and no digit; `_` may, as in `API_KEY`.
    Name,
    /// Not glued, and no `.`: the digits would be a fraction.
    Number,
    /// Not glued, and none of `. - / +`: the digits would be part of a longer number.
    Group,
    /// Not glued, and no `:`: the groups would be part of a longer address.
    Address,
}

/// What may not stand after a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Anything may.
    Any,
    /// Not glued (see [`Left`]).
    Word,
    /// Not glued, and no `.` with a digit after it.
    Number,
    /// Not glued, and none of `. - /` with a digit after it.
    Group,
    /// Not glued, and none of `. - /` or a space with a digit after it: a row of numbers goes on.
    Row,
    /// Not glued, and neither `.` nor `:` with an ASCII letter, a digit or a `:` after it.
    Address,
    /// Not glued, and no opening bracket: the word would be a function or a list.
    Value,
    /// Only this character may.
    Only(char),
}

/// How a value goes on that may be longer than a hold should be.
#[derive(Debug, Clone)]
pub enum Tail {
    /// While characters are in the class, or are glue with a character of the class after it.
    Run {
        /// The class.
        class: fn(char) -> bool,
        /// Characters that only continue the run when the class goes on behind them.
        glue: &'static str,
    },
    /// Up to and including the first match of this expression, or the end of the text.
    Until(Cow<'static, str>),
}

/// What of a value its digest is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canon {
    /// All of it.
    Exact,
    /// Its letters and digits in upper case: `4111-1111` equals `4111 1111`.
    Compact,
    /// All of it in lower case.
    Lower,
}

// === impl Detector ===

impl Detector {
    /// A detector without forms; `priority` decides whose name a value gets that several match.
    #[must_use]
    pub const fn new(name: &'static str, category: Category, priority: u8) -> Self {
        Self {
            name,
            category,
            priority,
            canon: Canon::Exact,
            forms: Vec::new(),
        }
    }

    /// Adds a form.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.forms.push(form);
        self
    }

    /// Adds forms.
    #[must_use]
    pub fn forms(mut self, forms: impl IntoIterator<Item = Form>) -> Self {
        self.forms.extend(forms);
        self
    }

    /// Sets what the digest of a value is taken of.
    #[must_use]
    pub const fn canon(mut self, canon: Canon) -> Self {
        self.canon = canon;
        self
    }

    /// The name, as policies write it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Personal data or secret.
    #[must_use]
    pub const fn category(&self) -> Category {
        self.category
    }
}

// === impl Form ===

impl Form {
    /// A form with this core expression, not glued to words on either side.
    ///
    /// The expression must not match the empty text, must have a longest match, and holds no
    /// look-around but a leading or trailing `\b`, which stands for [`Left::Word`] or
    /// [`Right::Word`]. It should begin with a character of the value: one that may begin with a
    /// space is in progress at every space.
    pub fn new(core: impl Into<Cow<'static, str>>) -> Self {
        Self {
            core: core.into(),
            left: Left::Word,
            right: Right::Word,
            accept: None,
            lead: None,
            tail: None,
        }
    }

    /// Sets what may not stand before it.
    #[must_use]
    pub const fn left(mut self, left: Left) -> Self {
        self.left = left;
        self
    }

    /// Sets what may not stand after it. A form with a tail has no right guard.
    #[must_use]
    pub const fn right(mut self, right: Right) -> Self {
        self.right = right;
        self
    }

    /// Sets the validator: a pure function of the candidate's text.
    #[must_use]
    pub const fn accept(mut self, accept: fn(&str) -> bool) -> Self {
        self.accept = Some(accept);
        self
    }

    /// Sets how many bytes at the candidate's head are context (`NHS number: `) and stay visible.
    #[must_use]
    pub const fn lead(mut self, lead: fn(&str) -> usize) -> Self {
        self.lead = Some(lead);
        self
    }

    /// Lets the value go on while characters are in `class`; the core is then only its head.
    #[must_use]
    pub fn run(mut self, class: fn(char) -> bool, glue: &'static str) -> Self {
        self.tail = Some(Tail::Run { class, glue });
        self
    }

    /// Lets the value go on to the first match of `close`; the core is then only its head.
    #[must_use]
    pub fn until(mut self, close: impl Into<Cow<'static, str>>) -> Self {
        self.tail = Some(Tail::Until(close.into()));
        self
    }
}

// === impl Left ===

impl Left {
    /// Whether a value may begin after `prev`.
    pub(super) fn holds(self, prev: Option<char>) -> bool {
        let Some(prev) = prev else { return true };
        match self {
            Self::Any => true,
            Self::Word => !is_glued(prev),
            Self::Name => !is_glued(prev) || prev == '_',
            Self::Number => !is_glued(prev) && prev != '.',
            Self::Group => !is_glued(prev) && !matches!(prev, '.' | '-' | '/' | '+'),
            Self::Address => !is_glued(prev) && prev != ':',
        }
    }
}

// === impl Right ===

impl Right {
    /// Whether a value may end before `rest`; `None` if that depends on text not yet seen.
    pub(super) fn holds(self, rest: &str, eof: bool) -> Option<bool> {
        let mut chars = rest.chars();
        let Some(next) = chars.next() else {
            let open = eof || self == Self::Any;
            return open.then_some(!matches!(self, Self::Only(_)));
        };
        let joins: &[char] = match self {
            Self::Any => return Some(true),
            Self::Only(only) => return Some(next == only),
            Self::Word | Self::Value => &[],
            Self::Number => &['.'],
            Self::Group => &['.', '-', '/'],
            Self::Row => &['.', '-', '/', ' '],
            Self::Address => &['.', ':'],
        };
        if is_glued(next) || (self == Self::Value && matches!(next, '(' | '[')) {
            return Some(false);
        }
        if !joins.contains(&next) {
            return Some(true);
        }
        let Some(after) = chars.next() else {
            return eof.then_some(true);
        };
        let goes_on = match self {
            Self::Address => after.is_ascii_alphanumeric() || after == ':',
            Self::Any
            | Self::Word
            | Self::Value
            | Self::Number
            | Self::Group
            | Self::Row
            | Self::Only(_) => after.is_ascii_digit(),
        };
        Some(!goes_on)
    }
}

/// Whether `c` joins to a value beside it (see [`Left`]).
fn is_glued(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    let spaced_script = matches!(u32::from(c),
        0xA0..=0x052F          // Latin-1 to Cyrillic, combining marks included
        | 0x1C80..=0x1C8F      // Cyrillic Extended-C
        | 0x1D00..=0x1FFF      // phonetic, Latin Additional, Greek Extended
        | 0x2C60..=0x2C7F      // Latin Extended-C
        | 0xA640..=0xA69F      // Cyrillic Extended-B
        | 0xA720..=0xA7FF      // Latin Extended-D
        | 0xAB30..=0xAB6F); // Latin Extended-E
    spaced_script && (c.is_alphanumeric() || matches!(u32::from(c), 0x0300..=0x036F))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glue_is_a_matter_of_scripts_that_write_words_apart() {
        for c in ['a', 'Z', '0', '_', 'é', 'ß', 'я', 'Ω', '\u{301}'] {
            assert!(is_glued(c), "{c}");
        }
        for c in [
            ' ', '-', '.', '号', 'は', '로', 'و', 'ב', 'ไ', '😀', '×', '„',
        ] {
            assert!(!is_glued(c), "{c}");
        }
    }

    #[test]
    fn a_right_guard_at_the_end_of_the_buffer_is_unknown() {
        assert_eq!(Right::Word.holds("", false), None);
        assert_eq!(Right::Word.holds("", true), Some(true));
        assert_eq!(Right::Any.holds("", false), Some(true));
        assert_eq!(Right::Only('@').holds("", false), None);
        assert_eq!(Right::Only('@').holds("", true), Some(false));
        assert_eq!(Right::Number.holds(".", false), None);
        assert_eq!(Right::Number.holds(".", true), Some(true));
        assert_eq!(Right::Number.holds(".5", false), Some(false));
        assert_eq!(Right::Number.holds(". ", false), Some(true));
        assert_eq!(Right::Number.holds("-5", false), Some(true));
        assert_eq!(Right::Group.holds("-5", false), Some(false));
    }

    #[test]
    fn a_left_guard_looks_at_one_character() {
        assert!(Left::Word.holds(None) && Left::Word.holds(Some('.')));
        assert!(!Left::Word.holds(Some('x')) && Left::Any.holds(Some('x')));
        assert!(!Left::Number.holds(Some('.')) && Left::Number.holds(Some('-')));
        assert!(!Left::Group.holds(Some('-')));
    }
}
