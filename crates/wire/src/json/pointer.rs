//! Naming a place by JSON Pointer (RFC 6901). Only done when something was found there.

use super::parse::parse_lenient;
use super::value::Value;

/// The pointer of the value or key whose literal starts at `offset`.
#[must_use]
pub fn pointer_at(raw: &[u8], offset: usize) -> Option<String> {
    let json = parse_lenient(raw).ok()?;
    let mut at = json.root();
    let mut pointer = String::new();
    while at.range().start != offset {
        at = step(at, offset, &mut pointer)?;
    }
    Some(pointer)
}

/// Goes into the member or element that holds `offset`; a key is named by its member.
fn step<'a>(value: Value<'a>, offset: usize, pointer: &mut String) -> Option<Value<'a>> {
    for (key, member) in value.members() {
        if key.range().start == offset || member.range().contains(&offset) {
            pointer.push('/');
            pointer.push_str(&key.as_str()?.replace('~', "~0").replace('/', "~1"));
            return Some(if key.range().start == offset {
                key
            } else {
                member
            });
        }
    }
    for (index, element) in value.elements().enumerate() {
        if element.range().contains(&offset) {
            pointer.push('/');
            pointer.push_str(&index.to_string());
            return Some(element);
        }
    }
    None
}
