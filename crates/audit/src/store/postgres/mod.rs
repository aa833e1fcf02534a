//! The log in PostgreSQL.
//!
//! 1. One connection, one prepared statement: a batch and its checkpoint are a single INSERT, so
//!    one round trip and one flush of the server's log.
//! 2. The log's lock is a session advisory lock. A session that this gateway lost is ended before
//!    the lock is asked for again, so that what it was committing is decided.
//! 3. The triggers must be there before the first event is written.
//! 4. PostgreSQL 14 or later. A session, not a transaction, is the unit: poolers in transaction mode (PgBouncer) do not
//!    keep the lock; the unique index on `(log_id, leaf_index)` still keeps two writers apart.

mod connect;
mod row;

use std::fmt;
use std::time::Duration;

use aegis_core::Secret;
use aws_lc_rs::digest::{SHA256, digest};
use tokio::task::JoinSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use self::connect::Connector;
use self::row::{COLUMNS, Columns, INSERT, text};
use super::{
    Access, Batch, Filter, Head, PAGE_ROWS, Store, StoreError, StoreFuture, StoredCheckpoint,
    lowest, rows, signed,
};
use crate::event::{Stored, timestamp};

/// The tables, functions and triggers.
pub const POSTGRES_SCHEMA: &str = include_str!("schema.sql");
/// How long one operation may take.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// Session settings. A role or database default must not turn durability off, and the server must
/// notice soon that a gateway is gone, for its session holds the log's lock.
const SESSION: &str = "SET statement_timeout = '10s'; SET lock_timeout = '5s';
  SET idle_in_transaction_session_timeout = '10s'; SET TIME ZONE 'UTC';
  SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
  SET tcp_user_timeout = '15s';
  SELECT set_config('synchronous_commit', 'on', false)
  WHERE current_setting('synchronous_commit') = 'off'";
/// Our triggers that are enabled in every session role but `replica`.
const TRIGGERS: &str = "SELECT count(*) FROM pg_trigger
  WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')
    AND (tgrelid = to_regclass('audit.events')
         AND tgname IN ('prevent_audit_modification', 'prevent_audit_truncation')
      OR tgrelid = to_regclass('audit.checkpoints')
         AND tgname IN ('prevent_checkpoint_modification', 'prevent_checkpoint_truncation'))";
/// How many [`TRIGGERS`] there must be.
const TRIGGERS_EXPECTED: i64 = 4;
/// Advisory lock under which one gateway at a time creates the tables.
const SCHEMA_LOCK: i64 = 0x6165_6769_7300_0001;

/// A log in PostgreSQL.
pub struct PostgresStore {
    connector: Connector,
    session: Option<Session>,
    /// Server process and start time of the session that last held the lock.
    holder: Option<(i32, String)>,
}

struct Session {
    client: Client,
    insert: Option<Statement>,
    /// Drives the connection; ends it when dropped.
    _driver: JoinSet<()>,
}

// === impl PostgresStore ===

impl PostgresStore {
    /// The store at `url`, not opened yet.
    ///
    /// # Errors
    /// If the URL can't be read or asks for plain text to another host.
    pub fn new(url: &Secret) -> Result<Self, StoreError> {
        Ok(Self {
            connector: Connector::new(url)?,
            session: None,
            holder: None,
        })
    }

    async fn open_now(&mut self, access: Access) -> Result<(), StoreError> {
        self.session = None;
        let (client, driver) = answered(self.connector.connect()).await?;
        answered(client.batch_execute(SESSION)).await?;
        let insert = match access {
            Access::Read => None,
            Access::Write(log) => {
                if setting(&client, "fsync").await?.as_deref() != Some("on") {
                    tracing::warn!("postgres runs with fsync off: a crash loses audit events");
                }
                prepare_tables(&client).await?;
                self.take_lock(&client, &log).await?;
                Some(answered(client.prepare(INSERT)).await?)
            }
        };
        self.session = Some(Session {
            client,
            insert,
            _driver: driver,
        });
        Ok(())
    }

