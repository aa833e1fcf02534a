//! An answer, before it is written to the connection.

use serde_json::Value;

/// A whole body or the events of a stream.
#[derive(Debug)]
pub(super) enum Answer {
    Whole(Value),
    Events(Vec<String>),
}

/// A server-sent event without a name.
pub(super) fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// A server-sent event whose name is the data's `type`.
pub(super) fn named(value: &Value) -> String {
    format!(
        "event: {}\ndata: {value}\n\n",
        value["type"].as_str().unwrap_or("message")
    )
}
