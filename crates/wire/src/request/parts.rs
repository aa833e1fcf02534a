//! Content of OpenAI's messages: a string, or parts of text, images, audio and files. Chat
//! Completions and Responses name their parts differently; both are read here.

use aegis_core::{Kind, MediaKind};

use super::reader::Reader;
use super::voice::{DOCUMENT, Voice};
use crate::WireError;
use crate::json::Value;

impl<'a> Reader<'a> {
    /// The content of a message or of a tool's output.
    pub(super) fn content(&mut self, value: Value<'a>, voice: Voice) -> Result<(), WireError> {
        if value.is_string() || value.is_null() {
            return self.text(value, voice);
        }
        if !value.is_array() {
            return Err(self.refuse(value, "a string or an array of parts"));
        }
        self.elements(value, |reader, part| reader.part(part, voice))
    }

    /// One part; some clients write a text part as a bare string.
    pub(super) fn part(&mut self, part: Value<'a>, voice: Voice) -> Result<(), WireError> {
        if part.is_string() {
            return self.text(part, voice);
        }
        if !part.is_object() {
            return Err(self.refuse(part, "a content part"));
        }
        let kind = part.get("type").and_then(|kind| kind.as_str());
        match kind.as_deref().unwrap_or_default() {
            "text" | "input_text" | "output_text" | "summary_text" => self.text_part(part, voice),
            "refusal" => self.text_part(part, voice.untrusted().of(Kind::Refusal)),
            "reasoning_text" | "thinking" => {
                self.text_part(part, voice.untrusted().of(Kind::Reasoning))
            }
            "image_url" | "input_image" | "computer_screenshot" => {
                self.media_part(part, MediaKind::Image, voice)
            }
            "input_audio" | "audio_url" => self.media_part(part, MediaKind::Audio, voice),
            "file" | "input_file" | "video_url" => self.media_part(part, MediaKind::File, voice),
            _ => {
                self.unknown_part(part);
                Ok(())
            }
        }
    }

    fn text_part(&mut self, part: Value<'a>, voice: Voice) -> Result<(), WireError> {
        self.members(part, |reader, name, value| {
            match name {
                "type" | "cache_control" | "prompt_cache_breakpoint" => reader.structural(value),
                "text" | "refusal" => reader.text(value, voice)?,
                // Mistral nests text parts in a thinking part.
                "thinking" => reader.content(value, voice)?,
                "annotations" => reader.spread(value, DOCUMENT),
                "logprobs" => reader.spread(value, voice.untrusted()),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    /// A part that is not text. Its payload is no segment; its URL and name are.
    fn media_part(
        &mut self,
        part: Value<'a>,
        kind: MediaKind,
        voice: Voice,
    ) -> Result<(), WireError> {
        self.media(kind);
        self.members(part, |reader, name, value| {
            if value.is_object()
                && matches!(
                    name,
                    "image_url" | "input_audio" | "audio_url" | "video_url" | "file"
                )
            {
                reader.members(value, |reader, name, value| {
                    reader.media_member(name, value, voice)
                })?;
                return Ok(true);
            }
            reader.media_member(name, value, voice)
        })
    }

    fn media_member(
        &mut self,
        name: &str,
        value: Value<'a>,
        voice: Voice,
    ) -> Result<bool, WireError> {
        match name {
            "type"
            | "detail"
            | "format"
            | "file_id"
            | "cache_control"
            | "prompt_cache_breakpoint" => self.structural(value),
            "url" | "image_url" | "file_url" | "audio_url" | "video_url" => {
                self.media_url(value, voice)?;
            }
            "data" | "file_data" => self.payload(value),
            "filename" => self.text(value, voice.untrusted().of(Kind::Text))?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
