import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { DerivedMetrics } from "./metrics/derived-metrics.ts";
import { MetricTable } from "./metrics/metric-table.ts";
import { openDatabase } from "./open-database.ts";
import { getTrace } from "./queries/get-trace.ts";
import { listTraces } from "./queries/list-traces.ts";
import { Retention } from "./retention.ts";
import { ORIGIN, SpanTable, type TelemetryPlace } from "./span-table.ts";
import { Statements } from "./statements.ts";
import { TraceTable } from "./trace-table.ts";

const PROGRAM: TelemetryPlace = { org: 1, sandbox: undefined, run: undefined, origin: ORIGIN.client };
const ORGS = ["first", "second"] as const;

/** A store's tables of spans, traces and derived metrics, without what fills them. */
class Tables {
  readonly database: DatabaseSync;
  readonly #statements: Statements;
  readonly #metrics: MetricTable;
  readonly #derived: DerivedMetrics;
  readonly #traces: TraceTable;
  readonly #spans: SpanTable;

  constructor(t: TestContext) {
    const dir = mkdtempSync(join(tmpdir(), "sandglass-spans-"));
    this.database = openDatabase(join(dir, "store.db"), () => {});
    t.after(() => {
      this.database.close();
      rmSync(dir, { recursive: true, force: true });
    });
    this.database.function("going", () => 1);
    this.database.exec("INSERT INTO orgs VALUES (1, 'first'), (2, 'second')");
    this.#statements = new Statements(this.database);
    this.#metrics = new MetricTable(this.#statements);
    this.#derived = new DerivedMetrics(this.#statements, this.#metrics);
    this.#traces = new TraceTable(this.#statements);
    this.#spans = new SpanTable(this.#statements, this.#derived, this.#traces);
  }

  /** One transaction of the store's. */
  put(spans: readonly { trace: number; span: number; start?: number; place?: TelemetryPlace }[]): void {
    for (const { trace, span, start = 1_000_000, place = PROGRAM } of spans) {
      const ids = { trace: hex(trace, 32), span: hex(span, 16), parent: "", resource: {} };
      const told = { name: "step", kind: 1, start, duration: 10, status: 0, service: "report" };
      this.#spans.add({ ...ids, ...told, attributes: "{}", hashes: [span] }, place);
    }
    this.#spans.settle();
    this.#traces.settle();
    this.#derived.settle();
    this.#metrics.settle();
  }

  expire(now: number, maxAgeMs: number): void {
    new Retention(this.database, { maxBytes: Number.MAX_SAFE_INTEGER, maxAgeMs }).expire(now);
    this.#spans.forget();
    this.#traces.forget();
    this.#metrics.forget();
    this.#derived.forget();
  }

  /** Numbers of traces with how many spans the list says that they have. */
  listed(orgId: (typeof ORGS)[number] = "first"): Record<number, number> {
    const { items } = listTraces(this.#statements, { orgId, limit: 100 });
    return Object.fromEntries(items.map(({ traceId, spans }) => [Number.parseInt(traceId, 16), spans]));
  }

  spansOf(trace: number, orgId: (typeof ORGS)[number] = "first"): number[] {
    const found = getTrace(this.#statements, { orgId, traceId: hex(trace, 32) });
    return (found?.spans ?? []).map(({ spanId }) => Number.parseInt(spanId, 16)).sort((a, b) => a - b);
  }

  /** Spans that the metric of durations counts. */
  counted(): number {
    const row = this.#statements.get<{ points: number }>("SELECT sum(points) AS points FROM metrics");
    return row?.points ?? 0;
  }

  /** Batches in the index of attributes. */
  batches(): number {
    return this.#statements.all("SELECT rowid FROM traces_attributes").length;
  }
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

test("a span that was sent before, or twice at once, counts once, wherever it stands among others", (t) => {
  const tables = new Tables(t);
  tables.put(numbers(1, 40).map((span) => ({ trace: 1, span })));
  const again = [...numbers(30, 70), 41, 50, 70].map((span) => ({ trace: 1, span }));
  tables.put([...again, { trace: 2, span: 1 }]);
  assert.deepEqual(tables.listed(), { 1: 70, 2: 1 });
  assert.deepEqual(tables.spansOf(1), numbers(1, 70));
  assert.equal(tables.counted(), 71);
  assert.equal(tables.batches(), 3);
  tables.put(again);
  assert.deepEqual(tables.listed(), { 1: 70, 2: 1 });
  assert.equal(tables.counted(), 71);
  assert.equal(tables.batches(), 3, "what is there already is in the index again");
});

test("the same ids told by another are another's: of its own organisation, sandbox and kind", (t) => {
  const tables = new Tables(t);
  const sandbox = { ...PROGRAM, origin: ORIGIN.sandbox };
  const places = [PROGRAM, { ...sandbox, sandbox: 1 }, { ...sandbox, sandbox: 2 }, { ...PROGRAM, org: 2 }];
  for (const again of [1, 2]) {
    tables.put(places.map((place) => ({ trace: 1, span: 1, place })));
    assert.deepEqual(tables.listed("first"), { 1: 3 }, `told ${again} times`);
    assert.deepEqual(tables.listed("second"), { 1: 1 });
  }
  assert.deepEqual(tables.spansOf(1, "first"), [1, 1, 1]);
  assert.deepEqual(tables.spansOf(1, "second"), [1]);
});

test("a trace stays as long as one of its spans, which is never taken for another trace's", (t) => {
  const tables = new Tables(t);
  const now = Date.UTC(2026, 0, 5);
  const [old, young] = [(now - 3_600_000) * 1000, now * 1000];
  tables.put([{ trace: 1, span: 1, start: old }]);
  tables.put([{ trace: 2, span: 2, start: young }]);
  // Behind one that is young enough: it is not let go yet.
  tables.put([{ trace: 3, span: 3, start: old }]);
  tables.expire(now, 60_000);
  assert.deepEqual(tables.listed(), { 2: 1, 3: 1 });
  tables.put([{ trace: 4, span: 4, start: young }]);
  assert.deepEqual(
    [1, 2, 3, 4].map((trace) => tables.spansOf(trace)),
    [[], [2], [3], [4]],
  );
});
