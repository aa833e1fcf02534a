//! What a grammar finds in a reply or an event, before it becomes segments or deltas.
//!
//! Every value of a body goes through one of the methods here, so that nothing is passed over:
//! `structural` and `opaque` let through what is provably not prose and hand on everything else,
//! `unknown` takes what the grammar has no name for.

use std::borrow::Cow;
use std::ops::Range;

use aegis_core::{Kind, Media, MediaKind, Usage};
use smallvec::SmallVec;

use super::looks::{Member, checked_index, is_base64, is_empty, is_structural, whole_text};
use super::place::Place;
use crate::WireError;
use crate::json::Value;

/// Bare numbers of tool arguments with this many digits are looked at.
pub(crate) const NUMBER_DIGITS_MIN: usize = 7;

/// The most names a stream may bring that the grammars do not know.
pub(crate) const NAMES_MAX: usize = 1024;

/// A text and where it belongs.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    pub(crate) value: Value<'a>,
    pub(crate) kind: Kind,
    /// Choice, block or item.
    pub(crate) index: u32,
    /// Set where other events continue the text.
    pub(crate) flow: Option<Flow<'a>>,
}

/// One piece of a text that arrives in several events.
#[derive(Debug, Clone)]
pub(crate) struct Flow<'a> {
    /// Tells channels of one kind and index apart.
    pub(crate) sub: u32,
    pub(crate) place: Place<'a>,
}

/// Which channels an event ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ends {
    /// All of a choice, block or item; nothing may follow on it.
    Index(u32),
    /// Those of one stem in one part of an item (Responses).
    Part {
        index: u32,
        part: u32,
        stem: Cow<'static, str>,
    },
}

/// What a grammar remembers from event to event.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Tool calls without an index seen so far.
    pub(crate) unnumbered: u32,
    names: Vec<Box<str>>,
}

/// The findings.
#[derive(Debug)]
pub(crate) struct Finds<'a> {
    pub(crate) found: Vec<Found<'a>>,
    pub(crate) repeats: Vec<Range<usize>>,
    pub(crate) media: Vec<Media>,
    pub(crate) model: Option<Value<'a>>,
    pub(crate) usage: Usage,
    pub(crate) ends: SmallVec<[Ends; 1]>,
    pub(crate) ends_all: bool,
    pub(crate) last: bool,
    /// Whether there is anything besides flowing text.
    pub(crate) essential: bool,
    /// The choice, block or item that the grammar is in.
    pub(crate) index: u32,
    /// Whether texts may be pieces of longer ones.
    pub(crate) flowing: bool,
    pub(crate) memory: Memory,
}

// === impl Memory ===

impl Memory {
    /// A number for a name that the grammars do not know, the same each time.
    pub(crate) fn number(&mut self, name: &str) -> Result<u32, WireError> {
        let known = self.names.iter().position(|seen| **seen == *name);
        let position = known.unwrap_or(self.names.len());
        if position == NAMES_MAX {
            return Err(WireError::too_large(
                "too many unknown kinds of text in a stream",
                0,
            ));
        }
        if known.is_none() {
            self.names.push(name.into());
        }
        Ok(u32::try_from(position).unwrap_or(u32::MAX))
    }
}

// === impl Finds ===

impl<'a> Finds<'a> {
    pub(crate) fn new(flowing: bool, memory: Memory) -> Self {
        Self {
            found: Vec::new(),
            repeats: Vec::new(),
            media: Vec::new(),
            model: None,
            usage: Usage::default(),
            ends: SmallVec::new(),
            ends_all: false,
            last: false,
            essential: false,
            index: 0,
            flowing,
            memory,
        }
    }

