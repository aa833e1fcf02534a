//! Walking a parsed body.

use std::borrow::Cow;
use std::ops::Range;

use aegis_core::Text;

use super::text::{decode, halves};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One entry of the tape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: JsonKind,
    /// Strings: whether there is an escape in it.
    pub(super) escaped: bool,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Index of the first node after this value.
    pub(super) next: u32,
}

/// A parsed body.
#[derive(Debug)]
pub struct Json<'a> {
    pub(super) raw: &'a str,
    pub(super) nodes: Vec<Node>,
}

/// A value, or a key, of a parsed body.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    raw: &'a str,
    nodes: &'a [Node],
    at: usize,
    node: Node,
}

// === impl Json ===

impl Json<'_> {
    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        let nothing = Node {
            kind: JsonKind::Null,
            escaped: false,
            start: 0,
            end: 0,
            next: 0,
        };
        let node = self.nodes.first().copied().unwrap_or(nothing);
        Value {
            raw: self.raw,
            nodes: &self.nodes,
            at: 0,
            node,
        }
    }
}

// === impl Value ===

impl<'a> Value<'a> {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> JsonKind {
        self.node.kind
    }

    /// Byte range of the literal in the body, quotes included.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.node.start as usize..self.node.end as usize
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.node.kind == JsonKind::Null
    }

    /// Whether it is a string.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.node.kind == JsonKind::String
    }

    /// Whether it is a number.
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.node.kind == JsonKind::Number
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.node.kind == JsonKind::Array
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.node.kind == JsonKind::Object
    }

    /// Whether it is a string with an escape in it.
    #[must_use]
    pub const fn is_escaped(&self) -> bool {
        self.node.escaped
    }

    /// The literal as it stands in the body.
    #[must_use]
    pub fn literal(&self) -> &'a str {
        self.raw.get(self.range()).unwrap_or_default()
    }

    fn inner(&self) -> &'a str {
        let range = self.range();
        self.raw
            .get(range.start + 1..range.end.saturating_sub(1))
            .unwrap_or_default()
    }

    /// The decoded text of a string. Surrogate halves that [`super::parse_lenient`] let through are
    /// left out; see [`Self::halves`].
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        match self.node {
            Node {
                kind: JsonKind::String,
                escaped: false,
                ..
            } => Some(Cow::Borrowed(self.inner())),
            Node {
                kind: JsonKind::String,
                ..
            } => Some(Cow::Owned(decode(self.inner()))),
            _ => None,
        }
    }

    /// A string's lone low surrogate at its start and lone high surrogate at its end, if it has them.
    #[must_use]
    pub fn halves(&self) -> (Option<u16>, Option<u16>) {
        if self.is_string() && self.node.escaped {
            halves(self.inner())
        } else {
            (None, None)
        }
    }

    /// The text of a string as a [`Text`] of a document over the same bytes.
    #[must_use]
    pub fn text(&self) -> Option<Text> {
        match self.as_str()? {
            Cow::Borrowed(_) => {
                let range = self.range();
                Some(Text::Plain(range.start + 1..range.end.saturating_sub(1)))
            }
            Cow::Owned(text) => Some(Text::Decoded(text.into())),
        }
    }

    /// The value of a boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        (self.node.kind == JsonKind::Bool).then(|| self.literal() == "true")
    }

    /// The value of a number that is a whole one, not negative, and below 2^64.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        if self.is_number() {
            self.literal().parse().ok()
        } else {
            None
        }
    }

    /// The member `key` of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Self> {
        self.members()
            .find(|(name, _)| name.is_key(key))
            .map(|(_, value)| value)
    }

    fn is_key(&self, key: &str) -> bool {
        if self.node.escaped {
            decode(self.inner()) == key
        } else {
            self.inner() == key
        }
    }

    /// The members of an object, keys and values; nothing for other values.
    pub fn members(&self) -> impl Iterator<Item = (Self, Self)> + use<'a> {
        let mut at = if self.is_object() {
            self.at + 1
        } else {
            usize::MAX
        };
        let (end, from) = (self.node.next as usize, *self);
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let key = from.at(at)?;
            let value = from.at(at + 1)?;
            at = value.node.next as usize;
            Some((key, value))
        })
    }

    /// The elements of an array; nothing for other values.
    pub fn elements(&self) -> impl Iterator<Item = Self> + use<'a> {
        let mut at = if self.is_array() {
            self.at + 1
        } else {
            usize::MAX
        };
        let (end, from) = (self.node.next as usize, *self);
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let value = from.at(at)?;
            at = value.node.next as usize;
            Some(value)
        })
    }

    fn at(&self, at: usize) -> Option<Self> {
        let node = *self.nodes.get(at)?;
        Some(Self {
            raw: self.raw,
            nodes: self.nodes,
            at,
            node,
        })
    }
}

impl std::fmt::Debug for Value<'_> {
    /// Where, not what: bodies are not printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {:?}", self.node.kind, self.range())
    }
}
