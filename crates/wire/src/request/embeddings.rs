//! OpenAI Embeddings.

use super::openai::{prompt, shared};
use super::reader::Reader;
use crate::WireError;
use crate::json::Value;

/// Walks the body.
pub(super) fn read<'a>(reader: &mut Reader<'a>, root: Value<'a>) -> Result<(), WireError> {
    reader.demand(root, "input")?;
    reader.members(root, |reader, name, value| match name {
        "input" => prompt(reader, value).map(|()| true),
        _ => shared(reader, name, value),
    })
}
