import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventInput, RuntimeEvent, TraceInfo } from "@sandglass/protocol";
import { created, execOf, inputOf, newPlace, terminated } from "../record/testing/event-inputs.ts";
import { toSpan } from "./span.ts";
import { TraceProjection } from "./trace.ts";

const START = Date.parse("2026-04-18T14:00:00Z");

/** Gives each event a second of its own. */
function eventsOf(inputs: EventInput[]): RuntimeEvent[] {
  return inputs.map((input, i) => {
    const timestamp = new Date(START + i * 1000).toISOString().replace("Z", "000Z");
    return { timestamp, ...input, id: `evt_${i}`, seq: i + 1 } as RuntimeEvent;
  });
}

function traceOf(inputs: EventInput[], now = "2026-04-18T15:00:00.000000Z"): TraceInfo {
  const projection = new TraceProjection("t");
  for (const event of eventsOf(inputs)) projection.apply(event);
  const trace = projection.toTrace(now);
  assert.ok(trace);
  return trace;
}

const place = newPlace({ runId: "run_1" });

test("an event that says how long it took is a span that ends with it", () => {
  const [event] = eventsOf([created(place, "aaaaaaaaaaaaaaaa")]);
  assert.deepEqual(toSpan(event!), {
    traceId: place.traceId,
    spanId: "aaaaaaaaaaaaaaaa",
    parentSpanId: place.parentSpanId,
    name: "sandbox.create",
    kind: "INTERNAL",
    startTime: "2026-04-18T13:59:59.998000Z",
    durationMs: 2,
    status: "ok",
    sandboxId: place.sandboxId,
    attributes: {
      "sandglass.org.id": "default",
      "sandglass.sandbox.id": place.sandboxId,
      "sandglass.run.id": "run_1",
      "sandglass.template.id": "python",
      "sandglass.sandbox.source": "pool",
      "sandglass.sandbox.isolation": "bubblewrap",
      "sandglass.sandbox.vcpu": 1,
      "sandglass.sandbox.memory_mb": 256,
      "sandglass.sandbox.disk_mb": 512,
    },
  });
});

test("the names and kinds of spans are those of the design's table", () => {
  const file = { path: "/a", sizeBytes: 1, durationMs: 1 };
  const http = { method: "GET", route: "/", path: "/", status: 200, durationMs: 1, requestId: "r" };
  const { spans } = traceOf([
    inputOf(place, "http.request", http),
    created(place),
    execOf(place).completed,
    inputOf(place, "file.created", file),
    inputOf(place, "file.modified", file),
    inputOf(place, "file.read", file),
    inputOf(place, "sandbox.forked", { children: ["a", "b"], durationMs: 1 }),
    inputOf(place, "sandbox.merged", { winner: "a", durationMs: 1 }),
    inputOf(place, "sandbox.paused", { reason: "user", durationMs: 1 }),
    inputOf(place, "sandbox.resumed", { reason: "call", durationMs: 1, pausedMs: 1 }),
    terminated(place),
  ]);
  assert.deepEqual(
    spans.map(({ name }) => name),
    [
      "http_request",
      "sandbox.create",
      "sandbox.execute",
      "sandbox.file.write",
      "sandbox.file.write",
      "sandbox.file.read",
      "sandbox.fork",
      "sandbox.merge_into",
      "sandbox.pause",
      "sandbox.resume",
      "sandbox.terminate",
    ],
  );
  assert.deepEqual(spans.map(({ kind }) => kind).slice(0, 2), ["SERVER", "INTERNAL"]);
});

test("an exec is one span from its beginning to its end, and runs until then", () => {
  const { started, completed } = execOf(place);
  const running = traceOf([started], "2026-04-18T14:00:03.500000Z").spans;
  assert.equal(running.length, 1);
  assert.deepEqual(
    [running[0]!.status, running[0]!.durationMs, running[0]!.name],
    ["running", 3500, "sandbox.execute"],
  );
  const [span, ...more] = traceOf([started, completed]).spans;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [span!.status, span!.startTime, span!.durationMs, span!.cause],
    ["ok", "2026-04-18T14:00:00.000000Z", 5, "exited"],
  );
  assert.equal(span!.spanId, started.spanId);
  assert.deepEqual(
    [span!.attributes["process.exit.code"], span!.attributes["sandglass.exec.code"]],
    [0, "print(1)"],
  );
});

test("an exec that did not go well is an error with its cause", () => {
  const { completed } = execOf(place);
  const failed = {
    ...completed,
    data: {
      ...completed.data,
      exitCode: 137,
      signal: "SIGKILL",
      cause: "oom_killed",
      reason: "memory limit 256 MiB",
    },
  } as EventInput;
  const [span] = traceOf([failed]).spans;
  assert.deepEqual([span!.status, span!.cause], ["error", "oom_killed"]);
  assert.equal(span!.attributes["error.type"], "oom_killed");
  assert.equal(span!.attributes["sandglass.reason"], "memory limit 256 MiB");
});

test("a tool's call and result are one span, found by the call's id, with the call's place in the trace", () => {
  const call = inputOf(
    place,
    "agent.tool_call",
    { toolName: "run_code", toolCallId: "call_1" },
    { spanId: "cccccccccccccccc" },
  );
  const result = inputOf(place, "agent.tool_result", {
    toolName: "run_code",
    toolCallId: "call_1",
    durationMs: 900,
    isError: true,
  });
  const other = inputOf(place, "agent.tool_call", { toolName: "other", toolCallId: "call_2" });
  const { spans } = traceOf([call, other, result]);
  assert.deepEqual(
    spans.map(({ name, status }) => [name, status]),
    [
      ["agent.tool_call", "error"],
      ["agent.tool_call", "running"],
    ],
  );
  assert.deepEqual([spans[0]!.spanId, spans[0]!.parentSpanId], ["cccccccccccccccc", place.parentSpanId]);
  assert.equal(spans[0]!.attributes["gen_ai.tool.name"], "run_code");
});

test("a run is one span named after the agent, from its start on", () => {
  const started = inputOf(place, "run.started", { name: "analyst" }, { spanId: "dddddddddddddddd" });
  const outcome = {
    name: "analyst",
    status: "ok",
    durationMs: 2000,
    costUsd: 0.1,
    inputTokens: 10,
    outputTokens: 5,
  } as const;
  const completed = inputOf(place, "run.completed", outcome, { spanId: "dddddddddddddddd" });
  const { spans } = traceOf([started, created(place), completed]);
  assert.deepEqual(
    spans.map(({ name }) => name),
    ["invoke_agent analyst", "sandbox.create"],
  );
  assert.equal(spans[0]!.attributes["gen_ai.usage.input_tokens"], 10);
});

test("what is a point in time is an event of the trace, and a 404 is no error of the server's span", () => {
  const { spans, events } = traceOf([
    inputOf(place, "sandbox.booted", { template: "python", bootMs: 30, connectMs: 4 }),
    inputOf(place, "exec.timed_out", { execId: "e", timeoutMs: 5 }),
    inputOf(place, "http.request", {
      method: "GET",
      route: "",
      path: "/x",
      status: 404,
      durationMs: 1,
      requestId: "r",
    }),
  ]);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["sandbox.booted", "exec.timed_out"],
  );
  assert.deepEqual(
    spans.map(({ status }) => status),
    ["ok"],
  );
});

test("a trace of which nothing came is none", () => {
  assert.equal(new TraceProjection("t").toTrace("2026-04-18T14:00:00Z"), undefined);
});
