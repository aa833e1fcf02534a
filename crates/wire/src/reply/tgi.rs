//! HuggingFace Text Generation Inference: `/generate` and `/generate_stream`.

use aegis_core::Kind;

use super::finds::{Ends, Finds};
use super::place::Place;
use crate::WireError;
use crate::json::Value;

/// Reads a reply: an object, or an array of such.
pub(crate) fn reply<'a>(finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
    if root.is_array() {
        return finds.elements(root, |finds, position, element| {
            finds.index = position;
            sequence(finds, element)
        });
    }
    sequence(finds, root)
}

/// Reads an event's data: one token, and at the end the whole text.
pub(crate) fn event<'a>(finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
    finds.members(root, |finds, name, value| {
        match name {
            "index" => finds.structural(value),
            "token" if !value.is_null() => token(finds, value)?,
            "token" => {}
            "top_tokens" => finds.repeat(value),
            "generated_text" if value.is_null() => {}
            "generated_text" => {
                finds.text(value, Kind::Text);
                finds.ends.push(Ends::Index(0));
                finds.last = true;
            }
            "details" if value.is_null() => {}
            "details" => details(finds, value)?,
            "error" if !value.is_null() => {
                finds.last = true;
                finds.within(value, Kind::Text);
            }
            "error_type" => finds.notable(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn token<'a>(finds: &mut Finds<'a>, token: Value<'a>) -> Result<(), WireError> {
    finds.members(token, |finds, name, value| {
        match name {
            "text" => finds.flow(value, Kind::Text, 0, Place::Token),
            // Names the text to anybody who has the vocabulary.
            "id" => finds.repeat(value),
            "logprob" | "special" => finds.structural(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// A generated text with what belongs to it; `best_of` gives several.
fn sequence<'a>(finds: &mut Finds<'a>, sequence: Value<'a>) -> Result<(), WireError> {
    finds.members(sequence, |finds, name, value| {
        match name {
            "generated_text" => finds.text(value, Kind::Text),
            "details" if value.is_null() => {}
            "details" => details(finds, value)?,
            "error" => finds.within(value, Kind::Text),
            "error_type" => finds.structural(value),
            _ => return detail(finds, name, value),
        }
        Ok(true)
    })
}

fn details<'a>(finds: &mut Finds<'a>, details: Value<'a>) -> Result<(), WireError> {
    let count = |name| details.get(name).and_then(|count| count.as_u64());
    finds.usage.input_tokens = count("input_length");
    finds.usage.output_tokens = count("generated_tokens");
    finds.essential = true;
    finds.members(details, |finds, name, value| {
        if name != "best_of_sequences" {
            return detail(finds, name, value);
        }
        if !value.is_null() {
            finds.elements(value, |finds, position, element| {
                // The chosen one has index 0.
                finds.index = position + 1;
                sequence(finds, element)
            })?;
        }
        Ok(true)
    })
}

fn detail<'a>(finds: &mut Finds<'a>, name: &str, value: Value<'a>) -> Result<bool, WireError> {
    match name {
        "finish_reason" | "generated_tokens" | "input_length" | "seed" => finds.structural(value),
        "prefill" | "tokens" | "top_tokens" => finds.repeat(value),
        _ => return Ok(false),
    }
    Ok(true)
}
