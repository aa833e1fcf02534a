//! HuggingFace Text Generation Inference.

use aegis_core::{Kind, Role};

use super::reader::Reader;
use crate::WireError;
use crate::json::Value;

pub(super) fn read<'a>(reader: &mut Reader<'a>, root: Value<'a>) -> Result<(), WireError> {
    if root.get("inputs").is_none() {
        return Err(reader.error(root, "must have `inputs`"));
    }
    reader.members(root, |reader, name, value| {
        match name {
            "inputs" => {
                reader.message = 1;
                reader.speaking(Role::User, |reader| reader.demanded_text(value, Kind::Text))?;
                reader.message = 0;
            }
            "parameters" if value.is_object() => parameters(reader, value)?,
            "stream" => reader.stream(value)?,
            _ => return Ok(value.is_null()),
        }
        Ok(true)
    })
}

fn parameters<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    reader.members(value, |reader, name, member| {
        match name {
            "max_new_tokens" => reader.max_tokens(member)?,
            "best_of" => reader.choices(member)?,
            "stop" => reader.texts(member, Kind::Text)?,
            "grammar" => reader.within(member, Kind::ToolDescription),
            "adapter_id"
            | "decoder_input_details"
            | "details"
            | "do_sample"
            | "frequency_penalty"
            | "repetition_penalty"
            | "return_full_text"
            | "seed"
            | "temperature"
            | "top_k"
            | "top_n_tokens"
            | "top_p"
            | "truncate"
            | "typical_p"
            | "watermark" => reader.structural(member),
            _ => return Ok(member.is_null()),
        }
        Ok(true)
    })
}
