//! The events of an OpenAI Responses stream.

use aegis_core::{Kind, MediaKind};

use super::event_type;
use crate::WireError;
use crate::json::Value;
use crate::reply::finds::{Ends, Finds};
use crate::reply::looks::{index_of, whole_text};
use crate::reply::responses::{item, part, response};
use crate::reply::stem::{self, Position};
use crate::sse::Event;

/// The names under which events say which part of an item they are about.
const PART_INDEXES: [&str; 3] = ["content_index", "summary_index", "command_index"];

/// The stems whose text is a content part's.
const CONTENT_STEMS: [&str; 3] = [
    "response.output_text",
    "response.refusal",
    "response.reasoning_text",
];

/// What the grammar of an event's members goes by.
struct Context<'a, 't> {
    /// The type without its last word.
    stem: &'t str,
    last_word: &'t str,
    position: Position<'a>,
}

/// Reads an event.
pub(super) fn event<'a>(
    event: &Event,
    finds: &mut Finds<'a>,
    root: Value<'a>,
) -> Result<(), WireError> {
    let kind = event_type(event, root)?
        .and_then(whole_text)
        .unwrap_or_default();
    let (stem, last_word) = kind.rsplit_once('.').unwrap_or(("", &kind));
    finds.index = index_of(root.get("output_index"))?.unwrap_or_default();
    let context = Context {
        stem,
        last_word,
        position: position(root)?,
    };
    // Only here are texts pieces of longer ones; elsewhere they are repeated whole.
    finds.flowing = matches!(last_word, "delta" | "added");
    finds.essential = last_word != "delta";
    finds.last = match &*kind {
        "response.completed"
        | "response.failed"
        | "response.incomplete"
        | "response.cancelled"
        | "error" => true,
        // An error as other OpenAI routes send it.
        "" => root.get("error").is_some_and(|error| !error.is_null()),
        _ => false,
    };
    finds.members(root, |finds, name, value| {
        member(finds, &context, name, value)
    })?;
    if last_word == "done" {
        end(finds, &context);
    }
    Ok(())
}

fn position<'a>(root: Value<'a>) -> Result<Position<'a>, WireError> {
    let mut position = Position {
        id: root.get("item_id"),
        part: None,
    };
    for name in PART_INDEXES {
        if let Some(index) = index_of(root.get(name))? {
            position.part = Some((name, index));
        }
    }
    Ok(position)
}

fn member<'a>(
    finds: &mut Finds<'a>,
    context: &Context<'a, '_>,
    name: &str,
    value: Value<'a>,
) -> Result<bool, WireError> {
    match name {
        "type"
        | "sequence_number"
        | "item_id"
        | "output_index"
        | "content_index"
        | "summary_index"
        | "command_index"
        | "annotation_index"
        | "partial_image_index"
        | "obfuscation"
        | "output_format"
        | "quality"
        | "size"
        | "background"
        | "status"
        | "param"
        | "name"
        | "call_id"
        | "stream_id" => finds.structural(value),
        "response" => response(finds, value)?,
        "item" => item(finds, value)?,
        "part" => {
            let index = context.position.part.map_or(0, |(_, index)| index);
            part(finds, context.position.id, index, value)?;
        }
        "delta" if context.last_word == "delta" => delta(finds, context, value)?,
        "logprobs" => finds.repeat(value),
        "annotation" => finds.within(value, Kind::Document),
        "partial_image_b64" => finds.media(value, MediaKind::Image),
        "error" => finds.within(value, Kind::Text),
        "message" => finds.text(value, Kind::Text),
        "code" if context.stem.is_empty() => finds.structural(value),
        "command" if context.last_word == "added" => {
            stem::flow(finds, value, context.stem, context.position)?;
        }
        "text" | "refusal" | "arguments" | "input" | "code" | "command" | "transcript" | "diff" => {
            finds.text(value, stem::kind_of(context.stem));
        }
        "output" => finds.within(value, Kind::ToolResult),
        _ => return Ok(false),
    }
    Ok(true)
}

fn delta<'a>(
    finds: &mut Finds<'a>,
    context: &Context<'a, '_>,
    value: Value<'a>,
) -> Result<(), WireError> {
    let (stem, position) = (context.stem, context.position);
    if matches!(stem, "response.audio" | "response.output_audio") {
        finds.media(value, MediaKind::Audio);
    } else if value.is_string() {
        stem::flow(finds, value, stem, position)?;
    } else {
        members(finds, context, value)?;
    }
    Ok(())
}

/// A `delta` that is an object: each string in it is a piece of a text of its own.
fn members<'a>(
    finds: &mut Finds<'a>,
    context: &Context<'a, '_>,
    delta: Value<'a>,
) -> Result<(), WireError> {
    if !delta.is_object() {
        finds.unplaced(delta);
    }
    for (key, value) in delta.members() {
        let Some(name) = whole_text(key).filter(|_| value.is_string()) else {
            finds.unknown(key, value);
            continue;
        };
        if !matches!(&*name, "stdout" | "stderr" | "text") {
            finds.text(key, Kind::Key);
        }
        stem::flow_member(finds, value, (context.stem, &name), context.position)?;
    }
    Ok(())
}

/// Names the channels that a `done` event ends.
fn end<'a>(finds: &mut Finds<'a>, context: &Context<'a, '_>) {
    let index = finds.index;
    let part = context.position.part.map_or(0, |(_, part)| part);
    let mut push = |stem: String| {
        let stem = stem.into();
        finds.ends.push(Ends::Part { index, part, stem });
    };
    match context.stem {
        "response.output_item" => finds.ends.push(Ends::Index(index)),
        "response.content_part" => CONTENT_STEMS.map(str::to_owned).into_iter().for_each(push),
        "response.reasoning_summary_part" => {
            push("response.reasoning_summary_text".to_owned());
        }
        stem => push(stem.to_owned()),
    }
}
