//! Whole replies: read, filtered in every place, spliced.
//!
//! 1. `wire` reads the body by its operation's grammar and names every text in it; a body that it
//!    can't read is refused.
//! 2. Every text goes through the redactor, tool arguments string by string
//!    ([`ArgumentsFilter`](crate::arguments)); a number with a value in it blocks the reply.
//! 3. Where nothing is to be changed the provider's bytes go out as they came. Otherwise only the
//!    changed literals are replaced, and whatever repeats text token by token is emptied.
//!
//! Two keys of one object may become equal when both are masked; readers then keep one of them.

use std::sync::Arc;

use aegis_core::{
    Edit, GenericFields, Kind, Operation, Rejection, Segment, Threat, Usage, Verdict, splice,
};
use aegis_detect::redact::{Finding, Redactor};
use aegis_wire::json::{encode_string, pointer_at};
use aegis_wire::reply::{ReplyDocument, read_reply};
use bytes::Bytes;

use crate::arguments::{ArgumentsError, ArgumentsFilter};
use crate::filter::{is_masked, number_findings, threat, verdict};
use crate::refusal::{invalid, malformed_arguments, output_blocked};

/// Threats of one reply that are placed in it; the rest would say nothing new.
const THREATS_MAX: usize = 64;

/// A whole reply after the filter.
pub(crate) struct WholeReply {
    /// The body to send, or why it may not be sent.
    pub(crate) body: Result<Bytes, Rejection>,
    /// Whether the body differs from the provider's.
    pub(crate) changed: bool,
    /// What was found.
    pub(crate) threats: Vec<Threat>,
    /// The gravest verdict on it.
    pub(crate) verdict: Verdict,
    /// Tokens, as the provider counts them.
    pub(crate) usage: Usage,
}

/// A text after the filter.
pub(crate) struct Filtered {
    /// What stands in its place; `None` where it stays.
    pub(crate) text: Option<String>,
    /// Whether it stops the reply.
    pub(crate) blocked: bool,
}

/// Filters the body of a whole reply.
///
/// # Errors
/// If it can't be read, so not inspected.
pub(crate) fn filter_whole(
    redactor: &Arc<Redactor>,
    operation: Operation,
    generic: Option<&GenericFields>,
    raw: Bytes,
) -> Result<WholeReply, Rejection> {
    let reply = read_reply(operation, generic, raw)
        .map_err(|error| invalid(format_args!("the reply's body: {error}")))?;
    let document = &reply.document;
    let (mut edits, mut threats) = (Vec::new(), Vec::new());
    let (mut gravest, mut blocked) = (Verdict::Allow, false);
    for segment in &document.segments {
        let mut findings = Vec::new();
        let filtered = filter_text(
            redactor,
            segment.kind,
            document.text(segment),
            &mut findings,
        )
        .map_err(malformed_arguments)?;
        blocked |= filtered.blocked;
        gravest = gravest.max(verdict(&findings));
        place(&reply, segment, &findings, &mut threats);
        if let Some(text) = filtered.text {
            let mut with = Vec::with_capacity(text.len() + 2);
            encode_string(&text, &mut with);
            edits.push(Edit {
                range: segment.literal.clone(),
                with,
            });
        }
    }
    let body = if blocked {
        Err(output_blocked())
    } else {
        Ok(apply(&reply, edits))
    };
    let changed = body.as_ref().is_ok_and(|body| body != &document.raw);
    Ok(WholeReply {
        body,
        changed,
        threats,
        verdict: gravest,
        usage: reply.usage,
    })
}

/// Filters one complete text of `kind`.
pub(crate) fn filter_text(
    redactor: &Arc<Redactor>,
    kind: Kind,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Result<Filtered, ArgumentsError> {
    match kind {
        Kind::ToolArguments => {
            let mut filter = ArgumentsFilter::new(redactor.clone());
            let mut out = String::with_capacity(text.len());
            filter.push(text, &mut out, findings)?;
            filter.finish(&mut out, findings)?;
            Ok(Filtered {
                text: (out != text).then_some(out),
                blocked: filter.blocked(),
            })
        }
        Kind::Number => {
            let found = number_findings(redactor, text);
            let blocked = found.iter().any(is_masked);
            findings.extend(found);
            Ok(Filtered {
                text: None,
                blocked,
            })
        }
        Kind::Text
        | Kind::Reasoning
        | Kind::Refusal
        | Kind::ToolValue
        | Kind::ToolDescription
        | Kind::ToolResult
        | Kind::Document
        | Kind::Key
        | Kind::Unplaced => {
            let redacted = redactor.redact(text);
            findings.extend(redacted.findings);
            Ok(Filtered {
                text: (redacted.text != text).then(|| redacted.text.into_owned()),
                blocked: redacted.blocked,
            })
        }
    }
}

fn place(reply: &ReplyDocument, segment: &Segment, findings: &[Finding], out: &mut Vec<Threat>) {
    let room = THREATS_MAX.saturating_sub(out.len());
    if findings.is_empty() || room == 0 {
        return;
    }
    let path = pointer_at(&reply.document.raw, segment.literal.start).map(Arc::from);
    out.extend(findings.iter().take(room).map(|finding| Threat {
        path: path.clone(),
        ..threat(finding)
    }));
}

/// Splices `edits`, and removes what repeats the text that they change.
fn apply(reply: &ReplyDocument, mut edits: Vec<Edit>) -> Bytes {
    let raw = &reply.document.raw;
    if edits.is_empty() {
        return raw.clone();
    }
    edits.retain(|edit| {
        !reply
            .repeats
            .iter()
            .any(|repeat| repeat.contains(&edit.range.start))
    });
    edits.extend(reply.repeats.iter().map(|range| Edit {
        range: range.clone(),
        with: blank(raw.get(range.clone()).unwrap_or_default()).to_vec(),
    }));
    edits.sort_unstable_by_key(|edit| edit.range.start);
    splice(raw, &edits)
}

/// What takes the place of a value that repeats text: nothing, of the same type where clients may
/// insist on one.
pub(crate) fn blank(literal: &[u8]) -> &'static [u8] {
    match literal.first() {
        Some(b'[') => b"[]",
        Some(b'"') => b"\"\"",
        Some(b'-' | b'0'..=b'9') => b"0",
        Some(_) | None => b"null",
    }
}

#[cfg(test)]
mod tests;
