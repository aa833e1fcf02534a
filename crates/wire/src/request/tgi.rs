//! HuggingFace Text Generation Inference: `/generate` and `/generate_stream`.
//!
//! A server with a vision model takes images out of the markdown of the prompt, `![](URL)`; such a
//! prompt counts as holding an image, whatever the model.

use aegis_core::MediaKind;
use memchr::memmem;

use super::reader::Reader;
use super::voice::{DESCRIPTION, USER};
use crate::WireError;
use crate::json::Value;

/// What an image in a prompt starts with.
const IMAGE: &[u8] = b"![](";

/// Walks the body; `stream` says whether the route streams, whatever the body asks for.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Value<'a>,
    stream: bool,
) -> Result<(), WireError> {
    reader.document.stream = stream;
    reader.demand(root, "inputs")?;
    reader.members(root, |reader, name, value| {
        match name {
            "inputs" => inputs(reader, value)?,
            "parameters" => {
                reader.members(value, |reader, name, value| parameter(reader, name, value))?;
            }
            "model" => reader.model(value)?,
            "stream" => reader.switch(value).map(|_| ())?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn inputs<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    reader.message = 1;
    reader.text(value, USER)?;
    let prompt = value.as_str().unwrap_or_default();
    let images = memmem::find_iter(prompt.as_bytes(), IMAGE);
    let is_source = |at: usize| {
        let source = prompt.get(at + IMAGE.len()..).unwrap_or_default();
        source.starts_with("http") || source.starts_with("data:")
    };
    if images.into_iter().any(is_source) {
        reader.media(MediaKind::Image);
    }
    reader.message = 0;
    Ok(())
}

fn parameter<'a>(reader: &mut Reader<'a>, name: &str, value: Value<'a>) -> Result<bool, WireError> {
    match name {
        "max_new_tokens" => reader.max_tokens(value)?,
        "best_of" => reader.choices(value)?,
        "stop" => reader.texts(value, USER)?,
        "grammar" => reader.spread(value, DESCRIPTION),
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
        | "watermark" => reader.structural(value),
        _ => return Ok(false),
    }
    Ok(true)
}