    /// Walks an object; `member` says whether it knows the name.
    pub(crate) fn members(
        &mut self,
        object: Value<'a>,
        mut member: impl FnMut(&mut Self, &str, Value<'a>) -> Result<bool, WireError>,
    ) -> Result<(), WireError> {
        if !object.is_object() {
            self.unplaced(object);
            return Ok(());
        }
        for (key, value) in object.members() {
            let known = match whole_text(key) {
                Some(name) => member(self, &name, value)?,
                None => false,
            };
            if !known {
                self.unknown(key, value);
            }
        }
        Ok(())
    }

    /// Walks an array; anything else has no place where one belongs.
    pub(crate) fn elements(
        &mut self,
        array: Value<'a>,
        mut element: impl FnMut(&mut Self, u32, Value<'a>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        if !array.is_array() {
            self.unplaced(array);
            return Ok(());
        }
        let index = self.index;
        for (position, value) in array.elements().enumerate() {
            element(self, checked_index(position as u64, value)?, value)?;
        }
        self.index = index;
        Ok(())
    }

    /// A piece of a text that other events may continue.
    pub(crate) fn flow(&mut self, value: Value<'a>, kind: Kind, sub: u32, place: Place<'a>) {
        if !self.flowing || !value.is_string() {
            self.text(value, kind);
        } else if !is_empty(value) {
            self.push(value, kind, Some(Flow { sub, place }));
        }
    }

    /// A text that is complete here; of other values, all strings in them.
    pub(crate) fn text(&mut self, value: Value<'a>, kind: Kind) {
        if value.is_string() {
            self.essential = true;
            if !is_empty(value) {
                self.push(value, kind, None);
            }
        } else {
            self.unplaced(value);
        }
    }

    /// An identifier, enumeration, number or group of such.
    pub(crate) fn structural(&mut self, value: Value<'a>) {
        if value.is_string() {
            if !whole_text(value).is_some_and(|text| is_structural(&text)) {
                self.text(value, Kind::Unplaced);
            }
        } else if value.is_object() {
            for (key, member) in value.members() {
                if !whole_text(key).is_some_and(|name| is_structural(&name)) {
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

    /// The same, where its being there matters to the client.
    pub(crate) fn notable(&mut self, value: Value<'a>) {
        self.essential |= !value.is_null() && !is_empty(value);
        self.structural(value);
    }

    /// Signatures, ciphertexts and media: base64 of any length.
    pub(crate) fn opaque(&mut self, value: Value<'a>) {
        self.essential |= !value.is_null();
        if !whole_text(value).is_some_and(|text| is_base64(&text)) {
            self.unplaced(value);
        }
    }

    /// Media in base64.
    pub(crate) fn media(&mut self, value: Value<'a>, kind: MediaKind) {
        if value.is_string() && !is_empty(value) {
            let message = self.index;
            self.media.push(Media { kind, message });
        }
        self.opaque(value);
    }

    /// Media by URL or inline; a URL is text.
    pub(crate) fn data_url(&mut self, value: Value<'a>, kind: MediaKind) {
        let message = self.index;
        self.media.push(Media { kind, message });
        self.essential = true;
        let text = whole_text(value).unwrap_or_default();
        let inline = text
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"));
        if !inline.is_some_and(|(media_type, data)| is_structural(media_type) && is_base64(data)) {
            self.text(value, Kind::Document);
        }
    }

    /// A value that repeats the text token by token.
    pub(crate) fn repeat(&mut self, value: Value<'a>) {
        if !matches!(value.literal(), "null" | "[]" | "{}" | "\"\"") {
            self.repeats.push(value.range());
        }
    }

    /// A member that the grammar has no name for.
    pub(crate) fn unknown(&mut self, key: Value<'a>, value: Value<'a>) {
        self.essential |= !value.is_null();
        self.text(key, Kind::Key);
        self.unplaced(value);
    }

    /// A value in a place the grammar does not name: all its strings and keys.
    pub(crate) fn unplaced(&mut self, value: Value<'a>) {
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

    /// A tool's input object: strings and keys, and numbers long enough to mean something.
    pub(crate) fn tool_input(&mut self, value: Value<'a>) {
        if value.is_string() {
            self.text(value, Kind::ToolValue);
        } else if value.is_number() {
            let digits = value.literal().bytes().filter(u8::is_ascii_digit);
            if digits.count() >= NUMBER_DIGITS_MIN {
                self.push(value, Kind::Number, None);
            }
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

    /// Citations, search results, tool results, descriptions: text of one kind with identifiers.
    pub(crate) fn within(&mut self, value: Value<'a>, kind: Kind) {
        if value.is_string() {
            self.text(value, kind);
        } else if value.is_object() {
            let inline = value.get("type").and_then(|kind| kind.as_str());
            let inline = inline.as_deref() == Some("base64");
            for (key, member) in value.members() {
                match whole_text(key).map_or(Member::Unknown, |name| Member::of(&name)) {
                    Member::Identifier => self.structural(member),
                    Member::Ciphertext => self.opaque(member),
                    Member::Data if inline => self.media(member, MediaKind::File),
                    Member::Data | Member::Text => self.within(member, kind),
                    Member::Unknown => {
                        self.text(key, Kind::Key);
                        self.within(member, kind);
                    }
                }
            }
        } else {
            value
                .elements()
                .for_each(|element| self.within(element, kind));
        }
    }

    fn push(&mut self, value: Value<'a>, kind: Kind, flow: Option<Flow<'a>>) {
        let index = self.index;
        self.found.push(Found {
            value,
            kind,
            index,
            flow,
        });
    }
}
