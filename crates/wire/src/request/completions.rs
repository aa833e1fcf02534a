//! OpenAI Completions and Embeddings.

use aegis_core::{Kind, Role};

use super::reader::Reader;
use crate::WireError;
use crate::json::Value;

pub(super) fn read<'a>(reader: &mut Reader<'a>, root: Value<'a>) -> Result<(), WireError> {
    reader.document.max_tokens_field = "max_tokens";
    if root.get("prompt").is_none() {
        return Err(reader.error(root, "must have a `prompt`"));
    }
    reader.members(root, |reader, name, value| {
        match name {
            "prompt" => prompt(reader, value)?,
            "suffix" => reader.speaking(Role::User, |reader| reader.texts(value, Kind::Text))?,
            "model" => reader.model(value)?,
            "stream" => reader.stream(value)?,
            "max_tokens" => reader.max_tokens(value)?,
            "n" | "best_of" => reader.choices(value)?,
            "stop" => reader.texts(value, Kind::Text)?,
            "user" => reader.text(value, Kind::Text),
            "echo" | "logprobs" | "temperature" | "top_p" | "seed" | "frequency_penalty"
            | "presence_penalty" | "logit_bias" | "stream_options" => reader.structural(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

pub(super) fn read_embeddings<'a>(
    reader: &mut Reader<'a>,
    root: Value<'a>,
) -> Result<(), WireError> {
    if root.get("input").is_none() {
        return Err(reader.error(root, "must have an `input`"));
    }
    reader.members(root, |reader, name, value| {
        match name {
            "input" => prompt(reader, value)?,
            "model" => reader.model(value)?,
            "user" => reader.text(value, Kind::Text),
            "encoding_format" | "dimensions" => reader.structural(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// A string or an array of strings, each a prompt of its own. Tokens can't be read.
fn prompt<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    let tokens = |value: Value<'_>| {
        value
            .elements()
            .any(|element| element.is_number() || element.is_array())
    };
    if tokens(value) {
        return Err(reader.error(value, "must be text: arrays of tokens can't be inspected"));
    }
    reader.speaking(Role::User, |reader| {
        if value.is_string() {
            reader.message = 1;
            reader.text(value, Kind::Text);
        } else {
            reader.messages(value, |reader, element| {
                reader.demanded_text(element, Kind::Text)
            })?;
        }
        reader.message = 0;
        Ok(())
    })
}
