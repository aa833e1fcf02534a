//! Limits' state in this process.
//!
//! 1. Parties are kept under a 128-bit keyed hash of their key, so memory does not grow with names
//!    and nobody can aim at another's entry.
//! 2. The table is cut into shards. A bill locks the shards it needs in ascending order, looks at
//!    every charge, and only then changes anything.
//! 3. There are at most [`KEYS_MAX`] entries for each kind of party. An entry is forgotten only when
//!    it says the same as no entry: buckets full again, no place taken, no reservation open. If
//!    none is, a new party is refused: churning through addresses or principals can neither reset
//!    one's own limit nor anybody else's. Each kind has its own table, so addresses can't crowd
//!    out principals.
//!
//! Token reservations queue in a bucket. What is given back later is at most the part of the
//! reservation that has not drained away meanwhile: time must not be credited twice.
//!
//! Does not survive a restart, and is not shared between gateways.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, ready};
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use super::{
    Amount, Charge, Charged, Clock, Key, Per, Refusal, RuntimeClock, Settlement, StateStore,
    StoreError, Ticket,
};
use crate::quota::{Quota, Shortage, Standing, Ticks};

/// Parties of one kind that are remembered at once.
pub const KEYS_MAX: usize = 65_536;

/// Reservations of one party that can be open at once; further ones are never given back.
pub const OPEN_MAX: usize = 1_024;

const SHARDS: usize = 16;

/// A full table is swept for entries to forget at most this often.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// What a client waits whom no place is free for; nobody knows when one will be.
const PLACE_WAIT: Duration = Duration::from_secs(1);

/// [`StateStore`] in memory.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    hashers: [RandomState; 2],
    shards: Box<[Mutex<Shard>]>,
    keys_max: usize,
    tickets: AtomicU64,
}

/// A key's 128-bit hash.
type Id = (u64, u64);
type Locked<'a> = SmallVec<[(usize, MutexGuard<'a, Shard>); 4]>;

#[derive(Debug, Default)]
struct Shard {
    principals: Table,
    tenants: Table,
    addresses: Table,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Id, Entry>,
    swept_at: Option<Duration>,
}

#[derive(Debug, Default)]
struct Entry {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    places: u32,
    /// Open reservations in the order they were made: ticket, and where in the bucket each ends.
    open: Vec<(Ticket, Ticks)>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    quota: Quota,
    empty_at: Ticks,
}

// === impl MemoryStore ===

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Arc::new(RuntimeClock::default()))
    }
}

impl MemoryStore {
    /// A store of the usual size.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::sized(clock, SHARDS, KEYS_MAX)
    }

    pub(super) fn sized(clock: Arc<dyn Clock>, shards: usize, keys_max: usize) -> Self {
        Self {
            clock,
            hashers: [RandomState::new(), RandomState::new()],
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            keys_max: keys_max / shards,
            tickets: AtomicU64::new(1),
        }
    }

    fn id(&self, key: &Key) -> Id {
        let [first, second] = &self.hashers;
        (first.hash_one(key), second.hash_one(key))
    }

    fn shard(&self, id: Id) -> usize {
        usize::try_from(id.0 % self.shards.len() as u64).unwrap_or_default()
    }

    /// Locks the shards of `ids`, each once and in ascending order: two bills never wait for each
    /// other in a circle.
    fn lock(&self, ids: &[Id]) -> Locked<'_> {
        let mut wanted: SmallVec<[usize; 8]> = ids.iter().map(|id| self.shard(*id)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
            .into_iter()
            .filter_map(|at| self.shards.get(at).map(|shard| (at, shard.lock())))
            .collect()
    }

    fn take_now(&self, bill: &[Charge]) -> Result<Settlement, StoreError> {
        let now = self.clock.now();
        let ids: SmallVec<[Id; 8]> = bill.iter().map(|charge| self.id(&charge.key)).collect();
        let mut locked = self.lock(&ids);
        let mut charged = SmallVec::new();
        let mut refusal: Option<Refusal> = None;
        for (index, (charge, id)) in bill.iter().zip(&ids).enumerate() {
            let entry = self.entry(&mut locked, charge.key.per, *id, now)?;
            if let Err(shortage) = entry.check(charge.amount, now) {
                let graver = refusal.is_none_or(|other| other.shortage < shortage);
                refusal = graver.then_some(Refusal { index, shortage }).or(refusal);
            }
        }
        for (charge, id) in bill.iter().zip(&ids) {
            let entry = self.entry(&mut locked, charge.key.per, *id, now)?;
            let mut ticket = Ticket::default();
            if refusal.is_none() {
                ticket = Ticket(self.tickets.fetch_add(1, Ordering::Relaxed));
                entry.apply(charge.amount, now, ticket);
            }
            charged.push(Charged {
                standing: entry.standing(charge.amount, now),
                ticket,
            });
        }
        Ok(Settlement { charged, refusal })
    }

    fn entry<'a>(
        &self,
        locked: &'a mut Locked<'_>,
        per: Per,
        id: Id,
        now: Duration,
    ) -> Result<&'a mut Entry, StoreError> {
        let at = self.shard(id);
        let (_, shard) = locked
            .iter_mut()
            .find(|(held, _)| *held == at)
            .ok_or(StoreError::Full)?;
        shard.table(per).entry(id, now, self.keys_max)
    }

    /// Changes the entry of `key`, if it is still known.
    fn change(&self, key: &Key, change: impl FnOnce(&mut Entry)) {
        let id = self.id(key);
        let Some(shard) = self.shards.get(self.shard(id)) else {
            return;
        };
        if let Some(entry) = shard.lock().table(key.per).entries.get_mut(&id) {
            change(entry);
        }
    }
}

