//! Which text the events `STEM.delta` and `STEM.done` of a Responses stream carry.
//!
//! A stem that is new here still gets a channel of its own: its pieces belong together, and masking
//! each for itself would let a value through that is cut in two.

use std::borrow::Cow;

use aegis_core::Kind;

use super::finds::Finds;
use super::looks::INDEX_MAX;
use super::place::{Item, Place};
use crate::WireError;
use crate::json::Value;

/// Between the subs of two stems of one kind; the parts of an item are counted in between.
pub(crate) const SUB_SLOT: u32 = INDEX_MAX + 1;

/// The slots of stems that the table does not hold come after these.
const SLOTS_KNOWN: u32 = 16;

/// Stem, kind of text, and a slot that tells apart stems of one kind.
const STEMS: &[(&str, Kind, u32)] = &[
    ("response.output_text", Kind::Text, 0),
    ("response.audio.transcript", Kind::Text, 1),
    ("response.output_audio_transcript", Kind::Text, 2),
    ("response.refusal", Kind::Refusal, 0),
    ("response.reasoning_text", Kind::Reasoning, 0),
    ("response.reasoning_summary_text", Kind::Reasoning, 1),
    ("response.reasoning_summary", Kind::Reasoning, 2),
    ("response.reasoning", Kind::Reasoning, 3),
    ("response.function_call_arguments", Kind::ToolArguments, 0),
    ("response.mcp_call_arguments", Kind::ToolArguments, 1),
    ("response.mcp_call.arguments", Kind::ToolArguments, 2),
    ("response.custom_tool_call_input", Kind::ToolValue, 0),
    ("response.code_interpreter_call_code", Kind::ToolValue, 1),
    ("response.code_interpreter_call.code", Kind::ToolValue, 2),
    ("response.shell_call_command", Kind::ToolValue, 3),
    (
        "response.apply_patch_call_operation_diff",
        Kind::ToolValue,
        4,
    ),
    ("response.shell_call_output_content", Kind::ToolResult, 0),
];

/// Which item, and in it which part, an event is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position<'a> {
    pub(crate) id: Option<Value<'a>>,
    /// The name and value of the part's index.
    pub(crate) part: Option<(&'static str, u32)>,
}

/// The kind of text that the stem's events carry.
pub(crate) fn kind_of(stem: &str) -> Kind {
    known(stem).map_or(Kind::Unplaced, |(_, kind, _)| *kind)
}

/// A piece of the stem's text.
pub(crate) fn flow<'a>(
    finds: &mut Finds<'a>,
    value: Value<'a>,
    stem: &str,
    position: Position<'a>,
) -> Result<(), WireError> {
    let (stem, kind, slot) = match known(stem) {
        Some((stem, kind, slot)) => (Cow::Borrowed(*stem), *kind, *slot),
        None => {
            let slot = SLOTS_KNOWN + finds.memory.number(stem)?;
            (Cow::Owned(stem.to_owned()), Kind::Unplaced, slot)
        }
    };
    push(finds, value, (kind, slot), item(stem, None, position));
    Ok(())
}

/// A piece of a text in a member of the event's `delta`, where that is an object.
pub(crate) fn flow_member<'a>(
    finds: &mut Finds<'a>,
    value: Value<'a>,
    (stem, member): (&str, &str),
    position: Position<'a>,
) -> Result<(), WireError> {
    let slot = SLOTS_KNOWN + finds.memory.number(&format!("{stem}/{member}"))?;
    // A member is text, not a piece of a JSON document.
    let kind = if kind_of(stem) == Kind::ToolArguments {
        Kind::ToolValue
    } else {
        kind_of(stem)
    };
    let item = item(Cow::Owned(stem.to_owned()), Some(member.into()), position);
    push(finds, value, (kind, slot), item);
    Ok(())
}

fn known(stem: &str) -> Option<&'static (&'static str, Kind, u32)> {
    STEMS.iter().find(|(name, ..)| *name == stem)
}

fn item<'a>(stem: Cow<'static, str>, member: Option<Box<str>>, position: Position<'a>) -> Item<'a> {
    Item {
        stem,
        id: position.id,
        part: position.part,
        member,
    }
}

fn push<'a>(finds: &mut Finds<'a>, value: Value<'a>, (kind, slot): (Kind, u32), item: Item<'a>) {
    let part = item.part.map_or(0, |(_, part)| part);
    let sub = slot * SUB_SLOT + part;
    finds.flow(value, kind, sub, Place::Response(item));
}
