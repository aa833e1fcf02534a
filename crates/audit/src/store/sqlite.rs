//! The log in an SQLite file.
//!
//! 1. The file is attached as schema `audit`, so `audit.events` is the table's name here as in
//!    PostgreSQL; who opens the file directly finds it as `events`.
//! 2. WAL with `synchronous=FULL`: a commit is on disk when it returns, and readers (`aegis audit`)
//!    never wait for the gateway nor it for them.
//! 3. One gateway writes: it holds a lock on `<file>.lock`, which the system drops with the
//!    process, however that ends.
//! 4. Before each commit the file at the path must still be the file that was opened; an unlinked
//!    database would take events and lose them.
//!
//! Calls block; they run on the audit log's own thread.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, named_params, params};

use super::sqlite_rows::{self, COLUMNS, INSERT};
use super::{
    Access, Batch, Filter, Head, PAGE_ROWS, Store, StoreError, StoreFuture, StoredCheckpoint,
    lowest, rows, signed, unsigned,
};
use crate::event::{Stored, timestamp};

/// The tables and triggers.
pub const SQLITE_SCHEMA: &str = include_str!("sqlite.sql");
/// The version of [`SQLITE_SCHEMA`], kept as the file's `user_version`.
const SCHEMA_VERSION: i64 = 1;
/// How long a commit waits for another process that holds the file.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);

/// A log in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// Held from the first opening for writing to the end.
    lock: Option<File>,
    open: Option<Opened>,
}

#[derive(Debug)]
struct Opened {
    connection: Connection,
    file: Option<FileId>,
}

/// Device and inode.
type FileId = (u64, u64);

// === impl SqliteStore ===

impl SqliteStore {
    /// The store in `path`, not opened yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self {
            path,
            lock: None,
            open: None,
        }
    }

    fn open_now(&mut self, access: &Access) -> Result<(), StoreError> {
        self.open = None;
        let opened = match access {
            Access::Read => {
                let connection = self.attach(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                Opened {
                    connection,
                    file: None,
                }
            }
            Access::Write(log) => {
                self.take_lock(log)?;
                self.open_for_writing()?
            }
        };
        self.open = Some(opened);
        Ok(())
    }

    fn take_lock(&mut self, log: &str) -> Result<(), StoreError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let mut path = self.path.as_os_str().to_owned();
        path.push(".lock");
        let file = private_file(Path::new(&path)).map_err(|e| self.failed("lock", &e))?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    log: log.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(self.failed("lock", &error)),
        }
        Ok(())
    }

    fn open_for_writing(&self) -> Result<Opened, StoreError> {
        private_file(&self.path).map_err(|e| self.failed("open", &e))?;
        let connection =
            self.attach(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let setup = || {
            let mode: String =
                connection.query_row("PRAGMA audit.journal_mode = WAL", [], |row| row.get(0))?;
            connection.execute_batch("PRAGMA audit.synchronous = FULL")?;
            let version: i64 =
                connection.query_row("PRAGMA audit.user_version", [], |row| row.get(0))?;
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {SQLITE_SCHEMA} PRAGMA audit.user_version = {}; COMMIT",
                version.max(SCHEMA_VERSION)
            ))?;
            Ok::<_, rusqlite::Error>((mode, version))
        };
        let (mode, version) = setup().map_err(|e| self.failed("open", &e))?;
        if mode != "wal" {
            let why = "the file system does not support write-ahead logging (WAL)";
            return Err(self.failed("open", &why));
        }
        if version > SCHEMA_VERSION {
            let why = "the database was made by a newer version of aegis";
            return Err(self.failed("open", &why));
        }
        Ok(Opened {
            connection,
            file: file_id(&self.path).map_err(|e| self.failed("open", &e))?,
        })
    }

    fn attach(&self, flags: OpenFlags) -> Result<Connection, StoreError> {
        let attach = || {
            let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_in_memory_with_flags(flags)?;
            connection.busy_timeout(BUSY_WAIT_MAX)?;
            let path = self.path.to_string_lossy();
            connection.execute("ATTACH DATABASE ?1 AS audit", [&path])?;
            Ok(connection)
        };
        attach().map_err(|e: rusqlite::Error| self.failed("open", &e))
    }

    fn append_now(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let opened = self.open.as_mut().ok_or_else(not_open)?;
        if self.lock.is_none() {
            return Err(StoreError::ReadOnly);
        }
        if file_id(&self.path).ok().flatten() != opened.file {
            let why = "the database file was moved or deleted while in use";
            return Err(self.failed("append", &why));
        }
        let added = append(&mut opened.connection, batch).map_err(|e| self.failed("append", &e))?;
        if added == batch.events.len() {
            return Ok(());
        }
        let why = "the database dropped rows without an error; is there a foreign trigger?";
        Err(self.failed("append", &why))
    }

    /// All rows of a query; `read` makes a value of each.
    fn select<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let connection = &self.open.as_ref().ok_or_else(not_open)?.connection;
        let run = || {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params, read)?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        };
        run().map_err(|e| self.failed("read", &e))
    }

    fn logs_now(&self) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> = Vec::new();
        loop {
            // One index probe a log, where DISTINCT would read the whole table.
            let after = if names.is_empty() { ">=" } else { ">" };
            let sql = format!(
                "SELECT min(log) FROM (
                   SELECT min(log_id) AS log FROM audit.events WHERE log_id {after} ?1
                   UNION ALL SELECT min(log_id) FROM audit.checkpoints WHERE log_id {after} ?1)"
            );
            let last = [names.last().map_or("", String::as_str)];
            let next = self.select(&sql, last, |row| row.get::<_, Option<String>>(0))?;
            match next.into_iter().flatten().next() {
                Some(name) => names.push(name),
                None => return Ok(names),
            }
        }
    }

    fn head_now(&self, log: &str) -> Result<Head, StoreError> {
        let last = self.select(
            "SELECT leaf_index, id FROM audit.events WHERE log_id = ?1
             ORDER BY leaf_index DESC LIMIT 1",
            [log],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        )?;
        let checkpoint = self.select(
            "SELECT tree_size, note FROM audit.checkpoints WHERE log_id = ?1
             ORDER BY tree_size DESC LIMIT 1",
            [log],
            sqlite_rows::checkpoint,
        )?;
        let (size, last_id) = last.into_iter().next().map_or((0, None), |(index, id)| {
            (unsigned(index).saturating_add(1), Some(id))
        });
        Ok(Head {
            size,
            last_id,
            checkpoint: checkpoint.into_iter().next(),
        })
    }

    fn query_now(&self, filter: &Filter) -> Result<Vec<Stored>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM audit.events
             WHERE (:log IS NULL OR log_id = :log)
               AND (:actor IS NULL OR actor_id = :actor)
               AND (:type IS NULL OR event_type = :type)
               AND (:since IS NULL OR created_at >= :since)
               AND (:until IS NULL OR created_at < :until)
             ORDER BY created_at DESC, leaf_index DESC LIMIT :limit"
        );
        let params = named_params! {
            ":log": filter.log,
            ":actor": filter.actor,
            ":type": filter.event_type,
            ":since": filter.since.map(timestamp),
            ":until": filter.until.map(timestamp),
            ":limit": filter.limit,
        };
        self.select(&sql, params, sqlite_rows::event)
    }

    fn failed(&self, doing: &str, why: &dyn std::fmt::Display) -> StoreError {
        StoreError::Unavailable(format!("sqlite {}: {doing}: {why}", self.path.display()))
    }
}