    async fn take_lock(&mut self, client: &Client, log: &str) -> Result<(), StoreError> {
        if let Some((pid, started)) = &self.holder {
            // The old session may be committing still; once it is gone its outcome is visible.
            let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                       WHERE pid = $1 AND backend_start::text = $2";
            answered(client.query(end, &[pid, started])).await?;
        }
        let lock = "SELECT pg_try_advisory_lock($1), pg_backend_pid(),
                      (SELECT backend_start::text FROM pg_stat_activity
                       WHERE pid = pg_backend_pid())";
        let row = answered(client.query_one(lock, &[&lock_number(log)])).await?;
        if !matches!(row.try_get(0), Ok(true)) {
            return Err(StoreError::Locked {
                log: log.to_owned(),
            });
        }
        self.holder = row.try_get(1).ok().zip(text(&row, 2)?);
        Ok(())
    }

    async fn append_now(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let session = self.session.as_ref().ok_or_else(not_open)?;
        let insert = session.insert.as_ref().ok_or(StoreError::ReadOnly)?;
        let columns = Columns::new(batch);
        let log: &str = &batch.log;
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&log];
        params.extend(columns.params());
        answered(session.client.query_one(insert, &params)).await?;
        Ok(())
    }

    /// All rows of a query; `read` makes a value of each.
    async fn select<T>(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
        read: fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let client = &self.session.as_ref().ok_or_else(not_open)?.client;
        let found = answered(client.query(sql, params)).await?;
        found.iter().map(read).collect()
    }

    async fn logs_now(&self) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> = Vec::new();
        loop {
            // One index probe a log, where DISTINCT would read the whole table.
            let after = if names.is_empty() { ">=" } else { ">" };
            let sql = format!(
                "SELECT min(log) FROM (
                   SELECT min(log_id)::text AS log FROM audit.events WHERE log_id {after} $1::text
                   UNION ALL
                   SELECT min(log_id)::text FROM audit.checkpoints WHERE log_id {after} $1::text
                 ) AS names"
            );
            let last = names.last().map_or("", String::as_str);
            let next = self.select(&sql, &[&last], |row| text(row, 0)).await?;
            match next.into_iter().flatten().next() {
                Some(name) => names.push(name),
                None => return Ok(names),
            }
        }
    }

    async fn head_now(&self, log: &str) -> Result<Head, StoreError> {
        let last = "SELECT leaf_index, leaf_hash, id::text FROM audit.events
                    WHERE log_id = $1::text ORDER BY leaf_index DESC LIMIT 1";
        let read = |row: &Row| Ok((row::hash(row)?.0, text(row, 2)?));
        let last = self.select(last, &[&log], read).await?;
        let signed = "SELECT tree_size, note FROM audit.checkpoints
                      WHERE log_id = $1::text ORDER BY tree_size DESC LIMIT 1";
        let signed = self.select(signed, &[&log], row::checkpoint).await?;
        let checkpoint = signed.into_iter().next();
        let (size, last_id) = last
            .into_iter()
            .next()
            .map_or((0, None), |(index, id)| (index.saturating_add(1), id));
        Ok(Head {
            size,
            last_id,
            checkpoint,
        })
    }

    async fn query_now(&self, filter: &Filter) -> Result<Vec<Stored>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM audit.events
             WHERE ($1::text IS NULL OR log_id = $1)
               AND ($2::text IS NULL OR actor_id = $2)
               AND ($3::text IS NULL OR event_type = $3)
               AND ($4::text IS NULL OR created_at >= $4::text::timestamptz)
               AND ($5::text IS NULL OR created_at < $5::text::timestamptz)
             ORDER BY created_at DESC, leaf_index DESC LIMIT $6"
        );
        let (since, until) = (filter.since.map(timestamp), filter.until.map(timestamp));
        let limit = i64::from(filter.limit);
        let params: [&(dyn ToSql + Sync); 6] = [
            &filter.log,
            &filter.actor,
            &filter.event_type,
            &since,
            &until,
            &limit,
        ];
        self.select(&sql, &params, row::event).await
    }
}

#[cfg(test)]
impl PostgresStore {
    /// A setting of the open session.
    pub(crate) async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        setting(&self.session.as_ref().ok_or_else(not_open)?.client, name).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("open", &self.session.is_some())
            .finish_non_exhaustive()
    }
}

