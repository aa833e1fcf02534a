//! The head of a reply: what kind of body follows, and which headers no longer hold.

use aegis_core::Rejection;
use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, HeaderValue, LAST_MODIFIED,
};
use http::response::Parts;

use crate::refusal::invalid;

/// What a reply's body is, by its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// One JSON document.
    Json,
    /// Server-sent events.
    Events,
}

/// Headers that describe the exact bytes of a body.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// The kind of body that `head` announces.
///
/// # Errors
/// Whatever can't be read can't be inspected: another type, another character set, an encoding.
pub(crate) fn body_kind(head: &Parts) -> Result<BodyKind, Rejection> {
    let encodings = head.headers.get_all(CONTENT_ENCODING);
    let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !encodings.iter().all(is_identity) {
        return Err(invalid("the reply is compressed"));
    }
    let mut types = head.headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return Err(invalid("the reply does not have one content type"));
    };
    let text = only
        .to_str()
        .map_err(|_| invalid("the content type is not text"))?;
    let mut parameters = text.split(';').map(str::trim);
    let kind = match parameters.next().unwrap_or_default() {
        json if json.eq_ignore_ascii_case("application/json") => BodyKind::Json,
        events if events.eq_ignore_ascii_case("text/event-stream") => BodyKind::Events,
        _ => {
            return Err(invalid(
                "the content type is neither JSON nor an event stream",
            ));
        }
    };
    if !parameters.all(is_utf8_or_no_charset) {
        return Err(invalid("the reply is not in UTF-8"));
    }
    Ok(kind)
}

fn is_utf8_or_no_charset(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return true;
    };
    let value = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset") || value.eq_ignore_ascii_case("utf-8")
}

/// Sets the length of a whole body.
pub(crate) fn set_length(headers: &mut HeaderMap, bytes: usize) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
}

/// Removes what does not hold for a body whose length is not known yet.
pub(crate) fn remove_length(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
    remove_digests(headers);
}

/// Removes what described the bytes that were changed.
pub(crate) fn remove_digests(headers: &mut HeaderMap) {
    for name in DIGESTS {
        headers.remove(name);
    }
    for name in [ETAG, LAST_MODIFIED, ACCEPT_RANGES, CONTENT_RANGE] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&str, &str)]) -> Parts {
        let mut response = http::Response::builder();
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_json_and_event_streams_in_utf_8_are_read() {
        let json = Some(BodyKind::Json);
        let events = Some(BodyKind::Events);
        type Row<'a> = (&'a [(&'a str, &'a str)], Option<BodyKind>);
        let rows: &[Row<'_>] = &[
            (&[("content-type", "application/json")], json),
            (&[("content-type", "Application/JSON; charset=UTF-8")], json),
            (
                &[("content-type", "application/json;charset=\"utf-8\"; v=1")],
                json,
            ),
            (&[("content-type", "text/event-stream")], events),
            (
                &[("content-type", "text/event-stream; charset=utf-8")],
                events,
            ),
            (
                &[
                    ("content-type", "application/json"),
                    ("content-encoding", "identity"),
                ],
                json,
            ),
            (&[], None),
            (&[("content-type", "text/html")], None),
            (&[("content-type", "application/jsonl")], None),
            (&[("content-type", "application/octet-stream")], None),
            (
                &[("content-type", "application/json; charset=utf-16")],
                None,
            ),
            (
                &[
                    ("content-type", "application/json"),
                    ("content-encoding", "gzip"),
                ],
                None,
            ),
            (
                &[
                    ("content-type", "application/json"),
                    ("content-type", "text/html"),
                ],
                None,
            ),
        ];
        for (headers, kind) in rows {
            assert_eq!(body_kind(&head(headers)).ok(), *kind, "{headers:?}");
        }
    }

    #[test]
    fn headers_about_the_old_bytes_are_removed() {
        let mut changed = head(&[
            ("content-length", "10"),
            ("etag", "\"x\""),
            ("content-md5", "x"),
            ("repr-digest", "x"),
            ("x-request-id", "kept"),
        ]);
        remove_length(&mut changed.headers);
        assert_eq!(changed.headers.len(), 1);
        set_length(&mut changed.headers, 12);
        assert_eq!(changed.headers[CONTENT_LENGTH], "12");
    }
}
