//! What the writer and the handles know of each other without a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

use super::{AuditError, SLOTS_MAX};

/// Health and counters of a log.
#[derive(Debug, Default)]
pub(crate) struct Status {
    closed: AtomicBool,
    /// Commits that have ended, well or not.
    commits: AtomicU64,
    /// A caller gave up waiting: the log is stalled until this many commits have ended.
    stalled_until: AtomicU64,
    /// Fast path of `why`.
    down: AtomicBool,
    /// Why the log is down.
    why: RwLock<Option<Arc<str>>>,
    queue_max: usize,
    stored: AtomicU64,
    failed_commits: AtomicU64,
    refused: AtomicU64,
    unrecorded: AtomicU64,
    retained: AtomicU64,
    checkpointed: AtomicU64,
}

/// Figures of a log since the gateway's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events committed.
    pub stored: u64,
    /// Commits that failed.
    pub failed_commits: u64,
    /// Events that were refused because a commit failed.
    pub refused: u64,
    /// Completions that could not even be kept.
    pub unrecorded: u64,
    /// Events kept until the store takes them.
    pub retained: u64,
    /// Events that the last checkpoint covers.
    pub checkpointed: u64,
    /// Events in the queue or being committed.
    pub queued: usize,
    /// Requests under way.
    pub in_flight: usize,
}

// === impl Status ===

impl Status {
    pub(super) fn new(queue_max: usize) -> Self {
        Self {
            queue_max,
            ..Self::default()
        }
    }

    pub(super) fn is_healthy(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
            && !self.down.load(Ordering::Acquire)
            && !self.is_stalled()
    }

    fn is_stalled(&self) -> bool {
        self.commits() < self.stalled_until.load(Ordering::Acquire)
    }

    /// How many commits have ended.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Whether an event can be taken now.
    pub(super) fn check(&self) -> Result<(), AuditError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(AuditError::Closed);
        }
        if self.down.load(Ordering::Acquire) {
            let why = self.why.read().clone();
            return Err(AuditError::Down(why.unwrap_or_else(|| "".into())));
        }
        if self.is_stalled() {
            return Err(AuditError::Slow);
        }
        Ok(())
    }

    pub(super) fn set_down(&self, why: &Arc<str>) {
        *self.why.write() = Some(why.clone());
        self.down.store(true, Ordering::Release);
    }

    pub(super) fn set_up(&self) {
        self.down.store(false, Ordering::Release);
    }

    /// A caller gave up that came when `commits` had ended.
    pub(super) fn set_stalled(&self, commits: u64) {
        self.stalled_until.store(commits + 1, Ordering::Release);
    }

    pub(super) fn set_closed(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn count_stored(&self, events: usize, checkpointed: u64) {
        self.stored.fetch_add(events as u64, Ordering::Relaxed);
        self.checkpointed.store(checkpointed, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn count_failed_commit(&self) {
        self.failed_commits.fetch_add(1, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_unrecorded(&self) {
        self.unrecorded.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unrecorded(&self) -> u64 {
        self.unrecorded.load(Ordering::Relaxed)
    }

    pub(super) fn set_retained(&self, events: usize) {
        self.retained.store(events as u64, Ordering::Relaxed);
    }

    pub(super) fn stats(&self, queue_free: usize, slots_free: usize) -> Stats {
        Stats {
            stored: self.stored.load(Ordering::Relaxed),
            failed_commits: self.failed_commits.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            unrecorded: self.unrecorded.load(Ordering::Relaxed),
            retained: self.retained.load(Ordering::Relaxed),
            checkpointed: self.checkpointed.load(Ordering::Relaxed),
            queued: self.queue_max.saturating_sub(queue_free),
            in_flight: SLOTS_MAX.saturating_sub(slots_free),
        }
    }
}
