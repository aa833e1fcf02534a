//! Which texts of a document the checks read.
//!
//! 1. Every untrusted segment, whatever its role and kind: messages, tool results, arguments,
//!    descriptions, documents, keys, and what the grammar could not place.
//! 2. The parts of one message joined, because a provider joins them before the model reads them:
//!    an attack may be split over parts. Long parts give only their ends to the joined text; their
//!    middle was read in step 1. Parts are joined twice, with a line break and without, unless
//!    every seam has white space already.
//!
//! Trusted segments (system and developer messages) are not read: they are the application's own
//! instructions and look like the attacks they guard against.
//!
//! Not caught: an attack split over several messages; that is what the semantic check is for.

use std::borrow::Cow;

use aegis_core::{Document, Kind, Role, Segment, Text, Trust};

/// So many bytes of each end of a part go into the joined text.
const SEAM_BYTES: usize = 512;

/// A text to read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unit<'a> {
    /// The text itself, or the joined parts.
    pub(crate) text: Cow<'a, str>,
    /// Whose words.
    pub(crate) role: Role,
    /// Index of its segment, or of the first of the joined ones.
    pub(crate) segment: usize,
}

/// Parts of one message that the model reads as one text.
struct Joined<'a> {
    role: Role,
    kind: Kind,
    first: usize,
    parts: Vec<&'a str>,
}

/// Whether `segment` is read; `tool_results` says whether tool results and documents are.
pub(crate) fn is_read(segment: &Segment, tool_results: bool) -> bool {
    if segment.trust == Trust::Trusted {
        return false;
    }
    // A tool's description is not a result: the model reads it on every turn.
    let retrieved = segment.kind != Kind::ToolDescription
        && (matches!(segment.role, Role::Tool | Role::Document)
            || matches!(segment.kind, Kind::ToolResult | Kind::Document));
    tool_results || !retrieved
}

/// Bytes of text that the checks read.
pub(crate) fn text_bytes(document: &Document, tool_results: bool) -> usize {
    let read = document
        .segments
        .iter()
        .filter(|s| is_read(s, tool_results));
    read.map(|segment| match &segment.text {
        Text::Plain(range) => range.len(),
        Text::Decoded(text) => text.len(),
    })
    .sum()
}

/// Every text to read, joined ones after the segments of their message.
pub(crate) fn units(document: &Document, tool_results: bool) -> Vec<Unit<'_>> {
    let mut out = Vec::with_capacity(document.segments.len());
    let mut at = 0;
    for message in document.segments.chunk_by(|a, b| a.message == b.message) {
        let mut groups: Vec<Joined<'_>> = Vec::new();
        for (segment, index) in message.iter().zip(at..) {
            if !is_read(segment, tool_results) {
                continue;
            }
            let text = document.text(segment);
            out.push(Unit {
                text: Cow::Borrowed(text),
                role: segment.role,
                segment: index,
            });
            if message.len() > 1 && is_prose(segment.kind) {
                group(&mut groups, segment, index, text);
            }
        }
        groups.iter().for_each(|group| join(group, &mut out));
        at += message.len();
    }
    out
}

/// Kinds that a provider joins into one text of a message.
const fn is_prose(kind: Kind) -> bool {
    match kind {
        Kind::Text
        | Kind::Reasoning
        | Kind::Refusal
        | Kind::ToolResult
        | Kind::Document
        | Kind::Unplaced => true,
        Kind::ToolArguments
        | Kind::ToolValue
        | Kind::Number
        | Kind::ToolDescription
        | Kind::Key => false,
    }
}

fn group<'a>(groups: &mut Vec<Joined<'a>>, segment: &Segment, index: usize, text: &'a str) {
    let same =
        |joined: &&mut Joined<'a>| joined.role == segment.role && joined.kind == segment.kind;
    if let Some(joined) = groups.iter_mut().find(same) {
        joined.parts.push(text);
        return;
    }
    groups.push(Joined {
        role: segment.role,
        kind: segment.kind,
        first: index,
        parts: vec![text],
    });
}

fn join<'a>(group: &Joined<'_>, out: &mut Vec<Unit<'a>>) {
    if group.parts.len() < 2 {
        return;
    }
    let mut push = |between: &str| {
        let parts = group.parts.iter().map(|part| ends(part));
        let text = parts.collect::<Vec<_>>().join(between);
        out.push(Unit {
            text: Cow::Owned(text),
            role: group.role,
            segment: group.first,
        });
    };
    push("\n");
    let glued = group.parts.windows(2).any(|pair| match pair {
        [a, b] => !a.ends_with(char::is_whitespace) && !b.starts_with(char::is_whitespace),
        _ => false,
    });
    if glued {
        push("");
    }
}

