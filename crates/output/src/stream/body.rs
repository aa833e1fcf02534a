//! The body that a client reads while the provider still writes.
//!
//! Nothing is read ahead: the provider is asked for more only when everything that could be sent
//! was taken. Dropping the body drops the provider's, which cancels the request there; the guards
//! (concurrency, token budgets) end with it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aegis_core::{Body, BoxError, Guards};
use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame};

use super::StreamFilter;
use crate::refusal::broken_off_by;

/// Bytes that a provider may send behind its last event before its connection is dropped.
const TRAILING_BYTES_MAX: usize = 4 << 10;

/// A filtered stream of events.
pub(crate) struct FilteredBody {
    /// `None` once nothing more is wanted of it.
    upstream: Option<Body>,
    filter: StreamFilter,
    ready: BytesMut,
    trailing: usize,
    _guards: Guards,
}

// === impl FilteredBody ===

impl FilteredBody {
    pub(crate) fn new(upstream: Body, filter: StreamFilter, guards: Guards) -> Self {
        Self {
            upstream: Some(upstream),
            filter,
            ready: BytesMut::new(),
            trailing: 0,
            _guards: guards,
        }
    }

    /// Reads the provider's stream to its end after the last event, so that its connection can be
    /// used again.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(upstream) = &mut self.upstream {
            match ready!(Pin::new(upstream).poll_frame(cx)) {
                Some(Ok(frame)) if self.trailing < TRAILING_BYTES_MAX => {
                    self.trailing += frame.data_ref().map_or(1, Bytes::len);
                }
                Some(_) | None => self.upstream = None,
            }
        }
        Poll::Ready(())
    }

    fn take_frame(&mut self, frame: Option<Result<Frame<Bytes>, BoxError>>) {
        match frame {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.filter.feed(&data);
                }
            }
            Some(Err(error)) => {
                self.filter.fail(broken_off_by(&error), &mut self.ready);
                self.upstream = None;
            }
            None => {
                self.filter.finish(&mut self.ready);
                self.upstream = None;
            }
        }
    }
}

impl http_body::Body for FilteredBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            let more = this.filter.advance(&mut this.ready);
            if this.filter.stopped() {
                this.upstream = None;
            }
            if !this.ready.is_empty() {
                let data = this.ready.split().freeze();
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            if more {
                // Events without a word: other tasks get their turn.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if this.filter.ended() {
                ready!(this.drain(cx));
                return Poll::Ready(None);
            }
            let Some(upstream) = &mut this.upstream else {
                return Poll::Ready(None);
            };
            let frame = ready!(Pin::new(upstream).poll_frame(cx));
            this.take_frame(frame);
        }
    }
}
