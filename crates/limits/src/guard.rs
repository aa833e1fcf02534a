//! What a request holds until it ends, and gives back however it ends: by reply, refusal,
//! disconnect or panic.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aegis_core::{Exchange, Reason, Trail};

use crate::store::{Charge, Key, StateStore, Ticket};
use crate::tokens;

/// Places taken under concurrency limits.
pub(crate) struct Places {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) keys: Vec<Key>,
}

/// Tokens reserved; dropped by the last holder, it settles them with what was used.
///
/// 1. What the provider said was used counts.
/// 2. For what it did not say: input counts as estimated; output as the bytes released to the
///    client divided by four (the framing of streams makes that an overestimate), never more than
///    a limit the request stated.
/// 3. If nothing was generated, output counts nothing. If nobody knows, the reservation stands.
pub(crate) struct Reservation {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) held: Vec<(Charge, Ticket)>,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) output_is_bound: bool,
    pub(crate) nothing_generated: AtomicBool,
}

// === impl Places ===

impl Drop for Places {
    fn drop(&mut self) {
        for key in &self.keys {
            self.store.leave(key);
        }
    }
}

// === impl Reservation ===

impl Reservation {
    /// Notes that the request ended with a refusal.
    pub(crate) fn refused(&self, reason: Reason) {
        if !may_have_generated(reason) {
            self.nothing_generated.store(true, Ordering::Relaxed);
        }
    }

    fn used(&self) -> u64 {
        let (usage, response_bytes) = self
            .exchange
            .note(|trail: &mut Trail| (trail.usage, trail.response_bytes));
        let input = usage.input_tokens.unwrap_or(self.input);
        let output = usage.output_tokens.unwrap_or_else(|| {
            if self.nothing_generated.load(Ordering::Relaxed) {
                return 0;
            }
            match tokens::of_output(response_bytes) {
                0 => self.output,
                seen if self.output_is_bound => seen.min(self.output),
                seen => seen,
            }
        });
        input.saturating_add(output)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let used = self.used();
        for (charge, ticket) in &self.held {
            self.store.settle(charge, *ticket, used);
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").finish_non_exhaustive()
    }
}

/// Whether a provider may have worked on a request that ended with this refusal.
const fn may_have_generated(reason: Reason) -> bool {
    match reason {
        Reason::OutputBlocked
        | Reason::UpstreamTimeout
        | Reason::UpstreamInvalid
        | Reason::UpstreamUnavailable
        | Reason::CheckUnavailable
        | Reason::Internal => true,
        Reason::InvalidRequest
        | Reason::UnsupportedMediaType
        | Reason::ContentNotAllowed
        | Reason::BodyTooLarge
        | Reason::RequestTimeout
        | Reason::Unauthenticated
        | Reason::AuthenticationThrottled
        | Reason::PermissionDenied
        | Reason::RouteNotFound
        | Reason::MethodNotAllowed
        | Reason::ModelNotFound
        | Reason::RateLimited
        | Reason::ConcurrencyLimited
        | Reason::Overloaded
        | Reason::PromptBlocked
        | Reason::AuditUnavailable
        | Reason::IdentityUnavailable
        | Reason::CircuitOpen
        | Reason::UpstreamRejected => false,
    }
}
