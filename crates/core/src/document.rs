//! A JSON body and the text found in it.
//!
//! `wire` makes documents; every other crate only reads them. The raw bytes are kept: what is not
//! replaced by an [`Edit`] goes on byte for byte.

use std::ops::Range;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose words a segment claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The system prompt.
    System,
    /// The developer message (OpenAI).
    Developer,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
    /// A retrieved or attached document.
    Document,
    /// A place the grammar does not name.
    Unknown,
}

/// Whether the text comes from the application or from somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Written by the application's owner (system and developer messages).
    Trusted,
    /// Everything else, and whatever the code can't place.
    Untrusted,
}

/// What kind of place a segment stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Ordinary message text.
    Text,
    /// The model's reasoning or its summary.
    Reasoning,
    /// A refusal text.
    Refusal,
    /// A JSON string that holds a whole JSON document (OpenAI `arguments`).
    ToolArguments,
    /// A string inside an arguments object, or a string within a `ToolArguments` document.
    ToolValue,
    /// A bare JSON number inside tool arguments; it can't be masked in place.
    Number,
    /// A tool's or parameter's description, name or schema text.
    ToolDescription,
    /// A tool's result.
    ToolResult,
    /// A document, a search result or a citation.
    Document,
    /// An object key the grammar does not name.
    Key,
    /// A place the grammar does not name.
    Unplaced,
}

/// The decoded text of a segment: the raw bytes themselves where nothing is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// The bytes at this range of the raw body.
    Plain(Range<usize>),
    /// Decoded from escapes.
    Decoded(Box<str>),
}

/// One piece of text in a request or reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Whose words.
    pub role: Role,
    /// Trusted or not.
    pub trust: Trust,
    /// What kind of place.
    pub kind: Kind,
    /// Index of the message or item it belongs to, in body order; parts of one message share it.
    pub message: u32,
    /// Byte range of the JSON literal in the raw body, quotes included.
    pub literal: Range<usize>,
    /// The decoded text.
    pub text: Text,
}

/// A kind of content that is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// An image, inline or by URL.
    Image,
    /// Sound.
    Audio,
    /// A file, inline, by URL or by id.
    File,
}

/// A part of the body that is not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its kind.
    pub kind: MediaKind,
    /// Index of the message it belongs to.
    pub message: u32,
}

/// A number that the gateway may need to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Byte range of the literal.
    pub literal: Range<usize>,
    /// Its value.
    pub value: u64,
}

/// A parsed body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The body as received (after content decoding).
    pub raw: Bytes,
    /// Every text in it, in body order.
    pub segments: Vec<Segment>,
    /// Every part that is not text.
    pub media: Vec<Media>,
    /// The `model` member: range of its literal and its value.
    pub model: Option<(Range<usize>, Box<str>)>,
    /// Whether a streamed reply is asked for.
    pub stream: bool,
    /// The request's own output limit, if it has one.
    pub max_tokens: Option<Number>,
    /// The member that sets an output limit in this format, for adding one; empty if there is none.
    pub max_tokens_field: &'static str,
    /// How many choices are asked for (`n`, `best_of`); 1 where not stated.
    pub choices: u64,
    /// Names of the tools that the request offers to the model.
    pub tools: Vec<Box<str>>,
}

/// A replacement of a byte range of a raw body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The range replaced; empty for an insertion.
    pub range: Range<usize>,
    /// What stands there instead.
    pub with: Vec<u8>,
}

// === impl Document ===

impl Document {
    /// A document without any text yet.
    #[must_use]
    pub const fn new(raw: Bytes) -> Self {
        Self {
            raw,
            segments: Vec::new(),
            media: Vec::new(),
            model: None,
            stream: false,
            max_tokens: None,
            max_tokens_field: "",
            choices: 1,
            tools: Vec::new(),
        }
    }

    /// The decoded text of `segment`, which must be one of this document's.
    #[must_use]
    pub fn text<'a>(&'a self, segment: &'a Segment) -> &'a str {
        match &segment.text {
            Text::Decoded(text) => text,
            // The parser has checked the whole body as UTF-8 and cuts only at quotes.
            Text::Plain(range) => self
                .raw
                .get(range.clone())
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .unwrap_or_default(),
        }
    }
}

/// Applies `edits` (in ascending order, not overlapping) to `raw`; without edits, `raw` itself.
#[must_use]
pub fn splice(raw: &Bytes, edits: &[Edit]) -> Bytes {
    if edits.is_empty() {
        return raw.clone();
    }
    let grown: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut out = Vec::with_capacity(raw.len() + grown);
    let mut at = 0;
    for edit in edits {
        debug_assert!(edit.range.start >= at, "edits overlap or are out of order");
        out.extend_from_slice(raw.get(at..edit.range.start).unwrap_or_default());
        out.extend_from_slice(&edit.with);
        at = edit.range.end;
    }
    out.extend_from_slice(raw.get(at..).unwrap_or_default());
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splice_replaces_and_inserts_and_leaves_the_rest() {
        let raw = Bytes::from_static(b"{\"a\":1,\"b\":2}");
        let edits = [
            Edit {
                range: 1..1,
                with: b"\"z\":0,".to_vec(),
            },
            Edit {
                range: 5..6,
                with: b"10".to_vec(),
            },
        ];
        assert_eq!(splice(&raw, &edits), "{\"z\":0,\"a\":10,\"b\":2}");
        assert_eq!(splice(&raw, &[]).as_ptr(), raw.as_ptr());
    }
}
