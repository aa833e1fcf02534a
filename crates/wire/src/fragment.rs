//! JSON inside a string, arriving in pieces: tool arguments and Anthropic's `input_json_delta`.
//!
//! How:
//! 1. A [`Decoder`] takes the (once decoded) text piece by piece and walks it as JSON with a small
//!    push-down automaton: what the next character may be depends on the container and the last token.
//! 2. Structure comes out as [`Token::Raw`], characters inside strings decoded as [`Token::Text`],
//!    digits as [`Token::Number`]. A string's or number's end is a token of its own, because no
//!    value can continue beyond it.
//! 3. An escape cut in two is held until it is whole; so is the first half of a surrogate pair.
//! 4. [`encode_into`] writes filtered text back with the escapes that serializers usually choose.
//!
//! Why an automaton and not a search for quotes: what stands outside strings passes without being
//! looked at, so only real JSON structure may stand there. Anything else (single quotes, bare words,
//! comments) is refused; a reader more lenient than this one would see text in it.
//!
//! What it does not do: check for duplicate keys (both values come out as text), join a value that is
//! spread over several strings, or demand that the JSON be complete: replies are cut off at token
//! limits. Raw control characters inside strings, which models do write, count as text. Objects and arrays
//! may follow each other, as some servers send an empty one first.

use std::borrow::Cow;

use crate::WireError;

mod automaton;
#[cfg(test)]
mod tests;

use automaton::{Automaton, Step};

/// The deepest nesting accepted, in containers.
pub const FRAGMENT_DEPTH_MAX: usize = 64;

/// A piece of the text, as far as it is certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    /// Structure, quotes, `true`, `false`, `null` and white space: to be passed on as it is.
    Raw(Cow<'a, str>),
    /// Decoded characters of a string, value or key.
    Text(Cow<'a, str>),
    /// The string ends; its closing quote is the first character of the next `Raw`.
    StringEnd,
    /// Characters of a bare number.
    Number(Cow<'a, str>),
    /// The number ends.
    NumberEnd,
}

/// An incremental decoder; one for each arguments string.
#[derive(Debug, Default)]
pub struct Decoder {
    automaton: Automaton,
    /// Source of an escape that is not whole yet, from its backslash.
    held: String,
    /// The first half of a surrogate pair, whose source is in `held`.
    high: Option<u16>,
    /// Bytes decoded so far, to name the place of an error.
    offset: usize,
}

// === impl Decoder ===

impl Decoder {
    /// A decoder at the start of a text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece and appends its tokens to `out`.
    ///
    /// # Errors
    /// If the text can't be the beginning of JSON; the decoder is of no use afterwards.
    pub fn push<'a>(&mut self, piece: &'a str, out: &mut Vec<Token<'a>>) -> Result<(), WireError> {
        let mut rest = piece;
        while !rest.is_empty() {
            let before = rest.len();
            rest = if !self.held.is_empty() {
                self.escape(rest, out)?
            } else if self.automaton.in_string() {
                self.characters(rest, out)
            } else {
                self.structure(rest, out)?
            };
            self.offset += before - rest.len();
        }
        Ok(())
    }

    /// Ends the text wherever it is; what was held comes out as it stood.
    pub fn finish(&mut self, out: &mut Vec<Token<'_>>) {
        if self.automaton.in_string() {
            out.push(Token::StringEnd);
        } else if self.automaton.in_number() {
            out.push(Token::NumberEnd);
        }
        if !self.held.is_empty() {
            out.push(Token::Raw(std::mem::take(&mut self.held).into()));
        }
        *self = Self::default();
    }

    /// Whether part of an escape is held.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Characters of a string up to its end, an escape or the end of the piece.
    fn characters<'a>(&mut self, text: &'a str, out: &mut Vec<Token<'a>>) -> &'a str {
        let end = memchr::memchr2(b'"', b'\\', text.as_bytes()).unwrap_or(text.len());
        let (plain, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        if !plain.is_empty() {
            out.push(Token::Text(plain.into()));
        }
        if rest.starts_with('"') {
            out.push(Token::StringEnd);
            self.automaton.close_string();
            return rest;
        }
        let mut after = rest.chars();
        self.held.extend(after.next());
        after.as_str()
    }

    /// One more character of an escape.
    fn escape<'a>(
        &mut self,
        text: &'a str,
        out: &mut Vec<Token<'a>>,
    ) -> Result<&'a str, WireError> {
        let mut chars = text.chars();
        let Some(next) = chars.next() else {
            return Ok(text);
        };
        self.held.push(next);
        // With a high surrogate waiting, `held` is `\uXXXX` and the beginning of a second escape.
        let current = match self.high {
            Some(_) => self.held.get(6..).unwrap_or_default(),
            None => &self.held,
        };
        match escape_state(current) {
            Escape::Incomplete => {}
            Escape::Simple(decoded) if self.high.is_none() => self.decoded(decoded, out),
            Escape::Unit(unit) => self.unit(unit, out)?,
            Escape::Simple(_) | Escape::Invalid => return Err(self.error("a bad escape")),
        }
        Ok(chars.as_str())
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<Token<'_>>) -> Result<(), WireError> {
        let character = match self.high.take() {
            Some(high) => join_surrogates(high, unit),
            None if is_high_surrogate(unit) => {
                self.high = Some(unit);
                return Ok(());
            }
            None => char::from_u32(unit.into()),
        };
        let character = character.ok_or_else(|| self.error("an unpaired surrogate"))?;
        self.decoded(character, out);
        Ok(())
    }

    fn decoded(&mut self, character: char, out: &mut Vec<Token<'_>>) {
        self.held.clear();
        match out.last_mut() {
            // Texts full of escapes would otherwise become one token a character.
            Some(Token::Text(text)) => text.to_mut().push(character),
            _ => out.push(Token::Text(character.to_string().into())),
        }
    }

    /// Structure up to a string or the end of the piece.
    fn structure<'a>(
        &mut self,
        text: &'a str,
        out: &mut Vec<Token<'a>>,
    ) -> Result<&'a str, WireError> {
        let mut number_from = self.automaton.in_number().then_some(0);
        let mut raw_from = 0;
        for (at, character) in text.char_indices() {
            let step = self.step(character)?;
            if let (Some(from), false) = (number_from, step == Step::Number) {
                push_slice(text, from, at, Token::Number, out);
                out.push(Token::NumberEnd);
                (number_from, raw_from) = (None, at);
            }
            if step == Step::Number && number_from.is_none() {
                push_slice(text, raw_from, at, Token::Raw, out);
                number_from = Some(at);
            }
            if step == Step::Opened {
                push_slice(text, raw_from, at + 1, Token::Raw, out);
                return Ok(text.get(at + 1..).unwrap_or_default());
            }
        }
        match number_from {
            Some(from) => push_slice(text, from, text.len(), Token::Number, out),
            None => push_slice(text, raw_from, text.len(), Token::Raw, out),
        }
        Ok("")
    }

    fn step(&mut self, character: char) -> Result<Step, WireError> {
        self.automaton
            .step(character)
            .ok_or_else(|| self.error("something that is not JSON"))
    }

    fn error(&self, what: &'static str) -> WireError {
        WireError::invalid(what, self.offset)
    }
}

