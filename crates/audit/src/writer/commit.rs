//! The writer: gathers events, gives them their places in the tree, commits them.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::entry::{Acknowledge, Entry, Message, Ticket};
use super::status::Status;
use super::{AuditError, Settings, Timing};
use crate::checkpoint::Checkpoint;
use crate::event::Stored;
use crate::merkle::Tree;
use crate::note::SigningKey;
use crate::store::{Access, Batch, Store, StoreError, StoredCheckpoint};

/// Events committed at once; bounds the memory and the time of a transaction.
pub(crate) const BATCH_EVENTS_MAX: usize = 1_024;

/// Owns the store and the tree; one for each log.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) store: Box<dyn Store>,
    pub(super) log: Arc<str>,
    pub(super) key: SigningKey,
    pub(super) settings: Settings,
    pub(super) status: Arc<Status>,
    pub(super) receiver: mpsc::UnboundedReceiver<Message>,
    pub(super) tree: Tree,
    /// How many events the last checkpoint covers.
    pub(super) checkpointed: u64,
    pub(super) checkpoint_due: Instant,
    /// Entries that outlived a failed commit, oldest first.
    pub(super) retained: Vec<Entry>,
    /// A batch of which it is not known whether it was committed.
    pub(super) unresolved: Option<Prepared>,
    /// Set once no more events are to come.
    pub(super) ending: bool,
    pub(super) closers: Vec<Acknowledge>,
}

/// A batch and what is true once it is committed.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) batch: Batch,
    pub(super) tickets: Vec<Ticket>,
    tree: Tree,
}

/// Marks the log as closed however the writer ends, a panic included.
struct Closing(Arc<Status>);

// === impl Writer ===

impl Writer {
    /// Works until the log is closed or every handle is gone.
    pub(crate) async fn run(mut self) {
        let closing = Closing(self.status.clone());
        let mut messages = Vec::new();
        while !self.ending {
            let grown = self.tree.size() > self.checkpointed;
            tokio::select! {
                biased;
                received = self.receiver.recv_many(&mut messages, BATCH_EVENTS_MAX) => {
                    self.ending |= received == 0;
                }
                () = sleep_until(self.checkpoint_due), if grown => {}
            }
            let mut entries = Vec::with_capacity(messages.len());
            self.sort(&mut messages, &mut entries);
            self.gather(&mut messages, &mut entries).await;
            self.commit(entries).await;
        }
        drop(closing);
        self.finish().await;
    }

    /// Under `relaxed`, waits for more events until the oldest has waited long enough.
    async fn gather(&mut self, messages: &mut Vec<Message>, entries: &mut Vec<Entry>) {
        let Timing::Relaxed(delay) = self.settings.timing else {
            return;
        };
        let deadline = Instant::now() + delay;
        while !entries.is_empty() && entries.len() < BATCH_EVENTS_MAX && !self.ending {
            let room = BATCH_EVENTS_MAX - entries.len();
            match timeout_at(deadline, self.receiver.recv_many(messages, room)).await {
                Ok(0) => self.ending = true,
                Ok(_) => self.sort(messages, entries),
                Err(_) => return,
            }
        }
    }

    fn sort(&mut self, messages: &mut Vec<Message>, entries: &mut Vec<Entry>) {
        for message in messages.drain(..) {
            match message {
                Message::Append(entry) => entries.push(*entry),
                Message::Close(closer) => {
                    self.ending = true;
                    self.closers.push(closer);
                }
            }
        }
    }

    /// Commits `entries`, and a checkpoint if one is due; does not come back before the log is up
    /// or closed.
    async fn commit(&mut self, entries: Vec<Entry>) {
        if self.is_down() {
            // Only while closing: the last attempt has failed.
            self.hold(entries);
            return;
        }
        let prepared = self.prepare(entries);
        if prepared.is_empty() {
            return;
        }
        match self.write(&prepared.batch).await {
            Ok(()) => self.settle(prepared),
            Err(error) => {
                self.unresolved = Some(prepared);
                self.outage(&error).await;
            }
        }
    }

    /// Gives each event its index and hash, and signs the new head where that is due.
    pub(super) fn prepare(&self, entries: Vec<Entry>) -> Prepared {
        let mut tree = self.tree.clone();
        let mut events = Vec::with_capacity(entries.len());
        let mut tickets = Vec::with_capacity(entries.len());
        for Entry { event, ticket } in entries {
            let mut row = Stored {
                log: self.log.clone(),
                index: tree.size(),
                leaf_hash: Vec::new(),
                event,
            };
            let hash = row.computed_hash();
            row.leaf_hash = hash.0.to_vec();
            tree.push(hash);
            events.push(row);
            tickets.push(ticket);
        }
        let checkpoint = self.is_due(&tree).then(|| StoredCheckpoint {
            size: tree.size(),
            note: Checkpoint::sign(&tree, &self.key),
        });
        let batch = Batch {
            log: self.log.clone(),
            events,
            checkpoint,
        };
        Prepared {
            batch,
            tickets,
            tree,
        }
    }

