//! What a pool counts, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Unavailable;

/// What a pool did since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolCounters {
    /// Windows that the encoder read.
    pub windows: u64,
    /// Batches that it ran.
    pub batches: u64,
    /// Windows in a language that it does not speak.
    pub foreign: u64,
    /// Windows that were late or given up, nearly all of them before they ran.
    pub dropped: u64,
    /// Texts refused for want of room.
    pub saturated: u64,
    /// Texts not read in time.
    pub timed_out: u64,
    /// Texts that the encoder failed on.
    pub failed: u64,
    /// Windows that wait now.
    pub queued: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) windows: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) foreign: AtomicU64,
    pub(super) dropped: AtomicU64,
    saturated: AtomicU64,
    timed_out: AtomicU64,
    failed: AtomicU64,
}

// === impl Counters ===

impl Counters {
    pub(super) fn unavailable(&self, cause: Unavailable) {
        match cause {
            Unavailable::Saturated => add(&self.saturated, 1),
            Unavailable::TimedOut => add(&self.timed_out, 1),
            Unavailable::Failed => add(&self.failed, 1),
            // Told before the pool is asked.
            Unavailable::TooLong => {}
        }
    }

    pub(super) fn read(&self, queued: usize) -> PoolCounters {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PoolCounters {
            windows: now(&self.windows),
            batches: now(&self.batches),
            foreign: now(&self.foreign),
            dropped: now(&self.dropped),
            saturated: now(&self.saturated),
            timed_out: now(&self.timed_out),
            failed: now(&self.failed),
            queued: queued as u64,
        }
    }
}

pub(super) fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}
