//! A marker in every place where text can stand is found, as whose it is.

mod anthropic;
mod chat;
mod facts;
mod others;
mod properties;
mod refusals;
mod responses;

use aegis_core::{Document, GenericFields, Kind, Operation, Segment};
use bytes::Bytes;
use serde_json::{Value, json};

use super::read_request;
use super::voice::{ASSISTANT, TOOL, UNPLACED, USER, Voice};
use crate::WireError;

/// Stands for the marker in the rows of a table.
const HERE: &str = "@@";
const MARK: &str = "planted text, with a space";

const KEY: Voice = UNPLACED.of(Kind::Key);
const CALL: Voice = ASSISTANT.of(Kind::ToolValue);
const ARGUMENTS: Voice = ASSISTANT.of(Kind::ToolArguments);
const THOUGHT: Voice = ASSISTANT.of(Kind::Reasoning);
const REFUSAL: Voice = ASSISTANT.of(Kind::Refusal);
const TOOL_URL: Voice = TOOL.of(Kind::Text);

/// Places that share what stands around them.
struct Table {
    /// The body; each row stands in it in place of `§`.
    around: &'static str,
    /// The message that the marker is in.
    message: u32,
    /// What stands there, and in which voice the marker must be found.
    rows: &'static [(&'static str, Voice)],
}

impl Table {
    /// The bodies, each with the marker once, and its voice.
    fn bodies(&self) -> impl Iterator<Item = (String, Voice)> {
        self.rows.iter().map(|(row, voice)| {
            let body = self.around.replace('§', row).replace(HERE, MARK);
            (body, *voice)
        })
    }
}

/// The policy of the generic route.
fn fields() -> GenericFields {
    let prompt = [
        "/task/goal",
        "/steps/*/text",
        "/list/1",
        "/a~1b/m~0n",
        "/by/*",
    ];
    GenericFields {
        prompt: prompt.map(Into::into).to_vec(),
        answer: Vec::new(),
        stream: Some("/options/0/stream".into()),
    }
}

fn try_read(operation: Operation, body: impl Into<Bytes>) -> Result<Document, WireError> {
    read_request(operation, Some(&fields()), body.into())
}

fn read(operation: Operation, body: &str) -> Document {
    try_read(operation, body.to_owned()).unwrap_or_else(|e| panic!("{body}: {e}"))
}

fn refused(operation: Operation, body: &str) -> String {
    let result = try_read(operation, body.to_owned());
    result.map(|_| ()).expect_err(body).to_string()
}

fn voice(segment: &Segment) -> Voice {
    Voice {
        role: segment.role,
        trust: segment.trust,
        kind: segment.kind,
    }
}

fn assert_found(operation: Operation, tables: &[Table]) {
    for table in tables {
        for (body, wanted) in table.bodies() {
            let document = read(operation, &body);
            let holds = |segment: &&Segment| document.text(segment).contains(MARK);
            let holding: Vec<&Segment> = document.segments.iter().filter(holds).collect();
            let [segment] = holding[..] else {
                panic!("found {} times: {body}", holding.len());
            };
            let found = (voice(segment), segment.message);
            assert_eq!(found, (wanted, table.message), "{body}");
            let literal = &document.raw[segment.literal.clone()];
            assert!(literal.starts_with(b"\"") && literal.ends_with(b"\""));
        }
    }
}
