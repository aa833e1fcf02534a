//! Generic routes: the policy names the prompt's fields by JSON Pointer (RFC 6901), in which a `*`
//! token matches every element of an array and member of an object. Every other string of the body
//! is a segment too, unplaced.

use aegis_core::{GenericFields, Kind};
use smallvec::SmallVec;

use super::reader::Reader;
use super::voice::{UNPLACED, USER};
use crate::WireError;
use crate::json::Value;

/// Pointers that still match where the walk is: the tokens that remain of each.
type Alive<'p> = SmallVec<[&'p [String]; 4]>;

/// Walks the body.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    root: Value<'a>,
    fields: &GenericFields,
) -> Result<(), WireError> {
    let pointers: Vec<Vec<String>> = fields.prompt.iter().map(|text| tokens(text)).collect();
    let alive: Alive<'_> = pointers.iter().map(Vec::as_slice).collect();
    if let Some(value) = fields
        .stream
        .as_deref()
        .and_then(|pointer| at(root, pointer))
    {
        reader.document.stream = reader.switch(value)?;
    }
    let mut prompts = 0;
    walk(reader, root, &alive, &mut prompts)
}

fn walk<'a>(
    reader: &mut Reader<'a>,
    value: Value<'a>,
    alive: &Alive<'_>,
    prompts: &mut u32,
) -> Result<(), WireError> {
    if alive.iter().any(|pointer| pointer.is_empty()) {
        return prompt(reader, value, prompts);
    }
    if alive.is_empty() || value.is_string() {
        reader.spread(value, UNPLACED);
        return Ok(());
    }
    for (key, member) in value.members() {
        let name = key.as_str().unwrap_or_default();
        let below = after(alive, |token| token == name);
        if below.is_empty() {
            reader.unknown(key, member);
            continue;
        }
        // Under `*` the client chooses the name; elsewhere the policy has named it.
        if !alive
            .iter()
            .any(|pointer| pointer.first().is_some_and(|token| *token == name))
        {
            reader.push(key, UNPLACED.of(Kind::Key));
        }
        walk(reader, member, &below, prompts)?;
    }
    for (index, element) in value.elements().enumerate() {
        let below = after(alive, |token| token.parse() == Ok(index));
        walk(reader, element, &below, prompts)?;
    }
    Ok(())
}

/// The prompt, or one of several.
fn prompt<'a>(
    reader: &mut Reader<'a>,
    value: Value<'a>,
    prompts: &mut u32,
) -> Result<(), WireError> {
    if value.is_number() || value.as_bool().is_some() {
        return Err(reader.refuse(value, "text"));
    }
    *prompts = prompts.saturating_add(1);
    reader.message = *prompts;
    reader.spread(value, USER);
    reader.message = 0;
    Ok(())
}

fn after<'p>(alive: &Alive<'p>, is_here: impl Fn(&str) -> bool) -> Alive<'p> {
    let below = alive.iter().filter_map(|pointer| {
        let (first, rest) = pointer.split_first()?;
        (first == "*" || is_here(first)).then_some(rest)
    });
    below.collect()
}

/// The tokens of a pointer, without their escapes. The policy has checked that it is one.
fn tokens(pointer: &str) -> Vec<String> {
    let tokens = pointer.split('/').skip(1);
    tokens
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// The value at a pointer without wildcards.
fn at<'a>(root: Value<'a>, pointer: &str) -> Option<Value<'a>> {
    tokens(pointer).iter().try_fold(root, |value, token| {
        if value.is_array() {
            value.elements().nth(token.parse().ok()?)
        } else {
            value.get(token)
        }
    })
}
