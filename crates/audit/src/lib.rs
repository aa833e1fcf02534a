//! Wraps 1-5: one decision before dispatch, one record at the end; Merkle log on SQLite or PostgreSQL.
