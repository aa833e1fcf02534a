//! The changes the gateway makes to a request's body; all other bytes go on as they came.
//!
//! 1. `model` becomes the provider's name, where that differs.
//! 2. The output limit becomes the policy's, where the request states a higher one or none. Each
//!    place in which a format takes one is looked at: a second one must not undo the first.
//!
//! Does not limit generic routes, whose bodies the policy does not describe that far.

use std::ops::Range;

use aegis_core::{Document, Edit, Operation, Rejection, Target, splice};
use aegis_wire::json::{self, Value, encode_string};
use bytes::Bytes;

/// Where TGI takes its parameters.
const TGI_PARAMETERS: &str = "parameters";
const TGI_OUTPUT: &str = "max_new_tokens";

/// Chat Completions takes an output limit under either name; TGI under the older one only, and
/// OpenAI's newer models refuse that.
const CHAT_OUTPUT: [&str; 2] = ["max_completion_tokens", CHAT_OUTPUT_OLDER];
const CHAT_OUTPUT_OLDER: &str = "max_tokens";

/// A body to send on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) outgoing: Bytes,
    /// The output limit that the body now states.
    pub(crate) output_max: Option<u64>,
}

/// The policy's output limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cap {
    /// In tokens.
    pub(crate) tokens: u64,
    /// The server knows the older name of Chat Completions' limit only.
    pub(crate) older_name: bool,
}

/// The body of `document` as `target` is to get it, its output limited by `cap`.
pub(crate) fn rewrite(
    operation: Operation,
    document: &Document,
    target: Option<&Target>,
    cap: Option<Cap>,
) -> Result<Rewritten, Rejection> {
    let mut edits: Vec<Edit> = rename(document, target).into_iter().collect();
    let stated = document.max_tokens.as_ref().map(|number| number.value);
    let mut output_max = stated;
    if let Some(cap) = cap
        && takes_output_limit(operation)
    {
        output_max = Some(limit_output(operation, document, cap, &mut edits)?);
    }
    edits.sort_by_key(|edit| edit.range.start);
    Ok(Rewritten {
        outgoing: splice(&document.raw, &edits),
        output_max,
    })
}

fn rename(document: &Document, target: Option<&Target>) -> Option<Edit> {
    let (literal, name) = document.model.as_ref()?;
    let upstream_name = &target?.upstream_model;
    if **upstream_name == **name {
        return None;
    }
    let mut with = Vec::with_capacity(upstream_name.len() + 2);
    encode_string(upstream_name, &mut with);
    let range = literal.clone();
    Some(Edit { range, with })
}

const fn takes_output_limit(operation: Operation) -> bool {
    match operation {
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Completions
        | Operation::Messages
        | Operation::Generate
        | Operation::GenerateStream => true,
        Operation::Embeddings | Operation::Models | Operation::CountTokens | Operation::Generic => {
            false
        }
    }
}

/// Adds the edits that hold the answer to `cap`; returns the limit that then stands.
fn limit_output(
    operation: Operation,
    document: &Document,
    cap: Cap,
    edits: &mut Vec<Edit>,
) -> Result<u64, Rejection> {
    let most = cap.tokens;
    let chat = operation == Operation::ChatCompletions;
    if let Some(number) = &document.max_tokens
        && !chat
    {
        edits.extend((number.value > most).then(|| put(number.literal.clone(), most)));
        return Ok(number.value.min(most));
    }
    let parsed = json::parse(&document.raw)?;
    let root = parsed.root();
    if matches!(operation, Operation::Generate | Operation::GenerateStream) {
        edits.push(limit_tgi(&document.raw, root, most));
        return Ok(most);
    }
    let own = [document.max_tokens_field];
    let names: &[&str] = if chat { &CHAT_OUTPUT } else { &own };
    let mut highest = None;
    for value in names.iter().filter_map(|name| root.get(name)) {
        let stated = value.as_u64().filter(|stated| *stated <= most);
        edits.extend(stated.is_none().then(|| put(value.range(), most)));
        highest = highest.max(stated.or(Some(most)));
    }
    let limit = highest.unwrap_or(most);
    let missing = if chat && cap.older_name {
        Some(CHAT_OUTPUT_OLDER).filter(|name| root.get(name).is_none())
    } else {
        Some(document.max_tokens_field).filter(|_| highest.is_none())
    };
    edits.extend(missing.and_then(|name| add(&document.raw, root.range(), name, limit)));
    Ok(limit)
}

/// TGI's limit stands in `parameters`, which need not be there.
fn limit_tgi(raw: &[u8], root: Value<'_>, cap: u64) -> Edit {
    let whole = || Edit {
        range: 0..0,
        with: format!("{{\"{TGI_OUTPUT}\":{cap}}}").into_bytes(),
    };
    let Some(parameters) = root.get(TGI_PARAMETERS) else {
        let mut edit = whole();
        edit.with
            .splice(0..0, format!("\"{TGI_PARAMETERS}\":").into_bytes());
        return insert(raw, root.range(), edit.with);
    };
    if parameters.is_null() {
        return Edit {
            range: parameters.range(),
            ..whole()
        };
    }
    match parameters.get(TGI_OUTPUT) {
        Some(value) => put(value.range(), cap),
        None => insert(
            raw,
            parameters.range(),
            format!("\"{TGI_OUTPUT}\":{cap}").into_bytes(),
        ),
    }
}

fn add(raw: &[u8], object: Range<usize>, name: &str, cap: u64) -> Option<Edit> {
    if name.is_empty() {
        return None;
    }
    let mut member = Vec::with_capacity(name.len() + 24);
    encode_string(name, &mut member);
    member.extend_from_slice(format!(":{cap}").as_bytes());
    Some(insert(raw, object, member))
}

/// Puts `member` first into the object that stands at `object`.
fn insert(raw: &[u8], object: Range<usize>, mut member: Vec<u8>) -> Edit {
    let at = object.start + 1;
    let inside = raw.get(at..object.end).unwrap_or_default();
    let next = inside.iter().find(|byte| !byte.is_ascii_whitespace());
    if next.is_some_and(|byte| *byte != b'}') {
        member.push(b',');
    }
    Edit {
        range: at..at,
        with: member,
    }
}

fn put(range: Range<usize>, value: u64) -> Edit {
    Edit {
        range,
        with: value.to_string().into_bytes(),
    }
}
