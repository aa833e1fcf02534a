//! Values without a grammar of their own: every string in them is a segment, every key that is not
//! a keyword of a schema too.

use aegis_core::{Kind, MediaKind};

use super::media::{data_url, is_binary, media_kind};
use super::reader::Reader;
use super::voice::{UNPLACED, Voice};
use crate::json::Value;

/// Bare numbers of tool arguments with this many digits are segments.
pub(super) const NUMBER_DIGITS_MIN: usize = 7;

impl<'a> Reader<'a> {
    /// All strings and keys of `value`, however deep.
    pub(super) fn spread(&mut self, value: Value<'a>, voice: Voice) {
        if value.is_string() {
            if let Some(kind) = inline(value) {
                self.media(kind);
            }
            self.push(value, voice);
            return;
        }
        if value.is_object() {
            self.inline_media(value);
        }
        for (key, member) in value.members() {
            let name = key.as_str().unwrap_or_default();
            if name == "type" && !member.is_object() {
                self.structural(member);
                continue;
            }
            if voice.kind == Kind::ToolDescription {
                if !is_keyword(&name) {
                    self.push(key, voice);
                }
            } else if !is_label(&name) {
                self.push(key, voice.untrusted().of(Kind::Key));
            }
            self.spread(member, voice);
        }
        value
            .elements()
            .for_each(|element| self.spread(element, voice));
    }

    /// The input object of a tool: strings, keys, and numbers long enough to mean something.
    pub(super) fn tool_input(&mut self, value: Value<'a>, voice: Voice) {
        if value.is_string() {
            self.push(value, voice.of(Kind::ToolValue));
            return;
        }
        if value.is_number() {
            let literal = value.literal();
            let digits = literal.bytes().filter(u8::is_ascii_digit).count();
            if digits >= NUMBER_DIGITS_MIN {
                let text = aegis_core::Text::Plain(value.range());
                self.push_text(value, text, voice.of(Kind::Number));
            }
            return;
        }
        for (key, member) in value.members() {
            self.push(key, voice.of(Kind::ToolValue));
            self.tool_input(member, voice);
        }
        value
            .elements()
            .for_each(|element| self.tool_input(element, voice));
    }

    /// A content part of a type that the grammar does not know: all its strings, and media where
    /// its type or one of its strings looks like it.
    pub(super) fn unknown_part(&mut self, part: Value<'a>) {
        let before = self.document.media.len();
        self.spread(part, UNPLACED);
        if self.document.media.len() > before {
            return;
        }
        let name = part.get("type").and_then(|name| name.as_str());
        if let Some(kind) = named_media(&name.unwrap_or_default()) {
            self.media(kind);
        } else if has_binary(part) {
            self.media(MediaKind::File);
        }
    }

    /// `{"type": "base64", "media_type": …, "data": …}` is media wherever it stands.
    fn inline_media(&mut self, object: Value<'a>) {
        let string = |name| object.get(name).and_then(|value| value.as_str());
        if string("type").as_deref() == Some("base64") {
            let media_type = string("media_type").or_else(|| string("mime_type"));
            self.media(media_kind(&media_type.unwrap_or_default()));
        }
    }
}

/// The kind of media in a data URL. Other strings are told by their first letter, undecoded.
fn inline(value: Value<'_>) -> Option<MediaKind> {
    let literal = value.literal();
    if !matches!(literal.as_bytes().get(1), Some(b'd' | b'D' | b'\\')) {
        return None;
    }
    value.as_str().and_then(|text| data_url(&text))
}

/// The kind of media that the name of a part's type speaks of.
fn named_media(name: &str) -> Option<MediaKind> {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["image", "screenshot"]) {
        Some(MediaKind::Image)
    } else if has(&["audio"]) {
        Some(MediaKind::Audio)
    } else if has(&["video", "file", "document", "media", "upload"]) {
        Some(MediaKind::File)
    } else {
        None
    }
}

fn has_binary(value: Value<'_>) -> bool {
    value.as_str().is_some_and(|text| is_binary(&text))
        || value.elements().any(has_binary)
        || value.members().any(|(_, member)| has_binary(member))
}

/// Keywords of JSON Schema and members of tool definitions; a key like these tells nothing.
fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "type"
            | "function"
            | "custom"
            | "name"
            | "description"
            | "parameters"
            | "input_schema"
            | "inputSchema"
            | "schema"
            | "json_schema"
            | "strict"
            | "format"
            | "properties"
            | "required"
            | "additionalProperties"
            | "items"
            | "enum"
            | "const"
            | "default"
            | "title"
            | "examples"
            | "anyOf"
            | "oneOf"
            | "allOf"
            | "not"
            | "$ref"
            | "$defs"
            | "$schema"
            | "definitions"
            | "minimum"
            | "maximum"
            | "minLength"
            | "maxLength"
            | "minItems"
            | "maxItems"
            | "pattern"
            | "nullable"
            | "tools"
            | "cache_control"
            | "annotations"
            | "input_examples"
            | "server_label"
            | "server_url"
            | "server_description"
            | "allowed_tools"
            | "require_approval"
            | "headers"
            | "grammar"
            | "syntax"
            | "definition"
            | "value"
    )
}

/// Usual members of documents, results, citations and items; any other key is a segment.
fn is_label(name: &str) -> bool {
    matches!(
        name,
        "type"
            | "id"
            | "call_id"
            | "status"
            | "text"
            | "content"
            | "title"
            | "url"
            | "name"
            | "source"
            | "media_type"
            | "data"
            | "output"
            | "outputs"
            | "results"
            | "error"
            | "summary"
            | "annotations"
            | "citations"
            | "cited_text"
            | "document_title"
            | "document_index"
            | "start_index"
            | "end_index"
            | "start_char_index"
            | "end_char_index"
            | "encrypted_content"
            | "encrypted_index"
            | "page_age"
            | "file_id"
            | "filename"
            | "stdout"
            | "stderr"
            | "return_code"
            | "error_code"
            | "tool_use_id"
            | "is_error"
            | "thinking"
            | "signature"
    )
}
