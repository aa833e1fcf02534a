//! Anthropic Messages and count_tokens.

use aegis_core::{Kind, MediaKind, Operation, Role};

use super::reader::Reader;
use super::tools::definitions;
use crate::WireError;
use crate::json::{JsonKind, Value};

pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Value<'a>,
    operation: Operation,
) -> Result<(), WireError> {
    if operation == Operation::Messages {
        reader.document.max_tokens_field = "max_tokens";
    }
    let Some(messages) = root.get("messages") else {
        return Err(reader.error(root, "must have `messages`"));
    };
    reader.members(root, |reader, name, value| {
        match name {
            // Read last, so that what stands at the top has message number 0.
            "messages" => {}
            "system" => {
                reader.speaking(Role::System, |reader| content(reader, value, Kind::Text))?
            }
            "model" => reader.model(value)?,
            "stream" => reader.stream(value)?,
            "max_tokens" => reader.max_tokens(value)?,
            "tools" => definitions(reader, value)?,
            "stop_sequences" => reader.texts(value, Kind::Text)?,
            "metadata" => reader.unplaced(value),
            "mcp_servers" => reader.within(value, Kind::ToolDescription),
            "output_format" | "output_config" => reader.within(value, Kind::ToolDescription),
            "thinking" | "temperature" | "top_k" | "top_p" | "tool_choice" | "service_tier"
            | "container" | "context_management" | "inference_geo" | "speed" => {
                reader.structural(value)
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    reader.messages(messages, message)
}

fn message<'a>(reader: &mut Reader<'a>, message: Value<'a>) -> Result<(), WireError> {
    if !message.is_object() {
        return Err(reader.error(message, "must be an object"));
    }
    let Some(named) = message.get("role") else {
        return Err(reader.error(message, "must have a `role`"));
    };
    let role = match named.as_str().as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => return Err(reader.error(named, "is not a role of this API")),
    };
    reader.speaking(role, |reader| {
        reader.members(message, |reader, name, value| {
            match name {
                "role" => reader.structural(value),
                "content" => content(reader, value, Kind::Text)?,
                _ => return Ok(false),
            }
            Ok(true)
        })
    })
}

/// A string, or an array of blocks.
fn content<'a>(reader: &mut Reader<'a>, value: Value<'a>, kind: Kind) -> Result<(), WireError> {
    match value.kind() {
        JsonKind::String => {
            reader.text(value, kind);
            Ok(())
        }
        JsonKind::Array => value
            .elements()
            .try_for_each(|element| block(reader, element, kind)),
        JsonKind::Null | JsonKind::Bool | JsonKind::Number | JsonKind::Object => {
            Err(reader.error(value, "must be a string or an array of blocks"))
        }
    }
}

fn block<'a>(reader: &mut Reader<'a>, value: Value<'a>, kind: Kind) -> Result<(), WireError> {
    if !value.is_object() {
        return Err(reader.error(value, "must be a block"));
    }
    let named = value
        .get("type")
        .and_then(|name| name.as_str())
        .unwrap_or_default();
    match &*named {
        "text" => members(reader, value, kind),
        "thinking" | "redacted_thinking" => members(reader, value, Kind::Reasoning),
        "tool_use" | "server_tool_use" | "mcp_tool_use" => members(reader, value, Kind::ToolValue),
        "image" => {
            reader.media(MediaKind::Image);
            members(reader, value, kind)
        }
        "container_upload" => {
            reader.media(MediaKind::File);
            members(reader, value, kind)
        }
        "document" | "search_result" => reader.speaking(Role::Document, |reader| {
            members(reader, value, Kind::Document)
        }),
        name if name.ends_with("tool_result") => reader.speaking(Role::Tool, |reader| {
            members(reader, value, Kind::ToolResult)
        }),
        _ => {
            reader.unknown_part(value);
            Ok(())
        }
    }
}

/// The members of every block that the grammar knows; `kind` is that of its text.
fn members<'a>(reader: &mut Reader<'a>, block: Value<'a>, kind: Kind) -> Result<(), WireError> {
    reader.members(block, |reader, name, value| {
        match name {
            "type" | "id" | "tool_use_id" | "cache_control" | "is_error" | "file_id"
            | "server_name" | "caller" => {
                reader.structural(value);
            }
            "name" => reader.structural(value),
            "text" | "thinking" => reader.demanded_text(value, kind)?,
            "signature" | "data" => reader.payload(value),
            "input" => reader.tool_input(value),
            "title" | "context" => reader.text(value, Kind::Document),
            "citations" => reader.within(value, Kind::Document),
            "source" if value.is_object() => source(reader, value, kind)?,
            "source" => reader.text(value, Kind::Document),
            "content" if value.is_string() || value.is_array() => content(reader, value, kind)?,
            "content" => result_object(reader, value),
            _ => return Ok(value.is_null()),
        }
        Ok(true)
    })
}

/// Results of server tools come as an object.
fn result_object<'a>(reader: &mut Reader<'a>, value: Value<'a>) {
    reader.within(value, Kind::ToolResult);
}

/// Where an image or document comes from.
fn source<'a>(reader: &mut Reader<'a>, source: Value<'a>, kind: Kind) -> Result<(), WireError> {
    let named = source
        .get("type")
        .and_then(|name| name.as_str())
        .unwrap_or_default();
    let plain = named == "text" || named == "content";
    if !plain && kind == Kind::Document {
        reader.media(MediaKind::File);
    }
    reader.members(source, |reader, name, value| {
        match name {
            "type" | "media_type" | "file_id" => reader.structural(value),
            "data" if plain => reader.demanded_text(value, Kind::Document)?,
            "data" => reader.payload(value),
            "url" => reader.text(value, Kind::Document),
            "content" => content(reader, value, Kind::Document)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}
