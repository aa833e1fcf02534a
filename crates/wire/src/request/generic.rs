//! A route of the policy's own: JSON Pointers say where the prompt stands. All other strings are
//! text too, without a place.

use aegis_core::{GenericFields, Kind, Role};

use super::reader::Reader;
use crate::WireError;
use crate::json::Value;

pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Value<'a>,
    fields: &GenericFields,
) -> Result<(), WireError> {
    if let Some(pointer) = &fields.stream {
        let mut asked = Vec::new();
        resolve(root, pointer, &mut asked);
        if let Some(value) = asked.first() {
            reader.stream(*value)?;
        }
    }
    let mut prompts = Vec::new();
    for pointer in &fields.prompt {
        resolve(root, pointer, &mut prompts);
    }
    let starts: Vec<usize> = prompts.iter().map(|value| value.range().start).collect();
    walk(reader, root, &starts);
    Ok(())
}

/// The values that `pointer` leads to; `*` leads to every member and element.
fn resolve<'a>(value: Value<'a>, pointer: &str, out: &mut Vec<Value<'a>>) {
    let Some(rest) = pointer.strip_prefix('/') else {
        out.push(value);
        return;
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (token, rest) = rest.split_at(end);
    if token == "*" {
        value
            .members()
            .for_each(|(_, member)| resolve(member, rest, out));
        value
            .elements()
            .for_each(|element| resolve(element, rest, out));
        return;
    }
    let name = token.replace("~1", "/").replace("~0", "~");
    if let Some(member) = value.get(&name) {
        resolve(member, rest, out);
    } else if let Some(element) = name
        .parse()
        .ok()
        .and_then(|index| value.elements().nth(index))
    {
        resolve(element, rest, out);
    }
}

fn walk<'a>(reader: &mut Reader<'a>, value: Value<'a>, prompts: &[usize]) {
    if prompts.contains(&value.range().start) {
        reader.message = reader.message.saturating_add(1);
        reader.speaking(Role::User, |reader| reader.within(value, Kind::Text));
    } else if value.is_string() {
        reader.text(value, Kind::Unplaced);
    } else {
        for (key, member) in value.members() {
            if !super::reader::is_structural(&key.as_str().unwrap_or_default()) {
                reader.text(key, Kind::Key);
            }
            walk(reader, member, prompts);
        }
        value
            .elements()
            .for_each(|element| walk(reader, element, prompts));
    }
}
