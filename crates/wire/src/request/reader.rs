//! What every grammar is written with: walk members and elements, and note what stands there.

use aegis_core::{Document, Kind, Media, MediaKind, Number, Segment, Text};
use bytes::Bytes;

use super::media::{data_url, is_base64};
use super::voice::{UNPLACED, Voice};
use crate::WireError;
use crate::json::{Value, pointer_at};
use crate::reply::looks::is_structural;

/// Bytes of a JSON Pointer that an error message shows.
const POINTER_BYTES_MAX: usize = 256;

/// Notes what a grammar finds.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    raw: &'a [u8],
    pub(super) document: Document,
    /// The message or item that the grammar is in; 0 is the top level.
    pub(super) message: u32,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) fn new(raw: &'a Bytes) -> Self {
        Self {
            raw,
            document: Document::new(raw.clone()),
            message: 0,
        }
    }

    /// Refuses a body without the member that it is all about.
    pub(super) fn demand(&self, root: Value<'a>, name: &str) -> Result<(), WireError> {
        match root.get(name) {
            Some(value) if !value.is_null() => Ok(()),
            Some(_) | None => Err(self.refuse(root, &format!("an object with `{name}`"))),
        }
    }

    /// Walks an object; `member` says whether it knows the name. `null` is an object without any.
    pub(super) fn members(
        &mut self,
        object: Value<'a>,
        mut member: impl FnMut(&mut Self, &str, Value<'a>) -> Result<bool, WireError>,
    ) -> Result<(), WireError> {
        if !object.is_object() && !object.is_null() {
            return Err(self.refuse(object, "an object"));
        }
        for (key, value) in object.members() {
            let known = match key.as_str() {
                Some(name) if is_disguised(&name) => {
                    return Err(self.refuse(key, "spelt in lower case"));
                }
                Some(name) => member(self, &name, value)?,
                None => false,
            };
            if !known {
                self.unknown(key, value);
            }
        }
        Ok(())
    }

    /// Walks an array. `null` is an array of nothing.
    pub(super) fn elements(
        &mut self,
        array: Value<'a>,
        mut element: impl FnMut(&mut Self, Value<'a>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        if !array.is_array() && !array.is_null() {
            return Err(self.refuse(array, "an array"));
        }
        array.elements().try_for_each(|value| element(self, value))
    }

    /// Walks an array of messages, items or prompts, each with a number of its own.
    pub(super) fn messages(
        &mut self,
        array: Value<'a>,
        mut message: impl FnMut(&mut Self, Value<'a>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        let mut number = 0_u32;
        let result = self.elements(array, |reader, value| {
            number = number.saturating_add(1);
            reader.message = number;
            message(reader, value)
        });
        self.message = 0;
        result
    }

    /// Text, or nothing.
    pub(super) fn text(&mut self, value: Value<'a>, voice: Voice) -> Result<(), WireError> {
        if value.is_string() {
            self.push(value, voice);
        } else if !value.is_null() {
            return Err(self.refuse(value, "a string"));
        }
        Ok(())
    }

    /// Text, an array of texts, or nothing.
    pub(super) fn texts(&mut self, value: Value<'a>, voice: Voice) -> Result<(), WireError> {
        if value.is_array() {
            self.elements(value, |reader, element| reader.text(element, voice))
        } else {
            self.text(value, voice)
        }
    }

    /// Identifiers, enumerations, numbers and switches. What looks like anything else is unplaced.
    pub(super) fn structural(&mut self, value: Value<'a>) {
        if value.is_string() {
            if !value.as_str().is_some_and(|text| is_structural(&text)) {
                self.push(value, UNPLACED);
            }
            return;
        }
        for (key, member) in value.members() {
            if !key.as_str().is_some_and(|name| is_setting(&name)) {
                self.push(key, UNPLACED.of(Kind::Key));
            }
            self.structural(member);
        }
        value
            .elements()
            .for_each(|element| self.structural(element));
    }

    /// A member that the grammar has no name for.
    pub(super) fn unknown(&mut self, key: Value<'a>, value: Value<'a>) {
        self.push(key, UNPLACED.of(Kind::Key));
        self.spread(value, UNPLACED);
    }

    /// Notes a part that is not text.
    pub(super) fn media(&mut self, kind: MediaKind) {
        let message = self.message;
        self.document.media.push(Media { kind, message });
    }

    /// The URL of a media part. A data URL is the part itself; any other URL is text as well.
    pub(super) fn media_url(&mut self, value: Value<'a>, voice: Voice) -> Result<(), WireError> {
        if value.as_str().is_some_and(|text| data_url(&text).is_some()) {
            return Ok(());
        }
        self.text(value, voice.untrusted().of(Kind::Text))
    }

    /// The base64 payload of a media part, with or without the head of a data URL.
    pub(super) fn payload(&mut self, value: Value<'a>) {
        let is_payload = |text: &str| is_base64(text) || data_url(text).is_some();
        if !value.as_str().is_some_and(|text| is_payload(&text)) {
            self.spread(value, UNPLACED);
        }
    }

    /// The `model` member.
    pub(super) fn model(&mut self, value: Value<'a>) -> Result<(), WireError> {
        if value.is_null() {
            return Ok(());
        }
        let Some(name) = value.as_str() else {
            return Err(self.refuse(value, "a string"));
        };
        self.document.model = Some((value.range(), name.into()));
        self.structural(value);
        Ok(())
    }

    /// A switch.
    pub(super) fn switch(&self, value: Value<'a>) -> Result<bool, WireError> {
        match value.as_bool() {
            Some(on) => Ok(on),
            None if value.is_null() => Ok(false),
            None => Err(self.refuse(value, "true or false")),
        }
    }

    /// A count, if there is one. `8.0` and `"8"` are refused: not every server reads them alike.
    pub(super) fn count(&self, value: Value<'a>) -> Result<Option<u64>, WireError> {
        match value.as_u64() {
            Some(count) => Ok(Some(count)),
            None if value.is_null() => Ok(None),
            None => Err(self.refuse(value, "a whole number, not negative")),
        }
    }

    /// The output limit; the higher one where a format has two names for it.
    pub(super) fn max_tokens(&mut self, value: Value<'a>) -> Result<(), WireError> {
        let Some(stated) = self.count(value)? else {
            return Ok(());
        };
        let known = self.document.max_tokens.as_ref();
        if known.is_none_or(|known| known.value < stated) {
            let literal = value.range();
            self.document.max_tokens = Some(Number {
                literal,
                value: stated,
            });
        }
        Ok(())
    }

    /// How many choices are asked for; the higher number where a format has two names for it.
    pub(super) fn choices(&mut self, value: Value<'a>) -> Result<(), WireError> {
        if let Some(count) = self.count(value)? {
            self.document.choices = self.document.choices.max(count);
        }
        Ok(())
    }

    /// A segment with the text of the string or key `value`.
    pub(super) fn push(&mut self, value: Value<'a>, voice: Voice) {
        if let Some(text) = value.text() {
            self.push_text(value, text, voice);
        }
    }

    /// A segment with `text`, which stands somehow in the literal of `value`.
    pub(super) fn push_text(&mut self, value: Value<'a>, text: Text, voice: Voice) {
        let literal = value.range();
        if value.is_string() && literal.len() <= "\"\"".len() {
            return;
        }
        self.document.segments.push(Segment {
            role: voice.role,
            trust: voice.trust,
            kind: voice.kind,
            message: self.message,
            literal,
            text,
        });
    }

    /// A refusal because `value` is not `expected`.
    pub(super) fn refuse(&self, value: Value<'a>, expected: &str) -> WireError {
        let message = format!("{} must be {expected}", self.pointer(value));
        WireError::invalid(message, value.range().start)
    }

    /// A refusal because `value` is `what`, into which nobody can look.
    pub(super) fn refuse_opaque(&self, value: Value<'a>, what: &str) -> WireError {
        let pointer = self.pointer(value);
        let message = format!("{pointer} holds {what}, which can't be inspected; send text");
        WireError::unsupported(message, value.range().start)
    }

    fn pointer(&self, value: Value<'a>) -> String {
        let mut pointer = pointer_at(self.raw, value.range().start).unwrap_or_default();
        if pointer.is_empty() {
            return "the body".to_owned();
        }
        if pointer.len() > POINTER_BYTES_MAX {
            pointer.truncate(pointer.floor_char_boundary(POINTER_BYTES_MAX));
            pointer.push('…');
        }
        pointer
    }
}

/// Names of members that hold settings, and the token ids of `logit_bias`.
fn is_setting(name: &str) -> bool {
    matches!(
        name,
        "type"
            | "name"
            | "id"
            | "mode"
            | "value"
            | "function"
            | "custom"
            | "tools"
            | "allowed_tools"
            | "server_label"
            | "disable_parallel_tool_use"
            | "include_usage"
            | "include_obfuscation"
            | "voice"
            | "format"
            | "effort"
            | "summary"
            | "generate_summary"
            | "budget_tokens"
            | "display"
            | "ttl"
            | "enabled"
            | "skills"
            | "skill_id"
            | "version"
            | "expires_at"
            | "caller"
            | "tool_id"
    ) || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Members that decide whose text is read, and how much is asked for.
const DECISIVE: [&str; 24] = [
    "model",
    "messages",
    "role",
    "content",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_new_tokens",
    "n",
    "best_of",
    "input",
    "inputs",
    "prompt",
    "suffix",
    "system",
    "instructions",
    "tools",
    "functions",
    "tool_calls",
    "function_call",
    "parameters",
    "text",
    "type",
];

/// Whether `name` is a decisive member in other letters: a parser that ignores case would take it.
fn is_disguised(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_uppercase())
        && DECISIVE
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
}
