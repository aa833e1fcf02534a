//! OpenAI Chat Completions.

use aegis_core::{Kind, Role};

use super::parts::content;
use super::reader::Reader;
use super::tools::definitions;
use crate::WireError;
use crate::json::Value;

pub(super) fn read<'a>(reader: &mut Reader<'a>, root: Value<'a>) -> Result<(), WireError> {
    reader.document.max_tokens_field = "max_completion_tokens";
    let Some(messages) = root.get("messages") else {
        return Err(reader.error(root, "must have `messages`"));
    };
    reader.members(root, |reader, name, value| {
        match name {
            // Read last, so that what stands at the top has message number 0.
            "messages" => {}
            "model" => reader.model(value)?,
            "stream" => reader.stream(value)?,
            "max_tokens" | "max_completion_tokens" => reader.max_tokens(value)?,
            "n" => reader.choices(value)?,
            "tools" | "functions" => definitions(reader, value)?,
            "response_format" => reader.within(value, Kind::ToolDescription),
            "stop" => reader.texts(value, Kind::Text)?,
            "prediction" => prediction(reader, value)?,
            "user" | "safety_identifier" | "prompt_cache_key" => reader.text(value, Kind::Text),
            "tool_choice"
            | "function_call"
            | "temperature"
            | "top_p"
            | "seed"
            | "service_tier"
            | "reasoning_effort"
            | "verbosity"
            | "modalities"
            | "stream_options"
            | "logprobs"
            | "top_logprobs"
            | "parallel_tool_calls"
            | "store"
            | "frequency_penalty"
            | "presence_penalty"
            | "logit_bias"
            | "audio" => reader.structural(value),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    reader.messages(messages, message)
}

/// The answer the client expects: the model's words.
fn prediction<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    if value.is_null() {
        return Ok(());
    }
    reader.speaking(Role::Assistant, |reader| {
        reader.members(value, |reader, name, member| {
            match name {
                "type" => reader.structural(member),
                "content" => content(reader, member, Kind::Text)?,
                _ => return Ok(false),
            }
            Ok(true)
        })
    })
}

fn role(reader: &Reader<'_>, message: Value<'_>) -> Result<Role, WireError> {
    if !message.is_object() {
        return Err(reader.error(message, "must be an object"));
    }
    let Some(named) = message.get("role") else {
        return Err(reader.error(message, "must have a `role`"));
    };
    match named.as_str().as_deref() {
        Some("system") => Ok(Role::System),
        Some("developer") => Ok(Role::Developer),
        Some("user") => Ok(Role::User),
        Some("assistant") => Ok(Role::Assistant),
        Some("tool" | "function") => Ok(Role::Tool),
        _ => Err(reader.error(named, "is not a role of this API")),
    }
}

fn message<'a>(reader: &mut Reader<'a>, message: Value<'a>) -> Result<(), WireError> {
    let role = role(reader, message)?;
    let kind = if role == Role::Tool {
        Kind::ToolResult
    } else {
        Kind::Text
    };
    reader.speaking(role, |reader| {
        reader.members(message, |reader, name, value| {
            match name {
                "role" | "tool_call_id" => reader.structural(value),
                "content" => content(reader, value, kind)?,
                "name" => reader.text(value, Kind::Text),
                "refusal" => reader.text(value, Kind::Refusal),
                "reasoning" | "reasoning_content" => reader.text(value, Kind::Reasoning),
                "tool_calls" => tool_calls(reader, value)?,
                "function_call" if !value.is_null() => function(reader, value)?,
                "audio" => reader.structural(value),
                "annotations" => reader.within(value, Kind::Document),
                _ => return Ok(value.is_null()),
            }
            Ok(true)
        })
    })
}

fn tool_calls<'a>(reader: &mut Reader<'a>, calls: Value<'a>) -> Result<(), WireError> {
    if calls.is_null() {
        return Ok(());
    }
    if !calls.is_array() {
        return Err(reader.error(calls, "must be an array"));
    }
    for call in calls.elements() {
        reader.members(call, |reader, name, value| {
            match name {
                "id" | "type" | "index" => reader.structural(value),
                "function" => function(reader, value)?,
                "custom" => reader.within(value, Kind::ToolValue),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
    }
    Ok(())
}

fn function<'a>(reader: &mut Reader<'a>, function: Value<'a>) -> Result<(), WireError> {
    reader.members(function, |reader, name, value| {
        match name {
            "name" => reader.structural(value),
            "arguments" => reader.tool_arguments(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}
