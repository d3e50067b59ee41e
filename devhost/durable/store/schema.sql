-- The task hub of one host: everything that survives a kill. Times are UTC texts that sort as the times do.

-- One row for each instance; `episode` counts commits, so that a stale episode can be told from a fresh one.
CREATE TABLE IF NOT EXISTS instances (
    instance_id        TEXT PRIMARY KEY,
    execution_id       TEXT NOT NULL,
    episode            INTEGER NOT NULL DEFAULT 0,
    generation         INTEGER NOT NULL DEFAULT 0,
    name               TEXT NOT NULL,
    version            TEXT NOT NULL,
    runtime_status     TEXT NOT NULL,
    input_text         TEXT,
    custom_status_text TEXT,
    output_text        TEXT,
    parent             TEXT,            -- ParentInstance of ExecutionStarted, as JSON
    created_at         TEXT NOT NULL,
    last_updated_at    TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS instances_by_creation ON instances (created_at);

-- History of the current generation: one row for each episode, its events as JSON objects joined by commas.
CREATE TABLE IF NOT EXISTS history (
    instance_id TEXT NOT NULL,
    episode     INTEGER NOT NULL,
    events      TEXT NOT NULL,
    PRIMARY KEY (instance_id, episode)
);

-- The task table of each live generation, and of each failed one for a rewind (TaskTable.to_text).
CREATE TABLE IF NOT EXISTS task_tables (
    instance_id TEXT PRIMARY KEY,
    table_text  TEXT NOT NULL
);

-- Events that wait for an instance; those with an execution ID are for that generation only.
CREATE TABLE IF NOT EXISTS inbox (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id  TEXT NOT NULL,
    execution_id TEXT,
    event        TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_by_instance ON inbox (instance_id, seq);

-- Activity calls that have no result yet, oldest first.
CREATE TABLE IF NOT EXISTS work_items (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id  TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    task_id      INTEGER NOT NULL,
    name         TEXT NOT NULL,
    input_text   TEXT NOT NULL
);

-- Entities that exist; the ID is @name@key.
CREATE TABLE IF NOT EXISTS entities (
    entity_id         TEXT PRIMARY KEY,
    name              TEXT NOT NULL,
    key               TEXT NOT NULL,
    state_text        TEXT NOT NULL,
    created_at        TEXT NOT NULL,
    last_operation_at TEXT NOT NULL
);

-- Operations that wait for an entity, in the order of their arrival; a signal has no caller.
CREATE TABLE IF NOT EXISTS entity_operations (
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
    entity_id           TEXT NOT NULL,
    name                TEXT NOT NULL,
    input_text          TEXT,
    caller_id           TEXT,
    caller_execution_id TEXT,
    caller_task_id      INTEGER
);
CREATE INDEX IF NOT EXISTS entity_operations_by_entity ON entity_operations (entity_id, seq);

CREATE TABLE IF NOT EXISTS timers (
    instance_id  TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    task_id      INTEGER NOT NULL,
    fire_at      TEXT NOT NULL,
    PRIMARY KEY (instance_id, task_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS timers_by_time ON timers (fire_at);
