import { ORIGIN, STATUS_ERROR, type StoredSpan, type TelemetryPlace } from "./span-table.ts";
import type { Statements } from "./statements.ts";
import { indexHashes, sandboxHash } from "./trace-index.ts";

/** What came of a trace since the last `settle`. */
export interface TraceBatch {
  /** The trace's number. */
  key: number;
  org: number;
  trace: string;
  /** Batches of it before this one. */
  earlier: number;
  start: number;
  end: number;
  spans: number;
  errors: number;
  root: string;
  service: string;
  rootStart: number;
  rank: number;
  sandbox: number | null;
  run: number | null;
  hashes: Set<number>;
}

/** Keeps, of each trace, what a list of traces shows, and an index of the attributes that its spans have. */
export class TraceTable {
  readonly #statements: Statements;
  readonly #batches = new Map<string, TraceBatch>();
  #last: TraceBatch | undefined;
  /** Of all traces; undefined where it is to be looked up. */
  #highestKey: number | undefined;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** What a span belongs to, which may turn out to be there already. Its attributes can be looked for from the next `settle` on. */
  batchOf(span: StoredSpan, { org, sandbox }: TelemetryPlace): TraceBatch {
    const batch = this.#batchOf(span, org);
    for (const hash of span.hashes) batch.hashes.add(hash);
    if (sandbox !== undefined) batch.hashes.add(sandboxHash(sandbox));
    return batch;
  }

  /** A span that is new. */
  add(batch: TraceBatch, span: StoredSpan, { sandbox, run, origin }: TelemetryPlace): void {
    // What a sandbox says of a trace that others take part in too does not name it.
    const rank = origin === ORIGIN.sandbox ? 0 : span.parent === "" ? 2 : 1;
    if (rank > batch.rank || (rank === batch.rank && span.start < batch.rootStart)) {
      batch.rank = rank;
      batch.root = span.name;
      batch.service = span.service;
      batch.rootStart = span.start;
    }
    batch.start = Math.min(batch.start, span.start);
    batch.end = Math.max(batch.end, span.start + span.duration);
    batch.spans += 1;
    if (span.status === STATUS_ERROR) batch.errors += 1;
    batch.sandbox ??= sandbox ?? null;
    batch.run ??= run ?? null;
  }

  /** At the end of a transaction: the rows of all that were added to. */
  settle(): void {
    for (const batch of this.#batches.values()) {
      // All of it had come before.
      if (batch.spans === 0) continue;
      const { key, org, trace, start, end, spans, errors, root, service, rootStart, rank, sandbox, run } =
        batch;
      this.#statements.run(
        UPSERT_TRACE,
        key,
        org,
        trace,
        start,
        end,
        spans,
        errors,
        root,
        service,
        rootStart,
        rank,
        sandbox,
        run,
      );
      if (batch.hashes.size > 0) {
        indexHashes(this.#statements, { key, batches: batch.earlier + 1 }, batch.hashes);
      }
    }
    this.#clear();
  }

  /** After a transaction that was rolled back, or rows that were removed. */
  forget(): void {
    this.#clear();
    this.#highestKey = undefined;
  }

  #clear(): void {
    this.#batches.clear();
    this.#last = undefined;
  }

  #batchOf({ trace }: StoredSpan, org: number): TraceBatch {
    const last = this.#last;
    if (last !== undefined && last.trace === trace && last.org === org) return last;
    const name = `${trace} ${org}`;
    let batch = this.#batches.get(name);
    if (batch === undefined) {
      batch = this.#begin(trace, org);
      this.#batches.set(name, batch);
    }
    this.#last = batch;
    return batch;
  }

  #begin(trace: string, org: number): TraceBatch {
    const known = this.#statements.get<{ key: number; batches: number }>(FIND_TRACE, org, trace);
    return {
      ...{ key: known?.key ?? this.#newKey(), org, trace, earlier: known?.batches ?? 0 },
      ...{ start: Number.POSITIVE_INFINITY, end: 0, spans: 0, errors: 0 },
      ...{ root: "", service: "", rootStart: Number.POSITIVE_INFINITY, rank: -1 },
      ...{ sandbox: null, run: null, hashes: new Set<number>() },
    };
  }

  #newKey(): number {
    this.#highestKey ??=
      this.#statements.get<{ key: number | null }>("SELECT max(key) AS key FROM traces")?.key ?? 0;
    this.#highestKey += 1;
    return this.#highestKey;
  }
}

const FIND_TRACE = "SELECT key, batches FROM traces WHERE org = ? AND trace = ?";

const UPSERT_TRACE = `INSERT INTO traces (key, org, trace, start, end, spans, errors, root, service, root_start, rank, sandbox, run)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET
    root = iif((excluded.rank, -excluded.root_start) > (rank, -root_start), excluded.root, root),
    service = iif((excluded.rank, -excluded.root_start) > (rank, -root_start), excluded.service, service),
    root_start = iif((excluded.rank, -excluded.root_start) > (rank, -root_start), excluded.root_start, root_start),
    rank = max(rank, excluded.rank),
    start = min(start, excluded.start), end = max(end, excluded.end),
    spans = spans + excluded.spans, errors = errors + excluded.errors, batches = batches + 1,
    sandbox = coalesce(sandbox, excluded.sandbox), run = coalesce(run, excluded.run)`;