impl Store for SqliteStore {
    fn open(&mut self, access: Access) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.open_now(&access) })
    }

    fn append<'a>(&'a mut self, batch: &'a Batch) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.append_now(batch) })
    }

    fn logs(&mut self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(async move { self.logs_now() })
    }

    fn head<'a>(&'a mut self, log: &'a str) -> StoreFuture<'a, Head> {
        Box::pin(async move { self.head_now(log) })
    }

    fn hashes<'a>(
        &'a mut self,
        log: &'a str,
        from: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<(u64, Vec<u8>)>> {
        let sql = "SELECT leaf_index, leaf_hash FROM audit.events
                   WHERE log_id = ?1 AND leaf_index >= ?2 ORDER BY leaf_index LIMIT ?3";
        Box::pin(async move {
            let params = params![log, lowest(from), rows(limit)];
            self.select(sql, params, sqlite_rows::hash)
        })
    }

    fn events<'a>(
        &'a mut self,
        log: &'a str,
        from: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<Stored>> {
        Box::pin(async move {
            let sql = format!(
                "SELECT {COLUMNS} FROM audit.events
                 WHERE log_id = ?1 AND leaf_index >= ?2 ORDER BY leaf_index LIMIT ?3"
            );
            let params = params![log, lowest(from), rows(limit.min(PAGE_ROWS))];
            self.select(&sql, params, sqlite_rows::event)
        })
    }

    fn checkpoints<'a>(
        &'a mut self,
        log: &'a str,
        above: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<StoredCheckpoint>> {
        let sql = "SELECT tree_size, note FROM audit.checkpoints
                   WHERE log_id = ?1 AND tree_size > ?2 ORDER BY tree_size LIMIT ?3";
        Box::pin(async move {
            let params = params![log, signed(above), rows(limit)];
            self.select(sql, params, sqlite_rows::checkpoint)
        })
    }

    fn query<'a>(&'a mut self, filter: &'a Filter) -> StoreFuture<'a, Vec<Stored>> {
        Box::pin(async move { self.query_now(filter) })
    }
}

/// Adds `batch` in one transaction; how many events were added.
fn append(connection: &mut Connection, batch: &Batch) -> rusqlite::Result<usize> {
    let transaction = connection.transaction()?;
    let mut added = 0;
    {
        let mut statement = transaction.prepare_cached(INSERT)?;
        for row in &batch.events {
            added += sqlite_rows::insert(&mut statement, row)?;
        }
        if let Some(checkpoint) = &batch.checkpoint {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO audit.checkpoints (log_id, tree_size, note) VALUES (?1, ?2, ?3)",
            )?;
            statement.execute(params![batch.log, signed(checkpoint.size), checkpoint.note])?;
        }
    }
    // What a foreign trigger swallowed must not count as stored.
    if added == batch.events.len() {
        transaction.commit()?;
    }
    Ok(added)
}

fn not_open() -> StoreError {
    StoreError::Unavailable("the audit database is not open".to_owned())
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
fn file_id(path: &Path) -> io::Result<Option<FileId>> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).map(|file| Some((file.dev(), file.ino())))
}

#[cfg(not(unix))]
fn file_id(_: &Path) -> io::Result<Option<FileId>> {
    Ok(None)
}
