//! Rows of the SQLite tables. Reading never fails on a tampered value: it is read as some text,
//! which then does not fit its hash.

use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement, params};

use crate::event::{Event, Stored};
use crate::store::{StoredCheckpoint, signed, unsigned};

/// The columns that [`event`] reads, in its order.
pub(super) const COLUMNS: &str = "log_id, leaf_index, leaf_hash, id, event_type, actor_type, \
     actor_id, resource_type, resource_id, action, details, ip_address, created_at";

/// Adds a row; the parameters are those that [`insert`] binds.
pub(super) const INSERT: &str = "INSERT INTO audit.events (log_id, leaf_index, leaf_hash, id, \
     event_type, actor_type, actor_id, resource_type, resource_id, action, details, ip_address, \
     created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

/// Runs [`INSERT`]; how many rows were added.
pub(super) fn insert(statement: &mut Statement<'_>, row: &Stored) -> rusqlite::Result<usize> {
    let event = &row.event;
    statement.execute(params![
        row.log,
        signed(row.index),
        row.leaf_hash,
        event.id,
        event.event_type,
        event.actor_type,
        event.actor_id,
        event.resource_type,
        event.resource_id,
        event.action,
        event.details,
        event.ip_address,
        event.created_at,
    ])
}

/// Reads a row of [`COLUMNS`].
pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let required = |at| Ok::<_, rusqlite::Error>(text(row, at)?.unwrap_or_default());
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
            details: required(10)?,
            ip_address: text(row, 11)?,
            created_at: required(12)?,
        },
    })
}

/// Reads `leaf_index, leaf_hash`.
pub(super) fn hash(row: &Row<'_>) -> rusqlite::Result<(u64, Vec<u8>)> {
    Ok((integer(row, 0)?, bytes(row, 1)?))
}

/// Reads `tree_size, note`.
pub(super) fn checkpoint(row: &Row<'_>) -> rusqlite::Result<StoredCheckpoint> {
    Ok(StoredCheckpoint {
        size: integer(row, 0)?,
        note: text(row, 1)?.unwrap_or_default(),
    })
}

fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => None,
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Integer(number) => Some(format!("(integer) {number}")),
        ValueRef::Real(number) => Some(format!("(real) {number}")),
        ValueRef::Blob(bytes) => Some(format!("(blob) {} bytes", bytes.len())),
    })
}

fn integer(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(match row.get_ref(at)? {
        ValueRef::Integer(number) => unsigned(number),
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Real(_) | ValueRef::Blob(_) => u64::MAX,
    })
}

fn bytes(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<u8>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Blob(bytes) => bytes.to_vec(),
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Real(_) | ValueRef::Integer(_) => Vec::new(),
    })
}
