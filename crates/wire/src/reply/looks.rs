//! What a value looks like: identifier, base64, index, or text.

use std::borrow::Cow;

use crate::WireError;
use crate::json::Value;

/// The longest string that counts as an identifier or enumeration, in bytes.
pub(crate) const STRUCTURAL_BYTES_MAX: usize = 128;

/// The highest choice, block, item, part or tool-call index.
pub(crate) const INDEX_MAX: u32 = 65_535;

/// What the members of citations, results and descriptions are.
pub(super) enum Member {
    Identifier,
    Ciphertext,
    Data,
    Text,
    Unknown,
}

impl Member {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "type"
            | "id"
            | "index"
            | "start_index"
            | "end_index"
            | "file_id"
            | "tool_use_id"
            | "container_id"
            | "status"
            | "media_type"
            | "mime_type"
            | "error_code"
            | "return_code"
            | "exit_code"
            | "strict"
            | "role"
            | "category"
            | "document_index"
            | "start_char_index"
            | "end_char_index"
            | "start_page_number"
            | "end_page_number"
            | "start_block_index"
            | "end_block_index"
            | "search_result_index" => Self::Identifier,
            "encrypted_content" | "encrypted_index" | "encrypted_stdout" | "signature" => {
                Self::Ciphertext
            }
            "data" => Self::Data,
            "annotations" | "annotation" | "url_citation" | "citations" | "url" | "uri"
            | "title" | "text" | "content" | "source" | "cited_text" | "document_title"
            | "quote" | "filename" | "snippet" | "name" | "description" | "parameters"
            | "properties" | "required" | "items" | "enum" | "input_schema" | "function"
            | "format" | "schema" | "stdout" | "stderr" | "logs" | "output" | "outcome"
            | "outputs" | "lines" | "tool_name" | "tool_references" | "error_message"
            | "message" | "explanation" | "code" | "page_age" | "date" | "score" | "attributes" => {
                Self::Text
            }
            _ => Self::Unknown,
        }
    }
}

/// The index that `value` states, if it is a member that states one.
pub(crate) fn index_of(value: Option<Value<'_>>) -> Result<Option<u32>, WireError> {
    match value.filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(index) => checked_index(index, value).map(Some),
            None => Err(bad_index(value)),
        },
    }
}

pub(super) fn checked_index(index: u64, at: Value<'_>) -> Result<u32, WireError> {
    match u32::try_from(index) {
        Ok(index) if index <= INDEX_MAX => Ok(index),
        Ok(_) | Err(_) => Err(bad_index(at)),
    }
}

fn bad_index(at: Value<'_>) -> WireError {
    WireError::invalid("an index is not a number up to 65535", at.range().start)
}

/// The text of a string, unless half a character is missing from it.
pub(crate) fn whole_text<'a>(value: Value<'a>) -> Option<Cow<'a, str>> {
    value.as_str().filter(|_| value.halves() == (None, None))
}

pub(super) fn is_empty(value: Value<'_>) -> bool {
    value.is_string() && value.range().len() == 2
}

/// Whether `text` can only be an identifier or an enumeration's value.
pub(crate) fn is_structural(text: &str) -> bool {
    text.len() <= STRUCTURAL_BYTES_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte))
}

pub(super) fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte))
}
