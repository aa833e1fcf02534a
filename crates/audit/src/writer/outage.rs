//! While the store takes no events.
//!
//! Whoever waits is told; what must not be lost is retained; the store is tried again with
//! back-off. The log is up when the batch in doubt is decided, everything retained is committed,
//! and an `audit.recovered` event with it, which proves that the store takes events and says how
//! long it did not.

use std::mem;
use std::sync::Arc;

use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::AuditError;
use super::commit::{BATCH_EVENTS_MAX, RETRY_AFTER, Writer};
use super::entry::{Entry, Message};
use crate::canonical::Details;
use crate::event::Event;
use crate::store::StoreError;

/// What an outage was like so far.
struct Outage {
    since: Instant,
    why: AuditError,
    attempts: u32,
    unrecorded_before: u64,
}

// === impl Writer ===

impl Writer {
    /// Comes back when the log is up again, or when it is being closed and a last attempt failed.
    pub(super) async fn outage(&mut self, error: &StoreError) {
        let mut outage = self.begin(error);
        let (mut delay, delay_max) = RETRY_AFTER;
        loop {
            self.wait(Instant::now() + delay, &outage.why).await;
            outage.attempts += 1;
            match self.recover(&outage).await {
                Ok(()) => {
                    self.status.set_up();
                    self.status.set_retained(0);
                    tracing::info!(attempts = outage.attempts, "audit store is back");
                    return;
                }
                Err(_) if self.ending => return,
                Err(error) => {
                    tracing::warn!(%error, attempt = outage.attempts, "audit store still down");
                    delay = (delay * 2).min(delay_max);
                }
            }
        }
    }

    fn begin(&mut self, error: &StoreError) -> Outage {
        let why: Arc<str> = error.to_string().into();
        tracing::error!(%error, "audit store down: requests are refused");
        self.status.count_failed_commit();
        self.status.set_down(&why);
        let outage = Outage {
            since: Instant::now(),
            why: AuditError::Down(why),
            attempts: 0,
            unrecorded_before: self.status.unrecorded(),
        };
        self.refuse_unresolved(&outage.why);
        outage
    }

    fn refuse_unresolved(&mut self, why: &AuditError) {
        let tickets = self.unresolved.iter_mut().flat_map(|p| &mut p.tickets);
        for ticket in tickets {
            if ticket.refuse(why) {
                self.status.count_refused();
            }
        }
    }

    /// Takes in what still comes until `until`, or until the log is being closed.
    async fn wait(&mut self, until: Instant, why: &AuditError) {
        while !self.ending {
            match timeout_at(until, self.receiver.recv()).await {
                Ok(Some(Message::Append(entry))) => self.refuse(*entry, why),
                Ok(Some(Message::Close(closer))) => {
                    self.ending = true;
                    self.closers.push(closer);
                }
                Ok(None) => self.ending = true,
                Err(_) => return,
            }
        }
    }

    fn refuse(&mut self, mut entry: Entry, why: &AuditError) {
        if entry.ticket.refuse(why) {
            self.status.count_refused();
        }
        self.retained.extend(entry.retained());
        self.status.set_retained(self.retained.len());
    }

    /// Takes care of entries that came while closing, after the last attempt has failed.
    pub(super) fn hold(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.refuse(entry, &AuditError::Closed);
        }
    }

    async fn recover(&mut self, outage: &Outage) -> Result<(), StoreError> {
        self.open().await?;
        self.resolve().await?;
        let mut recovered = Some(self.recovered(outage));
        let mut waiting = mem::take(&mut self.retained).into_iter();
        while let Some(last) = recovered.take() {
            let mut entries: Vec<Entry> = waiting.by_ref().take(BATCH_EVENTS_MAX - 1).collect();
            if waiting.len() == 0 {
                entries.push(last);
            } else {
                recovered = Some(last);
            }
            let prepared = self.prepare(entries);
            if let Err(error) = self.store.append(&prepared.batch).await {
                self.unresolved = Some(prepared);
                self.retained = waiting.collect();
                return Err(error);
            }
            self.settle(prepared);
        }
        Ok(())
    }

    /// Finds out what became of the batch in doubt.
    async fn resolve(&mut self) -> Result<(), StoreError> {
        let Some(prepared) = self.unresolved.take() else {
            return Ok(());
        };
        match self.is_committed(&prepared.batch).await {
            Ok(true) => self.settle(prepared),
            Ok(false) => {
                let entries = prepared.into_entries();
                let mut retained: Vec<Entry> = entries.filter_map(Entry::retained).collect();
                retained.append(&mut self.retained);
                self.retained = retained;
            }
            Err(error) => {
                self.unresolved = Some(prepared);
                return Err(error);
            }
        }
        Ok(())
    }

    fn recovered(&self, outage: &Outage) -> Entry {
        let down_ms = u64::try_from(outage.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let details = json!({
            "attempts": outage.attempts,
            "down_ms": down_ms,
            "reason": outage.why.to_string(),
            "retained": self.retained.len(),
            "unrecorded": self.status.unrecorded() - outage.unrecorded_before,
        });
        let event = Event::new("audit.recovered", "recover").with_details(Details::new(details));
        Entry::internal(event)
    }
}