impl StateStore for MemoryStore {
    fn take<'a>(&'a self, bill: &'a [Charge]) -> BoxFuture<'a, Result<Settlement, StoreError>> {
        Box::pin(ready(self.take_now(bill)))
    }

    fn leave(&self, key: &Key) {
        self.change(key, |entry| entry.places = entry.places.saturating_sub(1));
    }

    fn settle(&self, charge: &Charge, ticket: Ticket, used: u64) {
        if let Amount::Tokens { taken, .. } = charge.amount {
            let now = self.clock.now();
            self.change(&charge.key, |entry| entry.settle(now, ticket, taken, used));
        }
    }
}

// === impl Shard ===

impl Shard {
    fn table(&mut self, per: Per) -> &mut Table {
        match per {
            Per::Principal => &mut self.principals,
            Per::Tenant => &mut self.tenants,
            Per::Address => &mut self.addresses,
        }
    }
}

// === impl Table ===

impl Table {
    fn entry(&mut self, id: Id, now: Duration, keys_max: usize) -> Result<&mut Entry, StoreError> {
        if self.entries.len() >= keys_max && !self.entries.contains_key(&id) {
            self.sweep(now);
            if self.entries.len() >= keys_max {
                return Err(StoreError::Full);
            }
        }
        Ok(self.entries.entry(id).or_default())
    }

    fn sweep(&mut self, now: Duration) {
        if self
            .swept_at
            .is_some_and(|at| now.saturating_sub(at) < SWEEP_EVERY)
        {
            return;
        }
        self.swept_at = Some(now);
        self.entries.retain(|_, entry| !entry.is_idle(now));
    }
}

// === impl Entry ===

impl Entry {
    /// Whether it says the same as no entry.
    fn is_idle(&self, now: Duration) -> bool {
        let full = |bucket: Option<Bucket>| bucket.is_none_or(|bucket| bucket.is_full(now));
        self.places == 0 && self.open.is_empty() && full(self.requests) && full(self.tokens)
    }

    fn check(&self, amount: Amount, now: Duration) -> Result<(), Shortage> {
        match amount {
            Amount::Request(quota) => quota.take(empty_at(self.requests), now, 1).map(drop),
            Amount::Tokens { quota, fits, .. } => {
                quota.take(empty_at(self.tokens), now, fits).map(drop)
            }
            Amount::Place { max } if self.places < max => Ok(()),
            Amount::Place { .. } => Err(Shortage::Until(PLACE_WAIT)),
        }
    }

    fn apply(&mut self, amount: Amount, now: Duration, ticket: Ticket) {
        match amount {
            Amount::Request(quota) => {
                let empty_at = quota.charge(empty_at(self.requests), now, 1);
                self.requests = Some(Bucket { quota, empty_at });
            }
            Amount::Tokens { quota, taken, .. } => {
                let empty_at = quota.charge(empty_at(self.tokens), now, taken);
                self.tokens = Some(Bucket { quota, empty_at });
                if self.open.len() < OPEN_MAX {
                    self.open.push((ticket, empty_at));
                }
            }
            Amount::Place { .. } => self.places = self.places.saturating_add(1),
        }
    }

    fn standing(&self, amount: Amount, now: Duration) -> Standing {
        match amount {
            Amount::Request(quota) => quota.standing(empty_at(self.requests), now),
            Amount::Tokens { quota, .. } => quota.standing(empty_at(self.tokens), now),
            Amount::Place { max } => Standing {
                limit: max.into(),
                remaining: max.saturating_sub(self.places).into(),
                reset: Duration::ZERO,
            },
        }
    }

    fn settle(&mut self, now: Duration, ticket: Ticket, taken: u64, used: u64) {
        let Some(bucket) = &mut self.tokens else {
            return;
        };
        let quota = bucket.quota;
        if used > taken {
            bucket.empty_at = quota.charge(bucket.empty_at, now, used - taken);
        }
        let Some(at) = self.open.iter().position(|(open, _)| *open == ticket) else {
            return;
        };
        let (_, end) = self.open.remove(at);
        let undrained = end.saturating_sub(quota.ticks(now));
        let back = quota.cost(taken.saturating_sub(used)).min(undrained);
        bucket.empty_at = bucket.empty_at.saturating_sub(back);
        // Those behind it in the queue move up.
        for (_, end) in self.open.iter_mut().skip(at) {
            *end = end.saturating_sub(back);
        }
    }
}

// === impl Bucket ===

impl Bucket {
    fn is_full(self, now: Duration) -> bool {
        self.empty_at <= self.quota.ticks(now)
    }
}

fn empty_at(bucket: Option<Bucket>) -> Ticks {
    bucket.map_or(0, |bucket| bucket.empty_at)
}
