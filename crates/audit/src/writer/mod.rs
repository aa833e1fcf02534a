//! The audit log of a running gateway: one queue, one writer, one commit for many.
//!
//! 1. Callers hand events to a queue. The writer, on a thread of its own, takes whatever is there,
//!    gives each event its place in the tree, and commits all of it at once; then it tells every
//!    caller. While one commit is on its way to the disk the next batch gathers.
//! 2. `strict`: [`Audit::append`] returns when the event is on disk. `relaxed`: when it is queued;
//!    it is committed within the policy's delay.
//! 3. When a commit fails, the store is opened again and asked whether the batch got through; if
//!    not, it is tried once more. After that the log is down: whoever waits gets an error, new
//!    events are refused, what was acknowledged or stands for a finished request is kept, and the
//!    writer tries the store again and again with back-off. It is up again when everything kept,
//!    and an event that says what happened, is on disk.
//! 4. Every request takes a [`Slot`] when it comes in, so that its completion can be queued at any
//!    later time, from a destructor too.
//!
//! Cancel safety: dropping the future of `append` leaves the event queued; it is committed whole
//! or not at all.

mod commit;
mod entry;
mod outage;
mod start;
mod status;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

pub(crate) use self::entry::Fallback;
use self::entry::{Entry, Message};
pub use self::start::StartError;
pub(crate) use self::start::{KeySource, Setup};
pub use self::status::Stats;
pub(crate) use self::status::Status;
use crate::canonical::Details;
use crate::event::Event;
use crate::note::VerifierKey;

/// Requests that may be under way at once: each holds the place of its completion.
pub(crate) const SLOTS_MAX: usize = 65_536;
/// How long a caller waits for its event to be durable.
const ACKNOWLEDGE_WAIT_MAX: Duration = Duration::from_secs(5);

/// When an append returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// When the event is on disk.
    Strict,
    /// When it is queued; it is on disk within this time.
    Relaxed(Duration),
}

/// How the writer works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) timing: Timing,
    pub(crate) checkpoint_every: Duration,
    pub(crate) checkpoint_events: u64,
    pub(crate) queue_max: usize,
}

/// Why an event was not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// Too many events wait already.
    #[error("the audit queue is full")]
    QueueFull,
    /// The store does not take events.
    #[error("the audit store is not available: {0}")]
    Down(Arc<str>),
    /// The store did not answer in time; the event may be recorded later or not at all.
    #[error("the audit store did not answer in time")]
    Slow,
    /// The log is closed.
    #[error("the audit log is closed")]
    Closed,
}

/// A handle on the log; clones share it.
#[derive(Debug, Clone)]
pub struct Audit {
    sender: mpsc::UnboundedSender<Message>,
    queue: Arc<Semaphore>,
    slots: Arc<Semaphore>,
    timing: Timing,
    status: Arc<Status>,
    verifier: VerifierKey,
}

/// The place of one request's completion in the queue.
#[derive(Debug)]
pub(crate) struct Slot {
    audit: Audit,
    permit: OwnedSemaphorePermit,
}

// === impl Audit ===

impl Audit {
    /// Records `event`; see the module for when this returns.
    ///
    /// # Errors
    /// If the event is not recorded, or (`Slow`) not known to be.
    pub async fn append(&self, event: Event) -> Result<(), AuditError> {
        let permit = self.enter()?;
        match self.timing {
            Timing::Strict => {
                let (entry, acknowledged) = Entry::waited(event, permit);
                self.send_and_wait(entry, acknowledged).await
            }
            Timing::Relaxed(_) => self.send(Entry::kept(event, permit)),
        }
    }

