//! The one place where a refusal becomes a response, in the caller's own API format.
//!
//! The response says the reason, a message that is safe to read, and the request id. What went
//! wrong inside stays in the audit log under that id.

use aegis_core::{Body, Exchange, Reason, Rejection, full_body};
use aegis_wire::error::{self, ErrorBody};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response};

/// Renders `rejection` for the client of `exchange`.
#[must_use]
pub fn rescue(exchange: &Exchange, rejection: &Rejection) -> Response<Body> {
    let request_id = exchange.id.to_string();
    let (content_type, body) = error::whole(
        exchange.route.as_ref().map(|route| route.operation),
        &ErrorBody {
            status: rejection.status(),
            reason: rejection.reason(),
            message: rejection.message(),
            request_id: &request_id,
        },
    );
    let mut response = Response::new(full_body(body));
    *response.status_mut() = rejection.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(after) = rejection.retry_after() {
        // Rounded up: a client that waits exactly this long must not come too early.
        headers.insert(
            RETRY_AFTER,
            after
                .as_secs_f64()
                .ceil()
                .max(1.0)
                .to_string()
                .parse()
                .unwrap_or(HeaderValue::from_static("1")),
        );
    }
    for (name, value) in rejection.headers() {
        headers.append(name, value.clone());
    }
    if rejection.reason() == Reason::Unauthenticated && !headers.contains_key(WWW_AUTHENTICATE) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if matches!(
        rejection.reason(),
        Reason::BodyTooLarge | Reason::RequestTimeout
    ) {
        // The rest of the body is not read: the connection can't be used again (RFC 9110, 15.5.14).
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
