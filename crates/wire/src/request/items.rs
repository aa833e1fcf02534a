//! The items of OpenAI Responses' `input`: messages, calls, what came back of them, reasoning.

use aegis_core::{Kind, MediaKind};

use super::openai::voice_of;
use super::reader::Reader;
use super::voice::{ASSISTANT, DESCRIPTION, TOOL, USER, Voice};
use crate::WireError;
use crate::json::Value;

const CALL: Voice = ASSISTANT.of(Kind::ToolValue);
const THOUGHT: Voice = ASSISTANT.of(Kind::Reasoning);

/// Reads one item.
pub(super) fn item<'a>(reader: &mut Reader<'a>, item: Value<'a>) -> Result<(), WireError> {
    if !item.is_object() {
        return Err(reader.refuse(item, "an item"));
    }
    let named = item.get("type").filter(|kind| !kind.is_null());
    let Some(named) = named else {
        return if item.get("role").is_some() {
            message(reader, item)
        } else {
            reference(reader, item)
        };
    };
    match named.as_str().as_deref().unwrap_or_default() {
        "message" => message(reader, item),
        "reasoning" | "compaction" => reasoning(reader, item),
        "function_call"
        | "custom_tool_call"
        | "mcp_call"
        | "mcp_approval_request"
        | "mcp_list_tools"
        | "computer_call"
        | "web_search_call"
        | "file_search_call"
        | "code_interpreter_call"
        | "image_generation_call"
        | "local_shell_call"
        | "shell_call"
        | "apply_patch_call"
        | "tool_search_call" => call(reader, item),
        "function_call_output"
        | "custom_tool_call_output"
        | "computer_call_output"
        | "local_shell_call_output"
        | "shell_call_output"
        | "apply_patch_call_output"
        | "tool_search_output" => output(reader, item),
        "item_reference" | "mcp_approval_response" => reference(reader, item),
        _ => {
            reader.unknown_part(item);
            Ok(())
        }
    }
}

fn message<'a>(reader: &mut Reader<'a>, message: Value<'a>) -> Result<(), WireError> {
    let voice = voice_of(reader, message, false)?;
    reader.members(message, |reader, name, value| {
        match name {
            "type" | "role" | "id" | "status" | "phase" => reader.structural(value),
            "content" => reader.content(value, voice)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// What the provider knows already, and answers to its questions.
fn reference<'a>(reader: &mut Reader<'a>, item: Value<'a>) -> Result<(), WireError> {
    reader.members(item, |reader, name, value| {
        match name {
            "type" | "id" | "approval_request_id" | "approve" | "request_id" => {
                reader.structural(value);
            }
            "reason" => reader.text(value, USER)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn reasoning<'a>(reader: &mut Reader<'a>, item: Value<'a>) -> Result<(), WireError> {
    reader.members(item, |reader, name, value| {
        match name {
            "type" | "id" | "status" => reader.structural(value),
            "summary" | "content" => reader.content(value, THOUGHT)?,
            "encrypted_content" => reader.text(value, THOUGHT)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// A call that the model made. Of a tool that the provider runs it also says what came back.
fn call<'a>(reader: &mut Reader<'a>, call: Value<'a>) -> Result<(), WireError> {
    reader.members(call, |reader, name, value| {
        match name {
            "type"
            | "id"
            | "call_id"
            | "status"
            | "approval_request_id"
            | "container_id"
            | "execution" => reader.structural(value),
            "name" | "namespace" | "server_label" | "input" | "code" => reader.text(value, CALL)?,
            "arguments" => reader.arguments(value, CALL)?,
            "action" | "actions" | "operation" | "queries" => reader.tool_input(value, CALL),
            "output" | "outputs" | "results" | "error" | "pending_safety_checks" => {
                reader.spread(value, TOOL);
            }
            "tools" => reader.spread(value, DESCRIPTION),
            "result" if !value.is_null() => {
                reader.media(MediaKind::Image);
                reader.payload(value);
            }
            "result" => {}
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// What came back of a call that the client carried out.
fn output<'a>(reader: &mut Reader<'a>, item: Value<'a>) -> Result<(), WireError> {
    reader.members(item, |reader, name, value| {
        match name {
            "type" | "id" | "call_id" | "status" | "execution" | "max_output_length" => {
                reader.structural(value);
            }
            "output" if value.is_array() => reader.elements(value, result)?,
            "output" => result(reader, value)?,
            "tools" => reader.tools(value)?,
            "acknowledged_safety_checks" => reader.spread(value, TOOL),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Text, a content part, or what a shell printed.
fn result<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    if value.is_object() && value.get("type").is_none() {
        reader.spread(value, TOOL);
        return Ok(());
    }
    if value.is_null() {
        return Ok(());
    }
    reader.part(value, TOOL)
}
