//! OpenAI Chat Completions; TGI, vLLM and others speak it too.

use aegis_core::{Kind, MediaKind};

use super::openai::{shared, voice_of};
use super::reader::Reader;
use super::voice::{ASSISTANT, DOCUMENT, USER, Voice};
use crate::WireError;
use crate::json::Value;

/// Walks the body.
pub(super) fn read<'a>(reader: &mut Reader<'a>, root: Value<'a>) -> Result<(), WireError> {
    reader.document.max_tokens_field = "max_completion_tokens";
    reader.demand(root, "messages")?;
    reader.members(root, |reader, name, value| {
        match name {
            "messages" => reader.messages(value, message)?,
            "max_completion_tokens" | "max_tokens" => reader.max_tokens(value)?,
            "n" | "best_of" => reader.choices(value)?,
            "prediction" => prediction(reader, value)?,
            "web_search_options" => reader.spread(value, USER),
            "audio" => reader.structural(value),
            _ => return shared(reader, name, value),
        }
        Ok(true)
    })
}

fn message<'a>(reader: &mut Reader<'a>, message: Value<'a>) -> Result<(), WireError> {
    let voice = voice_of(reader, message, true)?;
    reader.members(message, |reader, name, value| {
        match name {
            "role" | "tool_call_id" => reader.structural(value),
            "content" => reader.content(value, voice)?,
            // Filled with what end users call themselves: never trusted.
            "name" => reader.text(value, voice.untrusted().of(Kind::Text))?,
            "refusal" => reader.text(value, voice.untrusted().of(Kind::Refusal))?,
            "reasoning_content" | "reasoning" | "reasoning_text" | "reasoning_details"
            | "thinking" => reader.spread(value, voice.untrusted().of(Kind::Reasoning)),
            "tool_calls" => reader.elements(value, call)?,
            "function_call" => function(reader, value)?,
            "audio" => reader.members(value, |reader, name, value| spoken(reader, name, value))?,
            "annotations" | "citations" => reader.spread(value, DOCUMENT),
            "cache_control" => reader.structural(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Of an earlier spoken answer only the id is asked for; clients send the rest along.
fn spoken<'a>(reader: &mut Reader<'a>, name: &str, value: Value<'a>) -> Result<bool, WireError> {
    match name {
        "id" | "expires_at" => reader.structural(value),
        "transcript" => reader.text(value, ASSISTANT)?,
        "data" => {
            reader.media(MediaKind::Audio);
            reader.payload(value);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn call<'a>(reader: &mut Reader<'a>, call: Value<'a>) -> Result<(), WireError> {
    reader.members(call, |reader, name, value| {
        match name {
            "id" | "type" | "index" => reader.structural(value),
            "function" | "custom" => function(reader, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn function<'a>(reader: &mut Reader<'a>, function: Value<'a>) -> Result<(), WireError> {
    const CALL: Voice = ASSISTANT.of(Kind::ToolValue);
    reader.members(function, |reader, name, value| {
        match name {
            "name" | "input" => reader.text(value, CALL)?,
            "arguments" => reader.arguments(value, CALL)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// The answer that the client expects, for the most part.
fn prediction<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    reader.members(value, |reader, name, value| {
        match name {
            "type" => reader.structural(value),
            "content" => reader.content(value, ASSISTANT)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}
