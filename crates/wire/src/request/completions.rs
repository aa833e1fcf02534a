//! OpenAI Completions.

use super::openai::{prompt, shared};
use super::reader::Reader;
use super::voice::USER;
use crate::WireError;
use crate::json::Value;

/// Walks the body.
pub(super) fn read<'a>(reader: &mut Reader<'a>, root: Value<'a>) -> Result<(), WireError> {
    reader.document.max_tokens_field = "max_tokens";
    reader.members(root, |reader, name, value| {
        match name {
            "prompt" => prompt(reader, value)?,
            "suffix" => reader.text(value, USER)?,
            "max_tokens" => reader.max_tokens(value)?,
            "n" | "best_of" => reader.choices(value)?,
            _ => return shared(reader, name, value),
        }
        Ok(true)
    })
}
