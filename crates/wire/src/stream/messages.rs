//! The events of an Anthropic Messages stream.

use aegis_core::Kind;

use super::event_type;
use crate::WireError;
use crate::json::Value;
use crate::reply::finds::{Ends, Finds};
use crate::reply::looks::whole_text;
use crate::reply::messages::{
    COMPACTION, INPUT, TEXT, THINKING, block, block_index, message, usage,
};
use crate::reply::place::Place;
use crate::sse::Event;

/// Reads an event.
pub(super) fn event<'a>(
    event: &Event,
    finds: &mut Finds<'a>,
    root: Value<'a>,
) -> Result<(), WireError> {
    let kind = event_type(event, root)?.and_then(whole_text);
    finds.essential = kind.as_deref() != Some("content_block_delta");
    match kind.as_deref() {
        Some("message_start") => named(finds, root, |finds, name, value| match name {
            "message" => {
                finds.flowing = false;
                message(finds, value).map(|()| true)
            }
            _ => Ok(false),
        }),
        Some("content_block_start") => {
            finds.index = block_index(root)?;
            named(finds, root, |finds, name, value| match name {
                "content_block" => block(finds, value).map(|()| true),
                _ => Ok(false),
            })
        }
        Some("content_block_delta") => {
            finds.index = block_index(root)?;
            named(finds, root, |finds, name, value| match name {
                "delta" => delta(finds, value).map(|()| true),
                _ => Ok(false),
            })
        }
        Some("content_block_stop") => {
            finds.ends.push(Ends::Index(block_index(root)?));
            named(finds, root, |_, _, _| Ok(false))
        }
        Some("message_delta") => {
            finds.ends_all = true;
            named(finds, root, message_delta)
        }
        Some("message_stop") => {
            finds.last = true;
            named(finds, root, |_, _, _| Ok(false))
        }
        Some("error") => {
            finds.last = true;
            named(finds, root, |finds, name, value| {
                if name == "error" {
                    finds.within(value, Kind::Text);
                }
                Ok(name == "error")
            })
        }
        Some(_) | None => named(finds, root, |_, _, _| Ok(false)),
    }
}

/// Walks an event's members; those that many types share are read here.
fn named<'a>(
    finds: &mut Finds<'a>,
    root: Value<'a>,
    mut member: impl FnMut(&mut Finds<'a>, &str, Value<'a>) -> Result<bool, WireError>,
) -> Result<(), WireError> {
    finds.members(root, |finds, name, value| match name {
        "type" | "index" | "request_id" => {
            finds.structural(value);
            Ok(true)
        }
        _ => member(finds, name, value),
    })
}

fn message_delta<'a>(
    finds: &mut Finds<'a>,
    name: &str,
    value: Value<'a>,
) -> Result<bool, WireError> {
    match name {
        "delta" => finds.members(value, |finds, name, value| {
            match name {
                "stop_reason" | "container" => finds.structural(value),
                "stop_sequence" => finds.unplaced(value),
                "stop_details" => finds.within(value, Kind::Refusal),
                _ => return Ok(false),
            }
            Ok(true)
        })?,
        "usage" => usage(finds, value),
        "context_management" => finds.structural(value),
        _ => return Ok(false),
    }
    Ok(true)
}

fn delta<'a>(finds: &mut Finds<'a>, delta: Value<'a>) -> Result<(), WireError> {
    let stated = delta.get("type").filter(|kind| kind.is_string());
    let kind = stated.and_then(whole_text).unwrap_or_default();
    let members = delta.members();
    for (key, value) in members {
        let name = whole_text(key).unwrap_or_default();
        match (&*name, stated) {
            ("type" | "estimated_tokens", _) => finds.structural(value),
            ("text", _) => finds.flow(value, Kind::Text, 0, Place::Block(TEXT)),
            ("thinking", _) => finds.flow(value, Kind::Reasoning, 0, Place::Block(THINKING)),
            ("partial_json", _) => {
                finds.flow(value, Kind::ToolArguments, 0, Place::Block(INPUT));
            }
            ("content", _) if kind == "compaction_delta" => {
                finds.flow(value, Kind::Text, 1, Place::Block(COMPACTION));
            }
            ("signature" | "encrypted_content", _) => finds.opaque(value),
            ("citation", _) => finds.within(value, Kind::Document),
            // A delta of a new type: its pieces belong together.
            (_, Some(stated)) if value.is_string() => {
                let sub = finds.memory.number(&format!("{kind}/{name}"))?;
                finds.text(key, Kind::Key);
                finds.flow(value, Kind::Unplaced, sub, Place::BlockMember(stated, key));
            }
            _ => finds.unknown(key, value),
        }
    }
    if !delta.is_object() {
        finds.unplaced(delta);
    }
    Ok(())
}
