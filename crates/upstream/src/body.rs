//! A reply's body under watch: it may neither stall nor last for ever, and if the provider breaks
//! off, that is on record.
//!
//! 1. Waiting for the next piece may take `idle_timeout`. Only waiting counts: a client that reads
//!    slowly is not the provider's fault.
//! 2. The whole exchange may take `total_timeout`, however busy the stream is.
//! 3. A failure is noted as [`Ending::UpstreamFailed`], counted by the circuit, and told to the
//!    reader as [`BrokenOff`](aegis_core::BrokenOff), once.
//!
//! Trailers are dropped: nothing inspects them. Dropping the body before its end cancels the
//! request at the provider (HTTP/1.1: the connection closes; HTTP/2: the stream is reset).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aegis_core::{BoxError, BrokenOff, Ending, Exchange, Guards};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::circuit::Circuit;

pin_project! {
    /// The body, watched.
    pub(crate) struct Watched<B> {
        #[pin]
        inner: B,
        #[pin]
        idle: Sleep,
        #[pin]
        total: Sleep,
        watch: Watch,
        waiting: bool,
        ended: bool,
    }
}

/// What watching a body needs.
pub(crate) struct Watch {
    pub(crate) idle_timeout: Duration,
    pub(crate) deadline: Instant,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) circuit: Arc<Circuit>,
    /// Held until the body ends.
    pub(crate) guards: Guards,
}

// === impl Watch ===

impl Watch {
    fn end(&mut self) {
        drop(std::mem::take(&mut self.guards));
    }

    fn broke_off(&self, how: BrokenOff) {
        self.circuit.broke_off(Instant::now());
        self.exchange.note(|trail| {
            trail.ending.get_or_insert(Ending::UpstreamFailed);
            trail.detail.get_or_insert_with(|| how.to_string());
        });
    }
}

// === impl Watched ===

impl<B> Watched<B> {
    pub(crate) fn new(inner: B, watch: Watch) -> Self {
        Self {
            inner,
            idle: sleep_until(watch.deadline),
            total: sleep_until(watch.deadline),
            watch,
            waiting: false,
            ended: false,
        }
    }
}

impl<B> Body for Watched<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let failure = loop {
            if this.total.as_mut().poll(cx).is_ready() {
                break BrokenOff::TooLong;
            }
            match this.inner.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    *this.waiting = false;
                    if frame.is_data() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Poll::Ready(Some(Err(_))) => break BrokenOff::Failed,
                Poll::Ready(None) => {
                    *this.ended = true;
                    this.watch.end();
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    if !std::mem::replace(this.waiting, true) {
                        let until = Instant::now() + this.watch.idle_timeout;
                        this.idle.as_mut().reset(until);
                    }
                    if this.idle.as_mut().poll(cx).is_ready() {
                        break BrokenOff::Stalled;
                    }
                    return Poll::Pending;
                }
            }
        };
        *this.ended = true;
        this.watch.broke_off(failure);
        this.watch.end();
        Poll::Ready(Some(Err(failure.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use aegis_core::Peer;
    use futures_util::{Stream, stream};
    use http::HeaderMap;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;
    use crate::circuit::CircuitSpec;

    fn watched<S>(frames: S) -> (Watched<StreamBody<S>>, Arc<Exchange>)
    where
        S: Stream<Item = Result<Frame<Bytes>, BoxError>>,
    {
        let exchange = Arc::new(Exchange::new(Peer { address: None }, None, "".into()));
        let watch = Watch {
            idle_timeout: Duration::from_secs(5),
            deadline: Instant::now() + Duration::from_secs(60),
            exchange: exchange.clone(),
            circuit: Circuit::new(CircuitSpec::default()),
            guards: Guards::default(),
        };
        (Watched::new(StreamBody::new(frames), watch), exchange)
    }

    /// A piece every `gap`.
    fn ticking(gap: Duration) -> impl Stream<Item = Result<Frame<Bytes>, BoxError>> {
        stream::unfold((), move |()| async move {
            tokio::time::sleep(gap).await;
            Some((Ok(Frame::data(Bytes::from_static(b"x"))), ()))
        })
    }

    async fn ending(body: impl Body<Data = Bytes, Error = BoxError>) -> (usize, Option<BrokenOff>) {
        let mut body = Box::pin(body);
        let mut pieces = 0;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(_) => pieces += 1,
                Err(error) => {
                    assert!(body.frame().await.is_none(), "an error ends it");
                    return (pieces, error.downcast_ref().copied());
                }
            }
        }
        (pieces, None)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_ends_it() {
        let (body, exchange) = watched(ticking(Duration::from_millis(5_001)));
        assert_eq!(ending(body).await, (0, Some(BrokenOff::Stalled)));
        assert_eq!(exchange.trail().ending, Some(Ending::UpstreamFailed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_stream_lasts_until_the_deadline() {
        let (body, exchange) = watched(ticking(Duration::from_millis(4_999)));
        assert_eq!(ending(body).await, (12, Some(BrokenOff::TooLong)));
        assert_eq!(exchange.trail().ending, Some(Ending::UpstreamFailed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_no_stall() {
        let (body, exchange) = watched(ticking(Duration::from_secs(1)));
        let mut body = Box::pin(body);
        for _ in 0..3 {
            assert!(body.frame().await.unwrap().is_ok());
            tokio::time::sleep(Duration::from_secs(15)).await;
        }
        assert_eq!(exchange.trail().ending, None);
    }

    #[tokio::test]
    async fn errors_are_noted_and_trailers_dropped() {
        let frames = vec![
            Ok(Frame::data(Bytes::from_static(b"x"))),
            Ok(Frame::trailers(HeaderMap::new())),
            Err::<Frame<Bytes>, BoxError>("reset".into()),
        ];
        let (body, exchange) = watched(stream::iter(frames));
        assert_eq!(ending(body).await, (1, Some(BrokenOff::Failed)));
        assert_eq!(exchange.trail().ending, Some(Ending::UpstreamFailed));
    }

    #[tokio::test]
    async fn a_whole_body_leaves_no_note() {
        let frames = vec![Ok(Frame::data(Bytes::from_static(b"x")))];
        let (body, exchange) = watched(stream::iter(frames));
        assert_eq!(ending(body).await, (1, None));
        assert_eq!(exchange.trail().ending, None);
    }
}
