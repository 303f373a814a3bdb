import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { attributeHash } from "@sandglass/telemetry/reading";
import { settleTraces } from "./erase/settle-traces.ts";
import { DerivedMetrics } from "./metrics/derived-metrics.ts";
import { MetricTable } from "./metrics/metric-table.ts";
import { openDatabase } from "./open-database.ts";
import { listTraces } from "./queries/list-traces.ts";
import { ORIGIN, SpanTable } from "./span-table.ts";
import { Statements } from "./statements.ts";
import { TraceTable } from "./trace-table.ts";

/** A store's tables of spans and traces, without what fills them. */
class Filled {
  readonly database: DatabaseSync;
  readonly statements: Statements;
  readonly #spans: SpanTable;
  readonly #traces: TraceTable;
  #count = 0;

  constructor(t: TestContext) {
    const dir = mkdtempSync(join(tmpdir(), "sandglass-attributes-"));
    this.database = openDatabase(join(dir, "store.db"), () => {});
    t.after(() => {
      this.database.close();
      rmSync(dir, { recursive: true, force: true });
    });
    this.database.function("going", () => 1);
    this.statements = new Statements(this.database);
    this.#traces = new TraceTable(this.statements);
    const derived = new DerivedMetrics(this.statements, new MetricTable(this.statements));
    this.#spans = new SpanTable(this.statements, derived, this.#traces);
    this.database.exec("INSERT INTO orgs VALUES (1, 'default')");
  }

  add(trace: number, attributes: object, sandbox?: number): void {
    this.#count += 1;
    const span = this.#count.toString(16).padStart(16, "0");
    const hashes = Object.entries(attributes).flatMap(([name, value]) => attributeHash(name, value) ?? []);
    this.#spans.add(
      {
        ...{
          trace: idOf(trace),
          span,
          parent: "",
          name: "step",
          kind: 1,
          start: trace * 1000,
          duration: 10,
          status: 0,
        },
        ...{ service: "report", attributes: JSON.stringify(attributes), hashes },
      },
      { org: 1, sandbox, run: undefined, origin: ORIGIN.client },
    );
  }

  settle(): void {
    this.#spans.settle();
    this.#traces.settle();
  }

  found(...attribute: string[]): number[] {
    const { items } = listTraces(this.statements, { orgId: "default", limit: 1000, attribute });
    return items.map(({ traceId }) => Number.parseInt(traceId, 16));
  }
}

function idOf(trace: number): string {
  return trace.toString(16).padStart(32, "0");
}

test("a trace is found by what any of its spans has, written as it is, and by nothing that looks alike", (t) => {
  const store = new Filled(t);
  const attributes = {
    text: 'a "quoted" value',
    number: 42,
    half: 0.5,
    whole: true,
    list: ["a", 1],
    none: null,
    digits: "007",
  };
  store.add(1, attributes);
  store.add(1, { later: "in the same batch" });
  store.add(2, { text: "another", number: 421, inner: { number: 42 } });
  store.settle();
  store.add(1, { latest: "in another batch" });
  store.settle();
  const same = ['text=a "quoted" value', "number=42", "half=0.5", "whole=true", 'list=["a",1]', "digits=007"];
  for (const pair of [...same, "later=in the same batch", "latest=in another batch"]) {
    assert.deepEqual(store.found(pair), [1], pair);
  }
  for (const pair of ["number=4", "none=null", "digits=7", "text=a", "whole=1", "missing=1", "number="]) {
    assert.deepEqual(store.found(pair), [], pair);
  }
  assert.deepEqual(store.found("number=42", "latest=in another batch"), [1]);
  assert.deepEqual(store.found("number=42", "number=421"), []);
  assert.deepEqual(store.found("number=421"), [2]);
});

test("what many traces have comes newest first, and what few of them have is found among them", (t) => {
  const store = new Filled(t);
  store.database.exec("BEGIN");
  for (let trace = 1; trace <= 1500; trace += 1)
    store.add(trace, { common: "yes", rare: trace, part: trace % 3 });
  store.settle();
  store.database.exec("COMMIT");
  assert.deepEqual(store.found("common=yes").slice(0, 3), [1500, 1499, 1498]);
  assert.deepEqual(store.found("common=yes", "part=0").slice(0, 2), [1500, 1497]);
  assert.deepEqual(store.found("common=yes", "rare=7"), [7]);
  assert.deepEqual(store.found("common=no"), []);
});

test("after spans were deleted the index knows those that are left, and of a trace that is gone nothing", (t) => {
  const store = new Filled(t);
  store.add(1, { secret: "gone" }, 5);
  store.add(1, { kept: "here" });
  store.add(2, { secret: "gone" }, 5);
  store.settle();
  store.database.exec("DELETE FROM spans WHERE sandbox = 5");
  settleTraces(store.statements, { org: 1, traces: [1, 2], sandboxes: "[5]", run: undefined });
  assert.deepEqual(store.found("kept=here"), [1]);
  assert.deepEqual(store.found("secret=gone"), []);
  const entries = store.statements.all("SELECT rowid FROM traces_attributes");
  assert.equal(entries.length, 1, "the index has more than the trace that is left");
});
