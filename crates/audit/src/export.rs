//! The log as JSON lines, for archives and for verification by other programs.
//!
//! Two kinds of lines: `{"type":"event","leaf_hash":…,"leaf":…}`, where `leaf` is the object whose
//! RFC 8785 form, after a zero byte, has the SHA-256 `leaf_hash`; and
//! `{"type":"checkpoint","log":…,"size":…,"note":…}` behind the events that it covers. Nothing is
//! checked here: an export of a broken log shows the broken log.

use std::io::Write;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::canonical;
use crate::event::Stored;
use crate::store::{PAGE_ROWS, Store, StoreError, StoredCheckpoint};

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output can't be written.
    #[error("the output can't be written: {0}")]
    Output(#[from] std::io::Error),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Event {
        leaf_hash: String,
        leaf: &'a RawValue,
    },
    Checkpoint {
        log: &'a str,
        size: u64,
        note: &'a str,
    },
}

/// Writes every log of `store`, or only `log`, to `out`; how many events there were.
///
/// # Errors
/// If the store can't be read or the output not be written.
pub async fn export(
    store: &mut dyn Store,
    log: Option<&str>,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    let mut names = store.logs().await?;
    names.retain(|name| log.is_none_or(|log| log == name));
    let mut events = 0;
    for name in &names {
        events += export_log(store, name, out).await?;
    }
    out.flush()?;
    Ok(events)
}

async fn export_log(
    store: &mut dyn Store,
    log: &str,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    let mut next = 0;
    let mut events = 0;
    loop {
        let rows = store.events(log, next, PAGE_ROWS).await?;
        let Some(last) = rows.last() else {
            break;
        };
        let end = last.index.saturating_add(1);
        let signed = store.checkpoints(log, next, PAGE_ROWS).await?;
        let mut signed = signed.iter().filter(|signed| signed.size <= end).peekable();
        for row in &rows {
            write_event(row, out)?;
            events += 1;
            while let Some(checkpoint) = signed.next_if(|signed| signed.size <= row.index + 1) {
                write_checkpoint(log, checkpoint, out)?;
            }
        }
        next = end;
    }
    // Checkpoints over events that are gone: they tell of them.
    for checkpoint in store.checkpoints(log, next, PAGE_ROWS).await? {
        write_checkpoint(log, &checkpoint, out)?;
    }
    Ok(events)
}

fn write_event(row: &Stored, out: &mut (dyn Write + Send)) -> Result<(), ExportError> {
    let leaf = canonical::leaf(&row.log, row.index, &row.event);
    let leaf = String::from_utf8(leaf).unwrap_or_default();
    // A tampered row may not be JSON any more; it goes out as a string then.
    let leaf = RawValue::from_string(leaf.clone())
        .or_else(|_| serde_json::value::to_raw_value(&leaf))
        .map_err(std::io::Error::from)?;
    let leaf_hash = row.leaf_hash.iter().map(|byte| format!("{byte:02x}"));
    let leaf_hash = leaf_hash.collect();
    write_line(
        &Line::Event {
            leaf_hash,
            leaf: &leaf,
        },
        out,
    )
}

fn write_checkpoint(
    log: &str,
    checkpoint: &StoredCheckpoint,
    out: &mut (dyn Write + Send),
) -> Result<(), ExportError> {
    let (size, note) = (checkpoint.size, checkpoint.note.as_str());
    write_line(&Line::Checkpoint { log, size, note }, out)
}

fn write_line(line: &Line<'_>, out: &mut (dyn Write + Send)) -> Result<(), ExportError> {
    serde_json::to_writer(&mut *out, line).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}
