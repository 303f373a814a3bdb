import assert from "node:assert/strict";
import { test } from "node:test";
import pc from "picocolors";
import type { TraceInfo, TraceSpan } from "sandglass";
import { traceTree } from "./trace-tree.ts";

const plain = pc.createColors(false);

function span(
  id: string,
  parent: string,
  startMs: number,
  durationMs: number,
  more: Partial<TraceSpan> = {},
): TraceSpan {
  return {
    traceId: "t",
    spanId: id,
    parentSpanId: parent,
    name: id,
    kind: "INTERNAL",
    startTime: new Date(1_776_510_028_000 + startMs).toISOString(),
    durationMs,
    status: "ok",
    sandboxId: "",
    attributes: {},
    ...more,
  };
}

const trace = (spans: TraceSpan[], events: TraceInfo["events"] = []): TraceInfo => ({
  traceId: "t",
  spans,
  events,
});

test("children hang below their parents in order of time, columns are aligned, endings say their cause", () => {
  const spans = [
    span("root", "feedfeedfeedfeed", 0, 120, {
      attributes: { "http.request.method": "POST", "http.route": "/v1/x" },
    }),
    span("second", "root", 50, 20_000, {
      status: "error",
      cause: "oom_killed",
      attributes: { "sandglass.exec.code": "x = 'a' * 2**40", "sandglass.reason": "memory limit 64 MiB" },
    }),
    span("first", "root", 10, 4, { cause: "exited", attributes: { "process.exit.code": 3 } }),
    span("below", "first", 11, 0.25, { status: "running" }),
  ];
  assert.equal(
    traceTree(trace(spans), plain, { columns: 0 }),
    [
      "root         +0.00 ms  120.0 ms  ok          POST /v1/x",
      "├─ first     +10.0 ms   4.00 ms  exited 3",
      "│  └─ below  +11.0 ms   0.25 ms  running",
      "└─ second    +50.0 ms   20.00 s  oom_killed  x = 'a' * 2**40  (memory limit 64 MiB)",
    ].join("\n"),
  );
});

test("failed spans are red", () => {
  const text = traceTree(trace([span("bad", "", 0, 1, { status: "error" })]), pc.createColors(true), {
    columns: 0,
  });
  assert.ok(text.includes("\u001b[31mbad\u001b[39m"), JSON.stringify(text));
});

test("points in time appear below their span where they are asked for", () => {
  const point = {
    timestamp: new Date(1_776_510_028_005).toISOString(),
    type: "sandbox.booted",
    spanId: "root",
    sandboxId: "",
  };
  const info = trace(
    [span("root", "", 0, 10), span("child", "root", 7, 1)],
    [{ ...point, data: { bootMs: 5 } }],
  );
  assert.doesNotMatch(traceTree(info, plain, { columns: 0 }), /booted/);
  const lines = traceTree(info, plain, { columns: 0, events: true }).split("\n");
  assert.match(lines[1] ?? "", /^├─ sandbox\.booted +\+5\.00 ms +bootMs=5$/);
});

test("requests that only recorded an agent's own events appear where events are asked for", () => {
  const attributes = { "http.request.method": "POST", "http.route": "/v1/runs/{runId}/events" };
  const info = trace([span("root", "", 0, 10), span("report", "root", 1, 1, { attributes })]);
  assert.equal(traceTree(info, plain, { columns: 0 }).split("\n").length, 1);
  assert.match(traceTree(info, plain, { columns: 0, events: true }), /└─ report/);
  const failed = trace([
    span("root", "", 0, 10),
    span("report", "root", 1, 1, { attributes, status: "error" }),
  ]);
  assert.match(traceTree(failed, plain, { columns: 0 }), /└─ report/);
});

test("what a sandbox put into a name or command cannot move the cursor, colour or break the line", () => {
  const hostile = "x\u001b[2K\r\nroot ok\u202e";
  const info = trace([
    span("a", "", 0, 1, { name: hostile, attributes: { "process.command_line": hostile } }),
  ]);
  const text = traceTree(info, plain, { columns: 0 });
  assert.equal(text.split("\n").length, 1);
  assert.doesNotMatch(text, /[\u001b\r\u202e]/);
});

test("a line is cut to the terminal's width", () => {
  const info = trace([span("a", "", 0, 1, { attributes: { "process.command_line": "y".repeat(500) } })]);
  for (const line of traceTree(info, plain, { columns: 60 }).split("\n"))
    assert.ok([...line].length <= 60, line);
});

test("spans that name each other as parents are shown once each, and the command ends", () => {
  const spans = [span("a", "b", 0, 1), span("b", "a", 1, 1), span("self", "self", 2, 1)];
  const text = traceTree(trace(spans), plain, { columns: 0 });
  for (const name of ["a", "b", "self"]) {
    assert.equal(
      text.split("\n").filter((line) => line.replace(/^[└─├│ ]+/u, "").startsWith(`${name} `)).length,
      1,
      text,
    );
  }
});

test("microseconds tell apart what began in the same millisecond", () => {
  const at = (micros: string): string => `2026-04-18T14:00:00.001${micros}Z`;
  const spans = [
    span("late", "root", 0, 1, { startTime: at("900") }),
    span("early", "root", 0, 1, { startTime: at("150") }),
    span("root", "", 0, 1, { startTime: at("100") }),
  ];
  const text = traceTree(trace(spans), plain, { columns: 0 });
  assert.match(text, /├─ early +\+0\.05 ms[^\n]*\n└─ late +\+0\.80 ms/);
});