    /// Records something that the gateway itself does: start, stop, policy reload.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn system_event(
        &self,
        event_type: &'static str,
        action: &'static str,
        details: Value,
    ) -> Result<(), AuditError> {
        let event = Event::new(event_type, action).with_details(Details::new(details));
        self.append(event).await
    }

    /// Whether the log takes events now; `/readyz` asks this.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.status.is_healthy() && !self.sender.is_closed()
    }

    /// Figures for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let waiting = self.queue.available_permits();
        self.status.stats(waiting, self.slots.available_permits())
    }

    /// The key that the log's checkpoints verify with.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Writes what is queued and a last checkpoint, and lets go of the store. Every handle is
    /// closed with it.
    ///
    /// # Errors
    /// If something queued could not be written.
    pub async fn close(&self) -> Result<(), AuditError> {
        let (sender, done) = oneshot::channel();
        self.sender
            .send(Message::Close(sender))
            .map_err(|_| AuditError::Closed)?;
        done.await.unwrap_or(Err(AuditError::Closed))
    }

    /// Takes the place of a request's completion.
    ///
    /// # Errors
    /// If the log takes no events now, or too many requests are under way.
    pub(crate) fn slot(&self) -> Result<Slot, AuditError> {
        self.status.check()?;
        let permit = self.slots.clone().try_acquire_owned();
        Ok(Slot {
            audit: self.clone(),
            permit: permit.map_err(|_| AuditError::QueueFull)?,
        })
    }

    /// Keeps the event of a request that was refused because the log is down, to be written when
    /// it is up again; where there is no room it is counted.
    pub(crate) fn keep(&self, event: Event) {
        let kept = match self.queue.clone().try_acquire_owned() {
            Ok(permit) => self.send(Entry::kept(event, permit)),
            Err(_) => Err(AuditError::QueueFull),
        };
        if kept.is_err() {
            self.status.count_unrecorded();
        }
    }

    fn enter(&self) -> Result<OwnedSemaphorePermit, AuditError> {
        self.status.check()?;
        let permit = self.queue.clone().try_acquire_owned();
        permit.map_err(|_| AuditError::QueueFull)
    }

    fn send(&self, entry: Entry) -> Result<(), AuditError> {
        self.sender
            .send(Message::Append(Box::new(entry)))
            .map_err(|_| AuditError::Closed)
    }

    async fn send_and_wait(
        &self,
        entry: Entry,
        acknowledged: oneshot::Receiver<Result<(), AuditError>>,
    ) -> Result<(), AuditError> {
        let commits = self.status.commits();
        self.send(entry)?;
        match tokio::time::timeout(ACKNOWLEDGE_WAIT_MAX, acknowledged).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(AuditError::Closed),
            Err(_) => {
                self.status.set_stalled(commits);
                Err(AuditError::Slow)
            }
        }
    }
}

// === impl Slot ===

impl Slot {
    /// Queues the completion; it is kept until it is written.
    pub(crate) fn keep(self, event: Event) {
        if self.audit.send(Entry::kept(event, self.permit)).is_err() {
            self.audit.status.count_unrecorded();
        }
    }

    /// Queues the completion and, under `strict`, waits until it is on disk. It is kept in any
    /// case; on an error as `fallback` changes it, for the caller will answer otherwise then.
    pub(crate) async fn record(self, event: Event, fallback: Fallback) -> Result<(), AuditError> {
        let audit = self.audit;
        let outcome = match audit.timing {
            Timing::Strict => {
                let (entry, acknowledged) = Entry::recorded(event, self.permit, fallback);
                audit.send_and_wait(entry, acknowledged).await
            }
            Timing::Relaxed(_) => audit.send(Entry::kept(event, self.permit)),
        };
        if outcome == Err(AuditError::Closed) {
            audit.status.count_unrecorded();
        }
        outcome
    }
}

impl From<AuditError> for aegis_core::Rejection {
    fn from(error: AuditError) -> Self {
        Self::new(
            aegis_core::Reason::AuditUnavailable,
            "The request can't be recorded at the moment, so it was refused.",
        )
        .with_detail(&error)
        .with_retry_after(Duration::from_secs(1))
    }
}
