//! The parser: recursive descent, at most [`DEPTH_MAX`] deep, onto a tape.

use std::borrow::Cow;
use std::collections::HashSet;

use memchr::memchr2;

use super::text::{AFTER, HIGH, LOW, unit};
use super::value::{Json, JsonKind, Node};
use super::{DEPTH_MAX, NODES_MAX};
use crate::WireError;

/// Objects with more members than this have their keys compared by hash.
const LINEAR_KEYS_MAX: usize = 12;
/// Numbers longer than this, or with an exponent, are checked against the range of a double.
const SHORT_NUMBER_BYTES: usize = 200;

struct Parser<'a> {
    raw: &'a str,
    at: usize,
    nodes: Vec<Node>,
    lenient: bool,
}

/// Parses a body.
///
/// # Errors
/// If it is not JSON, or two parsers could read it differently.
pub fn parse(raw: &[u8]) -> Result<Json<'_>, WireError> {
    run(raw, false)
}

/// Parses one event of a stream: as [`parse`], but a string may begin with a lone low surrogate and
/// end with a lone high one, the halves of a character that two events share.
///
/// # Errors
/// As [`parse`].
pub fn parse_lenient(raw: &[u8]) -> Result<Json<'_>, WireError> {
    run(raw, true)
}

fn run(raw: &[u8], lenient: bool) -> Result<Json<'_>, WireError> {
    if u32::try_from(raw.len()).is_err() {
        return Err(WireError::too_large("the body is longer than 4 GiB", 0));
    }
    let raw = std::str::from_utf8(raw)
        .map_err(|e| WireError::invalid("the body is not UTF-8", e.valid_up_to()))?;
    if raw.starts_with('\u{feff}') {
        return Err(WireError::invalid(
            "the body starts with a byte order mark",
            0,
        ));
    }
    let mut parser = Parser {
        raw,
        at: 0,
        nodes: Vec::with_capacity(raw.len() / 16 + 8),
        lenient,
    };
    parser.space();
    parser.value(0)?;
    parser.space();
    if parser.at < raw.len() {
        return Err(parser.error("there is text after the JSON value"));
    }
    Ok(Json {
        raw,
        nodes: parser.nodes,
    })
}

// === impl Parser ===

