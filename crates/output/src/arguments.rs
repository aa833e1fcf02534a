//! Tool arguments: JSON inside a string, filtered string by string, whole or in pieces.
//!
//! 1. The decoder of [`aegis_wire::fragment`] tells structure from strings and numbers.
//! 2. Each string (value or key) has a filter of its own; its end is a hard boundary, nothing joins
//!    two strings.
//! 3. What the filter releases is written as it was spelt, escapes included, up to the first masked
//!    value of its string; behind that it is written with the usual escapes. So arguments without a
//!    finding keep every byte, and the result does not depend on how the text was cut.
//! 4. A bare number can't be masked in place: it is held until it ends, and a value in it blocks.
//!
//! Whole arguments go the same way as one piece: whole and streamed results are equal because they
//! are computed by the same code.
//!
//! Not caught: a value spread over several strings or numbers.

use std::sync::Arc;

use aegis_detect::redact::{Finding, RedactStream, Redactor};
use aegis_wire::WireError;
use aegis_wire::fragment::{Decoder, Token, encode_into};

use crate::filter::{is_masked, number_findings};

/// Digits that a bare number may have, in bytes; longer ones are refused.
pub(crate) const NUMBER_BYTES_MAX: usize = 256;

/// A filter of one arguments text.
pub(crate) struct ArgumentsFilter {
    redactor: Arc<Redactor>,
    decoder: Decoder,
    /// Source that the decoder has not made tokens of: an escape cut in two.
    source: String,
    string: Option<StringFilter>,
    number: String,
    blocked: bool,
}

/// A filter of one string.
struct StringFilter {
    stream: RedactStream,
    /// How the characters before `changed` were spelt that the stream has not released.
    spelling: String,
    /// Bytes released so far, decoded.
    released: usize,
    /// Where the first masked value starts: from there on what is released is not what was read.
    changed: Option<usize>,
}

/// Why arguments can't be filtered.
#[derive(Debug)]
pub(crate) enum ArgumentsError {
    /// They are not JSON.
    Malformed(WireError),
    /// A number is too long.
    NumberTooLong,
}

// === impl ArgumentsFilter ===

