//! Anthropic content: a string, or blocks of text, media, documents, thoughts, calls and results.

use aegis_core::{Kind, MediaKind};

use super::reader::Reader;
use super::voice::{DOCUMENT, TOOL, Voice};
use crate::WireError;
use crate::json::Value;

impl<'a> Reader<'a> {
    /// The content of a message, of the system prompt, or of a result.
    pub(super) fn blocks(&mut self, value: Value<'a>, voice: Voice) -> Result<(), WireError> {
        if value.is_string() || value.is_null() {
            return self.text(value, voice);
        }
        if !value.is_array() {
            return Err(self.refuse(value, "a string or an array of blocks"));
        }
        self.elements(value, |reader, block| reader.block(block, voice))
    }

    fn block(&mut self, block: Value<'a>, voice: Voice) -> Result<(), WireError> {
        if !block.is_object() {
            return Err(self.refuse(block, "a content block"));
        }
        let thought = voice.untrusted().of(Kind::Reasoning);
        let kind = block.get("type").and_then(|kind| kind.as_str());
        match kind.as_deref().unwrap_or_default() {
            "text" => self.said(block, voice),
            "thinking" | "redacted_thinking" | "compaction" => self.said(block, thought),
            "tool_use" | "server_tool_use" | "mcp_tool_use" => self.use_of_tool(block, voice),
            "image" => {
                self.media(MediaKind::Image);
                self.medium(block, voice)
            }
            "container_upload" => {
                self.media(MediaKind::File);
                self.medium(block, voice)
            }
            "document" => {
                if !is_text_source(block.get("source")) {
                    self.media(MediaKind::File);
                }
                self.medium(block, DOCUMENT)
            }
            "search_result" => self.search_result(block),
            kind if is_result(kind) => self.result(block),
            _ => {
                self.unknown_part(block);
                Ok(())
            }
        }
    }

    /// Text or thoughts; seals on thoughts are strings that somebody could write, too.
    fn said(&mut self, block: Value<'a>, voice: Voice) -> Result<(), WireError> {
        self.members(block, |reader, name, value| {
            match name {
                "type" | "cache_control" => reader.structural(value),
                "text" | "thinking" | "content" => reader.text(value, voice)?,
                "signature" | "data" | "encrypted_content" => {
                    reader.text(value, voice.untrusted().of(Kind::Reasoning))?;
                }
                "citations" => reader.spread(value, DOCUMENT),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    fn use_of_tool(&mut self, block: Value<'a>, voice: Voice) -> Result<(), WireError> {
        let call = voice.untrusted().of(Kind::ToolValue);
        self.members(block, |reader, name, value| {
            match name {
                "type" | "id" | "cache_control" | "caller" => reader.structural(value),
                "name" | "server_name" => reader.text(value, call)?,
                "input" => reader.tool_input(value, call),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    /// What a search found; no media.
    fn search_result(&mut self, block: Value<'a>) -> Result<(), WireError> {
        self.members(block, |reader, name, value| {
            match name {
                "type" | "cache_control" => reader.structural(value),
                "source" | "title" => reader.text(value, DOCUMENT)?,
                "content" => reader.blocks(value, DOCUMENT)?,
                "citations" => reader.spread(value, DOCUMENT),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    /// Images, files and documents.
    fn medium(&mut self, block: Value<'a>, voice: Voice) -> Result<(), WireError> {
        self.members(block, |reader, name, value| {
            match name {
                "type" | "cache_control" | "file_id" => reader.structural(value),
                "source" => reader.source(value, voice)?,
                "title" | "context" => reader.text(value, DOCUMENT)?,
                "citations" => reader.spread(value, DOCUMENT),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    /// Where an image or document comes from; of a document, perhaps its very text.
    fn source(&mut self, source: Value<'a>, voice: Voice) -> Result<(), WireError> {
        let is_text = is_text_source(Some(source));
        self.members(source, |reader, name, value| {
            match name {
                "type" | "media_type" | "file_id" => reader.structural(value),
                "data" if is_text => reader.text(value, DOCUMENT)?,
                "data" => reader.payload(value),
                "url" => reader.media_url(value, voice)?,
                "content" => reader.blocks(value, DOCUMENT)?,
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    /// What came back of a tool, and what such a result is made of.
    fn result(&mut self, block: Value<'a>) -> Result<(), WireError> {
        self.members(block, |reader, name, value| {
            match name {
                "type" | "tool_use_id" | "is_error" | "cache_control" | "caller" => {
                    reader.structural(value);
                }
                "content" if value.is_object() => reader.block(value, TOOL)?,
                "content" => reader.blocks(value, TOOL)?,
                "title" | "url" | "page_age" | "encrypted_content" | "retrieved_at" | "stdout"
                | "stderr" | "error_code" | "error_message" | "tool_name" | "file_id"
                | "return_code" | "tool_references" | "encrypted_stdout" | "lines"
                | "file_type" | "num_lines" | "start_line" | "total_lines" | "is_file_update"
                | "old_start" | "old_lines" | "new_start" | "new_lines" => {
                    reader.spread(value, TOOL);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })
    }
}

/// Whether a document's `source` holds text, not a payload or a reference.
fn is_text_source(source: Option<Value<'_>>) -> bool {
    let string = |name| source.and_then(|source| source.get(name)?.as_str());
    matches!(string("type").as_deref(), Some("text" | "content"))
}

/// Blocks of results: the client's, those of the provider's own tools, and their pieces.
fn is_result(kind: &str) -> bool {
    matches!(
        kind,
        "tool_result"
            | "mcp_tool_result"
            | "web_search_tool_result"
            | "web_search_tool_result_error"
            | "web_search_result"
            | "web_fetch_tool_result"
            | "web_fetch_tool_result_error"
            | "web_fetch_result"
            | "code_execution_tool_result"
            | "code_execution_tool_result_error"
            | "code_execution_result"
            | "encrypted_code_execution_result"
            | "code_execution_output"
            | "bash_code_execution_tool_result"
            | "bash_code_execution_tool_result_error"
            | "bash_code_execution_result"
            | "bash_code_execution_output"
            | "text_editor_code_execution_tool_result"
            | "text_editor_code_execution_tool_result_error"
            | "text_editor_code_execution_view_result"
            | "text_editor_code_execution_create_result"
            | "text_editor_code_execution_str_replace_result"
            | "tool_search_tool_result"
            | "tool_search_tool_result_error"
            | "tool_search_tool_search_result"
            | "tool_reference"
    )
}
