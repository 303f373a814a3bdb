import type { DatabaseSync } from "node:sqlite";
import { fillRollups } from "./metrics/fill-rollups.ts";
import { Statements } from "./statements.ts";
import { indexTrace } from "./trace-index.ts";

/** SQL, or what SQL alone cannot do. */
export type Migration = string | ((database: DatabaseSync) => void);

/**
 * The tables, a step for each version; a step that was released is never changed. `PRAGMA user_version` says how many were taken.
 *
 * Times are Unix microseconds, costs nano-dollars: whole numbers add up. What names much else (sandbox, run, organisation, type) is a number there.
 */
export const MIGRATIONS: readonly Migration[] = [
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
  `
  -- host: 1 where the daemon itself tells it, 0 where a program sent it. type: 0 gauge, 1 counter, 2 histogram. delta: points are
  -- increases, not totals. attributes: names of those that its series have, as JSON.
  CREATE TABLE metrics (
    key INTEGER PRIMARY KEY, org INTEGER NOT NULL, name TEXT NOT NULL, host INTEGER NOT NULL, type INTEGER NOT NULL,
    delta INTEGER NOT NULL, unit TEXT NOT NULL, description TEXT NOT NULL, attributes TEXT NOT NULL DEFAULT '[]',
    points INTEGER NOT NULL DEFAULT 0, last_at INTEGER NOT NULL DEFAULT 0, UNIQUE (org, name, host, type, delta, unit)
  );
  -- identity: a hash of all the rest.
  CREATE TABLE metric_series (
    key INTEGER PRIMARY KEY, metric INTEGER NOT NULL, identity TEXT NOT NULL UNIQUE, origin INTEGER NOT NULL,
    sandbox INTEGER, run INTEGER, resource INTEGER, scope INTEGER, attributes TEXT NOT NULL
  );
  CREATE INDEX series_by_metric ON metric_series (metric);
  CREATE INDEX series_by_sandbox ON metric_series (sandbox) WHERE sandbox IS NOT NULL;
  -- start: of what a total or an increase was counted over, 0 where unknown. Either a value or, of a histogram, a distribution.
  CREATE TABLE points (
    key INTEGER PRIMARY KEY, series INTEGER NOT NULL, time INTEGER NOT NULL, start INTEGER NOT NULL, value REAL, distribution TEXT
  );
  CREATE UNIQUE INDEX points_by_series ON points (series, time);

  -- Of resource.sample, its fields under their own names.
  CREATE TABLE samples (
    key INTEGER PRIMARY KEY, org INTEGER NOT NULL, sandbox INTEGER NOT NULL, time INTEGER NOT NULL,
    cpuUtilization, memoryUsageBytes, memoryLimitBytes, diskUsageBytes, diskLimitBytes, pids, oomKills, cpuMs, throttledMs,
    cpuLimit, uptimeMs, egressBytesIn, egressBytesOut, egressConnections, egressDenied
  );
  CREATE INDEX samples_by_sandbox ON samples (sandbox, time);
  CREATE INDEX samples_by_time ON samples (org, time);
  `,
  `
  -- Words of log records and of events, by key and position. Nothing but which word is where: the text itself is looked up.
  CREATE VIRTUAL TABLE logs_text USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='unicode61');
  CREATE TRIGGER logs_gone AFTER DELETE ON logs BEGIN DELETE FROM logs_text WHERE rowid = old.key; END;
  INSERT INTO logs_text (rowid, text) SELECT key, body FROM logs;
  CREATE VIRTUAL TABLE events_text USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='unicode61');
  CREATE TRIGGER events_gone AFTER DELETE ON events BEGIN DELETE FROM events_text WHERE rowid = old.position; END;
  INSERT INTO events_text (rowid, text)
    SELECT position, (SELECT group_concat(atom, ' ') FROM json_tree(events.data) WHERE json_tree.type = 'text') FROM events;
  `,
  `
  -- Nothing reads spans by time, and it was taken for those of one trace: all of an organisation's were looked through for each.
  DROP INDEX IF EXISTS spans_by_time;
  `,
  `
  -- Points of what the daemon derives, by the quarter of an hour: what asks for longer steps reads these.
  CREATE TABLE rollups (key INTEGER PRIMARY KEY, series INTEGER NOT NULL, time INTEGER NOT NULL, distribution TEXT NOT NULL);
  CREATE UNIQUE INDEX rollups_by_series ON rollups (series, time);

  -- Which traces have a span with an attribute: hashes of names with their values, in a row for each batch of a trace that came at once.
  -- rowid: the trace's key * 2^20 + the batch. A hash tells where to look, never that it is there.
  ALTER TABLE traces ADD COLUMN batches INTEGER NOT NULL DEFAULT 1;
  CREATE VIRTUAL TABLE traces_attributes USING fts5(words, content='', contentless_delete=1, detail=none, tokenize='ascii');
  CREATE TRIGGER traces_gone AFTER DELETE ON traces BEGIN
    DELETE FROM traces_attributes WHERE rowid >= old.key * 1048576 AND rowid < (old.key + 1) * 1048576;
  END;
  `,
  (database) => {
    const statements = new Statements(database);
    fillRollups(statements);
    const traces = statements.all<{ key: number; org: number; trace: string }>(
      "SELECT key, org, trace FROM traces",
    );
    for (const { key, org, trace } of traces) {
      indexTrace(
        statements,
        key,
        "SELECT sandbox, attributes FROM spans WHERE org = ? AND trace = ?",
        org,
        trace,
      );
    }
  },
  `
  -- Spans name their trace by its number: those of one that is new come behind all others in the index, where the id's place is anywhere.
  -- A trace is there as long as a span is: spans whose trace was let go as too old go as well. Spans of a sandbox are looked for when they
  -- are deleted, which writes the whole file anew; an index of them costs each that comes.
  DROP INDEX spans_once;
  DROP INDEX spans_by_sandbox;
  ALTER TABLE spans RENAME TO spans_by_id;
  CREATE TABLE spans (
    key INTEGER PRIMARY KEY, org INTEGER NOT NULL, trace INTEGER NOT NULL, span TEXT NOT NULL, parent TEXT NOT NULL,
    name TEXT NOT NULL, kind INTEGER NOT NULL, start INTEGER NOT NULL, duration INTEGER NOT NULL,
    status INTEGER NOT NULL, message TEXT, cause TEXT, origin INTEGER NOT NULL, sandbox INTEGER, run INTEGER,
    service TEXT NOT NULL, resource INTEGER, scope INTEGER, attributes TEXT NOT NULL, events TEXT, links TEXT
  );
  INSERT INTO spans
    SELECT old.key, old.org, traces.key, span, parent, name, kind, old.start, duration, status, message, cause, origin, old.sandbox,
      old.run, old.service, resource, scope, attributes, events, links
    FROM spans_by_id AS old JOIN traces ON traces.org = old.org AND traces.trace = old.trace ORDER BY old.key;
  DROP TABLE spans_by_id;
  CREATE UNIQUE INDEX spans_once ON spans (trace, span, origin, coalesce(sandbox, 0));
  `,
  `
  -- As JSON, where it sent something.
  ALTER TABLE samples ADD COLUMN telemetry;
  `,
];
