import type { DatabaseSync } from "node:sqlite";
import { LEVELS } from "@sandglass/protocol";
import { type LogItem, parseEvent, readTelemetryRecord } from "@sandglass/telemetry/reading";
import type { EraseRequest, EraseResult } from "./erase/erase-request.ts";
import { eraseRows } from "./erase/erase-rows.ts";
import { eventWords } from "./event-words.ts";
import { HostSpans } from "./host-spans.ts";
import { KnownNames } from "./known-names.ts";
import { DerivedMetrics } from "./metrics/derived-metrics.ts";
import { MetricTable } from "./metrics/metric-table.ts";
import { SampleTable } from "./metrics/sample-table.ts";
import { RunTable } from "./run-table.ts";
import { SandboxTable } from "./sandbox-table.ts";
import { ORIGIN, SpanTable } from "./span-table.ts";
import { Statements } from "./statements.ts";
import { microsOf } from "./stored-event.ts";
import { TelemetryTables } from "./telemetry-tables.ts";
import { TraceTable } from "./trace-table.ts";

/** What the store is filled from: the record, and what programs sent with OTLP. */
export const LOGS = ["events", "telemetry"] as const;
export type LogName = (typeof LOGS)[number];

/**
 * Puts what is in the logs into the tables. A batch and how far its log was read are one transaction, so that each record counts
 * exactly once, whenever the process ends.
 */
