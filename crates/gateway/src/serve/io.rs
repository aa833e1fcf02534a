//! A connection that may not dawdle.
//!
//! hyper times the request head of HTTP/1.1 but neither a connection that never says which
//! protocol it speaks, nor a client that stops taking what is sent to it. Both hold memory for as
//! long as the other side likes; here they end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// The shortest HTTP/1.1 request is 25 bytes, the HTTP/2 preface 24: with this many bytes read the
/// protocol is known and hyper's own timers run.
const PREFACE_BYTES: usize = 24;

/// A connection with a deadline for its first bytes and one for stalled writes.
#[derive(Debug)]
pub(super) struct Guarded<T> {
    inner: T,
    first_bytes: Option<(usize, Pin<Box<Sleep>>)>,
    write_timeout: Duration,
    write_stalled: Option<Pin<Box<Sleep>>>,
}

// === impl Guarded ===

impl<T> Guarded<T> {
    pub(super) fn new(inner: T, first_bytes: Duration, write_timeout: Duration) -> Self {
        let deadline = Box::pin(sleep_until(Instant::now() + first_bytes));
        Self {
            inner,
            first_bytes: Some((0, deadline)),
            write_timeout,
            write_stalled: None,
        }
    }

    /// Times a write that makes no progress.
    fn timed<R>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if progress.is_ready() {
            self.write_stalled = None;
            return progress;
        }
        let timeout = self.write_timeout;
        let stalled = self
            .write_stalled
            .get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client takes nothing",
        )))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        let Some((seen, deadline)) = &mut self.first_bytes else {
            return read;
        };
        *seen += buf.filled().len() - before;
        if *seen >= PREFACE_BYTES {
            self.first_bytes = None;
            return read;
        }
        if read.is_pending() {
            ready!(deadline.as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "no request came",
            )));
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.timed(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.timed(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_flush(cx);
        self.timed(cx, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.timed(cx, progress)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_ends_and_a_talking_one_stays() {
        let (ours, mut theirs) = duplex(64);
        let mut guarded = Guarded::new(ours, SECOND, SECOND);
        theirs.write_all(b"P").await.unwrap();
        let mut buf = [0; 64];
        assert_eq!(guarded.read(&mut buf).await.unwrap(), 1);
        let error = guarded.read(&mut buf).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);

        let (ours, mut theirs) = duplex(64);
        let mut guarded = Guarded::new(ours, SECOND, SECOND);
        theirs.write_all(&[b'x'; PREFACE_BYTES]).await.unwrap();
        assert_eq!(guarded.read(&mut buf).await.unwrap(), PREFACE_BYTES);
        let idle = tokio::time::timeout(SECOND * 10, guarded.read(&mut buf)).await;
        assert!(idle.is_err(), "only the first bytes are timed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_ends() {
        let (ours, _theirs) = duplex(8);
        let mut guarded = Guarded::new(ours, SECOND, SECOND);
        let error = guarded.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
