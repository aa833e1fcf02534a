//! A store in memory that fails on command.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{LOG, key};
use crate::event::Stored;
use crate::store::{Access, Batch, Filter, Head, Store, StoreError, StoreFuture, StoredCheckpoint};
use crate::writer::{Audit, KeySource, Settings, Setup};

/// How the next appends go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fail {
    /// Nothing is stored.
    Before,
    /// Stored, and the answer is lost.
    After,
    /// Nothing is stored, and nothing can be opened either.
    Unreachable,
    /// The store has a defect.
    Panic,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) events: Vec<Stored>,
    pub(super) checkpoints: Vec<StoredCheckpoint>,
    /// Consumed from the front, one an append.
    pub(super) failures: std::collections::VecDeque<Fail>,
    /// Refuses to open while set.
    pub(super) away: bool,
    /// Events in each successful append.
    pub(super) batches: Vec<usize>,
    /// An append takes a permit of it first.
    pub(super) gate: Option<Arc<Semaphore>>,
}

/// The store and, cloned, its remote control.
#[derive(Debug, Clone, Default)]
pub(super) struct Fake(pub(super) Arc<Mutex<State>>);

fn failed() -> StoreError {
    StoreError::Unavailable("as told".to_owned())
}

impl Fake {
    /// Opens a log on it, its writer within this test's runtime and under its clock.
    pub(super) async fn start(&self, settings: Settings) -> (Audit, JoinSet<()>) {
        let setup = Setup {
            store: Box::new(self.clone()),
            log: LOG.into(),
            key: KeySource::Given(key()),
            settings,
        };
        let (audit, writer) = setup.start_here().await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(writer.run());
        (audit, tasks)
    }

    pub(super) fn fail(&self, failures: &[Fail]) {
        self.0.lock().failures.extend(failures);
    }

    pub(super) fn set_away(&self, away: bool) {
        self.0.lock().away = away;
    }

    /// Event types, in order.
    pub(super) fn types(&self) -> Vec<String> {
        let state = self.0.lock();
        state
            .events
            .iter()
            .map(|row| row.event.event_type.to_string())
            .collect()
    }

    pub(super) fn row(&self, index: usize) -> Stored {
        self.0.lock().events[index].clone()
    }

    /// Makes appends wait for permits.
    pub(super) fn gate(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.0.lock().gate = Some(gate.clone());
        gate
    }

    fn append_now(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        let failure = state.failures.pop_front();
        match failure {
            Some(Fail::Unreachable) => {
                state.away = true;
                return Err(failed());
            }
            Some(Fail::Before) => return Err(failed()),
            Some(Fail::Panic) => panic!("as told"),
            Some(Fail::After) | None => {}
        }
        state.batches.push(batch.events.len());
        state.events.extend(batch.events.iter().cloned());
        state.checkpoints.extend(batch.checkpoint.clone());
        match failure {
            Some(_) => Err(failed()),
            None => Ok(()),
        }
    }
}

impl Store for Fake {
    fn open(&mut self, _: Access) -> StoreFuture<'_, ()> {
        let away = self.0.lock().away;
        Box::pin(async move { if away { Err(failed()) } else { Ok(()) } })
    }

    fn append<'a>(&'a mut self, batch: &'a Batch) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let gate = self.0.lock().gate.clone();
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            self.append_now(batch)
        })
    }

    fn logs(&mut self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(async { Ok(vec![LOG.to_owned()]) })
    }

    fn head<'a>(&'a mut self, _: &'a str) -> StoreFuture<'a, Head> {
        let state = self.0.lock();
        let head = Head {
            size: state.events.len() as u64,
            last_id: state.events.last().map(|row| row.event.id.clone()),
            checkpoint: state.checkpoints.last().cloned(),
        };
        Box::pin(async { Ok(head) })
    }

    fn hashes<'a>(
        &'a mut self,
        _: &'a str,
        from: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<(u64, Vec<u8>)>> {
        let state = self.0.lock();
        let rows = state
            .events
            .iter()
            .skip(usize::try_from(from).unwrap())
            .take(limit);
        let rows = rows.map(|row| (row.index, row.leaf_hash.clone())).collect();
        Box::pin(async { Ok(rows) })
    }

    fn events<'a>(
        &'a mut self,
        _: &'a str,
        from: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<Stored>> {
        let state = self.0.lock();
        let rows = state
            .events
            .iter()
            .skip(usize::try_from(from).unwrap())
            .take(limit);
        let rows = rows.cloned().collect();
        Box::pin(async { Ok(rows) })
    }

    fn checkpoints<'a>(
        &'a mut self,
        _: &'a str,
        above: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<StoredCheckpoint>> {
        let state = self.0.lock();
        let found = state
            .checkpoints
            .iter()
            .filter(|stored| stored.size > above);
        let found = found.take(limit).cloned().collect();
        Box::pin(async { Ok(found) })
    }

    fn query<'a>(&'a mut self, _: &'a Filter) -> StoreFuture<'a, Vec<Stored>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