export class StoreWriter {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #orgs: KnownNames;
  readonly #types: KnownNames;
  readonly #runs: RunTable;
  readonly #sandboxes: SandboxTable;
  readonly #traces: TraceTable;
  readonly #spans: SpanTable;
  readonly #hostSpans: HostSpans;
  readonly #telemetry: TelemetryTables;
  readonly #metrics: MetricTable;
  readonly #derived: DerivedMetrics;
  readonly #samples: SampleTable;
  readonly #positions: Record<LogName, number> = { events: 0, telemetry: 0 };
  #skipped = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = new Statements(database);
    this.#orgs = new KnownNames(database, "orgs", "id");
    this.#types = new KnownNames(database, "event_types", "name");
    this.#runs = new RunTable(this.#statements);
    this.#sandboxes = new SandboxTable(this.#statements);
    this.#metrics = new MetricTable(this.#statements);
    this.#derived = new DerivedMetrics(this.#statements, this.#metrics);
    this.#samples = new SampleTable(this.#statements);
    this.#traces = new TraceTable(this.#statements);
    this.#spans = new SpanTable(this.#statements, this.#derived, this.#traces);
    this.#hostSpans = new HostSpans(this.#spans);
    this.#telemetry = new TelemetryTables(this.#statements, this.#spans, this.#metrics);
    for (const { log, position } of this.#statements.all<{ log: LogName; position: number }>(
      "SELECT * FROM progress",
    )) {
      this.#positions[log] = position;
    }
  }

  /** Of the last record of a log that is in the store. */
  position(log: LogName): number {
    return this.#positions[log];
  }

  /** Records that could not be understood. */
  get skipped(): number {
    return this.#skipped;
  }

  /** A log is another one than the store was filled from: everything goes. */
  clear(): void {
    const tables = [
      "events",
      "execs",
      "sandboxes",
      "run_models",
      "runs",
      "spans",
      "traces",
      "logs",
      "origins",
      "points",
      "rollups",
      "metric_series",
      "metrics",
      "samples",
    ];
    this.#inTransaction(() => {
      for (const table of tables) this.#statements.run(`DELETE FROM ${table}`);
      this.#statements.run("UPDATE progress SET position = 0");
    });
    for (const log of LOGS) this.#positions[log] = 0;
    this.forget();
  }

  /** Returns the bytes that were read. @throws what SQLite says; then nothing of the batch is there */
  apply(log: LogName, items: readonly LogItem[]): number {
    try {
      return this.#applyAll(log, items, false);
    } catch (error) {
      if (isOfDatabase(error)) throw error;
      // It was checked when it was taken. Should it be hostile in a way that nobody thought of, it must not stop the others.
      return items.reduce((bytes, item) => bytes + this.#applyAll(log, [item], true), 0);
    }
  }

  #applyAll(log: LogName, items: readonly LogItem[], mayFail: boolean): number {
    let last = this.#positions[log];
    let bytes = 0;
    const { skipped } = this;
    const apply = (hasContent: boolean): void => {
      for (const item of items) {
        if ("gap" in item) {
          last = item.gap.to;
          continue;
        }
        last = item.position;
        bytes += item.end - item.start;
        if (!hasContent) this.#skipped += 1;
        else if (log === "events") this.#addEvent(item.position, item.payload.toString("utf8"));
        else this.#addTelemetry(item.position, item.payload);
      }
      this.#spans.settle();
      this.#traces.settle();
      this.#derived.settle();
      this.#metrics.settle();
      this.#statements.run("UPDATE progress SET position = ? WHERE log = ?", last, log);
    };
    try {
      this.#inTransaction(() => apply(true));
    } catch (error) {
      this.#skipped = skipped;
      if (isOfDatabase(error) || !mayFail) throw error;
      this.#inTransaction(() => apply(false));
    }
    this.#positions[log] = last;
    return bytes;
  }

  /** Deletes what was asked for. @throws what SQLite says; then nothing of it is done */
  erase(request: EraseRequest): EraseResult {
    let result: EraseResult | undefined;
    this.#inTransaction(() => {
      result = eraseRows(this.#statements, request);
    });
    this.forget();
    return result as EraseResult;
  }

  /** Rows were removed: what is known of their numbers is not true any more. */
  forget(): void {
    this.#orgs.forget();
    this.#types.forget();
    this.#runs.forget();
    this.#sandboxes.forget();
    this.#spans.forget();
    this.#traces.forget();
    this.#metrics.forget();
    this.#derived.forget();
  }

  #addEvent(position: number, json: string): void {
    const event = parseEvent(json);
    if (event === undefined) {
      this.#skipped += 1;
      return;
    }
    const time = microsOf(event.timestamp);
    const org = this.#orgs.keyOf(event.orgId);
    const run = this.#runs.keyOf(event, org, position, time);
    const sandbox = this.#sandboxes.keyOf(event, { org, run, position, time });
    const added = this.#statements.run(
      "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      ...[
        position,
        event.id,
        event.seq,
        time,
        this.#types.keyOf(event.type),
        LEVELS.indexOf(event.level),
        org,
      ],
      ...[sandbox ?? null, run ?? null, event.traceId, event.spanId, event.parentSpanId],
      JSON.stringify(event.data),
    );
    const words = added === 0 ? "" : eventWords(event);
    if (words !== "")
      this.#statements.run("INSERT INTO events_text (rowid, text) VALUES (?, ?)", position, words);
    const stored = { event, position, time, org, run, sandbox };
    this.#runs.apply(stored);
    this.#sandboxes.apply(stored);
    this.#hostSpans.apply(stored);
    this.#samples.apply(stored);
    this.#derived.addEvent(stored);
  }

  #addTelemetry(position: number, payload: Buffer): void {
    const record = readTelemetryRecord(payload);
    if (record === undefined) {
      this.#skipped += 1;
      return;
    }
    // The host's spans about a sandbox, for its owner's endpoint: they are here from the events.
    if (record.isForwardOnly) return;
    const org = this.#orgs.keyOf(record.orgId);
    const place = {
      org,
      run: this.#runs.find(org, record.runId),
      sandbox: this.#sandboxes.find(record.sandboxId),
      origin: ORIGIN[record.origin],
    };
    this.#telemetry.apply(record, place, position);
  }

  #inTransaction(work: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#database.exec("COMMIT");
    } catch (error) {
      // Some errors (a full disk) have rolled it back already.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      this.forget();
      throw error;
    }
  }
}

function isOfDatabase(error: unknown): boolean {
  return (error as { errcode?: number }).errcode !== undefined;
}
