//! Wraps stages 1 to 5: one decision before dispatch, one record at the end.
//!
//! 1. [`RecordLayer`], outermost, writes exactly one completion event for every request;
//!    [`DecideLayer`] writes the decision before a provider sees the request.
//! 2. [`Audit`] is the queue and its writer: many events, one commit.
//! 3. Events are canonical JSON (RFC 8785) and leaves of a Merkle tree (RFC 6962). Its heads are
//!    signed with Ed25519 as C2SP checkpoints and stored with the events. Every gateway has a log
//!    of its own, named by `origin`.
//! 4. [`Store`] has two implementations, SQLite and PostgreSQL, both with the same table
//!    `audit.events` that refuses UPDATE and DELETE.
//! 5. [`verify`] finds what was changed all the same; [`export`] writes the log out.
//!
//! What it does not catch: a change of events that no checkpoint covers yet (at most one second's
//! or 256 events' worth); a log rolled back to an earlier state, unless a checkpoint was saved
//! elsewhere; whoever holds the signing key.

#![forbid(unsafe_code)]

mod canonical;
mod checkpoint;
mod decide;
mod details;
mod event;
mod export;
mod keys;
mod merkle;
mod note;
mod record;
mod spec;
mod store;
mod verify;
mod writer;

pub use canonical::{DETAILS_BYTES_MAX, Details};
pub use checkpoint::Checkpoint;
pub use decide::{DecideLayer, DecideService};
pub use event::{ACTION_CHARS_MAX, Event, NAME_CHARS_MAX, Stored};
pub use export::{ExportError, export};
pub use keys::{KeyError, key_path, public_key_path, read_public_key};
pub use merkle::{HASH_BYTES, Hash, Tree, leaf_hash, node_hash};
pub use note::{NOTE_BYTES_MAX, NoteError, SigningKey, VerifierKey};
pub use record::{RecordLayer, RecordService, Rescue};
pub use spec::{AuditSpec, BuildError, Durability};
pub use store::{
    Access, Batch, Filter, Head, PAGE_ROWS, POSTGRES_SCHEMA, PostgresStore, SQLITE_SCHEMA,
    SqliteStore, Store, StoreAddress, StoreError, StoreFuture, StoredCheckpoint, open_reader,
};
pub use verify::{Defect, Finding, LogReport, Progress, Report, VerifyOptions, verify};
pub use writer::{Audit, AuditError, StartError, Stats};

#[cfg(test)]
mod tests;
