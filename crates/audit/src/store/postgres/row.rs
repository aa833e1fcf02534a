//! Rows of the PostgreSQL tables, read and written as the text that is hashed.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::canonical;
use crate::event::{Event, Stored};
use crate::store::{Batch, StoreError, StoredCheckpoint, signed, unsigned};

/// The columns that [`event`] reads, in its order.
pub(super) const COLUMNS: &str = "log_id::text, leaf_index, leaf_hash, id::text, event_type::text, \
     actor_type::text, actor_id::text, resource_type::text, resource_id::text, action::text, \
     details::text, abbrev(ip_address), \
     to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";

/// Adds a batch and its checkpoint in one statement, so in one transaction and one round trip. If
/// a foreign trigger swallowed a row, the division by zero takes all of it back. The parameters
/// after the log's name are those of [`Columns`].
pub(super) const INSERT: &str = "WITH added AS (
   INSERT INTO audit.events (log_id, leaf_index, leaf_hash, id, event_type, actor_type, actor_id,
     resource_type, resource_id, action, details, ip_address, created_at)
   SELECT $1::text, e.leaf_index, e.leaf_hash, e.id::uuid, e.event_type, e.actor_type, e.actor_id,
     e.resource_type, e.resource_id, e.action, e.details::jsonb, e.ip_address::inet,
     e.created_at::timestamptz
   FROM UNNEST($2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[],
     $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
     AS e(leaf_index, leaf_hash, id, event_type, actor_type, actor_id, resource_type, resource_id,
       action, details, ip_address, created_at)
   RETURNING 1
 ), signed AS (
   INSERT INTO audit.checkpoints (log_id, tree_size, note)
   SELECT $1::text, c.tree_size, c.note FROM UNNEST($14::bigint[], $15::text[]) AS c(tree_size, note)
   RETURNING 1
 )
 SELECT 1 / ((SELECT count(*) FROM added) = cardinality($2::bigint[])
         AND (SELECT count(*) FROM signed) = cardinality($14::bigint[]))::int";

/// A batch, column by column.
#[derive(Default)]
pub(super) struct Columns<'a> {
    index: Vec<i64>,
    hash: Vec<&'a [u8]>,
    id: Vec<&'a str>,
    event_type: Vec<&'a str>,
    actor_type: Vec<&'a str>,
    actor_id: Vec<&'a str>,
    resource_type: Vec<Option<&'a str>>,
    resource_id: Vec<Option<&'a str>>,
    action: Vec<&'a str>,
    details: Vec<&'a str>,
    ip_address: Vec<Option<&'a str>>,
    created_at: Vec<&'a str>,
    size: Vec<i64>,
    note: Vec<&'a str>,
}

// === impl Columns ===

impl<'a> Columns<'a> {
    pub(super) fn new(batch: &'a Batch) -> Self {
        let mut columns = Self::default();
        for row in &batch.events {
            columns.push(row);
        }
        if let Some(checkpoint) = &batch.checkpoint {
            columns.size.push(signed(checkpoint.size));
            columns.note.push(&checkpoint.note);
        }
        columns
    }

    fn push(&mut self, row: &'a Stored) {
        let event = &row.event;
        self.index.push(signed(row.index));
        self.hash.push(&row.leaf_hash);
        self.id.push(&event.id);
        self.event_type.push(&event.event_type);
        self.actor_type.push(&event.actor_type);
        self.actor_id.push(&event.actor_id);
        self.resource_type.push(event.resource_type.as_deref());
        self.resource_id.push(event.resource_id.as_deref());
        self.action.push(&event.action);
        self.details.push(&event.details);
        self.ip_address.push(event.ip_address.as_deref());
        self.created_at.push(&event.created_at);
    }

    /// The parameters `$2` to `$15` of [`INSERT`].
    pub(super) fn params(&self) -> [&(dyn ToSql + Sync); 14] {
        [
            &self.index,
            &self.hash,
            &self.id,
            &self.event_type,
            &self.actor_type,
            &self.actor_id,
            &self.resource_type,
            &self.resource_id,
            &self.action,
            &self.details,
            &self.ip_address,
            &self.created_at,
            &self.size,
            &self.note,
        ]
    }
}

/// Reads a row of [`COLUMNS`].
pub(super) fn event(row: &Row) -> Result<Stored, StoreError> {
    let required = |at| Ok::<_, StoreError>(text(row, at)?.unwrap_or_default());
    Ok(Stored {
        log: required(0)?.into(),
        index: integer(row, 1)?,
        leaf_hash: bytes(row, 2)?,
        event: Event {
            id: required(3)?,
            event_type: required(4)?.into(),
            actor_type: required(5)?.into(),
            actor_id: required(6)?,
            resource_type: text(row, 7)?.map(Into::into),
            resource_id: text(row, 8)?,
            action: required(9)?.into(),
            details: details(text(row, 10)?),
            ip_address: text(row, 11)?.map(address),
            created_at: required(12)?,
        },
    })
}

/// Reads `leaf_index, leaf_hash`.
pub(super) fn hash(row: &Row) -> Result<(u64, Vec<u8>), StoreError> {
    Ok((integer(row, 0)?, bytes(row, 1)?))
}

/// Reads `tree_size, note`.
pub(super) fn checkpoint(row: &Row) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint {
        size: integer(row, 0)?,
        note: text(row, 1)?.unwrap_or_default(),
    })
}

/// JSONB's text in canonical form; what we can't have written stays as it is and fits no hash.
fn details(text: Option<String>) -> String {
    let text = text.unwrap_or_default();
    canonical::recanonicalize(&text).unwrap_or(text)
}

/// An address in the form that was hashed; one with a netmask stays as it is and fits no hash.
fn address(text: String) -> String {
    text.parse::<std::net::IpAddr>()
        .map_or(text, |address| address.to_string())
}

pub(super) fn text(row: &Row, at: usize) -> Result<Option<String>, StoreError> {
    row.try_get(at).map_err(unreadable)
}

fn integer(row: &Row, at: usize) -> Result<u64, StoreError> {
    let value: Option<i64> = row.try_get(at).map_err(unreadable)?;
    Ok(value.map_or(u64::MAX, unsigned))
}

fn bytes(row: &Row, at: usize) -> Result<Vec<u8>, StoreError> {
    let value: Option<Vec<u8>> = row.try_get(at).map_err(unreadable)?;
    Ok(value.unwrap_or_default())
}

fn unreadable(_: tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable("postgres: a column has another type than aegis made it".to_owned())
}
