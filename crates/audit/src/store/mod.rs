//! Where logs are kept: one trait, two stores.
//!
//! | | SQLite | PostgreSQL |
//! |---|---|---|
//! | table | `audit.events` (file attached as schema `audit`; `events` when opened directly) | `audit.events` |
//! | one writer a log | lock on the file `<database>.lock` | session advisory lock |
//! | durable | WAL, `synchronous=FULL` | `synchronous_commit` not below `local` |
//! | no UPDATE, DELETE | triggers | triggers, TRUNCATE too |
//!
//! Triggers stop mistakes and honest software; whoever owns the table can drop them. That is what
//! the Merkle tree is for: see [`verify`](crate::verify).

mod postgres;
mod sqlite;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use aegis_core::Secret;
use futures_util::future::BoxFuture;

pub use self::postgres::{POSTGRES_SCHEMA, PostgresStore};
pub use self::sqlite::{SQLITE_SCHEMA, SqliteStore};
use crate::event::Stored;

/// What an operation of a store gives.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Rows read in one piece; bounds memory, whatever the log's size.
pub const PAGE_ROWS: usize = 1_000;

/// A place that holds logs. One store value is used by one task.
pub trait Store: Send + fmt::Debug {
    /// Connects, again where a connection exists. For writing, creates missing tables and takes
    /// the log's lock; after an error this brings the store back to a known state.
    fn open(&mut self, access: Access) -> StoreFuture<'_, ()>;

    /// Adds all of `batch`, durably, or nothing. After an error the outcome is unknown until
    /// [`Store::open`] has succeeded and the log has been looked at.
    fn append<'a>(&'a mut self, batch: &'a Batch) -> StoreFuture<'a, ()>;

    /// The names of the logs it holds, sorted.
    fn logs(&mut self) -> StoreFuture<'_, Vec<String>>;

    /// The end of `log`.
    fn head<'a>(&'a mut self, log: &'a str) -> StoreFuture<'a, Head>;

    /// Index and stored leaf hash of up to `limit` events of `log` from index `from` on.
    fn hashes<'a>(
        &'a mut self,
        log: &'a str,
        from: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<(u64, Vec<u8>)>>;

    /// Up to `limit` events of `log` from index `from` on, in order.
    fn events<'a>(
        &'a mut self,
        log: &'a str,
        from: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<Stored>>;

    /// Up to `limit` checkpoints of `log` that cover more than `above` events, in order.
    fn checkpoints<'a>(
        &'a mut self,
        log: &'a str,
        above: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<StoredCheckpoint>>;

    /// The events that `filter` lets through, newest first.
    fn query<'a>(&'a mut self, filter: &'a Filter) -> StoreFuture<'a, Vec<Stored>>;
}

/// What a store is opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Reading; nothing is created, no lock is taken.
    Read,
    /// Appending to the log of this name.
    Write(Arc<str>),
}

/// What is added at once.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The log.
    pub log: Arc<str>,
    /// Events in order; their indices follow one another.
    pub events: Vec<Stored>,
    /// A checkpoint over the log including these events.
    pub checkpoint: Option<StoredCheckpoint>,
}

/// A checkpoint as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// How many events it covers, by its column.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// The end of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// One more than the last index.
    pub size: u64,
    /// The id of the last event.
    pub last_id: Option<String>,
    /// The checkpoint that covers most.
    pub checkpoint: Option<StoredCheckpoint>,
}

/// Which events to show.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Only of this log.
    pub log: Option<String>,
    /// Only by this actor id.
    pub actor: Option<String>,
    /// Only of this type.
    pub event_type: Option<String>,
    /// Not before this time.
    pub since: Option<SystemTime>,
    /// Before this time.
    pub until: Option<SystemTime>,
    /// At most this many.
    pub limit: u32,
}

/// Why a store could not do it. Messages name neither credentials nor row contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The name of the store can't be read, or asks for something unsafe.
    #[error("{0}")]
    Address(String),
    /// Somebody else writes this log.
    #[error(
        "log {log} is being written by another gateway; give each gateway its own audit.origin"
    )]
    Locked {
        /// The log.
        log: String,
    },
    /// It can't be reached, or refuses.
    #[error("{0}")]
    Unavailable(String),
    /// The log is not where this gateway left it.
    #[error("{0}")]
    Diverged(String),
    /// Opened for reading.
    #[error("the store is open for reading only")]
    ReadOnly,
}

/// A store by its name in the policy.
#[derive(Clone)]
pub enum StoreAddress {
    /// `sqlite:FILE`
    Sqlite(PathBuf),
    /// `postgres://…`
    Postgres(Secret),
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            log: None,
            actor: None,
            event_type: None,
            since: None,
            until: None,
            limit: 100,
        }
    }
}

// === impl StoreAddress ===

impl StoreAddress {
    /// Reads `sqlite:FILE`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn parse(address: &Secret) -> Result<Self, StoreError> {
        let text = address.expose();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(address.clone()));
        }
        let file = text.strip_prefix("sqlite:").map(|rest| {
            // `sqlite:///var/x.db` is the absolute path that other tools write so.
            rest.strip_prefix("//").unwrap_or(rest)
        });
        match file {
            Some(file) if !file.is_empty() && !file.contains(":memory:") => {
                Ok(Self::Sqlite(file.into()))
            }
            Some(_) | None => Err(StoreError::Address(
                "write sqlite:FILE (a file on disk) or postgres://USER@HOST/DATABASE".to_owned(),
            )),
        }
    }

    /// The store, not opened yet.
    ///
    /// # Errors
    /// If the address asks for something unsafe.
    pub fn store(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Self::Sqlite(file) => Box::new(SqliteStore::new(file.clone())),
            Self::Postgres(url) => Box::new(PostgresStore::new(url)?),
        })
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite:{}", file.display()),
            // The URL may hold a password.
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

/// Opens the store named `address` for reading.
///
/// # Errors
/// If it can't be reached.
pub async fn open_reader(address: &Secret) -> Result<Box<dyn Store>, StoreError> {
    let mut store = StoreAddress::parse(address)?.store()?;
    store.open(Access::Read).await?;
    Ok(store)
}

/// A non-negative column as the number it stands for; a tampered one as a number that fits nothing.
fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// A number as a column holds it.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The lowest column value of a walk that starts at `from`; a walk from the start meets rows that
/// were planted at negative indices.
fn lowest(from: u64) -> i64 {
    if from == 0 { i64::MIN } else { signed(from) }
}

/// A row count as a column holds it.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
