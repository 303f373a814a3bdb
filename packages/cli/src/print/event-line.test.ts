import assert from "node:assert/strict";
import { test } from "node:test";
import pc from "picocolors";
import type { EventLine } from "sandglass";
import { eventLine } from "./event-line.ts";

const plain = pc.createColors(false);
const base = {
  id: "evt_1",
  seq: 1,
  timestamp: "2026-04-18T14:00:00.123456Z",
  level: "info",
  orgId: "default",
  sandboxId: "sbx_1",
  runId: "",
  traceId: "t",
  spanId: "s",
  parentSpanId: "",
  cursor: "c",
} as const;

test("an event is one line with its time, level, type, sandbox and data", () => {
  const data = {
    execId: "exec_1",
    kind: "command",
    command: "ls -la",
    exitCode: 0,
    cause: "exited",
    durationMs: 12.34,
    cpuMs: 3,
    maxRssBytes: 1,
    stdoutBytes: 5,
    stderrBytes: 0,
  } as const;
  const line = eventLine({ ...base, type: "exec.completed", data }, plain);
  assert.match(
    line,
    /^\d\d:\d\d:00\.123 INFO {2}exec\.completed {5}sbx_1 cause=exited exitCode=0 durationMs=12\.3ms command="ls -la" /,
  );
  assert.match(line, / execId=exec_1 kind=command$/);
});

test("a line is made to fit the terminal: whole words, what tells most first, and a sign that there is more", () => {
  const data = { cause: "user", lifetimeMs: 5_000, durationMs: 12.34, execs: 3, cpuMs: 1_500 } as const;
  const event = { ...base, type: "sandbox.terminated", data } as const;
  const whole = eventLine(event, plain);
  assert.match(whole, / cause=user durationMs=12\.3ms lifetimeMs=5\.00s execs=3 cpuMs=1\.50s$/);
  assert.equal(eventLine(event, plain, 200), whole);
  const cut = eventLine(event, plain, 95);
  assert.match(cut, / cause=user durationMs=12\.3ms lifetimeMs=5\.00s …$/);
  assert.ok([...cut].length <= 95);
  assert.match(eventLine(event, plain, 20), / cause=user durationMs=12\.3ms …$/);
});

test("memory over time is a number, and no duration", () => {
  const data = { cpuMs: 1_500, memoryMbMs: 30_900_000, at: "2026-04-18T14:00:00Z" };
  const line = eventLine({ ...base, type: "cost.runtime", data } as unknown as EventLine, plain);
  assert.match(line, / cpuMs=1\.50s memoryMbMs=30900000 /);
});

test("hostile data stays on its line and cannot paint", () => {
  const data = { toolName: "\u001b[2J\nINFO fake", toolCallId: "x".repeat(500) };
  const line = eventLine({ ...base, type: "agent.tool_call", data } as EventLine, plain);
  assert.doesNotMatch(line, /[\u001b\n]/);
  assert.ok(line.length < 300);
});

test("a gap says how many events are gone", () => {
  const gap = { type: "gap", fromPosition: 5, toPosition: 9, reason: "retention", cursor: "c" } as const;
  assert.equal(eventLine(gap, plain), "… 5 events are gone from the record: retention");
});
