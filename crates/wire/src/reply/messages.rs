//! Anthropic Messages: the message, its blocks, and the answer of `count_tokens`.

use aegis_core::Kind;

use super::finds::Finds;
use super::looks::index_of;
use super::place::{Place, Template};
use crate::WireError;
use crate::json::Value;

pub(crate) const TEXT: Template = Template::new("{\"type\":\"text_delta\",\"text\":", "}");
pub(crate) const THINKING: Template =
    Template::new("{\"type\":\"thinking_delta\",\"thinking\":", "}");
pub(crate) const INPUT: Template =
    Template::new("{\"type\":\"input_json_delta\",\"partial_json\":", "}");
pub(crate) const COMPACTION: Template =
    Template::new("{\"type\":\"compaction_delta\",\"content\":", "}");

/// Reads a message.
pub(crate) fn message<'a>(finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
    finds.members(root, |finds, name, value| {
        match name {
            "id" | "type" | "role" | "stop_reason" | "container" | "context_management" => {
                finds.notable(value);
            }
            "model" => {
                finds.model = Some(value);
                finds.structural(value);
            }
            "content" => finds.elements(value, |finds, position, value| {
                finds.index = position;
                block(finds, value)
            })?,
            "usage" => usage(finds, value),
            "stop_sequence" => finds.unplaced(value),
            "stop_details" => finds.within(value, Kind::Refusal),
            "error" => finds.within(value, Kind::Text),
            "request_id" => finds.structural(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Reads the answer of `count_tokens`.
pub(crate) fn count<'a>(finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
    finds.usage.input_tokens = root.get("input_tokens").and_then(|count| count.as_u64());
    finds.members(root, |finds, name, value| {
        if !matches!(name, "input_tokens" | "context_management") {
            return Ok(false);
        }
        finds.structural(value);
        Ok(true)
    })
}

/// Takes over token counts. What a cache served is part of the prompt too.
pub(crate) fn usage<'a>(finds: &mut Finds<'a>, value: Value<'a>) {
    let count = |name| value.get(name).and_then(|count| count.as_u64());
    let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"];
    let cached: u64 = cached
        .into_iter()
        .filter_map(count)
        .fold(0, u64::saturating_add);
    let input = count("input_tokens").map(|fresh| fresh.saturating_add(cached));
    finds.usage.input_tokens = input.or(finds.usage.input_tokens);
    finds.usage.output_tokens = count("output_tokens").or(finds.usage.output_tokens);
    finds.notable(value);
}

/// Reads a content block, whole or as it stands when it begins.
pub(crate) fn block<'a>(finds: &mut Finds<'a>, block: Value<'a>) -> Result<(), WireError> {
    finds.essential = true;
    let kind = block.get("type").and_then(|kind| kind.as_str());
    let compaction = kind.as_deref() == Some("compaction");
    finds.members(block, |finds, name, value| {
        match name {
            "type" | "id" | "name" | "server_name" | "tool_use_id" | "file_id" | "is_error"
            | "caller" | "from" | "to" | "trigger" => finds.structural(value),
            "text" => finds.flow(value, Kind::Text, 0, Place::Block(TEXT)),
            "thinking" => finds.flow(value, Kind::Reasoning, 0, Place::Block(THINKING)),
            "content" if compaction => {
                finds.flow(value, Kind::Text, 1, Place::Block(COMPACTION));
            }
            "content" => finds.within(value, Kind::ToolResult),
            "input" => finds.tool_input(value),
            "citations" => finds.within(value, Kind::Document),
            "signature" | "data" | "encrypted_content" => finds.opaque(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// The block that an event is about.
pub(crate) fn block_index(event: Value<'_>) -> Result<u32, WireError> {
    index_of(event.get("index"))?.ok_or_else(|| {
        WireError::invalid(
            "an event does not say which block it is about",
            event.range().start,
        )
    })
}
