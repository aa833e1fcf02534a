//! Requests: every text in a body, with whose it is and where it stands.
//!
//! One grammar per API. Each names the members it knows and what they hold; all of them share
//! [`reader`], whose rule is that nothing is skipped because it is unknown: a member without a name
//! in the grammar gives its key and every string below it as untrusted text. Only identifiers,
//! enumerations, numbers and the base64 of media are not text.
//!
//! What is refused: a body that is not a JSON object, text where the API has none (numbers as
//! content, token arrays as prompts), and roles that the API does not have.

mod chat;
mod completions;
mod generic;
mod messages;
mod parts;
mod reader;
mod responses;
mod tgi;
mod tools;

#[cfg(test)]
mod tests;

use aegis_core::{Document, GenericFields, Operation};
use bytes::Bytes;

use self::reader::Reader;
use crate::{WireError, json};

/// Reads the body of a request of `operation`.
///
/// # Errors
/// If the body is not strict JSON, or not what the API takes.
pub fn read_request(
    operation: Operation,
    generic: Option<&GenericFields>,
    raw: Bytes,
) -> Result<Document, WireError> {
    let body = raw.clone();
    let parsed = json::parse(&body)?;
    let root = parsed.root();
    if !root.is_object() {
        return Err(WireError::invalid(
            "the body must be a JSON object",
            root.range().start,
        ));
    }
    let mut reader = Reader::new(&body, Document::new(raw));
    match operation {
        Operation::ChatCompletions => chat::read(&mut reader, root)?,
        Operation::Responses => responses::read(&mut reader, root)?,
        Operation::Completions => completions::read(&mut reader, root)?,
        Operation::Embeddings => completions::read_embeddings(&mut reader, root)?,
        Operation::Messages | Operation::CountTokens => {
            messages::read(&mut reader, root, operation)?
        }
        Operation::Generate => tgi::read(&mut reader, root)?,
        Operation::GenerateStream => {
            tgi::read(&mut reader, root)?;
            reader.document.stream = true;
        }
        Operation::Generic => generic::read(
            &mut reader,
            root,
            generic.unwrap_or(&GenericFields::default()),
        )?,
        Operation::Models => return Err(WireError::invalid("this route takes no body", 0)),
    }
    Ok(reader.document)
}
