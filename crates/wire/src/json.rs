//! Strict JSON (RFC 8259, I-JSON RFC 7493), read once into a flat tape.
//!
//! 1. The body is checked as UTF-8, whole.
//! 2. One pass writes a node for every value and key, with its byte range and the index of the
//!    node after it; there is no tree of boxes and strings are not copied.
//! 3. Whatever two parsers could read differently is refused: duplicate keys (compared decoded),
//!    lone surrogates, bad escapes, control characters in strings, a byte order mark, numbers that
//!    a double can't hold, nesting beyond [`DEPTH_MAX`], text after the value.
//!
//! What it does not do: it does not check that a number keeps its precision elsewhere; numbers are
//! never rewritten by the gateway, except where a limit is set on one.

mod parse;
mod pointer;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use parse::{parse, parse_lenient};
pub use pointer::pointer_at;
pub(crate) use text::decode as unescape;
pub use text::encode_string;
pub use value::{Json, JsonKind, Value};

/// The deepest nesting of arrays and objects.
pub const DEPTH_MAX: usize = 64;
/// The most values and keys of one body.
pub const NODES_MAX: usize = 1_000_000;
