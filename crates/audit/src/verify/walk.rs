//! One pass over one log.

use std::collections::VecDeque;

use super::Progress;
use super::report::{Defect, Finding, LogReport};
use crate::checkpoint::Checkpoint;
use crate::event::Stored;
use crate::merkle::Tree;
use crate::note::{NoteError, VerifierKey};
use crate::store::{PAGE_ROWS, Store, StoreError, StoredCheckpoint};

/// A pass over the log `log`.
pub(super) struct Walk<'a> {
    log: &'a str,
    keys: Vec<VerifierKey>,
    uncovered_max: u64,
    tree: Tree,
    /// Checkpoints read ahead.
    ahead: VecDeque<StoredCheckpoint>,
    /// Every checkpoint has been read.
    all_read: bool,
    checkpoints: u64,
    covered: u64,
    /// The first event after the last good checkpoint.
    group_id: Option<String>,
    saved: Option<Checkpoint>,
}

/// Why a walk ended early.
enum Stop {
    Store(StoreError),
    Found(Finding),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Found(finding)
    }
}

// === impl Walk ===

impl<'a> Walk<'a> {
    pub(super) fn new(log: &'a str, keys: Vec<VerifierKey>, uncovered_max: u64) -> Self {
        Self {
            log,
            keys,
            uncovered_max,
            tree: Tree::default(),
            ahead: VecDeque::new(),
            all_read: false,
            checkpoints: 0,
            covered: 0,
            group_id: None,
            saved: None,
        }
    }

    pub(super) async fn run(
        mut self,
        store: &mut dyn Store,
        saved: Option<&str>,
        progress: &mut Progress<'_>,
    ) -> Result<LogReport, StoreError> {
        let finding = match self.steps(store, saved, progress).await {
            Ok(()) => None,
            Err(Stop::Found(finding)) => Some(finding),
            Err(Stop::Store(error)) => return Err(error),
        };
        Ok(LogReport {
            log: self.log.to_owned(),
            events: self.tree.size(),
            checkpoints: self.checkpoints,
            covered: self.covered,
            root: self.tree.root().to_string(),
            saved: self.saved.map(|saved| saved.size),
            finding,
        })
    }