    fn is_due(&self, tree: &Tree) -> bool {
        let uncovered = tree.size() - self.checkpointed;
        uncovered > 0
            && (uncovered >= self.settings.checkpoint_events
                || self.ending
                || Instant::now() >= self.checkpoint_due)
    }

    /// Commits `batch`, a second time where the first attempt certainly did not get through.
    pub(super) async fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let Err(error) = self.store.append(batch).await else {
            return Ok(());
        };
        tracing::warn!(%error, "audit commit failed, trying once more");
        self.open().await?;
        if self.is_committed(batch).await? {
            return Ok(());
        }
        self.store.append(batch).await
    }

    pub(super) async fn open(&mut self) -> Result<(), StoreError> {
        self.store.open(Access::Write(self.log.clone())).await
    }

    /// Whether the store holds `batch`, as seen on a fresh connection.
    pub(super) async fn is_committed(&mut self, batch: &Batch) -> Result<bool, StoreError> {
        let head = self.store.head(&self.log).await?;
        let before = self.tree.size();
        let after = before + batch.events.len() as u64;
        if let Some(last) = batch.events.last() {
            if head.size == before {
                return Ok(false);
            }
            if head.size == after && head.last_id.as_deref() == Some(last.event.id()) {
                return Ok(true);
            }
        } else if head.size == before {
            let covered = head.checkpoint.map_or(0, |checkpoint| checkpoint.size);
            return Ok(covered == before);
        }
        Err(StoreError::Diverged(format!(
            "the store holds {} events of log {} where this gateway wrote {before}; \
             somebody else changed it",
            head.size, self.log
        )))
    }

    /// What follows from a commit.
    pub(super) fn settle(&mut self, prepared: Prepared) {
        self.tree = prepared.tree;
        if let Some(checkpoint) = &prepared.batch.checkpoint {
            self.checkpointed = checkpoint.size;
            self.checkpoint_due = Instant::now() + self.settings.checkpoint_every;
        }
        self.status
            .count_stored(prepared.tickets.len(), self.checkpointed);
        for ticket in prepared.tickets {
            ticket.stored();
        }
    }

    /// Writes what came in while closing and the last checkpoint.
    async fn finish(mut self) {
        self.receiver.close();
        let mut messages = Vec::new();
        while self
            .receiver
            .recv_many(&mut messages, BATCH_EVENTS_MAX)
            .await
            > 0
        {
            let mut entries = Vec::new();
            self.sort(&mut messages, &mut entries);
            self.commit(entries).await;
        }
        self.commit(Vec::new()).await;
        let lost = self.lost();
        let closers = mem::take(&mut self.closers);
        if lost > 0 {
            tracing::error!(events = lost, "audit log closed with events not written");
        } else {
            tracing::info!(
                log = %self.log,
                size = self.tree.size(),
                root = %self.tree.root(),
                "audit log closed"
            );
        }
        // The store's lock is free before anybody hears that the log is closed.
        drop(self);
        for closer in closers {
            let outcome = match lost {
                0 => Ok(()),
                lost => Err(AuditError::Down(
                    format!("{lost} events could not be written").into(),
                )),
            };
            closer.send(outcome).ok();
        }
    }

    fn is_down(&self) -> bool {
        self.unresolved.is_some() || !self.retained.is_empty()
    }

    fn lost(&self) -> usize {
        let unresolved = self.unresolved.iter().flat_map(|p| &p.tickets);
        self.retained.len() + unresolved.filter(|ticket| ticket.is_kept()).count()
    }
}

// === impl Prepared ===

impl Prepared {
    fn is_empty(&self) -> bool {
        self.batch.events.is_empty() && self.batch.checkpoint.is_none()
    }

    /// The entries again, after the batch turned out not to be committed.
    pub(super) fn into_entries(self) -> impl Iterator<Item = Entry> {
        let events = self.batch.events.into_iter().map(|row| row.event);
        events
            .zip(self.tickets)
            .map(|(event, ticket)| Entry { event, ticket })
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.set_closed();
    }
}

/// How long the writer waits before it tries a failed store again, at first and at most.
pub(super) const RETRY_AFTER: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_secs(2));
