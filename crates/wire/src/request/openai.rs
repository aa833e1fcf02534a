//! What the operations of OpenAI's API have in common: top-level members, roles, prompts.

use super::reader::Reader;
use super::voice::{ASSISTANT, DESCRIPTION, DEVELOPER, SYSTEM, TOOL, USER, Voice};
use crate::WireError;
use crate::json::Value;

/// Reads a top-level member that several operations share; says whether it is one.
pub(super) fn shared<'a>(
    reader: &mut Reader<'a>,
    name: &str,
    value: Value<'a>,
) -> Result<bool, WireError> {
    match name {
        "model" => reader.model(value)?,
        "stream" => reader.document.stream = reader.switch(value)?,
        "tools" | "functions" => reader.tools(value)?,
        "stop" => reader.texts(value, USER)?,
        "user" | "safety_identifier" | "prompt_cache_key" => reader.text(value, USER)?,
        "metadata" => reader.spread(value, USER),
        "response_format" => reader.spread(value, DESCRIPTION),
        // Prompts that servers besides OpenAI's take in place of text.
        "prompt_embeds" | "inputs_embeds" | "input_embeds" => refuse(reader, value, "embeddings")?,
        "prompt_token_ids" | "input_ids" => refuse(reader, value, "token ids")?,
        name if is_setting(name) => reader.structural(value),
        _ => return Ok(false),
    }
    Ok(true)
}

fn refuse<'a>(reader: &Reader<'a>, value: Value<'a>, what: &str) -> Result<(), WireError> {
    if value.is_null() {
        Ok(())
    } else {
        Err(reader.refuse_opaque(value, what))
    }
}

/// Members that hold numbers, switches and enumerations.
fn is_setting(name: &str) -> bool {
    matches!(
        name,
        "background"
            | "dimensions"
            | "echo"
            | "encoding_format"
            | "frequency_penalty"
            | "function_call"
            | "include"
            | "logit_bias"
            | "logprobs"
            | "max_tool_calls"
            | "modalities"
            | "parallel_tool_calls"
            | "presence_penalty"
            | "prompt_cache_retention"
            | "reasoning_effort"
            | "seed"
            | "service_tier"
            | "store"
            | "stream_options"
            | "temperature"
            | "tool_choice"
            | "top_k"
            | "top_logprobs"
            | "top_p"
            | "truncation"
            | "verbosity"
    )
}

/// The voice of `message` by its role; `tools` says whether a role of its own speaks for tools.
pub(super) fn voice_of<'a>(
    reader: &Reader<'a>,
    message: Value<'a>,
    tools: bool,
) -> Result<Voice, WireError> {
    let Some(role) = message.get("role") else {
        return Err(reader.refuse(message, "an object with a role"));
    };
    match role.as_str().as_deref() {
        Some("system") => Ok(SYSTEM),
        Some("developer") => Ok(DEVELOPER),
        Some("user") => Ok(USER),
        Some("assistant") => Ok(ASSISTANT),
        Some("tool" | "function") if tools => Ok(TOOL),
        Some(_) | None if tools => {
            Err(reader.refuse(role, "system, developer, user, assistant, tool or function"))
        }
        Some(_) | None => Err(reader.refuse(role, "system, developer, user or assistant")),
    }
}

/// A prompt: a string, strings, or nothing; never token ids.
pub(super) fn prompt<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    if value.is_array() {
        return reader.messages(value, |reader, prompt| {
            if prompt.is_number() || prompt.is_array() {
                return Err(reader.refuse_opaque(value, "token ids"));
            }
            if prompt.is_null() {
                return Err(reader.refuse(prompt, "a string"));
            }
            reader.text(prompt, USER)
        });
    }
    reader.message = 1;
    reader.text(value, USER)?;
    reader.message = 0;
    Ok(())
}
