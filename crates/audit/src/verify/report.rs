//! What a verification found, for people and for programs.

use std::fmt;

use serde::Serialize;

use crate::event::Stored;

/// The outcome for every log.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// By name.
    pub logs: Vec<LogReport>,
}

/// The outcome for one log.
#[derive(Debug, Clone, Serialize)]
pub struct LogReport {
    /// Its name.
    pub log: String,
    /// Events looked at and found in order.
    pub events: u64,
    /// Checkpoints that verify.
    pub checkpoints: u64,
    /// Events that a checkpoint covers.
    pub covered: u64,
    /// The root over `events`, in hex.
    pub root: String,
    /// The size of the saved checkpoint that lies on this log.
    pub saved: Option<u64>,
    /// The first thing that is wrong.
    pub finding: Option<Finding>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind.
    pub defect: Defect,
    /// The first event concerned.
    pub index: Option<u64>,
    /// The last event concerned, where it can't be said more exactly.
    pub through: Option<u64>,
    /// The id of the event at `index`, or of the next one stored if that is missing.
    pub id: Option<String>,
    /// In words.
    pub detail: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// A column does not fit the event's hash.
    EventChanged,
    /// An event is missing between others.
    EventMissing,
    /// An event stands where none can.
    EventInserted,
    /// Events and hashes fit each other, and not the signed root.
    HistoryRewritten,
    /// A checkpoint covers events that are not there.
    LogTruncated,
    /// A checkpoint can't be read or does not verify.
    CheckpointInvalid,
    /// The saved checkpoint covers more events than the log has.
    RolledBack,
    /// The saved checkpoint is of another history.
    Forked,
    /// The saved checkpoint can't be read or does not verify.
    SavedCheckpointInvalid,
    /// More events are without a checkpoint than a running gateway leaves.
    Uncovered,
    /// There is no key to verify the log with.
    KeyMissing,
    /// The whole log is missing.
    LogMissing,
}

// === impl Report ===

impl Report {
    /// Whether there are logs and nothing is wrong with any.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        !self.logs.is_empty() && self.logs.iter().all(|log| log.finding.is_none())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.logs.is_empty() {
            return writeln!(f, "BROKEN: the store holds no log");
        }
        self.logs.iter().try_for_each(|log| log.fmt(f))
    }
}

// === impl LogReport ===

impl LogReport {
    pub(super) fn absent(log: &str, finding: Finding) -> Self {
        Self {
            log: log.to_owned(),
            events: 0,
            checkpoints: 0,
            covered: 0,
            root: String::new(),
            saved: None,
            finding: Some(finding),
        }
    }
}

impl fmt::Display for LogReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, events, .. } = self;
        if let Some(finding) = &self.finding {
            writeln!(f, "log {log}: BROKEN {finding}")?;
            return writeln!(f, "  {events} events before that are in order");
        }
        let (checkpoints, covered) = (self.checkpoints, self.covered);
        writeln!(
            f,
            "log {log}: intact, {events} events, {checkpoints} checkpoints"
        )?;
        writeln!(f, "  root {}", self.root)?;
        write!(f, "  {covered} events covered by a signed checkpoint")?;
        match events.saturating_sub(covered) {
            0 => writeln!(f)?,
            rest => writeln!(f, ", the last {rest} not yet covered")?,
        }
        if let Some(size) = self.saved {
            writeln!(
                f,
                "  the saved checkpoint of {size} events lies on this log"
            )?;
        }
        Ok(())
    }
}

// === impl Finding ===

impl Finding {
    pub(super) fn new(defect: Defect, detail: impl Into<String>) -> Self {
        Self {
            defect,
            index: None,
            through: None,
            id: None,
            detail: detail.into(),
        }
    }

    pub(super) fn at(mut self, index: u64) -> Self {
        self.index = Some(index);
        self
    }

    pub(super) fn through(mut self, index: u64) -> Self {
        self.through = Some(index);
        self
    }

    pub(super) fn of(mut self, row: &Stored) -> Self {
        self.id = Some(row.event.id().to_owned());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.index, self.through) {
            (Some(first), Some(last)) if first != last => {
                write!(f, "between events {first} and {last}")?;
            }
            (Some(index), _) => write!(f, "at event {index}")?,
            (None, _) => {}
        }
        if let Some(id) = &self.id {
            write!(f, " (id {id})")?;
        }
        write!(f, ": {}", self.detail)
    }
}
