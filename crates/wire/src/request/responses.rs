//! OpenAI Responses.

use aegis_core::{Kind, MediaKind, Role};

use super::parts::{content, part};
use super::reader::Reader;
use super::tools::definitions;
use crate::WireError;
use crate::json::Value;

pub(super) fn read<'a>(reader: &mut Reader<'a>, root: Value<'a>) -> Result<(), WireError> {
    reader.document.max_tokens_field = "max_output_tokens";
    reader.members(root, |reader, name, value| {
        match name {
            // Read last, so that what stands at the top has message number 0.
            "input" => {}
            "instructions" => instructions(reader, value)?,
            "model" => reader.model(value)?,
            "stream" => reader.stream(value)?,
            "max_output_tokens" => reader.max_tokens(value)?,
            "tools" => definitions(reader, value)?,
            "text" => reader.within(value, Kind::ToolDescription),
            "prompt" => prompt(reader, value)?,
            "user" | "safety_identifier" | "prompt_cache_key" => reader.text(value, Kind::Text),
            "previous_response_id"
            | "conversation"
            | "tool_choice"
            | "include"
            | "reasoning"
            | "truncation"
            | "store"
            | "temperature"
            | "top_p"
            | "background"
            | "service_tier"
            | "stream_options"
            | "parallel_tool_calls"
            | "max_tool_calls"
            | "top_logprobs"
            | "prompt_cache_retention" => reader.structural(value),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    match root.get("input") {
        None => Ok(()),
        Some(input) if input.is_string() => {
            reader.message = 1;
            reader.speaking(Role::User, |reader| reader.text(input, Kind::Text));
            Ok(())
        }
        Some(input) => reader.messages(input, item),
    }
}

/// The system prompt: a string, or items.
fn instructions<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    if value.is_array() {
        return value
            .elements()
            .try_for_each(|element| item(reader, element));
    }
    reader.speaking(Role::System, |reader| reader.texts(value, Kind::Text))
}

/// A stored prompt: its variables are filled with the caller's text.
fn prompt<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    if value.is_null() {
        return Ok(());
    }
    reader.members(value, |reader, name, member| {
        match name {
            "id" | "version" => reader.structural(member),
            "variables" if member.is_object() => {
                for (key, variable) in member.members() {
                    reader.text(key, Kind::Key);
                    reader.speaking(Role::User, |reader| part(reader, variable, Kind::Text))?;
                }
            }
            _ => return Ok(member.is_null()),
        }
        Ok(true)
    })
}

fn item<'a>(reader: &mut Reader<'a>, item: Value<'a>) -> Result<(), WireError> {
    if item.is_string() {
        reader.speaking(Role::User, |reader| reader.text(item, Kind::Text));
        return Ok(());
    }
    if !item.is_object() {
        return Err(reader.error(item, "must be an item"));
    }
    let named = item
        .get("type")
        .and_then(|name| name.as_str())
        .unwrap_or("message".into());
    match &*named {
        "message" => message(reader, item),
        "function_call" | "mcp_call" => {
            reader.speaking(Role::Assistant, |reader| call(reader, item))
        }
        "reasoning" => reader.speaking(Role::Assistant, |reader| reasoning(reader, item)),
        "item_reference" => {
            reader.structural(item);
            Ok(())
        }
        "image_generation_call" => {
            reader.media(MediaKind::Image);
            reader.speaking(Role::Tool, |reader| members_of_result(reader, item))
        }
        _ if named.ends_with("_output") => {
            reader.speaking(Role::Tool, |reader| members_of_result(reader, item))
        }
        _ if named.ends_with("_call") => reader.speaking(Role::Tool, |reader| {
            reader.within(item, Kind::ToolResult);
            Ok(())
        }),
        _ => {
            reader.unknown_part(item);
            Ok(())
        }
    }
}

fn message<'a>(reader: &mut Reader<'a>, message: Value<'a>) -> Result<(), WireError> {
    let Some(named) = message.get("role") else {
        return Err(reader.error(message, "must have a `role`"));
    };
    let role = match named.as_str().as_deref() {
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => return Err(reader.error(named, "is not a role of this API")),
    };
    reader.speaking(role, |reader| {
        reader.members(message, |reader, name, value| {
            match name {
                "type" | "role" | "id" | "status" | "phase" => reader.structural(value),
                "content" => content(reader, value, Kind::Text)?,
                _ => return Ok(value.is_null()),
            }
            Ok(true)
        })
    })
}

/// A call that the model made; of an MCP call also what came back.
fn call<'a>(reader: &mut Reader<'a>, call: Value<'a>) -> Result<(), WireError> {
    reader.members(call, |reader, name, value| {
        match name {
            "type"
            | "id"
            | "call_id"
            | "name"
            | "status"
            | "server_label"
            | "approval_request_id" => reader.structural(value),
            "arguments" => reader.tool_arguments(value)?,
            "output" | "error" => {
                reader.speaking(Role::Tool, |reader| reader.within(value, Kind::ToolResult))
            }
            _ => return Ok(value.is_null()),
        }
        Ok(true)
    })
}

fn reasoning<'a>(reader: &mut Reader<'a>, item: Value<'a>) -> Result<(), WireError> {
    reader.members(item, |reader, name, value| {
        match name {
            "type" | "id" | "status" => reader.structural(value),
            "summary" | "content" => content(reader, value, Kind::Reasoning)?,
            "encrypted_content" => reader.payload(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// What a tool gave back.
fn members_of_result<'a>(reader: &mut Reader<'a>, item: Value<'a>) -> Result<(), WireError> {
    reader.members(item, |reader, name, value| {
        match name {
            "type" | "id" | "call_id" | "status" => reader.structural(value),
            "output" if value.is_array() || value.is_string() => {
                content(reader, value, Kind::ToolResult)?
            }
            "output" if value.get("type").is_some() => part(reader, value, Kind::ToolResult)?,
            "output" => reader.within(value, Kind::ToolResult),
            "result" => reader.payload(value),
            _ => return Ok(value.is_null()),
        }
        Ok(true)
    })
}
