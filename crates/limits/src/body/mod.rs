//! From a request's body to its bytes: type, size, time, content coding.
//!
//! 1. `Content-Type` must be JSON in UTF-8, `Content-Encoding` one known coding: otherwise 415, and
//!    not a byte of the body is read.
//! 2. A body announced as larger than the cap is refused unread; any other is read up to the cap.
//!    The whole of it must arrive within the time allowed, however it trickles: 408.
//! 3. A coded body is decoded up to a cap of its own, so that a small body can't unfold to a large
//!    one. What goes on is never coded.
//!
//! Does not limit how fast a head arrives, nor connections: the listener does.

mod coding;
mod media_type;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aegis_core::{Authenticated, ReadError, Reason, Rejection, read_capped};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Body as _;

use crate::offload;
use coding::Coding;

/// Compressed bodies above this are decoded off the reactor.
const DECODE_INLINE_MAX: usize = 64 * 1024;

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyRules {
    pub(crate) body_max: usize,
    pub(crate) decompressed_max: usize,
    pub(crate) timeout: Duration,
}

// === impl BodyRules ===

impl BodyRules {
    /// Reads and decodes the body of `request`.
    pub(crate) async fn read(&self, request: &mut Authenticated) -> Result<Bytes, Rejection> {
        media_type::check_json(&request.head().headers)?;
        let coding = coding::of(&request.head().headers)?;
        let body = request.take_body();
        if body.size_hint().lower() > self.body_max as u64 {
            return Err(too_large("The body", self.body_max));
        }
        let raw = tokio::time::timeout(self.timeout, read_capped(body, self.body_max))
            .await
            .map_err(|_| self.too_slow())?
            .map_err(read_failed)?;
        match coding {
            None => Ok(raw),
            Some(coding) => self.decode(coding, raw).await,
        }
    }

    async fn decode(&self, coding: Coding, raw: Bytes) -> Result<Bytes, Rejection> {
        let (cap, bytes) = (self.decompressed_max, raw.len());
        let work = move || coding::decode(coding, &raw, cap);
        offload::run_above(DECODE_INLINE_MAX, bytes, work).await?
    }

    fn too_slow(&self) -> Rejection {
        let message = format!(
            "The body did not arrive within {} ms.",
            self.timeout.as_millis()
        );
        Rejection::new(Reason::RequestTimeout, message)
    }
}

/// Refuses a body where there must be none: bytes that nobody inspects must not ride along.
pub(crate) fn refuse_body(request: &mut Authenticated) -> Result<(), Rejection> {
    let headers = &request.head().headers;
    let announced = headers.contains_key(header::TRANSFER_ENCODING) || has_length(headers);
    let body = request.take_body();
    if announced || !body.is_end_stream() {
        let message = "This request takes no body.";
        return Err(Rejection::new(Reason::InvalidRequest, message));
    }
    Ok(())
}

fn has_length(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_LENGTH)
        .iter()
        .any(|length| length.as_bytes() != b"0")
}

fn read_failed(error: ReadError) -> Rejection {
    match error {
        ReadError::TooLarge { cap } => too_large("The body", cap),
        ReadError::Failed(cause) => {
            Rejection::new(Reason::InvalidRequest, "The body could not be read.").with_detail(cause)
        }
    }
}

fn too_large(what: &str, cap: usize) -> Rejection {
    let message = format!("{what} is larger than {cap} bytes.");
    Rejection::new(Reason::BodyTooLarge, message)
}
