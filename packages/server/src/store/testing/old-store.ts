import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "../schema.ts";

export const TRACES: readonly string[] = ["a".repeat(32), "b".repeat(32)];
/** Of which a span is left that came late: the trace itself was let go as too old. */
export const LET_GO: string = "f".repeat(32);
export const SANDBOX: string = `sbx_${"0".repeat(26)}`;
/** Unix milliseconds of the day that everything is of. */
export const DAY: number = Date.UTC(2026, 0, 5);

/** The last version whose rows are written here: in later ones they are what the steps made of them. */
const ROWS_OF = 4;

/**
 * Makes a store as a release wrote it that knew so many steps of the schema: its tables, and rows put in as it did. What a later step
 * adds is not there.
 */
export function fillOldStore(path: string, version: number): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL");
  const take = (from: number, to: number): void => {
    for (const step of MIGRATIONS.slice(from, to)) {
      if (typeof step === "string") database.exec(step);
      else step(database);
    }
  };
  take(0, Math.min(version, ROWS_OF));
  database.exec(rows(DAY * 1000));
  if (version >= 2) database.exec(points(DAY * 1000));
  if (version >= 3) {
    database.exec("INSERT INTO logs_text (rowid, text) VALUES (65536, 'Disk is on fire')");
    database.exec("INSERT INTO events_text (rowid, text) VALUES (1, 'analyst')");
  }
  take(ROWS_OF, version);
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
}

/** @param time Unix microseconds */
function rows(time: number): string {
  const [first, second] = TRACES;
  return `
    UPDATE progress SET position = 1 WHERE log = 'events';
    INSERT INTO orgs VALUES (1, 'default');
    INSERT INTO event_types VALUES (1, 'run.started');
    INSERT INTO runs (key, org, id, name, started_at, trace, first_position, last_position, last_at)
      VALUES (1, 1, 'run_one', 'analyst', ${time}, '${first}', 1, 1, ${time});
    INSERT INTO sandboxes (key, id, org, template, created_at, trace, span, first_position, last_position)
      VALUES (1, '${SANDBOX}', 1, 'python', ${time}, '${second}', '', 1, 1);
    INSERT INTO events VALUES (1, 'evt_1', 1, ${time}, 1, 1, 1, NULL, 1, '${first}', '${"c".repeat(16)}', '', '{"name":"analyst"}');
    INSERT INTO origins VALUES (1, '{"service.name":"report"}');
    INSERT INTO spans VALUES
      (1, 1, '${first}', '${"1".repeat(16)}', '', 'query', 3, ${time}, 5000, 2, 'no', NULL, 2, NULL, NULL, 'report', 1, NULL,
        '{"order.id":"order-1","db.rows":42}', NULL, NULL),
      (2, 1, '${second}', '${"2".repeat(16)}', '', 'query', 3, ${time + 1_000_000}, 7000, 0, NULL, NULL, 1, 1, NULL, 'report', 1, NULL,
        '{"order.id":"order-2"}', NULL, NULL),
      (3, 1, '${second}', '${"3".repeat(16)}', '${"2".repeat(16)}', 'rows', 3, ${time + 1_000_000}, 7000, 0, NULL, NULL, 1, 1, NULL,
        'report', 1, NULL, '{"db.rows":42}', NULL, NULL),
      (4, 1, '${LET_GO}', '${"4".repeat(16)}', '', 'late', 3, ${time}, 7000, 0, NULL, NULL, 2, NULL, NULL, 'report', 1, NULL, '{}', NULL,
        NULL);
    INSERT INTO traces VALUES
      (1, 1, '${first}', ${time}, ${time + 5000}, 1, 1, 'query', 'report', ${time}, 2, NULL, NULL),
      (2, 1, '${second}', ${time + 1_000_000}, ${time + 1_007_000}, 2, 0, 'query', 'report', ${time + 1_000_000}, 0, 1, NULL);
    INSERT INTO logs VALUES
      (65536, 1, ${time}, 17, 'Disk is on fire', '${first}', '${"1".repeat(16)}', 2, NULL, NULL, 'report', NULL, 1, NULL, '{}');`;
}

function points(time: number): string {
  const distribution = (count: number): string =>
    `{"count":${count},"sum":${count},"min":1,"max":1,"buckets":[{"scale":4,"sign":1,"at":[-1],"counts":[${count}]}]}`;
  const minute = 60_000_000;
  return `
    INSERT INTO metrics VALUES (1, 1, 'sandglass.span.duration', 1, 2, 1, 's', '', '["span.name"]', 6, ${time});
    INSERT INTO metric_series VALUES (1, 1, 'identity', 0, NULL, NULL, NULL, NULL, '{"span.name":"query"}');
    INSERT INTO points (series, time, start, distribution) VALUES
      (1, ${time}, ${time}, '${distribution(1)}'),
      (1, ${time + minute}, ${time + minute}, '${distribution(2)}'),
      (1, ${time + 30 * minute}, ${time + 30 * minute}, '${distribution(3)}');`;
}
