//! Where a flowing text stands, in terms that another event with more of it can be written from.

use std::borrow::Cow;

use crate::json::Value;

/// The place of a flowing text.
#[derive(Debug, Clone)]
pub(crate) enum Place<'a> {
    /// In a choice of a chat or text completion.
    Choice(Template),
    /// In the `delta` of a content block.
    Block(Template),
    /// In the `delta` of a content block, of a type without a template: type and member name.
    BlockMember(Value<'a>, Value<'a>),
    /// In an event of the Responses API.
    Response(Item<'a>),
    /// In a `token`.
    Token,
    /// Wherever a policy's pointer led.
    Path(Box<[Step]>),
    /// In a choice, in a member that the grammar has no name for: the way from the choice on.
    ChoicePath(Box<[Step]>),
}

/// JSON with a hole for a string, and perhaps one for a number before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) head: &'static str,
    /// A number and what follows it.
    pub(crate) number: Option<(u32, &'static str)>,
    pub(crate) tail: &'static str,
}

/// An item, and in it the part, of a Responses stream.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    /// The event's type without `.delta`.
    pub(crate) stem: Cow<'static, str>,
    pub(crate) id: Option<Value<'a>>,
    /// The name and value of the part's index.
    pub(crate) part: Option<(&'static str, u32)>,
    /// The member within `delta`, where that is an object.
    pub(crate) member: Option<Box<str>>,
}

/// One step from a value to a value in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Member(Box<str>),
    Element(usize),
}

// === impl Template ===

impl Template {
    pub(crate) const fn new(head: &'static str, tail: &'static str) -> Self {
        Self {
            head,
            number: None,
            tail,
        }
    }

    pub(crate) const fn numbered(
        head: &'static str,
        number: u32,
        middle: &'static str,
        tail: &'static str,
    ) -> Self {
        Self {
            head,
            number: Some((number, middle)),
            tail,
        }
    }
}

/// A path in one word; literals end in a quote, so no two paths are written alike.
pub(crate) fn written(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Member(literal) => out.push_str(literal),
            Step::Element(position) => {
                out.push_str(&position.to_string());
                out.push(',');
            }
        }
    }
    out
}
