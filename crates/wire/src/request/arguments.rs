//! Tool arguments: a JSON document inside a JSON string.
//!
//! 1. The whole text is one segment (`Kind::ToolArguments`).
//! 2. A string in it that has escapes of its own is hidden from a reader of that text, so its
//!    decoded text is a segment too (`Kind::ToolValue`, at the same literal).
//! 3. The same goes for JSON in such a string, down to [`LEVELS_MAX`].
//! 4. Where the text is not JSON, all its escapes are undone together: a lenient server may read
//!    it.
//!
//! Not seen: escapes below [`LEVELS_MAX`] levels of JSON in strings.

use aegis_core::{Kind, Text};
use memchr::memchr;

use super::reader::Reader;
use super::voice::Voice;
use crate::WireError;
use crate::json::{self, Value};

/// Levels of JSON inside strings that are looked into, the arguments themselves included.
pub(super) const LEVELS_MAX: usize = 4;

impl<'a> Reader<'a> {
    /// Arguments: a string that holds JSON, the object itself (some clients send it so), or none.
    pub(super) fn arguments(&mut self, value: Value<'a>, voice: Voice) -> Result<(), WireError> {
        if value.is_object() {
            self.tool_input(value, voice);
            return Ok(());
        }
        self.text(value, voice.of(Kind::ToolArguments))?;
        // Without an escape outside there is none inside.
        if value.is_escaped()
            && let Some(text) = value.as_str()
        {
            self.inside(value, &text, voice.of(Kind::ToolValue), LEVELS_MAX);
        }
        Ok(())
    }

    /// The strings with escapes in the JSON document `text`, which stands in `value`.
    fn inside(&mut self, value: Value<'a>, text: &str, voice: Voice, levels: usize) {
        if levels == 0 || memchr(b'\\', text.as_bytes()).is_none() {
            return;
        }
        match json::parse(text.as_bytes()) {
            Ok(inner) => self.escaped_strings(value, inner.root(), voice, levels),
            Err(_) => {
                let undone = Text::Decoded(json::unescape(text).into());
                self.push_text(value, undone, voice);
            }
        }
    }

    fn escaped_strings(&mut self, value: Value<'a>, inner: Value<'_>, voice: Voice, levels: usize) {
        if inner.is_escaped()
            && let Some(text) = inner.as_str()
        {
            self.push_text(value, Text::Decoded(text.as_ref().into()), voice);
            if looks_like_json(&text) {
                self.inside(value, &text, voice, levels - 1);
            }
        }
        for (key, member) in inner.members() {
            self.escaped_strings(value, key, voice, levels);
            self.escaped_strings(value, member, voice, levels);
        }
        for element in inner.elements() {
            self.escaped_strings(value, element, voice, levels);
        }
    }
}

/// Whether somebody may parse `text` again. Prose with a backslash is not unescaped: it stands as
/// the model reads it.
fn looks_like_json(text: &str) -> bool {
    matches!(
        text.trim_start().as_bytes().first(),
        Some(b'{' | b'[' | b'"')
    )
}