impl Parser<'_> {
    fn error(&self, message: &'static str) -> WireError {
        WireError::invalid(message, self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.raw.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Opens a node; [`Self::close`] sets where it ends.
    fn open(&mut self, kind: JsonKind) -> Result<usize, WireError> {
        if self.nodes.len() >= NODES_MAX {
            return Err(WireError::too_large(
                "the body has too many values",
                self.at,
            ));
        }
        let node = Node {
            kind,
            escaped: false,
            start: self.position(),
            end: 0,
            next: 0,
        };
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn close(&mut self, index: usize, escaped: bool) {
        let (end, next) = (
            self.position(),
            u32::try_from(self.nodes.len()).unwrap_or(u32::MAX),
        );
        if let Some(node) = self.nodes.get_mut(index) {
            (node.end, node.next, node.escaped) = (end, next, escaped);
        }
    }

    /// The body's length fits into 32 bits: that was checked first.
    fn position(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    fn value(&mut self, depth: usize) -> Result<(), WireError> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", JsonKind::Bool),
            Some(b'f') => self.word("false", JsonKind::Bool),
            Some(b'n') => self.word("null", JsonKind::Null),
            Some(_) => Err(self.error("a JSON value was expected")),
            None => Err(self.error("the body ends where a JSON value was expected")),
        }
    }

    fn word(&mut self, word: &'static str, kind: JsonKind) -> Result<(), WireError> {
        let rest = self.raw.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.error("a JSON value was expected"));
        }
        let node = self.open(kind)?;
        self.at += word.len();
        self.close(node, false);
        Ok(())
    }

    fn descend(&self, depth: usize) -> Result<usize, WireError> {
        if depth >= DEPTH_MAX {
            return Err(self.error("the body is nested too deeply"));
        }
        Ok(depth + 1)
    }

    fn array(&mut self, depth: usize) -> Result<(), WireError> {
        let depth = self.descend(depth)?;
        let node = self.open(JsonKind::Array)?;
        self.at += 1;
        self.space();
        if self.peek() != Some(b']') {
            loop {
                self.value(depth)?;
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(self.error("`,` or `]` was expected")),
                }
                self.space();
            }
        }
        self.at += 1;
        self.close(node, false);
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), WireError> {
        let depth = self.descend(depth)?;
        let node = self.open(JsonKind::Object)?;
        self.at += 1;
        self.space();
        let mut members = 0;
        if self.peek() != Some(b'}') {
            loop {
                self.member(depth)?;
                members += 1;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(self.error("`,` or `}` was expected")),
                }
                self.space();
            }
        }
        self.at += 1;
        self.close(node, false);
        self.distinct_keys(node, members)
    }

    fn member(&mut self, depth: usize) -> Result<(), WireError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("a key in quotes was expected"));
        }
        self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.error("`:` was expected"));
        }
        self.at += 1;
        self.space();
        self.value(depth)?;
        self.space();
        Ok(())
    }

    /// Two parsers may keep different ones of two equal keys.
    fn distinct_keys(&self, object: usize, members: usize) -> Result<(), WireError> {
        if members < 2 {
            return Ok(());
        }
        let double = |at: u32| {
            Err(WireError::invalid(
                "a key stands twice in one object",
                at as usize,
            ))
        };
        if members <= LINEAR_KEYS_MAX {
            let mut seen: [Cow<'_, str>; LINEAR_KEYS_MAX] = Default::default();
            for (count, (key, start)) in self.keys(object).enumerate() {
                let (before, _) = seen.split_at(count.min(LINEAR_KEYS_MAX));
                if before.contains(&key) {
                    return double(start);
                }
                if let Some(slot) = seen.get_mut(count) {
                    *slot = key;
                }
            }
            return Ok(());
        }
        let mut seen = HashSet::with_capacity(members);
        for (key, start) in self.keys(object) {
            if !seen.insert(key) {
                return double(start);
            }
        }
        Ok(())
    }

    /// The keys of the object at `object`, decoded, with their offsets.
    fn keys(&self, object: usize) -> impl Iterator<Item = (Cow<'_, str>, u32)> {
        let end = self.nodes.get(object).map_or(0, |node| node.next as usize);
        let mut at = object + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let key = self.nodes.get(at)?;
            at = self.nodes.get(at + 1)?.next as usize;
            let inner = self
                .raw
                .get(key.start as usize + 1..(key.end as usize).saturating_sub(1))?;
            let text = if key.escaped {
                Cow::Owned(super::text::decode(inner))
            } else {
                Cow::Borrowed(inner)
            };
            Some((text, key.start))
        })
    }

    fn number(&mut self) -> Result<(), WireError> {
        let node = self.open(JsonKind::Number)?;
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.error("a digit was expected")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if matches!(
            self.peek(),
            Some(b'0'..=b'9' | b'.' | b'a'..=b'z' | b'A'..=b'Z')
        ) {
            return Err(self.error("a number is not written as JSON asks"));
        }
        let literal = self.raw.get(start..self.at).unwrap_or_default();
        let long = exponent || literal.len() > SHORT_NUMBER_BYTES;
        if long && !literal.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(self.error("a number is out of range"));
        }
        self.close(node, false);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), WireError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.error("a digit was expected"))
        } else {
            Ok(())
        }
    }

    fn string(&mut self) -> Result<(), WireError> {
        let node = self.open(JsonKind::String)?;
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.raw.as_bytes().get(self.at..).unwrap_or_default();
            let Some(length) = memchr2(b'"', b'\\', rest) else {
                self.at = self.raw.len();
                return Err(self.error("the body ends within a string"));
            };
            let (plain, _) = rest.split_at(length);
            // A minimum over all bytes is done many at a time; a search with an early end is not.
            if plain.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ' {
                self.at += plain.iter().take_while(|byte| **byte >= b' ').count();
                return Err(self.error("a control character stands unescaped in a string"));
            }
            self.at += length;
            if self.peek() == Some(b'"') {
                break;
            }
            escaped = true;
            self.escape(start)?;
        }
        self.at += 1;
        self.close(node, escaped);
        Ok(())
    }

    fn escape(&mut self, string_start: usize) -> Result<(), WireError> {
        let rest = self.raw.get(self.at..).unwrap_or_default();
        match rest.as_bytes().get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                return Ok(());
            }
            Some(b'u') => {}
            _ => return Err(self.error("an escape is not one of JSON's")),
        }
        let Some(first) = rest.get(2..).and_then(unit) else {
            return Err(self.error("an escape is not one of JSON's"));
        };
        let starts_string = self.at == string_start;
        self.at += 6;
        if (LOW..AFTER).contains(&first) {
            let half = self.lenient && starts_string;
            return if half {
                Ok(())
            } else {
                Err(self.error("half of a surrogate pair stands alone"))
            };
        }
        if !(HIGH..LOW).contains(&first) {
            return Ok(());
        }
        let after = rest.get(6..).unwrap_or_default();
        match after.strip_prefix("\\u").and_then(unit) {
            Some(second) if (LOW..AFTER).contains(&second) => {
                self.at += 6;
                Ok(())
            }
            _ if self.lenient && after.starts_with('"') => Ok(()),
            _ => Err(self.error("half of a surrogate pair stands alone")),
        }
    }
}
