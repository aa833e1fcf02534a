//! Where a check's CPU work runs: a little at once, more off the reactor, in bounded number.
//!
//! 1. The work begins where the future is polled, with an allowance of [`INLINE_NANOS_MAX`]. It
//!    spends of it what a step is expected to cost ([`Pace::lookup`], [`Pace::scan`]); texts that
//!    are known already cost little, so a resent history is answered at once.
//! 2. When the allowance is spent the work is given up and done anew on the blocking pool, one
//!    piece of work a core. What was found by then is in the verdict caches.
//! 3. At most [`QUEUE_MAX`] wait for a core; one more is refused as [`Unavailable::Saturated`].
//!
//! Costs are expected, not measured, so that the same request always takes the same way.
//!
//! Cancel safety: dropping the future (client gone, deadline) raises a flag, which the work asks
//! between two texts; the permit is held until the work has really ended.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::check::Unavailable;

/// Work that is expected to take longer leaves the reactor, in nanoseconds.
pub const INLINE_NANOS_MAX: u64 = 100_000;

/// How much work may wait for a core.
pub const QUEUE_MAX: usize = 64;

/// What looking up a text costs, in nanoseconds: a digest and a hash table.
const LOOKUP_NANOS: u64 = 300;

/// The same for each byte of it.
const LOOKUP_BYTE_NANOS: u64 = 1;

/// What scanning a text costs besides, in nanoseconds.
const SCAN_NANOS: u64 = 3_000;

/// The same for each byte of it.
const SCAN_BYTE_NANOS: u64 = 100;

/// What parsing a byte of a body costs, in nanoseconds.
const PARSE_BYTE_NANOS: u64 = 4;

/// Bounded room for long work; shared by the checks of one guard.
#[derive(Debug)]
pub(crate) struct Offload {
    running: Arc<Semaphore>,
    seats: Arc<Semaphore>,
}

/// What the work asks before each step: may it go on?
#[derive(Debug)]
pub(crate) struct Pace {
    deadline: Option<Instant>,
    dropped: Arc<AtomicBool>,
    /// Nanoseconds that may still be spent here; `None` off the reactor.
    allowance: Option<Cell<u64>>,
}

/// Why work ended before its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// Its result is not wanted any more.
    Unavailable(Unavailable),
    /// It takes too long for the reactor.
    TooLong,
}

/// Raises the flag when the future that waits for the work is dropped.
struct RaiseOnDrop(Arc<AtomicBool>);

// === impl Offload ===

impl Offload {
    /// Room for as much work at once as there are cores.
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

    /// Does `work`, here or on the blocking pool.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no room, when the deadline passes, or when `work` panics off
    /// the reactor.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        work: impl Fn(&Pace) -> Result<T, Interrupted> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let here = Pace::new(deadline, Some(INLINE_NANOS_MAX));
        match work(&here) {
            Ok(done) => return Ok(done),
            Err(Interrupted::Unavailable(cause)) => return Err(cause),
            Err(Interrupted::TooLong) => {}
        }
        let permits = self.admit().await?;
        let pace = Pace::new(deadline, None);
        let _raise = RaiseOnDrop(pace.dropped.clone());
        let task = tokio::task::spawn_blocking(move || {
            let _permits = permits;
            work(&pace)
        });
        match task.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Interrupted::Unavailable(cause))) => Err(cause),
            // Work without an allowance is never too long; the rest is a panic, or a runtime that
            // shuts down.
            Ok(Err(Interrupted::TooLong)) | Err(_) => Err(Unavailable::Panicked),
        }
    }

    async fn admit(&self) -> Result<[OwnedSemaphorePermit; 2], Unavailable> {
        let seat = Semaphore::try_acquire_owned(self.seats.clone());
        let seat = seat.map_err(|_| Unavailable::Saturated)?;
        let running = Semaphore::acquire_owned(self.running.clone()).await;
        let running = running.map_err(|_| Unavailable::Saturated)?;
        Ok([seat, running])
    }
}

// === impl Pace ===

impl Pace {
    fn new(deadline: Option<Instant>, allowance: Option<u64>) -> Self {
        Self {
            deadline,
            dropped: Arc::default(),
            allowance: allowance.map(Cell::new),
        }
    }

    /// Without limits.
    #[cfg(test)]
    pub(crate) fn free() -> Self {
        Self::new(None, None)
    }

