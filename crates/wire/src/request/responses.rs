//! OpenAI Responses: the top level. The items of `input` are read by [`super::items`].

use aegis_core::Kind;

use super::items::item;
use super::openai::shared;
use super::reader::Reader;
use super::voice::{DESCRIPTION, SYSTEM, USER};
use crate::WireError;
use crate::json::Value;

/// Walks the body.
pub(super) fn read<'a>(reader: &mut Reader<'a>, root: Value<'a>) -> Result<(), WireError> {
    reader.document.max_tokens_field = "max_output_tokens";
    reader.members(root, |reader, name, value| {
        match name {
            "input" => input(reader, value)?,
            "instructions" => reader.text(value, SYSTEM)?,
            "prompt" => stored_prompt(reader, value)?,
            "text" => reader.spread(value, DESCRIPTION),
            "max_output_tokens" => reader.max_tokens(value)?,
            "reasoning" | "conversation" | "previous_response_id" => reader.structural(value),
            _ => return shared(reader, name, value),
        }
        Ok(true)
    })
}

fn input<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    if value.is_array() {
        return reader.messages(value, item);
    }
    if !value.is_string() && !value.is_null() {
        return Err(reader.refuse(value, "a string or an array of items"));
    }
    reader.message = 1;
    reader.text(value, USER)?;
    reader.message = 0;
    Ok(())
}

/// A prompt that the provider keeps, and what its variables stand for.
fn stored_prompt<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    reader.members(value, |reader, name, value| {
        match name {
            "id" | "version" => reader.structural(value),
            "variables" => variables(reader, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn variables<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    if !value.is_object() && !value.is_null() {
        return Err(reader.refuse(value, "an object"));
    }
    value.members().try_for_each(|(key, variable)| {
        reader.push(key, USER.of(Kind::Key));
        reader.part(variable, USER)
    })
}
