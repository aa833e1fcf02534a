use std::fmt::Write as _;

use super::*;
use crate::sse::{Parser, write_event};

mod chat;
mod coverage;
mod generic;
mod limits;
mod messages;
mod responses;
mod surrogates;
mod tgi;

fn reader(operation: Operation) -> StreamReader {
    StreamReader::new(operation, None)
}

fn event(name: Option<&str>, data: &str) -> Event {
    parse(&write_event(name, data))
}

fn parse(bytes: &[u8]) -> Event {
    let mut out = Vec::new();
    Parser::new().feed(bytes, &mut out).unwrap();
    assert_eq!(out.len(), 1);
    out.remove(0)
}

fn channel(kind: Kind, index: u32, sub: u32) -> Channel {
    Channel { kind, index, sub }
}

/// A frame in one line: deltas, wholes, drops, ends, marks.
fn show(frame: &Frame, data: &str) -> String {
    let mut out = String::new();
    let name = |channel: &Channel| format!("{:?} {}.{}", channel.kind, channel.index, channel.sub);
    for delta in &frame.deltas {
        write!(out, "[{}: {}]", name(&delta.channel), delta.text).unwrap();
    }
    for whole in &frame.wholes {
        write!(out, "({:?}: {})", whole.kind, whole.text).unwrap();
    }
    for range in &frame.drops {
        write!(out, "-{}", data.get(range.clone()).unwrap()).unwrap();
    }
    for channel in &frame.ends {
        write!(out, " ends {}", name(channel)).unwrap();
    }
    for (mark, set) in [
        (" ends all", frame.ends_all),
        (" essential", frame.essential),
        (" last", frame.last),
    ] {
        out.push_str(if set { mark } else { "" });
    }
    out
}

/// Reads events without names and compares what they mean.
fn assert_frames(reader: &mut StreamReader, table: &[(&str, &str)]) {
    for (data, expected) in table {
        let frame = reader.read(&event(None, data)).unwrap();
        assert_eq!(show(&frame, data), *expected, "{data}");
        for delta in frame.deltas.iter().filter(|delta| !delta.altered) {
            let literal = data.get(delta.literal.clone()).unwrap();
            assert_eq!(serde_json::from_str::<String>(literal).unwrap(), delta.text);
        }
    }
}

/// What the reader writes to close a channel must be read as text of that channel, by it and by clients.
fn assert_closes(reader: &mut StreamReader, channel: Channel, expected: &str) {
    let text = "a \"closing\"\n😀";
    let bytes = reader.closing(channel, text);
    let event = parse(&bytes);
    let tree: serde_json::Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(tree.to_string(), {
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        expected.to_string().replace("TEXT", r#"a \"closing\"\n😀"#)
    });
    let frame = reader.read(&event).unwrap();
    assert_eq!(frame.deltas.len(), 1, "{}", event.data);
    assert_eq!(frame.deltas[0].channel, channel);
    assert_eq!(frame.deltas[0].text, text);
    assert!(frame.wholes.is_empty(), "{:?}", frame.wholes);
    assert!(frame.ends.is_empty() && !frame.ends_all && !frame.last);
}

#[test]
fn events_without_data_pass() {
    for operation in Operation::ALL {
        let mut reader = reader(operation);
        for bytes in [": keep-alive\n\n", "event: ping\n\n", "\n", "data:\n\n"] {
            let frame = reader.read(&parse(bytes.as_bytes())).unwrap();
            assert_eq!(show(&frame, ""), " essential", "{operation:?}");
        }
    }
}

#[test]
fn the_done_mark_ends_every_stream() {
    for operation in Operation::ALL {
        let mut reader = reader(operation);
        assert_frames(&mut reader, &[("[DONE]", " ends all essential last")]);
        for data in ["[DONE] and more", "done", "{", "{\"a\":1,\"a\":2}"] {
            assert!(reader.read(&event(None, data)).is_err(), "{data}");
        }
    }
}

#[test]
fn operations_without_streams_have_only_wholes() {
    for operation in [
        Operation::Embeddings,
        Operation::Models,
        Operation::CountTokens,
    ] {
        assert_frames(
            &mut reader(operation),
            &[("{\"a\":[\"b\"]}", "(Key: a)(Unplaced: b) essential")],
        );
    }
}
