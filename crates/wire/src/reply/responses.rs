//! OpenAI Responses: the response object, its items and their parts.
//!
//! Items of all types are read by the names of their members, which mean the same in all of them
//! but for `content`, `output` and `result`; so an item type that is new here is read too.

use aegis_core::{Kind, MediaKind};

use super::finds::Finds;
use super::stem::{self, Position};
use crate::WireError;
use crate::json::Value;

/// Reads a response object.
pub(crate) fn response<'a>(finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
    finds.members(root, |finds, name, value| {
        match name {
            "id"
            | "object"
            | "created_at"
            | "completed_at"
            | "status"
            | "background"
            | "max_output_tokens"
            | "max_tool_calls"
            | "parallel_tool_calls"
            | "previous_response_id"
            | "service_tier"
            | "store"
            | "temperature"
            | "top_logprobs"
            | "top_p"
            | "truncation"
            | "tool_choice"
            | "reasoning"
            | "incomplete_details"
            | "conversation"
            | "frequency_penalty"
            | "presence_penalty"
            | "prompt_cache_retention"
            | "stream" => finds.structural(value),
            "model" => {
                finds.model = Some(value);
                finds.structural(value);
            }
            "output" => finds.elements(value, |finds, position, value| {
                finds.index = position;
                item(finds, value)
            })?,
            "output_text" => finds.text(value, Kind::Text),
            "usage" => usage(finds, value),
            "error" => finds.within(value, Kind::Text),
            // What follows repeats the request.
            "instructions" => finds.within(value, Kind::Text),
            "tools" | "text" => finds.within(value, Kind::ToolDescription),
            "metadata" | "prompt" | "user" | "safety_identifier" | "prompt_cache_key" => {
                finds.unplaced(value);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn usage<'a>(finds: &mut Finds<'a>, value: Value<'a>) {
    let count = |name| value.get(name).and_then(|count| count.as_u64());
    finds.usage.input_tokens = count("input_tokens");
    finds.usage.output_tokens = count("output_tokens");
    finds.structural(value);
}

/// Reads an output item.
pub(crate) fn item<'a>(finds: &mut Finds<'a>, item: Value<'a>) -> Result<(), WireError> {
    finds.essential = true;
    let kind = item.get("type").and_then(|kind| kind.as_str());
    let kind = kind.as_deref().unwrap_or_default();
    let position = Position {
        id: item.get("id"),
        part: None,
    };
    finds.members(item, |finds, name, value| {
        match name {
            _ if is_identifier(name) => finds.structural(value),
            "content" | "summary" if value.is_array() => {
                finds.elements(value, |finds, index, value| {
                    part(finds, position.id, index, value)
                })?;
            }
            "content" | "summary" | "revised_prompt" | "reason" => finds.within(value, Kind::Text),
            "arguments" if value.is_string() => {
                let stem = match kind {
                    "mcp_call" => "response.mcp_call_arguments",
                    _ => "response.function_call_arguments",
                };
                stem::flow(finds, value, stem, position)?;
            }
            "input" if value.is_string() => {
                stem::flow(finds, value, "response.custom_tool_call_input", position)?;
            }
            "code" if kind == "code_interpreter_call" => {
                stem::flow(
                    finds,
                    value,
                    "response.code_interpreter_call_code",
                    position,
                )?;
            }
            "arguments" | "input" | "code" | "action" | "actions" | "operation" | "query"
            | "queries" => finds.tool_input(value),
            "results" => finds.within(value, Kind::Document),
            "result" if kind == "image_generation_call" => finds.media(value, MediaKind::Image),
            "output" if kind == "computer_call_output" => screenshot(finds, value)?,
            "output"
            | "outputs"
            | "result"
            | "error"
            | "pending_safety_checks"
            | "acknowledged_safety_checks" => finds.within(value, Kind::ToolResult),
            "tools" => finds.within(value, Kind::ToolDescription),
            "encrypted_content" | "fingerprint" => finds.opaque(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn is_identifier(name: &str) -> bool {
    const NAMES: [&str; 21] = [
        "type",
        "id",
        "status",
        "role",
        "name",
        "call_id",
        "server_label",
        "phase",
        "container_id",
        "approval_request_id",
        "namespace",
        "created_by",
        "approve",
        "execution",
        "max_output_length",
        "environment",
        "quality",
        "size",
        "background",
        "output_format",
        "caller",
    ];
    NAMES.contains(&name)
}

/// Reads a content or summary part.
pub(crate) fn part<'a>(
    finds: &mut Finds<'a>,
    id: Option<Value<'a>>,
    index: u32,
    part: Value<'a>,
) -> Result<(), WireError> {
    finds.essential = true;
    let kind = part.get("type").and_then(|kind| kind.as_str());
    let (stem, index_name) = match kind.as_deref() {
        Some("summary_text") => ("response.reasoning_summary_text", "summary_index"),
        Some("reasoning_text") => ("response.reasoning_text", "content_index"),
        Some("refusal") => ("response.refusal", "content_index"),
        Some(_) | None => ("response.output_text", "content_index"),
    };
    let position = Position {
        id,
        part: Some((index_name, index)),
    };
    finds.members(part, |finds, name, value| {
        match name {
            "type" => finds.structural(value),
            "text" | "refusal" => stem::flow(finds, value, stem, position)?,
            "transcript" => finds.text(value, Kind::Text),
            "annotations" => finds.within(value, Kind::Document),
            "logprobs" => finds.repeat(value),
            "data" => finds.media(value, MediaKind::Audio),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// A picture of a screen, by id or inline.
fn screenshot<'a>(finds: &mut Finds<'a>, output: Value<'a>) -> Result<(), WireError> {
    finds.members(output, |finds, name, value| {
        match name {
            "type" | "file_id" | "detail" => finds.structural(value),
            "image_url" => finds.data_url(value, MediaKind::Image),
            _ => return Ok(false),
        }
        Ok(true)
    })
}
