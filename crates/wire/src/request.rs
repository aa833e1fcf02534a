//! Request bodies: where the text stands, per operation.
//!
//! 1. The body is parsed strictly ([`crate::json`]).
//! 2. The grammar of the operation walks it once, in body order. Each string it names becomes a
//!    segment with role, trust and kind; images, audio and files become media.
//! 3. A string or key the grammar does not name is a segment too: `Role::Unknown`, untrusted,
//!    `Kind::Unplaced` or `Kind::Key`. Only identifiers and enumerations (short, without a blank)
//!    in places the grammar names, and base64 payloads of media, are no segments.
//! 4. Where text must stand and something else does, the request is refused, with the place named
//!    by JSON Pointer. So are roles that the API does not have, and prompts as token ids or
//!    embeddings, which can't be inspected.
//!
//! Only system and developer text is trusted; tool descriptions are not.
//!
//! What it does not see: what the provider adds by reference (`previous_response_id`, stored
//! prompts, file ids, URLs); text within media payloads; images that a TGI server takes out of the
//! markdown of a *chat* message.

mod arguments;
mod blocks;
mod chat;
mod completions;
mod embeddings;
mod generic;
mod items;
mod media;
mod messages;
mod openai;
mod parts;
mod reader;
mod responses;
mod spread;
mod tgi;
mod tools;
mod voice;

#[cfg(test)]
mod tests;

use aegis_core::{Document, GenericFields, Operation};
use bytes::Bytes;

use crate::WireError;
use crate::json::{Value, parse};
use reader::Reader;

/// Reads the request body of `operation`; `generic` says where the prompt of a generic route
/// stands.
///
/// # Errors
/// If the body can't be read in one way only, or holds a prompt that can't be inspected.
pub fn read_request(
    operation: Operation,
    generic: Option<&GenericFields>,
    raw: Bytes,
) -> Result<Document, WireError> {
    if operation == Operation::Models {
        return without_body(raw);
    }
    let json = parse(&raw)?;
    let root = json.root();
    let mut reader = Reader::new(&raw);
    if operation != Operation::Generic && !root.is_object() {
        return Err(reader.refuse(root, "an object"));
    }
    grammar(operation, generic, &mut reader, root)?;
    Ok(reader.document)
}

fn grammar<'a>(
    operation: Operation,
    generic: Option<&GenericFields>,
    reader: &mut Reader<'a>,
    root: Value<'a>,
) -> Result<(), WireError> {
    match operation {
        Operation::ChatCompletions => chat::read(reader, root),
        Operation::Responses => responses::read(reader, root),
        Operation::Completions => completions::read(reader, root),
        Operation::Embeddings => embeddings::read(reader, root),
        Operation::Messages => messages::read(reader, root, "max_tokens"),
        Operation::CountTokens => messages::read(reader, root, ""),
        Operation::Generate => tgi::read(reader, root, false),
        Operation::GenerateStream => tgi::read(reader, root, true),
        Operation::Generic => match generic {
            Some(fields) => generic::read(reader, root, fields),
            None => generic::read(reader, root, &GenericFields::default()),
        },
        Operation::Models => Ok(()),
    }
}

fn without_body(raw: Bytes) -> Result<Document, WireError> {
    if raw.is_empty() {
        Ok(Document::new(raw))
    } else {
        Err(WireError::invalid("this operation takes no body", 0))
    }
}
