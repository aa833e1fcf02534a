//! What the grammars of requests share: collecting segments.

use aegis_core::{Document, Kind, Media, MediaKind, Number, Role, Segment, Text, Trust};

use crate::WireError;
use crate::json::{self, JsonKind, Value};

/// The longest string that counts as an identifier or enumeration, in bytes.
const STRUCTURAL_BYTES_MAX: usize = 128;
/// A string of base64 letters at least this long, in a part of unknown type, is taken for a file.
const BINARY_BYTES_MIN: usize = 256;

/// Collects the text of one body.
pub(super) struct Reader<'a> {
    raw: &'a [u8],
    pub(super) document: Document,
    /// Whose words follow.
    pub(super) role: Role,
    /// The message they belong to.
    pub(super) message: u32,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) const fn new(raw: &'a [u8], document: Document) -> Self {
        Self {
            raw,
            document,
            role: Role::Unknown,
            message: 0,
        }
    }

    /// An error that names the place of `at`.
    pub(super) fn error(&self, at: Value<'_>, what: &str) -> WireError {
        let offset = at.range().start;
        let pointer = json::pointer_at(self.raw, offset).unwrap_or_default();
        WireError::invalid(format!("`{pointer}` {what}"), offset)
    }

    /// Reads `inside` as words of `role`.
    pub(super) fn speaking<R>(&mut self, role: Role, inside: impl FnOnce(&mut Self) -> R) -> R {
        let before = std::mem::replace(&mut self.role, role);
        let result = inside(self);
        self.role = before;
        result
    }

    /// Walks an object; `member` says whether it knows the name.
    pub(super) fn members(
        &mut self,
        object: Value<'a>,
        mut member: impl FnMut(&mut Self, &str, Value<'a>) -> Result<bool, WireError>,
    ) -> Result<(), WireError> {
        if !object.is_object() {
            return Err(self.error(object, "must be an object"));
        }
        for (key, value) in object.members() {
            let name = key.as_str().unwrap_or_default();
            if !member(self, &name, value)? {
                self.unknown(key, value);
            }
        }
        Ok(())
    }

    /// Walks an array, and numbers messages from `first` where one is given.
    pub(super) fn messages(
        &mut self,
        array: Value<'a>,
        mut message: impl FnMut(&mut Self, Value<'a>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        if !array.is_array() {
            return Err(self.error(array, "must be an array"));
        }
        for value in array.elements() {
            self.message = self.message.saturating_add(1);
            message(self, value)?;
        }
        Ok(())
    }

    fn push(&mut self, value: Value<'a>, kind: Kind, text: Text) {
        let trust = match self.role {
            Role::System | Role::Developer => Trust::Trusted,
            Role::User | Role::Assistant | Role::Tool | Role::Document | Role::Unknown => {
                Trust::Untrusted
            }
        };
        // A place without a name is nobody's, whoever's message it stands in.
        let trust = if matches!(kind, Kind::Unplaced | Kind::Key) {
            Trust::Untrusted
        } else {
            trust
        };
        let segment = Segment {
            role: self.role,
            trust,
            kind,
            message: self.message,
            literal: value.range(),
            text,
        };
        self.document.segments.push(segment);
    }

    /// A string is text of `kind`; of other values, all strings in them are unplaced.
    pub(super) fn text(&mut self, value: Value<'a>, kind: Kind) {
        match value.text() {
            Some(text) => {
                if value.range().len() > 2 {
                    self.push(value, kind, text);
                }
            }
            None => self.unplaced(value),
        }
    }

    /// Text where the API demands a string.
    pub(super) fn demanded_text(&mut self, value: Value<'a>, kind: Kind) -> Result<(), WireError> {
        if !value.is_string() {
            return Err(self.error(value, "must be a string"));
        }
        self.text(value, kind);
        Ok(())
    }

    /// A string, or an array of strings; `null` is nothing.
    pub(super) fn texts(&mut self, value: Value<'a>, kind: Kind) -> Result<(), WireError> {
        match value.kind() {
            JsonKind::Null => Ok(()),
            JsonKind::Array => value
                .elements()
                .try_for_each(|element| self.demanded_text(element, kind)),
            JsonKind::String | JsonKind::Bool | JsonKind::Number | JsonKind::Object => {
                self.demanded_text(value, kind)
            }
        }
    }

    /// Identifiers, enumerations, numbers and groups of them; what can't be one is unplaced text.
    pub(super) fn structural(&mut self, value: Value<'a>) {
        if value.is_string() {
            if !value.as_str().is_some_and(|text| is_structural(&text)) {
                self.text(value, Kind::Unplaced);
            }
        } else if value.is_object() {
            for (key, member) in value.members() {
                if !key.as_str().is_some_and(|name| is_structural(&name)) {
                    self.text(key, Kind::Key);
                }
                self.structural(member);
            }
        } else {
            value
                .elements()
                .for_each(|element| self.structural(element));
        }
    }

    /// A member that the grammar has no name for.
    pub(super) fn unknown(&mut self, key: Value<'a>, value: Value<'a>) {
        self.text(key, Kind::Key);
        self.unplaced(value);
    }

    /// All strings and keys of a value in a place that the grammar does not name.
    pub(super) fn unplaced(&mut self, value: Value<'a>) {
        if value.is_string() {
            self.text(value, Kind::Unplaced);
        } else if value.is_object() {
            value
                .members()
                .for_each(|(key, member)| self.unknown(key, member));
        } else {
            value.elements().for_each(|element| self.unplaced(element));
        }
    }

    /// All strings and keys of a value, of one kind; short identifiers under well-known names are
    /// not text.
    pub(super) fn within(&mut self, value: Value<'a>, kind: Kind) {
        if value.is_string() {
            self.text(value, kind);
        } else if value.is_object() {
            for (key, member) in value.members() {
                if key.as_str().is_some_and(|name| is_identifier(&name)) {
                    self.structural(member);
                } else {
                    self.text(key, kind);
                    self.within(member, kind);
                }
            }
        } else {
            value
                .elements()
                .for_each(|element| self.within(element, kind));
        }
    }

    /// A part that is not text.
    pub(super) fn media(&mut self, kind: MediaKind) {
        let message = self.message;
        self.document.media.push(Media { kind, message });
    }

    /// Signatures, ciphertexts and the data of media: base64 of any length, inline or as a data URL.
    pub(super) fn payload(&mut self, value: Value<'a>) {
        if !value.as_str().is_some_and(|text| is_payload(&text)) {
            self.unplaced(value);
        }
    }

    /// A part whose type the grammar does not know: all of it is text, and what looks like a file
    /// counts as one.
    pub(super) fn unknown_part(&mut self, part: Value<'a>) {
        if holds_binary(part) {
            self.media(MediaKind::File);
        }
        self.unplaced(part);
    }

    /// The model's name.
    pub(super) fn model(&mut self, value: Value<'a>) -> Result<(), WireError> {
        let name = value
            .as_str()
            .ok_or_else(|| self.error(value, "must be a string"))?;
        self.document.model = Some((value.range(), name.into()));
        Ok(())
    }

    /// Whether a stream is asked for.
    pub(super) fn stream(&mut self, value: Value<'a>) -> Result<(), WireError> {
        self.document.stream = match value.kind() {
            JsonKind::Null => false,
            JsonKind::Bool => value.as_bool() == Some(true),
            JsonKind::Number | JsonKind::String | JsonKind::Array | JsonKind::Object => {
                return Err(self.error(value, "must be true or false"));
            }
        };
        Ok(())
    }

    /// How much may be answered.
    pub(super) fn max_tokens(&mut self, value: Value<'a>) -> Result<(), WireError> {
        if value.is_null() {
            return Ok(());
        }
        let number = value
            .as_u64()
            .ok_or_else(|| self.error(value, "must be a whole number"))?;
        if self.document.max_tokens.is_some() {
            return Err(self.error(value, "is a second limit of the same thing"));
        }
        self.document.max_tokens = Some(Number {
            literal: value.range(),
            value: number,
        });
        Ok(())
    }

    /// How many answers are asked for; of several members that say so, the largest counts.
    pub(super) fn choices(&mut self, value: Value<'a>) -> Result<(), WireError> {
        if value.is_null() {
            return Ok(());
        }
        let number = value
            .as_u64()
            .ok_or_else(|| self.error(value, "must be a whole number"))?;
        self.document.choices = self.document.choices.max(number);
        Ok(())
    }

    /// JSON in a string: the string itself, and each text within it that is escaped once more.
    pub(super) fn tool_arguments(&mut self, value: Value<'a>) -> Result<(), WireError> {
        self.demanded_text(value, Kind::ToolArguments)?;
        let text = value.as_str().unwrap_or_default();
        if let Ok(nested) = json::parse(text.as_bytes()) {
            self.escaped_within(value, nested.root());
        }
        Ok(())
    }

    fn escaped_within(&mut self, outer: Value<'a>, nested: Value<'_>) {
        if nested.is_escaped() {
            let text = nested.as_str().unwrap_or_default();
            self.push(outer, Kind::ToolValue, Text::Decoded(text.into()));
        }
        for (key, member) in nested.members() {
            self.escaped_within(outer, key);
            self.escaped_within(outer, member);
        }
        nested
            .elements()
            .for_each(|element| self.escaped_within(outer, element));
    }

    /// A tool's input object: every string and key.
    pub(super) fn tool_input(&mut self, value: Value<'a>) {
        if value.is_string() {
            self.text(value, Kind::ToolValue);
        } else if value.is_object() {
            for (key, member) in value.members() {
                self.text(key, Kind::ToolValue);
                self.tool_input(member);
            }
        } else {
            value
                .elements()
                .for_each(|element| self.tool_input(element));
        }
    }
}

/// Whether `text` can only be an identifier or an enumeration's value.
pub(super) fn is_structural(text: &str) -> bool {
    text.len() <= STRUCTURAL_BYTES_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte))
}

/// Members that hold identifiers wherever they stand.
fn is_identifier(name: &str) -> bool {
    matches!(
        name,
        "type"
            | "id"
            | "call_id"
            | "tool_use_id"
            | "file_id"
            | "status"
            | "role"
            | "media_type"
            | "cache_control"
    )
}

fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-\r\n".contains(&byte))
}

fn is_payload(text: &str) -> bool {
    match text.strip_prefix("data:") {
        None => is_base64(text),
        Some(rest) => rest.split_once(";base64,").is_some_and(|(kind, data)| {
            kind.split(';')
                .all(|part| is_structural(&part.replace(['+', '='], "-")))
                && is_base64(data)
        }),
    }
}

fn holds_binary(value: Value<'_>) -> bool {
    if value.is_string() {
        return value.range().len() >= BINARY_BYTES_MIN
            && value.as_str().is_some_and(|text| is_payload(&text));
    }
    value.members().any(|(_, member)| holds_binary(member)) || value.elements().any(holds_binary)
}
