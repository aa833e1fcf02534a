//! LLM wire formats and SSE: finds the text in a body and writes it back; sans-I/O.

#![forbid(unsafe_code)]

pub mod error;
pub mod fragment;
pub mod json;
pub mod reply;
pub mod request;
pub mod sse;
pub mod stream;
mod wire_error;

pub use wire_error::{WireError, WireErrorKind};
