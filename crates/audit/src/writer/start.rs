//! Opening a log: key, tree, last checkpoint.
//!
//! 1. The store is opened and the log's lock taken.
//! 2. The tree is built again from the stored events: by their stored hashes, and for the newest
//!    [`CONTENT_EVENTS`] and whatever follows the last checkpoint by all their columns.
//! 3. At the last checkpoint's size the root must be the checkpoint's. Events after it extend the
//!    log, as after a crash. Anything else: the gateway does not start. `aegis audit verify` says
//!    more, and looks at every column of every event.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::Secret;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::commit::Writer;
use super::{Audit, SLOTS_MAX, Settings, Status};
use crate::checkpoint::Checkpoint;
use crate::keys::{self, KeyError};
use crate::merkle::{Hash, Tree};
use crate::note::{NoteError, SigningKey, VerifierKey};
use crate::store::{Access, Head, PAGE_ROWS, Store, StoreError};

/// So many of the newest events are checked by content when a log is opened.
const CONTENT_EVENTS: u64 = 100_000;
/// How long a log may be held by a gateway that is on its way out.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(3);
/// How often it is tried meanwhile.
const LOCK_RETRY_AFTER: Duration = Duration::from_millis(100);
/// Hashes read in one piece.
const HASH_ROWS: usize = 10_000;

/// Where the signing key is.
#[derive(Debug)]
pub(crate) enum KeySource {
    /// In the policy.
    Given(Secret),
    /// In a file beside this database.
    Beside(PathBuf),
}

/// What a log is opened with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) store: Box<dyn Store>,
    pub(crate) log: Arc<str>,
    pub(crate) key: KeySource,
    pub(crate) settings: Settings,
}

/// Why a log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The last checkpoint is not by this key.
    #[error(
        "the last checkpoint of log {log} does not verify with the signing key ({problem}); \
         restore the key, or start another log by setting audit.origin"
    )]
    Checkpoint {
        /// The log.
        log: String,
        /// What is wrong.
        problem: NoteError,
    },
    /// The stored events are not those of the last checkpoint.
    #[error(
        "log {log} was changed at event {index}: {problem}; run `aegis audit verify`, keep the \
         store for investigation, and start another log by setting audit.origin"
    )]
    Changed {
        /// The log.
        log: String,
        /// The first event that can't be trusted.
        index: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// The writer's thread can't be started.
    #[error("the audit writer can't be started: {0}")]
    Thread(String),
}

/// A log's end as rebuilt.
struct Rebuilt {
    tree: Tree,
    checkpointed: u64,
}

/// Walks a log's events into a tree.
struct Walk<'a> {
    log: &'a str,
    tree: Tree,
    checkpoint: Option<Checkpoint>,
}

// === impl Setup ===

