//! Anthropic Messages and `count_tokens`: the top level. Content is read by [`super::blocks`].

use super::reader::Reader;
use super::voice::{ASSISTANT, DESCRIPTION, SYSTEM, USER};
use crate::WireError;
use crate::json::Value;

/// Walks the body; `max_tokens_field` is the member that limits the answer, if there is one.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Value<'a>,
    max_tokens_field: &'static str,
) -> Result<(), WireError> {
    reader.document.max_tokens_field = max_tokens_field;
    reader.demand(root, "messages")?;
    reader.members(root, |reader, name, value| {
        match name {
            "messages" => reader.messages(value, message)?,
            "system" => reader.blocks(value, SYSTEM)?,
            "model" => reader.model(value)?,
            "stream" => reader.document.stream = reader.switch(value)?,
            "max_tokens" => reader.max_tokens(value)?,
            "tools" => reader.tools(value)?,
            "mcp_servers" => reader.elements(value, server)?,
            "stop_sequences" => reader.texts(value, USER)?,
            "metadata" | "context_management" => reader.spread(value, USER),
            "output_config" | "output_format" => reader.spread(value, DESCRIPTION),
            "betas" | "cache_control" | "container" | "inference_geo" | "service_tier"
            | "speed" | "temperature" | "thinking" | "tool_choice" | "top_k" | "top_p" => {
                reader.structural(value);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn message<'a>(reader: &mut Reader<'a>, message: Value<'a>) -> Result<(), WireError> {
    let Some(role) = message.get("role") else {
        return Err(reader.refuse(message, "an object with a role"));
    };
    let voice = match role.as_str().as_deref() {
        Some("user") => USER,
        Some("assistant") => ASSISTANT,
        Some(_) | None => return Err(reader.refuse(role, "user or assistant")),
    };
    reader.members(message, |reader, name, value| {
        match name {
            "role" => reader.structural(value),
            "content" => reader.blocks(value, voice)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// A server whose tools the provider offers to the model.
fn server<'a>(reader: &mut Reader<'a>, server: Value<'a>) -> Result<(), WireError> {
    reader.members(server, |reader, name, value| {
        match name {
            // The token is the provider's to use, not the model's to read.
            "type" | "authorization_token" => reader.structural(value),
            "name" => {
                reader.document.tools.extend(value.as_str().map(Into::into));
                reader.text(value, DESCRIPTION)?;
            }
            "url" => reader.text(value, DESCRIPTION)?,
            "tool_configuration" => reader.structural(value),
            _ => return Ok(false),
        }
        Ok(true)
    })
}
