//! Canonical JSON (RFC 8785) of event details and of Merkle leaves.
//!
//! What is hashed today must be hashed the same after it went through a database, on any machine:
//!
//! 1. [`Details`] takes any JSON value, replaces what a database column can't hold (U+0000), bounds
//!    depth and length, and keeps the canonical text.
//! 2. [`leaf`] writes an event and its place in the log as one canonical object. Index and log are
//!    part of it, so an event moved to another place no longer fits its own hash.
//! 3. [`recanonicalize`] is the way back from PostgreSQL's JSONB, whose text has other spacing and
//!    key order. A number that is equal as a double, but was not written by us, is told apart.

use std::cmp::Ordering;
use std::io::Write as _;

use serde_json::{Map, Value};

use crate::event::Event;

/// Details of one event may be this many bytes of canonical JSON.
pub const DETAILS_BYTES_MAX: usize = 32 << 10;
/// Details may be nested this deep.
const DEPTH_MAX: usize = 16;
/// Integers up to here are the same in JSON and as a double (2^53).
const INTEGER_MAX: u64 = 1 << 53;
/// What stands for a value nested too deeply.
const TOO_DEEP: &str = "(nested too deeply)";

/// The details of an event, as canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details(String);

/// Writes `value` as canonical JSON.
pub(crate) fn canonical(value: &Value) -> String {
    let mut out = Vec::with_capacity(256);
    write_value(value, &mut out);
    // The writer emits UTF-8 only.
    String::from_utf8(out).unwrap_or_default()
}

/// Whether `text` is canonical JSON already.
pub(crate) fn is_canonical(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| canonical(&value) == text)
}

/// The canonical form of JSON that a database printed; `None` if it is not JSON, or holds a number
/// that canonical JSON would have written with another value.
pub(crate) fn recanonicalize(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    numbers(text)
        .all(|token| {
            let written = serde_json::from_str::<Value>(token).map(|value| canonical(&value));
            written.is_ok_and(|written| decimal(&written) == decimal(token))
        })
        .then(|| canonical(&value))
}

/// The canonical leaf of `event` as number `index` of `log`.
pub(crate) fn leaf(log: &str, index: u64, event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(384 + event.details.len());
    // Members stand in the order of RFC 8785, section 3.2.3.
    member(&mut out, b"{\"action\":", Some(&event.action));
    member(&mut out, b",\"actor_id\":", Some(&event.actor_id));
    member(&mut out, b",\"actor_type\":", Some(&event.actor_type));
    member(&mut out, b",\"created_at\":", Some(&event.created_at));
    out.extend_from_slice(b",\"details\":");
    out.extend_from_slice(event.details.as_bytes());
    member(&mut out, b",\"event_type\":", Some(&event.event_type));
    member(&mut out, b",\"id\":", Some(&event.id));
    out.extend_from_slice(b",\"index\":");
    write_integer(index, &mut out);
    member(&mut out, b",\"ip_address\":", event.ip_address.as_deref());
    member(&mut out, b",\"log\":", Some(log));
    member(&mut out, b",\"resource_id\":", event.resource_id.as_deref());
    let resource_type = event.resource_type.as_deref();
    member(&mut out, b",\"resource_type\":", resource_type);
    out.extend_from_slice(b",\"v\":1}");
    out
}

fn member(out: &mut Vec<u8>, name: &[u8], value: Option<&str>) {
    out.extend_from_slice(name);
    match value {
        Some(text) => write_string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                out.push(if at == 0 { b'[' } else { b',' });
                write_value(item, out);
            }
            out.extend_from_slice(if items.is_empty() { b"[]" } else { b"]" });
        }
        Value::Object(members) => write_object(members, out),
    }
}

fn write_object(members: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| by_utf16(a, b));
    for (at, (key, value)) in sorted.into_iter().enumerate() {
        out.push(if at == 0 { b'{' } else { b',' });
        write_string(key, out);
        out.push(b':');
        write_value(value, out);
    }
    out.extend_from_slice(if members.is_empty() { b"{}" } else { b"}" });
}

/// RFC 8785 sorts keys by UTF-16 code units, which differs from UTF-8 beyond the BMP.
fn by_utf16(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        a.cmp(b)
    } else {
        a.encode_utf16().cmp(b.encode_utf16())
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // serde_json's escapes are those of RFC 8785; writing to a Vec can't fail.
    serde_json::to_writer(out, text).ok();
}

fn write_number(number: &serde_json::Number, out: &mut Vec<u8>) {
    if let Some(integer) = number.as_u64().filter(|integer| *integer <= INTEGER_MAX) {
        write_integer(integer, out);
    } else if let Ok(text) = serde_json_canonicalizer::to_vec(number) {
        out.extend_from_slice(&text);
    } else {
        out.extend_from_slice(b"null");
    }
}

fn write_integer(integer: u64, out: &mut Vec<u8>) {
    write!(out, "{integer}").ok();
}

/// The number tokens of a JSON text.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            let (_, found) = rest.split_at_checked(at)?;
            if let Some(inside) = found.strip_prefix('"') {
                rest = skip_string(inside);
                continue;
            }
            let end = found
                .find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E') && !c.is_ascii_digit())
                .unwrap_or(found.len());
            let (token, after) = found.split_at_checked(end)?;
            rest = after;
            return Some(token);
        }
    })
}

/// What stands behind the string literal whose opening quote has been read.
fn skip_string(text: &str) -> &str {
    let mut escaped = false;
    let end = text.find(|c: char| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    end.and_then(|end| text.get(end + 1..)).unwrap_or_default()
}

/// A decimal literal as sign, digits without outer zeros, and the exponent of the last digit.
fn decimal(token: &str) -> (bool, String, i64) {
    let (negative, rest) = match token.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, token),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX / 2)
        - i64::try_from(fraction.len()).unwrap_or(i64::MAX / 2)
        + i64::try_from(digits.len() - kept.len()).unwrap_or(i64::MAX / 2);
    match kept.trim_start_matches('0') {
        "" => (false, String::new(), 0),
        digits => (negative, digits.to_owned(), exponent),
    }
}

/// Replaces what a column can't hold and cuts what is nested too deeply.
fn clean(value: &mut Value, depth: usize) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => clean_text(text),
        Value::Array(_) | Value::Object(_) if depth == 0 => *value = TOO_DEEP.into(),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, depth - 1)),
        Value::Object(members) => {
            if members.keys().any(|key| key.contains('\0')) {
                let old = std::mem::take(members);
                members.extend(old.into_iter().map(|(mut key, value)| {
                    clean_text(&mut key);
                    (key, value)
                }));
            }
            members
                .values_mut()
                .for_each(|value| clean(value, depth - 1));
        }
    }
}

fn clean_text(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}

// === impl Details ===

impl Details {
    /// The details `value`; U+0000 becomes U+FFFD, and a value that is too long is replaced by a
    /// note of its length.
    #[must_use]
    pub fn new(mut value: Value) -> Self {
        clean(&mut value, DEPTH_MAX);
        let text = canonical(&value);
        if text.len() <= DETAILS_BYTES_MAX {
            return Self(text);
        }
        Self(canonical(
            &serde_json::json!({ "truncated": true, "bytes": text.len() }),
        ))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Default for Details {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}
