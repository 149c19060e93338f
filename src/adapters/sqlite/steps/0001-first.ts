/**
 * The tables of release 0.1.0.
 * Indexes cost time on the ingest path, so each answers a question that is asked all the time:
 * ids; the listing by time text; the latest of a type or of a node; the few urgent events.
 */
export const FIRST = `
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  ts TEXT NOT NULL,
  ts_us INTEGER NOT NULL,
  type TEXT NOT NULL,
  level INTEGER NOT NULL,
  alert INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  archived_at_ms INTEGER,
  node_id TEXT,
  cause TEXT,
  root TEXT,
  depth INTEGER NOT NULL,
  doc TEXT NOT NULL
) STRICT;
CREATE INDEX events_ts ON events (ts);
CREATE INDEX events_type ON events (type, ts);
CREATE INDEX events_urgent ON events (ts) WHERE level >= 40;
CREATE INDEX events_node ON events (node_id, ts) WHERE node_id IS NOT NULL;
CREATE INDEX events_archived ON events (archived_at_ms) WHERE archived = 1;

CREATE TABLE firings (
  id TEXT PRIMARY KEY,
  hook TEXT NOT NULL,
  payload TEXT NOT NULL,
  tags TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  root TEXT,
  depth INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE executions (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  handler_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  hook TEXT NOT NULL,
  subject TEXT NOT NULL,
  fired INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  replays INTEGER NOT NULL DEFAULT 0,
  ordering_key TEXT,
  created_at INTEGER NOT NULL,
  run_at INTEGER NOT NULL,
  started_at REAL,
  finished_at REAL,
  output TEXT,
  logs TEXT,
  error TEXT,
  attempts TEXT
) STRICT;
CREATE INDEX executions_open ON executions (state, handler_id, seq) WHERE state < 2;
CREATE INDEX executions_due ON executions (handler_id, run_at) WHERE state = 0;
CREATE INDEX executions_handler ON executions (handler_id);
CREATE INDEX executions_dead ON executions (state) WHERE state = 3;

CREATE TABLE handlers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hook TEXT NOT NULL,
  name TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX handlers_name ON handlers (hook, name) WHERE removed_at IS NULL;
CREATE TABLE handler_versions (
  handler_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (handler_id, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE handler_state (
  handler_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (handler_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  execution_id TEXT,
  kind TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  html TEXT,
  message_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER,
  last_error TEXT,
  sent_at INTEGER
) STRICT;
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_execution ON deliveries (execution_id);

CREATE TABLE keys (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;