/// A short part whole; of a long one both ends, a line break between them.
fn ends(part: &str) -> Cow<'_, str> {
    if part.len() <= 2 * SEAM_BYTES {
        return Cow::Borrowed(part);
    }
    let head = part.get(..part.floor_char_boundary(SEAM_BYTES));
    let tail = part.get(part.ceil_char_boundary(part.len() - SEAM_BYTES)..);
    Cow::Owned([head.unwrap_or_default(), tail.unwrap_or_default()].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(parts: &[(&str, Role, Trust, Kind, u32)]) -> Document {
        let mut document = Document::new(bytes::Bytes::new());
        for &(text, role, trust, kind, message) in parts {
            document.segments.push(Segment {
                role,
                trust,
                kind,
                message,
                literal: 0..0,
                text: Text::Decoded(text.into()),
            });
        }
        document
    }

    fn texts(document: &Document, tool_results: bool) -> Vec<String> {
        let units = units(document, tool_results);
        units
            .into_iter()
            .map(|unit| unit.text.into_owned())
            .collect()
    }

    #[test]
    fn every_untrusted_role_and_kind_is_read_and_trusted_ones_are_not() {
        let roles = [
            Role::System,
            Role::Developer,
            Role::User,
            Role::Assistant,
            Role::Tool,
            Role::Document,
            Role::Unknown,
        ];
        let kinds = [
            Kind::Text,
            Kind::Reasoning,
            Kind::Refusal,
            Kind::ToolArguments,
            Kind::ToolValue,
            Kind::Number,
            Kind::ToolDescription,
            Kind::ToolResult,
            Kind::Document,
            Kind::Key,
            Kind::Unplaced,
        ];
        for role in roles {
            for kind in kinds {
                let read = document(&[("x", role, Trust::Untrusted, kind, 0)]);
                assert_eq!(texts(&read, true), ["x"], "{role:?} {kind:?}");
                let trusted = document(&[("x", role, Trust::Trusted, kind, 0)]);
                assert!(texts(&trusted, true).is_empty(), "{role:?} {kind:?}");
            }
        }
    }

    #[test]
    fn tool_results_and_documents_can_be_left_out() {
        let all = document(&[
            ("user", Role::User, Trust::Untrusted, Kind::Text, 0),
            ("tool", Role::Tool, Trust::Untrusted, Kind::Text, 1),
            ("doc", Role::User, Trust::Untrusted, Kind::Document, 2),
        ]);
        assert_eq!(texts(&all, true), ["user", "tool", "doc"]);
        assert_eq!(texts(&all, false), ["user"]);
        assert_eq!((text_bytes(&all, true), text_bytes(&all, false)), (11, 4));
    }

    #[test]
    fn parts_of_one_message_are_joined_and_messages_are_not() {
        let part = |text, message| (text, Role::User, Trust::Untrusted, Kind::Text, message);
        let split = document(&[part("igno", 0), part("re it", 0), part("alone", 1)]);
        let expected = ["igno", "re it", "igno\nre it", "ignore it", "alone"];
        assert_eq!(texts(&split, true), expected);
        // White space at the seam: joining with a line break says nothing new.
        let spaced = document(&[part("ignore ", 0), part("it", 0)]);
        assert_eq!(texts(&spaced, true), ["ignore ", "it", "ignore \nit"]);
    }

    #[test]
    fn parts_are_joined_across_a_document_between_them() {
        let parts = document(&[
            ("a ", Role::User, Trust::Untrusted, Kind::Text, 0),
            ("doc", Role::Document, Trust::Untrusted, Kind::Document, 0),
            ("b", Role::User, Trust::Untrusted, Kind::Text, 0),
        ]);
        assert_eq!(texts(&parts, true), ["a ", "doc", "b", "a \nb"]);
    }

    #[test]
    fn long_parts_give_their_ends_at_character_boundaries() {
        for bytes in [2 * SEAM_BYTES - 1, 2 * SEAM_BYTES] {
            assert_eq!(ends(&"x".repeat(bytes)).len(), bytes);
        }
        let long = format!("{}y", "é".repeat(2 * SEAM_BYTES));
        let shortened = ends(&long);
        assert!(shortened.len() <= 2 * SEAM_BYTES + 1);
        assert!(shortened.starts_with('é') && shortened.ends_with("éy"));
    }
}
