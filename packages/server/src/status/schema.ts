/**
 * The tables of `status.db`, a step for each version; a step that was released is never changed. `PRAGMA user_version` says how many
 * were taken. Unlike the store this is no view of the log: what is lost here is lost.
 *
 * Times are Unix milliseconds, days and hours are counted from the epoch in UTC.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- probed: what probes say, with hysteresis. shown: what is said in public, incidents and maintenance included.
  CREATE TABLE components (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    probed TEXT NOT NULL, shown TEXT NOT NULL, since INTEGER NOT NULL, reason TEXT
  );

  CREATE TABLE probes (
    component INTEGER NOT NULL, at INTEGER NOT NULL, status INTEGER NOT NULL, latency REAL,
    PRIMARY KEY (component, at)
  ) WITHOUT ROWID;
  CREATE INDEX probes_by_time ON probes (at);

  -- Milliseconds of a day in each state. What is missing from 24 hours nobody measured.
  CREATE TABLE days (
    component INTEGER NOT NULL, day INTEGER NOT NULL,
    up INTEGER NOT NULL DEFAULT 0, degraded INTEGER NOT NULL DEFAULT 0, partial INTEGER NOT NULL DEFAULT 0,
    down INTEGER NOT NULL DEFAULT 0, maintenance INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (component, day)
  ) WITHOUT ROWID;

  CREATE TABLE incidents (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, status TEXT NOT NULL, impact TEXT NOT NULL,
    automatic INTEGER NOT NULL, taken_over INTEGER NOT NULL DEFAULT 0,
    opened_at INTEGER NOT NULL, resolved_at INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX incidents_by_time ON incidents (opened_at);
  CREATE INDEX incidents_open ON incidents (opened_at) WHERE resolved_at IS NULL;
  CREATE TABLE incident_components (
    incident TEXT NOT NULL, component TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (incident, component)
  ) WITHOUT ROWID;
  CREATE TABLE incident_updates (
    key INTEGER PRIMARY KEY, incident TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL
  );
  CREATE INDEX updates_by_incident ON incident_updates (incident, key);

  CREATE TABLE maintenances (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, message TEXT NOT NULL, status TEXT NOT NULL, components TEXT NOT NULL,
    starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX maintenances_by_time ON maintenances (starts_at);

  -- What happened, for those who pass it on; each has a place of its own in it. AUTOINCREMENT: a number is never given twice.
  CREATE TABLE changes (
    position INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL
  );
  CREATE TABLE readers (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  CREATE TABLE subscribers (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, address TEXT NOT NULL, components TEXT NOT NULL, secret TEXT,
    created_at INTEGER NOT NULL, confirmed_at INTEGER, failures INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX subscribers_by_mail ON subscribers (address) WHERE kind = 'email';

  -- change: a position in changes; 0 and below are messages that no change is behind.
  CREATE TABLE deliveries (
    key INTEGER PRIMARY KEY AUTOINCREMENT, subscriber TEXT NOT NULL, change INTEGER NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (subscriber, change)
  );
  CREATE INDEX deliveries_in_order ON deliveries (subscriber, key);
  CREATE INDEX deliveries_by_time ON deliveries (due_at);

  CREATE TABLE keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
  `,
];