impl Store for PostgresStore {
    fn open(&mut self, access: Access) -> StoreFuture<'_, ()> {
        Box::pin(self.open_now(access))
    }

    fn append<'a>(&'a mut self, batch: &'a Batch) -> StoreFuture<'a, ()> {
        Box::pin(self.append_now(batch))
    }

    fn logs(&mut self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(self.logs_now())
    }

    fn head<'a>(&'a mut self, log: &'a str) -> StoreFuture<'a, Head> {
        Box::pin(self.head_now(log))
    }

    fn hashes<'a>(
        &'a mut self,
        log: &'a str,
        from: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<(u64, Vec<u8>)>> {
        let sql = "SELECT leaf_index, leaf_hash FROM audit.events
                   WHERE log_id = $1::text AND leaf_index >= $2 ORDER BY leaf_index LIMIT $3";
        Box::pin(async move {
            let (from, limit) = (lowest(from), rows(limit));
            self.select(sql, &[&log, &from, &limit], row::hash).await
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
                 WHERE log_id = $1::text AND leaf_index >= $2 ORDER BY leaf_index LIMIT $3"
            );
            let (from, limit) = (lowest(from), rows(limit.min(PAGE_ROWS)));
            self.select(&sql, &[&log, &from, &limit], row::event).await
        })
    }

    fn checkpoints<'a>(
        &'a mut self,
        log: &'a str,
        above: u64,
        limit: usize,
    ) -> StoreFuture<'a, Vec<StoredCheckpoint>> {
        let sql = "SELECT tree_size, note FROM audit.checkpoints
                   WHERE log_id = $1::text AND tree_size > $2 ORDER BY tree_size LIMIT $3";
        Box::pin(async move {
            let (above, limit) = (signed(above), rows(limit));
            self.select(sql, &[&log, &above, &limit], row::checkpoint)
                .await
        })
    }

    fn query<'a>(&'a mut self, filter: &'a Filter) -> StoreFuture<'a, Vec<Stored>> {
        Box::pin(self.query_now(filter))
    }
}

async fn setting(client: &Client, name: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT current_setting($1)";
    text(&answered(client.query_one(sql, &[&name])).await?, 0)
}

/// Makes sure that tables and triggers are there.
async fn prepare_tables(client: &Client) -> Result<(), StoreError> {
    if triggers(client).await? == TRIGGERS_EXPECTED {
        return Ok(());
    }
    let create =
        format!("BEGIN; SELECT pg_advisory_xact_lock({SCHEMA_LOCK}); {POSTGRES_SCHEMA} COMMIT");
    if let Err(error) = answered(client.batch_execute(&create)).await {
        return Err(StoreError::Unavailable(format!(
            "the audit tables or their triggers are missing and can't be created ({error}); \
             run crates/audit/src/store/postgres/schema.sql as the database's owner"
        )));
    }
    match triggers(client).await? {
        TRIGGERS_EXPECTED => Ok(()),
        _ => Err(StoreError::Unavailable(
            "a trigger that protects the audit tables is disabled; enable it".to_owned(),
        )),
    }
}

async fn triggers(client: &Client) -> Result<i64, StoreError> {
    let row = answered(client.query_one(TRIGGERS, &[])).await?;
    Ok(row.try_get(0).unwrap_or_default())
}

/// The advisory lock of the log `log`.
fn lock_number(log: &str) -> i64 {
    let hash = digest(&SHA256, format!("aegis-audit\n{log}").as_bytes());
    let first = hash.as_ref().first_chunk::<8>().copied();
    i64::from_be_bytes(first.unwrap_or_default())
}

/// Bounds an operation's time and makes its error one that may be logged.
async fn answered<T>(
    operation: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER_WAIT_MAX, operation).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(StoreError::Unavailable(describe(&error))),
        Err(_) => Err(StoreError::Unavailable("postgres: no answer".to_owned())),
    }
}

/// An error without its DETAIL line, which repeats values of rows.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) if *db.code() == SqlState::DIVISION_BY_ZERO => {
            "postgres dropped rows without an error; is there a foreign trigger or rule?".to_owned()
        }
        Some(db) => format!("postgres: {} ({})", db.message(), db.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("postgres: {error}: {cause}"),
            None => format!("postgres: {error}"),
        },
    }
}

fn not_open() -> StoreError {
    StoreError::Unavailable("postgres: not connected".to_owned())
}