    /// Asked before a text of `bytes` is looked up.
    pub(crate) fn lookup(&self, bytes: usize) -> Result<(), Interrupted> {
        self.spend(LOOKUP_NANOS + LOOKUP_BYTE_NANOS * bytes as u64)
    }

    /// Asked before a text of `bytes` is scanned.
    pub(crate) fn scan(&self, bytes: usize) -> Result<(), Interrupted> {
        self.spend(SCAN_NANOS + SCAN_BYTE_NANOS * bytes as u64)?;
        let late = self.deadline.is_some_and(|at| Instant::now() >= at);
        if late || self.dropped.load(Ordering::Relaxed) {
            return Err(Interrupted::Unavailable(Unavailable::TimedOut));
        }
        Ok(())
    }

    /// Asked before a body of `bytes` is parsed.
    pub(crate) fn parse(&self, bytes: usize) -> Result<(), Interrupted> {
        self.spend(PARSE_BYTE_NANOS * bytes as u64)
    }

    fn spend(&self, nanos: u64) -> Result<(), Interrupted> {
        let Some(allowance) = &self.allowance else {
            return Ok(());
        };
        let left = allowance.get().checked_sub(nanos);
        allowance.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(Interrupted::TooLong)
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
    use std::sync::{Mutex, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// More than the allowance.
    const LONG: usize = 1 << 20;

    #[tokio::test]
    async fn work_within_the_allowance_stays_on_the_thread_and_longer_work_leaves_it() {
        let offload = Offload::new(1, 1);
        let here = thread::current().id();
        let most = usize::try_from((INLINE_NANOS_MAX - SCAN_NANOS) / SCAN_BYTE_NANOS).unwrap();
        for (bytes, stays) in [(most - 1, true), (most, true), (most + 1, false)] {
            let there = offload.run(None, move |pace| {
                pace.scan(bytes)?;
                Ok(thread::current().id())
            });
            assert_eq!(there.await == Ok(here), stays, "{bytes}");
        }
    }

    #[test]
    fn the_allowance_is_for_all_steps_together() {
        let pace = Pace::new(None, Some(3 * LOOKUP_NANOS));
        assert_eq!(pace.lookup(0), Ok(()));
        assert_eq!(pace.lookup(0), Ok(()));
        assert_eq!(pace.lookup(1), Err(Interrupted::TooLong));
        assert_eq!(pace.lookup(0), Err(Interrupted::TooLong));
        assert_eq!(Pace::free().scan(LONG), Ok(()));
    }

    #[tokio::test]
    async fn a_full_queue_is_unavailable_and_empties_again() {
        let offload = Arc::new(Offload::new(1, 1));
        let (release, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let held = offload.clone();
        let first = held.run(None, move |pace| {
            pace.scan(LONG)?;
            Ok(gate.lock().unwrap().recv().is_ok())
        });
        let long = |pace: &Pace| pace.scan(LONG).map(|()| true);
        let second = offload.run(None, long);
        let third = offload.run(None, long);
        let last = async {
            // Polled after the other two have taken the running permit and the seat.
            let refused = third.await;
            drop(release);
            refused
        };
        let (first, second, refused) = futures_util::future::join3(first, second, last).await;
        assert_eq!((first, second), (Ok(false), Ok(true)));
        assert_eq!(refused, Err(Unavailable::Saturated));
        assert_eq!(offload.run(None, long).await, Ok(true));
    }

    #[tokio::test]
    async fn a_panic_off_the_reactor_is_unavailable() {
        let offload = Offload::new(1, 0);
        let outcome = offload.run::<()>(None, |pace| {
            pace.scan(LONG)?;
            panic!("planted")
        });
        assert_eq!(outcome.await, Err(Unavailable::Panicked));
    }

    #[tokio::test(start_paused = true)]
    async fn work_sees_its_deadline_and_that_nobody_waits() {
        let late = Err(Interrupted::Unavailable(Unavailable::TimedOut));
        let pace = Pace::new(Some(Instant::now() + Duration::from_millis(1)), None);
        assert_eq!(pace.scan(1), Ok(()));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(pace.scan(1), late);
        let pace = Pace::free();
        drop(RaiseOnDrop(pace.dropped.clone()));
        assert_eq!(pace.scan(1), late);
    }
}
