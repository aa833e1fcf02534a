//! Whole replies: where their text stands.
//!
//! How:
//! 1. The body is parsed strictly ([`crate::json`]); what is not JSON is refused.
//! 2. The operation's grammar visits every value. Identifiers, enumerations, numbers and base64 are
//!    let through where the format has them and where they look like it; everything else is text.
//! 3. The texts become segments in body order, all of them the assistant's and untrusted.
//!
//! Values that repeat the text token by token (log-probabilities, token lists) are not segments: a
//! value cut into tokens can't be found in them. They are listed as `repeats`, to be replaced by
//! `null` when any text of the reply is changed.
//!
//! What it does not catch: text that a provider hides in numbers, in base64, or in identifiers of up
//! to 128 characters of `[A-Za-z0-9._:/-]`.

use std::ops::Range;

use aegis_core::{Document, GenericFields, Kind, Operation, Role, Segment, Text, Trust, Usage};
use bytes::Bytes;

use crate::WireError;
use crate::json::{self, Value};

pub(crate) mod chat;
pub(crate) mod finds;
pub(crate) mod generic;
mod listing;
pub(crate) mod looks;
pub(crate) mod messages;
mod numbers;
pub(crate) mod place;
pub(crate) mod responses;
pub(crate) mod stem;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tgi;

use finds::{Finds, Found, Memory};
use generic::Pointers;

/// A whole reply and the text found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyDocument {
    /// The body with its texts; the role is always the assistant's.
    pub document: Document,
    /// Tokens, as the provider counted them.
    pub usage: Usage,
    /// Values that repeat the text token by token; `null` takes their place when any text is changed.
    pub repeats: Vec<Range<usize>>,
}

/// Reads a whole reply.
///
/// # Errors
/// If the body is not strict JSON.
pub fn read_reply(
    operation: Operation,
    generic: Option<&GenericFields>,
    raw: Bytes,
) -> Result<ReplyDocument, WireError> {
    let mut document = Document::new(Bytes::new());
    let blanked;
    let parsed = match operation {
        Operation::Embeddings => {
            blanked = numbers::blank(&raw);
            json::parse(&blanked)?
        }
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Completions
        | Operation::Models
        | Operation::Messages
        | Operation::CountTokens
        | Operation::Generate
        | Operation::GenerateStream
        | Operation::Generic => json::parse(&raw)?,
    };
    let mut finds = Finds::new(false, Memory::default());
    read(operation, generic, &mut finds, parsed.root())?;
    finds.found.sort_by_key(|found| found.value.range().start);
    document.segments = finds.found.iter().filter_map(segment).collect();
    document.media = finds.media;
    document.model = finds.model.and_then(named);
    let (usage, repeats) = (finds.usage, finds.repeats);
    document.raw = raw;
    Ok(ReplyDocument {
        document,
        usage,
        repeats,
    })
}

fn read<'a>(
    operation: Operation,
    generic: Option<&GenericFields>,
    finds: &mut Finds<'a>,
    root: Value<'a>,
) -> Result<(), WireError> {
    match operation {
        Operation::ChatCompletions | Operation::Completions => chat::completion(finds, root),
        Operation::Responses => responses::response(finds, root),
        Operation::Embeddings => listing::embeddings(finds, root),
        Operation::Models => listing::models(finds, root),
        Operation::Messages => messages::message(finds, root),
        Operation::CountTokens => messages::count(finds, root),
        Operation::Generate | Operation::GenerateStream => tgi::reply(finds, root),
        Operation::Generic => Pointers::new(generic).read(finds, root),
    }
}

fn segment(found: &Found<'_>) -> Option<Segment> {
    let literal = found.value.range();
    let text = match found.kind {
        Kind::Number => Text::Plain(literal.clone()),
        Kind::Text
        | Kind::Reasoning
        | Kind::Refusal
        | Kind::ToolArguments
        | Kind::ToolValue
        | Kind::ToolDescription
        | Kind::ToolResult
        | Kind::Document
        | Kind::Key
        | Kind::Unplaced => found.value.text()?,
    };
    Some(Segment {
        role: Role::Assistant,
        trust: Trust::Untrusted,
        kind: found.kind,
        message: found.index,
        literal,
        text,
    })
}

fn named(model: Value<'_>) -> Option<(Range<usize>, Box<str>)> {
    Some((model.range(), model.as_str()?.into()))
}