fn push_slice<'a>(
    text: &'a str,
    from: usize,
    to: usize,
    token: impl Fn(Cow<'a, str>) -> Token<'a>,
    out: &mut Vec<Token<'a>>,
) {
    match text.get(from..to) {
        Some("") | None => {}
        Some(slice) => out.push(token(slice.into())),
    }
}

/// Whether `unit` is the first half of a pair (UTF-16).
pub(crate) const fn is_high_surrogate(unit: u16) -> bool {
    matches!(unit, 0xD800..0xDC00)
}

/// The character that two halves make; `None` if they are not a pair.
pub(crate) fn join_surrogates(high: u16, low: u16) -> Option<char> {
    char::decode_utf16([high, low]).next()?.ok()
}

/// What the source of an escape amounts to so far.
enum Escape {
    Incomplete,
    Simple(char),
    Unit(u16),
    Invalid,
}

fn escape_state(source: &str) -> Escape {
    let mut bytes = source.bytes();
    match (bytes.next(), bytes.next()) {
        (None, _) | (Some(b'\\'), None) => Escape::Incomplete,
        (Some(b'\\'), Some(kind)) => match kind {
            b'"' | b'\\' | b'/' => Escape::Simple(char::from(kind)),
            b'b' => Escape::Simple('\u{8}'),
            b'f' => Escape::Simple('\u{c}'),
            b'n' => Escape::Simple('\n'),
            b'r' => Escape::Simple('\r'),
            b't' => Escape::Simple('\t'),
            b'u' => unicode_state(source.get(2..).unwrap_or_default()),
            _ => Escape::Invalid,
        },
        (Some(_), _) => Escape::Invalid,
    }
}

fn unicode_state(digits: &str) -> Escape {
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Escape::Invalid;
    }
    if digits.len() < 4 {
        return Escape::Incomplete;
    }
    u16::from_str_radix(digits, 16).map_or(Escape::Invalid, Escape::Unit)
}

/// Appends `text` as the inside of a JSON string.
pub fn encode_into(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => {
                out.push_str("\\u00");
                let code = u32::from(control);
                out.extend(
                    [code >> 4, code & 15]
                        .map(|nibble| char::from_digit(nibble, 16).unwrap_or('0')),
                );
            }
            other => out.push(other),
        }
    }
}
