-- The audit tables in SQLite, in the attached schema `audit`. Times are UTC text of fixed length,
-- so that they sort; ids and addresses are text in their usual form; details are canonical JSON.
CREATE TABLE IF NOT EXISTS audit.events (
  id TEXT PRIMARY KEY NOT NULL,
  event_type TEXT NOT NULL CHECK (length(event_type) <= 100),
  actor_type TEXT NOT NULL CHECK (length(actor_type) <= 20),
  actor_id TEXT NOT NULL CHECK (length(actor_id) <= 100),
  resource_type TEXT CHECK (length(resource_type) <= 100),
  resource_id TEXT CHECK (length(resource_id) <= 100),
  action TEXT NOT NULL CHECK (length(action) <= 50),
  details TEXT DEFAULT '{}',
  ip_address TEXT,
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
  log_id TEXT NOT NULL CHECK (length(log_id) <= 100),
  leaf_index INTEGER NOT NULL CHECK (leaf_index >= 0),
  leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
  UNIQUE (log_id, leaf_index)
) STRICT;

CREATE INDEX IF NOT EXISTS audit.events_created_at ON events (created_at);

-- Signed tree heads (C2SP tlog-checkpoint), one row each.
CREATE TABLE IF NOT EXISTS audit.checkpoints (
  log_id TEXT NOT NULL CHECK (length(log_id) <= 100),
  tree_size INTEGER NOT NULL CHECK (tree_size >= 0),
  note TEXT NOT NULL,
  PRIMARY KEY (log_id, tree_size)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS audit.prevent_audit_modification BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'audit events cannot be changed'); END;

CREATE TRIGGER IF NOT EXISTS audit.prevent_audit_deletion BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'audit events cannot be deleted'); END;

-- INSERT OR REPLACE deletes without running the delete trigger.
CREATE TRIGGER IF NOT EXISTS audit.prevent_audit_replacement BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM events WHERE log_id = NEW.log_id AND leaf_index = NEW.leaf_index)
BEGIN SELECT RAISE(ABORT, 'audit events cannot be replaced'); END;

CREATE TRIGGER IF NOT EXISTS audit.prevent_checkpoint_modification BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'audit checkpoints cannot be changed'); END;

CREATE TRIGGER IF NOT EXISTS audit.prevent_checkpoint_deletion BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'audit checkpoints cannot be deleted'); END;

CREATE TRIGGER IF NOT EXISTS audit.prevent_checkpoint_replacement BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE log_id = NEW.log_id AND tree_size = NEW.tree_size)
BEGIN SELECT RAISE(ABORT, 'audit checkpoints cannot be replaced'); END;
