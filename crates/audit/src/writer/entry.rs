//! What lies in the queue.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::AuditError;
use crate::event::Event;

/// Changes an event whose caller was told that it could not be recorded.
pub(crate) type Fallback = fn(&mut Event);

/// Tells a caller.
pub(super) type Acknowledge = oneshot::Sender<Result<(), AuditError>>;

/// A message to the writer.
#[derive(Debug)]
pub(super) enum Message {
    /// Record this.
    Append(Box<Entry>),
    /// Write everything and end.
    Close(Acknowledge),
}

/// An event on its way, and what becomes of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) event: Event,
    pub(super) ticket: Ticket,
}

/// What becomes of an event.
#[derive(Debug)]
pub(super) struct Ticket {
    /// Who waits for it.
    acknowledge: Option<Acknowledge>,
    /// Whether it outlives a failed commit.
    keep: Option<Keep>,
    /// Its room in the queue; the writer's own events take none.
    permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone, Copy)]
enum Keep {
    /// As it is.
    Unchanged,
    /// Changed by this if its caller was told of a failure.
    Changed(Fallback),
}

// === impl Entry ===

impl Entry {
    /// An event that somebody waits for; dropped if its commit fails.
    pub(super) fn waited(
        event: Event,
        permit: OwnedSemaphorePermit,
    ) -> (Self, oneshot::Receiver<Result<(), AuditError>>) {
        Self::new(event, permit, None)
    }

    /// An event that somebody waits for and that is kept if its commit fails.
    pub(super) fn recorded(
        event: Event,
        permit: OwnedSemaphorePermit,
        fallback: Fallback,
    ) -> (Self, oneshot::Receiver<Result<(), AuditError>>) {
        Self::new(event, permit, Some(Keep::Changed(fallback)))
    }

    /// An event that counts as acknowledged: kept until it is written.
    pub(super) fn kept(event: Event, permit: OwnedSemaphorePermit) -> Self {
        let ticket = Ticket {
            acknowledge: None,
            keep: Some(Keep::Unchanged),
            permit: Some(permit),
        };
        Self { event, ticket }
    }

    /// An event of the writer's own. A failed commit drops it; the next attempt makes another.
    pub(super) fn internal(event: Event) -> Self {
        let ticket = Ticket {
            acknowledge: None,
            keep: None,
            permit: None,
        };
        Self { event, ticket }
    }

    fn new(
        event: Event,
        permit: OwnedSemaphorePermit,
        keep: Option<Keep>,
    ) -> (Self, oneshot::Receiver<Result<(), AuditError>>) {
        let (sender, receiver) = oneshot::channel();
        let ticket = Ticket {
            acknowledge: Some(sender),
            keep,
            permit: Some(permit),
        };
        (Self { event, ticket }, receiver)
    }

    /// What is left of it after its commit did not happen: `None` if its caller takes care.
    pub(super) fn retained(mut self) -> Option<Self> {
        match self.ticket.keep? {
            Keep::Unchanged => {}
            Keep::Changed(fallback) => {
                fallback(&mut self.event);
                self.ticket.keep = Some(Keep::Unchanged);
            }
        }
        Some(self)
    }
}

// === impl Ticket ===

impl Ticket {
    /// Tells the caller that the event is on disk.
    pub(super) fn stored(self) {
        // A caller that is told finds its room free.
        drop(self.permit);
        if let Some(acknowledge) = self.acknowledge {
            // A caller that went away does not matter: the event is recorded.
            acknowledge.send(Ok(())).ok();
        }
    }

    /// Whether the event must not be lost.
    pub(super) const fn is_kept(&self) -> bool {
        self.keep.is_some()
    }

    /// Tells the caller that the event could not be recorded; whether there was one.
    pub(super) fn refuse(&mut self, error: &AuditError) -> bool {
        let waited = self.acknowledge.take();
        waited.is_some_and(|acknowledge| {
            acknowledge.send(Err(error.clone())).ok();
            true
        })
    }
}
