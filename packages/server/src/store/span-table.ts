import { createHash } from "node:crypto";
import type { SQLInputValue } from "node:sqlite";
import type { DerivedMetrics } from "./metrics/derived-metrics.ts";
import type { Statements } from "./statements.ts";
import type { TraceBatch, TraceTable } from "./trace-table.ts";

/** Origins whose number is kept in memory. */
const MAX_KNOWN = 5_000;

/** Who told of a span or log record; the numbers are in the tables. */
export const ORIGIN = { host: 0, sandbox: 1, client: 2 } as const;
/** By those numbers, as the API names them; undefined for the host itself. */
export const ORIGIN_NAMES = [undefined, "sandbox", "client"] as const;
/** `SpanKind` of OTLP, by number. */
export const SPAN_KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"] as const;
/** `Status.StatusCode` of OTLP. */
export const STATUS_ERROR = 2;

/** What a span or log record is told about. */
export interface TelemetryPlace {
  org: number;
  sandbox: number | undefined;
  run: number | undefined;
  origin: (typeof ORIGIN)[keyof typeof ORIGIN];
}

export interface StoredSpan {
  trace: string;
  span: string;
  /** "" of a root. */
  parent: string;
  name: string;
  kind: number;
  /** Unix microseconds. */
  start: number;
  /** Microseconds. */
  duration: number;
  status: number;
  message?: string | undefined;
  cause?: string | undefined;
  service: string;
  resource?: object | undefined;
  scope?: object | undefined;
  /** JSON of an object. */
  attributes: string;
  /** See `attributeHash`. */
  hashes: readonly number[];
  events?: readonly object[] | undefined;
  links?: readonly object[] | undefined;
}

interface Waiting {
  span: StoredSpan;
  place: TelemetryPlace;
  batch: TraceBatch;
  /** See `DerivedMetrics`. */
  series: number;
}

/** Put in by one statement: what a statement takes by itself is shared. */
const ROWS_AT_ONCE = 16;

/** Keeps the rows of spans. */
export class SpanTable {
  readonly #statements: Statements;
  readonly #derived: DerivedMetrics;
  readonly #traces: TraceTable;
  readonly #origins = new Map<string, number>();
  #waiting: Waiting[] = [];
  #originsByObject = new WeakMap<object, number>();

  /** @param derived, traces told of each span that is new */
  constructor(statements: Statements, derived: DerivedMetrics, traces: TraceTable) {
    this.#statements = statements;
    this.#derived = derived;
    this.#traces = traces;
  }

  /** One that is there already, told of by the same, is left as it is. It is there after `settle`. */
  add(span: StoredSpan, place: TelemetryPlace): void {
    const batch = this.#traces.batchOf(span, place);
    this.#waiting.push({ span, place, batch, series: this.#derived.spanSeries(span, place) });
    if (this.#waiting.length === ROWS_AT_ONCE) this.settle();
  }

  /** Puts in what waits. Before the end of a transaction, and before what is kept of traces and metrics is settled. */
  settle(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const values: SQLInputValue[] = [];
    for (const each of waiting) this.#addValues(values, each);
    const added = this.#statements.run(insertSpans(waiting.length), ...values);
    for (const each of added === waiting.length ? waiting : this.#newest(added, waiting)) {
      this.#derived.addSpan(each.span, each.place, each.series);
      this.#traces.add(each.batch, each.span, each.place);
    }
  }

  /** Those that were put in, which are the last so many. */
  #newest(added: number, waiting: readonly Waiting[]): Waiting[] {
    const rows = this.#statements.all<{ name: string }>(NEWEST, added);
    const names = new Set(rows.map(({ name }) => name));
    return waiting.filter(({ span: { span }, place: { origin, sandbox = 0 }, batch: { key } }) =>
      // One that was there twice counts once.
      names.delete(`${key} ${span} ${origin} ${sandbox}`),
    );
  }

  #addValues(values: SQLInputValue[], { span, place: { org, sandbox, run, origin }, batch }: Waiting): void {
    values.push(
      org,
      batch.key,
      span.span,
      span.parent,
      span.name,
      span.kind,
      span.start,
      span.duration,
      span.status,
      span.message ?? null,
      span.cause ?? null,
      origin,
      sandbox ?? null,
      run ?? null,
      span.service,
      this.originKey(span.resource),
      this.originKey(span.scope),
      span.attributes,
      jsonOrNull(span.events),
      jsonOrNull(span.links),
    );
  }

  /** The number of a resource or scope, which must not be changed afterwards; null of none. */
  originKey(origin: object | undefined): number | null {
    if (origin === undefined) return null;
    const same = this.#originsByObject.get(origin);
    if (same !== undefined) return same;
    const key = this.#numberOf(JSON.stringify(origin));
    this.#originsByObject.set(origin, key);
    return key;
  }

  #numberOf(json: string): number {
    const name = json.length < 200 ? json : createHash("sha256").update(json).digest("base64");
    const known = this.#origins.get(name);
    if (known !== undefined) return known;
    this.#statements.run("INSERT INTO origins (json) VALUES (?) ON CONFLICT DO NOTHING", json);
    const row = this.#statements.get<{ key: number }>("SELECT key FROM origins WHERE json = ?", json);
    const key = (row as { key: number }).key;
    if (this.#origins.size >= MAX_KNOWN) this.#origins.clear();
    this.#origins.set(name, key);
    return key;
  }

  /** After a transaction that was rolled back, or rows that were removed. */
  forget(): void {
    this.#waiting = [];
    this.#origins.clear();
    this.#originsByObject = new WeakMap();
  }
}

const COLUMNS = `org, trace, span, parent, name, kind, start, duration, status, message, cause, origin, sandbox, run, service, resource,
  scope, attributes, events, links`;
const ROW = `(${COLUMNS.replace(/\w+/g, "?")})`;
const INSERTS = Array.from(
  { length: ROWS_AT_ONCE },
  (_, index) =>
    `INSERT INTO spans (${COLUMNS}) VALUES ${new Array(index + 1).fill(ROW).join()} ON CONFLICT DO NOTHING`,
);
const NEWEST = `SELECT trace || ' ' || span || ' ' || origin || ' ' || coalesce(sandbox, 0) AS name
  FROM spans ORDER BY key DESC LIMIT ?`;

function insertSpans(rows: number): string {
  return INSERTS[rows - 1]!;
}

function jsonOrNull(items: readonly object[] | undefined): string | null {
  return items === undefined || items.length === 0 ? null : JSON.stringify(items);
}
