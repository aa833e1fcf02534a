//! Work that would hold up the reactor, done elsewhere.

use aegis_core::{Reason, Rejection};

/// Runs `work` on the runtime's pool for blocking work.
///
/// Not cancelled with the request: work that has begun runs to its end, which its caps bound.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Rejection> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Rejection::new(Reason::Internal, "The request could not be processed.").with_detail(error)
    })
}

/// Runs `work` here if its input of `bytes` is at most `inline_max` bytes, elsewhere otherwise.
pub(crate) async fn run_above<T: Send + 'static>(
    inline_max: usize,
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Rejection> {
    if bytes <= inline_max {
        Ok(work())
    } else {
        run(work).await
    }
}
