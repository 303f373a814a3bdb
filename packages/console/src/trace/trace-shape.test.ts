import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEntry, TraceSpan } from "@sandglass/protocol";
import { buildSpanTree } from "./span-tree.ts";
import { itemsOf, logsByRow } from "./trace-items.ts";
import { shapeOf, type TraceShape, visibleRows } from "./trace-shape.ts";

/** From and to in milliseconds. */
function span(spanId: string, parentSpanId: string, from: number, to: number, more = {}): TraceSpan {
  const startTime = new Date(1_000_000 + from).toISOString();
  return {
    spanId,
    parentSpanId,
    name: spanId,
    startTime,
    durationMs: to - from,
    status: "ok",
    attributes: {},
    ...more,
  } as TraceSpan;
}
const shapeFrom = (...spans: TraceSpan[]): TraceShape => shapeOf(buildSpanTree(spans));

function criticalOf(shape: TraceShape): string[] {
  const said: string[] = [];
  for (let at = 0; at < shape.critical.length; at += 3) {
    const [row = 0, from, to] = shape.critical.slice(at, at + 3);
    said.push(`${shape.names[row]} ${from}-${to}`);
  }
  return said;
}

test("the critical path goes back from the end through what ended last, and leaves out what ran beside it", () => {
  const shape = shapeFrom(
    span("root", "", 0, 100),
    span("first", "root", 10, 40),
    span("beside", "root", 10, 30),
    span("second", "root", 50, 90),
    span("inner", "second", 60, 90),
  );
  assert.deepEqual(criticalOf(shape), [
    "root 0-10",
    "root 40-50",
    "root 90-100",
    "first 10-40",
    "second 50-60",
    "inner 60-90",
  ]);
});

test("a child that outlives its parent is on the critical path with its own end", () => {
  const shape = shapeFrom(span("request", "", 0, 10), span("work", "request", 5, 200));
  assert.deepEqual(criticalOf(shape), ["request 0-5", "work 5-200"]);
});

test("in the flame view a child stands below its parent, and what overlaps beside each other", () => {
  const shape = shapeFrom(
    span("root", "", 0, 100),
    span("a", "root", 10, 50),
    span("b", "root", 20, 60),
    span("c", "root", 60, 90),
  );
  const lanes = Object.fromEntries(shape.names.map((name, row) => [name, shape.lane[row]]));
  assert.deepEqual(lanes, { root: 0, a: 1, b: 2, c: 1 });
  assert.equal(shape.lanes, 3);
});

test("a span says what it was about: a request's route, the beginning of a cell, and nothing twice", () => {
  const about = (name: string, attributes: object): string | undefined =>
    shapeFrom(span("a", "", 0, 1, { name, attributes })).subjects[0];
  assert.equal(
    about("http_request", { "http.request.method": "POST", "http.route": "/v1/runs/{runId}/events" }),
    "POST /runs/…/events",
  );
  assert.equal(about("sandbox.execute", { "sandglass.exec.code": "a = 1\n\nb = 2" }), "a = 1 b = 2");
  assert.equal(about("execute_tool search", { "gen_ai.tool.name": "search" }), "");
  assert.equal(about("step", { index: 1 }), "");
});

test("folding hides what is below, and nothing else; services and parents are by row", () => {
  const shape = shapeFrom(
    span("a", "", 0, 9),
    span("b", "a", 1, 8, { service: "agent" }),
    span("c", "b", 2, 7),
    span("d", "", 4, 5),
  );
  assert.deepEqual(visibleRows(shape, new Set([1])), [0, 1, 3]);
  assert.deepEqual([...shape.parent], [-1, 0, 1, -1]);
  assert.deepEqual(shape.services[shape.service[1] ?? 0], "agent");
});

test("logs stand below their span, those of a folded one's descendants below it", () => {
  const shape = shapeFrom(
    span("a", "", 0, 9),
    span("b", "a", 1, 8),
    span("c", "", 2, 3, { status: "error" }),
  );
  const log = (id: string, spanId: string): LogEntry => ({ id, spanId, timestamp: id }) as LogEntry;
  const logs = logsByRow(shape, [log("2", "b"), log("1", "a"), log("3", "gone")]);
  const said = (folded: number[], shown: "all" | "errors"): string[] =>
    itemsOf(shape, new Set(folded), shown, logs).map(
      ({ row, log: own }) => own?.id ?? shape.names[row] ?? "",
    );
  assert.deepEqual(said([], "all"), ["a", "1", "b", "2", "c"]);
  assert.deepEqual(said([0], "all"), ["a", "1", "2", "c"]);
  assert.deepEqual(said([], "errors"), ["c"]);
});

test("50,000 spans in a chain and 50,000 side by side are laid out without running out of stack", () => {
  const chain = Array.from({ length: 50_000 }, (_, at) =>
    span(`${at}`, at === 0 ? "" : `${at - 1}`, at, 60_000),
  );
  assert.equal(shapeFrom(...chain).end[0], 50_000);
  const flat = Array.from({ length: 50_000 }, (_, at) =>
    span(`${at}`, at === 0 ? "" : "0", at / 10, at / 10 + 1),
  );
  assert.equal(shapeFrom(...flat).children[0], 49_999);
});
