//! Where a check's CPU work runs: short texts at once, long ones off the reactor, in bounded number.
//!
//! 1. Up to [`INLINE_BYTES_MAX`] of text is scanned where the future is polled.
//! 2. Longer texts wait for one of `running` permits (one a core) and go to the blocking pool.
//! 3. At most [`QUEUE_MAX`] wait; one more is refused as [`Unavailable::Saturated`].
//!
//! Cancel safety: dropping the future (client gone, deadline) raises the [`Stop`] flag, which the
//! work asks between two texts; the permit is held until the work has really ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::check::Unavailable;

/// Up to this many bytes of text are scanned on the reactor.
pub const INLINE_BYTES_MAX: usize = 16 << 10;

/// How many long scans may wait for a core.
pub const QUEUE_MAX: usize = 64;

/// Bounded room for long scans; shared by the checks of one guard.
#[derive(Debug)]
pub(crate) struct Offload {
    running: Arc<Semaphore>,
    seats: Arc<Semaphore>,
}

/// Asked between two texts: must the work end?
#[derive(Debug)]
pub(crate) struct Stop {
    deadline: Option<Instant>,
    dropped: Arc<AtomicBool>,
}

/// Raises the flag when the future that waits for the work is dropped.
struct RaiseOnDrop(Arc<AtomicBool>);

// === impl Offload ===

impl Offload {
    /// Room for as many long scans at once as there are cores.
    pub(crate) fn per_core() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(cores, QUEUE_MAX)
    }

    fn new(running: usize, waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running)),
            seats: Arc::new(Semaphore::new(running + waiting)),
        }
    }

    /// Runs `work` on `bytes` of text.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no room, when the deadline passes, or when `work` panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        deadline: Option<Instant>,
        work: impl FnOnce(&Stop) -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let dropped = Arc::new(AtomicBool::new(false));
        let stop = Stop {
            deadline,
            dropped: dropped.clone(),
        };
        if bytes <= INLINE_BYTES_MAX {
            return work(&stop);
        }
        let permits = self.admit().await?;
        let _raise = RaiseOnDrop(dropped);
        let task = tokio::task::spawn_blocking(move || {
            let _permits = permits;
            work(&stop)
        });
        // The only other error is a runtime that shuts down.
        task.await.unwrap_or(Err(Unavailable::Panicked))
    }

    async fn admit(&self) -> Result<[OwnedSemaphorePermit; 2], Unavailable> {
        let seat = Semaphore::try_acquire_owned(self.seats.clone());
        let seat = seat.map_err(|_| Unavailable::Saturated)?;
        let running = Semaphore::acquire_owned(self.running.clone()).await;
        let running = running.map_err(|_| Unavailable::Saturated)?;
        Ok([seat, running])
    }
}

// === impl Stop ===

impl Stop {
    /// An error once the work is no longer wanted.
    pub(crate) fn check(&self) -> Result<(), Unavailable> {
        let late = self.deadline.is_some_and(|at| Instant::now() >= at);
        if late || self.dropped.load(Ordering::Relaxed) {
            return Err(Unavailable::TimedOut);
        }
        Ok(())
    }
}

// === impl RaiseOnDrop ===

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn texts_at_the_limit_stay_on_the_thread_and_longer_ones_leave_it() {
        let offload = Offload::new(1, 1);
        let here = std::thread::current().id();
        for (bytes, stays) in [
            (INLINE_BYTES_MAX - 1, true),
            (INLINE_BYTES_MAX, true),
            (INLINE_BYTES_MAX + 1, false),
        ] {
            let there = offload.run(bytes, None, |_| Ok(std::thread::current().id()));
            assert_eq!(there.await == Ok(here), stays, "{bytes}");
        }
    }

    #[tokio::test]
    async fn a_full_queue_is_unavailable_and_empties_again() {
        let offload = Arc::new(Offload::new(1, 1));
        let (release, gate) = mpsc::channel::<()>();
        let held = offload.clone();
        let first = held.run(usize::MAX, None, move |_| Ok(gate.recv().is_ok()));
        let second = offload.run(usize::MAX, None, |_| Ok(true));
        let third = offload.run(usize::MAX, None, |_| Ok(true));
        let last = async {
            // Polled after the other two have taken running permit and seat.
            let refused = third.await;
            drop(release);
            refused
        };
        let (first, second, refused) = futures_util::future::join3(first, second, last).await;
        assert_eq!((first, second), (Ok(false), Ok(true)));
        assert_eq!(refused, Err(Unavailable::Saturated));
        assert_eq!(offload.run(usize::MAX, None, |_| Ok(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn a_panic_is_unavailable() {
        let offload = Offload::new(1, 0);
        let outcome = offload.run::<()>(usize::MAX, None, |_| panic!("planted"));
        assert_eq!(outcome.await, Err(Unavailable::Panicked));
    }

    #[tokio::test(start_paused = true)]
    async fn work_sees_its_deadline() {
        let stop = Stop {
            deadline: Some(Instant::now() + std::time::Duration::from_millis(1)),
            dropped: Arc::default(),
        };
        assert_eq!(stop.check(), Ok(()));
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        assert_eq!(stop.check(), Err(Unavailable::TimedOut));
    }
}
