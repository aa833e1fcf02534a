//! Tool definitions: every name, description and string of a schema is a segment.

use super::reader::Reader;
use super::voice::DESCRIPTION;
use crate::WireError;
use crate::json::Value;

/// Members under which definitions wrap a function (OpenAI chat).
const WRAPPERS: [&str; 2] = ["function", "custom"];

/// Members that name a tool, best first; a provider's own tools have only a type.
const NAMES: [&str; 3] = ["name", "server_label", "type"];

impl<'a> Reader<'a> {
    /// An array of tool definitions.
    pub(super) fn tools(&mut self, value: Value<'a>) -> Result<(), WireError> {
        self.elements(value, |reader, tool| {
            if !tool.is_object() {
                return Err(reader.refuse(tool, "an object"));
            }
            reader.offer(tool);
            reader.spread(tool, DESCRIPTION);
            Ok(())
        })
    }

    /// Notes the name of `tool`, and those of the tools it groups.
    fn offer(&mut self, tool: Value<'a>) {
        let wrapped = WRAPPERS
            .iter()
            .find_map(|name| tool.get(name).filter(Value::is_object));
        let named = |tool: Value<'a>| {
            let mut names = NAMES.iter().filter_map(|name| tool.get(name));
            names.find_map(|name| name.as_str())
        };
        if let Some(name) = wrapped.and_then(named).or_else(|| named(tool)) {
            self.document.tools.push(name.into());
        }
        if let Some(group) = tool.get("tools") {
            group.elements().for_each(|tool| self.offer(tool));
        }
    }
}
