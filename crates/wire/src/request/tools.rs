//! Tool definitions: the model reads every string in them, so all of them are text.

use aegis_core::{Kind, Role};

use super::reader::Reader;
use crate::WireError;
use crate::json::Value;

/// An array of tool definitions of any API. Names of tools are kept for later checks.
pub(super) fn definitions<'a>(reader: &mut Reader<'a>, value: Value<'a>) -> Result<(), WireError> {
    if value.is_null() {
        return Ok(());
    }
    if !value.is_array() {
        return Err(reader.error(value, "must be an array"));
    }
    for tool in value.elements() {
        if !tool.is_object() {
            return Err(reader.error(tool, "must be an object"));
        }
        let function = tool.get("function").unwrap_or(tool);
        let name = function.get("name").and_then(|name| name.as_str());
        reader.document.tools.extend(name.map(|name| name.into()));
        reader.speaking(Role::Unknown, |reader| {
            reader.within(tool, Kind::ToolDescription)
        });
    }
    Ok(())
}
