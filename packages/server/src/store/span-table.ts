import { createHash } from "node:crypto";
import type { Statements } from "./statements.ts";

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
  attributes: object;
  events?: readonly object[] | undefined;
  links?: readonly object[] | undefined;
}

/** Keeps the rows of spans and, of each trace, what a list of traces shows. */
export class SpanTable {
  readonly #statements: Statements;
  readonly #origins = new Map<string, number>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** One that is there already, told of by the same, is left as it is. */
  add(span: StoredSpan, { org, sandbox, run, origin }: TelemetryPlace): void {
    const added = this.#statements.run(
      `INSERT INTO spans (org, trace, span, parent, name, kind, start, duration, status, message, cause, origin, sandbox, run,
         service, resource, scope, attributes, events, links)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[
        org,
        span.trace,
        span.span,
        span.parent,
        span.name,
        span.kind,
        span.start,
        span.duration,
        span.status,
      ],
      ...[span.message ?? null, span.cause ?? null, origin, sandbox ?? null, run ?? null, span.service],
      ...[this.originKey(span.resource), this.originKey(span.scope), JSON.stringify(span.attributes)],
      ...[jsonOrNull(span.events), jsonOrNull(span.links)],
    );
    if (added === 0) return;
    // What a sandbox says of a trace that others take part in too does not name it.
    const rank = origin === ORIGIN.sandbox ? 0 : span.parent === "" ? 2 : 1;
    this.#statements.run(
      `INSERT INTO traces (org, trace, start, end, spans, errors, root, service, root_start, rank, sandbox, run)
       VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET
         root = iif((excluded.rank, -excluded.root_start) > (rank, -root_start), excluded.root, root),
         service = iif((excluded.rank, -excluded.root_start) > (rank, -root_start), excluded.service, service),
         root_start = iif((excluded.rank, -excluded.root_start) > (rank, -root_start), excluded.root_start, root_start),
         rank = max(rank, excluded.rank),
         start = min(start, excluded.start), end = max(end, excluded.end),
         spans = spans + 1, errors = errors + excluded.errors,
         sandbox = coalesce(sandbox, excluded.sandbox), run = coalesce(run, excluded.run)`,
      ...[org, span.trace, span.start, span.start + span.duration, span.status === STATUS_ERROR ? 1 : 0],
      ...[span.name, span.service, span.start, rank, sandbox ?? null, run ?? null],
    );
  }

  /** The number of a resource or scope; null of none. */
  originKey(origin: object | undefined): number | null {
    if (origin === undefined) return null;
    const json = JSON.stringify(origin);
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
    this.#origins.clear();
  }
}

function jsonOrNull(items: readonly object[] | undefined): string | null {
  return items === undefined || items.length === 0 ? null : JSON.stringify(items);
}
