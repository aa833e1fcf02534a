//! The body of a reply on its way to the client: tells when, and how, it ended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aegis_core::{Body, BoxError, Ending};
use bytes::Bytes;
use http::{Response, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::completion::Completion;

/// Passes frames on, counts bytes, and queues the completion at the end.
pub(super) struct RecordBody {
    inner: Body,
    /// Taken at the end; its own destructor takes care of a client that went away.
    completion: Option<Completion>,
    sent: u64,
    /// The body's length, where the head promises one: the server stops reading there.
    promised: Option<u64>,
}

// === impl RecordBody ===

impl RecordBody {
    /// Wraps the body of `response`.
    pub(super) fn wrap(response: Response<Body>, completion: Completion) -> Response<Body> {
        let (head, inner) = response.into_parts();
        completion
            .exchange()
            .note(|trail| trail.status = Some(head.status.as_u16()));
        let length = head.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let promised = http_body::Body::size_hint(&inner).exact().or(length);
        let mut body = Self {
            inner,
            completion: Some(completion),
            sent: 0,
            promised,
        };
        if http_body::Body::is_end_stream(&body.inner) {
            body.end(Ending::Completed);
        }
        Response::from_parts(head, body.boxed_unsync())
    }

    fn end(&mut self, ending: Ending) {
        if let Some(completion) = self.completion.take() {
            let sent = self.sent;
            completion
                .exchange()
                .note(|trail| trail.response_bytes = sent);
            completion.ended(ending);
        }
    }

    fn is_complete(&self) -> bool {
        http_body::Body::is_end_stream(&self.inner)
            || self.promised.is_some_and(|promised| self.sent >= promised)
    }
}

impl http_body::Body for RecordBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.sent += bytes as u64;
                if http_body::Body::is_end_stream(&self.inner) {
                    self.end(Ending::Completed);
                }
            }
            Some(Err(_)) => self.end(Ending::UpstreamFailed),
            None => self.end(Ending::Completed),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.inner)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.inner)
    }
}

impl Drop for RecordBody {
    fn drop(&mut self) {
        if self.is_complete() && !std::thread::panicking() {
            self.end(Ending::Completed);
        } else if let Some(completion) = &self.completion {
            let sent = self.sent;
            completion
                .exchange()
                .note(|trail| trail.response_bytes = sent);
        }
    }
}
