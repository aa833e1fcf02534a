//! Whether the log is what was signed: finds the first event that is not.
//!
//! For each log, in one pass:
//!
//! 1. Events must follow one another without a gap; each must fit its leaf hash, which covers
//!    every column, the log's name and the index.
//! 2. The tree over them is built again. At each checkpoint's size the signature must verify and
//!    the root must be the one signed. Who changes an event and its hash is found here, to within
//!    the events between two checkpoints.
//! 3. A checkpoint that covers more events than there are shows that the end was cut off.
//! 4. A checkpoint that the operator saved elsewhere must lie on the same tree: without one, a log
//!    rolled back to an earlier state, later checkpoints and all, looks like that earlier state.
//!
//! What it does not catch: a change of events that no checkpoint covers yet (it says how many
//! there are, and refuses to call a log intact that has more than a running gateway leaves); a
//! rollback where no checkpoint was saved; anything done with the signing key itself.

mod report;
mod walk;

pub use self::report::{Defect, Finding, LogReport, Report};
use self::walk::Walk;
use crate::checkpoint::Checkpoint;
use crate::note::VerifierKey;
use crate::spec::CHECKPOINT_EVENTS;
use crate::store::{Store, StoreError};

/// What to verify against.
#[derive(Debug, Clone)]
pub struct VerifyOptions<'a> {
    /// Trusted keys. A log is verified with the key of its name, or with these under its name.
    /// A key whose log is not in the store is a finding.
    pub keys: &'a [VerifierKey],
    /// Only this log.
    pub log: Option<&'a str>,
    /// A checkpoint saved earlier (the text of the note).
    pub saved: Option<&'a str>,
    /// More events than this must not be left without a checkpoint.
    pub uncovered_max: u64,
}

/// Called with the events done and to do.
pub type Progress<'a> = dyn FnMut(u64, u64) + Send + 'a;

// === impl VerifyOptions ===

impl<'a> VerifyOptions<'a> {
    /// Verifies every log with `keys`.
    #[must_use]
    pub fn new(keys: &'a [VerifierKey]) -> Self {
        Self {
            keys,
            log: None,
            saved: None,
            uncovered_max: CHECKPOINT_EVENTS.into(),
        }
    }

    /// The trusted keys under the name `log`: those of that name, else all of them.
    fn keys_for(&self, log: &str) -> Vec<VerifierKey> {
        let named = self.keys.iter().filter(|key| key.name() == log);
        let named: Vec<VerifierKey> = named.cloned().collect();
        if !named.is_empty() {
            return named;
        }
        let renamed = self.keys.iter().filter_map(|key| key.renamed(log).ok());
        renamed.collect()
    }

    /// Logs that must be there.
    fn expected(&self) -> impl Iterator<Item = &str> {
        let keys = self.keys.iter().map(VerifierKey::name);
        let saved = self.saved.and_then(Checkpoint::claimed_origin);
        let all = keys.chain(self.log).chain(saved);
        all.filter(|name| self.log.is_none_or(|log| log == *name))
    }
}

/// Verifies the logs of `store`.
///
/// # Errors
/// If the store can't be read. What is wrong with a log is in the report.
pub async fn verify(
    store: &mut dyn Store,
    options: &VerifyOptions<'_>,
    progress: &mut Progress<'_>,
) -> Result<Report, StoreError> {
    let mut names = store.logs().await?;
    names.retain(|name| options.log.is_none_or(|log| log == name));
    let mut logs = Vec::new();
    for name in &names {
        let saved = options.saved.filter(|note| {
            // A note without an origin is malformed: each log says so.
            Checkpoint::claimed_origin(note).is_none_or(|origin| origin == name)
        });
        let walk = Walk::new(name, options.keys_for(name), options.uncovered_max);
        logs.push(walk.run(store, saved, progress).await?);
    }
    for name in options.expected() {
        if !logs.iter().any(|report| report.log == name) {
            let absent = Finding::new(Defect::LogMissing, "the store holds nothing of this log");
            logs.push(LogReport::absent(name, absent));
        }
    }
    Ok(Report { logs })
}
