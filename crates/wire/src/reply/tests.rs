use super::*;

pub(crate) mod coverage;
mod formats;
mod limits;

/// Kind, index and text of every segment.
fn texts(reply: &ReplyDocument) -> Vec<(Kind, u32, &str)> {
    let document = &reply.document;
    let segments = document.segments.iter();
    segments
        .map(|segment| (segment.kind, segment.message, document.text(segment)))
        .collect()
}

fn read(operation: Operation, body: &str) -> ReplyDocument {
    read_reply(operation, None, Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

/// The values that repeat the text.
fn repeats(reply: &ReplyDocument) -> Vec<&str> {
    let raw = std::str::from_utf8(&reply.document.raw).unwrap();
    let ranges = reply.repeats.iter();
    ranges
        .map(|range| raw.get(range.clone()).unwrap())
        .collect()
}
