//! Replies of a generic route: the policy says by JSON Pointer where the answer stands.
//!
//! A pointer may lead to a string or to anything that holds strings. All other strings, and all keys
//! that no pointer names, are unplaced text: nothing is structural in a format that is not known.

use std::borrow::Cow;

use aegis_core::{GenericFields, Kind};

use super::finds::Finds;
use super::looks::whole_text;
use super::place::{Place, Step, written};
use crate::WireError;
use crate::json::Value;

/// The answer's pointers, split into their tokens.
#[derive(Debug, Clone)]
pub(crate) struct Pointers(Vec<Vec<Box<str>>>);

/// The pointers that lead through a value: the pointer's number and how many tokens are used up.
type Alive = Vec<(usize, usize)>;

// === impl Pointers ===

impl Pointers {
    /// Those of a policy; without one, every string is unplaced.
    pub(crate) fn new(fields: Option<&GenericFields>) -> Self {
        let answer = fields.map_or(&[][..], |fields| &fields.answer);
        Self(answer.iter().map(|pointer| tokens(pointer)).collect())
    }

    /// Reads a body, or the data of an event.
    pub(crate) fn read<'a>(&self, finds: &mut Finds<'a>, root: Value<'a>) -> Result<(), WireError> {
        let alive = (0..self.0.len()).map(|pointer| (pointer, 0)).collect();
        self.walk(finds, root, &alive, &mut Vec::new())
    }

    fn walk<'a>(
        &self,
        finds: &mut Finds<'a>,
        value: Value<'a>,
        alive: &Alive,
        path: &mut Vec<Step>,
    ) -> Result<(), WireError> {
        if let Some(pointer) = self.met(alive) {
            return answer(finds, value, pointer, path);
        }
        if value.is_string() {
            finds.text(value, Kind::Unplaced);
        }
        for (key, member) in value.members() {
            let name = whole_text(key).unwrap_or(Cow::Borrowed(""));
            let (next, named) = self.follow(alive, &name);
            if !named {
                finds.text(key, Kind::Key);
            }
            path.push(Step::Member(key.literal().into()));
            self.walk(finds, member, &next, path)?;
            path.pop();
        }
        for (position, element) in value.elements().enumerate() {
            let (next, _) = self.follow(alive, &position.to_string());
            path.push(Step::Element(position));
            self.walk(finds, element, &next, path)?;
            path.pop();
        }
        finds.essential |= !value.is_null() && !value.is_object() && !value.is_array();
        Ok(())
    }

    /// The first pointer that ends here.
    fn met(&self, alive: &Alive) -> Option<usize> {
        let ended = |(pointer, used): &&(usize, usize)| {
            self.0
                .get(*pointer)
                .is_some_and(|tokens| tokens.len() == *used)
        };
        alive.iter().find(ended).map(|(pointer, _)| *pointer)
    }

    /// The pointers that go on through `name`, and whether one does so by that very name.
    fn follow(&self, alive: &Alive, name: &str) -> (Alive, bool) {
        let mut named = false;
        let next = alive.iter().filter_map(|(pointer, used)| {
            let token = self.0.get(*pointer)?.get(*used)?;
            let exact = **token == *name;
            named |= exact && !name.is_empty();
            (exact || **token == *"*").then_some((*pointer, used + 1))
        });
        (next.collect(), named)
    }
}

/// Everything below the place that a pointer names; each string in it is a text of its own.
fn answer<'a>(
    finds: &mut Finds<'a>,
    value: Value<'a>,
    pointer: usize,
    path: &mut Vec<Step>,
) -> Result<(), WireError> {
    if value.is_string() {
        if !finds.flowing {
            finds.text(value, Kind::Text);
            return Ok(());
        }
        finds.index = u32::try_from(pointer).unwrap_or(u32::MAX);
        let sub = finds.memory.number(&written(path))?;
        finds.flow(value, Kind::Text, sub, Place::Path(path.as_slice().into()));
    }
    for (key, member) in value.members() {
        finds.text(key, Kind::Key);
        path.push(Step::Member(key.literal().into()));
        answer(finds, member, pointer, path)?;
        path.pop();
    }
    for (position, element) in value.elements().enumerate() {
        path.push(Step::Element(position));
        answer(finds, element, pointer, path)?;
        path.pop();
    }
    Ok(())
}

/// The tokens of a JSON Pointer (RFC 6901).
fn tokens(pointer: &str) -> Vec<Box<str>> {
    pointer
        .split('/')
        .skip(1)
        .map(|token| token.replace("~1", "/").replace("~0", "~").into())
        .collect()
}
