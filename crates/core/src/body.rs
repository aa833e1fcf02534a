//! The body type that stages exchange, and the one reader that collects a body, with a cap.

use bytes::{Bytes, BytesMut};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};

/// An error of unknown type, as bodies report them.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request or reply body; erased so that stages need not be generic over it.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body of nothing.
#[must_use]
pub fn empty_body() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body of one piece.
pub fn full_body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// How a provider's reply ended before its end; bodies of replies report it as their error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenOff {
    /// No piece came for too long.
    #[error("the provider stalled")]
    Stalled,
    /// The exchange as a whole took too long.
    #[error("the provider took too long")]
    TooLong,
    /// The connection failed.
    #[error("the provider broke off")]
    Failed,
}

/// Why [`read_capped`] gave up.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The body is longer than the cap.
    #[error("the body is longer than {cap} bytes")]
    TooLarge {
        /// The cap, in bytes.
        cap: usize,
    },
    /// The connection failed.
    #[error("the body could not be read")]
    Failed(#[source] BoxError),
}

/// Reads a body whole, at most `cap` bytes; trailers are dropped.
///
/// Cancel safe in the sense that dropping the future drops the body.
pub async fn read_capped<B>(mut body: B, cap: usize) -> Result<Bytes, ReadError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|e| ReadError::Failed(e.into()))?.into_data() else {
            continue;
        };
        let held = first.as_ref().map_or(0, Bytes::len) + rest.len();
        if data.len() > cap.saturating_sub(held) {
            return Err(ReadError::TooLarge { cap });
        }
        match first.take() {
            // Most bodies arrive in one frame: no copy.
            None if rest.is_empty() => first = Some(data),
            None => rest.extend_from_slice(&data),
            Some(head) => {
                rest.reserve(head.len() + data.len());
                rest.extend_from_slice(&head);
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| rest.freeze()))
}
