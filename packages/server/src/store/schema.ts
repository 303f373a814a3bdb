/**
 * The tables, a step for each version; a step that was released is never changed. `PRAGMA user_version` says how many were taken.
 *
 * Times are Unix microseconds, costs nano-dollars: whole numbers add up. What names much else (sandbox, run, organisation, type) is a number there.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE progress (log TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO progress VALUES ('events', 0), ('telemetry', 0);

  CREATE TABLE orgs (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
  CREATE TABLE event_types (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

  CREATE TABLE runs (
    key INTEGER PRIMARY KEY, org INTEGER NOT NULL, id TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '', agent TEXT, metadata TEXT,
    status TEXT NOT NULL DEFAULT 'running', error TEXT,
    started_at INTEGER NOT NULL, ended_at INTEGER, duration_ms REAL,
    trace TEXT NOT NULL, span TEXT NOT NULL DEFAULT '',
    first_position INTEGER NOT NULL, last_position INTEGER NOT NULL, last_at INTEGER NOT NULL,
    sandboxes INTEGER NOT NULL DEFAULT 0, execs INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
    tool_calls INTEGER NOT NULL DEFAULT 0, tool_errors INTEGER NOT NULL DEFAULT 0, agent_errors INTEGER NOT NULL DEFAULT 0,
    llm_calls INTEGER NOT NULL DEFAULT 0, unpriced_calls INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0, cached_tokens INTEGER NOT NULL DEFAULT 0,
    llm_cost INTEGER NOT NULL DEFAULT 0, runtime_cost INTEGER NOT NULL DEFAULT 0,
    UNIQUE (org, id)
  );
  CREATE INDEX runs_by_time ON runs (org, started_at);
  CREATE TABLE run_models (
    run INTEGER NOT NULL, model TEXT NOT NULL, calls INTEGER NOT NULL, unpriced_calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cost INTEGER NOT NULL,
    PRIMARY KEY (run, model)
  ) WITHOUT ROWID;

  CREATE TABLE sandboxes (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, org INTEGER NOT NULL, run INTEGER,
    template TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '', isolation TEXT NOT NULL DEFAULT '', metadata TEXT,
    vcpu REAL, memory_mb INTEGER, disk_mb INTEGER,
    state TEXT NOT NULL DEFAULT 'running', cause TEXT, reason TEXT,
    created_at INTEGER NOT NULL, ended_at INTEGER, create_ms REAL,
    trace TEXT NOT NULL, span TEXT NOT NULL,
    execs INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, cpu_ms REAL NOT NULL DEFAULT 0,
    cost INTEGER NOT NULL DEFAULT 0,
    first_position INTEGER NOT NULL, last_position INTEGER NOT NULL
  );
  CREATE INDEX sandboxes_by_time ON sandboxes (org, created_at);
  CREATE INDEX sandboxes_by_run ON sandboxes (run) WHERE run IS NOT NULL;

  CREATE TABLE execs (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, org INTEGER NOT NULL, sandbox INTEGER NOT NULL, run INTEGER,
    trace TEXT NOT NULL, span TEXT NOT NULL, parent TEXT NOT NULL,
    kind TEXT NOT NULL, language TEXT, context TEXT, subject TEXT,
    started_at INTEGER NOT NULL, ended_at INTEGER, duration_ms REAL,
    exit_code INTEGER, signal TEXT, cause TEXT, reason TEXT,
    cpu_ms REAL, max_rss_bytes INTEGER, stdout_bytes INTEGER, stderr_bytes INTEGER
  );
  CREATE INDEX execs_by_sandbox ON execs (sandbox);
  CREATE INDEX execs_by_run ON execs (run) WHERE run IS NOT NULL;
  CREATE INDEX execs_by_time ON execs (org, started_at);

  CREATE TABLE events (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL,
    type INTEGER NOT NULL, level INTEGER NOT NULL, org INTEGER NOT NULL, sandbox INTEGER, run INTEGER,
    trace TEXT NOT NULL, span TEXT NOT NULL, parent TEXT NOT NULL, data TEXT NOT NULL
  );
  CREATE INDEX events_by_sandbox ON events (sandbox, position) WHERE sandbox IS NOT NULL;
  CREATE INDEX events_by_run ON events (run, position) WHERE run IS NOT NULL;
  CREATE INDEX events_by_trace ON events (trace);
  CREATE INDEX events_by_type ON events (type, position);

  -- Resources and scopes repeat from span to span: kept once, as JSON.
  CREATE TABLE origins (key INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE);

  -- origin: 0 the host itself, 1 a sandbox's telemetry, 2 that of a program with a key.
  CREATE TABLE spans (
    key INTEGER PRIMARY KEY, org INTEGER NOT NULL, trace TEXT NOT NULL, span TEXT NOT NULL, parent TEXT NOT NULL,
    name TEXT NOT NULL, kind INTEGER NOT NULL, start INTEGER NOT NULL, duration INTEGER NOT NULL,
    status INTEGER NOT NULL, message TEXT, cause TEXT, origin INTEGER NOT NULL, sandbox INTEGER, run INTEGER,
    service TEXT NOT NULL, resource INTEGER, scope INTEGER, attributes TEXT NOT NULL, events TEXT, links TEXT
  );
  CREATE UNIQUE INDEX spans_once ON spans (trace, span, origin, coalesce(sandbox, 0));
  CREATE INDEX spans_by_time ON spans (org, start);
  CREATE INDEX spans_by_sandbox ON spans (sandbox) WHERE sandbox IS NOT NULL;

  -- What a list of traces shows, kept as spans come.
  CREATE TABLE traces (
    key INTEGER PRIMARY KEY, org INTEGER NOT NULL, trace TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
    spans INTEGER NOT NULL, errors INTEGER NOT NULL,
    root TEXT NOT NULL, service TEXT NOT NULL, root_start INTEGER NOT NULL, rank INTEGER NOT NULL,
    sandbox INTEGER, run INTEGER, UNIQUE (org, trace)
  );
  CREATE INDEX traces_by_time ON traces (org, start);

  CREATE TABLE logs (
    key INTEGER PRIMARY KEY, org INTEGER NOT NULL, time INTEGER NOT NULL, severity INTEGER NOT NULL, body TEXT NOT NULL,
    trace TEXT NOT NULL, span TEXT NOT NULL, origin INTEGER NOT NULL, sandbox INTEGER, run INTEGER,
    service TEXT NOT NULL, name TEXT, resource INTEGER, scope INTEGER, attributes TEXT NOT NULL
  );
  CREATE INDEX logs_by_time ON logs (org, time);
  CREATE INDEX logs_by_trace ON logs (trace) WHERE trace != '';
  CREATE INDEX logs_by_sandbox ON logs (sandbox, time) WHERE sandbox IS NOT NULL;
  `,
];
