//! Replies without an answer in them: embeddings and lists of models.

use aegis_core::Kind;

use super::finds::Finds;
use crate::WireError;
use crate::json::Value;

/// Reads an embeddings reply, whose arrays of numbers have been blanked.
pub(crate) fn embeddings<'a>(finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
    finds.members(root, |finds, name, value| {
        match name {
            "object" | "id" | "created" => finds.structural(value),
            "model" => {
                finds.model = Some(value);
                finds.structural(value);
            }
            "usage" => {
                finds.usage.input_tokens = value.get("prompt_tokens").and_then(|n| n.as_u64());
                finds.structural(value);
            }
            "data" => finds.elements(value, |finds, position, entry| {
                finds.index = position;
                embedding(finds, entry)
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn embedding<'a>(finds: &mut Finds<'a>, entry: Value<'a>) -> Result<(), WireError> {
    finds.members(entry, |finds, name, value| {
        match name {
            "object" | "index" => finds.structural(value),
            "embedding" if value.is_string() => finds.opaque(value),
            "embedding" => finds.unplaced(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Reads a list of models or one model.
pub(crate) fn models<'a>(finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
    finds.members(root, |finds, name, value| {
        match name {
            "data" | "models" if value.is_array() => {
                finds.elements(value, |finds, _, model| models(finds, model))?;
            }
            "id" | "object" | "type" | "created" | "created_at" | "owned_by" | "has_more"
            | "first_id" | "last_id" | "root" | "parent" => finds.structural(value),
            "display_name" => finds.text(value, Kind::Text),
            _ => return Ok(false),
        }
        Ok(true)
    })
}
