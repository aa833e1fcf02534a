-- The audit tables in PostgreSQL. The gateway runs this once if it may; otherwise the database's
-- owner does, and grants the gateway's role no more than it needs:
--   GRANT USAGE ON SCHEMA audit TO aegis;
--   GRANT SELECT, INSERT ON audit.events, audit.checkpoints TO aegis;
CREATE SCHEMA IF NOT EXISTS audit;

CREATE TABLE IF NOT EXISTS audit.events (
  id UUID PRIMARY KEY,
  event_type VARCHAR(100) NOT NULL,
  actor_type VARCHAR(20) NOT NULL,
  actor_id VARCHAR(100) NOT NULL,
  resource_type VARCHAR(100),
  resource_id VARCHAR(100),
  action VARCHAR(50) NOT NULL,
  details JSONB DEFAULT '{}',
  ip_address INET,
  created_at TIMESTAMPTZ DEFAULT NOW(),
  log_id VARCHAR(100) COLLATE "C" NOT NULL,
  leaf_index BIGINT NOT NULL CHECK (leaf_index >= 0),
  leaf_hash BYTEA NOT NULL CHECK (octet_length(leaf_hash) = 32),
  UNIQUE (log_id, leaf_index)
);

CREATE INDEX IF NOT EXISTS events_created_at ON audit.events (created_at);

-- Signed tree heads (C2SP tlog-checkpoint), one row each.
CREATE TABLE IF NOT EXISTS audit.checkpoints (
  log_id VARCHAR(100) COLLATE "C" NOT NULL,
  tree_size BIGINT NOT NULL CHECK (tree_size >= 0),
  note TEXT NOT NULL,
  PRIMARY KEY (log_id, tree_size)
);

CREATE OR REPLACE FUNCTION audit.prevent_modification() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  RAISE EXCEPTION '%.% cannot be changed', TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE OR REPLACE TRIGGER prevent_audit_modification
  BEFORE UPDATE OR DELETE ON audit.events
  FOR EACH ROW EXECUTE FUNCTION audit.prevent_modification();

CREATE OR REPLACE TRIGGER prevent_audit_truncation
  BEFORE TRUNCATE ON audit.events
  FOR EACH STATEMENT EXECUTE FUNCTION audit.prevent_modification();

CREATE OR REPLACE TRIGGER prevent_checkpoint_modification
  BEFORE UPDATE OR DELETE ON audit.checkpoints
  FOR EACH ROW EXECUTE FUNCTION audit.prevent_modification();

CREATE OR REPLACE TRIGGER prevent_checkpoint_truncation
  BEFORE TRUNCATE ON audit.checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION audit.prevent_modification();