impl ArgumentsFilter {
    pub(crate) fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            decoder: Decoder::new(),
            source: String::new(),
            string: None,
            number: String::new(),
            blocked: false,
        }
    }

    /// Takes the next piece; appends what may be released to `out`.
    pub(crate) fn push(
        &mut self,
        piece: &str,
        out: &mut String,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ArgumentsError> {
        self.source.push_str(piece);
        let mut tokens = Vec::new();
        let decoded = self.decoder.push(piece, &mut tokens);
        self.tokens(&tokens, out, findings)?;
        decoded.map_err(ArgumentsError::Malformed)
    }

    /// Ends the arguments, be they complete or not.
    pub(crate) fn finish(
        &mut self,
        out: &mut String,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ArgumentsError> {
        let mut tokens = Vec::new();
        self.decoder.finish(&mut tokens);
        self.tokens(&tokens, out, findings)
    }

    /// Whether a value was met that stops the reply; nothing behind its start was released.
    pub(crate) const fn blocked(&self) -> bool {
        self.blocked
    }

    fn tokens(
        &mut self,
        tokens: &[Token<'_>],
        out: &mut String,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ArgumentsError> {
        for token in tokens {
            if self.blocked {
                break;
            }
            match token {
                Token::Raw(raw) => {
                    self.take_source(raw.len());
                    out.push_str(raw);
                }
                Token::Text(text) => self.text(text, out, findings),
                Token::StringEnd => self.end_string(out, findings),
                Token::Number(digits) => {
                    self.take_source(digits.len());
                    if self.number.len() + digits.len() > NUMBER_BYTES_MAX {
                        return Err(ArgumentsError::NumberTooLong);
                    }
                    self.number.push_str(digits);
                }
                Token::NumberEnd => self.end_number(out, findings),
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, out: &mut String, findings: &mut Vec<Finding>) {
        let spelt = self.take_source(spelt_len(&self.source, text.len()));
        let redactor = &self.redactor;
        let string = self
            .string
            .get_or_insert_with(|| StringFilter::new(redactor));
        string.push(text, &spelt, out, findings);
        self.blocked |= string.stream.blocked();
    }

    fn end_string(&mut self, out: &mut String, findings: &mut Vec<Finding>) {
        if let Some(mut string) = self.string.take() {
            string.finish(out, findings);
            self.blocked |= string.stream.blocked();
        }
    }

    fn end_number(&mut self, out: &mut String, findings: &mut Vec<Finding>) {
        let number = std::mem::take(&mut self.number);
        let found = number_findings(&self.redactor, &number);
        if found.iter().any(is_masked) {
            self.blocked = true;
        } else {
            out.push_str(&number);
        }
        findings.extend(found);
    }

    /// Takes `bytes` of source off the front: what the next token was made of.
    fn take_source(&mut self, bytes: usize) -> String {
        let rest = self.source.split_off(bytes.min(self.source.len()));
        std::mem::replace(&mut self.source, rest)
    }
}

// === impl StringFilter ===

impl StringFilter {
    fn new(redactor: &Arc<Redactor>) -> Self {
        Self {
            stream: redactor.stream(),
            spelling: String::new(),
            released: 0,
            changed: None,
        }
    }

    fn push(&mut self, text: &str, spelt: &str, out: &mut String, findings: &mut Vec<Finding>) {
        if self.changed.is_none() {
            self.spelling.push_str(spelt);
        }
        self.release(out, findings, |stream, released, found| {
            stream.push(text, released, found);
        });
    }

    fn finish(&mut self, out: &mut String, findings: &mut Vec<Finding>) {
        self.release(out, findings, RedactStream::finish);
    }

    fn release(
        &mut self,
        out: &mut String,
        findings: &mut Vec<Finding>,
        run: impl FnOnce(&mut RedactStream, &mut String, &mut Vec<Finding>),
    ) {
        let (mut released, known) = (String::new(), findings.len());
        run(&mut self.stream, &mut released, findings);
        let mut found = findings.get(known..).unwrap_or_default().iter();
        if self.changed.is_none() {
            self.changed = found
                .find(|finding| is_masked(finding))
                .map(|found| found.range.start);
        }
        // Up to there the released text is the text that was read: it keeps its spelling.
        let same = self
            .changed
            .map_or(usize::MAX, |at| at.saturating_sub(self.released));
        let (same, other) = released.split_at_checked(same).unwrap_or((&released, ""));
        let spelt = spelt_len(&self.spelling, same.len());
        out.extend(self.spelling.drain(..spelt));
        encode_into(other, out);
        self.released += released.len();
    }
}

/// Length of the source at the beginning of `source` that `decoded` bytes of text were made of.
///
/// `source` is the inside of a JSON string that the decoder has accepted.
fn spelt_len(source: &str, decoded: usize) -> usize {
    let (mut at, mut seen) = (0, 0);
    while seen < decoded {
        let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) else {
            return source.len();
        };
        let (spelt, bytes) = character(rest);
        at += spelt;
        seen += bytes;
    }
    at
}

/// Bytes of source and of text of the first character of `source`.
fn character(source: &str) -> (usize, usize) {
    let plain = source.chars().next().map_or(1, char::len_utf8);
    if !source.starts_with('\\') {
        return (plain, plain);
    }
    match unit(source) {
        None => (2, 1),
        Some(0xD800..0xE000) => (12, 4),
        Some(unit) => (6, char::from_u32(unit).map_or(1, char::len_utf8)),
    }
}

/// The code unit of the `\uXXXX` that `source` begins with.
fn unit(source: &str) -> Option<u32> {
    let digits = source.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
