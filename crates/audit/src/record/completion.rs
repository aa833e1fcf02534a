//! The completion of one request: a guard that writes its event exactly once, dropped or not.

use std::sync::Arc;

use aegis_core::{Body, Ending, Exchange};
use http::Response;
use http_body::Body as _;

use crate::details;
use crate::writer::{AuditError, Slot};

/// Holds the place of a request's last event until it is written.
#[derive(Debug)]
pub(super) struct Completion {
    exchange: Arc<Exchange>,
    /// Taken when the event is queued.
    slot: Option<Slot>,
}

// === impl Completion ===

impl Completion {
    pub(super) const fn new(exchange: Arc<Exchange>, slot: Slot) -> Self {
        Self {
            exchange,
            slot: Some(slot),
        }
    }

    pub(super) const fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Queues the event of a reply that ended as `ending`, unless a stage noted another.
    pub(super) fn ended(mut self, ending: Ending) {
        self.write(ending);
    }

    /// Records a refusal, noted on the exchange with its response.
    pub(super) async fn refused(mut self) -> Result<(), AuditError> {
        match self.slot.take() {
            Some(slot) => {
                let event = details::completed(&self.exchange);
                slot.record(event, details::unavailable).await
            }
            None => Ok(()),
        }
    }

    fn write(&mut self, ending: Ending) {
        if let Some(slot) = self.slot.take() {
            self.exchange.note(|trail| {
                trail.ending.get_or_insert(ending);
            });
            slot.keep(details::completed(&self.exchange));
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        // A body that panics while it is read unwinds through here.
        self.write(if std::thread::panicking() {
            Ending::Panicked
        } else {
            Ending::ClientGone
        });
    }
}

/// Notes what the client is sent in place of a reply.
pub(super) fn note_response(exchange: &Exchange, response: &Response<Body>, ending: Ending) {
    exchange.note(|trail| {
        trail.status = Some(response.status().as_u16());
        trail.response_bytes = response.body().size_hint().exact().unwrap_or_default();
        trail.ending = Some(ending);
    });
}
