//! What the semantic check did since the process started; for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::check::Unavailable;

/// Counts of one process; they outlive a policy.
#[derive(Debug, Default)]
pub struct SemanticCounters {
    texts: AtomicU64,
    cached: AtomicU64,
    windows: AtomicU64,
    saturated: AtomicU64,
    timed_out: AtomicU64,
    failed: AtomicU64,
    too_long: AtomicU64,
}

/// [`SemanticCounters`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SemanticCounts {
    /// Texts asked about.
    pub texts: u64,
    /// Texts whose scores were known.
    pub cached: u64,
    /// Windows given to the encoder.
    pub windows: u64,
    /// Requests that were not checked, by cause.
    pub unavailable: [(&'static str, u64); 4],
}

// === impl SemanticCounters ===

impl SemanticCounters {
    /// The counts now.
    #[must_use]
    pub fn read(&self) -> SemanticCounts {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SemanticCounts {
            texts: now(&self.texts),
            cached: now(&self.cached),
            windows: now(&self.windows),
            unavailable: [
                ("saturated", now(&self.saturated)),
                ("timed_out", now(&self.timed_out)),
                ("failed", now(&self.failed)),
                ("too_long", now(&self.too_long)),
            ],
        }
    }

    pub(super) fn sifted(&self, texts: usize, cached: usize, windows: usize) {
        for (counter, n) in [
            (&self.texts, texts),
            (&self.cached, cached),
            (&self.windows, windows),
        ] {
            counter.fetch_add(n as u64, Ordering::Relaxed);
        }
    }

    pub(super) fn unavailable(&self, cause: Unavailable) {
        let counter = match cause {
            Unavailable::Saturated => &self.saturated,
            Unavailable::TimedOut => &self.timed_out,
            Unavailable::Failed | Unavailable::Panicked => &self.failed,
            Unavailable::TooLong => &self.too_long,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
