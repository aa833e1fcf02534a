//! Content of OpenAI messages and items: a string, or an array of typed parts.

use aegis_core::{Kind, MediaKind};

use super::reader::Reader;
use crate::WireError;
use crate::json::{JsonKind, Value};

/// Content: a string, parts, or nothing.
pub(super) fn content<'a>(
    reader: &mut Reader<'a>,
    value: Value<'a>,
    kind: Kind,
) -> Result<(), WireError> {
    match value.kind() {
        JsonKind::Null => Ok(()),
        JsonKind::Array => value
            .elements()
            .try_for_each(|element| part(reader, element, kind)),
        JsonKind::String | JsonKind::Bool | JsonKind::Number | JsonKind::Object => {
            if value.is_string() {
                reader.text(value, kind);
                return Ok(());
            }
            Err(reader.error(value, "must be a string or an array of parts"))
        }
    }
}

/// One part.
pub(super) fn part<'a>(
    reader: &mut Reader<'a>,
    value: Value<'a>,
    kind: Kind,
) -> Result<(), WireError> {
    if value.is_string() {
        reader.text(value, kind);
        return Ok(());
    }
    let named = value
        .get("type")
        .and_then(|name| name.as_str())
        .unwrap_or_default();
    match &*named {
        "text" | "input_text" | "output_text" | "summary_text" => text_part(reader, value, kind),
        "reasoning_text" => text_part(reader, value, Kind::Reasoning),
        "refusal" => text_part(reader, value, Kind::Refusal),
        "image_url" | "input_image" | "computer_screenshot" => {
            media_part(reader, value, MediaKind::Image)
        }
        "input_audio" | "audio" => media_part(reader, value, MediaKind::Audio),
        "file" | "input_file" | "input_video" | "video_url" => {
            media_part(reader, value, MediaKind::File)
        }
        _ if value.is_object() => {
            reader.unknown_part(value);
            Ok(())
        }
        _ => Err(reader.error(value, "must be a part with a type")),
    }
}

fn text_part<'a>(reader: &mut Reader<'a>, value: Value<'a>, kind: Kind) -> Result<(), WireError> {
    reader.members(value, |reader, name, member| {
        match name {
            "type" | "cache_control" => reader.structural(member),
            "text" | "refusal" => reader.demanded_text(member, kind)?,
            "annotations" | "logprobs" => reader.within(member, Kind::Document),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// A part that is not text: its data is not read, its URL and names are.
fn media_part<'a>(
    reader: &mut Reader<'a>,
    value: Value<'a>,
    kind: MediaKind,
) -> Result<(), WireError> {
    reader.media(kind);
    reader.members(value, |reader, name, member| {
        match name {
            "type" | "detail" | "file_id" | "format" => reader.structural(member),
            "image_url" | "video_url" | "input_audio" | "file" if member.is_object() => {
                media_members(reader, member)?
            }
            "image_url" | "file_url" | "file_data" | "data" => reader.payload(member),
            "filename" => reader.text(member, Kind::Document),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn media_members<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    reader.members(value, |reader, name, member| {
        match name {
            "url" | "data" | "file_data" => reader.payload(member),
            "detail" | "format" | "file_id" => reader.structural(member),
            "filename" => reader.text(member, Kind::Document),
            _ => return Ok(false),
        }
        Ok(true)
    })
}
