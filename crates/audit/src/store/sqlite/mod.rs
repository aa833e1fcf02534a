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

mod open;
mod row;

use std::fs::File;
use std::path::PathBuf;

use rusqlite::{Connection, Row, named_params, params};

use self::open::{Create, Opened, failed};
use self::row::{COLUMNS, INSERT};
use super::{
    Access, Batch, Filter, Head, PAGE_ROWS, Store, StoreError, StoreFuture, StoredCheckpoint,
    lowest, rows, signed, unsigned,
};
use crate::event::{Stored, timestamp};

/// The tables and triggers.
pub const SQLITE_SCHEMA: &str = include_str!("schema.sql");

/// A log in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// Held from the first opening for writing to the end.
    lock: Option<File>,
    open: Option<Opened>,
}

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
            Access::Read => open::for_reading(&self.path),
            Access::Write(_) if self.lock.is_some() => {
                // Never made anew while in use: an empty file would hide that the log is gone.
                open::for_writing(&self.path, Create::No)
            }
            Access::Write(log) => {
                self.lock = Some(open::lock(&self.path, log)?);
                open::for_writing(&self.path, Create::IfMissing)
            }
        };
        self.open = Some(opened?);
        Ok(())
    }

    fn append_now(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let opened = self.open.as_mut().ok_or_else(not_open)?;
        if self.lock.is_none() {
            return Err(StoreError::ReadOnly);
        }
        if open::file_id(&self.path).ok().flatten() != opened.file {
            let why = "the database file was moved or deleted while in use";
            return Err(failed(&self.path, "append", &why));
        }
        match append(&mut opened.connection, batch) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let why = "the database dropped rows without an error; is there a foreign trigger?";
                Err(failed(&self.path, "append", &why))
            }
            Err(error) => Err(failed(&self.path, "append", &error)),
        }
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
        run().map_err(|e| failed(&self.path, "read", &e))
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
            row::checkpoint,
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
        self.select(&sql, params, row::event)
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
            self.select(sql, params, row::hash)
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
            self.select(&sql, params, row::event)
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
            self.select(sql, params, row::checkpoint)
        })
    }

    fn query<'a>(&'a mut self, filter: &'a Filter) -> StoreFuture<'a, Vec<Stored>> {
        Box::pin(async move { self.query_now(filter) })
    }
}

/// Adds `batch` in one transaction; false if rows were swallowed, and then nothing is added.
fn append(connection: &mut Connection, batch: &Batch) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let expected = batch.events.len() + usize::from(batch.checkpoint.is_some());
    let mut added = 0;
    {
        let mut statement = transaction.prepare_cached(INSERT)?;
        for row in &batch.events {
            added += row::insert(&mut statement, row)?;
        }
        if let Some(checkpoint) = &batch.checkpoint {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO audit.checkpoints (log_id, tree_size, note) VALUES (?1, ?2, ?3)",
            )?;
            let params = params![batch.log, signed(checkpoint.size), checkpoint.note];
            added += statement.execute(params)?;
        }
    }
    // What a foreign trigger swallowed must not count as stored.
    if added == expected {
        transaction.commit()?;
    }
    Ok(added == expected)
}

fn not_open() -> StoreError {
    StoreError::Unavailable("the audit database is not open".to_owned())
}