impl Setup {
    /// Opens the log and starts its writer on a thread of its own: commits block, and the gateway's
    /// threads must not.
    pub(crate) async fn start(self) -> Result<Audit, StartError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let settings = self.settings;
        let status = Arc::new(Status::new(settings.queue_max));
        let (ready, opened) = oneshot::channel();
        let writer_status = status.clone();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(self.work(receiver, writer_status, ready)),
                Err(error) => drop(ready.send(Err(StartError::Thread(error.to_string())))),
            }
        };
        std::thread::Builder::new()
            .name("aegis-audit".to_owned())
            .spawn(work)
            .map_err(|e| StartError::Thread(e.to_string()))?;
        let ended = |_| StartError::Thread("it ended".to_owned());
        let verifier = opened.await.map_err(ended)??;
        Ok(handle(sender, settings, status, verifier))
    }

    /// Opens the log without a thread: the test runs the writer, under the test's clock.
    #[cfg(test)]
    pub(crate) async fn start_here(self) -> Result<(Audit, Writer), StartError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let settings = self.settings;
        let status = Arc::new(Status::new(settings.queue_max));
        let writer = self.open(receiver, status.clone()).await?;
        let verifier = writer.key.verifier().clone();
        Ok((handle(sender, settings, status, verifier), writer))
    }

    async fn work(
        self,
        receiver: mpsc::UnboundedReceiver<super::Message>,
        status: Arc<Status>,
        ready: oneshot::Sender<Result<VerifierKey, StartError>>,
    ) {
        match self.open(receiver, status).await {
            Ok(writer) => {
                let verifier = writer.key.verifier().clone();
                // If nobody waits any more, the channel is closed and the writer ends at once.
                ready.send(Ok(verifier)).ok();
                writer.run().await;
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    }

    /// Opens the store. A gateway that was just killed may hold the log for a moment still.
    async fn take_log(&mut self) -> Result<(), StoreError> {
        let deadline = Instant::now() + LOCK_WAIT_MAX;
        loop {
            match self.store.open(Access::Write(self.log.clone())).await {
                Err(StoreError::Locked { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(LOCK_RETRY_AFTER).await;
                }
                outcome => return outcome,
            }
        }
    }

    pub(super) async fn open(
        mut self,
        receiver: mpsc::UnboundedReceiver<super::Message>,
        status: Arc<Status>,
    ) -> Result<Writer, StartError> {
        self.take_log().await?;
        let head = self.store.head(&self.log).await?;
        let is_new = head.size == 0 && head.checkpoint.is_none();
        let key = match &self.key {
            KeySource::Given(encoded) => {
                SigningKey::parse(&self.log, encoded).map_err(KeyError::from)?
            }
            KeySource::Beside(database) => keys::key_beside(database, &self.log, is_new)?,
        };
        let rebuilt = rebuild(&mut *self.store, &self.log, key.verifier(), &head).await?;
        tracing::info!(
            log = %self.log,
            size = rebuilt.tree.size(),
            root = %rebuilt.tree.root(),
            verifier = %key.verifier(),
            "audit log opened"
        );
        Ok(Writer {
            store: self.store,
            log: self.log,
            key,
            settings: self.settings,
            status,
            receiver,
            tree: rebuilt.tree,
            checkpointed: rebuilt.checkpointed,
            checkpoint_due: Instant::now() + self.settings.checkpoint_every,
            retained: Vec::new(),
            unresolved: None,
            ending: false,
            closers: Vec::new(),
        })
    }
}

fn handle(
    sender: mpsc::UnboundedSender<super::Message>,
    settings: Settings,
    status: Arc<Status>,
    verifier: VerifierKey,
) -> Audit {
    Audit {
        sender,
        queue: Arc::new(Semaphore::new(settings.queue_max)),
        slots: Arc::new(Semaphore::new(SLOTS_MAX)),
        timing: settings.timing,
        status,
        verifier,
    }
}

async fn rebuild(
    store: &mut dyn Store,
    log: &str,
    key: &VerifierKey,
    head: &Head,
) -> Result<Rebuilt, StartError> {
    let open = |note: &str| {
        Checkpoint::open(note, key).map_err(|problem| StartError::Checkpoint {
            log: log.to_owned(),
            problem,
        })
    };
    let stored = head.checkpoint.as_ref();
    let checkpoint = stored.map(|stored| open(&stored.note)).transpose()?;
    let checkpointed = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let mut walk = Walk {
        log,
        tree: Tree::default(),
        checkpoint,
    };
    if stored.is_some_and(|stored| stored.size != checkpointed) {
        return Err(walk.changed("a checkpoint is filed under another size"));
    }
    let by_content = checkpointed.min(head.size.saturating_sub(CONTENT_EVENTS));
    walk.hashes(store, by_content).await?;
    walk.contents(store, head.size).await?;
    if walk.tree.size() < checkpointed {
        return Err(walk.changed("events that a checkpoint covers are missing"));
    }
    Ok(Rebuilt {
        tree: walk.tree,
        checkpointed,
    })
}

// === impl Walk ===

impl Walk<'_> {
    /// Takes the events up to `end` by their stored hashes.
    async fn hashes(&mut self, store: &mut dyn Store, end: u64) -> Result<(), StartError> {
        while self.tree.size() < end {
            let left = usize::try_from(end - self.tree.size()).unwrap_or(usize::MAX);
            let from = self.tree.size();
            let page = store.hashes(self.log, from, left.min(HASH_ROWS)).await?;
            if page.is_empty() {
                return Err(self.changed("it is missing"));
            }
            for (index, hash) in page {
                let hash = Hash::from_slice(&hash);
                self.push(index, hash)?;
            }
        }
        Ok(())
    }

    /// Takes the events up to `end` by their columns.
    async fn contents(&mut self, store: &mut dyn Store, end: u64) -> Result<(), StartError> {
        while self.tree.size() < end {
            let page = store.events(self.log, self.tree.size(), PAGE_ROWS).await?;
            if page.is_empty() {
                return Err(self.changed("it is missing"));
            }
            for row in page {
                self.push(row.index, row.verified_hash())?;
            }
        }
        Ok(())
    }

    fn push(&mut self, index: u64, hash: Option<Hash>) -> Result<(), StartError> {
        if index != self.tree.size() {
            return Err(self.changed("it is missing or out of place"));
        }
        let hash = hash.ok_or_else(|| self.changed("its columns do not fit its hash"))?;
        self.tree.push(hash);
        match &self.checkpoint {
            Some(signed) if signed.size == self.tree.size() && signed.root != self.tree.root() => {
                Err(StartError::Changed {
                    log: self.log.to_owned(),
                    index,
                    problem: "it or an earlier one is not the one that was signed",
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn changed(&self, problem: &'static str) -> StartError {
        StartError::Changed {
            log: self.log.to_owned(),
            index: self.tree.size(),
            problem,
        }
    }
}
