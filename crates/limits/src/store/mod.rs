//! Where the state of limits lives.
//!
//! A stage asks for everything a request needs from every limit in one call, and gets all of it or
//! nothing: a refusal by one limit takes nothing from another.

mod memory;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

pub use memory::{KEYS_MAX, MemoryStore, OPEN_MAX};

use crate::quota::{Quota, Shortage, Standing};

/// Whom a limit counts together.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each principal: issuer and subject.
    Principal,
    /// Each tenant of an issuer; an issuer's principals without a tenant count as one tenant.
    Tenant,
    /// Each client address, IPv6 by /64; Unix sockets count as one address.
    Address,
}

/// One counted party.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A principal.
    Principal {
        /// Who vouches for it.
        issuer: Arc<str>,
        /// Its subject.
        id: Arc<str>,
    },
    /// A tenant.
    Tenant {
        /// Who vouches for it.
        issuer: Arc<str>,
        /// Its name; `None` for principals without one.
        tenant: Option<Arc<str>>,
    },
    /// The upper 64 bits of an IPv6 address.
    Net6(u64),
    /// An IPv4 address.
    Net4(u32),
    /// A Unix socket.
    Local,
}

/// One limit's state for one party.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Whom the limit counts together.
    pub per: Per,
    /// Tells limits with the same `per` apart; stable over reloads that leave the limit as it is.
    pub limit: u64,
    /// The party.
    pub subject: Subject,
}

/// What a request needs of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// One request.
    Request(Quota),
    /// Tokens: taken only if `fits` would fit, then `taken`.
    Tokens {
        /// The bucket.
        quota: Quota,
        /// What must fit.
        fits: u64,
        /// What is taken.
        taken: u64,
    },
    /// One of `max` places.
    Place {
        /// How many there are.
        max: u32,
    },
}

/// One line of a request's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Whose limit.
    pub key: Key,
    /// How much.
    pub amount: Amount,
}

/// A number that names a token reservation to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticket(pub(crate) u64);

/// The outcome of one charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charged {
    /// The limit after the charge, or as it is where the bill was refused.
    pub standing: Standing,
    /// For tokens: the reservation.
    pub ticket: Ticket,
}

/// Why a bill was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The charge that has longest to wait.
    pub index: usize,
    /// How long.
    pub shortage: Shortage,
}

/// The outcome of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// One for each charge, in order.
    pub charged: SmallVec<[Charged; 4]>,
    /// `None` where everything was taken; otherwise nothing was.
    pub refusal: Option<Refusal>,
}

/// The store can't say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It has no room for another party, and none that it could forget without giving its quota
    /// back early.
    #[error("the limits' table is full")]
    Full,
}

/// A store of limits' state. In memory here; one that several gateways share has the same meaning.
pub trait StateStore: fmt::Debug + Send + Sync {
    /// Takes every charge of `bill`, or none.
    fn take<'a>(&'a self, bill: &'a [Charge]) -> BoxFuture<'a, Result<Settlement, StoreError>>;

    /// Gives back a place.
    fn leave(&self, key: &Key);

    /// Replaces a reservation by what was really used, more or less.
    fn settle(&self, charge: &Charge, ticket: Ticket, used: u64);
}

/// A monotonic clock, so that tests need not wait.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Time since some instant in the past.
    fn now(&self) -> Duration;
}

/// The runtime's clock.
#[derive(Debug, Clone, Copy)]
pub struct RuntimeClock(tokio::time::Instant);

// === impl Amount ===

impl Amount {
    /// Whether it is counted over time, rather than held.
    pub(crate) const fn is_counted(self) -> bool {
        match self {
            Self::Request(_) | Self::Tokens { .. } => true,
            Self::Place { .. } => false,
        }
    }
}

// === impl RuntimeClock ===

impl Default for RuntimeClock {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