    async fn steps(
        &mut self,
        store: &mut dyn Store,
        saved: Option<&str>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Stop> {
        if self.keys.is_empty() {
            let why = "no trusted key was given for this log";
            return Err(Finding::new(Defect::KeyMissing, why).into());
        }
        // Whatever is added from here on is left to the next verification.
        let head = store.head(self.log).await?;
        let signed = head.checkpoint.map_or(0, |checkpoint| checkpoint.size);
        let end = head.size.max(signed);
        self.open_saved(saved, end)?;
        while self.tree.size() < end {
            if !self.page(store, end).await? {
                break;
            }
            progress(self.tree.size(), end);
        }
        self.check_end(store, end).await
    }

    fn open_saved(&mut self, saved: Option<&str>, end: u64) -> Result<(), Finding> {
        let Some(note) = saved else {
            return Ok(());
        };
        let checkpoint = self.open(note).map_err(|error| {
            let detail = format!("the saved checkpoint does not verify: {error}");
            Finding::new(Defect::SavedCheckpointInvalid, detail)
        })?;
        if checkpoint.size > end {
            let size = checkpoint.size;
            let detail = format!("the saved checkpoint covers {size} events, the log has {end}");
            return Err(Finding::new(Defect::RolledBack, detail).at(end));
        }
        self.saved = Some(checkpoint);
        Ok(())
    }

    /// Reads the next rows; whether there were any.
    async fn page(&mut self, store: &mut dyn Store, end: u64) -> Result<bool, Stop> {
        let done = self.tree.size();
        // One row is read again, so that a second row of the same index can't hide between pages.
        let rows = store
            .events(self.log, done.saturating_sub(1), PAGE_ROWS)
            .await?;
        let again = usize::from(done > 0);
        if rows.len() <= again {
            return Ok(false);
        }
        for row in rows.into_iter().skip(again) {
            if self.tree.size() == end {
                break;
            }
            self.event(&row)?;
            self.checkpoint(store).await?;
        }
        Ok(true)
    }

    fn event(&mut self, row: &Stored) -> Result<(), Finding> {
        let expected = self.tree.size();
        if row.index > expected && row.index != u64::MAX {
            let detail = format!("it is missing; the next stored is event {}", row.index);
            let missing = Finding::new(Defect::EventMissing, detail);
            return Err(missing.at(expected).of(row));
        }
        if row.index != expected {
            let detail = "a second or foreign event stands here";
            let inserted = Finding::new(Defect::EventInserted, detail);
            return Err(inserted.at(row.index.min(expected)).of(row));
        }
        let Some(hash) = row.verified_hash() else {
            let detail = "it is not what was recorded: its columns do not fit its hash";
            let changed = Finding::new(Defect::EventChanged, detail);
            return Err(changed.at(expected).of(row));
        };
        if self.tree.size() == self.covered {
            self.group_id = Some(row.event.id().to_owned());
        }
        self.tree.push(hash);
        Ok(())
    }

    /// Checks what was signed of the tree as it is now.
    async fn checkpoint(&mut self, store: &mut dyn Store) -> Result<(), Stop> {
        self.fill(store).await?;
        let size = self.tree.size();
        if let Some(stored) = self.ahead.pop_front_if(|stored| stored.size <= size) {
            let signed = self.open_stored(&stored)?;
            if signed.root != self.tree.root() {
                return Err(self.rewritten().into());
            }
            self.checkpoints += 1;
            self.covered = size;
        }
        let saved = self.saved.as_ref().filter(|saved| saved.size == size);
        if saved.is_some_and(|saved| saved.root != self.tree.root()) {
            let detail = "the log's first events are not those of the saved checkpoint";
            let forked = Finding::new(Defect::Forked, detail);
            return Err(forked.at(0).through(size - 1).into());
        }
        Ok(())
    }

    fn rewritten(&self) -> Finding {
        let (first, last) = (self.covered, self.tree.size().saturating_sub(1));
        let detail = "these events are not the ones that a signed checkpoint covers";
        let mut finding = Finding::new(Defect::HistoryRewritten, detail);
        finding.id.clone_from(&self.group_id);
        finding.at(first).through(last)
    }

    async fn fill(&mut self, store: &mut dyn Store) -> Result<(), StoreError> {
        if self.ahead.is_empty() && !self.all_read {
            let above = self.tree.size().saturating_sub(1);
            let found = store.checkpoints(self.log, above, PAGE_ROWS).await?;
            self.all_read = found.is_empty();
            self.ahead = found.into();
        }
        Ok(())
    }

    async fn check_end(&mut self, store: &mut dyn Store, end: u64) -> Result<(), Stop> {
        let size = self.tree.size();
        let rest = store.checkpoints(self.log, size, 1).await?;
        if let Some(stored) = rest.first().filter(|stored| stored.size <= end) {
            let signed = self.open_stored(stored)?;
            let detail = format!(
                "it and what follows are missing: a signed checkpoint covers {} events",
                signed.size
            );
            return Err(Finding::new(Defect::LogTruncated, detail).at(size).into());
        }
        if size < end {
            let detail = "it was deleted while the log was read";
            return Err(Finding::new(Defect::EventMissing, detail).at(size).into());
        }
        let uncovered = size - self.covered;
        if uncovered > self.uncovered_max {
            let detail = format!(
                "no checkpoint covers the last {uncovered} events; a gateway leaves at most {}",
                self.uncovered_max
            );
            let finding = Finding::new(Defect::Uncovered, detail).at(self.covered);
            return Err(finding.into());
        }
        Ok(())
    }

    fn open_stored(&self, stored: &StoredCheckpoint) -> Result<Checkpoint, Finding> {
        let invalid = |why: &str| {
            let detail = format!("the checkpoint over {} events {why}", stored.size);
            Finding::new(Defect::CheckpointInvalid, detail)
        };
        let checkpoint = self
            .open(&stored.note)
            .map_err(|error| invalid(&format!("does not verify: {error}")))?;
        if checkpoint.size == stored.size {
            Ok(checkpoint)
        } else {
            Err(invalid("is filed under another size than it signs"))
        }
    }

    /// Opens `note` with the first key that has signed it.
    fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let mut refused = NoteError::Malformed;
        for key in &self.keys {
            match Checkpoint::open(note, key) {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}
