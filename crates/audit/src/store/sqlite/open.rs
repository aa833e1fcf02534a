//! Opening the file: lock, mode, schema.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::SQLITE_SCHEMA;
use crate::store::StoreError;

/// The version of [`SQLITE_SCHEMA`], kept as the file's `user_version`.
const SCHEMA_VERSION: i64 = 1;
/// Our triggers on our tables.
const TRIGGERS: &str = "SELECT count(*) FROM audit.sqlite_schema WHERE type = 'trigger'
  AND (tbl_name = 'events' AND name IN ('prevent_audit_modification', 'prevent_audit_deletion',
         'prevent_audit_replacement')
    OR tbl_name = 'checkpoints' AND name IN ('prevent_checkpoint_modification',
         'prevent_checkpoint_deletion', 'prevent_checkpoint_replacement'))";
/// How many [`TRIGGERS`] there must be.
const TRIGGERS_EXPECTED: i64 = 6;
/// How long a commit waits for another process that holds the file.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);

/// A file in use.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Which file the path named then; `None` for reading.
    pub(super) file: Option<FileId>,
}

/// Device and inode.
type FileId = (u64, u64);

/// Whether a missing file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Create {
    IfMissing,
    No,
}

/// Takes the lock that makes this process the file's only writer.
pub(super) fn lock(path: &Path, log: &str) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private_file(Path::new(&name)).map_err(|e| failed(path, "lock", &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
            log: log.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(path, "lock", &error)),
    }
}

pub(super) fn for_reading(path: &Path) -> Result<Opened, StoreError> {
    let connection = attach(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    Ok(Opened {
        connection: connection.map_err(|e| failed(path, "open", &e))?,
        file: None,
    })
}

pub(super) fn for_writing(path: &Path, create: Create) -> Result<Opened, StoreError> {
    if create == Create::IfMissing {
        private_file(path).map_err(|e| failed(path, "open", &e))?;
    }
    let file = file_id(path).map_err(|e| failed(path, "open", &e))?;
    let connection = attach(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let connection = connection.map_err(|e| failed(path, "open", &e))?;
    match set_up(&connection) {
        Ok(None) => Ok(Opened { connection, file }),
        Ok(Some(why)) => Err(failed(path, "open", &why)),
        Err(error) => Err(failed(path, "open", &error)),
    }
}

fn attach(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // The attached file is opened with the flags of the connection.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_in_memory_with_flags(flags)?;
    connection.busy_timeout(BUSY_WAIT_MAX)?;
    connection.execute("ATTACH DATABASE ?1 AS audit", [path.to_string_lossy()])?;
    Ok(connection)
}

/// Durability, tables and triggers; what is wrong, if something is.
fn set_up(connection: &Connection) -> rusqlite::Result<Option<&'static str>> {
    let version: i64 = connection.query_row("PRAGMA audit.user_version", [], |row| row.get(0))?;
    if version > SCHEMA_VERSION {
        return Ok(Some("the database was made by a newer version of aegis"));
    }
    let mode: String =
        connection.query_row("PRAGMA audit.journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Ok(Some(
            "write-ahead logging (WAL) does not work on this file system",
        ));
    }
    connection.execute_batch(&format!(
        "PRAGMA audit.synchronous = FULL;
         BEGIN IMMEDIATE; {SQLITE_SCHEMA} PRAGMA audit.user_version = {SCHEMA_VERSION}; COMMIT"
    ))?;
    let triggers: i64 = connection.query_row(TRIGGERS, [], |row| row.get(0))?;
    let why = "a trigger that protects the audit tables stands on another table";
    Ok((triggers != TRIGGERS_EXPECTED).then_some(why))
}

pub(super) fn failed(path: &Path, doing: &str, why: &dyn fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("sqlite {}: {doing}: {why}", path.display()))
}

/// Opens the file, creating it for this user alone.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(unix)]
pub(super) fn file_id(path: &Path) -> io::Result<Option<FileId>> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).map(|file| Some((file.dev(), file.ino())))
}

#[cfg(not(unix))]
pub(super) fn file_id(_: &Path) -> io::Result<Option<FileId>> {
    Ok(None)
}
